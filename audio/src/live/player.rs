//! One stream as one pole sounds it: packets in as they come, sound out for the instant at which it is heard.

use super::{
    FRAME, FRAME_US,
    jitter::{Jitter, Room, Taken},
    pace::{Pace, Steer},
    reader::Reader,
    tally::{Streamed, Tally},
    track::{Track, frame_of},
    voice::{Made, Voice, is_frame},
};

/// With nothing to render for so long, a stream is starved.
const STARVED_US: u64 = 2_000_000;
/// A packet captured longer ago, or further ahead, is of another time.
const OLDEST_US: u64 = 10_000_000;
const NEWEST_US: u64 = 8_000_000;
/// A packet may come this many frames after one with a higher number.
const REORDERED: u32 = 16;
/// Samples that an Opus encoder holds back (RFC 7845 section 4.2): a frame begins with what was captured so much earlier.
const HELD_BACK: f64 = 312.0;
const HELD_BACK_US: u64 = 6_500;
/// 5 ms to silence and 5 ms back where the place is left for another.
const FADE: f32 = 1.0 / 240.0;

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rendered {
    /// It is filled: with sound, or with silence where there is none.
    Sound,
    /// Silence, and there was nothing else for two seconds.
    Starved,
    /// Silence: the last packet has sounded.
    Finished,
}

/// All times are of one monotonic clock, in microseconds.
#[derive(Debug)]
pub struct StreamPlayer {
    delay_us: i64,
    jitter: Jitter,
    track: Track,
    pace: Pace,
    reader: Reader,
    voice: Voice,
    tally: Tally,
    /// Number and capture of the packet with the highest number.
    newest: Option<(u32, u64)>,
    /// Of the frames that were decoded last: number and capture, if it was a real one.
    decoded: [(u32, Option<u64>); 3],
    /// Since when nothing of it is heard.
    quiet_since_us: Option<u64>,
    is_seeking: bool,
    gain: f32,
}

impl StreamPlayer {
    /// What was captured at `t` is rendered at `t` + `delay_us`.
    pub fn new(delay_us: u64) -> Self {
        Self {
            delay_us: i64::try_from(delay_us).unwrap_or(i64::MAX),
            jitter: Jitter::default(),
            track: Track::default(),
            pace: Pace::default(),
            reader: Reader::default(),
            voice: Voice::default(),
            tally: Tally::default(),
            newest: None,
            decoded: [(0, None); 3],
            quiet_since_us: None,
            is_seeking: false,
            gain: 1.0,
        }
    }

    /// A packet: its first frame has this number, and its first sample was captured then. With `last` nothing follows.
    /// Frames that are no 20 ms of Opus are as good as lost.
    pub fn push(
        &mut self,
        number: u32,
        captured_us: u64,
        frames: Vec<Vec<u8>>,
        last: bool,
        now_us: u64,
    ) {
        let is_of_now = captured_us.saturating_add(OLDEST_US) >= now_us
            && captured_us <= now_us.saturating_add(NEWEST_US);
        let Some(end) = u32::try_from(frames.len())
            .ok()
            .and_then(|count| number.checked_add(count))
        else {
            return;
        };
        if !is_of_now {
            return;
        }
        if self.begins_anew(number, captured_us) {
            // What sounds is of the window before, and this is for another piece.
            if self.jitter.counts().used > 0 {
                return;
            }
            self.forget_waiting();
        }
        match self.jitter.room(number) {
            Room::Here => {}
            Room::Anew => self.forget_waiting(),
            Room::None => return,
        }
        if self.newest.is_none_or(|(newest, _)| newest <= number) {
            self.newest = Some((number, captured_us));
        }
        if self.jitter.is_placed() {
            self.tally.depth(self.jitter.depth());
        }
        self.track.observe(number, captured_us);
        // The end is a number, so these are.
        for (after, frame) in (0..).zip(frames) {
            if is_frame(&frame) {
                let captured_us =
                    captured_us.saturating_add(u64::from(after) * FRAME_US.cast_unsigned());
                self.jitter.push(number + after, captured_us, frame);
            }
        }
        if last {
            self.jitter.ends_at(end);
        }
    }

    /// Is its number far behind, though it was captured later? The windows of a relay are each numbered from 0.
    fn begins_anew(&self, number: u32, captured_us: u64) -> bool {
        self.newest.is_some_and(|(newest, newest_us)| {
            number.saturating_add(REORDERED) < newest && captured_us >= newest_us
        })
    }

    fn forget_waiting(&mut self) {
        self.jitter = Jitter::default();
        self.track = Track::default();
        self.newest = None;
    }

