//! What a speaker told of the time in which it was away, and which of it explains an outage.

use loa_protocol::{
    event::{Event, LineTrouble, RunEnd, What},
    time::{Trust, WallTime},
};
use serde::{Deserialize, Serialize};

use super::Cause;

/// A run's last sign of life is this old at most when it ends, in microseconds: ten minutes, and two of grace.
pub const SLACK_US: i64 = 12 * 60 * 1_000_000;
/// What ends this much before an outage, or begins this much after it, may still belong to it.
const NEAR_US: i64 = 120 * 1_000_000;
/// No speaker's word reaches further back than this from its end.
pub const MOST_BACK_US: i64 = 60 * 86_400 * 1_000_000;

/// One thing that a speaker told of the time `since` to `until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub since: WallTime,
    /// `None`: its clock could not be trusted then.
    pub until: Option<WallTime>,
    pub told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The agent did not run: this is how its run before had ended.
    Away(RunEndWord),
    /// It ran, and had no line.
    Lost(TroubleWord),
    /// The machine ran, and the agent stood still.
    Stalled,
    MainsGone,
}

/// [`RunEnd`] with an order, for choosing among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEndWord {
    Stopped,
    Crashed,
    PowerCut,
}

/// [`LineTrouble`] with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleWord {
    Unknown,
    NoOffice,
    NoNetwork,
}

impl Entry {
    /// `None`: it explains nothing.
    pub fn of(event: &Event) -> Option<Self> {
        let until = (event.trust > Trust::Untrusted).then_some(event.at);
        let (since, told) = match &event.what {
            What::Booted {
                after: Some(after), ..
            } => {
                let how = match after.ended {
                    RunEnd::First => return None,
                    RunEnd::PowerCut => RunEndWord::PowerCut,
                    RunEnd::Crashed => RunEndWord::Crashed,
                    RunEnd::Reboot | RunEnd::Stopped | RunEnd::Ordered => RunEndWord::Stopped,
                };
                // Without a sign of life and without a clock nobody knows of which time it speaks.
                (after.alive.or(until)?, Told::Away(how))
            }
            What::LineLost { since, trouble } | What::LineBack { since, trouble } => {
                until?;
                let trouble = match trouble {
                    LineTrouble::NoNetwork => TroubleWord::NoNetwork,
                    LineTrouble::NoOffice => TroubleWord::NoOffice,
                    LineTrouble::Unknown => TroubleWord::Unknown,
                };
                (*since, Told::Lost(trouble))
            }
            What::Stalled { since } => {
                until?;
                (*since, Told::Stalled)
            }
            What::Mains { present: false } => (until?, Told::MainsGone),
            _ => return None,
        };
        let since = match until {
            Some(until) => since.min(until).max(until.plus_us(-MOST_BACK_US)),
            None => since,
        };
        Some(Self { since, until, told })
    }

    /// Can it have to do with what happened from `began` to `ended`? Then for how long of it, in microseconds.
    fn explains_us(&self, began: WallTime, ended: WallTime) -> Option<i64> {
        let near = match self.until {
            Some(until) => until >= began.plus_us(-NEAR_US) && self.since <= ended.plus_us(NEAR_US),
            None => self.since >= began.plus_us(-SLACK_US) && self.since <= ended,
        };
        let until = self.until.unwrap_or(ended).min(ended);
        near.then(|| until.since_us(self.since.max(began)).max(0))
    }

    fn cause(&self) -> Cause {
        match self.told {
            Told::Away(RunEndWord::PowerCut) | Told::MainsGone => Cause::Power,
            Told::Away(RunEndWord::Crashed) | Told::Stalled => Cause::Agent,
            Told::Away(RunEndWord::Stopped) => Cause::Stopped,
            Told::Lost(TroubleWord::NoNetwork) => Cause::Network,
            Told::Lost(TroubleWord::NoOffice) => Cause::Route,
            Told::Lost(TroubleWord::Unknown) => Cause::Unknown,
        }
    }
}

