//! Sentences about what is believed.

use loa_protocol::{
    bulletin::Bulletin,
    channel::Channel,
    envelope::{seal, seal_unsigned},
    head::Head,
    playout::Outcome,
    programme::{Command, MAX_BULLETINS, Programme, Version},
    quiet_hours::DayWindow,
    speaker_config::SpeakerConfig,
    time::WallTime,
    topic::Topic,
};

use super::pole::*;
use crate::logic::port::{Input, LogLine};

fn hear_bytes(pole: &mut Pole, topic: &Topic, payload: Vec<u8>) {
    pole.input(Input::Message {
        topic: topic.to_string(),
        payload,
    });
}
fn refused(pole: &Pole, word: &str) -> u64 {
    pole.status().refused.get(word).copied().unwrap_or(0)
}
fn plan_of_the_area(pole: &Pole) -> usize {
    pole.agent.agenda().len()
}

#[test]
fn nothing_from_a_stranger_is_believed() {
    let mut pole = Pole::with(vec![]);
    let plan = programme(area(), 2, vec![at("news", 60)]);
    let topic = Topic::Programme(area());
    hear_bytes(&mut pole, &topic, seal(&plan, &key(2)));
    hear_bytes(&mut pole, &topic, seal_unsigned(&plan));
    hear_bytes(&mut pole, &topic, seal(&config(2), &key(1)));
    hear_bytes(&mut pole, &topic, b"hello".to_vec());
    hear_bytes(&mut pole, &topic, vec![0; 2 << 20]);
    assert_eq!(plan_of_the_area(&pole), 0);
    for (word, times) in [
        ("not_signed", 2),
        ("wrong_type", 1),
        ("not_an_envelope", 1),
        ("too_large", 1),
    ] {
        assert_eq!(refused(&pole, word), times, "{word}");
    }
}

#[test]
fn a_flood_of_forgeries_is_counted_but_told_once_a_minute() {
    let mut pole = Pole::with(vec![]);
    let forged = seal(&programme(area(), 2, vec![]), &key(2));
    for _ in 0..1_000 {
        hear_bytes(&mut pole, &Topic::Programme(area()), forged.clone());
    }
    assert_eq!(
        (refused(&pole, "not_signed"), pole.faults("not_signed")),
        (1_000, 1)
    );
    let lines = pole
        .log
        .iter()
        .filter(|l| matches!(l, LogLine::Refused { .. }))
        .count();
    assert_eq!(lines, 1);
    pole.run_to(61);
    hear_bytes(&mut pole, &Topic::Programme(area()), forged);
    assert_eq!(pole.faults("not_signed"), 2);
}

#[test]
fn a_programme_of_a_channel_that_is_not_followed_is_for_somebody_else() {
    let mut pole = Pole::with(vec![]);
    let elsewhere: Channel = "area.ha-noi".parse().unwrap();
    pole.hears_programme(&programme(elsewhere.clone(), 9, vec![at("news", 60)]));
    // A programme of ours on another's topic, or another's on ours, is not believed either.
    pole.hears(
        Topic::Programme(area()),
        &programme(elsewhere.clone(), 9, vec![at("news", 60)]),
    );
    pole.hears(
        Topic::Programme(elsewhere),
        &programme(area(), 9, vec![at("news", 60)]),
    );
    pole.hears_now(&loa_protocol::programme::Now {
        channel: "group.x".parse().unwrap(),
        ..now(9, 0, start(said_now("call", 0)))
    });
    pole.hears(Topic::Config("khuoi-meo".parse().unwrap()), &config(9));
    pole.hears_config(&SpeakerConfig {
        speaker: "khuoi-meo".parse().unwrap(),
        ..config(9)
    });
    assert_eq!(refused(&pole, "wrong_scope"), 6);
    assert_eq!(
        (plan_of_the_area(&pole), pole.status().config),
        (0, Some(version(1)))
    );
}

