//! What ought to sound here now: asks the arbitration, and has `cue` make it so.
//!
//! The order of things for a start: ledger row written, then durable, then the player is told. Only an emergency silences
//! what sounds before its own row is durable.
//!
//! Bounds: one playout at most sounds and one more is armed to take its place; a pass over the candidates is repeated
//! at most [`MAX_TURNS`] times for one input, then a moment later.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use loa_protocol::{
    arbitration::{Candidate, Decision, State, decide},
    bulletin::{Bulletin, Source},
    id::BulletinId,
    playout::{Failure, Miss, OccurrenceId, Outcome, PlayoutId},
    time::WallTime,
};

use super::{
    Agent,
    act::{Act, ActState, is_at_once, needs_no_clock, waiting},
    ledger::new_row,
    port::PlayerCommand,
};

/// So long before its plan a playout is decided on, so that its row is durable and the player armed in time.
pub const LEAD_MS: i64 = 400;
/// So long before its plan the output is woken and the content opened.
pub const PREPARE_MS: i64 = 2_200;
const MAX_TURNS: usize = 16;
const HOUR_MS: i64 = 3_600_000;

#[derive(Debug, Default)]
pub struct Stage {
    pub acts: BTreeMap<OccurrenceId, Act>,
    /// When to decide again (monotonic) if nothing happens.
    pub wake: Option<u64>,
    pub is_something_near: bool,
    /// Something happened that may change what ought to sound.
    pub dirty: bool,
    pub plan_changed: bool,
    /// Bulletins that are gone because nobody vouches for them any more.
    pub distrusted: BTreeSet<BulletinId>,
    /// Chosen by the last decision.
    pub chosen: Option<OccurrenceId>,
    pub(super) prepared: Option<OccurrenceId>,
}

impl Stage {
    /// What the player has begun last and not ended, and since when (monotonic).
    pub fn sounding(&self) -> Option<(&Act, u64)> {
        self.acts
            .values()
            .filter_map(|act| Some((act, act.piece()?.begun_us?)))
            .max_by_key(|(_, begun_us)| *begun_us)
    }

    pub fn row_is_durable(&mut self, playout: &PlayoutId) {
        if let Some(act) = self.acts.get_mut(&playout.occurrence)
            && act.id() == playout
        {
            act.durable = true;
            self.dirty = true;
        }
    }
}

impl Agent {
    /// Programmes, configuration, clock or audio changed.
    pub(super) fn plan_changed(&mut self) {
        self.stage.dirty = true;
        self.stage.plan_changed = true;
        self.contents.stale = true;
    }

    /// Brings about what ought to be, if anything may have changed.
    pub(super) fn settle(&mut self) {
        let now_us = self.now.mono_us;
        if !self.stage.dirty && self.stage.wake.is_none_or(|at| now_us < at) {
            return;
        }
        self.contents.stale |= self.agenda.prolong(self.now.wall, &self.ledger);
        if self.agenda.take_overflowed() {
            self.contents.stale = true;
            self.fault(
                "agenda",
                "more occurrences than fit; those farthest from now are left out",
            );
        }
        let mut wake = None;
        for _ in 0..MAX_TURNS {
            self.stage.dirty = false;
            self.end_overdue();
            self.end_unapproved();
            self.follow_plan();
            self.end_streams();
            let decision = self.decide_now();
            wake = decision.wake;
            self.apply(decision);
            if !self.stage.dirty {
                break;
            }
        }
        self.prepare_next();
        self.set_wake(wake);
    }

    pub(super) fn lead_ms(&self) -> i64 {
        LEAD_MS + i64::from(self.documents.config.delay_trim_ms).min(0).abs()
    }

    /// As far as the clock goes. A stream has its place by the office's: without that it does not begin.
    fn may_begin(&self, bulletin: &Bulletin, fresh: bool) -> bool {
        let is_placed = bulletin.stream().is_none() || self.clock.office(self.now).is_some();
        self.now.is_trusted() || needs_no_clock(bulletin, fresh) && is_placed
    }

