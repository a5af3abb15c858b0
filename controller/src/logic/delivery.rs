//! Which block goes out next. Speakers say what they miss; a block is sent once to all who want it.
//!
//! Wants are joined: of each content the union of all holes is sent, round and round from where the last sending stood,
//! so that whoever comes late waits for what it missed and nobody else's blocks are sent again.
//! A block counts as on its way for [`ON_ITS_WAY_US`], but only to a speaker that asked before it was sent:
//! one that came later was not listening yet.
//!
//! Order: an emergency's content, then what stands nearest to the air in somebody's want, then what was asked for first.
//!
//! Bounds: [`MAX_CONTENTS`] contents (the one idle for longest goes, then the oldest that is no emergency's; its speakers
//! ask again), [`MAX_ASKERS`] speakers remembered for each, [`MAX_WANTS`] contents in one want.

use std::collections::{BTreeMap, HashMap};

use loa_protocol::{
    content::{BLOCK_BYTES, Bitmap, ContentId, Want},
    id::SpeakerId,
};

use super::programmes::Known;

/// Contents that are being sent or were just sent.
pub const MAX_CONTENTS: usize = 256;
/// Speakers remembered for each content; one beyond it gets what it asks for, also twice.
pub const MAX_ASKERS: usize = 10_000;
/// Contents looked at in one want, nearest air time first.
pub const MAX_WANTS: usize = 64;
/// How long a sent block is presumed to be on its way, in microseconds.
pub const ON_ITS_WAY_US: u64 = 2_000_000;
/// A content that nobody asked for this long is forgotten, in microseconds.
const FORGET_US: u64 = 60_000_000;
/// Blocks go out in groups about this far apart, so that pacing does not mean one wake-up a block; microseconds.
const STEP_US: u64 = 20_000;
/// Most bytes sent in one go after a rest.
const BURST_BYTES: u64 = 256 * 1024;

#[derive(Debug)]
struct Job {
    urgent: bool,
    /// Nearest place in the last wants of anybody; 0 is "needed first".
    rank: usize,
    /// Order of arrival.
    arrived: u64,
    blocks: u32,
    pending: Bitmap,
    pending_count: u32,
    cursor: u32,
    /// Not before this: others are about to ask for the same.
    gather_until_us: u64,
    /// When each block was last sent; 0: never.
    sent_us: Vec<u64>,
    /// Who asked, and when first.
    askers: HashMap<SpeakerId, u64>,
    last_asked_us: u64,
}

/// One block to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub content: ContentId,
    pub index: u32,
    /// It had gone out before.
    pub again: bool,
}

#[derive(Debug)]
pub struct Delivery {
    bytes_per_s: u64,
    gather_us: u64,
    jobs: BTreeMap<ContentId, Job>,
    arrivals: u64,
    /// Jobs with something to send.
    busy: usize,
    tokens: u64,
    refilled_us: u64,
    next_us: u64,
}

impl Delivery {
    /// `bytes_per_s`: how fast blocks go out; below one block a second it is one block a second.
    pub fn new(bytes_per_s: u32, gather_ms: u32) -> Self {
        Self {
            bytes_per_s: u64::from(bytes_per_s.max(BLOCK_BYTES)),
            gather_us: u64::from(gather_ms) * 1_000,
            jobs: BTreeMap::new(),
            arrivals: 0,
            busy: 0,
            tokens: BURST_BYTES,
            refilled_us: 0,
            next_us: 0,
        }
    }

    /// A speaker asks. Returns how many of its wants were not followed because of a bound, or because no programme
    /// names the content.
    pub fn ask(
        &mut self,
        speaker: &SpeakerId,
        wants: &[Want],
        known: impl Fn(&ContentId) -> Option<Known>,
        now_us: u64,
    ) -> usize {
        let mut dropped = wants.len().saturating_sub(MAX_WANTS);
        for (rank, want) in wants.iter().take(MAX_WANTS).enumerate() {
            let followed = known(&want.content).is_some_and(|known| {
                self.make_room(&want.content, now_us)
                    && self.take(speaker, want, known, rank, now_us)
            });
            dropped += usize::from(!followed);
        }
        dropped
    }

    fn take(
        &mut self,
        speaker: &SpeakerId,
        want: &Want,
        known: Known,
        rank: usize,
        now_us: u64,
    ) -> bool {
        let arrivals = &mut self.arrivals;
        let job = self.jobs.entry(want.content).or_insert_with(|| {
            *arrivals += 1;
            Job {
                urgent: false,
                rank,
                arrived: *arrivals,
                blocks: known.blocks,
                pending: Bitmap::default(),
                pending_count: 0,
                cursor: 0,
                gather_until_us: 0,
                sent_us: vec![0; known.blocks as usize],
                askers: HashMap::new(),
                last_asked_us: now_us,
            }
        });
        let idle = job.pending_count == 0;
        job.urgent = known.is_urgent();
        job.last_asked_us = now_us;
        job.rank = if idle { rank } else { job.rank.min(rank) };
        let first_asked = match job.askers.get(speaker) {
            Some(first) => *first,
            None => {
                if job.askers.len() < MAX_ASKERS {
                    job.askers.insert(speaker.clone(), now_us);
                }
                now_us
            }
        };
        for index in want.missing.iter().take_while(|i| *i < job.blocks) {
            let sent = job.sent_us[index as usize];
            let on_its_way =
                sent >= first_asked && sent != 0 && now_us.saturating_sub(sent) < ON_ITS_WAY_US;
            if !on_its_way && !job.pending.contains(index) {
                job.pending.insert(index);
                job.pending_count += 1;
            }
        }
        if idle && job.pending_count > 0 {
            let gather_us = if job.urgent { 0 } else { self.gather_us };
            job.gather_until_us = now_us.saturating_add(gather_us);
            self.busy += 1;
        }
        true
    }

