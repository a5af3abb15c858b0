//! What a stream was like on this pole: the figures that go to the office.

use super::FRAME_US;

/// Delays are told apart to this, in bins of a millisecond; what is longer counts as this.
const MOST_MS: usize = 8_192;
/// Frames that may wait, and one.
const MOST_DEPTH: usize = super::jitter::HELD + 1;

/// What was measured. Milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streamed {
    /// Frames that came in time and sounded, those that never came, and those that came too late to sound.
    pub frames: u64,
    pub lost: u64,
    pub late: u64,
    /// Sound that was made up for what was missing, or taken from a coarse copy of it.
    pub concealed_ms: u64,
    /// From capture to being heard, of what sounded.
    pub delay_p50_ms: u32,
    pub delay_p95_ms: u32,
    pub delay_max_ms: u32,
    /// What waited when a packet came, while the stream sounds.
    pub depth_min_ms: u32,
    pub depth_p50_ms: u32,
}

#[derive(Debug)]
pub struct Tally {
    pub concealed_frames: u64,
    delays: Counts,
    depths: Counts,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            concealed_frames: 0,
            delays: Counts::new(MOST_MS),
            depths: Counts::new(MOST_DEPTH),
        }
    }
}

impl Tally {
    pub fn delay(&mut self, captured_us: i64, heard_us: i64) {
        self.delays
            .add(heard_us.saturating_sub(captured_us) / 1_000);
    }

    pub fn depth(&mut self, frames: usize) {
        self.depths.add(frames as i64);
    }

    /// The figures, but for what only the buffer knows.
    pub fn streamed(&self) -> Streamed {
        let frame_ms = FRAME_US as u32 / 1_000;
        Streamed {
            concealed_ms: self.concealed_frames * u64::from(frame_ms),
            delay_p50_ms: self.delays.within(50),
            delay_p95_ms: self.delays.within(95),
            delay_max_ms: self.delays.within(100),
            depth_min_ms: self.depths.within(0) * frame_ms,
            depth_p50_ms: self.depths.within(50) * frame_ms,
            ..Streamed::default()
        }
    }
}

/// How often each value was seen.
#[derive(Debug)]
struct Counts {
    of: Box<[u32]>,
    all: u64,
}

impl Counts {
    fn new(values: usize) -> Self {
        Self {
            of: vec![0; values].into(),
            all: 0,
        }
    }

    fn add(&mut self, value: i64) {
        let most = self.of.len() - 1;
        let value = usize::try_from(value.max(0)).unwrap_or(most).min(most);
        self.of[value] = self.of[value].saturating_add(1);
        self.all += 1;
    }

    /// The least value that so many of a hundred do not exceed; 0 when nothing was seen.
    fn within(&self, percent: u64) -> u32 {
        let rank = (self.all * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let place = self.of.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        });
        place.unwrap_or(0) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_what_was_seen() {
        let mut tally = Tally::default();
        assert_eq!(tally.streamed(), Streamed::default());
        for n in 0..100_i64 {
            tally.delay(1_000_000, 1_300_900 + if n >= 95 { n * 1_000 } else { 0 });
        }
        for depth in [4, 4, 1, 9, 4] {
            tally.depth(depth);
        }
        let seen = tally.streamed();
        assert_eq!(
            (seen.delay_p50_ms, seen.delay_p95_ms, seen.delay_max_ms),
            (300, 300, 399)
        );
        assert_eq!((seen.depth_min_ms, seen.depth_p50_ms), (20, 80));
        // A capture in the future, and one long ago.
        tally.delay(i64::MAX, i64::MIN);
        tally.delay(i64::MIN, i64::MAX);
        assert_eq!(tally.streamed().delay_max_ms, 8_191);
    }
}
