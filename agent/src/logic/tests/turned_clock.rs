//! Sentences about somebody who holds the office's key and tells poles a time that it is not.

use loa_protocol::{
    limits::Governor,
    playout::{Outcome, Skip},
    quiet_hours::DayWindow,
    time::{Trust, WallTime},
    topic::Topic,
};

use super::pole::*;
use crate::logic::{
    clock::MOVE_US,
    port::{Input, KernelClock},
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// As far as the office's word reaches in a day, in seconds.
const REACH: i64 = MOVE_US.cast_signed() / 1_000_000;

fn trust(pole: &Pole) -> Trust {
    pole.agent.moment(pole.reading()).trust
}
/// The true time: it was noon when the machine's steady clock showed a second.
fn truth(pole: &Pole) -> WallTime {
    t(-1).plus_us(pole.mono_us.cast_signed())
}
/// How wrong the pole is, in whole seconds.
fn wrong_s(pole: &Pole) -> i64 {
    let wall = pole.agent.moment(pole.reading()).wall;
    wall.since_us(truth(pole)) / 1_000_000
}
fn requests(pole: &Pole) -> usize {
    let topics = pole.published.iter().map(|(topic, _)| topic);
    topics.filter(|t| matches!(t, Topic::Clock(_))).count()
}
/// The next exchange tells a time so many seconds from the true one.
fn hears(pole: &mut Pole, by_s: i64) {
    let before = requests(pole);
    while requests(pole) == before {
        pole.run_s(1);
    }
    let office = truth(pole).plus_s(by_s);
    pole.hears_the_time(office);
}
/// The line is up, the machine's own clock is nothing worth, and the first exchanges tell this.
fn told(mut pole: Pole, by_s: i64) -> Pole {
    pole.system_us = 0;
    pole.input(Input::Connected);
    for _ in 0..3 {
        hears(&mut pole, by_s);
    }
    // An hour of it, and it is firm.
    pole.run_s(HOUR as u64);
    hears(&mut pole, by_s);
    pole
}
fn fresh() -> Pole {
    let mut pole = Pole::untrusted(Disk::default(), 64 << 20);
    pole.hears_config(&config(1));
    pole
}

#[test]
fn the_offices_word_turns_a_sure_clock_no_further_than_ten_minutes_in_a_day() {
    for by_s in [-40 * DAY, -3 * HOUR, REACH + 5, 9 * HOUR, 400 * DAY] {
        let mut pole = told(fresh(), 0);
        assert_eq!((trust(&pole), wrong_s(&pole)), (Trust::Synced, 0));
        // Until nothing else is remembered.
        for _ in 0..20 {
            hears(&mut pole, by_s);
        }
        assert_eq!((trust(&pole), wrong_s(&pole)), (Trust::Synced, 0), "{by_s}");
        assert_eq!(pole.faults("clock_disputed"), 1);
        hears(&mut pole, 2);
        assert_eq!(wrong_s(&pole), 2);
    }
    // Nor by many small steps.
    let mut pole = told(fresh(), 0);
    for step in 1..40 {
        hears(&mut pole, step * 60);
        assert!((0..=REACH).contains(&wrong_s(&pole)), "{step}");
    }
}

#[test]
fn an_office_whose_clock_was_wrong_is_followed_when_it_has_said_so_for_a_day() {
    let mut pole = told(fresh(), 7 * HOUR);
    assert_eq!(wrong_s(&pole), 7 * HOUR);
    let corrected = pole.mono_us;
    hears(&mut pole, 0);
    while pole.mono_us < corrected + (DAY as u64 - 1_200) * 1_000_000 {
        pole.run_s(600);
        hears(&mut pole, 0);
        assert_eq!(wrong_s(&pole), 7 * HOUR);
    }
    pole.run_s(1_200);
    hears(&mut pole, 0);
    assert_eq!((trust(&pole), wrong_s(&pole)), (Trust::Synced, 0));
}

#[test]
fn an_office_that_finds_its_own_time_within_the_hour_is_followed_at_once() {
    let mut pole = fresh();
    pole.system_us = 0;
    pole.input(Input::Connected);
    hears(&mut pole, -5 * HOUR);
    hears(&mut pole, -5 * HOUR);
    pole.run_s(600);
    hears(&mut pole, 0);
    assert_eq!((trust(&pole), wrong_s(&pole)), (Trust::Synced, 0));
    assert_eq!(pole.faults("clock_disputed"), 0);
    // And then it is firm, an hour after the first word.
    pole.run_s(HOUR as u64);
    hears(&mut pole, 0);
    hears(&mut pole, -5 * HOUR);
    assert_eq!(wrong_s(&pole), 0);
}

#[test]
fn who_is_silent_for_long_or_says_something_else_meanwhile_did_not_insist() {
    let mut pole = told(fresh(), 0);
    for n in 0..30 {
        hears(&mut pole, 9 * HOUR);
        // Its connection, too, was away.
        pole.input(Input::Disconnected);
        pole.run_s(2 * HOUR as u64);
        pole.input(Input::Connected);
        assert_eq!(wrong_s(&pole), 0, "{n}");
    }
    for n in 0..30 {
        hears(&mut pole, (9 + n) * HOUR);
        pole.run_s(HOUR as u64 - 600);
        assert_eq!(wrong_s(&pole), 0, "{n}");
    }
}

#[test]
fn noon_told_at_three_in_the_morning_lifts_no_quiet_hours() {
    let night = 15 * HOUR;
    let mut pole = fresh();
    pole.agent.governed.own = Governor {
        quiet_hours: vec![DayWindow::new("22:30", "04:30").unwrap()],
        ..Governor::default()
    };
    // It has a battery clock, and that is right.
    pole.input(Input::Connected);
    pole.input(Input::KernelClock(KernelClock {
        synced: false,
        held: true,
    }));
    for _ in 0..3 {
        hears(&mut pole, 0);
    }
    pole.run_to(night - 100);
    hears(&mut pole, 0);
    pole.run_to(night);
    for _ in 0..10 {
        hears(&mut pole, 9 * HOUR);
    }
    // What the thief signs is "made at noon", too: the battery clock is said to be behind.
    let hour = night + 9 * HOUR;
    pole.hears_programme(&loa_protocol::programme::Programme {
        made: t(hour),
        ..programme(area(), 2, vec![])
    });
    pole.hears_now(&now(3, hour, start(said_now("shout", hour))));
    pole.run_s(60);
    assert_eq!((wrong_s(&pole), pole.heard()), (0, vec![]));
    pole.hears_now(&now(4, night + 60, start(said_now("again", night + 60))));
    pole.run_s(60);
    assert_eq!(pole.outcomes("again"), [Outcome::Skipped(Skip::QuietHours)]);
}

#[test]
fn a_restart_of_the_program_is_no_new_beginning_for_the_clock() {
    let pole = told(fresh(), 0);
    let mut pole = told(Pole::untrusted_after(pole, 30), 9 * HOUR);
    assert_eq!(trust(&pole), Trust::Untrusted);
    hears(&mut pole, 0);
    assert_eq!((trust(&pole), wrong_s(&pole)), (Trust::Synced, 0));
}

#[test]
fn after_a_power_cut_nobody_is_told_of_an_hour_that_is_over() {
    let mut pole = told(fresh(), 0);
    pole.run_s(10);
    pole.disk.machine += 1;
    let mut pole = told(Pole::untrusted_after(pole, 30), -3 * HOUR);
    assert_eq!(trust(&pole), Trust::Untrusted);
    // How long it was dark nobody knows.
    hears(&mut pole, 0);
    assert_eq!((trust(&pole), wrong_s(&pole)), (Trust::Synced, 0));
    pole.disk.machine += 1;
    let pole = told(Pole::untrusted_after(pole, 30), 3 * DAY);
    assert_eq!((trust(&pole), wrong_s(&pole)), (Trust::Synced, 3 * DAY));
}
