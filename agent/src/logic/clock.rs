//! How far the time of day may be believed, and what it is.
//!
//! Believed are: the system clock while the kernel says that network time disciplines it; or when it did so earlier in
//! this run, or a battery clock or the operator vouches for it, and it shows no time that is known to be past; else the
//! office's time, learned by the four-timestamp exchange and carried on by the monotonic clock. Nothing else: then
//! nothing scheduled starts. (A kernel calls its clock unsynchronised after half a day without network. A pole that
//! fell silent for that would be silent just when nobody can help it.)
//!
//! While nothing is believed, the time is guessed as the latest instant known to be past, carried on. It is good enough
//! to tell an emergency of a minute ago from one of last month.

use std::collections::VecDeque;

use loa_protocol::{
    clock::Sample,
    status::ClockState,
    time::{Moment, Trust, WallTime},
};

use super::port::{KernelClock, Reading};

/// A held clock may show this much less than what is known to be past: battery clocks count whole seconds and drift.
pub const PAST_SLACK_S: i64 = 60;
/// Exchanges that took longer say too little.
pub const MAX_DELAY_US: i64 = 2_000_000;
/// How far a monotonic clock may drift; ages a sample. Ordinary quartz, with a margin (RFC 5905 takes 15).
const DRIFT_PPM: i64 = 50;
const KEPT_SAMPLES: usize = 8;
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
    asked: VecDeque<(u64, u64)>,
    exchanges: u32,
    ask_at: Option<u64>,
}

impl Clock {
    pub fn new(built: WallTime, known: Option<WallTime>, now_us: u64) -> Self {
        Self {
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

    /// Whoever told the time is not believed any more: what he said of it counts for nothing.
    pub fn doubt(&mut self, now_us: u64) {
        self.samples.clear();
        self.asked.clear();
        self.past = self.known.map(|wall| (wall, now_us));
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
        if let Some((sample, _)) = self.best(at.mono_us) {
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
        self.samples.iter().copied().min_by_key(|(sample, at)| {
            let age_us = i64::try_from(now_us.saturating_sub(*at)).unwrap_or(i64::MAX);
            sample.delay_us + age_us / 1_000_000 * (2 * DRIFT_PPM)
        })
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

    /// The office answered; `false` when nobody asked, or it took too long to be of use.
    pub fn answered(
        &mut self,
        nonce: u64,
        received: WallTime,
        sent: WallTime,
        now_us: u64,
    ) -> bool {
        self.forget_unanswered(now_us);
        let Some(place) = self.asked.iter().position(|(n, _)| *n == nonce) else {
            return false;
        };
        let Some((_, asked)) = self.asked.remove(place) else {
            return false;
        };
        let mono = |us: u64| WallTime::from_micros(i64::try_from(us).unwrap_or(i64::MAX));
        let sample = Sample::of(mono(asked), received, sent, mono(now_us));
        if !(0..=MAX_DELAY_US).contains(&sample.delay_us) {
            return false;
        }
        if self.samples.len() >= KEPT_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((sample, now_us));
        true
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

fn carried((wall, learned): (WallTime, u64), now_us: u64) -> WallTime {
    wall.plus_us(i64::try_from(now_us.saturating_sub(learned)).unwrap_or(i64::MAX))
}

fn office_time(sample: Sample, mono_us: u64) -> WallTime {
    WallTime::from_micros(sample.offset_us).plus_us(i64::try_from(mono_us).unwrap_or(i64::MAX))
}
