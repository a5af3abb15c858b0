//! The self-test: a quiet chirp through the own horn, once a day at the hour that the office set, and whenever asked.
//!
//! It never sounds beside anything else. The daily one needs a trusted clock, waits up to an hour for a minute in which
//! nothing sounds or is about to, is left out in quiet hours (the
//! office's and the pole's own) and while muted, and is tried once more after ten minutes
//! when it was not heard or was cut. One that was asked for sounds as soon as nothing else does, in quiet hours too.
//! Whatever is to sound ends it at once; it delays nothing.

use jiff::civil::Date;
use loa_audio::hearing::{Found, Verdict};
use loa_protocol::{
    event::What,
    programme::Version,
    quiet_hours::{parse_time_of_day, parse_zone},
    telemetry::{EarKind, Hearing, MAX_TEXT_BYTES, SelfTest},
    time::WallTime,
};

use super::{
    Agent, PREPARE_MS,
    ear::hearing,
    ledger::shortened,
    port::{How, PlayerCommand, PlayerEvent, self_test},
};

/// The output is woken so long before the chirp.
const AHEAD_US: u64 = PREPARE_MS.unsigned_abs() * 1_000;
/// Nothing may be planned within this for the daily one; for an asked one just its own length.
const CLEAR_S: i64 = 60;
const CLEAR_ASKED_S: i64 = 5;
/// The daily one is given up for the day when there was no good minute within this.
const DAILY_WINDOW_S: i64 = 3_600;
/// One that was asked for is given up after this.
const ASKED_WINDOW_US: u64 = 600_000_000;
const AGAIN_AFTER_S: i64 = 600;
/// Chirp, echo, the listener's patience.
const ANSWER_US: u64 = 12_000_000;
/// Between two looks while it waits for a good minute, and at other times.
const LOOK_BUSY_US: u64 = 5_000_000;
const LOOK_US: u64 = 600_000_000;

#[derive(Debug, Default)]
pub struct SelfTests {
    /// Counts the chirps of this run.
    number: u32,
    asked: Option<Asked>,
    sounding: Option<Running>,
    /// The day that has had its test, and when that one may be tried again.
    day: Option<(Date, Option<WallTime>)>,
    look_us: u64,
    config: Option<Version>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    give_up_us: u64,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    number: u32,
    /// Somebody asked for it, and waits for it until then; otherwise it is the daily one.
    asked: Option<Asked>,
    /// A second try of the day has no third.
    again: bool,
    stopped: bool,
    by_us: u64,
}

impl SelfTests {
    pub fn deadline(&self) -> Option<u64> {
        match self.sounding {
            Some(running) => Some(running.by_us),
            None => (self.look_us > 0).then_some(self.look_us),
        }
    }
}

/// What came of one, as it is told.
#[derive(Default)]
struct Answer {
    found: Found,
    hearing: Option<Hearing>,
    trouble: Option<String>,
}

impl Answer {
    fn unclear(why: &str) -> Self {
        Self {
            hearing: Some(Hearing::Unclear),
            trouble: Some(why.to_owned()),
            ..Self::default()
        }
    }
}

impl Agent {
    /// The office's order of this number: test the own sound, now. Orders are done one at a time, so a second one that
    /// comes before the first has sounded is answered by the same chirp.
    pub(super) fn self_test_asked(&mut self, _number: u64) {
        let why_not = if self.documents.config.muted {
            "muted"
        } else if self.test_amplitude() <= 0.0 {
            "the volume's ceiling is 0"
        } else {
            ""
        };
        if self.ear.kind == EarKind::None {
            let hearing = Some(Hearing::NoMicrophone);
            return self.tell_test(
                true,
                Answer {
                    hearing,
                    ..Answer::default()
                },
            );
        }
        if !why_not.is_empty() {
            return self.tell_test(true, Answer::unclear(why_not));
        }
        self.ear.tests.asked = Some(Asked {
            give_up_us: self.now.mono_us.saturating_add(ASKED_WINDOW_US),
        });
        self.ear.tests.look_us = self.now.mono_us;
    }

