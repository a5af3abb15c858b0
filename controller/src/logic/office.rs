//! The office's mind: one input in, effects out. It keeps no thread and no clock.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use loa_protocol::{
    clock::{ClockReply, ClockRequest},
    content::{BLOCK_BYTES, ContentId, Wants},
    envelope::{Document, Keyring, Refusal, open, open_unsigned},
    event::{Ack, Events},
    id::{SpeakerId, StoreId},
    status::SpeakerStatus,
    topic::Topic,
};

use super::{
    delivery::Delivery,
    intake::{Intake, NotTaken},
    port::{Effect, Figures, Input, LogLine, Notice, Reading, Settings, TrustState},
    presence::{Presence, PresenceView, Roll},
    programmes::Book,
};

/// Documents published again in one go after the broker came back.
pub const AGAIN_AT_ONCE: usize = 200;
/// And how long until the next go, in microseconds.
pub const AGAIN_STEP_US: u64 = 100_000;
/// A speaker that still holds an older document after this is told again, in microseconds. Also the least time between
/// two such tellings of one document.
const BEHIND_US: u64 = 30_000_000;
/// A content that could not be read is left alone for so long, in microseconds.
const UNREADABLE_US: u64 = 60_000_000;

/// A head is made anew so often, in microseconds, long before the last one is over.
const HEAD_EVERY_US: u64 = 3_600_000_000;

#[derive(Debug)]
pub struct Office {
    book: Book,
    delivery: Delivery,
    roll: Roll,
    /// Of the speakers that have a certificate. One entry for each that the database has.
    keys: HashMap<SpeakerId, Keyring>,
    intake: Intake,
    figures: Figures,
    connected: bool,
    closing: bool,
    /// Topics whose documents are still to be published again, and when the next go is due.
    again: VecDeque<Topic>,
    again_us: u64,
    /// When the next head is due.
    head_us: u64,
    /// Contents that could not be read, and until when nobody tries; those whose time is over go with the next one.
    unreadable: HashMap<ContentId, u64>,
    /// Documents of which somebody held an older one, and when that was seen, or told again. One for each topic at most.
    behind: HashMap<Topic, u64>,
}

impl Office {
    /// `acked`: what the database says of acknowledged events: speaker, store, and the last number.
    pub fn new(
        settings: Settings,
        acked: impl IntoIterator<Item = (SpeakerId, StoreId, u64)>,
    ) -> Self {
        Self {
            delivery: Delivery::new(settings.bytes_per_s, settings.gather_ms),
            book: Book::new(&settings),
            roll: Roll::default(),
            keys: HashMap::new(),
            intake: Intake::new(acked),
            figures: Figures::default(),
            connected: false,
            closing: false,
            again: VecDeque::new(),
            again_us: 0,
            head_us: 0,
            unreadable: HashMap::new(),
            behind: HashMap::new(),
        }
    }

    /// Takes one input and says what is to be done, in order.
    pub fn handle(&mut self, input: Input, at: Reading) -> Vec<Effect> {
        let mut out = Vec::new();
        match input {
            Input::Connected => self.connected(at, &mut out),
            Input::Disconnected => {
                self.connected = false;
                self.again.clear();
                self.roll.line_down();
            }
            Input::Message { topic, payload } => self.message(&topic, &payload, at, &mut out),
            Input::Channel { state, command } => {
                self.book.channel(state, command, at.wall, &mut out);
            }
            Input::Trust(state) => self.trust(*state, at, &mut out),
            Input::Checkpoint(checkpoint) => {
                if self.book.checkpoint(checkpoint) {
                    self.head_us = at.mono_us;
                }
            }
            Input::Config(config) => {
                self.roll.add(&config.speaker, at);
                self.book.config(&config, &mut out);
                out.push(Effect::Notice(Notice::Speaker(config.speaker)));
            }
            Input::SpeakerKeys { speaker, keys } => {
                self.keys.insert(speaker, Keyring::new(keys));
            }
            Input::SpeakerRemoved(speaker) => {
                self.keys.remove(&speaker);
                self.roll.remove(&speaker);
                self.intake.forget(&speaker);
                self.book.remove_speaker(&speaker, &mut out);
                out.push(Effect::Notice(Notice::Speaker(speaker)));
            }
            Input::EventsStored {
                speaker,
                store,
                through,
            } => {
                let ack = self.intake.stored(speaker, store, through, &mut out);
                self.acknowledge(&ack, &mut out);
            }
            Input::EventsFailed { speaker, store } => self.intake.failed(&speaker, &store),
            Input::ContentUnreadable { content, detail } => {
                self.unreadable(content, &detail, at, &mut out);
            }
            Input::Tick => {}
            Input::Shutdown => self.closing = true,
        }
        self.due(at, &mut out);
        if !self.connected {
            // The documents are kept; all of them go out when the line is up.
            out.retain(|effect| !matches!(effect, Effect::Publish { .. }));
        }
        let published = |e: &&Effect| matches!(e, Effect::Publish { .. });
        self.figures.documents_published += out.iter().filter(published).count() as u64;
        out
    }

