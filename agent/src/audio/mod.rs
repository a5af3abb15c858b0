//! Sound: a thread that plays ([`player`]), what it plays from ([`feed`]), what decides every sample ([`deck`]),
//! where it goes ([`output`]: a sound device, or WAV files), and whether it was heard ([`listener`]).
//!
//! The path of a sample: content file → `feed` (decodes on a thread of its own, a little ahead) → `deck` (which piece
//! sounds at this very frame, fades, volume) → rodio's mixer → `tap` (what an output pulls) → the output. Of a stream, the
//! chime comes from a feed and the rest from `stream`, into which its packets go.

pub mod deck;
pub mod feed;
pub mod listener;
pub mod output;
pub mod player;
pub mod self_test;
pub mod station;
pub mod stream;
pub mod tap;
pub mod test_sound;
mod timing;

mod device;
mod microphone;
mod reference;
mod wav;

/// Frames per second of everything that sounds here; mono.
pub const RATE: u32 = loa_audio::SAMPLE_RATE;

/// Frames in `ms` milliseconds.
pub(crate) const fn frames_of_ms(ms: u64) -> u64 {
    ms.saturating_mul(RATE as u64 / 1_000)
}

/// Whole milliseconds in `frames`.
pub(crate) const fn ms_of_frames(frames: u64) -> u64 {
    frames / (RATE as u64 / 1_000)
}

/// Puts the calling thread first in line, where that is allowed: a late block is a hole in the sound.
pub(crate) fn hurry() {
    // SAFETY: no memory is passed. 0 stands for the calling thread; a refusal changes nothing.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, -11);
    }
}
