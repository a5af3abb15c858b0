//! What reading a recording costs.

use std::path::{Path, PathBuf};

use loa_audio::{Limits, ingest};
use loa_tests::process::{
    figures::{Figure, Goal},
    measure::{
        apart::both_ways,
        decode::{ffmpeg, mpg123, ours, ratio},
    },
    sound::{self, Format},
};

/// Five minutes of each; the canonical one is made as the office makes it.
pub(super) fn decode() -> Vec<Figure> {
    const ROUNDS: usize = 5;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = sound::wav_file(folder.path(), 300.0, 1);
    let mp3 = sound::convert(&source, Format::Mp3);
    let aac = sound::convert(&source, Format::M4aAac);
    let opus = canonical(&source);
    let decoder = decoder();
    let figure = |name, value, what: &str| Figure {
        name,
        value,
        unit: "",
        goal: Goal::Told,
        n: ROUNDS,
        how: format!(
            "user CPU of our decoder over that of {what}; whole processes in turns, median, 5 minutes of sound"
        ),
    };
    vec![
        figure(
            "decode_ratio_mp3_mpg123",
            ratio(ROUNDS, || ours(&decoder, &mp3), || mpg123(&mp3)),
            "mpg123 -t",
        ),
        figure(
            "decode_ratio_mp3_ffmpeg",
            ratio(ROUNDS, || ours(&decoder, &mp3), || ffmpeg(&mp3)),
            "ffmpeg -threads 1",
        ),
        figure(
            "decode_ratio_aac_ffmpeg",
            ratio(ROUNDS, || ours(&decoder, &aac), || ffmpeg(&aac)),
            "ffmpeg -threads 1",
        ),
        figure(
            "decode_ratio_opus_ffmpeg",
            ratio(ROUNDS, || ours(&decoder, &opus), || ffmpeg(&opus)),
            "ffmpeg -threads 1",
        ),
    ]
}

/// Five minutes, where reading is most of it, and two seconds, where the process is.
pub(super) fn apart() -> Vec<Figure> {
    const ROUNDS: usize = 7;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mp3 = |seconds| {
        let source = sound::wav_file(folder.path(), seconds, 1);
        both_ways(ROUNDS, &sound::convert(&source, Format::Mp3), "mp3")
    };
    let (long, short) = (mp3(300.0), mp3(2.0));
    println!("  five minutes: {long:?}; two seconds: {short:?}");
    vec![
        Figure {
            name: "ingest_child_ratio",
            value: long.ratio,
            unit: "",
            goal: Goal::Told,
            n: ROUNDS,
            how: "time on the clock to make content of five minutes of MP3 in a fenced process of its own, over the same in \
                  the calling process; in turns, median"
                .into(),
        },
        Figure {
            name: "ingest_child_more_ms",
            value: (short.apart_s - short.here_s) * 1_000.0,
            unit: "ms",
            goal: Goal::Told,
            n: ROUNDS,
            how: "what the process, its fences and its end take more than reading two seconds of MP3 in the calling process; \
                  difference of medians"
                .into(),
        },
    ]
}

fn canonical(source: &Path) -> PathBuf {
    let target = source.with_extension("opus");
    ingest::canonicalise(source, Some("wav"), &target, Limits::default())
        .expect("material becomes content");
    target
}

/// `examples/decode` beside this program.
fn decoder() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    let decoder = own.with_file_name("examples").join("decode");
    assert!(
        decoder.exists(),
        "run `cargo build --release -p loa-audio --example decode` first"
    );
    decoder
}
