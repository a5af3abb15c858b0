//! Sentences about what cuts what, and what goes on.

use loa_protocol::{
    bulletin::{Bulletin, OnPreempt},
    playout::{Failure, Interruption, Outcome},
    programme::Command,
};

use super::pole::*;
use crate::logic::port::PlayerCommand;

#[test]
fn an_emergency_cuts_at_once_and_the_news_goes_on_from_two_seconds_before() {
    let mut pole = Pole::holding(&[at("news", 60), emergency_now("flood", 70)]);
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, vec![at("news", 60)]));
    pole.run_to(70);
    pole.hears_now(&now(2, 70, start(emergency_now("flood", 70))));
    assert_eq!(pole.sounding(), Some("flood".into()));
    pole.run_to(200);
    assert_eq!(
        pole.heard(),
        [
            ("news".into(), 60.0, 70.0, 0.0),
            ("flood".into(), 70.0, 100.0, 0.0),
            ("news".into(), 100.0, 122.0, 8.0),
        ]
    );
    assert_eq!(
        pole.story("news"),
        ["started", "suspended", "started", "ended"]
    );
    let row = &pole.rows("news")[0];
    assert_eq!(
        (row.cuts, row.sounded_ms, row.outcome),
        (1, 32_000, Some(Outcome::Completed))
    );
}

#[test]
fn an_emergency_silences_the_news_before_its_own_row_is_durable() {
    let mut pole = Pole::holding(&[at("news", 60), emergency_now("flood", 70)]);
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, vec![at("news", 60)]));
    pole.run_to(70);
    pole.hold_commits = true;
    pole.hears_now(&now(2, 70, start(emergency_now("flood", 70))));
    assert_eq!(pole.sounding(), None);
    pole.run_to(71);
    pole.commit_held();
    assert_eq!(pole.sounding(), Some("flood".into()));
}

#[test]
fn an_emergency_whose_row_cannot_be_written_stays_silent_and_the_news_goes_on() {
    let mut pole = Pole::holding(&[at("news", 60), emergency_now("flood", 70)]);
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, vec![at("news", 60)]));
    pole.run_to(70);
    pole.fail_commits = true;
    pole.hears_now(&now(2, 70, start(emergency_now("flood", 70))));
    pole.fail_commits = false;
    pole.run_to(200);
    assert_eq!(pole.outcomes("flood"), [Outcome::Failed(Failure::Ledger)]);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn a_scheduled_higher_priority_takes_over_at_its_very_instant_without_a_gap() {
    let mut pole = Pole::with(vec![at("news", 60), at_priority("province", 70)]);
    pole.run_to(200);
    assert_eq!(
        pole.heard(),
        [
            ("news".into(), 60.0, 70.0, 0.0),
            ("province".into(), 70.0, 100.0, 0.0),
            ("news".into(), 100.0, 122.0, 8.0),
        ]
    );
    let stops = pole
        .commands
        .iter()
        .filter(|c| matches!(c, PlayerCommand::Stop { .. }))
        .count();
    assert_eq!(stops, 0);
}

#[test]
fn a_scheduled_emergency_does_not_silence_the_news_before_its_time() {
    let mut pole = Pole::with(vec![at("news", 60), emergency_at("drill", 70)]);
    pole.run_to(200);
    assert_eq!(pole.heard()[0], ("news".into(), 60.0, 70.0, 0.0));
    assert_eq!(pole.heard()[1].1, 70.0);
}

#[test]
fn what_is_to_restart_begins_again_and_what_is_to_drop_is_over() {
    let again = Bulletin {
        on_preempt: OnPreempt::Restart,
        ..at("again", 60)
    };
    let mut pole = Pole::with(vec![again, at_priority("province", 70)]);
    pole.run_to(200);
    assert_eq!(pole.heard()[2], ("again".into(), 100.0, 130.0, 0.0));

    let dropped = Bulletin {
        on_preempt: OnPreempt::Drop,
        ..at("dropped", 60)
    };
    let mut pole = Pole::with(vec![dropped, at_priority("province", 70)]);
    pole.run_to(200);
    assert_eq!(pole.heard().len(), 2);
    assert_eq!(pole.outcomes("dropped"), [Outcome::PreEmpted]);
    assert_eq!(pole.rows("dropped")[0].sounded_ms, 10_000);
}

