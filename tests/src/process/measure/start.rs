//! Real start minus planned start, of many occurrences on all poles.

use std::time::Duration;

use serde_json::json;

use crate::process::{
    clock::wait_for_time,
    sound,
    village::{Material, Village, civil_time_in},
};

/// What is known of the starts, in milliseconds after the plan.
#[derive(Clone, Debug, Default)]
pub struct Starts {
    /// From the exact instants beside WAV recordings.
    pub wav: Vec<f64>,
    /// What the poles with a sound device told the office.
    pub pulse: Vec<f64>,
    /// When the recorder of the same sinks had it. Includes the recorder's own delay, some tens of milliseconds.
    pub pulse_heard: Vec<f64>,
    /// Heard minus told, one by one: if the poles tell the truth, it is a constant.
    pub heard_minus_told: Vec<f64>,
}

/// Frames by which a start is found in a recording: 0.2 s.
const OPENING: usize = 9_600;

/// One bulletin, repeated.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub times: u16,
    pub every_s: u32,
}

/// Says the bulletin by schedule, in each of `plans` one after the other, and collects what every pole did.
/// `material` is shorter than any plan's interval.
///
/// # Panics
/// When a single occurrence is missing anywhere.
#[track_caller]
pub fn starts(village: &Village, material: &Material, plans: &[Plan]) -> Starts {
    let mut all = Starts::default();
    for plan in plans {
        let (at, first_us) = civil_time_in(5);
        let repeat = json!({"times": plan.times, "every_s": plan.every_s});
        let (bulletin, _) = village.say(material, &json!({"when": {"at": at}, "repeat": repeat}));
        let last_us = first_us + i64::from(plan.times - 1) * i64::from(plan.every_s) * 1_000_000;
        wait_for_time(last_us + (material.duration_s * 1e6) as i64);
        collect(village, material, &bulletin, *plan, &mut all);
    }
    all
}

fn collect(village: &Village, material: &Material, bulletin: &str, plan: Plan, all: &mut Starts) {
    let times = usize::from(plan.times);
    let count = times * village.poles.len();
    let rows = village.wait_for_outcomes(bulletin, count, Duration::from_secs(30));
    assert_eq!(rows.len(), count, "each occurrence once on each pole");
    for row in &rows {
        assert_eq!(row.outcome.as_deref(), Some("completed"), "{row:?}");
    }
    for (index, pole) in village.poles.iter().enumerate() {
        let recordings = pole.recordings_of(bulletin);
        if !recordings.is_empty() {
            assert_eq!(
                recordings.len(),
                times,
                "{}: one recording for each occurrence",
                pole.id
            );
            all.wav.extend(recordings.iter().map(|r| r.note.error_ms()));
            continue;
        }
        let pulse = village
            .pulse
            .as_ref()
            .expect("a pole without files has a sink");
        for row in rows.iter().filter(|row| row.speaker == pole.id) {
            let planned_us = row.planned.as_microsecond();
            let told_ms = row.error_ms.expect("a completed playout has a start");
            let stretch = pulse
                .monitor(index)
                .between(planned_us - 300_000, planned_us + 1_200_000);
            let opening = &material.frames[..material.frames.len().min(OPENING)];
            let (frame, alike) = sound::find(opening, &stretch.frames, 14_400, 14_400);
            assert!(
                alike > 0.9,
                "{}: {} is in the recording ({alike:.3})",
                pole.id,
                row.occurrence
            );
            let heard_us = stretch.time_of(usize::try_from(frame).unwrap_or(0));
            let heard_ms = (heard_us - planned_us) as f64 / 1_000.0;
            all.pulse.push(told_ms);
            all.pulse_heard.push(heard_ms);
            all.heard_minus_told.push(heard_ms - told_ms);
        }
    }
}
