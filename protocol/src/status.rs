//! What a speaker says of itself, whole each time: nothing in it depends on an earlier one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    channel::Channel,
    content::{ContentId, Wants},
    envelope::Document,
    head::Checkpoint,
    id::{SpeakerId, StoreId},
    limits::{Governor, Limits},
    live::Streamed,
    playout::OccurrenceId,
    programme::Version,
    quiet_hours::DayWindow,
    sounded::Used,
    telemetry::Telemetry,
    time::{Trust, WallTime},
};

impl Document for Wants {
    const TYPE: &'static str = "want";
    const MAX_BYTES: usize = 128 * 1024;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerStatus {
    pub speaker: SpeakerId,
    /// `false` only in the last will, which the broker publishes when the line breaks.
    pub online: bool,
    pub store: StoreId,
    pub boot: u64,
    /// Name and version of the program.
    pub agent: String,
    /// `None` in the last will: it is written before anybody knows when it will be needed.
    pub at: Option<WallTime>,
    pub clock: ClockState,
    pub config: Option<Version>,
    pub programmes: BTreeMap<Channel, Version>,
    /// Complete content on disk, of what its programmes name.
    pub held: Vec<ContentId>,
    pub partial: Vec<Partial>,
    pub sounding: Option<Sounding>,
    pub next: Option<Next>,
    pub muted: bool,
    pub output: String,
    /// Number of the last event written, and of the last one acknowledged.
    pub last_event: u64,
    pub acked: u64,
    /// Documents not believed since the program started, by reason.
    pub refused: BTreeMap<String, u64>,
    pub disk_free_bytes: Option<u64>,
    pub uptime_s: u64,
    /// `None` from a program that does not measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Box<Telemetry>>,
    /// In force: the stricter of the office's and the pole's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// The pole's own quiet hours, beside the office's …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub governor_quiet: Vec<DayWindow>,
    /// … and the zone that they and the day's minutes are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor_zone: Option<String>,
    /// Of the minutes, up to `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
    /// The newest checkpoint of the office's audit log that this speaker holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Checkpoint>,
}

impl SpeakerStatus {
    /// What binds it beside the office's word, as far as it has told.
    pub fn governor(&self) -> Governor {
        let none = Governor::default();
        Governor {
            limits: self.limits.clone().unwrap_or_default(),
            quiet_hours: self.governor_quiet.clone(),
            zone: self.governor_zone.clone().unwrap_or(none.zone),
        }
    }
}

impl Document for SpeakerStatus {
    const TYPE: &'static str = "status";
    const MAX_BYTES: usize = 128 * 1024;
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockState {
    pub trust: Trust,
    /// Office minus speaker, of the best recent exchange.
    pub offset_us: Option<i64>,
    /// Half the round trip of that exchange: the offset is no further off than this.
    pub error_us: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    pub content: ContentId,
    pub blocks_held: u32,
    pub blocks: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sounding {
    pub occurrence: OccurrenceId,
    pub title: String,
    pub since: WallTime,
    /// Of a stream, as it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streamed: Option<Box<Streamed>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    pub occurrence: OccurrenceId,
    pub title: String,
    pub planned: WallTime,
}
