//! What must hold at every instant, whatever fails: looked at whenever something starts, ends, or is told.

use loa_agent::logic::port::Play;
use loa_protocol::{
    bulletin::{OnPreempt, Priority, Status},
    time::WallTime,
};

use super::{
    Micros, SECOND, Village, diary::Stamp, malice::governor, pattern::Pattern, player::Sounding,
    pole::PACE, tape::Sound,
};

/// A clock this close to the truth is called right, in microseconds.
const RIGHT_US: i64 = 200_000;
/// … and this far from it, it deceives.
const FAR_US: i64 = 20_000_000;
/// The place of a stream may be wrong by as much as an exchange over a slow line is, in milliseconds.
const PLACE_MS: i64 = 1_500;

impl Village {
    /// The first thing that is wrong ends the week.
    pub(super) fn breaks(&mut self, what: String) {
        self.diary.write(self.now, format_args!("BROKEN: {what}"));
        let at = Stamp(self.now);
        self.broken.get_or_insert_with(|| format!("{at} {what}"));
    }

    /// Did the pole's clock do nothing odd so recently that the agent may not have looked yet?
    fn is_calm(&self, p: usize) -> bool {
        let look = Micros::from(PACE.watch_near_s + 2) * SECOND;
        let steps = &self.poles[p].tape.steps;
        // What began on a clock that was never set ends when the clock is set, and that takes a moment.
        let moment = self.poles[p]
            .run
            .as_ref()
            .map(|run| run.agent.moment(self.reading(p)));
        let offset_us = moment.map_or(0, |m| m.wall.as_micros() - m.mono_us as i64);
        let is_set_long = !self.poles[p].tape.was_set(offset_us, self.now - look);
        is_set_long && steps.last().is_none_or(|at| at + look < self.now)
    }

    pub(super) fn note_clock(&mut self, p: usize) {
        let (at, truth, now) = (self.reading(p), self.wall(), self.now);
        let pole = &mut self.poles[p];
        if let Some(run) = &pole.run {
            let moment = run.agent.moment(at);
            let error_us = moment.wall.since_us(truth).abs();
            let trusted = moment.is_trusted();
            pole.tape.clock(
                now,
                moment.wall.as_micros() - moment.mono_us as i64,
                trusted && error_us <= RIGHT_US,
                trusted && error_us > FAR_US,
            );
        }
    }

    /// A piece is about to sound.
    pub(super) fn check_start(&mut self, p: usize, play: &Play) {
        if let Err(what) = self.may_start(p, play) {
            let pole = &self.poles[p];
            let id = &play.playout;
            self.breaks(format!("{}: {id:?} piece {}: {what}", pole.id, play.piece));
        }
    }

