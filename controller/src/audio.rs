//! Recordings on their way in: received under a bound, made canonical, kept; or refused by name with nothing left behind.
//!
//! ```text
//! stream ─ Spool (tmp/) ─ apart (another process) ─ content/{sha256}   and   audio/{id}.orig   then the rows
//! ```
//! The rows come last: files without a row are leftovers of a crash, removed at the next start.
//!
//! Bounds: [`RECEIVING`] uploads at a time (one more is refused), of which [`INGESTING`] are worked on (the others wait).

pub mod apart;
pub mod child;
mod foreword;
pub mod listening;
mod report;
pub mod sandbox;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use loa_audio::{
    DecodeError, Limits,
    ingest::{Canonical, IngestError},
};
use loa_protocol::content::{MAX_CONTENT_BYTES, Manifest, Sha};
use sha2::{Digest, Sha256};
use tempfile::TempPath;
use tokio::{
    fs::File,
    io::AsyncWriteExt,
    sync::{OwnedSemaphorePermit, Semaphore},
    task,
};

use apart::Apart;

use crate::{
    act, chance,
    store::{Audio, AudioId, AudioSource, Claim, NewAudio, Store, StoreError, UserId},
};

pub const RECEIVING: usize = 8;
pub const INGESTING: usize = 2;

/// Why a recording was not kept. The first group is for its sender.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    #[error("not a sound recording")]
    NotAudio,
    #[error("no sound in it")]
    Empty,
    #[error("ends before its sound does")]
    Truncated,
    #[error("longer than {limit_s} s")]
    TooLong { limit_s: u32 },
    #[error("larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("of a kind that cannot be read: {what}")]
    Unsupported { what: String },
    #[error("damaged: {what}")]
    Broken { what: String },
    #[error("takes too long to read")]
    TooSlow,
    #[error("too many uploads at this moment")]
    TooMany,

    #[error(
        "no loa-controller, which reads recordings in a process of its own, lies beside {beside}: put it there",
        beside = beside.display()
    )]
    NoProgram { beside: PathBuf },
    #[error("the disk is full: free some space in the data directory")]
    DiskFull,
    #[error("a file of the data directory failed: {0}")]
    File(#[source] io::Error),
    #[error("{0}")]
    Encode(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Is the disk, or the quota on it, used up?
pub fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl From<io::Error> for AudioError {
    fn from(error: io::Error) -> Self {
        if is_disk_full(&error) {
            AudioError::DiskFull
        } else {
            AudioError::File(error)
        }
    }
}

impl From<IngestError> for AudioError {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Write(error) => error.into(),
            IngestError::Encode { .. } => AudioError::Encode(error.to_string()),
            IngestError::Decode(error) => match error {
                DecodeError::NotAudio => AudioError::NotAudio,
                DecodeError::Empty => AudioError::Empty,
                DecodeError::Truncated => AudioError::Truncated,
                DecodeError::TooLong { limit_s } => AudioError::TooLong { limit_s },
                DecodeError::TooLarge { limit_bytes } => AudioError::TooLarge { limit_bytes },
                DecodeError::Unsupported { what } => AudioError::Unsupported { what },
                DecodeError::Broken { detail } => AudioError::Broken { what: detail },
                DecodeError::Io(error) => error.into(),
            },
        }
    }
}

/// The place for recordings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shelf {
    store: Store,
    apart: Apart,
    limits: Limits,
    receiving: Arc<Semaphore>,
    ingesting: Arc<Semaphore>,
}

/// What is known of a recording besides its bytes.
#[derive(Clone, Debug)]
pub struct About {
    pub source: AudioSource,
    pub title: String,
    /// The text as somebody typed it, when it was spoken.
    pub text: Option<String>,
    /// The words given to the engine.
    pub spoken: Option<String>,
    pub voice: Option<String>,
    /// 1 is normal.
    pub speed: Option<f64>,
    pub made_by: Option<UserId>,
}

impl Shelf {
    /// Removes what a crash left behind. `max_bytes` bounds an upload, `max_duration_s` its sound.
    pub async fn open(
        store: Store,
        apart: Apart,
        max_bytes: u64,
        max_duration_s: u32,
    ) -> Result<Shelf, AudioError> {
        let tmp = tmp_dir(&store);
        remove_dir_if_there(&tmp)?;
        std::fs::create_dir_all(&tmp)?;
        let (contents, audio) = store.file_names().await?;
        let originals: Vec<String> = audio.iter().map(|id| format!("{id}.orig")).collect();
        remove_strangers(&store.data_dir().join("content"), &contents)?;
        remove_strangers(&store.data_dir().join("audio"), &originals)?;
        Ok(Shelf {
            store,
            apart,
            limits: Limits {
                max_bytes,
                max_duration_s,
            },
            receiving: Arc::new(Semaphore::new(RECEIVING)),
            ingesting: Arc::new(Semaphore::new(INGESTING)),
        })
    }

