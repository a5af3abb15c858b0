//! Sentences about what no signature makes a speaker do.

use super::*;
use crate::sounded::Piece;

/// Seconds since noon, from and until.
fn pieces(emergency: bool, spans: &[(i64, i64)]) -> Sounded {
    let piece = |&(from, to): &(i64, i64)| Piece {
        from: t(from),
        to: t(to),
        emergency,
    };
    spans.iter().map(piece).collect()
}

/// What sounds, what is over, and when to look again, in seconds since noon.
type Told = (Option<String>, Vec<(String, Outcome)>, Option<i64>);

fn told(candidates: &[Candidate], limits: &Limits, sounded: &Sounded, at_s: i64) -> Told {
    let governor = Governor {
        limits: limits.clone(),
        ..Governor::default()
    };
    let rules = Rules {
        config: &SpeakerConfig {
            quiet_hours: vec![],
            ..config()
        },
        governor: &governor,
        sounded,
    };
    let d = super::super::decide(candidates, &rules, None, t(at_s), 0);
    let name = |id: OccurrenceId| id.bulletin.to_string();
    let over = d.over.into_iter().map(|(id, o)| (name(id), o)).collect();
    let wake = d.wake.map(|at| at.since_ms(t(0)) / 1_000);
    (d.sound.map(name), over, wake)
}

fn long(name: &str, priority: Priority, at_s: i64, seconds: u64) -> Candidate {
    Candidate {
        remaining_ms: seconds * 1_000,
        ..waiting(name, priority, t(at_s))
    }
}

fn hour(minutes: u16) -> Limits {
    Limits {
        hour_minutes: Some(minutes),
        ..Limits::default()
    }
}

fn name(name: &str) -> Option<String> {
    Some(name.into())
}

const SKIPPED: Outcome = Outcome::Skipped(Skip::Limit);
const CUT: Outcome = Outcome::Interrupted(Interruption::Limit);

#[test]
fn the_pole_s_own_quiet_hours_are_kept_whatever_the_office_signs_and_whatever_zone_it_names() {
    let governor = Governor {
        quiet_hours: vec![DayWindow::new("22:30", "04:30").expect("a good window")],
        ..Governor::default()
    };
    // 03:15 here is 21:15 there.
    let lenient = SpeakerConfig {
        quiet_hours: vec![],
        zone: "Europe/Paris".into(),
        ..config()
    };
    let night = t(15 * 3600 + 900);
    let rules = Rules {
        config: &lenient,
        governor: &governor,
        sounded: &Sounded::default(),
    };
    let decide = |c: Candidate| super::super::decide(&[c], &rules, None, night, 0);
    let relay = decide(waiting("relay", Priority::Priority, night));
    assert_eq!(relay.sound, None);
    assert_eq!(relay.over[0].1, Outcome::Skipped(Skip::QuietHours));
    assert!(decide(waiting("flood", Emergency, night)).sound.is_some());
}

#[test]
fn the_office_s_quiet_hours_hold_beside_the_pole_s_own() {
    let governor = Governor {
        quiet_hours: vec![DayWindow::new("12:00", "13:00").expect("a good window")],
        ..Governor::default()
    };
    let config = config();
    let sounded = Sounded::default();
    let rules = Rules {
        config: &config,
        governor: &governor,
        sounded: &sounded,
    };
    for (at_s, quiet) in [(60, true), (3_600, false), (10 * 3600, true)] {
        assert_eq!(rules.is_quiet(t(at_s)), quiet, "{at_s}");
    }
    assert_eq!(rules.quiet_from(t(3_600)), Some(t(10 * 3600)));
}

