//! A pole's disk. What was answered is durable; what was not is, after a power cut, there as a whole or not at all,
//! and nothing later is there without what came before it. Watches what is written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loa_agent::logic::port::{HeldContent, LedgerRow, Stored, Write};
use loa_protocol::{
    bulletin::Priority,
    content::{Bitmap, ContentId},
    event::{Event, What},
    id::StoreId,
    playout::{Interruption, Outcome, PlayoutId},
    time::WallTime,
};

use super::{Micros, chance::Chance};

#[derive(Debug)]
pub struct Disk {
    pub store: StoreId,
    boots: u64,
    pub documents: BTreeMap<String, Vec<u8>>,
    pub ledger: BTreeMap<PlayoutId, LedgerRow>,
    /// Not acknowledged.
    pub events: BTreeMap<u64, Event>,
    pub last_event: u64,
    /// All that were ever durable, for the checks.
    pub history: BTreeMap<u64, Event>,
    ended: BTreeSet<PlayoutId>,
    known_time: Option<WallTime>,
    pub contents: BTreeMap<ContentId, Shelf>,
    spoiled: BTreeSet<ContentId>,
    commits: VecDeque<Commit>,
    jobs: VecDeque<BlockJob>,
    /// Until when it is slow, and until when it fails.
    pub slow_until: Micros,
    pub failing_until: Micros,
}

#[derive(Debug, Default, Clone)]
pub struct Shelf {
    pub held: Bitmap,
    pub blocks: u32,
    pub bytes: u64,
    pub complete: bool,
}

#[derive(Debug)]
struct Commit {
    ticket: u64,
    writes: Vec<Write>,
    done_at: Micros,
    fails: bool,
}

#[derive(Debug)]
struct BlockJob {
    what: BlockWork,
    done_at: Micros,
    fails: bool,
}

#[derive(Clone, Debug)]
pub enum BlockWork {
    Store {
        content: ContentId,
        index: u32,
        bytes: u64,
        blocks: u32,
    },
    Finish {
        content: ContentId,
    },
    Evict {
        content: ContentId,
    },
}

impl Disk {
    pub fn new(store: StoreId) -> Self {
        Self {
            store,
            boots: 0,
            documents: BTreeMap::new(),
            ledger: BTreeMap::new(),
            events: BTreeMap::new(),
            last_event: 0,
            history: BTreeMap::new(),
            ended: BTreeSet::new(),
            known_time: None,
            contents: BTreeMap::new(),
            spoiled: BTreeSet::new(),
            commits: VecDeque::new(),
            jobs: VecDeque::new(),
            slow_until: 0,
            failing_until: 0,
        }
    }

    /// What a program that starts finds.
    pub fn open(&mut self) -> Stored {
        self.boots += 1;
        Stored {
            store: self.store.clone(),
            boot: self.boots,
            documents: self
                .documents
                .iter()
                .map(|(name, bytes)| (name.clone(), bytes.clone()))
                .collect(),
            ledger: self.ledger.values().cloned().collect(),
            events: self.events.values().cloned().collect(),
            last_event: self.last_event,
            contents: self
                .contents
                .iter()
                .map(|(content, shelf)| {
                    let held = if shelf.complete {
                        HeldContent::Complete { bytes: shelf.bytes }
                    } else {
                        HeldContent::Partial {
                            held: shelf.held.clone(),
                        }
                    };
                    (*content, held)
                })
                .collect(),
            known_time: self.known_time,
        }
    }

    fn pause(&self, now: Micros, chance: &mut Chance) -> Micros {
        if now < self.slow_until {
            chance.between(50_000, 4_000_000)
        } else {
            chance.between(500, 25_000)
        }
    }

    fn fails(&self, now: Micros, chance: &mut Chance) -> bool {
        now < self.failing_until && chance.per_mille(600)
    }

    /// When it will be answered.
    pub fn commit(
        &mut self,
        ticket: u64,
        writes: Vec<Write>,
        now: Micros,
        chance: &mut Chance,
    ) -> Micros {
        let before = self.commits.back().map_or(0, |c| c.done_at);
        let done_at = before.max(now + self.pause(now, chance));
        let fails = self.fails(now, chance);
        self.commits.push_back(Commit {
            ticket,
            writes,
            done_at,
            fails,
        });
        done_at
    }

    /// The commit that is answered now: its ticket, and its writes unless it failed.
    pub fn next_commit(&mut self, now: Micros) -> Option<(u64, Option<Vec<Write>>)> {
        let commit = self.commits.pop_front_if(|c| c.done_at <= now)?;
        Some((commit.ticket, (!commit.fails).then_some(commit.writes)))
    }

    /// When it will be answered; `None`: nobody waits for an answer.
    pub fn work(&mut self, what: BlockWork, now: Micros, chance: &mut Chance) -> Micros {
        let before = self.jobs.back().map_or(0, |c| c.done_at);
        let done_at = before.max(now + self.pause(now, chance));
        let fails = self.fails(now, chance) && matches!(what, BlockWork::Store { .. });
        self.jobs.push_back(BlockJob {
            what,
            done_at,
            fails,
        });
        done_at
    }

