//! A player in imagined time: keeps the promises of the port, and remembers what sounded.

use std::collections::BTreeMap;

use loa_protocol::{
    content::ContentId,
    live::{Packet, STARVED_MS},
    playout::PlayoutId,
};

use crate::logic::port::{How, Play, PlaySource, PlayerCommand, PlayerEvent};

#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    pub playout: PlayoutId,
    pub piece: u32,
    pub title: String,
    pub from_us: u64,
    /// `None` while it sounds.
    pub to_us: Option<u64>,
    pub from_ms: u64,
    pub planned_start_us: u64,
    pub volume: u8,
}

#[derive(Debug, Default)]
pub struct VillagePlayer {
    pub now: Option<Play>,
    /// With the instant at which it starts.
    pub armed: Option<(Play, u64)>,
    pub sounds: Vec<Sound>,
    pub prepared: Vec<Play>,
    /// What content really lasts, chime not included, in milliseconds; what its manifest says when not told here.
    pub real_ms: BTreeMap<ContentId, u64>,
    /// Lets the next piece fail at once.
    pub is_broken: bool,
    /// Does not answer any more.
    pub is_hung: bool,
    /// Every packet that it was given, with the capture by its clock and when it was given.
    pub packets: Vec<(Packet, u64, u64)>,
    /// The station cannot be had.
    pub station_is_away: bool,
}

impl VillagePlayer {
    pub fn command(&mut self, command: PlayerCommand, now_us: u64) -> Vec<PlayerEvent> {
        if self.is_hung {
            return Vec::new();
        }
        match command {
            PlayerCommand::Prepare(play) => {
                self.prepared.push(*play);
                Vec::new()
            }
            PlayerCommand::Play(play) => {
                let old = self.armed.take();
                let mut told: Vec<_> = old
                    .map(|(old, _)| ended(&old, now_us, old.from_ms, How::Replaced))
                    .into_iter()
                    .collect();
                let start_us = play.start_mono_us.max(now_us);
                self.armed = Some((*play, start_us));
                told.extend(self.advance(now_us));
                told
            }
            // The tests of the ear tell what becomes of it.
            PlayerCommand::SelfTest { .. } => Vec::new(),
            PlayerCommand::Packet {
                packet,
                captured_mono_us,
                ..
            } => {
                self.packets.push((packet, captured_mono_us, now_us));
                Vec::new()
            }
            PlayerCommand::Stop { playout, piece } => {
                let is_it = |p: &Play| p.playout == playout && p.piece == piece;
                if let Some((old, _)) = self.armed.take_if(|(p, _)| is_it(p)) {
                    return vec![ended(&old, now_us, old.from_ms, How::Stopped)];
                }
                if self.now.as_ref().is_some_and(is_it) {
                    return self.end_now(now_us, How::Stopped);
                }
                Vec::new()
            }
        }
    }

    /// When something happens by itself next.
    pub fn next(&self) -> Option<u64> {
        if self.is_hung {
            return None;
        }
        let start = self.armed.as_ref().map(|(_, at)| *at);
        [start, self.end().map(|(at, _)| at)]
            .into_iter()
            .flatten()
            .min()
    }

    fn end(&self) -> Option<(u64, How)> {
        let play = self.now.as_ref()?;
        let sound = self.sounds.last()?;
        if let PlaySource::Stream { delay_ms, .. } = &play.source {
            return Some(self.stream_end(play, sound, *delay_ms));
        }
        let whole = play
            .source
            .content()
            .and_then(|c| self.real_ms.get(c).copied())
            .unwrap_or(u64::MAX);
        let whole = whole.saturating_add(play.chime.duration_ms());
        let how = if play.until_ms < whole && whole != u64::MAX {
            How::LimitReached
        } else {
            How::Finished
        };
        let place = play.until_ms.min(whole);
        Some((
            sound.from_us + place.saturating_sub(play.from_ms) * 1_000,
            how,
        ))
    }

    fn stream_end(&self, play: &Play, sound: &Sound, delay_ms: u32) -> (u64, How) {
        let chime_ms = play.chime.duration_ms().saturating_sub(play.from_ms);
        let speech_us = sound.from_us + chime_ms * 1_000;
        let since = self
            .packets
            .iter()
            .filter(|(_, _, at)| *at >= sound.from_us);
        let last_us = since.clone().map(|(_, _, at)| *at).max();
        let starved_us = last_us.map_or(speech_us, |at| at.max(speech_us)) + STARVED_MS * 1_000;
        let limit_us = sound.from_us + play.until_ms.saturating_sub(play.from_ms) * 1_000;
        let mut ends = vec![(starved_us, How::Starved), (limit_us, How::LimitReached)];
        ends.extend(
            since
                .filter(|(packet, ..)| packet.last)
                .map(|(packet, captured_us, at)| {
                    let frames_us = packet.frames.len() as u64 * 20_000;
                    let end_us = captured_us + frames_us + u64::from(delay_ms) * 1_000;
                    (end_us.max(*at), How::Finished)
                }),
        );
        ends.into_iter().min_by_key(|(at, _)| *at).unwrap()
    }

    pub fn advance(&mut self, now_us: u64) -> Vec<PlayerEvent> {
        let mut told = Vec::new();
        while let Some(at) = self.next().filter(|at| *at <= now_us) {
            if let Some((play, _)) = self.armed.take_if(|(_, start_us)| *start_us <= at) {
                told.extend(self.end_now(at, How::Replaced));
                let is_away =
                    self.station_is_away && matches!(play.source, PlaySource::Station { .. });
                if std::mem::take(&mut self.is_broken) || is_away {
                    let failure = loa_protocol::playout::Failure::Output;
                    told.push(ended(
                        &play,
                        at,
                        play.from_ms,
                        How::Failed {
                            failure,
                            detail: "no device".into(),
                        },
                    ));
                    continue;
                }
                self.sounds.push(Sound {
                    playout: play.playout.clone(),
                    piece: play.piece,
                    title: play.title.clone(),
                    from_us: at,
                    to_us: None,
                    from_ms: play.from_ms,
                    planned_start_us: play.start_mono_us,
                    volume: play.volume,
                });
                told.push(PlayerEvent::Started {
                    playout: play.playout.clone(),
                    piece: play.piece,
                    at_mono_us: at,
                });
                self.now = Some(play);
            } else {
                let (at, how) = self.end().unwrap();
                told.extend(self.end_now(at, how));
            }
        }
        told
    }

    fn end_now(&mut self, at_us: u64, how: How) -> Vec<PlayerEvent> {
        let Some(play) = self.now.take() else {
            return Vec::new();
        };
        let sound = self.sounds.last_mut().unwrap();
        sound.to_us = Some(at_us);
        let place_ms = play.from_ms + (at_us - sound.from_us) / 1_000;
        vec![ended(&play, at_us, place_ms, how)]
    }
}

fn ended(play: &Play, at_mono_us: u64, place_ms: u64, how: How) -> PlayerEvent {
    PlayerEvent::Ended {
        playout: play.playout.clone(),
        piece: play.piece,
        at_mono_us,
        place_ms,
        how,
    }
}
