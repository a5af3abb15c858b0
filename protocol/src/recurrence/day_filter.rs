//! Which civil days a rule allows, judged one day at a time.

use jiff::civil::{Date, DateTime, Weekday};

use super::period::plus_days;
use super::rule::{ByDay, Frequency, Rule};

/// The `BY…` parts that choose days, with what RFC 5545 takes from the start when the rule names no day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DayFilter {
    months: Vec<i16>,
    week_numbers: Vec<i16>,
    year_days: Vec<i16>,
    month_days: Vec<i16>,
    weekdays: Vec<ByDay>,
    nth_within: NthWithin,
    week_start: Weekday,
}

/// What `BYDAY=2MO` counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NthWithin {
    Month,
    Year,
}

impl DayFilter {
    pub(super) fn new(rule: &Rule, start: DateTime) -> DayFilter {
        let mut filter = DayFilter {
            months: rule.by_month.clone(),
            week_numbers: rule.by_week_no.clone(),
            year_days: rule.by_year_day.clone(),
            month_days: rule.by_month_day.clone(),
            weekdays: rule.by_day.clone(),
            nth_within: match rule.frequency {
                Frequency::Yearly if rule.by_month.is_empty() => NthWithin::Year,
                _ => NthWithin::Month,
            },
            week_start: rule.week_start,
        };
        let names_a_day = !(rule.by_week_no.is_empty()
            && rule.by_year_day.is_empty()
            && rule.by_month_day.is_empty()
            && rule.by_day.is_empty());
        if !names_a_day {
            filter.take_day_from(start, rule.frequency);
        }
        filter
    }

    fn take_day_from(&mut self, start: DateTime, frequency: Frequency) {
        match frequency {
            Frequency::Yearly => {
                if self.months.is_empty() {
                    self.months.push(i16::from(start.month()));
                }
                self.month_days.push(i16::from(start.day()));
            }
            Frequency::Monthly => self.month_days.push(i16::from(start.day())),
            Frequency::Weekly => self.weekdays.push(ByDay {
                nth: None,
                weekday: start.weekday(),
            }),
            Frequency::Daily | Frequency::Hourly | Frequency::Minutely => {}
        }
    }

    pub(super) fn allows(&self, date: Date) -> bool {
        (self.months.is_empty() || holds(&self.months, i16::from(date.month())))
            && (self.month_days.is_empty() || self.allows_month_day(date))
            && (self.year_days.is_empty() || self.allows_year_day(date))
            && (self.weekdays.is_empty() || self.allows_weekday(date))
            && (self.week_numbers.is_empty() || self.allows_week(date))
    }

    fn allows_month_day(&self, date: Date) -> bool {
        let (day, days) = (i16::from(date.day()), i16::from(date.days_in_month()));
        holds_either_way(&self.month_days, day, days)
    }

    fn allows_year_day(&self, date: Date) -> bool {
        holds_either_way(&self.year_days, date.day_of_year(), date.days_in_year())
    }

    fn allows_weekday(&self, date: Date) -> bool {
        let weekday = date.weekday();
        let (day, days) = match self.nth_within {
            NthWithin::Month => (i16::from(date.day()), i16::from(date.days_in_month())),
            NthWithin::Year => (date.day_of_year(), date.days_in_year()),
        };
        let from_front = (day - 1) / 7 + 1;
        let from_back = -((days - day) / 7 + 1);
        self.weekdays.iter().any(|by_day| {
            by_day.weekday == weekday
                && by_day
                    .nth
                    .is_none_or(|nth| nth == from_front || nth == from_back)
        })
    }

    /// A week belongs to the year that holds its fourth day (RFC 5545: week 1 has at least four days in the year),
    /// and 28 December is always in its year's last week.
    fn allows_week(&self, date: Date) -> bool {
        let fourth_day_offset = 3 - i64::from(date.weekday().since(self.week_start));
        let Some(fourth_day) = plus_days(date, fourth_day_offset) else {
            return false;
        };
        let week = (fourth_day.day_of_year() - 1) / 7 + 1;
        let days_left = fourth_day.days_in_year() - fourth_day.day_of_year();
        let weeks = week + days_left / 7;
        holds_either_way(&self.week_numbers, week, weeks)
    }
}

/// Lists are sorted by `Rule`'s parser.
fn holds(list: &[i16], value: i16) -> bool {
    list.binary_search(&value).is_ok()
}

/// `place` counted from 1, or from the end, where the last of `total` is -1.
fn holds_either_way(list: &[i16], place: i16, total: i16) -> bool {
    holds(list, place) || holds(list, place - total - 1)
}
