//! Sentences about starting, sounding and ending.

use loa_protocol::{
    bulletin::{Chime, Priority, Repeat, When},
    playout::{Failure, Interruption, Miss, Outcome, Skip},
    programme::Command,
    speaker_config::SpeakerConfig,
};

use super::pole::*;
use crate::logic::port::PlayerCommand;

#[test]
fn a_bulletin_sounds_at_its_time_to_the_microsecond_and_is_told_of() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(120);
    assert_eq!(pole.heard(), [("news".into(), 60.0, 90.0, 0.0)]);
    let row = &pole.rows("news")[0];
    assert_eq!(row.outcome, Some(Outcome::Completed));
    assert_eq!(
        (row.started, row.error_us, row.sounded_ms),
        (Some(t(60)), Some(0), 30_000)
    );
    assert_eq!(pole.story("news"), ["started", "ended"]);
}

#[test]
fn the_output_is_woken_before_and_the_row_is_durable_before_the_player_is_armed() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_until(pole.mono(60) - 2_300_000);
    assert!(pole.player.prepared.is_empty());
    pole.run_until(pole.mono(60) - 2_100_000);
    assert_eq!(pole.player.prepared.len(), 1);
    assert!(pole.rows("news").is_empty());
    pole.run_until(pole.mono(60) - 300_000);
    assert_eq!(pole.rows("news").len(), 1);
    assert_eq!(
        pole.player.armed.as_ref().map(|(_, at)| *at),
        Some(pole.mono(60))
    );
}

#[test]
fn nothing_sounds_before_its_row_is_durable() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.hold_commits = true;
    pole.run_to(70);
    assert_eq!(pole.heard(), []);
    pole.commit_held();
    assert_eq!(pole.sounding(), Some("news".into()));
    pole.run_to(120);
    assert_eq!(pole.rows("news")[0].error_us, Some(10_000_000));
}

#[test]
fn a_ledger_that_cannot_be_written_means_silence_and_says_so_once_it_can() {
    let mut pole = Pole::with(vec![at("news", 60), at("market", 300)]);
    pole.run_to(50);
    pole.fail_commits = true;
    pole.run_to(200);
    assert_eq!(pole.heard(), []);
    pole.fail_commits = false;
    pole.run_to(400);
    assert_eq!(pole.outcomes("news"), [Outcome::Failed(Failure::Ledger)]);
    assert_eq!(pole.outcomes("market"), [Outcome::Completed]);
    assert!(pole.faults("ledger") > 0);
}

#[test]
fn one_document_too_large_for_the_disk_does_not_silence_the_pole() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.fail_commits = true;
    pole.hears_programme(&programme(
        area(),
        2,
        vec![at("news", 60), at("market", 90)],
    ));
    pole.fail_commits = false;
    // The ledger is tried without the document, and the document apart.
    pole.hold_commits = true;
    pole.run_to(5);
    let kinds: Vec<bool> = pole
        .held_commits
        .iter()
        .map(|(_, writes)| {
            writes
                .iter()
                .any(|w| matches!(w, crate::logic::port::Write::PutDocument { .. }))
        })
        .collect();
    assert_eq!(kinds, [false]);
    pole.commit_held();
    pole.run_to(100);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
    assert!(pole.disk.documents.contains_key("programme:area.sang-moc"));
}

#[test]
fn what_is_said_now_sounds_at_once() {
    let mut pole = Pole::holding(&[said_now("call", 10)]);
    pole.hears_config(&config(1));
    pole.run_to(10);
    pole.hears_now(&now(2, 10, start(said_now("call", 10))));
    assert_eq!(pole.sounding(), Some("call".into()));
    assert_eq!(pole.heard()[0].1, 10.0);
}

#[test]
fn what_is_said_now_does_not_wait_for_a_slow_clock() {
    let mut pole = Pole::holding(&[said_now("call", 200)]);
    pole.hears_config(&config(1));
    // The office is 200 s ahead of this pole.
    pole.hears_now(&now(2, 200, start(said_now("call", 200))));
    assert_eq!(pole.sounding(), Some("call".into()));
    pole.run_to(100);
    assert_eq!(pole.outcomes("call"), [Outcome::Completed]);
}

