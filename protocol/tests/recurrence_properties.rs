//! What holds for every schedule: order, stability when planned again, exceptions, bounds, and no panic on any text.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    reason = "one property is about how long planning takes"
)]

use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use loa_protocol::recurrence::{Occurrence, Recurrence, Rule};
use proptest::prelude::*;

const ZONES: [&str; 9] = [
    "Asia/Ho_Chi_Minh",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Pacific/Apia",
    "America/St_Johns",
    "Asia/Kathmandu",
];

/// Generous, for a busy machine: it takes milliseconds.
const QUICK: Duration = Duration::from_secs(2);
/// The machine may stand still in one of them; what is slow is slow in each.
const TRIES: usize = 3;

/// A failure prints the smallest case it found; no file keeps it, so add it as a sentence.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn numbers(range: std::ops::RangeInclusive<i32>) -> impl Strategy<Value = String> {
    prop::collection::vec(range, 1..5).prop_map(|values| {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        values.join(",")
    })
}

fn part(
    name: &'static str,
    values: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    prop::option::weighted(0.35, values)
        .prop_map(move |values| values.map_or(String::new(), |values| format!(";{name}={values}")))
}

fn weekdays() -> impl Strategy<Value = String> {
    let names = vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    prop::sample::subsequence(names, 1..5).prop_map(|days| days.join(","))
}

/// Rules whose occurrences come often enough to see many of them.
fn frequent_rule() -> impl Strategy<Value = String> {
    let frequency = prop::sample::select(vec!["WEEKLY", "DAILY", "HOURLY", "MINUTELY"]);
    (
        frequency,
        1..200_u32,
        part("BYMONTH", numbers(1..=12)),
        part("BYDAY", weekdays()),
        part("BYHOUR", numbers(0..=4)),
        part("BYMINUTE", numbers(0..=59)),
        part(
            "COUNT",
            numbers(1..=300).prop_map(|n| n.split(',').next().unwrap().to_owned()),
        ),
    )
        .prop_map(|(frequency, interval, month, day, hour, minute, count)| {
            format!("FREQ={frequency};INTERVAL={interval}{month}{day}{hour}{minute}{count}")
        })
}

fn any_rule() -> impl Strategy<Value = String> {
    let frequency = prop::sample::select(vec![
        "YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY",
    ]);
    let interval = prop_oneof![1..5_u32, 1..=1_000_000_u32];
    (
        (frequency, interval),
        part("COUNT", (1..=1_000_000_u32).prop_map(|n| n.to_string())),
        part("BYMONTH", numbers(1..=12)),
        part("BYWEEKNO", numbers(-53..=53)),
        part("BYYEARDAY", numbers(-366..=366)),
        part("BYMONTHDAY", numbers(-31..=31)),
        part("BYDAY", weekdays()),
        part("BYHOUR", numbers(0..=23)),
        part("BYMINUTE", numbers(0..=59)),
        part("BYSETPOS", numbers(-366..=366)),
    )
        .prop_map(|((frequency, interval), count, a, b, c, d, e, f, g, h)| {
            format!("FREQ={frequency};INTERVAL={interval}{count}{a}{b}{c}{d}{e}{f}{g}{h}")
        })
}

/// Starts near a change of the clocks in one of the zones, or anywhere.
fn start() -> impl Strategy<Value = DateTime> {
    let changes = prop::sample::select(vec![
        "2026-03-07T23:00",
        "2026-10-31T22:00",
        "2026-03-28T22:00",
        "2026-10-24T22:00",
        "2026-10-03T22:00",
        "2027-04-03T22:00",
        "2018-11-03T22:00",
        "2018-02-17T22:00",
        "2026-02-14T22:00",
        "2026-03-21T22:00",
        "2011-12-28T22:00",
        "2024-02-28T22:00",
        "2026-12-30T22:00",
    ]);
    (changes, 0..2880_i64).prop_map(|(near, minutes)| {
        near.parse::<DateTime>().unwrap() + SignedDuration::from_mins(minutes)
    })
}

fn zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(ZONES.to_vec())
}

fn schedule(start: DateTime, rule: &str, except: &[String], zone: &str) -> Recurrence {
    Recurrence::parse(&start.to_string(), rule, except, zone).unwrap()
}

