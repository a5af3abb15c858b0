//! What the preview shows is what a pole would do.

use loa_protocol::{
    arbitration::Rules,
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    content::Manifest,
    limits::{Governor, Limits},
    playout::Outcome,
    preview::{Item, preview},
    programme::Version,
    quiet_hours::DayWindow,
    sounded::{Piece, Sounded},
    speaker_config::{SpeakerConfig, VolumePlan},
    time::WallTime,
};

fn at(text: &str) -> WallTime {
    WallTime::from(text.parse::<jiff::Timestamp>().expect("a good instant"))
}

fn daily(name: &str, time: &str, seconds: u64) -> Bulletin {
    Bulletin {
        endorsement: None,
        id: name.parse().expect("a good name"),
        revision: 1,
        title: name.into(),
        priority: Priority::Ordinary,
        status: Status::Actual,
        order: 0,
        source: loa_protocol::bulletin::Source::Content(Manifest::of(
            name.as_bytes(),
            seconds * 1_000,
        )),
        replay: None,
        chime: Chime::None,
        volume: 100,
        when: When::Rule {
            start: format!("2026-11-24T{time}"),
            rrule: "FREQ=DAILY".into(),
            except: vec!["2026-11-26".into()],
        },
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: Some(60),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 3600,
        since: WallTime::EPOCH,
        valid_until: None,
    }
}

fn config() -> SpeakerConfig {
    SpeakerConfig {
        speaker: "ban-chuong-1".parse().expect("a good name"),
        version: Version::default(),
        made: WallTime::EPOCH,
        name: "Bản Chương 1".into(),
        channels: vec![],
        zone: "Asia/Ho_Chi_Minh".into(),
        quiet_hours: vec![DayWindow::new("22:00", "05:00").expect("a good window")],
        volume: VolumePlan::default(),
        muted: false,
        limits: None,
        since: WallTime::EPOCH,
        delay_trim_ms: 0,
        self_test_at: None,
        orders: Vec::new(),
    }
}

fn items(
    bulletins: &[Bulletin],
    limits: Limits,
    sounded: &Sounded,
    from: &str,
    to: &str,
) -> Vec<Item> {
    let governor = Governor {
        limits,
        ..Governor::default()
    };
    let rules = Rules {
        config: &config(),
        governor: &governor,
        sounded,
    };
    preview(bulletins, &rules, at(from), at(to))
        .expect("good bulletins")
        .items
}

type Line = (String, String, Option<i64>, &'static str);
fn shown(bulletins: &[Bulletin], from: &str, to: &str) -> Vec<Line> {
    items(bulletins, Limits::default(), &Sounded::default(), from, to)
        .into_iter()
        .map(|i| {
            let late_s = i.starts.map(|s| s.since_ms(i.planned) / 1000);
            (i.title, i.planned.to_string(), late_s, i.outcome.words().0)
        })
        .collect()
}

#[test]
fn the_morning_news_plays_each_day_but_the_excepted_one() {
    let lines = shown(
        &[daily("news", "05:30", 60)],
        "2026-11-24T00:00:00+07:00",
        "2026-11-28T00:00:00+07:00",
    );
    let days: Vec<&str> = lines.iter().map(|l| &l.1[..10]).collect();
    // 05:30 in Ha Noi is 22:30 of the day before in UTC.
    assert_eq!(days, ["2026-11-23", "2026-11-24", "2026-11-26"]);
    assert!(lines.iter().all(|l| l.2 == Some(0) && l.3 == "completed"));
}

#[test]
fn a_mis_set_relay_at_three_fifteen_is_shown_as_silent() {
    let lines = shown(
        &[daily("relay", "03:15", 1800)],
        "2026-11-24T00:00:00+07:00",
        "2026-11-25T00:00:00+07:00",
    );
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].2, lines[0].3), (None, "skipped"));
}

#[test]
fn the_one_that_collides_waits_and_then_plays_or_is_skipped() {
    let first = daily("a-first", "06:00", 40);
    let second = Bulletin {
        order: 1,
        ..daily("b-second", "06:00", 30)
    };
    let third = Bulletin {
        order: 2,
        ..daily("c-third", "06:00", 30)
    };
    let lines = shown(
        &[third, second, first],
        "2026-11-24T05:00:00+07:00",
        "2026-11-24T12:00:00+07:00",
    );
    let mut got: Vec<_> = lines.iter().map(|l| (l.0.as_str(), l.2, l.3)).collect();
    got.sort();
    assert_eq!(
        got,
        [
            ("a-first", Some(0), "completed"),
            ("b-second", Some(40), "completed"),
            ("c-third", None, "skipped")
        ]
    );
}