    /// Is there, or was there made, a place for this content?
    fn make_room(&mut self, content: &ContentId, now_us: u64) -> bool {
        if self.jobs.contains_key(content) || self.jobs.len() < MAX_CONTENTS {
            return true;
        }
        self.jobs.retain(|_, job| {
            job.pending_count > 0 || now_us.saturating_sub(job.last_asked_us) < FORGET_US
        });
        if self.jobs.len() < MAX_CONTENTS {
            return true;
        }
        let idle = self.jobs.iter().filter(|(_, job)| job.pending_count == 0);
        let victim = idle
            .min_by_key(|(_, job)| job.last_asked_us)
            .or_else(|| {
                let ordinary = self.jobs.iter().filter(|(_, job)| !job.urgent);
                ordinary.min_by_key(|(_, job)| job.arrived)
            })
            .map(|(content, _)| *content);
        // Without a victim all of them are emergencies', and a further one has to wait until one of them is through.
        victim.inspect(|victim| self.drop_content(victim)).is_some()
    }

    /// It cannot be sent (any more); whoever misses it asks again.
    pub fn drop_content(&mut self, content: &ContentId) {
        if let Some(job) = self.jobs.remove(content) {
            self.busy -= usize::from(job.pending_count > 0);
        }
    }

    /// When there is something to send, in monotonic microseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        if self.busy == 0 {
            return None;
        }
        let gathered = self
            .jobs
            .values()
            .filter(|job| job.pending_count > 0)
            .map(|job| job.gather_until_us)
            .min()?;
        Some(self.next_us.max(gathered))
    }

    /// The blocks that go out now. `still_known`: contents that no programme names any more are forgotten.
    pub fn send(&mut self, still_known: impl Fn(&ContentId) -> bool, now_us: u64) -> Vec<Sent> {
        let mut out = Vec::new();
        if self.busy == 0 || now_us < self.next_us {
            return out;
        }
        self.refill(now_us);
        let block = u64::from(BLOCK_BYTES);
        while self.tokens >= block {
            let ready = self
                .jobs
                .iter()
                .filter(|(_, job)| job.pending_count > 0 && job.gather_until_us <= now_us);
            let first = ready.min_by_key(|(_, job)| (!job.urgent, job.rank, job.arrived));
            let Some(content) = first.map(|(content, _)| *content) else {
                break;
            };
            if !still_known(&content) {
                self.drop_content(&content);
                continue;
            }
            let Some(job) = self.jobs.get_mut(&content) else {
                break;
            };
            // This one stays the first until it has nothing more to send or nothing more may be sent.
            while self.tokens >= block && job.pending_count > 0 {
                let index = job.next_block();
                self.tokens -= block;
                let sent = &mut job.sent_us[index as usize];
                out.push(Sent {
                    content,
                    index,
                    again: *sent != 0,
                });
                *sent = now_us.max(1);
            }
            self.busy -= usize::from(job.pending_count == 0);
        }
        // Enough for a group of blocks, not only for the next one.
        let group = (self.bytes_per_s * STEP_US / 1_000_000).clamp(block, BURST_BYTES);
        let missing = group.saturating_sub(self.tokens);
        self.next_us = now_us + (missing * 1_000_000).div_ceil(self.bytes_per_s);
        out
    }

    fn refill(&mut self, now_us: u64) {
        let elapsed = now_us.saturating_sub(self.refilled_us);
        // In 128 bits, for after a month of rest this is large.
        let earned = u128::from(elapsed) * u128::from(self.bytes_per_s) / 1_000_000;
        let earned = u64::try_from(earned).unwrap_or(u64::MAX);
        let full = BURST_BYTES.min(self.bytes_per_s.max(u64::from(BLOCK_BYTES)));
        self.tokens = self.tokens.saturating_add(earned).min(full);
        self.refilled_us = now_us;
    }
}

impl Job {
    /// The next pending block at or after the cursor, round and round. Only called with something pending.
    fn next_block(&mut self) -> u32 {
        let index = (self.cursor..self.blocks)
            .chain(0..self.cursor)
            .find(|i| self.pending.contains(*i))
            .unwrap_or(0);
        self.pending.remove(index);
        self.pending_count = self.pending_count.saturating_sub(1);
        self.cursor = if index + 1 < self.blocks {
            index + 1
        } else {
            0
        };
        index
    }
}

#[cfg(test)]
mod tests;
