//! Sentences about the limits that no signature lifts.

use loa_protocol::{
    bulletin::{Bulletin, Repeat, Status},
    limits::{Governor, Limits},
    playout::{Interruption, Outcome, Skip},
    quiet_hours::DayWindow,
    speaker_config::SpeakerConfig,
};

use super::pole::*;

const SKIPPED: Outcome = Outcome::Skipped(Skip::Limit);
const CUT: Outcome = Outcome::Interrupted(Interruption::Limit);

fn hour(minutes: u16) -> Governor {
    with(Limits {
        hour_minutes: Some(minutes),
        ..Limits::default()
    })
}

fn with(limits: Limits) -> Governor {
    Governor {
        limits,
        ..Governor::default()
    }
}

/// So many seconds of it.
fn long(bulletin: Bulletin, seconds: u64) -> Bulletin {
    let mut long = bulletin;
    if let loa_protocol::bulletin::Source::Content(manifest) = &mut long.source {
        manifest.duration_ms = seconds * 1_000;
    }
    long
}

fn sounded_s(pole: &Pole) -> u64 {
    let sounds = pole.player.sounds.iter();
    sounds
        .map(|s| s.to_us.unwrap_or(pole.mono_us) - s.from_us)
        .sum::<u64>()
        / 1_000_000
}

#[test]
fn what_does_not_fit_into_the_hour_is_skipped_and_the_next_hour_is_new() {
    let all = [("a", 60), ("b", 700), ("c", 1_400), ("d", 3_700)];
    let all = all.map(|(name, s)| long(at(name, s), 400)).to_vec();
    let mut pole = Pole::governed(hour(15), all);
    pole.run_to(4_500);
    let told = ["a", "b", "c", "d"].map(|name| pole.outcomes(name)[0]);
    let completed = Outcome::Completed;
    assert_eq!(told, [completed, completed, SKIPPED, completed]);
}

#[test]
fn what_is_longer_than_the_limit_is_ended_by_the_player_at_the_very_instant() {
    let mut pole = Pole::governed(hour(10), vec![long(at("opera", 60), 3_000)]);
    pole.run_to(2_000);
    assert_eq!(pole.outcomes("opera"), [CUT]);
    let sound = &pole.player.sounds[0];
    assert_eq!(sound.to_us.unwrap() - sound.from_us, 600_000_000);
    assert_eq!(pole.rows("opera")[0].sounded_ms, 600_000);
}

#[test]
fn a_stricter_word_of_the_office_cuts_what_sounds_when_it_is_reached_and_a_laxer_one_does_nothing()
{
    let mut pole = Pole::governed(hour(10), vec![long(at("opera", 60), 3_000)]);
    let says = |generation, minutes| SpeakerConfig {
        limits: Some(hour(minutes).limits),
        ..config(generation)
    };
    pole.hears_config(&says(2, 60));
    pole.run_to(100);
    assert_eq!(pole.status().limits.unwrap().hour_minutes, Some(10));
    pole.hears_config(&says(3, 2));
    pole.run_to(400);
    assert_eq!(pole.outcomes("opera"), [CUT]);
    assert_eq!(sounded_s(&pole), 120);
}

#[test]
fn a_loss_of_power_gives_no_minutes_back() {
    let all = vec![long(at("a", 60), 540), long(at("b", 700), 300)];
    let c = long(at("c", 1_200), 300);
    let mut pole = Pole::governed_holding(hour(10), all, std::slice::from_ref(&c));
    pole.run_to(610);
    // It had nine of its ten minutes, and nobody wrote down its end.
    let mut pole = pole.loses_power(30);
    pole.run_to(1_000);
    assert_eq!(pole.outcomes("b"), [SKIPPED]);
    assert_eq!(pole.player.sounds, []);
    // Nor a second one.
    let mut pole = pole.loses_power(30);
    pole.hears_programme(&programme(area(), 2, vec![c]));
    pole.run_to(1_300);
    assert_eq!(pole.outcomes("c"), [SKIPPED]);
}

#[test]
fn power_that_comes_and_goes_costs_an_alarm_only_what_sounded() {
    let flood = long(emergency_at("flood", 60), 180);
    let governor = with(Limits {
        emergency_hour_minutes: Some(5),
        ..Limits::default()
    });
    let mut pole = Pole::governed(governor, vec![flood]);
    pole.run_to(70);
    for cut in 1..5 {
        pole = pole.loses_power(5);
        pole.run_to(70 + cut * 15);
    }
    pole.run_to(400);
    assert_eq!(*pole.outcomes("flood").last().unwrap(), Outcome::Completed);
}

