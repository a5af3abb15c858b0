//! A naive stand-in for the office's database: a few maps, and beside them the history that the checks ask for.

use std::collections::BTreeMap;

use loa_controller::logic::ChannelState;
use loa_protocol::{
    bulletin::Bulletin,
    channel::Channel,
    event::{Event, What},
    id::{BulletinId, SpeakerId, StoreId},
    playout::{Playout, PlayoutId},
    programme::Version,
    speaker_config::SpeakerConfig,
    time::WallTime,
};

use super::{Micros, pattern::Pattern};

pub const EPOCH: u64 = 1;

#[derive(Debug, Default)]
pub struct Database {
    pub head_generation: u64,
    pub channels: BTreeMap<Channel, ChannelRow>,
    pub bulletins: BTreeMap<BulletinId, Kept>,
    pub configs: BTreeMap<SpeakerId, SpeakerConfig>,
    pub events: BTreeMap<(SpeakerId, StoreId), BTreeMap<u64, Event>>,
    pub playouts: BTreeMap<(SpeakerId, PlayoutId), Playout>,
    through: BTreeMap<SpeakerId, (StoreId, u64)>,
    /// Every edit of every bulletin, for the reference.
    pub revisions: Vec<Revision>,
    /// Every stop: when, on which channels.
    pub stops: Vec<(Micros, Vec<Channel>)>,
}

#[derive(Clone, Debug, Default)]
pub struct ChannelRow {
    pub generation: u64,
    pub silence_before: Option<WallTime>,
}

#[derive(Clone, Debug)]
pub struct Kept {
    pub bulletin: Bulletin,
    pub pattern: Pattern,
    pub targets: Vec<Channel>,
    pub cancelled: bool,
}

/// One edit of a bulletin, and how long it stood.
#[derive(Clone, Debug)]
pub struct Revision {
    pub from: Micros,
    pub until: Micros,
    pub kept: Kept,
    /// From which generation on each channel's programme holds it.
    pub generations: BTreeMap<Channel, u64>,
}

impl Database {
    /// A new generation of each channel.
    pub fn bump(&mut self, channels: &[Channel]) {
        for channel in channels {
            self.channels.entry(channel.clone()).or_default().generation += 1;
        }
    }

    /// Adds a bulletin or its next revision; gives the channels whose programmes changed.
    pub fn put(&mut self, now: Micros, kept: Kept) -> Vec<Channel> {
        let id = kept.bulletin.id.clone();
        let mut touched = kept.targets.clone();
        if let Some(old) = self.bulletins.get(&id) {
            for channel in &old.targets {
                if !touched.contains(channel) {
                    touched.push(channel.clone());
                }
            }
        }
        self.bump(&touched);
        self.close(&id, now);
        let generations = kept
            .targets
            .iter()
            .map(|c| (c.clone(), self.channels[c].generation))
            .collect();
        self.revisions.push(Revision {
            from: now,
            until: Micros::MAX,
            kept: kept.clone(),
            generations,
        });
        self.bulletins.insert(id, kept);
        touched
    }

    pub fn cancel(&mut self, now: Micros, id: &BulletinId) -> Vec<Channel> {
        let Some(kept) = self.bulletins.get_mut(id).filter(|k| !k.cancelled) else {
            return Vec::new();
        };
        kept.cancelled = true;
        let touched = kept.targets.clone();
        self.bump(&touched);
        self.close(id, now);
        touched
    }

    fn close(&mut self, id: &BulletinId, now: Micros) {
        for revision in &mut self.revisions {
            if revision.kept.bulletin.id == *id && revision.until == Micros::MAX {
                revision.until = now;
            }
        }
    }

    pub fn stop(&mut self, now: Micros, at: WallTime, channels: &[Channel]) {
        self.bump(channels);
        for channel in channels {
            let row = self.channels.entry(channel.clone()).or_default();
            row.silence_before = row.silence_before.max(Some(at));
        }
        self.stops.push((now, channels.to_vec()));
    }

    pub fn channel(&self, channel: &Channel) -> ChannelState {
        let row = self.channels.get(channel).cloned().unwrap_or_default();
        ChannelState {
            channel: channel.clone(),
            version: version(row.generation),
            silence_before: row.silence_before,
            bulletins: self
                .bulletins
                .values()
                .filter(|kept| !kept.cancelled && kept.targets.contains(channel))
                .map(|kept| kept.bulletin.clone())
                .collect(),
        }
    }

    /// Stores what is new; gives the highest number with no hole before it, or what is wrong with them.
    pub fn record(
        &mut self,
        speaker: &SpeakerId,
        store: &StoreId,
        events: &[Event],
    ) -> Result<u64, String> {
        let kept = self
            .events
            .entry((speaker.clone(), store.clone()))
            .or_default();
        for event in events {
            if let Some(known) = kept.get(&event.number) {
                if known != event {
                    return Err(format!(
                        "{speaker} used number {} twice: {known:?} and {event:?}",
                        event.number
                    ));
                }
                continue;
            }
            kept.insert(event.number, event.clone());
            let playout = match &event.what {
                What::Started { playout }
                | What::Suspended { playout, .. }
                | What::Ended { playout } => playout,
                _ => continue,
            };
            // Batches may overtake each other: the later number counts.
            let later = kept.range(event.number + 1..).any(|(_, e)| {
                matches!(&e.what, What::Started { playout: p } | What::Suspended { playout: p, .. } | What::Ended { playout: p } if p.id == playout.id)
            });
            if !later {
                let key = (speaker.clone(), playout.id.clone());
                self.playouts.insert(key, playout.clone());
            }
        }
        let entry = self
            .through
            .entry(speaker.clone())
            .or_insert_with(|| (store.clone(), 0));
        if entry.0 != *store {
            *entry = (store.clone(), 0);
        }
        while kept.contains_key(&(entry.1 + 1)) {
            entry.1 += 1;
        }
        Ok(entry.1)
    }

    pub fn through(&self, speaker: &SpeakerId) -> u64 {
        self.through.get(speaker).map_or(0, |(_, through)| *through)
    }

    /// For a sabotage: the mark moves, and nothing is stored.
    pub fn pretend(&mut self, speaker: &SpeakerId, through: u64) {
        if let Some((_, mark)) = self.through.get_mut(speaker) {
            *mark = (*mark).max(through);
        }
    }

    pub fn acked(&self) -> Vec<(SpeakerId, StoreId, u64)> {
        self.through
            .iter()
            .map(|(speaker, (store, through))| (speaker.clone(), store.clone(), *through))
            .collect()
    }
}

pub fn version(generation: u64) -> Version {
    Version {
        epoch: EPOCH,
        generation,
    }
}
