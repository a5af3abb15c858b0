//! One interface to every text-to-speech engine: text, voice, speed → a file of sound, made by a command.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use super::config::SpeechConfig;
use super::wav_header;

/// What is kept of an engine's complaints, in bytes.
const STDERR_TAIL: usize = 2_000;
/// Ends the name of a file in the making; some engines go by the ".wav".
pub(super) const PART_SUFFIX: &str = ".part.wav";
/// How often the size of a file that the engine writes itself is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(100);

/// One thing to say.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechRequest {
    /// Already normalised; see [`normalise`](super::normalise()).
    pub text: String,
    /// One of the engine's voices.
    pub voice: String,
    /// 1.0 is normal, 0.5 to 2.0.
    pub speed: f32,
}

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    #[error("there is nothing to say: the text is empty")]
    EmptyText,
    #[error(
        "the text has {chars} characters when read out; at most {max} are taken, split it into several bulletins"
    )]
    TextTooLong { chars: usize, max: usize },
    #[error("the text has {bytes} bytes; at most {max} are taken, split it into several bulletins")]
    TypedTooLong { bytes: usize, max: usize },
    #[error("the voice {voice:?} is not known; known are {}", known.join(", "))]
    UnknownVoice { voice: String, known: Vec<String> },
    #[error("speed {speed} is outside 0.5 to 2")]
    Speed { speed: f32 },
    #[error("the speech engine {program:?} is not installed; {advice}")]
    MissingProgram { program: String, advice: String },
    #[error("the speech engine {program:?} could not be started: {source}")]
    Start { program: String, source: io::Error },
    #[error("the speech engine {program:?} failed ({status}): {stderr}")]
    Failed {
        program: String,
        status: ExitStatus,
        stderr: String,
    },
    #[error(
        "the speech engine {program:?} took longer than {limit_s} s and was stopped; raise [speech] timeout_s or shorten the text"
    )]
    TimedOut { program: String, limit_s: u64 },
    #[error(
        "the speech engine {program:?} made more than {max_bytes} bytes of sound and was stopped; raise [speech] max_audio_mb or shorten the text"
    )]
    TooLarge { program: String, max_bytes: u64 },
    #[error("the speech engine {program:?} ended without a sound: {stderr}")]
    NoSound { program: String, stderr: String },
    #[error("the sound could not be kept in {}: {source}", path.display())]
    Disk { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Config(String),
}

/// An engine that is a program: espeak-ng, Piper, a commune's own script.
#[derive(Debug)]
pub struct CommandEngine {
    name: String,
    command: Vec<String>,
    voices: Vec<String>,
    words_per_minute_at_normal: u32,
    timeout: Duration,
    max_text_chars: usize,
    max_bytes: u64,
    slots: Semaphore,
}

impl CommandEngine {
    /// Takes a configuration that is in order, or says what is not.
    pub fn new(config: &SpeechConfig) -> Result<Self, SpeechError> {
        config.check()?;
        Ok(Self {
            name: config.engine.clone(),
            command: config.command.clone(),
            voices: config.voices.clone(),
            words_per_minute_at_normal: config.words_per_minute_at_normal,
            timeout: Duration::from_secs(config.timeout_s),
            max_text_chars: config.max_text_chars,
            max_bytes: config.max_audio_mb * 1_000_000,
            slots: Semaphore::new(config.max_at_once),
        })
    }

    /// The voices that may be asked for.
    pub fn voices(&self) -> &[String] {
        &self.voices
    }

    /// Everything about the engine that changes its sound; part of the cache's key.
    pub(super) fn identity(&self) -> impl Iterator<Item = String> {
        let rate = self.words_per_minute_at_normal.to_string();
        [self.name.clone(), rate]
            .into_iter()
            .chain(self.command.iter().cloned())
    }

    /// Refuses what no engine should be bothered with.
    pub(super) fn check(&self, request: &SpeechRequest) -> Result<(), SpeechError> {
        if request.text.trim().is_empty() {
            return Err(SpeechError::EmptyText);
        }
        let chars = request.text.chars().count();
        if chars > self.max_text_chars {
            return Err(SpeechError::TextTooLong {
                chars,
                max: self.max_text_chars,
            });
        }
        if !self.voices.contains(&request.voice) {
            return Err(SpeechError::UnknownVoice {
                voice: request.voice.clone(),
                known: self.voices.clone(),
            });
        }
        if !(0.5..=2.0).contains(&request.speed) {
            return Err(SpeechError::Speed {
                speed: request.speed,
            });
        }
        Ok(())
    }

    /// Makes the sound of `request` at `out`, whole or not at all. Dropping the future kills the engine.
    pub async fn speak(&self, request: &SpeechRequest, out: &Path) -> Result<(), SpeechError> {
        self.check(request)?;
        let slot = self
            .slots
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let part = Part::beside(out);
        let made = tokio::time::timeout(self.timeout, self.run(request, &part.path)).await;
        drop(slot);
        made.map_err(|_| SpeechError::TimedOut {
            program: self.program(),
            limit_s: self.timeout.as_secs(),
        })??;
        let disk = |source| SpeechError::Disk {
            path: out.to_owned(),
            source,
        };
        let path = part.path.clone();
        tokio::task::spawn_blocking(move || wav_header::mend(&path))
            .await
            .map_err(io::Error::other)
            .and_then(|mended| mended)
            .map_err(disk)?;
        tokio::fs::rename(&part.path, out).await.map_err(disk)
    }

