//! The samples of one piece: chime and content from a place on, decoded on a thread of its own and only a little ahead.

use std::{
    collections::VecDeque,
    fmt,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
};

use loa_audio::{DecodeError, Decoder, Limits, Resampled};
use loa_protocol::{bulletin::Chime, content::MAX_CONTENT_BYTES};
use loa_station::Web;

use super::{RATE, frames_of_ms, station};
use crate::clock;

/// Frames in one chunk, and chunks that may wait: 0.68 s decoded ahead, 130 KiB. Beyond that the decoder waits.
const CHUNK: usize = 2048;
const CHUNKS_AHEAD: usize = 16;

/// What to sound: chime first, then the content's file, both from `from_ms` on.
#[derive(Clone, Debug)]
pub struct FeedSpec {
    pub chime: Chime,
    /// `None` sounds the chime alone.
    pub file: Option<PathBuf>,
    /// In place of a file.
    pub station: Option<StationSpec>,
    /// Milliseconds of chime and content together.
    pub from_ms: u64,
}

/// A station that is fetched.
#[derive(Clone, Debug)]
pub struct StationSpec {
    pub url: String,
    /// `None`: this speaker fetches none.
    pub web: Option<Web>,
    /// When the piece begins, by this machine's clock.
    pub start_us: u64,
}

/// How a feed ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Finished,
    /// The content could not be decoded, and why.
    Failed(String),
}

enum Chunk {
    Frames(Vec<f32>),
    End(End),
}

/// The receiving end. Nothing in it blocks: an output's callback pulls from it.
pub struct Feed {
    chunks: Receiver<Chunk>,
    buffer: VecDeque<f32>,
    end: Option<End>,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("buffered", &self.buffer.len())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Feed {
    /// Starts to decode; `ended` is called when there is no more, or nothing at all. The thread ends with the content,
    /// or soon after the feed is dropped.
    pub fn spawn(spec: FeedSpec, ended: impl FnOnce() + Send + 'static) -> Self {
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        let spawned = std::thread::Builder::new()
            .name("loa-decode".into())
            .stack_size(1024 * 1024)
            .spawn(move || {
                let end = match decode(&spec, &sender) {
                    Ok(()) => End::Finished,
                    Err(why) => End::Failed(why),
                };
                // Nobody listens when the piece was stopped.
                let _ = sender.send(Chunk::End(end));
                ended();
            });
        let end = spawned
            .err()
            .map(|e| End::Failed(format!("no thread to decode on: {e}")));
        Self {
            chunks,
            buffer: VecDeque::new(),
            end,
        }
    }

    /// A feed of samples that are there already.
    pub fn ready(frames: Vec<f32>, end: End) -> Self {
        let (_, chunks) = sync_channel(0);
        Self {
            chunks,
            buffer: frames.into(),
            end: Some(end),
        }
    }

    /// Gathers up to `want` frames without waiting; how many there are.
    pub fn fill(&mut self, want: usize) -> usize {
        while self.buffer.len() < want && self.end.is_none() {
            match self.chunks.try_recv() {
                Ok(Chunk::Frames(frames)) => self.buffer.extend(frames),
                Ok(Chunk::End(end)) => self.end = Some(end),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.end = Some(End::Failed("the decoder died".into()));
                }
            }
        }
        self.buffer.len()
    }

    /// The next frame, if it is there.
    pub fn pop(&mut self) -> Option<f32> {
        self.buffer.pop_front()
    }

    /// How it ended, once nothing more will come; the buffer may still hold frames.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }
}

/// The listener went away: not an error.
struct Gone;