    /// When it wants to be asked again if nothing else happens, in monotonic microseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        if !self.connected || self.closing {
            return None;
        }
        let again = (!self.again.is_empty()).then_some(self.again_us);
        [
            Some(self.head_us),
            again,
            self.delivery.next_deadline(),
            self.roll.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// `None` for a speaker that the office does not have.
    pub fn presence(&self, speaker: &SpeakerId) -> Option<PresenceView> {
        self.roll.view(speaker)
    }

    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The broker may have come back empty, or be another one: everything is said again.
    fn connected(&mut self, at: Reading, out: &mut Vec<Effect>) {
        self.connected = true;
        self.roll.line_up(at);
        out.push(Effect::Subscribe {
            filters: Topic::office_filters().to_vec(),
        });
        for topic in self.book.trust_topics() {
            if let Some(payload) = self.book.payload(&topic) {
                out.push(Effect::Publish { topic, payload });
            }
        }
        self.head(at, out);
        self.again = self.book.topics().into();
        self.again
            .extend(self.intake.speakers().into_iter().map(Topic::Ack));
        self.again_us = at.mono_us;
    }

    fn head(&mut self, at: Reading, out: &mut Vec<Effect>) {
        self.head_us = at.mono_us.saturating_add(HEAD_EVERY_US);
        out.push(Effect::Publish {
            topic: Topic::Head,
            payload: self.book.new_head(at.wall),
        });
    }

    /// What was signed with a former key comes again from the database; acknowledgements are not there.
    fn trust(&mut self, state: TrustState, at: Reading, out: &mut Vec<Effect>) {
        if !self.book.trust(state, out) {
            return;
        }
        self.head_us = at.mono_us;
        if self.connected {
            let acks = self.intake.speakers().into_iter().map(Topic::Ack);
            self.again.extend(acks);
            self.again_us = self.again_us.max(at.mono_us);
        }
    }

    /// Whatever its time has come for.
    fn due(&mut self, at: Reading, out: &mut Vec<Effect>) {
        if !self.connected || self.closing {
            return;
        }
        if self.head_us <= at.mono_us {
            self.head(at, out);
        }
        if !self.again.is_empty() && self.again_us <= at.mono_us {
            self.publish_again(out);
            self.again_us = at.mono_us.saturating_add(AGAIN_STEP_US);
        }
        for (speaker, presence) in self.roll.check(at) {
            self.presence_changed(speaker, Some(presence), at, out);
        }
        let book = &self.book;
        for block in self.delivery.send(|c| book.known(c).is_some(), at.mono_us) {
            let length = book.known(&block.content).map_or(0, |k| k.length);
            let offset = u64::from(block.index) * u64::from(BLOCK_BYTES);
            self.figures.blocks_sent += 1;
            self.figures.bytes_sent += length.saturating_sub(offset).min(BLOCK_BYTES.into());
            self.figures.blocks_repeated += u64::from(block.again);
            out.push(Effect::SendBlock {
                content: block.content,
                index: block.index,
            });
        }
    }

    /// Told once for all the blocks that were on their way to the disk.
    fn unreadable(&mut self, content: ContentId, detail: &str, at: Reading, out: &mut Vec<Effect>) {
        self.delivery.drop_content(&content);
        self.unreadable.retain(|_, until| *until > at.mono_us);
        let until = at.mono_us.saturating_add(UNREADABLE_US);
        if self.unreadable.insert(content, until).is_none() {
            let what = format!("content {content} cannot be read, no speaker gets it: {detail}");
            out.push(Effect::Log(LogLine::Trouble { what }));
        }
    }

    fn publish_again(&mut self, out: &mut Vec<Effect>) {
        let mut left = AGAIN_AT_ONCE;
        while left > 0
            && let Some(topic) = self.again.pop_front()
        {
            let payload: Option<Bytes> = match &topic {
                Topic::Ack(speaker) => self
                    .intake
                    .last_ack(speaker)
                    .map(|ack| self.book.seal(&ack)),
                topic => self.book.payload(topic),
            };
            if let Some(payload) = payload {
                out.push(Effect::Publish { topic, payload });
                left -= 1;
            }
        }
    }

    fn message(&mut self, topic: &str, payload: &[u8], at: Reading, out: &mut Vec<Effect>) {
        let parsed: Option<Topic> = topic.parse().ok();
        let done = match parsed {
            Some(Topic::Status(speaker)) => self.status(speaker, payload, at, out),
            Some(Topic::Events(speaker)) => self.events(speaker, payload, at, out),
            Some(Topic::Want(speaker)) => self.want(speaker, payload, at, out),
            Some(Topic::Clock(speaker)) => self.clock(speaker, payload, at, out),
            _ => Err("topic"),
        };
        if let Err(why) = done {
            let times = self.figures.refused.entry(why).or_default();
            *times += 1;
            if times.is_power_of_two() {
                out.push(Effect::Log(LogLine::Refused {
                    topic: topic
                        .chars()
                        .take(120)
                        .flat_map(char::escape_debug)
                        .collect(),
                    why,
                    times: *times,
                }));
            }
        }
    }

    fn status(
        &mut self,
        speaker: SpeakerId,
        payload: &[u8],
        at: Reading,
        out: &mut Vec<Effect>,
    ) -> Result<(), &'static str> {
        // Our own taking away of a removed speaker's status comes back as an empty message.
        if payload.is_empty() {
            return Ok(());
        }
        let status: SpeakerStatus = self.open(&speaker, payload)?;
        own(&status.speaker, &speaker)?;
        if !status.online {
            let changed = self.roll.gone(&speaker, at);
            self.presence_changed(speaker, changed, at, out);
            return Ok(());
        }
        let behind = self
            .intake
            .ack_if_behind(&speaker, &status.store, status.acked);
        if let Some(ack) = behind {
            self.acknowledge(&ack, out);
        }
        self.figures.statuses_taken += 1;
        self.tell_again(&status, at, out);
        out.push(Effect::StoreStatus {
            status: Box::new(status),
            received: at.wall,
        });
        out.push(Effect::Notice(Notice::Speaker(speaker.clone())));
        self.heard(speaker, at, out);
        Ok(())
    }

    /// A broker that let an older document overtake a newer one keeps the older, and no speaker would ever know.
    fn tell_again(&mut self, status: &SpeakerStatus, at: Reading, out: &mut Vec<Effect>) {
        for topic in self.book.behind(status) {
            let Some(seen) = self.behind.get_mut(&topic) else {
                self.behind.insert(topic, at.mono_us);
                continue;
            };
            if at.mono_us.saturating_sub(*seen) < BEHIND_US {
                continue;
            }
            *seen = at.mono_us;
            if let Some(payload) = self.book.payload(&topic) {
                out.push(Effect::Publish { topic, payload });
            }
        }
    }

    fn events(
        &mut self,
        speaker: SpeakerId,
        payload: &[u8],
        at: Reading,
        out: &mut Vec<Effect>,
    ) -> Result<(), &'static str> {
        let batch: Events = self.open(&speaker, payload)?;
        own(&batch.speaker, &speaker)?;
        self.heard(speaker, at, out);
        let count = batch.events.len() as u64;
        match self.intake.events(batch, at.wall, out) {
            Ok(None) => self.figures.events_taken += count,
            Ok(Some(ack)) => self.acknowledge(&ack, out),
            Err(NotTaken::BadNumbers) => return Err(Refusal::BreaksRule.word()),
            // The speaker sends them again; nothing is lost.
            Err(NotTaken::Full) => return Err("events_waiting"),
        }
        Ok(())
    }

    fn want(
        &mut self,
        speaker: SpeakerId,
        payload: &[u8],
        at: Reading,
        out: &mut Vec<Effect>,
    ) -> Result<(), &'static str> {
        let wants: Wants = self.open(&speaker, payload)?;
        own(&wants.speaker, &speaker)?;
        let (book, unreadable) = (&self.book, &self.unreadable);
        let known = |content: &ContentId| {
            let left_alone = unreadable
                .get(content)
                .is_some_and(|until| at.mono_us < *until);
            book.known(content).filter(|_| !left_alone)
        };
        let dropped = self.delivery.ask(&speaker, &wants.wants, known, at.mono_us);
        self.figures.wants_dropped += dropped as u64;
        self.heard(speaker, at, out);
        Ok(())
    }

    fn clock(
        &mut self,
        speaker: SpeakerId,
        payload: &[u8],
        at: Reading,
        out: &mut Vec<Effect>,
    ) -> Result<(), &'static str> {
        let request: ClockRequest = self.open(&speaker, payload)?;
        own(&request.speaker, &speaker)?;
        // Answered within microseconds of its coming in, so both instants are this one. What it waited before shows in
        // the speaker's round trip, where it belongs.
        let reply = ClockReply {
            speaker: speaker.clone(),
            nonce: request.nonce,
            received: at.wall,
            sent: at.wall,
        };
        self.figures.clock_replies += 1;
        out.push(Effect::Publish {
            topic: Topic::ClockReply(speaker.clone()),
            payload: self.book.seal(&reply),
        });
        self.heard(speaker, at, out);
        Ok(())
    }

    /// Only of speakers that the office has: on a broker of somebody else's anybody may be talking. Whoever has a
    /// certificate signs.
    fn open<D: Document>(&self, speaker: &SpeakerId, payload: &[u8]) -> Result<D, &'static str> {
        if !self.roll.knows(speaker) {
            return Err("unknown_speaker");
        }
        let opened = match self.keys.get(speaker) {
            Some(keys) => open(payload, keys),
            None => open_unsigned(payload),
        };
        opened.map_err(Refusal::word)
    }

    fn heard(&mut self, speaker: SpeakerId, at: Reading, out: &mut Vec<Effect>) {
        let changed = self.roll.heard(&speaker, at);
        self.presence_changed(speaker, changed, at, out);
    }

    fn presence_changed(
        &self,
        speaker: SpeakerId,
        changed: Option<Presence>,
        at: Reading,
        out: &mut Vec<Effect>,
    ) {
        let Some(presence) = changed else { return };
        out.push(Effect::StorePresence {
            speaker: speaker.clone(),
            presence,
            at: at.wall,
        });
        out.push(Effect::Log(LogLine::Presence {
            speaker: speaker.clone(),
            presence,
        }));
        out.push(Effect::Notice(Notice::Speaker(speaker)));
    }

    fn acknowledge(&self, ack: &Ack, out: &mut Vec<Effect>) {
        out.push(Effect::Publish {
            topic: Topic::Ack(ack.speaker.clone()),
            payload: self.book.seal(ack),
        });
    }
}

/// A speaker speaks for itself only.
fn own(says: &SpeakerId, topic: &SpeakerId) -> Result<(), &'static str> {
    if says == topic {
        Ok(())
    } else {
        Err(Refusal::WrongScope.word())
    }
}

#[cfg(test)]
mod tests;
