//! One live call: which frames go on the air, under which number and time, and when it is over. Pure: the time is given.
//!
//! The phone says when each frame was captured. It is believed as long as that is possible, and as long as its frames follow
//! each other as time does; so what goes on the air never goes back, never runs ahead, and is never stretched.

use loa_protocol::{live::FRAME_US, time::WallTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::port::Reading;

/// So long after it was asked for must the first frame come, in microseconds.
const FIRST_US: u64 = 10_000_000;
/// Without a frame for this long the phone is lost, in microseconds.
const SILENCE_US: u64 = 2_000_000;
/// A frame may claim to be this much ahead of its arrival (clocks are set to some milliseconds only), …
const AHEAD_US: i64 = 200_000;
/// … and this much behind it; what is older sounds nowhere any more.
const LATE_US: i64 = 3_000_000;
/// The office's clock was set forward by more than that: all that the phone sends would be too old, and the poles believe
/// nothing of the new time until they have asked for it.
const LEAP_US: i64 = 2_000_000;
/// A frame this far from where the one before puts it does not follow it.
const STRAY_US: i64 = 100_000;
/// Below that the phone's time is followed by a part of the difference, and by so much a frame at the most (1 %).
const FOLLOWED: i64 = 32;
const STEER_US: i64 = 200;

/// What a call's delay is made of, in milliseconds: the time that packets and frames wait anyway, …
const DELAY_BASE_MS: u32 = 250;
/// … and its bounds when nobody set it.
const DELAY_LEAST_MS: u32 = 300;
const DELAY_MOST_MS: u32 = 800;

/// From mouth to horn, by the round trips of the phone and of the slowest pole that is there: most of what comes late has half
/// of its round trip more than usual.
pub fn delay_ms(phone_ms: u32, pole_ms: u32) -> u32 {
    let lines = phone_ms.saturating_add(pole_ms);
    let ms = lines.saturating_add(lines / 2);
    ms.saturating_add(DELAY_BASE_MS)
        .clamp(DELAY_LEAST_MS, DELAY_MOST_MS)
}

/// Why a call, or a window of a relay, is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallEnd {
    /// Whoever spoke let go.
    Released,
    /// Nothing came from the phone any more.
    Lost,
    /// The longest call was over.
    Longest,
    /// Somebody stopped it, or everything.
    Stopped,
    /// The office ended, or was started again.
    Office,
    /// A relay's window was over.
    Window,
}

