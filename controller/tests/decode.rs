//! Recordings are read apart: what a recording may do to the office is to be refused.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::UdpSocket,
    os::{
        fd::AsRawFd,
        unix::{fs::PermissionsExt, process::ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use loa_audio::{Limits, ingest, wav};
use loa_controller::audio::{
    AudioError,
    apart::Apart,
    listening::Told,
    sandbox::{Bounds, Open, close},
};
use tempfile::TempDir;

const LIMITS: Limits = Limits {
    max_bytes: 20_000_000,
    max_duration_s: 60,
};
const GIGABYTE: u64 = 1_000_000_000;

fn apart() -> Apart {
    Apart::new(program(), GIGABYTE, 60)
}

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_loa-controller").into()
}

/// A tone with a swell in it.
fn tone(folder: &Path, seconds: f32) -> PathBuf {
    let frames: Vec<f32> = (0..(seconds * 48_000.0) as u32)
        .map(|n| n as f32 / 48_000.0)
        .map(|t| (t * 440.0 * std::f32::consts::TAU).sin() * 0.3 * (t * 3.0).sin().abs())
        .collect();
    let path = folder.join(format!("{seconds}.wav"));
    wav::write_mono_s16(&path, 48_000, &frames).expect("written");
    path
}

struct Desk {
    folder: TempDir,
    apart: Apart,
}

impl Desk {
    fn of(apart: Apart) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, apart }
    }
    async fn read(&self, inputs: &[&Path]) -> Result<ingest::Canonical, AudioError> {
        let tmp = self.folder.path();
        let output = tmp.join("out");
        fs::write(&output, b"").expect("a file");
        self.apart
            .canonicalise(inputs, Some("wav"), &output, tmp, LIMITS)
            .await
    }
    /// However the last one ended: the next recording is read.
    async fn goes_on(&self) {
        let good = tone(self.folder.path(), 0.5);
        let other = Self::of(apart());
        other.read(&[&good]).await.expect("a good recording");
    }
}

#[tokio::test]
async fn what_is_read_apart_is_the_same_to_the_bit() {
    let desk = Desk::of(apart());
    let (one, two) = (tone(desk.folder.path(), 1.0), tone(desk.folder.path(), 2.0));
    let here = desk.folder.path().join("here");
    let there = desk.folder.path().join("out");

    let expected = ingest::canonicalise(&one, Some("wav"), &here, LIMITS).expect("canonical");
    let told = desk.read(&[&one]).await.expect("canonical");
    assert_eq!(
        (told.sha256, told.bytes, told.duration_ms, &told.format_in),
        (
            expected.sha256,
            expected.bytes,
            expected.duration_ms,
            &expected.format_in
        )
    );
    assert_eq!(
        fs::read(&here).expect("read"),
        fs::read(&there).expect("read")
    );

    let joined = ingest::join(&[&one, &two], &here, LIMITS).expect("canonical");
    let told = desk.read(&[&one, &two]).await.expect("canonical");
    assert_eq!(
        (told.sha256, told.duration_ms),
        (joined.sha256, joined.duration_ms)
    );
    assert_eq!(
        fs::read(&here).expect("read"),
        fs::read(&there).expect("read")
    );
}

#[tokio::test]
async fn this_kernel_fences_it_in() {
    let fences = apart().probe().await.expect("fences");
    // Where a container takes them away the office says so, and the bounds hold all the same.
    println!("landlock {}, seccomp {}", fences.landlock, fences.seccomp);
}

