//! How alike two files sound: `compare REFERENCE RECORDING` prints the lag and the normalised correlation.

use std::error::Error;
use std::ffi::OsStr;
use std::path::Path;

use loa_audio::measure::{correlation, segments};
use loa_audio::{Decoder, Limits, Resampled, SAMPLE_RATE};

/// The recording may start this much before or after the reference.
const MAX_LAG_S: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [reference, recording] = arguments.as_slice() else {
        return Err("usage: compare REFERENCE RECORDING".into());
    };
    let (reference, recording) = (frames(reference)?, frames(recording)?);
    let rate = SAMPLE_RATE as usize;
    let (lag, alike) = correlation(&reference, &recording, MAX_LAG_S * rate);
    println!("lag {:.3} ms, correlation {alike:.4}", lag as f64 / 48.0);
    for (start, end) in segments(&recording, 0.01, rate) {
        let seconds = |frame: usize| frame as f64 / rate as f64;
        println!(
            "sound from {:.3} s to {:.3} s",
            seconds(start),
            seconds(end)
        );
    }
    Ok(())
}

fn frames(path: &OsStr) -> Result<Vec<f32>, Box<dyn Error>> {
    let decoder = Decoder::open_path(Path::new(path), Limits::default())?;
    let mut sound = Resampled::new(decoder)?;
    let mut frames = Vec::new();
    while let Some(block) = sound.next_block()? {
        frames.extend_from_slice(block);
    }
    Ok(frames)
}
