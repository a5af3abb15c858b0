//! Which piece sounds at this very frame. Plain synchronous code: an output gives it the time and takes the frames.
//!
//! At most one piece sounds and one is armed. An armed one begins at the first frame that is not before its start; the
//! one that sounds then fades out in the 10 ms before, so pieces never overlap and each place is exact. When there
//! are not 10 ms left, the fade comes first and the new piece right after it.
//!
//! The place in content stands still while nothing is decoded. The place in a stream is bound to time.

use std::{collections::VecDeque, sync::Arc};

use loa_protocol::{
    id::BulletinId,
    playout::{Failure, PlayoutId},
};

use super::{
    RATE,
    feed::{End, Feed},
    frames_of_ms, ms_of_frames,
    stream::Stream,
};
use crate::logic::port::{How, Play, PlaySource, PlayerEvent};

/// Length of a fade at a cut and at a resumption: long enough not to click.
const FADE: u64 = RATE as u64 / 100;
/// Frames that must be decoded before a piece begins: 50 ms.
const READY: usize = RATE as usize / 20;
/// `until_ms` and a content's true length differ by rounding, and by what an encoder pads. A limit this close to the
/// end (100 ms) is the end.
const NEAR_END: usize = RATE as usize / 10;
/// How often it is told how a stream fares.
const TELL_EVERY_US: u64 = 1_000_000;
/// A stream that begins later than this leaves out so much of its chime; below, the chime is whole.
const LATE_CHIME_US: u64 = 100_000;

/// One piece, ready to be armed.
#[derive(Debug)]
pub struct Piece {
    pub play: Arc<Play>,
    pub feed: Feed,
    /// What sounds when the feed is over.
    pub stream: Option<Box<Stream>>,
    /// Its start as the output hears it; `play.start_mono_us` and what the output needs for never being early.
    pub start_us: u64,
}

/// What happened at a frame of the last block.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    Began {
        play: Arc<Play>,
        frame: usize,
        at_mono_us: u64,
    },
    Over {
        play: Arc<Play>,
        /// The first frame that is not its own.
        frame: usize,
        place_ms: u64,
        how: How,
    },
}

#[derive(Debug, Default)]
pub struct Deck {
    current: Option<Current>,
    armed: Option<Piece>,
    /// Of the last block, for an output that writes down which frame is whose.
    marks: Vec<Mark>,
    /// For the player to tell. Bounded by three for each piece that was ever armed and not yet told of.
    events: VecDeque<PlayerEvent>,
    /// When the last frame that was not silence is heard.
    last_sound_us: Option<u64>,
}

#[derive(Debug)]
struct Current {
    piece: Piece,
    gain: f32,
    /// Frames of chime and content that have sounded, from the beginning of the whole.
    place: u64,
    until: u64,
    fade_in: u64,
    cut: Option<Cut>,
    /// Frames of the chime to leave out: their time is over.
    skip: u64,
    /// When to tell again how the stream fares.
    tell_us: u64,
}

/// A fade-out that has begun: frames left, and what it ends in.
#[derive(Debug)]
struct Cut {
    left: u64,
    how: How,
}

/// Frames of silence and of sound, rendered in order.
impl Deck {
    /// Takes the place of an armed piece that has not begun.
    pub fn arm(&mut self, piece: Piece, now_us: u64) {
        if let Some(old) = self.armed.replace(piece) {
            self.never_began(&old.play, How::Replaced, now_us);
        }
    }

    /// Ends a piece, whether it sounds or is armed. An unknown one is over already.
    pub fn stop(&mut self, playout: &PlayoutId, piece: u32, now_us: u64) {
        let is_it = |play: &Play| play.playout == *playout && play.piece == piece;
        if let Some(old) = self.armed.take_if(|armed| is_it(&armed.play)) {
            self.never_began(&old.play, How::Stopped, now_us);
        }
        if let Some(current) = &mut self.current
            && is_it(&current.piece.play)
            && current.cut.is_none()
        {
            current.cut(How::Stopped);
        }
    }

