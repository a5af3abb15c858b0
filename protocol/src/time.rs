//! Instants and how far they may be trusted. Rules take these; nothing in this crate reads a clock.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An instant of civil time: microseconds since 1970-01-01T00:00:00Z (leap seconds not counted, as Unix does).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WallTime(i64);

impl WallTime {
    pub const EPOCH: WallTime = WallTime(0);
    pub const MAX: WallTime = WallTime(i64::MAX);

    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000))
    }
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }
    /// Saturates, so that a hostile duration cannot wrap round.
    pub const fn plus_us(self, us: i64) -> Self {
        Self(self.0.saturating_add(us))
    }
    pub const fn plus_ms(self, ms: i64) -> Self {
        self.plus_us(ms.saturating_mul(1_000))
    }
    pub const fn plus_s(self, s: i64) -> Self {
        self.plus_us(s.saturating_mul(1_000_000))
    }
    /// Microseconds from `earlier` to `self`; negative when `self` is the earlier one.
    pub const fn since_us(self, earlier: WallTime) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
    pub const fn since_ms(self, earlier: WallTime) -> i64 {
        self.since_us(earlier).div_euclid(1_000)
    }
    /// Clamped to what the calendar can show (years -9999 to 9999).
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }
}

impl From<Timestamp> for WallTime {
    fn from(t: Timestamp) -> Self {
        Self(t.as_microsecond())
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

/// How far a speaker's wall clock may be believed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Never set since boot: nothing scheduled starts on it.
    #[default]
    Untrusted,
    /// Kept by a battery clock, or by the operator's word.
    Held,
    /// Set since boot by network time or by the office.
    Synced,
}

/// One reading of a speaker's or office's clocks, taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds of a clock that never steps and never goes back; its zero means nothing.
    pub mono_us: u64,
    pub wall: WallTime,
    pub trust: Trust,
}

impl Moment {
    pub fn is_trusted(&self) -> bool {
        self.trust > Trust::Untrusted
    }
    /// The monotonic instant at which the wall clock will show `wall`, if it does not step until then.
    /// An instant already past gives one in the past, not below zero.
    pub fn mono_at(&self, wall: WallTime) -> u64 {
        self.mono_us.saturating_add_signed(wall.since_us(self.wall))
    }
    /// The wall time at a monotonic instant, by this reading.
    pub fn wall_at(&self, mono_us: u64) -> WallTime {
        let delta = i128::from(mono_us) - i128::from(self.mono_us);
        self.wall
            .plus_us(delta.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}
