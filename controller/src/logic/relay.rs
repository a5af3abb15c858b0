//! Relaying a station for one window of time: when to go for it, what sounds meanwhile, when it is over. Pure: the time is given.
//!
//! ```text
//!            connect 10 s ahead        the cushion holds enough       the window's end
//!   waiting ───────────────── connecting ───────────────── on air ───────────────── over
//!                                  └── away for 3 s ── fallback or silent ──┘ again: 1, 2, 4 … 15 s later
//! ```

use std::collections::VecDeque;

use loa_protocol::{
    bulletin::Bulletin,
    content::ContentId,
    id::BulletinId,
    live::{FRAME_MS, FRAME_SAMPLES, FRAME_US},
    playout::OccurrenceId,
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// From the office's word to the poles' sound: a relay is in no hurry, and a thin line has time.
pub const DELAY_MS: u32 = 1_500;
/// One goes for the station so long before its window.
pub const AHEAD_S: i64 = 10;
/// It is on air when so much of it is decoded; with less it would soon break off again.
const ENOUGH_MS: u64 = 1_500;
/// More than this is let go: what a station sends in advance must not make it late.
const MOST_MS: u64 = 6_000;
const KEPT_MS: u64 = 3_000;
/// Away for so long: what stands in for it sounds.
const AWAY_S: i64 = 3;
/// Nothing of it for so long: this connection is no good.
const STALLED_S: i64 = 6;
/// Or nothing at all since it was begun.
const BEGUN_S: i64 = 15;
const BACK_OFF_MOST_S: i64 = 15;
/// A connection that held for so long was a good one.
const GOOD_S: i64 = 30;
/// Who is farther from the present than this (the machine slept, or its clock was set) goes on there.
const MOST_OFF_US: i64 = 1_000_000;

/// What the office keeps of a relay, beside what the poles are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayPlan {
    pub url: String,
    /// What sounds while the station is away; `None`: nothing.
    pub fallback: Option<Fallback>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// As a person chose it, …
    pub audio: String,
    /// … and its bytes.
    pub content: ContentId,
}

/// Planned windows that are looked at for whether they overlap.
const WINDOWS: usize = 100;

/// Would two windows of this relay be on the air at once? No, where it cannot be planned at all.
pub fn overlaps(b: &Bulletin, window_ms: u64) -> bool {
    let planned = b.planned(b.since, WallTime::MAX, WINDOWS);
    let length_us = i64::try_from(window_ms)
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000);
    planned.is_ok_and(|all| {
        all.windows(2)
            .any(|two| two[1].at.since_us(two[0].at) < length_us)
    })
}

/// One planned window of one relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub bulletin: BulletinId,
    pub occurrence: OccurrenceId,
    pub planned: WallTime,
    /// What is captured from then on …
    pub begin: WallTime,
    /// … and before then sounds in the window.
    pub end: WallTime,
}

impl Window {
    /// `chime_ms`: what sounds first, in the window too.
    pub fn new(
        occurrence: OccurrenceId,
        planned: WallTime,
        chime_ms: u64,
        delay_ms: u32,
        duration_ms: u64,
    ) -> Self {
        let ahead_ms = i64::try_from(chime_ms).unwrap_or(0) - i64::from(delay_ms);
        let begin = planned.plus_us(ahead_ms * 1_000);
        let length_ms = i64::try_from(duration_ms).unwrap_or(0);
        Self {
            bulletin: occurrence.bulletin.clone(),
            occurrence,
            planned,
            begin,
            end: begin.plus_us(length_ms * 1_000),
        }
    }

    /// Is it time to look after it?
    pub fn is_on(&self, now: WallTime) -> bool {
        now >= self.begin.plus_s(-AHEAD_S) && now < self.end
    }

    /// Which frame is to be sent next, when that would be `due`.
    pub fn due(&self, due: WallTime, now: WallTime) -> WallTime {
        let present = now.max(self.begin);
        if (-MOST_OFF_US..=MOST_OFF_US).contains(&present.since_us(due)) {
            return due;
        }
        let frames = present.since_us(self.begin) / FRAME_US;
        self.begin.plus_us(frames * FRAME_US)
    }

    /// Numbers go with time: they only grow, even when the office was started anew in the middle.
    pub fn number(&self, captured: WallTime) -> u32 {
        let frames = captured.since_us(self.begin) / FRAME_US;
        u32::try_from(frames).unwrap_or(0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelayState {
    /// Its window is still to come.
    Waiting,
    Connecting,
    OnAir,
    /// The station is away, and what was chosen for that sounds.
    Fallback,
    /// The station is away, and nothing sounds.
    Silent,
    /// Nothing of it is left.
    Over,
}

/// What is to be done about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Connect,
    HangUp,
}

/// What is to be sent for this instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    Station,
    Fallback,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Down, and to be tried at this time.
    Down(WallTime),
    /// Begun then; nothing came yet.
    Begun(WallTime),
    /// It flows since, and the last of it came then.
    Flows { since: WallTime, last: WallTime },
}

/// One window as it goes.
#[derive(Debug)]
pub struct Relay {
    window: Window,
    line: Line,
    back_off_s: i64,
    /// Sound of the station is being sent.
    on_air: bool,
    /// Since when it is not.
    away_since: WallTime,
    has_fallback: bool,
    /// Why the last connection ended; gone when the next one flows.
    detail: Option<&'static str>,
    told: RelayState,
    told_since: WallTime,
    is_over: bool,
}

impl Relay {
    pub fn new(window: Window, has_fallback: bool, now: WallTime) -> Self {
        let due = window.begin.plus_s(-AHEAD_S);
        Self {
            away_since: window.begin.max(now),
            window,
            line: Line::Down(due),
            back_off_s: 1,
            on_air: false,
            has_fallback,
            detail: None,
            told: RelayState::Waiting,
            told_since: now,
            is_over: false,
        }
    }

