//! The sound device, for real: a PulseAudio server of our own with a null sink, and a recording of its monitor.
//!
//! Without PulseAudio on the machine this says so and shows nothing.

mod common;

use std::{
    io::Read,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use common::{
    call, hold, next, play,
    pulse::{Ends, start_pulse},
    speech, wait_for,
};
use loa_agent::{
    audio::{output, player::Player},
    clock,
    config::{Output, OutputKind},
    logic::port::{How, PlayerCommand, PlayerEvent},
};

/// What the monitor gave, and when: (monotonic clock, frames until then) for each read.
#[derive(Default)]
struct Tape {
    frames: Vec<f32>,
    reads: Vec<(u64, usize)>,
}

impl Tape {
    /// When frame `index` was recorded: the earliest any read of the second around it allows.
    fn heard_us(&self, index: usize) -> u64 {
        self.reads
            .iter()
            .filter(|(_, until)| until.abs_diff(index) < 48_000)
            .map(|(at_us, until)| {
                (at_us + (index as u64 * 1_000 / 48)).saturating_sub(*until as u64 * 1_000 / 48)
            })
            .min()
            .expect("recorded")
    }
}

/// An idle null sink has two seconds of delay; a recorder that wants 20 ms, opened before, takes it down.
fn record() -> (Ends, Arc<Mutex<Tape>>) {
    // First in line where that is allowed: a hole in the recording says nothing about the player.
    let mut recorder = Command::new("nice")
        .args([
            "-n",
            "-11",
            "parec",
            "-d",
            "pole1.monitor",
            "--latency-msec=20",
            "--rate=48000",
            "--channels=1",
            "--format=s16le",
            "--raw",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("parec comes with pulseaudio-utils");
    let mut pipe = recorder.stdout.take().expect("piped");
    let tape = Arc::new(Mutex::new(Tape::default()));
    let writes = Arc::clone(&tape);
    std::thread::spawn(move || {
        let (mut buffer, mut odd) = ([0_u8; 8192], Vec::new());
        while let Ok(read @ 1..) = pipe.read(&mut buffer) {
            let at_us = clock::mono_us();
            odd.extend_from_slice(&buffer[..read]);
            let whole = odd.len() / 2 * 2;
            let frames = odd[..whole]
                .chunks_exact(2)
                .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0);
            let mut tape = writes.lock().expect("no panic");
            tape.frames.extend(frames);
            let until = tape.frames.len();
            tape.reads.push((at_us, until));
            drop(tape);
            odd.drain(..whole);
        }
    });
    (Ends(recorder), tape)
}

#[tokio::test]
async fn what_the_device_sounds_is_what_was_sent_and_on_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(_server) = start_pulse(folder.path(), &["pole1"]) else {
        println!("SKIPPED: there is no pulseaudio on this machine; `make test` installs it");
        return;
    };
    let (_recorder, tape) = record();
    let two_seconds = clock::mono_us() + 2_200_000;
    wait_for("the recorder to run for two seconds", || {
        (clock::mono_us() > two_seconds).then_some(())
    });

    let (content, frames) = hold(folder.path(), &speech(1, 3.0));
    let config = Output {
        kind: OutputKind::Auto,
        device: "pole1".into(),
        host: None,
        directory: folder.path().join("wav"),
    };
    let output = output::choose(&config, &"ban-chuong-1".parse().expect("a name"));
    assert_eq!(output.describe(), "device pole1 (pulseaudio)");
    let (player, mut events) =
        Player::start(output, folder.path().into(), Box::new(|_| {})).expect("a thread");

    // The output is opened two seconds ahead for a planned start, and only then for one that is for now.
    for (round, in_ms) in [2_500, 2_200, 0].into_iter().enumerate() {
        let bulletin = play(&format!("tin-{round}"), 0, content, 0, in_ms);
        let before = tape.lock().expect("no panic").frames.len();
        assert_eq!(
            player.send(PlayerCommand::Play(Box::new(bulletin.clone()))),
            None
        );
        let PlayerEvent::Started { at_mono_us, .. } = next(&mut events).await else {
            panic!("it starts");
        };
        let end = next(&mut events).await;
        assert!(
            matches!(
                end,
                PlayerEvent::Ended {
                    how: How::Finished,
                    place_ms: 3_000,
                    ..
                }
            ),
            "{end:?}"
        );
        let closed = clock::mono_us() + 700_000;
        wait_for("the output to close", || {
            (clock::mono_us() > closed).then_some(())
        });

        let tape = tape.lock().expect("no panic");
        let recorded = &tape.frames[before..];
        let max_lag = recorded.len().saturating_sub(frames.len() / 2);
        let (lag, alike) = loa_audio::measure::correlation(&frames, recorded, max_lag);
        let heard_us = tape.heard_us(before + usize::try_from(lag).expect("after the beginning"));
        let late_ms = (heard_us as f64 - bulletin.start_mono_us as f64) / 1_000.0;
        let told_ms = (at_mono_us as f64 - bulletin.start_mono_us as f64) / 1_000.0;
        println!(
            "planned {in_ms} ms ahead: heard {late_ms:+.1} ms late, told {told_ms:+.1} ms, correlation {alike:.4}"
        );
        assert!(alike >= 0.98, "correlation {alike}");
        assert!(told_ms >= 0.0, "never early");
        if in_ms > 0 {
            assert!((0.0..=20.0).contains(&late_ms), "heard {late_ms} ms late");
            assert!(told_ms <= 20.0, "told {told_ms} ms late");
        } else {
            assert!(late_ms < 300.0, "for now, and {late_ms} ms late");
        }
    }
    a_call_is_heard_at_its_time(&player, &mut events, &tape).await;
    // The device is lost while something sounds.
    assert_eq!(
        player.send(PlayerCommand::Play(Box::new(play("mat", 0, content, 0, 0)))),
        None
    );
    assert!(matches!(
        next(&mut events).await,
        PlayerEvent::Started { .. }
    ));
    drop(_server);
    let end = next(&mut events).await;
    let PlayerEvent::Ended {
        how: How::Failed { failure, .. },
        ..
    } = &end
    else {
        panic!("{end:?}");
    };
    assert_eq!(*failure, loa_protocol::playout::Failure::Output);
    drop(events);
    tokio::task::spawn_blocking(move || player.quit())
        .await
        .expect("quits");
}

/// A call begins within a second, as calls do, and each of its packets comes 20 ms after its last sample was captured.
async fn a_call_is_heard_at_its_time(
    player: &Player,
    events: &mut tokio::sync::mpsc::Receiver<PlayerEvent>,
    tape: &Mutex<Tape>,
) {
    let said = speech(7, 3.0);
    let (call, packets) = call(&said, 300, 1_000);
    let start_us = call.start_mono_us;
    let before = tape.lock().expect("no panic").frames.len();
    player.send(PlayerCommand::Play(Box::new(call)));
    let mut packets = packets.into_iter().peekable();
    let mut told = None;
    let how = loop {
        let now_us = clock::mono_us();
        let is_there = |command: &PlayerCommand| match command {
            PlayerCommand::Packet {
                captured_mono_us, ..
            } => captured_mono_us + 60_000 <= now_us,
            _ => true,
        };
        while let Some(packet) = packets.next_if(is_there) {
            player.send(packet);
        }
        let patience = std::time::Duration::from_millis(5);
        match tokio::time::timeout(patience, events.recv()).await {
            Ok(Some(PlayerEvent::Streams { streamed, .. })) => told = Some(streamed),
            Ok(Some(PlayerEvent::Ended { how, .. })) => break how,
            Ok(_) | Err(_) => {}
        }
    };
    let told = told.expect("how it fared is told before its end");
    assert_eq!(how, How::Finished, "{told:?}");
    // The monitor gives the last of it a little later.
    let given = clock::mono_us() + 500_000;
    wait_for("the rest of the recording", || {
        (clock::mono_us() > given).then_some(())
    });
    let tape = tape.lock().expect("no panic");
    // The first second steers to the device's word about its delay.
    let part = &said[48_000..3 * 48_000];
    let recorded = &tape.frames[before..];
    let (lag, alike) = loa_audio::measure::correlation(part, recorded, recorded.len());
    let heard_us = tape.heard_us(before + usize::try_from(lag).expect("after the beginning"));
    let late_ms = (heard_us as f64 - (start_us + 1_000_000) as f64) / 1_000.0;
    println!(
        "a call: mouth to horn {:.1} ms, correlation {alike:.3}, {told:?}",
        300.0 + late_ms
    );
    assert!(told.lost + told.late < 8, "{told:?}");
    assert!(
        alike > 0.7 && late_ms.abs() < 40.0,
        "{alike} {late_ms} {told:?}"
    );
}
