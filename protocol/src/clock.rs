//! The four-timestamp exchange by which a speaker learns the office's time over MQTT (as NTP, RFC 5905 section 8).

use serde::{Deserialize, Serialize};

use crate::{envelope::Document, id::SpeakerId, time::WallTime};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRequest {
    pub speaker: SpeakerId,
    /// Unguessable and used once, so that an old reply cannot be played back.
    pub nonce: u64,
}

impl Document for ClockRequest {
    const TYPE: &'static str = "clock";
    const MAX_BYTES: usize = 1024;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReply {
    pub speaker: SpeakerId,
    pub nonce: u64,
    /// The office's clock when the request came in.
    pub received: WallTime,
    /// The office's clock when the reply went out.
    pub sent: WallTime,
}

impl Document for ClockReply {
    const TYPE: &'static str = "clock_reply";
    const MAX_BYTES: usize = 1024;
}

/// One exchange seen from the speaker, its own clock in both places the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Office minus speaker, in microseconds.
    pub offset_us: i64,
    /// There and back, less the office's own time; half of it bounds the error of `offset_us`.
    pub delay_us: i64,
}

impl Sample {
    /// RFC 5905 section 8: offset = ((t2 - t1) + (t3 - t4)) / 2, delay = (t4 - t1) - (t3 - t2).
    pub fn of(asked: WallTime, received: WallTime, sent: WallTime, answered: WallTime) -> Self {
        let (t1, t2, t3, t4) = (
            i128::from(asked.as_micros()),
            i128::from(received.as_micros()),
            i128::from(sent.as_micros()),
            i128::from(answered.as_micros()),
        );
        let clamp = |v: i128| v.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        Self {
            offset_us: clamp(((t2 - t1) + (t3 - t4)) / 2),
            delay_us: clamp((t4 - t1) - (t3 - t2)),
        }
    }
}
