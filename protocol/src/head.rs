//! The office's own word about itself: which epoch it counts in, and how speakers should come back after a crowd.

use serde::{Deserialize, Serialize};

use crate::{envelope::Document, programme::Version, time::WallTime};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub version: Version,
    /// The office's clock when it was made.
    pub made: WallTime,
    /// Which root of trust the office stands under; 0 until there is one.
    pub root_version: u32,
    /// Keys that must not be believed any more.
    pub revoked: Vec<crate::envelope::KeyId>,
    /// After a lost connection a speaker waits a random time up to this.
    pub reconnect_jitter_s: u16,
}

impl Document for Head {
    const TYPE: &'static str = "head";
    const MAX_BYTES: usize = 64 * 1024;
}