    fn may_start(&mut self, p: usize, play: &Play) -> Result<(), String> {
        let at = self.reading(p);
        let calm = self.is_calm(p);
        let stolen = self.is_key_stolen();
        let keys_changed = self.keys_changed();
        let pole = &mut self.poles[p];
        let Some(row) = pole.disk.ledger.get(&play.playout) else {
            return Err("sounds, and its row is not on the disk".into());
        };
        if let Some(outcome) = row.playout.outcome {
            return Err(format!("sounds, and its row says {outcome:?}"));
        }
        let content = play.source.content();
        if content.is_some_and(|c| !pole.disk.is_complete(c)) {
            return Err("sounds, and its content is not whole".into());
        }
        let occurrence = &play.playout.occurrence;
        let ordinary = row.playout.priority != Priority::Emergency;
        let revision = row.playout.revision;
        let again = pole.tape.sounds.iter().filter(|s| {
            s.store == pole.disk.store
                && s.playout.occurrence == *occurrence
                && (ordinary || s.playout == play.playout)
        });
        let mut again = again.peekable();
        if play.piece == 0 && again.peek().is_some() {
            return Err("starts a second time".into());
        }
        if again.any(|s| s.piece >= play.piece) {
            return Err("sounds a piece twice".into());
        }
        let Some(run) = &pole.run else {
            return Err("sounds on a pole that is off".into());
        };
        if stolen {
            return self.may_start_by_a_stolen_key(p, play);
        }
        // Once the office gave up a key, the naive book may hold a configuration that the pole rightly does not believe.
        let config = run.beliefs.config().filter(|_| !keys_changed);
        if config.is_some_and(|c| play.volume > c.volume.ceiling) {
            return Err(format!("is louder than the ceiling: {}", play.volume));
        }
        let moment = run.agent.moment(at);
        // A stream has its place in time, which nothing moves.
        let trim_ms = config
            .filter(|_| content.is_some())
            .map_or(0, |c| c.delay_trim_ms);
        let kept = self.base.revisions.iter().rev().find(|r| {
            r.kept.bulletin.id == occurrence.bulletin && r.kept.bulletin.revision == revision
        });
        let Some(kept) = kept.map(|r| &r.kept) else {
            return Err("is of an edit that the office never made".into());
        };
        let cut_at_ms = pole
            .tape
            .sounds
            .iter()
            .rev()
            .find(|s| s.playout == play.playout)
            .map(|s| s.end_ms);
        let should_from_ms = match (cut_at_ms, kept.bulletin.on_preempt) {
            (None, _) | (_, OnPreempt::Restart) => 0,
            (Some(cut_at_ms), OnPreempt::Resume) => cut_at_ms.saturating_sub(2_000),
            (Some(_), OnPreempt::Drop) => return Err("goes on and was to be dropped".into()),
        };
        if content.is_none() {
            // The place in a stream is bound to time, whatever was before.
            let truth = self.town.wall(self.now);
            let place_ms = truth.since_ms(play.planned).max(0);
            let error_us = moment.wall.since_us(truth).abs();
            let is_sure = calm && moment.is_trusted() && error_us <= RIGHT_US;
            if is_sure && (play.from_ms as i64 - place_ms).abs() > PLACE_MS {
                let from_ms = play.from_ms;
                return Err(format!("begins at {from_ms} ms instead of {place_ms}"));
            }
        } else if play.from_ms != should_from_ms {
            let from_ms = play.from_ms;
            return Err(format!(
                "begins at {from_ms} ms instead of {should_from_ms}"
            ));
        }
        let is_now = matches!(kept.pattern, Pattern::Now { .. });
        if play.piece == 0 && calm {
            if !is_now {
                let kernel = pole.machine.kernel;
                let is_told = kernel.held || pole.machine.was_synced() || run.was_told_the_time;
                if !moment.is_trusted() || !is_told {
                    return Err("starts by a clock that nobody trusts".into());
                }
                let early_us = play.planned.plus_ms(trim_ms.into()).since_us(moment.wall);
                // A better exchange with the office may have moved the time a little since it was armed.
                let steady =
                    pole.tape.is_clock_steady_since(self.now - 5 * SECOND) && !keys_changed;
                if early_us > if steady { 1_000 } else { 500_000 } {
                    let version = config.map(|c| c.version.generation);
                    return Err(format!(
                        "starts {early_us} us early, with a trim of {trim_ms} ms by configuration {version:?}"
                    ));
                }
            }
            let last = kept.bulletin.start_by(play.planned).plus_s(2);
            // A stream goes by the office's clock, whatever this one shows; its place was looked at above.
            if content.is_some() && moment.is_trusted() && moment.wall > last {
                return Err(format!("starts at {} and had to by {last}", moment.wall));
            }
        }
        Ok(())
    }

    /// Whoever holds the office's key can have bulletins said, and no alarm that an approver did not sign; and nothing
    /// beyond what the pole was given.
    fn may_start_by_a_stolen_key(&self, p: usize, play: &Play) -> Result<(), String> {
        let id = &play.playout.occurrence;
        let Some(row) = self.poles[p].disk.ledger.get(&play.playout) else {
            return Err("sounds, and its row is not on the disk".into());
        };
        let playout = &row.playout;
        let in_earnest =
            playout.priority == Priority::Emergency && playout.status == Status::Actual;
        let name = id.bulletin.as_str();
        if in_earnest
            && !play
                .source
                .content()
                .is_some_and(|c| self.is_genuine(name, playout.revision, c))
        {
            return Err("is an emergency that no approver signed".into());
        }
        let limits = governor(self.town.zone).limits;
        if Some(play.volume) > limits.volume_ceiling {
            return Err(format!(
                "is louder than the pole's ceiling: {}",
                play.volume
            ));
        }
        if limits.most_repeats.is_some_and(|most| id.repeat >= most) {
            return Err("is one repeat too many".into());
        }
        Ok(())
    }

