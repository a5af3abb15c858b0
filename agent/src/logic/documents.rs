//! What the office says, once it is believed: its head, this speaker's configuration, and the channels' programmes
//! with the `now`s on top, each with the key that signed it. Pure state; `inbox` opens, checks and stores the bytes, and
//! `forget` takes back what is not believed any more.

use std::{collections::BTreeMap, sync::Arc};

use loa_protocol::{
    bulletin::{Bulletin, BulletinError},
    channel::Channel,
    content::Sha,
    envelope::{KeyId, Refusal},
    head::Head,
    id::{BulletinId, SpeakerId},
    programme::{Command, MAX_BULLETINS, Now, Programme, Version},
    quiet_hours::{parse_time_of_day, parse_zone},
    speaker_config::{MAX_CHANNELS, MAX_ORDERS, SpeakerConfig, VolumePlan},
    time::WallTime,
};

use super::judge::{Effective, Judge, Verdict};

/// Most bulletins that `now`s may have added before the programme that says the same arrives.
pub const MAX_OVERLAYS: usize = 64;

#[derive(Debug)]
pub struct Documents {
    pub head: Option<Head>,
    pub(super) head_signer: Option<KeyId>,
    pub config: SpeakerConfig,
    /// The office has said what the configuration is.
    pub config_known: bool,
    pub(super) config_signer: Option<KeyId>,
    /// It is one that nobody vouches for any more, kept for its rules.
    pub holds_to_rules: bool,
    pub(super) channels: BTreeMap<Channel, Followed>,
    /// Hashes of the bytes last believed, so that what comes again costs no signature check.
    seen: BTreeMap<String, Sha>,
}

/// One followed channel.
#[derive(Debug, Default)]
pub(super) struct Followed {
    pub programme: Option<Word>,
    pub bulletins: BTreeMap<BulletinId, Held>,
    pub silence_before: Option<WallTime>,
    pub overlays: BTreeMap<BulletinId, Overlay>,
    pub stop: Option<(WallTime, Word)>,
    /// The newest `now`.
    pub now: Option<Word>,
}

/// Whose word it is, which one, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub version: Version,
    pub signer: KeyId,
    pub expires: Option<WallTime>,
}

#[derive(Debug)]
pub(super) struct Held {
    pub bulletin: Arc<Bulletin>,
    /// What was thought of it last, and in which state of the trust that was.
    pub verdict: Option<(u64, Verdict)>,
}

#[derive(Debug)]
pub(super) struct Overlay {
    pub word: Word,
    /// `None`: cancelled.
    pub bulletin: Option<Held>,
    /// It arrived in this run.
    pub fresh: bool,
}

impl Held {
    fn new(bulletin: Arc<Bulletin>) -> Self {
        Self {
            bulletin,
            verdict: None,
        }
    }
}

impl Followed {
    fn version(&self) -> Option<Version> {
        self.programme.as_ref().map(|word| word.version)
    }
}

/// What became of a document that was believed.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// Nothing new in it.
    Known,
    New,
}

/// What a new configuration changed about the channels.
#[derive(Debug, Default, PartialEq)]
pub struct ChannelChange {
    pub left: Vec<Channel>,
    pub joined: Vec<Channel>,
    /// Stored documents of those that were left.
    pub needless: Vec<String>,
}

/// What a new programme brought besides its bulletins.
#[derive(Debug, Default, PartialEq)]
pub struct ProgrammeChange {
    /// Bulletins that were left out.
    pub wrong: Vec<BulletinError>,
    /// Stored `now`s that it made needless.
    pub needless: Vec<String>,
}

/// Applies until the office has said something: the speaker's own channel, no quiet hours.
pub fn default_config(speaker: &SpeakerId) -> SpeakerConfig {
    SpeakerConfig {
        speaker: speaker.clone(),
        version: Version::default(),
        made: WallTime::EPOCH,
        name: speaker.to_string(),
        channels: vec![Channel::Speaker(speaker.clone())],
        zone: "Asia/Ho_Chi_Minh".into(),
        quiet_hours: Vec::new(),
        volume: VolumePlan::default(),
        muted: false,
        limits: None,
        since: WallTime::EPOCH,
        delay_trim_ms: 0,
        self_test_at: None,
        orders: Vec::new(),
    }
}

/// Keeps the newer: `Known` when equal, `Stale` when older.
fn newer(given: Version, known: Option<Version>) -> Result<Taken, Refusal> {
    match known.map(|known| given.cmp(&known)) {
        None | Some(std::cmp::Ordering::Greater) => Ok(Taken::New),
        Some(std::cmp::Ordering::Equal) => Ok(Taken::Known),
        Some(std::cmp::Ordering::Less) => Err(Refusal::Stale),
    }
}

impl Documents {
    pub fn new(speaker: &SpeakerId) -> Self {
        let config = default_config(speaker);
        let channels = config.channels.iter().cloned();
        Self {
            head: None,
            head_signer: None,
            config_known: false,
            config_signer: None,
            holds_to_rules: false,
            channels: channels.map(|c| (c, Followed::default())).collect(),
            config,
            seen: BTreeMap::new(),
        }
    }