fn decode(spec: &FeedSpec, sender: &SyncSender<Chunk>) -> Result<(), String> {
    let chime_ms = spec.chime.duration_ms();
    if spec.from_ms < chime_ms {
        let chime = chime_frames(spec.chime);
        let from = usize::try_from(frames_of_ms(spec.from_ms)).unwrap_or(chime.len());
        if send(sender, &chime[from.min(chime.len())..]).is_err() {
            return Ok(());
        }
    }
    if let Some(station) = &spec.station {
        let chime_left_ms = chime_ms.saturating_sub(spec.from_ms);
        return fetch(station, chime_left_ms, sender);
    }
    match &spec.file {
        Some(file) => content(file, spec.from_ms.saturating_sub(chime_ms), sender)
            .map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

fn fetch(
    station: &StationSpec,
    chime_left_ms: u64,
    sender: &SyncSender<Chunk>,
) -> Result<(), String> {
    let web = station
        .web
        .as_ref()
        .ok_or("this speaker fetches no station")?;
    let start_us = station.start_us.saturating_add(chime_left_ms * 1_000);
    station::sound(web, &station.url, start_us, clock::mono_us, |frames| {
        send(sender, frames).is_ok()
    })
}

fn content(file: &Path, place_ms: u64, sender: &SyncSender<Chunk>) -> Result<(), DecodeError> {
    let limits = Limits {
        max_bytes: MAX_CONTENT_BYTES,
        // The longest a playout may be.
        max_duration_s: 4 * 3600,
    };
    let mut sound = Resampled::new(Decoder::open_path(file, limits)?)?;
    if place_ms > 0 {
        sound.seek_ms(place_ms)?;
    }
    while let Some(frames) = sound.next_block()? {
        if send(sender, frames).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn send(sender: &SyncSender<Chunk>, frames: &[f32]) -> Result<(), Gone> {
    for chunk in frames.chunks(CHUNK) {
        sender
            .send(Chunk::Frames(chunk.to_vec()))
            .map_err(|_| Gone)?;
    }
    Ok(())
}

/// The chime, rendered to be exactly as long as places are counted by.
fn chime_frames(chime: Chime) -> Vec<f32> {
    use loa_audio::chime::{Chime as Tone, render};
    let tone = match chime {
        Chime::None => Tone::None,
        Chime::Rise => Tone::Rise,
        Chime::Bell => Tone::Bell,
        Chime::Alert => Tone::Alert,
        Chime::Exercise => Tone::Exercise,
    };
    render(tone, chime.duration_ms())
}

/// All of it, for tests.
#[cfg(test)]
pub(crate) fn drain(mut feed: Feed) -> (Vec<f32>, End) {
    let mut frames = Vec::new();
    loop {
        feed.fill(CHUNK);
        while let Some(frame) = feed.pop() {
            frames.push(frame);
        }
        match feed.end() {
            Some(end) => return (frames, end.clone()),
            None => std::thread::yield_now(),
        }
    }
}

const _: () = assert!(
    RATE == 48_000,
    "milliseconds are whole frames only at 48 kHz"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(frames: &[f32]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("content");
        loa_audio::wav::write_mono_s16(&path, RATE, frames).expect("writes");
        (folder, path)
    }

    #[test]
    fn every_chime_is_exactly_as_long_as_places_are_counted_by() {
        for chime in [
            Chime::None,
            Chime::Rise,
            Chime::Bell,
            Chime::Alert,
            Chime::Exercise,
        ] {
            let (frames, end) = drain(Feed::spawn(
                FeedSpec {
                    chime,
                    file: None,
                    station: None,
                    from_ms: 0,
                },
                || {},
            ));
            assert_eq!(end, End::Finished);
            assert_eq!(
                frames.len() as u64,
                frames_of_ms(chime.duration_ms()),
                "{chime:?}"
            );
            assert!(frames.last().is_none_or(|last| last.abs() < 0.01));
        }
    }

    #[test]
    fn content_follows_the_chime_and_a_resumed_one_goes_on_at_its_very_sample() {
        let content: Vec<f32> = (0..48_000).map(|n| (n % 1000) as f32 / 1024.0).collect();
        let (_folder, file) = wav(&content);
        let whole = FeedSpec {
            chime: Chime::Rise,
            file: Some(file),
            station: None,
            from_ms: 0,
        };
        let (all, _) = drain(Feed::spawn(whole.clone(), || {}));
        assert_eq!(all.len(), 48_000 + 1_600 * 48);
        assert_eq!(all[1_600 * 48..], content);
        for from_ms in [500, 1_600, 1_601, 2_100] {
            let (rest, _) = drain(Feed::spawn(
                FeedSpec {
                    from_ms,
                    ..whole.clone()
                },
                || {},
            ));
            assert_eq!(rest, all[from_ms as usize * 48..], "from {from_ms} ms");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_told_and_what_is_gone_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("content");
        std::fs::write(&path, b"no sound at all").expect("writes");
        for file in [path, folder.path().join("gone")] {
            let spec = FeedSpec {
                chime: Chime::None,
                file: Some(file),
                station: None,
                from_ms: 0,
            };
            let (frames, end) = drain(Feed::spawn(spec, || {}));
            assert!(frames.is_empty());
            assert!(matches!(end, End::Failed(why) if !why.is_empty()));
        }
    }

    #[test]
    fn a_station_is_behind_its_chime_and_one_that_is_not_fetched_fails_there() {
        let own = loa_station::testing::OwnStation::start().expect("a station");
        own.goes_away(true);
        let web = Web::new(loa_station::Reach::Everywhere, "test").expect("the web");
        for (web, silent_ms) in [(None, 0), (Some(web), 1_980)] {
            let spec = FeedSpec {
                chime: Chime::Rise,
                file: None,
                station: Some(StationSpec {
                    url: own.url("/mp3"),
                    web,
                    start_us: 0,
                }),
                from_ms: 100,
            };
            let (frames, end) = drain(Feed::spawn(spec, || {}));
            assert_eq!(frames.len() as u64, frames_of_ms(1_500 + silent_ms));
            assert!(matches!(end, End::Failed(_)), "{end:?}");
        }
    }
}
