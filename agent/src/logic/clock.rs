//! How far the time of day may be believed, and what it is.
//!
//! Believed are: the system clock while the kernel says that network time disciplines it; or when it did so earlier in
//! this run, or a battery clock or the operator vouches for it, and it shows no time that is known to be past; else the
//! office's time, learned by the four-timestamp exchange and carried on by the monotonic clock. Nothing else: then
//! nothing scheduled starts. (A kernel calls its clock unsynchronised after half a day without network. A pole that
//! fell silent for that would be silent just when nobody can help it.)
//!
//! Whoever holds the office's key must not turn a pole's clock: noon at three in the morning would lift its quiet hours, an
//! hour that is over bring an approved alarm back. So the exchange moves the time in use by no more than [`MOVE_US`] in a
//! day, over a restart of the program, too; and after a loss of power it tells no time before the last one that was sure.
//! What differs more is believed when it has been said for a day ([`INSIST_US`]): an office whose own clock was wrong is
//! followed back without a visit. (After a loss of power nobody can say how long it was dark: a later time is believed.)
//!
//! While nothing is believed, the time is guessed as the latest instant known to be past, carried on. It is good enough
//! to tell an emergency of a minute ago from one of last month.

use std::collections::VecDeque;

use loa_protocol::{
    clock::Sample,
    status::ClockState,
    time::{Moment, Trust, WallTime},
};

use serde::{Deserialize, Serialize};

use super::{
    memory::Note,
    port::{KernelClock, Reading},
};

/// A held clock may show this much less than what is known to be past: battery clocks count whole seconds and drift.
pub const PAST_SLACK_S: i64 = 60;
/// Exchanges that took longer say too little.
pub const MAX_DELAY_US: i64 = 2_000_000;
/// How far a monotonic clock may drift; ages a sample. Ordinary quartz, with a margin (RFC 5905 takes 15).
const DRIFT_PPM: i64 = 50;
const KEPT_SAMPLES: usize = 8;
/// The office's word moves the time in use by no more than this, counted from a time that is renewed once a day, …
pub const MOVE_US: u64 = 600_000_000;
/// … unless it has said the same for so long …
pub const INSIST_US: u64 = 86_400_000_000;
/// … and never was silent for so long.
const SILENT_US: u64 = 3_600_000_000;
/// An office that has just got its power back, too, may need some time to find its own: so long after the first exchange of
/// a machine's run is it followed wherever it goes, but not behind what was sure before.
const FINDING_US: u64 = 3_600_000_000;
/// Roots are made on machines of their own, whose clocks may be ahead by this, in seconds.
const ROOT_SLACK_S: i64 = 86_400;
const MAX_ASKED: usize = 4;
const ASK_EXPIRES_US: u64 = 5_000_000;
/// So far apart are the first exchanges of a connection.
const QUICK_US: u64 = 1_000_000;

#[derive(Debug)]
pub struct Clock {
    kernel: KernelClock,
    /// Network time has set the system clock in this run.
    was_set: bool,
    built: WallTime,
    /// Last trusted time written to disk.
    known: Option<WallTime>,
    /// Latest instant known to be past, and when (monotonic) it was learned.
    past: Option<(WallTime, u64)>,
    /// Office minus monotonic clock, with the monotonic instant of the answer.
    samples: VecDeque<(Sample, u64)>,
    /// What the time in use may be measured by, and when that was so.
    sure: Option<(Sample, u64)>,
    /// It comes from an earlier run of the program: a bound, and no time to go by.
    is_bound_only: bool,
    /// Until then (monotonic) the office may still correct it.
    firm_us: u64,
    /// What the office says and is not believed yet.
    claim: Option<Claim>,
    /// Nothing the office says is before this: the program, or the root that names its keys, was made then.
    floor: WallTime,
    /// The last sure time of an earlier run.
    least: WallTime,
    is_note_due: bool,
    /// It is written down when it is firm.
    is_note_late: bool,
    asked: VecDeque<(u64, u64)>,
    exchanges: u32,
    ask_at: Option<u64>,
}

/// A time far from the sure one.
#[derive(Clone, Copy, Debug)]
struct Claim {
    offset_us: i64,
    since_us: u64,
    last_us: u64,
}

/// What was sure of the time, for the next run of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SureNote {
    /// The kernel's name for the machine's run: within it the steady clock goes on.
    machine_boot: Option<String>,
    offset_us: i64,
    /// Monotonic.
    at_us: u64,
}

