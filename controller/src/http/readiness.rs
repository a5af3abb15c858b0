//! "Will it play?": what a speaker still lacks, from its own last word.
//!
//! Being offline is no lack: a pole that holds programme and audio and trusts its clock needs nobody.

use loa_protocol::{
    bulletin::{Bulletin, Priority},
    programme::Version,
    status::SpeakerStatus,
    time::{Trust, WallTime},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState,
    error::ApiError,
    speaker_status::{Last, last},
};
use crate::{
    logic::{Presence, approval::Stage},
    store::{Kept, Speaker},
};

/// Most speakers shown one by one with a bulletin; those not ready come first.
const SHOWN: usize = 500;

/// Why a speaker is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// It has never told anything.
    NeverReported,
    /// It does not know of it yet.
    NoProgramme,
    /// Its audio has not arrived whole.
    NoContent,
    /// Its clock was never set, so nothing scheduled starts.
    ClockUntrusted,
    Muted,
}

/// What the speaker lacks to sound this bulletin. `version`: of a programme that holds it, for each channel by which it is
/// reached (any one will do).
pub fn lacks(
    status: Option<&SpeakerStatus>,
    bulletin: &Bulletin,
    holds: impl Fn(&SpeakerStatus) -> bool,
    muted: bool,
) -> Vec<Lack> {
    let mut lacks = Vec::new();
    match status {
        None => lacks.push(Lack::NeverReported),
        Some(status) => {
            if !holds(status) {
                lacks.push(Lack::NoProgramme);
            }
            let manifest = bulletin.manifest();
            // Whoever heard a call live has no need of its recording.
            let wanted = manifest.filter(|_| bulletin.replay.is_none());
            if wanted.is_some_and(|m| !status.held.contains(&m.content)) {
                lacks.push(Lack::NoContent);
            }
            let needs_clock = !bulletin.is_now() && bulletin.priority < Priority::Emergency;
            if needs_clock && status.clock.trust == Trust::Untrusted {
                lacks.push(Lack::ClockUntrusted);
            }
        }
    }
    if muted {
        lacks.push(Lack::Muted);
    }
    lacks
}

#[derive(Serialize, ToSchema)]
pub struct Readiness {
    /// Ready on so many …
    pub ready: usize,
    /// … of so many.
    pub of: usize,
    /// Those not ready first, at most 500.
    pub speakers: Vec<ReadySpeaker>,
}

#[derive(Serialize, ToSchema)]
pub struct ReadySpeaker {
    pub speaker: String,
    pub name: String,
    pub presence: Presence,
    pub ready: bool,
    pub lacks: Vec<Lack>,
}

/// Of a bulletin, on everybody it is for.
pub async fn of_bulletin(state: &AppState, kept: &Kept) -> Result<Readiness, ApiError> {
    let epoch = state.store.office().epoch;
    let mut speakers: Vec<ReadySpeaker> = Vec::new();
    for speaker in followers(state, kept).await? {
        let status = last(state, &speaker.id).await?;
        // What is not on air is in nobody's programme.
        let on_air = kept.stage == Stage::Planned;
        let holds = |status: &SpeakerStatus| {
            on_air
                && kept.targets.iter().any(|target| {
                    let wanted = Version {
                        epoch,
                        generation: target.generation,
                    };
                    let held = status.programmes.get(&target.channel);
                    held.is_some_and(|held| *held >= wanted)
                })
        };
        let status = status.as_ref().map(|last| &last.status);
        let lacks = lacks(status, &kept.bulletin, holds, speaker.muted);
        speakers.push(ReadySpeaker {
            presence: state.engine.presence(&speaker.id).presence,
            speaker: speaker.id.to_string(),
            name: speaker.name,
            ready: lacks.is_empty(),
            lacks,
        });
    }
    let (ready, of) = (speakers.iter().filter(|s| s.ready).count(), speakers.len());
    speakers.sort_by_key(|s| s.ready);
    speakers.truncate(SHOWN);
    Ok(Readiness {
        ready,
        of,
        speakers,
    })
}

/// Everybody a bulletin is for, each once, by name.
pub async fn followers(state: &AppState, kept: &Kept) -> Result<Vec<Speaker>, ApiError> {
    let mut all: Vec<Speaker> = Vec::new();
    for target in &kept.targets {
        all.extend(state.store.followers(&target.channel).await?);
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all.dedup_by(|a, b| a.id == b.id);
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

#[derive(Serialize, ToSchema)]
pub struct SpeakerReady {
    /// Nothing is lacking for anything that is ahead of it.
    pub ready: bool,
    /// It applies what the office set for it last.
    pub config_applied: bool,
    /// Bulletins ahead of it that it could sound …
    pub bulletins_ready: usize,
    /// … of so many.
    pub bulletins: usize,
    /// Everything that any of them lacks.
    pub lacks: Vec<Lack>,
}

/// Of a speaker, for everything that is ahead of it.
pub async fn of_speaker(
    state: &AppState,
    speaker: &Speaker,
    last: Option<&Last>,
) -> Result<SpeakerReady, ApiError> {
    let status = last.map(|last| &last.status);
    let now = state.clock.now();
    let config = state.store.speaker_config(&speaker.id).await?;
    let (mut ready, mut all, mut lacking) = (0, 0, Vec::new());
    for channel in config.iter().flat_map(|config| &config.channels) {
        let ahead = state.store.channel(channel).await?;
        for bulletin in &ahead.bulletins {
            if is_over(bulletin, now) {
                continue;
            }
            let holds = |status: &SpeakerStatus| {
                let held = status.programmes.get(channel);
                held.is_some_and(|held| *held >= ahead.version)
            };
            let lacks = lacks(status, bulletin, holds, speaker.muted);
            all += 1;
            ready += usize::from(lacks.is_empty());
            for lack in lacks {
                if !lacking.contains(&lack) {
                    lacking.push(lack);
                }
            }
        }
    }
    let applied = status.and_then(|s| s.config);
    let config_applied = config.is_some_and(|config| applied == Some(config.version));
    Ok(SpeakerReady {
        ready: ready == all && config_applied,
        config_applied,
        bulletins_ready: ready,
        bulletins: all,
        lacks: lacking,
    })
}

/// Nothing of it can start any more.
pub fn is_over(bulletin: &Bulletin, now: WallTime) -> bool {
    let ended = bulletin.stream().and_then(|stream| stream.ended);
    ended.is_some_and(|ended| ended < now)
        || matches!(bulletin.last_planned(), Ok(Some(last)) if bulletin.start_by(last) < now)
}
