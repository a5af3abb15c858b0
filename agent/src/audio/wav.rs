//! The output without a device: a thread paced by the monotonic clock as a device would, one WAV file for each piece, and beside it a
//! note with the exact instant of its first sample, and of every later one where it stood still.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use loa_audio::wav::{MonoWriter, WavError};
use loa_protocol::{id::SpeakerId, time::WallTime};
use serde::Serialize;

use super::{
    RATE,
    deck::Mark,
    hurry,
    output::{Broken, OpenOutput, Output, OutputError},
    tap::Tap,
};
use crate::{
    clock,
    logic::port::{How, Play},
};

/// 10 ms a block.
const BLOCK: usize = RATE as usize / 100;
const BLOCK_US: u64 = 10_000;
/// Blocks are taken this much before they are due, as a device takes them: a busy machine may wake the thread late by
/// as much, and nothing is off by it. What is for now is later by this.
const AHEAD_US: u64 = 80_000;
/// Frames between two flushes: a killed program leaves a readable file that lacks at most half a second.
const FLUSH_FRAMES: u64 = RATE as u64 / 2;
/// Standstills that a note lists. Of more, the last one grows: what comes later keeps its time.
const MOST_STANDSTILLS: usize = 1_000;

#[derive(Debug)]
pub struct WavOutput {
    folder: PathBuf,
    speaker: SpeakerId,
}

impl WavOutput {
    pub fn new(folder: PathBuf, speaker: SpeakerId) -> Self {
        Self { folder, speaker }
    }
}

impl Output for WavOutput {
    fn describe(&self) -> String {
        format!("wav {}", self.folder.display())
    }

    fn guard_us(&self) -> u64 {
        0
    }

    fn open(&mut self, tap: Tap, broken: Broken) -> Result<Box<dyn OpenOutput>, OutputError> {
        fs::create_dir_all(&self.folder).map_err(|e| OutputError::Folder {
            folder: self.folder.display().to_string(),
            why: e.to_string(),
        })?;
        let stop = Arc::new(AtomicBool::new(false));
        let recorder = Recorder {
            folder: self.folder.clone(),
            speaker: self.speaker.clone(),
            file: None,
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("loa-wav".into())
            // Streams are decoded on it.
            .stack_size(1024 * 1024)
            .spawn(move || pace(tap, recorder, &stopped, &broken))
            .map_err(OutputError::Thread)?;
        Ok(Box::new(OpenWav {
            stop,
            thread: Some(thread),
        }))
    }
}

struct OpenWav {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl OpenOutput for OpenWav {}

impl Drop for OpenWav {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It ends within a block.
            let _ = thread.join();
        }
    }
}

fn pace(mut tap: Tap, mut recorder: Recorder, stop: &AtomicBool, broken: &Broken) {
    hurry();
    let mut frames = [0.0; BLOCK];
    let mut next_us = clock::mono_us() + AHEAD_US;
    while !stop.load(Ordering::Relaxed) {
        clock::sleep_until_mono_us(next_us - AHEAD_US);
        // Later than that, and it has stood still, as a device does: time goes on from here.
        let stood_us = clock::mono_us().saturating_sub(next_us);
        next_us += stood_us;
        tap.pull(next_us, &mut frames);
        if let Err(error) = recorder.write(&tap.marks(), &frames, stood_us) {
            broken(error.to_string());
            return;
        }
        next_us += BLOCK_US;
    }
}

/// Cuts the blocks into files.
struct Recorder {
    folder: PathBuf,
    speaker: SpeakerId,
    file: Option<Recording>,
}

struct Recording {
    writer: MonoWriter,
    note_path: PathBuf,
    note: Note,
    /// The note on disk lacks a standstill.
    is_untold: bool,
    flushed: u64,
}

