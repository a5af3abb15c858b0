//! Office and broker are gone when the hour comes. The poles speak all the same, and tell it later, once.

use std::time::Duration;

use loa_protocol::event::What;
use loa_tests::process::{
    Broker, Output, Village,
    clock::{wait_for, wait_for_time},
    figures::percentile,
    journal,
    village::civil_time_in,
};
use serde_json::json;

#[test]
fn what_was_planned_sounds_on_time_without_the_office_and_is_told_once() {
    let mut village = Village::start(3, Output::Wav, Broker::Embedded);
    across_a_start(&mut village);
}

#[test]
fn the_same_with_office_and_mosquitto_gone() {
    let mut village = Village::start(2, Output::Wav, Broker::Mosquitto);
    across_a_start(&mut village);
}

fn across_a_start(village: &mut Village) {
    let material = village.material(1.0, 1);
    let (at, planned_us) = civil_time_in(15);
    let repeat = json!({"times": 2, "every_s": 3});
    let (bulletin, _) = village.say(&material, &json!({"when": {"at": at}, "repeat": repeat}));
    village.wait_until_all_hold(&material.content);
    for pole in &village.poles {
        wait_for(
            "the pole knows what comes next",
            Duration::from_secs(20),
            || {
                pole.status()
                    .and_then(|file| file.status.next)
                    .is_some_and(|n| n.planned.as_micros() == planned_us)
            },
        );
    }
    village.office.kill();
    if let Some(mosquitto) = &mut village.mosquitto {
        mosquitto.kill();
    }
    // The second start is 3 s after the first.
    wait_for_time(planned_us + 3_000_000 + 1_000_000);
    let mut errors_ms = Vec::new();
    for pole in &village.poles {
        wait_for("both have sounded", Duration::from_secs(10), || {
            pole.finished(&bulletin).len() == 2
        });
        for recording in pole.finished(&bulletin) {
            let error_ms = recording.note.error_ms();
            assert!((0.0..=1_000.0).contains(&error_ms), "{:?}", recording.note);
            errors_ms.push(error_ms);
        }
    }
    // One that the machine held up says nothing of the others.
    let median_ms = percentile(&errors_ms, 50.0);
    assert!(median_ms <= 20.0, "{errors_ms:?}");
    if let Some(mosquitto) = &mut village.mosquitto {
        mosquitto.restart();
    }
    village.office.restart();
    let count = 2 * village.poles.len();
    let rows = village.wait_for_outcomes(&bulletin, count, Duration::from_secs(60));
    assert_eq!(rows.len(), count);
    for row in &rows {
        assert_eq!(row.outcome.as_deref(), Some("completed"), "{row:?}");
    }
    for pole in &village.poles {
        let events = journal::at_office(&village.office.data_dir(), &pole.id);
        let numbers: Vec<u64> = events.iter().map(|event| event.number).collect();
        assert_eq!(
            numbers,
            (1..=events.len() as u64).collect::<Vec<_>>(),
            "none lost, none twice"
        );
        let starts = events
            .iter()
            .filter(|event| matches!(event.what, What::Started { .. }))
            .count();
        assert_eq!(starts, 2);
        wait_for("the pole may forget", Duration::from_secs(30), || {
            journal::of_pole(&pole.data_dir()).events.is_empty()
        });
        assert_eq!(pole.recordings_of(&bulletin).len(), 2);
    }
}
