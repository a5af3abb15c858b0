//! One window of one relay, from ten seconds before its beginning to its end.

use std::{path::PathBuf, sync::Arc, time::Duration};

use loa_audio::live::{FrameEncoder, Kind};
use loa_protocol::{live::FRAME_US, time::WallTime};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{
    Relays, Standing,
    hearing::{Heard, Hearing},
    notice,
    standin::{Next, StandIn},
};
use crate::{
    clock::Clock,
    engine::EngineHandle,
    live::Air,
    logic::relay::{Act, Cushion, Relay, RelayState, Sends, Window},
};

const TICK: Duration = Duration::from_millis(20);

/// Where frames go.
pub trait Sink: Send {
    fn frame(&mut self, number: u32, captured: WallTime, opus: &[u8]);
    fn end(self, number: u32, at: WallTime);
}

impl Sink for Air {
    fn frame(&mut self, number: u32, captured: WallTime, opus: &[u8]) {
        Air::frame(self, number, captured, opus);
    }
    fn end(self, number: u32, at: WallTime) {
        Air::end(self, number, at);
    }
}

pub struct Work {
    pub url: String,
    /// The file of what stands in for the station.
    pub fallback: Option<PathBuf>,
    pub window: Window,
    pub relays: Relays,
    pub engine: EngineHandle,
    pub clock: Arc<dyn Clock>,
    pub stop: CancellationToken,
}

struct Job<S> {
    work: Work,
    relay: Relay,
    cushion: Cushion,
    stand_in: Option<StandIn>,
    encoder: FrameEncoder,
    sink: S,
    hearing: Option<Hearing>,
    /// It comes in lumps, and waits when asked to.
    in_segments: bool,
    /// The frame that is to be sent next was captured then.
    due: WallTime,
    /// And has this number at least.
    next: u32,
    was_away: bool,
}

impl Work {
    /// Until the window is over, or it is stopped.
    pub async fn run(self, sink: impl Sink + 'static) {
        let window = self.window.clone();
        let (relays, engine) = (self.relays.clone(), self.engine.clone());
        match FrameEncoder::new(Kind::Music) {
            Ok(encoder) => Job::new(self, encoder, sink).run().await,
            Err(error) => {
                tracing::error!(bulletin = %window.bulletin, error, "no encoder for a relay");
            }
        }
        relays.stands(&window, None);
        notice(&engine, &window.bulletin);
    }
}

impl<S: Sink> Job<S> {
    fn new(work: Work, encoder: FrameEncoder, sink: S) -> Self {
        let now = work.clock.now();
        Self {
            relay: Relay::new(work.window.clone(), work.fallback.is_some(), now),
            cushion: Cushion::default(),
            stand_in: work.fallback.clone().map(StandIn::new),
            encoder,
            sink,
            hearing: None,
            in_segments: false,
            due: work.window.begin,
            next: 0,
            was_away: false,
            work,
        }
    }

    async fn run(mut self) {
        tracing::info!(bulletin = %self.work.window.bulletin, url = self.work.url, "a relay's window is near");
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let stop = self.work.stop.clone();
        while !self.relay.is_over() {
            let waits = self.in_segments && self.cushion.is_full();
            let heard = async {
                match &mut self.hearing {
                    Some(hearing) if !waits => hearing.next().await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                heard = heard => self.take(heard),
                _ = tick.tick() => self.pace(waits),
            }
        }
        let end = self.work.window.end;
        let dropped = self.cushion.dropped();
        tracing::info!(bulletin = %self.work.window.bulletin, dropped, "a relay's window is over");
        let number = self.work.window.number(end).max(self.next);
        self.sink.end(number, end);
    }

    fn take(&mut self, heard: Heard) {
        let now = self.work.clock.now();
        match heard {
            Heard::About(about) => self.in_segments = about.in_segments,
            Heard::Frame(frame) => {
                self.relay.heard(now);
                let on_air = self.relay.sends(now) == Sends::Station;
                self.cushion.push(frame, on_air);
            }
            Heard::Codec(codec) => {
                tracing::info!(bulletin = %self.work.window.bulletin, codec, "a station is heard");
            }
            Heard::Loudness(_) => {}
            Heard::Over(away) => {
                tracing::warn!(bulletin = %self.work.window.bulletin, url = self.work.url, %away, "a station broke off");
                self.hearing = None;
                self.relay.gone(away.word(), now);
            }
        }
    }

    fn pace(&mut self, waits: bool) {
        let now = self.work.clock.now();
        if waits {
            // It would go on if it were asked.
            self.relay.heard(now);
        }
        if now >= self.work.window.end {
            // What was due before, after a step that came late.
            self.send(now);
        }
        match self.relay.tick(self.cushion.ms(), now) {
            Some(Act::HangUp) => self.hearing = None,
            Some(Act::Connect) => self.connect(now),
            None => {}
        }
        self.send(now);
        self.tell(now);
    }

    fn connect(&mut self, now: WallTime) {
        self.in_segments = false;
        let Relays { web, apart, .. } = &self.work.relays;
        match Hearing::start(&self.work.url, web, apart) {
            Ok(hearing) => self.hearing = Some(hearing),
            Err(error) => {
                tracing::error!(bulletin = %self.work.window.bulletin, %error, "no process to listen to a station with");
                self.relay.gone("office", now);
            }
        }
    }

    /// All that is due by the office's clock.
    fn send(&mut self, now: WallTime) {
        self.due = self.work.window.due(self.due, now);
        let end = self.work.window.end;
        while self.due.plus_us(FRAME_US) <= now.min(end) {
            // They grow, too, when the office's clock was set back: poles take each number once.
            let number = self.work.window.number(self.due).max(self.next);
            let frame = match self.relay.sends(now) {
                Sends::Nothing => None,
                Sends::Station => self.cushion.pop(),
                Sends::Fallback => match self.stand_in.as_mut().map(StandIn::next) {
                    Some(Next::Frame(frame)) => Some(frame),
                    Some(Next::Wait) => None,
                    Some(Next::Ended) | None => {
                        self.relay.fallback_ended();
                        None
                    }
                },
            };
            if let Some(frame) = frame {
                match self.encoder.encode(&frame) {
                    Ok(opus) => self.sink.frame(number, self.due, opus),
                    Err(error) => tracing::warn!(error, "a frame of a relay was not encoded"),
                }
            }
            self.due = self.due.plus_us(FRAME_US);
            self.next = number.saturating_add(1);
        }
    }

    /// The view, whoever watches, and the log, when it stands otherwise than before.
    fn tell(&mut self, now: WallTime) {
        let (state, since, changed) = self.relay.stands(now);
        let standing = Standing {
            state,
            detail: self.relay.detail(),
            since,
        };
        let window = &self.work.window;
        if !self.work.relays.stands(window, Some(standing)) {
            return;
        }
        let bulletin = &window.bulletin;
        notice(&self.work.engine, bulletin);
        let away = matches!(state, RelayState::Fallback | RelayState::Silent);
        if changed && away && !self.was_away {
            let detail = standing.detail.unwrap_or("quiet");
            tracing::error!(%bulletin, url = self.work.url, detail, "a station is away: its relay is stood in for");
        }
        if changed && self.was_away && state == RelayState::OnAir {
            tracing::info!(%bulletin, url = self.work.url, "a station is back");
        }
        self.was_away = away || (self.was_away && state != RelayState::OnAir);
    }
}

#[cfg(test)]
mod tests;
