//! From the 16 kHz of a phone without an encoder to 48 kHz, frame by frame and a millisecond late: a band-limited filter
//! in three phases, for an FFT resampler would wait for its block.

use std::f64::consts::PI;

use super::FRAME;

/// Samples of one frame of 20 ms at 16 kHz.
pub const PHONE_FRAME: usize = 320;
const TIMES: usize = 3;
/// Inputs that each output is made of.
const TAPS: usize = 32;

/// Remembers the end of the frame before.
pub struct Upsampler {
    phases: [[f32; TAPS]; TIMES],
    before: [f32; TAPS - 1],
}

impl std::fmt::Debug for Upsampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upsampler").finish_non_exhaustive()
    }
}

impl Default for Upsampler {
    fn default() -> Self {
        // A windowed sinc (Blackman), its edge a little below 8 kHz.
        let length = TAPS * TIMES;
        let middle = (length - 1) as f64 / 2.0;
        let edge = 0.92 / TIMES as f64;
        let tap = |n: usize| {
            let x = n as f64 - middle;
            let sinc = (PI * edge * x).sin() / (PI * x);
            let turn = 2.0 * PI * n as f64 / (length - 1) as f64;
            let window = 0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos();
            sinc * window * TIMES as f64
        };
        let mut phases = [[0.0; TAPS]; TIMES];
        for (phase, taps) in phases.iter_mut().enumerate() {
            let sum: f64 = (0..TAPS).map(|k| tap(k * TIMES + phase)).sum();
            for (k, out) in taps.iter_mut().enumerate() {
                // Each phase passes a constant as it is.
                *out = (tap(k * TIMES + phase) / sum) as f32;
            }
        }
        Self {
            phases,
            before: [0.0; TAPS - 1],
        }
    }
}

impl Upsampler {
    /// The next frame.
    pub fn push(&mut self, frame: &[i16; PHONE_FRAME]) -> [f32; FRAME] {
        let mut line = [0.0; TAPS - 1 + PHONE_FRAME];
        line[..TAPS - 1].copy_from_slice(&self.before);
        for (to, sample) in line[TAPS - 1..].iter_mut().zip(frame) {
            *to = f32::from(*sample) / 32_768.0;
        }
        let mut out = [0.0; FRAME];
        for (i, triple) in out.chunks_exact_mut(TIMES).enumerate() {
            let inputs = &line[i..i + TAPS];
            for (sample, taps) in triple.iter_mut().zip(&self.phases) {
                let newest_first = inputs.iter().rev();
                *sample = newest_first.zip(taps).map(|(x, tap)| x * tap).sum();
            }
        }
        self.before
            .copy_from_slice(&line[PHONE_FRAME..PHONE_FRAME + TAPS - 1]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The strength of one frequency in what came out, of a tone with strength 1/2 that went in.
    fn strength(tone_hz: f64, looked_at_hz: f64) -> f64 {
        let mut upsampler = Upsampler::default();
        let mut out = Vec::new();
        for part in 0..50 {
            let mut frame = [0; PHONE_FRAME];
            for (i, sample) in frame.iter_mut().enumerate() {
                let t = (part * PHONE_FRAME + i) as f64 / 16_000.0;
                *sample = ((2.0 * PI * tone_hz * t).sin() * 16_384.0) as i16;
            }
            out.extend(upsampler.push(&frame));
        }
        let out = &out[FRAME..];
        let (mut re, mut im) = (0.0, 0.0);
        for (i, sample) in out.iter().enumerate() {
            let turn = 2.0 * PI * looked_at_hz * i as f64 / 48_000.0;
            re += f64::from(*sample) * turn.cos();
            im += f64::from(*sample) * turn.sin();
        }
        2.0 * (re * re + im * im).sqrt() / out.len() as f64
    }

    #[test]
    fn speech_passes_as_it_is_and_its_mirror_image_does_not() {
        for tone in [150.0, 1_000.0, 3_000.0, 6_000.0] {
            let passed = strength(tone, tone);
            assert!((passed - 0.5).abs() < 0.02, "{tone} Hz: {passed}");
            let mirrored = strength(tone, 16_000.0 - tone);
            assert!(mirrored < 0.5e-2, "{tone} Hz: {mirrored}");
        }
    }
}
