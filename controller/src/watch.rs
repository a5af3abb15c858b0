//! The watch: every few seconds the present condition of every speaker is held against the alerts that are open, and what
//! follows is kept; beside it, people are told.
//!
//! It decides nothing: `logic/alerts` judges, the database remembers. Bounds: a look reads what there is once, whatever
//! happened since the last; notices of which there are too many make it read everything again.

mod conditions;
mod sending;

use std::{collections::HashMap, time::Duration};

use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};
use tokio::{sync::broadcast::error::RecvError, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    http::AppState,
    logic::{
        Notice,
        alerts::{
            Address, AlertId, Around, Change, Condition, Judge, Kind, OpenAlert, Rule, Rules,
            telling::{self, Event, Open},
        },
        incidents::common,
    },
    store::{Decided, StoreError},
};
use conditions::{Conditions, Read};
pub use sending::Sender;
pub(crate) use sending::style;

/// How often it looks.
const LOOK: Duration = Duration::from_secs(5);
/// How soon after a playout or a fault, so that what many tell in one moment is looked at once.
const SOON: Duration = Duration::from_secs(1);
/// Whoever is there has said so when our line has been up for so long.
const SETTLED_S: i64 = 120;

/// Looks and tells until it is stopped.
pub async fn run(state: AppState, stop: CancellationToken) {
    let sender = Sender::new(state.clone());
    let telling = tokio::spawn(sending::run(sender, stop.clone()));
    let mut notices = state.engine.notices();
    let mut watch = Watch::new(state);
    let mut due = tokio::time::interval(LOOK);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut soon = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = due.tick() => {}
            () = tokio::time::sleep(SOON), if soon => {}
            notice = notices.recv() => match notice {
                Ok(notice) => {
                    soon |= watch.hear(&notice);
                    continue;
                }
                Err(RecvError::Lagged(_)) => {
                    watch.conditions.forget();
                    continue;
                }
                Err(RecvError::Closed) => break,
            },
        }
        soon = false;
        if let Err(error) = watch.look().await {
            tracing::warn!(%error, "the watch could not look; trying again");
        }
    }
    // Fails only when it panicked, and then it has ended too.
    let _ = telling.await;
}

/// What is remembered between two looks; the rest is in the database.
#[derive(Debug)]
pub struct Watch {
    state: AppState,
    judge: Judge,
    conditions: Conditions,
}

impl Watch {
    pub fn new(state: AppState) -> Self {
        Self {
            state,
            judge: Judge::default(),
            conditions: Conditions::default(),
        }
    }

    /// Is it worth a look before the next one?
    pub fn hear(&mut self, notice: &Notice) -> bool {
        match notice {
            Notice::Playout { speaker, .. } => {
                self.conditions.has_sounded(speaker);
                true
            }
            Notice::Event { .. } => true,
            Notice::Speaker(_)
            | Notice::Bulletin(_)
            | Notice::Alert { .. }
            | Notice::Repair { .. } => false,
        }
    }

    /// One look.
    pub async fn look(&mut self) -> Result<(), StoreError> {
        let state = self.state.clone();
        let now = state.clock.now();
        let rules = state.store.rules().await?;
        let Read {
            conditions,
            listening,
        } = self.conditions.read(&state, now).await?;
        let long = |since| now.since_us(since) >= SETTLED_S * 1_000_000;
        let around = Around {
            now,
            settled: listening.is_some_and(long),
        };
        let mut open = state.store.open_alerts().await?;
        let changes = self.judge.judge(&rules, &conditions, &open, around);
        let lineages: HashMap<&SpeakerId, &[AreaId]> = conditions
            .iter()
            .map(|c| (&c.speaker, &*c.lineage))
            .collect();
        if !changes.is_empty() {
            let decided: Vec<Decided> = changes
                .into_iter()
                .map(|change| Decided {
                    area: area_of(&change, &open, &lineages),
                    change,
                })
                .collect();
            let changed = state.store.decide(&decided, &[]).await?;
            for (alert, speakers) in changed {
                state.engine.notify(Notice::Alert { alert, speakers });
            }
            open = state.store.open_alerts().await?;
        }
        let told = due(&state, &rules, &lineages, &open, now).await?;
        if !told.is_empty() {
            state.store.decide(&[], &told).await?;
        }
        Ok(())
    }
}

/// The nearest area that holds all speakers of an alert as it will be.
fn area_of(
    change: &Change,
    open: &[OpenAlert],
    lineages: &HashMap<&SpeakerId, &[AreaId]>,
) -> Option<AreaId> {
    let of = |speaker: &SpeakerId| lineages.get(speaker).copied();
    match change {
        Change::Open { speakers, .. } => common(speakers.iter().filter_map(|(s, _)| of(s))),
        Change::Alter { alert, joined, .. } => {
            let alert = open.iter().find(|known| known.id == *alert)?;
            let members = alert.members.iter().map(|member| &member.speaker);
            let all = members.chain(joined.iter().map(|(speaker, _)| speaker));
            common(all.filter_map(of))
        }
        Change::Close { .. } => None,
    }
}

/// Who is to be told now.
async fn due(
    state: &AppState,
    rules: &Rules,
    lineages: &HashMap<&SpeakerId, &[AreaId]>,
    open: &[OpenAlert],
    now: WallTime,
) -> Result<Vec<(AlertId, Address, Event)>, StoreError> {
    if open.is_empty() || !rules.tell_somebody() {
        return Ok(Vec::new());
    }
    let told = state.store.told_of_open().await?;
    let acknowledged = state.store.acknowledged().await?;
    let mut due = Vec::new();
    for alert in open {
        let rules = rules_for(rules, alert.kind, alert, lineages);
        let open = Open {
            opened: alert.opened,
            acknowledged: acknowledged.get(&alert.id).copied().unwrap_or_default(),
            told: told.get(&alert.id).map_or(&[], Vec::as_slice),
            rules: &rules,
        };
        let new = telling::due(open, now).into_iter();
        due.extend(new.map(|(address, event)| (alert.id.clone(), address, event)));
    }
    Ok(due)
}

/// Those that hold for its speakers, each once.
fn rules_for<'a>(
    rules: &'a Rules,
    kind: Kind,
    alert: &OpenAlert,
    lineages: &HashMap<&SpeakerId, &[AreaId]>,
) -> Vec<&'a Rule> {
    let mut holding: Vec<&Rule> = Vec::new();
    for member in alert.members.iter().filter(|member| member.back.is_none()) {
        let lineage = lineages.get(&member.speaker).copied().unwrap_or_default();
        if let Some(rule) = rules.holding(kind, lineage)
            && !holding.iter().any(|known| known.id == rule.id)
        {
            holding.push(rule);
        }
    }
    holding
}
