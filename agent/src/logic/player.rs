//! What the player tells: a piece began, a piece is over. Each is told with its number, so that a stale one is dropped.

use loa_protocol::{
    arbitration::{after_cut, is_in_earnest},
    bulletin::{Bulletin, OnPreempt},
    event::What,
    playout::{Failure, Interruption, OccurrenceId, Outcome, PlayoutId},
};

use super::{
    Agent, Effect,
    act::{Act, ActState, Fate},
    port::{Begun, How, LogLine, PlayerEvent, Write},
};

impl Agent {
    pub(super) fn player_event(&mut self, event: PlayerEvent) {
        let Some(event) = self.not_the_self_test(event) else {
            return;
        };
        match event {
            PlayerEvent::Started {
                playout,
                piece,
                at_mono_us,
            } => {
                if self.is_current(&playout, piece) {
                    self.piece_began(&playout.occurrence, at_mono_us.min(self.now.mono_us));
                }
            }
            PlayerEvent::Ended {
                playout,
                piece,
                at_mono_us,
                place_ms,
                how,
            } => {
                if self.is_current(&playout, piece) {
                    let at_us = at_mono_us.min(self.now.mono_us);
                    self.piece_ended(&playout.occurrence, at_us, place_ms, how);
                }
            }
            PlayerEvent::Streams {
                playout,
                piece,
                streamed,
                ..
            } => {
                if self.is_current(&playout, piece) {
                    self.stream_fares(&playout.occurrence, streamed);
                }
            }
        }
    }

    fn is_current(&self, playout: &PlayoutId, number: u32) -> bool {
        let act = self.stage.acts.get(&playout.occurrence);
        act.is_some_and(|act| {
            act.id() == playout && act.piece().is_some_and(|p| p.number == number)
        })
    }

    fn piece_began(&mut self, id: &OccurrenceId, at_us: u64) {
        let began = self.now.wall_at(at_us);
        let Some(act) = self.stage.acts.get(id) else {
            return;
        };
        let aim = self.aim(act.row.playout.planned, &act.bulletin);
        let Some(act) = self.stage.acts.get_mut(id) else {
            return;
        };
        match act.piece_mut() {
            Some(piece) if piece.begun_us.is_none() => piece.begun_us = Some(at_us),
            _ => return,
        }
        let late_us = began.since_us(aim);
        let row = &mut act.row;
        row.begun = Some(Begun {
            at: began,
            most_ms: act.bulletin.length_ms().saturating_sub(row.place_ms),
        });
        if row.playout.started.is_none() {
            row.playout.started = Some(began);
            row.playout.error_us = Some(late_us);
            row.playout.trust = self.now.trust;
        } else {
            row.playout.cuts += 1;
        }
        let row = row.clone();
        self.out.push(Effect::Log(LogLine::Playing {
            title: row.playout.title.clone(),
            priority: format!("{:?}", row.playout.priority).to_lowercase(),
            late_ms: late_us.div_euclid(1_000),
        }));
        let playout = row.playout.clone();
        self.stream_piece_began(id, at_us);
        self.ear.piece_began(&playout.id);
        self.commits.put(Write::PutLedger(row));
        self.event(What::Started { playout });
        self.commits.close_group();
        self.report.changed();
        self.stage.dirty = true;
    }

    /// Adds what sounded of the present piece, and gives how long that was, in microseconds.
    pub(super) fn count_sounded(&mut self, id: &OccurrenceId, until_us: u64) -> u64 {
        let Some(act) = self.stage.acts.get_mut(id) else {
            return 0;
        };
        let Some(begun_us) = act.piece_mut().and_then(|p| p.begun_us.take()) else {
            return 0;
        };
        // A stream that brings nothing more is silent: nobody heard it, though it held the loudspeaker.
        let heard_to_us = self.streams.heard_to(act, begun_us, until_us);
        let heard_to_us = heard_to_us.unwrap_or(until_us);
        let sounded_us = heard_to_us.min(until_us).saturating_sub(begun_us);
        act.row.playout.sounded_ms += sounded_us / 1_000;
        act.row.begun = None;
        let emergency = is_in_earnest(act.bulletin.priority, act.bulletin.status);
        self.governed.heard(begun_us, until_us, emergency);
        self.measured.sounded_until(self.now.wall_at(until_us));
        sounded_us
    }

