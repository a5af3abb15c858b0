//! Every kind of file that people send comes out as what they said, in place and at full length.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{KINDS, as_ffmpeg_reads, decode, speech_like, spoken};
use loa_audio::measure::correlation;
use loa_audio::{Decoder, Limits, Resampled, SAMPLE_RATE, wav};

#[test]
fn every_kind_of_file_comes_out_as_it_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let source = spoken(folder.path(), 44_100);
    let (rate, original) = wav::read_mono(&source).unwrap();
    for kind in KINDS {
        let path = kind.make(&source, folder.path());
        let (got_rate, frames) = decode(&path);
        let reference = if got_rate == rate {
            original.clone()
        } else {
            as_ffmpeg_reads(&source, got_rate)
        };
        let max_lag = got_rate as usize / 10;
        let (lag, alike) = correlation(&reference, &frames, max_lag);
        let lag_ms = lag as f64 * 1000.0 / f64::from(got_rate);
        let off_ms = (frames.len() as f64 - reference.len() as f64) * 1000.0 / f64::from(got_rate);
        println!(
            "{:28} correlation {alike:.4}, starts {lag_ms:+.2} ms, longer by {off_ms:+.1} ms",
            kind.name
        );
        assert!(alike > 0.97, "{}: correlation {alike}", kind.name);
        // Without a frame count nothing tells how long an MP3 encoder took to start.
        let untold_ms = if kind.name.contains("without") {
            30.0
        } else {
            1.0
        };
        assert!(lag_ms.abs() < untold_ms, "{}: {lag_ms} ms", kind.name);
        assert!(off_ms.abs() < 50.0, "{}: longer by {off_ms} ms", kind.name);
    }
}

#[test]
fn lossless_files_come_out_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    wav::write_mono_s16(&source, 44_100, &speech_like(3.0, 44_100, 7)).unwrap();
    let original = wav::read_mono(&source).unwrap().1;
    for kind in KINDS
        .iter()
        .filter(|kind| ["FLAC", "WAV"].contains(&kind.name))
    {
        let (_, frames) = decode(&kind.make(&source, folder.path()));
        assert_eq!(frames, original, "{}", kind.name);
    }
}

#[test]
fn the_length_is_told_beforehand_where_the_file_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    wav::write_mono_s16(&source, 44_100, &speech_like(4.0, 44_100, 8)).unwrap();
    for kind in KINDS {
        let path = kind.make(&source, folder.path());
        let decoder = Decoder::open_path(&path, Limits::default()).unwrap();
        let hint = decoder.duration_ms_hint();
        println!("{:28} {:?} ({})", kind.name, hint, decoder.description());
        if [
            "MP3",
            "AAC in M4A",
            "Ogg Opus",
            "FLAC",
            "WAV",
            "Ogg Vorbis",
            "MP4 Opus",
        ]
        .contains(&kind.name)
        {
            assert!(hint.unwrap().abs_diff(4000) < 50, "{}: {hint:?}", kind.name);
        }
    }
}

#[test]
fn stereo_becomes_the_mean_of_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let left = speech_like(1.0, 48_000, 9);
    let mono = folder.path().join("mono.wav");
    wav::write_mono_s16(&mono, 48_000, &left).unwrap();
    let stereo = folder.path().join("stereo.wav");
    common::ffmpeg(&mono, &["-af", "pan=stereo|c0=c0|c1=0*c0"], &stereo);
    let (_, frames) = decode(&stereo);
    let original = wav::read_mono(&mono).unwrap().1;
    for (got, sent) in frames.iter().zip(&original) {
        assert!((got - 0.5 * sent).abs() < 1e-4);
    }
}

#[test]
fn resampling_keeps_length_place_and_pitch() {
    let folder = tempfile::tempdir().unwrap();
    for rate in [
        8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000,
    ] {
        let seconds = 2.345;
        let tone = |rate: u32| -> Vec<f32> {
            let frames = (seconds * f64::from(rate)).round() as usize;
            (0..frames)
                .map(|n| {
                    let t = n as f64 / f64::from(rate);
                    let fade = (t.min(seconds - t) * 20.0).min(1.0);
                    (0.5 * fade * (std::f64::consts::TAU * 1234.5 * t).sin()) as f32
                })
                .collect()
        };
        let path = folder.path().join(format!("{rate}.wav"));
        wav::write_mono_s16(&path, rate, &tone(rate)).unwrap();
        let decoder = Decoder::open_path(&path, Limits::default()).unwrap();
        let mut sound = Resampled::new(decoder).unwrap();
        let mut frames = Vec::new();
        while let Some(block) = sound.next_block().unwrap() {
            assert!(!block.is_empty());
            frames.extend_from_slice(block);
        }
        let wanted = tone(SAMPLE_RATE);
        assert!(
            frames.len().abs_diff(wanted.len()) <= 3,
            "{rate} Hz: {} frames",
            frames.len()
        );
        let worst = frames
            .iter()
            .zip(&wanted)
            .fold(0.0_f32, |worst, (got, wanted)| {
                worst.max((got - wanted).abs())
            });
        println!("{rate} Hz: worst difference {worst:.6}");
        assert!(worst < 2e-3, "{rate} Hz: {worst}");
    }
}

#[test]
fn two_mp3_files_stuck_together_are_both_heard() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    wav::write_mono_s16(&source, 44_100, &speech_like(3.0, 44_100, 10)).unwrap();
    let one = std::fs::read(KINDS[0].make(&source, folder.path())).unwrap();
    let both = folder.path().join("both.mp3");
    std::fs::write(&both, [one.as_slice(), &one].concat()).unwrap();
    let seconds = decode(&both).1.len() as f64 / 44_100.0;
    assert!((5.8..6.3).contains(&seconds), "{seconds} s");
}

#[test]
fn a_wav_written_to_a_pipe_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("piped.wav");
    let output = std::process::Command::new("espeak-ng")
        .args(["-v", "vi", "--stdout", common::BULLETIN])
        .output()
        .unwrap();
    std::fs::write(&path, output.stdout).unwrap();
    let (rate, frames) = decode(&path);
    assert!(frames.len() > 3 * rate as usize, "{} frames", frames.len());
}
