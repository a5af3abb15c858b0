//! Reads recordings apart: in a process of its own, which sees nothing but the recording, and may do nothing but read it
//! (docs/adr/0010). However it ends, it ends as a sentence for whoever sent the recording.
//!
//! Bounds: memory, processor time and output of each by `setrlimit`, its report by `MAX_REPORT`, the time on the clock here.
//! How many there are at a time is the shelf's business.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use loa_audio::{Limits, ingest::Canonical};
use loa_protocol::content::MAX_CONTENT_BYTES;
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

use super::{
    AudioError,
    report::{MAX_REPORT, Report, short},
    sandbox::Fences,
};

/// The program that knows how to.
const PROGRAM: &str = "loa-controller";
/// The clock goes on while the processor is busy with others.
const CLOCK_PER_CPU: u64 = 4;

/// Where and within which bounds recordings are read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Apart {
    /// `None`: within this process, in tests that have no other.
    program: Option<PathBuf>,
    memory_bytes: u64,
    cpu_s: u64,
}

impl Apart {
    pub fn new(program: PathBuf, memory_bytes: u64, cpu_s: u64) -> Self {
        Self {
            program: Some(program),
            memory_bytes,
            cpu_s,
        }
    }

    /// Within this process: the unit tests' own program is no `loa-controller`.
    #[cfg(test)]
    pub(crate) fn here() -> Self {
        Self {
            program: None,
            memory_bytes: 0,
            cpu_s: 0,
        }
    }

    /// This program itself, or the one that was built or installed beside it: tests and benches are not `loa-controller`.
    pub fn find(memory_bytes: u64, cpu_s: u64) -> Result<Self, AudioError> {
        let own = std::env::current_exe()?;
        let program = if own.file_name().is_some_and(|name| name == PROGRAM) {
            // Also when the file was replaced by an update meanwhile.
            PathBuf::from("/proc/self/exe")
        } else {
            let beside = own.ancestors().skip(1).take(2);
            let mut beside = beside.map(|folder| folder.join(PROGRAM));
            beside
                .find(|path| path.is_file())
                .ok_or_else(|| AudioError::NoProgram {
                    beside: own.clone(),
                })?
        };
        Ok(Self::new(program, memory_bytes, cpu_s))
    }

    /// Which program, and how much memory it may use.
    pub(super) fn program(&self) -> Option<(&Path, u64)> {
        let program = self.program.as_deref()?;
        Some((program, self.memory_bytes))
    }

    /// Which fences this machine has.
    pub async fn probe(&self) -> Result<Fences, AudioError> {
        let Some(program) = &self.program else {
            return Ok(Fences {
                landlock: true,
                seccomp: true,
            });
        };
        let mut command = self.command(program);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        match self.told(command).await? {
            Report::Fenced(fences) => Ok(fences),
            other => Err(AudioError::Encode(format!("the probe told {other:?}"))),
        }
    }

    /// As [`loa_audio::ingest::canonicalise`], or `join` where there are several. What stands in `output` after an error counts for
    /// nothing. What is told of the content is only what the process says: its bytes are to be looked at by whoever keeps them.
    pub async fn canonicalise(
        &self,
        inputs: &[&Path],
        hint: Option<&str>,
        output: &Path,
        tmp: &Path,
        limits: Limits,
    ) -> Result<Canonical, AudioError> {
        let Some(program) = &self.program else {
            return here(inputs, hint, output, limits);
        };
        let (input, lengths) = behind_each_other(inputs, tmp)?;
        let output = File::options().read(true).write(true).open(output)?;
        let lengths: Vec<String> = lengths.iter().map(u64::to_string).collect();
        let mut command = self.command(program);
        command
            .args(["--max-bytes", &limits.max_bytes.to_string()])
            .args(["--max-duration-s", &limits.max_duration_s.to_string()])
            .args(["--parts", &lengths.join(",")])
            .stdin(input)
            .stdout(output.try_clone()?);
        if let Some(hint) = hint {
            command.arg(format!("--hint={hint}"));
        }
        let canonical = self.told(command).await?.into_canonical(limits)?;
        // Before anybody else hears of it.
        let synced = tokio::task::spawn_blocking(move || output.sync_all()).await;
        synced.map_err(|died| AudioError::Encode(died.to_string()))??;
        Ok(canonical)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .arg("decode")
            .args(["--memory-bytes", &self.memory_bytes.to_string()])
            .args(["--cpu-s", &self.cpu_s.to_string()])
            .args(["--output-bytes", &MAX_CONTENT_BYTES.to_string()])
            .env_clear()
            .current_dir("/")
            .kill_on_drop(true);
        command
    }

