//! A rule set to its start: which civil times it gives, period by period, forwards, backwards or from anywhere.
//!
//! Periods are computed from their number, never by walking from the start, so that planning years ahead costs nothing.

use std::borrow::Cow;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use super::HORIZON_YEARS;
use super::day_filter::DayFilter;
use super::rule::{Frequency, Rule};

const MINUTES_PER_DAY: i64 = 1440;

/// The rule's civil times; every one has the second of the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    start: DateTime,
    /// No civil time after this one.
    end: DateTime,
    period: Period,
    days: DayFilter,
    /// Minutes of the day that the rule allows, sorted. Empty: it never yields.
    minutes: Vec<u16>,
    /// `BYSETPOS`, where a period is longer than a day. In shorter ones it is already applied to `minutes`.
    set_pos: Vec<i16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
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

/// The times of one civil day.
#[derive(Clone, Debug)]
pub(super) struct DayTimes<'a> {
    pub date: Date,
    /// Minutes of the day, increasing, never empty.
    pub minutes: Cow<'a, [u16]>,
}

impl Plan {
    /// `last`: no civil time after it (`UNTIL`).
    pub(super) fn new(start: DateTime, rule: &Rule, last: Option<DateTime>) -> Plan {
        let horizon = horizon(start);
        let period = Period::new(start, rule);
        let mut plan = Plan {
            start,
            end: last.map_or(horizon, |last| last.min(horizon)),
            period,
            days: DayFilter::new(rule, start),
            minutes: allowed_minutes(start, rule, period),
            set_pos: if period.is_longer_than_a_day() {
                rule.by_set_pos.clone()
            } else {
                Vec::new()
            },
        };
        if let Some(count) = rule.count
            && let Some(last) = plan.nth(count)
        {
            plan.end = last;
        }
        plan
    }

    pub(super) fn start(&self) -> DateTime {
        self.start
    }

    pub(super) fn civil(&self, date: Date, minute: u16) -> DateTime {
        let [hour, minute] = [minute / 60, minute % 60].map(|part| part as i8);
        // Minutes of the day are below 1440, so hour and minute are in range and `MIDNIGHT` is never used.
        let time = Time::new(hour, minute, self.start.second(), 0);
        date.to_datetime(time.unwrap_or(Time::midnight()))
    }

    /// The civil time of the nth occurrence from 1; `None` when the rule has fewer.
    fn nth(&self, nth: u32) -> Option<DateTime> {
        let mut before = 0;
        for day in self.days_from(self.start.date()) {
            let place = nth as usize - before - 1;
            if let Some(&minute) = day.minutes.get(place) {
                return Some(self.civil(day.date, minute));
            }
            before += day.minutes.len();
        }
        None
    }

    /// Days that have times, from `from` on.
    pub(super) fn days_from(&self, from: Date) -> DaysFrom<'_> {
        DaysFrom {
            plan: self,
            from,
            next_period: self.period.number_at(from),
            ready: Vec::new().into_iter(),
        }
    }

    /// Days that have times, from the last one back.
    pub(super) fn days_backwards(&self) -> impl Iterator<Item = DayTimes<'_>> {
        let last = if self.end < self.start {
            -1
        } else {
            self.period.number_at(self.end.date())
        };
        (0..=last)
            .rev()
            .filter_map(|number| self.days_of(number))
            .flat_map(|days| days.into_iter().rev())
    }

    /// The days of period `number` that have times. `None`: that period is past the end.
    fn days_of(&self, number: i64) -> Option<Vec<DayTimes<'_>>> {
        let (first, length) = self.period.span(number)?;
        if first > self.end.date() || self.minutes.is_empty() {
            return None;
        }
        let mut days = Vec::new();
        let mut date = first;
        for place in 0..length {
            if self.days.allows(date) {
                let minutes = self.minutes_on(date);
                if !minutes.is_empty() {
                    days.push(DayTimes { date, minutes });
                }
            }
            if place + 1 < length {
                date = date.tomorrow().ok()?;
            }
        }
        if !self.set_pos.is_empty() {
            days = self.pick_by_set_pos(&days);
        }
        self.cut_to_span(&mut days);
        Some(days)
    }

    fn minutes_on(&self, date: Date) -> Cow<'_, [u16]> {
        let Period::WithinDays {
            first_day,
            unit_min,
            first_unit,
            every,
        } = self.period
        else {
            return Cow::Borrowed(&self.minutes);
        };
        let units_per_day = MINUTES_PER_DAY / unit_min;
        // Units from the start's unit to this day's first.
        let before = days_between(first_day, date) * units_per_day - first_unit;
        let first = (-before).rem_euclid(every);
        let mut minutes = Vec::new();
        let mut unit = first;
        while unit < units_per_day {
            let (from, to) = (unit * unit_min, (unit + 1) * unit_min);
            let from = self
                .minutes
                .partition_point(|&minute| i64::from(minute) < from);
            let within = self.minutes[from..]
                .iter()
                .take_while(|&&minute| i64::from(minute) < to);
            minutes.extend(within);
            unit += every;
        }
        Cow::Owned(minutes)
    }

    /// Every day of a longer period has the same minutes, so the nth time of the period is found by division.
    fn pick_by_set_pos(&self, days: &[DayTimes<'_>]) -> Vec<DayTimes<'static>> {
        let per_day = self.minutes.len();
        let mut picked: Vec<DayTimes<'static>> = Vec::new();
        for place in picked_places(&self.set_pos, days.len() * per_day) {
            let (date, minute) = (days[place / per_day].date, self.minutes[place % per_day]);
            match picked.last_mut() {
                Some(day) if day.date == date => day.minutes.to_mut().push(minute),
                _ => picked.push(DayTimes {
                    date,
                    minutes: Cow::Owned(vec![minute]),
                }),
            }
        }
        picked
    }

    /// Takes away what is before the start or after the end.
    fn cut_to_span(&self, days: &mut Vec<DayTimes<'_>>) {
        let span = self.start..=self.end;
        let (first, last) = (self.start.date(), self.end.date());
        days.retain_mut(|day| {
            if day.date == first || day.date == last {
                let date = day.date;
                day.minutes
                    .to_mut()
                    .retain(|&minute| span.contains(&self.civil(date, minute)));
            }
            (first..=last).contains(&day.date) && !day.minutes.is_empty()
        });
    }
}

/// See [`Plan::days_from`].
#[derive(Clone, Debug)]
pub(super) struct DaysFrom<'a> {
    plan: &'a Plan,
    from: Date,
    next_period: i64,
    ready: std::vec::IntoIter<DayTimes<'a>>,
}

