//! An emergency is heard at once and alone, and what it cut goes on; heard in the recordings, not read in a log.

use std::time::Duration;

use loa_tests::process::{
    Broker, Output, Village,
    clock::{now_us, wait_for, wait_for_time},
    measure::emergency::cuts,
    recording::RATE,
    sound::find,
};
use serde_json::json;

#[test]
fn an_emergency_silences_an_ordinary_bulletin_which_then_goes_on_where_it_was() {
    let village = Village::start(1, Output::Wav, Broker::Embedded);
    let long = village.material(30.0, 1);
    let alarm = village.material(1.0, 2);
    // Both are there before they are needed: the time of a download is not what is measured.
    let (bulletin, _) = village.say(&long, &json!({}));
    village.poles[0].wait_until_it_holds(&long.content);
    village.cancel(&bulletin);
    let (bulletin, _) = village.say(&alarm, &json!({}));
    village.wait_for_outcomes(&bulletin, 1, Duration::from_secs(30));
    for (round, cut) in cuts(&village, &long, &alarm, 3).into_iter().enumerate() {
        println!("round {round}: {cut:?}");
        assert!(
            cut.silence_ms <= 5_000.0 && cut.start_ms <= 5_000.0,
            "{cut:?}"
        );
        assert!(cut.resume_error_ms.abs() <= 50.0, "{cut:?}");
    }
}

#[test]
fn the_same_is_heard_from_a_sound_device() {
    let village = Village::start(1, Output::Pulse, Broker::Embedded);
    let long = village.material(12.0, 3);
    let alarm = village.material(1.5, 4);
    let pole = &village.poles[0];
    let (bulletin, _) = village.say(&alarm, &json!({}));
    village.wait_for_outcomes(&bulletin, 1, Duration::from_secs(20));
    let begin_us = now_us();
    let (ordinary, _) = village.say(&long, &json!({}));
    wait_for(
        "the ordinary bulletin sounds",
        Duration::from_secs(20),
        || pole.status().is_some_and(|s| s.status.sounding.is_some()),
    );
    wait_for_time(now_us() + 3_500_000);
    let (_, answered_us) = village.say(&alarm, &json!({"priority": "emergency"}));
    village.wait_for_outcomes(&ordinary, 1, Duration::from_secs(30));
    let recorder = village.pulse.as_ref().unwrap().monitor(0);
    let heard = recorder.between(begin_us, now_us());

    // The emergency: whole and alone, soon after the answer.
    let near = |us: i64| usize::try_from((us - heard.start_us).max(0)).unwrap() * RATE / 1_000_000;
    let half = 5 * RATE / 2;
    let expected = near(answered_us) + half;
    let (start, alike) = find(&alarm.frames, &heard.frames, expected, half + RATE);
    assert!(
        alike >= 0.8,
        "the emergency sounds whole and alone ({alike:.4})"
    );
    let start = usize::try_from(start).unwrap();
    let start_ms = (heard.time_of(start) - answered_us) / 1_000;
    assert!(
        start_ms <= 5_000,
        "the emergency is heard after {start_ms} ms"
    );

    // The ordinary one: where it was cut, and where it goes on.
    let sound_before = heard.frames[..start]
        .iter()
        .rposition(|f| *f != 0.0)
        .unwrap();
    let cut = place_of(&long.frames, &heard.frames[..sound_before - RATE / 50]) + RATE / 50;
    let after = start + alarm.frames.len() + RATE / 100;
    let resumed = after
        + heard.frames[after..]
            .iter()
            .position(|f| f.abs() > 1e-3)
            .unwrap();
    let piece = &heard.frames[resumed + RATE / 50..];
    let goes_on = place_of(&long.frames, &piece[..RATE]) - RATE - RATE / 50;
    let back_ms = (cut - goes_on) as f64 * 1_000.0 / RATE as f64;
    assert!(
        (back_ms - 2_000.0).abs() <= 250.0,
        "it goes on {back_ms:.1} ms before the cut"
    );
}

/// Where in `whole` the end of `heard` is, by its last second.
fn place_of(whole: &[f32], heard: &[f32]) -> usize {
    let part = &heard[heard.len() - RATE..];
    let (found, alike) = find(part, whole, whole.len() / 2, whole.len() / 2);
    assert!(alike >= 0.8, "its place is found ({alike:.4})");
    usize::try_from(found).expect("it is in the content") + RATE
}
