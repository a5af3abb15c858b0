//! What the preview shows is what a pole would do.

use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    content::Manifest,
    playout::Outcome,
    preview::preview,
    programme::Version,
    quiet_hours::DayWindow,
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
        manifest: Manifest::of(name.as_bytes(), seconds * 1_000),
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

type Line = (String, String, Option<i64>, &'static str);
fn shown(bulletins: &[Bulletin], from: &str, to: &str) -> Vec<Line> {
    preview(bulletins, &config(), at(from), at(to))
        .expect("good bulletins")
        .items
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
    let items = preview(
        &[news, flood],
        &config(),
        at("2026-11-24T05:00:00+07:00"),
        at("2026-11-24T12:00:00+07:00"),
    )
    .expect("good bulletins")
    .items;
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