impl<'a> Iterator for DaysFrom<'a> {
    type Item = DayTimes<'a>;

    fn next(&mut self) -> Option<DayTimes<'a>> {
        loop {
            let from = self.from;
            if let Some(day) = self.ready.find(|day| day.date >= from) {
                return Some(day);
            }
            self.ready = self.plan.days_of(self.next_period)?.into_iter();
            self.next_period += 1;
        }
    }
}

impl Period {
    fn new(start: DateTime, rule: &Rule) -> Period {
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

    fn is_longer_than_a_day(self) -> bool {
        matches!(
            self,
            Period::Years { .. } | Period::Months { .. } | Period::Weeks { .. }
        )
    }

    /// First day and number of days of period `number` (the start's is 0); `None` past the calendar's end.
    fn span(self, number: i64) -> Option<(Date, i64)> {
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
    fn number_at(self, date: Date) -> i64 {
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

/// The minutes of a day that `BYHOUR` and `BYMINUTE` allow, the start's where the rule is silent,
/// without those that the steps of a rule within the day can never reach.
fn allowed_minutes(start: DateTime, rule: &Rule, period: Period) -> Vec<u16> {
    let all = |count: i16| (0..count).collect::<Vec<i16>>();
    let hours = match rule.frequency {
        _ if !rule.by_hour.is_empty() => rule.by_hour.clone(),
        Frequency::Hourly | Frequency::Minutely => all(24),
        _ => vec![i16::from(start.hour())],
    };
    let mut minutes = match rule.frequency {
        _ if !rule.by_minute.is_empty() => rule.by_minute.clone(),
        Frequency::Minutely => all(60),
        _ => vec![i16::from(start.minute())],
    };
    let set_pos = &rule.by_set_pos;
    if !set_pos.is_empty() {
        match rule.frequency {
            // The set is one hour's minutes, the same in every hour.
            Frequency::Hourly => minutes = pick(set_pos, &minutes),
            // The set is one minute: the first, which is the last.
            Frequency::Minutely if picked_places(set_pos, 1).is_empty() => minutes.clear(),
            _ => {}
        }
    }
    // Hours are at most 23 and minutes at most 59, so the sum fits.
    let mut of_day: Vec<u16> = hours
        .iter()
        .flat_map(|hour| {
            minutes
                .iter()
                .map(move |minute| (hour * 60 + minute) as u16)
        })
        .collect();
    if rule.frequency == Frequency::Daily && !set_pos.is_empty() {
        of_day = pick(set_pos, &of_day);
    }
    if let Period::WithinDays {
        unit_min,
        first_unit,
        every,
        ..
    } = period
    {
        let step = greatest_common_divisor(every, MINUTES_PER_DAY / unit_min);
        of_day.retain(|&minute| (i64::from(minute) / unit_min - first_unit) % step == 0);
    }
    of_day
}

fn pick<T: Copy>(set_pos: &[i16], values: &[T]) -> Vec<T> {
    picked_places(set_pos, values.len())
        .into_iter()
        .map(|place| values[place])
        .collect()
}

/// The places from 0 that `BYSETPOS` picks among `total`, increasing.
fn picked_places(set_pos: &[i16], total: usize) -> Vec<usize> {
    let mut places: Vec<usize> = set_pos
        .iter()
        .filter_map(|&pos| match usize::from(pos.unsigned_abs()) {
            from_front if pos > 0 => from_front.checked_sub(1),
            from_back => total.checked_sub(from_back),
        })
        .filter(|&place| place < total)
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn horizon(start: DateTime) -> DateTime {
    // Starts are in `START_YEARS`, so the year exists; 31 December does in every year.
    let year = start.year().saturating_add(HORIZON_YEARS);
    let last_day = Date::new(year, 12, 31).unwrap_or(Date::MAX);
    last_day.at(23, 59, 59, 0)
}

fn minute_of(civil: DateTime) -> u16 {
    // An hour is at most 23 and a minute at most 59, neither is negative.
    (i16::from(civil.hour()) * 60 + i16::from(civil.minute())) as u16
}

fn month_number(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

fn days_between(from: Date, to: Date) -> i64 {
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

fn greatest_common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
