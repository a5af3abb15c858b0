//! Schedules as sentences: what a rule gives, and what the clocks' changes do to it.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::Timestamp;
use loa_protocol::recurrence::{Occurrence, Recurrence};

const VILLAGE: &str = "Asia/Ho_Chi_Minh";

fn schedule(start: &str, rule: &str, zone: &str) -> Recurrence {
    Recurrence::parse(start, rule, &[], zone).unwrap()
}

fn except(start: &str, rule: &str, exceptions: &[&str], zone: &str) -> Recurrence {
    let exceptions: Vec<String> = exceptions.iter().map(ToString::to_string).collect();
    Recurrence::parse(start, rule, &exceptions, zone).unwrap()
}

fn first(recurrence: &Recurrence, count: usize) -> Vec<Occurrence> {
    recurrence
        .occurrences_from(Timestamp::MIN)
        .take(count)
        .collect()
}

/// `civil -> wall clock`, so that a gap shows.
fn on_the_wall(recurrence: &Recurrence, count: usize) -> Vec<String> {
    first(recurrence, count)
        .iter()
        .map(|occurrence| {
            let zone = jiff::tz::TimeZone::get(recurrence.zone()).unwrap();
            let wall = zone.to_datetime(occurrence.at).strftime("%d %H:%M");
            let offset = zone.to_offset(occurrence.at);
            format!(
                "{} -> {wall}{offset}",
                occurrence.civil.strftime("%d %H:%M")
            )
        })
        .collect()
}

fn civil(recurrence: &Recurrence, count: usize) -> Vec<String> {
    first(recurrence, count)
        .iter()
        .map(|occurrence| occurrence.civil.strftime("%Y-%m-%d %H:%M").to_string())
        .collect()
}

#[test]
fn the_morning_news_sounds_every_day_at_half_past_five() {
    let news = schedule("2026-11-24T05:30", "FREQ=DAILY", VILLAGE);
    let at: Vec<String> = first(&news, 2).iter().map(|o| o.at.to_string()).collect();
    assert_eq!(at, ["2026-11-23T22:30:00Z", "2026-11-24T22:30:00Z"]);
}

#[test]
fn a_bulletin_said_once_has_one_occurrence() {
    let once = Recurrence::parse_once("2026-11-24T05:30", VILLAGE).unwrap();
    assert_eq!(civil(&once, 5), ["2026-11-24 05:30"]);
    assert_eq!(once.last(), Some("2026-11-23T22:30:00Z".parse().unwrap()));
    let after = "2026-11-23T22:30:01Z".parse().unwrap();
    assert_eq!(once.occurrences_from(after).next(), None);
    assert!(once.is_finite() && once.rule().is_none());
}

#[test]
fn an_occurrence_exactly_at_the_instant_asked_for_is_included() {
    let news = schedule("2026-11-24T05:30", "FREQ=DAILY", VILLAGE);
    let at = "2026-11-25T22:30:00Z".parse().unwrap();
    assert_eq!(news.occurrences_from(at).next().unwrap().at, at);
}

#[test]
fn a_start_that_does_not_match_the_rule_only_anchors_it() {
    // 24 November 2026 is a Tuesday.
    let mondays = schedule("2026-11-24T05:30", "FREQ=WEEKLY;BYDAY=MO", VILLAGE);
    assert_eq!(civil(&mondays, 1), ["2026-11-30 05:30"]);
}

#[test]
fn every_second_week_is_counted_from_the_week_of_the_start() {
    let rule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU";
    let monday_first = schedule("2026-11-24T05:30", rule, VILLAGE);
    assert_eq!(
        civil(&monday_first, 3),
        ["2026-11-24 05:30", "2026-11-29 05:30", "2026-12-08 05:30"]
    );
    let sunday_first = schedule("2026-11-24T05:30", &format!("{rule};WKST=SU"), VILLAGE);
    assert_eq!(
        civil(&sunday_first, 3),
        ["2026-11-24 05:30", "2026-12-06 05:30", "2026-12-08 05:30"]
    );
}

