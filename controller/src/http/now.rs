//! Every speaker in reach at one glance: is it there, does it sound, what comes next, what does it lack.

use std::collections::HashMap;

use axum::{Json, extract::State};
use loa_protocol::{
    channel::Channel,
    content::ContentId,
    id::SpeakerId,
    programme::Version,
    status::SpeakerStatus,
    time::{Trust, WallTime},
};
use serde::{Deserialize, Serialize};
use tokio::task;
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Params, chosen_id},
    guard::Signed,
    instant::Instant,
    readiness::{Lack, is_over},
    speaker_status::{Last, NextView, SoundingView},
};
use crate::{
    logic::{ChannelState, Presence, permissions::Action},
    store::Speaker,
};
use loa_protocol::{bulletin::Priority, speaker_config::SpeakerConfig};

/// Most speakers in one answer, the first by name; more are said to be.
const SHOWN: usize = 1_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Speakers in and below it; all in my reach when not told.
    area: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct NowView {
    /// By name.
    pub speakers: Vec<NowSpeaker>,
    /// There are more than 1000.
    pub truncated: bool,
}

#[derive(Serialize, ToSchema)]
pub struct NowSpeaker {
    pub speaker: String,
    pub name: String,
    pub area: String,
    pub presence: Presence,
    /// The office set it so.
    pub muted: bool,
    /// What it said that it sounds; `null` also while it is offline, when nobody knows.
    pub sounding: Option<SoundingView>,
    /// What it said comes next, when that is still ahead.
    pub next: Option<NextView>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// What it lacks for anything that is ahead of it.
    pub lacks: Vec<Lack>,
    /// How old its last status is, in seconds; `null` when it never sent one.
    pub status_age_s: Option<i64>,
    /// When anything was last heard from it.
    pub last_seen: Option<Instant>,
}

/// All that a channel asks of a speaker before air.
struct Needs {
    version: Version,
    contents: Vec<ContentId>,
    clock: bool,
}

/// Every speaker in my reach now, in one light answer.
#[utoipa::path(get, path = "/now", tag = "speakers", params(Asked),
    responses((status = 200, body = NowView), (status = "default", body = ErrorEnvelope)))]
pub async fn now(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Json<NowView>, ApiError> {
    let below = match chosen_id(asked.area.as_deref())? {
        None => signed.actor.area.clone(),
        Some(area) => {
            signed.must(&state, Action::See, &area).await?;
            Some(area)
        }
    };
    let mut speakers = state.store.speakers_below(below.as_ref()).await?;
    let truncated = speakers.len() > SHOWN;
    speakers.truncate(SHOWN);
    let statuses = statuses(&state, &speakers).await?;
    let configs = state.store.speaker_configs(&speakers).await?;
    let channels = state.store.channels_of(&configs).await?;
    let at = state.clock.now();
    let shown = task::spawn_blocking(move || {
        let needs = needs(&channels, at);
        let each = speakers.into_iter().zip(&configs);
        each.map(|(speaker, config)| {
            let last = statuses.get(&speaker.id);
            let lacks = lacks(last.map(|l| &l.status), config, &needs);
            (show(&state, speaker, last, at), lacks)
        })
        .map(|(speaker, lacks)| NowSpeaker { lacks, ..speaker })
        .collect()
    });
    Ok(Json(NowView {
        speakers: shown.await.map_err(|error| ApiError::internal(&error))?,
        truncated,
    }))
}

/// Of this run from memory, of one before it from the database.
async fn statuses(
    state: &AppState,
    speakers: &[Speaker],
) -> Result<HashMap<SpeakerId, Last>, ApiError> {
    let mut found = HashMap::new();
    let mut silent = Vec::new();
    for speaker in speakers {
        match state.engine.status(&speaker.id) {
            Some(status) => {
                let received = state.engine.presence(&speaker.id).last_heard;
                let last = Last {
                    status: SpeakerStatus::clone(&status),
                    received: received.unwrap_or(state.clock.now()),
                };
                found.insert(speaker.id.clone(), last);
            }
            None => silent.push(speaker.id.clone()),
        }
    }
    let earlier = state.store.last_statuses(&silent).await?;
    found.extend(
        earlier
            .into_iter()
            .map(|(id, (status, received))| (id, Last { status, received })),
    );
    Ok(found)
}

fn show(state: &AppState, speaker: Speaker, last: Option<&Last>, at: WallTime) -> NowSpeaker {
    let presence = state.engine.presence(&speaker.id);
    let status = last.map(|last| &last.status);
    let sounding = status.and_then(|status| status.sounding.as_ref());
    let next = status.and_then(|status| status.next.as_ref());
    NowSpeaker {
        presence: presence.presence,
        sounding: sounding
            .filter(|_| presence.presence != Presence::Offline)
            .map(SoundingView::from),
        next: next.filter(|next| next.planned >= at).map(NextView::from),
        status_age_s: last.map(|last| at.since_ms(last.received).max(0) / 1_000),
        last_seen: presence
            .last_heard
            .or(last.map(|last| last.received))
            .map(Instant),
        speaker: speaker.id.to_string(),
        name: speaker.name,
        area: speaker.area.to_string(),
        muted: speaker.muted,
        latitude: speaker.latitude,
        longitude: speaker.longitude,
        lacks: Vec::new(),
    }
}

fn needs(channels: &HashMap<Channel, ChannelState>, at: WallTime) -> HashMap<&Channel, Needs> {
    let mut needs = HashMap::new();
    for (channel, state) in channels {
        let ahead: Vec<_> = state
            .bulletins
            .iter()
            .filter(|bulletin| !is_over(bulletin, at))
            .collect();
        if !ahead.is_empty() {
            let of = Needs {
                version: state.version,
                // Whoever heard a call live has no need of its recording.
                contents: ahead
                    .iter()
                    .filter(|b| b.replay.is_none())
                    .filter_map(|b| Some(b.manifest()?.content))
                    .collect(),
                clock: ahead
                    .iter()
                    .any(|b| !b.is_now() && b.priority < Priority::Emergency),
            };
            needs.insert(channel, of);
        }
    }
    needs
}

/// As `readiness::lacks`, for all that is ahead at once.
fn lacks(
    status: Option<&SpeakerStatus>,
    config: &SpeakerConfig,
    needs: &HashMap<&Channel, Needs>,
) -> Vec<Lack> {
    let mut lacks = Vec::new();
    match status {
        None => lacks.push(Lack::NeverReported),
        Some(status) => {
            let followed = || {
                let channels = config.channels.iter();
                channels.filter_map(|channel| Some((channel, needs.get(channel)?)))
            };
            let holds = |(channel, needs): (&Channel, &Needs)| {
                let held = status.programmes.get(channel);
                held.is_some_and(|held| *held >= needs.version)
            };
            if !followed().all(holds) {
                lacks.push(Lack::NoProgramme);
            }
            let held = |content: &ContentId| status.held.contains(content);
            if !followed().all(|(_, needs)| needs.contents.iter().all(held)) {
                lacks.push(Lack::NoContent);
            }
            let trusts = status.clock.trust > Trust::Untrusted;
            if !trusts && followed().any(|(_, needs)| needs.clock) {
                lacks.push(Lack::ClockUntrusted);
            }
        }
    }
    if config.muted {
        lacks.push(Lack::Muted);
    }
    lacks
}
