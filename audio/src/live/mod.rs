//! Sound as it is made: frames of 20 ms, each an Opus packet of its own, and how a pole sounds them.
//!
//! Every instant of a stream has its place in time: what was captured at `t` is heard at `t` + delay, on every pole. So
//! nothing here waits for anything. [`StreamPlayer`] is asked for what is to be heard at an instant, and gives what it
//! has: frames (`jitter` keeps them), what can be made up for missing ones (`voice`), at a rate ([`Pace`], `reader`)
//! that holds the stream to its time ([`Track`]) whatever the clocks of phone, office and sound card do.

#[cfg(feature = "encode")]
mod encode;
mod jitter;
mod pace;
mod player;
mod reader;
mod tally;
mod track;
mod voice;

#[cfg(feature = "encode")]
pub use encode::{FrameEncoder, Kind};
pub use pace::{Pace, Steer};
pub use player::{Rendered, StreamPlayer};
pub use tally::Streamed;
pub use track::Track;

/// Frames of sound in one packet: 20 ms.
pub const FRAME: usize = 960;
/// The same in microseconds.
pub const FRAME_US: i64 = 20_000;
