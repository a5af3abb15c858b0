//! When a schedule speaks: a civil start, an RFC 5545 rule, exceptions and a time zone, turned into occurrences.
//!
//! Everything here is pure and bounded. The steps, each in its own file:
//! text → [`Rule`] (`rule`, `parse`), rule + start → civil times (`plan`, with `period`, `day_filter`, `minutes`), civil times → instants (`occurrences`).
//!
//! # Bounds
//! - A recurrence ends [`HORIZON_YEARS`] after the year of its start, whatever its rule says. The Gregorian calendar repeats
//!   itself exactly every 400 years (146,097 days, 20,871 whole weeks), so a rule of interval 1 that found nothing by then
//!   never will; a rule that steps over more than that is no schedule for a village.
//! - So one call of `next()`, [`Recurrence::parse`] or [`Recurrence::last`] looks at no more than some 146,463 days, even for
//!   `FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30`, which has no occurrence at all: about 10 ms for the worst rule found, microseconds
//!   for a village's.
//! - Planning from a far `after` jumps there. `COUNT` is turned into a last civil time once, in `parse` (15 ms for a million
//!   occurrences), so it jumps too.
//! - Texts are at most [`MAX_RULE_BYTES`], exceptions at most [`MAX_EXCEPTIONS`], `INTERVAL` and `COUNT` at most [`MAX_NUMBER`].
//!
//! # Where RFC 5545 leaves a choice
//! - The start is an anchor: it is an occurrence only when it matches the rule (as in python-dateutil), and nothing is before it.
//! - `COUNT` counts what the rule gives, before exceptions are taken away, and in civil time.
//! - `BYWEEKNO` without `BYDAY` means all seven days of those weeks (as in python-dateutil).
//! - `BYSETPOS` in a weekly rule counts within the whole week, also in the week of the start (dateutil counts from the start).
//! - `BYDAY=MO,1TU` is every Monday and the first Tuesday (dateutil finds nothing).
//! - `UNTIL` as a date includes that whole day.
//! - Parts that RFC 5545 forbids together are refused, with the reason.

mod day_filter;
mod error;
mod minutes;
mod occurrences;
mod parse;
mod period;
mod plan;
mod rule;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

pub use error::RecurrenceError;
pub use occurrences::Occurrences;
pub use rule::{ByDay, Frequency, Rule, Until};

use parse::shown;
use plan::Plan;

/// A recurrence has no occurrence more than this many years after its start.
pub const HORIZON_YEARS: i16 = 400;
/// The longest rule text, in bytes.
pub const MAX_RULE_BYTES: usize = 1024;
/// The most exceptions one schedule may carry.
pub const MAX_EXCEPTIONS: usize = 1000;
/// The largest `INTERVAL` and the largest `COUNT`.
pub const MAX_NUMBER: u32 = 1_000_000;
/// The years in which a schedule may start.
pub const START_YEARS: std::ops::RangeInclusive<i16> = 1900..=9000;

/// One planned start of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Occurrence {
    /// The civil date that the rule gave.
    pub date: Date,
    /// Place among the rule's occurrences of that date, from 0, counted before exceptions: adding one renumbers nothing.
    pub index: u16,
    /// The civil time that the rule gave. In a daylight-saving gap no clock on the wall ever shows it; `at` is then later.
    pub civil: DateTime,
    /// The instant of the start.
    pub at: Timestamp,
}

/// What is taken away from a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exception {
    /// The whole civil day.
    Day(Date),
    /// The one occurrence of exactly this civil time (the rule's time, [`Occurrence::civil`]).
    Time(DateTime),
}

/// A schedule: when a bulletin is repeated, in the civil time of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    rule: Option<Rule>,
    exceptions: Vec<Exception>,
    zone_name: String,
    zone: TimeZone,
    plan: Plan,
    /// `UNTIL` when it was given as an instant.
    until_at: Option<Timestamp>,
}

impl Recurrence {
    /// Reads a schedule: `start` such as `2026-11-24T05:30` (seconds may follow), `rrule` such as `FREQ=DAILY;BYHOUR=5,17`,
    /// each exception a date (`2026-12-01`, the whole day) or a civil time like the start, `zone` an IANA name.
    pub fn parse(
        start: &str,
        rrule: &str,
        except: &[String],
        zone: &str,
    ) -> Result<Recurrence, RecurrenceError> {
        let start = parse_start(start)?;
        let rule: Rule = rrule.parse()?;
        if except.len() > MAX_EXCEPTIONS {
            return Err(RecurrenceError::TooManyExceptions {
                given: except.len(),
            });
        }
        let mut exceptions = except
            .iter()
            .map(|text| parse::exception(text))
            .collect::<Result<Vec<_>, _>>()?;
        exceptions.sort_unstable();
        exceptions.dedup();
        Self::build(start, Some(rule), exceptions, zone)
    }

