//! One row per speaker, occurrence and attempt: planned against real, and how it ended.

use loa_protocol::{
    bulletin::{Chime, Priority, Status},
    id::{AreaId, BulletinId, SpeakerId, StoreId},
    live::Streamed,
    playout::{OccurrenceId, Playout},
    telemetry::Hearing,
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Result, Store, StoreError, calls,
    convert::{from_json, from_word, json, number, parse, stored, wall, word},
    hearing,
};

/// In place of a speaker's store: the row is the office's own note that nothing was told. No store is called so.
pub(super) const UNREPORTED_STORE: &str = "";

#[derive(Clone, Debug, PartialEq)]
pub struct PlayoutRow {
    pub speaker: SpeakerId,
    pub occurrence: OccurrenceId,
    pub attempt: u16,
    pub revision: u32,
    pub title: String,
    pub priority: Priority,
    pub status: Status,
    pub planned: WallTime,
    pub started: Option<WallTime>,
    pub ended: Option<WallTime>,
    pub error_us: Option<i64>,
    pub sounded_ms: u64,
    pub cuts: u32,
    /// `untrusted`, `held` or `synced`: the speaker's clock at the start.
    pub trust: String,
    /// `None` while it runs or waits to go on; `unreported` when it was due and the speaker has told nothing of it.
    pub outcome: Option<String>,
    pub reason: Option<String>,
    /// What cut it last.
    pub cut_by: Option<String>,
    /// Was it also heard? `None`: nothing was told of that.
    pub heard: Option<Hearing>,
    /// How clearly, in hundredths.
    pub clarity: Option<u32>,
    /// How long its sound was to be, where the office had the bulletin.
    pub due_ms: Option<u64>,
    /// Of a stream, once something of it sounded.
    pub streamed: Option<Streamed>,
}

/// The place of a row in the list: latest plan first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayoutCursor {
    pub planned: WallTime,
    pub speaker: SpeakerId,
    pub occurrence: OccurrenceId,
    pub attempt: u16,
}

