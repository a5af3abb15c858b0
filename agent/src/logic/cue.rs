//! Makes so what the stage decided: gives rows, arms, stops, and writes the one outcome of each playout.

use std::sync::Arc;

use loa_protocol::{
    arbitration::{decide, is_in_earnest},
    bulletin::{Bulletin, Priority},
    event::What,
    playout::{Failure, Interruption, OccurrenceId, Outcome, PlayoutId},
    time::WallTime,
};

use super::{
    Agent, Effect,
    act::{
        Act, ActState, Aired, Fate, PLAY_SLACK_US, Piece, STOP_ANSWER_US, hardened, is_at_once,
        softened,
    },
    agenda::is_same_stream,
    ledger::{MAX_TITLE_BYTES, new_row, shortened},
    port::{Begun, LedgerRow, LogLine, Play, PlaySource, PlayerCommand, Write},
};

impl Agent {
    /// It is the one that ought to sound.
    pub(super) fn bring_on(&mut self, id: &OccurrenceId) {
        if !self.stage.acts.contains_key(id) {
            self.begin(id);
        }
        let Some(act) = self.stage.acts.get(id) else {
            return;
        };
        if act.piece().is_some() {
            return;
        }
        let (durable, priority) = (act.durable, act.bulletin.priority);
        let is_due = self.start_of(id).is_none_or(|at| at <= self.now.wall);
        if priority == Priority::Emergency && is_due {
            self.clear_stage_for(id);
        }
        if durable {
            self.play(id);
        }
    }

    /// Gives it its row. Nothing is played before that is durable.
    fn begin(&mut self, id: &OccurrenceId) {
        let (Some(planned), Some(known)) =
            (self.agenda.planned(id), self.agenda.known(&id.bulletin))
        else {
            return;
        };
        let bulletin = Arc::clone(&known.bulletin);
        let attempt = self.ledger.next_attempt(id);
        let mut row = new_row(id.clone(), attempt, planned, &bulletin, self.now.trust);
        row.begun = Some(self.about_to_begin(planned, &bulletin));
        self.ledger.note(&row.playout);
        self.put_gated(&row);
        let act = Act {
            row,
            bulletin,
            durable: false,
            pieces: 0,
            state: ActState::Idle,
            aired: Aired::default(),
        };
        self.stage.acts.insert(id.clone(), act);
        self.stage.dirty = true;
    }

    /// The row is on disk before the first sample, so it says already what may have sounded when power fails now.
    fn about_to_begin(&self, planned: WallTime, bulletin: &Bulletin) -> Begun {
        Begun {
            at: planned.max(self.now.wall),
            most_ms: self.limits().length_ms(bulletin),
        }
    }

    fn put_gated(&mut self, row: &LedgerRow) {
        self.commits.close_group();
        self.commits.put(Write::PutLedger(row.clone()));
        self.commits.gate(row.playout.id.clone());
        self.commits.close_group();
    }

    /// The wall time at which it is to start; `None`: at once.
    fn start_of(&self, id: &OccurrenceId) -> Option<WallTime> {
        let act = self.stage.acts.get(id)?;
        if act.has_sounded() || is_at_once(id, &act.bulletin) {
            return None;
        }
        Some(self.aim(act.row.playout.planned, &act.bulletin))
    }

    /// The plan, moved by the speaker's trim unless the bulletin is one for now. What is captured of a stream has its own
    /// instant, and so does its beginning.
    pub(super) fn aim(&self, planned: WallTime, bulletin: &Bulletin) -> WallTime {
        if bulletin.stream().is_some() {
            return self.stream_begins(planned, bulletin);
        }
        if bulletin.is_now() {
            return planned;
        }
        planned.plus_ms(i64::from(self.documents.config.delay_trim_ms))
    }

