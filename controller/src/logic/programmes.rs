//! What should be true, signed: the head, every channel's programme, every speaker's configuration.
//!
//! A sealed document is kept and can be published again at any time: the broker is only a pipe and may come back empty.
//! Bounds: a programme has at most `MAX_BULLETINS` bulletins and `Programme::MAX_BYTES` bytes. What does not fit is left
//! out, the last in the database's order first and an emergency last of all, and the log says so.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Bulletin, Priority},
    channel::Channel,
    content::ContentId,
    envelope::{Document, KeyId, seal},
    head::{Checkpoint, Head},
    id::{AreaId, BulletinId, SpeakerId},
    programme::{Command, MAX_BULLETINS, Now, Programme, Version},
    speaker_config::SpeakerConfig,
    status::SpeakerStatus,
    time::WallTime,
    topic::Topic,
};

use super::port::{ChannelState, Effect, LogLine, Notice, Settings, TrustState};

/// So long a head is believed: who holds old ones back is found out on the next day.
const HEAD_LIFE_S: i64 = 26 * 3_600;
/// So long something of a programme may start. The database gives it a new generation each week; a pole without a line for a
/// month still plays.
const PROGRAMME_LIFE_S: i64 = 45 * 24 * 3_600;
/// Heads of one run: its number in the higher bits, the count in these.
const HEAD_BITS: u32 = 20;

/// A signed document and what it is the version of.
#[derive(Debug)]
struct Sealed {
    version: Version,
    by: KeyId,
    payload: Bytes,
}

impl Sealed {
    /// Is this version known, under this key? One signed with another key is signed again.
    fn covers(&self, version: Version, by: &KeyId) -> bool {
        self.version > version || (self.version == version && self.by == *by)
    }
}

#[derive(Debug)]
struct Published {
    sealed: Sealed,
    /// As they were given, so that an unchanged one is neither checked nor told of again.
    revisions: BTreeMap<BulletinId, u32>,
    contents: Vec<(ContentId, bool)>,
}

/// What programmes say of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub length: u64,
    pub blocks: u32,
    /// How many bulletins name it, and how many of them are emergencies.
    uses: u32,
    emergencies: u32,
}

impl Known {
    /// Does an emergency wait for it?
    pub fn is_urgent(&self) -> bool {
        self.emergencies > 0
    }
}

/// All documents that the office stands for.
#[derive(Debug)]
pub struct Book {
    key: SigningKey,
    by: KeyId,
    roots: BTreeMap<u32, Bytes>,
    approvers: BTreeMap<AreaId, Bytes>,
    head: Head,
    head_sealed: Option<Bytes>,
    channels: BTreeMap<Channel, Published>,
    configs: BTreeMap<SpeakerId, Sealed>,
    contents: HashMap<ContentId, Known>,
}

impl Book {
    pub fn new(settings: &Settings) -> Self {
        Self {
            key: settings.key.clone(),
            by: KeyId::of(&settings.key.verifying_key()),
            roots: BTreeMap::new(),
            approvers: BTreeMap::new(),
            head: Head {
                version: Version {
                    epoch: settings.epoch,
                    generation: settings.head_generation << HEAD_BITS,
                },
                made: WallTime::EPOCH,
                expires: None,
                root_version: 0,
                audit: None,
                reconnect_jitter_s: settings.reconnect_jitter_s,
            },
            head_sealed: None,
            channels: BTreeMap::new(),
            configs: BTreeMap::new(),
            contents: HashMap::new(),
        }
    }

    /// Signs with the office's key.
    pub fn seal<D: Document>(&self, document: &D) -> Bytes {
        seal(document, &self.key).into()
    }

    /// A new head, newer than all before.
    pub fn new_head(&mut self, now: WallTime) -> Bytes {
        if self.head_sealed.is_some() {
            self.head.version.generation += 1;
        }
        self.head.made = now;
        self.head.expires = Some(now.plus_s(HEAD_LIFE_S));
        let sealed = self.seal(&self.head);
        self.head_sealed = Some(sealed.clone());
        sealed
    }

