//! The one place of the controller that reads the machine's clocks; everything else is told the time.

use std::{fmt, sync::OnceLock, time::Instant};

use loa_protocol::time::WallTime;

use crate::logic::Reading;

/// Who is asked for the time. Tests give their own.
pub trait Clock: Send + Sync + fmt::Debug {
    fn now(&self) -> WallTime;
    /// Microseconds of a clock that never steps; its zero means nothing.
    fn mono_us(&self) -> u64;
    /// Both, read together.
    fn reading(&self) -> Reading {
        Reading {
            mono_us: self.mono_us(),
            wall: self.now(),
        }
    }
}

/// The operating system's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one file that reads the clock"
    )]
    fn now(&self) -> WallTime {
        jiff::Timestamp::now().into()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one file that reads the clock"
    )]
    fn mono_us(&self) -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        let start = START.get_or_init(Instant::now);
        // A second of grace, so that nothing has to reckon with instants before the first reading.
        u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX) + 1_000_000
    }
}
