//! Speech made once is kept: a folder of sound files named by what made them, bounded in bytes.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::engine::{CommandEngine, PART_SUFFIX, SpeechError, SpeechRequest};

/// Sound files by engine, voice, speed and text.
///
/// At the bound the file that was not asked for the longest is removed; the one just asked for always stays,
/// even alone and above the bound. A path given out may therefore be gone after later requests: read it at once.
#[derive(Debug)]
pub struct SpeechCache {
    folder: PathBuf,
    max_bytes: u64,
    shelf: Mutex<Shelf>,
    /// One lock for each sound in the making, so that it is made once; gone when nobody waits.
    making: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Debug, Default)]
struct Shelf {
    files: HashMap<String, Kept>,
    bytes: u64,
    /// Counts requests: the order of use without a clock.
    uses: u64,
}

#[derive(Debug)]
struct Kept {
    bytes: u64,
    last_use: u64,
}

const SUFFIX: &str = "speech";

impl SpeechCache {
    /// Opens the folder, makes it if need be, clears what a crash left half made and keeps to the bound.
    /// Files of earlier runs count as used in the order in which they were written.
    pub fn open(folder: &Path, max_bytes: u64) -> Result<Self, SpeechError> {
        let disk = |source| SpeechError::Disk {
            path: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(disk)?;
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(disk)? {
            let entry = entry.map_err(disk)?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            match name
                .strip_suffix(SUFFIX)
                .and_then(|name| name.strip_suffix('.'))
            {
                Some(key) => {
                    let file = entry.metadata().map_err(disk)?;
                    found.push((file.modified().map_err(disk)?, key.to_owned(), file.len()));
                }
                None if name.ends_with(PART_SUFFIX) => remove(&path).map_err(disk)?,
                None => {}
            }
        }
        found.sort();
        let mut shelf = Shelf::default();
        for (_, key, bytes) in found {
            shelf.put(&key, bytes);
        }
        let cache = Self {
            folder: folder.to_owned(),
            max_bytes,
            shelf: Mutex::new(shelf),
            making: Mutex::default(),
        };
        cache.keep_to_bound("")?;
        Ok(cache)
    }

    /// The file with this sound: the kept one, or made now. Identical requests at one time make it once.
    pub async fn get(
        &self,
        engine: &CommandEngine,
        request: &SpeechRequest,
    ) -> Result<PathBuf, SpeechError> {
        engine.check(request)?;
        let key = key(engine, request);
        let making = lock(&self.making).entry(key.clone()).or_default().clone();
        // Dropped last, also when this future is: whoever leaves last clears the lock away.
        let _leave = Leave {
            cache: self,
            key: &key,
        };
        let _alone = making.lock().await;
        let path = self.path(&key);
        let known = lock(&self.shelf).touch(&key);
        if known && tokio::fs::try_exists(&path).await.unwrap_or(false) {
            return Ok(path);
        }
        engine.speak(request, &path).await?;
        let disk = |source| SpeechError::Disk {
            path: path.clone(),
            source,
        };
        let bytes = tokio::fs::metadata(&path).await.map_err(disk)?.len();
        lock(&self.shelf).put(&key, bytes);
        self.keep_to_bound(&key)?;
        Ok(path)
    }

    /// What the kept files take, in bytes.
    pub fn bytes(&self) -> u64 {
        lock(&self.shelf).bytes
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.{SUFFIX}"))
    }

    /// Removes the longest unused until the rest fits; `spared` stays in any case.
    fn keep_to_bound(&self, spared: &str) -> Result<(), SpeechError> {
        let mut shelf = lock(&self.shelf);
        while shelf.bytes > self.max_bytes {
            let Some(oldest) = shelf.longest_unused(spared) else {
                break;
            };
            let path = self.path(&oldest);
            remove(&path).map_err(|source| SpeechError::Disk { path, source })?;
            shelf.take(&oldest);
        }
        Ok(())
    }
}

impl Shelf {
    fn put(&mut self, key: &str, bytes: u64) {
        self.take(key);
        self.uses += 1;
        self.bytes += bytes;
        self.files.insert(
            key.to_owned(),
            Kept {
                bytes,
                last_use: self.uses,
            },
        );
    }

    fn take(&mut self, key: &str) {
        if let Some(kept) = self.files.remove(key) {
            self.bytes -= kept.bytes;
        }
    }

    fn touch(&mut self, key: &str) -> bool {
        self.uses += 1;
        let uses = self.uses;
        self.files
            .get_mut(key)
            .map(|kept| kept.last_use = uses)
            .is_some()
    }

    fn longest_unused(&self, spared: &str) -> Option<String> {
        let others = self.files.iter().filter(|(key, _)| *key != spared);
        others
            .min_by_key(|(_, kept)| kept.last_use)
            .map(|(key, _)| key.clone())
    }
}

/// Clears a lock out of the map when its last holder goes.
struct Leave<'a> {
    cache: &'a SpeechCache,
    key: &'a str,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut making = lock(&self.cache.making);
        // One is the map's own, one is the leaving caller's, which outlives this guard.
        if making
            .get(self.key)
            .is_some_and(|one| Arc::strong_count(one) <= 2)
        {
            making.remove(self.key);
        }
    }
}

/// Each part with its length before it, so that no two requests run together into one name.
fn key(engine: &CommandEngine, request: &SpeechRequest) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    engine
        .identity()
        .for_each(|identity| part(identity.as_bytes()));
    part(request.voice.as_bytes());
    part(&request.speed.to_le_bytes());
    part(request.text.as_bytes());
    hex::encode(hash.finalize())
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A shelf is left whole by every holder, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
