//! Which schedules are refused, and how it is said to the person who wrote them.
#![allow(clippy::unwrap_used, reason = "tests")]

use loa_protocol::recurrence::{Recurrence, RecurrenceError};

const VILLAGE: &str = "Asia/Ho_Chi_Minh";

fn refusal(rule: &str) -> String {
    Recurrence::parse("2026-11-24T05:30", rule, &[], VILLAGE)
        .expect_err(rule)
        .to_string()
}

#[test]
fn a_refusal_names_the_part_and_what_is_allowed() {
    for (rule, words) in [
        ("FREQ=SECONDLY", ["SECONDLY", "MINUTELY"]),
        ("FREQ=FORTNIGHTLY", ["FORTNIGHTLY", "WEEKLY"]),
        ("INTERVAL=2", ["FREQ", "DAILY"]),
        ("", ["not a part", "NAME=VALUE"]),
        ("FREQ=DAILY;", ["not a part", "NAME=VALUE"]),
        ("FREQ=DAILY;BYEASTER=1", ["BYEASTER", "BYSETPOS"]),
        ("FREQ=DAILY;FREQ=DAILY", ["FREQ", "twice"]),
        ("FREQ=DAILY;INTERVAL=0", ["INTERVAL", "from 1"]),
        ("FREQ=DAILY;INTERVAL=-1", ["INTERVAL", "from 1"]),
        ("FREQ=DAILY;COUNT=99999999999", ["COUNT", "1000000"]),
        (
            "FREQ=DAILY;BYHOUR=24",
            ["BYHOUR does not allow `24`", "0 to 23"],
        ),
        ("FREQ=DAILY;BYHOUR=+5", ["BYHOUR", "0 to 23"]),
        ("FREQ=DAILY;BYMINUTE=5,,6", ["BYMINUTE", "0 to 59"]),
        ("FREQ=DAILY;BYSECOND=0", ["BYSECOND", "start"]),
        ("FREQ=DAILY;BYMONTHDAY=0", ["BYMONTHDAY", "-31 to -1"]),
        ("FREQ=MONTHLY;BYDAY=T2", ["BYDAY", "1MO"]),
        ("FREQ=MONTHLY;BYDAY=thứ hai", ["BYDAY", "1MO"]),
        ("FREQ=MONTHLY;BYDAY=6MO", ["BYDAY", "1 to 5"]),
        ("FREQ=WEEKLY;BYDAY=1MO", ["BYDAY", "MONTHLY or YEARLY"]),
        ("FREQ=DAILY;UNTIL=2026-12-31", ["UNTIL", "20261231T235959"]),
        ("FREQ=DAILY;UNTIL=20260230", ["UNTIL", "20261231T235959"]),
        (
            "FREQ=DAILY;UNTIL=20261231;COUNT=3",
            ["COUNT", "not by both"],
        ),
        ("FREQ=MONTHLY;BYWEEKNO=3", ["BYWEEKNO", "YEARLY"]),
        ("FREQ=DAILY;BYYEARDAY=3", ["BYYEARDAY", "HOURLY"]),
        ("FREQ=WEEKLY;BYMONTHDAY=3", ["BYMONTHDAY", "WEEKLY"]),
        ("FREQ=DAILY;BYSETPOS=1", ["BYSETPOS", "another"]),
        ("FREQ=DAILY;WKST=XX", ["WKST", "MO"]),
    ] {
        let said = refusal(rule);
        for word in words {
            assert!(
                said.contains(word),
                "{rule:?} was answered {said:?}, without {word:?}"
            );
        }
    }
    assert!(refusal(&"FREQ=DAILY;BYHOUR=5".repeat(100)).contains("1024"));
}

#[test]
fn a_start_is_a_civil_time_and_nothing_else() {
    for start in [
        "",
        "2026-11-24",
        "05:30",
        "2026-11-24 05:30",
        "2026-11-24T05:30Z",
        "2026-11-24T05:30+07:00",
        "2026-11-24T24:00",
        "2026-11-24T05:30:60",
        "2026-11-24T5:30",
        "2026-02-29T05:30",
        "0226-11-24T05:30",
        "2026-11-24T05:30:00.5",
        "2026-11-24T05:30[Asia/Ho_Chi_Minh]",
        "2026-11-2４T05:30",
    ] {
        let refused = Recurrence::parse(start, "FREQ=DAILY", &[], VILLAGE);
        assert!(
            matches!(refused, Err(RecurrenceError::Start { .. })),
            "{start:?}"
        );
    }
}

#[test]
fn zones_and_exceptions_are_checked() {
    for zone in ["", "Hanoi", "Etc/Unknown", "+07:00", "local"] {
        let refused = Recurrence::parse("2026-11-24T05:30", "FREQ=DAILY", &[], zone);
        assert!(
            matches!(refused, Err(RecurrenceError::Zone { .. })),
            "{zone:?}"
        );
    }
    let parse = |exceptions: &[String]| {
        Recurrence::parse("2026-11-24T05:30", "FREQ=DAILY", exceptions, VILLAGE).map(|_| ())
    };
    let refused = parse(&["24/11/2026".to_owned()]).unwrap_err();
    assert!(refused.to_string().contains("`24/11/2026`"));
    let many = vec!["2026-11-24".to_owned(); 1001];
    assert_eq!(
        parse(&many),
        Err(RecurrenceError::TooManyExceptions { given: 1001 })
    );
}
