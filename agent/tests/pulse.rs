//! The sound device, for real: a PulseAudio server of our own with a null sink, and a recording of its monitor.
//!
//! Without PulseAudio on the machine this says so and shows nothing.

mod common;

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use common::{
    call, hold, next, play,
    pulse::{Ends, holes, start_pulse},
    speech, wait_for,
};
use loa_agent::{
    audio::{output, player::Player},
    clock,
    config::{Output, OutputKind},
    logic::port::{How, Play, PlayerCommand, PlayerEvent},
};
use loa_audio::measure::{correlation, stretched_correlation};
use loa_protocol::{content::Sha, live::Streamed};
use tokio::sync::mpsc::Receiver;

/// How often something is said again because the sink stuttered, which says nothing about the player.
const AGAIN: usize = 4;
const CALL_AGAIN: usize = 3;

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

    /// Which frame was recorded at `us`.
    fn frame_at(&self, us: u64) -> usize {
        let later = self.reads.iter().find(|(at_us, _)| *at_us >= us);
        let (_, near) = later.or(self.reads.last()).expect("recorded");
        let early_us = us as i64 - self.heard_us(*near) as i64;
        near.saturating_add_signed((early_us * 48 / 1_000) as isize)
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
    wait_for("the recorder to run for two seconds", || {
        let recorded = tape.lock().expect("no panic").frames.len();
        (recorded > 2 * 48_000 + 9_600).then_some(())
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

    let mut horn = Horn {
        folder: folder.path(),
        player: &player,
        events: &mut events,
        tape: &tape,
    };
    // The output is opened two seconds ahead for a planned start, and only then for one that is for now.
    for (round, in_ms) in [2_500, 2_200, 0].into_iter().enumerate() {
        horn.sounds_what_was_sent_on_time(round, in_ms, content, &frames)
            .await;
    }
    horn.sounds_a_call_at_its_time().await;
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

/// The player with its sink, and the recording of that.
struct Horn<'a> {
    folder: &'a Path,
    player: &'a Player,
    events: &'a mut Receiver<PlayerEvent>,
    tape: &'a Mutex<Tape>,
}

impl Horn<'_> {
    /// Where the sink ran dry or the pole tells itself that it began late, it is said again.
    async fn sounds_what_was_sent_on_time(
        &mut self,
        round: usize,
        in_ms: u64,
        content: Sha,
        frames: &[f32],
    ) {
        let most_ms = if in_ms > 0 { 20.0 } else { 300.0 };
        for attempt in 0.. {
            let before = holes(self.folder);
            let first = self.tape().frames.len();
            let bulletin = play(&format!("tin-{round}-{attempt}"), 0, content, 0, in_ms);
            let planned_us = bulletin.start_mono_us;
            let told_us = self.sounds_to_its_end(bulletin).await;
            let holes = holes(self.folder) - before;
            // The output is closed by then.
            self.wait_for_the_tape(700_000);

            let tape = self.tape();
            let recorded = &tape.frames[first..];
            let max_lag = recorded.len().saturating_sub(frames.len() / 2);
            let (lag, alike) = correlation(frames, recorded, max_lag);
            let heard_us = tape.heard_us(first.saturating_add_signed(lag));
            let after_ms = |us: u64| (us as f64 - planned_us as f64) / 1_000.0;
            let (late_ms, told_ms) = (after_ms(heard_us), after_ms(told_us));
            let how = format!(
                "planned {in_ms} ms ahead: heard {late_ms:+.1} ms late, told {told_ms:+.1} ms, \
                 correlation {alike:.4}, {holes} holes"
            );
            println!("{how}");
            assert!(told_ms >= 0.0, "never early: {how}");
            let is_on_time = if in_ms > 0 {
                (0.0..=most_ms).contains(&late_ms) && told_ms <= most_ms
            } else {
                late_ms < most_ms
            };
            if is_on_time && alike >= 0.98 {
                return;
            }
            let stuttered = holes > 0 || told_ms > most_ms;
            assert!(attempt < AGAIN && stuttered, "{how}");
            println!("it stuttered: again");
        }
    }

    /// When it began, as the player tells it.
    async fn sounds_to_its_end(&mut self, bulletin: Play) -> u64 {
        let command = PlayerCommand::Play(Box::new(bulletin));
        assert_eq!(self.player.send(command), None);
        let PlayerEvent::Started { at_mono_us, .. } = next(self.events).await else {
            panic!("it starts");
        };
        let end = next(self.events).await;
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
        at_mono_us
    }

    /// Each packet of it comes 20 ms after its last sample was captured. Where the sink ran dry or packets did not come in
    /// time, another call is made.
    async fn sounds_a_call_at_its_time(&mut self) {
        // Long enough for a machine that stands still for a moment.
        const DELAY_MS: u32 = 1_000;
        let said = speech(7, 3.0);
        for attempt in 0.. {
            let before = holes(self.folder);
            let (call, packets) = call(&said, DELAY_MS, 1_500);
            let start_us = call.start_mono_us;
            let told = self.sounds_a_call(call, packets).await;
            let holes = holes(self.folder) - before;
            // The monitor gives the last of it a little later.
            self.wait_for_the_tape(500_000);

            let (alike, late_ms) = self.finds(&said, start_us);
            let how = format!(
                "a call: mouth to horn {:.1} ms, correlation {alike:.3}, {holes} holes, {told:?}",
                f64::from(DELAY_MS) + late_ms
            );
            println!("{how}");
            if alike > 0.7 && late_ms.abs() < 40.0 && told.lost + told.late < 8 {
                return;
            }
            // What is left out to come back to the right time is in none of the counts.
            let left_out = told.frames < said.len() as u64 / 960;
            let stuttered = holes > 0 || told.lost + told.late > 0 || left_out;
            assert!(attempt < CALL_AGAIN && stuttered, "{how}");
            println!("it stuttered: again");
        }
    }

    /// How it fared, as the player tells it.
    async fn sounds_a_call(&mut self, call: Play, packets: Vec<PlayerCommand>) -> Streamed {
        assert_eq!(self.player.send(PlayerCommand::Play(Box::new(call))), None);
        let mut packets = packets.into_iter().peekable();
        let mut told = None;
        loop {
            let now_us = clock::mono_us();
            let is_there = |command: &PlayerCommand| match command {
                PlayerCommand::Packet {
                    captured_mono_us, ..
                } => captured_mono_us + 60_000 <= now_us,
                _ => true,
            };
            while let Some(packet) = packets.next_if(is_there) {
                self.player.send(packet);
            }
            match tokio::time::timeout(Duration::from_millis(5), self.events.recv()).await {
                Ok(Some(PlayerEvent::Streams { streamed, .. })) => told = Some(streamed),
                Ok(Some(PlayerEvent::Ended { how, .. })) => {
                    assert_eq!(how, How::Finished, "{told:?}");
                    return told.expect("how it fared is told before its end");
                }
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// How alike what was heard is, and how many milliseconds late: the middle of many short parts, since a stream is read
    /// a little faster or slower to stay at its time. The first second steers to the device's word about its delay.
    fn finds(&self, said: &[f32], start_us: u64) -> (f64, f64) {
        const PART: usize = 4_800;
        const SLACK: usize = 4_800;
        let tape = self.tape();
        let found = (48_000..said.len() - PART).step_by(2 * PART).map(|at| {
            let due_us = start_us + at as u64 * 1_000 / 48;
            let first = tape.frame_at(due_us).saturating_sub(SLACK);
            let last = (first + PART + 2 * SLACK).min(tape.frames.len());
            let recorded = &tape.frames[first.min(last)..last];
            let (lag, alike) = stretched_correlation(&said[at..at + PART], recorded, 2 * SLACK);
            let heard_us = tape.heard_us(first.saturating_add_signed(lag));
            (alike, (heard_us as f64 - due_us as f64) / 1_000.0)
        });
        let (alike, late_ms) = found.unzip();
        (middle(alike), middle(late_ms))
    }

    /// Until it holds what is sounded for so long from now.
    fn wait_for_the_tape(&self, us: u64) {
        let until_us = clock::mono_us() + us;
        wait_for("the recording", || {
            let tape = self.tape();
            let (at_us, _) = tape.reads.last()?;
            (*at_us > until_us).then_some(())
        });
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().expect("no panic")
    }
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
