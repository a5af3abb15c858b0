//! The village's own instruments, before anything is measured with them.

use std::process::Command;

use loa_tests::process::{
    Broker, LineKind,
    clock::now_us,
    mosquitto::Mosquitto,
    office::Office,
    program::is_listening,
    pulse::Pulse,
    sound::{find, speech_like, wav_file},
};

#[test]
fn what_a_null_sink_is_given_is_in_its_recording_at_that_time() {
    // A sound server that does not get its turn on a busy machine leaves holes; that is not what is asked here.
    let is_heard =
        (0..5).any(|_| std::panic::catch_unwind(a_null_sink_records_what_it_is_given).is_ok());
    assert!(is_heard, "not once in five tries");
}

fn a_null_sink_records_what_it_is_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let pulse = Pulse::start(folder.path(), 2);
    let file = wav_file(folder.path(), 1.5, 9);
    let begin_us = now_us();
    let mut player = Command::new("paplay");
    player
        .args(["--device=pole2", "--latency-msec=20"])
        .arg(&file);
    pulse.give_to(&mut player);
    assert!(player.status().expect("paplay runs").success());
    let end_us = now_us();
    let heard = pulse
        .monitor(1)
        .between(begin_us - 500_000, end_us + 300_000);
    let sent = speech_like(1.5, 9);
    let (frame, alike) = find(&sent, &heard.frames, 0, 120_000);
    assert!(alike > 0.99, "{alike}");
    let at_us = heard.time_of(usize::try_from(frame).expect("a place in the recording"));
    // A sink that wakes may jump by some milliseconds.
    let around = begin_us - 50_000..end_us;
    assert!(
        around.contains(&at_us),
        "{} ms after the player began",
        (at_us - begin_us) / 1_000
    );
    // Nothing leaks into the neighbour's.
    let other = pulse.monitor(0).between(begin_us, end_us);
    assert!(other.frames.iter().all(|f| *f == 0.0));
}

#[test]
fn a_killed_mosquitto_is_gone_and_comes_back_at_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let office = Office::install(folder.path(), Broker::Mosquitto, LineKind::Tls, 0);
    let mut mosquitto = Mosquitto::start(folder.path(), &office);
    mosquitto.kill();
    assert!(!is_listening(mosquitto.port));
    mosquitto.restart();
    assert!(is_listening(mosquitto.port));
}