    /// Sound came.
    pub fn heard(&mut self, now: WallTime) {
        let since = match self.line {
            Line::Flows { since, .. } => since,
            Line::Begun(_) => now,
            Line::Down(_) => return,
        };
        self.line = Line::Flows { since, last: now };
        if now >= since.plus_s(GOOD_S) {
            self.back_off_s = 1;
        }
    }

    /// The connection ended, and why.
    pub fn gone(&mut self, why: &'static str, now: WallTime) {
        self.line = Line::Down(now.plus_s(self.back_off_s));
        self.back_off_s = (self.back_off_s * 2).min(BACK_OFF_MOST_S);
        self.detail = Some(why);
    }

    /// Of what stands in for the station there is no more.
    pub fn fallback_ended(&mut self) {
        self.has_fallback = false;
    }

    /// Time has gone by. `cushion_ms`: how much is decoded and not sent.
    pub fn tick(&mut self, cushion_ms: u64, now: WallTime) -> Option<Act> {
        self.hold(now);
        let act = self.look(now);
        let was = self.on_air;
        // What is there is sent, even when the line is down.
        self.on_air = cushion_ms >= ENOUGH_MS || (was && cushion_ms > 0);
        self.on_air &= !self.is_over;
        if was && !self.on_air {
            self.away_since = now;
        }
        if self.on_air {
            self.detail = None;
        }
        act
    }

    /// What has been does not lie ahead: where it does, the office's clock was set back.
    fn hold(&mut self, now: WallTime) {
        let begin = self.window.begin;
        self.away_since = self.away_since.min(now.max(begin));
        self.told_since = self.told_since.min(now);
        self.line = match self.line {
            Line::Down(due) => {
                let latest = now.plus_s(BACK_OFF_MOST_S).max(begin.plus_s(-AHEAD_S));
                Line::Down(due.min(latest))
            }
            Line::Begun(since) => Line::Begun(since.min(now)),
            Line::Flows { since, last } => Line::Flows {
                since: since.min(now),
                last: last.min(now),
            },
        };
    }

    fn look(&mut self, now: WallTime) -> Option<Act> {
        if self.is_over {
            return None;
        }
        if now >= self.window.end {
            self.is_over = true;
            return Some(Act::HangUp);
        }
        match self.line {
            Line::Down(due) if now >= due => {
                self.line = Line::Begun(now);
                Some(Act::Connect)
            }
            Line::Begun(since) if now >= since.plus_s(BEGUN_S) => self.stalled(now),
            Line::Flows { last, .. } if now >= last.plus_s(STALLED_S) => self.stalled(now),
            _ => None,
        }
    }

    fn stalled(&mut self, now: WallTime) -> Option<Act> {
        self.gone("stalled", now);
        Some(Act::HangUp)
    }

    pub fn sends(&self, now: WallTime) -> Sends {
        let away = now >= self.away_since.plus_s(AWAY_S);
        match () {
            () if self.is_over || now < self.window.begin => Sends::Nothing,
            () if self.on_air => Sends::Station,
            () if away && self.has_fallback => Sends::Fallback,
            () => Sends::Nothing,
        }
    }

    /// How it stands, since when, and whether that is new.
    pub fn stands(&mut self, now: WallTime) -> (RelayState, WallTime, bool) {
        let begun = now >= self.window.begin;
        let away = now >= self.away_since.plus_s(AWAY_S);
        let state = match self.sends(now) {
            _ if self.is_over => RelayState::Over,
            Sends::Station => RelayState::OnAir,
            Sends::Fallback => RelayState::Fallback,
            Sends::Nothing if begun && away => RelayState::Silent,
            Sends::Nothing if self.line == Line::Down(self.window.begin.plus_s(-AHEAD_S)) => {
                RelayState::Waiting
            }
            Sends::Nothing => RelayState::Connecting,
        };
        let changed = state != self.told;
        if changed {
            (self.told, self.told_since) = (state, now);
        }
        (state, self.told_since, changed)
    }

    /// Why the station is away; `None`: it is not, or was not tried.
    pub fn detail(&self) -> Option<&'static str> {
        self.detail
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    pub fn window(&self) -> &Window {
        &self.window
    }
}

pub type Frame = Box<[f32; FRAME_SAMPLES]>;

/// What is decoded and not sent yet.
#[derive(Debug, Default)]
pub struct Cushion {
    frames: VecDeque<Frame>,
    dropped: u64,
}

impl Cushion {
    /// `on_air`: before that only the newest is of use.
    pub fn push(&mut self, frame: Frame, on_air: bool) {
        self.frames.push_back(frame);
        let most_ms = if on_air { MOST_MS } else { KEPT_MS };
        if self.ms() > most_ms {
            let too_many = self.frames.len() - (KEPT_MS / FRAME_MS) as usize;
            self.frames.drain(..too_many);
            self.dropped += too_many as u64;
        }
    }

    pub fn pop(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    pub fn ms(&self) -> u64 {
        self.frames.len() as u64 * FRAME_MS
    }

    /// Who can wait is asked for no more.
    pub fn is_full(&self) -> bool {
        self.ms() >= KEPT_MS
    }

    /// Frames that were let go.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests;
