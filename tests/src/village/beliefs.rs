//! What a speaker has been told and must hold to, in the plainest form: kept by the simulation beside the agent, from
//! the documents that reached it, to ask of every sound whether it was allowed.

use std::{collections::BTreeMap, sync::Arc};

use loa_protocol::{
    channel::Channel,
    id::{BulletinId, SpeakerId},
    programme::{Command, Version},
    speaker_config::SpeakerConfig,
    time::WallTime,
    topic::Topic,
};

use super::library::{Library, Paper};

#[derive(Clone, Debug)]
pub struct Beliefs {
    speaker: SpeakerId,
    pub config: Option<Arc<Paper>>,
    pub channels: BTreeMap<Channel, Told>,
}

#[derive(Clone, Debug, Default)]
pub struct Told {
    pub programme: Option<(Version, Arc<Paper>)>,
    /// The newest `now`.
    last_now: Option<Version>,
    /// Bulletins of which a `now` newer than the programme says that they are (not) to be.
    nows: BTreeMap<BulletinId, (Version, bool)>,
    stop: Option<(Version, WallTime)>,
}

impl Beliefs {
    /// What the documents on a disk say: the configuration first, then programmes, then `now`s in their order.
    pub fn from_disk(
        speaker: &SpeakerId,
        documents: &BTreeMap<String, Vec<u8>>,
        library: &Library,
    ) -> Self {
        let mut beliefs = Self {
            speaker: speaker.clone(),
            config: None,
            channels: BTreeMap::from([(Channel::Speaker(speaker.clone()), Told::default())]),
        };
        let mut papers: Vec<Arc<Paper>> = documents
            .values()
            .filter_map(|bytes| library.paper(bytes))
            .collect();
        papers.sort_by_key(|paper| match &**paper {
            Paper::Config(c) => (0, c.version),
            Paper::Programme(p) => (1, p.version),
            Paper::Now(n) => (2, n.version),
        });
        for paper in papers {
            let topic = match &*paper {
                Paper::Config(c) => Topic::Config(c.speaker.clone()),
                Paper::Programme(p) => Topic::Programme(p.channel.clone()),
                Paper::Now(n) => Topic::Now(n.channel.clone()),
            };
            beliefs.take(&topic.to_string(), &paper);
        }
        beliefs
    }

    /// `true` when it is for this speaker and newer than what it knew.
    pub fn take(&mut self, topic: &str, paper: &Arc<Paper>) -> bool {
        let Ok(topic) = topic.parse::<Topic>() else {
            return false;
        };
        match (&**paper, topic) {
            (Paper::Config(config), Topic::Config(speaker)) => {
                if speaker != self.speaker || config.speaker != speaker {
                    return false;
                }
                if self.config().is_some_and(|c| c.version >= config.version) {
                    return false;
                }
                self.config = Some(Arc::clone(paper));
                let mut old = std::mem::take(&mut self.channels);
                for channel in &config.channels {
                    let told = old.remove(channel).unwrap_or_default();
                    self.channels.insert(channel.clone(), told);
                }
                true
            }
            (Paper::Programme(programme), Topic::Programme(channel)) => {
                let Some(told) = self.channels.get_mut(&channel) else {
                    return false;
                };
                let version = programme.version;
                if programme.channel != channel || told.version() >= Some(version) {
                    return false;
                }
                told.programme = Some((version, Arc::clone(paper)));
                told.nows.retain(|_, (v, _)| *v > version);
                told.stop.take_if(|(v, _)| *v <= version);
                true
            }
            (Paper::Now(now), Topic::Now(channel)) => {
                let Some(told) = self.channels.get_mut(&channel) else {
                    return false;
                };
                let version = now.version;
                if now.channel != channel || told.version().max(told.last_now) >= Some(version) {
                    return false;
                }
                told.last_now = Some(version);
                match &now.command {
                    Command::Start { bulletin } => {
                        told.nows.insert(bulletin.id.clone(), (version, true));
                    }
                    Command::Cancel { bulletin } => {
                        told.nows.insert(bulletin.clone(), (version, false));
                    }
                    Command::Stop { before } => told.stop = Some((version, *before)),
                }
                true
            }
            _ => false,
        }
    }

    pub fn config(&self) -> Option<&SpeakerConfig> {
        match self.config.as_deref() {
            Some(Paper::Config(config)) => Some(config),
            _ => None,
        }
    }

    /// Is this bulletin on any channel that the speaker follows?
    pub fn has(&self, bulletin: &BulletinId) -> bool {
        self.channels
            .values()
            .any(|told| match told.nows.get(bulletin) {
                Some((_, is_to_be)) => *is_to_be,
                None => told
                    .bulletins()
                    .is_some_and(|mut all| all.any(|b| b.id == *bulletin)),
            })
    }

    /// Everything planned at or before this is over.
    pub fn silence_before(&self) -> Option<WallTime> {
        let of_nows = self.channels.values().filter_map(|t| Some(t.stop?.1));
        let of_programmes =
            self.channels
                .values()
                .filter_map(|t| match t.programme.as_ref()?.1.as_ref() {
                    Paper::Programme(p) => p.silence_before,
                    _ => None,
                });
        of_nows.chain(of_programmes).max()
    }
}

impl Told {
    pub fn version(&self) -> Option<Version> {
        self.programme.as_ref().map(|(v, _)| *v)
    }

    fn bulletins(&self) -> Option<impl Iterator<Item = &loa_protocol::bulletin::Bulletin>> {
        match self.programme.as_ref()?.1.as_ref() {
            Paper::Programme(p) => Some(p.bulletins.iter()),
            _ => None,
        }
    }
}
