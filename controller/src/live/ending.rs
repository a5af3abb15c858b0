//! The end of a call: written down and told to the poles; its recording kept; and said again to whoever did not hear it.

use std::{fs::File, io, path::Path, time::Duration};

use loa_audio::live::mend;
use loa_protocol::{
    bulletin::{Bulletin, Source, When},
    channel::Channel,
    content::Manifest,
    id::BulletinId,
    live::{FRAME_MS, Replay},
    time::WallTime,
};
use tokio::{task, time::timeout};

use super::{
    calls::{Calls, Desk, Line},
    recorder::Recorder,
};
use crate::{
    chance,
    engine::{Change, Urgent},
    logic::{Notice, approval::Stage, call::CallEnd},
    store::{
        AudioId, AudioSource, CallEnded, CallRow, Kept, NewAudio, NewBulletin, StoreError, UserId,
    },
};

/// Less than this is no speech, but a slip of the thumb; in milliseconds.
const LEAST_MS: u64 = 1_000;
/// So much of a call must a pole have sounded not to say it again, in hundredths.
const ENOUGH: u64 = 90;
/// How long the sentence before it may take to be spoken.
const SENTENCE_PATIENCE: Duration = Duration::from_secs(60);
/// Tries to write an end down.
const TRIES: u32 = 3;
const MAX_TITLE: usize = 200;

pub(super) struct Ending<'a> {
    pub desk: &'a Desk,
    pub line: &'a Line,
    pub why: CallEnd,
    /// When the last of it had been spoken.
    pub at: WallTime,
    pub frames: u64,
    pub holes: u64,
}

/// Into the books, and into the programmes. What cannot be written is found open at the next start.
pub(super) async fn write(ending: &Ending<'_>) {
    let (desk, id) = (ending.desk, &ending.line.id);
    for left in (0..TRIES).rev() {
        match try_write(ending).await {
            Ok(()) => break,
            Err(error) if left == 0 => {
                tracing::error!(call = %id, %error, "the end of a call was not written down");
            }
            Err(error) => {
                tracing::warn!(call = %id, %error, "the end of a call was not written down; trying again");
            }
        }
    }
    desk.engine.notify(Notice::Bulletin(id.clone()));
}

async fn try_write(ending: &Ending<'_>) -> Result<(), StoreError> {
    let (desk, id) = (ending.desk, &ending.line.id);
    let ended = CallEnded {
        at: ending.at,
        why: ending.why,
        frames: ending.frames,
        holes: ending.holes,
    };
    let channels = match desk.store.end_call(id, ended).await? {
        Some(channels) => channels,
        // An earlier try came so far, and perhaps no further.
        None => desk.store.bulletin(id).await?.channels(),
    };
    tell(desk, id, ending.frames, channels).await;
    Ok(())
}

/// The poles.
async fn tell(desk: &Desk, id: &BulletinId, frames: u64, channels: Vec<Channel>) {
    let urgent = match frames {
        0 => Urgent::Cancel(id.clone()),
        _ => Urgent::Start(id.clone()),
    };
    let change = Change::Channels(channels, Some(urgent));
    desk.engine.changed(change).await;
}

/// The recording, and what says it again.
pub(super) async fn keep(ending: &Ending<'_>, recorder: Recorder) {
    let id = &ending.line.id;
    match recorder.end().await {
        Ok(0) => {}
        Ok(ms) => {
            let said = Said {
                why: ending.why,
                speak_at: ending.line.speak_at,
                at: ending.at,
                frames: ending.frames,
                ms,
                by: Some(&ending.line.by),
            };
            if let Err(error) = keep_whole(ending.desk, id, &said).await {
                tracing::error!(call = %id, %error, "the recording of a call was not kept; the next start tries again");
            }
        }
        Err(error) => tracing::error!(call = %id, %error, "a call was not recorded"),
    }
}

/// Why a recording was not kept.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Other(String),
}

/// What was said in a call that is over.
struct Said<'a> {
    why: CallEnd,
    speak_at: WallTime,
    /// When the last of it had been spoken.
    at: WallTime,
    frames: u64,
    /// Of the recording.
    ms: u64,
    by: Option<&'a UserId>,
}

impl Said<'_> {
    /// Until when it may be said again.
    fn until(&self, desk: &Desk) -> WallTime {
        self.at.plus_s(i64::from(desk.config.replay_for_s))
    }

    /// Whoever stopped it wants to hear no more of it.
    fn is_worth_it(&self, desk: &Desk, call: &Kept) -> bool {
        !matches!(self.why, CallEnd::Stopped | CallEnd::Office)
            && call.stage != Stage::Cancelled
            && self.ms >= LEAST_MS
            && desk.config.replay_for_s > 0
            && desk.clock.now() < self.until(desk)
    }
}

