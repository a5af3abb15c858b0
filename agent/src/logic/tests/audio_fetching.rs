//! Sentences about getting audio to the pole.

use loa_protocol::{
    bulletin::{Bulletin, Priority, When},
    content::Manifest,
    playout::Outcome,
    programme::Command,
    topic::Topic,
};

use super::pole::*;
use crate::logic::port::{Effect, HeldContent, Input};

fn online(bulletins: Vec<Bulletin>) -> Pole {
    let mut pole = Pole::new();
    pole.input(Input::Connected);
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, bulletins));
    pole
}
fn filter(name: &str) -> String {
    Topic::blocks_filter(at(name, 0).manifest().expect("audio").content)
}

#[test]
fn missing_audio_is_asked_for_received_checked_and_played() {
    let mut pole = online(vec![at("news", 60)]);
    assert!(pole.subscribed.contains(&filter("news")));
    let wants = pole.wants();
    assert_eq!(wants.len(), 1);
    assert_eq!(
        wants[0].wants[0].missing.iter().collect::<Vec<_>>(),
        [0, 1, 2]
    );
    for index in [2, 0, 1] {
        pole.hears_block("news", index);
    }
    assert!(!pole.subscribed.contains(&filter("news")));
    assert_eq!(
        pole.status().held,
        [at("news", 60).manifest().expect("audio").content]
    );
    pole.run_to(120);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn a_wrong_block_is_counted_and_an_unwanted_one_ignored() {
    let mut pole = online(vec![at("news", 60)]);
    let content = at("news", 60).manifest().expect("audio").content;
    pole.input(Input::Message {
        topic: Topic::Block { content, index: 0 }.to_string(),
        payload: vec![0; 16_384],
    });
    pole.input(Input::Message {
        topic: Topic::Block { content, index: 99 }.to_string(),
        payload: vec![0; 16_384],
    });
    pole.hears_block("market", 0);
    assert_eq!(pole.status().refused.get("wrong_block"), Some(&2));
    assert!(pole.disk.contents.is_empty());
}

#[test]
fn when_nothing_comes_it_is_asked_again_ever_more_seldom() {
    let mut pole = online(vec![at("news", 3_600)]);
    pole.run_to(2);
    assert_eq!(pole.wants().len(), 1);
    pole.run_to(4);
    assert_eq!(pole.wants().len(), 2);
    pole.run_to(600);
    let in_ten_minutes = pole.wants().len();
    assert!((10..=18).contains(&in_ten_minutes), "{in_ten_minutes}");
    // A block came: soon again for the rest.
    pole.hears_block("news", 0);
    pole.run_to(604);
    assert_eq!(pole.wants().len(), in_ten_minutes + 1);
    assert_eq!(
        pole.wants().last().unwrap().wants[0]
            .missing
            .iter()
            .collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn a_new_connection_asks_at_once_for_what_is_missing() {
    let mut pole = online(vec![at("news", 3_600)]);
    pole.hears_block("news", 1);
    pole.input(Input::Disconnected);
    pole.run_to(100);
    pole.subscribed.clear();
    let before = pole.wants().len();
    pole.input(Input::Connected);
    assert_eq!(pole.wants().len(), before + 1);
    assert!(pole.subscribed.contains(&filter("news")));
}

#[test]
fn progress_survives_a_power_cut() {
    let mut pole = online(vec![at("news", 3_600)]);
    pole.hears_block("news", 0);
    pole.hears_block("news", 1);
    let mut pole = pole.loses_power(10);
    pole.input(Input::Connected);
    assert_eq!(
        pole.wants().last().unwrap().wants[0]
            .missing
            .iter()
            .collect::<Vec<_>>(),
        [2]
    );
    pole.hears_block("news", 2);
    assert!(matches!(
        pole.disk.contents.values().next(),
        Some(HeldContent::Complete { .. })
    ));
}

#[test]
fn power_lost_between_the_last_block_and_the_last_check_is_made_good() {
    let mut pole = online(vec![at("news", 3_600)]);
    pole.hears_block("news", 0);
    pole.hears_block("news", 1);
    let content = at("news", 0).manifest().expect("audio").content;
    let Some(HeldContent::Partial { held }) = pole.disk.contents.get_mut(&content) else {
        panic!("two of three blocks");
    };
    held.insert(2);
    let pole = pole.loses_power(10);
    assert!(matches!(
        pole.disk.contents.get(&content),
        Some(HeldContent::Complete { .. })
    ));
}

#[test]
fn an_emergency_s_audio_comes_first_then_the_nearest_air_time() {
    let pole = online(vec![
        at("far", 9_000),
        at("near", 600),
        emergency_at("flood", 7_000),
    ]);
    let order: Vec<_> = pole
        .wants()
        .last()
        .unwrap()
        .wants
        .iter()
        .map(|w| (w.content, w.urgent))
        .collect();
    let of = |name: &str| at(name, 0).manifest().expect("audio").content;
    assert_eq!(
        order,
        [(of("flood"), true), (of("near"), false), (of("far"), false)]
    );
}

#[test]
fn no_more_than_eight_are_asked_for_at_once() {
    let many = (0..20).map(|i| at(&format!("b{i}"), 600 + i)).collect();
    let mut pole = online(many);
    let of_blocks = |pole: &Pole| {
        pole.subscribed
            .iter()
            .filter(|f| f.contains("content"))
            .count()
    };
    assert_eq!(
        (of_blocks(&pole), pole.wants().last().unwrap().wants.len()),
        (8, 8)
    );
    (0..3).for_each(|i| pole.hears_block("b0", i));
    assert_eq!(of_blocks(&pole), 8);
    assert!(pole.subscribed.contains(&filter("b8")));
}

#[test]
fn audio_for_next_week_is_fetched_and_for_next_month_is_not() {
    let weekly = |name: &str, s: i64| {
        bulletin(
            name,
            Priority::Ordinary,
            When::Rule {
                start: civil(s),
                rrule: "FREQ=WEEKLY".into(),
                except: vec![],
            },
        )
    };
    let day = 86_400;
    let pole = online(vec![
        weekly("week", 5 * day),
        at("month", 30 * day),
        at("days", 6 * day),
    ]);
    assert!(pole.subscribed.contains(&filter("week")));
    assert!(pole.subscribed.contains(&filter("days")));
    assert!(!pole.subscribed.contains(&filter("month")));
    let mut pole = pole;
    pole.run_to(24 * day);
    assert!(pole.subscribed.contains(&filter("month")));
}

#[test]
fn blocks_faster_than_the_disk_are_dropped_and_asked_for_again() {
    let bytes: Vec<u8> = (0..40 * 16_384u32).map(|i| (i / 7) as u8).collect();
    let large = Bulletin {
        source: loa_protocol::bulletin::Source::Content(Manifest::of(&bytes, 30_000)),
        ..at("large", 600)
    };
    let content = large.manifest().expect("audio").content;
    let mut pole = online(vec![large]);
    pole.hold_blocks = true;
    for round in 0..5 {
        for (index, block) in bytes.chunks(16_384).enumerate() {
            let topic = Topic::Block {
                content,
                index: index as u32,
            }
            .to_string();
            pole.input(Input::Message {
                topic,
                payload: block.to_vec(),
            });
        }
        assert!(pole.held_blocks.len() <= 16, "round {round}");
        let asked = pole.wants().len();
        pole.store_held_blocks();
        if !pole.status().held.is_empty() {
            assert!(round >= 2);
            return;
        }
        pole.run_s(1);
        assert_eq!(
            pole.wants().len(),
            asked + 1,
            "asked again soon in round {round}"
        );
    }
    panic!("it never came");
}

#[test]
fn a_block_that_cannot_be_stored_is_missing_again() {
    let mut pole = online(vec![at("news", 3_600)]);
    pole.hold_blocks = true;
    pole.hears_block("news", 0);
    let Some(Effect::StoreBlock { content, index, .. }) = pole.held_blocks.pop_front() else {
        panic!("a block to store");
    };
    pole.input(Input::BlockFailed {
        content,
        index,
        detail: "disk full".into(),
    });
    pole.run_s(5);
    assert_eq!(pole.wants().last().unwrap().wants[0].missing.count(), 3);
    assert_eq!(pole.faults("content"), 1);
}

#[test]
fn content_that_is_wrong_as_a_whole_is_fetched_again_but_not_for_ever() {
    let mut pole = online(vec![at("news", 86_000)]);
    pole.fail_finish = true;
    for round in 1..=6 {
        (0..3).for_each(|i| pole.hears_block("news", i));
        assert_eq!(
            pole.subscribed.contains(&filter("news")),
            round < 3,
            "round {round}"
        );
    }
    assert!(pole.status().held.is_empty());
    // It may have been the disk, not the office: a new connection is a new chance.
    pole.fail_finish = false;
    pole.input(Input::Disconnected);
    pole.input(Input::Connected);
    assert!(pole.subscribed.contains(&filter("news")));
    (0..3).for_each(|i| pole.hears_block("news", i));
    assert_eq!(pole.status().held.len(), 1);
}

#[test]
fn content_that_vanished_from_the_disk_is_fetched_again() {
    let mut pole = online(vec![at("news", 600)]);
    (0..3).for_each(|i| pole.hears_block("news", i));
    let content = at("news", 0).manifest().expect("audio").content;
    pole.input(Input::ContentBad {
        content,
        detail: "gone".into(),
    });
    assert!(pole.subscribed.contains(&filter("news")));
    (0..3).for_each(|i| pole.hears_block("news", i));
    pole.run_to(700);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn what_nobody_needs_makes_room_longest_unused_first() {
    let old = [at("old", 60), at("older", 10)];
    let contents = old
        .iter()
        .map(|b| {
            (
                b.manifest().expect("audio").content,
                HeldContent::Complete { bytes: 40_000 },
            )
        })
        .collect();
    let mut pole = Pole::on(
        Disk {
            contents,
            ..Disk::default()
        },
        130_000,
    );
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, old.to_vec()));
    pole.run_to(200);
    assert_eq!(pole.evicted, []);
    pole.input(Input::Connected);
    pole.hears_programme(&programme(
        area(),
        2,
        vec![at("new", 600), at("newer", 700)],
    ));
    assert_eq!(
        pole.evicted,
        [at("older", 0).manifest().expect("audio").content]
    );
    assert_eq!(pole.faults("quota"), 0);
}

#[test]
fn when_the_week_does_not_fit_the_nearest_air_times_win() {
    let mut pole = Pole::on(Disk::default(), 100_000);
    pole.input(Input::Connected);
    pole.hears_config(&config(1));
    let week = vec![at("first", 600), at("second", 700), at("third", 800)];
    pole.hears_programme(&programme(area(), 1, week));
    assert!(
        pole.subscribed.contains(&filter("first")) && pole.subscribed.contains(&filter("second"))
    );
    assert!(!pole.subscribed.contains(&filter("third")));
    assert_eq!(pole.faults("quota"), 1);
    for name in ["first", "second"] {
        (0..3).for_each(|i| pole.hears_block(name, i));
    }
    // An emergency takes the place of what is needed last, never of what is needed next.
    pole.hears_now(&now(2, 0, start(emergency_at("flood", 5_000))));
    assert_eq!(
        pole.evicted,
        [at("second", 0).manifest().expect("audio").content]
    );
    // What has been said makes room for the next.
    pole.run_to(640);
    assert!(pole.subscribed.contains(&filter("flood")));
}

#[test]
fn what_sounds_is_not_evicted_though_its_bulletin_is_gone() {
    let mut pole = Pole::with(vec![at("news", 60), at_priority("province", 70)]);
    pole.run_to(80);
    let news = at("news", 0).manifest().expect("audio").content;
    // Edited to other audio while suspended: the old one must still be there to go on with.
    let edited = Bulletin {
        revision: 2,
        source: at("other", 0).source,
        ..at("news", 60)
    };
    pole.hears_programme(&programme(
        area(),
        2,
        vec![edited, at_priority("province", 70)],
    ));
    assert!(pole.status().held.contains(&news));
    pole.run_to(200);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
}

#[test]
fn a_cancelled_bulletin_s_audio_is_not_asked_for_any_more() {
    let mut pole = online(vec![at("news", 600)]);
    pole.hears_now(&now(
        2,
        0,
        Command::Cancel {
            bulletin: "news".parse().unwrap(),
        },
    ));
    assert!(!pole.subscribed.contains(&filter("news")));
    let before = pole.wants().len();
    pole.run_to(300);
    assert_eq!(pole.wants().len(), before);
}
