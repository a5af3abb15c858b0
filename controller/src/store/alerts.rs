//! Alerts: what was found to be wrong, of which speakers, and who acknowledged it.

use std::collections::HashMap;

use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Result, Store, StoreError, Tx, UserId,
    alert_messages::{close_messages, insert_message},
    convert::{from_word, number, parse, wall, word},
    error::not_found,
};
use crate::{
    chance,
    logic::{
        alerts::{Address, AlertId, Change, Kind, Member, OpenAlert, Severity, telling::Event},
        outages::Cause,
    },
};

/// Most alerts open at a time; one more opens when another has closed.
pub const MAX_OPEN: i64 = 20_000;

/// A change that the judge asks for, and the area that holds all its speakers.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub change: Change,
    pub area: Option<AreaId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    pub id: AlertId,
    pub kind: Kind,
    pub cause: Option<Cause>,
    pub cell: Option<String>,
    pub area: Option<AreaId>,
    pub area_name: String,
    pub severity: Severity,
    /// Since when it is so.
    pub began: WallTime,
    pub opened: WallTime,
    pub closed: Option<WallTime>,
    pub acknowledged: Option<Acknowledged>,
    /// The figure that was too great or too small, and its limit.
    pub value: Option<f64>,
    pub limit: Option<f64>,
    pub speakers: Vec<AlertSpeaker>,
    /// Messages that went out, the closing ones not counted.
    pub told: u32,
    pub escalated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Acknowledged {
    /// The person's name.
    pub by: String,
    pub at: WallTime,
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlertSpeaker {
    pub speaker: SpeakerId,
    pub name: String,
    pub since: WallTime,
    pub back: Option<WallTime>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertState {
    Open,
    Closed,
    #[default]
    All,
}

#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// Of speakers in or below it.
    pub area: Option<AreaId>,
    pub speaker: Option<SpeakerId>,
    pub state: AlertState,
    /// The last one of the page before.
    pub after: Option<(WallTime, AlertId)>,
    pub limit: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertCounts {
    pub open: u64,
    pub unacknowledged: u64,
}

#[derive(FromRow)]
struct Row {
    id: String,
    kind: String,
    cause: Option<String>,
    cell: Option<String>,
    area: Option<String>,
    area_name: Option<String>,
    severity: String,
    began: i64,
    opened: i64,
    closed: Option<i64>,
    acknowledged_by: Option<String>,
    acknowledged: Option<i64>,
    note: Option<String>,
    figure: Option<f64>,
    threshold: Option<f64>,
    told: i64,
    escalated: i64,
}

impl TryFrom<Row> for AlertRow {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<AlertRow> {
        let (area, cause) = (row.area.as_deref(), row.cause.as_deref());
        Ok(AlertRow {
            id: parse("alert", &row.id)?,
            kind: from_word("kind", &row.kind)?,
            cause: cause.map(|word| from_word("cause", word)).transpose()?,
            cell: row.cell,
            area: area.map(|id| parse("area", id)).transpose()?,
            area_name: row.area_name.or(row.area).unwrap_or_default(),
            severity: from_word("severity", &row.severity)?,
            began: wall(row.began),
            opened: wall(row.opened),
            closed: row.closed.map(wall),
            acknowledged: row.acknowledged.map(|at| Acknowledged {
                by: row.acknowledged_by.unwrap_or_default(),
                at: wall(at),
                note: row.note,
            }),
            value: row.figure,
            limit: row.threshold,
            speakers: Vec::new(),
            told: number("told", row.told)?,
            escalated: row.escalated != 0,
        })
    }
}

macro_rules! select_alerts {
    ($before:literal, $where:literal) => {
        concat!(
            $before,
            "SELECT id, kind, cause, cell, area, (SELECT name FROM areas WHERE areas.id = alerts.area) AS area_name, \
             severity, began, opened, closed, \
             COALESCE((SELECT name FROM users WHERE users.id = acknowledged_by), acknowledged_by) AS acknowledged_by, \
             acknowledged, note, figure, threshold, \
             (SELECT COUNT(*) FROM alert_messages WHERE alert = alerts.id AND state = 'sent' AND event <> 'closed') AS told, \
             (SELECT COUNT(*) FROM alert_messages WHERE alert = alerts.id AND event = 'escalated') AS escalated \
             FROM alerts ",
            $where
        )
    };
}

impl Store {
    /// Those that are open, as the judge wants them.
    pub async fn open_alerts(&self) -> Result<Vec<OpenAlert>> {
        type Line = (
            String,
            String,
            Option<String>,
            Option<String>,
            i64,
            Option<String>,
            Option<i64>,
            Option<i64>,
        );
        let rows: Vec<Line> = sqlx::query_as(
            "SELECT alerts.id, kind, cause, cell, opened, speaker, since, back FROM alerts \
             LEFT JOIN alert_speakers ON alert_speakers.alert = alerts.id WHERE closed IS NULL \
             ORDER BY opened, alerts.id, speaker",
        )
        .fetch_all(self.readers())
        .await?;
        let mut alerts: Vec<OpenAlert> = Vec::new();
        for (id, kind, cause, cell, opened, speaker, since, back) in rows {
            if alerts.last().is_none_or(|last| last.id.as_str() != id) {
                let cause = cause.as_deref();
                alerts.push(OpenAlert {
                    id: parse("alert", &id)?,
                    kind: from_word("kind", &kind)?,
                    cause: cause.map(|word| from_word("cause", word)).transpose()?,
                    cell,
                    opened: wall(opened),
                    members: Vec::new(),
                });
            }
            if let (Some(alert), Some(speaker), Some(since)) = (alerts.last_mut(), speaker, since) {
                alert.members.push(Member {
                    speaker: parse("speaker", &speaker)?,
                    since: wall(since),
                    back: back.map(wall),
                });
            }
        }
        Ok(alerts)
    }

    /// Carries out what the judge decided and whom that tells: all of it or nothing. Returns the alerts that changed, each
    /// with those speakers that it has or had.
    pub async fn decide(
        &self,
        decided: &[Decided],
        told: &[(AlertId, Address, Event)],
    ) -> Result<Vec<(AlertId, Vec<SpeakerId>)>> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut open: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM alerts WHERE closed IS NULL")
            .fetch_one(&mut *tx)
            .await?;
        let mut changed = Vec::new();
        for one in decided {
            let (id, ours) = match &one.change {
                Change::Open { .. } if open >= MAX_OPEN => continue,
                Change::Open { .. } => {
                    open += 1;
                    (AlertId::of(chance::bytes()), true)
                }
                Change::Alter { alert, .. } | Change::Close { alert, .. } => {
                    (alert.clone(), is_open(&mut tx, alert).await?)
                }
            };
            if !ours {
                continue;
            }
            carry_out(&mut tx, &id, one, now).await?;
            changed.push(id);
        }
        for (alert, address, event) in told {
            if is_open(&mut tx, alert).await? {
                insert_message(&mut tx, alert, address, *event, now).await?;
            }
        }
        let mut with_speakers = Vec::with_capacity(changed.len());
        for id in changed {
            let speakers: Vec<String> =
                sqlx::query_scalar("SELECT speaker FROM alert_speakers WHERE alert = $1")
                    .bind(id.as_str())
                    .fetch_all(&mut *tx)
                    .await?;
            let speakers = speakers.iter().map(|s| parse("speaker", s));
            with_speakers.push((id, speakers.collect::<Result<_>>()?));
        }
        tx.commit().await?;
        Ok(with_speakers)
    }

    /// Latest first.
    pub async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<AlertRow>> {
        let after = filter.after.as_ref();
        let rows: Vec<Row> = sqlx::query_as(select_alerts!(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id), \
             concerned (alert) AS (SELECT alert FROM alert_speakers JOIN speakers ON speakers.id = speaker \
             WHERE speakers.area IN (SELECT id FROM below)) ",
            "WHERE ($1 IS NULL OR id IN (SELECT alert FROM concerned)) \
             AND ($2 IS NULL OR id IN (SELECT alert FROM alert_speakers WHERE speaker = $2)) \
             AND ($3 <> 'open' OR closed IS NULL) AND ($3 <> 'closed' OR closed IS NOT NULL) \
             AND ($4 IS NULL OR (opened, id) < ($4, $5)) ORDER BY opened DESC, id DESC LIMIT $6"
        ))
        .bind(filter.area.as_ref().map(AreaId::as_str))
        .bind(filter.speaker.as_ref().map(SpeakerId::as_str))
        .bind(match filter.state {
            AlertState::Open => "open",
            AlertState::Closed => "closed",
            AlertState::All => "all",
        })
        .bind(after.map(|(at, _)| at.as_micros()))
        .bind(after.map(|(_, id)| id.as_str()))
        .bind(i64::from(filter.limit))
        .fetch_all(self.readers())
        .await?;
        let mut alerts = rows
            .into_iter()
            .map(AlertRow::try_from)
            .collect::<Result<Vec<_>>>()?;
        self.name_speakers(&mut alerts).await?;
        Ok(alerts)
    }

    pub async fn alert(&self, id: &AlertId) -> Result<AlertRow> {
        let row: Option<Row> = sqlx::query_as(select_alerts!("", "WHERE id = $1"))
            .bind(id.as_str())
            .fetch_optional(self.readers())
            .await?;
        let row: AlertRow = row.ok_or_else(|| not_found("alert", id))?.try_into()?;
        let mut one = [row];
        self.name_speakers(&mut one).await?;
        let [row] = one;
        Ok(row)
    }

    /// Speakers by name.
    async fn name_speakers(&self, alerts: &mut [AlertRow]) -> Result<()> {
        // So many at once: one query for each of a page, whatever their number of speakers.
        for alert in alerts {
            let rows: Vec<(String, String, i64, Option<i64>)> = sqlx::query_as(
                "SELECT speaker, COALESCE(speakers.name, speaker), alert_speakers.since, back FROM alert_speakers \
                 LEFT JOIN speakers ON speakers.id = speaker WHERE alert = $1 \
                 ORDER BY COALESCE(speakers.name, speaker), speaker",
            )
            .bind(alert.id.as_str())
            .fetch_all(self.readers())
            .await?;
            for (speaker, name, since, back) in rows {
                alert.speakers.push(AlertSpeaker {
                    speaker: parse("speaker", &speaker)?,
                    name,
                    since: wall(since),
                    back: back.map(wall),
                });
            }
        }
        Ok(())
    }

    /// Nobody is told of it again. The first word stays; a note may be added later.
    pub async fn acknowledge(&self, id: &AlertId, by: &UserId, note: Option<&str>) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let done = sqlx::query(
            "UPDATE alerts SET acknowledged = COALESCE(acknowledged, $2), \
             acknowledged_by = COALESCE(acknowledged_by, $3), note = COALESCE($4, note), changed = $2 WHERE id = $1",
        )
        .bind(id.as_str())
        .bind(now.as_micros())
        .bind(by.as_str())
        .bind(note)
        .execute(&mut *tx)
        .await?;
        match done.rows_affected() {
            0 => Err(not_found("alert", id)),
            _ => tx.commit().await,
        }
    }

    /// Open ones of speakers in and below `area`; `None`: all.
    pub async fn alert_counts(&self, area: Option<&AreaId>) -> Result<AlertCounts> {
        let (open, unacknowledged): (i64, i64) = sqlx::query_as(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
             SELECT COUNT(*), COUNT(*) - COUNT(acknowledged) FROM alerts WHERE closed IS NULL \
             AND ($1 IS NULL OR id IN (SELECT alert FROM alert_speakers JOIN speakers ON speakers.id = speaker \
             WHERE speakers.area IN (SELECT id FROM below)))",
        )
        .bind(area.map(AreaId::as_str))
        .fetch_one(self.readers())
        .await?;
        Ok(AlertCounts {
            open: number("open", open)?,
            unacknowledged: number("unacknowledged", unacknowledged)?,
        })
    }

    /// Since when each open alert is acknowledged, if it is.
    pub(crate) async fn acknowledged(&self) -> Result<HashMap<AlertId, bool>> {
        let rows: Vec<(String, Option<i64>)> =
            sqlx::query_as("SELECT id, acknowledged FROM alerts WHERE closed IS NULL")
                .fetch_all(self.readers())
                .await?;
        rows.iter()
            .map(|(id, at)| Ok((parse("alert", id)?, at.is_some())))
            .collect()
    }
}

