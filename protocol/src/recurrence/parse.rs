//! Reads a rule, a civil time or an exception from text that anybody may have written.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use super::rule::{FREQUENCIES, WEEKDAYS};
use super::{
    ByDay, Exception, Frequency, MAX_NUMBER, MAX_RULE_BYTES, RecurrenceError, Rule, Until,
};

impl FromStr for Rule {
    type Err = RecurrenceError;

    /// Reads `FREQ=…;NAME=VALUE;…`, in any letter case, with or without the leading `RRULE:` of iCalendar.
    fn from_str(text: &str) -> Result<Rule, RecurrenceError> {
        if text.len() > MAX_RULE_BYTES {
            return Err(RecurrenceError::RuleTooLong { given: text.len() });
        }
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        let mut parts = Parts::default();
        for part in text.split(';') {
            parts.read(part)?;
        }
        let rule = parts.finish()?;
        check_together(&rule)?;
        Ok(rule)
    }
}

/// The parts seen so far.
#[derive(Default)]
struct Parts {
    frequency: Option<Frequency>,
    interval: Option<u32>,
    count: Option<u32>,
    until: Option<Until>,
    week_start: Option<Weekday>,
    by_month: Option<Vec<i16>>,
    by_week_no: Option<Vec<i16>>,
    by_year_day: Option<Vec<i16>>,
    by_month_day: Option<Vec<i16>>,
    by_day: Option<Vec<ByDay>>,
    by_hour: Option<Vec<i16>>,
    by_minute: Option<Vec<i16>>,
    by_set_pos: Option<Vec<i16>>,
}

impl Parts {
    fn read(&mut self, part: &str) -> Result<(), RecurrenceError> {
        let unknown = || RecurrenceError::UnknownPart { given: shown(part) };
        let (name, value) = part.split_once('=').ok_or_else(unknown)?;
        match name {
            "FREQ" => set("FREQ", &mut self.frequency, frequency(value)?),
            "INTERVAL" => set("INTERVAL", &mut self.interval, number("INTERVAL", value)?),
            "COUNT" => set("COUNT", &mut self.count, number("COUNT", value)?),
            "UNTIL" => set("UNTIL", &mut self.until, until(value)?),
            "WKST" => set("WKST", &mut self.week_start, week_start(value)?),
            "BYMONTH" => set("BYMONTH", &mut self.by_month, list(&MONTH, value)?),
            "BYWEEKNO" => set("BYWEEKNO", &mut self.by_week_no, list(&WEEK_NO, value)?),
            "BYYEARDAY" => set("BYYEARDAY", &mut self.by_year_day, list(&YEAR_DAY, value)?),
            "BYMONTHDAY" => set(
                "BYMONTHDAY",
                &mut self.by_month_day,
                list(&MONTH_DAY, value)?,
            ),
            "BYDAY" => set("BYDAY", &mut self.by_day, by_day(value)?),
            "BYHOUR" => set("BYHOUR", &mut self.by_hour, list(&HOUR, value)?),
            "BYMINUTE" => set("BYMINUTE", &mut self.by_minute, list(&MINUTE, value)?),
            "BYSETPOS" => set("BYSETPOS", &mut self.by_set_pos, list(&SET_POS, value)?),
            "BYSECOND" => Err(RecurrenceError::BySecond),
            _ => Err(unknown()),
        }
    }

    fn finish(self) -> Result<Rule, RecurrenceError> {
        Ok(Rule {
            frequency: self.frequency.ok_or(RecurrenceError::NoFrequency)?,
            interval: self.interval.unwrap_or(1),
            count: self.count,
            until: self.until,
            week_start: self.week_start.unwrap_or(Weekday::Monday),
            by_month: self.by_month.unwrap_or_default(),
            by_week_no: self.by_week_no.unwrap_or_default(),
            by_year_day: self.by_year_day.unwrap_or_default(),
            by_month_day: self.by_month_day.unwrap_or_default(),
            by_day: self.by_day.unwrap_or_default(),
            by_hour: self.by_hour.unwrap_or_default(),
            by_minute: self.by_minute.unwrap_or_default(),
            by_set_pos: self.by_set_pos.unwrap_or_default(),
        })
    }
}

fn set<T>(part: &'static str, place: &mut Option<T>, value: T) -> Result<(), RecurrenceError> {
    if place.replace(value).is_some() {
        return Err(RecurrenceError::Repeated { part });
    }
    Ok(())
}

