//! What a speaker tells, in order and until it is acknowledged: playouts, starts of the program, faults.

use serde::{Deserialize, Serialize};

use crate::{
    envelope::Document,
    id::{SpeakerId, StoreId},
    playout::{OccurrenceId, Playout},
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
    Booted { boot: u64, agent: String },
    /// The first sample of a playout, or of its next piece after a cut.
    Started { playout: Playout },
    /// Cut; it will go on if it can.
    Suspended {
        playout: Playout,
        by: Option<OccurrenceId>,
    },
    /// Over; `playout.outcome` says how.
    Ended { playout: Playout },
    /// Something a person should know.
    Fault { code: String, detail: String },
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