#[test]
fn an_older_programme_is_stale_an_equal_one_is_known_and_a_new_epoch_beats_all() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.hears_programme(&programme(
        area(),
        5,
        vec![at("news", 60), at("market", 90)],
    ));
    pole.hears_programme(&programme(area(), 4, vec![]));
    assert_eq!((plan_of_the_area(&pole), refused(&pole, "stale")), (2, 1));
    let commits = pole.commits;
    pole.hears_programme(&programme(area(), 5, vec![]));
    pole.hears_programme(&programme(
        area(),
        5,
        vec![at("news", 60), at("market", 90)],
    ));
    assert_eq!(
        (
            plan_of_the_area(&pole),
            refused(&pole, "stale"),
            pole.commits
        ),
        (2, 1, commits)
    );
    let restored = Programme {
        version: Version {
            epoch: 2,
            generation: 1,
        },
        ..programme(area(), 1, vec![])
    };
    pole.hears_programme(&restored);
    assert_eq!(plan_of_the_area(&pole), 0);
}

#[test]
fn one_bad_bulletin_is_left_out_and_the_rest_apply() {
    let bad = Bulletin {
        volume: 101,
        ..at("bad", 60)
    };
    let pole = Pole::with(vec![bad, at("news", 60)]);
    assert_eq!(plan_of_the_area(&pole), 1);
    assert_eq!(pole.faults("bulletin"), 1);
    assert_eq!(pole.status().programmes.get(&area()), Some(&version(1)));
}

#[test]
fn more_bulletins_than_allowed_break_a_rule() {
    let mut pole = Pole::with(vec![]);
    let many = (0..=MAX_BULLETINS as i64)
        .map(|i| at(&format!("b{i}"), 60 + i))
        .collect();
    let mut plan = programme(area(), 2, many);
    // Small enough to be read at all.
    plan.bulletins.iter_mut().for_each(|b| {
        b.source =
            loa_protocol::bulletin::Source::Content(at("b", 0).manifest().expect("audio").clone())
    });
    pole.hears_programme(&plan);
    assert_eq!(
        (plan_of_the_area(&pole), refused(&pole, "breaks_rule")),
        (0, 1)
    );
}

#[test]
fn a_configuration_that_cannot_be_read_leaves_the_old_one() {
    let mut pole = Pole::with(vec![]);
    let window = DayWindow {
        from: "25:99".into(),
        to: "x".into(),
    };
    pole.hears_config(&SpeakerConfig {
        quiet_hours: vec![window],
        ..config(2)
    });
    pole.hears_config(&SpeakerConfig {
        zone: "Mars/Olympus".into(),
        ..config(2)
    });
    assert_eq!(
        (pole.status().config, refused(&pole, "breaks_rule")),
        (Some(version(1)), 2)
    );
}

#[test]
fn a_now_is_on_top_until_the_programme_that_says_the_same_arrives() {
    let mut pole = Pole::with(vec![at("news", 600)]);
    pole.hears_now(&now(2, 0, start(at("market", 700))));
    pole.hears_now(&now(
        3,
        0,
        Command::Cancel {
            bulletin: "news".parse().unwrap(),
        },
    ));
    let names: Vec<&String> = pole
        .disk
        .documents
        .keys()
        .filter(|n| n.starts_with("now:"))
        .collect();
    assert_eq!(names.len(), 2);
    assert_eq!(plan_of_the_area(&pole), 1);
    // One from between: the cancellation is newer and stays on top.
    pole.hears_programme(&programme(
        area(),
        2,
        vec![at("news", 600), at("market", 700)],
    ));
    assert_eq!(plan_of_the_area(&pole), 1);
    pole.hears_programme(&programme(area(), 3, vec![at("market", 700)]));
    assert_eq!(plan_of_the_area(&pole), 1);
    assert!(!pole.disk.documents.keys().any(|n| n.starts_with("now:")));
    assert_eq!(refused(&pole, "stale"), 0);
}

#[test]
fn a_replayed_now_does_nothing() {
    let mut pole = Pole::holding(&[said_now("call", 0)]);
    pole.hears_config(&config(1));
    let call = now(2, 0, start(said_now("call", 0)));
    pole.hears_now(&call);
    pole.run_to(60);
    pole.hears_now(&call);
    pole.hears_programme(&programme(area(), 3, vec![]));
    pole.hears_now(&call);
    pole.run_to(120);
    assert_eq!(pole.heard().len(), 1);
    assert_eq!(refused(&pole, "stale"), 1);
}

