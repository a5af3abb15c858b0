//! The periods of a rule: years, months, weeks, days, or steps within the day, each found from its number.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use super::minutes::minute_of;
use super::rule::{Frequency, Rule};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Years {
        first_year: i16,
        every: i64,
    },
    Months {
        first_month: Date,
        every: i64,
    },
    Weeks {
        first_day: Date,
        every: i64,
    },
    Days {
        first_day: Date,
        every: i64,
    },
    /// Each day is looked at; in it only every so many units of so many minutes, counted from the start's.
    WithinDays {
        first_day: Date,
        unit_min: i64,
        first_unit: i64,
        every: i64,
    },
}

impl Period {
    pub(super) fn new(start: DateTime, rule: &Rule) -> Period {
        let every = i64::from(rule.interval);
        let first_day = start.date();
        let start_minute = i64::from(minute_of(start));
        let within = |unit_min| Period::WithinDays {
            first_day,
            unit_min,
            first_unit: start_minute / unit_min,
            every,
        };
        match rule.frequency {
            Frequency::Yearly => Period::Years {
                first_year: start.year(),
                every,
            },
            Frequency::Monthly => Period::Months {
                first_month: first_day.first_of_month(),
                every,
            },
            Frequency::Weekly => {
                let into_week = i64::from(start.weekday().since(rule.week_start));
                // A start in 1900 or later has a week before it, so the fallback is never used.
                let first_day = plus_days(first_day, -into_week).unwrap_or(first_day);
                Period::Weeks { first_day, every }
            }
            Frequency::Daily => Period::Days { first_day, every },
            Frequency::Hourly => within(60),
            Frequency::Minutely => within(1),
        }
    }

    pub(super) fn is_longer_than_a_day(self) -> bool {
        matches!(
            self,
            Period::Years { .. } | Period::Months { .. } | Period::Weeks { .. }
        )
    }

    /// First day and number of days of period `number` (the start's is 0); `None` past the calendar's end.
    pub(super) fn span(self, number: i64) -> Option<(Date, i64)> {
        let day = |first, days, length| Some((plus_days(first, days)?, length));
        match self {
            Period::Years { first_year, every } => {
                let year = i64::from(first_year) + number * every;
                let first = Date::new(i16::try_from(year).ok()?, 1, 1).ok()?;
                Some((first, i64::from(first.days_in_year())))
            }
            Period::Months { first_month, every } => {
                let month = month_number(first_month) + number * every;
                let year = i16::try_from(month.div_euclid(12)).ok()?;
                let first = Date::new(year, month.rem_euclid(12) as i8 + 1, 1).ok()?;
                Some((first, i64::from(first.days_in_month())))
            }
            Period::Weeks { first_day, every } => day(first_day, number * every * 7, 7),
            Period::Days { first_day, every } => day(first_day, number * every, 1),
            Period::WithinDays { first_day, .. } => day(first_day, number, 1),
        }
    }

    /// The number of the last period that begins on `date` or before, 0 at least.
    pub(super) fn number_at(self, date: Date) -> i64 {
        let number = match self {
            Period::Years { first_year, every } => {
                (i64::from(date.year()) - i64::from(first_year)).div_euclid(every)
            }
            Period::Months { first_month, every } => {
                (month_number(date) - month_number(first_month)).div_euclid(every)
            }
            Period::Weeks { first_day, every } => {
                days_between(first_day, date).div_euclid(every * 7)
            }
            Period::Days { first_day, every } => days_between(first_day, date).div_euclid(every),
            Period::WithinDays { first_day, .. } => days_between(first_day, date),
        };
        number.max(0)
    }
}

fn month_number(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

pub(super) fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

pub(super) fn plus_days(date: Date, days: i64) -> Option<Date> {
    /// More days than the calendar has, and few enough hours to count.
    const MOST_DAYS: i64 = 10_000_000;
    if days.abs() > MOST_DAYS {
        return None;
    }
    date.checked_add(SignedDuration::from_hours(days * 24)).ok()
}
