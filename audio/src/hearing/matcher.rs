//! Takes in what is sent and what is heard as they come, and compares block by block once the slowest echo is over.

use std::collections::VecDeque;

use super::{
    BLOCK, EARLIEST, Found, LAGS, RATE, WINDOW, correlate::Correlator, frames_of_us, tally::Tally,
    tape::Tape, us_of_frames,
};

/// Blocks that may wait for the microphone: 8 s. Beyond that the oldest counts as missed.
const MAX_WAITING: usize = 16;
/// Pieces whose end may wait for their last blocks. Beyond that the oldest is told as it is.
const MAX_PIECES: usize = 8;
/// A microphone that is this late gives nothing any more.
const PATIENCE_US: u64 = 3_000_000;
/// A last block of at least this length is taken.
const SCRAP: usize = BLOCK / 2;
/// A block that is this much quieter than the loudest is a pause: it says nothing.
const PAUSE: f32 = 0.05;
/// Nothing quieter than this was sent on purpose.
const SILENCE: f32 = 1e-5;
const ONE_BLOCK_US: u64 = 1_000_000 * BLOCK as u64 / RATE as u64;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Level, root mean square of full scale, below which the microphone hears nothing, however well it fits.
    pub quietest: f32,
    /// Sound that comes later than this is not the own horn's.
    pub farthest_us: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quietest: super::amplitude(-75.0),
            farthest_us: us_of_frames((LAGS - EARLIEST) as u64).unsigned_abs(),
        }
    }
}

/// Listens to pieces, each known by its key.
#[derive(Debug)]
pub struct Matcher<K> {
    settings: Settings,
    correlator: Correlator,
    tape: Tape,
    pieces: VecDeque<Piece<K>>,
    waiting: VecDeque<Block>,
    next_number: u64,
    window: Box<[f32; WINDOW]>,
}

#[derive(Debug)]
struct Piece<K> {
    key: K,
    number: u64,
    tally: Tally,
    /// What was sent and makes no whole block yet.
    scrap: Vec<f32>,
    scrap_us: u64,
    loudest: f32,
    is_over: bool,
}

#[derive(Debug)]
struct Block {
    piece: u64,
    at_us: u64,
    frames: Box<[f32; BLOCK]>,
}

