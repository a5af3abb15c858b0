//! Reads decoded sound at a rate near one: the sample between samples, by a windowed sinc.

use super::FRAME;

/// Samples that make one: flat to 20 kHz, and what is folded back stays 80 dB down.
const TAPS: usize = 32;
const HALF: usize = TAPS / 2;
/// Places between two samples for which the weights are known; between them they are interpolated (-90 dB).
const PHASES: usize = 128;
/// Of the Kaiser window.
const BETA: f64 = 8.0;
/// What is held at most: what was read lately, and two frames.
const HELD: usize = TAPS + 2 * FRAME;

/// A place in a stream, and the samples around it.
#[derive(Debug)]
pub struct Reader {
    weights: Box<[[f32; TAPS]]>,
    held: Vec<f32>,
    /// The place in the stream of the first sample held.
    first: i64,
    /// The next sample to give out, counted from the first one held.
    at: f64,
}

impl Default for Reader {
    fn default() -> Self {
        let mut reader = Self {
            weights: (0..=PHASES).map(weights).collect(),
            held: Vec::with_capacity(HELD),
            first: 0,
            at: 0.0,
        };
        reader.go_to(0, 0.0);
        reader
    }
}

impl Reader {
    /// The place of the next sample, in samples since frame 0.
    pub fn place(&self) -> f64 {
        self.first as f64 + self.at
    }

    /// Goes to the sample `within` of frame `number`, which is the next one asked for. What was before is silence.
    pub fn go_to(&mut self, number: u32, within: f64) {
        self.held.clear();
        self.held.resize(TAPS, 0.0);
        self.first = i64::from(number) * FRAME as i64 - TAPS as i64;
        self.at = TAPS as f64 + within;
    }

    /// The sample at this place; the next one is `rate` further. `frame` gives the next frame when it is needed.
    pub fn next(&mut self, rate: f64, mut frame: impl FnMut(&mut [f32; FRAME])) -> f32 {
        let mut whole = self.at as usize;
        while whole + HALF >= self.held.len() {
            let done = whole.saturating_sub(HALF).min(self.held.len());
            self.held.drain(..done);
            self.first += done as i64;
            self.at -= done as f64;
            whole -= done;
            let mut samples = [0.0; FRAME];
            frame(&mut samples);
            self.held.extend_from_slice(&samples);
        }
        let between = (self.at - whole as f64) * PHASES as f64;
        let phase = (between as usize).min(PHASES - 1);
        let mix = (between - phase as f64) as f32;
        let around = &self.held[whole + 1 - HALF..=whole + HALF];
        let sample = self.weights[phase]
            .iter()
            .zip(&self.weights[phase + 1])
            .zip(around)
            .map(|((here, there), sample)| (here + (there - here) * mix) * sample)
            .sum();
        self.at += rate;
        sample
    }
}

/// What each of the samples around weighs, `phase` / [`PHASES`] after the middle one.
fn weights(phase: usize) -> [f32; TAPS] {
    let after = phase as f64 / PHASES as f64;
    let raw: [f64; TAPS] = std::array::from_fn(|tap| {
        let x = tap as f64 - (HALF - 1) as f64 - after;
        let sinc = if x == 0.0 {
            1.0
        } else {
            (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x)
        };
        let edge = x / HALF as f64;
        sinc * bessel(BETA * (1.0 - edge * edge).max(0.0).sqrt())
    });
    let sum: f64 = raw.iter().sum();
    raw.map(|weight| (weight / sum) as f32)
}

/// The modified Bessel function of order 0.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..40 {
        term *= (x / (2.0 * f64::from(n))).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// Signal over error, in dB, of a sine read at a rate.
    fn clarity(hz: f64, rate: f64) -> f64 {
        let sine = |place: f64| (place * hz / 48_000.0 * TAU).sin();
        let mut reader = Reader::default();
        reader.go_to(0, 100.25);
        let mut made = 0_u32;
        let (mut signal, mut error) = (0.0, 0.0);
        for n in 0..48_000 {
            let place = reader.place();
            let sample = reader.next(rate, |frame| {
                for (n, slot) in frame.iter_mut().enumerate() {
                    *slot = sine(f64::from(made) * FRAME as f64 + n as f64) as f32;
                }
                made += 1;
            });
            if n > 100 {
                signal += sine(place).powi(2);
                error += (f64::from(sample) - sine(place)).powi(2);
            }
        }
        10.0 * (signal / error).log10()
    }

    #[test]
    fn speech_is_as_good_as_it_was_at_any_rate() {
        for hz in [100.0, 1_000.0, 5_000.0, 12_000.0, 16_000.0] {
            for rate in [0.995, 0.9999, 1.0, 1.0003, 1.005] {
                let clarity = clarity(hz, rate);
                assert!(clarity > 70.0, "{hz} Hz at {rate}: {clarity:.0} dB");
            }
        }
    }

    #[test]
    fn it_goes_where_it_is_told_and_says_where_it_is() {
        let mut reader = Reader::default();
        reader.go_to(7, 950.5);
        assert_eq!(reader.place(), 7.0 * 960.0 + 950.5);
        let mut asked = 0;
        for _ in 0..2_000 {
            reader.next(1.0, |_| asked += 1);
        }
        assert_eq!(reader.place(), 7.0 * 960.0 + 2_950.5);
        assert_eq!(asked, 4, "frames 7 to 10");
    }
}
