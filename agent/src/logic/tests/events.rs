//! Sentences about telling the office.

use loa_protocol::{event::MAX_BATCH, topic::Topic};

use super::pole::*;
use crate::logic::port::{Input, Write};

fn numbers(pole: &Pole) -> Vec<(u64, u64)> {
    let span =
        |b: &loa_protocol::event::Events| (b.events[0].number, b.events[b.events.len() - 1].number);
    pole.batches().iter().map(span).collect()
}

#[test]
fn events_wait_for_the_line_and_go_out_in_order() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(120);
    assert_eq!(numbers(&pole), []);
    let last = pole.disk.last_event;
    pole.input(Input::Connected);
    assert_eq!(numbers(&pole), [(1, last)]);
}

#[test]
fn an_event_is_told_only_once_it_is_durable() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.input(Input::Connected);
    pole.hears_ack(pole.disk.last_event);
    let before = numbers(&pole).len();
    pole.run_to(59);
    pole.run_until(pole.mono(60) - 100_000);
    pole.hold_commits = true;
    pole.run_to(62);
    assert_eq!(numbers(&pole).len(), before);
    pole.commit_held();
    assert_eq!(numbers(&pole).len(), before + 1);
}

#[test]
fn what_is_acknowledged_is_forgotten_and_the_rest_is_not() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(120);
    pole.input(Input::Connected);
    let last = pole.disk.last_event;
    pole.hears_ack(last - 1);
    assert_eq!(pole.disk.events.keys().copied().collect::<Vec<_>>(), [last]);
    // That the line is back is the last of them, and was not on disk when the line came.
    assert_eq!(numbers(&pole), [(1, last - 1), (last, last)]);
    pole.hears_ack(last);
    assert!(pole.disk.events.is_empty());
    pole.run_to(300);
    assert_eq!(numbers(&pole).len(), 2);
    assert_eq!(
        (pole.status().last_event, pole.status().acked),
        (last, last)
    );
}

#[test]
fn without_an_answer_the_batch_is_sent_again_after_ten_seconds_then_more_seldom_and_on_every_connection()
 {
    let mut pole = Pole::with(vec![]);
    pole.input(Input::Connected);
    pole.run_s(9);
    assert_eq!(numbers(&pole).len(), 1);
    pole.run_s(2);
    assert_eq!(numbers(&pole).len(), 2);
    pole.run_s(600);
    assert_eq!(numbers(&pole).len(), 7);
    pole.input(Input::Disconnected);
    pole.run_s(1_000);
    assert_eq!(numbers(&pole).len(), 7);
    pole.input(Input::Connected);
    assert_eq!(numbers(&pole).len(), 8);
}

#[test]
fn a_long_silence_is_told_in_bounded_batches_one_at_a_time() {
    let many: Vec<_> = (0..300)
        .map(|i| loa_protocol::bulletin::Bulletin {
            title: "Thông báo về nước lũ ".repeat(40),
            ..at(&format!("b{i}"), -3_600 - i)
        })
        .collect();
    let mut pole = Pole::with(many);
    pole.run_to(10);
    assert!(pole.disk.last_event >= 300);
    pole.input(Input::Connected);
    let mut through = 0;
    while through < pole.disk.last_event {
        let sent = pole.batches();
        let batch = sent.last().unwrap();
        assert_eq!(batch.events[0].number, through + 1);
        assert!(batch.events.len() <= MAX_BATCH);
        through = batch.events.last().unwrap().number;
        let sizes = pole
            .published
            .iter()
            .filter(|(t, _)| matches!(t, Topic::Events(_)))
            .map(|(_, p)| p.len());
        assert!(sizes.max().unwrap() <= 200_000);
        pole.hears_ack(through);
    }
    assert!(pole.batches().len() >= 2);
}

#[test]
fn numbers_go_on_after_a_restart_and_without_holes_after_a_failed_commit() {
    let mut pole = Pole::with(vec![at("news", 60), at("market", 200), at("evening", 400)]);
    pole.run_to(190);
    pole.fail_commits = true;
    pole.run_to(300);
    pole.fail_commits = false;
    let mut pole = pole.loses_power(10);
    pole.run_to(500);
    // The disk asserts that there are no holes.
    let told: Vec<u64> = pole.disk.told.iter().map(|e| e.number).collect();
    assert_eq!(told, (1..=pole.disk.last_event).collect::<Vec<_>>());
}

#[test]
fn an_acknowledgement_for_another_store_or_from_a_stranger_forgets_nothing() {
    use loa_protocol::{envelope::seal, event::Ack};
    let mut pole = Pole::with(vec![]);
    pole.input(Input::Connected);
    let ack = |store: &str| Ack {
        speaker: SPEAKER.parse().unwrap(),
        store: store.parse().unwrap(),
        through: 1,
    };
    pole.hears(Topic::Ack(SPEAKER.parse().unwrap()), &ack("store-0"));
    let payload = seal(&ack("store-1"), &key(2));
    pole.input(Input::Message {
        topic: Topic::Ack(SPEAKER.parse().unwrap()).to_string(),
        payload,
    });
    assert!(pole.disk.events.contains_key(&1));
}

#[test]
fn an_office_that_knows_more_than_the_disk_keeps_numbers_from_being_used_twice() {
    let mut pole = Pole::with(vec![]);
    pole.hold_commits = true;
    pole.hears_ack(1_000);
    let numbers: Vec<u64> = pole
        .held_commits
        .iter()
        .flat_map(|(_, w)| w)
        .filter_map(|w| match w {
            Write::AppendEvent(e) => Some(e.number),
            _ => None,
        })
        .collect();
    assert!(numbers.iter().all(|n| *n > 1_000), "{numbers:?}");
    assert_eq!(pole.status().acked, 1_000);
}

#[test]
fn a_speaker_that_was_told_twice_what_it_forgot_gives_no_such_number_again_after_a_power_cut() {
    let mut pole = Pole::with(vec![]);
    pole.hears_ack(1_000);
    // The fault is told once a minute, so no event is written after the second acknowledgement.
    pole.hears_ack(2_000);
    assert_eq!(pole.disk.told.last().map(|e| e.number), Some(1_001));
    let before = pole.disk.told.len();
    let pole = pole.loses_power(10);
    let booted: Vec<u64> = pole.disk.told[before..].iter().map(|e| e.number).collect();
    assert_eq!(booted.first(), Some(&2_001), "{booted:?}");
    assert_eq!(pole.status().acked, 2_000);
}
