//! The whole way from a typed text to a file of speech: read the short forms, ask the cache, else the engine.

use std::path::{Path, PathBuf};

use super::abbreviations::Abbreviations;
use super::cache::SpeechCache;
use super::config::SpeechConfig;
use super::engine::{CommandEngine, SpeechError, SpeechRequest};
use super::normalise::normalise;

/// Longer typed texts are refused before any work: so many bytes for each character that may be spoken.
const BYTES_PER_SPOKEN_CHAR: usize = 4;

/// Makes speech by the configuration.
#[derive(Debug)]
pub struct Studio {
    engine: CommandEngine,
    cache: SpeechCache,
    table: Abbreviations,
    default_voice: String,
    max_text_chars: usize,
}

/// Speech that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The sound; read it at once, the cache may remove it after later requests.
    pub path: PathBuf,
    /// The words as the engine was given them, for the preview.
    pub words: String,
}

impl Studio {
    /// `cache_folder` is this studio's alone. Reads the commune's own short forms, when the configuration names them.
    pub fn open(config: &SpeechConfig, cache_folder: &Path) -> Result<Self, SpeechError> {
        let table = match &config.abbreviations {
            None => Abbreviations::built_in(),
            Some(path) => {
                let wrong = |says: String| {
                    SpeechError::Config(format!(
                        "[speech] abbreviations: {}: {says}",
                        path.display()
                    ))
                };
                let own =
                    std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
                Abbreviations::with_own(&own).map_err(|error| wrong(error.to_string()))?
            }
        };
        Ok(Self {
            engine: CommandEngine::new(config)?,
            cache: SpeechCache::open(cache_folder, config.cache_mb * 1_000_000)?,
            table,
            default_voice: config.default_voice.clone(),
            max_text_chars: config.max_text_chars,
        })
    }

    /// The voices that may be asked for.
    pub fn voices(&self) -> &[String] {
        self.engine.voices()
    }

    /// What the engine would be given, for a preview without a sound.
    pub fn words(&self, text: &str) -> String {
        normalise(text, &self.table)
    }

    /// Speaks a text as it was typed. Without a voice the default one speaks; `speed` 1.0 is normal, 0.5 to 2.0.
    pub async fn say(
        &self,
        text: &str,
        voice: Option<&str>,
        speed: f32,
    ) -> Result<Said, SpeechError> {
        let max_bytes = self.max_text_chars.saturating_mul(BYTES_PER_SPOKEN_CHAR);
        if text.len() > max_bytes {
            return Err(SpeechError::TypedTooLong {
                bytes: text.len(),
                max: max_bytes,
            });
        }
        let request = SpeechRequest {
            text: self.words(text),
            voice: voice.unwrap_or(&self.default_voice).to_owned(),
            speed,
        };
        let path = self.cache.get(&self.engine, &request).await?;
        Ok(Said {
            path,
            words: request.text,
        })
    }
}
