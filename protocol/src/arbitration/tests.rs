//! Sentences about what ought to sound.

use super::*;
use crate::{programme::Version, quiet_hours::DayWindow, speaker_config::VolumePlan};

mod limits;

/// Where nothing was set at the pole, and nothing has sounded.
fn decide(
    candidates: &[Candidate],
    config: &SpeakerConfig,
    silence_before: Option<WallTime>,
    now: WallTime,
    lead_ms: i64,
) -> Decision {
    let rules = Rules {
        config,
        governor: &Governor::default(),
        sounded: &Sounded::default(),
    };
    super::decide(candidates, &rules, silence_before, now, lead_ms)
}

fn t(s: i64) -> WallTime {
    // 2026-11-24T12:00:00+07:00
    WallTime::from_millis(1_795_496_400_000).plus_s(s)
}
fn config() -> SpeakerConfig {
    SpeakerConfig {
        speaker: "ban-chuong-1".parse().expect("a good name"),
        version: Version::default(),
        made: t(0),
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
fn waiting(name: &str, priority: Priority, planned: WallTime) -> Candidate {
    Candidate {
        id: format!("{name}/2026-11-24/0/0").parse().expect("a good id"),
        priority,
        status: Status::Actual,
        order: 0,
        planned,
        start_by: planned.plus_s(60),
        valid_until: None,
        on_preempt: OnPreempt::Resume,
        remaining_ms: 30_000,
        state: State::Waiting,
        ready: true,
        arrived: WallTime::EPOCH,
        running_since: WallTime::EPOCH,
    }
}
fn sounding(name: &str, priority: Priority, planned: WallTime) -> Candidate {
    Candidate {
        state: State::Sounding,
        ..waiting(name, priority, planned)
    }
}
fn sounds(candidates: &[Candidate], now: WallTime) -> Option<String> {
    decide(candidates, &config(), None, now, 0)
        .sound
        .map(|id| id.bulletin.to_string())
}
fn over(candidates: &[Candidate], now: WallTime) -> Vec<(String, Outcome)> {
    decide(candidates, &config(), None, now, 0)
        .over
        .into_iter()
        .map(|(id, o)| (id.bulletin.to_string(), o))
        .collect()
}
use Priority::{Emergency, Ordinary};

#[test]
fn nothing_sounds_before_its_time() {
    let news = waiting("news", Ordinary, t(10));
    let d = decide(std::slice::from_ref(&news), &config(), None, t(0), 0);
    assert_eq!((d.sound, d.wake), (None, Some(t(10))));
    assert_eq!(sounds(&[news], t(10)), Some("news".into()));
}

#[test]
fn an_emergency_pre_empts_at_once_and_the_news_goes_on_after_it() {
    let news = sounding("news", Ordinary, t(0));
    let flood = waiting("flood", Emergency, t(5));
    assert_eq!(sounds(&[news.clone(), flood], t(5)), Some("flood".into()));
    let cut = Candidate {
        state: State::Suspended { since: t(5) },
        ..news
    };
    assert_eq!(
        sounds(std::slice::from_ref(&cut), t(40)),
        Some("news".into())
    );
    assert_eq!(
        over(&[cut], t(5 + RESUME_WITHIN_S + 1)),
        [("news".into(), Outcome::PreEmpted)]
    );
}

#[test]
fn an_equal_does_not_cut_an_equal_but_waits_until_its_lateness_runs_out() {
    let news = sounding("news", Ordinary, t(0));
    let market = Candidate {
        order: 0,
        ..waiting("market", Ordinary, t(5))
    };
    let both = [Candidate { order: 9, ..news }, market];
    assert_eq!(sounds(&both, t(65)), Some("news".into()));
    assert_eq!(over(&both, t(65)), []);
    assert_eq!(
        over(&both, t(66)),
        [("market".into(), Outcome::Skipped(Skip::Busy))]
    );
}

#[test]
fn among_equals_the_commune_s_order_decides_then_the_earlier_plan_then_the_name() {
    let a = waiting("a", Ordinary, t(1));
    let b = waiting("b", Ordinary, t(0));
    assert_eq!(sounds(&[a.clone(), b.clone()], t(2)), Some("b".into()));
    let a_first = Candidate { order: 0, ..a };
    let b_later = Candidate { order: 1, ..b };
    assert_eq!(sounds(&[b_later, a_first], t(2)), Some("a".into()));
    let twins = [waiting("y", Ordinary, t(0)), waiting("x", Ordinary, t(0))];
    assert_eq!(sounds(&twins, t(0)), Some("x".into()));
}

#[test]
fn only_an_emergency_sounds_in_quiet_hours() {
    let night = t(15 * 3600 + 900); // 03:15
    let relay = waiting("relay", Priority::Priority, night);
    assert_eq!(sounds(std::slice::from_ref(&relay), night), None);
    assert_eq!(
        over(&[relay], night),
        [("relay".into(), Outcome::Skipped(Skip::QuietHours))]
    );
    assert_eq!(
        sounds(&[waiting("flood", Emergency, night)], night),
        Some("flood".into())
    );
}

#[test]
fn an_exercise_of_an_emergency_wakes_nobody() {
    let night = t(15 * 3600 + 900); // 03:15
    for status in [Status::Exercise, Status::Test] {
        let drill = Candidate {
            status,
            ..waiting("drill", Emergency, night)
        };
        assert_eq!(sounds(std::slice::from_ref(&drill), night), None);
        assert_eq!(
            over(std::slice::from_ref(&drill), night),
            [("drill".into(), Outcome::Skipped(Skip::QuietHours))]
        );
        // And it does not sound on into the night.
        let sounding = Candidate {
            state: State::Sounding,
            ..drill
        };
        assert_eq!(
            over(&[sounding], night),
            [(
                "drill".into(),
                Outcome::Interrupted(Interruption::QuietHours)
            )]
        );
    }
}

#[test]
fn an_exercise_of_an_emergency_cuts_the_news_by_day_and_ends_when_the_quiet_hours_begin() {
    let ten = t(10 * 3600); // 22:00
    let before = ten.plus_s(-25);
    let drill = Candidate {
        status: Status::Exercise,
        remaining_ms: 20_000,
        ..waiting("drill", Emergency, before)
    };
    let news = sounding("news", Ordinary, before.plus_s(-5));
    let both = [drill.clone(), news];
    assert_eq!(sounds(&both, before), Some("drill".into()));
    let sounding = Candidate {
        state: State::Sounding,
        ..drill
    };
    let decision = decide(&[sounding], &config(), None, before, 0);
    assert_eq!(decision.wake, Some(ten));
}

#[test]
fn what_would_run_into_the_quiet_hours_does_not_begin() {
    let ten = t(10 * 3600); // 22:00
    let long = waiting("long", Ordinary, ten.plus_s(-20));
    assert_eq!(sounds(&[long], ten.plus_s(-20)), None);
    let short = Candidate {
        remaining_ms: 20_000,
        ..waiting("short", Ordinary, ten.plus_s(-20))
    };
    assert_eq!(sounds(&[short], ten.plus_s(-20)), Some("short".into()));
}

#[test]
fn audio_that_never_came_is_missed_and_not_played_late() {
    let news = Candidate {
        ready: false,
        ..waiting("news", Ordinary, t(0))
    };
    assert_eq!(over(std::slice::from_ref(&news), t(60)), []);
    assert_eq!(
        over(&[news], t(61)),
        [("news".into(), Outcome::Missed(Miss::NoContent))]
    );
}

#[test]
fn a_pole_that_was_off_says_so() {
    let news = Candidate {
        running_since: t(100),
        ..waiting("news", Ordinary, t(0))
    };
    assert_eq!(
        over(&[news], t(100)),
        [("news".into(), Outcome::Missed(Miss::Off))]
    );
}

#[test]
fn stop_ends_what_sounds_and_what_waits_but_not_what_comes() {
    let all = [
        sounding("news", Ordinary, t(0)),
        waiting("market", Ordinary, t(3)),
        waiting("evening", Ordinary, t(100)),
    ];
    let d = decide(&all, &config(), Some(t(5)), t(5), 0);
    assert_eq!(d.sound, None);
    let over: Vec<_> = d
        .over
        .iter()
        .map(|(id, o)| (id.bulletin.as_str(), *o))
        .collect();
    assert_eq!(
        over,
        [
            ("market", Outcome::Skipped(Skip::Stopped)),
            ("news", Outcome::Interrupted(Interruption::Stopped))
        ]
    );
    assert_eq!(d.wake, Some(t(100)));
}

#[test]
fn looking_ahead_chooses_but_does_not_judge() {
    let soon = waiting("soon", Ordinary, t(1));
    let muted = SpeakerConfig {
        muted: true,
        ..config()
    };
    let d = decide(std::slice::from_ref(&soon), &muted, None, t(0), 2_000);
    assert_eq!((d.sound, d.over, d.wake), (None, vec![], Some(t(1))));
    let d = decide(&[soon], &config(), None, t(0), 2_000);
    assert_eq!(
        d.sound.map(|id| id.bulletin.to_string()),
        Some("soon".into())
    );
}

#[test]
fn a_cut_playout_goes_on_from_two_seconds_before() {
    assert_eq!(after_cut(OnPreempt::Resume, 10_000), Some(8_000));
    assert_eq!(after_cut(OnPreempt::Resume, 500), Some(0));
    assert_eq!(after_cut(OnPreempt::Restart, 10_000), Some(0));
    assert_eq!(after_cut(OnPreempt::Drop, 10_000), None);
}
