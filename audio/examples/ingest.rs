//! Makes canonical content by hand: `ingest IN OUT` prints what it measured.

use std::error::Error;
use std::path::Path;

use loa_audio::{Limits, ingest};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        return Err("usage: ingest IN OUT".into());
    };
    let input = Path::new(input);
    let hint = input.extension().and_then(|extension| extension.to_str());
    let canonical = ingest::canonicalise(input, hint, Path::new(output), Limits::default())?;
    println!("{canonical:#?}");
    Ok(())
}