#[test]
fn what_is_said_now_to_a_muted_pole_or_in_quiet_hours_is_skipped_by_name() {
    let mut pole = Pole::holding(&[said_now("call", 10)]);
    pole.hears_config(&SpeakerConfig {
        muted: true,
        ..config(1)
    });
    pole.run_to(10);
    pole.hears_now(&now(2, 10, start(said_now("call", 10))));
    assert_eq!(pole.outcomes("call"), [Outcome::Skipped(Skip::Muted)]);

    let night = 15 * 3_600;
    let mut pole = Pole::with(vec![at("relay", night), emergency_at("flood", night + 60)]);
    pole.run_to(night + 100);
    assert_eq!(pole.outcomes("relay"), [Outcome::Skipped(Skip::QuietHours)]);
    assert_eq!(pole.outcomes("flood"), [Outcome::Completed]);
}

#[test]
fn a_bulletin_planned_for_the_very_end_of_quiet_hours_sounds() {
    let five = 17 * 3_600;
    let mut pole = Pole::with(vec![at("morning", five)]);
    let before = pole.steps;
    pole.run_to(five + 60);
    assert_eq!(
        pole.heard(),
        [(
            "morning".into(),
            f64::from(five as i32),
            f64::from(five as i32 + 30),
            0.0
        )]
    );
    assert!(
        pole.steps - before < 20_000,
        "{} steps",
        pole.steps - before
    );
}

#[test]
fn muting_ends_what_sounds() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(70);
    pole.hears_config(&SpeakerConfig {
        muted: true,
        ..config(2)
    });
    assert_eq!(pole.sounding(), None);
    assert_eq!(
        pole.outcomes("news"),
        [Outcome::Interrupted(Interruption::Muted)]
    );
    assert_eq!(pole.rows("news")[0].sounded_ms, 10_000);
}

#[test]
fn stop_ends_what_sounds_and_what_was_due_but_not_what_comes() {
    let mut pole = Pole::with(vec![at("news", 60), at("market", 65), at("evening", 300)]);
    pole.run_to(70);
    pole.hears_now(&now(2, 70, Command::Stop { before: t(70) }));
    assert_eq!(pole.sounding(), None);
    assert_eq!(
        pole.outcomes("news"),
        [Outcome::Interrupted(Interruption::Stopped)]
    );
    assert_eq!(pole.outcomes("market"), [Outcome::Skipped(Skip::Stopped)]);
    pole.run_to(400);
    assert_eq!(pole.outcomes("evening"), [Outcome::Completed]);
}

#[test]
fn stop_silences_what_is_armed_but_has_not_begun() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_until(pole.mono(60) - 100_000);
    assert!(pole.player.armed.is_some());
    pole.hears_now(&now(2, 60, Command::Stop { before: t(60) }));
    pole.run_to(120);
    assert_eq!(pole.heard(), []);
    assert_eq!(pole.outcomes("news"), [Outcome::Skipped(Skip::Stopped)]);
}

#[test]
fn a_cancelled_bulletin_falls_silent_and_a_waiting_one_is_simply_gone() {
    let mut pole = Pole::with(vec![at("news", 60), at("market", 200)]);
    pole.run_to(70);
    pole.hears_now(&now(
        2,
        70,
        Command::Cancel {
            bulletin: "news".parse().unwrap(),
        },
    ));
    assert_eq!(pole.sounding(), None);
    assert_eq!(
        pole.outcomes("news"),
        [Outcome::Interrupted(Interruption::Cancelled)]
    );
    pole.hears_programme(&programme(area(), 3, vec![]));
    pole.run_to(300);
    assert_eq!(pole.outcomes("market"), []);
    assert_eq!(pole.agent.agenda(), []);
}

#[test]
fn moving_a_bulletin_that_is_armed_arms_it_for_the_new_time() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_until(pole.mono(60) - 100_000);
    let moved = loa_protocol::bulletin::Bulletin {
        revision: 2,
        ..at("news", 90)
    };
    pole.hears_programme(&programme(area(), 2, vec![moved]));
    pole.run_to(200);
    assert_eq!(pole.heard(), [("news".into(), 90.0, 120.0, 0.0)]);
    let row = &pole.rows("news")[0];
    assert_eq!(
        (row.planned, row.revision, row.outcome),
        (t(90), 2, Some(Outcome::Completed))
    );
    assert_eq!(pole.story("news"), ["started", "ended"]);
}

#[test]
fn moving_a_bulletin_after_it_played_does_not_play_it_again() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(100);
    let moved = loa_protocol::bulletin::Bulletin {
        revision: 2,
        ..at("news", 1_800)
    };
    pole.hears_programme(&programme(area(), 2, vec![moved]));
    pole.run_to(3_000);
    assert_eq!(pole.heard().len(), 1);
}