/// Why it was away from `began` to `ended` (`None`: it still is), and whether it told so itself: what it told of the
/// longest part. `mains`: what its sensor had said last before.
pub fn explain(
    began: WallTime,
    ended: Option<WallTime>,
    mains: Option<bool>,
    entries: &[Entry],
) -> (Cause, bool) {
    let end = ended.unwrap_or(WallTime::MAX);
    let fitting = entries
        .iter()
        .filter_map(|entry| Some((entry.explains_us(began, end)?, entry.told, entry)));
    match fitting.max_by_key(|(us, told, _)| (*us, *told)) {
        Some((.., entry)) => (entry.cause(), true),
        None if mains == Some(false) => (Cause::Power, false),
        None => (Cause::Unknown, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loa_protocol::event::After;

    const T: WallTime = WallTime::from_millis(1_795_496_400_000);

    fn event(at_s: i64, trust: Trust, what: What) -> Entry {
        let event = Event {
            number: 1,
            at: T.plus_s(at_s),
            trust,
            what,
        };
        Entry::of(&event).expect("it explains something")
    }
    fn booted(at_s: i64, ended: RunEnd, alive_s: Option<i64>, trust: Trust) -> Entry {
        let after = After {
            ended,
            alive: alive_s.map(|s| T.plus_s(s)),
        };
        let what = What::Booted {
            boot: 2,
            agent: "loa-agent".into(),
            after: Some(after),
        };
        event(at_s, trust, what)
    }
    fn back(since_s: i64, at_s: i64, trouble: LineTrouble) -> Entry {
        let since = T.plus_s(since_s);
        event(at_s, Trust::Synced, What::LineBack { since, trouble })
    }
    /// Away from 0 to an hour later.
    fn hour(entries: &[Entry]) -> (Cause, bool) {
        explain(T, Some(T.plus_s(3_600)), None, entries)
    }

    #[test]
    fn a_pole_that_tells_nothing_has_no_cause_unless_its_mains_had_gone() {
        assert_eq!(hour(&[]), (Cause::Unknown, false));
        assert_eq!(explain(T, None, Some(true), &[]), (Cause::Unknown, false));
        assert_eq!(explain(T, None, Some(false), &[]), (Cause::Power, false));
    }

    #[test]
    fn each_word_of_the_journal_has_its_cause() {
        let synced = Trust::Synced;
        for (entry, cause) in [
            (
                booted(3_590, RunEnd::PowerCut, Some(-400), synced),
                Cause::Power,
            ),
            (
                booted(3_590, RunEnd::Crashed, Some(-400), synced),
                Cause::Agent,
            ),
            (booted(3_590, RunEnd::Reboot, None, synced), Cause::Stopped),
            (
                booted(3_590, RunEnd::Ordered, Some(0), synced),
                Cause::Stopped,
            ),
            (back(-80, 3_600, LineTrouble::NoNetwork), Cause::Network),
            (back(-80, 3_600, LineTrouble::NoOffice), Cause::Route),
            (back(-80, 3_600, LineTrouble::Unknown), Cause::Unknown),
        ] {
            assert_eq!(
                hour(std::slice::from_ref(&entry)),
                (cause, true),
                "{entry:?}"
            );
        }
    }

    #[test]
    fn a_pole_without_a_battery_clock_is_known_by_its_last_sign_of_life() {
        // Its clock stood still with the power: it says that it began at the instant of the cut.
        let entry = booted(-300, RunEnd::PowerCut, Some(-300), Trust::Untrusted);
        assert_eq!(hour(std::slice::from_ref(&entry)), (Cause::Power, true));
        // The same word does not explain what came two days later.
        let later = T.plus_s(172_800);
        let found = explain(later, Some(later.plus_s(600)), None, &[entry]);
        assert_eq!(found, (Cause::Unknown, false));
    }

    #[test]
    fn what_explains_the_longest_part_is_the_cause() {
        let lost = back(0, 3_600, LineTrouble::NoNetwork);
        let cut = booted(3_000, RunEnd::PowerCut, Some(600), Trust::Synced);
        assert_eq!(hour(&[cut.clone(), lost.clone()]), (Cause::Network, true));
        assert_eq!(hour(&[lost, cut.clone()]), (Cause::Network, true));
        let short = back(0, 660, LineTrouble::NoNetwork);
        assert_eq!(hour(&[short, cut]), (Cause::Power, true));
    }

    #[test]
    fn a_crash_that_was_over_before_explains_nothing() {
        let crash = booted(-300, RunEnd::Crashed, Some(-600), Trust::Synced);
        assert_eq!(hour(&[crash]), (Cause::Unknown, false));
    }

    #[test]
    fn a_word_that_reaches_back_for_years_is_cut_short() {
        let entry = back(-1_000_000_000, 0, LineTrouble::NoNetwork);
        assert_eq!(entry.since, T.plus_us(-MOST_BACK_US));
        let odd = back(500, 0, LineTrouble::NoNetwork);
        assert_eq!((odd.since, odd.until), (T, Some(T)));
    }
}
