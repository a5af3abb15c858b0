//! What came of listening to a playout, before or after its row is here.

use loa_protocol::{
    id::SpeakerId,
    playout::PlayoutId,
    status::SpeakerStatus,
    telemetry::{EarKind, Hearing, Listened},
    time::WallTime,
};
use sqlx::SqliteConnection;

use super::{
    Result,
    convert::{from_json, wall},
};

/// Puts it into the playout's row, or keeps it until that comes. Returns when the row's occurrence was planned.
pub(super) async fn note(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    listened: &Listened,
) -> Result<Option<WallTime>> {
    let planned: Option<i64> = sqlx::query_scalar(
        "UPDATE playouts SET heard = $4, clarity = $5, delay_us = $6 \
         WHERE speaker = $1 AND occurrence = $2 AND attempt = $3 RETURNING planned",
    )
    .bind(speaker.as_str())
    .bind(listened.playout.occurrence.to_string())
    .bind(i64::from(listened.playout.attempt))
    .bind(listened.hearing.word())
    .bind(listened.clarity_centi.map(i64::from))
    .bind(listened.delay_us)
    .fetch_optional(&mut *db)
    .await?;
    if planned.is_none() {
        sqlx::query(
            "INSERT INTO early_hearings (speaker, occurrence, attempt, heard, clarity, delay_us, happened) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (speaker, occurrence, attempt) DO UPDATE SET \
             heard = excluded.heard, clarity = excluded.clarity, delay_us = excluded.delay_us, \
             happened = excluded.happened",
        )
        .bind(speaker.as_str())
        .bind(listened.playout.occurrence.to_string())
        .bind(i64::from(listened.playout.attempt))
        .bind(listened.hearing.word())
        .bind(listened.clarity_centi.map(i64::from))
        .bind(listened.delay_us)
        .bind(listened.at.as_micros())
        .execute(db)
        .await?;
    }
    Ok(planned.map(wall))
}

/// Gives a row that just came what was heard before it.
pub(super) async fn catch_up(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    playout: &PlayoutId,
) -> Result<()> {
    type Early = (String, Option<i64>, Option<i64>);
    let early: Option<Early> = sqlx::query_as(
        "DELETE FROM early_hearings WHERE speaker = $1 AND occurrence = $2 AND attempt = $3 \
         RETURNING heard, clarity, delay_us",
    )
    .bind(speaker.as_str())
    .bind(playout.occurrence.to_string())
    .bind(i64::from(playout.attempt))
    .fetch_optional(&mut *db)
    .await?;
    let Some((heard, clarity, delay_us)) = early else {
        return Ok(());
    };
    sqlx::query(
        "UPDATE playouts SET heard = $4, clarity = $5, delay_us = $6 \
         WHERE speaker = $1 AND occurrence = $2 AND attempt = $3",
    )
    .bind(speaker.as_str())
    .bind(playout.occurrence.to_string())
    .bind(i64::from(playout.attempt))
    .bind(heard)
    .bind(clarity)
    .bind(delay_us)
    .execute(db)
    .await?;
    Ok(())
}

/// What is known of a playout's sound when it ends and nothing else was told: a speaker whose last status says that nothing
/// listens there was not heard by anything.
pub(super) async fn at_its_end(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
) -> Result<Option<Hearing>> {
    let status: Option<String> =
        sqlx::query_scalar("SELECT status FROM speaker_status WHERE speaker = $1")
            .bind(speaker.as_str())
            .fetch_optional(db)
            .await?;
    let status: Option<SpeakerStatus> = status.map(|s| from_json("status", &s)).transpose()?;
    let ear = status
        .and_then(|status| status.telemetry)
        .map(|t| t.ear.kind);
    Ok((ear == Some(EarKind::None)).then_some(Hearing::NoMicrophone))
}
