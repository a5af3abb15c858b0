//! What speakers will play, and what they should have played by now: the pole's own rules, run once for all speakers
//! to whom the same is said under the same settings.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use loa_protocol::{
    arbitration::Rules,
    bulletin::{Bulletin, Priority, Status},
    channel::Channel,
    id::BulletinId,
    limits::{Governor, Limits},
    playout::{OccurrenceId, Outcome},
    preview::{MAX_OCCURRENCES, preview},
    quiet_hours::DayWindow,
    sounded::Sounded,
    speaker_config::SpeakerConfig,
    time::WallTime,
};

use super::ChannelState;

/// The longest playout, in seconds: what began so long ago may still sound.
const LONGEST_S: i64 = 4 * 3_600;

/// One planned start of one speaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    pub occurrence: OccurrenceId,
    pub title: String,
    pub priority: Priority,
    pub status: Status,
    pub planned: WallTime,
    pub starts: Option<WallTime>,
    pub ends: Option<WallTime>,
    /// `None`: it was due, and what became of it only the speaker can tell.
    pub outcome: Option<Outcome>,
}

/// What is due in a span of time, in order of plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub items: Vec<Ahead>,
    /// There is more than it shows.
    pub truncated: bool,
}

/// The plans of several speakers for the same span. Keeps those it made.
#[derive(Debug)]
pub struct Planner<'a> {
    channels: &'a HashMap<Channel, ChannelState>,
    now: WallTime,
    from: WallTime,
    to: WallTime,
    known: HashMap<Key, Rc<Plan>>,
}

/// All that the rules look at.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    bulletins: Vec<BulletinId>,
    silence_before: Option<WallTime>,
    zone: String,
    quiet_hours: Vec<(String, String)>,
    muted: bool,
    limits: Limits,
    own_quiet: Vec<(String, String)>,
    own_zone: String,
}

fn rules<'a>(config: &'a SpeakerConfig, governor: &'a Governor, sounded: &'a Sounded) -> Rules<'a> {
    Rules {
        config,
        governor,
        sounded,
    }
}

impl<'a> Planner<'a> {
    pub fn new(
        channels: &'a HashMap<Channel, ChannelState>,
        now: WallTime,
        from: WallTime,
        to: WallTime,
    ) -> Self {
        Self {
            channels,
            now,
            from,
            to,
            known: HashMap::new(),
        }
    }

    /// `governor`: as the pole has told of its own.
    pub fn plan(&mut self, config: &SpeakerConfig, governor: &Governor) -> Rc<Plan> {
        let followed = || config.channels.iter().filter_map(|c| self.channels.get(c));
        // One that reaches it by two channels is played once.
        let bulletins: BTreeMap<&BulletinId, &Bulletin> = followed()
            .flat_map(|channel| &channel.bulletins)
            .map(|bulletin| (&bulletin.id, bulletin))
            .collect();
        let key = Key {
            bulletins: bulletins.keys().map(|id| (*id).clone()).collect(),
            silence_before: followed()
                .filter_map(|channel| channel.silence_before)
                .max(),
            zone: config.zone.clone(),
            quiet_hours: config.quiet_hours.iter().map(pair).collect(),
            muted: config.muted,
            limits: rules(config, governor, &Sounded::default()).limits(),
            own_quiet: governor.quiet_hours.iter().map(pair).collect(),
            own_zone: governor.zone.clone(),
        };
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let silence = key.silence_before.unwrap_or(WallTime::EPOCH);
        let plan = Rc::new(self.make(&bulletins, config, governor, silence));
        self.known.insert(key, plan.clone());
        plan
    }

    /// How many were made.
    pub fn made(&self) -> usize {
        self.known.len()
    }

    fn make(
        &self,
        bulletins: &BTreeMap<&BulletinId, &Bulletin>,
        config: &SpeakerConfig,
        governor: &Governor,
        silence: WallTime,
    ) -> Plan {
        let mut plan = Plan::default();
        let told = |bulletin: &Bulletin, occurrence, planned| Ahead {
            occurrence,
            title: bulletin.title.clone(),
            priority: bulletin.priority,
            status: bulletin.status,
            planned,
            starts: None,
            ends: None,
            outcome: None,
        };
        for bulletin in bulletins.values() {
            let due = bulletin.planned(self.from, self.to.min(self.now), MAX_OCCURRENCES);
            // A rule that no pole can read plans nothing.
            let due = due.unwrap_or_default();
            plan.truncated |= due.len() == MAX_OCCURRENCES;
            plan.items
                .extend(due.into_iter().map(|p| told(bulletin, p.id, p.at)));
        }
        let start = self.from.max(self.now);
        if start < self.to {
            // What began before may still sound, unless everything was stopped.
            let run_from = start.plus_s(-LONGEST_S).max(silence.plus_us(1)).min(start);
            let all = bulletins.values().copied();
            let nothing = Sounded::default();
            let rules = rules(config, governor, &nothing);
            let ahead = preview(all, &rules, run_from, self.to);
            let ahead = ahead
                .ok()
                .unwrap_or_else(|| loa_protocol::preview::Preview {
                    items: Vec::new(),
                    truncated: true,
                });
            plan.truncated |= ahead.truncated;
            let coming = ahead.items.into_iter().filter(|item| item.planned >= start);
            plan.items.extend(coming.filter_map(|item| {
                let bulletin = bulletins.get(&item.occurrence.bulletin)?;
                Some(Ahead {
                    starts: item.starts,
                    ends: item.ends,
                    outcome: Some(item.outcome),
                    ..told(bulletin, item.occurrence, item.planned)
                })
            }));
        }
        plan.items
            .sort_by(|a, b| (a.planned, &a.occurrence).cmp(&(b.planned, &b.occurrence)));
        plan
    }
}

fn pair(window: &DayWindow) -> (String, String) {
    (window.from.clone(), window.to.clone())
}

#[cfg(test)]
mod tests;