impl Note for SureNote {
    const NAME: &'static str = "own:sure";
}

/// What came of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nobody asked, or it took too long.
    Useless,
    Believed,
    /// It tells a time so far from the sure one, in microseconds; `is_new`: it did not do so just before.
    Disputed {
        by_us: i64,
        is_new: bool,
    },
}

impl Clock {
    /// `note` is of an earlier run; `machine_boot` is the kernel's name for the machine's present one.
    pub fn new(
        built: WallTime,
        known: Option<WallTime>,
        note: Option<SureNote>,
        machine_boot: Option<&str>,
        now_us: u64,
    ) -> Self {
        let then = |note: &SureNote| office_time(note.sample(), note.at_us);
        let sure = note.as_ref().filter(|note| {
            machine_boot.is_some()
                && note.machine_boot.as_deref() == machine_boot
                && note.at_us <= now_us
        });
        Self {
            sure: sure.map(|note| (note.sample(), note.at_us)),
            is_bound_only: true,
            firm_us: 0,
            claim: None,
            floor: built,
            least: note.as_ref().map_or(built, then).max(built),
            is_note_due: false,
            is_note_late: false,
            kernel: KernelClock::default(),
            was_set: false,
            built,
            known,
            past: known.map(|wall| (wall, now_us)),
            samples: VecDeque::new(),
            asked: VecDeque::new(),
            exchanges: 0,
            ask_at: None,
        }
    }

    pub fn set_kernel(&mut self, kernel: KernelClock) {
        self.kernel = kernel;
        self.was_set |= kernel.synced;
    }

    /// The office made something we believe at `made`: that instant is past.
    pub fn learn_past(&mut self, made: WallTime, now_us: u64) {
        if self.past.is_none_or(|past| carried(past, now_us) < made) {
            self.past = Some((made, now_us));
        }
    }

    /// A root of this time is believed: what its keys say is not of before.
    pub fn not_before(&mut self, made: WallTime) {
        self.floor = self.floor.max(made.plus_s(-ROOT_SLACK_S));
        self.least = self.least.max(self.floor);
    }

    /// Whoever told the time is not believed any more: what he said of it counts for nothing, on the disk neither. Gives what is
    /// known now.
    pub fn doubt(&mut self, now_us: u64) -> WallTime {
        self.samples.clear();
        self.asked.clear();
        (self.sure, self.claim) = (None, None);
        self.is_bound_only = true;
        self.least = self.floor;
        self.known = Some(self.floor);
        self.past = Some((self.floor, now_us));
        self.floor
    }

    /// The office cannot have made anything that comes now before this.
    pub fn surely_past(&self) -> WallTime {
        self.least
    }

    /// What network time says is sure.
    pub fn look(&mut self, at: Reading) {
        if !self.kernel.synced || at.system < self.built {
            return;
        }
        let mono = i64::try_from(at.mono_us).unwrap_or(i64::MAX);
        let sample = Sample {
            offset_us: at.system.as_micros().saturating_sub(mono),
            delay_us: 0,
        };
        let is_near = self.is_near(sample);
        if !is_near || self.is_bound_only || self.is_sure_old(at.mono_us) {
            self.sure = Some((sample, at.mono_us));
            self.is_bound_only = false;
            self.firm_us = at.mono_us;
        }
    }

    fn is_sure_old(&self, now_us: u64) -> bool {
        self.sure
            .is_none_or(|(_, at)| now_us.saturating_sub(at) >= INSIST_US)
    }

    fn is_near(&self, sample: Sample) -> bool {
        self.sure
            .is_some_and(|(sure, _)| sample.offset_us.abs_diff(sure.offset_us) <= MOVE_US)
    }

    /// May the time in use be this?
    fn may_be(&self, sample: Sample, now_us: u64) -> bool {
        match self.sure {
            Some(_) => self.is_near(sample),
            None => office_time(sample, now_us).plus_s(PAST_SLACK_S) >= self.least,
        }
    }

    pub fn moment(&self, at: Reading) -> Moment {
        let (wall, trust) = self.wall(at);
        Moment {
            mono_us: at.mono_us,
            wall,
            trust,
        }
    }

