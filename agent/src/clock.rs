//! The one place that reads clocks: monotonic, system, and what the kernel and the board say of them.

use std::path::Path;

use loa_protocol::time::WallTime;

use crate::{
    config::ClockSource,
    logic::port::{Input, KernelClock, Reading},
};

/// The system clock moved against the monotonic one by more than this at once: it was set.
const STEP_US: i64 = 20_000;

/// CLOCK_MONOTONIC in microseconds: never steps, never goes back.
pub fn mono_us() -> u64 {
    let time = read(libc::CLOCK_MONOTONIC);
    // The monotonic clock counts from boot and is not negative.
    u64::try_from(micros(time)).unwrap_or(0)
}

/// How long the machine was suspended since it began to run: the monotonic clock stood meanwhile.
pub fn asleep_us() -> u64 {
    let all_us = u64::try_from(micros(read(libc::CLOCK_BOOTTIME))).unwrap_or(0);
    all_us.saturating_sub(mono_us())
}

/// CLOCK_REALTIME, trusted or not.
pub fn system() -> WallTime {
    WallTime::from_micros(micros(read(libc::CLOCK_REALTIME)))
}

/// Both clocks, as close together as one program can read them.
pub fn reading() -> Reading {
    Reading {
        mono_us: mono_us(),
        system: system(),
    }
}

/// Sleeps until the monotonic clock shows `us`; returns at once when it does already. For threads, not for tasks.
pub fn sleep_until_mono_us(us: u64) {
    let until = libc::timespec {
        tv_sec: libc::time_t::try_from(us / 1_000_000).unwrap_or(libc::time_t::MAX),
        // Below 10^9, so it fits a long of any width.
        tv_nsec: ((us % 1_000_000) * 1_000) as libc::c_long,
    };
    loop {
        // SAFETY: `until` lives through the call, and the kernel writes nothing when the remainder pointer is null.
        let interrupted = unsafe {
            libc::clock_nanosleep(
                libc::CLOCK_MONOTONIC,
                libc::TIMER_ABSTIME,
                &until,
                std::ptr::null_mut(),
            )
        };
        if interrupted != libc::EINTR {
            return;
        }
    }
}

/// What the machine knows of its own clock.
pub fn kernel_clock(source: ClockSource) -> KernelClock {
    KernelClock {
        synced: kernel_is_synced(),
        held: source == ClockSource::System || Path::new("/sys/class/rtc/rtc0").exists(),
    }
}

/// Notices what nobody tells: that the clock was set, and what the kernel thinks of it.
#[derive(Debug)]
pub struct Watch {
    source: ClockSource,
    kernel: Option<KernelClock>,
    offset_us: i64,
}

impl Watch {
    pub fn new(source: ClockSource) -> Self {
        Self {
            source,
            kernel: None,
            offset_us: offset_us(reading()),
        }
    }

    /// What changed since the last look; the first one always tells.
    pub fn look(&mut self) -> Option<Input> {
        self.compare(kernel_clock(self.source), reading())
    }

    fn compare(&mut self, kernel: KernelClock, reading: Reading) -> Option<Input> {
        let offset_us = offset_us(reading);
        // Slewing moves it too, far slower; it is followed, and no step.
        let was_set = (offset_us - self.offset_us).abs() > STEP_US;
        self.offset_us = offset_us;
        if self.kernel.replace(kernel) != Some(kernel) {
            Some(Input::KernelClock(kernel))
        } else {
            was_set.then_some(Input::Tick)
        }
    }
}

fn offset_us(reading: Reading) -> i64 {
    reading
        .system
        .as_micros()
        .saturating_sub_unsigned(reading.mono_us)
}

/// adjtimex(2) in read-only mode: does network time discipline the clock?
fn kernel_is_synced() -> bool {
    // SAFETY: timex is plain integers, for which all zeroes are valid; modes = 0 asks and changes nothing.
    let (state, timex) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&mut timex), timex)
    };
    state >= 0 && state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0
}

fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec to write to. Both clocks exist on every Linux, so the call cannot fail;
    // if it did, `time` would stay zero.
    unsafe {
        libc::clock_gettime(clock, &mut time);
    }
    time
}

#[expect(
    clippy::useless_conversion,
    clippy::unnecessary_cast,
    reason = "seconds and nanoseconds are 32 bits wide on some boards"
)]
fn micros(time: libc::timespec) -> i64 {
    i64::from(time.tv_sec)
        .saturating_mul(1_000_000)
        .saturating_add(time.tv_nsec as i64 / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_ends_at_its_instant_and_not_before() {
        let until = mono_us() + 3_000;
        sleep_until_mono_us(until);
        assert!(mono_us() >= until);
        sleep_until_mono_us(0);
    }

    #[test]
    fn a_clock_that_was_set_is_noticed_and_one_that_is_steered_is_not() {
        let mut watch = Watch::new(ClockSource::Auto);
        let at = |mono_us, system_us| Reading {
            mono_us,
            system: WallTime::from_micros(system_us),
        };
        watch.offset_us = 0;
        let unsynced = KernelClock::default();
        let synced = KernelClock {
            synced: true,
            held: false,
        };
        assert_eq!(
            watch.compare(unsynced, at(1_000_000, 1_000_000)),
            Some(Input::KernelClock(unsynced))
        );
        assert_eq!(watch.compare(unsynced, at(2_000_000, 2_000_500)), None);
        assert_eq!(
            watch.compare(unsynced, at(3_000_000, 903_000_500)),
            Some(Input::Tick)
        );
        assert_eq!(
            watch.compare(synced, at(4_000_000, 904_000_500)),
            Some(Input::KernelClock(synced))
        );
        assert_eq!(
            watch.compare(synced, at(5_000_000, 4_000_000)),
            Some(Input::Tick)
        );
    }

    #[test]
    fn the_operator_may_vouch_for_the_clock() {
        assert!(kernel_clock(ClockSource::System).held);
    }
}
