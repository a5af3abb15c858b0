//! An air for tests and benches: speech and music to send through it, and what it does to them on the way to a microphone.

use std::f32::consts::{PI, TAU};

/// Chance from a seed that a test prints (xorshift64*, Vigna 2016).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        chance.draw();
        chance
    }
    fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    /// In -1.0..1.0.
    pub fn sample(&mut self) -> f32 {
        (self.draw() >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }
    pub fn between(&mut self, from: f32, to: f32) -> f32 {
        from + (self.sample() * 0.5 + 0.5) * (to - from)
    }
}

/// One of the noises a village has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Rain.
    White,
    /// Engines: almost all of it low.
    Street,
    /// Many people at once.
    Babble,
}

impl Noise {
    pub const ALL: [Noise; 3] = [Noise::White, Noise::Street, Noise::Babble];

    pub fn make(self, frames: usize, rate: u32, chance: &mut Chance) -> Vec<f32> {
        match self {
            Noise::White => (0..frames).map(|_| chance.sample()).collect(),
            Noise::Street => {
                let step = TAU * 150.0 / rate as f32;
                let (mut low, mut lower) = (0.0_f32, 0.0_f32);
                (0..frames)
                    .map(|_| {
                        low += step * (chance.sample() - low);
                        lower += step * (low - lower);
                        lower
                    })
                    .collect()
            }
            Noise::Babble => {
                let mut sum = vec![0.0; frames];
                for _ in 0..6 {
                    let voice = speech(frames as f32 / rate as f32 + 0.1, rate, chance);
                    sum.iter_mut().zip(voice).for_each(|(s, v)| *s += v);
                }
                sum
            }
        }
    }
}

/// Voiced syllables with moving pitch and formants, hisses between them, and pauses.
pub fn speech(seconds: f32, rate: u32, chance: &mut Chance) -> Vec<f32> {
    let frames = (seconds * rate as f32) as usize;
    let mut out = Vec::with_capacity(frames);
    let voice_hz = chance.between(95.0, 230.0);
    while out.len() < frames {
        let length = (chance.between(0.12, 0.32) * rate as f32) as usize;
        let pitch = voice_hz * chance.between(0.85, 1.25);
        let glide = chance.between(-0.3, 0.3);
        let formants = [
            chance.between(300.0, 900.0),
            chance.between(900.0, 2_400.0),
            chance.between(2_400.0, 3_500.0),
        ];
        let harmonics: Vec<f32> = (1..40)
            .map(|k| {
                let hz = pitch * k as f32;
                let near: f32 = formants
                    .iter()
                    .zip([1.0, 0.5, 0.25])
                    .map(|(f, gain)| gain / (1.0 + ((hz - f) / 120.0).powi(2)))
                    .sum();
                if hz < 0.45 * rate as f32 { near } else { 0.0 }
            })
            .collect();
        let hiss = chance.between(0.0, 0.04);
        let mut phase = 0.0_f32;
        for n in 0..length {
            let done = n as f32 / length as f32;
            phase += TAU * pitch * (1.0 + glide * done) / rate as f32;
            let voiced: f32 = harmonics
                .iter()
                .zip(1..)
                .filter(|(gain, _)| **gain > 0.01)
                .map(|(gain, k)| gain * (phase * k as f32).sin())
                .sum();
            let envelope = (done * PI).sin().powf(0.6);
            out.push((voiced * 0.3 + chance.sample() * hiss) * envelope);
        }
        if chance.between(0.0, 1.0) < 0.15 {
            let pause = (chance.between(0.1, 0.4) * rate as f32) as usize;
            out.extend(std::iter::repeat_n(0.0, pause));
        }
    }
    out.truncate(frames);
    out
}

