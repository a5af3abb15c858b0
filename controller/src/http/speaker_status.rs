//! What a speaker last said of itself, as the API shows it.

use std::{collections::BTreeMap, sync::Arc};

use loa_protocol::{
    id::SpeakerId,
    limits::{Governor, Limits},
    quiet_hours::DayWindow,
    status::{Next, Sounding, SpeakerStatus},
    time::{Trust, WallTime},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AppState, error::ApiError, instant::Instant};
use crate::{
    logic::{Presence, PresenceView},
    store::Speaker,
};

#[derive(Serialize, ToSchema)]
pub struct PresenceOf {
    pub state: Presence,
    /// As far as this run of the controller knows.
    pub since: Instant,
    pub last_heard: Option<Instant>,
}

impl From<PresenceView> for PresenceOf {
    fn from(view: PresenceView) -> Self {
        Self {
            state: view.presence,
            since: view.since.into(),
            last_heard: view.last_heard.map(Instant),
        }
    }
}

/// How far a speaker's clock may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockTrust {
    /// Nothing scheduled starts on it.
    Untrusted,
    Held,
    Synced,
}

impl From<Trust> for ClockTrust {
    fn from(trust: Trust) -> Self {
        match trust {
            Trust::Untrusted => Self::Untrusted,
            Trust::Held => Self::Held,
            Trust::Synced => Self::Synced,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct StatusView {
    /// `false`: this is its last will.
    pub online: bool,
    /// By its own clock.
    pub at: Option<Instant>,
    /// When it came in.
    pub received: Instant,
    #[schema(example = "loa-agent 0.1.0")]
    pub agent: String,
    pub boot: u64,
    pub uptime_s: u64,
    pub clock: ClockTrust,
    /// Office minus speaker, in milliseconds.
    pub clock_offset_ms: Option<f64>,
    pub clock_error_ms: Option<f64>,
    pub sounding: Option<SoundingView>,
    pub next: Option<NextView>,
    pub muted: bool,
    /// In force: the stricter of what the office set and what was set at the pole; `null` when it does not tell.
    pub limits: Option<Limits>,
    /// Quiet hours that were set at the pole, beside the office's.
    pub own_quiet_hours: Vec<DayWindow>,
    pub output: String,
    /// Complete recordings on its disk, of what its programmes name.
    pub contents_held: usize,
    /// Recordings on their way: blocks held and blocks in all.
    pub partial: Vec<PartialView>,
    /// The generation it holds of each programme it follows.
    pub programmes: BTreeMap<String, u64>,
    pub events_waiting: u64,
    /// Documents it did not believe, by reason.
    pub refused: BTreeMap<String, u64>,
    pub disk_free_bytes: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub struct SoundingView {
    pub occurrence: String,
    pub bulletin: String,
    pub title: String,
    pub since: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct NextView {
    pub occurrence: String,
    pub bulletin: String,
    pub title: String,
    pub planned: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct PartialView {
    pub content: String,
    pub blocks_held: u32,
    pub blocks: u32,
}

/// A status and when it came in.
#[derive(Clone, Debug)]
pub struct Last {
    pub status: SpeakerStatus,
    pub received: WallTime,
}

/// From this run, or the last one before it.
pub async fn last(state: &AppState, id: &SpeakerId) -> Result<Option<Last>, ApiError> {
    if let Some(status) = state.engine.status(id) {
        let received = state.engine.presence(id).last_heard;
        return Ok(Some(Last {
            status: SpeakerStatus::clone(&status),
            received: received.unwrap_or(state.clock.now()),
        }));
    }
    let kept = state.store.last_status(id).await?;
    Ok(kept.map(|(status, received)| Last { status, received }))
}

/// What each of these poles has told of its own limits, in their order; none where it told nothing.
pub async fn governors(state: &AppState, speakers: &[Speaker]) -> Result<Vec<Governor>, ApiError> {
    let seen = state.engine.seen(speakers.iter().map(|s| &s.id)).speakers;
    let unseen = speakers
        .iter()
        .zip(&seen)
        .filter(|(_, (_, status))| status.is_none())
        .map(|(speaker, _)| speaker.id.clone());
    let earlier = state
        .store
        .last_statuses(&unseen.collect::<Vec<_>>())
        .await?;
    let of = |(speaker, (_, status)): (&Speaker, &(_, Option<Arc<SpeakerStatus>>))| match status {
        Some(status) => status.governor(),
        None => earlier
            .get(&speaker.id)
            .map_or_else(Governor::default, |(status, _)| status.governor()),
    };
    Ok(speakers.iter().zip(&seen).map(of).collect())
}

impl From<&Sounding> for SoundingView {
    fn from(sounding: &Sounding) -> Self {
        Self {
            occurrence: sounding.occurrence.to_string(),
            bulletin: sounding.occurrence.bulletin.to_string(),
            title: sounding.title.clone(),
            since: sounding.since.into(),
        }
    }
}

impl From<&Next> for NextView {
    fn from(next: &Next) -> Self {
        Self {
            occurrence: next.occurrence.to_string(),
            bulletin: next.occurrence.bulletin.to_string(),
            title: next.title.clone(),
            planned: next.planned.into(),
        }
    }
}

impl From<&Last> for StatusView {
    fn from(last: &Last) -> Self {
        let status = &last.status;
        let ms = |us: i64| us as f64 / 1_000.0;
        Self {
            online: status.online,
            at: status.at.map(Instant),
            received: last.received.into(),
            agent: status.agent.clone(),
            boot: status.boot,
            uptime_s: status.uptime_s,
            clock: status.clock.trust.into(),
            clock_offset_ms: status.clock.offset_us.map(ms),
            clock_error_ms: status.clock.error_us.map(ms),
            sounding: status.sounding.as_ref().map(SoundingView::from),
            next: status.next.as_ref().map(NextView::from),
            muted: status.muted,
            limits: status.limits.clone(),
            own_quiet_hours: status.governor_quiet.clone(),
            output: status.output.clone(),
            contents_held: status.held.len(),
            partial: status
                .partial
                .iter()
                .map(|p| PartialView {
                    content: p.content.to_string(),
                    blocks_held: p.blocks_held,
                    blocks: p.blocks,
                })
                .collect(),
            programmes: status
                .programmes
                .iter()
                .map(|(channel, version)| (channel.to_string(), version.generation))
                .collect(),
            events_waiting: status.last_event.saturating_sub(status.acked),
            refused: status.refused.clone(),
            disk_free_bytes: status.disk_free_bytes,
        }
    }
}
