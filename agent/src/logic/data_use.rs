//! Bytes through the line since the first of the month, from counters that begin anew whenever the machine or the
//! modem does.
//!
//! Bound: the counters of at most [`MAX_INTERFACES`] interfaces are remembered; one that was forgotten counts from 0.

use std::collections::BTreeMap;

use jiff::civil::Date;
use loa_protocol::{quiet_hours::parse_zone, telemetry::DataUse, time::Moment};
use serde::{Deserialize, Serialize};

use super::{Agent, port::Traffic};

pub const MAX_INTERFACES: usize = 8;
/// So often at most it goes to the disk: memory cards wear.
pub const SAVE_US: u64 = 600_000_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataNote {
    /// Its first day; `None` until a clock that is trusted has told.
    month: Option<Date>,
    used: Traffic,
    /// The machine's run in which the counters were read.
    machine_boot: Option<String>,
    counters: BTreeMap<String, Traffic>,
}

#[derive(Debug)]
pub struct DataCounter {
    note: DataNote,
    /// Nothing was ever counted in this store.
    is_new: bool,
    saved_us: Option<u64>,
    changed: bool,
}

impl DataCounter {
    pub fn new(note: Option<DataNote>) -> Self {
        Self {
            is_new: note.is_none(),
            note: note.unwrap_or_default(),
            saved_us: None,
            changed: false,
        }
    }

    /// The counters of `interface` show this in the machine's run `machine_boot`.
    pub fn count(&mut self, interface: &str, machine_boot: Option<&str>, shown: Traffic) {
        let note = &mut self.note;
        if note.machine_boot.as_deref() != machine_boot {
            note.machine_boot = machine_boot.map(Into::into);
            note.counters.clear();
        }
        let before = match note.counters.get(interface) {
            Some(last)
                if last.received_bytes <= shown.received_bytes
                    && last.sent_bytes <= shown.sent_bytes =>
            {
                *last
            }
            // What went through before this speaker was one is not known to be of this month.
            None if self.is_new => shown,
            // They began anew, with the machine, the modem or the interface.
            _ => Traffic::default(),
        };
        self.is_new = false;
        let add = |sum: &mut u64, shown: u64, before: u64| {
            *sum = sum.saturating_add(shown.saturating_sub(before));
        };
        add(
            &mut note.used.received_bytes,
            shown.received_bytes,
            before.received_bytes,
        );
        add(
            &mut note.used.sent_bytes,
            shown.sent_bytes,
            before.sent_bytes,
        );
        if note.counters.len() >= MAX_INTERFACES && !note.counters.contains_key(interface) {
            note.counters.pop_first();
        }
        note.counters.insert(interface.into(), shown);
        self.changed = true;
    }

    /// It is this month; another one than before begins at nothing.
    pub fn month_is(&mut self, first: Date) {
        let before = self.note.month.replace(first);
        if before.is_some_and(|before| before != first) {
            self.note.used = Traffic::default();
        }
    }

    pub fn told(&self) -> Option<DataUse> {
        let month = self.note.month?;
        Some(DataUse {
            month,
            received_bytes: self.note.used.received_bytes,
            sent_bytes: self.note.used.sent_bytes,
        })
    }

    /// What is to go to the disk, when that was not for `every_us`.
    fn due_note(&mut self, now_us: u64, every_us: u64) -> Option<DataNote> {
        let is_due = self
            .saved_us
            .is_none_or(|saved| now_us.saturating_sub(saved) >= every_us);
        if !is_due || !std::mem::take(&mut self.changed) {
            return None;
        }
        self.saved_us = Some(now_us);
        Some(self.note.clone())
    }
}

impl Agent {
    pub(super) fn count_data(&mut self, interface: &str, shown: Traffic) {
        if let Some(first) = month_of(self.now, &self.documents.config.zone) {
            self.data.month_is(first);
        }
        let machine_boot = self.identity.machine_boot.as_deref();
        self.data.count(interface, machine_boot, shown);
        self.save_data(SAVE_US);
    }

    pub(super) fn save_data(&mut self, every_us: u64) {
        if let Some(note) = self.data.due_note(self.now.mono_us, every_us) {
            self.keep_note(&note);
        }
    }
}

/// The first day of the month that it is in `zone`, by a clock that is trusted.
fn month_of(now: Moment, zone: &str) -> Option<Date> {
    let zone = parse_zone(zone).ok().filter(|_| now.is_trusted())?;
    Some(
        zone.to_datetime(now.wall.timestamp())
            .date()
            .first_of_month(),
    )
}
