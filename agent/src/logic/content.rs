//! Which audio is here, which is needed, and which is asked for: pure bookkeeping of blocks.
//!
//! Needed is the content of every bulletin with an air time within a week; what sounds or is suspended comes first,
//! then emergencies, then the nearest air time.
//!
//! Bounds: at most [`MAX_WANTED`] contents are asked for at once; at most [`MAX_STORING`] blocks are on their way to the
//! disk, and what comes on top is dropped and asked for again. When there is no room for all that is needed, the first
//! in the order above win. What is not needed stays until its room is needed, the longest unused goes first.

use std::{collections::BTreeMap, sync::Arc};

use loa_protocol::{
    bulletin::Bulletin,
    content::{BLOCK_BYTES, Bitmap, ContentId, Manifest, Want},
    time::WallTime,
};

use super::port::HeldContent;

pub const MAX_WANTED: usize = 8;
pub const MAX_STORING: u32 = 16;
/// Content whose blocks are right and whose whole is wrong so often is given up until the next connection: its manifest
/// lies, or the disk does.
const MAX_BAD: u8 = 3;
/// Most contents on disk; beyond it the longest unused go, however much room there is.
const MAX_CONTENTS: usize = 2_000;

#[derive(Debug)]
pub struct Contents {
    quota_bytes: u64,
    held: BTreeMap<ContentId, Held>,
    /// In the order in which it is wanted.
    needed: Vec<Need>,
    wanted: Vec<ContentId>,
    storing: u32,
    uses: u64,
    bad: BTreeMap<ContentId, u8>,
    /// What is needed may have changed.
    pub stale: bool,
    pub(super) ask: Ask,
}

/// When to ask for blocks again.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub at: Option<u64>,
    pub pause_us: u64,
    /// A block was dropped because too many were on their way to the disk.
    pub dropped: bool,
}

#[derive(Debug)]
enum Held {
    Complete { bytes: u64, used: u64 },
    Partial(Blocks),
}

#[derive(Debug, Default)]
struct Blocks {
    stored: Bitmap,
    storing: Bitmap,
    finishing: bool,
}

/// A content that will be needed, and how much.
#[derive(Clone, Debug)]
pub struct Need {
    pub bulletin: Arc<Bulletin>,
    pub rank: Rank,
    /// There is room for it.
    pub admitted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    OnStage,
    Emergency(WallTime),
    Later(WallTime),
}

impl Need {
    pub fn manifest(&self) -> &Manifest {
        self.bulletin
            .manifest()
            .expect("only bulletins with audio are needed")
    }
}

impl Contents {
    pub fn new(quota_bytes: u64, stored: Vec<(ContentId, HeldContent)>) -> Self {
        let held = stored.into_iter().map(|(content, held)| {
            let held = match held {
                HeldContent::Complete { bytes } => Held::Complete { bytes, used: 0 },
                HeldContent::Partial { held } => Held::Partial(Blocks {
                    stored: held,
                    ..Blocks::default()
                }),
            };
            (content, held)
        });
        Self {
            quota_bytes,
            held: held.collect(),
            needed: Vec::new(),
            wanted: Vec::new(),
            storing: 0,
            uses: 0,
            bad: BTreeMap::new(),
            stale: true,
            ask: Ask::default(),
        }
    }

    /// Bytes of audio that are here, and that may be.
    pub fn bytes(&self) -> (u64, u64) {
        let held = self.held.values().map(|held| match held {
            Held::Complete { bytes, .. } => *bytes,
            Held::Partial(blocks) => u64::from(blocks.stored.count()) * u64::from(BLOCK_BYTES),
        });
        (held.fold(0, u64::saturating_add), self.quota_bytes)
    }

    pub fn is_complete(&self, content: &ContentId) -> bool {
        matches!(self.held.get(content), Some(Held::Complete { .. }))
    }

    /// It is used now.
    pub fn touch(&mut self, content: &ContentId) {
        self.uses += 1;
        if let Some(Held::Complete { used, .. }) = self.held.get_mut(content) {
            *used = self.uses;
        }
    }

