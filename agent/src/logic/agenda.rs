//! Which occurrences exist near now: of every bulletin on a followed channel, from 31 days back to a good day ahead.
//!
//! Rules are unrolled once and then only prolonged, so asking costs nothing. An occurrence stays until its ledger row
//! has an outcome.
//!
//! Bounds: at most [`MAX_OCCURRENCES`]; beyond it the ones farthest from now are left out (those ahead are found again
//! as they come near, those long past are not accounted for), and `overflowed` says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use loa_protocol::{
    bulletin::{Bulletin, When},
    id::BulletinId,
    playout::OccurrenceId,
    time::WallTime,
};

use super::ledger::Ledger;

pub const MAX_OCCURRENCES: usize = 5_000;
/// What was planned longer ago than this is nobody's business any more.
pub const BACK_S: i64 = 31 * 86_400;
/// At least so far ahead is unrolled …
pub const AHEAD_S: i64 = 26 * 3600;
/// … and this much more at once, so that it is done seldom.
const STRIDE_S: i64 = 6 * 3600;
/// Audio is fetched so long before its first use.
pub const FETCH_S: i64 = 7 * 86_400;
/// The part of the past in which nothing may be left out in favour of older plans.
const RECENT_S: i64 = 2 * 3600;

/// A bulletin as this speaker knows it.
#[derive(Clone, Debug)]
pub struct Known {
    pub bulletin: Arc<Bulletin>,
    /// When (monotonic) this run first knew this edit of it; `None` when it was on the disk.
    pub arrived: Option<u64>,
    /// It came by a `now`, so it is fresh whatever the clock says.
    pub fresh: bool,
    /// First air time beyond what is unrolled, for its audio.
    later: Option<WallTime>,
}

/// Two edits of one stream, with the same beginning: only its end may differ, or words about it.
pub fn is_same_stream(one: &Bulletin, other: &Bulletin) -> bool {
    let keys = one.stream().zip(other.stream());
    keys.is_some_and(|(one, other)| one.key == other.key) && one.when == other.when
}

#[derive(Debug, Default)]
pub struct Agenda {
    bulletins: BTreeMap<BulletinId, Known>,
    planned: BTreeMap<OccurrenceId, WallTime>,
    order: BTreeSet<(WallTime, OccurrenceId)>,
    /// First starts of what was to be said at once.
    at_once: BTreeSet<OccurrenceId>,
    since: WallTime,
    unrolled_to: WallTime,
    overflowed: bool,
    /// Something ahead was left out: unroll everything next time.
    incomplete: bool,
}

impl Agenda {
    /// Takes over what the programmes now hold together. `arrived`: `None` when it was read from the disk.
    pub fn replace(
        &mut self,
        effective: BTreeMap<BulletinId, (Arc<Bulletin>, bool)>,
        arrived: Option<u64>,
        now: WallTime,
        ledger: &Ledger,
    ) {
        let gone: Vec<BulletinId> = self
            .bulletins
            .keys()
            .filter(|id| !effective.contains_key(*id))
            .cloned()
            .collect();
        for id in gone {
            self.bulletins.remove(&id);
            self.clear_bulletin(&id);
        }
        for (id, (bulletin, fresh)) in effective {
            if let Some(known) = self.bulletins.get_mut(&id)
                && (Arc::ptr_eq(&known.bulletin, &bulletin) || known.bulletin == bulletin)
            {
                known.fresh |= fresh;
                continue;
            }
            let known = self.bulletins.get(&id);
            // A call that ended is the same call: what is known of it is known since it began.
            let same_stream = known.filter(|known| is_same_stream(&known.bulletin, &bulletin));
            let arrived = same_stream.map_or(arrived, |known| known.arrived);
            let fresh = fresh || same_stream.is_some_and(|known| known.fresh);
            self.clear_bulletin(&id);
            let known = Known {
                bulletin,
                arrived,
                fresh,
                later: None,
            };
            self.bulletins.insert(id.clone(), known);
            if self.unrolled_to > WallTime::EPOCH {
                self.unroll(&id, None, now, ledger);
            }
        }
        self.bound(now);
    }

    /// Unrolls everything again: the clock stepped, or this speaker's own beginning moved.
    pub fn rebuild(&mut self, since: WallTime, now: WallTime, ledger: &Ledger) {
        self.since = since;
        self.incomplete = false;
        self.planned.clear();
        self.order.clear();
        self.at_once.clear();
        self.unrolled_to = now.plus_s(AHEAD_S + STRIDE_S);
        self.for_each_bulletin(|agenda, id| agenda.unroll(id, None, now, ledger));
        self.bound(now);
    }

    /// Prolongs when it is time; says whether it was.
    pub fn prolong(&mut self, now: WallTime, ledger: &Ledger) -> bool {
        if now < self.prolong_at() {
            return false;
        }
        if self.incomplete {
            self.rebuild(self.since, now, ledger);
            return true;
        }
        let from = self.unrolled_to;
        self.unrolled_to = now.plus_s(AHEAD_S + STRIDE_S);
        self.for_each_bulletin(|agenda, id| {
            let is_rule = agenda
                .bulletins
                .get(id)
                .is_some_and(|k| matches!(k.bulletin.when, When::Rule { .. }));
            if is_rule {
                agenda.unroll(id, Some(from), now, ledger);
            }
        });
        self.bound(now);
        true
    }

    pub fn prolong_at(&self) -> WallTime {
        self.unrolled_to.plus_s(-AHEAD_S)
    }

    fn for_each_bulletin(&mut self, mut each: impl FnMut(&mut Self, &BulletinId)) {
        let ids: Vec<BulletinId> = self.bulletins.keys().cloned().collect();
        ids.iter().for_each(|id| each(self, id));
    }