#[test]
fn an_edit_while_it_sounds_lets_it_sound_on() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(70);
    let louder = loa_protocol::bulletin::Bulletin {
        revision: 2,
        volume: 50,
        ..at("news", 60)
    };
    pole.hears_programme(&programme(area(), 2, vec![louder]));
    pole.run_to(100);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
    assert_eq!(pole.heard().len(), 1);
}

#[test]
fn an_equal_waits_its_turn_or_runs_out_of_lateness() {
    let late = loa_protocol::bulletin::Bulletin {
        lateness_s: Some(10),
        ..at("third", 61)
    };
    let mut pole = Pole::with(vec![at("first", 60), at("second", 61), late]);
    pole.run_to(200);
    assert_eq!(
        pole.heard(),
        [
            ("first".into(), 60.0, 90.0, 0.0),
            ("second".into(), 90.0, 120.0, 0.0)
        ]
    );
    assert_eq!(pole.outcomes("third"), [Outcome::Skipped(Skip::Busy)]);
    assert_eq!(pole.rows("second")[0].error_us, Some(29_000_000));
}

#[test]
fn a_repeated_bulletin_is_said_so_often() {
    let thrice = loa_protocol::bulletin::Bulletin {
        repeat: Repeat {
            times: 3,
            every_s: 120,
        },
        ..at("news", 60)
    };
    let mut pole = Pole::with(vec![thrice]);
    pole.run_to(1_000);
    let starts: Vec<f64> = pole.heard().iter().map(|h| h.1).collect();
    assert_eq!(starts, [60.0, 180.0, 300.0]);
}

