//! The self-test's sound: a rising chirp, as far from any noise of a street as a sound of one second can be.

use std::f32::consts::{PI, TAU};

use crate::SAMPLE_RATE;

/// Its length.
pub const CHIRP_MS: u64 = 1_000;
const FROM_HZ: f32 = 500.0;
const TO_HZ: f32 = 4_000.0;
/// Rises and falls this softly at its ends: no click.
const EDGE_S: f32 = 0.03;

/// At 48 kHz, with this amplitude.
pub fn chirp(amplitude: f32) -> Vec<f32> {
    let rate = SAMPLE_RATE as f32;
    let length_s = CHIRP_MS as f32 / 1_000.0;
    (0..(length_s * rate) as usize)
        .map(|n| {
            let t = n as f32 / rate;
            let phase = TAU * (FROM_HZ * t + (TO_HZ - FROM_HZ) * t * t / (2.0 * length_s));
            let edge = (t.min(length_s - t) / EDGE_S).min(1.0);
            amplitude * phase.sin() * 0.5 * (1.0 - (PI * edge).cos())
        })
        .collect()
}

/// Amplitude of a level in dB of full scale.
pub fn amplitude(dbfs: f32) -> f32 {
    10.0_f32.powf(dbfs / 20.0)
}