    /// Adds the occurrences of one bulletin, all or only those from `from` on.
    fn unroll(&mut self, id: &BulletinId, from: Option<WallTime>, now: WallTime, ledger: &Ledger) {
        let Some(known) = self.bulletins.get_mut(id) else {
            return;
        };
        let bulletin = Arc::clone(&known.bulletin);
        let oldest = now.plus_s(-BACK_S).max(self.since).max(ledger.from());
        // Only a rule goes on for ever; the few starts of the others are known at once, however far ahead.
        let to = match bulletin.when {
            When::Rule { .. } => self.unrolled_to,
            _ => WallTime::MAX,
        };
        let recent = now.plus_s(-RECENT_S).clamp(oldest, to.max(oldest));
        let spans = match from {
            Some(from) => [(from.max(oldest), to), (to, to)],
            None => [(recent, to), (oldest, recent)],
        };
        let mut found = Vec::new();
        for (from, to) in spans {
            if from < to {
                // A bulletin is checked before it comes here, so its rule can be read.
                found.extend(
                    bulletin
                        .planned(from, to, MAX_OCCURRENCES)
                        .unwrap_or_default(),
                );
            }
        }
        known.later = match bulletin.when {
            When::Rule { .. } if !found.iter().any(|p| p.at >= now) => bulletin
                .planned(to, now.plus_s(FETCH_S + STRIDE_S), 1)
                .ok()
                .and_then(|later| later.first().map(|p| p.at)),
            _ => None,
        };
        for planned in found {
            if ledger.is_over(&planned.id) {
                continue;
            }
            if bulletin.is_now() && planned.id.repeat == 0 {
                self.at_once.insert(planned.id.clone());
            }
            self.order.insert((planned.at, planned.id.clone()));
            self.planned.insert(planned.id, planned.at);
        }
    }

    fn bound(&mut self, now: WallTime) {
        while self.order.len() > MAX_OCCURRENCES {
            self.overflowed = true;
            let distance = |at: Option<&(WallTime, OccurrenceId)>| {
                at.map_or(0, |(at, _)| at.since_us(now).unsigned_abs())
            };
            let last_is_farther = distance(self.order.last()) >= distance(self.order.first());
            let left_out = if last_is_farther {
                self.order.pop_last()
            } else {
                self.order.pop_first()
            };
            if let Some((_, id)) = left_out {
                self.planned.remove(&id);
                self.at_once.remove(&id);
                self.incomplete |= last_is_farther;
            }
        }
        if self.incomplete {
            self.unrolled_to = self.unrolled_to.min(now.plus_s(AHEAD_S + 3600));
        }
    }

    fn clear_bulletin(&mut self, bulletin: &BulletinId) {
        let gone: Vec<OccurrenceId> = self.of(bulletin).map(|(id, _)| id.clone()).collect();
        gone.iter().for_each(|id| self.remove(id));
    }

    /// The occurrences of a bulletin that are not over, and their plans.
    pub fn of<'a>(
        &'a self,
        bulletin: &'a BulletinId,
    ) -> impl Iterator<Item = (&'a OccurrenceId, WallTime)> {
        let first = OccurrenceId {
            bulletin: bulletin.clone(),
            date: jiff::civil::Date::MIN,
            index: 0,
            repeat: 0,
        };
        let from_it = self.planned.range(first..);
        from_it
            .take_while(move |(id, _)| id.bulletin == *bulletin)
            .map(|(id, at)| (id, *at))
    }

    /// It is over.
    pub fn remove(&mut self, id: &OccurrenceId) {
        if let Some(at) = self.planned.remove(id) {
            self.order.remove(&(at, id.clone()));
            self.at_once.remove(id);
        }
    }

    pub fn known(&self, id: &BulletinId) -> Option<&Known> {
        self.bulletins.get(id)
    }
    pub fn planned(&self, id: &OccurrenceId) -> Option<WallTime> {
        self.planned.get(id).copied()
    }

    /// Occurrences planned until `until`, and those that are due whatever the clock says.
    pub fn due(&self, until: WallTime) -> impl Iterator<Item = (WallTime, &OccurrenceId)> {
        let late = self
            .at_once
            .iter()
            .filter_map(move |id| Some((self.planned(id)?, id)))
            .filter(move |(at, _)| *at > until);
        self.order
            .iter()
            .take_while(move |(at, _)| *at <= until)
            .map(|(at, id)| (*at, id))
            .chain(late)
    }

    /// The first plan after `after`.
    pub fn next_after(&self, after: WallTime) -> Option<WallTime> {
        // What is due is short, so the first steps of the walk are all there are.
        self.order.iter().map(|(at, _)| *at).find(|at| *at > after)
    }

    /// All of it in order of time.
    pub fn iter(&self) -> impl Iterator<Item = (WallTime, &OccurrenceId)> {
        self.order.iter().map(|(at, id)| (*at, id))
    }

    /// Each bulletin that has something ahead within the time in which audio is fetched, and its nearest air time.
    pub fn nearest_air_times(&self, now: WallTime) -> BTreeMap<&BulletinId, WallTime> {
        let until = now.plus_s(FETCH_S);
        let mut nearest: BTreeMap<&BulletinId, WallTime> = BTreeMap::new();
        for (at, id) in self.order.iter().take_while(|(at, _)| *at <= until) {
            nearest.entry(&id.bulletin).or_insert(*at);
        }
        for (id, known) in &self.bulletins {
            if let Some(later) = known.later.filter(|at| *at <= until) {
                nearest.entry(id).or_insert(later);
            }
        }
        nearest
    }

    /// Whether something was left out since this was last asked.
    pub fn take_overflowed(&mut self) -> bool {
        std::mem::take(&mut self.overflowed)
    }
}
