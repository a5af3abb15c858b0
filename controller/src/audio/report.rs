//! What the process that reads a recording tells the one that started it: one JSON document, believed no more than the recording.

use loa_audio::{
    DecodeError,
    ingest::{Canonical, IngestError},
};
use serde::{Deserialize, Serialize};

use super::{AudioError, is_disk_full, sandbox::Fences};

/// Longest report, in bytes.
pub const MAX_REPORT: u64 = 16 * 1024;
/// Longest text within it that is shown, in characters.
const MAX_TEXT: usize = 200;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// To a probe.
    Fenced(Fences),
    Made(Made),
    NotAudio,
    Empty,
    Truncated,
    TooLong,
    TooLarge,
    Unsupported(String),
    Broken(String),
    DiskFull,
    Failed(String),
}

/// [`Canonical`], as it travels.
#[derive(Debug, Serialize, Deserialize)]
pub struct Made {
    sha256: [u8; 32],
    bytes: u64,
    duration_ms: u64,
    loudness_in_lufs: Option<f64>,
    loudness_lufs: Option<f64>,
    true_peak_dbtp: f64,
    format_in: String,
}

impl From<Result<Canonical, IngestError>> for Report {
    fn from(done: Result<Canonical, IngestError>) -> Self {
        match done {
            Ok(made) => Self::Made(Made {
                sha256: made.sha256,
                bytes: made.bytes,
                duration_ms: made.duration_ms,
                loudness_in_lufs: made.loudness_in_lufs,
                loudness_lufs: made.loudness_lufs,
                true_peak_dbtp: made.true_peak_dbtp,
                format_in: made.format_in,
            }),
            Err(IngestError::Decode(error)) => match error {
                DecodeError::NotAudio => Self::NotAudio,
                DecodeError::Empty => Self::Empty,
                DecodeError::Truncated => Self::Truncated,
                DecodeError::TooLong { .. } => Self::TooLong,
                DecodeError::TooLarge { .. } => Self::TooLarge,
                DecodeError::Unsupported { what } => Self::Unsupported(short(&what)),
                DecodeError::Broken { detail } => Self::Broken(short(&detail)),
                DecodeError::Io(error) => Self::Failed(short(&error.to_string())),
            },
            Err(IngestError::Write(error)) if is_disk_full(&error) => Self::DiskFull,
            Err(error) => Self::Failed(short(&error.to_string())),
        }
    }
}

impl Report {
    /// What it comes to, for whoever sent the recording.
    pub fn into_canonical(self, limits: loa_audio::Limits) -> Result<Canonical, AudioError> {
        Err(match self {
            Self::Made(made) => return Ok(made.into()),
            Self::NotAudio => AudioError::NotAudio,
            Self::Empty => AudioError::Empty,
            Self::Truncated => AudioError::Truncated,
            Self::TooLong => AudioError::TooLong {
                limit_s: limits.max_duration_s,
            },
            Self::TooLarge => AudioError::TooLarge {
                limit_bytes: limits.max_bytes,
            },
            Self::Unsupported(what) => AudioError::Unsupported { what: short(&what) },
            Self::Broken(what) => AudioError::Broken { what: short(&what) },
            Self::DiskFull => AudioError::DiskFull,
            Self::Failed(why) => AudioError::Encode(short(&why)),
            Self::Fenced(_) => AudioError::Encode("it was not asked to read anything".into()),
        })
    }
}

impl From<Made> for Canonical {
    fn from(made: Made) -> Self {
        // A loudness that is no number would be none in JSON either.
        let number = |lufs: Option<f64>| lufs.filter(|lufs| lufs.is_finite());
        Self {
            sha256: made.sha256,
            bytes: made.bytes,
            duration_ms: made.duration_ms,
            loudness_in_lufs: number(made.loudness_in_lufs),
            loudness_lufs: number(made.loudness_lufs),
            true_peak_dbtp: made.true_peak_dbtp,
            format_in: short(&made.format_in),
        }
    }
}

/// One line that can be shown.
pub fn short(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(MAX_TEXT).collect()
}