    fn play(&mut self, id: &OccurrenceId) {
        let start = self
            .start_of(id)
            .unwrap_or(self.now.wall)
            .max(self.now.wall);
        let Some(act) = self.stage.acts.get(id) else {
            return;
        };
        let place_ms = self.place_at(start, &act.row, &act.bulletin);
        let source = self.source_of(&act.bulletin, act.aired.station_failed);
        let Some(act) = self.stage.acts.get_mut(id) else {
            return;
        };
        act.row.place_ms = place_ms;
        act.aired.is_starved = false;
        act.aired.is_station = matches!(source, PlaySource::Station { .. });
        let Some(act) = self.stage.acts.get(id) else {
            return;
        };
        let play = self.make_play(&act.row, &act.bulletin, act.pieces, start, source);
        let length_us = play
            .until_ms
            .saturating_sub(play.from_ms)
            .saturating_mul(1_000);
        let piece = Piece {
            number: play.piece,
            start_us: play.start_mono_us,
            begun_us: None,
            is_limited: play.until_ms < act.bulletin.length_ms(),
            overdue_us: play
                .start_mono_us
                .saturating_add(length_us)
                .saturating_add(PLAY_SLACK_US),
        };
        if let PlaySource::Content(content) = &play.source {
            self.contents.touch(content);
        }
        self.tell_player(PlayerCommand::Play(Box::new(play)));
        if let Some(act) = self.stage.acts.get_mut(id) {
            act.pieces += 1;
            act.row.suspended = None;
            act.state = ActState::AtPlayer { piece };
        }
        self.stage.dirty = true;
    }

    pub(super) fn make_play(
        &self,
        row: &LedgerRow,
        bulletin: &Bulletin,
        piece: u32,
        start: WallTime,
        source: PlaySource,
    ) -> Play {
        let config = &self.documents.config;
        let limits = self.limits();
        // The player itself ends it at the very sample; the arbitration says the same a moment later.
        let in_earnest = is_in_earnest(bulletin.priority, bulletin.status);
        let sounded = self.sounded(self.now.mono_at(start));
        let limit = self.rules(&sounded).limit_at(in_earnest, start);
        let left_ms = limit.map_or(u64::MAX, |at| at.since_ms(start).max(0).unsigned_abs());
        Play {
            playout: row.playout.id.clone(),
            piece,
            title: row.playout.title.clone(),
            source,
            chime: bulletin.chime,
            from_ms: row.place_ms,
            start_mono_us: self.now.mono_at(start),
            planned: row.playout.planned,
            start,
            volume: limits.loudness(config.volume_at(start, bulletin.priority, bulletin.volume)),
            until_ms: limits
                .length_ms(bulletin)
                .min(row.place_ms.saturating_add(left_ms)),
        }
    }

    /// Silences everything else at once.
    fn clear_stage_for(&mut self, id: &OccurrenceId) {
        let others: Vec<OccurrenceId> = self
            .at_player()
            .filter(|other| *other != id)
            .cloned()
            .collect();
        for other in others {
            self.stop(&other, Fate::Cut);
        }
    }

    fn at_player(&self) -> impl Iterator<Item = &OccurrenceId> {
        let acts = self.stage.acts.iter();
        acts.filter(|(_, act)| matches!(act.state, ActState::AtPlayer { .. }))
            .map(|(id, _)| id)
    }

    /// Tells the player to let go of it.
    fn stop(&mut self, id: &OccurrenceId, fate: Fate) {
        let now_us = self.now.mono_us;
        let Some(act) = self.stage.acts.get_mut(id) else {
            return;
        };
        if let ActState::AtPlayer { mut piece } = act.state {
            piece.overdue_us = now_us.saturating_add(STOP_ANSWER_US);
            act.state = ActState::Leaving { piece, fate };
            let stop = PlayerCommand::Stop {
                playout: act.id().clone(),
                piece: piece.number,
            };
            self.tell_player(stop);
            self.stage.dirty = true;
        }
    }

