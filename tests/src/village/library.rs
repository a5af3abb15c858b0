//! What the simulation itself knows of contents and documents, apart from office and poles: the truth to compare with.

use std::{collections::BTreeMap, sync::Arc};

use loa_protocol::{
    content::{BLOCK_BYTES, ContentId, Manifest, Sha},
    envelope::open_unsigned,
    programme::{Now, Programme},
    speaker_config::SpeakerConfig,
    topic::Topic,
};

use super::chance::Chance;

/// A document that the office signed, read by the simulation.
#[derive(Debug)]
pub enum Paper {
    Config(SpeakerConfig),
    Programme(Programme),
    Now(Now),
}

/// Bytes under way, and what the office meant by them. Bytes that nobody signed mean nothing.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub bytes: Arc<[u8]>,
    pub paper: Option<Arc<Paper>>,
}

#[derive(Debug)]
pub struct Audio {
    pub bytes: Vec<u8>,
    pub manifest: Manifest,
}

#[derive(Debug, Default)]
pub struct Library {
    pub audio: BTreeMap<ContentId, Audio>,
    papers: BTreeMap<Sha, Arc<Paper>>,
}

impl Library {
    /// New audio of the length of some seconds; mostly one short block, sometimes several.
    pub fn record(&mut self, chance: &mut Chance) -> Manifest {
        let length = if chance.per_mille(600) {
            chance.between(200, 1_500)
        } else {
            u64::from(BLOCK_BYTES) * chance.between(0, 3) + chance.between(1, 1_500)
        };
        let word = chance.draw().to_le_bytes();
        let bytes: Vec<u8> = (0..length)
            .map(|i| word[(i % 8) as usize].wrapping_add((i / 8) as u8))
            .collect();
        let duration_ms = match chance.below(10) {
            0..6 => chance.between(4_000, 40_000),
            6..9 => chance.between(40_000, 180_000),
            _ => chance.between(180_000, 1_200_000),
        };
        let manifest = Manifest::of(&bytes, duration_ms);
        self.audio.insert(
            manifest.content,
            Audio {
                bytes,
                manifest: manifest.clone(),
            },
        );
        manifest
    }

    /// The recording of something that lasted so long.
    pub fn record_of(&mut self, chance: &mut Chance, duration_ms: u64) -> Manifest {
        let mut manifest = self.record(chance);
        manifest.duration_ms = duration_ms;
        if let Some(audio) = self.audio.get_mut(&manifest.content) {
            audio.manifest.duration_ms = duration_ms;
        }
        manifest
    }

    pub fn block(&self, content: &ContentId, index: u32) -> Option<Arc<[u8]>> {
        let audio = self.audio.get(content)?;
        let (offset, length) = audio.manifest.block_span(index)?;
        let from = offset as usize;
        Some(audio.bytes[from..from + length as usize].into())
    }

    /// Takes note of what the office publishes.
    pub fn parcel(&mut self, topic: &Topic, bytes: &[u8]) -> Parcel {
        let known = match topic {
            Topic::Config(_) | Topic::Programme(_) => self.paper(bytes),
            _ => None,
        };
        if known.is_some() {
            return Parcel {
                bytes: bytes.into(),
                paper: known,
            };
        }
        let paper = match topic {
            Topic::Config(_) => open_unsigned(bytes).ok().map(Paper::Config),
            Topic::Programme(_) => open_unsigned(bytes).ok().map(Paper::Programme),
            Topic::Now(_) => open_unsigned(bytes).ok().map(Paper::Now),
            _ => None,
        };
        let paper = paper.map(|paper| {
            let paper = Arc::new(paper);
            self.papers.insert(Sha::of(bytes), Arc::clone(&paper));
            paper
        });
        Parcel {
            bytes: bytes.into(),
            paper,
        }
    }

    /// What these bytes, once published, meant.
    pub fn paper(&self, bytes: &[u8]) -> Option<Arc<Paper>> {
        self.papers.get(&Sha::of(bytes)).cloned()
    }
}