    fn wall(&self, at: Reading) -> (WallTime, Trust) {
        if self.kernel.synced && at.system >= self.built {
            return (at.system, Trust::Synced);
        }
        let past = self
            .past
            .map_or(self.built, |past| carried(past, at.mono_us).max(self.built));
        if at.system.plus_s(PAST_SLACK_S) >= past {
            if self.was_set {
                return (at.system, Trust::Synced);
            }
            if self.kernel.held {
                return (at.system, Trust::Held);
            }
        }
        if let Some(sample) = self.believed(at.mono_us) {
            let office = office_time(sample, at.mono_us);
            // Within the exchange's own doubt the office vouches for the machine's clock. It is steadier than
            // estimates that differ by their delays: a start armed by one of them would be early by the next.
            let is_vouched_for = office.since_us(at.system).abs() <= sample.delay_us / 2;
            let wall = if is_vouched_for { at.system } else { office };
            return (wall, Trust::Synced);
        }
        let guess = self
            .past
            .map_or(at.system, |past| carried(past, at.mono_us));
        (guess, Trust::Untrusted)
    }

    /// The least delay, old age counted as delay.
    fn best(&self, now_us: u64) -> Option<(Sample, u64)> {
        best_of(self.samples.iter().copied(), now_us)
    }

    /// The same of those that may be; where there is none, what was sure before.
    fn believed(&self, now_us: u64) -> Option<Sample> {
        let all = self.samples.iter().copied();
        let best = best_of(
            all.filter(|(sample, _)| self.may_be(*sample, now_us)),
            now_us,
        );
        best.or(self.sure.filter(|_| !self.is_bound_only))
            .map(|(sample, _)| sample)
    }

    /// What the office's clock shows, where that can be told. Within the doubt of the exchange it is the time in use: that is
    /// steadier, and a stream hangs on it.
    pub fn office(&self, now: Moment) -> Option<WallTime> {
        let own = now.is_trusted().then_some(now.wall);
        let Some((sample, _)) = self.best(now.mono_us) else {
            return own;
        };
        let office = office_time(sample, now.mono_us);
        let is_close = |own: &WallTime| office.since_us(*own).abs() <= sample.delay_us / 2;
        Some(own.filter(is_close).unwrap_or(office))
    }

    /// Office time less the time in use, for the status.
    pub fn state(&self, moment: Moment) -> ClockState {
        let best = self.best(moment.mono_us);
        ClockState {
            trust: moment.trust,
            offset_us: best.map(|(s, _)| office_time(s, moment.mono_us).since_us(moment.wall)),
            error_us: best.map(|(s, _)| s.delay_us / 2),
        }
    }

    pub fn connected(&mut self, now_us: u64) {
        self.asked.clear();
        self.exchanges = 0;
        self.ask_at = Some(now_us);
    }
    pub fn disconnected(&mut self) {
        self.asked.clear();
        self.ask_at = None;
    }

    /// Is it time to ask the office?
    pub fn is_due(&self, now_us: u64) -> bool {
        self.ask_at.is_some_and(|at| at <= now_us)
    }

    /// A request with this nonce leaves now. The first `quick` of a connection follow each other fast, the others `slow_us`
    /// apart.
    pub fn ask(&mut self, nonce: u64, now_us: u64, quick: u32, slow_us: u64) {
        self.forget_unanswered(now_us);
        if self.asked.len() >= MAX_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back((nonce, now_us));
        self.exchanges = self.exchanges.saturating_add(1);
        let pause = if self.exchanges < quick {
            QUICK_US
        } else {
            slow_us
        };
        self.ask_at = Some(now_us.saturating_add(pause));
    }

    fn forget_unanswered(&mut self, now_us: u64) {
        self.asked
            .retain(|(_, at)| now_us.saturating_sub(*at) <= ASK_EXPIRES_US);
    }

