//! What was sent, on disk second by second: a file per call, written by a thread of its own, so that no disk holds up speech.
//!
//! Bound: [`WAITING`] frames wait for the disk; a further one is left out, and silent in the recording.

use std::{
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

use loa_audio::live::FrameRecorder;
use tokio::sync::oneshot;

/// Ten seconds.
const WAITING: usize = 500;

#[derive(Debug)]
pub struct Recorder {
    frames: SyncSender<(u32, Vec<u8>)>,
    done: oneshot::Receiver<io::Result<u64>>,
}

impl Recorder {
    /// `path`: the file, to be made anew when the first frame comes.
    pub fn begin(path: PathBuf) -> Self {
        let (frames, waiting) = sync_channel(WAITING);
        let (end, done) = oneshot::channel();
        let begun = std::thread::Builder::new()
            .name("loa-recorder".into())
            .spawn(move || {
                // Fails only when nobody waits for it any more.
                let _ = end.send(record(&path, &waiting));
            });
        if let Err(error) = begun {
            tracing::error!(%error, "no thread for a recording: the call goes on without");
        }
        Self { frames, done }
    }

    pub fn frame(&self, number: u32, opus: &[u8]) {
        // The disk is behind, or full: speech goes on.
        let _ = self.frames.try_send((number, opus.to_vec()));
    }

    /// The file is whole and on disk; its length in milliseconds, 0 when there is none.
    pub async fn end(self) -> io::Result<u64> {
        drop(self.frames);
        let done = self.done.await;
        done.unwrap_or_else(|_| Err(io::Error::other("the recording's thread has ended")))
    }
}

fn record(path: &Path, waiting: &Receiver<(u32, Vec<u8>)>) -> io::Result<u64> {
    let Ok((number, opus)) = waiting.recv() else {
        return Ok(0);
    };
    let file = File::create(path)?;
    let mut recorder = FrameRecorder::new(BufWriter::new(file))?;
    recorder.push(number, &opus)?;
    for (number, opus) in waiting {
        if recorder.push(number, &opus)? {
            recorder.get_mut().get_ref().sync_data()?;
        }
    }
    let (ms, file) = recorder.finish()?;
    let file = file.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_sent_lies_on_disk_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b0123456789abcdef.ogg");
        let recorder = Recorder::begin(path.clone());
        for number in 0..120 {
            recorder.frame(number, &[0xF8, 0xFF, 0xFE]);
        }
        assert_eq!(recorder.end().await.unwrap(), 2_400);
        let mut whole = Vec::new();
        let ms = loa_audio::live::mend(File::open(&path).unwrap(), &mut whole).unwrap();
        assert_eq!(ms, 2_400);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }

    #[tokio::test]
    async fn where_nothing_was_said_there_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b0123456789abcdef.ogg");
        assert_eq!(Recorder::begin(path.clone()).end().await.unwrap(), 0);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_full_disk_is_told_at_the_end_and_holds_nobody_up() {
        let recorder = Recorder::begin(PathBuf::from("/nowhere/b.ogg"));
        for number in 0..2_000 {
            recorder.frame(number, &[0xF8]);
        }
        assert!(recorder.end().await.is_err());
    }
}
