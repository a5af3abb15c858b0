//! What speakers tell: every event once, whatever the line repeats, loses or reorders.

use loa_protocol::{
    event::{Event, What},
    id::{SpeakerId, StoreId},
    time::WallTime,
};
use sqlx::SqliteConnection;

use super::{
    Result, Store, StoreError,
    convert::{json, number, parse, stored, word},
    error::not_found,
    figures, hearing, notes, orders, outages, playouts,
};

impl Store {
    /// Stores what is new of `events` and returns the highest number with no hole before it.
    /// Doing it again changes nothing. Numbers outside 1 … 2^63-1 are nobody's.
    pub async fn record_events(
        &self,
        speaker: &SpeakerId,
        store: &StoreId,
        events: &[Event],
        received: WallTime,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM speakers WHERE id = $1")
            .bind(speaker.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Err(not_found("speaker", speaker));
        }
        let mut explained: Option<(WallTime, WallTime)> = None;
        let mut touched: Vec<WallTime> = Vec::new();
        for event in events {
            if event.number == 0 || event.number > i64::MAX as u64 {
                continue;
            }
            let done = sqlx::query(
                "INSERT INTO events (speaker, store, number, happened, trust, what, received) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            )
            .bind(speaker.as_str())
            .bind(store.as_str())
            .bind(stored(event.number))
            .bind(event.at.as_micros())
            .bind(word(&event.trust))
            .bind(json(&event.what))
            .bind(received.as_micros())
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() == 0 {
                continue;
            }
            notes::note(&mut tx, speaker, store, event).await?;
            orders::told(&mut tx, speaker, &event.what, event.at).await?;
            if let Some((from, to)) =
                outages::note(&mut tx, speaker, store, event, received).await?
            {
                explained = Some(explained.map_or((from, to), |(a, b)| (a.min(from), b.max(to))));
            }
            let (playout, by) = match &event.what {
                What::Started { playout } | What::Ended { playout } => (playout, None),
                What::Suspended { playout, by } => (playout, by.as_ref()),
                What::Heard { listened } => {
                    touched.extend(hearing::note(&mut tx, speaker, listened).await?);
                    continue;
                }
                _ => continue,
            };
            touched
                .extend(playouts::note(&mut tx, speaker, store, event.number, playout, by).await?);
        }
        figures::recount(&mut tx, speaker, touched).await?;
        if let Some((from, to)) = explained {
            outages::refresh(&mut tx, speaker, from, to).await?;
        }
        let through = advance(&mut tx, speaker, store, received).await?;
        tx.commit().await?;
        number("through", through)
    }

    /// For each speaker its present store (the one that told something last) and how far that is stored.
    pub async fn acked(&self) -> Result<Vec<(SpeakerId, StoreId, u64)>> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT speaker, store, through FROM acks AS one WHERE NOT EXISTS ( \
               SELECT 1 FROM acks AS other WHERE other.speaker = one.speaker \
               AND (other.changed, other.store) > (one.changed, one.store)) \
             AND speaker IN (SELECT id FROM speakers WHERE removed IS NULL) ORDER BY speaker",
        )
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|(speaker, store, through)| {
                Ok((
                    parse("speaker", speaker)?,
                    parse("store", store)?,
                    number("through", *through)?,
                ))
            })
            .collect()
    }
}

/// Moves the mark over the numbers that follow it without a hole.
async fn advance(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    store: &StoreId,
    now: WallTime,
) -> Result<i64> {
    let before = through(db, speaker, store).await?.unwrap_or(0);
    // The first stored number whose successor is not: everything up to it is there, when the mark's successor is.
    let reached: Option<i64> = sqlx::query_scalar(
        "SELECT MIN(number) FROM events AS one WHERE speaker = $1 AND store = $2 AND number > $3 \
         AND NOT EXISTS (SELECT 1 FROM events AS next WHERE next.speaker = $1 AND next.store = $2 \
         AND next.number = one.number + 1) \
         AND EXISTS (SELECT 1 FROM events AS first WHERE first.speaker = $1 AND first.store = $2 \
         AND first.number = $3 + 1)",
    )
    .bind(speaker.as_str())
    .bind(store.as_str())
    .bind(before)
    .fetch_one(&mut *db)
    .await?;
    let after = reached.unwrap_or(before);
    set_through(db, speaker, store, after, now).await?;
    Ok(after)
}

async fn through(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    store: &StoreId,
) -> Result<Option<i64>> {
    Ok(
        sqlx::query_scalar("SELECT through FROM acks WHERE speaker = $1 AND store = $2")
            .bind(speaker.as_str())
            .bind(store.as_str())
            .fetch_optional(db)
            .await?,
    )
}

async fn set_through(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    store: &StoreId,
    through: i64,
    now: WallTime,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO acks (speaker, store, through, changed) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (speaker, store) DO UPDATE SET through = excluded.through, changed = excluded.changed",
    )
    .bind(speaker.as_str())
    .bind(store.as_str())
    .bind(through)
    .bind(now.as_micros())
    .execute(db)
    .await?;
    Ok(())
}

/// Events that were acknowledged are gone on the speaker. An office that lost its database, or went back to a backup, must
/// not wait for them for ever: a speaker's own word about what was acknowledged moves the mark, unless some of what it
/// would step over is here (then nothing was lost, and the rest is still on its way).
pub(super) async fn believe_acked(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    store: &StoreId,
    acked: u64,
    now: WallTime,
) -> Result<()> {
    let acked = i64::try_from(acked).map_err(|_| StoreError::Damaged("acked".into()))?;
    let before = through(db, speaker, store).await?.unwrap_or(0);
    if acked <= before {
        return Ok(());
    }
    let between: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM events WHERE speaker = $1 AND store = $2 AND number > $3 AND number <= $4 LIMIT 1",
    )
    .bind(speaker.as_str())
    .bind(store.as_str())
    .bind(before)
    .bind(acked)
    .fetch_optional(&mut *db)
    .await?;
    if between.is_none() {
        set_through(db, speaker, store, acked, now).await?;
        advance(db, speaker, store, now).await?;
    }
    Ok(())
}
