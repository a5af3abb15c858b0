//! Sentences about what was heard, and about the self-test.

use loa_audio::hearing::Found;
use loa_protocol::{
    event::What,
    playout::{Failure, Outcome},
    quiet_hours::DayWindow,
    speaker_config::{Order, OrderKind, SpeakerConfig},
    telemetry::{EarKind, Hearing, Listened, SelfTest},
};

use super::pole::*;
use crate::logic::port::{How, Input, PlayerCommand, PlayerEvent, self_test};

fn listening(mut pole: Pole) -> Pole {
    pole.agent.listens_with(EarKind::Microphone, 0.03);
    pole
}
fn found(heard: u32, stretches: u32) -> Found {
    Found {
        blocks: stretches * 8,
        stretches,
        heard,
        clarity_centi: Some(if heard > 0 { 1_700 } else { 400 }),
        delay_us: (heard > 0).then_some(21_000),
        ..Found::default()
    }
}
fn words(pole: &Pole) -> Vec<Listened> {
    let told = pole.disk.told.iter();
    told.filter_map(|event| match &event.what {
        What::Heard { listened } => Some(listened.clone()),
        _ => None,
    })
    .collect()
}
fn tests(pole: &Pole) -> Vec<SelfTest> {
    let told = pole.disk.told.iter();
    told.filter_map(|event| match &event.what {
        What::SelfTested { test } => Some(test.clone()),
        _ => None,
    })
    .collect()
}
/// The self-tests ordered so far: number and start in seconds.
fn chirps(pole: &Pole) -> Vec<(u32, i64)> {
    let all = pole.commands.iter();
    all.filter_map(|command| match command {
        PlayerCommand::SelfTest {
            number,
            start_mono_us,
            ..
        } => Some((
            *number,
            (*start_mono_us as i64 - pole.mono(0) as i64) / 1_000_000,
        )),
        _ => None,
    })
    .collect()
}
fn hears(pole: &mut Pole, bulletin: &str, piece: u32, found: Found) {
    let playout = pole.rows(bulletin)[0].id.clone();
    pole.input(Input::Listened {
        playout,
        piece,
        found,
    });
}
fn chirp_ends(pole: &mut Pole, number: u32, how: How) {
    pole.input(Input::Player(PlayerEvent::Ended {
        playout: self_test(),
        piece: number,
        at_mono_us: pole.mono_us,
        place_ms: 1_000,
        how,
    }));
}
fn chirp_heard(pole: &mut Pole, number: u32, found: Found) {
    chirp_ends(pole, number, How::Finished);
    pole.input(Input::Listened {
        playout: self_test(),
        piece: number,
        found,
    });
}
/// The village day begins at noon; `self_test_at` is two minutes later unless said otherwise.
fn daily(generation: u64) -> SpeakerConfig {
    SpeakerConfig {
        self_test_at: Some(hour(120)),
        ..config(generation)
    }
}
/// `HH:MM` of `t(s)` in the speaker's zone.
fn hour(s: i64) -> String {
    let zone = jiff::tz::TimeZone::get(&config(1).zone).unwrap();
    let time = zone.to_datetime(t(s).timestamp()).time();
    format!("{:02}:{:02}", time.hour(), time.minute())
}

#[test]
fn a_playout_is_told_as_heard_once_its_last_piece_was_listened_to() {
    let mut pole = listening(Pole::with(vec![at("news", 60)]));
    pole.run_to(92);
    assert_eq!(words(&pole), []);
    hears(&mut pole, "news", 0, found(7, 7));
    let told = words(&pole);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].hearing, Hearing::Heard);
    assert_eq!(told[0].clarity_centi, Some(1_700));
    assert_eq!(told[0].delay_us, Some(21_000));
    assert_eq!(told[0].playout, pole.rows("news")[0].id);
    let ear = pole.agent.status(pole.reading()).telemetry.unwrap().ear;
    assert_eq!(ear.kind, EarKind::Microphone);
    assert_eq!(ear.last_heard, Some(told[0].clone()));
    pole.run_to(300);
    assert_eq!(words(&pole).len(), 1);
}

