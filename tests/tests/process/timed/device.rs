//! A sound device begins when it should, heard in what its sink would have sounded.

use std::time::Duration;

use loa_tests::process::{Broker, Output, Village, sound::find, village::civil_time_in};
use serde_json::json;

/// A sound server that stood still for a moment leaves a hole in the recording; then it is said again.
const TRIES: usize = 3;

#[test]
fn a_sound_device_begins_at_the_planned_second() {
    let village = Village::start(1, Output::Pulse, Broker::Embedded);
    let material = village.material(2.0, 2);
    let monitor = village.pulse.as_ref().unwrap().monitor(0);
    let whole = (0..TRIES).find_map(|_| {
        let (at, planned_us) = civil_time_in(5);
        let (bulletin, _) = village.say(&material, &json!({"when": {"at": at}}));
        let rows = village.wait_for_outcomes(&bulletin, 1, Duration::from_secs(30));
        let error_ms = rows[0].error_ms.unwrap();
        assert!((-0.01..=1_000.0).contains(&error_ms), "{rows:?}");
        let heard = monitor.between(planned_us - 1_000_000, planned_us + 3_500_000);
        let (frame, alike) = find(&material.frames, &heard.frames, 48_000, 96_000);
        println!("{alike:.3} alike, told {error_ms} ms late");
        (alike > 0.8).then(|| {
            let heard_us = monitor.time_of(&heard, usize::try_from(frame).unwrap());
            (heard_us - planned_us) / 1_000
        })
    });
    let late_ms = whole.expect("in one of three it is heard whole");
    // The recorder has a delay of its own.
    assert!(
        (-5..2_000).contains(&late_ms),
        "heard {late_ms} ms after the plan"
    );
}
