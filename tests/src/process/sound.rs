//! Material: sound that is as uneven as speech, files of every accepted format, and the search for one sound in another.

use std::{
    f32::consts::TAU,
    path::{Path, PathBuf},
    process::Command,
};

use loa_audio::{
    Decoder, Limits, Resampled,
    measure::{correlation, stretched_correlation},
    wav::write_mono_s16,
};

use super::{chance::Chance, recording::RATE};

/// What people send, as ffmpeg makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Mp3,
    M4aAac,
    OggVorbis,
    Flac,
    Wav,
    WebmOpus,
}

impl Format {
    pub const ALL: [Format; 6] = [
        Format::Mp3,
        Format::M4aAac,
        Format::OggVorbis,
        Format::Flac,
        Format::Wav,
        Format::WebmOpus,
    ];

    pub fn extension(self) -> &'static str {
        match self {
            Format::Mp3 => "mp3",
            Format::M4aAac => "m4a",
            Format::OggVorbis => "ogg",
            Format::Flac => "flac",
            Format::Wav => "wav",
            Format::WebmOpus => "webm",
        }
    }

    fn codec(self) -> &'static [&'static str] {
        match self {
            Format::Mp3 => &[
                "-c:a",
                "libmp3lame",
                "-b:a",
                "128k",
                "-ar",
                "44100",
                "-ac",
                "2",
            ],
            Format::M4aAac => &["-c:a", "aac", "-b:a", "128k", "-ar", "44100", "-ac", "2"],
            Format::OggVorbis => &["-c:a", "libvorbis", "-q:a", "4", "-ar", "44100"],
            Format::Flac => &["-c:a", "flac", "-ar", "44100"],
            Format::Wav => &["-c:a", "pcm_s16le", "-ar", "22050"],
            Format::WebmOpus => &["-c:a", "libopus", "-b:a", "48k"],
        }
    }
}

/// Syllables of random pitch, colour and length with short pauses: no part of it is like another, so every place in it
/// can be found again. Mono at 48 kHz, peak 0.5.
pub fn speech_like(seconds: f32, seed: u64) -> Vec<f32> {
    let mut chance = Chance::new(seed);
    let length = (seconds * RATE as f32) as usize;
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        let frames = chance.between(RATE as u64 / 12, RATE as u64 / 4) as usize;
        let pitch = chance.between(95, 260) as f32;
        let glide = chance.sample() * 40.0;
        let colours: Vec<f32> = (1..=14)
            .map(|n| chance.sample() / (n as f32).sqrt())
            .collect();
        let mut phase = 0.0_f32;
        for n in 0..frames {
            let done = n as f32 / frames as f32;
            phase += TAU * (pitch + glide * done) / RATE as f32;
            let voice: f32 = colours
                .iter()
                .zip(1..)
                .map(|(c, k)| c * (phase * k as f32).sin())
                .sum();
            let breath = chance.sample() * 0.15;
            let envelope = (done * std::f32::consts::PI).sin().powf(0.6);
            out.push((voice + breath) * envelope);
        }
        let pause = chance.between(0, RATE as u64 / 15) as usize;
        out.extend(std::iter::repeat_n(0.0, pause));
    }
    out.truncate(length);
    let loudest = out.iter().fold(f32::EPSILON, |max, f| f.abs().max(max));
    out.iter_mut().for_each(|f| *f *= 0.5 / loudest);
    out
}

/// A WAV file of [`speech_like`].
///
/// # Panics
/// When it cannot be written.
pub fn wav_file(folder: &Path, seconds: f32, seed: u64) -> PathBuf {
    let path = folder.join(format!("material-{seed}-{seconds}.wav"));
    write_mono_s16(&path, RATE as u32, &speech_like(seconds, seed))
        .expect("material can be written");
    path
}

/// A WAV file of this length in which a voice speaks Vietnamese, the same half a minute over and over. Unlike
/// [`speech_like`] it passes for speech with whatever takes noise away.
///
/// # Panics
/// When espeak-ng or ffmpeg do not do it.
#[track_caller]
pub fn voice_file(folder: &Path, seconds: u32) -> PathBuf {
    const WORDS: &str = "Kính thưa bà con trong bản. Sáng nay trời mưa to, nước suối dâng cao, đề nghị các gia đình không \
        cho trẻ nhỏ ra bờ suối chơi. Chiều mai lúc ba giờ, cán bộ thú y sẽ đến nhà văn hóa để tiêm phòng cho đàn trâu bò. \
        Ai có lúa chín hãy gặt sớm trước khi bão về. Hội phụ nữ mời chị em đến họp tại trường học. Thanh niên tập trung \
        dọn đường, mang theo cuốc xẻng và quang gánh. Trạm y tế nhắc người già uống thuốc đúng giờ, giữ ấm khi ngủ đêm.";
    let (said, path) = (folder.join("words.wav"), folder.join("voice.wav"));
    let spoken = Command::new("espeak-ng")
        .args(["-v", "vi", "-s", "150", "-w"])
        .arg(&said)
        .arg(WORDS)
        .status()
        .expect("espeak-ng is installed");
    assert!(spoken.success(), "espeak-ng speaks");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i"])
        .arg(&said)
        .args(["-t", &seconds.to_string(), "-ar", "48000", "-ac", "1"])
        .arg(&path)
        .status()
        .expect("ffmpeg is installed");
    assert!(made.success(), "ffmpeg makes a longer one");
    path
}

