//! Where sound goes: one trait, two outputs. An output is open only while something sounds or is about to.

use std::{fmt, sync::Arc};

use loa_protocol::id::SpeakerId;
use thiserror::Error;

use super::{device::DeviceOutput, tap::Tap, wav::WavOutput};
use crate::config::{self, OutputKind};

/// Why nothing can sound.
#[derive(Debug, Error)]
pub enum OutputError {
    #[error("the sound device {name:?} cannot be used: {why}")]
    Device { name: String, why: String },
    #[error(
        "WAV files cannot be written to {folder}: {why}; check that the folder may be written and has room"
    )]
    Folder { folder: String, why: String },
    #[error("{output}: {why}")]
    Silent { output: String, why: String },
    #[error("no thread for the output: {0}")]
    Thread(std::io::Error),
}

/// Called, with the reason, when an open output stops taking sound. Must not block.
pub type Broken = Arc<dyn Fn(String) + Send + Sync>;

/// An output that can be opened, again and again.
pub trait Output: Send + fmt::Debug {
    /// For the status and the log: `device pole1 (pulseaudio)`, `wav /var/lib/loa-agent/wav`.
    fn describe(&self) -> String;

    /// Added to every start, in microseconds: how far this output's word about its own delay may be wrong.
    fn guard_us(&self) -> u64;

    /// Begins to pull from `tap`, which is silence until something is due.
    ///
    /// # Errors
    /// When it cannot be opened; another try later may do.
    fn open(&mut self, tap: Tap, broken: Broken) -> Result<Box<dyn OpenOutput>, OutputError>;
}

/// Dropping it closes the output.
pub trait OpenOutput: Send {}

/// The output that the configuration asks for. `auto` looks for a device once, quietly.
pub fn choose(config: &config::Output, speaker: &SpeakerId) -> Box<dyn Output> {
    let wav = || Box::new(WavOutput::new(config.directory.clone(), speaker.clone()));
    match config.kind {
        OutputKind::Wav => wav(),
        OutputKind::Device => Box::new(DeviceOutput::new(config.device.clone(), config.host)),
        OutputKind::Auto => match DeviceOutput::find(config.device.clone(), config.host) {
            Ok(device) => Box::new(device),
            Err(error) => {
                tracing::info!(%error, "no sound device: WAV files instead");
                wav()
            }
        },
    }
}
