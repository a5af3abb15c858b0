//! Sentences about losing power.

use loa_protocol::{
    bulletin::Bulletin,
    event::What,
    playout::{Interruption, Miss, Outcome},
    topic::Topic,
};

use super::pole::*;
use crate::logic::port::Input;

const POWER_CUT: Outcome = Outcome::Interrupted(Interruption::PowerCut);

#[test]
fn a_bulletin_cut_by_a_loss_of_power_is_reported_and_not_repeated() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(70);
    let mut pole = pole.loses_power(5);
    assert_eq!(pole.outcomes("news"), [POWER_CUT]);
    pole.run_to(600);
    assert_eq!(pole.player.sounds, []);
    assert_eq!(pole.story("news"), ["started", "ended"]);
}

#[test]
fn an_emergency_cut_by_a_loss_of_power_is_said_again_while_its_window_lasts() {
    let mut pole = Pole::with(vec![emergency_at("flood", 60)]);
    pole.run_to(70);
    let mut pole = pole.loses_power(5);
    pole.run_to(200);
    assert_eq!(pole.outcomes("flood"), [POWER_CUT, Outcome::Completed]);
    let attempts: Vec<u16> = pole.rows("flood").iter().map(|p| p.id.attempt).collect();
    assert_eq!(attempts, [0, 1]);
    // And not a third time.
    let mut pole = pole.loses_power(5);
    pole.run_to(400);
    assert_eq!(pole.rows("flood").len(), 2);

    let mut pole = Pole::with(vec![emergency_at("flood", 60)]);
    pole.run_to(70);
    let mut pole = pole.loses_power(3_600);
    pole.run_to(8_000);
    assert_eq!(pole.outcomes("flood"), [POWER_CUT]);
    assert_eq!(pole.player.sounds, []);
}

#[test]
fn an_emergency_that_was_given_no_end_is_not_said_again_half_an_hour_after_its_plan() {
    let endless = Bulletin {
        valid_until: None,
        ..emergency_at("flood", 60)
    };
    let dark_for = |s| {
        let mut pole = Pole::with(vec![endless.clone()]);
        pole.run_to(70);
        let mut pole = pole.loses_power(s);
        pole.run_to(8_000);
        pole.outcomes("flood")
    };
    assert_eq!(dark_for(1_700), [POWER_CUT, Outcome::Completed]);
    assert_eq!(dark_for(1_900), [POWER_CUT]);
}

#[test]
fn an_emergency_that_was_given_no_end_does_not_start_half_an_hour_after_its_plan() {
    let endless = Bulletin {
        valid_until: None,
        ..emergency_at("flood", 60)
    };
    let mut pole = Pole::with(vec![endless]).loses_power(2_000);
    pole.run_to(8_000);
    assert_eq!(pole.outcomes("flood"), [Outcome::Missed(Miss::Off)]);
}

#[test]
fn a_row_without_a_start_was_perhaps_heard_and_is_not_repeated() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_until(pole.mono(60) - 200_000);
    assert_eq!(pole.rows("news").len(), 1);
    let mut pole = pole.loses_power(1);
    pole.run_to(200);
    assert_eq!(pole.outcomes("news"), [POWER_CUT]);
    assert_eq!(pole.player.sounds, []);
}

#[test]
fn what_was_decided_but_not_durable_is_as_if_it_never_was() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(50);
    pole.hold_commits = true;
    pole.run_to(65);
    assert_eq!(pole.rows("news"), []);
    let mut pole = pole.loses_power(5);
    pole.run_to(200);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn what_came_and_went_while_the_power_was_off_is_missed_and_what_can_still_be_is_played() {
    let late = Bulletin {
        lateness_s: Some(600),
        ..at("late", 100)
    };
    let mut pole = Pole::with(vec![at("news", 60), late]);
    pole.run_to(10);
    let mut pole = pole.loses_power(300);
    pole.run_to(500);
    assert_eq!(pole.outcomes("news"), [Outcome::Missed(Miss::Off)]);
    assert_eq!(pole.outcomes("late"), [Outcome::Completed]);
}

#[test]
fn a_pole_plays_its_programme_from_disk_with_nobody_there() {
    let pole = Pole::with(vec![at("news", 600)]);
    let mut pole = pole.loses_power(30);
    pole.run_to(700);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
    assert_eq!(pole.published, []);
}

#[test]
fn a_suspended_bulletin_is_closed_by_a_loss_of_power() {
    let mut pole = Pole::with(vec![at("news", 60), at_priority("province", 70)]);
    pole.run_to(80);
    let mut pole = pole.loses_power(5);
    pole.run_to(300);
    assert_eq!(
        (pole.outcomes("news"), pole.outcomes("province")),
        (vec![POWER_CUT], vec![POWER_CUT])
    );
    assert_eq!(pole.rows("news")[0].sounded_ms, 10_000);
}

#[test]
fn a_clean_end_stops_the_sound_closes_the_row_and_says_goodbye() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.input(Input::Connected);
    pole.run_to(70);
    pole.input(Input::Shutdown);
    assert_eq!(pole.sounding(), None);
    assert_eq!(pole.outcomes("news"), [POWER_CUT]);
    assert_eq!(pole.rows("news")[0].sounded_ms, 10_000);
    assert!(pole.agent.is_quiescent());
    assert_eq!(pole.agent.next_deadline(), None);
    let status: loa_protocol::status::SpeakerStatus = pole
        .last_published(|t| matches!(t, Topic::Status(_)))
        .unwrap();
    assert!(!status.online && status.sounding.is_none());
    // Nothing more comes of it.
    pole.hears_now(&now(9, 70, start(said_now("call", 70))));
    assert_eq!(pole.sounding(), None);
    let mut pole = pole.loses_power(5);
    pole.run_to(200);
    assert_eq!(pole.outcomes("news"), [POWER_CUT]);
}

#[test]
fn an_emergency_cut_by_a_restart_of_the_program_is_said_again() {
    let mut pole = Pole::with(vec![emergency_at("flood", 60)]);
    pole.run_to(70);
    pole.input(Input::Shutdown);
    let mut pole = pole.loses_power(1);
    pole.run_to(200);
    assert_eq!(pole.outcomes("flood"), [POWER_CUT, Outcome::Completed]);
}

#[test]
fn every_run_is_told_of() {
    let pole = Pole::with(vec![]).loses_power(1).loses_power(1);
    let boots: Vec<u64> = pole
        .disk
        .told
        .iter()
        .filter_map(|e| match &e.what {
            What::Booted { boot, agent, .. } if agent == "loa-agent test" => Some(*boot),
            _ => None,
        })
        .collect();
    assert_eq!(boots, [1, 2, 3]);
}

#[test]
fn a_month_away_is_accounted_for_without_end() {
    use loa_protocol::bulletin::{Priority, When};
    let rule = When::Rule {
        start: civil(60),
        rrule: "FREQ=HOURLY".into(),
        except: vec![],
    };
    let hourly = bulletin("hourly", Priority::Ordinary, rule);
    let mut pole = Pole::with(vec![hourly]);
    pole.run_to(10);
    let mut pole = pole.loses_power(30 * 86_400);
    pole.run_s(60);
    let missed = pole.outcomes("hourly");
    assert_eq!(missed.len(), 30 * 24);
    assert!(missed.iter().all(|o| *o == Outcome::Missed(Miss::Off)));
}
