//! How the program's runs begin and end: what was before this one, and how many there were of late.
//!
//! A run notes durably that it began, and, when it ends in good order, why. A run without that end was cut: by a loss of
//! power when the machine has another kernel's run name since, else by its own death.

use loa_protocol::{
    event::{After, RunEnd},
    time::{Moment, WallTime},
};
use serde::{Deserialize, Serialize};

use super::Agent;

/// Most starts that are remembered; a program that begins more often than this in an hour is counted as this.
pub const MAX_STARTS: usize = 64;
const HOUR_US: i64 = 3_600_000_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunNote {
    /// The kernel's name for the machine's run.
    machine_boot: Option<String>,
    /// `None` while it runs.
    ended: Option<End>,
    /// Of this run and those before it, the latest last.
    starts: Vec<Start>,
}

/// An end in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// By a signal.
    Asked,
    /// By the office's order.
    Ordered,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Start {
    machine_boot: Option<String>,
    mono_us: u64,
    /// By a trusted clock.
    wall: Option<WallTime>,
}

#[derive(Debug)]
pub struct Runs {
    note: RunNote,
}

impl Runs {
    /// This run begins. Gives what was before it, when that can be told. `boot` counts the runs in this store, `alive`
    /// is the last trusted time that was written down.
    pub fn begin(
        before: Option<RunNote>,
        boot: u64,
        machine_boot: Option<&str>,
        alive: Option<WallTime>,
        now: Moment,
    ) -> (Self, Option<After>) {
        let ended = match &before {
            None => (boot <= 1).then_some(RunEnd::First),
            Some(before) => {
                let same_machine_run = match (&before.machine_boot, machine_boot) {
                    (Some(then), Some(now)) => Some(then == now),
                    _ => None,
                };
                match (before.ended, same_machine_run) {
                    (Some(End::Ordered), _) => Some(RunEnd::Ordered),
                    (Some(End::Asked), Some(false)) => Some(RunEnd::Reboot),
                    (Some(End::Asked), _) => Some(RunEnd::Stopped),
                    (None, Some(true)) => Some(RunEnd::Crashed),
                    (None, Some(false)) => Some(RunEnd::PowerCut),
                    (None, None) => None,
                }
            }
        };
        let mut starts = before.map(|b| b.starts).unwrap_or_default();
        // What was longer ago than an hour when the last run was last known to live is so now, too.
        starts.retain(|start: &Start| {
            let long_ago = |wall: WallTime| alive.is_some_and(|a| a.since_us(wall) >= HOUR_US);
            let is_of_this_machine_run =
                start.machine_boot.is_some() && start.machine_boot.as_deref() == machine_boot;
            is_of_this_machine_run || start.wall.is_some_and(|wall| !long_ago(wall))
        });
        let excess = (starts.len() + 1).saturating_sub(MAX_STARTS);
        starts.drain(..excess);
        starts.push(Start {
            machine_boot: machine_boot.map(Into::into),
            mono_us: now.mono_us,
            wall: now.is_trusted().then_some(now.wall),
        });
        let note = RunNote {
            machine_boot: machine_boot.map(Into::into),
            ended: None,
            starts,
        };
        let alive = alive.filter(|_| ended != Some(RunEnd::First));
        (Self { note }, ended.map(|ended| After { ended, alive }))
    }

    /// Runs that began within the last hour, this one included however long it lasts.
    pub fn starts_1h(&self, now: Moment) -> u32 {
        let Some((_, before)) = self.note.starts.split_last() else {
            return 1;
        };
        let is_recent = |start: &&Start| {
            // In one run of the machine its steady clock tells, whatever the time of day is worth.
            let age_us = if start.machine_boot.is_some()
                && start.machine_boot == self.note.machine_boot
                && start.mono_us <= now.mono_us
            {
                i64::try_from(now.mono_us - start.mono_us).ok()
            } else {
                start.wall.map(|wall| now.wall.since_us(wall))
            };
            age_us.is_some_and(|age| (0..HOUR_US).contains(&age))
        };
        let recent = before.iter().filter(is_recent).count();
        // At most MAX_STARTS.
        recent as u32 + 1
    }

    /// Once the clock is trusted, when this run began is known; says whether that is news.
    fn learn_start(&mut self, now: Moment) -> bool {
        match self.note.starts.last_mut() {
            Some(own) if own.wall.is_none() && now.is_trusted() => {
                own.wall = Some(now.wall_at(own.mono_us));
                true
            }
            _ => false,
        }
    }
}

impl Agent {
    pub(super) fn note_run(&mut self) {
        let note = self.runs.note.clone();
        self.keep_note(&note);
    }

    pub(super) fn note_end(&mut self, end: End) {
        self.runs.note.ended = Some(end);
        self.note_run();
    }

    pub(super) fn tend_runs(&mut self) {
        if self.runs.learn_start(self.now) {
            self.note_run();
        }
    }
}