#[test]
fn what_does_not_fit_into_the_hour_waits_and_is_then_skipped() {
    let sounded = pieces(false, &[(-1_200, -600)]);
    let news = long("news", Ordinary, 0, 302);
    let all = std::slice::from_ref(&news);
    // Ten of fifteen minutes are used up, and come back only from 12:40 on.
    assert_eq!(told(all, &hour(15), &sounded, 0), (None, vec![], Some(60)));
    assert_eq!(
        told(all, &hour(15), &sounded, 61),
        (None, vec![("news".into(), SKIPPED)], None)
    );
    let patient = Candidate {
        start_by: t(7_200),
        ..news.clone()
    };
    let (sound, over, wake) = told(std::slice::from_ref(&patient), &hour(15), &sounded, 0);
    assert_eq!((sound, over), (None, vec![]));
    let at = wake.expect("it will fit");
    assert_eq!(
        told(&[patient], &hour(15), &sounded, at + 1).0,
        name("news")
    );
    let short = long("short", Ordinary, 0, 300);
    assert_eq!(told(&[short], &hour(15), &sounded, 0).0, name("short"));
}

#[test]
fn three_bulletins_of_five_minutes_fit_into_fifteen_though_players_are_late_by_milliseconds() {
    let late = |s: i64| (t(s).plus_ms(40), t(s + 300).plus_ms(40));
    let piece = |(from, to)| Piece {
        from,
        to,
        emergency: false,
    };
    let sounded: Sounded = [late(-1_000), late(-500)].map(piece).into_iter().collect();
    let third = long("third", Ordinary, 0, 300);
    assert_eq!(told(&[third], &hour(15), &sounded, 0).0, name("third"));
}

#[test]
fn what_is_longer_than_the_hour_s_minutes_begins_when_they_are_all_left_and_is_cut_at_the_last() {
    let opera = long("opera", Ordinary, 0, 7_200);
    let nothing = Sounded::default();
    let (sound, _, wake) = told(std::slice::from_ref(&opera), &hour(15), &nothing, 0);
    assert_eq!((sound, wake), (name("opera"), Some(900)));
    let used = pieces(false, &[(-60, -50)]);
    assert_eq!(
        told(std::slice::from_ref(&opera), &hour(15), &used, 0).0,
        None
    );
    let sounding = [Candidate {
        state: State::Sounding,
        ..opera
    }];
    let at = |s| told(&sounding, &hour(15), &pieces(false, &[(0, s)]), s);
    assert_eq!(at(899), (name("opera"), vec![], Some(900)));
    assert_eq!(at(900), (None, vec![("opera".into(), CUT)], None));
}

#[test]
fn fifteen_minutes_at_the_top_of_every_hour_keep_to_fifteen_minutes_an_hour() {
    let sounded = pieces(false, &[(-3_600, -2_700)]);
    let news = long("news", Ordinary, 0, 900);
    let (sound, _, wake) = told(&[news], &hour(15), &sounded, 0);
    assert_eq!((sound, wake), (name("news"), Some(900)));
}

#[test]
fn a_session_ends_at_its_limit_and_another_begins_after_five_minutes_of_silence() {
    let limits = Limits {
        session_minutes: Some(45),
        ..Limits::default()
    };
    // A pause of four minutes is none.
    let sounded = pieces(false, &[(-3_000, -1_500), (-1_260, -60)]);
    let news = Candidate {
        start_by: t(600),
        ..long("news", Ordinary, 0, 30)
    };
    let (sound, over, wake) = told(std::slice::from_ref(&news), &limits, &sounded, 0);
    assert_eq!((sound, over, wake), (None, vec![], Some(240)));
    assert_eq!(told(&[news], &limits, &sounded, 240).0, name("news"));
}

#[test]
fn an_emergency_is_no_silence_that_ends_a_session() {
    let limits = Limits {
        session_minutes: Some(10),
        ..Limits::default()
    };
    let mut sounded = pieces(false, &[(-1_000, -400)]);
    sounded.add(Piece {
        from: t(-400),
        to: t(-10),
        emergency: true,
    });
    let news = long("news", Ordinary, 0, 30);
    assert_eq!(told(&[news], &limits, &sounded, 0).0, None);
}

