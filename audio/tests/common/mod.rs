//! Material for the tests: speech, and files that other programs made of it.
#![allow(dead_code, reason = "each test uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use loa_audio::{Decoder, Limits, wav};

/// A reproducible source of chance (xorshift64*), so that a printed seed replays a test.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Uniform below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Uniform in -1.0..1.0.
    pub fn signed(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Voiced syllables with three formants, breath and pauses: what codecs for speech expect, without any recording.
pub fn speech_like(seconds: f32, rate: u32, seed: u64) -> Vec<f32> {
    let mut chance = Chance::new(seed);
    let total = (seconds * rate as f32) as usize;
    let mut out = Vec::with_capacity(total);
    while out.len() < total {
        let length = rate as usize * (120 + chance.below(160)) / 1000;
        let pause = rate as usize * if chance.below(5) == 0 { 180 } else { 15 } / 1000;
        let pitch = 110.0 + 60.0 * chance.signed();
        let glide = 25.0 * chance.signed();
        let formants = [
            (500.0 + 250.0 * chance.signed(), 90.0, 1.0),
            (1500.0 + 500.0 * chance.signed(), 130.0, 0.5),
            (2600.0 + 300.0 * chance.signed(), 180.0, 0.25),
        ];
        // Phases at random, or every pulse of the voice would be a peak that no recording has.
        let turns: Vec<f32> = (0..=28).map(|_| chance.signed()).collect();
        let mut phase = 0.0_f32;
        let loud = 0.25 + 0.1 * chance.signed();
        for n in 0..length {
            let t = n as f32 / length as f32;
            phase += (pitch + glide * t) / rate as f32;
            let envelope = (std::f32::consts::PI * t).sin().powf(0.6);
            let mut voice = 0.0;
            for (harmonic, turn) in turns.iter().enumerate().skip(1) {
                let hz = harmonic as f32 * (pitch + glide * t);
                let strength: f32 = formants
                    .iter()
                    .map(|(centre, width, gain)| gain / (1.0 + ((hz - centre) / width).powi(2)))
                    .sum();
                let turn = phase * harmonic as f32 + turn;
                voice += strength * (std::f32::consts::TAU * turn).sin();
            }
            out.push(loud * envelope * (voice + 0.01 * chance.signed()));
        }
        out.resize(out.len() + pause, 0.0);
    }
    out.truncate(total);
    let peak = out.iter().fold(1e-9_f32, |max, x| max.max(x.abs()));
    for frame in &mut out {
        *frame *= 0.5 / peak;
    }
    out
}

pub const BULLETIN: &str = "Kính thưa bà con xóm Bản Chương. Sáng mai lúc bảy giờ, Ủy ban nhân dân xã tổ chức tiêm \
     phòng cho trẻ em tại nhà văn hóa. Đề nghị các gia đình đưa các cháu đến đúng giờ.";

/// The bulletin as espeak-ng says it, brought to `rate` by ffmpeg.
pub fn spoken(folder: &Path, rate: u32) -> PathBuf {
    let raw = folder.join("espeak.wav");
    run(Command::new("espeak-ng")
        .args(["-v", "vi", "-s", "150", "-w"])
        .arg(&raw)
        .arg(BULLETIN));
    let path = folder.join("spoken.wav");
    let filter = format!("aresample={rate}:filter_size=128,volume=-4dB");
    ffmpeg(&raw, &["-af", &filter, "-c:a", "pcm_f32le"], &path);
    path
}

pub fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

pub fn ffmpeg(input: &Path, options: &[&str], output: &Path) {
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(input)
        .args(options)
        .arg(output));
}

/// What ffmpeg reads from a file, as mono frames at `rate`.
pub fn as_ffmpeg_reads(path: &Path, rate: u32) -> Vec<f32> {
    let out = path.with_extension("reference.wav");
    let rate = rate.to_string();
    ffmpeg(path, &["-ac", "1", "-ar", &rate, "-c:a", "pcm_f32le"], &out);
    let frames = wav::read_mono(&out).unwrap().1;
    std::fs::remove_file(out).unwrap();
    frames
}