/// What RFC 5545 section 3.3.10 forbids together, and the nth weekdays that no period has.
fn check_together(rule: &Rule) -> Result<(), RecurrenceError> {
    use Frequency::{Daily, Monthly, Weekly, Yearly};
    let frequency = rule.frequency;
    let conflict = |part, allowed| Err(RecurrenceError::Conflict { part, allowed });

    if rule.count.is_some() && rule.until.is_some() {
        return conflict("COUNT", "a rule ends by COUNT or by UNTIL, not by both");
    }
    if !rule.by_week_no.is_empty() && frequency != Yearly {
        return conflict("BYWEEKNO", "it is allowed with FREQ=YEARLY only");
    }
    if !rule.by_year_day.is_empty() && matches!(frequency, Daily | Weekly | Monthly) {
        return conflict(
            "BYYEARDAY",
            "it is allowed with FREQ=YEARLY, HOURLY or MINUTELY only",
        );
    }
    if !rule.by_month_day.is_empty() && frequency == Weekly {
        return conflict("BYMONTHDAY", "it is not allowed with FREQ=WEEKLY");
    }
    let farthest = rule
        .by_day
        .iter()
        .filter_map(|day| day.nth)
        .map(i16::abs)
        .max();
    if let Some(farthest) = farthest {
        if !matches!(frequency, Yearly | Monthly) || !rule.by_week_no.is_empty() {
            return conflict(
                "BYDAY with a number",
                "the nth weekday is allowed with FREQ=MONTHLY or YEARLY only, and not beside BYWEEKNO",
            );
        }
        if farthest > 5 && (frequency == Monthly || !rule.by_month.is_empty()) {
            return conflict(
                "BYDAY with a number",
                "a month has five of a weekday at most: 1 to 5 or -5 to -1",
            );
        }
    }
    let has_other = !(rule.by_month.is_empty()
        && rule.by_year_day.is_empty()
        && rule.by_week_no.is_empty()
        && rule.by_month_day.is_empty()
        && rule.by_day.is_empty()
        && rule.by_hour.is_empty()
        && rule.by_minute.is_empty());
    if !rule.by_set_pos.is_empty() && !has_other {
        return conflict(
            "BYSETPOS",
            "it picks from what another BY… part gives, so give one",
        );
    }
    Ok(())
}

fn frequency(value: &str) -> Result<Frequency, RecurrenceError> {
    if value == "SECONDLY" {
        return Err(RecurrenceError::Secondly);
    }
    lookup(&FREQUENCIES, value).ok_or_else(|| RecurrenceError::Value {
        part: "FREQ",
        given: shown(value),
        allowed: "YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY or MINUTELY",
    })
}

fn week_start(value: &str) -> Result<Weekday, RecurrenceError> {
    lookup(&WEEKDAYS, value).ok_or_else(|| RecurrenceError::Value {
        part: "WKST",
        given: shown(value),
        allowed: "one of MO, TU, WE, TH, FR, SA, SU",
    })
}

fn lookup<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
}

/// `INTERVAL` and `COUNT`.
fn number(part: &'static str, value: &str) -> Result<u32, RecurrenceError> {
    digits(value)
        .and_then(|value| u32::try_from(value).ok())
        .filter(|value| (1..=MAX_NUMBER).contains(value))
        .ok_or_else(|| RecurrenceError::Value {
            part,
            given: shown(value),
            allowed: "a whole number from 1 to 1000000",
        })
}

/// A `BY…` part of whole numbers: its name, the largest value, the smallest, and the same in words.
struct Range {
    part: &'static str,
    first: i16,
    last: i16,
    from_end: bool,
    allowed: &'static str,
}

impl Range {
    const fn new(part: &'static str, first: i16, last: i16, allowed: &'static str) -> Range {
        Range {
            part,
            first,
            last,
            from_end: false,
            allowed,
        }
    }

    /// Values that may also count from the end, below zero.
    const fn both_ways(part: &'static str, last: i16, allowed: &'static str) -> Range {
        Range {
            part,
            first: 1,
            last,
            from_end: true,
            allowed,
        }
    }

    fn read(&self, value: &str) -> Option<i16> {
        let (unsigned, negative) = match value.strip_prefix('-') {
            Some(rest) if self.from_end => (rest, true),
            _ if self.from_end => (value.strip_prefix('+').unwrap_or(value), false),
            _ => (value, false),
        };
        let size = i16::try_from(digits(unsigned)?).ok()?;
        let size = (self.first..=self.last).contains(&size).then_some(size)?;
        Some(if negative { -size } else { size })
    }
}

const MONTH: Range = Range::new("BYMONTH", 1, 12, "1 to 12");
const WEEK_NO: Range = Range::both_ways("BYWEEKNO", 53, "1 to 53 or -53 to -1");
const YEAR_DAY: Range = Range::both_ways("BYYEARDAY", 366, "1 to 366 or -366 to -1");
const MONTH_DAY: Range = Range::both_ways("BYMONTHDAY", 31, "1 to 31 or -31 to -1");
const HOUR: Range = Range::new("BYHOUR", 0, 23, "0 to 23");
const MINUTE: Range = Range::new("BYMINUTE", 0, 59, "0 to 59");
const SET_POS: Range = Range::both_ways("BYSETPOS", 366, "1 to 366 or -366 to -1");
const NTH: Range = Range::both_ways(
    "BYDAY",
    53,
    "MO, TU, WE, TH, FR, SA or SU, with a number before it for the nth one (1MO, -1FR)",
);

