//! Sentences about what time it is, and who says so.

use loa_protocol::{
    playout::{Miss, Outcome},
    time::Trust,
    topic::Topic,
};

use super::pole::*;
use crate::logic::port::{Input, KernelClock};

const HELD: KernelClock = KernelClock {
    synced: false,
    held: true,
};
const SYNCED: KernelClock = KernelClock {
    synced: true,
    held: false,
};

fn trust(pole: &Pole) -> Trust {
    pole.agent.moment(pole.reading()).trust
}
/// Follows the area and holds the audio, but nobody set its clock.
fn doubtful(bulletins: Vec<loa_protocol::bulletin::Bulletin>) -> Pole {
    let pole = Pole::with(bulletins);
    Pole::untrusted_after(pole, 0)
}
fn requests(pole: &Pole) -> usize {
    pole.published
        .iter()
        .filter(|(t, _)| matches!(t, Topic::Clock(_)))
        .count()
}

#[test]
fn a_clock_that_nobody_set_starts_nothing_scheduled_and_the_missed_say_why() {
    let mut pole = doubtful(vec![at("news", 60), at("evening", 1_000)]);
    pole.run_to(500);
    assert_eq!((pole.heard(), pole.rows("news")), (vec![], vec![]));
    assert_eq!(trust(&pole), Trust::Untrusted);
    pole.input(Input::KernelClock(SYNCED));
    assert_eq!(
        pole.outcomes("news"),
        [Outcome::Missed(Miss::ClockUntrusted)]
    );
    pole.run_to(1_100);
    assert_eq!(pole.outcomes("evening"), [Outcome::Completed]);
}

#[test]
fn what_is_still_in_its_window_when_the_clock_is_trusted_is_played_late() {
    let mut pole = doubtful(vec![at("news", 60)]);
    pole.run_to(100);
    pole.input(Input::KernelClock(SYNCED));
    assert_eq!(pole.sounding(), Some("news".into()));
}

#[test]
fn what_is_said_now_needs_no_clock() {
    let mut pole = doubtful(vec![at("call", 9_000)]);
    // The board woke up in 1970.
    pole.system_us = 0;
    pole.hears_now(&now(2, 500, start(said_now("call", 500))));
    assert_eq!(pole.sounding(), Some("call".into()));
    pole.run_s(60);
    assert_eq!(pole.outcomes("call"), [Outcome::Completed]);
    assert_eq!(pole.rows("call")[0].trust, Trust::Untrusted);
}

#[test]
fn an_emergency_in_the_programme_needs_no_clock_but_an_ordinary_announcement_does() {
    let mut pole = doubtful(vec![at("flood", 9_000), at("call", 9_000)]);
    pole.system_us = 0;
    let made = loa_protocol::programme::Programme {
        made: t(10),
        ..programme(
            area(),
            2,
            vec![emergency_now("flood", 5), said_now("call", 5)],
        )
    };
    pole.hears_programme(&made);
    assert_eq!(pole.sounding(), Some("flood".into()));
    pole.run_s(100);
    assert_eq!(pole.heard().len(), 1);
}

#[test]
fn an_emergency_that_is_known_to_be_over_does_not_sound_on_a_doubtful_clock() {
    let mut pole = doubtful(vec![at("flood", 9_000)]);
    pole.system_us = 0;
    let made = loa_protocol::programme::Programme {
        made: t(9_000),
        ..programme(area(), 2, vec![emergency_now("flood", 5)])
    };
    pole.hears_programme(&made);
    pole.run_s(100);
    assert_eq!(pole.heard(), []);
}

#[test]
fn the_office_tells_the_time_to_a_pole_that_has_none() {
    let mut pole = doubtful(vec![at("news", 600)]);
    pole.system_us = 0;
    pole.input(Input::Connected);
    pole.mono_us += 100_000;
    pole.hears_the_time(t(500));
    assert_eq!(trust(&pole), Trust::Synced);
    let off = pole.agent.moment(pole.reading()).wall.since_us(t(500));
    assert!((0..=50_000).contains(&off), "{off} µs");
    pole.input(Input::Disconnected);
    pole.run_s(200);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
    assert_eq!(pole.status().clock.error_us, Some(50_000));
}

#[test]
fn a_reply_that_nobody_asked_for_or_that_took_too_long_tells_nothing() {
    let mut pole = doubtful(vec![]);
    pole.input(Input::Connected);
    pole.mono_us += 2_100_000;
    pole.hears_the_time(t(500));
    assert_eq!(trust(&pole), Trust::Untrusted);
    // The same nonce twice.
    pole.run_s(1);
    pole.hears_the_time(t(500));
    pole.mono_us += 1_000;
    let before = pole.status().clock;
    pole.hears_the_time(t(90_000));
    assert_eq!(pole.status().clock.error_us, before.error_us);
    // A connection later, an old request counts no more.
    let mut pole = doubtful(vec![]);
    pole.input(Input::Connected);
    pole.input(Input::Disconnected);
    pole.hears_the_time(t(500));
    assert_eq!(trust(&pole), Trust::Untrusted);
}

#[test]
fn the_quickest_exchange_counts() {
    let mut pole = doubtful(vec![]);
    pole.input(Input::Connected);
    for delay_us in [800_000, 2_000, 600_000] {
        let asked = requests(&pole);
        while requests(&pole) == asked {
            let (next, _) = pole.agent.next_deadline().unwrap();
            pole.run_until(next);
        }
        pole.mono_us += delay_us;
        let office = pole.reading().system.plus_us(7_000_000);
        pole.hears_the_time(office);
    }
    assert_eq!(pole.status().clock.error_us, Some(1_000));
}

