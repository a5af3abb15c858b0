//! What was planned sounds, when it was planned; what was taken back does not.

use std::time::Duration;

use loa_tests::process::{
    Broker, Output, Village,
    clock::{wait_for, wait_for_time, wait_until},
    sound::find,
    village::civil_time_in,
};
use serde_json::json;

/// Start error that nobody hears, in milliseconds. The two clocks are read one after the other: microseconds are rounding.
const ON_TIME_MS: std::ops::RangeInclusive<f64> = -0.01..=1_000.0;

#[test]
fn three_poles_begin_at_the_planned_second_and_tell_the_office() {
    let village = Village::start(3, Output::Wav, Broker::Embedded);
    let material = village.material(2.0, 1);
    let (at, planned_us) = civil_time_in(8);
    let (bulletin, _) = village.say(&material, &json!({"when": {"at": at}}));
    let rows = village.wait_for_outcomes(&bulletin, 3, Duration::from_secs(30));
    for row in &rows {
        assert_eq!(row.outcome.as_deref(), Some("completed"));
        assert_eq!(row.planned.as_microsecond(), planned_us);
        assert!(ON_TIME_MS.contains(&row.error_ms.unwrap()), "{row:?}");
        assert!((row.sounded_s - material.duration_s).abs() < 0.1, "{row:?}");
    }
    for pole in &village.poles {
        let [recording] = &pole.recordings_of(&bulletin)[..] else {
            panic!("one recording on {}", pole.id);
        };
        assert!(
            ON_TIME_MS.contains(&recording.note.error_ms()),
            "{:?}",
            recording.note
        );
        let (lag, alike) = find(&material.frames, &recording.frames(), 0, 4_800);
        assert_eq!(lag, 0, "its first sample is the content's first");
        assert!(alike > 0.98, "{alike}");
    }
}

#[test]
fn stop_all_silences_the_village_within_a_blink() {
    let village = Village::start(3, Output::Wav, Broker::Embedded);
    let material = village.material(20.0, 3);
    let (bulletin, _) = village.say(&material, &json!({}));
    wait_for("all sound", Duration::from_secs(20), || {
        village
            .poles
            .iter()
            .all(|pole| pole.recordings_of(&bulletin).len() == 1)
    });
    let stopped_us = village.stop_all();
    let rows = village.wait_for_outcomes(&bulletin, 3, Duration::from_secs(20));
    for row in &rows {
        assert_eq!(
            (row.outcome.as_deref(), row.reason.as_deref()),
            (Some("interrupted"), Some("stopped"))
        );
    }
    for pole in &village.poles {
        let recordings = pole.finished(&bulletin);
        assert_eq!(recordings.len(), 1);
        let silent_ms = (recordings[0].silent_from_us() - stopped_us) / 1_000;
        assert!(
            silent_ms < 5_000,
            "{} was heard for {silent_ms} ms more",
            pole.id
        );
    }
}

#[test]
fn a_cancelled_bulletin_falls_silent_and_a_cancelled_plan_never_sounds() {
    let village = Village::start(1, Output::Wav, Broker::Embedded);
    let material = village.material(10.0, 4);
    let (at, planned_us) = civil_time_in(6);
    let (planned, _) = village.say(&material, &json!({"when": {"at": at}}));
    village.cancel(&planned);
    let (running, _) = village.say(&material, &json!({}));
    let pole = &village.poles[0];
    wait_for("it sounds", Duration::from_secs(20), || {
        pole.recordings_of(&running).len() == 1
    });
    let cancelled_us = village.cancel(&running);
    let rows = village.wait_for_outcomes(&running, 1, Duration::from_secs(20));
    assert_eq!(
        (rows[0].outcome.as_deref(), rows[0].reason.as_deref()),
        (Some("interrupted"), Some("cancelled"))
    );
    let silent_ms = (pole.finished(&running)[0].silent_from_us() - cancelled_us) / 1_000;
    assert!(silent_ms < 5_000, "heard for {silent_ms} ms more");
    wait_for_time(planned_us + 1_000_000);
    assert!(pole.recordings_of(&planned).is_empty());
}

#[test]
fn a_bulletin_moved_to_another_time_sounds_only_then() {
    let village = Village::start(1, Output::Wav, Broker::Embedded);
    let material = village.material(1.0, 5);
    let (at, first_us) = civil_time_in(6);
    let (bulletin, _) = village.say(&material, &json!({"when": {"at": at}}));
    let (later, later_us) = civil_time_in(9);
    let change = json!({"when": {"at": later}});
    village
        .office
        .api
        .call("PATCH", &format!("/bulletins/{bulletin}"), Some(&change))
        .json();
    let recordings = wait_until("it sounds", Duration::from_secs(30), || {
        let recordings = village.poles[0].finished(&bulletin);
        (!recordings.is_empty()).then_some(recordings)
    });
    assert!(first_us < later_us);
    assert_eq!(recordings.len(), 1);
    assert_eq!(recordings[0].note.planned_us, later_us);
    assert!(
        ON_TIME_MS.contains(&recordings[0].note.error_ms()),
        "{:?}",
        recordings[0].note
    );
}
