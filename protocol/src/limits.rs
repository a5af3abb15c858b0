//! How much a speaker may sound: limits that bind whatever was signed. The rule itself is in `arbitration`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `None`: no limit of this kind. Minutes count what sounded, chime included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// In one session: what sounds with pauses shorter than [`SESSION_PAUSE_S`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_minutes: Option<u16>,
    /// In any sixty minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour_minutes: Option<u16>,
    /// In one civil day of the speaker's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_minutes: Option<u16>,
    /// Of emergencies, in any sixty minutes. The limits above do not bind an emergency in earnest; this one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency_hour_minutes: Option<u16>,
    /// One playout, chime included, in seconds; binds an emergency, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_item_s: Option<u32>,
    /// How often one occurrence is said; binds an emergency, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_repeats: Option<u16>,
    /// Percent of full scale; binds an emergency, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_ceiling: Option<u8>,
}

/// A silence of this length ends a session, in seconds.
pub const SESSION_PAUSE_S: i64 = 5 * 60;

impl Limits {
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