#[test]
fn a_cut_that_lasts_too_long_ends_the_news() {
    let long = |b: Bulletin| Bulletin {
        source: loa_protocol::bulletin::Source::Content(loa_protocol::content::Manifest {
            duration_ms: 3_000_000,
            ..b.manifest().expect("audio").clone()
        }),
        ..b
    };
    let mut pole = Pole::with(vec![at("news", 60), long(at_priority("province", 70))]);
    pole.run_to(4_000);
    assert_eq!(pole.outcomes("news"), [Outcome::PreEmpted]);
    assert_eq!(pole.story("news"), ["started", "suspended", "ended"]);
}

#[test]
fn a_suspended_bulletin_that_is_cancelled_is_over() {
    let mut pole = Pole::with(vec![at("news", 60), at_priority("province", 70)]);
    pole.run_to(80);
    pole.hears_now(&now(
        2,
        80,
        Command::Cancel {
            bulletin: "news".parse().unwrap(),
        },
    ));
    pole.run_to(200);
    assert_eq!(
        pole.outcomes("news"),
        [Outcome::Interrupted(Interruption::Cancelled)]
    );
    assert_eq!(pole.heard().len(), 2);
}

#[test]
fn cuts_within_cuts_unwind_in_order() {
    let mut pole = Pole::with(vec![
        at("news", 60),
        at_priority("province", 70),
        emergency_at("flood", 75),
    ]);
    pole.run_to(300);
    let titles: Vec<String> = pole.heard().into_iter().map(|h| h.0).collect();
    assert_eq!(titles, ["news", "province", "flood", "province", "news"]);
    for name in ["news", "province", "flood"] {
        assert_eq!(pole.outcomes(name), [Outcome::Completed], "{name}");
    }
}

#[test]
fn when_what_cut_it_fails_the_news_goes_on() {
    let mut pole = Pole::with(vec![at("news", 60), at_priority("province", 70)]);
    pole.run_to(65);
    pole.player.is_broken = true;
    pole.run_to(200);
    assert_eq!(
        pole.outcomes("province"),
        [Outcome::Failed(Failure::Output)]
    );
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn what_was_armed_and_displaced_by_an_emergency_still_has_its_turn() {
    let mut pole = Pole::holding(&[at("news", 60), emergency_now("flood", 60)]);
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, vec![at("news", 60)]));
    pole.run_until(pole.mono(60) - 100_000);
    assert!(pole.player.armed.is_some());
    pole.hears_now(&now(2, 59, start(emergency_now("flood", 59))));
    assert_eq!(pole.sounding(), Some("flood".into()));
    pole.run_to(200);
    let titles: Vec<String> = pole.heard().into_iter().map(|h| h.0).collect();
    assert_eq!(titles, ["flood", "news"]);
    assert_eq!(pole.story("news"), ["started", "ended"]);
    assert_eq!(pole.rows("news").len(), 1);
}

#[test]
fn an_emergency_that_is_called_off_between_arming_and_starting_leaves_the_news_alone() {
    let mut pole = Pole::with(vec![at("news", 60), emergency_at("drill", 70)]);
    pole.run_until(pole.mono(70) - 100_000);
    pole.hears_now(&now(
        2,
        69,
        Command::Cancel {
            bulletin: "drill".parse().unwrap(),
        },
    ));
    pole.run_to(200);
    assert_eq!(pole.heard(), [("news".into(), 60.0, 90.0, 0.0)]);
    assert_eq!(
        pole.outcomes("drill"),
        [Outcome::Interrupted(Interruption::Cancelled)]
    );
}

#[test]
fn a_stale_word_from_the_player_changes_nothing() {
    use crate::logic::port::{How, Input, PlayerEvent};
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(70);
    let playout = pole.rows("news")[0].id.clone();
    let stale = PlayerEvent::Ended {
        playout,
        piece: 7,
        at_mono_us: pole.mono_us,
        place_ms: 0,
        how: How::Finished,
    };
    pole.input(Input::Player(stale));
    assert_eq!(pole.outcomes("news"), []);
    pole.run_to(100);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}