fn first(recurrence: &Recurrence, count: usize) -> Vec<Occurrence> {
    recurrence
        .occurrences_from(Timestamp::MIN)
        .take(count)
        .collect()
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn instants_strictly_increase(start in start(), rule in frequent_rule(), zone in zone()) {
        let all = first(&schedule(start, &rule, &[], zone), 200);
        prop_assert!(all.windows(2).all(|pair| pair[0].at < pair[1].at));
        prop_assert!(all.iter().all(|one| one.civil >= start && one.civil.date() == one.date));
    }

    #[test]
    fn planning_again_from_any_instant_gives_the_same_occurrences(
        start in start(), rule in frequent_rule(), zone in zone(), place in 0..150_usize, off_s in -90_000..90_000_i64,
    ) {
        let schedule = schedule(start, &rule, &[], zone);
        let all = first(&schedule, 200);
        let Some(one) = all.get(place) else { return Ok(()) };
        let after = one.at + SignedDuration::from_secs(off_s);
        let expected: Vec<Occurrence> = all.iter().copied().filter(|one| one.at >= after).collect();
        let again: Vec<Occurrence> = schedule.occurrences_from(after).take(expected.len()).collect();
        prop_assert_eq!(again, expected);
    }

    #[test]
    fn an_exception_removes_what_it_names_and_renumbers_nothing(
        start in start(), rule in frequent_rule(), zone in zone(), places in prop::collection::vec((0..100_usize, any::<bool>()), 1..6),
    ) {
        let all = first(&schedule(start, &rule, &[], zone), 120);
        let except: Vec<String> = places
            .iter()
            .filter_map(|&(place, whole_day)| {
                let one = all.get(place)?;
                Some(if whole_day { one.date.to_string() } else { one.civil.to_string() })
            })
            .collect();
        let excepted = |one: &Occurrence| {
            except.contains(&one.date.to_string()) || except.contains(&one.civil.to_string())
        };
        let left = first(&schedule(start, &rule, &except, zone), 120);
        prop_assert!(!left.iter().any(excepted));
        // Nothing new but what a gap had made fall together with something excepted.
        let until = all.last().map(|one| one.at);
        for one in left.iter().filter(|one| Some(one.at) <= until) {
            let known = all.contains(one) || all.iter().any(|other| excepted(other) && other.at == one.at);
            prop_assert!(known, "{:?} is new", one);
        }
        let kept = all.iter().filter(|one| !excepted(one)).take(left.len());
        prop_assert!(kept.clone().all(|one| left.contains(one) || Some(one.at) > left.last().map(|last| last.at)));
    }

    #[test]
    fn a_counted_schedule_has_that_many_and_ends_at_its_last(start in start(), zone in zone(), count in 1..400_usize, every in 61..500_u32) {
        // More than an hour apart, so that no gap but Samoa's lost day makes two fall together.
        prop_assume!(zone != "Pacific/Apia");
        let rule = format!("FREQ=MINUTELY;INTERVAL={every};COUNT={count}");
        let schedule = schedule(start, &rule, &[], zone);
        let all = first(&schedule, count + 1);
        prop_assert_eq!(all.len(), count);
        prop_assert_eq!(schedule.last(), all.last().map(|one| one.at));
    }

    #[test]
    fn until_as_an_instant_cuts_there(start in start(), rule in frequent_rule(), zone in zone(), place in 0..100_usize, off_s in -1..2_i64) {
        prop_assume!(!rule.contains("COUNT"));
        // In Samoa's lost day the instants of one day lie among those of the next, so the last rule is not the last instant.
        if zone == "Pacific/Apia" {
            return Ok(());
        }
        let all = first(&schedule(start, &rule, &[], zone), 150);
        let Some(one) = all.get(place) else { return Ok(()) };
        let until = one.at + SignedDuration::from_secs(off_s);
        let rule = format!("{rule};UNTIL={}", until.strftime("%Y%m%dT%H%M%SZ"));
        let cut = schedule(start, &rule, &[], zone);
        let expected: Vec<Occurrence> = all.iter().copied().filter(|one| one.at <= until).collect();
        prop_assert_eq!(cut.last(), expected.last().map(|one| one.at));
        prop_assert_eq!(first(&cut, 200), expected);
    }

    #[test]
    fn a_rule_reads_back_as_it_was_written(rule in any_rule()) {
        if let Ok(rule) = rule.parse::<Rule>() {
            prop_assert_eq!(rule.to_string().parse::<Rule>().unwrap(), rule);
        }
    }

    #[test]
    fn any_rule_that_is_read_is_planned_quickly(start in start(), rule in any_rule(), zone in zone(), years in 0..500_i64) {
        let later = Timestamp::from_second(1_790_000_000 + years * 31_556_952).unwrap();
        let mut slow = Vec::new();
        while slow.len() < TRIES {
            match planned_in(start, &rule, zone, later) {
                Some(took) if took >= QUICK => slow.push(took),
                _ => break,
            }
            println!("{rule} from {start} took {slow:?}");
        }
        prop_assert!(slow.len() < TRIES, "took {slow:?}");
    }
}