/// What stands beside a recording. Times are microseconds of Unix time.
#[derive(Debug, Serialize)]
struct Note {
    speaker: SpeakerId,
    /// The occurrence; the bulletin is its first part.
    playout: String,
    attempt: u16,
    piece: u32,
    title: String,
    planned_us: i64,
    /// The very instant of the first sample.
    start_us: i64,
    /// Real start minus planned start.
    error_ms: f64,
    /// The place in chime and content where this piece began, and ended once it has.
    from_ms: u64,
    place_ms: Option<u64>,
    samples: u64,
    /// Where the output stood still: at this frame, for so many microseconds. That frame and all after it were sounded so
    /// much later than the frames before tell. What stands at frame 0 came before, and is in `start_us` already: it may
    /// be why that is late.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stood_still: Vec<(u64, u64)>,
    /// How it ended; absent while it sounds, or when the program was killed.
    how: Option<&'static str>,
}

impl Recorder {
    /// A block, before which the output stood still for `stood_us`.
    fn write(&mut self, marks: &[Mark], frames: &[f32], stood_us: u64) -> Result<(), WavError> {
        if let Some(file) = &mut self.file {
            file.stood_still(stood_us);
        }
        let mut done = 0;
        for mark in marks {
            match mark {
                Mark::Began {
                    play,
                    frame,
                    at_mono_us,
                } => {
                    self.push(&frames[done..*frame])?;
                    let mut file =
                        Recording::begin(&self.folder, &self.speaker, play, *at_mono_us)?;
                    file.stood_still(stood_us);
                    self.file = Some(file);
                    done = *frame;
                }
                Mark::Over {
                    frame,
                    place_ms,
                    how,
                    ..
                } => {
                    self.push(&frames[done..*frame])?;
                    if let Some(file) = self.file.take() {
                        file.end(*place_ms, how)?;
                    }
                    done = *frame;
                }
            }
        }
        self.push(&frames[done..])
    }

    fn push(&mut self, frames: &[f32]) -> Result<(), WavError> {
        match &mut self.file {
            Some(file) => file.push(frames),
            None => Ok(()),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // The output was closed under a piece; its file ends here, and says no more.
            let _ = file.writer.finish();
        }
    }
}

impl Recording {
    fn begin(
        folder: &Path,
        speaker: &SpeakerId,
        play: &Play,
        at_mono_us: u64,
    ) -> Result<Self, WavError> {
        let after_us = i128::from(at_mono_us) - i128::from(play.start_mono_us);
        let start = play.start.plus_us(i64::try_from(after_us).unwrap_or(0));
        let error_us = start.since_us(play.planned);
        let note = Note {
            speaker: speaker.clone(),
            playout: play.playout.occurrence.to_string(),
            attempt: play.playout.attempt,
            piece: play.piece,
            title: play.title.clone(),
            planned_us: play.planned.as_micros(),
            start_us: start.as_micros(),
            error_ms: error_us as f64 / 1_000.0,
            from_ms: play.from_ms,
            place_ms: None,
            samples: 0,
            stood_still: Vec::new(),
            how: None,
        };
        let path = folder.join(file_name(play, start));
        let mut recording = Self {
            writer: MonoWriter::create(&path, RATE)?,
            note_path: path.with_extension("json"),
            note,
            is_untold: false,
            flushed: 0,
        };
        // A header on disk from the first moment.
        recording.writer.flush()?;
        recording.write_note()?;
        Ok(recording)
    }

    fn push(&mut self, frames: &[f32]) -> Result<(), WavError> {
        self.writer.push(frames)?;
        self.note.samples += frames.len() as u64;
        if self.note.samples >= self.flushed + FLUSH_FRAMES {
            self.flushed = self.note.samples;
            self.writer.flush()?;
            if std::mem::take(&mut self.is_untold) {
                self.write_note()?;
            }
        }
        Ok(())
    }

    /// Before the next frame.
    fn stood_still(&mut self, us: u64) {
        if us == 0 {
            return;
        }
        let all = &mut self.note.stood_still;
        match all.len() {
            MOST_STANDSTILLS.. => all[MOST_STANDSTILLS - 1].1 += us,
            _ => all.push((self.note.samples, us)),
        }
        self.is_untold = true;
    }