    fn keys_changed(&self) -> bool {
        let keys = self.keys.as_ref();
        keys.is_some_and(|keys| !keys.retired.is_empty())
    }

    /// What sounds on this pole now must be allowed to.
    pub(super) fn check_sounding(&mut self, p: usize) {
        let what = match &self.poles[p].run {
            Some(run) => match &run.player.current {
                Some(current) => self.forbids(p, current),
                None => None,
            },
            None => None,
        };
        if let Some(what) = what {
            let id = &self.poles[p].id;
            self.breaks(format!("{id}: {what}"));
        }
    }

    fn forbids(&self, p: usize, current: &Sounding) -> Option<String> {
        let run = self.poles[p].run.as_ref()?;
        let playout = &current.play.playout;
        if self.is_key_stolen() {
            return self.forbids_by_governor(p, current);
        }
        let beliefs = &run.beliefs;
        // Once the office gave up a key, this naive book, which looks at no signatures, may hold words that the pole
        // rightly does not believe any more. That the office made the bulletin was seen at its start.
        let keys_changed = self.keys_changed();
        if !keys_changed && !beliefs.has(&playout.occurrence.bulletin) {
            return Some(format!("{playout:?} sounds and is cancelled"));
        }
        let silence = beliefs.silence_before().filter(|_| !keys_changed);
        if silence.is_some_and(|s| current.play.planned <= s) {
            return Some(format!("{playout:?} sounds and is stopped"));
        }
        // Nor is a configuration believed that the new key signed while the root that names that key is held back.
        if keys_changed {
            return None;
        }
        let config = beliefs.config()?;
        if config.muted {
            return Some(format!("{playout:?} sounds on a muted pole"));
        }
        let row = self.poles[p].disk.ledger.get(playout)?;
        let wakes_people =
            row.playout.priority == Priority::Emergency && row.playout.status == Status::Actual;
        if !wakes_people && self.is_calm(p) {
            let wall = run.agent.moment(self.reading(p)).wall;
            let windows = &config.quiet_hours;
            // A moment's grace at both ends: a deadline may be kept a little late, and clocks drift while it is armed.
            let quiet = |at: WallTime| self.town.is_quiet(windows, at);
            // What was planned for 05:00 and begins a little earlier to make up for a slow amplifier is at its place.
            let wall = wall.plus_ms(-i64::from(config.delay_trim_ms.min(0)));
            if [-20, 0, 20].iter().all(|ms| quiet(wall.plus_ms(*ms))) {
                return Some(format!("{playout:?} sounds in quiet hours"));
            }
        }
        None
    }

    fn forbids_by_governor(&self, p: usize, current: &Sounding) -> Option<String> {
        let run = self.poles[p].run.as_ref()?;
        let playout = &current.play.playout;
        let row = self.poles[p].disk.ledger.get(playout)?;
        let wakes_people =
            row.playout.priority == Priority::Emergency && row.playout.status == Status::Actual;
        let windows = governor(self.town.zone).quiet_hours;
        let wall = run.agent.moment(self.reading(p)).wall;
        let quiet = |at: WallTime| self.town.is_quiet(&windows, at);
        // Whoever configures the pole moves its starts by up to half a second (`delay_trim_ms`), on both sides.
        let in_quiet = [-520, 0, 520].iter().all(|ms| quiet(wall.plus_ms(*ms)));
        (!wakes_people && in_quiet && self.is_calm(p))
            .then(|| format!("{playout:?} sounds in the pole's own quiet hours"))
    }

    /// A piece has sounded, and was silent for so long at its end.
    pub(super) fn note_sound(&mut self, p: usize, over: &Sounding, until: Micros, silent: Micros) {
        let pole = &mut self.poles[p];
        let row = pole.disk.ledger.get(&over.play.playout);
        let in_earnest = row.is_some_and(|row| {
            row.playout.priority == Priority::Emergency && row.playout.status == Status::Actual
        });
        pole.tape.sounds.push(Sound {
            in_earnest,
            store: pole.disk.store.clone(),
            playout: over.play.playout.clone(),
            piece: over.play.piece,
            from: over.began,
            to: until,
            silent,
            end_ms: over.play.from_ms + (until - over.began) / 1000,
        });
        self.figures.sounds += 1;
        if let Err(what) = self.keeps_to_governor(p) {
            let id = &self.poles[p].id;
            self.breaks(format!("{id}: {what}"));
        }
    }
}