    fn piece_ended(&mut self, id: &OccurrenceId, at_us: u64, place_ms: u64, how: How) {
        let sounded_us = self.count_sounded(id, at_us);
        self.stage.dirty = true;
        self.report.changed();
        if let Some(fate) = self.stream_piece_ended(id, &how, sounded_us) {
            return match fate {
                Fate::Over(outcome) => self.close(id, outcome, self.now.wall_at(at_us)),
                Fate::Cut => self.cut(id, at_us, place_ms),
            };
        }
        let Some(act) = self.stage.acts.get(id) else {
            return;
        };
        let fate = match (&act.state, how) {
            // It got to its end before the stop reached it.
            (_, How::Finished) => Fate::Over(Outcome::Completed),
            (ActState::Leaving { fate, .. }, _) => *fate,
            (ActState::AtPlayer { piece }, How::LimitReached) if piece.is_limited => {
                Fate::Over(Outcome::Interrupted(Interruption::Limit))
            }
            (_, How::LimitReached) => Fate::Over(at_limit(&act.bulletin)),
            (_, How::Replaced | How::Starved) => Fate::Cut,
            (_, How::Stopped) => {
                self.fault("player", "the player stopped a playout that nobody stopped");
                Fate::Over(Outcome::Failed(Failure::Output))
            }
            (_, How::Failed { failure, detail }) => {
                self.fault("player", &detail);
                Fate::Over(Outcome::Failed(failure))
            }
        };
        match fate {
            Fate::Over(outcome) => self.close(id, outcome, self.now.wall_at(at_us)),
            Fate::Cut => self.cut(id, at_us, place_ms),
        }
    }

    /// It made room at `place_ms` of itself.
    fn cut(&mut self, id: &OccurrenceId, at_us: u64, place_ms: u64) {
        let by = self.stage.chosen.clone().filter(|chosen| chosen != id);
        let since = self.now.wall_at(at_us);
        let Some(act) = self.stage.acts.get_mut(id) else {
            return;
        };
        if !act.has_sounded() {
            act.state = ActState::Idle;
            return self.plan_changed();
        }
        let on_preempt = match act.bulletin.stream() {
            // The place in a stream is bound to time, and want of packets is no pre-emption.
            Some(_) if act.aired.is_starved => OnPreempt::Resume,
            _ => act.bulletin.on_preempt,
        };
        let Some(place_ms) = after_cut(on_preempt, place_ms) else {
            return self.close(id, Outcome::PreEmpted, since);
        };
        act.state = ActState::Suspended { since_us: at_us };
        act.row.place_ms = place_ms;
        act.row.suspended = Some(since);
        let row = act.row.clone();
        let playout = row.playout.clone();
        self.commits.put(Write::PutLedger(row));
        self.event(What::Suspended { playout, by });
        self.commits.close_group();
    }

    /// A player that does not answer in time is taken for dead.
    pub(super) fn end_overdue(&mut self) {
        let now_us = self.now.mono_us;
        let is_overdue = |act: &Act| act.piece().is_some_and(|p| p.overdue_us <= now_us);
        let overdue: Vec<OccurrenceId> = self
            .stage
            .acts
            .iter()
            .filter(|(_, act)| is_overdue(act))
            .map(|(id, _)| id.clone())
            .collect();
        for id in overdue {
            self.fault("player", "the player did not answer in time");
            let Some(act) = self.stage.acts.get(&id) else {
                continue;
            };
            let outcome = match act.state {
                ActState::Leaving {
                    fate: Fate::Over(outcome),
                    ..
                } => outcome,
                _ => Outcome::Failed(Failure::Output),
            };
            if let Some(piece) = act.piece() {
                let stop = super::PlayerCommand::Stop {
                    playout: act.id().clone(),
                    piece: piece.number,
                };
                self.tell_player(stop);
            }
            self.count_sounded(&id, now_us);
            self.close(&id, outcome, self.now.wall);
        }
    }
}

/// The player reached `until_ms`, which is the shorter of the longest allowed and its whole length.
fn at_limit(bulletin: &Bulletin) -> Outcome {
    let whole_ms = bulletin.chime.duration_ms() + bulletin.sound_ms();
    if u64::from(bulletin.max_duration_s) * 1_000 >= whole_ms {
        Outcome::Completed
    } else {
        Outcome::Interrupted(Interruption::MaxDuration)
    }
}
