//! What cannot be played is refused by its name, and leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};

use common::{Chance, KINDS, Kind, decode, ffmpeg, speech_like, try_decode};
use loa_audio::ingest::{IngestError, canonicalise};
use loa_audio::{DecodeError, Limits, wav};

fn speech(folder: &Path, seconds: f32) -> PathBuf {
    let path = folder.join("speech.wav");
    wav::write_mono_s16(&path, 44_100, &speech_like(seconds, 44_100, 31)).unwrap();
    path
}

fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).unwrap()
}

/// Ingests into an empty folder, which must still be empty afterwards.
fn refusal(input: &Path, limits: Limits) -> DecodeError {
    let store = tempfile::tempdir().unwrap();
    let hint = input.extension().and_then(|extension| extension.to_str());
    let outcome = canonicalise(input, hint, &store.path().join("content"), limits);
    let left: Vec<_> = std::fs::read_dir(store.path()).unwrap().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    match outcome {
        Err(IngestError::Decode(error)) => error,
        other => panic!("{}: {other:?}", input.display()),
    }
}

fn refused_bytes(name: &str, bytes: &[u8]) -> DecodeError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    refusal(&path, Limits::default())
}

#[test]
fn what_is_not_audio_is_refused_as_such() {
    let letter = "Kính gửi Ủy ban nhân dân xã Sảng Mộc. ".repeat(2_000);
    let mut chance = Chance::new(32);
    let noise: Vec<u8> = (0..300_000).map(|_| chance.next() as u8).collect();
    for (name, bytes) in [
        ("letter.mp3", letter.as_bytes()),
        (
            "photo.jpg",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0",
        ),
        ("noise.wav", &noise),
        ("noise.bin", &noise),
        ("x", b"x"),
    ] {
        let error = refused_bytes(name, bytes);
        assert!(matches!(error, DecodeError::NotAudio), "{name}: {error:?}");
    }
}

#[test]
fn a_file_without_sound_is_refused_as_empty() {
    assert!(matches!(refused_bytes("a.mp3", b""), DecodeError::Empty));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.wav");
    wav::write_mono_s16(&path, 44_100, &[]).unwrap();
    assert!(matches!(
        refusal(&path, Limits::default()),
        DecodeError::Empty
    ));
}

#[test]
fn a_file_that_was_cut_off_is_refused_as_truncated() {
    let folder = tempfile::tempdir().unwrap();
    let source = speech(folder.path(), 8.0);
    for name in [
        "MP3",
        "MP3, variable rate",
        "AAC in M4A",
        "AAC in M4A, index first",
        "AAC in fragmented MP4",
        "Ogg Vorbis",
        "Ogg Opus",
        "WebM Opus",
        "MP4 Opus",
        "FLAC",
        "WAV",
        "WAV, 24 bit, stereo",
    ] {
        let path = kind(name).make(&source, folder.path());
        let whole = std::fs::read(&path).unwrap();
        for percent in [35, 60, 85] {
            std::fs::write(&path, &whole[..whole.len() * percent / 100]).unwrap();
            let error = refusal(&path, Limits::default());
            assert!(
                matches!(error, DecodeError::Truncated),
                "{name} at {percent} %: {error:?}"
            );
        }
    }
}

#[test]
fn what_declares_no_length_is_played_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let source = speech(folder.path(), 8.0);
    for name in ["MP3 without a frame count", "ADTS AAC", "live WebM Opus"] {
        let path = kind(name).make(&source, folder.path());
        let whole = std::fs::read(&path).unwrap();
        for percent in [35, 60, 85] {
            std::fs::write(&path, &whole[..whole.len() * percent / 100]).unwrap();
            let (rate, frames) = decode(&path);
            let share = frames.len() as f64 / f64::from(rate) / 8.0;
            let wanted = percent as f64 / 100.0;
            assert!(
                (share - wanted).abs() < 0.2,
                "{name} at {percent} %: {share}"
            );
        }
    }
}

#[test]
fn what_is_too_long_or_too_large_is_refused_with_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let source = speech(folder.path(), 8.0);
    for kind in KINDS {
        let path = kind.make(&source, folder.path());
        let bytes = std::fs::metadata(&path).unwrap().len();
        let fits = Limits {
            max_bytes: bytes,
            max_duration_s: 9,
        };
        assert!(try_decode(&path).is_ok(), "{}", kind.name);
        let long = refusal(
            &path,
            Limits {
                max_duration_s: 5,
                ..fits
            },
        );
        assert!(
            matches!(long, DecodeError::TooLong { limit_s: 5 }),
            "{}: {long:?}",
            kind.name
        );
        let large = refusal(
            &path,
            Limits {
                max_bytes: bytes - 1,
                ..fits
            },
        );
        assert!(
            matches!(large, DecodeError::TooLarge { .. }),
            "{}: {large:?}",
            kind.name
        );
        assert!(large.to_string().contains(&(bytes - 1).to_string()));
    }
}

#[test]
fn a_kind_we_cannot_read_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let source = speech(folder.path(), 2.0);
    for (file, options, name) in [
        ("a.aiff", &["-c:a", "pcm_s16be"][..], "AIFF"),
        ("b.wma", &["-c:a", "wmav2"], "WMA"),
        ("c.caf", &["-c:a", "pcm_s16be"], "CAF"),
        ("d.wav", &["-c:a", "adpcm_ms"], ""),
        ("e.m4a", &["-c:a", "alac"], ""),
        ("f.wav", &["-c:a", "pcm_s16le", "-ar", "4000"], "4000 Hz"),
        (
            "g.opus",
            &["-c:a", "libopus", "-ac", "6", "-b:a", "96k"],
            "channels",
        ),
        ("h.mka", &["-c:a", "ac3"], ""),
    ] {
        let path = folder.path().join(file);
        ffmpeg(&source, options, &path);
        match refusal(&path, Limits::default()) {
            DecodeError::Unsupported { what } => {
                println!("{file}: {what}");
                assert!(what.contains(name), "{file}: {what}");
            }
            other => panic!("{file}: {other:?}"),
        }
    }
}

#[test]
fn a_file_of_rubble_is_refused_as_broken() {
    let folder = tempfile::tempdir().unwrap();
    let source = speech(folder.path(), 8.0);
    let path = kind("AAC in M4A, index first").make(&source, folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let mut chance = Chance::new(33);
    let sound = bytes.len() / 4;
    for byte in &mut bytes[sound..] {
        *byte = chance.next() as u8;
    }
    let error = refused_bytes("rubble.m4a", &bytes);
    assert!(matches!(error, DecodeError::Broken { .. }), "{error:?}");
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_ours() {
    let error = refusal(Path::new("/nonexistent/bulletin.mp3"), Limits::default());
    assert!(matches!(error, DecodeError::Io(_)), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_nothing_else_happens() {
    let folder = tempfile::tempdir().unwrap();
    let source = speech(folder.path(), 1.0);
    let outcome = canonicalise(
        &source,
        None,
        &folder.path().join("no/such/place"),
        Limits::default(),
    );
    assert!(matches!(outcome, Err(IngestError::Write(_))), "{outcome:?}");
}

#[test]
fn every_refusal_says_what_to_do() {
    for error in [
        DecodeError::NotAudio,
        DecodeError::Empty,
        DecodeError::Truncated,
        DecodeError::TooLong { limit_s: 900 },
        DecodeError::TooLarge { limit_bytes: 1 },
        DecodeError::Unsupported { what: "AMR".into() },
        DecodeError::Broken { detail: "x".into() },
    ] {
        assert!(error.to_string().contains("; "), "{error}");
    }
}
