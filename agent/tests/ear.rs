//! Was it heard? For real: a null sink is the horn, and the microphone listens to its monitor, through an air with noise
//! and echoes, or to another sink, which is what a broken horn is.
//!
//! Without PulseAudio on the machine this says so and shows nothing.

mod common;

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use common::{
    PATIENCE, TRIES, hold, next, play,
    pulse::{Ends, holes, start_pulse},
    speech, wait_for,
};
use loa_agent::{
    audio::{listener, output, player::Player},
    clock,
    config::{Microphone, MicrophoneKind, Output, OutputKind},
    logic::port::{How, Input, PlayerCommand, PlayerEvent, self_test},
};
use loa_audio::hearing::{Found, Verdict, amplitude};
use loa_protocol::content::Sha;
use tokio::sync::mpsc::Receiver;

/// Two stretches, of which one may have a hole.
const SECONDS: f64 = 6.0;

/// A microphone on a monitor. An echo after a second is not waited for: the test is long enough.
fn microphone(device: &str) -> Microphone {
    Microphone {
        kind: MicrophoneKind::Device,
        device: device.into(),
        farthest_ms: 1_000,
        ..Microphone::default()
    }
}

/// What the horn can sound.
#[derive(Clone, Copy)]
enum Sound {
    Content(Sha),
    SelfTest,
}

/// A player on the horn `pole1`, and what listens to it.
struct Pole {
    folder: PathBuf,
    player: Player,
    events: Receiver<PlayerEvent>,
    told: Receiver<Input>,
}

impl Pole {
    fn start(folder: &Path, microphone: &Microphone) -> Self {
        let config = Output {
            kind: OutputKind::Device,
            device: "pole1".into(),
            host: None,
            directory: folder.join("wav"),
        };
        let output = output::choose(&config, &"ban-chuong-1".parse().expect("a name"));
        let (ear, told) = listener::start(microphone)
            .expect("a thread")
            .expect("something listens");
        let suspect = Box::new(|_| {});
        let (player, events) =
            Player::start_heard_by(output, folder.into(), suspect, Some(ear), None)
                .expect("a thread");
        Self {
            folder: folder.into(),
            player,
            events,
            told,
        }
    }

    /// Sounds it now, and gives what was heard of it, and the trouble that the listener had. Where that is not as wanted, once
    /// more, if a stream ran dry or the microphone was without sound for a while.
    async fn sounds(
        &mut self,
        case: &str,
        sound: Sound,
        wanted: Verdict,
    ) -> (Found, Option<String>) {
        let mut attempt = 1;
        loop {
            let before = holes(&self.folder);
            let (found, trouble) = match sound {
                Sound::Content(content) => self.sound(content).await,
                Sound::SelfTest => self.self_test().await,
            };
            let holes = holes(&self.folder) - before;
            let verdict = found.verdict();
            println!("{case}: {verdict:?} {found:?}, {holes} holes");
            if verdict == wanted {
                return (found, trouble);
            }
            assert_ne!(verdict, Verdict::Heard, "{case}: it cannot be heard");
            let stuttered = holes > 0 || found.missed > 0;
            assert!(
                attempt < TRIES && stuttered,
                "{case}: {wanted:?} is wanted of {found:?}"
            );
            println!("it stuttered: again");
            attempt += 1;
        }
    }

    async fn sound(&mut self, content: Sha) -> (Found, Option<String>) {
        let bulletin = play("tin", 0, content, 0, 300);
        assert_eq!(
            self.player
                .send(PlayerCommand::Play(Box::new(bulletin.clone()))),
            None
        );
        let start = next(&mut self.events).await;
        assert!(matches!(start, PlayerEvent::Started { .. }), "{start:?}");
        let end = next(&mut self.events).await;
        let PlayerEvent::Ended {
            how: How::Finished, ..
        } = end
        else {
            panic!("{end:?}");
        };
        let (playout, found, trouble) = self.word().await;
        assert_eq!(playout, bulletin.playout);
        (found, trouble)
    }

    /// Through the same microphone.
    async fn self_test(&mut self) -> (Found, Option<String>) {
        let test = PlayerCommand::SelfTest {
            number: 7,
            start_mono_us: clock::mono_us() + 500_000,
            amplitude: amplitude(-30.0),
        };
        assert_eq!(self.player.send(test), None);
        let (playout, found, trouble) = self.word().await;
        assert_eq!(playout, self_test());
        (found, trouble)
    }

