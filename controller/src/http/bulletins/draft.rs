//! From what somebody asked for to a bulletin that every pole will take: defaults filled in, nonsense refused by name.
//! Pure: the time is given.

use loa_protocol::{
    bulletin::{
        Bulletin, BulletinError, Chime, DEFAULT_EMERGENCY_VALID_S, OnPreempt, Priority, Repeat,
        Source, Status, When, default_lateness_s,
    },
    id::BulletinId,
    live::StreamKind,
    recurrence::{MAX_EXCEPTIONS, MAX_RULE_BYTES, RecurrenceError},
    time::WallTime,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    error::ApiError,
    extract::given,
    instant::{self, civil},
    messages::Code,
};
use super::relay::{self, RelayBody};
use crate::{
    logic::approval::Stage,
    store::{BulletinState, Kept},
};

pub const MAX_TITLE: usize = 200;
const MAX_ORDER: i64 = 1_000_000;
/// Between the first and the last; leaves room on both sides.
const DEFAULT_ORDER: u32 = 100;
/// What a bulletin may last beyond its own length, in seconds: a resumed one says two seconds twice.
const SPARE_S: u64 = 60;
const MAX_DURATION_S: u64 = 4 * 3_600;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulletinBody {
    #[schema(example = "Thông báo họp xóm")]
    pub title: String,
    /// An id from `POST /audio` or `POST /audio/speech`.
    #[serde(default)]
    #[schema(example = "a0123456789abcdef")]
    pub audio: String,
    /// Another station's programme, in place of `audio`: exactly one of them.
    pub relay: Option<RelayBody>,
    #[serde(default)]
    pub priority: Priority,
    /// `area.ID` (with all below it), `group.ID`, `speaker.ID`; 1 to 64.
    #[schema(example = json!(["area.sang-moc"]))]
    pub targets: Vec<String>,
    pub when: WhenBody,
    /// IANA name; the office's when there is none.
    pub zone: Option<String>,
    /// A first start later than this is given up. 60 for ordinary, 300 for priority, 600 for what is said now; an
    /// emergency has none and stands until `valid_until`.
    #[schema(minimum = 0, maximum = 86400)]
    pub lateness_s: Option<i64>,
    #[serde(default)]
    pub on_preempt: OnPreempt,
    #[serde(default)]
    pub repeat: Option<RepeatBody>,
    /// By priority when there is none: rise, bell, alert; exercise for what is not actual.
    pub chime: Option<Chime>,
    /// Percent of each speaker's own.
    #[schema(minimum = 0, maximum = 100)]
    pub volume: Option<i64>,
    /// Among equals the lower goes first; 100 when there is none.
    pub order: Option<i64>,
    /// One playout sounds no longer; a minute more than its length when there is none.
    #[schema(minimum = 1, maximum = 14400)]
    pub max_duration_s: Option<i64>,
    /// RFC 3339. No first start and no resumption after this. An emergency without one stands for 30 minutes.
    #[schema(format = DateTime)]
    pub valid_until: Option<String>,
    #[serde(default)]
    pub status: Status,
    /// A bulletin that this one replaces: it is cancelled in the same step.
    pub supersedes: Option<String>,
    /// Only with a rule: it is not said on the days of `/holidays`, and follows when those change.
    #[serde(default)]
    pub skip_holidays: bool,
}

/// Exactly one of: `now`, `at`, or `rrule` with `start`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhenBody {
    pub now: Option<bool>,
    /// Civil time, for instance `2026-11-24T05:30`.
    #[schema(example = "2026-11-24T05:30")]
    pub at: Option<String>,
    /// RFC 5545, for instance `FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20270101`.
    pub rrule: Option<String>,
    /// Civil time from which the rule counts; gives it its time of day.
    pub start: Option<String>,
    /// Dates (`2026-12-01`) or civil times on which it is not said.
    #[serde(default)]
    pub except: Vec<String>,
}

/// `times` in all, each `every_s` after the one before.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepeatBody {
    #[schema(minimum = 1, maximum = 100)]
    pub times: i64,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86400)]
    pub every_s: i64,
}

/// What is not named stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulletinPatch {
    pub title: Option<String>,
    pub audio: Option<String>,
    /// Of a relay: all of it, in place of what was.
    pub relay: Option<RelayBody>,
    pub priority: Option<Priority>,
    /// All of them, in place of those before.
    pub targets: Option<Vec<String>>,
    pub when: Option<WhenBody>,
    pub zone: Option<String>,
    pub lateness_s: Option<i64>,
    pub on_preempt: Option<OnPreempt>,
    pub repeat: Option<RepeatBody>,
    pub chime: Option<Chime>,
    pub volume: Option<i64>,
    pub order: Option<i64>,
    pub max_duration_s: Option<i64>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub valid_until: Option<Option<String>>,
    pub status: Option<Status>,
    pub skip_holidays: Option<bool>,
}