    pub fn next_work(&mut self, now: Micros) -> Option<(BlockWork, bool)> {
        let job = self.jobs.pop_front_if(|j| j.done_at <= now)?;
        if !job.fails {
            self.do_work(&job.what);
        }
        Some((job.what, !job.fails))
    }

    fn do_work(&mut self, what: &BlockWork) {
        match what {
            BlockWork::Store {
                content,
                index,
                bytes,
                blocks,
            } => {
                let shelf = self.contents.entry(*content).or_default();
                shelf.held.insert(*index);
                shelf.blocks = *blocks;
                shelf.bytes = *bytes;
            }
            BlockWork::Finish { content } => {
                if let Some(shelf) = self.contents.get_mut(content) {
                    shelf.complete = shelf.blocks > 0 && shelf.held.count() == shelf.blocks;
                }
            }
            BlockWork::Evict { content } => {
                self.contents.remove(content);
            }
        }
    }

    pub fn is_complete(&self, content: &ContentId) -> bool {
        self.contents.get(content).is_some_and(|s| s.complete)
    }

    /// The whole is not what its name says: gone.
    pub fn spoil(&mut self, content: &ContentId) {
        self.contents.remove(content);
        self.spoiled.insert(*content);
    }
    pub fn was_spoiled(&self, content: &ContentId) -> bool {
        self.spoiled.contains(content)
    }

    /// Power is gone, or the program was killed. Gives the commits that are on disk although nobody was told.
    pub fn cut(&mut self, chance: &mut Chance) -> Vec<Vec<Write>> {
        let mut kept = Vec::new();
        let mut losing = false;
        for commit in std::mem::take(&mut self.commits) {
            losing |= commit.fails || chance.per_mille(500);
            if !losing {
                kept.push(commit.writes);
            }
        }
        let mut losing = false;
        for job in std::mem::take(&mut self.jobs) {
            losing |= job.fails || chance.per_mille(500);
            if !losing {
                self.do_work(&job.what);
            }
        }
        kept
    }

    /// Makes writes durable; the first thing that is wrong with them. `acknowledged`: up to where the office's
    /// database holds this store's events.
    pub fn apply(&mut self, writes: Vec<Write>, acknowledged: u64) -> Result<(), String> {
        for write in writes {
            match write {
                Write::PutDocument { name, bytes } => {
                    self.documents.insert(name, bytes);
                }
                Write::RemoveDocument { name } => {
                    self.documents.remove(&name);
                }
                Write::PutLedger(row) => self.put_row(row)?,
                Write::PruneLedger { planned_before } => {
                    self.ledger.retain(|_, row| {
                        row.playout.outcome.is_none() || row.playout.planned >= planned_before
                    });
                }
                Write::AppendEvent(event) => self.append(event)?,
                Write::ForgetEvents { through } => {
                    if through > acknowledged {
                        return Err(format!(
                            "forgets events through {through}; the office's database has {acknowledged}"
                        ));
                    }
                    self.events.retain(|number, _| *number > through);
                    self.last_event = self.last_event.max(through);
                }
                Write::KnownTime(at) => self.known_time = Some(at),
            }
        }
        Ok(())
    }

    fn put_row(&mut self, row: LedgerRow) -> Result<(), String> {
        let id = row.playout.id.clone();
        if let Some(old) = self.ledger.get(&id)
            && old.playout.outcome.is_some()
            && old.playout.outcome != row.playout.outcome
        {
            return Err(format!(
                "{id:?} ended as {:?} and then as {:?}",
                old.playout.outcome, row.playout.outcome
            ));
        }
        if id.attempt > 0 {
            let before = PlayoutId {
                attempt: id.attempt - 1,
                ..id.clone()
            };
            let cut = self.ledger.get(&before).is_some_and(|r| {
                r.playout.outcome == Some(Outcome::Interrupted(Interruption::PowerCut))
            });
            if !cut {
                return Err(format!("{id:?} is tried again and no power cut ended it"));
            }
            if row.playout.priority != Priority::Emergency {
                return Err(format!("{id:?} is tried again and is no emergency"));
            }
        }
        self.ledger.insert(id, row);
        Ok(())
    }

    fn append(&mut self, event: Event) -> Result<(), String> {
        if event.number != self.last_event + 1 {
            return Err(format!(
                "event {} follows event {}",
                event.number, self.last_event
            ));
        }
        if let What::Ended { playout } = &event.what {
            if playout.outcome.is_none() {
                return Err(format!("{:?} ended without an outcome", playout.id));
            }
            if !self.ended.insert(playout.id.clone()) {
                return Err(format!("{:?} ended twice", playout.id));
            }
        }
        self.last_event = event.number;
        self.history.insert(event.number, event.clone());
        self.events.insert(event.number, event);
        Ok(())
    }
}
