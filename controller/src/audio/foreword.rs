//! Content that begins with a spoken sentence: "this is an exercise". The poles play it as one sound, so that no pole can
//! say the one without the other.

use std::path::{Path, PathBuf};

use loa_audio::{Limits, ingest::JOIN_PAUSE_MS};
use loa_protocol::content::{ContentId, Manifest};
use tempfile::TempPath;
use tokio::task;

use super::{AudioError, Shelf, apart::Apart, make_canonical, put, tmp_dir};

/// Both parts are ours: their makers kept to the bounds.
const UNBOUNDED: Limits = Limits {
    max_bytes: u64::MAX,
    max_duration_s: u32::MAX,
};

impl Shelf {
    /// The content that is this sentence and then this content, when it was made before and is still there.
    pub async fn after(
        &self,
        sentence: &str,
        content: &ContentId,
    ) -> Result<Option<Manifest>, AudioError> {
        let known = self.store.foreword(sentence, content).await?;
        Ok(known.filter(|whole| self.store.content_path(&whole.content).exists()))
    }

    /// Makes it. `said`: the sentence, spoken, in whatever form the engine makes. Goes on to its end when nobody waits.
    pub async fn put_before(
        &self,
        sentence: &str,
        said: PathBuf,
        content: &ContentId,
    ) -> Result<Manifest, AudioError> {
        let (shelf, sentence, content) = (self.clone(), sentence.to_owned(), *content);
        let work = tokio::spawn(async move {
            let turn = shelf.ingesting.acquire().await;
            let tmp = tmp_dir(&shelf.store);
            let then = shelf.store.content_path(&content);
            let made = make_whole(&shelf.apart, &said, &then, &tmp).await;
            drop(turn);
            let (file, manifest) = made?;
            put(file, &shelf.store.content_path(&manifest.content))?;
            let kept = shelf.store.add_foreword(&sentence, &content, &manifest);
            kept.await?;
            Ok(manifest)
        });
        work.await.map_err(|died| ended_early(&died))?
    }

    /// What such a sentence adds to the length, in milliseconds.
    pub async fn foreword_ms(&self, said: PathBuf) -> Result<u64, AudioError> {
        let tmp = tmp_dir(&self.store);
        let made = make_canonical(&self.apart, &[&said], None, &tmp, UNBOUNDED).await;
        let (_, manifest, _) = made.map_err(ours)?;
        Ok(manifest.duration_ms + JOIN_PAUSE_MS)
    }
}

/// What our own engine made is no fault of whoever sends a bulletin.
fn ours(error: AudioError) -> AudioError {
    match error {
        AudioError::DiskFull | AudioError::File(_) | AudioError::Store(_) => error,
        error => AudioError::Encode(format!("the spoken sentence: {error}")),
    }
}

fn ended_early(died: &task::JoinError) -> AudioError {
    AudioError::Encode(format!("joining ended early: {died}"))
}

async fn make_whole(
    apart: &Apart,
    said: &Path,
    then: &Path,
    tmp: &Path,
) -> Result<(TempPath, Manifest), AudioError> {
    // At the loudness of everything first: an engine's voice may be half as loud as what follows.
    let sentence = make_canonical(apart, &[said], None, tmp, UNBOUNDED).await;
    let (sentence, _, _) = sentence.map_err(ours)?;
    let whole = make_canonical(apart, &[&sentence, then], None, tmp, UNBOUNDED).await;
    let (output, manifest, _) = whole?;
    Ok((output, manifest))
}
