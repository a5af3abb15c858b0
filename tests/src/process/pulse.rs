//! A sound server with one null sink per pole, recordings of what each sink would have sounded, and a mouth: a sink whose
//! sound is what the phone's microphone hears.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    clock::{now_us, wait_for},
    program::{Program, Rank, spawn},
    recording::{RATE, us_of_frames},
};

/// An idle null sink has two seconds of latency, and the first stream on it starts that late. A recorder that asks for
/// 20 ms and has run for longer than that keeps the sink quick.
const SETTLE_S: f32 = 2.2;

#[derive(Debug)]
pub struct Pulse {
    socket: PathBuf,
    folder: PathBuf,
    sinks: Vec<Monitor>,
    mouth: Option<Monitor>,
    _program: Program,
}

/// The sink of the mouth, and the microphone in front of it.
const MOUTH: &str = "mouth";
const MICROPHONE: &str = "microphone";

impl Pulse {
    /// A daemon with the sinks `pole1` to `poleN`, and a recorder on each. Runs as root too, without systemd and D-Bus.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path, poles: usize) -> Self {
        Self::begin(folder, poles, false)
    }

    /// As [`Pulse::start`], with a mouth, and a microphone before it that is the only one there is: a browser takes it for its
    /// phone's.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn with_mouth(folder: &Path, poles: usize) -> Self {
        Self::begin(folder, poles, true)
    }

    fn begin(folder: &Path, poles: usize, mouth: bool) -> Self {
        let folder = folder.join("pulse");
        std::fs::create_dir_all(&folder).expect("a folder for the sound server");
        let socket = folder.join("native");
        let mut command = Command::new("pulseaudio");
        command
            .args([
                "-n",
                "--daemonize=no",
                "--use-pid-file=no",
                "--exit-idle-time=-1",
            ])
            .args(["--realtime=no", "--high-priority=no", "--log-target=stderr"]);
        let poles: Vec<String> = (1..=poles).map(|pole| format!("pole{pole}")).collect();
        for sink in poles
            .iter()
            .map(String::as_str)
            .chain(mouth.then_some(MOUTH))
        {
            command.arg("-L").arg(format!(
                "module-null-sink sink_name={sink} rate=48000 channels=1 format=s16le"
            ));
        }
        if mouth {
            // Chromium takes no monitor of a sink for a microphone; this is the same sound as a source of its own.
            command.arg("-L").arg(format!(
                "module-remap-source master={MOUTH}.monitor source_name={MICROPHONE} rate=48000 channels=1"
            ));
        }
        command.arg("-L").arg(format!(
            "module-native-protocol-unix socket={} auth-anonymous=1",
            socket.display()
        ));
        environment(&mut command, &socket, &folder);
        let program =
            Program::start_instrument("pulseaudio", &mut command, &folder.join("pulseaudio.log"));
        let mut pulse = Self {
            socket,
            folder,
            sinks: Vec::new(),
            mouth: None,
            _program: program,
        };
        wait_for("the sound server answers", Duration::from_secs(30), || {
            pulse.answers()
        });
        for sink in &poles {
            let monitor = Monitor::start(&pulse, sink);
            pulse.sinks.push(monitor);
        }
        if mouth {
            pulse.control(&["set-default-source", MICROPHONE]);
            pulse.mouth = Some(Monitor::start(&pulse, MOUTH));
        }
        for sink in pulse.sinks.iter().chain(&pulse.mouth) {
            wait_for(
                "the recorder keeps its sink quick",
                Duration::from_secs(20),
                || sink.frames() as f32 > SETTLE_S * RATE as f32,
            );
        }
        pulse
    }

    /// Makes `command` use this server and no other.
    pub fn give_to(&self, command: &mut Command) {
        environment(command, &self.socket, &self.folder);
    }

    /// The recording of pole `index`'s sink, from 0.
    pub fn monitor(&self, index: usize) -> &Monitor {
        &self.sinks[index]
    }

    /// The recording of what the mouth says.
    ///
    /// # Panics
    /// When there is no mouth.
    pub fn mouth(&self) -> &Monitor {
        self.mouth.as_ref().expect("it was started with a mouth")
    }

    /// The mouth says what is in this file, until it ends or what is given back is dropped.
    pub fn say(&self, file: &Path) -> Program {
        let mut player = Command::new("paplay");
        player
            .arg(format!("--device={MOUTH}"))
            .arg("--latency-msec=20")
            .arg(file);
        self.give_to(&mut player);
        Program::start_instrument("paplay", &mut player, &self.folder.join("paplay.log"))
    }

    fn answers(&self) -> bool {
        self.is_done(&["info"])
    }

    #[track_caller]
    fn control(&self, arguments: &[&str]) {
        assert!(self.is_done(arguments), "pactl {arguments:?}");
    }

    fn is_done(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("pactl");
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.give_to(&mut command);
        command.status().is_ok_and(|status| status.success())
    }
}

