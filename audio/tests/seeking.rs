//! A bulletin resumes where it was cut: a seek lands on the very frame, in every kind of file.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::Path;

use common::{Chance, KINDS, decode, speech_like};
use loa_audio::{Decoder, Limits, wav};

/// Frames compared behind each seek.
const HEARD: usize = 4_000;

fn worst_difference_after(path: &Path, whole: &[f32], places: &[u64]) -> f32 {
    let mut decoder = Decoder::open_path(path, Limits::default()).unwrap();
    let mut worst = 0.0_f32;
    for &place in places {
        decoder.seek_frame(place).unwrap();
        let mut heard: Vec<f32> = Vec::new();
        while heard.len() < HEARD {
            match decoder.next_block().unwrap() {
                Some(block) => heard.extend_from_slice(block),
                None => break,
            }
        }
        let expected = &whole[(place as usize).min(whole.len())..];
        assert_eq!(
            heard.len().min(HEARD),
            expected.len().min(HEARD),
            "{} at {place}",
            path.display()
        );
        for (heard, expected) in heard.iter().zip(expected) {
            worst = worst.max((heard - expected).abs());
        }
    }
    worst
}

#[test]
fn a_seek_lands_on_the_very_frame() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    wav::write_mono_s16(&source, 44_100, &speech_like(20.0, 44_100, 21)).unwrap();
    let mut chance = Chance::new(21);
    for kind in KINDS {
        let path = kind.make(&source, folder.path());
        let (rate, whole) = decode(&path);
        let end = whole.len() as u64;
        let mut places = vec![
            0,
            1,
            end - 1,
            end - 500,
            end - u64::from(rate),
            end / 2,
            12,
            end,
        ];
        places.extend((0..12).map(|_| chance.below(whole.len()) as u64));
        let worst = worst_difference_after(&path, &whole, &places);
        println!("{:28} worst difference {worst:.6}", kind.name);
        // An AAC decoder fills bands of noise with noise of its own.
        let may_differ = if kind.name.contains("AAC") {
            1e-2
        } else {
            1e-4
        };
        assert!(worst < may_differ, "{}: {worst}", kind.name);
    }
}

#[test]
fn a_seek_beyond_the_end_is_silence_and_one_back_sounds_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    wav::write_mono_s16(&source, 48_000, &speech_like(3.0, 48_000, 22)).unwrap();
    let path = KINDS
        .iter()
        .find(|kind| kind.name == "Ogg Opus")
        .unwrap()
        .make(&source, folder.path());
    let mut decoder = Decoder::open_path(&path, Limits::default()).unwrap();
    decoder.seek_ms(60_000).unwrap();
    assert!(decoder.next_block().unwrap().is_none());
    decoder.seek_ms(1_000).unwrap();
    assert_eq!(decoder.position(), 48_000);
    assert!(decoder.next_block().unwrap().is_some());
}
