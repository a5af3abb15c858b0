//! The figures that somebody signs: what was due, sounded, heard, late and missed, and how long speakers could be reached.
//!
//! - An occurrence counts once, however often it was tried: its last attempt says how it ended.
//! - Late: begun more than [`LATE_US`] after its plan, whatever became of it.
//! - Heard: a microphone heard it. Unverified: it sounded to its end, and nothing listens or could tell.

mod connectivity;
mod tally;

use std::ops::AddAssign;

pub use connectivity::{Line, Running, line};
pub use tally::{Played, Reasons, tally};

/// A start later than this after its plan is late, in microseconds.
pub const LATE_US: i64 = 5_000_000;
/// Starts are counted by how far they were from their plan: up to so many milliseconds; the last bound is that of the rest.
pub const ERROR_BOUNDS_MS: [u32; 16] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000, 600_000, 14_400_000,
];

/// What one or many speakers were to sound in some time, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub due: u64,
    pub completed: u64,
    pub heard: u64,
    pub not_heard: u64,
    pub unverified: u64,
    pub late: u64,
    pub missed: u64,
    pub skipped: u64,
    pub interrupted: u64,
    pub pre_empted: u64,
    pub failed: u64,
    pub unreported: u64,
    pub emergencies: u64,
    pub due_ms: u64,
    pub sounded_ms: u64,
    /// Starts within each of [`ERROR_BOUNDS_MS`] and not within the one before.
    pub errors: [u64; 16],
}

impl Counts {
    /// How far 95 of 100 starts were from their plan at most, to the next of [`ERROR_BOUNDS_MS`].
    pub fn error_p95_ms(&self) -> Option<u32> {
        let all: u64 = self.errors.iter().sum();
        let rank = (all * 95).div_ceil(100);
        let mut seen = 0;
        for (n, bound) in self.errors.iter().zip(ERROR_BOUNDS_MS) {
            seen += n;
            if rank > 0 && seen >= rank {
                return Some(bound);
            }
        }
        None
    }

    pub(crate) fn note_error(&mut self, error_us: i64) {
        let off = error_us.unsigned_abs();
        let place = ERROR_BOUNDS_MS
            .iter()
            .position(|bound| off <= u64::from(*bound) * 1_000);
        self.errors[place.unwrap_or(ERROR_BOUNDS_MS.len() - 1)] += 1;
    }
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        self.due += other.due;
        self.completed += other.completed;
        self.heard += other.heard;
        self.not_heard += other.not_heard;
        self.unverified += other.unverified;
        self.late += other.late;
        self.missed += other.missed;
        self.skipped += other.skipped;
        self.interrupted += other.interrupted;
        self.pre_empted += other.pre_empted;
        self.failed += other.failed;
        self.unreported += other.unreported;
        self.emergencies += other.emergencies;
        self.due_ms += other.due_ms;
        self.sounded_ms += other.sounded_ms;
        for (sum, n) in self.errors.iter_mut().zip(other.errors) {
            *sum += n;
        }
    }
}

/// Everything about one speaker, an area or a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub speakers: u64,
    pub line: Line,
    pub counts: Counts,
}

impl AddAssign<&Figures> for Figures {
    fn add_assign(&mut self, other: &Figures) {
        self.speakers += other.speakers;
        self.line += &other.line;
        self.counts += &other.counts;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_five_of_a_hundred_starts_are_within_the_figure() {
        let mut counts = Counts::default();
        assert_eq!(counts.error_p95_ms(), None);
        (0..95).for_each(|_| counts.note_error(-1_900));
        (0..5).for_each(|_| counts.note_error(7_000_000));
        assert_eq!(counts.error_p95_ms(), Some(2));
        counts.note_error(7_000_000);
        assert_eq!(counts.error_p95_ms(), Some(10_000));
        let mut far = Counts::default();
        far.note_error(i64::MIN);
        assert_eq!(far.error_p95_ms(), Some(14_400_000));
    }
}
