//! Brings what comes, however loud, slowly to one level: a station's advertisements, and two stations one after the other.
//!
//! Loudness is that of ITU-R BS.1770-4 over three seconds (mono). Pauses do not count, so that they are not turned up.

use std::{collections::VecDeque, fmt};

use crate::{SAMPLE_RATE, limiter::Limiter};

/// As canonical content is: every bulletin is as loud as the one before.
pub const TARGET_LUFS: f32 = -16.0;
/// Most gain, and least, in dB.
const GAIN_DB: std::ops::RangeInclusive<f32> = -24.0..=18.0;
/// Peak after the limiter: -1.5 dB of full scale.
const CEILING: f32 = 0.841;
/// Frames that are measured together: 100 ms.
const STEP: usize = SAMPLE_RATE as usize / 10;
/// Steps that the loudness is taken over.
const STEPS: usize = 30;
/// Quieter steps are a pause.
const PAUSE_LUFS: f32 = -50.0;
/// Loud steps that are needed to tell.
const TELLING: usize = 4;
/// So many loud steps after the beginning the gain follows at once; afterwards at so many dB in a step.
const AT_ONCE: u32 = 30;
const UP_DB: f32 = 0.1;
const DOWN_DB: f32 = 0.3;

/// A slow automatic gain with a limiter behind it.
pub struct Leveller {
    weighting: [Biquad; 2],
    energy: f64,
    /// Of the step under way.
    waiting: Vec<f32>,
    /// Mean square of the last steps that were no pause.
    steps: VecDeque<f64>,
    loud_steps: u32,
    silent_steps: usize,
    gain_db: f32,
    limiter: Limiter,
}

impl fmt::Debug for Leveller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leveller")
            .field("gain_db", &self.gain_db)
            .finish_non_exhaustive()
    }
}

impl Default for Leveller {
    fn default() -> Self {
        Self::new()
    }
}

impl Leveller {
    pub fn new() -> Self {
        Self {
            weighting: [Biquad::of(SHELF), Biquad::of(HIGH_PASS)],
            energy: 0.0,
            waiting: Vec::with_capacity(STEP),
            steps: VecDeque::with_capacity(STEPS),
            loud_steps: 0,
            silent_steps: 0,
            gain_db: 0.0,
            limiter: Limiter::new(1.0, CEILING),
        }
    }

    /// Of what came, pauses left out; `None`: there was no sound for three seconds.
    pub fn loudness_lufs(&self) -> Option<f32> {
        let told = self.steps.len() >= TELLING && self.silent_steps < STEPS;
        let mean = self.steps.iter().sum::<f64>() / self.steps.len().max(1) as f64;
        told.then(|| lufs(mean))
    }

    /// Takes frames in, and appends those that are ready: up to 105 ms behind.
    pub fn push(&mut self, frames: &[f32], out: &mut Vec<f32>) {
        for &frame in frames {
            let frame = if frame.is_finite() { frame } else { 0.0 };
            let [shelf, high_pass] = &mut self.weighting;
            let weighted = high_pass.step(shelf.step(f64::from(frame)));
            self.energy += weighted * weighted;
            self.waiting.push(frame);
            if self.waiting.len() == STEP {
                self.step(out);
            }
        }
    }

    fn step(&mut self, out: &mut Vec<f32>) {
        let mean = std::mem::take(&mut self.energy) / STEP as f64;
        if lufs(mean) > PAUSE_LUFS {
            if self.steps.len() == STEPS {
                self.steps.pop_front();
            }
            self.steps.push_back(mean);
            self.loud_steps = self.loud_steps.saturating_add(1);
            self.silent_steps = 0;
        } else {
            self.silent_steps += 1;
        }
        let before = self.gain_db;
        if self.silent_steps == 0
            && let Some(loudness) = self.loudness_lufs()
        {
            let wanted = (TARGET_LUFS - loudness).clamp(*GAIN_DB.start(), *GAIN_DB.end());
            self.gain_db = match self.loud_steps {
                ..=AT_ONCE => wanted,
                _ => before + (wanted - before).clamp(-DOWN_DB, UP_DB),
            };
        }
        let (from, to) = (linear(before), linear(self.gain_db));
        let turned = self.waiting.iter().enumerate().map(|(n, frame)| {
            let share = n as f32 / STEP as f32;
            frame * (from + (to - from) * share)
        });
        let turned: Vec<f32> = turned.collect();
        self.limiter.push(&turned, out);
        self.waiting.clear();
    }
}

