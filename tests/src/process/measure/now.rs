//! From the HTTP answer to "say it now" to the first sample.

use std::time::Duration;

use serde_json::json;

use crate::process::{
    clock::wait_for,
    village::{Material, Village},
};

/// Says `material`, which every pole holds and sounds into files, `calls` times, one after the other.
/// Milliseconds from the answer to the first sample of the last pole, for each call.
#[track_caller]
pub fn play_now(village: &Village, material: &Material, calls: usize) -> Vec<f64> {
    let latencies = (0..calls).map(|call| {
        let (bulletin, answered_us) =
            village.say(material, &json!({"title": format!("Ngay {call}")}));
        wait_for("it sounded on every pole", Duration::from_secs(10), || {
            village
                .poles
                .iter()
                .all(|pole| !pole.finished(&bulletin).is_empty())
        });
        let starts = village
            .poles
            .iter()
            .flat_map(|pole| pole.finished(&bulletin));
        let last_us = starts
            .map(|r| r.note.start_us)
            .max()
            .expect("there is a pole");
        // It may sound before its answer has come the whole way.
        (last_us - answered_us).max(0) as f64 / 1_000.0
    });
    latencies.collect()
}
