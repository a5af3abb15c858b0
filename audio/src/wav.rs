//! Mono WAV files: what a software output sounded, and the material of tests.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use thiserror::Error;

/// Why a WAV file could not be written or read.
#[derive(Debug, Error)]
#[error("WAV file: {0}; check that the disk has room and that the file may be written")]
pub struct WavError(#[from] hound::Error);

/// Writes mono 16-bit frames as they come. Dropping it leaves a valid file; [`MonoWriter::finish`] tells of errors.
pub struct MonoWriter {
    writer: WavWriter<BufWriter<File>>,
}

impl std::fmt::Debug for MonoWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MonoWriter")
            .field("frames", &self.writer.duration())
            .finish()
    }
}

impl MonoWriter {
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path, sample_rate: u32) -> Result<Self, WavError> {
        let spec = WavSpec {
            channels: 1,
            sample_rate,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        Ok(Self {
            writer: WavWriter::create(path, spec)?,
        })
    }

    /// Appends frames, full scale ±1.0; louder ones are clipped.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn push(&mut self, frames: &[f32]) -> Result<(), WavError> {
        for &frame in frames {
            self.writer.write_sample(to_s16(frame))?;
        }
        Ok(())
    }

    /// Writes what is buffered and the final lengths, and stays open.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn flush(&mut self) -> Result<(), WavError> {
        Ok(self.writer.flush()?)
    }

    /// # Errors
    /// When the disk is full.
    pub fn finish(self) -> Result<(), WavError> {
        Ok(self.writer.finalize()?)
    }
}

/// Writes all of `frames` into a new file.
///
/// # Errors
/// As [`MonoWriter`].
pub fn write_mono_s16(path: &Path, sample_rate: u32, frames: &[f32]) -> Result<(), WavError> {
    let mut writer = MonoWriter::create(path, sample_rate)?;
    writer.push(frames)?;
    writer.finish()
}

/// Reads a whole integer or float WAV, channels averaged: (rate in Hz, frames). For files of our own, not for uploads.
///
/// # Errors
/// When it is not a WAV file.
pub fn read_mono(path: &Path) -> Result<(u32, Vec<f32>), WavError> {
    let mut reader = WavReader::open(path)?;
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        SampleFormat::Int => {
            let full = (1_i64 << (spec.bits_per_sample - 1)) as f32;
            let scaled = reader.samples::<i32>().map(|s| s.map(|s| s as f32 / full));
            scaled.collect::<Result<_, _>>()?
        }
    };
    let channels = usize::from(spec.channels.max(1));
    let share = 1.0 / channels as f32;
    let mono = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().sum::<f32>() * share);
    Ok((spec.sample_rate, mono.collect()))
}

/// A frame as a 16-bit sample: rounded, clipped, the inverse of dividing by 32,768.
pub fn to_s16(frame: f32) -> i16 {
    (frame * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sounded_reads_back_to_the_last_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sounded.wav");
        let frames = [0.0, 0.5, -0.5, 1.5, -1.0, 1.0 / 32_768.0];
        write_mono_s16(&path, 48_000, &frames).expect("writes");
        let (rate, back) = read_mono(&path).expect("reads");
        assert_eq!(rate, 48_000);
        assert_eq!(
            back,
            [0.0, 0.5, -0.5, 32_767.0 / 32_768.0, -1.0, 1.0 / 32_768.0]
        );
    }
}