#[test]
fn a_daily_bulletin_sounds_every_day_of_a_week() {
    let rule = When::Rule {
        start: civil(60),
        rrule: "FREQ=DAILY".into(),
        except: vec!["2026-11-26".into()],
    };
    let mut pole = Pole::with(vec![bulletin("news", Priority::Ordinary, rule)]);
    pole.run_to(7 * 86_400);
    let days: Vec<f64> = pole
        .heard()
        .iter()
        .map(|h| (h.1 - 60.0) / 86_400.0)
        .collect();
    assert_eq!(days, [0.0, 1.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn a_bulletin_longer_than_allowed_is_cut_and_said_to_be() {
    let long = loa_protocol::bulletin::Bulletin {
        max_duration_s: 20,
        ..at("long", 60)
    };
    let mut pole = Pole::with(vec![long.clone()]);
    pole.player
        .real_ms
        .insert(long.manifest().expect("audio").content, 30_000);
    pole.run_to(120);
    assert_eq!(pole.heard(), [("long".into(), 60.0, 80.0, 0.0)]);
    assert_eq!(
        pole.outcomes("long"),
        [Outcome::Interrupted(Interruption::MaxDuration)]
    );
}

#[test]
fn the_chime_belongs_to_the_playout_and_reaching_its_whole_length_is_its_end() {
    let chimed = loa_protocol::bulletin::Bulletin {
        chime: Chime::Alert,
        ..at("news", 60)
    };
    let mut pole = Pole::with(vec![chimed.clone()]);
    // The file is a little longer than its manifest says.
    pole.player
        .real_ms
        .insert(chimed.manifest().expect("audio").content, 30_100);
    pole.run_to(120);
    assert_eq!(pole.heard(), [("news".into(), 60.0, 92.0, 0.0)]);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn the_trim_moves_scheduled_starts_but_not_what_is_said_now() {
    for trim in [-500, 500] {
        let mut pole = Pole::holding(&[at("news", 60), said_now("call", 200)]);
        pole.hears_config(&SpeakerConfig {
            delay_trim_ms: trim,
            ..config(1)
        });
        pole.hears_programme(&programme(area(), 1, vec![at("news", 60)]));
        pole.run_to(200);
        pole.hears_now(&now(2, 200, start(said_now("call", 200))));
        let starts: Vec<f64> = pole.heard().iter().map(|h| h.1).collect();
        assert_eq!(starts, [60.0 + f64::from(trim) / 1e3, 200.0]);
        assert_eq!(pole.rows("news")[0].error_us, Some(0));
    }
}

#[test]
fn a_broken_output_fails_one_playout_and_not_the_next() {
    let mut pole = Pole::with(vec![at("news", 60), at("market", 120)]);
    pole.player.is_broken = true;
    pole.run_to(200);
    assert_eq!(pole.outcomes("news"), [Outcome::Failed(Failure::Output)]);
    assert_eq!(pole.outcomes("market"), [Outcome::Completed]);
    assert_eq!(pole.faults("player"), 1);
}

#[test]
fn a_player_that_hangs_is_found_out() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.player.is_hung = true;
    pole.run_to(200);
    assert_eq!(pole.outcomes("news"), [Outcome::Failed(Failure::Output)]);
}

#[test]
fn audio_that_never_came_is_missed() {
    let mut pole = Pole::new();
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, vec![at("news", 60)]));
    pole.run_to(200);
    assert_eq!(pole.outcomes("news"), [Outcome::Missed(Miss::NoContent)]);
}

#[test]
fn a_plan_that_came_too_late_says_so() {
    let mut pole = Pole::holding(&[at("news", 60)]);
    pole.hears_config(&config(1));
    pole.run_to(300);
    pole.hears_programme(&programme(area(), 1, vec![at("news", 60)]));
    assert_eq!(pole.outcomes("news"), [Outcome::Missed(Miss::ArrivedLate)]);
}

#[test]
fn what_was_planned_before_the_pole_followed_the_channel_is_not_its_business() {
    let mut pole = Pole::holding(&[at("news", -600)]);
    pole.hears_config(&SpeakerConfig {
        since: t(-60),
        ..config(1)
    });
    pole.hears_programme(&programme(area(), 1, vec![at("news", -600)]));
    pole.run_to(60);
    assert_eq!(pole.rows("news"), []);
}

#[test]
fn one_bulletin_on_two_channels_sounds_once_in_its_newest_edit() {
    let newer = loa_protocol::bulletin::Bulletin {
        revision: 2,
        ..at("news", 90)
    };
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.hears_programme(&programme(own(), 1, vec![newer]));
    pole.run_to(200);
    assert_eq!(pole.heard(), [("news".into(), 90.0, 120.0, 0.0)]);
}

#[test]
fn a_pole_without_configuration_follows_its_own_channel() {
    let mut pole = Pole::holding(&[at("news", 60)]);
    pole.hears_programme(&programme(own(), 1, vec![at("news", 60)]));
    pole.run_to(100);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn volume_is_the_bulletin_s_share_of_the_speaker_s() {
    let soft = loa_protocol::bulletin::Bulletin {
        volume: 50,
        ..at("news", 60)
    };
    let mut pole = Pole::with(vec![soft]);
    pole.run_to(70);
    assert_eq!(pole.player.sounds[0].volume, 40);
    let stops = pole
        .commands
        .iter()
        .filter(|c| matches!(c, PlayerCommand::Stop { .. }))
        .count();
    assert_eq!(stops, 0);
}

#[test]
fn a_mute_just_before_its_time_takes_back_what_is_armed_and_a_lifted_one_gives_it_again() {
    let muted = |generation, muted| SpeakerConfig {
        muted,
        ..config(generation)
    };
    let mut pole = Pole::with(vec![at("news", 60), at("market", 300)]);
    pole.run_until(pole.mono(60) - 100_000);
    assert!(pole.player.armed.is_some());
    pole.hears_config(&muted(2, true));
    assert!(pole.player.armed.is_none());
    pole.run_to(70);
    assert_eq!(pole.heard(), []);
    assert_eq!(pole.outcomes("news"), [Outcome::Skipped(Skip::Muted)]);
    pole.hears_config(&muted(3, false));
    pole.run_until(pole.mono(300) - 200_000);
    pole.hears_config(&muted(4, true));
    assert!(pole.player.armed.is_none());
    pole.hears_config(&muted(5, false));
    pole.run_to(400);
    assert_eq!(pole.heard(), [("market".into(), 300.0, 330.0, 0.0)]);
}

#[test]
fn what_began_early_by_its_trim_and_is_stopped_before_its_plan_was_interrupted() {
    for muted in [false, true] {
        let mut pole = Pole::with(vec![at("news", 60)]);
        let trimmed = SpeakerConfig {
            delay_trim_ms: -400,
            ..config(2)
        };
        pole.hears_config(&trimmed);
        pole.run_until(pole.mono(60) - 100_000);
        assert_eq!(pole.sounding(), Some("news".into()));
        let why = if muted {
            pole.hears_config(&SpeakerConfig {
                muted,
                version: version(3),
                ..trimmed
            });
            Interruption::Muted
        } else {
            pole.hears_now(&now(2, 60, Command::Stop { before: t(60) }));
            Interruption::Stopped
        };
        assert_eq!(pole.sounding(), None);
        pole.run_to(120);
        assert_eq!(pole.outcomes("news"), [Outcome::Interrupted(why)]);
        assert_eq!(pole.rows("news")[0].sounded_ms, 300);
    }
}