/// `source` in another format.
///
/// # Panics
/// When ffmpeg does not do it.
#[track_caller]
pub fn convert(source: &Path, format: Format) -> PathBuf {
    let target = source.with_extension(format!("as.{}", format.extension()));
    let done = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-i"])
        .arg(source)
        .args(format.codec())
        .arg(&target)
        .status()
        .expect("ffmpeg is installed");
    assert!(done.success(), "ffmpeg makes {format:?}");
    target
}

/// All frames of a sound file at 48 kHz, as a pole would decode them.
///
/// # Panics
/// When it is not one.
#[track_caller]
pub fn decoded(path: &Path) -> Vec<f32> {
    let decoder = Decoder::open_path(path, Limits::default())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut sound = Resampled::new(decoder).expect("48 kHz from any rate");
    let mut frames = Vec::new();
    while let Some(block) = sound.next_block().expect("it decodes to its end") {
        frames.extend_from_slice(block);
    }
    frames
}

/// The frame of `whole` at which `part` begins, looked for within `slack` frames of `expected`, and how alike they are.
pub fn find(part: &[f32], whole: &[f32], expected: usize, slack: usize) -> (isize, f64) {
    let (first, window) = around(part, whole, expected, slack);
    let (lag, alike) = correlation(part, window, 2 * slack);
    (first as isize + lag, alike)
}

/// As [`find`], for what a pole streams: the frame given is where `part` would begin if its middle were where it is and
/// it were read neither faster nor slower.
pub fn find_streamed(part: &[f32], whole: &[f32], expected: usize, slack: usize) -> (isize, f64) {
    let (first, window) = around(part, whole, expected, slack);
    let (lag, alike) = stretched_correlation(part, window, 2 * slack);
    (first as isize + lag, alike)
}

/// What is within `slack` frames of where `part` is expected, and the frame at which that begins.
fn around<'a>(part: &[f32], whole: &'a [f32], expected: usize, slack: usize) -> (usize, &'a [f32]) {
    let first = expected.saturating_sub(slack);
    let last = (expected + part.len() + slack).min(whole.len());
    (first, &whole[first.min(last)..last])
}

/// Root mean square.
pub fn rms(frames: &[f32]) -> f32 {
    let energy: f64 = frames.iter().map(|f| f64::from(*f).powi(2)).sum();
    (energy / frames.len().max(1) as f64).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use loa_audio::measure::stretched;

    use super::*;

    #[test]
    fn every_place_in_the_material_is_found_again_and_nowhere_else() {
        let whole = speech_like(12.0, 7);
        for place in [RATE, 5 * RATE + 123, 10 * RATE] {
            let part = &whole[place..place + RATE / 2];
            let (found, alike) = find(part, &whole, place + 9_000, RATE);
            assert_eq!(found, place as isize);
            assert!(alike > 0.999, "{alike}");
        }
        let other = speech_like(0.5, 8);
        assert!(find(&other, &whole, 5 * RATE, RATE).1 < 0.6);
    }

    #[test]
    fn what_is_read_a_little_faster_or_slower_is_found_where_its_middle_is() {
        let part = speech_like(0.8, 9);
        for by in [0.9951, 1.0, 1.0028] {
            let heard = stretched(&part, by);
            let mut whole = speech_like(1.0, 10);
            let place = whole.len() as isize;
            whole.extend_from_slice(&heard);
            whole.extend(speech_like(1.0, 11));
            let (found, alike) = find_streamed(&part, &whole, place as usize, RATE);
            let middle = place + (heard.len() as isize - part.len() as isize) / 2;
            assert!((found - middle).abs() <= 24, "{by}: {}", found - middle);
            assert!(alike > 0.75, "{by}: {alike}");
        }
        for seed in 20..23 {
            let other = speech_like(0.8, seed);
            let (_, alike) = find_streamed(&other, &speech_like(4.0, 10), 0, 3 * RATE);
            assert!(alike < 0.45, "{seed}: {alike}");
        }
    }
}
