//! How fast a stream is read, so that it stays at its time: three clocks (phone, office, sound card) that go their own ways
//! would otherwise make the delay grow or the buffer run dry.

use crate::SAMPLE_RATE;

/// Errors of which the median is believed: a sound card's word about its delay is off by milliseconds now and then.
const WINDOW: usize = 25;
/// Fewer than this prove no jump.
const LEAST: usize = 5;
/// An error is made good in about this time …
const SECONDS: f64 = 4.0;
/// … and what of it lasts is learned in about this one, squared: a sound card that runs off by 3,000 ppm is followed.
const LEARN_SECONDS_2: f64 = 200.0;
/// Most that the rate is off: nobody hears it in speech.
const MOST: f64 = 0.005;
const MOST_LEARNED: f64 = 0.004;
/// The rate changes by no more than this in a second.
const CHANGE: f64 = 0.05;
/// More than this many samples off (60 ms) would take too long: the place is left for the right one.
const JUMP: f64 = 0.06 * SAMPLE_RATE as f64;

/// What to do with the next block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Steer {
    /// Read so many samples of the stream for each that is given out.
    Rate(f64),
    /// Go to the right place.
    Seek,
}

/// A proportional and integral controller behind a median.
#[derive(Clone, Debug)]
pub struct Pace {
    errors: [f64; WINDOW],
    known: usize,
    next: usize,
    learned: f64,
    rate: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            errors: [0.0; WINDOW],
            known: 0,
            next: 0,
            learned: 0.0,
            rate: 1.0,
        }
    }
}

impl Pace {
    /// `error`: how many samples the reader is ahead of where it should be; `samples`: length of the block to come.
    pub fn steer(&mut self, error: f64, samples: usize) -> Steer {
        self.errors[self.next] = error;
        self.next = (self.next + 1) % WINDOW;
        self.known = (self.known + 1).min(WINDOW);
        let mut sorted = self.errors;
        let known = &mut sorted[..self.known];
        known.sort_unstable_by(f64::total_cmp);
        let error = known[self.known / 2];
        if self.known >= LEAST && error.abs() > JUMP {
            self.arrived();
            return Steer::Seek;
        }
        let error_s = error / f64::from(SAMPLE_RATE);
        let block_s = samples as f64 / f64::from(SAMPLE_RATE);
        self.learned =
            (self.learned + error_s * block_s / LEARN_SECONDS_2).clamp(-MOST_LEARNED, MOST_LEARNED);
        let wanted = 1.0 - (error_s / SECONDS + self.learned).clamp(-MOST, MOST);
        let change = CHANGE * block_s;
        self.rate += (wanted - self.rate).clamp(-change, change);
        Steer::Rate(self.rate)
    }

    /// The reader is at the right place now, whatever the errors were.
    pub fn arrived(&mut self) {
        self.known = 0;
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs for `seconds` with a reader that gains `gain` on its time, beginning `error` samples ahead; gives the error of
    /// each block.
    fn run(gain: f64, mut error: f64, seconds: usize) -> Vec<f64> {
        let mut pace = Pace::default();
        (0..seconds * 100)
            .map(|_| {
                match pace.steer(error, 480) {
                    Steer::Rate(rate) => {
                        assert!((rate - 1.0).abs() <= MOST + 1e-12);
                        error += 480.0 * (rate - 1.0 + gain);
                    }
                    Steer::Seek => error = 0.0,
                }
                error / 48.0
            })
            .collect()
    }

    #[test]
    fn drift_of_any_sound_card_is_held_within_a_few_milliseconds_and_then_within_none() {
        for gain in [-0.0033, -0.0003, 0.0001, 0.0033] {
            let errors = run(gain, 0.0, 400);
            assert!(errors.iter().all(|e| e.abs() < 15.0), "{gain}");
            assert!(errors[30_000..].iter().all(|e| e.abs() < 0.1), "{gain}");
        }
    }

    #[test]
    fn a_small_error_is_made_good_slowly_and_a_large_one_at_once() {
        let small = run(0.0, 30.0 * 48.0, 60);
        assert!(small[50] > 25.0 && small[2_500..].iter().all(|e| e.abs() < 6.0));
        let large = run(0.0, 70.0 * 48.0, 1);
        assert!(large[3] > 69.0 && large[4] == 0.0);
    }
}
