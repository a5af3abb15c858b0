//! A playout that has its ledger row and no outcome yet: committed to, armed, sounding, leaving, or suspended.

use std::sync::Arc;

use loa_protocol::{
    arbitration::{Candidate, State},
    bulletin::{Bulletin, Priority},
    limits::Limits,
    live::Streamed,
    playout::{Interruption, OccurrenceId, Outcome, PlayoutId, Skip},
    time::{Moment, WallTime},
};

use super::port::LedgerRow;

/// The player answers a `Stop` within this, or is taken for dead, in microseconds.
pub const STOP_ANSWER_US: u64 = 5_000_000;
/// … and ends a piece no later than this after its length.
pub const PLAY_SLACK_US: u64 = 10_000_000;

/// Farthest that a configuration may move a start from its plan, in milliseconds.
const MAX_TRIM_MS: i64 = 500;

#[derive(Debug)]
pub struct Act {
    pub row: LedgerRow,
    /// The edit with which it began.
    pub bulletin: Arc<Bulletin>,
    /// Its row is on disk: it may sound.
    pub durable: bool,
    /// How many `Play`s were given.
    pub pieces: u32,
    pub state: ActState,
    /// Of a stream only.
    pub aired: Aired,
}

/// How a stream fares on the stage.
#[derive(Debug, Default)]
pub struct Aired {
    /// Its present piece comes from the station itself.
    pub is_station: bool,
    /// The station could not be had from here: the office's packets are left.
    pub station_failed: bool,
    /// Its last piece ended because nothing came.
    pub is_starved: bool,
    /// When the speech of its present piece begins, after the chime; monotonic.
    pub speech_us: u64,
    pub starvations: u32,
    /// What the player measured of the pieces that are over, and of the present one.
    pub before: Streamed,
    pub present: Streamed,
}

#[derive(Debug, PartialEq)]
pub enum ActState {
    /// Nothing of it sounded yet, and the player does not have it.
    Idle,
    /// The player has it; `begun` once it sounds (monotonic).
    AtPlayer { piece: Piece },
    /// The player was told to stop it and has not answered yet.
    Leaving { piece: Piece, fate: Fate },
    /// Cut; goes on from `row.place_ms` when it may.
    Suspended { since_us: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    pub number: u32,
    /// When it is to start, and when it did; monotonic.
    pub start_us: u64,
    pub begun_us: Option<u64>,
    /// The speaker's limits end it before its bulletin would.
    pub is_limited: bool,
    /// The player has failed if it has not ended it by then.
    pub overdue_us: u64,
}

/// What becomes of it once the player has let go of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    Over(Outcome),
    /// Something of higher rank, or a new plan, takes its place.
    Cut,
}

impl Act {
    pub fn id(&self) -> &PlayoutId {
        &self.row.playout.id
    }
    /// The approvers' word reaches no further than this.
    pub fn approved_until(&self) -> Option<WallTime> {
        self.bulletin.endorsement.as_ref().map(|e| e.until)
    }
    pub fn has_sounded(&self) -> bool {
        self.row.playout.started.is_some()
    }
    pub fn piece(&self) -> Option<&Piece> {
        match &self.state {
            ActState::AtPlayer { piece } | ActState::Leaving { piece, .. } => Some(piece),
            _ => None,
        }
    }
    pub fn piece_mut(&mut self) -> Option<&mut Piece> {
        match &mut self.state {
            ActState::AtPlayer { piece } | ActState::Leaving { piece, .. } => Some(piece),
            _ => None,
        }
    }

    /// Is it armed for an instant still to come? A trim may let it begin a little before its plan; one that sounds and
    /// whose plan is far ahead does so because the clock stepped back.
    pub fn waits_for_its_plan(&self, now: WallTime) -> bool {
        let playout = &self.row.playout;
        let has_begun = self.has_sounded() || self.piece().is_some_and(|p| p.begun_us.is_some());
        let ahead_ms = playout.planned.since_ms(now);
        now < playout.planned
            && (!has_begun || ahead_ms <= MAX_TRIM_MS)
            && !is_at_once(&playout.id.occurrence, &self.bulletin)
    }

