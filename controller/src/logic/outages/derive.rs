//! From what the office saw, its own runs, and a speaker's journal to that speaker's outages.
//!
//! - An outage begins when the speaker is seen to go, and ends when something is heard from it again.
//! - The first thing seen in a run of the office says nothing about when: a speaker that is there had no outage in between
//!   unless its journal says so; one that was dead before is still in the same outage; one that was there before went
//!   when it was last heard.
//! - A speaker that was never heard has no outages: nobody knows that there is a pole.

use loa_protocol::time::WallTime;

use super::{
    Cause, Entry, SLACK_US, Told,
    journal::{RunEndWord, TroubleWord, explain},
};
use crate::logic::Presence;

/// What is shorter is no outage of its own, in microseconds.
const SHORTEST_US: i64 = 60_000_000;

/// A change of presence, and what the speaker's last status said when it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub at: WallTime,
    pub presence: Presence,
    /// When that status came.
    pub heard: Option<WallTime>,
    pub mains: Option<bool>,
    pub cell: Option<String>,
}

/// From when to when the office ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub began: WallTime,
    /// When it was last known to; within half a minute.
    pub alive: WallTime,
}

/// One outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub began: WallTime,
    pub ended: Option<WallTime>,
    pub cause: Cause,
    pub told: bool,
    pub cell: Option<String>,
}

/// Begun, and not explained yet.
#[derive(Debug)]
struct Raw {
    began: WallTime,
    ended: Option<WallTime>,
    mains: Option<bool>,
    cell: Option<String>,
}

/// `seen` and `runs` in order of time. `removed`: an outage that lasts ends here.
pub fn derive(
    seen: &[Seen],
    runs: &[Run],
    entries: &[Entry],
    removed: Option<WallTime>,
) -> Vec<Span> {
    let mut raws = from_presence(seen, runs, entries);
    if let (Some(last), Some(removed)) = (raws.last_mut(), removed)
        && last.ended.is_none()
    {
        last.ended = Some(removed.max(last.began));
    }
    for filled in from_journal(seen, runs, entries) {
        let apart = |raw: &Raw| {
            filled.ended <= Some(raw.began) || raw.ended.is_some_and(|e| e <= filled.began)
        };
        if raws.iter().all(apart) {
            raws.push(filled);
        }
    }
    raws.sort_by_key(|raw| raw.began);
    let explained = raws.into_iter().map(|raw| {
        let (cause, told) = explain(raw.began, raw.ended, raw.mains, entries);
        Span {
            began: raw.began,
            ended: raw.ended,
            cause,
            told,
            cell: raw.cell,
        }
    });
    explained.collect()
}

fn run_of(runs: &[Run], at: WallTime) -> usize {
    runs.partition_point(|run| run.began <= at)
}

fn from_presence(seen: &[Seen], runs: &[Run], entries: &[Entry]) -> Vec<Raw> {
    let mut raws: Vec<Raw> = Vec::new();
    let mut before: Option<&Seen> = None;
    for now in seen {
        let run = run_of(runs, now.at);
        let restarted = before.is_some_and(|b| run_of(runs, b.at) != run);
        let open = raws.last_mut().filter(|raw| raw.ended.is_none());
        match (now.presence, open) {
            (Presence::Online, Some(raw)) => {
                // It ran again while the office was away: what kept it from us then was the office.
                let booted = entries
                    .iter()
                    .filter(|e| restarted && matches!(e.told, Told::Away(_)))
                    .filter_map(|e| e.until)
                    .filter(|at| *at > raw.began && away(runs, *at))
                    .max();
                raw.ended = Some(booted.unwrap_or(now.at).min(now.at));
            }
            (Presence::Online, None) | (_, Some(_)) => {}
            (_, None) => {
                let began = match before {
                    None => now.heard,
                    Some(b) if restarted => {
                        let gap = runs
                            .get(run_of(runs, b.at).wrapping_sub(1))
                            .map(|r| r.alive);
                        Some(now.heard.or(gap).unwrap_or(b.at).max(b.at))
                    }
                    Some(_) => Some(now.at),
                };
                if let Some(began) = began {
                    raws.push(Raw {
                        began: began.min(now.at),
                        ended: None,
                        mains: now.mains,
                        cell: now.cell.clone(),
                    });
                }
            }
        }
        before = Some(now);
    }
    raws
}

/// Between two runs of the office?
fn away(runs: &[Run], at: WallTime) -> bool {
    let run = run_of(runs, at);
    run > 0 && run < runs.len() && runs[run - 1].alive < at
}

/// What happened while the office was away, as the speaker tells it. In order, none over another.
fn from_journal(seen: &[Seen], runs: &[Run], entries: &[Entry]) -> Vec<Raw> {
    let mut raws: Vec<Raw> = Vec::new();
    let telling = entries.iter().filter(|e| {
        matches!(
            e.told,
            Told::Away(RunEndWord::PowerCut | RunEndWord::Crashed | RunEndWord::Stopped)
                | Told::Lost(TroubleWord::NoNetwork)
                | Told::Stalled
        )
    });
    let mut spans: Vec<(WallTime, WallTime)> = Vec::new();
    for entry in telling {
        for pair in runs.windows(2) {
            let (gone, back) = (pair[0].alive, pair[1].began);
            let began = entry.since.max(gone);
            let over = match entry.until {
                Some(until) => until <= gone,
                None => entry.since < gone.plus_us(-SLACK_US),
            };
            if began >= back || over {
                continue;
            }
            // Only of a speaker that was there before and after: otherwise presence tells it.
            let there = seen.iter().rev().find(|s| s.at <= began);
            let again = seen.iter().find(|s| s.at > began);
            let (Some(there), Some(again)) = (there, again) else {
                continue;
            };
            if there.presence != Presence::Online || again.presence != Presence::Online {
                continue;
            }
            let ended = entry.until.unwrap_or(again.at).min(again.at);
            if ended.since_us(began) >= SHORTEST_US {
                spans.push((began, ended));
            }
        }
    }
    spans.sort_unstable();
    for (began, ended) in spans {
        match raws.last_mut() {
            Some(last) if last.ended >= Some(began) => last.ended = last.ended.max(Some(ended)),
            _ => raws.push(Raw {
                began,
                ended: Some(ended),
                mains: None,
                cell: None,
            }),
        }
    }
    raws
}

#[cfg(test)]
mod tests;
