//! Real start minus planned start, of many occurrences on all poles.

use std::{iter::repeat, time::Duration};

use serde_json::json;

use crate::process::{
    clock::wait_for_time,
    pulse::Stretch,
    recording::{RATE, us_of_frames},
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
    /// Starts that could not be found because the sound server stuttered: it has its turn on the cores like others.
    pub stuttered: usize,
}

/// Frames by which a start is found in a recording: 0.2 s.
const OPENING: usize = 9_600;

/// What is looked at: so much before the plan, and in all.
const BEFORE_US: i64 = 300_000;
const WINDOW_US: i64 = 1_500_000;
/// The sink's clock and the machine's differ by less than this in the window, unless something stood still.
const TRUE_WITHIN_US: i64 = 30_000;

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
    // The first is fetched before it sounds.
    for (plan, ahead_s) in plans.iter().zip([12].into_iter().chain(repeat(5))) {
        let (at, first_us) = civil_time_in(ahead_s);
        let again = json!({"times": plan.times, "every_s": plan.every_s});
        let (bulletin, _) = village.say(material, &json!({"when": {"at": at}, "repeat": again}));
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
            all.pulse.push(told_ms);
            let begin_us = planned_us - BEFORE_US;
            let heard = pulse.monitor(index).between(begin_us, begin_us + WINDOW_US);
            let Some(heard_us) = start_in(&heard, material) else {
                all.stuttered += 1;
                continue;
            };
            let heard_ms = (heard_us - planned_us) as f64 / 1_000.0;
            all.pulse_heard.push(heard_ms);
            all.heard_minus_told.push(heard_ms - told_ms);
        }
    }
}

/// When the material begins in the recording; `None` when the sound server stuttered: its clock ran wrong, or the
/// opening has holes.
fn start_in(heard: &Stretch, material: &Material) -> Option<i64> {
    let recorded_us = us_of_frames(heard.frames.len());
    if (recorded_us - WINDOW_US).abs() > TRUE_WITHIN_US {
        return None;
    }
    let opening = &material.frames[..material.frames.len().min(OPENING)];
    let expected = RATE * BEFORE_US as usize / 1_000_000;
    let (frame, alike) = sound::find(opening, &heard.frames, expected, expected);
    (alike > 0.9).then(|| heard.time_of(usize::try_from(frame).unwrap_or(0)))
}
