//! What sounds while a station is away: one of the office's own recordings, once, going on where it was left.

use std::{path::PathBuf, thread};

use loa_audio::{Decoder, Limits, Resampled};
use loa_protocol::{content::MAX_CONTENT_BYTES, live::FRAME_SAMPLES};
use tokio::sync::mpsc::{self, error::TryRecvError};

use crate::logic::relay::Frame;

/// Decoded ahead: half a second.
const FRAMES: usize = 25;
const LIMITS: Limits = Limits {
    max_bytes: MAX_CONTENT_BYTES,
    max_duration_s: 4 * 3_600,
};

#[derive(Debug)]
pub struct StandIn {
    path: PathBuf,
    frames: Option<mpsc::Receiver<Frame>>,
}

#[derive(Debug)]
pub enum Next {
    Frame(Frame),
    /// Not decoded yet.
    Wait,
    Ended,
}

impl StandIn {
    pub fn new(path: PathBuf) -> Self {
        Self { path, frames: None }
    }

    pub fn next(&mut self) -> Next {
        let path = &self.path;
        let frames = self.frames.get_or_insert_with(|| {
            let (sender, frames) = mpsc::channel(FRAMES);
            let path = path.clone();
            let work = move || {
                if let Err(error) = decode(&path, &sender) {
                    tracing::error!(%error, "what stands in for a station cannot be read");
                }
            };
            let spawned = thread::Builder::new()
                .name("loa-stand-in".into())
                .spawn(work);
            if let Err(error) = spawned {
                tracing::error!(%error, "no thread for what stands in for a station");
            }
            frames
        });
        match frames.try_recv() {
            Ok(frame) => Next::Frame(frame),
            Err(TryRecvError::Empty) => Next::Wait,
            Err(TryRecvError::Disconnected) => Next::Ended,
        }
    }
}

/// It is one of ours: made canonical when it came, and of a known hash.
fn decode(
    path: &std::path::Path,
    sender: &mpsc::Sender<Frame>,
) -> Result<(), loa_audio::DecodeError> {
    let source = Box::new(std::fs::File::open(path)?);
    let mut sound = Resampled::new(Decoder::open(source, Some("opus"), LIMITS)?)?;
    let mut waiting: Vec<f32> = Vec::new();
    loop {
        match sound.next_block()? {
            Some(block) => waiting.extend_from_slice(block),
            None if waiting.is_empty() => return Ok(()),
            // The last frame is filled up with silence.
            None => waiting.resize(waiting.len().next_multiple_of(FRAME_SAMPLES), 0.0),
        }
        let whole = waiting.len() - waiting.len() % FRAME_SAMPLES;
        for samples in waiting[..whole].chunks_exact(FRAME_SAMPLES) {
            let mut frame: Frame = Box::new([0.0; FRAME_SAMPLES]);
            frame.copy_from_slice(samples);
            // Its window is over.
            if sender.blocking_send(frame).is_err() {
                return Ok(());
            }
        }
        waiting.drain(..whole);
    }
}