    /// The output is gone: what sounds is over. What is armed may still find another output.
    pub fn output_failed(&mut self, detail: &str, now_us: u64) {
        if let Some(current) = self.current.take() {
            self.over(current, 0, now_us, failed(Failure::Output, detail));
        }
    }

    /// Ends an armed piece for which no output could be had.
    pub fn armed_failed(&mut self, detail: &str, now_us: u64) {
        if let Some(piece) = self.armed.take() {
            self.never_began(&piece.play, failed(Failure::Output, detail), now_us);
        }
    }

    /// Everything is over.
    pub fn stop_all(&mut self, now_us: u64) {
        if let Some(piece) = self.armed.take() {
            self.never_began(&piece.play, How::Stopped, now_us);
        }
        if let Some(current) = self.current.take() {
            self.over(current, 0, now_us, How::Stopped);
        }
    }

    /// The streams of this bulletin that sound or are armed.
    pub fn streams_of<'a>(
        &'a mut self,
        bulletin: &'a BulletinId,
    ) -> impl Iterator<Item = &'a mut Stream> {
        let current = self.current.as_mut().map(|current| &mut current.piece);
        current
            .into_iter()
            .chain(self.armed.as_mut())
            .filter_map(|piece| piece.stream.as_deref_mut())
            .filter(move |stream| stream.bulletin() == bulletin)
    }

    /// The stream of the armed piece, with the packets that wait in it, for a piece that takes its place.
    pub fn take_armed_stream(&mut self, source: &PlaySource) -> Option<Box<Stream>> {
        let armed = self.armed.as_mut()?;
        armed.stream.take_if(|_| armed.play.source == *source)
    }

    /// Is anything sounding?
    pub fn is_sounding(&self) -> bool {
        self.current.is_some()
    }
    /// When the armed piece is due, if one is.
    pub fn armed_start_us(&self) -> Option<u64> {
        self.armed.as_ref().map(|piece| piece.start_us)
    }
    /// When the last frame of any piece is heard.
    pub fn last_sound_us(&self) -> Option<u64> {
        self.last_sound_us
    }
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }
    /// What is to be told at `now_us`: each thing when it is heard, in order.
    pub fn next_event(&mut self, now_us: u64) -> Option<PlayerEvent> {
        self.next_event_us().filter(|us| *us <= now_us)?;
        self.events.pop_front()
    }
    /// When the next event may be told.
    pub fn next_event_us(&self) -> Option<u64> {
        let (PlayerEvent::Started { at_mono_us, .. }
        | PlayerEvent::Ended { at_mono_us, .. }
        | PlayerEvent::Streams { at_mono_us, .. }) = self.events.front()?;
        Some(*at_mono_us)
    }
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// A piece whose content cannot be decoded is told of before its time, and cuts nothing.
    pub fn check_armed(&mut self, now_us: u64) {
        let broken = |armed: &mut Piece| {
            armed.stream.is_none()
                && armed.feed.fill(READY) == 0
                && matches!(armed.feed.end(), Some(End::Failed(_)))
        };
        if let Some(piece) = self.armed.take_if(broken) {
            let Some(End::Failed(detail)) = piece.feed.end() else {
                return;
            };
            self.never_began(&piece.play, failed(Failure::Decode, detail), now_us);
        }
    }

    /// Fills `out`; its first frame is heard at `first_us`.
    pub fn render(&mut self, first_us: u64, out: &mut [f32]) {
        self.marks.clear();
        self.check_armed(first_us);
        let armed_at = self.armed_frame(first_us, out.len() as u64 + FADE);
        if let Some(current) = &mut self.current {
            current.bind(first_us);
            if current.piece.stream.is_some() && first_us >= current.tell_us {
                current.tell_us = first_us + TELL_EVERY_US;
                let told = current.streams(first_us);
                self.tell_streams(told);
            }
        }
        for (frame, slot) in out.iter_mut().enumerate() {
            *slot = self.next_frame(frame, first_us, armed_at);
        }
        if self.current.is_some() {
            self.last_sound_us = Some(us_at(first_us, out.len()));
        }
    }

    /// Frame of this block (or a little beyond) at which the armed piece is to begin: the first one not before its start.
    fn armed_frame(&mut self, first_us: u64, within: u64) -> Option<u64> {
        let armed = self.armed.as_mut()?;
        let wait_us = armed.start_us.saturating_sub(first_us);
        // Far ahead; this also keeps the product small.
        if wait_us > 10_000_000 {
            return None;
        }
        let frame = (wait_us * u64::from(RATE)).div_ceil(1_000_000);
        let ready = armed.feed.fill(READY) >= READY || armed.feed.end().is_some();
        (frame < within && ready).then_some(frame)
    }

    fn next_frame(&mut self, frame: usize, first_us: u64, armed_at: Option<u64>) -> f32 {
        // A piece that ends at this frame makes room for the armed one at this frame; hence a loop of at most three.
        loop {
            let due = armed_at.filter(|_| self.armed.is_some());
            let Some(current) = &mut self.current else {
                if due.is_some_and(|start| frame as u64 >= start) {
                    self.begin(frame, us_at(first_us, frame));
                    continue;
                }
                return 0.0;
            };
            if current.cut.is_none() && due.is_some_and(|start| frame as u64 + FADE >= start) {
                current.cut(How::Replaced);
            }
            match current.next_frame(us_at(first_us, frame)) {
                Step::Sound(sample) => return sample,
                Step::Starved => return 0.0,
                Step::Over(how) => {
                    if let Some(over) = self.current.take() {
                        self.over(over, frame, us_at(first_us, frame), how);
                    }
                }
            }
        }
    }

    fn begin(&mut self, frame: usize, at_mono_us: u64) {
        let Some(piece) = self.armed.take() else {
            return;
        };
        let play = Arc::clone(&piece.play);
        self.current = Some(Current::new(piece, at_mono_us));
        self.events.push_back(PlayerEvent::Started {
            playout: play.playout.clone(),
            piece: play.piece,
            at_mono_us,
        });
        self.marks.push(Mark::Began {
            play,
            frame,
            at_mono_us,
        });
    }

    fn over(&mut self, current: Current, frame: usize, at_mono_us: u64, how: How) {
        let place_ms = ms_of_frames(current.place);
        self.tell_streams(current.streams(at_mono_us));
        let play = current.piece.play;
        self.last_sound_us = Some(at_mono_us);
        self.events.push_back(PlayerEvent::Ended {
            playout: play.playout.clone(),
            piece: play.piece,
            at_mono_us,
            place_ms,
            how: how.clone(),
        });
        self.marks.push(Mark::Over {
            play,
            frame,
            place_ms,
            how,
        });
    }

    /// The newest word of it is enough.
    fn tell_streams(&mut self, told: Option<PlayerEvent>) {
        let Some(told) = told else { return };
        let of_same = |one: &PlayerEvent, other: &PlayerEvent| match (one, other) {
            (
                PlayerEvent::Streams { playout, piece, .. },
                PlayerEvent::Streams {
                    playout: other,
                    piece: its_piece,
                    ..
                },
            ) => playout == other && piece == its_piece,
            _ => false,
        };
        self.events.retain(|event| !of_same(event, &told));
        self.events.push_back(told);
    }

    fn never_began(&mut self, play: &Play, how: How, at_mono_us: u64) {
        self.events.push_back(PlayerEvent::Ended {
            playout: play.playout.clone(),
            piece: play.piece,
            at_mono_us,
            place_ms: play.from_ms,
            how,
        });
    }
}

