//! What a speaker measures of its own machine and of its own sound. Whatever it cannot measure is left out.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{playout::PlayoutId, time::WallTime};

/// Longest text in it, in bytes.
pub const MAX_TEXT_BYTES: usize = 64;

/// The machine under the agent, as it was a minute ago at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Telemetry {
    /// Since the machine (not the agent) began to run.
    pub machine_uptime_s: Option<u64>,
    /// The kernel's own name for this run of the machine (`/proc/sys/kernel/random/boot_id`).
    pub machine_boot: Option<String>,
    /// Runs of the agent that began within the last hour, this one included: 1 when all is well.
    pub starts_1h: u32,
    /// Of the hottest sensor, in thousandths of a degree Celsius.
    pub temperature_mc: Option<i32>,
    /// Load average over a minute, in hundredths, and on how many processors.
    pub load_centi: Option<u32>,
    pub processors: Option<u32>,
    pub memory_total_bytes: Option<u64>,
    pub memory_available_bytes: Option<u64>,
    /// Of the disk that holds the audio; what is free of it is in the status.
    pub disk_total_bytes: Option<u64>,
    /// Taken by audio, of what audio may take.
    pub content_bytes: u64,
    pub content_quota_bytes: u64,
    pub network: Option<Network>,
    pub data: Option<DataUse>,
    pub power: Option<Power>,
    /// What something ordinary would sound with now, in percent of full scale.
    pub volume: Option<u8>,
    /// When the last playout sounded its last sample.
    pub last_sound: Option<WallTime>,
    pub ear: Ear,
}

/// The way to the office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub kind: NetworkKind,
    /// Name of the interface, such as `wwan0`.
    pub interface: String,
    pub signal_dbm: Option<i32>,
    pub signal_percent: Option<u8>,
    /// Name of the mobile operator.
    pub operator: Option<String>,
    /// The mobile cell or mast, whatever the modem calls it: poles that share it fall silent together.
    pub cell: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    Ethernet,
    Wifi,
    Cellular,
    Other,
}

/// Bytes through the interface since the first of a month, counted by the speaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataUse {
    /// The first day of that month.
    pub month: Date,
    pub received_bytes: u64,
    pub sent_bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Power {
    /// Is there mains?
    pub mains: Option<bool>,
    pub battery_percent: Option<u8>,
    pub battery_mv: Option<u32>,
}

/// What the speaker can tell of its own sound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ear {
    pub kind: EarKind,
    /// Why it cannot listen, though it is set to.
    pub trouble: Option<String>,
    pub last_test: Option<SelfTest>,
    /// Of the last playout that was listened to.
    pub last_heard: Option<Listened>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EarKind {
    #[default]
    None,
    Microphone,
    /// A command that reads the amplifier or its power.
    Sensor,
}

/// Was what was played also heard?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hearing {
    Heard,
    /// The microphone worked, and did not hear it.
    NotHeard,
    /// Nothing listens on this speaker.
    NoMicrophone,
    /// It should listen, but could not, or sounded too short to tell.
    Unclear,
}

impl Hearing {
    /// As the API and the database write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::NotHeard => "not_heard",
            Self::NoMicrophone => "no_microphone",
            Self::Unclear => "unclear",
        }
    }
}

/// What came of listening to one playout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listened {
    pub playout: PlayoutId,
    pub at: WallTime,
    pub hearing: Hearing,
    /// How clearly, in hundredths: how far the best match stands out of the others. Heard from a bound that the
    /// speaker's program sets.
    pub clarity_centi: Option<u32>,
    /// From the output to the microphone, in microseconds.
    pub delay_us: Option<i64>,
}

/// What came of a self-test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTest {
    pub at: WallTime,
    pub hearing: Hearing,
    /// As in [`Listened`].
    pub clarity_centi: Option<u32>,
    pub delay_us: Option<i64>,
    /// Somebody asked for it; otherwise it was the daily one.
    pub asked: bool,
    /// Why it is unclear.
    pub trouble: Option<String>,
}
