//! Sentences about what the pole says of itself.

use loa_protocol::{
    bulletin::{Priority, When},
    status::SpeakerStatus,
    time::Trust,
    topic::Topic,
};

use super::pole::*;
use crate::logic::{Pace, port::Input};

fn statuses(pole: &Pole) -> usize {
    pole.published
        .iter()
        .filter(|(t, _)| matches!(t, Topic::Status(_)))
        .count()
}

#[test]
fn a_connection_begins_with_everything() {
    let mut pole = Pole::with(vec![at("news", 60)]);
    pole.input(Input::Connected);
    for topic in [
        "loa/v1/head".to_owned(),
        format!("loa/v1/speaker/{SPEAKER}/config"),
        format!("loa/v1/speaker/{SPEAKER}/ack"),
        format!("loa/v1/speaker/{SPEAKER}/clock/reply"),
        "loa/v1/channel/area.sang-moc/programme".to_owned(),
        "loa/v1/channel/area.sang-moc/now".to_owned(),
        format!("loa/v1/channel/speaker.{SPEAKER}/programme"),
    ] {
        assert!(pole.subscribed.contains(&topic), "{topic}");
    }
    let status: SpeakerStatus = pole
        .last_published(|t| matches!(t, Topic::Status(_)))
        .unwrap();
    assert!(status.online);
    assert_eq!(status.clock.trust, Trust::Synced);
    assert_eq!(
        status.next.map(|n| (n.title, n.planned)),
        Some(("news".into(), t(60)))
    );
    assert_eq!(
        status.held,
        [at("news", 0).manifest().expect("audio").content]
    );
    assert_eq!(status.programmes.get(&area()), Some(&version(1)));
}

#[test]
fn it_is_told_every_minute_and_within_a_second_of_a_change() {
    let mut pole = Pole::with(vec![at("news", 300)]);
    pole.input(Input::Connected);
    pole.run_to(240);
    assert_eq!(statuses(&pole), 5);
    pole.run_to(301);
    let status: SpeakerStatus = pole
        .last_published(|t| matches!(t, Topic::Status(_)))
        .unwrap();
    assert_eq!(
        status.sounding.map(|s| (s.title, s.since)),
        Some(("news".into(), t(300)))
    );
    pole.run_to(332);
    let status: SpeakerStatus = pole
        .last_published(|t| matches!(t, Topic::Status(_)))
        .unwrap();
    assert_eq!(status.sounding, None);
}

#[test]
fn a_hundred_changes_in_a_second_are_told_together() {
    let mut pole = Pole::with(vec![]);
    pole.input(Input::Connected);
    let before = statuses(&pole);
    for generation in 2..102 {
        pole.hears_programme(&programme(area(), generation, vec![at("news", 300)]));
    }
    pole.run_s(2);
    assert!(statuses(&pole) <= before + 2);
}

#[test]
fn looking_costs_nothing_when_nothing_is_due() {
    let rules = (0..50).map(|i| {
        let when = When::Rule {
            start: civil(7_200 + i),
            rrule: "FREQ=DAILY".into(),
            except: vec![],
        };
        bulletin(&format!("b{i}"), Priority::Ordinary, when)
    });
    let mut pole = Pole::with(rules.collect());
    pole.run_to(10);
    for _ in 0..100_000 {
        pole.mono_us += 1;
        let effects = pole.agent.handle(Input::Tick, pole.reading());
        assert!(effects.is_empty());
    }
}

#[test]
fn a_week_of_twelve_bulletins_a_day_wakes_the_pole_a_few_hundred_times() {
    let rules = (0..12).map(|i| {
        let when = When::Rule {
            start: civil(7_200 + i * 600),
            rrule: "FREQ=DAILY".into(),
            except: vec![],
        };
        bulletin(&format!("b{i}"), Priority::Ordinary, when)
    });
    let mut pole = Pole::with(rules.collect());
    // As the simulated village has it: only what is due wakes it.
    pole.agent.identity.pace = Pace {
        status_s: 86_400,
        clock_s: 86_400,
        clock_quick: 10,
        known_time_s: 86_400,
        watch_near_s: 86_400,
        watch_far_s: 86_400,
    };
    let before = pole.steps;
    pole.run_to(7 * 86_400);
    let steps = pole.steps - before;
    assert_eq!(pole.player.sounds.len(), 84);
    assert!(steps < 700, "{steps} steps");
}
