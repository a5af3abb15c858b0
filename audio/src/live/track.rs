//! Where in a stream an instant lies: frames are numbered, and each packet says when its first one was captured.

use super::{FRAME, FRAME_US};
use crate::SAMPLE_RATE;

/// Packets of which the median is believed: a new reckoning of the office's clock is followed within a third of a second,
/// and a single packet that is off moves nothing.
const WINDOW: usize = 15;

/// Numbers against time. All times are of one clock, in microseconds.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Capture of the frame with number 0, had there been one, as the last packets tell it. The oldest is overwritten.
    zeros_us: [i64; WINDOW],
    known: usize,
    next: usize,
    zero_us: i64,
}

impl Track {
    /// The first sample of frame `number` was captured then.
    pub fn observe(&mut self, number: u32, captured_us: u64) {
        let captured_us = i64::try_from(captured_us).unwrap_or(i64::MAX);
        self.zeros_us[self.next] = captured_us.saturating_sub(i64::from(number) * FRAME_US);
        self.next = (self.next + 1) % WINDOW;
        self.known = (self.known + 1).min(WINDOW);
        let mut sorted = self.zeros_us;
        let known = &mut sorted[..self.known];
        known.sort_unstable();
        self.zero_us = known[self.known / 2];
    }

    /// The place of what was captured at that instant, in samples since frame 0; `None` before the first packet.
    pub fn place(&self, captured_us: i64) -> Option<f64> {
        let since_us = captured_us.saturating_sub(self.zero_us);
        (self.known > 0).then(|| since_us as f64 * f64::from(SAMPLE_RATE) / 1_000_000.0)
    }
}

/// The frame in which a place lies, and where in it. `None` where no frame can be.
pub(super) fn frame_of(place: f64) -> Option<(u32, f64)> {
    let frame = (place / FRAME as f64).floor();
    (0.0..f64::from(u32::MAX))
        .contains(&frame)
        .then_some((frame as u32, place - frame * FRAME as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_follows_from_what_most_packets_say() {
        let mut track = Track::default();
        assert_eq!(track.place(5), None);
        for n in 0..40_u32 {
            let off = if n == 37 { 900_000 } else { 0 };
            track.observe(n * 2, 1_000_000 + u64::from(n) * 40_000 + off);
        }
        assert_eq!(track.place(1_000_000 + 30_000), Some(1_440.0));
        assert_eq!(frame_of(1_440.0), Some((1, 480.0)));
        // The phone slept, and counts on as if it had not.
        for n in 40..48_u32 {
            track.observe(n * 2, 4_000_000 + u64::from(n) * 40_000);
        }
        assert_eq!(track.place(4_000_000 + 30_000), Some(1_440.0));
    }

    #[test]
    fn no_instant_has_a_place_that_cannot_be_counted() {
        let mut track = Track::default();
        track.observe(u32::MAX, u64::MAX);
        for us in [i64::MIN, -1, 0, i64::MAX] {
            let _ = track.place(us).map(frame_of);
        }
        assert_eq!(frame_of(-0.5), None);
        assert_eq!(frame_of(f64::NAN), None);
        assert_eq!(frame_of(1e18), None);
    }
}
