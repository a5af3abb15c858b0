//! Sound as it is made: frames of 20 ms, each an Opus packet of its own.

#[cfg(feature = "encode")]
mod encode;

#[cfg(feature = "encode")]
pub use encode::{FrameEncoder, Kind};

/// Frames of sound in one packet: 20 ms.
pub const FRAME: usize = 960;