#[test]
fn a_day_s_minutes_come_back_at_midnight_in_the_pole_s_own_zone() {
    let limits = Limits {
        day_minutes: Some(30),
        ..Limits::default()
    };
    let sounded = pieces(false, &[(-7_200, -5_400)]);
    let midnight = 12 * 3_600;
    let at = |s| told(&[long("news", Ordinary, s, 30)], &limits, &sounded, s).0;
    assert_eq!((at(0), at(midnight - 60)), (None, None));
    assert_eq!(at(midnight), name("news"));
    // Where the day is doubtful, the last 24 hours count.
    let mut doubtful = sounded.clone();
    doubtful.is_day_doubtful = true;
    let news = long("news", Ordinary, midnight, 30);
    assert_eq!(told(&[news], &limits, &doubtful, midnight).0, None);
}

#[test]
fn an_emergency_in_earnest_passes_the_minutes_but_has_a_ceiling_of_its_own() {
    let limits = Limits {
        session_minutes: Some(1),
        day_minutes: Some(1),
        emergency_hour_minutes: Some(20),
        ..hour(1)
    };
    let used_up = pieces(false, &[(-300, -240)]);
    let flood = long("flood", Emergency, 0, 300);
    assert_eq!(
        told(std::slice::from_ref(&flood), &limits, &used_up, 0).0,
        name("flood")
    );
    let drill = Candidate {
        status: Status::Exercise,
        ..flood.clone()
    };
    assert_eq!(told(&[drill], &limits, &used_up, 0).0, None);
    let cried = pieces(true, &[(-1_800, -840)]);
    assert_eq!(
        told(std::slice::from_ref(&flood), &limits, &cried, 0).0,
        None
    );
    let sounding = Candidate {
        state: State::Sounding,
        ..flood
    };
    let cried = pieces(true, &[(-1_200, 0)]);
    assert_eq!(
        told(&[sounding], &limits, &cried, 0).1,
        [("flood".into(), CUT)]
    );
}

#[test]
fn an_emergency_takes_nothing_from_the_evening_s_bulletins() {
    let cried = pieces(true, &[(-900, -60)]);
    let news = long("news", Ordinary, 0, 300);
    assert_eq!(told(&[news], &hour(5), &cried, 0).0, name("news"));
}

#[test]
fn a_repeat_too_many_is_skipped_and_be_it_an_emergency() {
    let limits = Limits {
        most_repeats: Some(3),
        ..Limits::default()
    };
    let repeat = |n: u16| Candidate {
        id: format!("flood/2026-11-24/0/{n}").parse().expect("an id"),
        ..waiting("flood", Emergency, t(0))
    };
    let nothing = Sounded::default();
    assert_eq!(told(&[repeat(2)], &limits, &nothing, 0).0, name("flood"));
    assert_eq!(
        told(&[repeat(3)], &limits, &nothing, 0),
        (None, vec![("flood".into(), SKIPPED)], None)
    );
}

#[test]
fn the_office_s_limits_only_make_the_pole_s_own_stricter() {
    let governor = Governor {
        limits: hour(15),
        ..Governor::default()
    };
    let with = |limits| SpeakerConfig { limits, ..config() };
    let in_force = |limits| {
        let config = with(limits);
        let sounded = Sounded::default();
        let rules = Rules {
            config: &config,
            governor: &governor,
            sounded: &sounded,
        };
        rules.limits().hour_minutes
    };
    assert_eq!(in_force(None), Some(15));
    assert_eq!(in_force(Some(hour(60))), Some(15));
    assert_eq!(in_force(Some(hour(5))), Some(5));
}

#[test]
fn what_was_cut_goes_on_only_when_the_rest_fits() {
    let rest = Candidate {
        state: State::Suspended { since: t(-60) },
        remaining_ms: 400_000,
        ..waiting("news", Ordinary, t(-900))
    };
    let used = pieces(false, &[(-900, -60)]);
    let (sound, over, _) = told(std::slice::from_ref(&rest), &hour(20), &used, 0);
    assert_eq!((sound, over), (None, vec![]));
    assert_eq!(
        told(std::slice::from_ref(&rest), &hour(30), &used, 0).0,
        name("news")
    );
    let late = 30 * 60;
    assert_eq!(
        told(&[rest], &hour(20), &used, late).1,
        [("news".into(), CUT)]
    );
}