    /// As the arbitration sees it; `None` while the player lets go of it, for its fate is decided.
    pub fn candidate(&self, now: Moment, ready: bool, limits: &Limits) -> Option<Candidate> {
        let playout = &self.row.playout;
        let length_ms = limits.length_ms(&self.bulletin);
        let (state, remaining_ms, ready) = match self.state {
            ActState::Idle => (State::Waiting, length_ms, ready),
            // Before its plan, an armed one is judged as what it will be: 05:00 is not in quiet hours that end at 05:00.
            ActState::AtPlayer { .. } if self.waits_for_its_plan(now.wall) => {
                (State::Waiting, length_ms, true)
            }
            ActState::AtPlayer { .. } => (State::Sounding, length_ms, true),
            ActState::Leaving { .. } => return None,
            ActState::Suspended { since_us } => {
                let since = now.wall_at(since_us);
                let place_ms = match self.bulletin.stream() {
                    None => self.row.place_ms,
                    // Its place goes on with the time.
                    Some(_) => now.wall.since_ms(playout.planned).max(0).unsigned_abs(),
                };
                let left_ms = length_ms.saturating_sub(place_ms);
                (State::Suspended { since }, left_ms, ready)
            }
        };
        let id = playout.id.occurrence.clone();
        let mut candidate = waiting(id, playout.planned, &self.bulletin, limits);
        candidate.state = state;
        candidate.remaining_ms = self.bulletin.need_ms(remaining_ms);
        candidate.ready = ready;
        Some(candidate)
    }
}

/// A candidate that has not begun and whose audio is not here.
pub fn waiting(
    id: OccurrenceId,
    planned: WallTime,
    bulletin: &Bulletin,
    limits: &Limits,
) -> Candidate {
    Candidate {
        id,
        priority: bulletin.priority,
        status: bulletin.status,
        order: bulletin.order,
        planned,
        start_by: bulletin.start_by(planned),
        valid_until: bulletin.ends(planned),
        on_preempt: bulletin.on_preempt,
        remaining_ms: bulletin.need_ms(limits.length_ms(bulletin)),
        state: State::Waiting,
        ready: false,
        arrived: WallTime::EPOCH,
        running_since: WallTime::EPOCH,
    }
}

/// What never sounded was not interrupted: a rule said no before it began.
pub fn softened(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Interrupted(Interruption::Stopped) => Outcome::Skipped(Skip::Stopped),
        Outcome::Interrupted(Interruption::Muted) => Outcome::Skipped(Skip::Muted),
        Outcome::Interrupted(Interruption::QuietHours) => Outcome::Skipped(Skip::QuietHours),
        Outcome::Interrupted(Interruption::Limit) => Outcome::Skipped(Skip::Limit),
        Outcome::PreEmpted => Outcome::Skipped(Skip::Busy),
        other => other,
    }
}

/// What sounded was not skipped, though its planned instant had not come: a negative trim began it early.
pub fn hardened(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Skipped(Skip::Stopped) => Outcome::Interrupted(Interruption::Stopped),
        Outcome::Skipped(Skip::Muted) => Outcome::Interrupted(Interruption::Muted),
        Outcome::Skipped(Skip::QuietHours) => Outcome::Interrupted(Interruption::QuietHours),
        Outcome::Skipped(Skip::Limit) => Outcome::Interrupted(Interruption::Limit),
        Outcome::Skipped(Skip::Busy) => Outcome::PreEmpted,
        other => other,
    }
}

/// A stream is not: all poles are to begin it in step, so its instant is awaited.
pub fn is_at_once(id: &OccurrenceId, bulletin: &Bulletin) -> bool {
    bulletin.is_now() && id.repeat == 0 && bulletin.stream().is_none()
}

/// May it sound though nobody knows what time it is? What somebody says now, and emergencies among what was said then.
pub fn needs_no_clock(bulletin: &Bulletin, fresh: bool) -> bool {
    bulletin.is_now() && (fresh || bulletin.priority == Priority::Emergency)
}
