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

#[cfg(test)]
mod tests {
    use loa_protocol::{
        bulletin::{Priority, Status},
        time::WallTime,
    };

    use super::*;
    use crate::store::testing::{NOON, speaker};

    fn row(sounded_ms: u64, outcome: Option<&str>, reason: Option<&str>) -> PlayoutRow {
        PlayoutRow {
            speaker: speaker("ban-chuong-1"),
            occurrence: "b1/2026-11-24/0/0".parse().unwrap(),
            attempt: 0,
            revision: 1,
            title: "Nói trực tiếp".into(),
            priority: Priority::Priority,
            status: Status::Actual,
            planned: NOON,
            started: (sounded_ms > 0).then_some(NOON),
            ended: None::<WallTime>,
            error_us: None,
            sounded_ms,
            cuts: 0,
            trust: "synced".into(),
            outcome: outcome.map(str::to_owned),
            reason: reason.map(str::to_owned),
            cut_by: None,
            heard: None,
            clarity: None,
            due_ms: None,
            streamed: None,
        }
    }

    /// Ten seconds of speech behind a chime of two, over now; its recording may still come.
    fn heard_of(live: Option<PlayoutRow>, later: Option<PlayoutRow>, may_come: bool) -> HeardAs {
        let (call, replay) = ("b1".parse().unwrap(), "b2".parse().unwrap());
        let of = Of {
            call: &call,
            replay: Some(&replay),
            goes_on: false,
            may_come,
            chime_ms: 2_000,
            least_ms: 11_000,
        };
        heard(&of, live.as_ref(), later.as_ref(), false)
    }

    #[test]
    fn a_pole_that_sounded_nearly_all_of_it_heard_it_live() {
        let whole = || Some(row(11_500, Some("completed"), None));
        assert_eq!(heard_of(whole(), None, true), HeardAs::Live);
        let skipped = Some(row(0, Some("skipped"), Some("heard_live")));
        assert_eq!(heard_of(None, skipped, false), HeardAs::Live);
    }

    #[test]
    fn a_weak_pole_waits_for_the_recording_and_then_has_heard_it_later() {
        let left = || Some(row(5_000, Some("interrupted"), Some("starved")));
        assert_eq!(heard_of(left(), None, true), HeardAs::Waiting);
        let sounds = Some(row(3_000, None, None));
        assert_eq!(heard_of(left(), sounds, true), HeardAs::Later);
        // It came too late for that: it heard a part, or nothing but the chime.
        let missed = || Some(row(0, Some("missed"), Some("no_content")));
        assert_eq!(heard_of(left(), missed(), true), HeardAs::Part);
        let chime = Some(row(2_000, Some("interrupted"), Some("starved")));
        assert_eq!(heard_of(chime, missed(), false), HeardAs::Not);
        assert_eq!(heard_of(None, None, false), HeardAs::Not);
    }
}
