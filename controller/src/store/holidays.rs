//! The office's calendar, and the rules that follow it. A change of the calendar, the new revisions of the bulletins it
//! touches and their channels' new generations are one transaction.

use std::collections::HashMap;

use jiff::{ToSpan, civil::Date};
use loa_protocol::{
    bulletin::{Bulletin, When},
    channel::Channel,
    id::BulletinId,
    time::WallTime,
};
use sqlx::SqliteConnection;

use super::{
    Claim, Result, Store, UserId,
    bulletin_row::{self, Row, select_bulletins},
    channels,
    convert::parse,
    error::not_found,
    idempotency,
};
use crate::logic::holidays::{AHEAD_DAYS, exceptions};

/// More than a calendar whose days are bounded can hold.
const MOST: i64 = 4_000;

/// A day on which rules that skip holidays say nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    pub date: Date,
    pub name: String,
}

/// What a change of the calendar touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replanned {
    pub bulletins: Vec<BulletinId>,
    /// Each once.
    pub channels: Vec<Channel>,
}

impl Store {
    /// From one day to another, both included, in order.
    pub async fn holidays(&self, from: Date, to: Date) -> Result<Vec<Holiday>> {
        load(&mut *self.readers().acquire().await?, from, to).await
    }

    /// A bulletin as the poles would get it, were it kept now.
    pub async fn as_told(&self, bulletin: &Bulletin, skip_holidays: bool) -> Result<Bulletin> {
        let mut db = self.readers().acquire().await?;
        let (told, _) = skipping(&mut db, bulletin, skip_holidays, &[], self.now()).await?;
        Ok(told)
    }

    /// A day that was one already gets the new name.
    pub async fn add_holidays(
        &self,
        days: &[Holiday],
        made_by: Option<&UserId>,
        claim: Option<&Claim>,
    ) -> Result<Replanned> {
        let mut tx = self.begin().await?;
        let now = self.now();
        for day in days {
            sqlx::query(
                "INSERT INTO holidays (day, name, made_by, made) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (day) DO UPDATE SET name = excluded.name",
            )
            .bind(day.date.to_string())
            .bind(&day.name)
            .bind(made_by.map(UserId::as_str))
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await?;
        }
        let first = days.first().map(|day| day.date.to_string());
        idempotency::claim(&mut tx, claim, &first.unwrap_or_default(), now).await?;
        let replanned = self.replan(&mut tx, now).await?;
        tx.commit().await?;
        Ok(replanned)
    }

    pub async fn delete_holiday(&self, date: Date) -> Result<Replanned> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM holidays WHERE day = $1")
            .bind(date.to_string())
            .execute(&mut *tx)
            .await?;
        if gone.rows_affected() == 0 {
            return Err(not_found("holiday", date));
        }
        let replanned = self.replan(&mut tx, self.now()).await?;
        tx.commit().await?;
        Ok(replanned)
    }

    /// Tells the poles of holidays that came near. To be called about once an hour; mostly there are none.
    pub async fn replan_holidays(&self) -> Result<Replanned> {
        let mut tx = self.begin().await?;
        let replanned = self.replan(&mut tx, self.now()).await?;
        tx.commit().await?;
        Ok(replanned)
    }

    /// Every rule that skips holidays, held against the calendar as it is.
    async fn replan(&self, db: &mut SqliteConnection, now: WallTime) -> Result<Replanned> {
        let rows: Vec<Row> = sqlx::query_as(select_bulletins!(
            "",
            "WHERE own_except IS NOT NULL AND state <> 'cancelled' AND (ends IS NULL OR ends > $1) \
             ORDER BY bulletins.id"
        ))
        .bind(now.as_micros())
        .fetch_all(&mut *db)
        .await?;
        let mut replanned = Replanned::default();
        let mut generations: HashMap<Channel, i64> = HashMap::new();
        for row in rows {
            let old = self.complete(db, &row).await?;
            let told = exceptions_of(&old.bulletin);
            let (mut new, own) = skipping(db, &old.as_made(), true, told, now).await?;
            if new == old.bulletin {
                continue;
            }
            new.revision += 1;
            bulletin_row::write(db, &new, old.audio.as_ref(), own.as_deref(), now).await?;
            // What is in no programme now comes into one with its present revision.
            if row.state == "planned" {
                for channel in old.channels() {
                    let generation = match generations.get(&channel) {
                        Some(generation) => *generation,
                        None => channels::bump(db, &channel).await?,
                    };
                    sqlx::query(
                        "UPDATE bulletin_targets SET generation = $3 WHERE bulletin = $1 AND channel = $2",
                    )
                    .bind(new.id.as_str())
                    .bind(channel.to_string())
                    .bind(generation)
                    .execute(&mut *db)
                    .await?;
                    generations.insert(channel, generation);
                }
            }
            replanned.bulletins.push(new.id);
        }
        for channel in generations.keys() {
            self.must_fit(db, channel, now).await?;
        }
        replanned.channels = generations.into_keys().collect();
        replanned.channels.sort();
        Ok(replanned)
    }
}

async fn load(db: &mut SqliteConnection, from: Date, to: Date) -> Result<Vec<Holiday>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT day, name FROM holidays WHERE day >= $1 AND day <= $2 ORDER BY day LIMIT $3",
    )
    .bind(from.to_string())
    .bind(to.to_string())
    .bind(MOST)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|(day, name)| {
            Ok(Holiday {
                date: parse("holiday", &day)?,
                name,
            })
        })
        .collect()
}

/// A bulletin as the poles get it, and what a person took out of its rule, when it skips holidays. `told`: the exceptions
/// that the poles have.
pub(super) async fn skipping(
    db: &mut SqliteConnection,
    bulletin: &Bulletin,
    skip_holidays: bool,
    told: &[String],
    now: WallTime,
) -> Result<(Bulletin, Option<Vec<String>>)> {
    let here = now.timestamp().in_tz(&bulletin.zone);
    let (true, When::Rule { .. }, Ok(here)) = (skip_holidays, &bulletin.when, here) else {
        return Ok((bulletin.clone(), None));
    };
    let today = here.date();
    let calendar = load(db, today, today.saturating_add(AHEAD_DAYS.days())).await?;
    let dates: Vec<Date> = calendar.into_iter().map(|holiday| holiday.date).collect();
    let own = exceptions_of(bulletin).to_vec();
    let all = exceptions(&own, told, &dates, today);
    Ok((without(bulletin, &all), Some(own)))
}

/// The same bulletin with these days taken out of its rule.
pub(super) fn without(bulletin: &Bulletin, days: &[String]) -> Bulletin {
    let mut bulletin = bulletin.clone();
    if let When::Rule { except, .. } = &mut bulletin.when {
        *except = days.to_vec();
    }
    bulletin
}

pub(super) fn exceptions_of(bulletin: &Bulletin) -> &[String] {
    match &bulletin.when {
        When::Rule { except, .. } => except,
        When::Now { .. } | When::At { .. } => &[],
    }
}
