//! What an output pulls: rodio's mixer, fed by the deck, block by block and each with its time.

use std::{
    fmt,
    num::{NonZeroU16, NonZeroU32},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rodio::{
    Source,
    mixer::{MixerSource, mixer},
};

use super::{
    RATE,
    deck::{Deck, Mark},
    reference::Reference,
};
use crate::clock;

const CHANNELS: NonZeroU16 = NonZeroU16::MIN;
const SAMPLE_RATE: NonZeroU32 = NonZeroU32::new(RATE).expect("48,000 is not 0");

/// The deck, shared between the player and the output that is open. Held only for as long as a block takes to render.
#[derive(Clone, Debug, Default)]
pub struct SharedDeck(Arc<Mutex<Deck>>);

impl SharedDeck {
    pub fn lock(&self) -> MutexGuard<'_, Deck> {
        // A panic while it was held leaves at worst a piece without an end; sounding on is better than dying.
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Called when the deck has something to tell. Must not block: an output's callback calls it.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// One output's way to the deck.
pub struct Tap {
    deck: SharedDeck,
    block: Arc<Block>,
    mixed: MixerSource,
    pulled_us: Arc<AtomicU64>,
    wake: Wake,
    /// Where a copy of everything that sounds goes, if anything listens.
    reference: Option<Reference>,
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

/// The block being pulled: when its first frame is heard, and its length in frames.
#[derive(Default)]
struct Block {
    first_us: AtomicU64,
    frames: AtomicUsize,
}

impl Tap {
    pub fn new(deck: SharedDeck, wake: Wake) -> Self {
        let block = Arc::new(Block::default());
        let (mixer, mixed) = mixer(CHANNELS, SAMPLE_RATE);
        mixer.add(DeckSource {
            deck: deck.clone(),
            block: Arc::clone(&block),
            rendered: Vec::new(),
            next: 0,
        });
        Self {
            deck,
            block,
            mixed,
            pulled_us: Arc::new(AtomicU64::new(clock::mono_us())),
            wake,
            reference: None,
        }
    }

    /// What sounds is also kept there.
    pub fn kept_in(mut self, reference: Option<Reference>) -> Self {
        self.reference = reference;
        self
    }

    /// When something was last pulled: an output that has stopped asking has stopped sounding.
    pub fn pulled_us(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.pulled_us)
    }

    /// Fills `out`; its first frame is heard at `first_us` of the monotonic clock.
    pub fn pull(&mut self, first_us: u64, out: &mut [f32]) {
        self.block.first_us.store(first_us, Ordering::Relaxed);
        self.block.frames.store(out.len(), Ordering::Relaxed);
        for slot in out.iter_mut() {
            *slot = self.mixed.next().unwrap_or(0.0);
        }
        self.pulled_us.store(clock::mono_us(), Ordering::Relaxed);
        if let Some(reference) = &self.reference {
            // A copy allocates only where something begins or ends.
            reference.push(first_us, out, &self.marks());
        }
        if self.deck.lock().has_events() {
            (self.wake)();
        }
    }

    /// What happened in the block just pulled.
    pub fn marks(&self) -> Vec<Mark> {
        self.deck.lock().marks().to_vec()
    }
}

/// The deck as a rodio source: it never ends, and renders one block of the output at a time.
struct DeckSource {
    deck: SharedDeck,
    block: Arc<Block>,
    rendered: Vec<f32>,
    next: usize,
}

impl Iterator for DeckSource {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        if self.next == self.rendered.len() {
            let frames = self.block.frames.load(Ordering::Relaxed).max(1);
            self.rendered.resize(frames, 0.0);
            let first_us = self.block.first_us.load(Ordering::Relaxed);
            self.deck.lock().render(first_us, &mut self.rendered);
            self.next = 0;
        }
        let sample = self.rendered[self.next];
        self.next += 1;
        Some(sample)
    }
}

impl Source for DeckSource {
    fn current_span_len(&self) -> Option<usize> {
        None
    }
    fn channels(&self) -> NonZeroU16 {
        CHANNELS
    }
    fn sample_rate(&self) -> NonZeroU32 {
        SAMPLE_RATE
    }
    fn total_duration(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::{
        audio::{
            deck::{Piece, tests::play},
            feed::{End, Feed},
        },
        logic::port::PlayerEvent,
    };

    #[test]
    fn the_mixer_passes_every_sample_at_its_frame_whatever_the_blocks_are() {
        let deck = SharedDeck::default();
        let woken = Arc::new(AtomicU32::new(0));
        let wake = Arc::clone(&woken);
        let mut tap = Tap::new(
            deck.clone(),
            Arc::new(move || {
                wake.fetch_add(1, Ordering::Relaxed);
            }),
        );
        let ramp: Vec<f32> = (1..=3000).map(|n| n as f32 / 4096.0).collect();
        deck.lock().arm(
            Piece {
                play: Arc::new(play("tin", 0, 0, 0)),
                feed: Feed::ready(ramp.clone(), End::Finished),
                stream: None,
                // Frame 48 of the first block.
                start_us: 1_001_000,
            },
            0,
        );
        let (mut heard, mut frame) = (Vec::new(), 0_u64);
        for frames in [960, 7, 1, 1333, 960, 960] {
            let mut out = vec![9.0; frames];
            tap.pull(1_000_000 + frame * 1_000 / 48, &mut out);
            heard.extend(out);
            frame += frames as u64;
        }
        assert!(heard[..48].iter().all(|f| *f == 0.0));
        assert_eq!(heard[48..3048], ramp);
        assert!(heard[3048..].iter().all(|f| *f == 0.0));
        assert!(matches!(
            deck.lock().next_event(u64::MAX),
            Some(PlayerEvent::Started {
                at_mono_us: 1_001_000,
                ..
            })
        ));
        assert!(woken.load(Ordering::Relaxed) > 0);
    }
}