    /// Everything that could sound within `ahead_ms`.
    fn candidates(&self, ahead_ms: i64) -> Vec<Candidate> {
        let now = self.now;
        let limits = self.limits();
        let running_since = now.wall_at(self.began_us);
        let mut all = Vec::new();
        for act in self.stage.acts.values() {
            let fresh = self.agenda.known(&act.bulletin.id).is_some_and(|k| k.fresh);
            let may = self.may_begin(&act.bulletin, fresh);
            if act.state != ActState::Idle || may {
                let ready = self.is_ready(&act.row.playout.id.occurrence, &act.bulletin);
                all.extend(act.candidate(now, ready, &limits));
            }
        }
        for (planned, id) in self.agenda.due(now.wall.plus_ms(ahead_ms)) {
            let Some(known) = self.agenda.known(&id.bulletin) else {
                continue;
            };
            let may = self.may_begin(&known.bulletin, known.fresh);
            if may && !self.stage.acts.contains_key(id) {
                let mut candidate = waiting(id.clone(), planned, &known.bulletin, &limits);
                candidate.ready = self.is_ready(id, &known.bulletin);
                candidate.arrived = known.arrived.map_or(WallTime::EPOCH, |us| now.wall_at(us));
                all.push(candidate);
            }
        }
        for candidate in &mut all {
            candidate.running_since = running_since;
        }
        all
    }

    /// Is its audio here, or does its stream flow?
    fn is_ready(&self, id: &OccurrenceId, bulletin: &Bulletin) -> bool {
        match &bulletin.source {
            Source::Content(manifest) => self.contents.is_complete(&manifest.content),
            Source::Stream(stream) => self.is_stream_ready(id, bulletin, stream),
        }
    }

    fn decide_now(&self) -> Decision {
        let silence_before = self.documents.silence_before();
        let (silenced, mut candidates): (Vec<_>, Vec<_>) = self
            .candidates(self.lead_ms())
            .into_iter()
            .partition(|c| silence_before.is_some_and(|s| c.planned <= s));
        let mut over = self.judge_doubtful(&mut candidates);
        over.extend(self.judge_replays(&mut candidates));
        for candidate in &mut candidates {
            self.move_stream_here(candidate);
            // What is said now does not wait until a slow clock shows the office's instant.
            if self.is_said_now(candidate) {
                candidate.planned = candidate.planned.min(self.now.wall);
            }
        }
        let sounded = self.sounded(self.now.mono_us);
        let rules = self.rules(&sounded);
        let lead_ms = self.lead_ms();
        let stopped = decide(&silenced, &rules, silence_before, self.now.wall, lead_ms);
        let mut decision = decide(&candidates, &rules, None, self.now.wall, lead_ms);
        for (id, outcome) in &mut decision.over {
            if let Some(candidate) = candidates.iter().find(|c| c.id == *id) {
                *outcome = self.honest(candidate, *outcome);
            }
        }
        over.extend(stopped.over);
        decision.over.extend(over);
        decision
    }

    fn is_said_now(&self, candidate: &Candidate) -> bool {
        let bulletin = self.bulletin_of(&candidate.id);
        bulletin.is_some_and(|bulletin| is_at_once(&candidate.id, bulletin))
    }

    /// The edit that an act began with, else the one that is known.
    pub(super) fn bulletin_of(&self, id: &OccurrenceId) -> Option<&Arc<Bulletin>> {
        match self.stage.acts.get(id) {
            Some(act) => Some(&act.bulletin),
            None => Some(&self.agenda.known(&id.bulletin)?.bulletin),
        }
    }

    /// Takes out what ran out of time while nobody knew the time.
    fn judge_doubtful(&self, candidates: &mut Vec<Candidate>) -> Vec<(OccurrenceId, Outcome)> {
        let Some((from_us, until_us)) = self.doubtful.filter(|_| self.now.is_trusted()) else {
            return Vec::new();
        };
        let doubtful = self.now.wall_at(from_us)..=self.now.wall_at(until_us.min(self.now.mono_us));
        let mut over = Vec::new();
        candidates.retain(|c| {
            let fresh = self.agenda.known(&c.id.bulletin).is_some_and(|k| k.fresh);
            let was_held_back = c.state == State::Waiting
                && !self
                    .bulletin_of(&c.id)
                    .is_some_and(|b| needs_no_clock(b, fresh))
                && c.start_by < self.now.wall
                && doubtful.contains(&c.start_by);
            if was_held_back {
                over.push((c.id.clone(), Outcome::Missed(Miss::ClockUntrusted)));
            }
            !was_held_back
        });
        over
    }

