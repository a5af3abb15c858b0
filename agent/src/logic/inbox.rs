//! Messages from the line: opened, checked, stored, and only then handed on.
//!
//! The order of the checks: size, decode, type, signature (all in the envelope), scope, freshness, rules. What is not
//! believed changes nothing; it is counted by reason, and told at most once a minute for each.

use loa_protocol::{
    channel::Channel,
    clock::ClockReply,
    envelope::{Document, Refusal},
    event::Ack,
    head::Head,
    programme::{Now, Programme},
    speaker_config::SpeakerConfig,
    topic::Topic,
};

use super::{
    Agent,
    documents::{CONFIG, HEAD, Taken, programme_name},
    port::{Effect, LogLine, Write},
};

/// Longest topic that is written into a log line, in bytes.
const MAX_TOPIC_BYTES: usize = 200;

/// Where a channel speaks.
pub fn channel_filters(channel: &Channel) -> [String; 2] {
    [
        Topic::Programme(channel.clone()).to_string(),
        Topic::Now(channel.clone()).to_string(),
    ]
}

impl Agent {
    pub(super) fn message(&mut self, topic: &str, payload: &[u8]) {
        let own = &self.identity.speaker;
        let result = match topic.parse::<Topic>() {
            Ok(Topic::Block { content, index }) => return self.block_came(content, index, payload),
            Ok(Topic::Head) => self.head_came(payload, true),
            Ok(Topic::Config(speaker)) if speaker == *own => self.config_came(payload, true),
            Ok(Topic::Programme(channel)) => self.programme_came(&channel, payload, true),
            Ok(Topic::Now(channel)) => self.now_came(&channel, payload),
            Ok(Topic::Ack(speaker)) if speaker == *own => self.ack_came(payload),
            Ok(Topic::ClockReply(speaker)) if speaker == *own => self.clock_reply_came(payload),
            Ok(Topic::Certificate(speaker)) if speaker == *own => self.certificate_came(payload),
            // Nothing else is subscribed to.
            _ => Err(Refusal::WrongScope),
        };
        if let Err(refusal) = result {
            self.refuse(topic, refusal);
        }
    }

    fn refuse(&mut self, topic: &str, refusal: Refusal) {
        self.report.refused(refusal.word());
        let topic = super::shortened(topic, MAX_TOPIC_BYTES);
        let told = self.faults_told.get(refusal.word()).copied();
        self.fault(refusal.word(), &format!("{topic}: {refusal}"));
        if told != self.faults_told.get(refusal.word()).copied() {
            self.out.push(Effect::Log(LogLine::Refused {
                topic,
                why: refusal.to_string(),
            }));
        }
    }

    pub(super) fn open<D: Document>(&self, bytes: &[u8]) -> Result<D, Refusal> {
        let now = self.now.is_trusted().then_some(self.now.wall);
        self.trust.open(bytes, now).map(|opened| opened.document)
    }

    /// Keeps the bytes when they are not from the disk themselves.
    fn keep(&mut self, name: String, bytes: &[u8], is_new: bool) {
        self.documents.note_seen(&name, bytes);
        if is_new {
            let bytes = bytes.to_vec();
            self.commits.put(Write::PutDocument { name, bytes });
            self.commits.close_group();
        }
    }

    pub(super) fn head_came(&mut self, bytes: &[u8], live: bool) -> Result<(), Refusal> {
        if self.documents.was_seen(HEAD, bytes) {
            return Ok(());
        }
        let head: Head = self.open(bytes)?;
        let (made, audit) = (head.made, head.audit);
        if self.documents.take_head(head)? == Taken::New {
            self.learn_past(made);
            if let Some(given) = audit.filter(|_| live) {
                self.hear_checkpoint(given, made);
            }
            self.keep(HEAD.into(), bytes, live);
        }
        Ok(())
    }

