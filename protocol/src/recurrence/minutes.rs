//! The times of day of a rule: minutes from `BYHOUR`, `BYMINUTE` and the start, and the places that `BYSETPOS` picks.

use jiff::civil::DateTime;

use super::period::Period;
use super::rule::{Frequency, Rule};

pub(super) const MINUTES_PER_DAY: i64 = 1440;

/// The minutes of a day that `BYHOUR` and `BYMINUTE` allow, the start's where the rule is silent,
/// without those that the steps of a rule within the day can never reach.
pub(super) fn allowed_minutes(start: DateTime, rule: &Rule, period: Period) -> Vec<u16> {
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
pub(super) fn picked_places(set_pos: &[i16], total: usize) -> Vec<usize> {
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

pub(super) fn minute_of(civil: DateTime) -> u16 {
    // An hour is at most 23 and a minute at most 59, neither is negative.
    (i16::from(civil.hour()) * 60 + i16::from(civil.minute())) as u16
}

fn greatest_common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