#[test]
fn an_exchange_that_agrees_within_its_doubt_vouches_for_the_machines_own_clock() {
    let mut pole = doubtful(vec![]);
    pole.input(Input::Connected);
    pole.mono_us += 40_000;
    // 15 ms before what the machine shows: a slow way there explains that.
    let office = pole.reading().system.plus_us(-35_000);
    pole.hears_the_time(office);
    let moment = pole.agent.moment(pole.reading());
    assert_eq!(
        (moment.wall, moment.trust),
        (pole.reading().system, Trust::Synced)
    );
}

#[test]
fn exchanges_are_frequent_at_first_and_rare_later() {
    let mut pole = Pole::new();
    pole.input(Input::Connected);
    pole.run_s(9);
    assert_eq!(requests(&pole), 10);
    pole.run_s(600);
    assert_eq!(requests(&pole), 20);
    pole.input(Input::Disconnected);
    pole.run_s(600);
    assert_eq!(requests(&pole), 20);
}

#[test]
fn a_battery_clock_that_shows_a_time_known_to_be_past_is_wrong() {
    let mut pole = Pole::with(vec![]);
    pole.run_to(1_000);
    let known = pole.disk.known_time;
    assert!(known.is_some());
    let mut pole = Pole::untrusted_after(pole, 0);
    pole.system_us -= 3_600_000_000;
    pole.input(Input::KernelClock(HELD));
    assert_eq!(trust(&pole), Trust::Untrusted);
    pole.system_us += 3_600_000_000;
    pole.input(Input::Tick);
    assert_eq!(trust(&pole), Trust::Held);
    // Nor is one before the program was built, whoever vouches for it.
    pole.system_us = 0;
    pole.input(Input::KernelClock(SYNCED));
    assert_eq!(trust(&pole), Trust::Untrusted);
}

#[test]
fn the_time_is_kept_every_ten_minutes_and_at_the_end() {
    let mut pole = Pole::new();
    assert_eq!(pole.disk.known_time, Some(t(0)));
    pole.run_to(559);
    assert_eq!(pole.disk.known_time, Some(t(0)));
    pole.run_to(600);
    let kept = pole.disk.known_time.unwrap();
    assert!((560..600).contains(&(kept.since_ms(t(0)) / 1_000)));
    pole.run_to(640);
    pole.input(Input::Shutdown);
    assert_eq!(pole.disk.known_time, Some(t(640)));
}

#[test]
fn a_clock_that_steps_forward_over_a_bulletin_says_that_the_clock_was_to_blame() {
    let mut pole = Pole::with(vec![at("news", 6_000), at("evening", 9_500)]);
    pole.run_to(4_000);
    pole.system_us += 3_600_000_000;
    pole.run_s(40);
    assert_eq!(
        pole.outcomes("news"),
        [Outcome::Missed(Miss::ClockUntrusted)]
    );
    pole.run_to(9_600);
    assert_eq!(pole.outcomes("evening"), [Outcome::Completed]);
}

#[test]
fn a_clock_that_steps_back_plays_nothing_twice() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(120);
    pole.system_us -= 3_600_000_000;
    pole.run_to(300);
    assert_eq!(pole.player.sounds.len(), 1);
}

#[test]
fn what_is_armed_is_armed_again_when_the_clock_steps() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_until(pole.mono(60) - 200_000);
    assert!(pole.player.armed.is_some());
    pole.system_us -= 30_000_000;
    pole.input(Input::Tick);
    assert!(pole.player.armed.is_none());
    pole.run_to(120);
    assert_eq!(pole.heard(), [("news".into(), 60.0, 90.0, 0.0)]);
    assert_eq!(pole.rows("news")[0].error_us, Some(0));
}

#[test]
fn a_step_is_noticed_in_time_for_what_comes() {
    let mut pole = Pole::with(vec![at("news", 1_800)]);
    pole.run_to(10);
    // To 5 s before the news.
    pole.system_us += 1_785_000_000;
    pole.run_to(1_900);
    assert_eq!(pole.rows("news")[0].error_us, Some(0));
}

#[test]
fn a_pole_whose_network_time_went_away_goes_on_by_its_clock() {
    let mut pole = Pole::with(vec![at("news", 70_000)]);
    pole.run_to(40_000);
    pole.input(Input::KernelClock(KernelClock::default()));
    assert_eq!(trust(&pole), Trust::Synced);
    pole.run_to(70_100);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn a_slow_battery_clock_that_was_found_out_is_not_believed_again_later() {
    let mut pole = Pole::untrusted(Disk::default(), 64 << 20);
    pole.hears_config(&config(1));
    pole.system_us -= 159_000_000;
    pole.input(Input::KernelClock(HELD));
    assert_eq!(trust(&pole), Trust::Held);
    let made = loa_protocol::programme::Programme {
        made: t(0),
        ..programme(area(), 2, vec![])
    };
    pole.hears_programme(&made);
    assert_eq!(trust(&pole), Trust::Untrusted);
    for _ in 0..10 {
        pole.run_s(60);
        assert_eq!(trust(&pole), Trust::Untrusted);
    }
}
