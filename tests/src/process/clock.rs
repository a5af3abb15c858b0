//! The one file of the process tests that reads clocks, and the one that waits.

use std::time::{Duration, Instant};

/// Between two looks at a state that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Microseconds of Unix time on this machine's clock, the one that all the village's programs have.
pub fn now_us() -> i64 {
    timestamp().as_microsecond()
}

/// Microseconds of a clock that never steps.
pub fn mono_us() -> u64 {
    u64::try_from(since_start().as_micros()).unwrap_or(u64::MAX)
}

fn since_start() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(instant).elapsed()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one file that reads the clock"
)]
fn instant() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one file that reads the clock"
)]
fn timestamp() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Looks until `look` finds something, and gives it.
///
/// # Panics
/// When `deadline` passes first; the text says what was waited for.
#[track_caller]
pub fn wait_until<T>(what: &str, deadline: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let until_us = mono_us() + u64::try_from(deadline.as_micros()).unwrap_or(u64::MAX / 2);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            mono_us() < until_us,
            "waited {} s in vain: {what}",
            deadline.as_secs_f32()
        );
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// As [`wait_until`], for something that is or is not.
#[track_caller]
pub fn wait_for(what: &str, deadline: Duration, mut is_so: impl FnMut() -> bool) {
    wait_until(what, deadline, || is_so().then_some(()));
}

/// Returns when the machine's clock shows `us`: an appointment, not a guess.
pub fn wait_for_time(us: i64) {
    while let Ok(left_us @ 1..) = u64::try_from(us - now_us()) {
        std::thread::sleep(Duration::from_micros(left_us));
    }
}
