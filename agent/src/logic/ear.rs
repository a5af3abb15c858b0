//! Was it heard? What the listener found of each piece, gathered into one word per playout.
//!
//! Where nothing listens, nothing is told of single playouts: the office knows it from `telemetry.ear.kind`. Where
//! something does, every playout that sounded is told of once, after its end, as heard, not heard or unclear. Of a
//! playout that a loss of power ended nothing is told: nobody listened to its end.
//! The self-test, the daily one and those asked for, is in `self_test`.

use std::collections::BTreeMap;

use loa_audio::hearing::{Found, Verdict};
use loa_protocol::{
    event::What,
    playout::PlayoutId,
    telemetry::{Ear, EarKind, Hearing, Listened, MAX_TEXT_BYTES, SelfTest},
};

use super::{Agent, ledger::shortened, self_test::SelfTests};

/// Most playouts that wait for their word; the one that comes first in order goes untold then.
const MAX_OPEN: usize = 32;
/// The listener has failed if it has not told of the last piece this long after the end.
const PATIENCE_US: u64 = 12_000_000;

/// What is known of the own sound.
#[derive(Debug, Default)]
pub struct Hearer {
    pub(super) kind: EarKind,
    /// Amplitude of the self-test, before the ceiling.
    pub(super) amplitude: f32,
    pub(super) trouble: Option<String>,
    pub(super) tests: SelfTests,
    pub(super) last_test: Option<SelfTest>,
    last_heard: Option<Listened>,
    open: BTreeMap<PlayoutId, Open>,
}

/// A playout of which not everything is told.
#[derive(Debug, Default)]
struct Open {
    found: Found,
    began: u32,
    told: u32,
    /// The word is given then at the latest; `None` while it may go on.
    by_us: Option<u64>,
}

impl Hearer {
    fn listens(&self) -> bool {
        self.kind != EarKind::None
    }

    pub fn piece_began(&mut self, playout: &PlayoutId) {
        if !self.listens() {
            return;
        }
        if self.open.len() >= MAX_OPEN && !self.open.contains_key(playout) {
            self.open.pop_first();
        }
        self.open.entry(playout.clone()).or_default().began += 1;
    }

    pub fn playout_over(&mut self, playout: &PlayoutId, now_us: u64) {
        if let Some(open) = self.open.get_mut(playout) {
            open.by_us = Some(now_us.saturating_add(PATIENCE_US));
        }
    }

    /// The next playout whose word can be given.
    fn ripe(&self, now_us: u64) -> Option<PlayoutId> {
        let is_ripe = |open: &Open| {
            open.by_us
                .is_some_and(|by_us| open.told >= open.began || by_us <= now_us)
        };
        let mut all = self.open.iter();
        all.find(|(_, open)| is_ripe(open))
            .map(|(playout, _)| playout.clone())
    }

    pub fn deadline(&self) -> Option<u64> {
        let word_us = self.open.values().filter_map(|open| open.by_us).min();
        word_us.into_iter().chain(self.tests.deadline()).min()
    }
}

impl Agent {
    /// What listens here, told once before anything is handled; `amplitude` is the self-test's.
    pub fn listens_with(&mut self, kind: EarKind, amplitude: f32) {
        self.ear.kind = kind;
        self.ear.amplitude = amplitude;
    }

    pub(super) fn ear(&self) -> Ear {
        Ear {
            kind: self.ear.kind,
            trouble: self.ear.trouble.clone(),
            last_test: self.ear.last_test.clone(),
            last_heard: self.ear.last_heard.clone(),
        }
    }

    pub(super) fn listened(&mut self, playout: &PlayoutId, piece: u32, found: &Found) {
        if *playout == super::port::self_test() {
            return self.self_test_listened(piece, found);
        }
        if let Some(open) = self.ear.open.get_mut(playout) {
            open.found.add(found);
            open.told += 1;
        }
    }

    pub(super) fn ear_trouble(&mut self, why: Option<String>) {
        let why = why.map(|why| shortened(&why, MAX_TEXT_BYTES));
        if self.ear.trouble == why {
            return;
        }
        if let Some(why) = &why {
            self.fault("microphone", why);
        }
        self.ear.trouble = why;
        self.report.changed();
    }

    /// Gives the words that can be given, and looks after the self-test.
    pub(super) fn tend_ear(&mut self) {
        while let Some(playout) = self.ear.ripe(self.now.mono_us) {
            let open = self.ear.open.remove(&playout).unwrap_or_default();
            let listened = Listened {
                playout,
                at: self.now.wall,
                hearing: hearing(&open.found),
                clarity_centi: open.found.clarity_centi,
                delay_us: open.found.delay_us,
            };
            self.ear.last_heard = Some(listened.clone());
            self.event(What::Heard { listened });
            self.report.changed();
        }
        self.tend_self_test();
    }
}

pub(super) fn hearing(found: &Found) -> Hearing {
    match found.verdict() {
        Verdict::Heard => Hearing::Heard,
        Verdict::NotHeard => Hearing::NotHeard,
        Verdict::TooShort | Verdict::Deaf => Hearing::Unclear,
    }
}
