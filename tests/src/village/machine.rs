//! A pole's board and its two clocks, against the true time that only the simulation knows.

use loa_agent::logic::port::{KernelClock, Reading};
use loa_protocol::time::WallTime;

use super::{Micros, SECOND};

/// Where a board has its time of day from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// Network time, some while after every start.
    Network,
    /// A battery clock.
    Battery,
    /// Nothing but the office.
    None,
}

#[derive(Debug)]
pub struct Machine {
    booted: Micros,
    /// Parts in a million by which the quartz is fast.
    ppm: i64,
    system: System,
    was_synced: bool,
    pub kernel: KernelClock,
}

#[derive(Clone, Copy, Debug)]
enum System {
    /// Always so much from the truth, in microseconds.
    Disciplined(i64),
    /// Was set to this at this monotonic instant, and goes on by itself.
    Free(WallTime, u64),
}

/// A monotonic clock shows this when the power comes on.
const FIRST_MONO_US: u64 = 3 * SECOND;

impl Machine {
    pub fn new(booted: Micros, ppm: i64, shows: WallTime, kernel: KernelClock) -> Self {
        Self {
            booted,
            ppm,
            system: System::Free(shows, FIRST_MONO_US),
            was_synced: false,
            kernel,
        }
    }

    /// As the kernel names its run.
    pub fn boot_name(&self) -> String {
        format!("boot-{}", self.booted)
    }

    pub fn mono(&self, now: Micros) -> u64 {
        let run = i128::from(now.saturating_sub(self.booted));
        FIRST_MONO_US + (run * i128::from(1_000_000 + self.ppm) / 1_000_000) as u64
    }

    /// The first true instant at which the monotonic clock shows at least `mono`.
    pub fn true_of(&self, mono: u64) -> Micros {
        let run = i128::from(mono.saturating_sub(FIRST_MONO_US)) * 1_000_000;
        let rate = i128::from(1_000_000 + self.ppm);
        let mut at = self.booted + ((run + rate - 1) / rate) as u64;
        while self.mono(at) < mono {
            at += 1;
        }
        at
    }

    pub fn reading(&self, now: Micros, truth: WallTime) -> Reading {
        let mono_us = self.mono(now);
        let system = match self.system {
            System::Disciplined(error_us) => truth.plus_us(error_us),
            System::Free(shown, at) => shown.plus_us((mono_us - at) as i64),
        };
        Reading { mono_us, system }
    }

    /// Somebody sets the system clock.
    pub fn set(&mut self, now: Micros, shows: WallTime) {
        self.system = System::Free(shows, self.mono(now));
    }

    /// Network time takes over.
    pub fn discipline(&mut self, error_us: i64) {
        self.system = System::Disciplined(error_us);
        self.kernel.synced = true;
        self.was_synced = true;
    }

    /// Since it was switched on.
    pub fn was_synced(&self) -> bool {
        self.was_synced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_kept_early() {
        for ppm in [-40, 0, 37] {
            let machine = Machine::new(12_345_678, ppm, WallTime::EPOCH, KernelClock::default());
            for mono in [4_000_001, 9_999_999, 86_400_000_000, 604_800_123_457] {
                assert!(machine.mono(machine.true_of(mono)) >= mono);
                assert!(machine.mono(machine.true_of(mono) - 2) < mono);
            }
        }
    }
}
