//! Alarms (emergencies that are meant) and who hears them: it must not become wider behind the back of whoever said yes to
//! it, or needed to ask nobody because it was for one hamlet.

use std::collections::BTreeSet;

use loa_protocol::{channel::Channel, id::AreaId, time::WallTime};
use sqlx::SqliteConnection;

use super::{
    Kept, Result, Store, StoreError, UserId,
    bulletin_row::{Row, select_bulletins},
    convert::parse,
    reach,
};
use crate::logic::approval::ALONE_S;

/// More than one person raises within some minutes.
const MOST: i64 = 200;

/// Each alarm that stands, with each area where somebody hears it.
pub(super) type Heard = BTreeSet<(String, AreaId)>;

pub(super) async fn heard(db: &mut SqliteConnection, now: WallTime) -> Result<Heard> {
    let alarms: Vec<(String, String)> = sqlx::query_as(
        "SELECT bulletin, channel FROM bulletin_targets JOIN bulletins ON bulletins.id = bulletin \
         WHERE priority = 'emergency' AND status = 'actual' \
         AND ((state IN ('planned', 'paused') AND (ends IS NULL OR ends > $1)) \
           OR (state = 'awaiting' AND (approve_by IS NULL OR approve_by >= $1)))",
    )
    .bind(now.as_micros())
    .fetch_all(&mut *db)
    .await?;
    let mut heard = Heard::new();
    for (bulletin, channel) in alarms {
        let channel: Channel = parse("channel", &channel)?;
        let reached = reach::reached(db, &channel).await?;
        let areas = reached.speakers.into_iter().map(|(_, area)| area);
        heard.extend(areas.map(|area| (bulletin.clone(), area)));
    }
    Ok(heard)
}

/// Refuses a change of the village by which an alarm that stands comes to an area where it was not heard `before`.
pub(super) async fn must_not_widen(
    db: &mut SqliteConnection,
    before: &Heard,
    now: WallTime,
    what: &'static str,
    id: impl ToString,
) -> Result<()> {
    match heard(db, now).await?.is_subset(before) {
        true => Ok(()),
        false => Err(StoreError::InUse {
            what,
            id: id.to_string(),
            by: "emergencies",
        }),
    }
}

impl Store {
    /// Emergencies that this person raised without needing anybody, of which something may have been due lately or is
    /// ahead; those that wait for approvers' signatures and cancelled ones too. Newest first.
    pub async fn raised_alone(&self, by: &UserId) -> Result<Vec<Kept>> {
        let lately = self.now().plus_s(-ALONE_S);
        let mut db = self.readers().acquire().await?;
        let rows: Vec<Row> = sqlx::query_as(select_bulletins!(
            "",
            "WHERE made_by = $1 AND priority = 'emergency' AND ask IS NULL \
             AND ((state IN ('planned', 'paused') AND (ends IS NULL OR ends > $2)) \
               OR (state = 'awaiting' AND (approve_by IS NULL OR approve_by >= $2)) \
               OR (state = 'cancelled' AND changed >= $2)) \
             ORDER BY made DESC LIMIT $3"
        ))
        .bind(by.as_str())
        .bind(lately.as_micros())
        .bind(MOST)
        .fetch_all(&mut *db)
        .await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            all.push(self.complete(&mut db, &row).await?);
        }
        Ok(all)
    }

    /// Was something on air that replaced this one?
    pub async fn is_corrected(&self, kept: &Kept) -> Result<bool> {
        let row: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM bulletins WHERE supersedes = $1 AND said_title IS NOT NULL LIMIT 1",
        )
        .bind(kept.bulletin.id.as_str())
        .fetch_optional(self.readers())
        .await?;
        Ok(row.is_some())
    }
}
