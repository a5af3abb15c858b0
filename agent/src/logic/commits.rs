//! What is to become durable, in order: one commit on its way at a time, what follows gathers behind it.
//!
//! A store does one commit after the other anyway, so waiting costs nothing, and a commit that failed can be tried
//! again before anything that was decided later: event numbers on disk never have a hole.
//!
//! Bounds: a commit takes at most [`MAX_WRITES`] (a single group more, if it has more). A failed one is tried again
//! after 1 s, then after twice as long each time up to 60 s, or at once when a playout waits for its row; what a later
//! write replaces is left out then. Office documents are tried apart from the ledger, so that one document too large
//! for a full disk cannot keep every row off it.

use std::collections::{BTreeSet, VecDeque};

use loa_protocol::playout::PlayoutId;

use super::port::{Effect, Write};

/// Most writes that are gathered into one commit.
pub const MAX_WRITES: usize = 400;
const FIRST_RETRY_US: u64 = 1_000_000;
const LAST_RETRY_US: u64 = 60_000_000;

#[derive(Debug, Default)]
pub struct Commits {
    open: Group,
    queue: VecDeque<Group>,
    on_its_way: Option<(u64, Vec<Group>)>,
    last_ticket: u64,
    retry_at: Option<u64>,
    retry_us: u64,
}

/// Writes that belong together: all or none.
#[derive(Debug, Default)]
struct Group {
    writes: Vec<Write>,
    /// Playouts that may sound once this is durable.
    gates: Vec<PlayoutId>,
    /// Not to be mixed with others.
    alone: bool,
}

/// What became durable.
#[derive(Debug, Default, PartialEq)]
pub struct Durable {
    pub gates: Vec<PlayoutId>,
    /// Number of the last event among it.
    pub through: Option<u64>,
}

impl Commits {
    pub fn put(&mut self, write: Write) {
        self.open.writes.push(write);
    }

    /// This playout waits for what was put since the last [`Commits::close_group`].
    pub fn gate(&mut self, playout: PlayoutId) {
        self.open.gates.push(playout);
    }

    /// What was put until now belongs together.
    pub fn close_group(&mut self) {
        if self.open.writes.is_empty() {
            return;
        }
        self.queue.push_back(std::mem::take(&mut self.open));
        if self.queue.iter().any(|g| g.alone) {
            self.tidy();
        }
    }

    /// The next commit, when there is something to write and nothing on its way.
    pub fn next(&mut self, now_us: u64) -> Option<Effect> {
        self.close_group();
        if self.on_its_way.is_some() || self.queue.is_empty() {
            return None;
        }
        let urgent = self.queue.iter().any(|g| !g.gates.is_empty());
        if self.retry_at.is_some_and(|at| now_us < at) && !urgent {
            return None;
        }
        Some(self.take(MAX_WRITES))
    }

    /// Everything that is left, without waiting: the program ends.
    pub fn all(&mut self) -> Option<Effect> {
        self.close_group();
        if self.queue.is_empty() {
            return None;
        }
        let before = self.on_its_way.take();
        self.queue.iter_mut().for_each(|g| g.alone = false);
        let effect = self.take(usize::MAX);
        // Both are awaited as one: told durable by the later of the two.
        if let (Some((_, mut groups)), Some((_, later))) = (before, self.on_its_way.as_mut()) {
            groups.append(later);
            *later = groups;
        }
        Some(effect)
    }

    fn take(&mut self, most: usize) -> Effect {
        let mut groups: Vec<Group> = Vec::new();
        let mut writes = Vec::new();
        while let Some(group) = self.queue.front() {
            let fits = writes.len() + group.writes.len() <= most && !group.alone;
            if !groups.is_empty() && !fits {
                break;
            }
            let last = group.alone;
            groups.extend(self.queue.pop_front());
            writes.extend(
                groups
                    .last()
                    .into_iter()
                    .flat_map(|g| g.writes.iter().cloned()),
            );
            if last {
                break;
            }
        }
        self.last_ticket += 1;
        self.on_its_way = Some((self.last_ticket, groups));
        Effect::Commit {
            ticket: self.last_ticket,
            writes,
        }
    }

