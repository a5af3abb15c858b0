//! Makes canonical content from an upload: mono 48 kHz Ogg Opus at one loudness, so that every pole sounds alike.
//!
//! The file is streamed through several times and never held: once to measure, up to three times more where the
//! limiter will bite (to learn what it costs in loudness), once to encode, and once to decode and measure the result itself.

mod encode;
mod loudness;
mod part;
mod partial;

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::limiter::Limiter;
use crate::{DecodeError, Decoder, Limits, Resampled, SAMPLE_RATE};
use encode::OpusWriter;
use loudness::{Measured, Meter, linear};
use partial::Partial;

pub use part::Part;

/// The integrated loudness every bulletin is brought to (EBU R128 s1 uses -16 for speech on small devices).
pub const TARGET_LUFS: f64 = -16.0;
/// What no true peak of the decoded content exceeds.
pub const CEILING_DBTP: f64 = -1.0;
/// A whisper is not turned up by more than this: behind it is only noise.
const MAX_GAIN_DB: f64 = 30.0;
/// The codec lets peaks grow again; the limiter leaves it this much room at first.
const FIRST_HEADROOM_DB: f64 = 1.5;
/// What it exceeds that room by is taken off the whole, up to this; more is limited and encoded again.
const MAX_TRIM_DB: f64 = 0.75;
const MAX_ATTEMPTS: u32 = 3;

/// What the canonical content is, measured on itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Canonical {
    /// The content's name.
    pub sha256: [u8; 32],
    pub bytes: u64,
    pub duration_ms: u64,
    /// Integrated loudness of the upload; `None` for silence and for less than 0.4 s.
    pub loudness_in_lufs: Option<f64>,
    /// Integrated loudness of the content; within 1 LU of [`TARGET_LUFS`] unless the material is very peaky or very quiet.
    pub loudness_lufs: Option<f64>,
    /// True peak of the content, at most [`CEILING_DBTP`]; -120 for silence.
    pub true_peak_dbtp: f64,
    /// What came in, in words: "AAC in MP4, 44100 Hz, stereo".
    pub format_in: String,
}

/// Why an upload did not become content.
#[derive(Debug, Error)]
pub enum IngestError {
    /// The file is at fault, and its sender can do something.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("the sound could not be encoded ({detail}); report this with the file")]
    Encode { detail: String },
    #[error(
        "the content could not be written ({0}); check the free space and the rights of the folder"
    )]
    Write(#[source] std::io::Error),
}

/// Reads `input`, writes canonical content to `output`, and tells what it is.
///
/// `output` appears whole and synced to disk, or not at all; an older file of that name is replaced. `hint` is the
/// extension of the name under which the upload was sent.
///
/// # Errors
/// The sender's fault as [`IngestError::Decode`], ours as the rest. Nothing is left behind after any.
pub fn canonicalise(
    input: &Path,
    hint: Option<&str>,
    output: &Path,
    limits: Limits,
) -> Result<Canonical, IngestError> {
    at_path(&[Part::open(input, hint)?], output, limits)
}

/// The pause between two sounds that are [joined](join), in milliseconds.
pub const JOIN_PAUSE_MS: u64 = 400;
const PAUSE_FRAMES: usize = JOIN_PAUSE_MS as usize * (SAMPLE_RATE as usize / 1_000);

/// As [`canonicalise`], of several sounds one after the other with a short pause between them. Each should have its
/// loudness already: they are turned up or down together. `limits` are for each.
///
/// # Errors
/// As [`canonicalise`].
pub fn join(inputs: &[&Path], output: &Path, limits: Limits) -> Result<Canonical, IngestError> {
    let parts: Result<Vec<Part>, DecodeError> =
        inputs.iter().map(|path| Part::open(path, None)).collect();
    at_path(&parts?, output, limits)
}

fn at_path(parts: &[Part], output: &Path, limits: Limits) -> Result<Canonical, IngestError> {
    let partial = Partial::beside(output).map_err(IngestError::Write)?;
    let canonical = canonicalise_into(parts, partial.file(), limits)?;
    partial.become_final(output).map_err(IngestError::Write)?;
    Ok(canonical)
}

/// As [`join`], from files and into a file that are open already: for a process that may open none. What stood in `output` is
/// written over; after an error, anything may stand there.
///
/// # Errors
/// As [`canonicalise`].
pub fn canonicalise_into(
    parts: &[Part],
    output: &Arc<File>,
    limits: Limits,
) -> Result<Canonical, IngestError> {
    let upload = Upload { parts, limits };
    let mut file: &File = output;
    let (before, format_in) = upload.measure()?;
    let wanted_gain_db = gain_for(before.loudness_lufs);
    let mut headroom_db = FIRST_HEADROOM_DB;
    let mut attempt = 1;
    loop {
        let ceiling_db = CEILING_DBTP - headroom_db;
        let gain_db = upload.gain_with_limiter(&before, wanted_gain_db, ceiling_db)?;
        file.set_len(0).map_err(IngestError::Write)?;
        file.seek(SeekFrom::Start(0)).map_err(IngestError::Write)?;
        let pre_skip = upload.encode(file, gain_db, ceiling_db)?;
        let mut after = measure_content(output)?;
        let excess_db = after.true_peak_dbtp - CEILING_DBTP;
        if excess_db > MAX_TRIM_DB && attempt < MAX_ATTEMPTS {
            attempt += 1;
            headroom_db += excess_db;
            continue;
        }
        if excess_db > 0.0 {
            // Rounded up to the next step of the head's gain, and one more for the rounding of the meter.
            let steps = (excess_db * 256.0).ceil() as i16 + 1;
            encode::set_output_gain(&mut file, pre_skip, -steps).map_err(IngestError::Write)?;
            after = after.turned_by(-f64::from(steps) / 256.0);
        }
        let (sha256, bytes) = digest(file).map_err(IngestError::Write)?;
        return Ok(Canonical {
            sha256,
            bytes,
            duration_ms: (after.frames + 24) / 48,
            loudness_in_lufs: before.loudness_lufs,
            loudness_lufs: after.loudness_lufs,
            true_peak_dbtp: after.true_peak_dbtp,
            format_in,
        });
    }
}

