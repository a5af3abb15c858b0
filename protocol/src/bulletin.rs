//! Something to be said: what, how loud, how important, to be said when, and what to do when that fails.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    content::Manifest,
    endorsement::Endorsement,
    id::BulletinId,
    live::{Replay, Stream, StreamKind},
    playout::OccurrenceId,
    recurrence::{Recurrence, RecurrenceError},
    time::WallTime,
};

/// The three priorities of Circular 39/2020/TT-BTTTT. The order is the order of pre-emption.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    #[default]
    Ordinary,
    Priority,
    Emergency,
}

/// CAP 1.2 `status`, the part that concerns a pole: an exercise must never be taken for the real thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Actual,
    Exercise,
    Test,
}

/// What becomes of a playout that a higher priority cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnPreempt {
    /// Goes on from [`RESUME_BACK_MS`] before the cut.
    #[default]
    Resume,
    /// Begins again.
    Restart,
    /// Is over.
    Drop,
}

/// A resumed playout begins this much before the place where it was cut.
pub const RESUME_BACK_MS: u64 = 2_000;
/// A cut playout that could not go on for this long is over: half a bulletin an hour later helps nobody.
pub const RESUME_WITHIN_S: i64 = 30 * 60;

/// The tone before speech. Rendered on the pole, so it costs no bytes on the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Chime {
    #[default]
    None,
    Rise,
    Bell,
    Alert,
    Exercise,
}

/// How often one occurrence is said: `times` in all, each `every_s` after the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    #[schema(minimum = 1, maximum = 100)]
    pub times: u16,
    #[schema(minimum = 0, maximum = 86400)]
    pub every_s: u32,
}

impl Default for Repeat {
    fn default() -> Self {
        Self {
            times: 1,
            every_s: 0,
        }
    }
}

/// When a bulletin is due. Civil times are in the bulletin's zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At once; `at` is the instant at which the office said so, `date` the office's civil date then.
    Now { at: WallTime, date: String },
    /// Once, at a civil time such as `2026-11-24T05:30`.
    At { at: String },
    /// By an RFC 5545 rule from a civil start, less the excepted dates or civil times.
    Rule {
        start: String,
        rrule: String,
        except: Vec<String>,
    },
}

/// One bulletin as a programme carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulletin {
    pub id: BulletinId,
    /// Counts the edits; a pole that is sounding an older one goes on, unless the bulletin is gone.
    pub revision: u32,
    pub title: String,
    pub priority: Priority,
    pub status: Status,
    /// The commune's order among equals: the lower goes first.
    pub order: u32,
    pub source: Source,
    pub chime: Chime,
    /// Percent of the speaker's own volume, 0 to 100.
    pub volume: u8,
    pub when: When,
    /// IANA name, for instance `Asia/Ho_Chi_Minh`.
    pub zone: String,
    pub repeat: Repeat,
    /// A first start later than this after its plan is given up. An emergency usually has none and lasts until it
    /// [ends](Bulletin::ends).
    pub lateness_s: Option<u32>,
    pub on_preempt: OnPreempt,
    /// One playout sounds no longer than this, chime included (a stuck microphone, a wrong file).
    pub max_duration_s: u32,
    /// Occurrences planned before this belong to an earlier plan and are not due any more.
    pub since: WallTime,
    /// No first start and no resumption after this. Without it an emergency still [ends](Bulletin::ends).
    pub valid_until: Option<WallTime>,
    /// Approvers' passkeys on this form; an emergency may need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorsement: Option<Box<Endorsement>>,
    /// Only for those who did not hear it live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Box<Replay>>,
}

/// Where its sound comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Audio that is on the speaker before its time.
    Content(Manifest),
    /// Sound as it is made.
    Stream(Stream),
}

/// Lateness when the office sets none, in seconds.
pub fn default_lateness_s(priority: Priority, now: bool) -> Option<u32> {
    match (priority, now) {
        (Priority::Emergency, _) => None,
        // Said now: it may have to wait for its audio to arrive on a thin line.
        (_, true) => Some(600),
        (Priority::Priority, false) => Some(300),
        (Priority::Ordinary, false) => Some(60),
    }
}

/// See [`Bulletin::need_ms`].
const LIVE_NEED_MS: u64 = 60_000;

