//! What speakers measured, one row per speaker and hour.

use loa_protocol::{id::SpeakerId, time::WallTime};
use sqlx::{FromRow, SqliteConnection};

use super::{Result, Store};
use crate::logic::hours::{Figures, HOUR_US, Hour, hour_of};

#[derive(FromRow)]
struct Row {
    hour: i64,
    temperature_mc: Option<i64>,
    load_centi: Option<i64>,
    memory_free_mb: Option<i64>,
    disk_free_mb: Option<i64>,
    signal_dbm: Option<i64>,
    signal_percent: Option<i64>,
    clock_offset_us: Option<i64>,
    battery_percent: Option<i64>,
    data_mb: Option<i64>,
}

impl Row {
    fn figures(&self) -> Figures {
        Figures {
            temperature_mc: self.temperature_mc,
            load_centi: self.load_centi,
            memory_free_mb: self.memory_free_mb,
            disk_free_mb: self.disk_free_mb,
            signal_dbm: self.signal_dbm,
            signal_percent: self.signal_percent,
            clock_offset_us: self.clock_offset_us,
            battery_percent: self.battery_percent,
            data_mb: self.data_mb,
        }
    }
}

impl Store {
    /// Of one speaker in `from..to`, in order of time: the beginning of each hour, and its figures.
    pub async fn telemetry(
        &self,
        speaker: &SpeakerId,
        from: WallTime,
        to: WallTime,
        limit: u32,
    ) -> Result<Vec<(WallTime, Figures)>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT hour, temperature_mc, load_centi, memory_free_mb, disk_free_mb, signal_dbm, signal_percent, \
             clock_offset_us, battery_percent, data_mb FROM telemetry_hours \
             WHERE speaker = $1 AND hour >= $2 AND hour <= $3 ORDER BY hour LIMIT $4",
        )
        .bind(speaker.as_str())
        .bind(hour_of(from))
        .bind(hour_of(to.plus_us(-1)))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        let begin = |hour: i64| WallTime::from_micros(hour.saturating_mul(HOUR_US));
        Ok(rows
            .into_iter()
            .map(|row| (begin(row.hour), row.figures()))
            .collect())
    }
}

/// An hour that is there already (told in part, or before this start) gets the worst of both.
pub(super) async fn keep(db: &mut SqliteConnection, hours: &[Hour]) -> Result<()> {
    for hour in hours {
        let known: Option<Row> = sqlx::query_as(
            "SELECT hour, temperature_mc, load_centi, memory_free_mb, disk_free_mb, signal_dbm, signal_percent, \
             clock_offset_us, battery_percent, data_mb FROM telemetry_hours WHERE speaker = $1 AND hour = $2",
        )
        .bind(hour.speaker.as_str())
        .bind(hour.hour)
        .fetch_optional(&mut *db)
        .await?;
        let figures = match known {
            Some(known) => known.figures().worst(hour.figures),
            None => hour.figures,
        };
        sqlx::query(
            "INSERT INTO telemetry_hours (speaker, hour, temperature_mc, load_centi, memory_free_mb, disk_free_mb, \
             signal_dbm, signal_percent, clock_offset_us, battery_percent, data_mb) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (speaker, hour) DO UPDATE SET temperature_mc = excluded.temperature_mc, \
             load_centi = excluded.load_centi, memory_free_mb = excluded.memory_free_mb, \
             disk_free_mb = excluded.disk_free_mb, signal_dbm = excluded.signal_dbm, \
             signal_percent = excluded.signal_percent, clock_offset_us = excluded.clock_offset_us, \
             battery_percent = excluded.battery_percent, data_mb = excluded.data_mb",
        )
        .bind(hour.speaker.as_str())
        .bind(hour.hour)
        .bind(figures.temperature_mc)
        .bind(figures.load_centi)
        .bind(figures.memory_free_mb)
        .bind(figures.disk_free_mb)
        .bind(figures.signal_dbm)
        .bind(figures.signal_percent)
        .bind(figures.clock_offset_us)
        .bind(figures.battery_percent)
        .bind(figures.data_mb)
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}