#[test]
fn a_silent_horn_is_told_and_the_playout_stays_completed() {
    let mut pole = listening(Pole::with(vec![at("news", 60)]));
    pole.run_to(92);
    hears(&mut pole, "news", 0, found(0, 7));
    assert_eq!(words(&pole)[0].hearing, Hearing::NotHeard);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn a_listener_that_does_not_answer_leaves_it_unclear() {
    let mut pole = listening(Pole::with(vec![at("news", 60)]));
    pole.run_to(100);
    assert_eq!(words(&pole), []);
    pole.run_to(103);
    assert_eq!(words(&pole)[0].hearing, Hearing::Unclear);
    // Too late.
    hears(&mut pole, "news", 0, found(7, 7));
    assert_eq!(words(&pole).len(), 1);
}

#[test]
fn all_pieces_of_a_playout_count_together() {
    let mut pole = listening(Pole::with(vec![at("news", 60), emergency_at("flood", 70)]));
    pole.run_to(75);
    // What sounded before the cut was not heard; what comes after it is twice as long, and is.
    hears(&mut pole, "news", 0, found(0, 2));
    assert_eq!(words(&pole), [], "it goes on");
    pole.run_to(105);
    hears(&mut pole, "flood", 0, found(7, 7));
    assert_eq!(words(&pole).len(), 1);
    pole.run_to(125);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
    hears(&mut pole, "news", 1, found(5, 5));
    assert_eq!(words(&pole).len(), 2);
    assert_eq!(words(&pole)[1].hearing, Hearing::Heard);
}

#[test]
fn where_nothing_listens_nothing_is_told_of_single_playouts() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(92);
    hears(&mut pole, "news", 0, found(7, 7));
    pole.run_to(300);
    assert_eq!(words(&pole), []);
    let ear = pole.agent.status(pole.reading()).telemetry.unwrap().ear;
    assert_eq!(ear.kind, EarKind::None);
}

#[test]
fn a_microphone_in_trouble_is_a_fault_once_and_stands_in_the_status() {
    let mut pole = listening(Pole::with(vec![]));
    for _ in 0..3 {
        pole.input(Input::EarTrouble {
            why: Some("no such device".into()),
        });
    }
    assert_eq!(pole.faults("microphone"), 1);
    let trouble = |pole: &Pole| {
        let status = pole.agent.status(pole.reading());
        status.telemetry.unwrap().ear.trouble
    };
    assert_eq!(trouble(&pole), Some("no such device".into()));
    pole.input(Input::EarTrouble { why: None });
    assert_eq!(trouble(&pole), None);
}

#[test]
fn the_daily_self_test_sounds_at_its_hour_and_once_a_day() {
    let mut pole = listening(Pole::with(vec![]));
    pole.hears_config(&daily(2));
    pole.run_to(119);
    assert_eq!(chirps(&pole), []);
    pole.run_to(121);
    assert_eq!(chirps(&pole), [(1, 122)]);
    pole.run_to(126);
    chirp_heard(&mut pole, 1, found(1, 1));
    let told = tests(&pole);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].hearing, told[0].asked), (Hearing::Heard, false));
    pole.run_to(80_000);
    assert_eq!(chirps(&pole).len(), 1);
    pole.run_to(86_400 + 125);
    assert_eq!(chirps(&pole).len(), 2);
}

#[test]
fn a_daily_test_that_was_not_heard_is_tried_once_more() {
    let mut pole = listening(Pole::with(vec![]));
    pole.hears_config(&daily(2));
    pole.run_to(126);
    chirp_heard(&mut pole, 1, found(0, 1));
    pole.run_to(700);
    assert_eq!(chirps(&pole).len(), 1);
    pole.run_to(740);
    assert_eq!(chirps(&pole).len(), 2);
    chirp_heard(&mut pole, 2, found(0, 1));
    pole.run_to(80_000);
    assert_eq!(chirps(&pole).len(), 2);
    let told: Vec<Hearing> = tests(&pole).iter().map(|t| t.hearing).collect();
    assert_eq!(told, [Hearing::NotHeard, Hearing::NotHeard]);
}

#[test]
fn the_daily_test_keeps_out_of_the_way_of_bulletins() {
    // One sounds from 110 to 140, the next is planned for 195.
    let mut pole = listening(Pole::with(vec![at("news", 110), at("market", 195)]));
    pole.hears_config(&daily(2));
    pole.run_to(224);
    assert_eq!(chirps(&pole), []);
    pole.run_to(240);
    assert_eq!(chirps(&pole).len(), 1);
    let starts: Vec<f64> = pole.heard().iter().map(|h| h.1).collect();
    assert_eq!(starts, [110.0, 195.0]);
}

