//! Is what was sounded what was sent?

use std::time::Duration;

use serde_json::json;

use crate::process::{
    clock::now_us,
    recording::RATE,
    sound::{self, Format},
    village::{Material, Village},
};

/// Uploads the same material in `format` and says it on all poles at once. For each pole, how alike its recording (the
/// WAV output's file, or the sink's monitor) and the canonical content are.
#[track_caller]
pub fn said_in(village: &Village, format: Format, seconds: f32, seed: u64) -> Vec<f64> {
    let source = sound::wav_file(village.folder(), seconds, seed);
    let material = village.upload(&sound::convert(&source, format));
    let wrong_by = (material.duration_s - f64::from(seconds)).abs();
    assert!(
        wrong_by < 0.1,
        "{format:?}: {} s of {seconds} s",
        material.duration_s
    );
    // What came in is what goes out: the canonical content is the source, encoded twice.
    let (_, kept) = sound::find(&sound::decoded(&source), &material.frames, 0, RATE / 10);
    assert!(
        kept > 0.9,
        "{format:?}: the content is what was uploaded ({kept:.3})"
    );
    let begin_us = now_us();
    let (bulletin, _) = village.say(&material, &json!({"title": format!("{format:?}")}));
    let patience = Duration::from_secs_f32(seconds + 30.0);
    let rows = village.wait_for_outcomes(&bulletin, village.poles.len(), patience);
    for row in &rows {
        assert_eq!(
            row.outcome.as_deref(),
            Some("completed"),
            "{format:?}: {row:?}"
        );
    }
    (0..village.poles.len())
        .map(|pole| likeness(village, pole, &bulletin, &material, begin_us))
        .collect()
}

fn likeness(
    village: &Village,
    pole: usize,
    bulletin: &str,
    material: &Material,
    begin_us: i64,
) -> f64 {
    let heard = match village.poles[pole].recordings_of(bulletin).as_slice() {
        [] => {
            let pulse = village
                .pulse
                .as_ref()
                .expect("a pole without files has a sink");
            pulse.monitor(pole).between(begin_us, now_us()).frames
        }
        [one] => one.frames(),
        many => panic!("said once, recorded {} times", many.len()),
    };
    let spare = heard.len().saturating_sub(material.frames.len());
    sound::find(&material.frames, &heard, 0, spare.max(RATE / 10)).1
}