    /// Fills `out`, whose first sample is heard at `heard_us`. Blocks of about 10 ms are best: each is read at one rate.
    pub fn render(&mut self, heard_us: u64, out: &mut [f32]) -> Rendered {
        let captured_us = i64::try_from(heard_us)
            .unwrap_or(i64::MAX)
            .saturating_sub(self.delay_us);
        let wanted = self.track.place(captured_us).map(|place| place + HELD_BACK);
        if let Some(wanted) = wanted
            && !self.jitter.is_placed()
        {
            self.go_to(wanted);
        }
        let quiet_since_us = *self.quiet_since_us.get_or_insert(heard_us);
        if self.is_over(wanted) {
            out.fill(0.0);
            return Rendered::Finished;
        }
        let nothing_waits = !self.jitter.is_placed() || self.jitter.depth() == 0;
        if nothing_waits && heard_us >= quiet_since_us.saturating_add(STARVED_US) {
            out.fill(0.0);
            return Rendered::Starved;
        }
        match wanted {
            Some(wanted) if self.jitter.is_placed() => self.read(wanted, heard_us, out),
            _ => out.fill(0.0),
        }
        Rendered::Sound
    }

    /// What was measured so far.
    pub fn streamed(&self) -> Streamed {
        let counts = self.jitter.counts();
        Streamed {
            frames: counts.used,
            lost: counts.lost,
            late: counts.late,
            ..self.tally.streamed()
        }
    }

    fn is_over(&self, wanted: Option<f64>) -> bool {
        let place = if self.jitter.is_placed() {
            Some(self.reader.place())
        } else {
            wanted
        };
        let end = self.jitter.end().map(|end| f64::from(end) * FRAME as f64);
        matches!((place, end), (Some(place), Some(end)) if place >= end)
    }

    fn read(&mut self, wanted: f64, heard_us: u64, out: &mut [f32]) {
        let rate = match self.pace.steer(self.reader.place() - wanted, out.len()) {
            Steer::Rate(rate) => rate,
            Steer::Seek => {
                self.is_seeking = true;
                1.0
            }
        };
        let mut last_place = self.reader.place();
        for (n, slot) in out.iter_mut().enumerate() {
            if self.is_seeking && self.gain <= 0.0 {
                self.is_seeking = false;
                self.go_to(wanted + n as f64);
            }
            let step = if self.is_seeking { -FADE } else { FADE };
            self.gain = (self.gain + step).clamp(0.0, 1.0);
            last_place = self.reader.place();
            *slot = self.gain * self.next_sample(rate, heard_us);
        }
        self.measure(last_place, heard_us.saturating_add(samples_us(out.len())));
    }

    /// Goes on at that place, unless nothing could ever be there.
    fn go_to(&mut self, place: f64) {
        if let Some((number, within)) = frame_of(place)
            && self.jitter.reaches(number)
        {
            self.jitter.go_to(number);
            self.reader.go_to(number, within);
            self.pace.arrived();
        }
    }

    fn next_sample(&mut self, rate: f64, heard_us: u64) -> f32 {
        let Self {
            jitter,
            reader,
            voice,
            tally,
            decoded,
            quiet_since_us,
            ..
        } = self;
        reader.next(rate, |frame| {
            let number = jitter.next_number();
            let (made, captured_us) = match jitter.take() {
                Taken::Frame { bytes, captured_us } => {
                    *quiet_since_us = Some(heard_us);
                    (voice.frame(bytes, frame), Some(captured_us))
                }
                Taken::Missing { next } => (voice.missing(next, frame), None),
                Taken::Over => {
                    frame.fill(0.0);
                    (Made::Silence, None)
                }
            };
            if made == Made::Concealed {
                tally.concealed_frames += 1;
            }
            decoded.rotate_left(1);
            decoded[2] = (number, captured_us.filter(|_| made == Made::Frame));
        })
    }

    /// How long ago the sound at that place, which is heard now, was captured.
    fn measure(&mut self, place: f64, heard_us: u64) {
        let Some((number, within)) = frame_of(place) else {
            return;
        };
        let of_it = self.decoded.iter().find(|(decoded, _)| *decoded == number);
        if let Some((_, Some(captured_us))) = of_it {
            let captured_us = captured_us
                .saturating_add(samples_us(within as usize))
                .saturating_sub(HELD_BACK_US);
            self.tally
                .delay(captured_us.cast_signed(), heard_us.cast_signed());
        }
    }
}

fn samples_us(samples: usize) -> u64 {
    samples as u64 * FRAME_US.cast_unsigned() / FRAME as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_is_numbered_anew_takes_the_place_of_what_waits() {
        let silence = || vec![vec![0xF8, 0xFF, 0xFE]; 2];
        let mut player = StreamPlayer::new(300_000);
        let mut at_us = 50_000_000;
        for number in (900..1_000).step_by(2).chain((0..100).step_by(2)) {
            player.push(number, at_us, silence(), false, at_us);
            at_us += 40_000;
        }
        let mut block = [0.0; FRAME / 2];
        for n in 0..100 {
            let heard_us = 52_300_000 + n * 10_000;
            assert_eq!(player.render(heard_us, &mut block), Rendered::Sound);
        }
        let streamed = player.streamed();
        assert!((50..=54).contains(&streamed.frames), "{streamed:?}");
        assert_eq!(streamed.lost, 0);
        // What sounds is not ended by another window.
        player.push(0, at_us, silence(), true, at_us);
        assert_eq!(player.jitter.end(), None);
    }
}
