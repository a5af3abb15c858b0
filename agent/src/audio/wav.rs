//! The output without a device: a thread paced by the monotonic clock as a device would, one WAV file for each piece, and beside it a
//! note with the exact instant of its first sample.

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
        next_us = next_us.max(clock::mono_us());
        tap.pull(next_us, &mut frames);
        if let Err(error) = recorder.write(&tap.marks(), &frames) {
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
    /// How it ended; absent while it sounds, or when the program was killed.
    how: Option<&'static str>,
}

impl Recorder {
    fn write(&mut self, marks: &[Mark], frames: &[f32]) -> Result<(), WavError> {
        let mut done = 0;
        for mark in marks {
            match mark {
                Mark::Began {
                    play,
                    frame,
                    at_mono_us,
                } => {
                    self.push(&frames[done..*frame])?;
                    self.file = Some(Recording::begin(
                        &self.folder,
                        &self.speaker,
                        play,
                        *at_mono_us,
                    )?);
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
            how: None,
        };
        let path = folder.join(file_name(play, start));
        let mut recording = Self {
            writer: MonoWriter::create(&path, RATE)?,
            note_path: path.with_extension("json"),
            note,
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
        }
        Ok(())
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