#[test]
fn the_day_has_numbered_occurrences_that_an_exception_does_not_renumber() {
    let rule = "FREQ=DAILY;BYHOUR=5,11,17";
    let all = schedule("2026-11-24T05:30", rule, VILLAGE);
    let less = except("2026-11-24T05:30", rule, &["2026-11-25T05:30"], VILLAGE);
    let indexes = |recurrence: &Recurrence| -> Vec<(i8, u16)> {
        first(recurrence, 5)
            .iter()
            .map(|o| (o.date.day(), o.index))
            .collect()
    };
    assert_eq!(indexes(&all), [(24, 0), (24, 1), (24, 2), (25, 0), (25, 1)]);
    assert_eq!(
        indexes(&less),
        [(24, 0), (24, 1), (24, 2), (25, 1), (25, 2)]
    );
}

#[test]
fn an_exception_by_date_takes_the_whole_day() {
    let less = except(
        "2026-11-24T05:30",
        "FREQ=DAILY;BYHOUR=5,17",
        &["2026-11-25"],
        VILLAGE,
    );
    assert_eq!(
        civil(&less, 3),
        ["2026-11-24 05:30", "2026-11-24 17:30", "2026-11-26 05:30"]
    );
}

#[test]
fn an_excepted_occurrence_still_counts() {
    let three = except(
        "2026-11-24T05:30",
        "FREQ=DAILY;COUNT=3",
        &["2026-11-25"],
        VILLAGE,
    );
    assert_eq!(civil(&three, 9), ["2026-11-24 05:30", "2026-11-26 05:30"]);
}

#[test]
fn the_last_occurrence_is_known_though_the_end_is_excepted() {
    let rule = "FREQ=DAILY;UNTIL=20261130T053000";
    let all = schedule("2026-11-24T05:30", rule, VILLAGE);
    assert_eq!(all.last(), Some("2026-11-29T22:30:00Z".parse().unwrap()));
    let less = except(
        "2026-11-24T05:30",
        rule,
        &["2026-11-30", "2026-11-29T05:30"],
        VILLAGE,
    );
    assert_eq!(less.last(), Some("2026-11-27T22:30:00Z".parse().unwrap()));
    let counted = schedule("2026-11-24T05:30", "FREQ=DAILY;COUNT=2", VILLAGE);
    assert_eq!(
        counted.last(),
        Some("2026-11-24T22:30:00Z".parse().unwrap())
    );
    let none = schedule("2026-11-24T05:30", "FREQ=DAILY;UNTIL=20261123", VILLAGE);
    assert_eq!(none.last(), None);
    assert_eq!(
        schedule("2026-11-24T05:30", "FREQ=DAILY", VILLAGE).last(),
        None
    );
}

#[test]
fn until_as_a_date_keeps_that_whole_day() {
    let rule = "FREQ=DAILY;BYHOUR=5,17;UNTIL=20261125";
    let civil = civil(&schedule("2026-11-24T05:30", rule, VILLAGE), 9);
    assert_eq!(civil.last().unwrap(), "2026-11-25 17:30");
}

#[test]
fn until_as_an_instant_is_compared_with_instants() {
    // 22:30Z is 05:30 of the next morning in the village.
    let rule = |until| format!("FREQ=DAILY;UNTIL={until}");
    let kept = schedule("2026-11-24T05:30", &rule("20261125T223000Z"), VILLAGE);
    assert_eq!(civil(&kept, 9).last().unwrap(), "2026-11-26 05:30");
    let cut = schedule("2026-11-24T05:30", &rule("20261125T222959Z"), VILLAGE);
    assert_eq!(civil(&cut, 9).last().unwrap(), "2026-11-25 05:30");
    assert_eq!(cut.last(), Some("2026-11-24T22:30:00Z".parse().unwrap()));
}