    /// Passes on what is not about the self-test.
    pub(super) fn not_the_self_test(&mut self, event: PlayerEvent) -> Option<PlayerEvent> {
        let (PlayerEvent::Started { playout, piece, .. }
        | PlayerEvent::Ended { playout, piece, .. }
        | PlayerEvent::Streams { playout, piece, .. }) = &event;
        if *playout != self_test() {
            return Some(event);
        }
        let running = self.ear.tests.sounding.filter(|r| r.number == *piece)?;
        if let PlayerEvent::Ended { how, .. } = event {
            match how {
                // The listener's word comes later.
                How::Finished | How::LimitReached | How::Starved => {}
                How::Replaced | How::Stopped => self.test_was_cut(running),
                How::Failed { detail, .. } => self.test_over(running, Answer::unclear(&detail)),
            }
        }
        None
    }

    pub(super) fn self_test_listened(&mut self, piece: u32, found: &Found) {
        if let Some(running) = self.ear.tests.sounding.filter(|r| r.number == piece) {
            let trouble = match found.verdict() {
                Verdict::Deaf => self
                    .ear
                    .trouble
                    .clone()
                    .or_else(|| Some("the microphone gave no sound".into())),
                Verdict::TooShort => Some("too little was listened to".into()),
                _ => None,
            };
            let found = found.clone();
            self.test_over(
                running,
                Answer {
                    found,
                    hearing: None,
                    trouble,
                },
            );
        }
    }

    pub(super) fn tend_self_test(&mut self) {
        let now_us = self.now.mono_us;
        if self.ear.kind == EarKind::None {
            return;
        }
        if let Some(running) = self.ear.tests.sounding {
            if self.documents.config.muted && !running.stopped {
                self.ear.tests.sounding = Some(Running {
                    stopped: true,
                    ..running
                });
                self.tell_player(PlayerCommand::Stop {
                    playout: self_test(),
                    piece: running.number,
                });
            }
            if running.by_us <= now_us {
                self.test_over(running, Answer::unclear("the listener did not answer"));
            }
            return;
        }
        let version = self.documents.config.version;
        if self.ear.tests.config != Some(version) {
            self.ear.tests.config = Some(version);
            self.ear.tests.look_us = now_us;
        }
        let look_us = self.ear.tests.look_us;
        if look_us == 0 || now_us < look_us {
            return;
        }
        self.ear.tests.look_us = if self.ear.tests.asked.is_some() {
            self.look_after_asked()
        } else {
            self.look_after_daily()
        };
    }

    /// Gives when to look again; 0: when something changes.
    fn look_after_asked(&mut self) -> u64 {
        let now_us = self.now.mono_us;
        let asked = self.ear.tests.asked;
        if asked.is_none_or(|asked| asked.give_up_us <= now_us) {
            self.ear.tests.asked = None;
            self.tell_test(true, Answer::unclear("something else sounded all the time"));
            return now_us;
        }
        if self.documents.config.muted {
            self.ear.tests.asked = None;
            self.tell_test(true, Answer::unclear("muted"));
            return now_us;
        }
        if self.is_free_for(CLEAR_ASKED_S) {
            self.ear.tests.asked = None;
            self.sound_test(asked, false);
        }
        now_us + LOOK_BUSY_US
    }

