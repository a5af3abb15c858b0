//! Sentences about what the office wants done once.

use loa_protocol::{
    event::{RunEnd, What},
    speaker_config::{MAX_ORDERS, Order, OrderKind, SpeakerConfig},
    telemetry::Hearing,
};

use super::pole::*;

fn order(number: u64, what: OrderKind, until_s: i64) -> Order {
    Order {
        number,
        what,
        until: t(until_s),
    }
}
fn orders(generation: u64, orders: Vec<Order>) -> SpeakerConfig {
    SpeakerConfig {
        orders,
        ..config(generation)
    }
}
fn last_end(pole: &Pole) -> Option<RunEnd> {
    let told = pole.watch().into_iter().rev();
    told.into_iter().find_map(|what| match what {
        What::Booted { after, .. } => Some(after?.ended),
        _ => None,
    })
}
fn tests(pole: &Pole) -> usize {
    let is_test = |what: &&What| matches!(what, What::SelfTested { test } if test.asked && test.hearing == Hearing::NoMicrophone);
    pole.watch().iter().filter(is_test).count()
}

#[test]
fn a_restart_is_done_once_and_told_as_ordered() {
    let mut pole = Pole::with(vec![]);
    pole.hears_config(&orders(2, vec![order(5, OrderKind::Restart, 600)]));
    assert!(pole.wants_to_run_again && pole.agent.is_quiescent());
    let mut pole = pole.begins_again(3);
    assert_eq!(last_end(&pole), Some(RunEnd::Ordered));
    assert!(!pole.wants_to_run_again);
    // The same document comes again, and a newer one that still holds the order.
    pole.hears_config(&orders(2, vec![order(5, OrderKind::Restart, 600)]));
    pole.hears_config(&orders(3, vec![order(5, OrderKind::Restart, 600)]));
    pole.run_to(700);
    assert!(!pole.wants_to_run_again);
}

#[test]
fn the_number_is_durable_before_the_deed() {
    let mut pole = Pole::with(vec![]);
    pole.hold_commits = true;
    pole.hears_config(&orders(2, vec![order(1, OrderKind::Restart, 600)]));
    pole.run_to(30);
    assert!(!pole.wants_to_run_again);
    pole.commit_held();
    assert!(pole.wants_to_run_again);
    assert!(pole.disk.documents.contains_key("own:order"));
}

#[test]
fn a_disk_that_fails_for_a_while_delays_an_order() {
    let mut pole = Pole::with(vec![]);
    pole.fail_commits = true;
    pole.hears_config(&orders(2, vec![order(1, OrderKind::SelfTest, 600)]));
    pole.run_to(30);
    pole.fail_commits = false;
    pole.run_to(120);
    assert_eq!(tests(&pole), 1);
    let mut pole = pole.loses_power(5);
    pole.run_to(300);
    assert_eq!(tests(&pole), 1);
}

#[test]
fn an_order_that_came_too_late_or_was_done_is_not_done() {
    let mut pole = Pole::with(vec![]);
    pole.run_to(100);
    let late = order(9, OrderKind::Restart, 100);
    pole.hears_config(&orders(2, vec![late, order(3, OrderKind::SelfTest, 900)]));
    assert!(!pole.wants_to_run_again);
    assert_eq!(tests(&pole), 1);
    pole.hears_config(&orders(3, vec![order(2, OrderKind::SelfTest, 900)]));
    assert_eq!(tests(&pole), 1);
}

#[test]
fn orders_are_done_in_the_order_of_their_numbers() {
    let mut pole = Pole::with(vec![]);
    let both = vec![
        order(8, OrderKind::Restart, 600),
        order(7, OrderKind::SelfTest, 600),
    ];
    pole.hears_config(&orders(2, both));
    assert_eq!(tests(&pole), 1);
    assert!(pole.wants_to_run_again);
}

#[test]
fn a_restart_waits_until_nothing_sounds() {
    let mut pole = Pole::with(vec![emergency_at("flood", 60)]);
    pole.run_to(70);
    pole.hears_config(&orders(2, vec![order(1, OrderKind::Restart, 600)]));
    pole.run_to(89);
    assert!(!pole.wants_to_run_again);
    pole.run_to(91);
    assert!(pole.wants_to_run_again);
    assert_eq!(pole.heard(), [("flood".into(), 60.0, 90.0, 0.0)]);
}

#[test]
fn a_restart_does_not_make_a_bulletin_late() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(50);
    pole.hears_config(&orders(2, vec![order(1, OrderKind::Restart, 600)]));
    pole.run_to(92);
    assert_eq!(pole.heard(), [("news".into(), 60.0, 90.0, 0.0)]);
    assert!(pole.wants_to_run_again);
}

#[test]
fn a_restart_that_never_found_silence_is_given_up() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.run_to(70);
    pole.hears_config(&orders(2, vec![order(1, OrderKind::Restart, 80)]));
    pole.run_to(200);
    assert!(!pole.wants_to_run_again);
}

#[test]
fn a_configuration_with_too_many_orders_or_no_time_of_day_breaks_the_rule() {
    let mut pole = Pole::with(vec![]);
    let many = (1..=MAX_ORDERS as u64 + 1).map(|n| order(n, OrderKind::SelfTest, 600));
    pole.hears_config(&orders(2, many.collect()));
    pole.hears_config(&SpeakerConfig {
        self_test_at: Some("9:5".into()),
        ..config(3)
    });
    assert_eq!(pole.status().refused.get("breaks_rule"), Some(&2));
    assert_eq!(pole.status().config, Some(version(1)));
    pole.hears_config(&SpeakerConfig {
        self_test_at: Some("09:05".into()),
        ..config(4)
    });
    assert_eq!(pole.status().config, Some(version(4)));
}
