//! All that one channel has ahead of it, as one signed document; and the short one that says "now".

use serde::{Deserialize, Serialize};

use crate::{
    bulletin::Bulletin, channel::Channel, envelope::Document, id::BulletinId, time::WallTime,
};

/// Most bulletins in one programme; the office refuses to add more.
pub const MAX_BULLETINS: usize = 500;

/// Orders two versions of a document: a greater epoch beats any generation.
/// The epoch changes only when the office lost its database and began to count again.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Version {
    pub epoch: u64,
    pub generation: u64,
}

/// The whole of a channel's programme. A bulletin that is not in it is cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Programme {
    pub channel: Channel,
    pub version: Version,
    pub made: WallTime,
    /// Nothing of it starts after this, by a trusted clock; the office makes it anew long before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<WallTime>,
    /// Somebody pressed stop: on a speaker that follows this channel, whatever was planned to start at or before this
    /// instant, on any channel, is over.
    pub silence_before: Option<WallTime>,
    pub bulletins: Vec<Bulletin>,
}

impl Document for Programme {
    const TYPE: &'static str = "programme";
    const MAX_BYTES: usize = 1024 * 1024;
}

/// A change that cannot wait for the whole programme on a thin line. What it says is also in the
/// programme of version `version`, so a speaker that missed it converges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    pub channel: Channel,
    pub version: Version,
    pub made: WallTime,
    pub command: Command,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Add this bulletin (or replace its older revision).
    Start { bulletin: Box<Bulletin> },
    /// Remove this bulletin; end it if it sounds.
    Cancel { bulletin: BulletinId },
    /// As [`Programme::silence_before`].
    Stop { before: WallTime },
}

impl Document for Now {
    const TYPE: &'static str = "now";
    const MAX_BYTES: usize = 256 * 1024;
}
