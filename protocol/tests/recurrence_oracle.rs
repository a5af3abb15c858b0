//! Thousands of random rules, compared time by time with what python-dateutil makes of them.
//!
//! The data are made by `tests/oracle/make_recurrence.py`; its head says how, and what is left out.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use loa_protocol::recurrence::Recurrence;

const ORACLE: &str = include_str!("data/recurrence_oracle.txt");

struct Case<'a> {
    start: &'a str,
    rule: &'a str,
    /// Nothing is known after the end of this year.
    last_year: i16,
    times: Vec<DateTime>,
    /// `times` are all there are until then.
    complete: bool,
}

fn cases() -> impl Iterator<Item = Case<'static>> {
    ORACLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let [start, last_year, rule, times] =
                line.split('|').collect::<Vec<_>>().try_into().unwrap();
            let complete = times.ends_with('.');
            let mut words = times.trim_end_matches('.').split_whitespace();
            let mut at: Option<DateTime> = words.next().map(|first| first.parse().unwrap());
            let mut times: Vec<DateTime> = at.into_iter().collect();
            for minutes in words {
                let next = at.unwrap() + SignedDuration::from_mins(minutes.parse().unwrap());
                times.push(next);
                at = Some(next);
            }
            Case {
                start,
                rule,
                last_year: last_year.parse().unwrap(),
                times,
                complete,
            }
        })
}

fn times_of(case: &Case<'_>, from: Timestamp, most: usize) -> Vec<DateTime> {
    let recurrence = Recurrence::parse(case.start, case.rule, &[], "UTC")
        .unwrap_or_else(|error| panic!("{}: {error}", case.rule));
    recurrence
        .occurrences_from(from)
        .map(|occurrence| occurrence.civil)
        .take_while(|civil| civil.year() <= case.last_year)
        .take(most)
        .collect()
}

#[test]
fn every_rule_gives_the_times_that_dateutil_gives() {
    let mut compared = 0;
    for case in cases() {
        let most = case.times.len() + usize::from(case.complete);
        let ours = times_of(&case, Timestamp::MIN, most);
        assert_eq!(ours, case.times, "{} {}", case.start, case.rule);
        compared += 1;
    }
    assert!(compared >= 5000, "only {compared} rules in the data file");
}

#[test]
fn planning_from_the_middle_gives_the_same_times_as_from_the_start() {
    for case in cases().filter(|case| !case.times.is_empty()) {
        let middle = case.times.len() / 2;
        let from = TimeZone::UTC.to_timestamp(case.times[middle]).unwrap();
        let rest = &case.times[middle..];
        let ours = times_of(&case, from, rest.len());
        assert_eq!(ours, rest, "{} {}", case.start, case.rule);
    }
}

#[test]
fn the_last_occurrence_is_the_last_that_dateutil_gives() {
    let mut compared = 0;
    for case in cases() {
        let recurrence = Recurrence::parse(case.start, case.rule, &[], "UTC").unwrap();
        let end_of_asking = Date::new(case.last_year, 12, 31).unwrap();
        let last = recurrence.last().map(|at| TimeZone::UTC.to_datetime(at));
        if !case.complete || !recurrence.is_finite() || last > Some(end_of_asking.at(23, 59, 59, 0))
        {
            continue;
        }
        assert_eq!(
            last,
            case.times.last().copied(),
            "{} {}",
            case.start,
            case.rule
        );
        compared += 1;
    }
    assert!(compared >= 1000, "only {compared} finite rules");
}

#[test]
fn every_rule_reads_back_as_it_was_written() {
    use loa_protocol::recurrence::Rule;
    for case in cases() {
        let rule: Rule = case.rule.parse().unwrap();
        let again: Rule = rule.to_string().parse().unwrap();
        assert_eq!(rule, again, "{} became {rule}", case.rule);
    }
}