/// How long an emergency stands after its plan when nobody says until when, in seconds.
pub const DEFAULT_EMERGENCY_VALID_S: i64 = 30 * 60;

/// One planned start of one bulletin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub id: OccurrenceId,
    pub at: WallTime,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BulletinError {
    #[error("bulletin {id}: {source}")]
    When {
        id: BulletinId,
        source: RecurrenceError,
    },
    #[error("bulletin {id}: {what}")]
    Value { id: BulletinId, what: String },
}

impl Bulletin {
    /// Everything a pole relies on later without looking again.
    pub fn check(&self) -> Result<(), BulletinError> {
        let wrong = |what: String| BulletinError::Value {
            id: self.id.clone(),
            what,
        };
        match &self.source {
            Source::Content(manifest) => manifest.check().map_err(|e| wrong(e.to_string()))?,
            Source::Stream(stream) => stream.check(&self.id)?,
        }
        if self.replay.is_some() && self.stream().is_some() {
            return Err(wrong("a stream is nobody's replay".into()));
        }
        if self.volume > 100 {
            return Err(wrong("the volume goes from 0 to 100".into()));
        }
        if !(1..=100).contains(&self.repeat.times) || self.repeat.every_s > 86_400 {
            return Err(wrong("repeat 1 to 100 times, every 0 to 86400 s".into()));
        }
        if self.max_duration_s == 0 || self.max_duration_s > 4 * 3600 {
            return Err(wrong("max_duration_s goes from 1 to 14400".into()));
        }
        self.recurrence().map(|_| ())
    }

    /// The parsed schedule; `None` when the bulletin is for now.
    pub fn recurrence(&self) -> Result<Option<Recurrence>, BulletinError> {
        let parsed = match &self.when {
            When::Now { date, .. } => {
                return match date.parse::<jiff::civil::Date>() {
                    Ok(_) => Ok(None),
                    Err(_) => Err(BulletinError::Value {
                        id: self.id.clone(),
                        what: format!("{date:?} is no civil date"),
                    }),
                };
            }
            When::At { at } => Recurrence::parse_once(at, &self.zone),
            When::Rule {
                start,
                rrule,
                except,
            } => Recurrence::parse(start, rrule, except, &self.zone),
        };
        parsed.map(Some).map_err(|source| BulletinError::When {
            id: self.id.clone(),
            source,
        })
    }

    /// Its audio; `None` for a stream.
    pub fn manifest(&self) -> Option<&Manifest> {
        match &self.source {
            Source::Content(manifest) => Some(manifest),
            Source::Stream(_) => None,
        }
    }

    pub fn stream(&self) -> Option<&Stream> {
        match &self.source {
            Source::Content(_) => None,
            Source::Stream(stream) => Some(stream),
        }
    }

    /// What it sounds once after its chime, in milliseconds; the most of it for a stream.
    pub fn sound_ms(&self) -> u64 {
        match &self.source {
            Source::Content(manifest) => manifest.duration_ms,
            Source::Stream(stream) => stream.duration_ms,
        }
    }

    /// Chime and sound once, in milliseconds.
    pub fn length_ms(&self) -> u64 {
        (self.chime.duration_ms() + self.sound_ms()).min(u64::from(self.max_duration_s) * 1_000)
    }

    /// The last instant at which an occurrence planned at `at` may still start. A stream may be joined as long as it lasts.
    pub fn start_by(&self, at: WallTime) -> WallTime {
        let late = match self.lateness_s {
            Some(s) if self.stream().is_none() => at.plus_s(i64::from(s)),
            _ => WallTime::MAX,
        };
        late.min(self.ends(at).unwrap_or(WallTime::MAX))
    }

    /// The last instant at which the occurrence planned at `at` may start or go on. An emergency always has one: a
    /// warning of yesterday's flood helps nobody, and a power cut would have it said again for ever. What approvers signed
    /// ends with their word at the latest, and a stream when it is over.
    pub fn ends(&self, at: WallTime) -> Option<WallTime> {
        let own = || {
            let lateness_s = self.lateness_s.map_or(0, i64::from);
            at.plus_s(DEFAULT_EMERGENCY_VALID_S.max(lateness_s))
        };
        let ends = self
            .valid_until
            .or_else(|| (self.priority == Priority::Emergency).then(own));
        let approved = self.endorsement.as_ref().map(|e| e.until);
        let over = self.stream_over(at);
        [ends, approved, over].into_iter().flatten().min()
    }