fn environment(command: &mut Command, socket: &Path, folder: &Path) {
    command
        .env("PULSE_SERVER", format!("unix:{}", socket.display()))
        .env("XDG_RUNTIME_DIR", folder)
        .env("HOME", folder);
}

/// A running recording of one sink.
#[derive(Debug)]
pub struct Monitor {
    child: Child,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default)]
struct Heard {
    frames: Vec<i16>,
    /// How many frames were there, and when: one for each read.
    arrivals: Vec<(usize, i64)>,
}

impl Monitor {
    fn start(pulse: &Pulse, sink: &str) -> Self {
        let mut command = Command::new("parec");
        command
            .args([
                "-d",
                &format!("{sink}.monitor"),
                "--latency-msec=20",
                "--raw",
            ])
            .args(["--rate=48000", "--channels=1", "--format=s16le"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        pulse.give_to(&mut command);
        let mut child = spawn(&mut command, Rank::Instrument);
        let mut out = child.stdout.take().expect("it was piped");
        let heard = Arc::new(Mutex::new(Heard::default()));
        let shared = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut bytes = [0_u8; 8192];
            let mut odd: Option<u8> = None;
            // Ends when the recorder is killed.
            while let Ok(n @ 1..) = out.read(&mut bytes) {
                let at_us = now_us();
                let mut heard = lock(&shared);
                for &byte in &bytes[..n] {
                    match odd.take() {
                        None => odd = Some(byte),
                        Some(low) => heard.frames.push(i16::from_le_bytes([low, byte])),
                    }
                }
                let frames = heard.frames.len();
                heard.arrivals.push((frames, at_us));
            }
        });
        Self { child, heard }
    }

    /// Frames recorded so far.
    pub fn frames(&self) -> usize {
        lock(&self.heard).frames.len()
    }

    /// What was recorded from `from_us` to `to_us` of Unix time. Waits until it is there.
    ///
    /// # Panics
    /// When the recorder has stopped.
    #[track_caller]
    pub fn between(&self, from_us: i64, to_us: i64) -> Stretch {
        wait_for(
            "the recording has come so far",
            Duration::from_secs(30),
            || {
                lock(&self.heard)
                    .arrivals
                    .last()
                    .is_some_and(|(_, at)| *at >= to_us)
            },
        );
        let heard = lock(&self.heard);
        let first = heard.frame_at(from_us);
        let last = heard.frame_at(to_us).max(first);
        let frames = heard.frames[first..last]
            .iter()
            .map(|f| f32::from(*f) / 32_768.0);
        Stretch {
            frames: frames.collect(),
            start_us: heard.time_of(first),
            first,
        }
    }
}

impl Monitor {
    /// As [`Stretch::time_of`], by what arrived around this very frame: a sink's clock may be wrong by milliseconds in a second.
    pub fn time_of(&self, stretch: &Stretch, frame: usize) -> i64 {
        lock(&self.heard).time_of(stretch.first + frame)
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // Fails only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A part of a recording. `start_us` is when its first frame came out of the recorder: some tens of milliseconds,
/// always about the same, after it was sounded.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub frames: Vec<f32>,
    pub start_us: i64,
    /// The place of its first frame in the whole recording.
    first: usize,
}

impl Stretch {
    pub fn time_of(&self, frame: usize) -> i64 {
        self.start_us + us_of_frames(frame)
    }
}

impl Heard {
    /// Frames arrive in lumps, and a busy machine delays some. The earliest arrival within an eighth of a second tells
    /// best; over longer times the sink's own clock may have jumped.
    fn time_of(&self, frame: usize) -> i64 {
        let near = RATE / 8;
        let begin = self
            .arrivals
            .partition_point(|(frames, _)| frames + near < frame);
        let candidates = self.arrivals[begin..]
            .iter()
            .take_while(|(frames, _)| *frames <= frame + near);
        let origin = |(frames, at): &(usize, i64)| at - us_of_frames(*frames);
        let earliest = candidates.map(origin).min();
        let fallback = || self.arrivals.last().map(origin);
        earliest.or_else(fallback).unwrap_or(0) + us_of_frames(frame)
    }

    fn frame_at(&self, us: i64) -> usize {
        let next = self.arrivals.partition_point(|(_, at)| *at < us);
        let (frames, at) = self.arrivals.get(next).copied().unwrap_or_default();
        let before = usize::try_from((at - us).max(0)).unwrap_or(0) * RATE / 1_000_000;
        frames.saturating_sub(before).min(self.frames.len())
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
