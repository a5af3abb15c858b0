//! The figures of each speaker's days and months: counted again, in the transaction of whoever changes a playout, for the
//! days that it touches. So a journal that comes weeks late corrects the past, and a report reads no playout at all.

use std::{
    collections::{BTreeSet, HashMap},
    ops::RangeInclusive,
};

use jiff::{
    ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    Result, Store,
    convert::{from_word, number, parse, stored, wall},
};
use crate::logic::figures::{Counts, Played, Reasons, tally};

/// The columns of `speaker_figures` behind `period` and `speaker`, each through `$each` (a name or a sum of it).
macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            "due",
            $after,
            ", ",
            $before,
            "completed",
            $after,
            ", ",
            $before,
            "heard",
            $after,
            ", ",
            $before,
            "not_heard",
            $after,
            ", ",
            $before,
            "unverified",
            $after,
            ", ",
            $before,
            "late",
            $after,
            ", ",
            $before,
            "missed",
            $after,
            ", ",
            $before,
            "skipped",
            $after,
            ", ",
            $before,
            "interrupted",
            $after,
            ", ",
            $before,
            "pre_empted",
            $after,
            ", ",
            $before,
            "failed",
            $after,
            ", ",
            $before,
            "unreported",
            $after,
            ", ",
            $before,
            "emergencies",
            $after,
            ", ",
            $before,
            "due_ms",
            $after,
            ", ",
            $before,
            "sounded_ms",
            $after,
            ", ",
            $before,
            "e0",
            $after,
            ", ",
            $before,
            "e1",
            $after,
            ", ",
            $before,
            "e2",
            $after,
            ", ",
            $before,
            "e3",
            $after,
            ", ",
            $before,
            "e4",
            $after,
            ", ",
            $before,
            "e5",
            $after,
            ", ",
            $before,
            "e6",
            $after,
            ", ",
            $before,
            "e7",
            $after,
            ", ",
            $before,
            "e8",
            $after,
            ", ",
            $before,
            "e9",
            $after,
            ", ",
            $before,
            "e10",
            $after,
            ", ",
            $before,
            "e11",
            $after,
            ", ",
            $before,
            "e12",
            $after,
            ", ",
            $before,
            "e13",
            $after,
            ", ",
            $before,
            "e14",
            $after,
            ", ",
            $before,
            "e15",
            $after
        )
    };
}

/// Names of the periods that a span of days is made of: whole months, and the days that are left at its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Periods(Vec<RangeInclusive<String>>);

impl Periods {
    /// `first` to `last`, both included.
    pub fn of(first: Date, last: Date) -> Self {
        let mut periods = Vec::new();
        let mut from = first;
        while from <= last {
            let month_ends = from.last_of_month();
            let to = month_ends.min(last);
            if from.day() == 1 && to == month_ends {
                let month = month_of(from);
                periods.push(month.clone()..=month);
            } else {
                periods.push(from.to_string()..=to.to_string());
            }
            match to.checked_add(1.day()) {
                Ok(next) => from = next,
                Err(_) => break,
            }
        }
        Self(periods)
    }
}

fn month_of(date: Date) -> String {
    date.strftime("%Y-%m").to_string()
}

impl Store {
    /// What was counted of each speaker of `below` (or all) in these periods. Who had nothing due is not in it.
    pub async fn counts(
        &self,
        below: Option<&AreaId>,
        periods: &Periods,
    ) -> Result<HashMap<SpeakerId, Counts>> {
        let mut found: HashMap<SpeakerId, Counts> = HashMap::new();
        for period in &periods.0 {
            let rows = sqlx::query(concat!(
                "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
                 UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) SELECT ",
                columns!("SUM(", ")"),
                ", speaker FROM speaker_figures WHERE period >= $2 AND period <= $3 AND ($1 IS NULL OR \
                 speaker IN (SELECT id FROM speakers WHERE area IN (SELECT id FROM below))) GROUP BY speaker"
            ))
            .bind(below.map(AreaId::as_str))
            .bind(period.start())
            .bind(period.end())
            .fetch_all(self.readers())
            .await?;
            for row in &rows {
                let speaker = parse("speaker", row.try_get::<&str, _>(31)?)?;
                *found.entry(speaker).or_default() += &counts(row)?;
            }
        }
        Ok(found)
    }

    /// What was counted of all of these together on each day of a span, both ends included. Days without anything are
    /// not in it.
    pub async fn counts_by_day(
        &self,
        below: Option<&AreaId>,
        first: Date,
        last: Date,
    ) -> Result<HashMap<Date, Counts>> {
        let rows = sqlx::query(concat!(
            "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
             UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) SELECT ",
            columns!("SUM(", ")"),
            ", period FROM speaker_figures WHERE period >= $2 AND period <= $3 AND LENGTH(period) = 10 \
             AND ($1 IS NULL OR speaker IN (SELECT id FROM speakers WHERE area IN (SELECT id FROM below))) \
             GROUP BY period"
        ))
        .bind(below.map(AreaId::as_str))
        .bind(first.to_string())
        .bind(last.to_string())
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                let day = parse("day", row.try_get::<&str, _>(31)?)?;
                Ok((day, counts(row)?))
            })
            .collect()
    }

    /// How often each outcome had each reason, of all of these together.
    pub async fn reasons(&self, below: Option<&AreaId>, periods: &Periods) -> Result<Reasons> {
        let mut found = Reasons::new();
        for period in &periods.0 {
            let rows: Vec<(String, String, i64)> = sqlx::query_as(
                "WITH RECURSIVE below (id) AS (SELECT id FROM areas WHERE id = $1 \
                 UNION SELECT areas.id FROM areas JOIN below ON areas.parent = below.id) \
                 SELECT outcome, reason, SUM(n) FROM speaker_reasons WHERE period >= $2 AND period <= $3 \
                 AND ($1 IS NULL OR speaker IN (SELECT id FROM speakers WHERE area IN (SELECT id FROM below))) \
                 GROUP BY outcome, reason",
            )
            .bind(below.map(AreaId::as_str))
            .bind(period.start())
            .bind(period.end())
            .fetch_all(self.readers())
            .await?;
            for (outcome, reason, n) in rows {
                let n: u64 = number("times", n)?;
                *found.entry((outcome, reason)).or_default() += n;
            }
        }
        Ok(found)
    }
}

