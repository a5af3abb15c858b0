//! The last seconds that the microphone gave, and when each of its frames was in the air.

use std::collections::VecDeque;

use super::{RATE, frames_of_us, us_of_frames};

/// What is kept: a comparison looks back 3.3 s, and a busy machine looks late.
const KEEP: usize = 7 * RATE as usize;
/// A microphone that skips more than this has lost frames; silence stands for them.
const SKIP_US: i64 = 60_000;
/// Anchors closer than this tell nothing new.
const ANCHOR: u64 = RATE as u64 / 20;

#[derive(Debug, Default)]
pub struct Tape {
    frames: VecDeque<f32>,
    /// Number of the first frame kept, counted since the beginning.
    first: u64,
    /// Instants of some frames, by number. Bounded by [`KEEP`] over [`ANCHOR`].
    anchors: VecDeque<(u64, i64)>,
}

impl Tape {
    /// Frames of the lower rate; the first one was in the air at `first_us`.
    pub fn push(&mut self, frames: &[f32], first_us: u64) {
        let first_us = first_us.cast_signed();
        let mut next = self.first + self.frames.len() as u64;
        if let Some(&(number, us)) = self.anchors.back() {
            let lost_us = first_us - (us + us_of_frames(next - number));
            if lost_us > SKIP_US {
                let lost = frames_of_us(lost_us.cast_unsigned()).min(KEEP as u64);
                self.frames.extend(std::iter::repeat_n(0.0, lost as usize));
                next += lost;
            }
        }
        let is_new = |(number, _): &(u64, i64)| next >= number + ANCHOR;
        if self.anchors.back().is_none_or(is_new) {
            self.anchors.push_back((next, first_us));
        }
        self.frames.extend(frames);
        let over = self.frames.len().saturating_sub(KEEP);
        self.frames.drain(..over);
        self.first += over as u64;
        while self.anchors.len() > 1 && self.anchors[1].0 <= self.first {
            self.anchors.pop_front();
        }
    }

    /// Until when there is sound; `None` before any came.
    pub fn end_us(&self) -> Option<u64> {
        let (number, us) = self.anchors.back()?;
        let end = us + us_of_frames(self.first + self.frames.len() as u64 - number);
        Some(end.max(0).cast_unsigned())
    }

    /// Fills `out` with what was in the air from `from_us` on, silence where nothing is kept.
    /// Gives how many frames are real.
    pub fn copy(&self, from_us: i64, out: &mut [f32]) -> usize {
        out.fill(0.0);
        let before = self.anchors.iter().rev().find(|(_, us)| *us <= from_us);
        let Some((number, us)) = before.or(self.anchors.front()) else {
            return 0;
        };
        let start = number.cast_signed() + (from_us - us) * i64::from(RATE) / 1_000_000
            - self.first.cast_signed();
        let skip = usize::try_from(-start).unwrap_or(0).min(out.len());
        let at = usize::try_from(start).unwrap_or(0);
        let there = self.frames.iter().skip(at);
        let mut real = 0;
        for (slot, frame) in out[skip..].iter_mut().zip(there) {
            *slot = *frame;
            real += 1;
        }
        real
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_again_by_its_instant() {
        let mut tape = Tape::default();
        for block in 0..200_u64 {
            let frames: Vec<f32> = (0..600).map(|n| (block * 600 + n) as f32).collect();
            tape.push(&frames, 1_000_000 + block * 50_000);
        }
        assert_eq!(tape.end_us(), Some(11_000_000));
        let mut out = [0.0; 4];
        assert_eq!(tape.copy(10_000_000, &mut out), 4);
        assert_eq!(out, [108_000.0, 108_001.0, 108_002.0, 108_003.0]);
        // Long gone, and not come yet.
        assert_eq!(tape.copy(1_000_000, &mut out), 0);
        assert_eq!(tape.copy(10_999_834, &mut out), 2);
        assert_eq!(out[2..], [0.0, 0.0]);
    }

    #[test]
    fn what_the_microphone_lost_moves_nothing_that_came_later() {
        let mut tape = Tape::default();
        tape.push(&[1.0; 600], 1_000_000);
        tape.push(&[2.0; 600], 1_550_000);
        let mut out = [9.0; 1];
        assert_eq!(tape.copy(1_500_000, &mut out), 1);
        assert_eq!(out, [0.0]);
        tape.copy(1_560_000, &mut out);
        assert_eq!(out, [2.0]);
    }
}