#[test]
fn an_emergency_cuts_the_news_which_goes_on_after_it() {
    let news = daily("news", "06:00", 100);
    let flood = Bulletin {
        priority: Priority::Emergency,
        lateness_s: None,
        when: When::At {
            at: "2026-11-24T06:00:30".into(),
        },
        ..daily("flood", "06:00", 20)
    };
    let items = items(
        &[news, flood],
        Limits::default(),
        &Sounded::default(),
        "2026-11-24T05:00:00+07:00",
        "2026-11-24T12:00:00+07:00",
    );
    let news = items.iter().find(|i| i.title == "news").expect("shown");
    let flood = items.iter().find(|i| i.title == "flood").expect("shown");
    assert_eq!(flood.starts, Some(at("2026-11-24T06:00:30+07:00")));
    assert_eq!(news.outcome, Outcome::Completed);
    // 100 s, 20 s of flood, and 2 s said again.
    assert_eq!(news.ends, Some(at("2026-11-24T06:02:02+07:00")));
}

#[test]
fn a_bulletin_said_three_times_every_ten_minutes_has_three_starts() {
    let thrice = Bulletin {
        repeat: Repeat {
            times: 3,
            every_s: 600,
        },
        ..daily("thrice", "06:00", 10)
    };
    let lines = shown(
        &[thrice],
        "2026-11-24T00:00:00+07:00",
        "2026-11-25T00:00:00+07:00",
    );
    assert_eq!(lines.len(), 3);
}

/// Title, seconds that it sounds, outcome and reason.
/// What sounds when, in seconds, and how it ends.
type Said = (String, Option<i64>, (&'static str, Option<&'static str>));

fn sounds(items: Vec<Item>) -> Vec<Said> {
    items
        .into_iter()
        .map(|i| {
            let sounded_s = i.starts.zip(i.ends).map(|(a, b)| b.since_ms(a) / 1000);
            (i.title, sounded_s, i.outcome.words())
        })
        .collect()
}

const LIMIT: Option<&str> = Some("limit");

#[test]
fn what_the_hour_s_minutes_leave_out_is_shown_before_it_is_silent() {
    let all = [
        daily("a", "06:00", 400),
        daily("b", "06:20", 400),
        daily("c", "06:40", 400),
        daily("d", "07:10", 400),
    ];
    let limits = Limits {
        hour_minutes: Some(15),
        ..Limits::default()
    };
    let day = ("2026-11-24T00:00:00+07:00", "2026-11-25T00:00:00+07:00");
    let nothing = Sounded::default();
    let shown = sounds(items(&all, limits.clone(), &nothing, day.0, day.1));
    let heard = |n: &str| (n.to_owned(), Some(400), ("completed", None));
    let silent = |n: &str| (n.to_owned(), None, ("skipped", LIMIT));
    assert_eq!(shown, [heard("a"), heard("b"), silent("c"), heard("d")]);
    // What sounded before the preview begins counts, too.
    let from = at("2026-11-24T05:30:00+07:00");
    let sounded = [Piece {
        from,
        to: from.plus_s(600),
        emergency: false,
    }];
    let shown = sounds(items(
        &all[..1],
        limits,
        &sounded.into_iter().collect(),
        "2026-11-24T05:45:00+07:00",
        day.1,
    ));
    assert_eq!(shown, [silent("a")]);
}

#[test]
fn what_is_too_long_is_shown_as_cut_and_a_repeat_too_many_as_skipped() {
    let limits = Limits {
        longest_item_s: Some(60),
        most_repeats: Some(2),
        ..Limits::default()
    };
    let opera = daily("opera", "06:00", 3_000);
    let thrice = Bulletin {
        repeat: Repeat {
            times: 3,
            every_s: 600,
        },
        ..daily("thrice", "08:00", 10)
    };
    let shown = sounds(items(
        &[opera, thrice],
        limits,
        &Sounded::default(),
        "2026-11-24T00:00:00+07:00",
        "2026-11-25T00:00:00+07:00",
    ));
    let thrice = |s, words| ("thrice".to_owned(), s, words);
    assert_eq!(
        shown,
        [
            ("opera".to_owned(), Some(60), ("interrupted", LIMIT)),
            thrice(Some(10), ("completed", None)),
            thrice(Some(10), ("completed", None)),
            thrice(None, ("skipped", LIMIT)),
        ]
    );
}

#[test]
fn what_is_longer_than_the_day_s_minutes_is_cut_at_the_very_second() {
    let limits = Limits {
        day_minutes: Some(20),
        ..Limits::default()
    };
    let shown = sounds(items(
        &[daily("opera", "06:00", 3_000)],
        limits,
        &Sounded::default(),
        "2026-11-24T00:00:00+07:00",
        "2026-11-25T00:00:00+07:00",
    ));
    assert_eq!(
        shown,
        [("opera".to_owned(), Some(1_200), ("interrupted", LIMIT))]
    );
}