    /// Were the bytes of this document believed before?
    pub fn was_seen(&self, name: &str, bytes: &[u8]) -> bool {
        self.seen
            .get(name)
            .is_some_and(|sha| *sha == Sha::of(bytes))
    }
    pub fn note_seen(&mut self, name: &str, bytes: &[u8]) {
        self.seen.insert(name.into(), Sha::of(bytes));
    }

    pub fn forget_seen(&mut self, name: &str) {
        self.seen.remove(name);
    }

    pub fn take_head(&mut self, head: Head, signer: KeyId) -> Result<Taken, Refusal> {
        let taken = newer(head.version, self.head.as_ref().map(|h| h.version))?;
        if taken == Taken::New {
            self.head = Some(head);
            self.head_signer = Some(signer);
        }
        Ok(taken)
    }

    pub fn take_config(
        &mut self,
        config: SpeakerConfig,
        signer: KeyId,
    ) -> Result<Option<ChannelChange>, Refusal> {
        let change = self.put_config(config)?;
        if change.is_some() {
            self.config_known = true;
            self.holds_to_rules = false;
            self.config_signer = Some(signer);
        }
        Ok(change)
    }

    /// Holds to a configuration that nobody vouches for any more, for want of one that is believed.
    pub fn hold_to(&mut self, config: SpeakerConfig) {
        // One that could not be read would not have been kept.
        self.holds_to_rules = self.put_config(config).is_ok();
    }

    fn put_config(&mut self, mut config: SpeakerConfig) -> Result<Option<ChannelChange>, Refusal> {
        let known = self.config_known.then_some(self.config.version);
        if newer(config.version, known)? == Taken::Known {
            return Ok(None);
        }
        let readable = parse_zone(&config.zone).is_ok()
            && config.quiet_hours.iter().all(|w| w.check().is_ok())
            && config
                .volume
                .by_time
                .iter()
                .all(|w| w.window.check().is_ok())
            && config
                .self_test_at
                .as_deref()
                .is_none_or(|at| parse_time_of_day(at).is_ok());
        let bounded = config.channels.len() <= MAX_CHANNELS && config.orders.len() <= MAX_ORDERS;
        if !readable || !bounded {
            return Err(Refusal::BreaksRule);
        }
        config.delay_trim_ms = config.delay_trim_ms.clamp(-500, 500);
        let mut change = ChannelChange::default();
        let channels = std::mem::take(&mut self.channels);
        for (channel, followed) in channels {
            if config.channels.contains(&channel) {
                self.channels.insert(channel, followed);
                continue;
            }
            let names = followed
                .overlays
                .keys()
                .map(|id| now_name(&channel, Some(id)));
            change.needless.extend(names);
            change
                .needless
                .extend(followed.stop.as_ref().map(|_| now_name(&channel, None)));
            change.needless.extend(
                followed
                    .programme
                    .as_ref()
                    .map(|_| programme_name(&channel)),
            );
            self.seen.remove(&programme_name(&channel));
            change.left.push(channel);
        }
        for channel in &config.channels {
            if !self.channels.contains_key(channel) {
                self.channels.insert(channel.clone(), Followed::default());
                change.joined.push(channel.clone());
            }
        }
        self.config = config;
        Ok(Some(change))
    }

    pub fn take_programme(
        &mut self,
        programme: Programme,
        signer: KeyId,
    ) -> Result<Option<ProgrammeChange>, Refusal> {
        let channel = programme.channel;
        let followed = self.channels.get_mut(&channel).ok_or(Refusal::WrongScope)?;
        if newer(programme.version, followed.version())? == Taken::Known {
            return Ok(None);
        }
        if programme.bulletins.len() > MAX_BULLETINS {
            return Err(Refusal::BreaksRule);
        }
        let mut change = ProgrammeChange::default();
        let mut bulletins: BTreeMap<BulletinId, Held> = BTreeMap::new();
        // What was thought of a bulletin holds as long as the same key says it.
        let same_signer = followed
            .programme
            .as_ref()
            .is_some_and(|word| word.signer == signer);
        for bulletin in programme.bulletins {
            if let Err(error) = bulletin.check() {
                change.wrong.push(error);
            } else if bulletins
                .get(&bulletin.id)
                .is_none_or(|other| other.bulletin.revision < bulletin.revision)
            {
                // What did not change keeps its place in memory, and so is seen not to have changed.
                let same = followed.bulletins.get(&bulletin.id);
                let kept = same
                    .filter(|old| *old.bulletin == bulletin)
                    .map(|old| Held {
                        bulletin: Arc::clone(&old.bulletin),
                        verdict: old.verdict.filter(|_| same_signer),
                    });
                bulletins.insert(
                    bulletin.id.clone(),
                    kept.unwrap_or_else(|| Held::new(Arc::new(bulletin))),
                );
            }
        }
        followed.programme = Some(Word {
            version: programme.version,
            signer,
            expires: programme.expires,
        });
        followed.bulletins = bulletins;
        followed.silence_before = programme.silence_before;
        followed.overlays.retain(|id, overlay| {
            let keep = overlay.word.version > programme.version;
            if !keep {
                change.needless.push(now_name(&channel, Some(id)));
            }
            keep
        });
        if followed
            .stop
            .take_if(|(_, word)| word.version <= programme.version)
            .is_some()
        {
            change.needless.push(now_name(&channel, None));
        }
        Ok(Some(change))
    }

