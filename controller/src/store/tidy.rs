//! What is not kept for ever. Playouts and bulletins are.

use super::{Result, SETUP_LINK_S, Store, TOTP_DRAFT_S, certificates, idempotency::REMEMBERED_S};
use crate::logic::hours::hour_of;

/// Raw events; what they say of playouts stays.
const EVENTS_S: i64 = 90 * 24 * 3_600;
/// Enough for a yearly figure.
const PRESENCE_S: i64 = 400 * 24 * 3_600;
/// What speakers measured, hour by hour.
const TELEMETRY_H: i64 = 35 * 24;
/// Orders and mutes; the last order of each speaker stays, for its number.
const ORDERS_S: i64 = 400 * 24 * 3_600;
/// Recordings that somebody put out of sight and that nothing names.
const HIDDEN_AUDIO_S: i64 = 90 * 24 * 3_600;
/// Rows deleted in one transaction: others wait for the writer meanwhile.
const BATCH: i64 = 5_000;
/// And so many times an hour at most: ten thousand speakers fill ten thousand rows.
const TELEMETRY_BATCHES: u32 = 10;

impl Store {
    /// Deletes what is old enough. To be called about once an hour; far behind, it catches up over several calls.
    pub async fn tidy(&self) -> Result<()> {
        let now = self.now();
        for (sql, before) in [
            ("DELETE FROM sessions WHERE expires <= $1", now),
            (
                "DELETE FROM setup_tokens WHERE made <= $1",
                now.plus_s(-SETUP_LINK_S),
            ),
            (
                "DELETE FROM totp_drafts WHERE made <= $1",
                now.plus_s(-TOTP_DRAFT_S),
            ),
            (
                "DELETE FROM idempotency_keys WHERE made <= $1",
                now.plus_s(-REMEMBERED_S),
            ),
            (
                "DELETE FROM events WHERE (speaker, store, number) IN ( \
                 SELECT speaker, store, number FROM events WHERE received <= $1 LIMIT $2)",
                now.plus_s(-EVENTS_S),
            ),
            (
                // The last one of each stays: it says since when a speaker is away.
                "DELETE FROM presence_transitions WHERE (speaker, happened) IN ( \
                 SELECT speaker, happened FROM presence_transitions AS one WHERE happened <= $1 AND EXISTS ( \
                   SELECT 1 FROM presence_transitions AS later WHERE later.speaker = one.speaker \
                   AND later.happened > one.happened AND later.happened <= $1) LIMIT $2)",
                now.plus_s(-PRESENCE_S),
            ),
            (
                "DELETE FROM notes WHERE (speaker, store, number) IN ( \
                 SELECT speaker, store, number FROM notes WHERE happened <= $1 LIMIT $2)",
                now.plus_s(-EVENTS_S),
            ),
            (
                "DELETE FROM orders WHERE asked <= $1 AND EXISTS (SELECT 1 FROM orders AS later \
                 WHERE later.speaker = orders.speaker AND later.number > orders.number)",
                now.plus_s(-ORDERS_S),
            ),
            (
                "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE closed <= $1 LIMIT $2)",
                now.plus_s(-PRESENCE_S),
            ),
            (
                "DELETE FROM mutes WHERE happened <= $1",
                now.plus_s(-ORDERS_S),
            ),
            (
                "DELETE FROM journal WHERE (speaker, store, number) IN ( \
                 SELECT speaker, store, number FROM journal WHERE received <= $1 LIMIT $2)",
                now.plus_s(-PRESENCE_S),
            ),
            (
                "DELETE FROM early_hearings WHERE (speaker, occurrence, attempt) IN ( \
                 SELECT speaker, occurrence, attempt FROM early_hearings WHERE happened <= $1 LIMIT $2)",
                now.plus_s(-EVENTS_S),
            ),
        ] {
            sqlx::query(sql)
                .bind(before.as_micros())
                .bind(BATCH)
                .execute(&self.inner.writer)
                .await?;
        }
        for _ in 0..TELEMETRY_BATCHES {
            let gone = sqlx::query(
                "DELETE FROM telemetry_hours WHERE (speaker, hour) IN ( \
                 SELECT speaker, hour FROM telemetry_hours WHERE hour < $1 LIMIT $2)",
            )
            .bind(hour_of(now) - TELEMETRY_H)
            .bind(BATCH)
            .execute(&self.inner.writer)
            .await?;
            if gone.rows_affected() < BATCH as u64 {
                break;
            }
        }
        certificates::tidy(&mut *self.inner.writer.acquire().await?, now).await?;
        self.forget_audio(now.plus_s(-HIDDEN_AUDIO_S)).await?;
        Ok(())
    }
}