/// How long it takes to read a schedule and to plan it; `None`: it is none.
fn planned_in(start: DateTime, rule: &str, zone: &str, later: Timestamp) -> Option<Duration> {
    let began = Instant::now();
    let schedule = Recurrence::parse(&start.to_string(), rule, &[], zone).ok()?;
    for after in [Timestamp::MIN, later] {
        let some: Vec<Occurrence> = schedule.occurrences_from(after).take(10).collect();
        assert!(some.windows(2).all(|pair| pair[0].at < pair[1].at));
    }
    schedule.last();
    Some(began.elapsed())
}

/// A reproducible stream of numbers (SplitMix64, Steele, Lea and Flood 2014).
struct Stream(u64);

impl Stream {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// Pieces of rules, starts and exceptions, and what does not belong in them.
const PIECES: [&str; 64] = [
    "FREQ=",
    "DAILY",
    "WEEKLY",
    "MONTHLY",
    "YEARLY",
    "HOURLY",
    "MINUTELY",
    "SECONDLY",
    ";",
    ";",
    ";",
    ";INTERVAL=",
    ";COUNT=",
    ";UNTIL=",
    ";WKST=",
    ";BYMONTH=",
    ";BYWEEKNO=",
    ";BYYEARDAY=",
    ";BYMONTHDAY=",
    ";BYDAY=",
    ";BYHOUR=",
    ";BYMINUTE=",
    ";BYSECOND=",
    ";BYSETPOS=",
    "RRULE:",
    ",",
    ",",
    "-",
    "+",
    "=",
    "T",
    "Z",
    "MO",
    "TU",
    "SU",
    "1MO",
    "-1FR",
    "53SA",
    "0",
    "1",
    "2",
    "5",
    "9",
    "12",
    "31",
    "59",
    "366",
    "999",
    "2026",
    "20261231",
    "T053000",
    "Z",
    "2026-11-24",
    "T05:30",
    ":00",
    "1000000",
    "99999999999999999999",
    "é",
    "\u{0}",
    " ",
    "…",
    "𝟙",
    "２",
    "ſ",
];

#[test]
fn no_text_makes_the_reader_panic() {
    const SEED: u64 = 20_261_124;
    const TEXTS: usize = 1_000_000;
    println!("seed {SEED}");
    let mut stream = Stream(SEED);
    let mut read = 0;
    for turn in 0..TEXTS {
        let mut text = if turn % 2 == 0 {
            "FREQ=DAILY".to_owned()
        } else {
            String::new()
        };
        for _ in 0..stream.below(9) {
            text.push_str(PIECES[stream.below(PIECES.len())]);
        }
        read += usize::from(text.parse::<Rule>().is_ok());
        let _ = Recurrence::parse_once(&text, "UTC");
        if turn % 64 == 0 {
            let _ = Recurrence::parse("2026-11-24T05:30", &text, &[], &text);
            let _ = Recurrence::parse("2026-11-24T05:30", "FREQ=DAILY", &[text], "UTC");
        }
    }
    assert!(
        read > TEXTS / 1000,
        "only {read} texts were rules: the pieces are badly chosen"
    );
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn no_unicode_makes_the_reader_panic(text in ".{0,60}") {
        let _ = text.parse::<Rule>();
        let _ = Recurrence::parse(&text, "FREQ=DAILY", &[], "UTC");
        let _ = Recurrence::parse("2026-11-24T05:30", "FREQ=DAILY", &[text], "UTC");
    }
}