    async fn told(&self, mut command: Command) -> Result<Report, AudioError> {
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let clock = Duration::from_secs(self.cpu_s.saturating_mul(CLOCK_PER_CPU));
        let ended = match tokio::time::timeout(clock, ending(&mut child)).await {
            Ok(ended) => ended,
            Err(_) => {
                // Kills it and waits for its end.
                child.kill().await?;
                return Err(AudioError::TooSlow);
            }
        };
        let (status, report) = ended?;
        if report.len() as u64 > MAX_REPORT {
            return Err(AudioError::Broken {
                what: "its reader said too much".into(),
            });
        }
        understood(status, &report)
    }
}

/// The whole report, and how the process ended. One that says too much is not listened to any longer.
async fn ending(child: &mut Child) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut report = Vec::new();
    if let Some(out) = &mut child.stderr {
        out.take(MAX_REPORT + 1).read_to_end(&mut report).await?;
    }
    if report.len() as u64 > MAX_REPORT {
        child.start_kill()?;
    }
    Ok((child.wait().await?, report))
}

/// How it ended, in words.
fn understood(status: ExitStatus, report: &[u8]) -> Result<Report, AudioError> {
    if status.success() {
        return serde_json::from_slice(report).map_err(|error| AudioError::Broken {
            what: short(&format!("its reader told nothing sensible: {error}")),
        });
    }
    let what = match status.signal() {
        Some(libc::SIGXCPU | libc::SIGKILL) => return Err(AudioError::TooSlow),
        // It asked for more memory than it may have, or gave up by itself.
        Some(libc::SIGABRT) => "its reader ran out of memory",
        Some(libc::SIGSYS) => "its reader did what no reader does and was stopped",
        Some(libc::SIGXFSZ) => "what came out of it is too large",
        _ => "its reader broke down",
    };
    tracing::warn!(%status, "the process that read a recording was ended");
    Err(AudioError::Broken { what: what.into() })
}

/// One file with all of them, and how long each is.
fn behind_each_other(inputs: &[&Path], tmp: &Path) -> io::Result<(File, Vec<u64>)> {
    if let [only] = inputs {
        let file = File::open(only)?;
        let length = file.metadata()?.len();
        return Ok((file, vec![length]));
    }
    let mut all = tempfile::tempfile_in(tmp)?;
    let mut lengths = Vec::with_capacity(inputs.len());
    for input in inputs {
        let most = 2 * MAX_CONTENT_BYTES;
        lengths.push(io::copy(&mut File::open(input)?.take(most), &mut all)?);
    }
    all.seek(SeekFrom::Start(0))?;
    Ok((all, lengths))
}

#[cfg(test)]
fn here(
    inputs: &[&Path],
    hint: Option<&str>,
    output: &Path,
    limits: Limits,
) -> Result<Canonical, AudioError> {
    use loa_audio::ingest;
    Ok(match inputs {
        [only] => ingest::canonicalise(only, hint, output, limits)?,
        several => ingest::join(several, output, limits)?,
    })
}

#[cfg(not(test))]
fn here(_: &[&Path], _: Option<&str>, _: &Path, _: Limits) -> Result<Canonical, AudioError> {
    Err(AudioError::Encode("there is no program to read it".into()))
}