    /// Every pole is a witness to how far the audit log went. Says whether the head has to be made anew.
    pub fn checkpoint(&mut self, checkpoint: Checkpoint) -> bool {
        self.head.audit.replace(checkpoint) != Some(checkpoint)
    }

    /// Takes whom the poles are to believe: what is new of it is published, before anything that is signed with a new key.
    /// Says whether the head has to be made anew.
    pub fn trust(&mut self, state: TrustState, out: &mut Vec<Effect>) -> bool {
        let TrustState {
            roots,
            approvers,
            key,
        } = state;
        let by = KeyId::of(&key.verifying_key());
        let other_key = by != self.by;
        (self.key, self.by) = (key, by);
        let newest = roots.iter().map(|(version, _)| *version).max();
        for (version, payload) in roots {
            if self.roots.get(&version) != Some(&payload) {
                self.roots.insert(version, payload.clone());
                out.push(Effect::Publish {
                    topic: Topic::Root(version),
                    payload,
                });
            }
        }
        let named: BTreeMap<AreaId, Bytes> = approvers.into_iter().collect();
        let gone = self
            .approvers
            .keys()
            .filter(|area| !named.contains_key(area));
        out.extend(gone.map(|area| Effect::Publish {
            topic: Topic::Approvers(area.clone()),
            payload: Bytes::new(),
        }));
        for (area, payload) in &named {
            if self.approvers.get(area) != Some(payload) {
                out.push(Effect::Publish {
                    topic: Topic::Approvers(area.clone()),
                    payload: payload.clone(),
                });
            }
        }
        self.approvers = named;
        let newest = newest.unwrap_or_default();
        let other_root = self.head.root_version != newest;
        self.head.root_version = newest;
        other_key || other_root
    }

    pub fn known(&self, content: &ContentId) -> Option<Known> {
        self.contents.get(content).copied()
    }

    /// The last document for this topic.
    pub fn payload(&self, topic: &Topic) -> Option<Bytes> {
        match topic {
            Topic::Head => self.head_sealed.clone(),
            Topic::Root(version) => self.roots.get(version).cloned(),
            Topic::Approvers(area) => self.approvers.get(area).cloned(),
            Topic::Programme(channel) => Some(self.channels.get(channel)?.sealed.payload.clone()),
            Topic::Config(speaker) => Some(self.configs.get(speaker)?.payload.clone()),
            _ => None,
        }
    }

    /// What a speaker says that it holds, and of which there is something newer.
    pub fn behind(&self, status: &SpeakerStatus) -> Vec<Topic> {
        let config = self.configs.get(&status.speaker);
        let config = config.filter(|c| status.config.is_some_and(|held| held < c.version));
        let programmes = status.programmes.iter().filter(|(channel, held)| {
            let published = self.channels.get(channel);
            published.is_some_and(|p| **held < p.sealed.version)
        });
        config
            .map(|_| Topic::Config(status.speaker.clone()))
            .into_iter()
            .chain(programmes.map(|(channel, _)| Topic::Programme(channel.clone())))
            .collect()
    }

    /// Whom to believe; a broker that came back empty learns it before anything else.
    pub fn trust_topics(&self) -> Vec<Topic> {
        let roots = self.roots.keys().map(|version| Topic::Root(*version));
        let approvers = self.approvers.keys().cloned().map(Topic::Approvers);
        roots.chain(approvers).collect()
    }

    /// Every other retained topic but the head's and the acknowledgements', in the order in which a broker that came back
    /// empty should learn them: emergencies first.
    pub fn topics(&self) -> Vec<Topic> {
        let urgent = |p: &Published| p.contents.iter().any(|(_, emergency)| *emergency);
        let (first, then): (Vec<_>, Vec<_>) = self.channels.iter().partition(|(_, p)| urgent(p));
        let programmes = first.into_iter().chain(then);
        programmes
            .map(|(channel, _)| Topic::Programme(channel.clone()))
            .chain(self.configs.keys().cloned().map(Topic::Config))
            .collect()
    }

