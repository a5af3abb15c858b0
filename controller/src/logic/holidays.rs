//! On which days a rule is not said: those that a person took out, and the holidays of the office's calendar.
//!
//! A pole knows no calendar, only exceptions, and no more of them than the protocol allows. So it gets the holidays of
//! the next [`AHEAD_DAYS`], and the office looks again every hour.

use jiff::{ToSpan, civil::Date};
use loa_protocol::recurrence::MAX_EXCEPTIONS;

/// So many days ahead a holiday is told.
pub const AHEAD_DAYS: i32 = 400;
/// So many days a holiday that was told stays: longer than a pole looks back, or it would find that day missed.
pub const BACK_DAYS: i32 = 40;

/// The exceptions for the poles: a person's `own`, what was `told` of the days that are over, and the `holidays` ahead,
/// the next first. What does not fit any more is left out from the far end, and comes when it is nearer.
pub fn exceptions(own: &[String], told: &[String], holidays: &[Date], today: Date) -> Vec<String> {
    let (first, last) = (
        today.saturating_sub(BACK_DAYS.days()),
        today.saturating_add(AHEAD_DAYS.days()),
    );
    let over = told
        .iter()
        .filter_map(|text| text.parse::<Date>().ok().filter(|d| d.to_string() == *text))
        .filter(|date| (first..today).contains(date));
    let ahead = holidays
        .iter()
        .copied()
        .filter(|date| (today..=last).contains(date));
    let mut dates: Vec<Date> = over.chain(ahead).collect();
    dates.sort_unstable();
    dates.dedup();
    let mut all = own.to_vec();
    let dates = dates.iter().map(Date::to_string);
    all.extend(dates.filter(|date| !own.contains(date)));
    all.truncate(MAX_EXCEPTIONS.max(own.len()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a date")
    }
    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_persons_own_days_come_first_and_no_day_twice() {
        let own = texts(&["2026-12-01", "2026-12-02T05:30"]);
        let holidays = [day("2026-12-01"), day("2027-01-01")];
        let all = exceptions(&own, &[], &holidays, day("2026-11-24"));
        assert_eq!(all, ["2026-12-01", "2026-12-02T05:30", "2027-01-01"]);
    }

    #[test]
    fn a_holiday_that_is_over_stays_until_no_pole_looks_back_to_it() {
        let told = texts(&["2026-09-02", "2026-11-20", "2026-11-30", "2026-12-01T05:30"]);
        // The 30th is ahead and not in the calendar any more; the 20th was skipped and stays so.
        let all = exceptions(&[], &told, &[], day("2026-11-24"));
        assert_eq!(all, ["2026-11-20"]);
        let in_new_year = exceptions(&[], &all, &[], day("2027-01-01"));
        assert!(in_new_year.is_empty());
        // A day that is over is not taken out afterwards: it was said.
        let late = exceptions(&[], &[], &[day("2026-11-20")], day("2026-11-24"));
        assert!(late.is_empty());
    }

    #[test]
    fn what_is_far_comes_when_it_is_nearer_and_the_bound_holds() {
        let (near, far) = (day("2027-12-29"), day("2027-12-30"));
        let all = exceptions(&[], &[], &[near, far], day("2026-11-24"));
        assert_eq!(all, ["2027-12-29"]);
        let own: Vec<String> = (0..999)
            .map(|n| day("2030-01-01").saturating_add(n.days()).to_string())
            .collect();
        let holidays = [day("2027-01-01"), day("2027-02-06")];
        let all = exceptions(&own, &[], &holidays, day("2026-11-24"));
        assert_eq!(all.len(), MAX_EXCEPTIONS);
        assert_eq!(all.last().map(String::as_str), Some("2027-01-01"));
    }
}
