//! `loa-controller decode`: reads one recording within fences, and makes it canonical. Nobody calls it by hand.
//!
//! Standard input is the recording (or several behind each other), standard output the canonical file to write, standard
//! error takes one `Report`. The fences are closed before the first byte is looked at.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, AsRawFd},
    process::ExitCode,
    sync::Arc,
};

use loa_audio::{
    Limits,
    ingest::{Part, canonicalise_into},
};

use super::{
    listening,
    report::Report,
    sandbox::{self, Bounds, Open},
};

#[derive(Debug, clap::Args)]
pub struct Options {
    #[arg(long)]
    memory_bytes: u64,
    #[arg(long, default_value_t = 0)]
    cpu_s: u64,
    #[arg(long, default_value_t = 0)]
    output_bytes: u64,
    #[arg(long, default_value_t = 0)]
    max_bytes: u64,
    #[arg(long, default_value_t = 0)]
    max_duration_s: u32,
    /// The extension of the name under which it was sent
    #[arg(long)]
    hint: Option<String>,
    /// The lengths of what lies behind each other; without any, the fences are closed and told of
    #[arg(long, value_delimiter = ',')]
    parts: Vec<u64>,
    /// It is no recording but a station, without an end
    #[arg(long)]
    station: bool,
}

pub fn run(options: Options) -> ExitCode {
    // What a decoder says as it dies is nobody's business, and printing it is a system call more.
    std::panic::set_hook(Box::new(|_| {}));
    let done = match options.station {
        true => listening::within(options.memory_bytes),
        false => tell(options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn tell(options: Options) -> io::Result<()> {
    let input = Arc::new(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    let output = Arc::new(File::from(io::stdout().as_fd().try_clone_to_owned()?));
    let bounds = Bounds {
        memory_bytes: options.memory_bytes,
        cpu_s: options.cpu_s,
        cpu_most_s: options.cpu_s + 1,
        output_bytes: options.output_bytes,
    };
    let open = Open {
        input: input.as_raw_fd(),
        output: output.as_raw_fd(),
        report: io::stderr().as_raw_fd(),
    };
    let limits = Limits {
        max_bytes: options.max_bytes,
        max_duration_s: options.max_duration_s,
    };
    let mut from = 0;
    let parts = options.parts.iter().map(|length| {
        let part = Part::of(input.clone(), from, *length, options.hint.as_deref());
        from += length;
        part
    });
    let parts: Vec<Part> = parts.collect();
    let fences = sandbox::close(bounds, open)?;
    let report = match &parts[..] {
        [] => Report::Fenced(fences),
        parts => canonicalise_into(parts, &output, limits).into(),
    };
    let told = serde_json::to_vec(&report)?;
    io::stderr().write_all(&told)
}
