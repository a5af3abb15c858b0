//! Streams that were left before their end: which, until when, and what of their channels is not subscribed to meanwhile.

use std::collections::BTreeSet;

use loa_protocol::{
    channel::Channel,
    id::BulletinId,
    playout::{Interruption, OccurrenceId, Outcome},
    time::WallTime,
    topic::Topic,
};

use super::{PREFACE_US, Streams};
use crate::logic::{
    Agent, Effect,
    act::{Act, ActState},
};

#[derive(Debug)]
pub(super) struct Left {
    channels: Vec<Channel>,
    planned: WallTime,
    until_us: u64,
}

impl Streams {
    pub fn deadline(&self) -> Option<u64> {
        let over = self.left.values().map(|left| left.until_us);
        over.chain(self.wake).min()
    }
}

impl Agent {
    /// Leaves a stream of which too little comes in time.
    pub(super) fn leave_if_too_thin(&mut self, bulletin: &BulletinId) {
        let now_us = self.now.mono_us;
        let is_it = |(id, act): &(&OccurrenceId, &Act)| {
            let sounds =
                matches!(act.state, ActState::AtPlayer { piece } if piece.begun_us.is_some());
            let flow = self.streams.of(&id.bulletin, act.row.playout.planned);
            id.bulletin == *bulletin
                && sounds
                && flow.is_some_and(|flow| flow.is_too_thin(act.aired.speech_us, now_us))
        };
        let Some(id) = self.stage.acts.iter().find(is_it).map(|(id, _)| id.clone()) else {
            return;
        };
        self.leave(&id);
        self.end_act(&id, Outcome::Interrupted(Interruption::Starved));
    }

    /// Does not listen to it any more: on a thin line it would only keep the recording from coming.
    pub(super) fn leave(&mut self, id: &OccurrenceId) {
        let Some(act) = self.stage.acts.get(id) else {
            return;
        };
        let planned = act.row.playout.planned;
        let over = act.bulletin.stream_over(planned).unwrap_or(WallTime::MAX);
        let until_us = self.now.mono_at(self.here(over, planned, &act.bulletin));
        let left = Left {
            channels: self.documents.channels_of(&id.bulletin).cloned().collect(),
            planned,
            until_us,
        };
        self.streams.left.insert(id.bulletin.clone(), left);
    }

    /// Filters that are not to be subscribed to for now: of channels that carry a stream that was left, and no other.
    pub(in crate::logic) fn left_filters(&self) -> BTreeSet<String> {
        if self.streams.left.is_empty() {
            return BTreeSet::new();
        }
        let others = self.other_streams_at_hand();
        let documents = &self.documents;
        let left = self.streams.left.values().flat_map(|left| &left.channels);
        let needless =
            left.filter(|channel| !others.iter().any(|id| documents.speaks_of(channel, id)));
        needless.map(Topic::live_filter).collect()
    }

    /// Streams whose packets are of use, or soon will be, and that were not left.
    fn other_streams_at_hand(&self) -> BTreeSet<&BulletinId> {
        let soon = self.streams_soon();
        let planned = self.agenda.iter().take_while(|(at, _)| *at <= soon);
        let near: BTreeSet<&BulletinId> = planned
            .map(|(_, id)| id)
            .chain(self.stage.acts.keys())
            .map(|id| &id.bulletin)
            .filter(|id| !self.streams.left.contains_key(*id))
            .collect();
        let is_at_hand = |id: &&BulletinId| {
            let bulletin = self.agenda.known(id).map(|known| &known.bulletin);
            bulletin.is_some_and(|b| b.stream().is_some() && self.stream_at_hand(b).is_some())
        };
        near.into_iter().filter(is_at_hand).collect()
    }

    /// Packets of a stream that is planned until then are of use.
    fn streams_soon(&self) -> WallTime {
        let office = self.clock.office(self.now);
        office.map_or(WallTime::MAX, |now| now.plus_us(PREFACE_US))
    }

    /// When the next stream will be at hand, monotonic.
    fn next_stream_at(&self) -> Option<u64> {
        let soon = self.streams_soon();
        let is_stream = |id: &OccurrenceId| {
            let known = self.agenda.known(&id.bulletin);
            known.is_some_and(|known| known.bulletin.stream().is_some())
        };
        let mut later = self.agenda.iter().skip_while(|(at, _)| *at <= soon);
        let (at, _) = later.find(|(_, id)| is_stream(id))?;
        let wait_us = at.since_us(soon).max(0).unsigned_abs();
        Some(self.now.mono_us.saturating_add(wait_us))
    }

    /// Does not listen where a stream was left, and listens again when that is over or another one needs it.
    pub(in crate::logic) fn tend_streams(&mut self) {
        let sounding = self.stage.sounding();
        self.report.is_streaming = sounding.is_some_and(|(act, _)| act.bulletin.stream().is_some());
        if self.streams.left.is_empty() && self.streams.unheard.is_empty() {
            self.streams.wake = None;
            return;
        }
        let mut left = std::mem::take(&mut self.streams.left);
        left.retain(|id, left| {
            let Some(known) = self.agenda.known(id) else {
                return false;
            };
            let over = known.bulletin.stream_over(left.planned);
            let over = over.unwrap_or(WallTime::EPOCH);
            let here = self.here(over, left.planned, &known.bulletin);
            left.until_us = self.now.mono_at(here);
            self.now.mono_us < left.until_us
        });
        self.streams.left = left;
        let after = self.left_filters();
        let before = std::mem::replace(&mut self.streams.unheard, after.clone());
        let has_left = !self.streams.left.is_empty();
        self.streams.wake = has_left.then(|| self.next_stream_at()).flatten();
        if !self.connected {
            return;
        }
        let own = self.documents.channels().map(Topic::live_filter);
        let filters: Vec<String> = own
            .filter(|filter| before.contains(filter) && !after.contains(filter))
            .collect();
        if !filters.is_empty() {
            self.out.push(Effect::Subscribe { filters });
        }
        let filters: Vec<String> = after.difference(&before).cloned().collect();
        if !filters.is_empty() {
            self.out.push(Effect::Unsubscribe { filters });
        }
    }
}
