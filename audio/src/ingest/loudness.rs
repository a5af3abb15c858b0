//! Loudness and true peak of canonical sound (ITU-R BS.1770-4, EBU R128).

use ebur128::{EbuR128, Mode};

use super::IngestError;
use crate::SAMPLE_RATE;

/// Below this a true peak is reported as this: digital silence has none.
pub(super) const SILENCE_DBTP: f64 = -120.0;

impl Measured {
    /// The same sound at another volume.
    pub fn turned_by(self, db: f64) -> Self {
        Self {
            loudness_lufs: self.loudness_lufs.map(|lufs| lufs + db),
            true_peak_dbtp: self.true_peak_dbtp + db,
            ..self
        }
    }
}

pub(super) struct Meter {
    inner: EbuR128,
    frames: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measured {
    pub frames: u64,
    /// Integrated loudness; `None` for silence and for sounds shorter than one block of 400 ms.
    pub loudness_lufs: Option<f64>,
    pub true_peak_dbtp: f64,
}

impl Meter {
    /// Measures loudness and true peak.
    pub fn new() -> Result<Self, IngestError> {
        Self::with(Mode::I | Mode::TRUE_PEAK | Mode::HISTOGRAM)
    }

    /// Measures loudness only, in half the time.
    pub fn of_loudness() -> Result<Self, IngestError> {
        Self::with(Mode::I | Mode::HISTOGRAM)
    }

    fn with(mode: Mode) -> Result<Self, IngestError> {
        let inner = EbuR128::new(1, SAMPLE_RATE, mode).map_err(failed)?;
        Ok(Self { inner, frames: 0 })
    }

    fn loudness_lufs(&self) -> Result<Option<f64>, IngestError> {
        let loudness = self.inner.loudness_global().map_err(failed)?;
        Ok(loudness.is_finite().then_some(loudness))
    }

    pub fn finish_loudness(self) -> Result<Option<f64>, IngestError> {
        self.loudness_lufs()
    }

    pub fn push(&mut self, frames: &[f32]) -> Result<(), IngestError> {
        self.frames += frames.len() as u64;
        self.inner.add_frames_f32(frames).map_err(failed)
    }

    pub fn finish(self) -> Result<Measured, IngestError> {
        let peak = self.inner.true_peak(0).map_err(failed)?;
        Ok(Measured {
            frames: self.frames,
            loudness_lufs: self.loudness_lufs()?,
            true_peak_dbtp: (20.0 * peak.log10()).max(SILENCE_DBTP),
        })
    }
}

fn failed(error: ebur128::Error) -> IngestError {
    IngestError::Encode {
        detail: format!("measuring loudness: {error}"),
    }
}

pub(super) fn linear(db: f64) -> f32 {
    10_f64.powf(db / 20.0) as f32
}
