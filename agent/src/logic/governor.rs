//! The pole's own limits, and what has sounded of late: what no key lifts.
//!
//! The history is derived from the ledger at the start of a run and carried on from there, so that a loss of power gives
//! no minutes back. What sounded in this run is kept by the steady clock: a step of the wall clock changes when it was,
//! but not how long ago. Of earlier runs the wall times are all there is. They move with every step of a trusted clock,
//! and none of them can lie after the beginning of this run. A piece that a loss of power ended is taken to have
//! sounded until this run began, for as long as it could have.
//!
//! After a trusted clock stepped far nobody can say which civil day it is; for a day the last 24 hours count for one. (A
//! loss of power followed by a lying clock cannot be told from a day without power.)
//!
//! Bounds: [`MAX_PIECES`]; beyond it the two oldest become one, the silence between them counted as sound.

use std::collections::VecDeque;

use loa_protocol::{
    arbitration::{Rules, is_in_earnest},
    limits::{Governor, Limits},
    playout::Playout,
    sounded::{Piece, REMEMBERED_S, Sounded, Used},
    time::{Moment, Trust, WallTime},
};

use super::{Agent, port::LedgerRow};

/// Most pieces that are remembered. A day of three-minute items has 480.
pub const MAX_PIECES: usize = 1_024;
const REMEMBERED_US: u64 = REMEMBERED_S.unsigned_abs() * 1_000_000;
/// Steps of a trusted clock that together are less leave the day what it is.
const DAY_STEP_US: u64 = 600_000_000;
const DAY_US: u64 = 86_400_000_000;

#[derive(Debug, Default)]
pub struct Governed {
    pub own: Governor,
    /// Of earlier runs, in order of time.
    before: VecDeque<Before>,
    /// Of this run, in the order of their ends.
    heard: VecDeque<Heard>,
    /// How far the trusted clock stepped in all, and when it did so last (monotonic).
    stepped: Option<(u64, u64)>,
}

/// By the steady clock.
#[derive(Clone, Copy, Debug)]
struct Heard {
    from_us: u64,
    to_us: u64,
    emergency: bool,
}

/// By the wall clock of then.
#[derive(Clone, Copy, Debug)]
struct Before {
    piece: Piece,
    /// It ended no later than `to`; when, nobody knows.
    is_open: bool,
}

impl Governed {
    pub fn new(own: Governor) -> Self {
        Self {
            own,
            ..Self::default()
        }
    }

    /// Takes in a row of an earlier run. Rows come in any order; `order` follows.
    pub fn restore(&mut self, row: &LedgerRow) {
        let Playout {
            priority,
            status,
            started,
            ended,
            sounded_ms,
            ..
        } = row.playout;
        let emergency = is_in_earnest(priority, status);
        let mut add = |from: WallTime, to: WallTime, is_open| {
            let piece = Piece {
                from,
                to,
                emergency,
            };
            self.before.push_back(Before { piece, is_open });
        };
        if let Some(started) = started.filter(|_| sounded_ms > 0) {
            let length_ms = i64::try_from(sounded_ms).unwrap_or(i64::MAX);
            // It may have had pauses; all of it as late as can be.
            let to = ended
                .or(row.suspended)
                .or(row.begun.map(|begun| begun.at))
                .unwrap_or(started.plus_ms(length_ms));
            add(to.plus_ms(-length_ms), to, false);
        }
        if let Some(begun) = row.begun {
            let most_ms = i64::try_from(begun.most_ms).unwrap_or(i64::MAX);
            add(begun.at, begun.at.plus_ms(most_ms), true);
        }
    }

    /// After the last row.
    pub fn restored(&mut self, now: Moment) {
        let all = self.before.make_contiguous();
        all.sort_by_key(|b| b.piece.from);
        if now.is_trusted() {
            let long_ago = now.wall.plus_s(-REMEMBERED_S);
            self.before.retain(|b| b.piece.to > long_ago);
        }
        while self.before.len() > MAX_PIECES {
            // The oldest of forty days are not missed.
            self.before.pop_front();
        }
    }

