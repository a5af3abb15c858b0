//! A rule set to its start: which civil times it gives, period by period, forwards, backwards or from anywhere.
//!
//! Periods are computed from their number, never by walking from the start, so that planning years ahead costs nothing.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};

use super::HORIZON_YEARS;
use super::day_filter::DayFilter;
use super::minutes::{MINUTES_PER_DAY, allowed_minutes, picked_places};
use super::period::{Period, days_between};
use super::rule::Rule;

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

/// The times of one civil day.
#[derive(Clone, Debug)]
pub(super) struct DayTimes<'a> {
    pub(super) date: Date,
    /// Minutes of the day, increasing, never empty.
    pub(super) minutes: Cow<'a, [u16]>,
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

fn horizon(start: DateTime) -> DateTime {
    // Starts are in `START_YEARS`, so the year exists; 31 December does in every year.
    let year = start.year().saturating_add(HORIZON_YEARS);
    let last_day = Date::new(year, 12, 31).unwrap_or(Date::MAX);
    last_day.at(23, 59, 59, 0)
}
