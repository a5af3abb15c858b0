//! The broker dies and comes back with nothing in its memory; the village is told everything again.

use std::time::Duration;

use loa_tests::process::{Broker, Output, Village, clock::wait_for};
use serde_json::json;

#[test]
fn mosquitto_killed_and_restarted_empty_costs_nothing() {
    let mut village = Village::start(2, Output::Wav, Broker::Mosquitto);
    let before = village.material(1.0, 1);
    is_heard_everywhere(&village, &village.say(&before, &json!({})).0);
    village.mosquitto.as_mut().unwrap().kill();
    all_notice(&village);
    village.mosquitto.as_mut().unwrap().restart();
    works_as_before(&village);
}

#[test]
fn the_embedded_broker_killed_with_its_office_costs_nothing() {
    let mut village = Village::start(2, Output::Wav, Broker::Embedded);
    let before = village.material(1.0, 1);
    is_heard_everywhere(&village, &village.say(&before, &json!({})).0);
    village.office.kill();
    all_notice(&village);
    village.office.restart();
    works_as_before(&village);
}

fn all_notice(village: &Village) {
    for pole in &village.poles {
        wait_for("the pole notices", Duration::from_secs(20), || {
            pole.status().is_some_and(|file| !file.connected)
        });
    }
}

/// New audio and an old plan reach every pole, and the office sees every pole.
fn works_as_before(village: &Village) {
    village.wait_until_connected();
    let after = village.material(1.5, 2);
    is_heard_everywhere(
        village,
        &village
            .say(&after, &json!({"title": "Sau khi mất kết nối"}))
            .0,
    );
    for pole in &village.poles {
        wait_for("the office sees it", Duration::from_secs(20), || {
            village.office.api.get(&format!("/speakers/{}", pole.id))["presence"]["state"]
                == "online"
        });
    }
}

fn is_heard_everywhere(village: &Village, bulletin: &str) {
    let rows = village.wait_for_outcomes(bulletin, village.poles.len(), Duration::from_secs(60));
    for row in rows {
        assert_eq!(row.outcome.as_deref(), Some("completed"), "{row:?}");
    }
    for pole in &village.poles {
        assert_eq!(pole.recordings_of(bulletin).len(), 1, "{}", pole.id);
    }
}