impl<K> Matcher<K> {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            correlator: Correlator::default(),
            tape: Tape::default(),
            pieces: VecDeque::new(),
            waiting: VecDeque::new(),
            next_number: 0,
            window: Box::new([0.0; WINDOW]),
        }
    }

    /// A piece begins to sound. With fewer than `least` blocks of half a second nothing is said of it.
    pub fn began(&mut self, key: K, least: u32) {
        self.over();
        self.next_number += 1;
        let farthest = frames_of_us(self.settings.farthest_us) as usize;
        self.pieces.push_back(Piece {
            key,
            number: self.next_number,
            tally: Tally::new(least, EARLIEST + farthest),
            scrap: Vec::with_capacity(BLOCK),
            scrap_us: 0,
            loudest: 0.0,
            is_over: false,
        });
    }

    /// Frames of the lower rate that the output was given; the first one leaves it at `first_us`.
    pub fn sent(&mut self, frames: &[f32], first_us: u64) {
        let Some(piece) = self.pieces.back_mut().filter(|piece| !piece.is_over) else {
            return;
        };
        let mut done = 0;
        while done < frames.len() {
            if piece.scrap.is_empty() {
                piece.scrap_us = first_us + us_of_frames(done as u64).unsigned_abs();
            }
            let take = (BLOCK - piece.scrap.len()).min(frames.len() - done);
            piece.scrap.extend_from_slice(&frames[done..done + take]);
            done += take;
            if piece.scrap.len() == BLOCK {
                self.waiting.extend(piece.cut());
            }
        }
        self.bound();
    }

    /// The piece that sounds is over.
    pub fn over(&mut self) {
        if let Some(piece) = self.pieces.back_mut().filter(|piece| !piece.is_over) {
            if piece.scrap.len() >= SCRAP {
                self.waiting.extend(piece.cut());
            }
            piece.is_over = true;
            self.bound();
        }
    }

    /// Frames of the lower rate that the microphone gave; the first one was in the air at `first_us`.
    pub fn heard(&mut self, frames: &[f32], first_us: u64) {
        self.tape.push(frames, first_us);
    }

    /// Is there anything that still needs the microphone?
    pub fn is_busy(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Compares what can be compared at `now_us`, and gives what came of the pieces that are over.
    pub fn poll(&mut self, now_us: u64) -> Vec<(K, Found)> {
        while let Some(block) = self.waiting.front() {
            let complete_us = block.at_us + self.settings.farthest_us + ONE_BLOCK_US;
            let end_us = self.tape.end_us().unwrap_or(0);
            if end_us < complete_us && now_us < complete_us + PATIENCE_US {
                break;
            }
            if let Some(block) = self.waiting.pop_front() {
                self.compare(&block);
            }
        }
        self.finished()
    }

    fn finished(&mut self) -> Vec<(K, Found)> {
        let mut told = Vec::new();
        while let Some(first) = self.pieces.front() {
            let waits = self.waiting.iter().any(|block| block.piece == first.number);
            if !first.is_over || (waits && self.pieces.len() <= MAX_PIECES) {
                break;
            }
            if let Some(piece) = self.pieces.pop_front() {
                told.push((piece.key, piece.tally.finish()));
            }
        }
        told
    }

    fn compare(&mut self, block: &Block) {
        let Some(piece) = self.pieces.iter_mut().find(|p| p.number == block.piece) else {
            return;
        };
        let from_us = block.at_us.cast_signed() - us_of_frames(EARLIEST as u64);
        let real = self.tape.copy(from_us, self.window.as_mut_slice());
        // Without the time in which it most likely arrives nothing can be said.
        if real < EARLIEST + 2 * BLOCK {
            return piece.tally.missed();
        }
        let is_silent = loudest(&self.window[..]) < self.settings.quietest;
        match self.correlator.compare(&block.frames, &self.window) {
            None => {}
            Some(_) if is_silent => piece.tally.add(None),
            fits => piece.tally.add(fits),
        }
    }

    fn bound(&mut self) {
        while self.waiting.len() > MAX_WAITING {
            let lost = self.waiting.pop_front();
            let piece = lost.and_then(|block| {
                self.pieces
                    .iter_mut()
                    .find(|piece| piece.number == block.piece)
            });
            if let Some(piece) = piece {
                piece.tally.missed();
            }
        }
    }
}

impl<K> Piece<K> {
    /// Makes a block of what was sent; `None` when it is a pause.
    fn cut(&mut self) -> Option<Block> {
        let level = rms(&self.scrap);
        self.loudest = self.loudest.max(level);
        let mut frames = Box::new([0.0; BLOCK]);
        frames[..self.scrap.len()].copy_from_slice(&self.scrap);
        self.scrap.clear();
        let says_something = level > SILENCE && level > PAUSE * self.loudest;
        says_something.then_some(Block {
            piece: self.number,
            at_us: self.scrap_us,
            frames,
        })
    }
}

fn rms(frames: &[f32]) -> f32 {
    (frames.iter().map(|f| f * f).sum::<f32>() / frames.len().max(1) as f32).sqrt()
}

/// Level of the loudest tenth of a second, without the microphone's own offset.
fn loudest(frames: &[f32]) -> f32 {
    let level = |part: &[f32]| {
        let offset = part.iter().sum::<f32>() / part.len() as f32;
        let square = |f: &f32| (f - offset) * (f - offset);
        (part.iter().map(square).sum::<f32>() / part.len() as f32).sqrt()
    };
    frames
        .chunks(RATE as usize / 10)
        .map(level)
        .fold(0.0, f32::max)
}
