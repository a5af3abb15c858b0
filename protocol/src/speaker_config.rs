//! What the office sets for one speaker: whom it listens to, how loud, and when it must be quiet.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    channel::Channel, envelope::Document, id::SpeakerId, limits::Limits, programme::Version,
    quiet_hours::DayWindow, time::WallTime,
};

/// Most orders in one document.
pub const MAX_ORDERS: usize = 8;
/// Most channels one speaker follows: its own, its area's ancestors, its groups.
pub const MAX_CHANNELS: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerConfig {
    pub speaker: SpeakerId,
    pub version: Version,
    pub made: WallTime,
    pub name: String,
    /// A programme on any other channel is not for this speaker.
    pub channels: Vec<Channel>,
    /// IANA name; quiet hours and volumes by time of day are in it.
    pub zone: String,
    /// Only an emergency in earnest sounds in these.
    pub quiet_hours: Vec<DayWindow>,
    pub volume: VolumePlan,
    /// Silent whatever comes: a horn that shrieks, a funeral next door.
    pub muted: bool,
    /// On top of what the speaker was given where it stands; the stricter holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// What was planned before this speaker followed these channels is not its business.
    pub since: WallTime,
    /// Added to every scheduled start, -500 to 500 ms: makes up for a slow amplifier, staggers neighbours.
    pub delay_trim_ms: i16,
    /// Civil time `HH:MM` of the daily self-test, where something listens; never in quiet hours. `None`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_test_at: Option<String>,
    /// What it is to do once, in order of their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Order>,
}

/// Something to be done once. A speaker does it when the number is greater than that of the last one it did, and `until` is
/// still ahead by its clock, whatever that clock is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// 1, 2, 3 … for each speaker.
    pub number: u64,
    pub what: OrderKind,
    pub until: WallTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Test the own sound now, in quiet hours too: a person asked for it.
    SelfTest,
    /// End the program, and begin again.
    Restart,
}

impl Document for SpeakerConfig {
    const TYPE: &'static str = "config";
    const MAX_BYTES: usize = 64 * 1024;
}

/// Loudness in percent of full scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumePlan {
    /// Applies when no window does.
    pub percent: u8,
    /// The first window that holds the instant wins.
    #[serde(default)]
    pub by_time: Vec<VolumeWindow>,
    /// Nothing is louder than this, an emergency included.
    pub ceiling: u8,
    /// What an emergency gets whatever the time of day, still under the ceiling.
    pub emergency: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeWindow {
    pub window: DayWindow,
    pub percent: u8,
}

impl Default for VolumePlan {
    fn default() -> Self {
        Self {
            percent: 80,
            by_time: Vec::new(),
            ceiling: 100,
            emergency: 100,
        }
    }
}

impl SpeakerConfig {
    /// Percent of full scale for a bulletin's `volume` and priority at `at`.
    pub fn volume_at(&self, at: WallTime, priority: crate::bulletin::Priority, volume: u8) -> u8 {
        let own = if priority == crate::bulletin::Priority::Emergency {
            self.volume.emergency
        } else {
            self.volume
                .by_time
                .iter()
                .find(|w| w.window.holds(at, &self.zone))
                .map_or(self.volume.percent, |w| w.percent)
        };
        let product = u16::from(own.min(100)) * u16::from(volume.min(100)) / 100;
        (product as u8).min(self.volume.ceiling)
    }
}