async fn keep_whole(desk: &Desk, id: &BulletinId, said: &Said<'_>) -> Result<(), NotKept> {
    let call = desk.store.bulletin(id).await?;
    let recording = shelve(desk, &desk.recording(id), said.ms, &call, said.by).await?;
    let replay = match said.is_worth_it(desk, &call) {
        true => Some(replay(desk, &call, &recording, said).await?),
        false => None,
    };
    finish(desk, id, recording, replay).await
}

async fn finish(
    desk: &Desk,
    id: &BulletinId,
    recording: NewAudio,
    replay: Option<NewBulletin>,
) -> Result<(), NotKept> {
    let again = desk.store.keep_call(id, recording, replay).await?;
    tokio::fs::remove_file(desk.recording(id)).await?;
    if let Some(again) = again {
        let kept = desk.store.bulletin(&again).await?;
        if kept.stage == Stage::Planned {
            let urgent = Some(Urgent::Start(again.clone()));
            let change = Change::Channels(kept.channels(), urgent);
            desk.engine.changed(change).await;
        }
        desk.engine.notify(Notice::Bulletin(again));
    }
    desk.engine.notify(Notice::Bulletin(id.clone()));
    Ok(())
}

/// Exactly these bytes become content; the recording stays where it is until the books know of it.
async fn shelve(
    desk: &Desk,
    recording: &Path,
    ms: u64,
    call: &Kept,
    by: Option<&UserId>,
) -> Result<NewAudio, NotKept> {
    let bytes = tokio::fs::read(recording).await?;
    let manifest = Manifest::of(&bytes, ms);
    manifest
        .check()
        .map_err(|error| NotKept::Other(error.to_string()))?;
    let id = AudioId::new(chance::id('a')).map_err(|error| NotKept::Other(error.to_string()))?;
    let original_bytes = manifest.length;
    for path in [
        desk.store.content_path(&manifest.content),
        desk.store.original_path(&id),
    ] {
        put(bytes.clone(), path).await?;
    }
    Ok(NewAudio {
        id,
        manifest,
        source: AudioSource::Live,
        title: call.bulletin.title.clone(),
        format: "Opus, 48000 Hz, mono".into(),
        original_bytes,
        loudness_lufs: None,
        text: None,
        spoken: None,
        voice: None,
        speed: None,
        made_by: by.cloned(),
    })
}