#[test]
fn a_monthly_bulletin_on_the_31st_skips_short_months() {
    let rule = schedule("2026-12-31T05:30", "FREQ=MONTHLY", VILLAGE);
    assert_eq!(
        civil(&rule, 3),
        ["2026-12-31 05:30", "2027-01-31 05:30", "2027-03-31 05:30"]
    );
    let last_day = schedule("2026-12-31T05:30", "FREQ=MONTHLY;BYMONTHDAY=-1", VILLAGE);
    assert_eq!(civil(&last_day, 3)[2], "2027-02-28 05:30");
}

#[test]
fn the_last_working_day_of_the_month_is_found() {
    let rule = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1";
    assert_eq!(
        civil(&schedule("2026-10-01T07:00", rule, VILLAGE), 3),
        ["2026-10-30 07:00", "2026-11-30 07:00", "2026-12-31 07:00"]
    );
}

#[test]
fn a_bulletin_repeats_within_the_day() {
    let rule = "FREQ=MINUTELY;INTERVAL=20;BYHOUR=5,6";
    assert_eq!(
        civil(&schedule("2026-11-24T05:30", rule, VILLAGE), 7)[3..],
        [
            "2026-11-24 06:30",
            "2026-11-24 06:50",
            "2026-11-25 05:10",
            "2026-11-25 05:30"
        ]
    );
    let indexes: Vec<u16> = first(&schedule("2026-11-24T05:30", rule, VILLAGE), 7)
        .iter()
        .map(|o| o.index)
        .collect();
    assert_eq!(indexes, [0, 1, 2, 3, 4, 0, 1]);
}

#[test]
fn seconds_of_the_start_are_kept() {
    let rule = schedule("2026-11-24T05:30:15", "FREQ=HOURLY;BYMINUTE=0,30", VILLAGE);
    let at: Vec<String> = first(&rule, 2)
        .iter()
        .map(|o| o.civil.to_string())
        .collect();
    assert_eq!(at, ["2026-11-24T05:30:15", "2026-11-24T06:00:15"]);
}

// Where python-dateutil is no guide (see the head of tests/oracle/make_recurrence.py).

#[test]
fn set_positions_of_a_week_count_the_whole_week_of_the_start_too() {
    // The start is a Wednesday; the third day of that week from Monday is that Wednesday, not Friday.
    let rule = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=3";
    assert_eq!(
        civil(&schedule("2026-11-25T05:30", rule, VILLAGE), 2),
        ["2026-11-25 05:30", "2026-12-02 05:30"]
    );
}

#[test]
fn plain_and_numbered_weekdays_add_up() {
    let rule = "FREQ=MONTHLY;BYDAY=SU,1TU";
    assert_eq!(
        civil(&schedule("2026-12-01T05:30", rule, VILLAGE), 3),
        ["2026-12-01 05:30", "2026-12-06 05:30", "2026-12-13 05:30"]
    );
}

#[test]
fn weeks_counted_from_the_years_end_include_days_of_december() {
    // 31 December 2029 is the Monday of week 1 of 2030, a year of 52 weeks: its 52nd from the end.
    let rule = "FREQ=YEARLY;BYWEEKNO=-52;BYDAY=MO";
    let all = civil(&schedule("2029-12-01T05:30", rule, VILLAGE), 1);
    assert_eq!(all, ["2029-12-31 05:30"]);
}

// Bounds.

#[test]
fn rules_that_never_come_end_and_are_not_searched_forever() {
    let never = [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31;COUNT=1000000",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
        "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1,3,5,7",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=6",
        "FREQ=MINUTELY;INTERVAL=999999;BYMONTHDAY=31;BYMONTH=2",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=DAILY;BYHOUR=5;BYSETPOS=2",
        "FREQ=MINUTELY;BYHOUR=5;BYSETPOS=2",
    ];
    for rule in never {
        let recurrence = schedule("2026-11-24T05:30", rule, VILLAGE);
        assert_eq!(first(&recurrence, 1), [], "{rule}");
        assert_eq!(recurrence.last(), None, "{rule}");
    }
}