    fn arrived(&mut self, ticket: u64) -> Option<Vec<Group>> {
        self.on_its_way
            .take_if(|(waiting, _)| *waiting == ticket)
            .map(|(_, groups)| groups)
    }

    /// `None` for a ticket that is not awaited.
    pub fn committed(&mut self, ticket: u64) -> Option<Durable> {
        let groups = self.arrived(ticket)?;
        self.retry_at = None;
        self.retry_us = 0;
        let through = groups
            .iter()
            .flat_map(|g| &g.writes)
            .filter_map(|w| match w {
                Write::AppendEvent(event) => Some(event.number),
                _ => None,
            });
        Some(Durable {
            through: through.max(),
            gates: groups.iter().flat_map(|g| g.gates.clone()).collect(),
        })
    }

    /// The playouts that may not sound now; `None` for a ticket that is not awaited. Everything is tried again.
    pub fn failed(&mut self, ticket: u64, now_us: u64) -> Option<Vec<PlayoutId>> {
        let groups = self.arrived(ticket)?;
        self.close_group();
        let gates = groups.iter().flat_map(|g| g.gates.clone()).collect();
        let (mut rows, mut documents) = (Vec::new(), Vec::new());
        for write in groups.into_iter().flat_map(|g| g.writes) {
            match write {
                Write::PutDocument { .. } | Write::RemoveDocument { .. } => documents.push(write),
                _ => rows.push(write),
            }
        }
        let group = |writes, alone| Group {
            writes,
            gates: Vec::new(),
            alone,
        };
        self.queue.push_front(group(rows, false));
        for (place, write) in documents.into_iter().enumerate() {
            // Before whatever was written later, so that the later one counts.
            self.queue.insert(1 + place, group(vec![write], true));
        }
        self.tidy();
        self.retry_us = (self.retry_us * 2).clamp(FIRST_RETRY_US, LAST_RETRY_US);
        self.retry_at = Some(now_us.saturating_add(self.retry_us));
        Some(gates)
    }

    /// Leaves out what a later write replaces, and puts what is to be tried apart behind everything else.
    fn tidy(&mut self) {
        self.leave_out_what_is_replaced();
        let (apart, mixed): (Vec<Group>, Vec<Group>) = std::mem::take(&mut self.queue)
            .into_iter()
            .filter(|g| !g.writes.is_empty() || !g.gates.is_empty())
            .partition(|g| g.alone);
        self.queue = mixed.into_iter().chain(apart).collect();
    }

    fn leave_out_what_is_replaced(&mut self) {
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        enum Key {
            Document(String),
            Row(PlayoutId),
            Time,
            Prune,
            Forget,
        }
        let mut later = BTreeSet::new();
        for group in self.queue.iter_mut().rev() {
            let mut kept: Vec<Write> = Vec::with_capacity(group.writes.len());
            for write in std::mem::take(&mut group.writes).into_iter().rev() {
                let key = match &write {
                    Write::PutDocument { name, .. } | Write::RemoveDocument { name } => {
                        Key::Document(name.clone())
                    }
                    Write::PutLedger(row) => Key::Row(row.playout.id.clone()),
                    Write::KnownTime(_) => Key::Time,
                    Write::PruneLedger { .. } => Key::Prune,
                    Write::ForgetEvents { .. } => Key::Forget,
                    Write::AppendEvent(_) => {
                        kept.push(write);
                        continue;
                    }
                };
                if later.insert(key) {
                    kept.push(write);
                }
            }
            kept.reverse();
            group.writes = kept;
        }
    }

    /// When to try again.
    pub fn deadline(&self) -> Option<u64> {
        match self.on_its_way {
            None if !self.queue.is_empty() => Some(self.retry_at.unwrap_or(0)),
            _ => None,
        }
    }

    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.on_its_way.is_none() && self.open.writes.is_empty()
    }
}
