//! One row per speaker, occurrence and attempt: planned against real, and how it ended.

use loa_protocol::{
    bulletin::{Priority, Status},
    id::{AreaId, BulletinId, SpeakerId, StoreId},
    playout::{OccurrenceId, Playout},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Result, Store, StoreError,
    convert::{from_word, number, parse, stored, wall, word},
};

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
    /// `None` while it runs or waits to go on.
    pub outcome: Option<String>,
    pub reason: Option<String>,
    /// What cut it last.
    pub cut_by: Option<String>,
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
             error_us, sounded_ms, cuts, trust, outcome, reason, cut_by FROM playouts \
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
             error_us, sounded_ms, cuts, trust, outcome, reason, cut_by FROM playouts \
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
/// begun and cannot end any more was interrupted when it was lost.
pub(super) async fn note(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    store: &StoreId,
    event_number: u64,
    playout: &Playout,
    cut_by: Option<&OccurrenceId>,
) -> Result<()> {
    let occurrence = playout.id.occurrence.to_string();
    let known: Option<(String, i64, Option<i64>, Option<String>)> = sqlx::query_as(
        "SELECT store, number, started, outcome FROM playouts \
         WHERE speaker = $1 AND occurrence = $2 AND attempt = $3",
    )
    .bind(speaker.as_str())
    .bind(&occurrence)
    .bind(i64::from(playout.id.attempt))
    .fetch_optional(&mut *db)
    .await?;
    if let Some((of, number, started, outcome)) = known {
        if of == store.as_str() {
            if number > stored(event_number) {
                return Ok(());
            }
        } else if started.is_some() {
            if outcome.is_none() {
                sqlx::query(
                    "UPDATE playouts SET outcome = 'interrupted', reason = 'power_cut' \
                     WHERE speaker = $1 AND occurrence = $2 AND attempt = $3",
                )
                .bind(speaker.as_str())
                .bind(&occurrence)
                .bind(i64::from(playout.id.attempt))
                .execute(db)
                .await?;
            }
            return Ok(());
        } else if playout.started.is_none() {
            return Ok(());
        }
    }
    let (outcome, reason) = playout.outcome.map(|o| o.words()).unzip();
    sqlx::query(
        "INSERT INTO playouts (speaker, occurrence, attempt, bulletin, revision, title, priority, status, planned, \
         started, ended, error_us, sounded_ms, cuts, trust, outcome, reason, cut_by, store, number) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
         ON CONFLICT (speaker, occurrence, attempt) DO UPDATE SET revision = excluded.revision, \
         title = excluded.title, priority = excluded.priority, status = excluded.status, \
         planned = excluded.planned, started = excluded.started, ended = excluded.ended, \
         error_us = excluded.error_us, sounded_ms = excluded.sounded_ms, cuts = excluded.cuts, \
         trust = excluded.trust, outcome = excluded.outcome, reason = excluded.reason, \
         cut_by = COALESCE(excluded.cut_by, playouts.cut_by), store = excluded.store, number = excluded.number",
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
    .execute(db)
    .await?;
    Ok(())
}
