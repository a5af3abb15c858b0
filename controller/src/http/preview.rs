//! What one speaker will play, by the pole's own rules.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use loa_protocol::{
    arbitration::{Rules, is_in_earnest},
    bulletin::{Bulletin, Priority},
    id::SpeakerId,
    preview,
    sounded::{Piece, REMEMBERED_S, Sounded},
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use tokio::task;
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Id, Params},
    guard::Signed,
    instant::Instant,
    messages::Code,
    speaker_status::last,
    speakers::load,
};
use crate::{logic::permissions::Action, store::PlayoutRow};

const LONGEST_H: u32 = 7 * 24;
/// Most playouts whose minutes are counted: a minute each, all day.
const PLAYOUTS: u32 = 1_500;

#[derive(Deserialize)]
pub struct Ahead {
    hours: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct PreviewView {
    pub from: Instant,
    pub to: Instant,
    pub items: Vec<PreviewItem>,
    /// There is more than one preview shows.
    pub truncated: bool,
}

#[derive(Serialize, ToSchema)]
pub struct PreviewItem {
    pub occurrence: String,
    pub bulletin: String,
    pub title: String,
    pub priority: Priority,
    pub planned: Instant,
    /// `null` when it will not sound.
    pub starts: Option<Instant>,
    pub ends: Option<Instant>,
    #[schema(example = "skipped")]
    pub outcome: &'static str,
    #[schema(example = "quiet_hours")]
    pub reason: Option<&'static str>,
}

/// What this speaker will play in the next hours (24 when not told), given that all audio arrives.
#[utoipa::path(get, path = "/speakers/{id}/preview", tag = "speakers",
    params(("id" = String, Path), ("hours" = Option<u32>, Query, minimum = 1, maximum = 168)),
    responses((status = 200, body = PreviewView), (status = "default", body = ErrorEnvelope)))]
pub async fn preview(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
    Params(ahead): Params<Ahead>,
) -> Result<Json<PreviewView>, ApiError> {
    let hours = ahead.hours.unwrap_or(24);
    if !(1..=LONGEST_H).contains(&hours) {
        return Err(ApiError::new(Code::LimitInvalid)
            .with("name", "hours")
            .with("from", 1)
            .with("to", LONGEST_H));
    }
    load(&state, &signed, &id, Action::See).await?;
    let config = state.store.speaker_config(&id).await?;
    let config = config.ok_or_else(|| ApiError::not_found("speaker", &id))?;
    let mut bulletins: BTreeMap<_, Bulletin> = BTreeMap::new();
    for channel in &config.channels {
        for bulletin in state.store.channel(channel).await?.bulletins {
            // One that reaches it by two channels is played once.
            bulletins.insert(bulletin.id.clone(), bulletin);
        }
    }
    let from = state.clock.now();
    let to = from.plus_s(i64::from(hours) * 3_600);
    let governor = last(&state, &id).await?.map(|last| last.status.governor());
    let governor = governor.unwrap_or_default();
    let told = state
        .store
        .playouts_of(&id, from.plus_s(-REMEMBERED_S), from, PLAYOUTS)
        .await?;
    let ahead = task::spawn_blocking(move || {
        let rules = Rules {
            config: &config,
            governor: &governor,
            sounded: &sounded(&told, from),
        };
        preview::preview(bulletins.values(), &rules, from, to)
    })
    .await
    .map_err(|error| ApiError::internal(&error))?
    .map_err(|error| ApiError::internal(&error))?;
    let items = ahead.items.into_iter().map(|item| {
        let (outcome, reason) = item.outcome.words();
        PreviewItem {
            bulletin: item.occurrence.bulletin.to_string(),
            occurrence: item.occurrence.to_string(),
            title: item.title,
            priority: item.priority,
            planned: item.planned.into(),
            starts: item.starts.map(Instant),
            ends: item.ends.map(Instant),
            outcome,
            reason,
        }
    });
    Ok(Json(PreviewView {
        from: from.into(),
        to: to.into(),
        items: items.collect(),
        truncated: ahead.truncated,
    }))
}

/// What the pole has told of its last day; all of a playout that had pauses as late as it can have been.
fn sounded(told: &[PlayoutRow], now: WallTime) -> Sounded {
    let pieces = told.iter().filter_map(|row| {
        let length_ms = i64::try_from(row.sounded_ms).unwrap_or(i64::MAX);
        let to = row
            .ended
            .or(Some(row.started?.plus_ms(length_ms)))?
            .min(now);
        Some(Piece {
            from: to.plus_ms(-length_ms),
            to,
            emergency: is_in_earnest(row.priority, row.status),
        })
    });
    pieces.collect()
}