    fn end(mut self, place_ms: u64, how: &How) -> Result<(), WavError> {
        self.note.place_ms = Some(place_ms);
        self.note.how = Some(match how {
            How::Finished => "finished",
            How::Stopped => "stopped",
            How::Replaced => "replaced",
            How::LimitReached => "limit_reached",
            How::Starved => "starved",
            How::Failed { .. } => "failed",
        });
        self.write_note()?;
        self.writer.finish()
    }

    /// A whole note or the one before, never half of one.
    fn write_note(&self) -> Result<(), WavError> {
        let failed = |e: std::io::Error| WavError::from(hound::Error::IoError(e));
        let mut text = serde_json::to_vec_pretty(&self.note).map_err(|e| failed(e.into()))?;
        text.push(b'\n');
        let draft = self.note_path.with_extension("json.new");
        fs::write(&draft, text).map_err(failed)?;
        fs::rename(&draft, &self.note_path).map_err(failed)
    }
}

/// `20261124T053000.123Z_BULLETIN_2026-11-24_0_0_a0p0.wav`: sorts by time, and tells playout, attempt and piece.
fn file_name(play: &Play, start: WallTime) -> String {
    let occurrence = &play.playout.occurrence;
    // Rounded down to the millisecond; the note has the microseconds.
    let start = start.timestamp().strftime("%Y%m%dT%H%M%S.%3fZ");
    format!(
        "{start}_{}_{}_{}_{}_a{}p{}.wav",
        occurrence.bulletin,
        occurrence.date,
        occurrence.index,
        occurrence.repeat,
        play.playout.attempt,
        play.piece,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::deck::tests::play;

    /// The note of a piece that begins at frame 100 of the first of these blocks and ends with the last, before each of
    /// which the output stood still for so many microseconds.
    fn note(stood_us: &[u64]) -> serde_json::Value {
        let folder = tempfile::tempdir().expect("a folder");
        let mut recorder = Recorder {
            folder: folder.path().into(),
            speaker: "ban-chuong-1".parse().expect("a name"),
            file: None,
        };
        let piece = Arc::new(play("tin", 0, 0, 1_000_000));
        let mut marks = vec![Mark::Began {
            play: Arc::clone(&piece),
            frame: 100,
            at_mono_us: 1_000_000,
        }];
        for stood_us in stood_us {
            let written = recorder.write(&marks, &[0.5; BLOCK], *stood_us);
            written.expect("writes");
            marks.clear();
        }
        let over = Mark::Over {
            play: piece,
            frame: 0,
            place_ms: 0,
            how: How::Finished,
        };
        let written = recorder.write(&[over], &[0.0; BLOCK], 0);
        written.expect("writes");
        let mut files = fs::read_dir(folder.path()).expect("lists");
        let note = files
            .find_map(|file| {
                let path = file.expect("a file").path();
                path.extension()
                    .is_some_and(|e| e == "json")
                    .then_some(path)
            })
            .expect("a note");
        serde_json::from_slice(&fs::read(note).expect("reads")).expect("json")
    }

    #[test]
    fn a_note_tells_where_the_output_stood_still() {
        let told = note(&[20_000, 0, 7_000, 3_000])["stood_still"].clone();
        assert_eq!(
            told,
            serde_json::json!([[0, 20_000], [860, 7_000], [1_340, 3_000]])
        );
        assert_eq!(note(&[0, 0])["stood_still"], serde_json::Value::Null);
    }

    #[test]
    fn a_note_of_an_output_that_stands_still_all_the_time_stays_short() {
        let told = note(&[1_000; MOST_STANDSTILLS + 50])["stood_still"].clone();
        let told = told.as_array().expect("a list");
        assert_eq!(told.len(), MOST_STANDSTILLS);
        assert_eq!(told[MOST_STANDSTILLS - 1][1], 51_000);
    }
}