impl PlayoutRow {
    pub fn cursor(&self) -> PlayoutCursor {
        PlayoutCursor {
            planned: self.planned,
            speaker: self.speaker.clone(),
            occurrence: self.occurrence.clone(),
            attempt: self.attempt,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct PlayoutFilter {
    /// Only speakers in or below this area.
    pub area: Option<AreaId>,
    pub bulletin: Option<BulletinId>,
    pub speaker: Option<SpeakerId>,
    /// The word, for instance `missed`; `running` for those without an outcome.
    pub outcome: Option<String>,
    /// Planned at or after.
    pub from: Option<WallTime>,
    /// Planned before.
    pub to: Option<WallTime>,
    pub after: Option<PlayoutCursor>,
    pub limit: u32,
}

#[derive(FromRow)]
struct Row {
    speaker: String,
    occurrence: String,
    attempt: i64,
    revision: i64,
    title: String,
    priority: String,
    status: String,
    planned: i64,
    started: Option<i64>,
    ended: Option<i64>,
    error_us: Option<i64>,
    sounded_ms: i64,
    cuts: i64,
    trust: String,
    outcome: Option<String>,
    reason: Option<String>,
    cut_by: Option<String>,
    heard: Option<String>,
    clarity: Option<i64>,
    due_ms: Option<i64>,
    streamed: Option<String>,
}

impl TryFrom<Row> for PlayoutRow {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<PlayoutRow> {
        Ok(PlayoutRow {
            speaker: parse("speaker", &row.speaker)?,
            occurrence: parse("occurrence", &row.occurrence)?,
            attempt: number("attempt", row.attempt)?,
            revision: number("revision", row.revision)?,
            title: row.title,
            priority: from_word("priority", &row.priority)?,
            status: from_word("status", &row.status)?,
            planned: wall(row.planned),
            started: row.started.map(wall),
            ended: row.ended.map(wall),
            error_us: row.error_us,
            sounded_ms: number("sounded", row.sounded_ms)?,
            cuts: number("cuts", row.cuts)?,
            trust: row.trust,
            outcome: row.outcome,
            reason: row.reason,
            cut_by: row.cut_by,
            heard: row.heard.map(|h| from_word("heard", &h)).transpose()?,
            clarity: row.clarity.map(|c| number("clarity", c)).transpose()?,
            due_ms: row.due_ms.map(|ms| number("due", ms)).transpose()?,
            streamed: row
                .streamed
                .as_deref()
                .map(|text| from_json("streamed", text))
                .transpose()?,
        })
    }
}

impl Store {
    /// Latest plan first.
    pub async fn playouts(&self, filter: &PlayoutFilter) -> Result<Vec<PlayoutRow>> {
        let after = filter.after.as_ref();
        let rows: Vec<Row> = sqlx::query_as(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
             SELECT speaker, occurrence, attempt, revision, title, priority, status, planned, started, ended, \
             error_us, sounded_ms, cuts, trust, outcome, reason, cut_by, heard, clarity, due_ms, streamed FROM playouts \
             WHERE ($1 IS NULL OR speaker IN (SELECT id FROM speakers WHERE area IN (SELECT id FROM below))) \
             AND ($2 IS NULL OR bulletin = $2) AND ($3 IS NULL OR speaker = $3) \
             AND ($4 IS NULL OR COALESCE(outcome, 'running') = $4) \
             AND ($5 IS NULL OR planned >= $5) AND ($6 IS NULL OR planned < $6) \
             AND ($7 IS NULL OR (planned, speaker, occurrence, attempt) < ($7, $8, $9, $10)) \
             ORDER BY planned DESC, speaker DESC, occurrence DESC, attempt DESC LIMIT $11",
        )
        .bind(filter.area.as_ref().map(AreaId::as_str))
        .bind(filter.bulletin.as_ref().map(BulletinId::as_str))
        .bind(filter.speaker.as_ref().map(SpeakerId::as_str))
        .bind(&filter.outcome)
        .bind(filter.from.map(WallTime::as_micros))
        .bind(filter.to.map(WallTime::as_micros))
        .bind(after.map(|a| a.planned.as_micros()))
        .bind(after.map(|a| a.speaker.as_str()))
        .bind(after.map(|a| a.occurrence.to_string()))
        .bind(after.map(|a| i64::from(a.attempt)))
        .bind(i64::from(filter.limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(PlayoutRow::try_from).collect()
    }

    /// Of one speaker, planned in `from..to`, in order of plan.
    pub async fn playouts_of(
        &self,
        speaker: &SpeakerId,
        from: WallTime,
        to: WallTime,
        limit: u32,
    ) -> Result<Vec<PlayoutRow>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT speaker, occurrence, attempt, revision, title, priority, status, planned, started, ended, \
             error_us, sounded_ms, cuts, trust, outcome, reason, cut_by, heard, clarity, due_ms, streamed FROM playouts \
             WHERE speaker = $1 AND planned >= $2 AND planned < $3 \
             ORDER BY planned, occurrence, attempt LIMIT $4",
        )
        .bind(speaker.as_str())
        .bind(from.as_micros())
        .bind(to.as_micros())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(PlayoutRow::try_from).collect()
    }
}

/// What one event says about a playout. A store's later event replaces its earlier one. Another store of the same speaker
/// (its disk was lost) may add what is not known, but never unsays that something sounded; what the lost store had
/// begun and cannot end any more was interrupted when it was lost. What the office itself noted as unreported gives way
/// to whatever the speaker tells. Returns when the row's occurrence was planned, before and after.
pub(super) async fn note(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    store: &StoreId,
    event_number: u64,
    playout: &Playout,
    cut_by: Option<&OccurrenceId>,
) -> Result<Vec<WallTime>> {
    let occurrence = playout.id.occurrence.to_string();
    type Known = (String, i64, Option<i64>, Option<String>, i64);
    let known: Option<Known> = sqlx::query_as(
        "SELECT store, number, started, outcome, planned FROM playouts \
         WHERE speaker = $1 AND occurrence = $2 AND attempt = $3",
    )
    .bind(speaker.as_str())
    .bind(&occurrence)
    .bind(i64::from(playout.id.attempt))
    .fetch_optional(&mut *db)
    .await?;
    let mut planned = vec![playout.planned];
    if let Some((of, number, started, outcome, was_planned)) = known {
        let unreported = of == UNREPORTED_STORE;
        if of == store.as_str() {
            if number > stored(event_number) {
                return Ok(Vec::new());
            }
        } else if started.is_some() {
            if outcome.is_some() {
                return Ok(Vec::new());
            }
            sqlx::query(
                "UPDATE playouts SET outcome = 'interrupted', reason = 'power_cut' \
                 WHERE speaker = $1 AND occurrence = $2 AND attempt = $3",
            )
            .bind(speaker.as_str())
            .bind(&occurrence)
            .bind(i64::from(playout.id.attempt))
            .execute(db)
            .await?;
            return Ok(vec![wall(was_planned)]);
        } else if playout.started.is_none() && !unreported {
            return Ok(Vec::new());
        }
        if wall(was_planned) != playout.planned {
            planned.push(wall(was_planned));
        }
    }
    let (outcome, reason) = playout.outcome.map(|o| o.words()).unzip();
    let heard = match outcome.is_some() && playout.started.is_some() {
        true => hearing::at_its_end(db, speaker).await?,
        false => None,
    };
    let due_ms = due_ms(db, &playout.id.occurrence.bulletin).await?;
    sqlx::query(
        "INSERT INTO playouts (speaker, occurrence, attempt, bulletin, revision, title, priority, status, planned, \
         started, ended, error_us, sounded_ms, cuts, trust, outcome, reason, cut_by, store, number, heard, due_ms, \
         streamed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23) \
         ON CONFLICT (speaker, occurrence, attempt) DO UPDATE SET revision = excluded.revision, \
         title = excluded.title, priority = excluded.priority, status = excluded.status, \
         planned = excluded.planned, started = excluded.started, ended = excluded.ended, \
         error_us = excluded.error_us, sounded_ms = excluded.sounded_ms, cuts = excluded.cuts, \
         trust = excluded.trust, outcome = excluded.outcome, reason = excluded.reason, \
         cut_by = COALESCE(excluded.cut_by, playouts.cut_by), store = excluded.store, number = excluded.number, \
         heard = COALESCE(playouts.heard, excluded.heard), due_ms = COALESCE(playouts.due_ms, excluded.due_ms), \
         streamed = COALESCE(excluded.streamed, playouts.streamed)",
    )
    .bind(speaker.as_str())
    .bind(&occurrence)
    .bind(i64::from(playout.id.attempt))
    .bind(playout.id.occurrence.bulletin.as_str())
    .bind(i64::from(playout.revision))
    .bind(&playout.title)
    .bind(word(&playout.priority))
    .bind(word(&playout.status))
    .bind(playout.planned.as_micros())
    .bind(playout.started.map(WallTime::as_micros))
    .bind(playout.ended.map(WallTime::as_micros))
    .bind(playout.error_us)
    .bind(stored(playout.sounded_ms))
    .bind(i64::from(playout.cuts))
    .bind(word(&playout.trust))
    .bind(outcome)
    .bind(reason.flatten())
    .bind(cut_by.map(OccurrenceId::to_string))
    .bind(store.as_str())
    .bind(stored(event_number))
    .bind(heard.map(Hearing::word))
    .bind(due_ms)
    .bind(playout.streamed.as_deref().map(json))
    .execute(&mut *db)
    .await?;
    hearing::catch_up(db, speaker, &playout.id).await?;
    Ok(planned)
}

/// How long the sound of a bulletin is to be, as the office has it now; `None`: it has it no more, or nobody knows yet.
pub(super) async fn due_ms(
    db: &mut SqliteConnection,
    bulletin: &BulletinId,
) -> Result<Option<i64>> {
    if let Some(ms) = calls::due_ms(db, bulletin).await? {
        return Ok(Some(ms));
    }
    let row: Option<(String, i64, i64)> = sqlx::query_as(
        "SELECT chime, max_duration_s, duration_ms FROM bulletins \
         JOIN contents ON contents.id = bulletins.content WHERE bulletins.id = $1",
    )
    .bind(bulletin.as_str())
    .fetch_optional(db)
    .await?;
    row.map(|(chime, most_s, duration_ms)| {
        let chime: Chime = from_word("chime", &chime)?;
        Ok((stored(chime.duration_ms()) + duration_ms).min(most_s.saturating_mul(1_000)))
    })
    .transpose()
}