fn list(range: &Range, value: &str) -> Result<Vec<i16>, RecurrenceError> {
    let mut values = each(range, value, |item| range.read(item))?;
    values.sort_unstable();
    values.dedup();
    Ok(values)
}

fn by_day(value: &str) -> Result<Vec<ByDay>, RecurrenceError> {
    let mut days = each(&NTH, value, |item| {
        let (nth, name) = item.split_at_checked(item.len().checked_sub(2)?)?;
        let weekday = lookup(&WEEKDAYS, name)?;
        let nth = match nth {
            "" => None,
            nth => Some(NTH.read(nth)?),
        };
        Some(ByDay { nth, weekday })
    })?;
    days.sort_unstable_by_key(|day| (day.weekday.to_monday_zero_offset(), day.nth));
    days.dedup();
    Ok(days)
}

fn each<T>(
    range: &Range,
    value: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, RecurrenceError> {
    value
        .split(',')
        .map(|item| {
            read(item).ok_or_else(|| RecurrenceError::Value {
                part: range.part,
                given: shown(item),
                allowed: range.allowed,
            })
        })
        .collect()
}

fn until(value: &str) -> Result<Until, RecurrenceError> {
    read_until(value).ok_or_else(|| RecurrenceError::Value {
        part: "UNTIL",
        given: shown(value),
        allowed: "a date 20261231, a civil time 20261231T235959, or an instant 20261231T165959Z",
    })
}

fn read_until(value: &str) -> Option<Until> {
    let Some((date, time)) = value.split_once('T') else {
        return compact_date(value).map(Until::Day);
    };
    let (time, zulu) = match time.strip_suffix('Z') {
        Some(time) => (time, true),
        None => (time, false),
    };
    let [hour, minute, second] = fields(time, [2, 2, 2], "")?;
    let civil = at(compact_date(date)?, hour, minute, second)?;
    if zulu {
        let at: Timestamp = TimeZone::UTC.to_timestamp(civil).ok()?;
        return Some(Until::Instant(at));
    }
    Some(Until::Civil(civil))
}

fn compact_date(text: &str) -> Option<Date> {
    let [year, month, day] = fields(text, [4, 2, 2], "")?;
    date(year, month, day)
}

fn dashed_date(text: &str) -> Option<Date> {
    let [year, month, day] = fields(text, [4, 2, 2], "-")?;
    date(year, month, day)
}

/// `YYYY-MM-DDTHH:MM` or `YYYY-MM-DDTHH:MM:SS`, and nothing else: an offset or a fraction would promise what is not kept.
pub(super) fn civil(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('T')?;
    let [hour, minute, second] = match fields(time, [2, 2], ":") {
        Some([hour, minute]) => [hour, minute, 0],
        None => fields(time, [2, 2, 2], ":")?,
    };
    at(dashed_date(date)?, hour, minute, second)
}

pub(super) fn exception(text: &str) -> Result<Exception, RecurrenceError> {
    dashed_date(text)
        .map(Exception::Day)
        .or_else(|| civil(text).map(Exception::Time))
        .ok_or_else(|| RecurrenceError::Exception { given: shown(text) })
}

/// Numbers of fixed widths with `between` between them, and nothing around.
fn fields<const N: usize>(text: &str, widths: [usize; N], between: &str) -> Option<[i16; N]> {
    let mut rest = text;
    let mut values = [0; N];
    for (place, (value, width)) in values.iter_mut().zip(widths).enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(between)?;
        }
        let (field, after) = rest.split_at_checked(width)?;
        *value = i16::try_from(digits(field)?).ok()?;
        rest = after;
    }
    rest.is_empty().then_some(values)
}

/// ASCII digits only: no sign, no space, nine at most.
fn digits(text: &str) -> Option<i32> {
    let plain = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn at(date: Date, hour: i16, minute: i16, second: i16) -> Option<DateTime> {
    let [hour, minute, second] = [hour, minute, second].map(i8::try_from);
    let time = jiff::civil::Time::new(hour.ok()?, minute.ok()?, second.ok()?, 0).ok()?;
    Some(date.to_datetime(time))
}

/// The beginning of what was given, short enough for an error message.
pub(super) fn shown(text: &str) -> String {
    const SHOWN_CHARS: usize = 40;
    let mut beginning: String = text.chars().take(SHOWN_CHARS).collect();
    if beginning.len() < text.len() {
        beginning.push('…');
    }
    beginning
}
