//! What speakers tell: events go to the database, and only then may the speaker forget them.
//!
//! Bounds: [`MAX_IN_HAND`] batches of one speaker are on their way to the database; a further one is left, for the
//! speaker sends it again. [`MAX_STORES`] lives of a speaker's disk are remembered; an older one goes through the
//! database again, which does no harm.

use std::collections::{HashMap, VecDeque};

use loa_protocol::{
    event::{Ack, Event, Events, MAX_BATCH, What},
    id::{SpeakerId, StoreId},
    time::WallTime,
};

use super::port::{Effect, LogLine, Notice};

/// Batches of one speaker that wait for the database.
pub const MAX_IN_HAND: usize = 8;
/// Lives of one speaker's disk whose acknowledgement is remembered.
pub const MAX_STORES: usize = 8;

#[derive(Debug)]
struct InHand {
    store: StoreId,
    notices: Vec<Notice>,
}

#[derive(Debug, Default)]
pub struct Intake {
    in_hand: HashMap<SpeakerId, VecDeque<InHand>>,
    /// The newest last.
    acked: HashMap<SpeakerId, Vec<(StoreId, u64)>>,
}

/// Why a batch was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Its numbers do not follow each other.
    BadNumbers,
    /// Too much of this speaker waits already.
    Full,
}

impl Intake {
    pub fn new(acked: impl IntoIterator<Item = (SpeakerId, StoreId, u64)>) -> Self {
        let mut intake = Self::default();
        for (speaker, store, through) in acked {
            intake.remember(&speaker, store, through);
        }
        intake
    }

    /// Takes a batch: to the database what is new, at once an acknowledgement of what is not.
    pub fn events(
        &mut self,
        batch: Events,
        received: WallTime,
        out: &mut Vec<Effect>,
    ) -> Result<Option<Ack>, NotTaken> {
        let Events {
            speaker,
            store,
            events,
        } = batch;
        let last = check_numbers(&events)?;
        let through = self.through(&speaker, &store);
        if last <= through {
            return Ok(Some(Ack {
                speaker,
                store,
                through,
            }));
        }
        let waiting = self.in_hand.entry(speaker.clone()).or_default();
        if waiting.len() >= MAX_IN_HAND {
            return Err(NotTaken::Full);
        }
        let mut notices = Vec::new();
        for event in events.iter().filter(|e| e.number > through) {
            notices.push(notice(&speaker, event));
            if let What::Fault { code, detail } = &event.what {
                out.push(Effect::Log(LogLine::Fault {
                    speaker: speaker.clone(),
                    code: plain(code),
                    detail: plain(detail),
                }));
            }
        }
        notices.dedup();
        waiting.push_back(InHand {
            store: store.clone(),
            notices,
        });
        out.push(Effect::StoreEvents {
            speaker,
            store,
            events,
            received,
        });
        Ok(None)
    }

    /// The database has them: the speaker may forget, and the app may look.
    pub fn stored(
        &mut self,
        speaker: SpeakerId,
        store: StoreId,
        through: u64,
        out: &mut Vec<Effect>,
    ) -> Ack {
        if let Some(batch) = self.take_in_hand(&speaker, &store) {
            out.extend(batch.notices.into_iter().map(Effect::Notice));
        }
        let through = self.remember(&speaker, store.clone(), through);
        Ack {
            speaker,
            store,
            through,
        }
    }

    pub fn failed(&mut self, speaker: &SpeakerId, store: &StoreId) {
        self.take_in_hand(speaker, store);
    }

    pub fn forget(&mut self, speaker: &SpeakerId) {
        self.in_hand.remove(speaker);
        self.acked.remove(speaker);
    }

    /// The acknowledgement to repeat when a speaker seems not to have got it.
    pub fn ack_if_behind(&self, speaker: &SpeakerId, store: &StoreId, acked: u64) -> Option<Ack> {
        let through = self.through(speaker, store);
        (acked < through).then(|| Ack {
            speaker: speaker.clone(),
            store: store.clone(),
            through,
        })
    }

    /// The newest acknowledgement of a speaker.
    pub fn last_ack(&self, speaker: &SpeakerId) -> Option<Ack> {
        let (store, through) = self.acked.get(speaker)?.last()?;
        Some(Ack {
            speaker: speaker.clone(),
            store: store.clone(),
            through: *through,
        })
    }

    /// Everybody to whom something was ever acknowledged, in order of name.
    pub fn speakers(&self) -> Vec<SpeakerId> {
        let mut all: Vec<SpeakerId> = self.acked.keys().cloned().collect();
        all.sort_unstable();
        all
    }

    fn through(&self, speaker: &SpeakerId, store: &StoreId) -> u64 {
        self.acked
            .get(speaker)
            .and_then(|stores| stores.iter().find(|(s, _)| s == store))
            .map_or(0, |(_, through)| *through)
    }

    fn remember(&mut self, speaker: &SpeakerId, store: StoreId, through: u64) -> u64 {
        let stores = self.acked.entry(speaker.clone()).or_default();
        let before = match stores.iter().position(|(s, _)| *s == store) {
            Some(i) => stores.remove(i).1,
            None => 0,
        };
        let through = through.max(before);
        stores.push((store, through));
        if stores.len() > MAX_STORES {
            stores.remove(0);
        }
        through
    }

    fn take_in_hand(&mut self, speaker: &SpeakerId, store: &StoreId) -> Option<InHand> {
        let waiting = self.in_hand.get_mut(speaker)?;
        let i = waiting.iter().position(|batch| batch.store == *store)?;
        let batch = waiting.remove(i);
        if waiting.is_empty() {
            self.in_hand.remove(speaker);
        }
        batch
    }
}

/// Numbers begin at 1 and follow each other; returns the last.
fn check_numbers(events: &[Event]) -> Result<u64, NotTaken> {
    let follow = events
        .windows(2)
        .all(|pair| pair[0].number.checked_add(1) == Some(pair[1].number));
    match (events.first(), events.last()) {
        (Some(first), Some(last)) if first.number > 0 && follow && events.len() <= MAX_BATCH => {
            Ok(last.number)
        }
        _ => Err(NotTaken::BadNumbers),
    }
}

fn notice(speaker: &SpeakerId, event: &Event) -> Notice {
    let told = |code: &str, detail: &str| Notice::Event {
        speaker: speaker.clone(),
        at: event.at,
        code: plain(code),
        detail: plain(detail),
    };
    match &event.what {
        What::Started { playout } | What::Suspended { playout, .. } | What::Ended { playout } => {
            Notice::Playout {
                speaker: speaker.clone(),
                occurrence: playout.id.occurrence.clone(),
            }
        }
        What::Booted { agent, .. } => told("booted", agent),
        What::Fault { code, detail } => told(code, detail),
        What::Heard { listened } => Notice::Playout {
            speaker: speaker.clone(),
            occurrence: listened.playout.occurrence.clone(),
        },
        What::SelfTested { test } => told("self_tested", test.hearing.word()),
        What::LineLost { .. } => told("line_lost", ""),
        What::LineBack { .. } => told("line_back", ""),
        What::Stalled { .. } => told("stalled", ""),
        What::Mains { present } => told("mains", if *present { "present" } else { "gone" }),
    }
}

/// Short, and nothing that moves a terminal's cursor.
fn plain(text: &str) -> String {
    text.chars()
        .take(300)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
