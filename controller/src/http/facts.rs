//! The four facts of poles, from what the engine and the database know; and how the API shows them.

use std::{collections::HashMap, sync::Arc};

use loa_protocol::{
    event::RunEnd, id::SpeakerId, status::SpeakerStatus, telemetry::Hearing, time::WallTime,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AppState, error::ApiError, instant::Instant};
use crate::{
    engine::Seen,
    logic::{
        PresenceView,
        facts::{self, Evidence, Journal, State, Why},
        incidents::{Roster, name_masts},
        outages::Cause,
    },
    store::{Kind, Speaker, Told},
};

/// How far back what a speaker told still says something of now, in seconds.
const LOOK_BACK_S: i64 = 48 * 3_600;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Fact {
    pub state: State,
    pub why: Option<Why>,
    pub since: Option<Instant>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Facts {
    pub powered: Fact,
    pub connected: Fact,
    /// The agent, and the machine under it.
    pub healthy: Fact,
    pub audible: Fact,
}

impl From<facts::Fact> for Fact {
    fn from(fact: facts::Fact) -> Self {
        Self {
            state: fact.state,
            why: fact.why,
            since: fact.since.map(Instant),
        }
    }
}

impl From<facts::Facts> for Facts {
    fn from(facts: facts::Facts) -> Self {
        Self {
            powered: facts.powered.into(),
            connected: facts.connected.into(),
            healthy: facts.healthy.into(),
            audible: facts.audible.into(),
        }
    }
}

/// What there is to judge one pole by.
#[derive(Clone, Debug)]
pub struct Known {
    pub presence: PresenceView,
    pub status: Option<Arc<SpeakerStatus>>,
    pub outage: Option<(WallTime, Cause)>,
    journal: Journal,
    muted: bool,
    listening: Option<WallTime>,
}

impl Known {
    pub fn facts(&self, now: WallTime) -> facts::Facts {
        let evidence = Evidence {
            presence: self.presence.presence,
            since: self.presence.since,
            last_heard: self.presence.last_heard,
            listening: self.listening,
            status: self.status.as_deref(),
            outage: self.outage,
            journal: &self.journal,
            muted: self.muted,
        };
        facts::facts(&evidence, now)
    }
}

/// What is known of each of these speakers, in their order.
pub async fn known(state: &AppState, speakers: &[Speaker]) -> Result<Vec<Known>, ApiError> {
    let now = state.clock.now();
    let from = now.plus_s(-LOOK_BACK_S);
    let one = match speakers {
        [one] => Some(&one.id),
        _ => None,
    };
    let seen = state.engine.seen(speakers.iter().map(|s| &s.id));
    let silent: Vec<SpeakerId> = speakers
        .iter()
        .zip(&seen.speakers)
        .filter(|(_, (_, status))| status.is_none())
        .map(|(speaker, _)| speaker.id.clone())
        .collect();
    let mut earlier = state.store.last_statuses(&silent).await?;
    let mut outages = outages(state).await?;
    let told = state.store.notes_last(&Kind::ALL, from, one).await?;
    let output = state.store.output_faults(from, one).await?;
    let Seen {
        listening,
        speakers: seen,
    } = seen;
    let each = speakers.iter().zip(seen);
    Ok(each
        .map(|(speaker, (presence, status))| Known {
            presence,
            status: status.or_else(|| {
                let (status, _) = earlier.remove(&speaker.id)?;
                Some(Arc::new(status))
            }),
            outage: outages.remove(&speaker.id),
            journal: journal(told.get(&speaker.id), output.get(&speaker.id)),
            muted: speaker.muted,
            listening,
        })
        .collect())
}

/// Those that last: when each began, and why. Of one speaker too all are looked at: a mast shows in its neighbours.
async fn outages(state: &AppState) -> Result<HashMap<SpeakerId, (WallTime, Cause)>, ApiError> {
    let mut open = state.store.open_outages().await?;
    name_masts(&mut open, &Roster::new());
    Ok(open
        .into_iter()
        .map(|outage| (outage.speaker, (outage.began, outage.cause)))
        .collect())
}

fn journal(told: Option<&Vec<Told>>, output_fault: Option<&WallTime>) -> Journal {
    let mut journal = Journal {
        output_fault: output_fault.copied(),
        ..Journal::default()
    };
    let hearing = |word: &str| match word {
        "heard" => Some(Hearing::Heard),
        "not_heard" => Some(Hearing::NotHeard),
        _ => None,
    };
    for told in told.into_iter().flatten() {
        let at = told.at;
        match told.kind {
            Kind::Booted => journal.booted = Some((at, run_end(&told.word))),
            Kind::Stalled => journal.stalled = Some(at),
            Kind::Fault => journal.fault = Some(at),
            Kind::Mains => journal.mains = Some((at, told.word == "present")),
            Kind::Hearing => journal.hearing = hearing(&told.word).map(|h| (at, h)),
            Kind::SelfTested => journal.self_test = hearing(&told.word).map(|h| (at, h)),
        }
    }
    journal
}

fn run_end(word: &str) -> Option<RunEnd> {
    [
        ("first", RunEnd::First),
        ("power_cut", RunEnd::PowerCut),
        ("reboot", RunEnd::Reboot),
        ("stopped", RunEnd::Stopped),
        ("crashed", RunEnd::Crashed),
        ("ordered", RunEnd::Ordered),
    ]
    .into_iter()
    .find_map(|(known, end)| (known == word).then_some(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_is_read_as_it_is_written() {
        for end in [
            RunEnd::First,
            RunEnd::PowerCut,
            RunEnd::Reboot,
            RunEnd::Stopped,
            RunEnd::Crashed,
            RunEnd::Ordered,
        ] {
            let word = serde_json::to_value(end).expect("a word");
            assert_eq!(run_end(word.as_str().expect("a word")), Some(end));
        }
        assert_eq!(run_end(""), None);
    }
}