#[test]
fn the_daily_test_respects_quiet_hours_a_mute_and_a_doubtful_clock() {
    let mut pole = listening(Pole::with(vec![]));
    pole.hears_config(&SpeakerConfig {
        quiet_hours: vec![DayWindow::new(&hour(60), &hour(3_600 * 3)).unwrap()],
        ..daily(2)
    });
    pole.run_to(3_600 * 5);
    assert_eq!(chirps(&pole), []);

    let mut pole = listening(Pole::with(vec![]));
    pole.hears_config(&SpeakerConfig {
        muted: true,
        ..daily(2)
    });
    pole.run_to(600);
    assert_eq!(chirps(&pole), []);
    // Unmuted within the hour.
    pole.hears_config(&daily(3));
    pole.run_to(610);
    assert_eq!(chirps(&pole).len(), 1);

    let mut pole = listening(Pole::untrusted(Disk::default(), 64 << 20));
    pole.hears_config(&daily(2));
    pole.run_to(600);
    assert_eq!(chirps(&pole), []);
}

fn asked(generation: u64, number: u64) -> SpeakerConfig {
    SpeakerConfig {
        orders: vec![Order {
            number,
            what: OrderKind::SelfTest,
            until: t(3_000),
        }],
        ..config(generation)
    }
}

#[test]
fn one_that_was_asked_for_sounds_at_once_in_quiet_hours_too() {
    let mut pole = listening(Pole::with(vec![]));
    pole.run_to(10);
    pole.hears_config(&SpeakerConfig {
        quiet_hours: vec![DayWindow::new("00:00", "00:00").unwrap()],
        ..asked(2, 1)
    });
    pole.run_to(11);
    assert_eq!(chirps(&pole), [(1, 12)]);
    chirp_heard(&mut pole, 1, found(1, 1));
    assert!(tests(&pole)[0].asked);
    pole.run_to(3_000);
    assert_eq!(chirps(&pole).len(), 1);
}

#[test]
fn a_bulletin_cuts_the_self_test_and_one_that_was_asked_for_comes_back() {
    let mut pole = listening(Pole::holding(&[emergency_at("flood", 12)]));
    pole.hears_config(&config(1));
    pole.run_to(10);
    pole.hears_config(&asked(2, 1));
    pole.run_to(11);
    pole.hears_programme(&programme(area(), 2, vec![emergency_at("flood", 12)]));
    pole.run_to(13);
    chirp_ends(&mut pole, 1, How::Replaced);
    pole.run_to(41);
    assert_eq!(chirps(&pole).len(), 1);
    pole.run_to(50);
    assert_eq!(pole.heard()[0].1, 12.0);
    assert_eq!(chirps(&pole).len(), 2);
    assert_eq!(tests(&pole), []);
}

#[test]
fn a_muted_pole_answers_that_it_is_muted() {
    let mut pole = listening(Pole::with(vec![]));
    pole.hears_config(&SpeakerConfig {
        muted: true,
        ..asked(2, 1)
    });
    pole.run_to(5);
    assert_eq!(chirps(&pole), []);
    let told = tests(&pole);
    assert_eq!(told[0].hearing, Hearing::Unclear);
    assert_eq!(told[0].trouble.as_deref(), Some("muted"));
}

#[test]
fn muting_stops_the_chirp() {
    let mut pole = listening(Pole::with(vec![]));
    pole.hears_config(&asked(2, 1));
    pole.run_to(2);
    pole.hears_config(&SpeakerConfig {
        muted: true,
        ..config(3)
    });
    let is_stop = |c: &&PlayerCommand| matches!(c, PlayerCommand::Stop { playout, piece: 1 } if *playout == self_test());
    assert_eq!(pole.commands.iter().filter(is_stop).count(), 1);
}

#[test]
fn an_output_that_fails_is_told_as_such() {
    let mut pole = listening(Pole::with(vec![]));
    pole.hears_config(&asked(2, 1));
    pole.run_to(2);
    chirp_ends(
        &mut pole,
        1,
        How::Failed {
            failure: Failure::Output,
            detail: "no such device".into(),
        },
    );
    assert_eq!(tests(&pole)[0].hearing, Hearing::Unclear);
    assert_eq!(tests(&pole)[0].trouble.as_deref(), Some("no such device"));
}

#[test]
fn the_self_test_is_never_louder_than_the_ceiling() {
    let mut pole = listening(Pole::with(vec![]));
    let mut config = asked(2, 1);
    config.volume.ceiling = 10;
    pole.hears_config(&config);
    pole.run_to(2);
    let loudness = pole.commands.iter().find_map(|c| match c {
        PlayerCommand::SelfTest { amplitude, .. } => Some(*amplitude),
        _ => None,
    });
    assert!(
        loudness.is_some_and(|a| (a - 0.01).abs() < 1e-6),
        "{loudness:?}"
    );
}