    /// "Off" is what the arbitration calls time that ran out in silence. This program was running, so it knows better.
    fn honest(&self, candidate: &Candidate, outcome: Outcome) -> Outcome {
        if let Some(outcome) = self.honest_of_stream(candidate, outcome) {
            return outcome;
        }
        let was_running = candidate.running_since <= candidate.start_by;
        if outcome != Outcome::Missed(Miss::Off) || !was_running {
            return outcome;
        }
        match self.stage.acts.get(&candidate.id) {
            Some(act) if !act.durable => Outcome::Failed(Failure::Ledger),
            // The clock jumped over its time.
            _ => Outcome::Missed(Miss::ClockUntrusted),
        }
    }

    fn apply(&mut self, decision: Decision) {
        for (id, outcome) in decision.over {
            if self.stage.acts.contains_key(&id) {
                self.end_act(&id, outcome);
            } else {
                self.judge(&id, outcome);
            }
        }
        self.stage.chosen = decision.sound;
        self.recall_barred();
        if let Some(id) = self.stage.chosen.clone() {
            self.bring_on(&id);
        }
    }

    /// Readies the player for what will be chosen if nothing changes.
    fn prepare_next(&mut self) {
        let now = self.now.wall;
        let soon = now.plus_ms(PREPARE_MS);
        let next = self.agenda.next_after(now.plus_ms(self.lead_ms()));
        if !self.now.is_trusted() || next.is_none_or(|at| at > soon) {
            return;
        }
        let candidates = self.candidates(PREPARE_MS);
        let silence = self.documents.silence_before();
        let sounded = self.sounded(self.now.mono_us);
        let rules = self.rules(&sounded);
        let Some(id) = decide(&candidates, &rules, silence, now, PREPARE_MS).sound else {
            return;
        };
        if self.stage.acts.contains_key(&id) || self.stage.prepared.as_ref() == Some(&id) {
            return;
        }
        let (Some(planned), Some(known)) =
            (self.agenda.planned(&id), self.agenda.known(&id.bulletin))
        else {
            return;
        };
        let attempt = self.ledger.next_attempt(&id);
        let mut row = new_row(
            id.clone(),
            attempt,
            planned,
            &known.bulletin,
            self.now.trust,
        );
        let start = self.aim(planned, &known.bulletin).max(now);
        row.place_ms = self.place_at(start, &row, &known.bulletin);
        let source = self.source_of(&known.bulletin, false);
        let play = self.make_play(&row, &known.bulletin, 0, start, source);
        self.tell_player(PlayerCommand::Prepare(Box::new(play)));
        self.stage.prepared = Some(id);
    }

    fn set_wake(&mut self, decided: Option<WallTime>) {
        let now = self.now.wall;
        let lead_ms = self.lead_ms();
        // Until an armed one's plan has come nothing is decided against it, so nothing is asked.
        let chosen = self
            .stage
            .chosen
            .as_ref()
            .and_then(|id| self.stage.acts.get(id));
        let armed_for = chosen
            .filter(|act| act.waits_for_its_plan(now))
            .map_or(now, |act| act.row.playout.planned);
        let next = |after_ms: i64| {
            let at = self.agenda.next_after(now.plus_ms(after_ms));
            at.map(|at| at.plus_ms(-after_ms))
        };
        let walls = [
            decided.map(|at| at.max(armed_for)),
            next(lead_ms),
            next(PREPARE_MS.max(lead_ms)),
            Some(self.agenda.prolong_at()),
        ];
        let wall = walls.into_iter().flatten().map(|at| self.now.mono_at(at));
        let overdue = self
            .stage
            .acts
            .values()
            .filter_map(|act| Some(act.piece()?.overdue_us));
        let approved_until = self.stage.acts.values().filter_map(Act::approved_until);
        let unapproved = approved_until
            .filter(|at| *at >= now)
            .map(|at| self.now.mono_at(at.plus_us(1)));
        let streams = self.streams_wake();
        let earliest = wall.chain(overdue).chain(unapproved).chain(streams).min();
        let soonest = self.now.mono_us + if self.stage.dirty { 1_000 } else { 1 };
        self.stage.wake = earliest
            .map(|at| at.max(soonest))
            .or(self.stage.dirty.then_some(soonest));
        let near = self
            .agenda
            .iter()
            .next()
            .is_some_and(|(at, _)| at < now.plus_ms(HOUR_MS));
        self.stage.is_something_near = near || !self.stage.acts.is_empty();
    }
}
