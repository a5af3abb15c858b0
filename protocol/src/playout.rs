//! One speaker's attempt to sound one occurrence, and how it ended.

use std::{fmt, str::FromStr};

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    bulletin::{Priority, Status},
    id::BulletinId,
    live::Streamed,
    time::{Trust, WallTime},
};

/// Which occurrence: bulletin, civil date of the rule, index among that date's occurrences, and which repeat.
///
/// It has no time of day in it: moving 06:00 to 06:30 after it played does not play it again,
/// and a clock that falls back an hour cannot double it.
/// Written `BULLETIN/2026-11-24/0/0`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OccurrenceId {
    pub bulletin: BulletinId,
    pub date: Date,
    pub index: u16,
    pub repeat: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no occurrence: write BULLETIN/YYYY-MM-DD/INDEX/REPEAT")]
pub struct OccurrenceIdError(String);

impl fmt::Display for OccurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}/{}",
            self.bulletin, self.date, self.index, self.repeat
        )
    }
}
impl fmt::Debug for OccurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for OccurrenceId {
    type Err = OccurrenceIdError;
    fn from_str(text: &str) -> Result<Self, OccurrenceIdError> {
        let parse = || {
            let mut parts = text.split('/');
            let id = Self {
                bulletin: parts.next()?.parse().ok()?,
                date: parts.next()?.parse().ok()?,
                index: parts.next()?.parse().ok()?,
                repeat: parts.next()?.parse().ok()?,
            };
            // One spelling only: it is a key on disk and on the wire.
            (parts.next().is_none() && id.to_string() == text).then_some(id)
        };
        parse().ok_or_else(|| OccurrenceIdError(text.chars().take(120).collect()))
    }
}
impl Serialize for OccurrenceId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for OccurrenceId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// One attempt at an occurrence. Only an emergency has more than attempt 0: after a power cut it is said again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlayoutId {
    pub occurrence: OccurrenceId,
    pub attempt: u16,
}

/// How a playout ended. Every occurrence ends as exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", content = "reason", rename_all = "snake_case")]
pub enum Outcome {
    /// Sounded to its end.
    Completed,
    /// Began and was ended before its end.
    Interrupted(Interruption),
    /// Cut by a higher priority, and did not go on.
    PreEmpted,
    /// A rule said no.
    Skipped(Skip),
    /// It could not be.
    Missed(Miss),
    /// It was tried, and something broke.
    Failed(Failure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// The speaker lost power or was restarted.
    PowerCut,
    /// Somebody stopped everything.
    Stopped,
    /// The bulletin was cancelled or its targets changed.
    Cancelled,
    QuietHours,
    MaxDuration,
    Muted,
    /// The speaker's own limits: minutes of the session, hour or day.
    Limit,
    /// It is not believed any more: its key or its approval was taken back, or ran out.
    Distrusted,
    /// A stream of which too little came in time.
    Starved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Something of at least its rank sounded until its lateness ran out.
    Busy,
    QuietHours,
    Muted,
    /// Somebody stopped everything before it began.
    Stopped,
    /// The speaker's own limits: minutes of the session, hour or day, length, repeats.
    Limit,
    /// It was heard live, so its recording is not needed.
    HeardLive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Miss {
    /// The speaker was not running when it was due.
    Off,
    /// The clock could not be trusted.
    ClockUntrusted,
    /// The audio had not arrived.
    NoContent,
    /// The plan itself arrived too late.
    ArrivedLate,
    /// Nothing of the stream came.
    NoStream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The audio could not be decoded.
    Decode,
    /// The sound device or file could not be opened, or stopped taking sound.
    Output,
    /// The ledger could not be written, so nothing was allowed to sound.
    Ledger,
}

impl Outcome {
    /// The word and the reason as the API and the database write them.
    pub fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Outcome::Completed => ("completed", None),
            Outcome::PreEmpted => ("pre_empted", None),
            Outcome::Interrupted(r) => (
                "interrupted",
                Some(match r {
                    Interruption::PowerCut => "power_cut",
                    Interruption::Stopped => "stopped",
                    Interruption::Cancelled => "cancelled",
                    Interruption::QuietHours => "quiet_hours",
                    Interruption::MaxDuration => "max_duration",
                    Interruption::Muted => "muted",
                    Interruption::Limit => "limit",
                    Interruption::Distrusted => "distrusted",
                    Interruption::Starved => "starved",
                }),
            ),
            Outcome::Skipped(r) => (
                "skipped",
                Some(match r {
                    Skip::Busy => "busy",
                    Skip::QuietHours => "quiet_hours",
                    Skip::Muted => "muted",
                    Skip::Stopped => "stopped",
                    Skip::Limit => "limit",
                    Skip::HeardLive => "heard_live",
                }),
            ),
            Outcome::Missed(r) => (
                "missed",
                Some(match r {
                    Miss::Off => "off",
                    Miss::ClockUntrusted => "clock_untrusted",
                    Miss::NoContent => "no_content",
                    Miss::ArrivedLate => "arrived_late",
                    Miss::NoStream => "no_stream",
                }),
            ),
            Outcome::Failed(r) => (
                "failed",
                Some(match r {
                    Failure::Decode => "decode",
                    Failure::Output => "output",
                    Failure::Ledger => "ledger",
                }),
            ),
        }
    }
}

/// What the ledger knows of one playout, as it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playout {
    pub id: PlayoutId,
    pub revision: u32,
    pub title: String,
    pub priority: Priority,
    pub status: Status,
    pub planned: WallTime,
    /// When the first sample left for the output; the output's own delay counted where it tells it.
    pub started: Option<WallTime>,
    pub ended: Option<WallTime>,
    /// Real start minus planned start.
    pub error_us: Option<i64>,
    /// Milliseconds sounded in all, over all its pieces.
    pub sounded_ms: u64,
    /// How often it was cut and went on.
    pub cuts: u32,
    /// The clock at its start.
    pub trust: Trust,
    /// `None` while it runs or waits to go on.
    pub outcome: Option<Outcome>,
    /// Of a stream, once something of it sounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streamed: Option<Box<Streamed>>,
}
