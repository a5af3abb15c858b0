//! What a speaker tells, in order and until it is acknowledged: playouts, starts of the program, faults.

use serde::{Deserialize, Serialize};

use crate::{
    envelope::Document,
    id::{SpeakerId, StoreId},
    playout::{OccurrenceId, Playout},
    telemetry::{Listened, SelfTest},
    time::{Trust, WallTime},
};

/// Most events in one document.
pub const MAX_BATCH: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// 1, 2, 3 … in one store's life, without holes.
    pub number: u64,
    pub at: WallTime,
    pub trust: Trust,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The agent began to run; `boot` counts its runs in this store.
    Booted {
        boot: u64,
        agent: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<After>,
    },
    /// The first sample of a playout, or of its next piece after a cut.
    Started { playout: Playout },
    /// Cut; it will go on if it can.
    Suspended {
        playout: Playout,
        by: Option<OccurrenceId>,
    },
    /// Over; `playout.outcome` says how.
    Ended { playout: Playout },
    /// What came of listening to a playout.
    Heard { listened: Listened },
    /// What came of a self-test.
    SelfTested { test: SelfTest },
    /// Told while the line to the office has been down for [`LINE_LOST_S`], with what was known then.
    LineLost {
        since: WallTime,
        trouble: LineTrouble,
    },
    /// The line is back; `trouble` is what was seen most of the time.
    LineBack {
        since: WallTime,
        trouble: LineTrouble,
    },
    /// The agent did not run for [`STALLED_S`] or more, though the machine did.
    Stalled { since: WallTime },
    /// Mains went or came back, where a sensor tells.
    Mains { present: bool },
    /// Something a person should know.
    Fault { code: String, detail: String },
}

/// A line that was down for less is no news.
pub const LINE_LOST_S: u64 = 60;
/// An agent that did not run for less was only busy.
pub const STALLED_S: u64 = 30;

/// What was before a run of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    pub ended: RunEnd,
    /// When the run before was last known to live, within ten minutes.
    pub alive: Option<WallTime>,
}

/// How the run before this one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// There was none in this store.
    First,
    /// The machine went down under it: no power, or a machine that hung.
    PowerCut,
    /// It was asked to end, and the machine started again.
    Reboot,
    /// It was asked to end.
    Stopped,
    /// It died, and the machine ran on.
    Crashed,
    /// It ended by itself because the office asked it to start again.
    Ordered,
}

/// Why there is no line to the office, as far as the speaker can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineTrouble {
    /// No interface is up: no carrier, no address, no SIM.
    NoNetwork,
    /// There is a network, and the office does not answer.
    NoOffice,
    /// The speaker cannot tell.
    Unknown,
}

/// A run of events. The office stores what it lacks and answers with an [`Ack`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    pub speaker: SpeakerId,
    pub store: StoreId,
    pub events: Vec<Event>,
}

impl Document for Events {
    const TYPE: &'static str = "events";
    const MAX_BYTES: usize = 256 * 1024;
}

/// All events of `store` up to and including `through` are in the office's database: the speaker may forget them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    pub speaker: SpeakerId,
    pub store: StoreId,
    pub through: u64,
}

impl Document for Ack {
    const TYPE: &'static str = "ack";
    const MAX_BYTES: usize = 4 * 1024;
}
