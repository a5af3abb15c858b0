//! Text to speech: Vietnamese text made plain, any engine called as a command, its sound kept in a bounded cache.
//!
//! ```text
//! text ── normalise ──> plain words ── CommandEngine::speak ──> audio file ── SpeechCache ──> ingest
//! ```
//! Reading text aloud correctly is ours ([`normalise()`], no engine involved); making the sound is the engine's.

mod abbreviations;
mod amounts;
mod cache;
mod cleaning;
mod config;
mod engine;
mod figures;
mod links;
mod normalise;
mod numbers;
mod papers;
mod phones;
mod spoken;
mod studio;
mod units;
mod wav_header;
mod when;
mod words;

pub use abbreviations::{Abbreviations, AbbreviationsError};
pub use cache::SpeechCache;
pub use config::{MAX_SENTENCE, SpeechConfig};
pub use engine::{CommandEngine, SpeechError, SpeechRequest};
pub use normalise::normalise;
pub use spoken::MAX_SPOKEN_BYTES;
pub use studio::{Said, Studio};
