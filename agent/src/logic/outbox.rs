//! Events on their way to the office: numbered without holes, sent in order, kept until acknowledged.
//!
//! Bounds: one batch is under way at a time; it is sent again when 10 s brought no acknowledgement, then after twice as
//! long each time up to 5 minutes (a thin line must not drown in repetitions), and on every connection. From
//! [`MAX_EVENTS`] unacknowledged events on, faults, gaps and self-tests are not written any more but only counted; events
//! of the ledger, and starts of the program, always are (the agenda and whoever starts it bound how many there can be).

use std::collections::VecDeque;

use ed25519_dalek::SigningKey;
use loa_protocol::{
    envelope::seal_by,
    event::{Event, Events, MAX_BATCH, What},
    id::{SpeakerId, StoreId},
    time::Moment,
};

use super::port::Write;

pub const MAX_EVENTS: usize = 50_000;
/// Largest batch, in bytes of its envelope.
pub const MAX_BATCH_BYTES: usize = 200_000;
const FIRST_RESEND_US: u64 = 10_000_000;
const LAST_RESEND_US: u64 = 300_000_000;

#[derive(Debug)]
pub struct Outbox {
    speaker: SpeakerId,
    store: StoreId,
    /// Unacknowledged, in order.
    events: VecDeque<Event>,
    last: u64,
    durable: u64,
    acked: u64,
    under_way: Option<UnderWay>,
    resend_us: u64,
    faults_dropped: u64,
}

#[derive(Debug)]
struct UnderWay {
    through: u64,
    resend_at: u64,
}

impl Outbox {
    /// From what the disk holds: unacknowledged events in order, and the number of the last event ever.
    pub fn new(speaker: SpeakerId, store: StoreId, events: Vec<Event>, last: u64) -> Self {
        let last = events.last().map_or(last, |e| e.number.max(last));
        let acked = events.first().map_or(last, |e| e.number.saturating_sub(1));
        Self {
            speaker,
            store,
            events: events.into(),
            last,
            durable: last,
            acked,
            under_way: None,
            resend_us: FIRST_RESEND_US,
            faults_dropped: 0,
        }
    }

    /// Numbers an event; `None` for one of those that can be missed, when there is no room.
    pub fn append(&mut self, what: What, now: Moment) -> Option<Write> {
        if self.events.len() >= MAX_EVENTS && can_be_missed(&what) {
            self.faults_dropped += 1;
            return None;
        }
        self.last += 1;
        let event = Event {
            number: self.last,
            at: now.wall,
            trust: now.trust,
            what,
        };
        self.events.push_back(event.clone());
        Some(Write::AppendEvent(event))
    }

    /// Events up to this number are on disk.
    pub fn durable(&mut self, through: u64) {
        self.durable = self.durable.max(through);
    }

    /// The office has them up to `through`; gives what the disk may forget.
    pub fn acknowledged(&mut self, through: u64) -> Option<u64> {
        if through <= self.acked {
            return None;
        }
        // Beyond our last: this disk has forgotten what the office has. Numbers must not be used twice.
        self.last = self.last.max(through);
        self.durable = self.durable.max(through);
        self.acked = through;
        self.resend_us = FIRST_RESEND_US;
        let known = self.events.partition_point(|e| e.number <= through);
        self.events.drain(..known);
        self.under_way.take_if(|batch| batch.through <= through);
        if let Some(batch) = &mut self.under_way {
            batch.resend_at = 0;
        }
        Some(through)
    }

    /// A connection came or went: what was under way may be lost.
    pub fn line_changed(&mut self) {
        self.under_way = None;
        self.resend_us = FIRST_RESEND_US;
    }

    /// The next batch to send, when it is time for one; sealed.
    pub fn next_batch(&mut self, now_us: u64, signing: Option<&SigningKey>) -> Option<Vec<u8>> {
        if self
            .under_way
            .as_ref()
            .is_some_and(|b| now_us < b.resend_at)
        {
            return None;
        }
        let ready = self.events.partition_point(|e| e.number <= self.durable);
        let mut most = ready.min(MAX_BATCH);
        while most > 0 {
            let batch = Events {
                speaker: self.speaker.clone(),
                store: self.store.clone(),
                events: self.events.range(..most).cloned().collect(),
            };
            let bytes = seal_by(&batch, signing);
            // A single event is always small enough: its texts are shortened before it is written.
            if bytes.len() <= MAX_BATCH_BYTES || most == 1 {
                self.under_way = Some(UnderWay {
                    through: batch.events.last()?.number,
                    resend_at: now_us.saturating_add(self.resend_us),
                });
                self.resend_us = (self.resend_us * 2).min(LAST_RESEND_US);
                return Some(bytes);
            }
            most /= 2;
        }
        None
    }

    /// When to look again, while connected.
    pub fn deadline(&self) -> Option<u64> {
        self.under_way.as_ref().map(|b| b.resend_at)
    }

    pub fn last(&self) -> u64 {
        self.last
    }
    pub fn acked(&self) -> u64 {
        self.acked
    }
    pub fn faults_dropped(&self) -> u64 {
        self.faults_dropped
    }
}

fn can_be_missed(what: &What) -> bool {
    match what {
        What::Booted { .. }
        | What::Started { .. }
        | What::Suspended { .. }
        | What::Ended { .. } => false,
        What::Heard { .. }
        | What::SelfTested { .. }
        | What::LineLost { .. }
        | What::LineBack { .. }
        | What::Stalled { .. }
        | What::Mains { .. }
        | What::Fault { .. } => true,
    }
}
