//! Repairs: who mends what by when, and how long that takes.

use jiff::civil::Date;
use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Claim, Result, Store, StoreError, UserId,
    convert::{parse, wall},
    error::not_found,
    idempotency,
};
use crate::{
    chance,
    logic::alerts::{AlertId, RepairId},
};

/// Most repairs open at a time.
pub const MAX_OPEN: i64 = 20_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Repair {
    pub id: RepairId,
    pub speaker: SpeakerId,
    pub name: String,
    pub area: AreaId,
    pub alert: Option<AlertId>,
    pub what: String,
    pub who: Option<String>,
    pub due: Option<Date>,
    pub note: Option<String>,
    pub opened: WallTime,
    /// The person's name.
    pub opened_by: Option<String>,
    pub done: Option<WallTime>,
    pub done_by: Option<String>,
}

#[derive(Clone, Debug)]
pub struct NewRepair {
    pub speaker: SpeakerId,
    pub alert: Option<AlertId>,
    pub what: String,
    pub who: Option<String>,
    pub due: Option<Date>,
    pub note: Option<String>,
    pub by: UserId,
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct RepairChange {
    pub what: Option<String>,
    pub who: Option<Option<String>>,
    pub due: Option<Option<Date>>,
    pub note: Option<Option<String>>,
    pub done: Option<bool>,
}

#[derive(Clone, Debug, Default)]
pub struct RepairFilter {
    /// Of speakers in or below it.
    pub area: Option<AreaId>,
    pub speaker: Option<SpeakerId>,
    /// `None`: both.
    pub done: Option<bool>,
    /// The last one of the page before.
    pub after: Option<(WallTime, RepairId)>,
    pub limit: u32,
}

#[derive(FromRow)]
struct Row {
    id: String,
    speaker: String,
    name: String,
    area: String,
    alert: Option<String>,
    what: String,
    who: Option<String>,
    due: Option<String>,
    note: Option<String>,
    opened: i64,
    opened_by: Option<String>,
    done: Option<i64>,
    done_by: Option<String>,
}

impl TryFrom<Row> for Repair {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Repair> {
        let (alert, due) = (row.alert.as_deref(), row.due.as_deref());
        Ok(Repair {
            id: parse("repair", &row.id)?,
            speaker: parse("speaker", &row.speaker)?,
            name: row.name,
            area: parse("area", &row.area)?,
            alert: alert.map(|id| parse("alert", id)).transpose()?,
            what: row.what,
            who: row.who,
            due: due.map(|day| parse("due", day)).transpose()?,
            note: row.note,
            opened: wall(row.opened),
            opened_by: row.opened_by,
            done: row.done.map(wall),
            done_by: row.done_by,
        })
    }
}

macro_rules! select_repairs {
    ($before:literal, $where:literal) => {
        concat!(
            $before,
            "SELECT repairs.id, speaker, speakers.name, speakers.area, alert, what, who, due, note, opened, \
             COALESCE((SELECT users.name FROM users WHERE users.id = opened_by), opened_by) AS opened_by, done, \
             COALESCE((SELECT users.name FROM users WHERE users.id = done_by), done_by) AS done_by \
             FROM repairs JOIN speakers ON speakers.id = speaker ",
            $where
        )
    };
}

impl Store {
    /// Latest first.
    pub async fn repairs(&self, filter: &RepairFilter) -> Result<Vec<Repair>> {
        let after = filter.after.as_ref();
        let rows: Vec<Row> = sqlx::query_as(select_repairs!(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) ",
            "WHERE ($1 IS NULL OR speakers.area IN (SELECT id FROM below)) AND ($2 IS NULL OR speaker = $2) \
             AND ($3 IS NULL OR (done IS NOT NULL) = ($3 = 1)) \
             AND ($4 IS NULL OR (opened, repairs.id) < ($4, $5)) ORDER BY opened DESC, repairs.id DESC LIMIT $6"
        ))
        .bind(filter.area.as_ref().map(AreaId::as_str))
        .bind(filter.speaker.as_ref().map(SpeakerId::as_str))
        .bind(filter.done.map(i64::from))
        .bind(after.map(|(at, _)| at.as_micros()))
        .bind(after.map(|(_, id)| id.as_str()))
        .bind(i64::from(filter.limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Repair::try_from).collect()
    }

    pub async fn repair(&self, id: &RepairId) -> Result<Repair> {
        load(&mut *self.readers().acquire().await?, id).await
    }

    pub async fn add_repair(&self, new: NewRepair, claim: Option<&Claim>) -> Result<Repair> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let open: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM repairs WHERE done IS NULL")
            .fetch_one(&mut *tx)
            .await?;
        if open >= MAX_OPEN {
            return Err(StoreError::TooMany {
                what: "open repairs",
                most: MAX_OPEN,
            });
        }
        let id = RepairId::of(chance::bytes());
        idempotency::claim(&mut tx, claim, id.as_str(), now).await?;
        sqlx::query(
            "INSERT INTO repairs (id, speaker, alert, what, who, due, note, opened, opened_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id.as_str())
        .bind(new.speaker.as_str())
        .bind(new.alert.as_ref().map(AlertId::as_str))
        .bind(&new.what)
        .bind(&new.who)
        .bind(new.due.map(|day| day.to_string()))
        .bind(&new.note)
        .bind(now.as_micros())
        .bind(new.by.as_str())
        .execute(&mut *tx)
        .await?;
        let repair = load(&mut tx, &id).await?;
        tx.commit().await?;
        Ok(repair)
    }

    /// What is done already stays done since then.
    pub async fn change_repair(
        &self,
        id: &RepairId,
        change: RepairChange,
        by: &UserId,
    ) -> Result<Repair> {
        let mut tx = self.begin().await?;
        let old = load(&mut tx, id).await?;
        let now = self.now();
        let done = match (change.done, old.done) {
            (Some(false), _) => None,
            (Some(true), None) => Some(now),
            (_, done) => done,
        };
        let day = change.due.unwrap_or(old.due).map(|day| day.to_string());
        sqlx::query(
            "UPDATE repairs SET what = $2, who = $3, due = $4, note = $5, done = $6, \
             done_by = CASE WHEN $6 IS NULL THEN NULL ELSE COALESCE(done_by, $7) END WHERE id = $1",
        )
        .bind(id.as_str())
        .bind(change.what.unwrap_or(old.what))
        .bind(change.who.unwrap_or(old.who))
        .bind(day)
        .bind(change.note.unwrap_or(old.note))
        .bind(done.map(WallTime::as_micros))
        .bind(by.as_str())
        .execute(&mut *tx)
        .await?;
        let repair = load(&mut tx, id).await?;
        tx.commit().await?;
        Ok(repair)
    }
}

async fn load(db: &mut SqliteConnection, id: &RepairId) -> Result<Repair> {
    let row: Option<Row> = sqlx::query_as(select_repairs!("", "WHERE repairs.id = $1"))
        .bind(id.as_str())
        .fetch_optional(db)
        .await?;
    row.ok_or_else(|| not_found("repair", id))?.try_into()
}