    /// Takes a channel as the database has it. The short document first, then the whole programme.
    /// Nothing happens unless its version is newer than what was published, or the office signs with another key since.
    pub fn channel(
        &mut self,
        state: ChannelState,
        command: Option<Command>,
        now: WallTime,
        out: &mut Vec<Effect>,
    ) {
        let before = self.channels.get(&state.channel);
        if before.is_some_and(|p| p.sealed.covers(state.version, &self.by)) {
            return;
        }
        let first_seen = before.is_none();
        let ChannelState {
            channel,
            version,
            silence_before,
            bulletins,
        } = state;
        let empty = BTreeMap::new();
        let known = before.map_or(&empty, |p| &p.revisions);
        let revisions: BTreeMap<BulletinId, u32> = bulletins
            .iter()
            .map(|b| (b.id.clone(), b.revision))
            .collect();
        if !first_seen {
            let gone = known.keys().filter(|id| !revisions.contains_key(id));
            let new = revisions.iter().filter(|(id, r)| known.get(id) != Some(r));
            let changed = gone.chain(new.map(|(id, _)| id));
            out.extend(changed.map(|id| Effect::Notice(Notice::Bulletin(id.clone()))));
        }

        let mut left_out = Vec::new();
        let mut fitting: Vec<Bulletin> = Vec::with_capacity(bulletins.len());
        for bulletin in bulletins {
            let unchanged = known.get(&bulletin.id) == Some(&bulletin.revision);
            match if unchanged { Ok(()) } else { bulletin.check() } {
                // A pole refuses a whole programme for one bulletin that breaks a rule.
                Err(error) => left_out.push((bulletin.id, error.to_string())),
                Ok(()) => fitting.push(bulletin),
            }
        }
        // Stable: within each half the database's order stays.
        fitting.sort_by_key(|b| b.priority != Priority::Emergency);
        let mut bytes = 0;
        let room = fitting
            .iter()
            .take(MAX_BULLETINS)
            .take_while(|b| {
                bytes += rough_bytes(b);
                bytes < Programme::MAX_BYTES
            })
            .count();
        left_out.extend(
            fitting
                .drain(room..)
                .map(|b| (b.id, "the programme is full".to_owned())),
        );
        let mut programme = Programme {
            expires: Some(now.plus_s(PROGRAMME_LIFE_S)),
            channel: channel.clone(),
            version,
            made: now,
            silence_before,
            bulletins: fitting,
        };
        let mut payload = self.seal(&programme);
        while payload.len() > Programme::MAX_BYTES {
            // `rough_bytes` is generous, so this is for titles and rules of unusual length only.
            let Some(last) = programme.bulletins.pop() else {
                break;
            };
            left_out.push((last.id, "the programme is full".to_owned()));
            payload = self.seal(&programme);
        }

        if let Some(command) = command {
            let now_document = self.seal(&Now {
                channel: channel.clone(),
                version,
                made: now,
                command,
            });
            // One that is too long is in the programme all the same.
            if now_document.len() <= Now::MAX_BYTES {
                out.push(Effect::Publish {
                    topic: Topic::Now(channel.clone()),
                    payload: now_document,
                });
            }
        }
        out.push(Effect::Publish {
            topic: Topic::Programme(channel.clone()),
            payload: payload.clone(),
        });
        out.push(Effect::Log(LogLine::Published {
            channel: channel.clone(),
            generation: version.generation,
            bulletins: programme.bulletins.len(),
        }));
        out.extend(left_out.into_iter().map(|(bulletin, why)| {
            Effect::Log(LogLine::LeftOut {
                bulletin,
                channel: channel.clone(),
                why,
            })
        }));

        let contents = self.learn(&programme.bulletins);
        let published = Published {
            sealed: Sealed {
                version,
                by: self.by.clone(),
                payload,
            },
            revisions,
            contents,
        };
        if let Some(old) = self.channels.insert(channel, published) {
            self.forget(&old.contents);
        }
    }