#[test]
fn a_schedule_ends_four_hundred_years_after_its_start() {
    let news = schedule("2026-11-24T05:30", "FREQ=DAILY", VILLAGE);
    let after = "2426-12-30T00:00:00Z".parse().unwrap();
    let rest: Vec<_> = news
        .occurrences_from(after)
        .map(|o| o.date.to_string())
        .collect();
    assert_eq!(rest, ["2426-12-31"]);
    assert_eq!(news.occurrences_from(Timestamp::MAX).next(), None);
}

#[test]
fn leap_days_keep_coming() {
    let rule = schedule(
        "2024-02-29T05:30",
        "FREQ=YEARLY;BYDAY=TH;BYMONTHDAY=29;BYMONTH=2",
        VILLAGE,
    );
    let years: Vec<i16> = first(&rule, 5).iter().map(|o| o.date.year()).collect();
    assert_eq!(years, [2024, 2052, 2080, 2120, 2148]);
}

// Gaps and folds.

#[test]
fn a_village_without_summer_time_never_moves() {
    let news = schedule("2026-01-01T02:30", "FREQ=DAILY", VILLAGE);
    for occurrence in first(&news, 366) {
        let zone = jiff::tz::TimeZone::get(VILLAGE).unwrap();
        assert_eq!(zone.to_datetime(occurrence.at), occurrence.civil);
    }
}

#[test]
fn in_new_york_the_skipped_half_past_two_sounds_at_half_past_three() {
    let night = schedule("2026-03-07T02:30", "FREQ=DAILY", "America/New_York");
    assert_eq!(
        on_the_wall(&night, 3),
        [
            "07 02:30 -> 07 02:30-05",
            "08 02:30 -> 08 03:30-04",
            "09 02:30 -> 09 02:30-04"
        ]
    );
}

#[test]
fn in_berlin_a_time_that_comes_twice_sounds_the_first_time_only() {
    let night = schedule("2026-10-24T02:30", "FREQ=DAILY", "Europe/Berlin");
    assert_eq!(
        on_the_wall(&night, 3),
        [
            "24 02:30 -> 24 02:30+02",
            "25 02:30 -> 25 02:30+02",
            "26 02:30 -> 26 02:30+01"
        ]
    );
}

#[test]
fn on_lord_howe_the_clocks_jump_by_half_an_hour() {
    // Gap on 4 October 2026 from 02:00 to 02:30; fold on 4 April 2027 from 02:00 to 01:30.
    let gap = schedule(
        "2026-10-04T01:45",
        "FREQ=MINUTELY;INTERVAL=15",
        "Australia/Lord_Howe",
    );
    assert_eq!(
        on_the_wall(&gap, 4),
        [
            "04 01:45 -> 04 01:45+10:30",
            // 02:00 and 02:15 move to 02:30 and 02:45, where the rule already speaks.
            "04 02:30 -> 04 02:30+11",
            "04 02:45 -> 04 02:45+11",
            "04 03:00 -> 04 03:00+11",
        ]
    );
    assert_eq!(first(&gap, 2)[1].index, 3, "dropped times keep their index");
    let fold = schedule(
        "2027-04-04T01:45",
        "FREQ=MINUTELY;INTERVAL=15",
        "Australia/Lord_Howe",
    );
    assert_eq!(
        on_the_wall(&fold, 2),
        ["04 01:45 -> 04 01:45+11", "04 02:00 -> 04 02:00+10:30"]
    );
}

#[test]
fn in_sao_paulo_midnight_itself_was_skipped() {
    // 4 November 2018 began at 01:00.
    let midnight = schedule("2018-11-03T00:30", "FREQ=DAILY", "America/Sao_Paulo");
    assert_eq!(
        on_the_wall(&midnight, 3),
        [
            "03 00:30 -> 03 00:30-03",
            "04 00:30 -> 04 01:30-02",
            "05 00:30 -> 05 00:30-02"
        ]
    );
    // 18 February 2018: 17 February's last hour came twice.
    let evening = schedule("2018-02-17T23:30", "FREQ=DAILY", "America/Sao_Paulo");
    assert_eq!(on_the_wall(&evening, 1), ["17 23:30 -> 17 23:30-02"]);
}