    /// Takes what is needed, any order, a content perhaps more than once. Gives what must go from the disk, and whether
    /// there is room for all that is needed.
    pub fn set_needed(&mut self, mut needed: Vec<Need>) -> (Vec<ContentId>, bool) {
        needed.sort_by_key(|need| (need.rank, need.manifest().content));
        let mut seen = std::collections::BTreeSet::new();
        needed.retain(|need| seen.insert(need.manifest().content));
        let mut room = self.quota_bytes;
        let mut fits = true;
        for need in &mut needed {
            let length = need.manifest().length;
            need.admitted = length <= room || need.rank == Rank::OnStage;
            if need.admitted {
                room = room.saturating_sub(length);
            } else {
                fits = false;
            }
        }
        self.needed = needed;
        self.wanted = self
            .needed
            .iter()
            .filter(|need| need.admitted)
            .map(|need| need.manifest().content)
            .filter(|content| !self.is_complete(content) && !self.is_given_up(content))
            .take(MAX_WANTED)
            .collect();
        (self.make_room(), fits)
    }

    /// A new connection: what was given up may be tried again.
    pub fn forgive(&mut self) {
        self.stale |= !self.bad.is_empty();
        self.bad.clear();
    }

    fn is_given_up(&self, content: &ContentId) -> bool {
        self.bad.get(content).is_some_and(|times| *times >= MAX_BAD)
    }

    /// Chooses what goes so that everything admitted fits: unfinished and unneeded first, then the longest unused, then
    /// what is needed last.
    fn make_room(&mut self) -> Vec<ContentId> {
        let admitted = |need: &&Need| need.admitted;
        let owed: u64 = self
            .needed
            .iter()
            .filter(admitted)
            .map(|n| n.manifest().length)
            .sum();
        let mut others: Vec<((u8, u64), ContentId, u64)> = Vec::new();
        let places: BTreeMap<ContentId, (usize, bool)> = self
            .needed
            .iter()
            .enumerate()
            .map(|(place, need)| (need.manifest().content, (place, need.admitted)))
            .collect();
        for (content, held) in &self.held {
            let (bytes, used, unfinished) = match held {
                Held::Complete { bytes, used } => (*bytes, *used, false),
                Held::Partial(blocks) => {
                    let bytes = u64::from(blocks.stored.count()) * u64::from(BLOCK_BYTES);
                    (bytes, 0, true)
                }
            };
            match places.get(content) {
                Some((_, true)) => {}
                Some((place, false)) => {
                    others.push(((2, u64::MAX - *place as u64), *content, bytes))
                }
                None => others.push(((u8::from(!unfinished), used), *content, bytes)),
            }
        }
        others.sort_unstable_by_key(|(first_to_go, content, _)| (*first_to_go, *content));
        let mut total = owed + others.iter().map(|(_, _, bytes)| bytes).sum::<u64>();
        let mut count = self.held.len();
        let mut gone = Vec::new();
        for (_, content, bytes) in others {
            if total <= self.quota_bytes && count <= MAX_CONTENTS {
                break;
            }
            total -= bytes;
            count -= 1;
            self.held.remove(&content);
            gone.push(content);
        }
        gone
    }

    /// A block came. Gives where to write it; `Ok(None)` when it is not needed (any more), or cannot be taken now.
    pub fn take_block(
        &mut self,
        content: ContentId,
        index: u32,
        bytes: &[u8],
    ) -> Result<Option<(u64, u64)>, ()> {
        if !self.wanted.contains(&content) {
            return Ok(None);
        }
        let Some(need) = self.needed.iter().find(|n| n.manifest().content == content) else {
            return Ok(None);
        };
        let manifest = need.manifest();
        let held = self
            .held
            .entry(content)
            .or_insert_with(|| Held::Partial(Blocks::default()));
        let Held::Partial(blocks) = held else {
            return Ok(None);
        };
        if blocks.stored.contains(index) || blocks.storing.contains(index) || blocks.finishing {
            return Ok(None);
        }
        manifest.check_block(index, bytes).map_err(|_| ())?;
        if self.storing >= MAX_STORING {
            self.ask.dropped = true;
            return Ok(None);
        }
        let Some((offset, _)) = manifest.block_span(index) else {
            return Ok(None);
        };
        blocks.storing.insert(index);
        self.storing += 1;
        Ok(Some((offset, manifest.length)))
    }

