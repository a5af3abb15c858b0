//! What it costs that recordings are read in a fenced process of their own: the time on the clock, next to the same in this one.

use std::path::Path;

use loa_audio::{Limits, ingest};
use loa_controller::audio::apart::Apart;

use crate::process::{clock::mono_us, figures::percentile, program::binary};

const MEMORY_BYTES: u64 = 1_000_000_000;
const CPU_S: u64 = 900;

/// Medians over some rounds, in turns.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    pub apart_s: f64,
    pub here_s: f64,
    /// Of the first over the second, round by round.
    pub ratio: f64,
}

/// Makes the same content of this file both ways.
///
/// # Panics
/// When one of them fails, or they differ.
#[track_caller]
pub fn both_ways(rounds: usize, file: &Path, hint: &str) -> Took {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (there, here) = (folder.path().join("apart"), folder.path().join("here"));
    let limits = Limits::default();
    let files = [file];
    let apart = Apart::new(binary("loa-controller"), MEMORY_BYTES, CPU_S);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let timed = |work: &mut dyn FnMut()| {
        let began_us = mono_us();
        work();
        (mono_us() - began_us) as f64 / 1e6
    };
    let all: Vec<(f64, f64)> = (0..rounds)
        .map(|_| {
            std::fs::write(&there, b"").expect("an empty file");
            let apart_s = timed(&mut || {
                let work = apart.canonicalise(&files, Some(hint), &there, folder.path(), limits);
                runtime.block_on(work).expect("it is read apart");
            });
            let here_s = timed(&mut || {
                ingest::canonicalise(file, Some(hint), &here, limits).expect("it is read here");
            });
            (apart_s, here_s)
        })
        .collect();
    let bytes = |path: &Path| std::fs::read(path).expect("content").len();
    assert_eq!(bytes(&there), bytes(&here), "the same content");
    let median = |of: fn(&(f64, f64)) -> f64| {
        let values: Vec<f64> = all.iter().map(of).collect();
        percentile(&values, 50.0)
    };
    Took {
        apart_s: median(|one| one.0),
        here_s: median(|one| one.1),
        ratio: median(|one| one.0 / one.1),
    }
}
