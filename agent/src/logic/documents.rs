//! What the office says, once it is believed: its head, this speaker's configuration, and the channels' programmes
//! with the `now`s on top. Pure state; `inbox` opens, checks and stores the bytes.

use std::{collections::BTreeMap, sync::Arc};

use loa_protocol::{
    bulletin::{Bulletin, BulletinError},
    channel::Channel,
    content::Sha,
    envelope::Refusal,
    head::Head,
    id::{BulletinId, SpeakerId},
    programme::{Command, MAX_BULLETINS, Now, Programme, Version},
    quiet_hours::{parse_time_of_day, parse_zone},
    speaker_config::{MAX_CHANNELS, MAX_ORDERS, SpeakerConfig, VolumePlan},
    time::WallTime,
};

/// Most bulletins that `now`s may have added before the programme that says the same arrives.
pub const MAX_OVERLAYS: usize = 64;

#[derive(Debug)]
pub struct Documents {
    pub head: Option<Head>,
    pub config: SpeakerConfig,
    /// The office has said what the configuration is.
    pub config_known: bool,
    channels: BTreeMap<Channel, Followed>,
    /// Hashes of the bytes last believed, so that what comes again costs no signature check.
    seen: BTreeMap<String, Sha>,
}

/// One followed channel.
#[derive(Debug, Default)]
struct Followed {
    programme: Option<Version>,
    bulletins: BTreeMap<BulletinId, Arc<Bulletin>>,
    silence_before: Option<WallTime>,
    overlays: BTreeMap<BulletinId, Overlay>,
    stop: Option<(Version, WallTime)>,
    /// The newest `now`.
    now: Option<Version>,
}

#[derive(Debug)]
struct Overlay {
    version: Version,
    /// `None`: cancelled.
    bulletin: Option<Arc<Bulletin>>,
    /// It arrived in this run.
    fresh: bool,
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
            config_known: false,
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

    pub fn take_head(&mut self, head: Head) -> Result<Taken, Refusal> {
        let taken = newer(head.version, self.head.as_ref().map(|h| h.version))?;
        if taken == Taken::New {
            self.head = Some(head);
        }
        Ok(taken)
    }

    pub fn take_config(
        &mut self,
        mut config: SpeakerConfig,
    ) -> Result<Option<ChannelChange>, Refusal> {
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
                .extend(followed.stop.map(|_| now_name(&channel, None)));
            change
                .needless
                .extend(followed.programme.map(|_| programme_name(&channel)));
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
        self.config_known = true;
        Ok(Some(change))
    }

    pub fn take_programme(
        &mut self,
        programme: Programme,
    ) -> Result<Option<ProgrammeChange>, Refusal> {
        let channel = programme.channel;
        let followed = self.channels.get_mut(&channel).ok_or(Refusal::WrongScope)?;
        if newer(programme.version, followed.programme)? == Taken::Known {
            return Ok(None);
        }
        if programme.bulletins.len() > MAX_BULLETINS {
            return Err(Refusal::BreaksRule);
        }
        let mut change = ProgrammeChange::default();
        let mut bulletins: BTreeMap<BulletinId, Arc<Bulletin>> = BTreeMap::new();
        for bulletin in programme.bulletins {
            if let Err(error) = bulletin.check() {
                change.wrong.push(error);
            } else if bulletins
                .get(&bulletin.id)
                .is_none_or(|other| other.revision < bulletin.revision)
            {
                // What did not change keeps its place in memory, and so is seen not to have changed.
                let same = followed.bulletins.get(&bulletin.id);
                let kept = same.filter(|old| ***old == bulletin).cloned();
                bulletins.insert(
                    bulletin.id.clone(),
                    kept.unwrap_or_else(|| Arc::new(bulletin)),
                );
            }
        }
        followed.programme = Some(programme.version);
        followed.bulletins = bulletins;
        followed.silence_before = programme.silence_before;
        followed.overlays.retain(|id, overlay| {
            let keep = overlay.version > programme.version;
            if !keep {
                change.needless.push(now_name(&channel, Some(id)));
            }
            keep
        });
        if followed
            .stop
            .take_if(|(v, _)| *v <= programme.version)
            .is_some()
        {
            change.needless.push(now_name(&channel, None));
        }
        Ok(Some(change))
    }

    /// Gives the name to store it under, when it says something new.
    pub fn take_now(&mut self, now: Now, fresh: bool) -> Result<Option<String>, Refusal> {
        let followed = self
            .channels
            .get_mut(&now.channel)
            .ok_or(Refusal::WrongScope)?;
        let known = followed.programme.max(followed.now);
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
        followed.now = Some(now.version);
        let name = now_name(&now.channel, subject.as_ref());
        let bulletin = match now.command {
            Command::Start { bulletin } => Some(Arc::new(*bulletin)),
            Command::Cancel { .. } => None,
            Command::Stop { before } => {
                followed.stop = Some((now.version, before));
                return Ok(Some(name));
            }
        };
        if let Some(id) = subject {
            let overlay = Overlay {
                version: now.version,
                bulletin,
                fresh,
            };
            followed.overlays.insert(id, overlay);
        }
        Ok(Some(name))
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
            .filter_map(|(c, f)| Some((c, f.programme?)))
    }

    /// All that the followed channels hold together, with the newest edit of each; `true` when it came by a `now`.
    pub fn effective(&self) -> BTreeMap<BulletinId, (Arc<Bulletin>, bool)> {
        let mut all: BTreeMap<BulletinId, (Arc<Bulletin>, bool)> = BTreeMap::new();
        let mut add = |bulletin: &Arc<Bulletin>, fresh: bool| {
            let known = all.get(&bulletin.id);
            if known.is_none_or(|(other, _)| other.revision < bulletin.revision) {
                all.insert(bulletin.id.clone(), (Arc::clone(bulletin), fresh));
            }
        };
        for followed in self.channels.values() {
            for (id, bulletin) in &followed.bulletins {
                if !followed.overlays.contains_key(id) {
                    add(bulletin, false);
                }
            }
            for overlay in followed.overlays.values() {
                if let Some(bulletin) = &overlay.bulletin {
                    add(bulletin, overlay.fresh);
                }
            }
        }
        all
    }

    /// Whatever was planned at or before this is over.
    pub fn silence_before(&self) -> Option<WallTime> {
        self.channels
            .values()
            .flat_map(|f| [f.silence_before, f.stop.map(|(_, before)| before)])
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
