//! Where a call was heard: live, later from its recording, or not.

use std::collections::HashMap;

use loa_protocol::{
    id::{BulletinId, SpeakerId},
    live::Streamed,
    status::SpeakerStatus,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{AppState, error::ApiError};
use crate::{
    logic::{Presence, PresenceView},
    store::{PlayoutFilter, PlayoutRow, Speaker},
};

/// Most poles in one answer.
const SHOWN: u32 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeardAs {
    /// As it was spoken, or nearly all of it.
    Live,
    /// Live in part, and the rest not.
    Part,
    /// From the recording.
    Later,
    /// It goes on, or the recording is still to come.
    Waiting,
    Not,
}

/// One pole.
#[derive(Debug, Serialize, ToSchema)]
pub struct PoleHeard {
    pub speaker: String,
    pub name: String,
    pub area_name: String,
    pub online: bool,
    pub heard: HeardAs,
    /// How much of the speech sounded live, in milliseconds; the chime is not counted.
    pub live_ms: u64,
    /// How its live playout ended; `null`: it goes on, or it told of none.
    pub outcome: Option<String>,
    pub reason: Option<String>,
    /// What the pole measured.
    pub streamed: Option<Streamed>,
}

/// What is to be known of a call for this.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    pub call: &'a BulletinId,
    pub replay: Option<&'a BulletinId>,
    pub goes_on: bool,
    /// The recording may still be said.
    pub may_come: bool,
    pub chime_ms: u64,
    /// What a pole must have sounded, its chime counted.
    pub least_ms: u64,
}

type Rows = HashMap<SpeakerId, PlayoutRow>;

pub async fn poles(
    state: &AppState,
    of: Of<'_>,
    speakers: &[Speaker],
) -> Result<Vec<PoleHeard>, ApiError> {
    let live = rows(state, of.call).await?;
    let later = match of.replay {
        Some(replay) => rows(state, replay).await?,
        None => Rows::new(),
    };
    let tree = state.store.areas(None).await?;
    let names: HashMap<_, _> = tree.iter().map(|a| (&a.id, a.name.as_str())).collect();
    let seen = state.engine.seen(speakers.iter().map(|s| &s.id)).speakers;
    let each = speakers.iter().zip(seen);
    Ok(each
        .map(|(speaker, (presence, status))| {
            let row = live.get(&speaker.id);
            let now = sounding(&of, presence, status.as_deref());
            let replayed = later.get(&speaker.id);
            let sounded_ms = row.map_or(0, |row| row.sounded_ms);
            PoleHeard {
                speaker: speaker.id.to_string(),
                name: speaker.name.clone(),
                area_name: names.get(&speaker.area).copied().unwrap_or_default().into(),
                online: presence.presence == Presence::Online,
                heard: heard(&of, row, replayed, now.is_some()),
                live_ms: sounded_ms.saturating_sub(of.chime_ms),
                outcome: row.and_then(|row| row.outcome.clone()),
                reason: row.and_then(|row| row.reason.clone()),
                streamed: row.and_then(|row| row.streamed.clone()).or(now.flatten()),
            }
        })
        .collect())
}

/// It says that it sounds the call at this moment, with what it has measured so far.
pub fn sounding(
    of: &Of<'_>,
    presence: PresenceView,
    status: Option<&SpeakerStatus>,
) -> Option<Option<Streamed>> {
    let there = of.goes_on && presence.presence != Presence::Offline;
    let sounding = status?.sounding.as_ref().filter(|_| there)?;
    let is_this = sounding.occurrence.bulletin == *of.call;
    is_this.then(|| sounding.streamed.as_deref().cloned())
}

fn heard(
    of: &Of<'_>,
    live: Option<&PlayoutRow>,
    later: Option<&PlayoutRow>,
    sounds: bool,
) -> HeardAs {
    let live_ms = live.map_or(0, |row| row.sounded_ms);
    let over = live.is_some_and(|row| row.outcome.is_some());
    let said_later = |row: &PlayoutRow| row.started.is_some();
    let by_rule = later.is_some_and(|row| row.reason.as_deref() == Some("heard_live"));
    let later_open = later.is_none_or(|row| row.outcome.is_none());
    if sounds || by_rule || (!of.goes_on && live_ms >= of.least_ms.max(1)) {
        HeardAs::Live
    } else if later.is_some_and(said_later) {
        HeardAs::Later
    } else if (of.goes_on && !over) || (of.may_come && later_open) {
        HeardAs::Waiting
    } else if live_ms > of.chime_ms {
        HeardAs::Part
    } else {
        HeardAs::Not
    }
}

/// The newest playout of each pole.
async fn rows(state: &AppState, bulletin: &BulletinId) -> Result<Rows, ApiError> {
    let filter = PlayoutFilter {
        bulletin: Some(bulletin.clone()),
        limit: SHOWN,
        ..PlayoutFilter::default()
    };
    let mut rows = Rows::new();
    for row in state.store.playouts(&filter).await? {
        rows.entry(row.speaker.clone()).or_insert(row);
    }
    Ok(rows)
}