    /// When the occurrence of a stream planned at `at` has sounded to its end; `None` when it is no stream. The place in it is
    /// bound to time, so this does not depend on when a pole began.
    pub fn stream_over(&self, at: WallTime) -> Option<WallTime> {
        let stream = self.stream()?;
        let longest = at.plus_ms(i64::try_from(self.length_ms()).unwrap_or(i64::MAX));
        let delay_ms = i64::from(stream.delay_ms);
        let ended = stream.ended.map(|ended| ended.plus_ms(delay_ms));
        Some(ended.map_or(longest, |ended| ended.min(longest)))
    }

    /// How much of the `left_ms` that are left has to fit before quiet hours and into the limits for it to begin. How long
    /// somebody will speak nobody knows, so a live call begins when a minute fits, and is cut where it has to be.
    pub fn need_ms(&self, left_ms: u64) -> u64 {
        match self.stream() {
            Some(stream) if stream.kind == StreamKind::Live => {
                left_ms.min(self.chime.duration_ms() + LIVE_NEED_MS)
            }
            _ => left_ms,
        }
    }

    pub fn is_now(&self) -> bool {
        matches!(self.when, When::Now { .. })
    }

    /// All planned starts in `from..to`, repeats included, in order of time; at most `limit`.
    pub fn planned(
        &self,
        from: WallTime,
        to: WallTime,
        limit: usize,
    ) -> Result<Vec<Planned>, BulletinError> {
        let from = from.max(self.since);
        let to = to.min(self.valid_until.map_or(WallTime::MAX, |v| v.plus_us(1)));
        let mut out = Vec::new();
        if from >= to {
            return Ok(out);
        }
        let span_us = i64::from(self.repeat.every_s) * 1_000_000 * i64::from(self.repeat.times - 1);
        // A repeat in the range may belong to a base occurrence before it, but not to one before `since`.
        let first_base = from.plus_us(-span_us).max(self.since);
        let mut add = |date: jiff::civil::Date, index: u16, base: WallTime| {
            for repeat in 0..self.repeat.times {
                let at = base.plus_s(i64::from(self.repeat.every_s) * i64::from(repeat));
                if at >= from && at < to && out.len() < limit.saturating_mul(2) {
                    out.push(Planned {
                        id: OccurrenceId {
                            bulletin: self.id.clone(),
                            date,
                            index,
                            repeat,
                        },
                        at,
                    });
                }
            }
            out.len() < limit.saturating_mul(2)
        };
        match (&self.when, self.recurrence()?) {
            (When::Now { at, date }, _) => {
                if let Ok(date) = date.parse() {
                    add(date, 0, *at);
                }
            }
            (_, Some(rule)) => {
                for occurrence in rule.occurrences_from(first_base.timestamp()) {
                    let base = WallTime::from(occurrence.at);
                    if base >= to || !add(occurrence.date, occurrence.index, base) {
                        break;
                    }
                }
            }
            (_, None) => {}
        }
        out.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
        out.truncate(limit);
        Ok(out)
    }

    /// The last planned start, when there is one; `None` for a rule without end.
    pub fn last_planned(&self) -> Result<Option<WallTime>, BulletinError> {
        let span_s = i64::from(self.repeat.every_s) * i64::from(self.repeat.times.max(1) - 1);
        let last = match (&self.when, self.recurrence()?) {
            (When::Now { at, .. }, _) => Some(*at),
            (_, Some(rule)) => rule.last().map(WallTime::from),
            (_, None) => None,
        };
        let last = last.map(|at| at.plus_s(span_s));
        Ok(match (last, self.valid_until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        })
    }
}

impl Chime {
    /// Length of each chime. The pole renders it to fit: whatever is planned, previewed or resumed counts with this.
    pub fn duration_ms(self) -> u64 {
        match self {
            Chime::None => 0,
            Chime::Rise => 1_600,
            Chime::Bell => 1_600,
            Chime::Alert => 2_000,
            Chime::Exercise => 2_000,
        }
    }
}