/// Does it skip holidays from now on? `asked`: when somebody said so; what has no rule any more does not.
pub fn skips_holidays(asked: Option<bool>, before: bool, new: &Bulletin) -> Result<bool, ApiError> {
    match (asked, &new.when) {
        (_, When::Rule { .. }) => Ok(asked.unwrap_or(before)),
        (Some(true), _) => Err(Code::SkipHolidaysInvalid.into()),
        _ => Ok(false),
    }
}

/// A new bulletin, first revision.
pub fn new(
    asked: &BulletinBody,
    id: BulletinId,
    source: Source,
    office_zone: &str,
    now: WallTime,
) -> Result<Bulletin, ApiError> {
    let zone = asked.zone.clone().unwrap_or_else(|| office_zone.to_owned());
    let when = when(&asked.when, &zone, now)?;
    let mut bulletin = Bulletin {
        endorsement: None,
        id,
        revision: 1,
        title: title(&asked.title)?,
        priority: asked.priority,
        status: asked.status,
        order: asked.order.map_or(Ok(DEFAULT_ORDER), order)?,
        chime: asked
            .chime
            .unwrap_or_else(|| default_chime(asked.priority, asked.status)),
        volume: asked.volume.map_or(Ok(100), volume)?,
        zone,
        repeat: asked.repeat.map_or(Ok(Repeat::default()), repeat)?,
        lateness_s: asked.lateness_s.map(lateness).transpose()?,
        on_preempt: asked.on_preempt,
        max_duration_s: 1,
        since: now,
        valid_until: asked
            .valid_until
            .as_deref()
            .map(|text| valid_until(text, now))
            .transpose()?,
        when,
        source,
        replay: None,
    };
    bulletin.max_duration_s = match asked.max_duration_s {
        Some(s) => max_duration(s)?,
        None => default_max_duration(&bulletin),
    };
    if matches!(bulletin.when, When::At { .. }) {
        // A minute ago is not too late when the lateness allows it.
        bulletin.since = bulletin.since.min(first_start(&bulletin)?);
    }
    if asked.lateness_s.is_none() {
        bulletin.lateness_s = standing(&mut bulletin)?;
    }
    relay::fits(&bulletin)?;
    settle(&bulletin, now)?;
    Ok(bulletin)
}

/// The next revision of `old`, not numbered yet.
pub fn amended(
    old: &Kept,
    patch: &BulletinPatch,
    source: Source,
    now: WallTime,
) -> Result<Bulletin, ApiError> {
    if old.stage == Stage::Cancelled {
        return Err(Code::BulletinCancelled.into());
    }
    // Nothing of this form has been said, so even what was for now may still be moved.
    let unsaid = matches!(old.stage, Stage::Awaiting | Stage::Returned);
    let before = &old.bulletin;
    let mut b = before.clone();
    if let Some(text) = &patch.title {
        b.title = title(text)?;
    }
    b.priority = patch.priority.unwrap_or(b.priority);
    b.status = patch.status.unwrap_or(b.status);
    b.order = patch.order.map_or(Ok(b.order), order)?;
    b.volume = patch.volume.map_or(Ok(b.volume), volume)?;
    b.on_preempt = patch.on_preempt.unwrap_or(b.on_preempt);
    b.repeat = patch.repeat.map_or(Ok(b.repeat), repeat)?;
    b.zone = patch.zone.clone().unwrap_or(b.zone);
    b.source = source;
    if let Some(asked) = &patch.when {
        if before.is_now() && !unsaid {
            return Err(Code::NowIsFixed.into());
        }
        b.when = when(asked, &b.zone, now)?;
    }
    match &patch.valid_until {
        None => {}
        Some(None) => b.valid_until = None,
        Some(Some(text)) => b.valid_until = Some(valid_until(text, now)?),
    }
    // A default moves with what it came from; what somebody chose stays.
    let was_default = before.chime == default_chime(before.priority, before.status);
    b.chime = match patch.chime {
        Some(chime) => chime,
        None if was_default => default_chime(b.priority, b.status),
        None => b.chime,
    };
    let was_default = before.max_duration_s == default_max_duration(before);
    b.max_duration_s = match patch.max_duration_s {
        Some(s) => max_duration(s)?,
        None if was_default => default_max_duration(&b),
        None => b.max_duration_s,
    };
    let replanned = (&b.when, &b.zone, b.repeat) != (&before.when, &before.zone, before.repeat);
    if replanned {
        b.since = now;
        if let (When::At { at: was }, When::At { at: is }) = (&before.when, &b.when) {
            let due = first_start(before)? <= now;
            if due && !unsaid && was.get(..10) == is.get(..10) {
                return Err(Code::AlreadyDue.into());
            }
        }
    } else if matches!(old.state(now), BulletinState::Ended | BulletinState::Lapsed) {
        return Err(Code::BulletinOver.into());
    }
    if before.is_now() && replanned && !unsaid {
        return Err(Code::NowIsFixed.into());
    }
    match patch.lateness_s {
        Some(s) => b.lateness_s = Some(lateness(s)?),
        None if b.priority != before.priority => b.lateness_s = standing(&mut b)?,
        // Whoever comes late to a relay joins it.
        None if joined_until(before).is_some_and(|s| before.lateness_s == Some(s)) => {
            b.lateness_s = joined_until(&b);
        }
        None => {}
    }
    relay::fits(&b)?;
    if b == *before {
        return Ok(b);
    }
    if replanned {
        settle(&b, now)?;
    } else {
        b.check().map_err(|error| refusal(error, &b))?;
    }
    Ok(b)
}