/// What a call is told. `socket`: the phone's connections, each with a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallInput {
    /// A phone takes the floor; an earlier one loses it.
    Microphone {
        socket: u64,
    },
    Frame {
        socket: u64,
        /// The phone's own count.
        number: u32,
        /// As the phone says.
        captured: WallTime,
    },
    End(CallEnd),
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEffect {
    /// This frame goes on the air.
    Send { number: u32, captured: WallTime },
    /// This frame does not.
    Drop(Dropped),
    /// This connection has lost the floor.
    HangUp { socket: u64 },
    /// `next`: the number that follows the last one sent. `at`: when the last of it had been spoken.
    Ended {
        why: CallEnd,
        next: u32,
        at: WallTime,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Nobody hears yet: the chime sounds.
    Early,
    /// Too old to sound anywhere.
    Late,
    /// Said to be of a time that is still to come.
    Ahead,
    /// It, or one after it, was here before.
    Again,
    /// Not from the phone that has the floor.
    Stranger,
    Over,
}

/// The last frame that has a place.
#[derive(Clone, Copy, Debug)]
struct Last {
    theirs: u32,
    number: u32,
    captured: WallTime,
    /// What has to be added to the phone's time; 0 while that is believed.
    shift_us: i64,
}

#[derive(Clone, Debug)]
pub struct Call {
    speak_at: WallTime,
    longest_us: i64,
    made: Reading,
    socket: Option<u64>,
    /// When a frame last came, by the clock that never steps.
    heard_us: Option<u64>,
    last: Option<Last>,
    /// Of what was sent: the next number, and when that would begin.
    next: Option<(u32, WallTime)>,
    sent: u64,
    over: Option<CallEnd>,
}

impl Call {
    /// Asked for at `made`; what is captured from `speak_at` on is said, for `longest_us` at the most.
    pub fn new(made: Reading, speak_at: WallTime, longest_us: i64) -> Self {
        Self {
            speak_at,
            longest_us,
            made,
            socket: None,
            heard_us: None,
            last: None,
            next: None,
            sent: 0,
            over: None,
        }
    }

    /// Frames that were sent.
    pub fn frames(&self) -> u64 {
        self.sent
    }

    /// Frames between these that were not.
    pub fn holes(&self) -> u64 {
        let places = self.next.map_or(0, |(number, _)| u64::from(number));
        places.saturating_sub(self.sent)
    }

    /// How much longer it may last.
    pub fn left_us(&self, now: Reading) -> u64 {
        self.longest_at().saturating_sub(now.mono_us)
    }

    /// When it has to be told that time has passed, by the clock that never steps; `None` when it is over.
    pub fn deadline(&self) -> Option<u64> {
        let silence = match self.heard_us {
            Some(heard) => heard + SILENCE_US,
            None => self.made.mono_us + FIRST_US,
        };
        self.over.is_none().then(|| silence.min(self.longest_at()))
    }

    pub fn handle(&mut self, input: CallInput, now: Reading) -> Option<CallEffect> {
        if self.over.is_some() {
            let came = matches!(input, CallInput::Frame { .. });
            return came.then_some(CallEffect::Drop(Dropped::Over));
        }
        if self.leaps(now) {
            return Some(self.end(CallEnd::Office, now.wall));
        }
        match input {
            CallInput::Microphone { socket } => {
                let before = self.socket.replace(socket);
                before.map(|socket| CallEffect::HangUp { socket })
            }
            CallInput::Frame { socket, .. } if self.socket != Some(socket) => {
                Some(CallEffect::Drop(Dropped::Stranger))
            }
            CallInput::Frame {
                number, captured, ..
            } => {
                self.heard_us = Some(now.mono_us);
                Some(match self.place(number, captured, now.wall) {
                    Ok(last) => self.send(last, now.wall),
                    Err(why) => CallEffect::Drop(why),
                })
            }
            CallInput::End(why) => Some(self.end(why, now.wall)),
            CallInput::Tick if now.mono_us >= self.longest_at() => {
                Some(self.end(CallEnd::Longest, now.wall))
            }
            CallInput::Tick if self.deadline().is_some_and(|at| now.mono_us >= at) => {
                Some(self.end(CallEnd::Lost, now.wall))
            }
            CallInput::Tick => None,
        }
    }

    /// Since it was asked for.
    fn leaps(&self, now: Reading) -> bool {
        let offset_us = |at: Reading| at.wall.as_micros() - at.mono_us.cast_signed();
        offset_us(now) - offset_us(self.made) > LEAP_US
    }

    fn longest_at(&self) -> u64 {
        let us = self.speak_at.since_us(self.made.wall).max(0);
        let us = us.saturating_add(self.longest_us);
        self.made.mono_us.saturating_add_signed(us)
    }

    /// Where this frame belongs.
    fn place(&self, theirs: u32, said: WallTime, arrived: WallTime) -> Result<Last, Dropped> {
        let Some(last) = self.last else {
            return Ok(anchored(theirs, 0, said, arrived));
        };
        let steps = theirs.checked_sub(last.theirs).filter(|steps| *steps > 0);
        let may_be = |captured: WallTime| arrived.since_us(captured) >= -AHEAD_US;
        let follows = steps.and_then(|steps| follows(&last, theirs, steps, said));
        if let Some(follows) = follows.filter(|follows| may_be(follows.captured)) {
            return Ok(follows);
        }
        // It does not follow: a phone that slept, or began to count anew. Or it would be ahead: frames that come quicker than
        // time passes, or the office's clock was set back. It gets the place of its time.
        let anchor = anchored(theirs, 0, said, arrived);
        let after_us = anchor.captured.since_us(last.captured);
        if after_us < FRAME_US / 2 {
            match steps {
                None => return Err(Dropped::Again),
                // Placed by its arrival, it waits until the office's clock is where it was.
                Some(_) if anchor.shift_us != 0 => return Err(Dropped::Ahead),
                Some(_) => {}
            }
        }
        let steps = ((after_us + FRAME_US / 2) / FRAME_US).max(1);
        let captured = last.captured.plus_us(steps * FRAME_US);
        let number = u32::try_from(steps).ok();
        let number = number.and_then(|steps| last.number.checked_add(steps));
        match number {
            Some(number) if may_be(captured) => Ok(Last {
                number,
                captured,
                ..anchor
            }),
            _ => Err(Dropped::Ahead),
        }
    }

    fn send(&mut self, mut placed: Last, arrived: WallTime) -> CallEffect {
        let captured = placed.captured;
        let dropped = if captured < self.speak_at {
            Some(Dropped::Early)
        } else if captured >= self.speak_at.plus_us(self.longest_us) {
            Some(Dropped::Over)
        } else if arrived.since_us(captured) > LATE_US {
            Some(Dropped::Late)
        } else {
            None
        };
        if self.next.is_none() {
            // The first that is said is number 0.
            placed.number = 0;
        }
        self.last = Some(placed);
        match dropped {
            Some(why) => CallEffect::Drop(why),
            None => {
                self.sent += 1;
                self.next = Some((placed.number + 1, captured.plus_us(FRAME_US)));
                CallEffect::Send {
                    number: placed.number,
                    captured,
                }
            }
        }
    }

    fn end(&mut self, why: CallEnd, now: WallTime) -> CallEffect {
        self.over = Some(why);
        let (next, at) = self.next.unwrap_or((0, now));
        CallEffect::Ended { why, next, at }
    }
}

/// A place of its own: the phone's word where that can be true, else when it came.
fn anchored(theirs: u32, number: u32, said: WallTime, arrived: WallTime) -> Last {
    let can_be = (-AHEAD_US..=LATE_US).contains(&arrived.since_us(said));
    let captured = if can_be { said } else { arrived };
    Last {
        theirs,
        number,
        captured,
        shift_us: captured.since_us(said),
    }
}

/// In step with the one before, as far as that is possible.
fn follows(last: &Last, theirs: u32, steps: u32, said: WallTime) -> Option<Last> {
    let expected = last.captured.plus_us(i64::from(steps) * FRAME_US);
    let error_us = said.plus_us(last.shift_us).since_us(expected);
    let steer_us = (error_us / FOLLOWED).clamp(-STEER_US, STEER_US);
    (error_us.saturating_abs() <= STRAY_US).then_some(Last {
        theirs,
        number: last.number.checked_add(steps)?,
        captured: expected.plus_us(steer_us),
        shift_us: last.shift_us,
    })
}

#[cfg(test)]
mod tests;
