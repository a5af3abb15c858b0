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
    /// Where the output stood still: at this frame, for so many microseconds. What stands at frame 0 is in `start_us`
    /// already.
    #[serde(default)]
    pub stood_still: Vec<(usize, i64)>,
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

    /// For how long the output stood still between its beginning and this frame.
    fn stood_us(&self, frame: usize) -> i64 {
        let before = self
            .stood_still
            .iter()
            .filter(|(at, _)| (1..=frame).contains(at));
        before.map(|(_, us)| us).sum()
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

    /// When this frame was sounded, in microseconds of Unix time.
    pub fn time_of(&self, frame: usize) -> i64 {
        self.note.start_us + us_of_frames(frame) + self.note.stood_us(frame)
    }

    /// When the last audible frame was over, by the file itself and the note's times.
    #[track_caller]
    pub fn silent_from_us(&self) -> i64 {
        let last = self.frames().iter().rposition(|f| *f != 0.0);
        last.map_or(self.note.start_us, |last| {
            self.time_of(last) + us_of_frames(1)
        })
    }

    /// When its first audible frame was, by the file itself and the note's times.
    #[track_caller]
    pub fn audible_from_us(&self) -> i64 {
        let frames = self.frames();
        let first = frames.iter().position(|f| *f != 0.0);
        self.time_of(first.unwrap_or(frames.len()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(more: &str) -> Recording {
        let note = format!(
            r#"{{"speaker": "loa", "playout": "tin/2026-11-24/0/0", "attempt": 0, "piece": 0, "planned_us": 0,
            "start_us": 5000000, "from_ms": 0, "place_ms": null, "how": null{more}}}"#
        );
        Recording {
            path: PathBuf::new(),
            note: serde_json::from_str(&note).expect("a note"),
        }
    }

    #[test]
    fn frames_after_a_standstill_were_sounded_so_much_later() {
        let stood = recording(r#", "stood_still": [[0, 90000], [480, 20000], [48000, 7000]]"#);
        for (frame, at_us) in [
            (0, 5_000_000),
            (479, 5_009_979),
            (480, 5_030_000),
            (47_999, 6_019_979),
            (48_000, 6_027_000),
            (96_000, 7_027_000),
        ] {
            assert_eq!(stood.time_of(frame), at_us, "frame {frame}");
        }
        // One that never stood still, and one that was written before that was told.
        assert_eq!(recording("").time_of(48_000), 6_000_000);
    }
}