/// The lateness that nobody set. An emergency gets none but an end instead: by a rule each of its occurrences stands for
/// 30 minutes, otherwise it stands until 30 minutes after its last planned start.
fn standing(b: &mut Bulletin) -> Result<Option<u32>, ApiError> {
    let usual = default_lateness_s(b.priority, b.is_now());
    let lateness_s = joined_until(b).or(usual);
    if b.priority < Priority::Emergency || b.valid_until.is_some() {
        return Ok(lateness_s);
    }
    if matches!(b.when, When::Rule { .. }) {
        return Ok(u32::try_from(DEFAULT_EMERGENCY_VALID_S).ok());
    }
    let last = b.last_planned().map_err(|error| refusal(error, b))?;
    b.valid_until = last.map(|last| last.plus_s(DEFAULT_EMERGENCY_VALID_S));
    Ok(lateness_s)
}

/// A relay is bound to its time: a pole that comes late to it joins it where it is, until its end. In seconds.
fn joined_until(b: &Bulletin) -> Option<u32> {
    let stream = b
        .stream()
        .filter(|stream| stream.kind == StreamKind::Relay)?;
    u32::try_from(stream.duration_ms / 1_000).ok()
}

/// The last look at a new plan: the pole's own check, and that something of it can still be said.
pub fn settle(b: &Bulletin, now: WallTime) -> Result<(), ApiError> {
    b.check().map_err(|error| refusal(error, b))?;
    let from = match b.when {
        When::Rule { .. } => now,
        _ => b.since,
    };
    let planned = b
        .planned(from, WallTime::MAX, usize::from(b.repeat.times))
        .map_err(|error| refusal(error, b))?;
    if planned.iter().any(|p| b.start_by(p.at) >= now) {
        return Ok(());
    }
    match &b.when {
        When::At { at } if first_start(b)? < now => {
            Err(ApiError::new(Code::TimePast).with("at", at))
        }
        _ => Err(Code::NoOccurrence.into()),
    }
}

fn first_start(b: &Bulletin) -> Result<WallTime, ApiError> {
    let rule = b.recurrence().map_err(|error| refusal(error, b))?;
    let first = rule.as_ref().and_then(|rule| {
        let mut all = rule.occurrences_from(jiff::Timestamp::MIN);
        all.next().map(|o| WallTime::from(o.at))
    });
    first.ok_or(Code::NoOccurrence.into())
}

fn when(asked: &WhenBody, zone: &str, now: WallTime) -> Result<When, ApiError> {
    let WhenBody {
        now: at_once,
        at,
        rrule,
        start,
        except,
    } = asked;
    match (at_once, at, rrule, start) {
        (Some(true), None, None, None) if except.is_empty() => {
            let here = now.timestamp().in_tz(zone);
            let here = here.map_err(|_| ApiError::new(Code::ZoneInvalid).with("given", zone))?;
            Ok(When::Now {
                at: now,
                date: here.date().to_string(),
            })
        }
        (None | Some(false), Some(at), None, None) if except.is_empty() => {
            Ok(When::At { at: at.clone() })
        }
        (None | Some(false), None, Some(rrule), Some(start)) => Ok(When::Rule {
            start: start.clone(),
            rrule: rrule.clone(),
            except: except.clone(),
        }),
        _ => Err(Code::WhenInvalid.into()),
    }
}