    /// The largest upload, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.limits.max_bytes
    }

    /// A file to receive into; gone again unless [`Shelf::keep`] is called.
    pub fn receive(&self) -> Result<Spool, AudioError> {
        let permit = self
            .receiving
            .clone()
            .try_acquire_owned()
            .map_err(|_| AudioError::TooMany)?;
        let file = tempfile::NamedTempFile::new_in(tmp_dir(&self.store))?;
        let (file, path) = file.into_parts();
        Ok(Spool {
            file: File::from_std(file),
            path,
            hash: Sha256::new(),
            bytes: 0,
            limit_bytes: self.limits.max_bytes,
            permit,
        })
    }

    /// Makes what was received canonical and keeps both. `hint`: the extension of the name it came under.
    /// Goes on to its end when nobody waits for it any more: what was begun is whole or not there.
    pub async fn keep(
        &self,
        received: Received,
        hint: Option<String>,
        about: About,
        claim: Option<Claim>,
    ) -> Result<Audio, AudioError> {
        let shelf = self.clone();
        let work = async move { shelf.keep_now(received, hint, about, claim).await };
        let work = tokio::spawn(act::carried(work));
        match work.await {
            Ok(done) => done,
            Err(died) => Err(AudioError::Encode(format!("ingest ended early: {died}"))),
        }
    }

    async fn keep_now(
        &self,
        received: Received,
        hint: Option<String>,
        about: About,
        claim: Option<Claim>,
    ) -> Result<Audio, AudioError> {
        let turn = self.ingesting.acquire().await;
        let tmp = tmp_dir(&self.store);
        let limits = self.limits;
        let Received {
            path,
            bytes,
            permit: _permit,
            ..
        } = received;
        let made = make_canonical(&self.apart, &[&path], hint.as_deref(), &tmp, limits).await;
        drop(turn);
        let (content, manifest, canonical) = made?;
        let id = AudioId::new(chance::id('a'))
            .expect("an 'a' and 16 hex digits, which is what an AudioId is");
        let content_path = self.store.content_path(&manifest.content);
        let original_path = self.store.original_path(&id);
        // The same sound twice is the same file.
        put(content, &content_path)?;
        put(path, &original_path)?;
        let new = NewAudio {
            id,
            manifest,
            source: about.source,
            title: about.title,
            format: canonical.format_in,
            original_bytes: bytes,
            loudness_lufs: canonical.loudness_lufs,
            text: about.text,
            spoken: about.spoken,
            voice: about.voice,
            speed: about.speed,
            made_by: about.made_by,
        };
        match self.store.add_audio(new, claim.as_ref()).await {
            Ok(audio) => Ok(audio),
            Err(error) => {
                // The content may be another recording's too: it stays until the next start looks.
                let _ = std::fs::remove_file(&original_path);
                Err(error.into())
            }
        }
    }
}

/// A recording that is being received.
pub struct Spool {
    file: File,
    path: TempPath,
    hash: Sha256,
    bytes: u64,
    limit_bytes: u64,
    permit: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A recording that has been received whole, on disk.
#[derive(Debug)]
pub struct Received {
    path: TempPath,
    pub bytes: u64,
    pub sha256: Sha,
    permit: OwnedSemaphorePermit,
}

impl Spool {
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), AudioError> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.limit_bytes {
            return Err(AudioError::TooLarge {
                limit_bytes: self.limit_bytes,
            });
        }
        self.hash.update(chunk);
        Ok(self.file.write_all(chunk).await?)
    }

    pub async fn finish(mut self) -> Result<Received, AudioError> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        Ok(Received {
            path: self.path,
            bytes: self.bytes,
            sha256: Sha(self.hash.finalize().into()),
            permit: self.permit,
        })
    }
}

/// The canonical file (still in `tmp`), what makes its blocks checkable, and its figures. Takes its time: seconds.
async fn make_canonical(
    apart: &Apart,
    inputs: &[&Path],
    hint: Option<&str>,
    tmp: &Path,
    limits: Limits,
) -> Result<(TempPath, Manifest, Canonical), AudioError> {
    for input in inputs {
        if std::fs::metadata(input)?.len() == 0 {
            return Err(AudioError::Empty);
        }
    }
    let output = tempfile::NamedTempFile::new_in(tmp)?.into_temp_path();
    let canonical = apart
        .canonicalise(inputs, hint, &output, tmp, limits)
        .await?;
    let looked_at = task::spawn_blocking(move || {
        let manifest = manifest_of(&output, &canonical, limits)?;
        Ok((output, manifest, canonical))
    });
    looked_at
        .await
        .map_err(|died| AudioError::Encode(format!("ingest ended early: {died}")))?
}

/// Whoever read the recording is believed no more than the recording.
fn manifest_of(file: &Path, told: &Canonical, limits: Limits) -> Result<Manifest, AudioError> {
    let too_long = AudioError::TooLong {
        limit_s: limits.max_duration_s,
    };
    if std::fs::metadata(file)?.len() > MAX_CONTENT_BYTES {
        return Err(too_long);
    }
    let bytes = std::fs::read(file)?;
    let manifest = Manifest::of(&bytes, told.duration_ms);
    if manifest.content.0 != told.sha256 || !bytes.starts_with(b"OggS") {
        return Err(AudioError::Encode(
            "the content on disk is not what was written".into(),
        ));
    }
    match manifest.check() {
        Ok(()) => Ok(manifest),
        Err(_) => Err(too_long),
    }
}

/// Moves a file, which is on disk already, to its place for good.
fn put(from: TempPath, to: &Path) -> Result<(), AudioError> {
    from.persist(to).map_err(|e| e.error)?;
    if let Some(dir) = to.parent() {
        std::fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

fn tmp_dir(store: &Store) -> PathBuf {
    store.data_dir().join("tmp")
}

fn remove_dir_if_there(dir: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_strangers(dir: &Path, known: &[String]) -> io::Result<()> {
    let known: std::collections::HashSet<&str> = known.iter().map(String::as_str).collect();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if !known.contains(entry.file_name().to_string_lossy().as_ref()) {
            tracing::info!(
                file = %entry.path().display(),
                "removed: a recording that was never finished"
            );
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