async fn is_open(db: &mut SqliteConnection, id: &AlertId) -> Result<bool> {
    let open: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM alerts WHERE id = $1 AND closed IS NULL")
            .bind(id.as_str())
            .fetch_optional(db)
            .await?;
    Ok(open.is_some())
}

async fn carry_out(tx: &mut Tx, id: &AlertId, decided: &Decided, now: WallTime) -> Result<()> {
    let area = decided.area.as_ref().map(AreaId::as_str);
    match &decided.change {
        Change::Open {
            kind,
            cause,
            cell,
            began,
            speakers,
            value,
            limit,
        } => {
            sqlx::query(
                "INSERT INTO alerts (id, kind, cause, cell, area, severity, began, opened, changed, figure, threshold) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)",
            )
            .bind(id.as_str())
            .bind(word(kind))
            .bind(cause.as_ref().map(word))
            .bind(cell)
            .bind(area)
            .bind(word(&kind.severity()))
            .bind(began.as_micros())
            .bind(now.as_micros())
            .bind(value)
            .bind(limit)
            .execute(&mut **tx)
            .await?;
            join(tx, id, speakers).await
        }
        Change::Alter {
            kind,
            cause,
            cell,
            joined,
            back,
            ..
        } => {
            sqlx::query(
                "UPDATE alerts SET kind = $2, cause = $3, cell = $4, area = COALESCE($5, area), severity = $6, \
                 changed = $7 WHERE id = $1",
            )
            .bind(id.as_str())
            .bind(word(kind))
            .bind(cause.as_ref().map(word))
            .bind(cell)
            .bind(area)
            .bind(word(&kind.severity()))
            .bind(now.as_micros())
            .execute(&mut **tx)
            .await?;
            for (speaker, at) in back {
                sqlx::query(
                    "UPDATE alert_speakers SET back = $3 WHERE alert = $1 AND speaker = $2",
                )
                .bind(id.as_str())
                .bind(speaker.as_str())
                .bind(at.as_micros())
                .execute(&mut **tx)
                .await?;
            }
            join(tx, id, joined).await
        }
        Change::Close { at, .. } => {
            sqlx::query("UPDATE alerts SET closed = $2, changed = $3 WHERE id = $1")
                .bind(id.as_str())
                .bind(at.as_micros())
                .bind(now.as_micros())
                .execute(&mut **tx)
                .await?;
            sqlx::query("UPDATE alert_speakers SET back = $2 WHERE alert = $1 AND back IS NULL")
                .bind(id.as_str())
                .bind(at.as_micros())
                .execute(&mut **tx)
                .await?;
            close_messages(tx, id, now).await
        }
    }
}

async fn join(tx: &mut Tx, id: &AlertId, speakers: &[(SpeakerId, WallTime)]) -> Result<()> {
    for (speaker, since) in speakers {
        sqlx::query(
            "INSERT INTO alert_speakers (alert, speaker, since) VALUES ($1, $2, $3) \
             ON CONFLICT (alert, speaker) DO UPDATE SET since = excluded.since, back = NULL",
        )
        .bind(id.as_str())
        .bind(speaker.as_str())
        .bind(since.as_micros())
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