#[test]
fn a_step_of_the_clock_gives_no_minutes_back() {
    let day = with(Limits {
        day_minutes: Some(10),
        ..Limits::default()
    });
    for step_s in [7_200, 86_400, -7_200, -86_400] {
        let again = long(said_now("b", 700 + step_s), 60);
        let first = vec![long(at("a", 60), 590)];
        let mut pole = Pole::governed_holding(day.clone(), first, std::slice::from_ref(&again));
        pole.run_to(700);
        assert_eq!(pole.outcomes("a"), [Outcome::Completed]);
        pole.system_us += step_s * 1_000_000;
        pole.hears_now(&now(9, 700 + step_s, start(again)));
        pole.run_s(700);
        assert_eq!(pole.outcomes("b"), [SKIPPED], "{step_s}");
    }
}

#[test]
fn minutes_of_before_a_loss_of_power_count_though_the_clock_went_back_meanwhile() {
    let again = long(said_now("b", 700 - 7_200), 60);
    let first = vec![long(at("a", 60), 590)];
    let mut pole = Pole::governed_holding(hour(10), first, std::slice::from_ref(&again));
    pole.run_to(700);
    pole.system_us -= 7_200 * 1_000_000;
    let mut pole = pole.loses_power(5);
    pole.hears_now(&now(9, 700 - 7_200, start(again)));
    pole.run_s(700);
    assert_eq!(pole.outcomes("b"), [SKIPPED]);
}

#[test]
fn the_pole_s_own_quiet_hours_hold_whatever_zone_and_hours_are_signed() {
    // Noon is `t(0)`.
    let governor = Governor {
        quiet_hours: vec![DayWindow::new("12:00", "13:00").unwrap()],
        ..Governor::default()
    };
    let drill = Bulletin {
        status: Status::Exercise,
        ..emergency_at("drill", 120)
    };
    let all = vec![at("news", 60), drill, emergency_at("flood", 180)];
    let mut pole = Pole::governed(governor, all);
    pole.hears_config(&SpeakerConfig {
        zone: "Europe/Paris".into(),
        quiet_hours: vec![],
        ..config(2)
    });
    pole.run_to(400);
    let quiet = Outcome::Skipped(Skip::QuietHours);
    assert_eq!(pole.outcomes("news"), [quiet]);
    assert_eq!(pole.outcomes("drill"), [quiet]);
    assert_eq!(pole.outcomes("flood"), [Outcome::Completed]);
}

#[test]
fn emergencies_have_a_ceiling_of_their_own() {
    let governor = with(Limits {
        emergency_hour_minutes: Some(10),
        hour_minutes: Some(1),
        ..Limits::default()
    });
    let cries = (0..6).map(|n| long(emergency_at(&format!("cry-{n}"), 60 + n * 400), 300));
    let mut pole = Pole::governed(governor, cries.collect());
    pole.run_to(3_600);
    assert_eq!(sounded_s(&pole), 600);
    pole.run_to(7_200);
    assert!(sounded_s(&pole) <= 1_200, "{}", sounded_s(&pole));
    assert_eq!(pole.outcomes("cry-2"), [SKIPPED]);
}

#[test]
fn a_repeat_too_many_is_skipped_and_what_is_too_long_is_cut() {
    let governor = with(Limits {
        most_repeats: Some(2),
        longest_item_s: Some(20),
        volume_ceiling: Some(30),
        ..Limits::default()
    });
    let mut thrice = emergency_at("thrice", 60);
    thrice.repeat = Repeat {
        times: 3,
        every_s: 60,
    };
    let mut pole = Pole::governed(governor, vec![thrice]);
    pole.run_to(400);
    assert_eq!(pole.outcomes("thrice"), [CUT, CUT, SKIPPED]);
    assert_eq!(sounded_s(&pole), 40);
    assert!(pole.player.sounds.iter().all(|s| s.volume == 30));
}

#[test]
fn many_short_pieces_take_bounded_memory_and_no_minute_is_lost() {
    let mut governed = crate::logic::governor::Governed::new(hour(60));
    for n in 0..5_000_u64 {
        governed.heard(n * 10_000_000, n * 10_000_000 + 1_000_000, false);
    }
    let now = loa_protocol::time::Moment {
        mono_us: 50_000_000_000,
        wall: t(0),
        trust: loa_protocol::time::Trust::Synced,
    };
    let used = governed
        .sounded(now, 0, std::iter::empty())
        .used("Asia/Ho_Chi_Minh", t(0));
    assert_eq!(used.hour_s, 360);
    assert!(used.day_s >= 4_000, "{}", used.day_s);
}

#[test]
fn what_was_cut_by_something_more_important_goes_on_only_within_the_limit() {
    let news = long(at("news", 60), 500);
    let province = long(at_priority("province", 200), 200);
    let mut pole = Pole::governed(hour(8), vec![news, province]);
    pole.run_to(4_000);
    assert_eq!(pole.outcomes("province"), [Outcome::Completed]);
    assert_eq!(pole.outcomes("news"), [CUT]);
    assert_eq!(sounded_s(&pole), 140 + 200);
}