fn lufs(mean_square: f64) -> f32 {
    (-0.691 + 10.0 * mean_square.max(1e-12).log10()) as f32
}

fn linear(db: f32) -> f32 {
    10_f32.powf(db / 20.0)
}

/// BS.1770-4, annex 1, tables 1 and 2, for 48 kHz: b0, b1, b2, a1, a2.
const SHELF: [f64; 5] = [
    1.535_124_859_586_97,
    -2.691_696_189_406_38,
    1.198_392_810_852_85,
    -1.690_659_293_182_41,
    0.732_480_774_215_85,
];
const HIGH_PASS: [f64; 5] = [1.0, -2.0, 1.0, -1.990_047_454_833_98, 0.990_072_250_366_21];

/// Direct form 2, transposed.
struct Biquad {
    by: [f64; 5],
    kept: [f64; 2],
}

impl Biquad {
    fn of(by: [f64; 5]) -> Self {
        Self { by, kept: [0.0; 2] }
    }

    fn step(&mut self, x: f64) -> f64 {
        let [b0, b1, b2, a1, a2] = self.by;
        let y = b0 * x + self.kept[0];
        self.kept = [b1 * x - a1 * y + self.kept[1], b2 * x - a2 * y];
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice-like tone.
    fn tone(seconds: f32, amplitude: f32) -> Vec<f32> {
        let frames = (seconds * SAMPLE_RATE as f32) as usize;
        let at = |n: usize| n as f32 / SAMPLE_RATE as f32 * 997.0 * std::f32::consts::TAU;
        (0..frames).map(|n| at(n).sin() * amplitude).collect()
    }

    fn levelled(frames: &[f32]) -> Vec<f32> {
        let (mut leveller, mut out) = (Leveller::new(), Vec::new());
        frames
            .chunks(1_000)
            .for_each(|block| leveller.push(block, &mut out));
        out
    }

    fn loudness_of_last_3_s(frames: &[f32]) -> f32 {
        let mut leveller = Leveller::new();
        let last = &frames[frames.len() - 3 * SAMPLE_RATE as usize..];
        leveller.push(last, &mut Vec::new());
        leveller.loudness_lufs().expect("a loudness")
    }

    #[test]
    fn a_sine_of_full_scale_is_as_loud_as_the_standard_says() {
        // BS.1770-4: 997 Hz at 0 dB of full scale in one channel is -3.01 LUFS.
        let loudness = loudness_of_last_3_s(&tone(4.0, 1.0));
        assert!((loudness + 3.01).abs() < 0.1, "{loudness}");
    }

    #[test]
    fn a_quiet_station_and_a_loud_one_come_out_alike() {
        for amplitude in [0.03, 0.2, 1.0] {
            let out = levelled(&tone(10.0, amplitude));
            let loudness = loudness_of_last_3_s(&out);
            assert!(
                (loudness - TARGET_LUFS).abs() < 1.0,
                "{amplitude}: {loudness}"
            );
            let last = &out[3 * SAMPLE_RATE as usize..];
            let peak = last.iter().fold(0.0_f32, |most, f| most.max(f.abs()));
            assert!(peak <= 0.85, "{peak}");
        }
    }

    #[test]
    fn a_pause_is_not_turned_up() {
        let mut frames = tone(10.0, 0.1);
        frames.extend(tone(8.0, 0.001));
        let out = levelled(&frames);
        let pause = &out[12 * SAMPLE_RATE as usize..];
        let peak = pause.iter().fold(0.0_f32, |most, f| most.max(f.abs()));
        assert!(peak < 0.005, "{peak}");
    }

    #[test]
    fn what_is_no_number_becomes_silence() {
        let out = levelled(&[f32::NAN, f32::INFINITY].repeat(SAMPLE_RATE as usize));
        assert!(out.iter().all(|frame| *frame == 0.0));
    }
}
