//! Decodes a whole file as fast as it can: `decode FILE` prints its seconds of sound and its frames.

use std::error::Error;
use std::path::Path;

use loa_audio::{Decoder, Limits};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: decode FILE")?;
    let mut decoder = Decoder::open_path(Path::new(&path), Limits::default())?;
    let mut frames = 0_u64;
    while let Some(block) = decoder.next_block()? {
        frames += block.len() as u64;
    }
    let seconds = frames as f64 / f64::from(decoder.sample_rate());
    println!("{seconds:.3} s, {frames} frames, {}", decoder.description());
    Ok(())
}