pub fn title(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if (1..=MAX_TITLE).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::new(Code::TitleInvalid).with("max", MAX_TITLE))
    }
}

fn within<T: TryFrom<i64>>(
    value: i64,
    range: std::ops::RangeInclusive<i64>,
    code: Code,
) -> Result<T, ApiError> {
    Some(value)
        .filter(|v| range.contains(v))
        .and_then(|v| T::try_from(v).ok())
        .ok_or(code.into())
}

fn order(value: i64) -> Result<u32, ApiError> {
    within(value, 0..=MAX_ORDER, Code::OrderInvalid)
}
fn volume(value: i64) -> Result<u8, ApiError> {
    within(value, 0..=100, Code::VolumeInvalid)
}
fn lateness(value: i64) -> Result<u32, ApiError> {
    within(value, 0..=86_400, Code::LatenessInvalid)
}
fn max_duration(value: i64) -> Result<u32, ApiError> {
    within(value, 1..=14_400, Code::MaxDurationInvalid)
}
fn repeat(asked: RepeatBody) -> Result<Repeat, ApiError> {
    Ok(Repeat {
        times: within(asked.times, 1..=100, Code::RepeatInvalid)?,
        every_s: within(asked.every_s, 0..=86_400, Code::RepeatInvalid)?,
    })
}

fn valid_until(text: &str, now: WallTime) -> Result<WallTime, ApiError> {
    let at = instant::parse(text)?;
    if at <= now {
        return Err(ApiError::new(Code::ValidUntilPast).with("at", text));
    }
    Ok(at)
}

pub fn default_chime(priority: Priority, status: Status) -> Chime {
    match (status, priority) {
        (Status::Exercise | Status::Test, _) => Chime::Exercise,
        (Status::Actual, Priority::Ordinary) => Chime::Rise,
        (Status::Actual, Priority::Priority) => Chime::Bell,
        (Status::Actual, Priority::Emergency) => Chime::Alert,
    }
}

fn default_max_duration(b: &Bulletin) -> u32 {
    let length_ms = b.chime.duration_ms() + b.sound_ms();
    let seconds = (length_ms.div_ceil(1_000) + SPARE_S).min(MAX_DURATION_S);
    u32::try_from(seconds).unwrap_or(14_400)
}

/// The pole's refusals in our words.
fn refusal(error: BulletinError, b: &Bulletin) -> ApiError {
    match error {
        BulletinError::Value { what, .. } => ApiError::new(Code::BadRequest).with("reason", what),
        BulletinError::When { source, .. } => schedule_refusal(source, &b.zone),
    }
}

fn schedule_refusal(error: RecurrenceError, zone: &str) -> ApiError {
    use RecurrenceError as E;
    match error {
        E::Start { given } => ApiError::new(Code::ScheduleStart).with("given", given),
        E::Zone { .. } => ApiError::new(Code::ZoneInvalid).with("given", zone),
        E::Exception { given } => ApiError::new(Code::ScheduleException).with("given", given),
        E::TooManyExceptions { .. } => {
            ApiError::new(Code::ScheduleExceptions).with("most", MAX_EXCEPTIONS)
        }
        E::RuleTooLong { .. } => {
            ApiError::new(Code::ScheduleRuleTooLong).with("most", MAX_RULE_BYTES)
        }
        E::NoFrequency => Code::ScheduleNoFrequency.into(),
        E::Secondly | E::BySecond => Code::ScheduleTooOften.into(),
        E::UnknownPart { given } => ApiError::new(Code::ScheduleUnknownPart).with("given", given),
        E::Repeated { part } => ApiError::new(Code::ScheduleRepeatedPart).with("part", part),
        E::Value {
            part,
            given,
            allowed,
        } => ApiError::new(Code::ScheduleValue)
            .with("part", part)
            .with("given", given)
            .with("allowed", allowed),
        E::Conflict { part, allowed } => ApiError::new(Code::ScheduleConflict)
            .with("part", part)
            .with("allowed", allowed),
    }
}

/// For messages.
pub fn shown(at: WallTime, b: &Bulletin) -> String {
    civil(at, &b.zone)
}

#[cfg(test)]
mod tests;
