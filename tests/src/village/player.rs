//! A pole's player in imagined time: sounds exactly what it is told, exactly then, and tells of it a little later.

use std::collections::BTreeMap;

use loa_agent::logic::port::{How, Play, PlayerCommand, PlayerEvent};
use loa_protocol::{
    id::BulletinId,
    live::{FRAME_MS, Packet, STARVED_MS, Streamed},
    playout::Failure,
};

use super::{Happening, Micros, Village, live::Given};

/// A content's end this close to the limit is its end; as the real player has it.
const NEAR_END_MS: u64 = 100;

#[derive(Debug, Default)]
pub struct Player {
    /// What it was given of streams, and when each of them was heard of last and is to end.
    pub given: Given,
    feeds: BTreeMap<BulletinId, Feed>,
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

#[derive(Debug, Default)]
struct Feed {
    last: Micros,
    finish: Option<Micros>,
    frames: u64,
    /// Until when what came in time sounds, and what had come before the last packet's instant.
    sounds_to: Micros,
    earlier: Micros,
}

impl Sounding {
    /// When a stream ends that gets nothing more, and why.
    fn stream_ends(&self, feed: &Feed) -> (Micros, How) {
        let play = &self.play;
        let chime_ms = play.chime.duration_ms().saturating_sub(play.from_ms);
        let speech = self.began + chime_ms * 1_000;
        let starved = feed.last.max(speech) + STARVED_MS * 1_000;
        let limit = self.began + play.until_ms.saturating_sub(play.from_ms) * 1_000;
        let finish = feed.finish.map_or(Micros::MAX, |at| at.max(self.began));
        let ends = [
            (finish, How::Finished),
            (limit, How::LimitReached),
            (starved, How::Starved),
        ];
        let first = ends.into_iter().min_by_key(|(at, _)| *at);
        first.unwrap_or((starved, How::Starved))
    }
}

impl Player {
    /// For how long nothing was heard at the end of what ends now: a stream may be open and bring nothing.
    fn silence_at_end(&self, over: &Sounding, now: Micros) -> Micros {
        let play = &over.play;
        if play.source.content().is_some() {
            return 0;
        }
        let chime_ms = play.chime.duration_ms().saturating_sub(play.from_ms);
        let chimed = over.began + chime_ms * 1_000;
        let feed = self.feeds.get(&play.playout.occurrence.bulletin);
        // What comes at the very end is heard no more.
        let heard_to = feed.map_or(0, |feed| match feed.last < now {
            true => feed.sounds_to,
            false => feed.earlier,
        });
        let heard_to = heard_to.max(chimed);
        now.saturating_sub(heard_to)
    }
}

impl Village {
    pub(super) fn command_player(&mut self, p: usize, command: PlayerCommand) {
        let now = self.now;
        let Some(run) = self.poles[p].run.as_mut() else {
            return;
        };
        match command {
            // Nothing listens in this village, so no self-test is ordered.
            PlayerCommand::Prepare(_) | PlayerCommand::SelfTest { .. } => {}
            PlayerCommand::Packet {
                bulletin,
                packet,
                captured_mono_us,
            } => {
                self.check_packet(p, &bulletin, &packet);
                self.hear_packet(p, bulletin, &packet, captured_mono_us);
            }
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

    fn hear_packet(&mut self, p: usize, id: BulletinId, packet: &Packet, captured_us: u64) {
        let now = self.now;
        let pole = &mut self.poles[p];
        let captured = pole.machine.true_of(captured_us);
        let kept = self.base.bulletins.get(&id);
        let stream = kept.and_then(|kept| kept.bulletin.stream());
        let delay_ms = stream.map_or(0, |stream| stream.delay_ms);
        let Some(run) = pole.run.as_mut() else { return };
        let feed = run.player.feeds.entry(id.clone()).or_default();
        if now > feed.last {
            feed.earlier = feed.sounds_to;
        }
        feed.last = now;
        feed.frames += packet.frames.len() as u64;
        let due = captured + u64::from(delay_ms) * 1_000;
        if due > now {
            let length = packet.frames.len() as u64 * FRAME_MS * 1_000;
            feed.sounds_to = feed.sounds_to.max(due + length);
        }
        let is_it = |play: &Play| play.playout.occurrence.bulletin == id;
        let Some(current) = run.player.current.as_mut().filter(|c| is_it(&c.play)) else {
            return;
        };
        if packet.last {
            let frames_us = packet.frames.len() as u64 * FRAME_MS * 1_000;
            feed.finish = Some((captured + frames_us + u64::from(delay_ms) * 1_000).max(now));
        }
        (current.ends, current.how) = current.stream_ends(feed);
        self.appoint(p);
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
        let is_stream = content.is_none();
        let at_mono_us = self.poles[p].machine.mono(now);
        let event = PlayerEvent::Started {
            playout: play.playout.clone(),
            piece: play.piece,
            at_mono_us,
        };
        if let Some(run) = self.poles[p].run.as_mut() {
            let id = play.playout.occurrence.bulletin.clone();
            let mut sounding = Sounding {
                play,
                began: now,
                ends,
                how,
            };
            if is_stream {
                let feed = run.player.feeds.entry(id).or_default();
                feed.finish = None;
                (sounding.ends, sounding.how) = sounding.stream_ends(feed);
            }
            run.player.current = Some(sounding);
        }
        self.tell_agent(p, event);
        self.check_sounding(p);
        if !is_stream {
            self.weather_at_start(p);
        }
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
            let silent = run.player.silence_at_end(&over, now);
            self.note_sound(p, &over, now, silent);
            if over.play.source.content().is_none() {
                self.check_silence(p, &over);
                self.check_window(p, &over);
                self.tell_how_it_fared(p, &over.play);
            }
            self.player_over(p, &over.play, place, how);
        }
    }

    /// Power is gone: silence, and nobody is told.
    pub(super) fn player_dies(&mut self, p: usize) {
        let now = self.now;
        if let Some(run) = self.poles[p].run.as_mut()
            && let Some(over) = run.player.current.take()
        {
            self.note_sound(p, &over, now, 0);
        }
    }

    fn tell_how_it_fared(&mut self, p: usize, play: &Play) {
        let at_mono_us = self.poles[p].machine.mono(self.now);
        let Some(run) = self.poles[p].run.as_ref() else {
            return;
        };
        let feed = run.player.feeds.get(&play.playout.occurrence.bulletin);
        let streamed = Streamed {
            frames: feed.map_or(0, |feed| feed.frames),
            ..Streamed::default()
        };
        self.tell_agent(
            p,
            PlayerEvent::Streams {
                playout: play.playout.clone(),
                piece: play.piece,
                at_mono_us,
                streamed,
            },
        );
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