/// Chords with a beat: notes of a scale, each with its own decay.
pub fn music(seconds: f32, rate: u32, chance: &mut Chance) -> Vec<f32> {
    const SCALE: [f32; 5] = [261.6, 293.7, 329.6, 392.0, 440.0];
    let mut out = vec![0.0; (seconds * rate as f32) as usize];
    let beat = (chance.between(0.22, 0.4) * rate as f32) as usize;
    for start in (0..out.len()).step_by(beat) {
        for _ in 0..3 {
            let note = SCALE[(chance.between(0.0, 4.99)) as usize];
            let octave = [1.0, 2.0, 4.0][chance.between(0.0, 2.99) as usize];
            let (hz, fade) = (note * octave, chance.between(3.0, 9.0));
            for (n, slot) in out[start..].iter_mut().take(3 * beat).enumerate() {
                let t = n as f32 / rate as f32;
                let attack = (t * 200.0).min(1.0);
                let tone: f32 = (1..6)
                    .map(|k| (TAU * hz * k as f32 * t).sin() / (k * k) as f32)
                    .sum();
                *slot += 0.1 * attack * (-fade * t).exp() * tone;
            }
        }
        // A drum.
        for (n, slot) in out[start..].iter_mut().take(beat / 2).enumerate() {
            let t = n as f32 / rate as f32;
            *slot += 0.15 * (-40.0 * t).exp() * chance.sample();
        }
    }
    out
}

/// The direct way and some walls: (delay in seconds, gain).
pub fn paths(chance: &mut Chance) -> Vec<(f32, f32)> {
    let direct = chance.between(0.001, 0.05);
    let mut all = vec![(direct, 1.0)];
    let walls = chance.between(2.0, 6.0) as usize;
    for _ in 0..walls {
        let later = chance.between(0.1, 0.6);
        all.push((direct + later, chance.between(-0.7, 0.7)));
    }
    all
}

/// What arrives of `sent` over these ways; half a second longer than the longest.
pub fn arriving(sent: &[f32], paths: &[(f32, f32)], rate: u32) -> Vec<f32> {
    let longest = paths.iter().map(|p| p.0).fold(0.0, f32::max) + 0.5;
    let mut out = vec![0.0; sent.len() + (longest * rate as f32) as usize];
    for (delay, gain) in paths {
        let shift = (delay * rate as f32) as usize;
        for (slot, frame) in out[shift..].iter_mut().zip(sent) {
            *slot += gain * frame;
        }
    }
    out
}

/// What a horn makes of it: no lows, few highs, and some distortion.
pub fn horn(sent: &[f32], rate: u32) -> Vec<f32> {
    let high = (-TAU * 400.0 / rate as f32).exp();
    let low = 1.0 - (-TAU * 4_000.0 / rate as f32).exp();
    let (mut slow, mut out) = (0.0_f32, 0.0_f32);
    sent.iter()
        .map(|frame| {
            slow = high * slow + (1.0 - high) * frame;
            out += low * (frame - slow - out);
            (out * 1.5).tanh() / 1.5
        })
        .collect()
}

/// What a torn membrane or a loose wire makes: clicks that have nothing to do with what was sent.
pub fn crackle(frames: usize, level: f32, chance: &mut Chance) -> Vec<f32> {
    let mut out = vec![0.0; frames];
    let mut at = 0;
    while at < frames {
        let size = level * chance.between(0.2, 1.0);
        for (n, slot) in out[at..].iter_mut().take(60).enumerate() {
            *slot += size * (-(n as f32) / 12.0).exp() * chance.sample();
        }
        at += chance.between(20.0, 3_000.0) as usize;
    }
    out
}

/// Adds `noise` so that `signal` is `db` above it.
pub fn add_noise(signal: &mut [f32], noise: &[f32], db: f32) {
    let factor = power(signal).sqrt() / power(noise).sqrt().max(f32::MIN_POSITIVE)
        * 10.0_f32.powf(-db / 20.0);
    signal
        .iter_mut()
        .zip(noise)
        .for_each(|(s, n)| *s += factor * n);
}

/// As a microphone whose clock is off by `ppm` gives it.
pub fn drifted(frames: &[f32], ppm: f32) -> Vec<f32> {
    let step = 1.0 + f64::from(ppm) * 1e-6;
    let length = (frames.len() as f64 / step) as usize;
    (0..length.saturating_sub(1))
        .filter_map(|n| {
            let place = n as f64 * step;
            let (at, part) = (place as usize, (place - place.floor()) as f32);
            Some(frames.get(at)? * (1.0 - part) + frames.get(at + 1)? * part)
        })
        .collect()
}

fn power(frames: &[f32]) -> f32 {
    frames.iter().map(|f| f * f).sum::<f32>() / frames.len().max(1) as f32
}
