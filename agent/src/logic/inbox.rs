//! Messages from the line: opened, checked, stored, and only then handed on.
//!
//! The order of the checks: size, decode, type, signature, the key's scope and time, the document's scope, its time,
//! freshness, rules. What is not
//! believed changes nothing; it is counted by reason, and told at most once a minute for each.

use loa_protocol::{
    channel::Channel,
    clock::ClockReply,
    envelope::{Document, KeyId, Refusal},
    event::Ack,
    head::Head,
    programme::{Now, Programme},
    speaker_config::SpeakerConfig,
    time::WallTime,
    topic::Topic,
    trust::Opened,
};

use super::{
    Agent,
    belief::RulesNote,
    clock::Answer,
    documents::{CONFIG, HEAD, Taken, programme_name},
    memory::Note,
    port::{Effect, LogLine, Write},
};

/// Longest topic that is written into a log line, in bytes.
const MAX_TOPIC_BYTES: usize = 200;
/// No disk ever gave so many events numbers; beyond it numbers would run out.
const MAX_ACKED: u64 = 1 << 53;

/// Where a channel speaks, and where it is said who may approve what is said in an area.
pub fn channel_filters(channel: &Channel) -> Vec<String> {
    let approvers = match channel {
        Channel::Area(area) => Some(Topic::Approvers(area.clone())),
        _ => None,
    };
    let own = [
        Topic::Programme(channel.clone()),
        Topic::Now(channel.clone()),
    ];
    let topics = approvers.into_iter().chain(own);
    let mut filters: Vec<String> = topics.map(|topic| topic.to_string()).collect();
    filters.push(Topic::live_filter(channel));
    filters
}

impl Agent {
    pub(super) fn message(&mut self, topic: &str, payload: &[u8]) {
        let own = &self.identity.speaker;
        let result = match topic.parse::<Topic>() {
            Ok(Topic::Block { content, index }) => return self.block_came(content, index, payload),
            Ok(Topic::Root(version)) => self.root_came(version, payload),
            Ok(Topic::Approvers(area)) => self.approvers_came(&area, payload, true),
            Ok(Topic::Head) => self.head_came(payload, true),
            Ok(Topic::Config(speaker)) if speaker == *own => self.config_came(payload, true),
            Ok(Topic::Programme(channel)) => self.programme_came(&channel, payload, true),
            Ok(Topic::Now(channel)) => self.now_came(&channel, payload),
            Ok(Topic::Live(channel, bulletin)) => self.packet_came(&channel, &bulletin, payload),
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

    pub(super) fn open<D: Document>(&self, bytes: &[u8], live: bool) -> Result<Opened<D>, Refusal> {
        self.trust.open(bytes, self.time_of(live))
    }

    /// Refuses what comes after its own time.
    fn in_time(&self, expires: Option<WallTime>, live: bool) -> Result<(), Refusal> {
        let now = self.time_of(live);
        if expires.is_some_and(|expires| now.is_some_and(|now| now > expires)) {
            return Err(Refusal::Expired);
        }
        Ok(())
    }

    /// Keeps the bytes when they are not from the disk themselves.
    pub(super) fn keep(&mut self, name: String, bytes: &[u8], is_new: bool) {
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
        let Opened {
            document: head,
            signer,
        } = self.open::<Head>(bytes, live)?;
        self.in_time(head.expires, live)?;
        let (made, audit) = (head.made, head.audit);
        if self.documents.take_head(head, signer)? == Taken::New {
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
        let Opened {
            document: config,
            signer,
        } = self.open::<SpeakerConfig>(bytes, live)?;
        if config.speaker != self.identity.speaker {
            return Err(Refusal::WrongScope);
        }
        let (made, since) = (config.made, self.documents.config.since);
        let held_to_rules = self.documents.holds_to_rules;
        let Some(mut change) = self.documents.take_config(config, signer)? else {
            return Ok(());
        };
        self.learn_past(made);
        if live && held_to_rules {
            change.needless.push(RulesNote::NAME.into());
        }
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
            self.documents.forget_seen(&name);
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
        let Opened {
            document: programme,
            signer,
        } = self
            .trust
            .open_on::<Programme>(bytes, channel, self.time_of(live))?;
        if programme.channel != *channel || !self.documents.follows(channel) {
            return Err(Refusal::WrongScope);
        }
        self.in_time(programme.expires, live)?;
        let (made, version, count) = (programme.made, programme.version, programme.bulletins.len());
        let Some(change) = self.documents.take_programme(programme, signer)? else {
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
        let Opened {
            document: now,
            signer,
        } = self
            .trust
            .open_on::<Now>(bytes, channel, self.time_of(true))?;
        if now.channel != *channel || !self.documents.follows(channel) {
            return Err(Refusal::WrongScope);
        }
        let made = now.made;
        if let Some(name) = self.documents.take_now(now, signer, true)? {
            self.learn_past(made);
            let bytes = bytes.to_vec();
            self.commits.put(Write::PutDocument { name, bytes });
            self.commits.close_group();
            self.take_over_programmes(true);
        }
        Ok(())
    }

    /// A key says nothing of a time after its own: it could make later ones run out.
    fn is_beyond_its_key(&self, signer: &KeyId, at: WallTime) -> bool {
        let expires = self.trust.key_expires(signer);
        expires.is_some_and(|expires| at > expires)
    }

    fn learn_past(&mut self, made: WallTime) {
        let keys = self.trust.root().into_iter().flat_map(|root| &root.office);
        let last = keys.map(|key| key.expires).max();
        if last.is_some_and(|last| made > last) {
            return;
        }
        self.clock.learn_past(made, self.now.mono_us);
        self.look_at_clock(self.reading);
    }

    fn ack_came(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let ack: Ack = self.open(bytes, true)?.document;
        if ack.speaker != self.identity.speaker {
            return Err(Refusal::WrongScope);
        }
        if ack.through > MAX_ACKED {
            return Err(Refusal::BreaksRule);
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
        let Opened {
            document: reply,
            signer,
        } = self.open::<ClockReply>(bytes, true)?;
        if self.is_beyond_its_key(&signer, reply.sent) {
            return Err(Refusal::Expired);
        }
        if reply.speaker != self.identity.speaker {
            return Err(Refusal::WrongScope);
        }
        let now_us = self.now.mono_us;
        let answer = self
            .clock
            .answered(reply.nonce, reply.received, reply.sent, now_us);
        if let Answer::Disputed {
            by_us,
            is_new: true,
        } = answer
        {
            let by_s = by_us / 1_000_000;
            self.fault(
                "clock_disputed",
                &format!("the office tells a time {by_s} s from the one that is sure; it is believed when it says so for a day"),
            );
        }
        if answer != Answer::Useless {
            self.look_at_clock(self.reading);
        }
        Ok(())
    }
}