/// A file of these bytes, on disk for good.
async fn put(bytes: Vec<u8>, path: std::path::PathBuf) -> Result<(), NotKept> {
    let work = task::spawn_blocking(move || {
        let folder = path
            .parent()
            .ok_or_else(|| io::Error::other("a file without a folder"))?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        io::Write::write_all(&mut file, &bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    });
    let done = work
        .await
        .map_err(|died| NotKept::Other(died.to_string()))?;
    Ok(done?)
}

/// For whoever did not hear it: the recording, behind a sentence that says when it was.
async fn replay(
    desk: &Desk,
    call: &Kept,
    recording: &NewAudio,
    said: &Said<'_>,
) -> Result<NewBulletin, NotKept> {
    let b = &call.bulletin;
    let time = spoken_time(said.speak_at, &b.zone);
    let manifest = said_after(desk, recording, &time).await;
    // Planned for when the call was over: each pole that is told to be silent while this is made leaves it out.
    let at = said.at.min(desk.clock.now());
    let here = at.timestamp().in_tz(&b.zone);
    let date = here.map_err(|error| NotKept::Other(error.to_string()))?;
    let id = chance::id('b').parse::<BulletinId>();
    let title = format!("Phát lại {time}: {}", b.title);
    let length_ms = b.chime.duration_ms() + manifest.duration_ms;
    let bulletin = Bulletin {
        id: id.map_err(|error| NotKept::Other(error.to_string()))?,
        revision: 1,
        title: title.chars().take(MAX_TITLE).collect(),
        when: When::Now {
            at,
            date: date.date().to_string(),
        },
        since: at,
        source: Source::Content(manifest),
        lateness_s: Some(desk.config.replay_for_s),
        valid_until: Some(said.until(desk)),
        max_duration_s: u32::try_from(length_ms.div_ceil(1_000) + 60).unwrap_or(14_400),
        replay: Some(Box::new(Replay {
            of: b.id.clone(),
            least_ms: least_ms(b.chime.duration_ms(), said.frames),
        })),
        ..b.clone()
    };
    Ok(NewBulletin {
        bulletin,
        audio: Some(recording.id.clone()),
        relay: None,
        targets: call.channels(),
        skip_holidays: false,
        supersedes: None,
        made_by: said.by.cloned(),
        ask: None,
    })
}

/// What a pole must have sounded of a call, its chime counted: nearly all that was said.
pub fn least_ms(chime_ms: u64, frames: u64) -> u64 {
    chime_ms + frames * FRAME_MS * ENOUGH / 100
}

/// The recording behind its sentence; alone where nothing speaks, or not in time.
async fn said_after(desk: &Desk, recording: &NewAudio, time: &str) -> Manifest {
    let alone = recording.manifest.clone();
    let sentence = desk.config.replay_sentence.replace("{time}", time);
    if sentence.trim().is_empty() {
        return alone;
    }
    let speak = async {
        let said = desk.studio.say(&sentence, None, 1.0).await;
        let said = said.map_err(|error| error.to_string())?;
        let content = &recording.manifest.content;
        let whole = desk.shelf.put_before(&sentence, said.path, content).await;
        whole.map_err(|error| error.to_string())
    };
    match timeout(SENTENCE_PATIENCE, speak).await {
        Ok(Ok(whole)) => whole,
        Ok(Err(error)) => {
            tracing::info!(%error, "a recording is said again without a sentence before it");
            alone
        }
        Err(_) => {
            tracing::info!("the sentence before a recording took too long");
            alone
        }
    }
}

/// `lúc 5 giờ 32 phút`.
fn spoken_time(at: WallTime, zone: &str) -> String {
    match at.timestamp().in_tz(zone) {
        Ok(here) if here.minute() == 0 => format!("lúc {} giờ", here.hour()),
        Ok(here) => format!("lúc {} giờ {} phút", here.hour(), here.minute()),
        Err(_) => String::new(),
    }
}

impl Calls {
    /// After a start: what was on when the office went away is over, and what there is of its recording is kept. What had ended before
    /// is still said again: that is made by the side, for the sentence before it takes its time.
    pub async fn recover(&self) -> io::Result<()> {
        let desk = &*self.desk;
        std::fs::create_dir_all(desk.folder())?;
        let open = desk.store.unfinished_calls().await;
        for call in open.map_err(io::Error::other)? {
            let path = desk.recording(&call.bulletin);
            let ms = tokio::task::spawn_blocking(move || make_whole(&path)).await?;
            let ms = ms.unwrap_or_else(|error| {
                tracing::error!(call = %call.bulletin, %error, "the recording of a call cannot be read");
                0
            });
            let had_ended = call.ended.is_some();
            let desk = self.desk.clone();
            let work = async move {
                if let Err(error) = end_open(&desk, &call, ms).await {
                    tracing::error!(call = %call.bulletin, %error, "a call that was broken off was not put in order");
                }
            };
            if had_ended {
                self.tasks.spawn(work);
            } else {
                work.await;
            }
        }
        Ok(())
    }
}

async fn end_open(desk: &Desk, call: &CallRow, ms: u64) -> Result<(), NotKept> {
    let id = &call.bulletin;
    let ended = match (call.ended, call.reason) {
        (Some(at), Some(why)) => CallEnded {
            at,
            why,
            frames: call.frames,
            holes: call.holes,
        },
        _ => end_as_broken_off(desk, call, ms).await?,
    };
    if ms == 0 {
        return Ok(());
    }
    let said = Said {
        why: ended.why,
        speak_at: call.began,
        at: ended.at,
        frames: ended.frames,
        ms,
        by: call.speaker.as_ref(),
    };
    keep_whole(desk, id, &said).await
}

async fn end_as_broken_off(desk: &Desk, call: &CallRow, ms: u64) -> Result<CallEnded, NotKept> {
    let id = &call.bulletin;
    let ended = CallEnded {
        at: call.began.plus_ms(i64::try_from(ms).unwrap_or(0)),
        why: CallEnd::Office,
        frames: ms / FRAME_MS,
        holes: call.holes,
    };
    if let Some(channels) = desk.store.end_call(id, ended).await? {
        tell(desk, id, ended.frames, channels).await;
    }
    tracing::warn!(call = %id, ms, "a call was broken off when the office ended");
    Ok(ended)
}

/// Its length in milliseconds; 0 when there is none.
fn make_whole(path: &Path) -> io::Result<u64> {
    let broken = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut whole = tempfile::NamedTempFile::new_in(folder)?;
    let ms = mend(broken, io::BufWriter::new(whole.as_file_mut()))?;
    whole.as_file().sync_all()?;
    if ms == 0 {
        std::fs::remove_file(path)?;
    } else {
        whole.persist(path).map_err(|error| error.error)?;
    }
    Ok(ms)
}