#[tokio::test]
async fn what_is_no_sound_is_refused_by_name() {
    let desk = Desk::of(apart());
    let path = desk.folder.path().join("text");
    fs::write(&path, "không phải âm thanh".repeat(100)).expect("written");
    assert!(matches!(
        desk.read(&[&path]).await,
        Err(AudioError::NotAudio)
    ));
    let long = tone(desk.folder.path(), 61.0);
    let refused = desk.read(&[&long]).await;
    assert!(
        matches!(refused, Err(AudioError::TooLong { limit_s: 60 })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn whoever_takes_too_much_time_or_memory_is_stopped_and_the_office_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = tone(folder.path(), 59.0);
    // Seconds of work in a second.
    let slow = Desk::of(Apart::new(program(), GIGABYTE, 0));
    let refused = slow.read(&[&long]).await;
    assert!(matches!(refused, Err(AudioError::TooSlow)), "{refused:?}");
    // Hardly more than the program itself; it does not even begin, or aborts.
    let narrow = Desk::of(Apart::new(program(), 1_000_000, 60));
    let refused = narrow.read(&[&long]).await;
    assert!(
        matches!(refused, Err(AudioError::Broken { .. })),
        "{refused:?}"
    );
    narrow.goes_on().await;
}

/// A program in the place of the reader, as if a recording had taken the reader over.
fn taken_over(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("reader");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permitted");
    path
}

#[tokio::test]
async fn a_reader_that_was_taken_over_is_not_believed() {
    for script in [
        "exit 0",
        "exit 3",
        "kill -SEGV $$",
        "echo nonsense >&2",
        // Says more than anybody may.
        "while :; do echo 0123456789012345678901234567890123456789 >&2; done",
    ] {
        let desk = Desk::of(apart());
        let reader = taken_over(desk.folder.path(), script);
        let good = tone(desk.folder.path(), 0.5);
        let desk = Desk {
            apart: Apart::new(reader, GIGABYTE, 30),
            ..desk
        };
        let refused = desk.read(&[&good]).await;
        assert!(
            matches!(refused, Err(AudioError::Broken { .. })),
            "{script}: {refused:?}"
        );
    }
    // Sleeps where it should read: its time by the clock is over at once here.
    let desk = Desk::of(apart());
    let reader = taken_over(desk.folder.path(), "exec sleep 1000");
    let good = tone(desk.folder.path(), 0.5);
    let desk = Desk {
        apart: Apart::new(reader, GIGABYTE, 0),
        ..desk
    };
    assert!(matches!(
        desk.read(&[&good]).await,
        Err(AudioError::TooSlow)
    ));
    desk.goes_on().await;
}

#[tokio::test]
async fn mutated_recordings_are_read_or_refused() {
    let count: u64 = std::env::var("LOA_MUTATED_FILES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(100);
    let desk = Desk::of(apart());
    let folder = desk.folder.path();
    let sound = tone(folder, 0.3);
    let opus = folder.join("whole.opus");
    ingest::canonicalise(&sound, None, &opus, LIMITS).expect("canonical");
    let wholes = [sound, opus].map(|path| fs::read(path).expect("read"));
    let mut chance = 0x10a_u64;
    let mut next = |below: usize| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        usize::try_from(chance >> 16).expect("48 bits") % below.max(1)
    };
    let mut read = 0;
    for n in 0..count {
        let mut bytes = wholes[next(wholes.len())].clone();
        for _ in 0..=next(6) {
            let at = if next(2) == 0 {
                next(200)
            } else {
                next(bytes.len())
            };
            match next(4) {
                0 => bytes[at] = next(256) as u8,
                1 => bytes[at] = 0xff,
                2 => drop(bytes.drain(at..(at + next(64)).min(bytes.len()))),
                _ => bytes.truncate(at.max(201)),
            }
            bytes.resize(bytes.len().max(201), 0);
        }
        let path = folder.join("mutated");
        fs::write(&path, &bytes).expect("written");
        match desk.read(&[&path]).await {
            Ok(_) => read += 1,
            Err(AudioError::Store(_) | AudioError::NoProgram { .. } | AudioError::File(_)) => {
                panic!("mutation {n} was not even tried")
            }
            Err(_) => {}
        }
    }
    println!("{count} mutated recordings, {read} of them read");
    desk.goes_on().await;
}

// Below: what a reader cannot do once its fences are closed. Each is tried by a process of its own, which is this program with
// the name of one test.

const TRIED: &str = "LOA_TRIED";

/// How this attempt ended: the signal.
fn attempt(name: &str) -> Option<i32> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "an_attempt", "--nocapture", "--test-threads=1"])
        // As the office starts a reader: with nothing, so that nobody draws a picture of where memory ended.
        .env_clear()
        .env(TRIED, name)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program");
    let mut said = String::new();
    let mut out = child.stdout.take().expect("a pipe");
    out.read_to_string(&mut said).expect("read");
    let status = child.wait().expect("its end");
    if said.contains("no seccomp here") {
        return Some(libc_signals::SYS);
    }
    assert!(!said.contains("done all the same"), "{name} was done");
    status.signal()
}

