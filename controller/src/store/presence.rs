//! What speakers last said of themselves, and when each came and went.

use std::borrow::Borrow;

use loa_protocol::{id::SpeakerId, status::SpeakerStatus, time::WallTime};

use sqlx::SqliteConnection;

use super::{
    Result, Store, audit,
    convert::{from_json, from_word, json, wall},
    events::believe_acked,
    outages, telemetry,
};
use crate::logic::{Presence, hours::Hour};

impl Store {
    /// Keeps the last of each speaker. One of a speaker that is not known is passed over.
    pub async fn record_status(
        &self,
        statuses: &[(impl Borrow<SpeakerStatus>, WallTime)],
    ) -> Result<()> {
        self.record_told(statuses, &[]).await
    }

    /// The same, and hours of what speakers measured, in one transaction.
    pub async fn record_told(
        &self,
        statuses: &[(impl Borrow<SpeakerStatus>, WallTime)],
        hours: &[Hour],
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        for (status, received) in statuses {
            let status: &SpeakerStatus = status.borrow();
            let done = sqlx::query(
                "INSERT INTO speaker_status (speaker, status, received) \
                 SELECT id, $2, $3 FROM speakers WHERE id = $1 AND removed IS NULL \
                 ON CONFLICT (speaker) DO UPDATE SET status = excluded.status, received = excluded.received",
            )
            .bind(status.speaker.as_str())
            .bind(json(status))
            .bind(received.as_micros())
            .execute(&mut *tx)
            .await?;
            // The last will carries no numbers worth believing.
            if done.rows_affected() > 0 && status.online {
                if let Some(saw) = status.audit {
                    audit::witness(&mut tx, &status.speaker, saw, *received).await?;
                }
                believe_acked(
                    &mut tx,
                    &status.speaker,
                    &status.store,
                    status.acked,
                    *received,
                )
                .await?;
            }
        }
        telemetry::keep(&mut tx, hours).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The last one and when it came, also from before this start.
    pub async fn last_status(
        &self,
        speaker: &SpeakerId,
    ) -> Result<Option<(SpeakerStatus, WallTime)>> {
        let row: Option<(String, i64)> =
            sqlx::query_as("SELECT status, received FROM speaker_status WHERE speaker = $1")
                .bind(speaker.as_str())
                .fetch_optional(self.readers())
                .await?;
        row.map(|(status, received)| Ok((from_json("status", &status)?, wall(received))))
            .transpose()
    }

    /// From `at` on the speaker's presence is this; what it means for its outages is in the same transaction.
    pub async fn record_presence(
        &self,
        speaker: &SpeakerId,
        presence: Presence,
        at: WallTime,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let last = last_word(&mut tx, speaker).await?;
        let power = last.as_ref().and_then(|last| last.mains);
        sqlx::query(
            "INSERT INTO presence_transitions (speaker, happened, presence, heard, mains, cell) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (speaker, happened) DO UPDATE SET \
             presence = excluded.presence, heard = excluded.heard, mains = excluded.mains, cell = excluded.cell",
        )
        .bind(speaker.as_str())
        .bind(at.as_micros())
        .bind(presence.word())
        .bind(last.as_ref().map(|last| last.received))
        .bind(power.map(i64::from))
        .bind(last.and_then(|last| last.cell))
        .execute(&mut *tx)
        .await?;
        if presence == Presence::Online {
            sqlx::query(
                "UPDATE speakers SET first_heard = $2 \
                 WHERE id = $1 AND (first_heard IS NULL OR first_heard > $2)",
            )
            .bind(speaker.as_str())
            .bind(at.as_micros())
            .execute(&mut *tx)
            .await?;
        }
        outages::refresh(&mut tx, speaker, at, at).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Latest first.
    pub async fn presence_history(
        &self,
        speaker: &SpeakerId,
        limit: u32,
    ) -> Result<Vec<(WallTime, Presence)>> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT happened, presence FROM presence_transitions WHERE speaker = $1 \
             ORDER BY happened DESC LIMIT $2",
        )
        .bind(speaker.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|(at, presence)| Ok((wall(*at), from_word("presence", presence)?)))
            .collect()
    }
}

/// What a speaker's last status says of its power and its line, and when it came.
struct LastWord {
    received: i64,
    mains: Option<bool>,
    cell: Option<String>,
}

async fn last_word(db: &mut SqliteConnection, speaker: &SpeakerId) -> Result<Option<LastWord>> {
    let row: Option<(String, i64)> =
        sqlx::query_as("SELECT status, received FROM speaker_status WHERE speaker = $1")
            .bind(speaker.as_str())
            .fetch_optional(db)
            .await?;
    let Some((status, received)) = row else {
        return Ok(None);
    };
    let status: SpeakerStatus = from_json("status", &status)?;
    let telemetry = status.telemetry.unwrap_or_default();
    Ok(Some(LastWord {
        received,
        mains: telemetry.power.and_then(|power| power.mains),
        cell: telemetry.network.and_then(|network| network.cell),
    }))
}
