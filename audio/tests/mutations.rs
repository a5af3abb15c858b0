//! Whatever bytes are sent, the decoder returns: no panic gets out, nothing hangs.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use common::{Chance, KINDS, speech_like};
use loa_audio::decode::fuzz_one;
use loa_audio::{DecodeError, wav};

/// Replay or widen with `LOA_SEED=… LOA_INPUTS=… cargo test -p loa-audio --test mutations -- --nocapture`.
fn from_environment(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(otherwise, |value| value.parse().unwrap())
}

fn mutated(whole: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    // Headers decide most, so half of the damage is done there.
    let reach = if chance.below(2) == 0 {
        bytes.len().min(600)
    } else {
        bytes.len()
    };
    match chance.below(6) {
        0 => bytes.truncate(chance.below(bytes.len())),
        1 => {
            let from = chance.below(reach);
            let to = (from + chance.below(200)).min(bytes.len());
            bytes.drain(from..to);
        }
        2 => {
            let from = chance.below(bytes.len());
            let piece: Vec<u8> = bytes[from..]
                .iter()
                .take(chance.below(300))
                .copied()
                .collect();
            let at = chance.below(reach);
            bytes.splice(at..at, piece);
        }
        3 => {
            let at = chance.below(reach);
            let extreme = [0, 0xff, 0x7f, 0x80][chance.below(4)];
            let length = 1 + chance.below(8);
            for byte in bytes.iter_mut().skip(at).take(length) {
                *byte = extreme;
            }
        }
        _ => {
            for _ in 0..1 + chance.below(20) {
                let at = chance.below(reach);
                bytes[at] = chance.next() as u8;
            }
        }
    }
    bytes
}

#[test]
fn no_upload_however_broken_stops_the_office() {
    let seed = from_environment("LOA_SEED", 2026);
    let inputs = from_environment("LOA_INPUTS", 20_000) as usize;
    println!("LOA_SEED={seed} LOA_INPUTS={inputs}");
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.wav");
    wav::write_mono_s16(&source, 16_000, &speech_like(0.4, 16_000, seed)).unwrap();
    let files: Vec<(&str, Vec<u8>)> = KINDS
        .iter()
        .map(|kind| {
            (
                kind.file,
                std::fs::read(kind.make(&source, folder.path())).unwrap(),
            )
        })
        .collect();
    let mut chance = Chance::new(seed);
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for n in 0..inputs {
        let (file, whole) = &files[n % files.len()];
        let bytes = mutated(whole, &mut chance);
        let hint = file.rsplit('.').next();
        let Ok(outcome) = catch_unwind(|| fuzz_one(&bytes, hint)) else {
            panic!("input {n} of seed {seed}, made of {file}, got a panic out");
        };
        let name = match outcome {
            Ok(_) => "played",
            Err(DecodeError::NotAudio) => "not audio",
            Err(DecodeError::Empty) => "empty",
            Err(DecodeError::Truncated) => "truncated",
            Err(DecodeError::TooLong { .. }) => "too long",
            Err(DecodeError::TooLarge { .. }) => "too large",
            Err(DecodeError::Unsupported { .. }) => "unsupported",
            Err(DecodeError::Broken { detail }) if detail.contains("gave up") => {
                println!("caught in {file}: {detail}");
                "caught panic"
            }
            Err(DecodeError::Broken { .. }) => "broken",
            Err(DecodeError::Io(error)) => panic!("input {n} of seed {seed}: {error}"),
        };
        *outcomes.entry(name).or_default() += 1;
    }
    println!("{inputs} inputs: {outcomes:?}");
    assert!(
        outcomes["played"] > inputs / 20,
        "the mutations are too harsh to reach the codecs"
    );
}