fn gain_for(loudness_lufs: Option<f64>) -> f64 {
    // Without a loudness (silence, a click) there is nothing to aim with.
    loudness_lufs.map_or(0.0, |lufs| (TARGET_LUFS - lufs).min(MAX_GAIN_DB))
}

struct Upload<'a> {
    parts: &'a [Part],
    limits: Limits,
}

impl Upload<'_> {
    /// Gives the sound of all parts block by block, and says what came in: in words, each kind once.
    fn each_block(
        &self,
        mut each: impl FnMut(&[f32]) -> Result<(), IngestError>,
    ) -> Result<String, IngestError> {
        let mut formats: Vec<String> = Vec::new();
        for (n, part) in self.parts.iter().enumerate() {
            if n > 0 {
                each(&vec![0.0; PAUSE_FRAMES])?;
            }
            let decoder = Decoder::open(part.source(), part.hint(), self.limits)?;
            let mut sound = Resampled::new(decoder)?;
            while let Some(block) = sound.next_block()? {
                each(block)?;
            }
            let format = sound.decoder().description().to_owned();
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        Ok(formats.join(", "))
    }

    fn measure(&self) -> Result<(Measured, String), IngestError> {
        let mut meter = Meter::new()?;
        let format = self.each_block(|block| meter.push(block))?;
        Ok((meter.finish()?, format))
    }

    /// Streams the upload through gain and limiter.
    fn limited(
        &self,
        gain_db: f64,
        ceiling_db: f64,
        mut each: impl FnMut(&[f32]) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let mut limiter = Limiter::new(linear(gain_db), linear(ceiling_db));
        let mut out = Vec::new();
        self.each_block(|block| {
            out.clear();
            limiter.push(block, &mut out);
            each(&out)
        })?;
        out.clear();
        limiter.finish(&mut out);
        each(&out)
    }

    /// The gain that is as loud as wanted behind the limiter. The limiter bites more the more it is fed, so this is
    /// found in steps, few and bounded: what is left of the difference belongs to the peaks.
    fn gain_with_limiter(
        &self,
        before: &Measured,
        wanted_gain_db: f64,
        ceiling_db: f64,
    ) -> Result<f64, IngestError> {
        const STEPS: usize = 3;
        const MOST_DB: f64 = 4.0;
        const CLOSE_ENOUGH_DB: f64 = 0.3;
        let Some(before_lufs) = before.loudness_lufs else {
            return Ok(wanted_gain_db);
        };
        let wanted_lufs = before_lufs + wanted_gain_db;
        let mut gain_db = wanted_gain_db;
        for _ in 0..STEPS {
            if before.true_peak_dbtp + gain_db <= ceiling_db {
                break;
            }
            let mut meter = Meter::of_loudness()?;
            self.limited(gain_db, ceiling_db, |block| meter.push(block))?;
            let missing_db = wanted_lufs - meter.finish_loudness()?.unwrap_or(wanted_lufs);
            if missing_db < CLOSE_ENOUGH_DB {
                break;
            }
            gain_db = (gain_db + missing_db).min(wanted_gain_db + MOST_DB);
        }
        Ok(gain_db)
    }

    fn encode(&self, output: &File, gain_db: f64, ceiling_db: f64) -> Result<u16, IngestError> {
        let mut writer = OpusWriter::new(BufWriter::new(output))?;
        self.limited(gain_db, ceiling_db, |block| writer.push(block))?;
        writer.finish()
    }
}

/// Decodes what was just written, as a pole will: the proof that it can be played, and its true figures.
fn measure_content(content: &Arc<File>) -> Result<Measured, IngestError> {
    let no_limits = Limits {
        max_bytes: u64::MAX,
        max_duration_s: u32::MAX,
    };
    let ours = |error: DecodeError| IngestError::Encode {
        detail: format!("the content does not decode: {error}"),
    };
    let mut file: &File = content;
    let length = file.seek(SeekFrom::End(0)).map_err(IngestError::Write)?;
    let source = Part::of(content.clone(), 0, length, None).source();
    let mut content = Decoder::open(source, Some("opus"), no_limits).map_err(ours)?;
    let mut meter = Meter::new()?;
    while let Some(block) = content.next_block().map_err(ours)? {
        meter.push(block)?;
    }
    meter.finish()
}

fn digest(mut file: &File) -> std::io::Result<([u8; 32], u64)> {
    file.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hash.finalize().into(), bytes)),
            read => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}