    /// Gives when to look again; 0: when something changes.
    fn look_after_daily(&mut self) -> u64 {
        let now_us = self.now.mono_us;
        let config = &self.documents.config;
        let (Some(Ok(time)), Ok(zone)) = (
            config.self_test_at.as_deref().map(parse_time_of_day),
            parse_zone(&config.zone),
        ) else {
            return 0;
        };
        let later_us = now_us + LOOK_US;
        if !self.now.is_trusted() {
            return now_us + LOOK_BUSY_US * 12;
        }
        let now = self.now.wall;
        let today = zone.to_datetime(now.timestamp()).date();
        let Ok(planned) = zone.to_timestamp(today.to_datetime(time)) else {
            return later_us;
        };
        let (due, again) = match self.ear.tests.day {
            Some((day, None)) if day == today => return later_us,
            Some((day, Some(again_at))) if day == today => (again_at, true),
            _ => (WallTime::from(planned), false),
        };
        if now < due {
            return later_us.min(self.now.mono_at(due));
        }
        if now >= due.plus_s(DAILY_WINDOW_S) {
            self.ear.tests.day = Some((today, None));
            return later_us;
        }
        let config = &self.documents.config;
        let is_barred = config.muted || self.is_quiet(now) || self.test_amplitude() <= 0.0;
        if !is_barred && self.is_free_for(CLEAR_S) {
            self.ear.tests.day = Some((today, None));
            self.sound_test(None, again);
        }
        now_us + LOOK_BUSY_US
    }

    /// Does nothing sound, and is nothing about to?
    fn is_free_for(&self, ahead_s: i64) -> bool {
        let now = self.now.wall;
        let next = self.agenda.next_after(now);
        self.stage.acts.is_empty() && next.is_none_or(|at| at > now.plus_s(ahead_s))
    }

    /// Under the ceiling, as everything.
    fn test_amplitude(&self) -> f32 {
        let ceiling = self.documents.config.volume.ceiling.min(100);
        let ceiling = f32::from(self.limits().loudness(ceiling)) / 100.0;
        self.ear.amplitude.min(ceiling * ceiling)
    }

    fn sound_test(&mut self, asked: Option<Asked>, again: bool) {
        let now_us = self.now.mono_us;
        let amplitude = self.test_amplitude();
        let tests = &mut self.ear.tests;
        tests.number += 1;
        let number = tests.number;
        tests.sounding = Some(Running {
            number,
            asked,
            again,
            stopped: false,
            by_us: now_us + AHEAD_US + ANSWER_US,
        });
        self.tell_player(PlayerCommand::SelfTest {
            number,
            start_mono_us: now_us + AHEAD_US,
            amplitude,
        });
    }

    /// Something that matters more began, or it was stopped.
    fn test_was_cut(&mut self, running: Running) {
        self.ear.tests.sounding = None;
        let now_us = self.now.mono_us;
        self.ear.tests.look_us = now_us + LOOK_BUSY_US;
        if running.asked.is_some() {
            self.ear.tests.asked = self.ear.tests.asked.or(running.asked);
        } else {
            self.try_again_today(running);
        }
    }

    fn try_again_today(&mut self, running: Running) {
        if !running.again
            && let Some((day, _)) = self.ear.tests.day
        {
            let at = self.now.wall.plus_s(AGAIN_AFTER_S);
            self.ear.tests.day = Some((day, Some(at)));
        }
    }

    fn test_over(&mut self, running: Running, answer: Answer) {
        self.ear.tests.sounding = None;
        self.ear.tests.look_us = self.now.mono_us;
        if running.asked.is_none() && hearing(&answer.found) == Hearing::NotHeard {
            self.try_again_today(running);
        }
        self.tell_test(running.asked.is_some(), answer);
    }

    fn tell_test(&mut self, asked: bool, answer: Answer) {
        let test = SelfTest {
            at: self.now.wall,
            hearing: answer.hearing.unwrap_or_else(|| hearing(&answer.found)),
            clarity_centi: answer.found.clarity_centi,
            delay_us: answer.found.delay_us,
            asked,
            trouble: answer.trouble.map(|why| shortened(&why, MAX_TEXT_BYTES)),
        };
        self.ear.last_test = Some(test.clone());
        self.event(What::SelfTested { test });
        self.report.changed();
    }
}
