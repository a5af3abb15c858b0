//! How much a speaker may sound: limits that bind whatever was signed. The rule itself is in `arbitration`, the arithmetic
//! in `sounded`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{bulletin::Bulletin, quiet_hours::DayWindow};

/// `None`: no limit of this kind. Minutes count what sounded, chime included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// In one session: what sounds with pauses shorter than [`SESSION_PAUSE_S`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_minutes: Option<u16>,
    /// In any sixty minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour_minutes: Option<u16>,
    /// In one civil day, in the zone of the pole's own governor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_minutes: Option<u16>,
    /// Of emergencies, in any sixty minutes. The limits above do not bind an emergency in earnest; this one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency_hour_minutes: Option<u16>,
    /// One playout, chime included, in seconds; binds an emergency, too. What is longer is cut there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_item_s: Option<u32>,
    /// How often one occurrence is said; binds an emergency, too. What is said oftener is skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_repeats: Option<u16>,
    /// Percent of full scale; binds an emergency, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_ceiling: Option<u8>,
}

/// A silence of this length ends a session, in seconds.
pub const SESSION_PAUSE_S: i64 = 5 * 60;

/// What a speaker was given where it stands. Nothing that is signed lifts it; what the office sets makes it stricter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governor {
    pub limits: Limits,
    /// Only an emergency in earnest sounds in these.
    pub quiet_hours: Vec<DayWindow>,
    /// IANA name, of the quiet hours and of the day: a signed change of the speaker's zone moves neither.
    pub zone: String,
}

impl Default for Governor {
    /// None.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            quiet_hours: Vec::new(),
            zone: "Asia/Ho_Chi_Minh".into(),
        }
    }
}

/// A limit that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} goes from {from} to {to}")]
pub struct LimitError {
    pub name: &'static str,
    pub from: u32,
    pub to: u32,
}

impl Limits {
    /// Is each within what it can mean?
    pub fn check(&self) -> Result<(), LimitError> {
        let of = |value: Option<u16>| value.map(u32::from);
        for (name, value, from, to) in [
            ("session_minutes", of(self.session_minutes), 1, 1_440),
            ("hour_minutes", of(self.hour_minutes), 1, 60),
            ("day_minutes", of(self.day_minutes), 1, 1_440),
            (
                "emergency_hour_minutes",
                of(self.emergency_hour_minutes),
                1,
                60,
            ),
            ("longest_item_s", self.longest_item_s, 10, 4 * 3_600),
            ("most_repeats", of(self.most_repeats), 1, 100),
            ("volume_ceiling", self.volume_ceiling.map(u32::from), 0, 100),
        ] {
            if value.is_some_and(|value| !(from..=to).contains(&value)) {
                return Err(LimitError { name, from, to });
            }
        }
        Ok(())
    }

    /// How much of it may sound, in milliseconds of chime and content.
    pub fn length_ms(&self, bulletin: &Bulletin) -> u64 {
        let longest_ms = self.longest_item_s.map(|s| u64::from(s) * 1_000);
        bulletin.length_ms().min(longest_ms.unwrap_or(u64::MAX))
    }

    /// Percent of full scale, under the ceiling.
    pub fn loudness(&self, percent: u8) -> u8 {
        percent.min(self.volume_ceiling.unwrap_or(100))
    }

    /// The stricter of both in everything.
    pub fn stricter(&self, other: &Self) -> Self {
        fn least<T: Ord + Copy>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            }
        }
        Self {
            session_minutes: least(self.session_minutes, other.session_minutes),
            hour_minutes: least(self.hour_minutes, other.hour_minutes),
            day_minutes: least(self.day_minutes, other.day_minutes),
            emergency_hour_minutes: least(
                self.emergency_hour_minutes,
                other.emergency_hour_minutes,
            ),
            longest_item_s: least(self.longest_item_s, other.longest_item_s),
            most_repeats: least(self.most_repeats, other.most_repeats),
            volume_ceiling: least(self.volume_ceiling, other.volume_ceiling),
        }
    }
}
