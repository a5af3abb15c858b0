//! A pole's player in imagined time: sounds exactly what it is told, exactly then, and tells of it a little later.

use loa_agent::logic::port::{How, Play, PlayerCommand, PlayerEvent};
use loa_protocol::playout::Failure;

use super::{Happening, Micros, Village};

/// A content's end this close to the limit is its end; as the real player has it.
const NEAR_END_MS: u64 = 100;

#[derive(Debug, Default)]
pub struct Player {
    pub current: Option<Sounding>,
    armed: Option<Play>,
    /// Counts the changes; an appointment of an older count is void.
    turn: u64,
    last_told: Micros,
}

#[derive(Clone, Debug)]
pub struct Sounding {
    pub play: Play,
    pub began: Micros,
    ends: Micros,
    how: How,
}

impl Village {
    pub(super) fn command_player(&mut self, p: usize, command: PlayerCommand) {
        let now = self.now;
        let Some(run) = self.poles[p].run.as_mut() else {
            return;
        };
        match command {
            // Nothing listens in this village, so no self-test is ordered.
            PlayerCommand::Prepare(_)
            | PlayerCommand::SelfTest { .. }
            | PlayerCommand::Packet { .. } => {}
            PlayerCommand::Play(play) => {
                if let Some(old) = run.player.armed.replace(*play) {
                    self.player_over(p, &old, old.from_ms, How::Replaced);
                }
                self.appoint(p);
            }
            PlayerCommand::Stop { playout, piece } => {
                let is_it = |play: &Play| play.playout == playout && play.piece == piece;
                if let Some(old) = run.player.armed.take_if(|armed| is_it(armed)) {
                    self.player_over(p, &old, old.from_ms, How::Stopped);
                } else if run.player.current.as_ref().is_some_and(|c| is_it(&c.play)) {
                    self.silence(p, How::Stopped, now);
                }
                self.appoint(p);
            }
        }
    }

    /// Makes the appointment for the next thing that the player does by itself.
    fn appoint(&mut self, p: usize) {
        let now = self.now;
        let pole = &mut self.poles[p];
        let Some(run) = pole.run.as_mut() else { return };
        run.player.turn += 1;
        let (turn, life) = (run.player.turn, run.life);
        let due = run
            .player
            .armed
            .as_ref()
            .map(|a| pole.machine.true_of(a.start_mono_us));
        let ends = run.player.current.as_ref().map(|c| c.ends);
        if let Some(at) = [due, ends].into_iter().flatten().min() {
            self.at(
                at.max(now),
                Happening::PlayerTurn {
                    pole: p,
                    life,
                    turn,
                },
            );
        }
    }

    pub(super) fn player_turn(&mut self, p: usize, turn: u64) {
        let now = self.now;
        let pole = &mut self.poles[p];
        let mono = pole.machine.mono(now);
        let Some(run) = pole.run.as_mut().filter(|r| r.player.turn == turn) else {
            return;
        };
        if let Some(over) = run.player.current.as_ref().filter(|c| c.ends <= now) {
            let how = over.how.clone();
            self.silence(p, how, now);
        }
        let Some(run) = self.poles[p].run.as_mut() else {
            return;
        };
        if let Some(play) = run.player.armed.take_if(|a| a.start_mono_us <= mono) {
            let breaks = self.chance.per_mille(self.climate.player_fails);
            if breaks {
                self.figures.player_failures += 1;
                self.poles[p].tape.trouble.push(now);
                let failure = self.chance.pick(&[Failure::Decode, Failure::Output]);
                let detail = "broken for the test".to_owned();
                let from = play.from_ms;
                self.player_over(p, &play, from, How::Failed { failure, detail });
            } else {
                self.silence(p, How::Replaced, now);
                self.begin_sound(p, play);
            }
        }
        self.appoint(p);
    }

    fn begin_sound(&mut self, p: usize, play: Play) {
        let now = self.now;
        self.check_start(p, &play);
        let content = play.source.content();
        let content_ms = content
            .and_then(|content| self.library.audio.get(content))
            .map_or(0, |a| a.manifest.duration_ms);
        let total_ms = play.chime.duration_ms() + content_ms;
        let (end_ms, how) = if play.until_ms + NEAR_END_MS >= total_ms {
            (total_ms, How::Finished)
        } else {
            (play.until_ms, How::LimitReached)
        };
        let ends = now + end_ms.saturating_sub(play.from_ms) * 1000;
        let at_mono_us = self.poles[p].machine.mono(now);
        let event = PlayerEvent::Started {
            playout: play.playout.clone(),
            piece: play.piece,
            at_mono_us,
        };
        if let Some(run) = self.poles[p].run.as_mut() {
            run.player.current = Some(Sounding {
                play,
                began: now,
                ends,
                how,
            });
        }
        self.tell_agent(p, event);
        self.check_sounding(p);
        self.weather_at_start(p);
    }

    /// What sounds ends now.
    fn silence(&mut self, p: usize, how: How, now: Micros) {
        self.check_sounding(p);
        let Some(run) = self.poles[p].run.as_mut() else {
            return;
        };
        if let Some(over) = run.player.current.take() {
            let sounded_ms = (now - over.began) / 1000;
            let place = over.play.from_ms + sounded_ms;
            self.note_sound(p, &over, now);
            self.player_over(p, &over.play, place, how);
        }
    }

    /// Power is gone: silence, and nobody is told.
    pub(super) fn player_dies(&mut self, p: usize) {
        let now = self.now;
        if let Some(run) = self.poles[p].run.as_mut()
            && let Some(over) = run.player.current.take()
        {
            self.note_sound(p, &over, now);
        }
    }

    fn player_over(&mut self, p: usize, play: &Play, place_ms: u64, how: How) {
        let at_mono_us = self.poles[p].machine.mono(self.now);
        self.tell_agent(
            p,
            PlayerEvent::Ended {
                playout: play.playout.clone(),
                piece: play.piece,
                at_mono_us,
                place_ms,
                how,
            },
        );
    }

    fn tell_agent(&mut self, p: usize, event: PlayerEvent) {
        let delay = self.chance.between(500, 20_000);
        let now = self.now;
        let Some(run) = self.poles[p].run.as_mut() else {
            return;
        };
        let at = (now + delay).max(run.player.last_told + 1);
        run.player.last_told = at;
        let life = run.life;
        self.at(
            at,
            Happening::PlayerTells {
                pole: p,
                life,
                event,
            },
        );
    }
}
