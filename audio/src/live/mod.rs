//! Sound as it is made: frames of 20 ms, each an Opus packet of its own.

#[cfg(feature = "encode")]
mod encode;
mod frame;
#[cfg(feature = "encode")]
mod recording;
mod upsample;

#[cfg(feature = "encode")]
pub use encode::{FrameEncoder, Kind};
pub use frame::is_one_frame;
#[cfg(feature = "encode")]
pub use recording::{FrameRecorder, mend};
pub use upsample::{PHONE_FRAME, Upsampler};

/// Frames of sound in one packet: 20 ms.
pub const FRAME: usize = 960;
/// Longest frame, in bytes (RFC 6716 section 3.2.1).
pub const MAX_FRAME_BYTES: usize = 1_275;
