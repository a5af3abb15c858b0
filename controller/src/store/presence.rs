//! What speakers last said of themselves, and when each came and went.

use loa_protocol::{id::SpeakerId, status::SpeakerStatus, time::WallTime};

use super::{
    Result, Store,
    convert::{from_json, from_word, json, wall},
    events::believe_acked,
    telemetry,
};
use crate::logic::{Presence, hours::Hour};

impl Store {
    /// Keeps the last of each speaker. One of a speaker that is not known is passed over.
    pub async fn record_status(&self, statuses: &[(SpeakerStatus, WallTime)]) -> Result<()> {
        self.record_told(statuses, &[]).await
    }

    /// The same, and hours of what speakers measured, in one transaction.
    pub async fn record_told(
        &self,
        statuses: &[(SpeakerStatus, WallTime)],
        hours: &[Hour],
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        for (status, received) in statuses {
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

    /// From `at` on the speaker's presence is this.
    pub async fn record_presence(
        &self,
        speaker: &SpeakerId,
        presence: Presence,
        at: WallTime,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO presence_transitions (speaker, happened, presence) VALUES ($1, $2, $3) \
             ON CONFLICT (speaker, happened) DO UPDATE SET presence = excluded.presence",
        )
        .bind(speaker.as_str())
        .bind(at.as_micros())
        .bind(presence.word())
        .execute(&self.inner.writer)
        .await?;
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