    async fn run(&self, request: &SpeechRequest, part: &Path) -> Result<(), SpeechError> {
        let disk = |source| SpeechError::Disk {
            path: part.to_owned(),
            source,
        };
        let mut file = tokio::fs::File::create(part).await.map_err(disk)?;
        let mut running = Running::start(&self.program(), &self.arguments(request, part))?;
        let Running { child, .. } = &mut running;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());

        let feed = async {
            if let Some(mut stdin) = stdin {
                // An engine may stop reading early; whether that matters shows in its exit status.
                let _ = stdin.write_all(request.text.as_bytes()).await;
                let _ = stdin.write_all(b"\n").await;
            }
        };
        let keep = async {
            let Some(stdout) = stdout else { return Ok(()) };
            let mut bounded = stdout.take(self.max_bytes + 1);
            // An engine that writes {out} itself may chat on its standard output.
            let written = if self.writes_file() {
                tokio::io::copy(&mut bounded, &mut tokio::io::sink()).await
            } else {
                tokio::io::copy(&mut bounded, &mut file).await
            };
            let written = written.map_err(disk)?;
            file.flush().await.map_err(disk)?;
            if written > self.max_bytes {
                Err(self.too_large())
            } else {
                Ok(())
            }
        };
        let work = async {
            let (_, kept, complaints) = tokio::join!(feed, keep, tail(stderr));
            kept.map(|()| complaints)
        };
        // When the sound breaks its bound the other pipes may stay open: the bound ends the run at once.
        let complaints = tokio::select! {
            done = work => done?,
            () = self.grown_too_large(part) => return Err(self.too_large()),
        };
        let status = running.child.wait().await.map_err(disk)?;
        running.over = true;
        if !status.success() {
            return Err(SpeechError::Failed {
                program: self.program(),
                status,
                stderr: complaints,
            });
        }
        match tokio::fs::metadata(part).await.map_err(disk)?.len() {
            0 => Err(SpeechError::NoSound {
                program: self.program(),
                stderr: complaints,
            }),
            bytes if bytes > self.max_bytes => Err(self.too_large()),
            _ => Ok(()),
        }
    }

    /// Returns when the file has outgrown the bound, whoever writes it.
    async fn grown_too_large(&self, part: &Path) {
        loop {
            tokio::time::sleep(WATCH_EVERY).await;
            if tokio::fs::metadata(part)
                .await
                .is_ok_and(|file| file.len() > self.max_bytes)
            {
                return;
            }
        }
    }

    fn arguments(&self, request: &SpeechRequest, out: &Path) -> Vec<String> {
        let speed = f64::from(request.speed);
        let words_per_minute = (f64::from(self.words_per_minute_at_normal) * speed).round();
        let values = [
            ("{voice}", request.voice.clone()),
            ("{speed}", format!("{speed:.2}")),
            ("{length_scale}", format!("{:.3}", 1.0 / speed)),
            ("{words_per_minute}", format!("{words_per_minute:.0}")),
            ("{out}", out.display().to_string()),
        ];
        let filled = |argument: &String| {
            values
                .iter()
                .fold(argument.clone(), |filled, (name, value)| {
                    filled.replace(name, value)
                })
        };
        self.command.iter().skip(1).map(filled).collect()
    }

    fn writes_file(&self) -> bool {
        self.command
            .iter()
            .any(|argument| argument.contains("{out}"))
    }

    fn program(&self) -> String {
        self.command.first().cloned().unwrap_or_default()
    }

    fn too_large(&self) -> SpeechError {
        SpeechError::TooLarge {
            program: self.program(),
            max_bytes: self.max_bytes,
        }
    }
}

/// The engine's process and all that it started: killed when this is dropped before the end.
struct Running {
    child: Child,
    over: bool,
}

impl Running {
    fn start(program: &str, arguments: &[String]) -> Result<Self, SpeechError> {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => SpeechError::MissingProgram {
                    program: program.to_owned(),
                    advice: advice(program),
                },
                _ => SpeechError::Start {
                    program: program.to_owned(),
                    source,
                },
            })?;
        Ok(Self { child, over: false })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // `id` is some only while the child is not reaped, so the number cannot be another's.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let (false, Some(group)) = (self.over, id.and_then(rustix::process::Pid::from_raw)) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// A file in the making; removed when it was not renamed into place.
struct Part {
    path: PathBuf,
}

impl Part {
    fn beside(out: &Path) -> Self {
        let mut name = out.as_os_str().to_owned();
        name.push(PART_SUFFIX);
        Self {
            path: PathBuf::from(name),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn advice(program: &str) -> String {
    if program == "espeak-ng" {
        "install it (apt-get install espeak-ng) or name another engine in [speech] command"
            .to_owned()
    } else {
        "install it, or correct [speech] command".to_owned()
    }
}

/// Reads a pipe to its end and keeps its last bytes as one line.
async fn tail(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else {
        return String::new();
    };
    let mut kept: Vec<u8> = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        let surplus = kept.len().saturating_sub(STDERR_TAIL);
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        "it said nothing more".to_owned()
    } else {
        text
    }
}
