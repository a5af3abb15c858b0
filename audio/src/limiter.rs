//! Look-ahead limiter: turns the loudest moments down before they come, so that no frame passes the ceiling.

use std::collections::VecDeque;

/// How far it looks ahead, in frames: 5 ms at 48 kHz.
const AHEAD: usize = 240;
/// Share of the missing gain that comes back per frame: 1/e in 40 ms at 48 kHz.
const RELEASE: f32 = 1.0 / (0.040 * 48_000.0);

/// Multiplies by a gain, then holds every frame at or below a ceiling (sample peak).
///
/// For each frame the gain it needs is known; the least of the next [`AHEAD`] is taken, allowed to recover slowly, and
/// averaged over [`AHEAD`] frames. The average over a window of minima that all include the frame cannot exceed its need.
pub(crate) struct Limiter {
    gain: f32,
    ceiling: f32,
    /// The last [`AHEAD`] frames and the gain recovered for each; both turn with `frame`.
    delayed: Box<[f32; AHEAD]>,
    recent: Box<[f32; AHEAD]>,
    /// Sum of `recent`.
    sum: f64,
    /// Candidates for the least gain ahead, as (frame number, gain), gains rising.
    least: VecDeque<(u64, f32)>,
    recovered: f32,
    frame: u64,
}

impl Limiter {
    /// Both linear: `gain` before, `ceiling` after.
    pub fn new(gain: f32, ceiling: f32) -> Self {
        Self {
            gain,
            ceiling,
            delayed: Box::new([0.0; AHEAD]),
            recent: Box::new([1.0; AHEAD]),
            sum: AHEAD as f64,
            least: VecDeque::with_capacity(AHEAD + 1),
            recovered: 1.0,
            frame: 0,
        }
    }

    /// Takes frames in; appends to `out` those that are ready, [`AHEAD`] behind.
    pub fn push(&mut self, frames: &[f32], out: &mut Vec<f32>) {
        out.extend(
            frames
                .iter()
                .filter_map(|&frame| self.step(frame * self.gain)),
        );
    }

    /// Appends the frames still on their way: as many came out as went in.
    #[cfg(feature = "encode")]
    pub fn finish(mut self, out: &mut Vec<f32>) {
        for _ in 0..AHEAD {
            out.extend(self.step(0.0));
        }
    }

    fn step(&mut self, frame: f32) -> Option<f32> {
        let needed = self.ceiling / frame.abs().max(self.ceiling);
        while self.least.back().is_some_and(|&(_, gain)| gain >= needed) {
            self.least.pop_back();
        }
        self.least.push_back((self.frame, needed));
        while self
            .least
            .front()
            .is_some_and(|&(at, _)| at + (AHEAD as u64) < self.frame)
        {
            self.least.pop_front();
        }
        let least = self.least.front().map_or(1.0, |&(_, gain)| gain);
        let slot = (self.frame % AHEAD as u64) as usize;
        let is_filled = self.frame >= AHEAD as u64;
        self.frame += 1;

        let rising = self.recovered + (1.0 - self.recovered) * RELEASE;
        self.recovered = rising.min(least);
        let oldest = std::mem::replace(&mut self.recent[slot], self.recovered);
        self.sum += f64::from(self.recovered) - f64::from(oldest);
        let smooth = (self.sum / AHEAD as f64) as f32;

        let delayed = std::mem::replace(&mut self.delayed[slot], frame);
        is_filled.then_some(delayed * smooth)
    }
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use super::*;

    fn limited(frames: &[f32], gain: f32, ceiling: f32) -> Vec<f32> {
        let mut out = Vec::new();
        let mut limiter = Limiter::new(gain, ceiling);
        for block in frames.chunks(1000) {
            limiter.push(block, &mut out);
        }
        limiter.finish(&mut out);
        out
    }

    #[test]
    fn quiet_speech_passes_through_untouched_and_in_time() {
        let frames: Vec<f32> = (0..5_000).map(|n| (n as f32 * 0.05).sin() * 0.2).collect();
        let out = limited(&frames, 2.0, 0.7);
        assert_eq!(out.len(), frames.len());
        for (out, frame) in out.iter().zip(&frames) {
            assert!((out - 2.0 * frame).abs() < 1e-5);
        }
    }

    #[test]
    fn the_shortest_sound_is_not_swallowed() {
        assert_eq!(limited(&[0.25], 2.0, 0.9), [0.5]);
        assert_eq!(limited(&[], 2.0, 0.9), []);
    }

    #[test]
    fn no_frame_passes_the_ceiling_however_sudden() {
        let mut frames: Vec<f32> = (0..20_000).map(|n| (n as f32 * 0.3).sin() * 0.1).collect();
        for at in [0, 239, 240, 5_000, 5_001, 9_999, 19_999] {
            frames[at] = if at % 2 == 0 { 6.0 } else { -3.0 };
        }
        let out = limited(&frames, 1.5, 0.8);
        assert_eq!(out.len(), frames.len());
        let peak = out.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
        assert!(peak <= 0.8001, "{peak}");
    }
}
