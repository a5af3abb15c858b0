//! Outages: when a speaker could not be reached, and why as far as it can be known.
//!
//! They are never kept up by hand: [`derive()`] makes them from what the office saw (`seen`), when it ran itself, and what the
//! speaker told (`journal`). So whatever comes late, twice or in another order ends in the same rows.

mod derive;
mod journal;

pub use derive::{Run, Seen, Span, derive};
pub use journal::{Entry, MOST_BACK_US, SLACK_US, Told, explain};

use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Outages that begin within this of each other may have one cause, in microseconds.
pub const TOGETHER_US: i64 = 60_000_000;

/// Why a speaker could not be reached.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nobody knows (yet): it has not told.
    Unknown,
    /// No mains, or a machine that hung: its own journal, or its sensor's last word.
    Power,
    /// It ran, and had no network of its own.
    Network,
    /// It ran and had a network, and could not reach the office.
    Route,
    /// Many poles of one cell in the same minute.
    Mast,
    /// The agent died, hung or loops.
    Agent,
    /// Somebody ended it or started it again.
    Stopped,
    /// The office itself was away: not the pole's outage.
    Office,
}

impl Cause {
    /// As the API and the database write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Power => "power",
            Self::Network => "network",
            Self::Route => "route",
            Self::Mast => "mast",
            Self::Agent => "agent",
            Self::Stopped => "stopped",
            Self::Office => "office",
        }
    }
}

/// One outage of one speaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    pub speaker: SpeakerId,
    pub began: WallTime,
    /// `None`: it lasts.
    pub ended: Option<WallTime>,
    pub cause: Cause,
    /// The speaker itself told the cause.
    pub told: bool,
    /// The mobile cell it last named.
    pub cell: Option<String>,
    /// Its area, the nearest first.
    pub lineage: Vec<AreaId>,
}
