//! What a person would want to know afterwards of a gap: the line was down, the program did not run, the mains were gone.
//!
//! A loss of the line and of the mains that was told is noted durably with it, so that a run which begins in the gap
//! tells its end, and tells nothing twice.

use loa_protocol::event::{LINE_LOST_S, LineTrouble, STALLED_S, What};

use super::{
    Agent,
    memory::{Lost, ToldNote},
    port::Machine,
};

const LINE_LOST_US: u64 = LINE_LOST_S * 1_000_000;
const STALLED_US: u64 = STALLED_S * 1_000_000;
/// Mains that come and go faster are told as often as this.
const MAINS_PAUSE_US: u64 = 60_000_000;

#[derive(Debug)]
pub struct Watch {
    told: ToldNote,
    /// Since when the line is down (monotonic) …
    down_us: Option<u64>,
    /// … and whether the office will have been told, or there was no room to tell it.
    is_told: bool,
    /// Readings while it is down that showed a network, and none.
    with_network: u32,
    without_network: u32,
    mains_told_us: Option<u64>,
    /// How long the machine had been suspended in all, at the last reading, and when that was.
    asleep: Option<(u64, u64)>,
    /// When this program wanted to be woken next.
    due_us: Option<u64>,
}

impl Watch {
    pub fn new(told: Option<ToldNote>, now_us: u64) -> Self {
        let told = told.unwrap_or_default();
        Self {
            is_told: told.lost.is_some(),
            told,
            down_us: Some(now_us),
            with_network: 0,
            without_network: 0,
            mains_told_us: None,
            asleep: None,
            due_us: None,
        }
    }

    /// When the line will have been down for long enough to be told.
    pub fn deadline(&self) -> Option<u64> {
        self.down_us
            .filter(|_| !self.is_told)
            .map(|down| down.saturating_add(LINE_LOST_US))
    }

    /// Is `now_us` so long after the instant for which the next look was asked that the program cannot have run?
    pub fn has_stalled(&self, now_us: u64) -> bool {
        self.due_us
            .is_some_and(|due| now_us >= due.saturating_add(STALLED_US))
    }

    /// What is overdue is looked at as soon as can be, so it counts from now.
    pub fn wants_to_wake_at(&mut self, due_us: Option<u64>, now_us: u64) {
        self.due_us = due_us.map(|due| due.max(now_us));
    }

    /// What was seen most of the time since the line went down; `None`: nothing was.
    fn trouble(&self) -> Option<LineTrouble> {
        if self.with_network + self.without_network == 0 {
            None
        } else if self.without_network >= self.with_network {
            Some(LineTrouble::NoNetwork)
        } else {
            Some(LineTrouble::NoOffice)
        }
    }
}

impl Agent {
    pub(super) fn line_is_down(&mut self) {
        if self.watch.down_us.is_none() {
            self.watch.down_us = Some(self.now.mono_us);
            self.watch.with_network = 0;
            self.watch.without_network = 0;
        }
    }

    pub(super) fn line_is_up(&mut self) {
        self.watch.down_us = None;
        self.watch.is_told = false;
        if let Some(lost) = self.watch.told.lost.take() {
            let trouble = self.watch.trouble().unwrap_or(lost.trouble);
            let since = lost.since;
            self.event(What::LineBack { since, trouble });
            self.note_told();
        }
    }

    /// Tells a loss of the line once it has lasted.
    pub(super) fn tend_line(&mut self) {
        let now_us = self.now.mono_us;
        let (Some(down_us), Some(due_us)) = (self.watch.down_us, self.watch.deadline()) else {
            return;
        };
        if now_us < due_us {
            return;
        }
        self.watch.is_told = true;
        let lost = Lost {
            since: self.now.wall_at(down_us),
            trouble: self.watch.trouble().unwrap_or(LineTrouble::Unknown),
        };
        let (since, trouble) = (lost.since, lost.trouble);
        if self.event(What::LineLost { since, trouble }) {
            self.watch.told.lost = Some(lost);
            self.note_told();
        }
    }

    /// The program did not run since `last_us` (monotonic).
    pub(super) fn stalled(&mut self, last_us: u64) {
        let since = self.now.wall_at(last_us);
        self.event(What::Stalled { since });
    }

    /// What a reading of the machine says of gaps.
    pub(super) fn watch_machine(&mut self, machine: &Machine) {
        if self.watch.down_us.is_some() {
            match machine.network_up {
                Some(true) => self.watch.with_network = self.watch.with_network.saturating_add(1),
                Some(false) => {
                    self.watch.without_network = self.watch.without_network.saturating_add(1);
                }
                None => {}
            }
        }
        if let Some(asleep_us) = machine.asleep_us {
            let before = self.watch.asleep.replace((asleep_us, self.now.mono_us));
            if let Some((before_us, at_us)) = before
                && asleep_us.saturating_sub(before_us) >= STALLED_US
            {
                // The steady clock stood meanwhile, and the wall clock went on.
                let slept_us = i64::try_from(asleep_us - before_us).unwrap_or(i64::MAX);
                let since = self.now.wall_at(at_us).plus_us(-slept_us);
                self.event(What::Stalled { since });
            }
        }
        if let Some(present) = machine.power.as_ref().and_then(|power| power.mains) {
            self.watch_mains(present);
        }
    }

    fn watch_mains(&mut self, present: bool) {
        let now_us = self.now.mono_us;
        let told_lately = self
            .watch
            .mains_told_us
            .is_some_and(|told| now_us.saturating_sub(told) < MAINS_PAUSE_US);
        if present != self.watch.told.mains_gone || told_lately {
            return;
        }
        self.watch.mains_told_us = Some(now_us);
        self.watch.told.mains_gone = !present;
        self.event(What::Mains { present });
        self.note_told();
        self.report.changed();
    }

    fn note_told(&mut self) {
        let note = self.watch.told.clone();
        self.keep_note(&note);
        self.commits.close_group();
    }
}
