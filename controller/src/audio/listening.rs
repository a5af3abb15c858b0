//! Reads what a station sends, on one side of the fence, and starts that side, on the other.
//!
//! Standard input is the station's bytes; standard output 16-bit mono at 48 kHz, levelled, in frames of [`FRAME_BYTES`]; standard error
//! lines of JSON ([`Told`]). It has no end but that of its input. Memory is bounded as for a recording; of the processor it gets
//! so much at first ([`FIRST_CPU_S`]) and a share of each second of sound that came out ([`cpu_s`]).

use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, AsRawFd},
    process::{Child, Command, Stdio},
};

use loa_audio::{
    live::FRAME,
    station::{Kinds, Programme},
};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde::{Deserialize, Serialize};

use super::{
    apart::Apart,
    report::short,
    sandbox::{self, Bounds, Open},
};

/// 20 ms.
pub const FRAME_BYTES: usize = FRAME * 2;
/// Of the processor, before anything came out.
pub const FIRST_CPU_S: u64 = 10;
/// Whatever came out: four hours, and what is lost on the way.
pub const MOST_CPU_S: u64 = 2 * 3_600;

/// What it may have used when `sound_s` seconds came out: a half of each, where decoding takes a hundredth.
pub fn cpu_s(sound_s: u64) -> u64 {
    (FIRST_CPU_S + sound_s / 2).min(MOST_CPU_S)
}

/// What it tells of the station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Codec, rate and channels in words.
    Codec(String),
    /// How loud it comes, in LUFS.
    Loudness(f32),
    /// It is no sound, or none that can be read.
    NotSound(String),
}

/// Within the fences: reads until there is no more.
pub fn listen(
    input: impl io::Read + Send + Sync + 'static,
    output: &mut impl Write,
    report: &mut impl Write,
) -> io::Result<()> {
    let mut tell = |told: &Told| -> io::Result<()> {
        let mut line = serde_json::to_vec(told)?;
        line.push(b'\n');
        report.write_all(&line)
    };
    let not_sound = |error: &loa_audio::DecodeError| Told::NotSound(short(&error.to_string()));
    let mut programme = match Programme::open(Box::new(input), Kinds::All) {
        Ok(programme) => programme,
        Err(error) => return tell(&not_sound(&error)),
    };
    let (mut named, mut measured) = (false, false);
    let mut bytes = Vec::with_capacity(4 * FRAME_BYTES);
    loop {
        let block = match programme.next_block() {
            Ok(Some(block)) => block,
            Ok(None) => return Ok(()),
            Err(error) => return tell(&not_sound(&error)),
        };
        for frame in block {
            let sample = (frame.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16;
            bytes.extend(sample.to_le_bytes());
        }
        let whole = bytes.len() - bytes.len() % FRAME_BYTES;
        output.write_all(&bytes[..whole])?;
        bytes.drain(..whole);
        if !named {
            named = true;
            tell(&Told::Codec(short(programme.description())))?;
        }
        if !measured && let Some(loudness) = programme.loudness_lufs() {
            measured = true;
            tell(&Told::Loudness(loudness))?;
        }
    }
}

/// `loa-controller decode --station`.
pub fn within(memory_bytes: u64) -> io::Result<()> {
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let bounds = Bounds {
        memory_bytes,
        cpu_s: FIRST_CPU_S,
        cpu_most_s: MOST_CPU_S,
        output_bytes: 0,
    };
    let open = Open {
        input: input.as_raw_fd(),
        output: output.as_raw_fd(),
        report: io::stderr().as_raw_fd(),
    };
    sandbox::close(bounds, open)?;
    listen(input, &mut output, &mut io::stderr())
}

/// The process, or in unit tests the thread, behind the fence.
#[derive(Debug)]
pub struct Listener {
    child: Option<Child>,
}

/// Its three ends.
#[derive(Debug)]
pub struct Ends {
    pub input: Box<dyn WriteEnd>,
    pub output: Box<dyn ReadEnd>,
    pub report: Box<dyn ReadEnd>,
}

pub trait WriteEnd: Write + Send + std::fmt::Debug {}
impl<T: Write + Send + std::fmt::Debug> WriteEnd for T {}
pub trait ReadEnd: io::Read + Send + std::fmt::Debug {}
impl<T: io::Read + Send + std::fmt::Debug> ReadEnd for T {}

impl Apart {
    /// Starts to listen. Dropping the listener ends it.
    pub fn listen(&self) -> io::Result<(Listener, Ends)> {
        let Some(mut command) = self.listening() else {
            return here();
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let ends = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let listener = Listener { child: Some(child) };
        match ends {
            (Some(input), Some(output), Some(report)) => Ok((
                listener,
                Ends {
                    input: Box::new(input),
                    output: Box::new(output),
                    report: Box::new(report),
                },
            )),
            _ => Err(io::Error::other("it has no ends")),
        }
    }

    fn listening(&self) -> Option<Command> {
        let (program, memory_bytes) = self.program()?;
        let mut command = Command::new(program);
        command
            .arg("decode")
            .arg("--station")
            .args(["--memory-bytes", &memory_bytes.to_string()])
            .env_clear()
            .current_dir("/");
        Some(command)
    }
}

fn here() -> io::Result<(Listener, Ends)> {
    let ((input_out, input), (output, mut output_in)) = (io::pipe()?, io::pipe()?);
    let (report, mut report_in) = io::pipe()?;
    std::thread::Builder::new()
        .name("loa-listen".into())
        .spawn(move || listen(input_out, &mut output_in, &mut report_in))?;
    let ends = Ends {
        input: Box::new(input),
        output: Box::new(output),
        report: Box::new(report),
    };
    Ok((Listener { child: None }, ends))
}

impl Listener {
    /// To be told how much came out, about once for each second of it.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

/// So much more of the processor is its own.
pub fn allow(pid: u32, sound_s: u64) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let limit = Rlimit {
        current: Some(cpu_s(sound_s)),
        maximum: Some(MOST_CPU_S),
    };
    // Where this fails it ends early, and is begun anew.
    let _ = prlimit(Some(pid), Resource::Cpu, limit);
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_hours_of_sound_are_not_ended_and_sound_that_costs_too_much_is() {
        assert_eq!(cpu_s(0), FIRST_CPU_S);
        assert!(cpu_s(4 * 3_600) >= 4 * 3_600 / 4);
        // A processor for each second of sound is more than there is.
        assert!((60..10_000).all(|sound_s| cpu_s(sound_s) < sound_s));
    }

    #[test]
    fn what_is_no_sound_is_told() {
        let (mut output, mut report) = (Vec::new(), Vec::new());
        let page = &b"<html>404 not found</html>"[..];
        listen(page, &mut output, &mut report).expect("told");
        assert!(output.is_empty());
        let told: Told = serde_json::from_slice(&report).expect("a line");
        assert!(matches!(told, Told::NotSound(_)), "{told:?}");
    }
}