fn counts(row: &SqliteRow) -> Result<Counts> {
    let at = |i: usize| -> Result<u64> { number("count", row.try_get(i)?) };
    let mut errors = [0; 16];
    for (i, n) in errors.iter_mut().enumerate() {
        *n = at(15 + i)?;
    }
    Ok(Counts {
        due: at(0)?,
        completed: at(1)?,
        heard: at(2)?,
        not_heard: at(3)?,
        unverified: at(4)?,
        late: at(5)?,
        missed: at(6)?,
        skipped: at(7)?,
        interrupted: at(8)?,
        pre_empted: at(9)?,
        failed: at(10)?,
        unreported: at(11)?,
        emergencies: at(12)?,
        due_ms: at(13)?,
        sounded_ms: at(14)?,
        errors,
    })
}

/// Counts again what a speaker's days have in which these playouts were planned.
pub(super) async fn recount(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    planned: impl IntoIterator<Item = WallTime>,
) -> Result<()> {
    let planned: BTreeSet<WallTime> = planned.into_iter().collect();
    if planned.is_empty() {
        return Ok(());
    }
    let zone = zone_of(db, speaker).await?;
    let days: BTreeSet<Date> = planned
        .iter()
        .map(|at| zone.to_datetime(at.timestamp()).date())
        .collect();
    for day in &days {
        recount_day(db, speaker, &zone, *day).await?;
    }
    let months: BTreeSet<String> = days.into_iter().map(month_of).collect();
    for month in months {
        recount_month(db, speaker, &month).await?;
    }
    Ok(())
}

/// Counts all of a speaker's days again: it keeps other days now, or was never counted.
pub(super) async fn recount_all(db: &mut SqliteConnection, speaker: &SpeakerId) -> Result<()> {
    for sql in [
        "DELETE FROM speaker_figures WHERE speaker = $1",
        "DELETE FROM speaker_reasons WHERE speaker = $1",
    ] {
        sqlx::query(sql)
            .bind(speaker.as_str())
            .execute(&mut *db)
            .await?;
    }
    let planned: Vec<i64> =
        sqlx::query_scalar("SELECT DISTINCT planned FROM playouts WHERE speaker = $1")
            .bind(speaker.as_str())
            .fetch_all(&mut *db)
            .await?;
    recount(db, speaker, planned.into_iter().map(wall)).await
}

/// Without a speaker's row, or with a zone that this program does not know: UTC.
async fn zone_of(db: &mut SqliteConnection, speaker: &SpeakerId) -> Result<TimeZone> {
    let zone: Option<String> = sqlx::query_scalar("SELECT zone FROM speakers WHERE id = $1")
        .bind(speaker.as_str())
        .fetch_optional(db)
        .await?;
    let known = zone.and_then(|name| TimeZone::get(&name).ok());
    Ok(known.unwrap_or(TimeZone::UTC))
}

