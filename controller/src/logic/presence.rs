//! Who is there: online, silent, offline. Silence is shown as silence, and our own broken line is not the speaker's fault.
//!
//! - The last will, or a speaker's own goodbye, says offline.
//! - Any word says online. No word for [`SILENT_AFTER_US`] while our line to the broker is up says silent;
//!   for a speaker never heard since our start it says offline.
//! - While our line is down nothing is concluded, and afterwards everybody gets the whole time again.

use std::{collections::HashMap, fmt};

use loa_protocol::{id::SpeakerId, time::WallTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::port::Reading;

/// A dead pole shows within this, in microseconds.
pub const SILENT_AFTER_US: u64 = 90_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Online,
    /// The broker has not seen it go, but nothing comes from it.
    Silent,
    Offline,
}

impl Presence {
    pub fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Silent => "silent",
            Self::Offline => "offline",
        }
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the app shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PresenceView {
    pub presence: Presence,
    /// Since when, as far as this run of the controller knows.
    pub since: WallTime,
    pub last_heard: Option<WallTime>,
}

#[derive(Debug)]
struct Watch {
    /// `None`: nothing known since our start.
    presence: Option<Presence>,
    since: WallTime,
    heard: Option<Reading>,
}

/// All speakers of the office.
#[derive(Debug, Default)]
pub struct Roll {
    watches: HashMap<SpeakerId, Watch>,
    /// Since when our own line is up.
    up_since_us: Option<u64>,
    /// Nobody can fall silent before this.
    next_check_us: Option<u64>,
}

impl Roll {
    /// Watches over a speaker from now on; one that is known already is left as it is.
    pub fn add(&mut self, speaker: &SpeakerId, at: Reading) {
        if self.watches.contains_key(speaker) {
            return;
        }
        self.watches.insert(
            speaker.clone(),
            Watch {
                presence: None,
                since: at.wall,
                heard: None,
            },
        );
        self.expect_check(at.mono_us);
    }

    pub fn remove(&mut self, speaker: &SpeakerId) {
        self.watches.remove(speaker);
    }

    pub fn knows(&self, speaker: &SpeakerId) -> bool {
        self.watches.contains_key(speaker)
    }

    pub fn view(&self, speaker: &SpeakerId) -> Option<PresenceView> {
        self.watches.get(speaker).map(|watch| PresenceView {
            presence: watch.presence.unwrap_or(Presence::Offline),
            since: watch.since,
            last_heard: watch.heard.map(|r| r.wall),
        })
    }

    /// A word came from it. Returns the new presence when it changed.
    pub fn heard(&mut self, speaker: &SpeakerId, at: Reading) -> Option<Presence> {
        let watch = self.watches.get_mut(speaker)?;
        watch.heard = Some(at);
        let changed = watch.turn(Presence::Online, at.wall);
        if changed.is_some() {
            self.expect_check(at.mono_us);
        }
        changed
    }

    /// It said goodbye, or the broker did in its place.
    pub fn gone(&mut self, speaker: &SpeakerId, at: Reading) -> Option<Presence> {
        self.watches
            .get_mut(speaker)?
            .turn(Presence::Offline, at.wall)
    }

    pub fn line_up(&mut self, at: Reading) {
        self.up_since_us = Some(at.mono_us);
        self.next_check_us = Some(at.mono_us.saturating_add(SILENT_AFTER_US));
    }

    pub fn line_down(&mut self) {
        self.up_since_us = None;
        self.next_check_us = None;
    }