#[test]
fn in_casablanca_the_clocks_go_back_for_ramadan() {
    // Back on 15 February 2026 at 03:00, forward on 22 March 2026 at 02:00.
    let night = schedule(
        "2026-02-15T02:30",
        "FREQ=WEEKLY;INTERVAL=5",
        "Africa/Casablanca",
    );
    assert_eq!(
        on_the_wall(&night, 2),
        ["15 02:30 -> 15 02:30+01", "22 02:30 -> 22 03:30+01"]
    );
}

#[test]
fn in_samoa_a_whole_day_was_left_out() {
    // There was no 30 December 2011 in Apia: its bulletin would fall on that of the 31st.
    let news = schedule("2011-12-29T05:30", "FREQ=DAILY", "Pacific/Apia");
    let days: Vec<i8> = first(&news, 3).iter().map(|o| o.date.day()).collect();
    assert_eq!(days, [29, 31, 1]);
    let that_day = schedule("2011-12-30T05:30", "FREQ=DAILY;COUNT=1", "Pacific/Apia");
    assert_eq!(on_the_wall(&that_day, 2), ["30 05:30 -> 31 05:30+14"]);
}

#[test]
fn a_time_moved_by_a_gap_takes_its_place_in_order() {
    let rule = "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=10,40";
    let night = schedule("2026-03-08T02:10", rule, "America/New_York");
    // 02:10 and 02:40 sound at 03:10 and 03:40, where the rule speaks anyway.
    assert_eq!(
        on_the_wall(&night, 2),
        ["08 03:10 -> 08 03:10-04", "08 03:40 -> 08 03:40-04"]
    );
    // Without 03:10 its place is taken by what moved there, and order holds.
    let night = except(
        "2026-03-08T02:10",
        rule,
        &["2026-03-08T03:10"],
        "America/New_York",
    );
    let of_night = first(&night, 2);
    assert_eq!(
        on_the_wall(&night, 2),
        ["08 02:10 -> 08 03:10-04", "08 03:40 -> 08 03:40-04"]
    );
    assert_eq!((of_night[0].index, of_night[1].index), (0, 3));
}

#[test]
fn every_hour_means_every_civil_hour() {
    let of_day = |date: &str| {
        let start = format!("{date}T00:00");
        let hourly = schedule(&start, "FREQ=HOURLY;COUNT=24", "America/New_York");
        first(&hourly, 99).len()
    };
    assert_eq!(of_day("2026-03-08"), 23);
    assert_eq!(of_day("2026-07-08"), 24);
    assert_eq!(of_day("2026-11-01"), 24);
}

// Back to text.

#[test]
fn a_rule_is_written_in_one_order() {
    let rule = "rrule:byminute=30,0;byhour=17,5,5;byday=WE,MO,-1FR,+2FR;freq=monthly;interval=02;wkst=su;until=20261231t235959z";
    let recurrence = schedule("2026-11-24T05:30", rule, VILLAGE);
    assert_eq!(
        recurrence.rule().unwrap().to_string(),
        "FREQ=MONTHLY;INTERVAL=2;UNTIL=20261231T235959Z;WKST=SU;BYDAY=MO,WE,-1FR,2FR;BYHOUR=5,17;BYMINUTE=0,30"
    );
}

#[test]
fn what_a_schedule_was_made_of_can_be_shown_again() {
    let news = except(
        "2026-11-24T05:30",
        "FREQ=DAILY",
        &["2026-12-02T05:30", "2026-12-01", "2026-12-01"],
        VILLAGE,
    );
    let exceptions: Vec<String> = news.exceptions().iter().map(ToString::to_string).collect();
    assert_eq!(exceptions, ["2026-12-01", "2026-12-02T05:30:00"]);
    let again = Recurrence::parse(
        &news.start().to_string(),
        &news.rule().unwrap().to_string(),
        &exceptions,
        news.zone(),
    );
    assert_eq!(again, Ok(news));
}