    /// The act is over; what the player still has of it is stopped first.
    pub(super) fn end_act(&mut self, id: &OccurrenceId, outcome: Outcome) {
        match self.stage.acts.get_mut(id).map(|act| &mut act.state) {
            None => {}
            Some(ActState::Idle | ActState::Suspended { .. }) => {
                self.close(id, outcome, self.now.wall);
            }
            Some(ActState::AtPlayer { .. }) => self.stop(id, Fate::Over(outcome)),
            Some(ActState::Leaving { fate, .. }) if *fate == Fate::Cut => {
                *fate = Fate::Over(outcome);
            }
            // What was decided first stands.
            Some(ActState::Leaving { .. }) => {}
        }
    }

    /// Writes the one outcome.
    pub(super) fn close(&mut self, id: &OccurrenceId, outcome: Outcome, ended: WallTime) {
        let Some(act) = self.stage.acts.remove(id) else {
            return;
        };
        let mut row = act.row;
        row.suspended = None;
        row.begun = None;
        let has_sounded = row.playout.started.is_some();
        row.playout.ended = has_sounded.then_some(ended);
        row.playout.outcome = Some(if has_sounded {
            hardened(outcome)
        } else {
            softened(outcome)
        });
        self.finish(row);
    }

    /// An occurrence that never got a row has its outcome.
    pub(super) fn judge(&mut self, id: &OccurrenceId, outcome: Outcome) {
        let (Some(planned), Some(known)) =
            (self.agenda.planned(id), self.agenda.known(&id.bulletin))
        else {
            return;
        };
        if self.ledger.is_accounted(id) {
            // A further attempt at an emergency that did not come about; the first one's outcome stands.
            self.agenda.remove(id);
            return;
        }
        let mut row = new_row(id.clone(), 0, planned, &known.bulletin, self.now.trust);
        row.playout.outcome = Some(outcome);
        self.finish(row);
    }

    fn finish(&mut self, row: LedgerRow) {
        let playout = row.playout.clone();
        let id = &playout.id.occurrence;
        self.ledger.note(&playout);
        if self.ledger.is_over(id) {
            self.agenda.remove(id);
        }
        if let Some(outcome) = playout.outcome {
            let (word, reason) = outcome.words();
            self.out.push(Effect::Log(LogLine::Over {
                title: playout.title.clone(),
                outcome: reason.map_or(word.into(), |reason| format!("{word} ({reason})")),
                sounded_ms: playout.sounded_ms,
            }));
        }
        self.ear.playout_over(&playout.id, self.now.mono_us);
        self.commits.close_group();
        self.commits.put(Write::PutLedger(row));
        self.event(What::Ended { playout });
        self.commits.close_group();
        self.stage.dirty = true;
        self.contents.stale = true;
        self.report.changed();
    }

    /// The row of a playout is not on disk: it must not sound.
    pub(super) fn row_failed(&mut self, playout: &PlayoutId) {
        let waits = |act: &Act| act.id() == playout && !act.durable;
        if self.stage.acts.get(&playout.occurrence).is_some_and(waits) {
            self.end_act(&playout.occurrence, Outcome::Failed(Failure::Ledger));
        }
    }

