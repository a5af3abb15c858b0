//! What the deck renders, kept for the listener: every frame that was sent out, after fades and volume, at the lower rate
//! at which sounds are compared, with its instant and the piece it belongs to.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use loa_audio::hearing::{Decimator, RATE as LOW_RATE};
use loa_protocol::playout::PlayoutId;

use super::{RATE, deck::Mark};

/// Sound that may wait for the listener, which looks ten times a second. Beyond that the newest is left out.
const MOST_FRAMES: usize = 4 * LOW_RATE as usize;
/// Notes that may wait: blocks of an output, beginnings and ends.
const MOST_NOTES: usize = 1_024;

#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    Began {
        playout: PlayoutId,
        piece: u32,
    },
    /// This many frames of the lower rate; the first one is heard at `first_us`.
    Frames {
        first_us: u64,
        count: usize,
    },
    Over,
}

/// Shared between an output's tap and the listener. Held only for as long as a block takes to copy.
#[derive(Clone, Debug, Default)]
pub struct Reference(Arc<Mutex<Sent>>);

#[derive(Debug, Default)]
struct Sent {
    decimator: Decimator,
    frames: VecDeque<f32>,
    notes: VecDeque<Note>,
    is_sounding: bool,
}

impl Reference {
    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes in one block of an output; `marks` are the deck's of this block.
    pub fn push(&self, first_us: u64, block: &[f32], marks: &[Mark]) {
        let mut sent = self.lock();
        let mut done = 0;
        for mark in marks {
            match mark {
                Mark::Began { play, frame, .. } => {
                    done = *frame;
                    sent.decimator = Decimator::default();
                    sent.is_sounding = true;
                    sent.note(Note::Began {
                        playout: play.playout.clone(),
                        piece: play.piece,
                    });
                }
                Mark::Over { frame, .. } => {
                    sent.sound(first_us, done, &block[done..*frame]);
                    done = *frame;
                    sent.end();
                }
            }
        }
        sent.sound(first_us, done, &block[done..]);
    }

    /// Nothing sounds any more, whatever sounded: the output is gone.
    pub fn end(&self) {
        self.lock().end();
    }

    /// Everything that waits: notes, and the frames that they tell of in the same order.
    pub fn take(&self) -> (Vec<Note>, Vec<f32>) {
        let mut sent = self.lock();
        (
            sent.notes.drain(..).collect(),
            sent.frames.drain(..).collect(),
        )
    }
}

impl Sent {
    fn sound(&mut self, first_us: u64, from: usize, frames: &[f32]) {
        if !self.is_sounding || frames.is_empty() {
            return;
        }
        let count = self.decimator.gives(frames.len());
        if self.frames.len() + count > MOST_FRAMES || self.notes.len() >= MOST_NOTES {
            return;
        }
        let Self {
            decimator,
            frames: kept,
            ..
        } = self;
        decimator.push(frames, &mut |frame| kept.push_back(frame));
        let first_us = first_us + from as u64 * 1_000_000 / u64::from(RATE);
        self.notes.push_back(Note::Frames { first_us, count });
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_sounding) {
            self.note(Note::Over);
        }
    }

    /// Beginnings and ends always find room: there are few of them.
    fn note(&mut self, note: Note) {
        self.notes.truncate(2 * MOST_NOTES);
        self.notes.push_back(note);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{audio::deck::tests::play, logic::port::How};

    #[test]
    fn what_sounds_is_kept_with_its_instants_and_what_does_not_is_not() {
        let reference = Reference::default();
        let sound = vec![0.5; 960];
        reference.push(1_000_000, &sound, &[]);
        assert_eq!(reference.take(), (vec![], vec![]));
        let began = Mark::Began {
            play: Arc::new(play("tin", 0, 0, 0)),
            frame: 480,
            at_mono_us: 1_030_000,
        };
        let over = Mark::Over {
            play: Arc::new(play("tin", 0, 0, 0)),
            frame: 48,
            place_ms: 31,
            how: How::Finished,
        };
        reference.push(1_020_000, &sound, std::slice::from_ref(&began));
        reference.push(1_040_000, &sound, &[]);
        reference.push(1_060_000, &sound, &[over]);
        let (notes, frames) = reference.take();
        let times: Vec<(u64, usize)> = notes
            .iter()
            .filter_map(|note| match note {
                Note::Frames { first_us, count } => Some((*first_us, *count)),
                _ => None,
            })
            .collect();
        assert_eq!(times, [(1_030_000, 120), (1_040_000, 240), (1_060_000, 12)]);
        assert!(matches!(notes[0], Note::Began { piece: 0, .. }));
        assert_eq!(notes.last(), Some(&Note::Over));
        assert_eq!(frames.len(), 372);
        // A listener that never looks costs four seconds of sound, and still learns of the end.
        reference.push(2_000_000, &sound, &[began]);
        (0..2_000).for_each(|_| reference.push(3_000_000, &sound, &[]));
        reference.end();
        let (notes, frames) = reference.take();
        assert!(frames.len() <= MOST_FRAMES && notes.len() <= MOST_NOTES + 2);
        assert_eq!(notes.last(), Some(&Note::Over));
    }
}
