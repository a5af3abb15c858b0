//! Emergencies over an ordinary bulletin, measured in what the WAV output recorded and in nothing else.

use std::time::Duration;

use serde_json::json;

use crate::process::{
    clock::{wait_for, wait_for_time, wait_until},
    recording::{RATE, Recording, us_of_frames},
    sound,
    village::{Material, Village},
};

/// A resumed bulletin goes on from so much before the cut.
const BACK_MS: f64 = 2_000.0;
/// The old one sounds at least so long between two emergencies: there must be two seconds to go back.
const SOUNDS_US: i64 = 2_600_000;
/// Frames at either end of a piece that fade.
const FADE: usize = RATE / 100;

/// One emergency, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// HTTP answer to the last audible sample of the old.
    pub silence_ms: f64,
    /// HTTP answer to the first sample of the new.
    pub start_ms: f64,
    /// Place where the old went on, minus place of the cut less two seconds.
    pub resume_error_ms: f64,
}

/// Starts `long` as an ordinary bulletin on pole 0 and interrupts it `rounds` times with `alarm`. Both are held already.
///
/// # Panics
/// When the old and the new sound together, or the old does not go on.
#[track_caller]
pub fn cuts(village: &Village, long: &Material, alarm: &Material, rounds: usize) -> Vec<Cut> {
    let pole = &village.poles[0];
    let target = json!([village.channel_of(0)]);
    let (ordinary, _) = village.say(long, &json!({"targets": target, "max_duration_s": 7200}));
    let mut cuts = Vec::new();
    for round in 0..rounds {
        let before = nth_piece(village, &ordinary, round);
        wait_for_time(before.note.start_us + SOUNDS_US);
        let (emergency, answered_us) = village.say(
            alarm,
            &json!({"targets": target, "priority": "emergency", "title": "Khẩn cấp"}),
        );
        let new = wait_until("the emergency has sounded", Duration::from_secs(15), || {
            pole.finished(&emergency).into_iter().next()
        });
        let after = nth_piece(village, &ordinary, round + 1);
        wait_for(
            "enough of it to find its place",
            Duration::from_secs(15),
            || after.frames().len() > FADE + RATE,
        );
        let before = nth_piece(village, &ordinary, round);
        cuts.push(judge(long, alarm, &before, &new, &after, answered_us));
    }
    village.cancel(&ordinary);
    cuts
}

fn nth_piece(village: &Village, bulletin: &str, piece: usize) -> Recording {
    wait_until(
        "the ordinary bulletin sounds",
        Duration::from_secs(15),
        || {
            village.poles[0]
                .recordings_of(bulletin)
                .into_iter()
                .nth(piece)
        },
    )
}

fn judge(
    long: &Material,
    alarm: &Material,
    before: &Recording,
    new: &Recording,
    after: &Recording,
    answered_us: i64,
) -> Cut {
    let silent_us = before.silent_from_us();
    let start_us = new.audible_from_us();
    assert!(
        start_us >= silent_us,
        "the old is silent before the new begins"
    );
    let alarm_heard = new.frames();
    let (_, alike) = sound::find(&alarm.frames, &alarm_heard, 0, FADE);
    assert!(
        alike >= 0.98,
        "the emergency sounds whole and alone ({alike:.4})"
    );
    assert!(
        after.audible_from_us() >= new.silent_from_us(),
        "the old waits for the end of the new"
    );
    let cut_ms = place_of_end_ms(long, before);
    let resumed_ms = place_of_start_ms(long, after);
    Cut {
        silence_ms: (silent_us - answered_us) as f64 / 1_000.0,
        start_ms: (start_us - answered_us) as f64 / 1_000.0,
        resume_error_ms: resumed_ms - (cut_ms - BACK_MS).max(0.0),
    }
}

/// Where in the content the first frame of a piece is, found in the sound itself. The note only says where to look.
fn place_of_start_ms(long: &Material, piece: &Recording) -> f64 {
    let frames = piece.frames();
    let part = &frames[FADE..FADE + RATE];
    let expected = frames_of_ms(piece.note.from_ms);
    let (found, alike) = sound::find(part, &long.frames, expected, 2 * RATE);
    assert!(
        alike >= 0.98,
        "{}: its beginning is found ({alike:.4})",
        piece.path.display()
    );
    ms_of(found - FADE as isize)
}

/// Where in the content the last audible frame of a piece is.
fn place_of_end_ms(long: &Material, piece: &Recording) -> f64 {
    let frames = piece.frames();
    let end = frames
        .iter()
        .rposition(|f| *f != 0.0)
        .map_or(0, |last| last + 1);
    let from = end.saturating_sub(FADE + RATE);
    let part = &frames[from..end - FADE];
    let expected = frames_of_ms(piece.note.from_ms) + from;
    let (found, alike) = sound::find(part, &long.frames, expected, 2 * RATE);
    assert!(
        alike >= 0.98,
        "{}: its end is found ({alike:.4})",
        piece.path.display()
    );
    ms_of(found + (end - from) as isize)
}

fn frames_of_ms(ms: u64) -> usize {
    usize::try_from(ms).unwrap_or(0) * RATE / 1_000
}

fn ms_of(frame: isize) -> f64 {
    us_of_frames(frame.unsigned_abs()) as f64 / 1_000.0 * frame.signum() as f64
}