    async fn word(&mut self) -> (loa_protocol::playout::PlayoutId, Found, Option<String>) {
        let mut trouble = None;
        loop {
            let input = tokio::time::timeout(PATIENCE, self.told.recv())
                .await
                .expect("in time")
                .expect("the listener runs");
            match input {
                Input::EarTrouble { why } => trouble = why,
                Input::Listened { playout, found, .. } => return (playout, found, trouble),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn end(self) {
        drop(self.events);
        tokio::task::spawn_blocking(move || self.player.quit())
            .await
            .expect("quits");
    }
}

fn raw(program: &str, sink: &str, latency_ms: u32) -> Command {
    let mut command = Command::new(program);
    command
        .args(["-d", sink, "--raw", "--rate=48000", "--channels=1"])
        .args(["--format=s16le", &format!("--latency-msec={latency_ms}")])
        .stderr(Stdio::null());
    command
}

/// Plays beside whatever plays, until dropped.
fn beside(sink: &str) -> (Ends, ChildStdin) {
    let mut child: Child = raw("pacat", sink, 50)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("pacat comes with pulseaudio-utils");
    let pipe = child.stdin.take().expect("piped");
    (Ends(child), pipe)
}

/// Sounds `frames` again and again into a sink.
fn loops(sink: &str, frames: Vec<f32>) -> Ends {
    let (player, mut pipe) = beside(sink);
    let bytes = bytes_of(&frames);
    // Ends when the player is killed.
    std::thread::spawn(move || while pipe.write_all(&bytes).is_ok() {});
    player
}

fn bytes_of(frames: &[f32]) -> Vec<u8> {
    frames
        .iter()
        .flat_map(|f| ((f.clamp(-1.0, 1.0) * 32_767.0) as i16).to_le_bytes())
        .collect()
}

/// The air: what `from` sounds arrives in `to` over three ways, quieter, with some noise of its own.
fn air(from: &str, to: &str) -> (Ends, Ends) {
    let mut recorder = raw("parec", &format!("{from}.monitor"), 20)
        .stdout(Stdio::piped())
        .spawn()
        .expect("parec comes with pulseaudio-utils");
    let mut sound = recorder.stdout.take().expect("piped");
    let (player, mut pipe) = beside(to);
    std::thread::spawn(move || {
        let mut noise = speech(77, 4.0).into_iter().cycle();
        let mut past = vec![0.0_f32; 48_000];
        let (mut at, mut block) = (0, [0_u8; 1_920]);
        // Ends when either is killed.
        while sound.read_exact(&mut block).is_ok() {
            let out: Vec<f32> = block
                .chunks_exact(2)
                .map(|b| {
                    past[at] = f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0;
                    let ago = |ms: usize| past[(at + 48_000 - 48 * ms) % 48_000];
                    let arrived = 0.5 * ago(20) + 0.35 * ago(150) - 0.25 * ago(420);
                    at = (at + 1) % 48_000;
                    arrived + 0.05 * noise.next().unwrap_or(0.0)
                })
                .collect();
            if pipe.write_all(&bytes_of(&out)).is_err() {
                break;
            }
        }
    });
    (Ends(recorder), player)
}

/// How many microphones are open at the server.
fn open_microphones() -> usize {
    let output = Command::new("pactl")
        .args(["list", "short", "source-outputs"])
        .output()
        .expect("pactl comes with pulseaudio-utils");
    String::from_utf8_lossy(&output.stdout).lines().count()
}

#[tokio::test]
async fn the_horn_is_heard_in_noise_and_echoes_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(_server) = start_pulse(folder.path(), &["pole1", "air", "silent"]) else {
        println!("SKIPPED: there is no pulseaudio on this machine; `make test` installs it");
        return;
    };
    // An idle null sink has two seconds of delay; a recorder that wants 20 ms takes it down.
    let mut keeps_quick = raw("parec", "pole1.monitor", 20)
        .stdout(Stdio::piped())
        .spawn()
        .expect("parec comes with pulseaudio-utils");
    let mut rest = keeps_quick.stdout.take().expect("piped");
    std::thread::spawn(move || std::io::copy(&mut rest, &mut std::io::sink()));
    let _keeps_quick = Ends(keeps_quick);
    let settled = clock::mono_us() + 2_200_000;
    wait_for("the sink to settle", || {
        (clock::mono_us() > settled).then_some(())
    });
    let (content, _) = hold(folder.path(), &speech(1, SECONDS));
    let bulletin = Sound::Content(content);

    let mut pole = Pole::start(folder.path(), &microphone("pole1.monitor"));
    let (found, trouble) = pole.sounds("alone", bulletin, Verdict::Heard).await;
    assert_eq!(trouble, None);
    assert!(
        found.delay_us.is_some_and(|us| us.abs() < 300_000),
        "{found:?}"
    );
    // Nothing sounds: nothing listens, but for the recorder of this test.
    wait_for("the microphone to close", || {
        (open_microphones() == 1).then_some(())
    });

    // Another voice beside it, 10 dB down.
    let quieter: Vec<f32> = speech(9, 4.0).iter().map(|f| 0.316 * f).collect();
    let noise = loops("pole1", quieter);
    pole.sounds("noise", bulletin, Verdict::Heard).await;
    drop(noise);
    pole.sounds("self-test", Sound::SelfTest, Verdict::Heard)
        .await;
    pole.end().await;

    let through_the_air = air("pole1", "air");
    let mut pole = Pole::start(folder.path(), &microphone("air.monitor"));
    pole.sounds("echoes", bulletin, Verdict::Heard).await;
    drop(through_the_air);

    // The horn's wire is off; the neighbour says something else.
    let neighbour = loops("air", speech(5, 5.0));
    pole.sounds("a wrong sound", bulletin, Verdict::NotHeard)
        .await;
    drop(neighbour);
    pole.end().await;

    let mut pole = Pole::start(folder.path(), &microphone("silent.monitor"));
    pole.sounds("a broken horn", bulletin, Verdict::NotHeard)
        .await;
    pole.end().await;

    let mut pole = Pole::start(folder.path(), &microphone("nobody-plugged-it-in"));
    let (_, trouble) = pole.sounds("no microphone", bulletin, Verdict::Deaf).await;
    assert!(trouble.is_some_and(|why| why.contains("nobody-plugged-it-in")));
    pole.end().await;
}
