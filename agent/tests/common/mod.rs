//! What the tests of the shell share: made-up audio, plays, and waiting for a state with a deadline.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod office;
pub mod pulse;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use loa_agent::{
    clock,
    logic::port::{Play, PlaySource, PlayerCommand, PlayerEvent},
};
use loa_protocol::{
    bulletin::Chime, content::Sha, id::BulletinId, live::Packet, playout::PlayoutId, time::WallTime,
};

/// Nothing here takes longer than this unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often a machine that stood still is tried.
pub const TRIES: usize = 3;

/// Something like speech that is unlike itself at any other place: smooth noise in syllables.
pub fn speech(seed: u64, seconds: f64) -> Vec<f32> {
    let mut state = seed | 1;
    let mut smooth = 0.0_f32;
    (0..(seconds * 48_000.0) as usize)
        .map(|n| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let noise = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
            smooth += 0.2 * (noise - smooth);
            let syllable = (n as f32 / 48_000.0 * 4.0 * std::f32::consts::TAU).sin();
            smooth * (0.7 + 0.3 * syllable)
        })
        .collect()
}

/// Writes `frames` as a WAV into `data_dir` under its own name, as content that has arrived.
pub fn hold(data_dir: &Path, frames: &[f32]) -> (Sha, Vec<f32>) {
    let folder = data_dir.join("content");
    std::fs::create_dir_all(&folder).expect("a folder");
    let draft = folder.join("draft");
    loa_audio::wav::write_mono_s16(&draft, 48_000, frames).expect("writes");
    let content = Sha::of(&std::fs::read(&draft).expect("reads"));
    let path = folder.join(content.to_string());
    std::fs::rename(draft, &path).expect("renames");
    // As rounded to 16 bits.
    let (_, frames) = loa_audio::wav::read_mono(&path).expect("reads");
    (content, frames)
}

/// Sounds `content` from `from_ms` on, `in_ms` from now.
pub fn play(bulletin: &str, piece: u32, content: Sha, from_ms: u64, in_ms: u64) -> Play {
    let now = clock::reading();
    let start = now.system.plus_ms(in_ms as i64);
    Play {
        playout: PlayoutId {
            occurrence: format!("{bulletin}/2026-11-24/0/0").parse().expect("an id"),
            attempt: 0,
        },
        piece,
        title: format!("Bản tin {bulletin}"),
        source: PlaySource::Content(content),
        chime: Chime::None,
        from_ms,
        start_mono_us: now.mono_us + in_ms * 1_000,
        planned: start,
        start,
        volume: 100,
        until_ms: 3_600_000,
    }
}

/// A call that sounds `in_ms` from now, without a chime, and what is said in it: all of its packets, the last one too.
/// What is captured at its start is heard `delay_ms` later, so it begins so much before.
pub fn call(said: &[f32], delay_ms: u32, in_ms: u64) -> (Play, Vec<PlayerCommand>) {
    let bulletin = BulletinId::new("goi").expect("a name");
    let mut call = play("goi", 0, Sha([0; 32]), 0, in_ms);
    call.source = PlaySource::Stream {
        bulletin: bulletin.clone(),
        delay_ms,
    };
    let mut encoder =
        ropus::Encoder::builder(48_000, ropus::Channels::Mono, ropus::Application::Audio)
            .bitrate(ropus::Bitrate::Bits(96_000))
            .build()
            .expect("an encoder");
    let mut out = [0; 1_275];
    let mut frames: Vec<Vec<u8>> = said
        .chunks_exact(960)
        .map(|frame| {
            let bytes = encoder.encode_float(frame, &mut out).expect("encodes");
            out[..bytes].to_vec()
        })
        .collect();
    let (mut number, mut packets) = (0, Vec::new());
    let first_us = call.start_mono_us - u64::from(delay_ms) * 1_000;
    loop {
        let pair: Vec<Vec<u8>> = frames.drain(..frames.len().min(2)).collect();
        let (sent, last) = (pair.len() as u32, pair.is_empty());
        packets.push(PlayerCommand::Packet {
            bulletin: bulletin.clone(),
            packet: Packet {
                number,
                captured: WallTime::EPOCH,
                last,
                frames: pair,
            },
            captured_mono_us: first_us + u64::from(number) * 20_000,
        });
        if last {
            return (call, packets);
        }
        number += sent;
    }
}

/// The next event, or the test fails.
pub async fn next(events: &mut tokio::sync::mpsc::Receiver<PlayerEvent>) -> PlayerEvent {
    tokio::time::timeout(PATIENCE, events.recv())
        .await
        .expect("in time")
        .expect("the player runs")
}

/// Tries until `probe` gives something, or the test fails.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let give_up = clock::mono_us() + PATIENCE.as_micros() as u64;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(clock::mono_us() < give_up, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One recording of a WAV output: its note and its frames.
#[derive(Debug)]
pub struct Recording {
    pub path: PathBuf,
    pub note: serde_json::Value,
    pub frames: Vec<f32>,
}

impl Recording {
    pub fn start_us(&self) -> i64 {
        self.note["start_us"].as_i64().expect("a number")
    }
    pub fn error_ms(&self) -> f64 {
        self.note["error_ms"].as_f64().expect("a number")
    }
    /// Where the output stood still, and for how many microseconds; at frame 0, before it began.
    pub fn stood_still(&self) -> Vec<(u64, i64)> {
        let listed = self.note["stood_still"].as_array();
        let number = |n: &serde_json::Value| n.as_i64().expect("a number");
        listed
            .into_iter()
            .flatten()
            .map(|one| (number(&one[0]).unsigned_abs(), number(&one[1])))
            .collect()
    }
    /// When its last frame was over.
    pub fn end_us(&self) -> i64 {
        let stood = self.stood_still().into_iter().filter(|(at, _)| *at > 0);
        let stood_us: i64 = stood.map(|(_, us)| us).sum();
        self.start_us() + self.frames.len() as i64 * 1_000 / 48 + stood_us
    }
    /// Something is wrong with it. Once more, if that may be the machine's fault.
    ///
    /// # Panics
    /// When the output did not stand still, or in the last try.
    #[track_caller]
    pub fn blame_the_machine(&self, attempt: usize, wrong: &str) {
        let stood = self.stood_still();
        assert!(attempt < TRIES && !stood.is_empty(), "{wrong}; {stood:?}");
        println!("{wrong}, but the output stood still, {stood:?}: again");
    }
}

/// All recordings with a note, in order of time. The note comes a moment after its WAV.
pub fn recordings(folder: &Path) -> Vec<Recording> {
    let mut notes: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    notes.sort();
    notes
        .into_iter()
        .map(|note| {
            let path = note.with_extension("wav");
            Recording {
                // Replaced as a whole, so it is never half of one.
                note: serde_json::from_slice(&std::fs::read(note).expect("a note")).expect("json"),
                frames: loa_audio::wav::read_mono(&path).expect("a WAV").1,
                path,
            }
        })
        .collect()
}
