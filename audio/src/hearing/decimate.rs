//! From 48 kHz to the rate at which sound is compared. A horn gives nothing above 5 kHz that is worth a comparison.

use std::{f32::consts::PI, sync::OnceLock};

use super::RATE;
use crate::SAMPLE_RATE;

const FACTOR: usize = (SAMPLE_RATE / RATE) as usize;
/// A windowed sinc; what would fold back is 50 dB down.
const TAPS: usize = 64;
const CUT_HZ: f32 = 5_000.0;

/// Takes frames at 48 kHz in pieces of any length. Both sides of a comparison go through one, so its delay cancels.
#[derive(Clone, Debug)]
pub struct Decimator {
    /// The last frames, each written twice, so that they always lie in one piece from `next` on.
    last: [f32; 2 * TAPS],
    next: usize,
    /// Frames until the next one is given.
    wait: usize,
}

impl Default for Decimator {
    fn default() -> Self {
        Self {
            last: [0.0; 2 * TAPS],
            next: 0,
            wait: FACTOR,
        }
    }
}

impl Decimator {
    /// Gives `out` each frame of the lower rate. Allocates nothing.
    pub fn push(&mut self, frames: &[f32], out: &mut dyn FnMut(f32)) {
        let taps = taps();
        for &frame in frames {
            self.last[self.next] = frame;
            self.last[self.next + TAPS] = frame;
            self.next = (self.next + 1) % TAPS;
            self.wait -= 1;
            if self.wait == 0 {
                self.wait = FACTOR;
                let last = &self.last[self.next..self.next + TAPS];
                out(last.iter().zip(taps).map(|(f, t)| f * t).sum());
            }
        }
    }

    /// How many frames of the lower rate that many would give now.
    pub fn gives(&self, frames: usize) -> usize {
        (frames + FACTOR - self.wait) / FACTOR
    }
}

/// Everything at once.
pub fn decimated(frames: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(frames.len() / FACTOR + 1);
    Decimator::default().push(frames, &mut |frame| out.push(frame));
    out
}

fn taps() -> &'static [f32; TAPS] {
    static FOUND: OnceLock<[f32; TAPS]> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut taps = [0.0; TAPS];
        let (width, middle) = (2.0 * CUT_HZ / SAMPLE_RATE as f32, (TAPS - 1) as f32 / 2.0);
        for (n, tap) in taps.iter_mut().enumerate() {
            let x = PI * width * (n as f32 - middle);
            let sinc = if x == 0.0 { 1.0 } else { x.sin() / x };
            let turn = 2.0 * PI * (n as f32 + 0.5) / TAPS as f32;
            *tap = width * sinc * (0.54 - 0.46 * turn.cos());
        }
        taps
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rms(frames: &[f32]) -> f32 {
        (frames.iter().map(|f| f * f).sum::<f32>() / frames.len() as f32).sqrt()
    }
    fn tone(hz: f32) -> Vec<f32> {
        let step = 2.0 * PI * hz / SAMPLE_RATE as f32;
        (0..48_000).map(|n| (n as f32 * step).sin()).collect()
    }

    #[test]
    fn speech_passes_and_what_would_fold_back_does_not() {
        for hz in [300.0, 1_000.0, 4_000.0] {
            let level = rms(&decimated(&tone(hz))[100..]);
            assert!((level - 0.707).abs() < 0.05, "{hz} Hz: {level}");
        }
        for hz in [7_500.0, 11_000.0, 20_000.0] {
            let level = rms(&decimated(&tone(hz))[100..]);
            assert!(level < 0.005, "{hz} Hz: {level}");
        }
    }

    #[test]
    fn the_pieces_may_have_any_length() {
        let sound = tone(700.0);
        let whole = decimated(&sound);
        let (mut pieces, mut decimator) = (Vec::new(), Decimator::default());
        let mut rest = &sound[..];
        for length in [1, 2, 3, 5, 960, 7, 2_400, 48_000] {
            let (piece, later) = rest.split_at(length.min(rest.len()));
            let told = decimator.gives(piece.len());
            let before = pieces.len();
            decimator.push(piece, &mut |f| pieces.push(f));
            assert_eq!(pieces.len() - before, told);
            rest = later;
        }
        assert_eq!(pieces, whole);
    }
}