    /// When somebody may have fallen silent, in monotonic microseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        self.next_check_us
    }

    /// Those who fell silent, each with its new presence.
    pub fn check(&mut self, at: Reading) -> Vec<(SpeakerId, Presence)> {
        let (Some(up), Some(due)) = (self.up_since_us, self.next_check_us) else {
            return Vec::new();
        };
        if at.mono_us < due {
            return Vec::new();
        }
        let mut fallen = Vec::new();
        let mut next: Option<u64> = None;
        for (speaker, watch) in &mut self.watches {
            let becomes = match watch.presence {
                Some(Presence::Online) => Presence::Silent,
                None => Presence::Offline,
                Some(Presence::Silent | Presence::Offline) => continue,
            };
            let heard = watch.heard.map_or(0, |r| r.mono_us);
            let ends = heard.max(up).saturating_add(SILENT_AFTER_US);
            if ends <= at.mono_us {
                watch.turn(becomes, at.wall);
                fallen.push((speaker.clone(), becomes));
            } else {
                next = Some(next.map_or(ends, |n| n.min(ends)));
            }
        }
        self.next_check_us = next;
        // The table has no order of its own, and a replay must give the same list.
        fallen.sort_by(|a, b| a.0.cmp(&b.0));
        fallen
    }

    fn expect_check(&mut self, from_us: u64) {
        if self.up_since_us.is_some() {
            let at = from_us.saturating_add(SILENT_AFTER_US);
            self.next_check_us = Some(self.next_check_us.map_or(at, |n| n.min(at)));
        }
    }
}

impl Watch {
    fn turn(&mut self, to: Presence, at: WallTime) -> Option<Presence> {
        if self.presence == Some(to) {
            return None;
        }
        self.presence = Some(to);
        self.since = at;
        Some(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Reading {
        Reading {
            mono_us: s * 1_000_000,
            wall: WallTime::from_millis(1_795_496_400_000).plus_s(s as i64),
        }
    }
    fn pole() -> SpeakerId {
        "ban-chuong".parse().expect("a good name")
    }
    fn roll() -> Roll {
        let mut roll = Roll::default();
        roll.add(&pole(), at(0));
        roll.line_up(at(1));
        roll
    }
    fn presence(roll: &Roll) -> Presence {
        roll.view(&pole()).expect("it was added").presence
    }

    #[test]
    fn a_speaker_that_says_nothing_for_ninety_seconds_is_silent_and_not_a_moment_earlier() {
        let mut roll = roll();
        assert_eq!(roll.heard(&pole(), at(10)), Some(Presence::Online));
        assert_eq!(roll.heard(&pole(), at(40)), None);
        assert_eq!(roll.check(at(129)), []);
        assert_eq!(roll.next_deadline(), Some(130_000_000));
        assert_eq!(roll.check(at(130)), [(pole(), Presence::Silent)]);
        assert_eq!(roll.next_deadline(), None);
        assert_eq!(roll.heard(&pole(), at(500)), Some(Presence::Online));
        assert_eq!(roll.next_deadline(), Some(590_000_000));
    }

    #[test]
    fn the_last_will_says_offline_at_once() {
        let mut roll = roll();
        roll.heard(&pole(), at(10));
        assert_eq!(roll.gone(&pole(), at(11)), Some(Presence::Offline));
        assert_eq!(roll.check(at(1_000)), []);
        assert_eq!(presence(&roll), Presence::Offline);
    }

    #[test]
    fn our_own_broken_line_makes_nobody_silent() {
        let mut roll = roll();
        roll.heard(&pole(), at(10));
        roll.line_down();
        assert_eq!(roll.next_deadline(), None);
        assert_eq!(roll.check(at(1_000)), []);
        assert_eq!(presence(&roll), Presence::Online);
        // And when the line is back it gets the whole time again.
        roll.line_up(at(2_000));
        assert_eq!(roll.check(at(2_089)), []);
        assert_eq!(roll.check(at(2_090)), [(pole(), Presence::Silent)]);
    }

    #[test]
    fn a_speaker_never_heard_is_offline() {
        let mut roll = roll();
        assert_eq!(presence(&roll), Presence::Offline);
        assert_eq!(roll.check(at(91)), [(pole(), Presence::Offline)]);
    }
}