    /// What was armed follows the new plan; what sounds goes on, unless its bulletin is gone.
    pub(super) fn follow_plan(&mut self) {
        if !std::mem::take(&mut self.stage.plan_changed) {
            return;
        }
        let (now, limits) = (self.now, self.limits());
        let ids: Vec<OccurrenceId> = self.stage.acts.keys().cloned().collect();
        for id in ids {
            let planned = self.agenda.planned(&id);
            let known = self
                .agenda
                .known(&id.bulletin)
                .map(|k| Arc::clone(&k.bulletin));
            let Some(act) = self.stage.acts.get_mut(&id) else {
                continue;
            };
            let has_begun = act.has_sounded() || act.piece().is_some_and(|p| p.begun_us.is_some());
            let (Some(bulletin), true) = (known, has_begun || planned.is_some()) else {
                let why = if self.stage.distrusted.contains(&id.bulletin) {
                    Interruption::Distrusted
                } else {
                    Interruption::Cancelled
                };
                self.end_act(&id, Outcome::Interrupted(why));
                continue;
            };
            let planned = planned.unwrap_or(act.row.playout.planned);
            let begun = Begun {
                at: planned.max(now.wall),
                most_ms: limits.length_ms(&bulletin),
            };
            let same_plan = act.row.playout.planned == planned;
            if same_plan && is_same_stream(&act.bulletin, &bulletin) {
                // Another edit of a stream tells when it ended, and that is for what sounds, too.
                act.bulletin = bulletin;
                self.stage.dirty = true;
                continue;
            }
            let same = act.bulletin == bulletin && same_plan;
            if has_begun || same {
                continue;
            }
            if act.state == ActState::Idle {
                let playout = &mut act.row.playout;
                playout.planned = planned;
                playout.revision = bulletin.revision;
                playout.title = shortened(&bulletin.title, MAX_TITLE_BYTES);
                playout.priority = bulletin.priority;
                playout.status = bulletin.status;
                act.bulletin = bulletin;
                act.durable = false;
                act.row.begun = Some(begun);
                let row = act.row.clone();
                self.ledger.note(&row.playout);
                self.put_gated(&row);
                self.stage.dirty = true;
            } else {
                // Once the player has let go of it, it comes back here as idle.
                self.stop(&id, Fate::Cut);
            }
        }
        self.stage.distrusted.clear();
    }

    /// What approvers allowed until now does not go on.
    pub(super) fn end_unapproved(&mut self) {
        let now = self.now.wall;
        let acts = self.stage.acts.iter();
        let over: Vec<OccurrenceId> = acts
            .filter(|(_, act)| act.approved_until().is_some_and(|until| until < now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in over {
            self.end_act(&id, Outcome::Interrupted(Interruption::Distrusted));
        }
    }

    /// The wall clock stepped: what is armed would start at the wrong time.
    pub(super) fn recall_armed(&mut self) {
        let now_us = self.now.mono_us;
        let armed: Vec<OccurrenceId> = self
            .at_player()
            .filter(|id| {
                let piece = self.stage.acts.get(*id).and_then(Act::piece);
                piece.is_some_and(|p| p.begun_us.is_none() && p.start_us > now_us)
            })
            .cloned()
            .collect();
        for id in armed {
            self.stop(&id, Fate::Cut);
        }
    }

    /// What is at the player before its plan and may not sound any more (muted, new quiet hours) is taken back before its
    /// time comes. The arbitration passes no judgement on it yet: the mute may be lifted in time.
    pub(super) fn recall_barred(&mut self) {
        let (now, lead_ms) = (self.now, self.lead_ms());
        let sounded = self.sounded(now.mono_us);
        let (rules, limits) = (self.rules(&sounded), self.limits());
        let is_barred = |act: &Act| {
            let alone = act.candidate(now, true, &limits);
            alone.is_some_and(|c| {
                decide(&[c], &rules, None, now.wall, lead_ms)
                    .sound
                    .is_none()
            })
        };
        let barred: Vec<OccurrenceId> = self
            .at_player()
            .filter(|id| self.stage.chosen.as_ref() != Some(id))
            .filter(|id| {
                let act = self.stage.acts.get(*id);
                act.is_some_and(|act| act.waits_for_its_plan(now.wall) && is_barred(act))
            })
            .cloned()
            .collect();
        for id in barred {
            self.stop(&id, Fate::Cut);
        }
    }

    /// The program ends: whatever is on the stage was interrupted.
    pub(super) fn close_everything(&mut self) {
        let ids: Vec<OccurrenceId> = self.stage.acts.keys().cloned().collect();
        for id in ids {
            self.stop(&id, Fate::Cut);
            self.count_sounded(&id, self.now.mono_us);
            self.close(
                &id,
                Outcome::Interrupted(Interruption::PowerCut),
                self.now.wall,
            );
        }
    }
}