    /// This much sounded, by the steady clock.
    pub fn heard(&mut self, from_us: u64, to_us: u64, emergency: bool) {
        if from_us >= to_us {
            return;
        }
        let long_ago = to_us.saturating_sub(REMEMBERED_US);
        self.heard.retain(|h| h.to_us >= long_ago);
        self.heard.push_back(Heard {
            from_us,
            to_us,
            emergency,
        });
        if self.heard.len() > MAX_PIECES
            && let Some(oldest) = self.heard.pop_front()
            && let Some(next) = self
                .heard
                .iter_mut()
                .find(|h| h.emergency == oldest.emergency)
        {
            next.from_us = next.from_us.min(oldest.from_us);
        }
    }

    /// The trusted clock stepped by this much.
    pub fn stepped(&mut self, by_us: i64, now_us: u64) {
        for b in &mut self.before {
            b.piece.from = b.piece.from.plus_us(by_us);
            b.piece.to = b.piece.to.plus_us(by_us);
        }
        let so_far = self
            .stepped
            .filter(|(_, at)| now_us.saturating_sub(*at) < DAY_US)
            .map_or(0, |(far, _)| far);
        self.stepped = Some((so_far.saturating_add(by_us.unsigned_abs()), now_us));
    }

    /// What sounded up to now; `present` are the pieces that sound still, and since when.
    pub fn sounded(
        &self,
        now: Moment,
        began_us: u64,
        present: impl Iterator<Item = (u64, bool)>,
    ) -> Sounded {
        let begin = now.wall_at(began_us);
        let mut pieces = Vec::with_capacity(self.before.len() + self.heard.len() + 1);
        // Each earlier one ended before this run began, and before the next one began.
        let mut last = begin;
        for b in self.before.iter().rev() {
            let Piece { from, to, .. } = b.piece;
            let length_us = to.since_us(from);
            let to = to.min(last);
            // Where nobody knows the time, nobody knows that this run did not begin much later.
            let from = if b.is_open && to > from && now.is_trusted() {
                from
            } else {
                to.plus_us(-length_us)
            };
            last = from;
            pieces.push(Piece {
                from,
                to,
                emergency: b.piece.emergency,
            });
        }
        let heard = self.heard.iter().map(|h| (h.from_us, h.to_us, h.emergency));
        let present = present.map(|(from_us, emergency)| (from_us, now.mono_us, emergency));
        pieces.extend(
            heard
                .chain(present)
                .map(|(from_us, to_us, emergency)| Piece {
                    from: now.wall_at(from_us),
                    to: now.wall_at(to_us),
                    emergency,
                }),
        );
        let long_ago = now.wall.plus_s(-REMEMBERED_S);
        let mut sounded: Sounded = pieces.into_iter().filter(|p| p.to > long_ago).collect();
        sounded.is_day_doubtful = self
            .stepped
            .is_some_and(|(far, at)| far >= DAY_STEP_US && now.mono_us.saturating_sub(at) < DAY_US);
        sounded
    }
}

impl Agent {
    /// What has sounded, up to the instant `at` (monotonic), if what sounds now goes on until then.
    pub(super) fn sounded(&self, at_us: u64) -> Sounded {
        let at = Moment {
            mono_us: at_us,
            wall: self.now.wall_at(at_us),
            trust: self.now.trust,
        };
        let present = self.stage.acts.values().filter_map(|act| {
            let emergency = is_in_earnest(act.bulletin.priority, act.bulletin.status);
            Some((act.piece()?.begun_us?, emergency))
        });
        self.governed.sounded(at, self.began_us, present)
    }

    pub(super) fn rules<'a>(&'a self, sounded: &'a Sounded) -> Rules<'a> {
        Rules {
            config: &self.documents.config,
            governor: &self.governed.own,
            sounded,
        }
    }

    /// In force: the stricter of the office's and the pole's own.
    pub(super) fn limits(&self) -> Limits {
        self.rules(&Sounded::default()).limits()
    }

    pub(super) fn used(&self, moment: Moment) -> Used {
        self.sounded(moment.mono_us)
            .used(&self.governed.own.zone, moment.wall)
    }

    /// By the office's word, or by what was set here.
    pub(super) fn is_quiet(&self, at: WallTime) -> bool {
        self.rules(&Sounded::default()).is_quiet(at)
    }

    /// A step of the wall clock from one trusted time to another gives no minutes back.
    pub(super) fn govern_step(&mut self, before: Moment) {
        if before.trust > Trust::Untrusted && self.now.is_trusted() {
            let at_us = self.now.mono_us;
            let by_us = self.now.wall.since_us(before.wall_at(at_us));
            self.governed.stepped(by_us, at_us);
        }
    }
}