    /// The office answered.
    pub fn answered(
        &mut self,
        nonce: u64,
        received: WallTime,
        sent: WallTime,
        now_us: u64,
    ) -> Answer {
        self.forget_unanswered(now_us);
        let Some(place) = self.asked.iter().position(|(n, _)| *n == nonce) else {
            return Answer::Useless;
        };
        let Some((_, asked)) = self.asked.remove(place) else {
            return Answer::Useless;
        };
        let mono = |us: u64| WallTime::from_micros(i64::try_from(us).unwrap_or(i64::MAX));
        let sample = Sample::of(mono(asked), received, sent, mono(now_us));
        if !(0..=MAX_DELAY_US).contains(&sample.delay_us) {
            return Answer::Useless;
        }
        let is_not_before = office_time(sample, now_us).plus_s(PAST_SLACK_S) >= self.least;
        if !self.is_bound_only && now_us < self.firm_us && !self.is_near(sample) && is_not_before {
            self.samples.clear();
            self.sure = Some((sample, now_us));
        }
        if office_time(sample, now_us) < self.floor {
            let by_us = office_time(sample, now_us).since_us(self.floor);
            return Answer::Disputed {
                by_us,
                is_new: true,
            };
        }
        if self.samples.len() >= KEPT_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((sample, now_us));
        if self.may_be(sample, now_us) {
            self.claim = None;
            if self.sure.is_none() {
                self.firm_us = now_us.saturating_add(FINDING_US);
            }
            let becomes_firm = self.is_note_late && now_us >= self.firm_us;
            if self.is_bound_only || becomes_firm || self.is_sure_old(now_us) {
                self.is_sure(self.believed(now_us).unwrap_or(sample), now_us);
            }
            return Answer::Believed;
        }
        if self.insists(sample, now_us) {
            self.firm_us = now_us;
            self.is_sure(sample, now_us);
            return Answer::Believed;
        }
        let sure = self.sure.map(|(sure, _)| office_time(sure, now_us));
        let by_us = office_time(sample, now_us).since_us(sure.unwrap_or(self.least));
        let is_new = self.claim.is_some_and(|claim| claim.since_us == now_us);
        Answer::Disputed { by_us, is_new }
    }

    /// Has the office said so for a day?
    fn insists(&mut self, sample: Sample, now_us: u64) -> bool {
        let goes_on = self.claim.filter(|claim| {
            sample.offset_us.abs_diff(claim.offset_us) <= MOVE_US
                && now_us.saturating_sub(claim.last_us) <= SILENT_US
        });
        let claim = Claim {
            last_us: now_us,
            ..goes_on.unwrap_or(Claim {
                offset_us: sample.offset_us,
                since_us: now_us,
                last_us: now_us,
            })
        };
        self.claim = Some(claim);
        now_us.saturating_sub(claim.since_us) >= INSIST_US
    }

    fn is_sure(&mut self, sample: Sample, now_us: u64) {
        self.sure = Some((sample, now_us));
        self.claim = None;
        self.is_bound_only = false;
        self.is_note_due = now_us >= self.firm_us;
        self.is_note_late = !self.is_note_due;
    }

    /// What is sure since the last call, to be written down.
    pub fn note_to_keep(&mut self, machine_boot: Option<&str>) -> Option<SureNote> {
        let (sample, at_us) = self
            .sure
            .filter(|_| std::mem::take(&mut self.is_note_due))?;
        Some(SureNote {
            machine_boot: machine_boot.map(Into::into),
            offset_us: sample.offset_us,
            at_us,
        })
    }

    /// The trusted time to write down, when it is long enough ago that it was (or it was wrong).
    pub fn time_to_keep(&mut self, now: Moment, every_us: i64) -> Option<WallTime> {
        let due = self.known.is_none_or(|known| {
            let since = now.wall.since_us(known);
            let was_wrong = now.trust == Trust::Synced && since < -PAST_SLACK_S * 1_000_000;
            since >= every_us || was_wrong
        });
        if !now.is_trusted() || !due {
            return None;
        }
        self.known = Some(now.wall);
        self.past = Some((now.wall, now.mono_us));
        Some(now.wall)
    }

    pub fn ask_at(&self) -> Option<u64> {
        self.ask_at
    }
}

impl SureNote {
    fn sample(&self) -> Sample {
        Sample {
            offset_us: self.offset_us,
            delay_us: MAX_DELAY_US,
        }
    }
}

fn best_of(samples: impl Iterator<Item = (Sample, u64)>, now_us: u64) -> Option<(Sample, u64)> {
    samples.min_by_key(|(sample, at)| {
        let age_us = i64::try_from(now_us.saturating_sub(*at)).unwrap_or(i64::MAX);
        sample.delay_us + age_us / 1_000_000 * (2 * DRIFT_PPM)
    })
}

fn carried((wall, learned): (WallTime, u64), now_us: u64) -> WallTime {
    wall.plus_us(i64::try_from(now_us.saturating_sub(learned)).unwrap_or(i64::MAX))
}

fn office_time(sample: Sample, mono_us: u64) -> WallTime {
    WallTime::from_micros(sample.offset_us).plus_us(i64::try_from(mono_us).unwrap_or(i64::MAX))
}