enum Step {
    Sound(f32),
    /// The decoder is late: silence, and the place stands still.
    Starved,
    Over(How),
}

impl Current {
    fn new(piece: Piece, at_us: u64) -> Self {
        let amplitude = f32::from(piece.play.volume.min(100)) / 100.0;
        let late_us = at_us.saturating_sub(piece.start_us);
        let is_late = piece.stream.is_some() && late_us > LATE_CHIME_US;
        let mut current = Self {
            gain: amplitude * amplitude,
            place: frames_of_ms(piece.play.from_ms),
            until: frames_of_ms(piece.play.until_ms),
            fade_in: if piece.play.from_ms > 0 || is_late {
                FADE
            } else {
                0
            },
            cut: None,
            skip: if is_late { frames_of_us(late_us) } else { 0 },
            tell_us: at_us.saturating_add(TELL_EVERY_US),
            piece,
        };
        current.bind(at_us);
        current
    }

    /// The place in a stream is how much time is over since its beginning, whatever the output's clock makes of it.
    fn bind(&mut self, heard_us: u64) {
        if self.piece.stream.is_some() && self.cut.is_none() {
            let play = &self.piece.play;
            let since_us = heard_us.saturating_sub(play.start_mono_us);
            self.place = frames_of_ms(play.from_ms).saturating_add(frames_of_us(since_us));
        }
    }

