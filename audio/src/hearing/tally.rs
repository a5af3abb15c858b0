//! What the comparisons of one piece come to: fits at the same delay add up, those at chance delays do not.
//!
//! A stretch of up to 4 s is judged by itself: about the mean of its blocks' fits at the best delay. No block counts for more than
//! [`MOST`], so that neither one lucky block nor a chime which sounds everywhere speaks for the rest. Delays are pooled in
//! bins of 2 ms and taken together with their neighbours: clocks drift apart, and timestamps are off by milliseconds.

use super::{Found, LAGS, correlate::lag_us};

const POOL: usize = 24;
const BINS: usize = LAGS / POOL;
/// The most that one block counts, in spreads of what does not fit.
const MOST: f32 = 20.0;
/// Blocks of one stretch.
const STRETCH: u32 = 8;

#[derive(Debug)]
pub struct Tally {
    found: Found,
    /// A stretch of fewer blocks says nothing.
    least: u32,
    /// Delays from this bin on are not the own horn's; what fits there is only compared with.
    farthest: usize,
    /// Blocks of the stretch that is being gathered.
    gathered: u32,
    /// For each bin: the fits of this stretch, none above [`MOST`]; and the best of them, with its lag.
    sums: Vec<f32>,
    best: Vec<(f32, usize)>,
    pooled: Vec<f32>,
}

impl Tally {
    /// `farthest`: the first lag that is not the own horn's.
    pub fn new(least: u32, farthest: usize) -> Self {
        Self {
            found: Found::default(),
            least: least.min(STRETCH),
            farthest: farthest.div_ceil(POOL).clamp(1, BINS),
            gathered: 0,
            sums: vec![0.0; BINS],
            best: vec![(0.0, 0); BINS],
            pooled: vec![0.0; BINS],
        }
    }

    /// One block was compared. `None`: the microphone gave silence where it should have been heard.
    pub fn add(&mut self, fits: Option<&[f32]>) {
        self.gathered += 1;
        self.found.blocks += 1;
        if let Some(fits) = fits {
            self.pool(fits);
        }
        if self.gathered == STRETCH {
            self.judge();
        }
    }

    /// The microphone gave nothing at all for one block.
    pub fn missed(&mut self) {
        self.found.missed += 1;
    }

    /// What it all comes to.
    pub fn finish(mut self) -> Found {
        if self.gathered >= self.least {
            self.judge();
        }
        self.found
    }

    fn pool(&mut self, fits: &[f32]) {
        self.pooled.fill(0.0);
        for (bin, fits) in fits.chunks_exact(POOL).enumerate() {
            let (place, fit) = fits
                .iter()
                .map(|fit| fit.abs())
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .unwrap_or_default();
            self.pooled[bin] = fit.min(MOST);
            if fit > self.best[bin].0 {
                self.best[bin] = (fit, bin * POOL + place);
            }
        }
        for (bin, sum) in self.sums.iter_mut().enumerate() {
            let near = bin.saturating_sub(1)..(bin + 2).min(BINS);
            *sum += self.pooled[near].iter().copied().fold(0.0, f32::max);
        }
    }

    /// Closes the stretch.
    fn judge(&mut self) {
        let most = self.sums[..self.farthest]
            .iter()
            .copied()
            .fold(0.0, f32::max);
        // Several ways may fit as well as can be: the clearest of them is the direct one.
        let best = (0..self.farthest)
            .filter(|bin| self.sums[*bin] >= 0.9 * most)
            .flat_map(|bin| bin.saturating_sub(1)..(bin + 2).min(BINS))
            .map(|bin| self.best[bin])
            .max_by(|a, b| a.0.total_cmp(&b.0));
        // As if one block more had fitted nowhere: the fewer blocks, the more each must fit.
        let clarity = most / (self.gathered + 1) as f32;
        self.found.note(clarity, lag_us(best.map_or(0, |b| b.1)));
        self.gathered = 0;
        self.sums.fill(0.0);
        self.best.fill((0.0, 0));
    }
}
