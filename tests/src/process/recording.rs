//! What a speaker's WAV output left: recordings, and the notes beside them that say when their first sample was.

use std::path::{Path, PathBuf};

use loa_audio::wav::read_mono;
use serde::Deserialize;

/// Frames per second of every recording.
pub const RATE: usize = loa_audio::SAMPLE_RATE as usize;

/// The note beside a recording. Times are microseconds of Unix time.
#[derive(Clone, Debug, Deserialize)]
pub struct Note {
    pub speaker: String,
    /// The occurrence: `BULLETIN/DATE/INDEX/REPEAT`.
    pub playout: String,
    pub attempt: u16,
    /// 0, then one more for each resumption.
    pub piece: u32,
    pub planned_us: i64,
    pub start_us: i64,
    pub from_ms: u64,
    pub place_ms: Option<u64>,
    /// Absent while it sounds, or when the program was killed.
    pub how: Option<String>,
}

impl Note {
    pub fn bulletin(&self) -> &str {
        self.playout.split('/').next().unwrap_or_default()
    }

    pub fn error_ms(&self) -> f64 {
        (self.start_us - self.planned_us) as f64 / 1_000.0
    }
}

/// One piece of one playout.
#[derive(Clone, Debug)]
pub struct Recording {
    pub path: PathBuf,
    pub note: Note,
}

impl Recording {
    /// All frames.
    ///
    /// # Panics
    /// When the file is not a recording at 48 kHz.
    #[track_caller]
    pub fn frames(&self) -> Vec<f32> {
        let (rate, frames) = read_mono(&self.path)
            .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        assert_eq!(rate as usize, RATE, "{}", self.path.display());
        frames
    }

    /// When its last audible frame was, by the file itself and its exact start.
    #[track_caller]
    pub fn silent_from_us(&self) -> i64 {
        let frames = self.frames();
        let audible = frames
            .iter()
            .rposition(|f| *f != 0.0)
            .map_or(0, |last| last + 1);
        self.note.start_us + us_of_frames(audible)
    }

    /// When its first audible frame was, by the file itself and its exact start.
    #[track_caller]
    pub fn audible_from_us(&self) -> i64 {
        let frames = self.frames();
        let first = frames
            .iter()
            .position(|f| *f != 0.0)
            .unwrap_or(frames.len());
        self.note.start_us + us_of_frames(first)
    }
}

/// The length of `frames` in microseconds.
pub fn us_of_frames(frames: usize) -> i64 {
    i64::try_from(frames * 1_000_000 / RATE).unwrap_or(i64::MAX)
}

/// All recordings with a note, in order of their start.
pub fn recordings(folder: &Path) -> Vec<Recording> {
    let mut all: Vec<Recording> = files(folder, "json")
        .into_iter()
        .filter_map(|path| {
            // A note is replaced as a whole, so one that cannot be read is not one.
            let note = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
            Some(Recording {
                path: path.with_extension("wav"),
                note,
            })
        })
        .collect();
    all.sort_by_key(|recording| recording.note.start_us);
    all
}

/// What each WAV file's own name tells: the occurrence with its attempt, and the piece. Also of those whose note was
/// never written because the program was killed in between.
pub fn pieces_by_file_name(folder: &Path) -> Vec<(String, u32)> {
    let parse = |path: &Path| -> Option<(String, u32)> {
        let stem = path.file_stem()?.to_str()?;
        // TIME_BULLETIN_DATE_INDEX_REPEAT_aNpM
        let (_, rest) = stem.split_once('_')?;
        let (playout, piece) = rest.rsplit_once('p')?;
        Some((playout.to_owned(), piece.parse().ok()?))
    };
    let names = files(folder, "wav");
    names.iter().filter_map(|path| parse(path)).collect()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect()
}
