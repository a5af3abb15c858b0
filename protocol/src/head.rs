//! The office's own word about itself: which epoch it counts in, and how speakers should come back after a crowd.

use serde::{Deserialize, Serialize};

use crate::{content::Sha, envelope::Document, programme::Version, time::WallTime};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub version: Version,
    /// The office's clock when it was made.
    pub made: WallTime,
    /// Not to be believed after this, by a trusted clock: whoever holds old heads back is found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<WallTime>,
    /// The newest root document that the office knows; 0 until there is one.
    pub root_version: u32,
    /// How far the office's audit log goes: every speaker is a witness to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Checkpoint>,
    /// After a lost connection a speaker waits a random time up to this.
    pub reconnect_jitter_s: u16,
}

/// The audit log's length and the hash of its last entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub entries: u64,
    pub hash: Sha,
}

impl Document for Head {
    const TYPE: &'static str = "head";
    const MAX_BYTES: usize = 64 * 1024;
}
