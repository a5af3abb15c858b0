//! Puts together the condition of every speaker: who is there, what it says of itself, what the database knows of it.

use std::collections::{HashMap, HashSet};

use loa_protocol::{id::SpeakerId, time::WallTime};

use super::Condition;
use crate::{
    http::AppState,
    logic::{
        Presence,
        alerts::{Down, Measures, Sounded, measures},
        outages::{Cause, Outage},
    },
    store::{StoreError, Watched},
};

/// The list of speakers is read again after so long, in seconds.
const LIST_S: i64 = 30;
/// How the last playouts went is read again as a whole after so long, in seconds.
const SOUNDED_S: i64 = 600;
/// Speakers whose last playout is asked for one by one; of more, all are read.
const ONE_BY_ONE: usize = 50;

#[derive(Debug, Default)]
pub(super) struct Conditions {
    list: Vec<Watched>,
    listed: Option<WallTime>,
    sounded: HashMap<SpeakerId, Sounded>,
    sounded_read: Option<WallTime>,
    /// Those of whom a playout was told since.
    asked: HashSet<SpeakerId>,
    /// The cell that each last named; a last will names none.
    cells: HashMap<SpeakerId, String>,
}

pub(super) struct Read {
    pub conditions: Vec<Condition>,
    /// Since when our line to the broker is up.
    pub listening: Option<WallTime>,
}

impl Conditions {
    /// Everything is read again at the next look.
    pub(super) fn forget(&mut self) {
        (self.listed, self.sounded_read) = (None, None);
    }

    pub(super) fn has_sounded(&mut self, speaker: &SpeakerId) {
        if self.asked.len() <= ONE_BY_ONE {
            self.asked.insert(speaker.clone());
        }
    }

    pub(super) async fn read(
        &mut self,
        state: &AppState,
        now: WallTime,
    ) -> Result<Read, StoreError> {
        let old = |read: Option<WallTime>, s: i64| {
            read.is_none_or(|read| !(0..s * 1_000_000).contains(&now.since_us(read)))
        };
        if old(self.listed, LIST_S) {
            self.list = state.store.watched().await?;
            self.listed = Some(now);
            let known: HashSet<&SpeakerId> = self.list.iter().map(|w| &w.speaker).collect();
            self.cells.retain(|speaker, _| known.contains(speaker));
        }
        if old(self.sounded_read, SOUNDED_S) || self.asked.len() > ONE_BY_ONE {
            self.asked.clear();
            self.sounded = state.store.last_sounded(None).await?;
            self.sounded_read = Some(now);
        }
        for speaker in std::mem::take(&mut self.asked) {
            self.sounded
                .extend(state.store.last_sounded(Some(&speaker)).await?);
        }
        let outages = state.store.open_outages().await?;
        let mut outages: HashMap<SpeakerId, Outage> = outages
            .into_iter()
            .map(|o| (o.speaker.clone(), o))
            .collect();
        let seen = state.engine.seen(self.list.iter().map(|w| &w.speaker));
        let mut conditions = Vec::with_capacity(self.list.len());
        for (watched, (presence, status)) in self.list.iter().zip(&seen.speakers) {
            // One that was never heard is not missed.
            if !watched.was_heard && presence.presence != Presence::Online {
                continue;
            }
            let own = status.as_deref().filter(|status| status.online);
            let cell =
                own.and_then(|status| status.telemetry.as_ref()?.network.as_ref()?.cell.clone());
            if let Some(cell) = cell
                && self.cells.get(&watched.speaker) != Some(&cell)
            {
                self.cells.insert(watched.speaker.clone(), cell);
            }
            let outage = outages.remove(&watched.speaker);
            let down = (presence.presence != Presence::Online).then_some(match &outage {
                Some(outage) => Down {
                    since: outage.began,
                    cause: outage.cause,
                    told: outage.told,
                },
                None => Down {
                    since: presence.since,
                    cause: Cause::Unknown,
                    told: false,
                },
            });
            let cell = self.cells.get(&watched.speaker).cloned();
            conditions.push(Condition {
                speaker: watched.speaker.clone(),
                lineage: watched.lineage.clone(),
                down,
                cell: cell
                    .or(outage.and_then(|outage| outage.cell))
                    .or_else(|| watched.cell.clone()),
                measures: own.map_or(Measures::default(), |status| {
                    measures(status, watched.data_plan_mb)
                }),
                sounded: self.sounded.get(&watched.speaker).cloned(),
            });
        }
        Ok(Read {
            conditions,
            listening: seen.listening,
        })
    }
}
