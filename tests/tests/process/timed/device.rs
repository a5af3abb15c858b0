//! A sound device begins when it should, heard in what its sink would have sounded.

use std::time::Duration;

use loa_tests::process::{Broker, Output, Village, sound::find, village::civil_time_in};
use serde_json::json;

#[test]
fn a_sound_device_begins_at_the_planned_second() {
    let village = Village::start(1, Output::Pulse, Broker::Embedded);
    let material = village.material(2.0, 2);
    let (at, planned_us) = civil_time_in(5);
    let (bulletin, _) = village.say(&material, &json!({"when": {"at": at}}));
    let rows = village.wait_for_outcomes(&bulletin, 1, Duration::from_secs(30));
    assert!(
        (-0.01..=1_000.0).contains(&rows[0].error_ms.unwrap()),
        "{rows:?}"
    );
    let pulse = village.pulse.as_ref().unwrap();
    let heard = pulse
        .monitor(0)
        .between(planned_us - 1_000_000, planned_us + 3_500_000);
    let (frame, alike) = find(&material.frames, &heard.frames, 48_000, 96_000);
    assert!(alike > 0.8, "{alike}");
    // The recorder has a delay of its own.
    let late_ms = (heard.time_of(usize::try_from(frame).unwrap()) - planned_us) / 1_000;
    assert!(
        (-5..2_000).contains(&late_ms),
        "heard {late_ms} ms after the plan"
    );
}