/// A way to save a recording, as people's programs do.
pub struct Kind {
    pub name: &'static str,
    /// File name, its extension first of all.
    pub file: &'static str,
    pub options: &'static [&'static str],
}

const fn kind(name: &'static str, file: &'static str, options: &'static [&'static str]) -> Kind {
    Kind {
        name,
        file,
        options,
    }
}

pub const KINDS: &[Kind] = &[
    kind("MP3", "a.mp3", &["-c:a", "libmp3lame", "-b:a", "64k"]),
    kind(
        "MP3, variable rate",
        "b.mp3",
        &["-c:a", "libmp3lame", "-q:a", "4"],
    ),
    kind(
        "MP3 without a frame count",
        "c.mp3",
        &[
            "-c:a",
            "libmp3lame",
            "-b:a",
            "64k",
            "-write_xing",
            "0",
            "-id3v2_version",
            "0",
        ],
    ),
    kind("AAC in M4A", "d.m4a", &["-c:a", "aac", "-b:a", "64k"]),
    kind(
        "AAC in M4A, index first",
        "e.m4a",
        &["-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart"],
    ),
    kind(
        "AAC in fragmented MP4",
        "f.mp4",
        &[
            "-c:a",
            "aac",
            "-b:a",
            "64k",
            "-movflags",
            "+frag_keyframe+empty_moov+default_base_moof",
            "-frag_duration",
            "500000",
        ],
    ),
    kind("ADTS AAC", "g.aac", &["-c:a", "aac", "-b:a", "64k"]),
    kind("Ogg Vorbis", "h.ogg", &["-c:a", "libvorbis", "-q:a", "3"]),
    kind(
        "Ogg Opus",
        "i.opus",
        &["-c:a", "libopus", "-b:a", "40k", "-application", "audio"],
    ),
    kind(
        "WebM Opus",
        "j.webm",
        &["-c:a", "libopus", "-b:a", "40k", "-application", "audio"],
    ),
    kind(
        "live WebM Opus",
        "k.webm",
        &[
            "-c:a",
            "libopus",
            "-b:a",
            "40k",
            "-application",
            "audio",
            "-f",
            "webm",
            "-live",
            "1",
        ],
    ),
    kind(
        "MP4 Opus",
        "l.mp4",
        &[
            "-c:a",
            "libopus",
            "-b:a",
            "40k",
            "-application",
            "audio",
            "-strict",
            "-2",
        ],
    ),
    kind("FLAC", "m.flac", &["-c:a", "flac"]),
    kind("WAV", "n.wav", &["-c:a", "pcm_s16le"]),
    kind(
        "WAV, 24 bit, stereo",
        "o.wav",
        &["-c:a", "pcm_s24le", "-ac", "2"],
    ),
    kind(
        "WAV, 22.05 kHz float",
        "p.wav",
        &["-c:a", "pcm_f32le", "-ar", "22050"],
    ),
    kind(
        "WAV, A-law 8 kHz",
        "q.wav",
        &["-c:a", "pcm_alaw", "-ar", "8000"],
    ),
];

impl Kind {
    pub fn make(&self, source: &Path, folder: &Path) -> PathBuf {
        let path = folder.join(self.file);
        ffmpeg(source, self.options, &path);
        if self.name.starts_with("live") {
            // Chrome stops in the middle of an element: so does this.
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        }
        path
    }
}

pub fn try_decode(path: &Path) -> Result<(u32, Vec<f32>), loa_audio::DecodeError> {
    let mut decoder = Decoder::open_path(path, Limits::default())?;
    let mut frames = Vec::new();
    while let Some(block) = decoder.next_block()? {
        frames.extend_from_slice(block);
    }
    Ok((decoder.sample_rate(), frames))
}

pub fn decode(path: &Path) -> (u32, Vec<f32>) {
    try_decode(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
