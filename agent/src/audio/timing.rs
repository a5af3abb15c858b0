//! When a device's frames are heard, from what its callbacks say of their delay.
//!
//! The first callbacks lie (the device is not running yet), and single ones are off by milliseconds. So the instant at
//! which frame 0 was heard is estimated again at each callback, and the median of the last ones is believed.

use super::RATE;

/// Callbacks whose word counts for nothing.
const LIARS: u32 = 3;
/// How many estimates the median is taken of: at 50 ms a callback, the last 0.75 s.
const WINDOW: usize = 15;

#[derive(Debug)]
pub struct Timing {
    /// The delay assumed until the device can be believed. On the small side: too small starts late, never early.
    guess_us: u64,
    seen: u32,
    frames: u64,
    /// Instants at which frame 0 was heard, as estimated; the oldest is overwritten. The first `known` are filled.
    zeros_us: [i64; WINDOW],
    known: usize,
    next: usize,
}

impl Timing {
    pub fn new(guess_us: u64) -> Self {
        Self {
            guess_us,
            seen: 0,
            frames: 0,
            zeros_us: [0; WINDOW],
            known: 0,
            next: 0,
        }
    }

    /// A callback at `now_us` asks for `frames`, and says that they will be heard `delay_us` later.
    /// Gives when the first of them is heard.
    pub fn block(&mut self, now_us: u64, delay_us: u64, frames: usize) -> u64 {
        let offset_us = (self.frames * 1_000_000 / u64::from(RATE)).cast_signed();
        self.frames += frames as u64;
        self.seen = self.seen.saturating_add(1);
        if self.seen <= LIARS {
            return now_us + self.guess_us;
        }
        let zero_us = now_us.saturating_add(delay_us).cast_signed() - offset_us;
        self.zeros_us[self.next] = zero_us;
        self.next = (self.next + 1) % WINDOW;
        self.known = (self.known + 1).min(WINDOW);
        // A copy on the stack: a callback must not allocate.
        let mut sorted = self.zeros_us;
        let known = &mut sorted[..self.known];
        known.sort_unstable();
        let heard_us = known[self.known / 2] + offset_us;
        // Nothing is heard before it is asked for.
        heard_us.cast_unsigned().max(now_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_callback_that_is_off_moves_nothing() {
        let mut timing = Timing::new(20_000);
        let mut heard = Vec::new();
        for n in 0..60_u64 {
            let now_us = 1_000_000 + n * 20_000;
            // The first say 0, then 40 ms; number 50 is off by 4 ms.
            let delay_us = match n {
                0..=2 => 0,
                50 => 44_000,
                _ => 40_000,
            };
            heard.push(timing.block(now_us, delay_us, 960) - now_us);
        }
        assert_eq!(heard[..3], [20_000; 3], "guessed");
        assert!(heard[3..].iter().all(|h| *h == 40_000), "{heard:?}");
    }

    #[test]
    fn a_stall_is_believed_after_some_callbacks() {
        let mut timing = Timing::new(20_000);
        let mut last = 0;
        for n in 0..60_u64 {
            // After callback 30 the device stood still for 100 ms.
            let now_us = 1_000_000 + n * 20_000 + if n > 30 { 100_000 } else { 0 };
            last = timing.block(now_us, 40_000, 960) - now_us;
        }
        assert_eq!(last, 40_000);
    }
}