    fn streams(&self, at_mono_us: u64) -> Option<PlayerEvent> {
        let stream = self.piece.stream.as_ref()?;
        Some(PlayerEvent::Streams {
            playout: self.piece.play.playout.clone(),
            piece: self.piece.play.piece,
            at_mono_us,
            streamed: stream.streamed(),
        })
    }

    /// Begins the fade-out. It never reaches beyond `until`.
    fn cut(&mut self, how: How) {
        let left = FADE.min(self.until.saturating_sub(self.place)).max(1);
        self.cut = Some(Cut { left, how });
    }

    fn next_frame(&mut self, heard_us: u64) -> Step {
        if self.cut.is_none() && self.place.saturating_add(FADE) >= self.until {
            if self.ends_soon() {
                self.until = u64::MAX;
            } else if self.place >= self.until {
                return Step::Over(How::LimitReached);
            } else {
                self.cut(How::LimitReached);
            }
        }
        if let Some(Cut { left: 0, how }) = &self.cut {
            return Step::Over(how.clone());
        }
        let sample = match self.sample(heard_us) {
            Ok(sample) => sample,
            Err(step) => return step,
        };
        self.place += 1;
        let mut gain = self.gain;
        if self.fade_in > 0 {
            gain *= 1.0 - self.fade_in as f32 / FADE as f32;
            self.fade_in -= 1;
        }
        if let Some(cut) = &mut self.cut {
            cut.left -= 1;
            gain *= cut.left as f32 / FADE as f32;
        }
        Step::Sound(sample * gain)
    }

    /// Of the feed, and then of the stream.
    fn sample(&mut self, heard_us: u64) -> Result<f32, Step> {
        while let Some(sample) = self.pull() {
            if self.skip == 0 {
                return Ok(sample);
            }
            self.skip -= 1;
        }
        match (self.piece.feed.end(), &self.cut, &mut self.piece.stream) {
            // Speech is worth more than the chime before it.
            (Some(_), _, Some(stream)) => stream.next(heard_us).map_err(Step::Over),
            (Some(End::Finished), _, None) => Err(Step::Over(How::Finished)),
            (Some(End::Failed(detail)), _, None) => {
                Err(Step::Over(failed(Failure::Decode, detail)))
            }
            // Nothing to fade.
            (None, Some(cut), _) => Err(Step::Over(cut.how.clone())),
            (None, None, _) => Err(Step::Starved),
        }
    }

    fn pull(&mut self) -> Option<f32> {
        self.piece.feed.pop().or_else(|| {
            self.piece.feed.fill(1);
            self.piece.feed.pop()
        })
    }

    /// Is the content's own end as near as its limit?
    fn ends_soon(&mut self) -> bool {
        if self.piece.stream.is_some() {
            return false;
        }
        let near = NEAR_END + FADE as usize;
        self.piece.feed.fill(near + 1) <= near && self.piece.feed.end() == Some(&End::Finished)
    }
}

/// Whole frames in `us` microseconds.
fn frames_of_us(us: u64) -> u64 {
    us.saturating_mul(u64::from(RATE) / 1_000) / 1_000
}

fn failed(failure: Failure, detail: &str) -> How {
    How::Failed {
        failure,
        detail: detail.to_owned(),
    }
}

/// When frame `frame` of a block is heard; rounded up, so that nothing claims to be earlier than it is.
fn us_at(first_us: u64, frame: usize) -> u64 {
    first_us.saturating_add((frame as u64 * 1_000_000).div_ceil(u64::from(RATE)))
}

#[cfg(test)]
mod stream_tests;
#[cfg(test)]
pub(crate) mod tests;