    /// Gives the name to store it under, when it says something new.
    pub fn take_now(
        &mut self,
        now: Now,
        signer: KeyId,
        fresh: bool,
    ) -> Result<Option<String>, Refusal> {
        let followed = self
            .channels
            .get_mut(&now.channel)
            .ok_or(Refusal::WrongScope)?;
        let last_now = followed.now.as_ref().map(|word| word.version);
        let known = followed.version().max(last_now);
        if newer(now.version, known)? == Taken::Known {
            return Ok(None);
        }
        let subject = match &now.command {
            Command::Start { bulletin } => {
                bulletin.check().map_err(|_| Refusal::BreaksRule)?;
                Some(bulletin.id.clone())
            }
            Command::Cancel { bulletin } => Some(bulletin.clone()),
            Command::Stop { .. } => None,
        };
        let most = match now.command {
            Command::Start { .. } => MAX_OVERLAYS,
            // Silence is owed longer than sound.
            _ => MAX_BULLETINS,
        };
        let is_known = |id| followed.overlays.contains_key(id);
        if followed.overlays.len() >= most && subject.as_ref().is_some_and(|id| !is_known(id)) {
            // The programme that says the same is on its way.
            return Err(Refusal::BreaksRule);
        }
        let word = Word {
            version: now.version,
            signer,
            expires: None,
        };
        followed.now = Some(word.clone());
        let name = now_name(&now.channel, subject.as_ref());
        let bulletin = match now.command {
            Command::Start { bulletin } => Some(Held::new(Arc::new(*bulletin))),
            Command::Cancel { .. } => None,
            Command::Stop { before } => {
                followed.stop = Some((before, word));
                return Ok(Some(name));
            }
        };
        if let Some(id) = subject {
            let overlay = Overlay {
                word,
                bulletin,
                fresh,
            };
            followed.overlays.insert(id, overlay);
        }
        Ok(Some(name))
    }

    /// Does the word of this channel hold this bulletin?
    pub fn speaks_of(&self, channel: &Channel, id: &BulletinId) -> bool {
        self.channels
            .get(channel)
            .is_some_and(|followed| match followed.overlays.get(id) {
                Some(overlay) => overlay.bulletin.is_some(),
                None => followed.bulletins.contains_key(id),
            })
    }

    /// All channels that hold it.
    pub fn channels_of<'a>(&'a self, id: &'a BulletinId) -> impl Iterator<Item = &'a Channel> {
        let channels = self.channels.keys();
        channels.filter(|channel| self.speaks_of(channel, id))
    }

    pub fn follows(&self, channel: &Channel) -> bool {
        self.channels.contains_key(channel)
    }
    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.keys()
    }
    pub fn programmes(&self) -> impl Iterator<Item = (&Channel, Version)> {
        self.channels
            .iter()
            .filter_map(|(c, f)| Some((c, f.version()?)))
    }

    /// All that the followed channels hold together and that the judge lets pass, with the newest edit of each.
    pub fn effective(&mut self, judge: &Judge<'_>) -> Effective {
        let mut effective = Effective::default();
        for (channel, followed) in &mut self.channels {
            if let Some(word) = &followed.programme {
                for (id, held) in &mut followed.bulletins {
                    if !followed.overlays.contains_key(id) {
                        let verdict = judge.of(held, channel, word);
                        effective.add(held, false, verdict);
                    }
                }
            }
            for overlay in followed.overlays.values_mut() {
                if let Some(held) = &mut overlay.bulletin {
                    let verdict = judge.of(held, channel, &overlay.word);
                    effective.add(held, overlay.fresh, verdict);
                }
            }
        }
        effective
    }

    /// When the next programme runs out.
    pub fn next_expiry(&self, now: WallTime) -> Option<WallTime> {
        let words = self.channels.values().filter_map(|f| f.programme.as_ref());
        let expiries = words.filter_map(|word| word.expires);
        expiries.filter(|at| *at >= now).min()
    }

    /// Whatever was planned at or before this is over.
    pub fn silence_before(&self) -> Option<WallTime> {
        self.channels
            .values()
            .flat_map(|f| [f.silence_before, f.stop.as_ref().map(|(before, _)| *before)])
            .flatten()
            .max()
    }
}

pub const HEAD: &str = "head";
pub const CONFIG: &str = "config";

pub fn programme_name(channel: &Channel) -> String {
    format!("programme:{channel}")
}

/// One for each bulletin and one for the stop, so that what a later `now` replaces is replaced on disk too.
pub fn now_name(channel: &Channel, bulletin: Option<&BulletinId>) -> String {
    match bulletin {
        Some(id) => format!("now:{channel}:{id}"),
        None => format!("now:{channel}:*"),
    }
}