    /// Takes a speaker's configuration; publishes it when it is newer.
    pub fn config(&mut self, config: &SpeakerConfig, out: &mut Vec<Effect>) {
        let version = config.version;
        let known = self.configs.get(&config.speaker);
        if known.is_some_and(|s| s.covers(version, &self.by)) {
            return;
        }
        let payload = self.seal(config);
        if payload.len() > SpeakerConfig::MAX_BYTES {
            let what = format!(
                "the configuration of {} is too long for the wire ({} bytes); shorten its volume windows or name",
                config.speaker,
                payload.len()
            );
            out.push(Effect::Log(LogLine::Trouble { what }));
            return;
        }
        let sealed = Sealed {
            version,
            by: self.by.clone(),
            payload: payload.clone(),
        };
        self.configs.insert(config.speaker.clone(), sealed);
        out.push(Effect::Publish {
            topic: Topic::Config(config.speaker.clone()),
            payload,
        });
    }

    /// The speaker is gone: so are its configuration and its own channel.
    pub fn remove_speaker(&mut self, speaker: &SpeakerId, out: &mut Vec<Effect>) {
        self.configs.remove(speaker);
        let own = Channel::Speaker(speaker.clone());
        if let Some(old) = self.channels.remove(&own) {
            self.forget(&old.contents);
        }
        for topic in [
            Topic::Config(speaker.clone()),
            Topic::Programme(own),
            Topic::Ack(speaker.clone()),
            Topic::Status(speaker.clone()),
        ] {
            out.push(Effect::Publish {
                topic,
                payload: Bytes::new(),
            });
        }
    }

    fn learn(&mut self, bulletins: &[Bulletin]) -> Vec<(ContentId, bool)> {
        bulletins
            .iter()
            .filter_map(|bulletin| {
                let manifest = bulletin.manifest()?;
                let emergency = bulletin.priority == Priority::Emergency;
                let known = self.contents.entry(manifest.content).or_insert(Known {
                    length: manifest.length,
                    blocks: manifest.block_count(),
                    uses: 0,
                    emergencies: 0,
                });
                known.uses += 1;
                known.emergencies += u32::from(emergency);
                Some((manifest.content, emergency))
            })
            .collect()
    }

    fn forget(&mut self, contents: &[(ContentId, bool)]) {
        for (content, emergency) in contents {
            if let Some(known) = self.contents.get_mut(content) {
                known.uses = known.uses.saturating_sub(1);
                known.emergencies = known.emergencies.saturating_sub(u32::from(*emergency));
                if known.uses == 0 {
                    self.contents.remove(content);
                }
            }
        }
    }
}

/// About the bytes of a bulletin on the wire, rather too many.
fn rough_bytes(bulletin: &Bulletin) -> usize {
    use loa_protocol::bulletin::When;
    let when = match &bulletin.when {
        When::Now { date, .. } => date.len(),
        When::At { at } => at.len(),
        When::Rule {
            start,
            rrule,
            except,
        } => start.len() + rrule.len() + except.iter().map(|e| e.len() + 3).sum::<usize>(),
    };
    let signed = bulletin.endorsement.as_ref().map_or(0, |endorsement| {
        let assertions = endorsement.assertions.iter().map(|a| {
            100 + a.credential.len()
                + a.authenticator_data.len()
                + a.client_data.len()
                + a.signature.len()
        });
        100 + endorsement.targets.len() * 80 + assertions.sum::<usize>()
    });
    600 + bulletin.title.len()
        + when
        + bulletin.manifest().map_or(100, |m| m.blocks.len() * 34)
        + signed
}

#[cfg(test)]
mod tests;
