//! Was it heard? What was sent to the horn, looked for in what the microphone gave.
//!
//! [`Matcher`] takes both as they come, each with its instants, and tells for every piece how much of it was heard, how
//! clearly and how late. It holds some seconds of sound, and forgets them; nothing that it tells is sound.
//! The method and its bounds: docs/adr/0009.

pub mod air;
mod chirp;
mod correlate;
mod decimate;
mod matcher;
mod tally;
mod tape;

pub use self::{
    chirp::{CHIRP_MS, amplitude, chirp},
    decimate::{Decimator, decimated},
    matcher::{Matcher, Settings},
};

/// Frames a second at which sounds are compared.
pub const RATE: u32 = 12_000;
/// What is looked for at once: half a second.
const BLOCK: usize = RATE as usize / 2;
/// Delays that are looked at, in frames: an output's word about its own delay may be wrong by 0.3 s, and an echo
/// from across the valley comes 2.5 s later.
const EARLIEST: usize = RATE as usize * 3 / 10;
const LAGS: usize = EARLIEST + RATE as usize * 5 / 2;
/// What it is looked for in.
const WINDOW: usize = LAGS + BLOCK;

/// A stretch is heard from this clarity on. Where it was not, chance and wrong sounds reach 7, rarely 9; at 10 dB of signal
/// to noise speech has 10 to 18 (see docs/adr/0009).
pub const CLEAR: f32 = 9.0;

/// What came of listening to one piece, or to several of one playout together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Half seconds that were compared, and those for which the microphone gave nothing.
    pub blocks: u32,
    pub missed: u32,
    /// Stretches of up to 4 s that were judged, and those of them that were heard.
    pub stretches: u32,
    pub heard: u32,
    /// Of the clearest stretch, in hundredths.
    pub clarity_centi: Option<u32>,
    /// Of that stretch, when it was heard: from the output to the microphone, in microseconds.
    pub delay_us: Option<i64>,
}

/// What it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At least half of it was.
    Heard,
    NotHeard,
    /// Too little sounded to tell.
    TooShort,
    /// The microphone gave nothing.
    Deaf,
}

impl Found {
    pub fn verdict(&self) -> Verdict {
        match self.stretches {
            0 if self.missed > self.blocks => Verdict::Deaf,
            0 => Verdict::TooShort,
            all if self.heard * 2 >= all => Verdict::Heard,
            _ => Verdict::NotHeard,
        }
    }

    /// Takes in what came of another piece.
    pub fn add(&mut self, other: &Found) {
        self.blocks = self.blocks.saturating_add(other.blocks);
        self.missed = self.missed.saturating_add(other.missed);
        self.stretches = self.stretches.saturating_add(other.stretches);
        self.heard = self.heard.saturating_add(other.heard);
        if other.clarity_centi > self.clarity_centi {
            self.clarity_centi = other.clarity_centi;
            self.delay_us = other.delay_us.or(self.delay_us);
        }
    }

    fn note(&mut self, clarity: f32, delay_us: i64) {
        let is_heard = clarity >= CLEAR;
        self.add(&Found {
            stretches: 1,
            heard: u32::from(is_heard),
            clarity_centi: Some((clarity * 100.0).clamp(0.0, 1e8) as u32),
            delay_us: is_heard.then_some(delay_us),
            ..Found::default()
        });
    }
}

fn us_of_frames(frames: u64) -> i64 {
    (frames * 1_000_000 / u64::from(RATE)).cast_signed()
}
fn frames_of_us(us: u64) -> u64 {
    us * u64::from(RATE) / 1_000_000
}