async fn recount_day(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    zone: &TimeZone,
    day: Date,
) -> Result<()> {
    let next = day.saturating_add(1.day());
    let (from, to) = (begin(zone, day.into()), begin(zone, next.into()));
    let rows = sqlx::query(
        "SELECT occurrence, attempt, priority, status, error_us, sounded_ms, due_ms, outcome, reason, heard \
         FROM playouts WHERE speaker = $1 AND planned >= $2 AND planned < $3",
    )
    .bind(speaker.as_str())
    .bind(from.as_micros())
    .bind(to.as_micros())
    .fetch_all(&mut *db)
    .await?;
    let played = rows.iter().map(played).collect::<Result<Vec<_>>>()?;
    let (counts, reasons) = tally(&played);
    let period = day.to_string();
    forget(db, speaker, &period).await?;
    if counts.due > 0 {
        write(db, speaker, &period, &counts).await?;
    }
    for ((outcome, reason), n) in reasons {
        sqlx::query(
            "INSERT INTO speaker_reasons (period, speaker, outcome, reason, n) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&period)
        .bind(speaker.as_str())
        .bind(outcome)
        .bind(reason)
        .bind(stored(n))
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// The instant at which a civil day begins in a zone.
pub(crate) fn begin(zone: &TimeZone, midnight: DateTime) -> WallTime {
    zone.to_timestamp(midnight)
        .map_or(WallTime::MAX, WallTime::from)
}

fn played(row: &SqliteRow) -> Result<Played> {
    let heard: Option<&str> = row.try_get(9)?;
    let due_ms: Option<i64> = row.try_get(6)?;
    Ok(Played {
        occurrence: row.try_get(0)?,
        attempt: row.try_get(1)?,
        priority: from_word("priority", row.try_get(2)?)?,
        status: from_word("status", row.try_get(3)?)?,
        error_us: row.try_get(4)?,
        sounded_ms: number("sounded", row.try_get(5)?)?,
        due_ms: number("due", due_ms.unwrap_or(0))?,
        outcome: row.try_get(7)?,
        reason: row.try_get(8)?,
        heard: heard.map(|h| from_word("heard", h)).transpose()?,
    })
}

async fn forget(db: &mut SqliteConnection, speaker: &SpeakerId, period: &str) -> Result<()> {
    for sql in [
        "DELETE FROM speaker_figures WHERE period = $1 AND speaker = $2",
        "DELETE FROM speaker_reasons WHERE period = $1 AND speaker = $2",
    ] {
        sqlx::query(sql)
            .bind(period)
            .bind(speaker.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

async fn write(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    period: &str,
    counts: &Counts,
) -> Result<()> {
    let mut insert = sqlx::query(concat!(
        "INSERT INTO speaker_figures (",
        columns!("", ""),
        ", speaker, period) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)"
    ));
    let first = [
        counts.due,
        counts.completed,
        counts.heard,
        counts.not_heard,
        counts.unverified,
        counts.late,
        counts.missed,
        counts.skipped,
        counts.interrupted,
        counts.pre_empted,
        counts.failed,
        counts.unreported,
        counts.emergencies,
        counts.due_ms,
        counts.sounded_ms,
    ];
    for n in first.into_iter().chain(counts.errors) {
        insert = insert.bind(stored(n));
    }
    insert
        .bind(speaker.as_str())
        .bind(period)
        .execute(db)
        .await?;
    Ok(())
}

/// The sum of its days.
async fn recount_month(db: &mut SqliteConnection, speaker: &SpeakerId, month: &str) -> Result<()> {
    forget(db, speaker, month).await?;
    let (first, last) = (format!("{month}-01"), format!("{month}-31"));
    for sql in [
        concat!(
            "INSERT INTO speaker_figures (period, speaker, ",
            columns!("", ""),
            ") SELECT $1, speaker, ",
            columns!("SUM(", ")"),
            " FROM speaker_figures WHERE speaker = $2 AND period >= $3 AND period <= $4 GROUP BY speaker"
        ),
        "INSERT INTO speaker_reasons (period, speaker, outcome, reason, n) \
         SELECT $1, speaker, outcome, reason, SUM(n) FROM speaker_reasons \
         WHERE speaker = $2 AND period >= $3 AND period <= $4 GROUP BY speaker, outcome, reason",
    ] {
        sqlx::query(sql)
            .bind(month)
            .bind(speaker.as_str())
            .bind(&first)
            .bind(&last)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Counts what a database from before had, once.
pub(super) async fn count_what_was(store: &Store) -> Result<()> {
    let done: Option<i64> =
        sqlx::query_scalar("SELECT value FROM office WHERE name = 'figures_counted'")
            .fetch_optional(store.readers())
            .await?;
    if done.is_some() {
        return Ok(());
    }
    let mut tx = store.begin_own().await?;
    let speakers: Vec<String> = sqlx::query_scalar("SELECT DISTINCT speaker FROM playouts")
        .fetch_all(&mut *tx)
        .await?;
    for speaker in speakers {
        recount_all(&mut tx, &parse::<SpeakerId>("speaker", &speaker)?).await?;
    }
    sqlx::query("INSERT INTO office (name, value) VALUES ('figures_counted', 1)")
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_whole_months_and_the_days_left_over() {
        let day = |text: &str| text.parse::<Date>().expect("a date");
        let of = |first, last| {
            let Periods(all) = Periods::of(day(first), day(last));
            all.into_iter()
                .map(|period| format!("{} {}", period.start(), period.end()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("2026-11-01", "2026-11-30"), ["2026-11 2026-11"]);
        assert_eq!(of("2026-11-02", "2026-11-30"), ["2026-11-02 2026-11-30"]);
        assert_eq!(
            of("2026-10-31", "2027-01-02"),
            [
                "2026-10-31 2026-10-31",
                "2026-11 2026-11",
                "2026-12 2026-12",
                "2027-01-01 2027-01-02"
            ]
        );
        assert!(of("2026-11-02", "2026-11-01").is_empty());
    }
}