    /// A schedule of one occurrence.
    pub fn once(at: DateTime, zone: &str) -> Result<Recurrence, RecurrenceError> {
        let whole_seconds = at.subsec_nanosecond() == 0;
        if !START_YEARS.contains(&at.year()) || !whole_seconds {
            return Err(RecurrenceError::Start {
                given: at.to_string(),
            });
        }
        Self::build(at, None, Vec::new(), zone)
    }

    /// [`Recurrence::once`] from text, such as `2026-11-24T05:30`.
    pub fn parse_once(at: &str, zone: &str) -> Result<Recurrence, RecurrenceError> {
        Self::once(parse_start(at)?, zone)
    }

    fn build(
        start: DateTime,
        rule: Option<Rule>,
        exceptions: Vec<Exception>,
        zone_name: &str,
    ) -> Result<Recurrence, RecurrenceError> {
        let zone = TimeZone::get(zone_name)
            .ok()
            .filter(|zone| !zone.is_unknown())
            .ok_or_else(|| RecurrenceError::Zone {
                given: shown(zone_name),
            })?;
        let until = rule.as_ref().and_then(Rule::until);
        let until_at = match until {
            Some(Until::Instant(at)) => Some(at),
            _ => None,
        };
        let last_civil = match until {
            None => None,
            Some(Until::Day(date)) => Some(date.at(23, 59, 59, 0)),
            Some(Until::Civil(civil)) => Some(civil),
            // A civil bound that is late enough in any zone; `until_at` then decides to the second.
            Some(Until::Instant(at)) => Some(zone.to_datetime(at).saturating_add(MARGIN)),
        };
        let plan = match &rule {
            Some(rule) => Plan::new(start, rule, last_civil),
            None => Plan::new(start, &Rule::new(Frequency::Daily), Some(start)),
        };
        let zone_name = zone_name.to_owned();
        Ok(Recurrence {
            rule,
            exceptions,
            zone_name,
            zone,
            plan,
            until_at,
        })
    }

    /// The civil time that anchors the rule.
    pub fn start(&self) -> DateTime {
        self.plan.start()
    }

    /// The rule; `None` for a schedule of one occurrence.
    pub fn rule(&self) -> Option<&Rule> {
        self.rule.as_ref()
    }

    /// What is taken away: sorted, each once.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// The IANA name of the zone, as it was given.
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// Whether the rule itself says when to stop (one occurrence, `UNTIL` or `COUNT`).
    pub fn is_finite(&self) -> bool {
        self.rule.as_ref().is_none_or(Rule::is_finite)
    }

    /// The occurrences at or after `after`, strictly increasing in `at`, found as they are asked for.
    /// The same whichever `after` one starts from.
    pub fn occurrences_from(&self, after: Timestamp) -> Occurrences<'_> {
        // A gap moves an occurrence later, by a day at most: begin before any that could be moved to `after`.
        let from = self.zone.to_datetime(after).saturating_sub(MARGIN).date();
        Occurrences::new(self, from, after)
    }

    /// The instant of the last occurrence of a finite schedule.
    /// `None` when the rule never stops ([`Recurrence::is_finite`]), and when there is no occurrence at all.
    pub fn last(&self) -> Option<Timestamp> {
        if !self.is_finite() {
            return None;
        }
        // Walks backwards for the last day that keeps an occurrence, then forwards over the days that a gap could mix.
        self.plan
            .days_backwards()
            .filter(|day| self.keeps_any(day))
            .find_map(|day| {
                let from = day.date.saturating_sub(MARGIN);
                Occurrences::new(self, from, Timestamp::MIN).last()
            })
            .map(|occurrence| occurrence.at)
    }

    fn keeps_any(&self, day: &plan::DayTimes<'_>) -> bool {
        day.minutes
            .iter()
            .any(|&minute| !self.is_excepted(self.plan.civil(day.date, minute)))
    }

    fn is_excepted(&self, civil: DateTime) -> bool {
        let holds = |exception| self.exceptions.binary_search(&exception).is_ok();
        holds(Exception::Day(civil.date())) || holds(Exception::Time(civil))
    }
}

/// More than any zone ever jumped (Pacific/Apia left out a whole day in 2011).
const MARGIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(48);

fn parse_start(text: &str) -> Result<DateTime, RecurrenceError> {
    parse::civil(text)
        .filter(|civil| START_YEARS.contains(&civil.year()))
        .ok_or_else(|| RecurrenceError::Start { given: shown(text) })
}

impl std::fmt::Display for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Exception::Day(date) => date.fmt(f),
            Exception::Time(civil) => civil.fmt(f),
        }
    }
}