/// Linux's numbers, the same on all machines that the office runs on.
mod libc_signals {
    pub const ABRT: i32 = 6;
    pub const XCPU: i32 = 24;
    pub const SYS: i32 = 31;
}

#[test]
fn an_attempt() {
    let Ok(name) = std::env::var(TRIED) else {
        return;
    };
    let file = fs::File::open("/dev/null").expect("opened");
    let bounds = Bounds {
        memory_bytes: GIGABYTE,
        cpu_s: 1,
        cpu_most_s: 2,
        output_bytes: 1_000,
    };
    let open = Open {
        input: file.as_raw_fd(),
        // What the runtime says of an allocation that failed.
        output: 2,
        report: 1,
    };
    let fences = close(bounds, open).expect("bounds");
    if !fences.seccomp && !matches!(name.as_str(), "memory" | "time") {
        println!("no seccomp here");
        return;
    }
    match name.as_str() {
        "file" => drop(fs::File::open("/etc/passwd")),
        "socket" => drop(UdpSocket::bind("127.0.0.1:0")),
        "process" => drop(Command::new("/bin/true").status()),
        "thread" => drop(std::thread::Builder::new().spawn(|| {}).map(|t| t.join())),
        "delete" => drop(fs::remove_file("/tmp/loa-no-such-file")),
        "signal" => drop(rustix_kill()),
        "memory" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 50_000_000]);
                std::hint::black_box(&all);
            }
        }
        "time" => {
            let mut n = 0_u64;
            loop {
                n = std::hint::black_box(n.wrapping_add(1));
            }
        }
        other => panic!("{other}"),
    }
    println!("done all the same");
}

fn rustix_kill() -> std::io::Result<()> {
    // Somebody else's process: the parent.
    rustix::process::getppid()
        .map_or(Ok(()), rustix::process::test_kill_process)
        .map_err(Into::into)
}

#[test]
fn behind_the_fences_nothing_is_opened_started_or_sent() {
    for name in ["file", "socket", "process", "thread", "delete", "signal"] {
        assert_eq!(attempt(name), Some(libc_signals::SYS), "{name}");
    }
}

#[test]
fn behind_the_fences_memory_and_time_end() {
    assert_eq!(attempt("memory"), Some(libc_signals::ABRT));
    assert_eq!(attempt("time"), Some(libc_signals::XCPU));
}

/// What comes out of the fence when this goes in: seconds of sound, and what was told.
fn listened(bytes: Vec<u8>) -> (f32, Vec<Told>) {
    let (_listener, ends) = apart().listen().expect("a process");
    let mut input = ends.input;
    let feeding = std::thread::spawn(move || input.write_all(&bytes));
    let reporting = std::thread::spawn(move || {
        let lines = BufReader::new(ends.report).lines();
        let lines = lines.map_while(Result::ok);
        let told = lines.map(|line| serde_json::from_str(&line).expect("a report"));
        told.collect::<Vec<Told>>()
    });
    let mut pcm = Vec::new();
    let mut output = ends.output;
    output.read_to_end(&mut pcm).expect("read");
    // Who gave up takes no more.
    let _ = feeding.join().expect("no panic");
    let told = reporting.join().expect("no panic");
    (pcm.len() as f32 / 96_000.0, told)
}

#[test]
fn a_station_is_read_apart_as_a_recording_is() {
    use loa_station::testing::{AAC, FMP4, INIT, MP3, OPUS, TS, VORBIS};
    let fmp4 = [&[INIT], &FMP4[..], &FMP4[..]].concat().concat();
    let ts = [&TS[..], &TS[..]].concat().concat();
    for bytes in [
        MP3.repeat(2),
        AAC.repeat(2),
        OPUS.repeat(2),
        VORBIS.repeat(2),
        ts,
        fmp4,
    ] {
        let (seconds, told) = listened(bytes);
        assert!((5.0..6.3).contains(&seconds), "{seconds}: {told:?}");
        assert!(
            matches!(told[..], [Told::Codec(_), Told::Loudness(_)]),
            "{told:?}"
        );
    }
    let (seconds, told) = listened(b"<html>".repeat(50_000));
    assert_eq!(seconds, 0.0);
    assert!(matches!(told[..], [Told::NotSound(_)]), "{told:?}");
}
