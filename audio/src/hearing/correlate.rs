//! Half a second that was sent, looked for in three seconds that were heard: the phases of their common spectrum.
//!
//! Every frequency that was sent counts about the same, however loud it is: a horn, a street and a microphone change
//! loudness by tens of decibels, and echoes by as much, but what comes out of the same sound keeps its phases.

use std::{fmt, sync::Arc};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex};

use super::{BLOCK, EARLIEST, LAGS, RATE, WINDOW};

/// Fits [`WINDOW`], and is made of small primes.
const SIZE: usize = 40_960;
const BIN_HZ: f32 = RATE as f32 / SIZE as f32;
/// What a horn gives, and a street does not fill altogether.
const BAND_HZ: (f32, f32) = (300.0, 5_000.0);
/// A frequency counts half when what was sent of it is this part of the average.
const FAINT: f32 = 0.02;
/// A block that fills less than this much of the band cannot be told from itself a little later: a steady tone.
const NARROW_HZ: f32 = 120.0;
/// Ends of a block and of a window that are faded, so that the edges do not look like sound.
const TAPER: usize = BLOCK / 10;

pub struct Correlator {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    time: Vec<f32>,
    sent: Vec<Complex<f32>>,
    heard: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    sorted: Vec<f32>,
}

impl fmt::Debug for Correlator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Correlator").finish_non_exhaustive()
    }
}

impl Default for Correlator {
    fn default() -> Self {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(SIZE);
        let inverse = planner.plan_fft_inverse(SIZE);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            time: forward.make_input_vec(),
            sent: forward.make_output_vec(),
            heard: forward.make_output_vec(),
            scratch: vec![Complex::default(); scratch],
            sorted: Vec::with_capacity(LAGS),
            forward,
            inverse,
        }
    }
}

impl Correlator {
    /// How well `sent` fits at each lag of `heard` (whose beginning is [`EARLIEST`] before the block), in multiples of
    /// what does not fit: [`LAGS`] numbers, about normally distributed where nothing fits. `None`: the block is too
    /// plain to be told from itself a little later.
    pub fn compare(&mut self, sent: &[f32; BLOCK], heard: &[f32; WINDOW]) -> Option<&[f32]> {
        self.time.fill(0.0);
        for (n, (slot, frame)) in self.time.iter_mut().zip(sent).enumerate() {
            *slot = frame * soft_edge(n, BLOCK);
        }
        // Every length comes from the plan itself, so the transforms cannot refuse them.
        let _ =
            self.forward
                .process_with_scratch(&mut self.time, &mut self.sent, &mut self.scratch);
        self.time.fill(0.0);
        // A microphone's own offset would make an edge at either end, and an edge looks like a click.
        let offset = heard.iter().sum::<f32>() / WINDOW as f32;
        for (n, (slot, frame)) in self.time.iter_mut().zip(heard).enumerate() {
            *slot = (frame - offset) * soft_edge(n, WINDOW);
        }
        let _ =
            self.forward
                .process_with_scratch(&mut self.time, &mut self.heard, &mut self.scratch);
        if self.weigh() * BIN_HZ < NARROW_HZ {
            return None;
        }
        let _ =
            self.inverse
                .process_with_scratch(&mut self.heard, &mut self.time, &mut self.scratch);
        let fits = &mut self.time[..LAGS];
        self.sorted.clear();
        self.sorted.extend(fits.iter().map(|fit| fit.abs()));
        let (_, middle, _) = self.sorted.select_nth_unstable_by(LAGS / 2, f32::total_cmp);
        // Of a normal distribution, half is within 0.6745 of its spread.
        let spread = (*middle / 0.6745).max(f32::MIN_POSITIVE);
        fits.iter_mut().for_each(|fit| *fit /= spread);
        Some(fits)
    }

    /// Leaves the weighted phases of the common spectrum in `heard`; how many bins they stand for.
    fn weigh(&mut self) -> f32 {
        let bin = |hz: f32| (hz / BIN_HZ) as usize;
        let (low, high) = (bin(BAND_HZ.0), bin(BAND_HZ.1));
        let power: f32 = self.sent[low..high].iter().map(Complex::norm_sqr).sum();
        let faint = FAINT * power / (high - low) as f32;
        let (mut weights, mut squares) = (0.0_f32, 0.0_f32);
        for (n, (heard, sent)) in self.heard.iter_mut().zip(&self.sent).enumerate() {
            if !(low..high).contains(&n) {
                *heard = Complex::default();
                continue;
            }
            let power = sent.norm_sqr();
            let weight = power / (power + faint);
            weights += weight;
            squares += weight * weight;
            let common = *heard * sent.conj();
            // Where nothing was heard there is no phase.
            *heard = common * (weight / common.norm().max(f32::MIN_POSITIVE));
        }
        if squares > 0.0 {
            weights * weights / squares
        } else {
            0.0
        }
    }
}

fn soft_edge(n: usize, length: usize) -> f32 {
    let edge = n.min(length - 1 - n).min(TAPER) as f32 / TAPER as f32;
    edge * edge * (3.0 - 2.0 * edge)
}

/// Lag of place `index` of what [`Correlator::compare`] gives, in microseconds.
pub fn lag_us(index: usize) -> i64 {
    (index as i64 - EARLIEST as i64) * 1_000_000 / i64::from(RATE)
}