#[test]
fn a_now_survives_a_power_cut_before_its_programme_came() {
    let mut pole = Pole::with(vec![at("news", 600)]);
    pole.hears_now(&now(
        2,
        0,
        Command::Cancel {
            bulletin: "news".parse().unwrap(),
        },
    ));
    pole.hears_now(&now(3, 0, start(at("market", 700))));
    pole.hears_now(&now(4, 0, Command::Stop { before: t(0) }));
    let mut pole = pole.loses_power(20);
    let plan: Vec<String> = pole
        .agent
        .agenda()
        .iter()
        .map(|(_, id)| id.bulletin.to_string())
        .collect();
    assert_eq!(plan, ["market"]);
    pole.hears_now(&now(3, 0, start(at("market", 700))));
    assert_eq!(refused(&pole, "stale"), 1);
}

#[test]
fn a_forged_document_on_the_disk_is_not_believed_after_a_restart() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    let forged = seal(&programme(area(), 7, vec![at("evil", 60)]), &key(2));
    pole.disk
        .documents
        .insert("programme:area.sang-moc".into(), forged);
    pole.disk.documents.insert("rubbish".into(), vec![1, 2, 3]);
    let pole = pole.loses_power(1);
    assert_eq!(plan_of_the_area(&pole), 0);
    assert_eq!(pole.faults("disk"), 1);
    assert_eq!(pole.office_documents(), ["config"]);
}

#[test]
fn leaving_a_channel_forgets_its_programme_and_joining_one_asks_for_it() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.input(Input::Connected);
    pole.hears_now(&now(2, 0, start(at("market", 700))));
    let group: Channel = "group.schools".parse().unwrap();
    pole.hears_config(&SpeakerConfig {
        channels: vec![own(), group.clone()],
        ..config(2)
    });
    assert_eq!(plan_of_the_area(&pole), 0);
    assert_eq!(pole.office_documents(), ["config"]);
    assert!(
        pole.subscribed
            .contains(&Topic::Programme(group.clone()).to_string())
    );
    assert!(pole.subscribed.contains(&Topic::Now(group).to_string()));
    assert!(
        !pole
            .subscribed
            .contains(&Topic::Programme(area()).to_string())
    );
    pole.hears_programme(&programme(area(), 9, vec![at("news", 60)]));
    assert_eq!(refused(&pole, "wrong_scope"), 1);
}

#[test]
fn a_document_is_on_disk_before_the_row_of_what_it_starts() {
    use crate::logic::port::Write;
    let mut pole = Pole::holding(&[said_now("call", 0)]);
    pole.hears_config(&config(1));
    pole.hold_commits = true;
    pole.hears_now(&now(2, 0, start(said_now("call", 0))));
    let order: Vec<&str> = pole
        .held_commits
        .iter()
        .flat_map(|(_, writes)| writes)
        .filter_map(|w| match w {
            Write::PutDocument { .. } => Some("document"),
            Write::PutLedger(_) => Some("row"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["document", "row"]);
}

#[test]
fn the_head_tells_how_to_come_back() {
    let mut pole = Pole::new();
    let head = |generation, reconnect_jitter_s| Head {
        version: version(generation),
        made: WallTime::EPOCH,
        root_version: 0,
        expires: None,
        audit: None,
        reconnect_jitter_s,
    };
    pole.hears(Topic::Head, &head(2, 120));
    pole.hears(Topic::Head, &head(1, 5));
    assert_eq!(
        (pole.agent.reconnect_jitter_s(), refused(&pole, "stale")),
        (120, 1)
    );
    assert_eq!(pole.loses_power(1).agent.reconnect_jitter_s(), 120);
}

#[test]
fn hundreds_of_bulletins_by_now_are_bounded_but_silence_still_gets_through() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    for i in 0..80u64 {
        pole.hears_now(&now(2 + i, 0, start(at(&format!("b{i}"), 600))));
    }
    assert_eq!(refused(&pole, "breaks_rule"), 16);
    pole.run_to(70);
    pole.hears_now(&now(
        200,
        70,
        Command::Cancel {
            bulletin: "news".parse().unwrap(),
        },
    ));
    assert_eq!(
        pole.outcomes("news"),
        [Outcome::Interrupted(
            loa_protocol::playout::Interruption::Cancelled
        )]
    );
}
