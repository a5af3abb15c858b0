//! Loa's sound library: reads what people upload, makes it canonical, and renders what the poles play.
//!
//! One form of sound runs through the whole system: mono, `f32`, [`SAMPLE_RATE`].
//! - [`Decoder`] reads any accepted file block by block, within [`Limits`], and never panics on bad input.
//! - [`Resampled`] brings a decoder to [`SAMPLE_RATE`].
//! - [`station`] reads what never ends: another station's programme, at a steady level.
//! - [`ingest`] (feature `encode`) makes canonical content: Ogg Opus of a known loudness.
//! - [`chime`] renders the tone before speech, [`wav`] writes what a software output sounded,
//!   [`measure`] compares what was sounded with what was sent, [`hearing`] finds it in what a microphone gave.
//!
//! Nothing here reads a clock, starts a thread, or holds a whole file in memory.

pub mod chime;
pub mod decode;
pub mod hearing;
#[cfg(feature = "encode")]
pub mod ingest;
mod limiter;
pub mod live;
pub mod measure;
#[cfg(feature = "encode")]
mod ogg_opus;
mod resample;
pub mod station;
pub mod wav;

pub use decode::{DecodeError, Decoder, Limits};
pub use resample::Resampled;

/// The canonical sample rate, in Hz. Canonical sound is mono.
pub const SAMPLE_RATE: u32 = 48_000;
