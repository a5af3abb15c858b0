//! Whatever was sent, the content made of it is the same speech, as loud as every other, and never clips.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Chance, KINDS, as_ffmpeg_reads, decode, speech_like, spoken};
use loa_audio::ingest::{CEILING_DBTP, Canonical, JOIN_PAUSE_MS, TARGET_LUFS, canonicalise, join};
use loa_audio::measure::correlation;
use loa_audio::{Limits, SAMPLE_RATE, wav};

fn ingest(input: &Path, output: &Path) -> Canonical {
    let hint = input.extension().and_then(|extension| extension.to_str());
    canonicalise(input, hint, output, Limits::default())
        .unwrap_or_else(|error| panic!("{}: {error}", input.display()))
}

/// (integrated loudness, true peak) by an independent meter.
fn as_ffmpeg_measures(path: &Path) -> (f64, f64) {
    let output = Command::new("ffmpeg")
        .args(["-v", "info", "-nostats", "-i"])
        .arg(path)
        .args([
            "-af",
            "ebur128=peak=true:framelog=verbose",
            "-f",
            "null",
            "-",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = &text[text.rfind("Summary:").unwrap()..];
    let value = |label: &str| -> f64 {
        let rest = &summary[summary.find(label).unwrap() + label.len()..];
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    (value("I:"), value("Peak:"))
}

#[test]
fn every_kind_of_upload_becomes_the_same_speech() {
    let folder = tempfile::tempdir().unwrap();
    let generated = folder.path().join("generated.wav");
    wav::write_mono_s16(&generated, 44_100, &speech_like(8.0, 44_100, 40)).unwrap();
    survives(folder.path(), &generated, 0.98);
    // espeak's voice has peaks 18 dB above its loudness: to be as loud as the rest it must be limited by 5 dB,
    // and that, not the codec, is what makes the difference.
    survives(folder.path(), &spoken(folder.path(), 44_100), 0.94);
}

fn survives(folder: &Path, source: &Path, at_least: f64) {
    let original = as_ffmpeg_reads(source, SAMPLE_RATE);
    let mut least = 1.0_f64;
    for kind in KINDS.iter().filter(|kind| !kind.name.contains("8 kHz")) {
        let upload = kind.make(source, folder);
        let output = folder.join("content.opus");
        let canonical = ingest(&upload, &output);
        let (rate, frames) = decode(&output);
        assert_eq!(rate, SAMPLE_RATE);
        let (lag, alike) = correlation(&original, &frames, 4_800);
        println!(
            "{:28} correlation {alike:.4}, lag {lag}, {} ms, {} bytes, {:?} LUFS, {:.2} dBTP, {}",
            kind.name,
            canonical.duration_ms,
            canonical.bytes,
            canonical.loudness_lufs,
            canonical.true_peak_dbtp,
            canonical.format_in,
        );
        assert!(alike >= at_least, "{}: correlation {alike}", kind.name);
        let off_ms = canonical.duration_ms.abs_diff(original.len() as u64 / 48);
        assert!(off_ms <= 50, "{}: {off_ms} ms", kind.name);
        assert_eq!(canonical.duration_ms, (frames.len() as u64 + 24) / 48);
        assert_eq!(canonical.bytes, std::fs::metadata(&output).unwrap().len());
        assert!((canonical.loudness_lufs.unwrap() - TARGET_LUFS).abs() <= 1.0);
        assert!(
            canonical.true_peak_dbtp <= CEILING_DBTP,
            "{}",
            canonical.true_peak_dbtp
        );
        least = least.min(alike);
    }
    println!("least correlation {least:.4}");
}

#[test]
fn another_program_reads_the_content_and_measures_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let source = spoken(folder.path(), 44_100);
    let output = folder.path().join("content.opus");
    let canonical = ingest(&source, &output);
    let (lufs, peak) = as_ffmpeg_measures(&output);
    println!("{canonical:?}; ffmpeg: {lufs} LUFS, {peak} dBTP");
    assert!((lufs - canonical.loudness_lufs.unwrap()).abs() < 0.2);
    assert!(peak <= CEILING_DBTP + 0.1, "{peak}");
    let theirs = as_ffmpeg_reads(&output, SAMPLE_RATE);
    let (_, ours) = decode(&output);
    assert_eq!(
        theirs.len(),
        ours.len(),
        "both must cut the start and the end alike"
    );
    let (lag, alike) = correlation(&theirs, &ours, 480);
    assert!(lag == 0 && alike > 0.9999, "lag {lag}, correlation {alike}");
}

#[test]
fn loud_quiet_peaky_and_musical_uploads_come_out_alike() {
    let folder = tempfile::tempdir().unwrap();
    let speech = speech_like(12.0, 48_000, 41);
    let mut chance = Chance::new(41);
    let music: Vec<f32> = (0..48_000 * 12)
        .map(|n| {
            let t = n as f32 / 48_000.0;
            let beat = (t * 2.0).fract();
            let chord: f32 = [220.0, 277.18, 329.63, 440.0, 880.0]
                .iter()
                .map(|hz| (std::f32::consts::TAU * hz * t).sin())
                .sum();
            0.12 * chord * (1.0 - 0.5 * beat) + 0.2 * chance.signed() * (-beat * 30.0).exp()
        })
        .collect();
    let clipped: Vec<f32> = speech
        .iter()
        .map(|x| (x * 12.0).clamp(-0.99, 0.99))
        .collect();
    let quiet: Vec<f32> = speech.iter().map(|x| x * 0.12).collect();
    let mut peaky = quiet.clone();
    for n in (10_000..peaky.len()).step_by(90_000) {
        peaky[n] = 0.9;
        peaky[n + 1] = -0.9;
    }
    for (name, frames, within_lu) in [
        ("speech", &speech, 1.0),
        ("music", &music, 1.0),
        ("clipped", &clipped, 1.0),
        ("quiet", &quiet, 1.0),
        ("peaky", &peaky, 3.0),
    ] {
        let input = folder.path().join("in.wav");
        wav::write_mono_s16(&input, 48_000, frames).unwrap();
        let output = folder.path().join("out.opus");
        let canonical = ingest(&input, &output);
        let (lufs, peak) = as_ffmpeg_measures(&output);
        println!("{name}: {canonical:?}; ffmpeg: {lufs} LUFS, {peak} dBTP");
        assert!(
            (lufs - TARGET_LUFS).abs() <= within_lu,
            "{name}: {lufs} LUFS"
        );
        assert!(peak <= -0.9, "{name}: {peak} dBTP");
    }
}

#[test]
fn silence_and_a_click_are_content_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut click = vec![0.0; 4_800];
    click[2_000] = 0.5;
    for frames in [vec![0.0; 96_000], click, vec![0.25; 1]] {
        let input = folder.path().join("in.wav");
        wav::write_mono_s16(&input, 48_000, &frames).unwrap();
        let output = folder.path().join("out.opus");
        let canonical = ingest(&input, &output);
        assert_eq!(canonical.loudness_in_lufs, None);
        assert_eq!(canonical.loudness_lufs, None);
        assert!(canonical.true_peak_dbtp.is_finite());
        assert_eq!(decode(&output).1.len(), frames.len());
    }
}

#[test]
fn the_same_upload_has_the_same_name_and_replaces_itself() {
    let folder = tempfile::tempdir().unwrap();
    let source = spoken(folder.path(), 22_050);
    let store = tempfile::tempdir().unwrap();
    let output = store.path().join("content.opus");
    let first = ingest(&source, &output);
    let again = ingest(&source, &output);
    assert_eq!(first, again);
    let bytes = std::fs::read(&output).unwrap();
    assert!(bytes.starts_with(b"OggS"));
    assert_eq!(std::fs::read_dir(store.path()).unwrap().count(), 1);
}

#[test]
fn content_resumes_on_the_very_frame() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    wav::write_mono_s16(&source, 48_000, &speech_like(95.0, 48_000, 42)).unwrap();
    let output = folder.path().join("content.opus");
    ingest(&source, &output);
    let (_, whole) = decode(&output);
    let mut decoder = loa_audio::Decoder::open_path(&output, Limits::default()).unwrap();
    let mut chance = Chance::new(42);
    let mut places: Vec<u64> = (0..40).map(|_| chance.below(95_000) as u64).collect();
    places.extend([
        0, 1, 79, 80, 81, 1_999, 2_000, 2_001, 93_500, 94_000, 94_500, 94_990, 94_999,
    ]);
    let mut worst = 0.0_f32;
    for ms in places {
        decoder.seek_ms(ms).unwrap();
        let start = ms as usize * 48;
        let block = decoder.next_block().unwrap().unwrap();
        for (got, expected) in block.iter().zip(&whole[start..]) {
            worst = worst.max((got - expected).abs());
        }
    }
    println!("worst difference after a seek {worst:.6}");
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn two_sounds_joined_are_one_after_the_other_and_as_loud_as_each() {
    let folder = tempfile::tempdir().unwrap();
    let mut parts = Vec::new();
    for (seed, seconds) in [(1, 2.0), (2, 5.0)] {
        let wav = folder.path().join(format!("{seed}.wav"));
        wav::write_mono_s16(&wav, 44_100, &speech_like(seconds, 44_100, seed)).unwrap();
        let content = folder.path().join(format!("{seed}.opus"));
        let canonical = ingest(&wav, &content);
        parts.push((content, canonical));
    }
    let whole = folder.path().join("whole.opus");
    let paths = [parts[0].0.as_path(), parts[1].0.as_path()];
    let joined = join(&paths, &whole, Limits::default()).unwrap();
    let (first_ms, second_ms) = (parts[0].1.duration_ms, parts[1].1.duration_ms);
    let sum_ms = first_ms + JOIN_PAUSE_MS + second_ms;
    assert!(joined.duration_ms.abs_diff(sum_ms) <= 1, "{joined:?}");
    assert!((joined.loudness_lufs.unwrap() - TARGET_LUFS).abs() < 1.0);
    assert!(joined.true_peak_dbtp <= CEILING_DBTP);
    // Both are in it, whole and in their places.
    let (_, sound) = decode(&whole);
    let frames = |ms: u64| (ms * u64::from(SAMPLE_RATE) / 1_000) as usize;
    for (path, from) in [(paths[0], 0), (paths[1], frames(first_ms + JOIN_PAUSE_MS))] {
        let (_, part) = decode(path);
        let here = &sound[from..(from + part.len()).min(sound.len())];
        let (lag, alike) = correlation(&part, here, 100);
        assert!(alike > 0.97 && lag.abs() <= 48, "{alike} at {lag}");
    }
    // The same sounds give the same content.
    let again = join(&paths, &folder.path().join("again.opus"), Limits::default()).unwrap();
    assert_eq!(again.sha256, joined.sha256);
}