    pub(super) fn config_came(&mut self, bytes: &[u8], live: bool) -> Result<(), Refusal> {
        if self.documents.was_seen(CONFIG, bytes) {
            return Ok(());
        }
        let config: SpeakerConfig = self.open(bytes)?;
        if config.speaker != self.identity.speaker {
            return Err(Refusal::WrongScope);
        }
        let (made, since) = (config.made, self.documents.config.since);
        let Some(change) = self.documents.take_config(config)? else {
            return Ok(());
        };
        self.learn_past(made);
        self.keep(CONFIG.into(), bytes, live);
        self.forget_documents(change.needless);
        if self.connected && !change.left.is_empty() {
            let filters = change.left.iter().flat_map(channel_filters).collect();
            self.out.push(Effect::Unsubscribe { filters });
        }
        if self.connected && !change.joined.is_empty() {
            let filters = change.joined.iter().flat_map(channel_filters).collect();
            self.out.push(Effect::Subscribe { filters });
        }
        if live {
            self.take_over_programmes(true);
            if since != self.documents.config.since {
                self.agenda
                    .rebuild(self.documents.config.since, self.now.wall, &self.ledger);
            }
        }
        self.report.changed();
        Ok(())
    }

    pub(super) fn forget_documents(&mut self, names: Vec<String>) {
        for name in names {
            self.commits.put(Write::RemoveDocument { name });
        }
        self.commits.close_group();
    }

    pub(super) fn programme_came(
        &mut self,
        channel: &Channel,
        bytes: &[u8],
        live: bool,
    ) -> Result<(), Refusal> {
        let name = programme_name(channel);
        if self.documents.was_seen(&name, bytes) {
            return Ok(());
        }
        let programme: Programme = self.open(bytes)?;
        if programme.channel != *channel || !self.documents.follows(channel) {
            return Err(Refusal::WrongScope);
        }
        let (made, version, count) = (programme.made, programme.version, programme.bulletins.len());
        let Some(change) = self.documents.take_programme(programme)? else {
            return Ok(());
        };
        self.learn_past(made);
        for error in change.wrong {
            self.fault("bulletin", &format!("left out: {error}"));
        }
        self.keep(name, bytes, live);
        self.forget_documents(change.needless);
        if live {
            self.out.push(Effect::Log(LogLine::Programme {
                channel: channel.to_string(),
                generation: version.generation,
                bulletins: count,
            }));
            self.take_over_programmes(true);
        }
        self.report.changed();
        Ok(())
    }

    fn now_came(&mut self, channel: &Channel, bytes: &[u8]) -> Result<(), Refusal> {
        let now: Now = self.open(bytes)?;
        if now.channel != *channel || !self.documents.follows(channel) {
            return Err(Refusal::WrongScope);
        }
        let made = now.made;
        if let Some(name) = self.documents.take_now(now, true)? {
            self.learn_past(made);
            let bytes = bytes.to_vec();
            self.commits.put(Write::PutDocument { name, bytes });
            self.commits.close_group();
            self.take_over_programmes(true);
        }
        Ok(())
    }

    /// The programmes changed: the agenda takes over what they now hold together.
    pub(super) fn take_over_programmes(&mut self, live: bool) {
        let arrived = live.then_some(self.now.mono_us);
        let effective = self.documents.effective();
        self.agenda
            .replace(effective, arrived, self.now.wall, &self.ledger);
        self.plan_changed();
    }

    fn learn_past(&mut self, made: loa_protocol::time::WallTime) {
        self.clock.learn_past(made, self.now.mono_us);
        self.look_at_clock(self.reading);
    }

    fn ack_came(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let ack: Ack = self.open(bytes)?;
        if ack.speaker != self.identity.speaker {
            return Err(Refusal::WrongScope);
        }
        if ack.store != self.store {
            // Retained from before this disk was new.
            return Ok(());
        }
        let has_forgotten = ack.through > self.outbox.last();
        if let Some(through) = self.outbox.acknowledged(ack.through) {
            self.commits.put(Write::ForgetEvents { through });
        }
        if has_forgotten {
            self.fault(
                "events",
                "the office has events that this disk has forgotten; numbers go on after them",
            );
        }
        Ok(())
    }

    fn clock_reply_came(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let reply: ClockReply = self.open(bytes)?;
        if reply.speaker != self.identity.speaker {
            return Err(Refusal::WrongScope);
        }
        let now_us = self.now.mono_us;
        if self
            .clock
            .answered(reply.nonce, reply.received, reply.sent, now_us)
        {
            self.look_at_clock(self.reading);
        }
        Ok(())
    }
}
