//! Silence now.

use std::collections::HashSet;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    bulletins::targets,
    calls::must_silence,
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    guard::Signed,
    instant::Instant,
};
use crate::{
    engine::{Change, Urgent},
    logic::permissions::Action,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopBody {
    /// `area.ID`, `group.ID` or `speaker.ID`; an area with all below it.
    #[schema(example = json!(["area.sang-moc"]))]
    pub targets: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Stopped {
    /// Whatever was planned to start at or before this instant is over there, on whichever channel it came.
    pub silence_before: Instant,
    pub targets: Vec<String>,
    /// How many speakers there are at these targets; `GET /now` tells which have fallen silent.
    pub speakers: usize,
}

/// Stop everything that sounds or waits at these targets, now, and end the live calls that any of them hear; one that is heard
/// where this person silences nobody goes on there. What is planned later is still said.
#[utoipa::path(post, path = "/stop", tag = "bulletins", request_body = StopBody,
    responses((status = 200, body = Stopped), (status = "default", body = ErrorEnvelope)))]
pub async fn stop(
    State(state): State<AppState>,
    signed: Signed,
    body: Body<StopBody>,
) -> Result<Json<Stopped>, ApiError> {
    let channels = targets(&body.value.targets)?;
    for channel in &channels {
        signed.must_on(&state, Action::Silence, channel).await?;
    }
    let now = state.clock.now();
    state.store.stop(&channels, now).await?;
    let names: Vec<String> = channels.iter().map(ToString::to_string).collect();
    state
        .engine
        .changed(Change::Channels(channels.clone(), Some(Urgent::Stop(now))))
        .await;
    tracing::info!(by = %signed.user.username, targets = ?names, "everything stopped");
    // Only now: counting does not hold up silence.
    let mut speakers = HashSet::new();
    for channel in &channels {
        let followers = state.store.followers(channel).await?;
        speakers.extend(followers.into_iter().map(|speaker| speaker.id));
    }
    let mut over = Vec::new();
    for line in state.calls.heard(&channels, &speakers) {
        // Who speaks to more than this person may silence is heard elsewhere still; the poles here are silent.
        let here = line.speakers.is_subset(&speakers);
        if here || must_silence(&state, &signed, &line.channels).await.is_ok() {
            over.push(line.id.clone());
        }
    }
    state.calls.stop(&over).await;
    Ok(Json(Stopped {
        silence_before: now.into(),
        targets: names,
        speakers: speakers.len(),
    }))
}