    /// The block is on disk, or is not.
    pub fn block_settled(&mut self, content: &ContentId, index: u32, stored: bool) {
        if let Some(Held::Partial(blocks)) = self.held.get_mut(content)
            && blocks.storing.contains(index)
        {
            blocks.storing.remove(index);
            if stored {
                blocks.stored.insert(index);
            }
        }
        self.storing = self.storing.saturating_sub(1);
    }

    pub fn is_storing(&self) -> bool {
        self.storing > 0
    }

    /// Contents of which every block is on disk now, told once.
    pub fn take_whole(&mut self) -> Vec<ContentId> {
        let mut whole = Vec::new();
        for content in &self.wanted {
            let need = self
                .needed
                .iter()
                .find(|n| n.manifest().content == *content);
            let Some((need, Held::Partial(blocks))) = need.zip(self.held.get_mut(content)) else {
                continue;
            };
            if !blocks.finishing
                && count_of(blocks, need.manifest()) == need.manifest().block_count()
            {
                blocks.finishing = true;
                whole.push(*content);
            }
        }
        whole
    }

    /// The whole is there and right. Gives whether it was awaited.
    pub fn ready(&mut self, content: ContentId) -> bool {
        self.uses += 1;
        let used = self.uses;
        match self.held.get_mut(&content) {
            Some(held) => {
                if let Held::Partial(blocks) = held {
                    let bytes = u64::from(blocks.stored.count()) * u64::from(BLOCK_BYTES);
                    *held = Held::Complete { bytes, used };
                    self.stale = true;
                    return true;
                }
                false
            }
            None => false,
        }
    }

    /// Nothing of it is there (any more).
    pub fn lost(&mut self, content: ContentId) {
        if matches!(
            self.held.remove(&content),
            Some(Held::Partial(Blocks {
                finishing: true,
                ..
            }))
        ) {
            let times = self.bad.entry(content).or_default();
            *times = times.saturating_add(1);
        }
        self.stale = true;
    }

    pub fn wanted(&self) -> impl Iterator<Item = ContentId> {
        self.wanted.iter().copied()
    }

    /// What to ask the office for; without those of which everything is on its way to the disk.
    pub fn wants(&self) -> Vec<Want> {
        let mut wants = Vec::new();
        for content in &self.wanted {
            let Some(need) = self
                .needed
                .iter()
                .find(|n| n.manifest().content == *content)
            else {
                continue;
            };
            let mut missing = Bitmap::full(need.manifest().block_count());
            if let Some(Held::Partial(blocks)) = self.held.get(content) {
                blocks
                    .stored
                    .iter()
                    .chain(blocks.storing.iter())
                    .for_each(|i| missing.remove(i));
            }
            if !missing.is_empty() {
                wants.push(Want {
                    content: *content,
                    missing,
                    urgent: matches!(need.rank, Rank::OnStage | Rank::Emergency(_)),
                });
            }
        }
        wants
    }

    pub fn held_of_needed(&self) -> impl Iterator<Item = ContentId> {
        let contents = self.needed.iter().map(|n| n.manifest().content);
        contents.filter(|content| self.is_complete(content))
    }

    pub fn partial_of_needed(&self) -> impl Iterator<Item = (ContentId, u32, u32)> {
        self.needed.iter().filter_map(|need| {
            let manifest = need.manifest();
            match self.held.get(&manifest.content)? {
                Held::Partial(blocks) => Some((
                    manifest.content,
                    count_of(blocks, manifest),
                    manifest.block_count(),
                )),
                Held::Complete { .. } => None,
            }
        })
    }

    pub fn deadline(&self) -> Option<u64> {
        self.ask.at
    }
}

/// Blocks on disk that the manifest knows.
fn count_of(blocks: &Blocks, manifest: &Manifest) -> u32 {
    let known = blocks
        .stored
        .iter()
        .take_while(|i| *i < manifest.block_count());
    known.count() as u32
}
