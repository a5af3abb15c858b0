//! Reading any accepted sound file, block by block, within limits, whatever its bytes are.
//!
//! MP3, AAC (MP4, fragmented MP4, ADTS), Opus (Ogg, WebM, MP4), Vorbis, FLAC, WAV. Encoder delay and padding
//! are cut where the file tells them, so that what comes out lines up with what was recorded.

mod error;
mod guard;
mod live;
mod mp4;
mod opus;
mod reader;
mod sniff;
mod track;
mod webm;

use std::fmt;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;

pub use error::DecodeError;
pub(crate) use guard::guarded;
pub use live::{Kinds, LiveDecoder};
pub(crate) use opus::packet_frames;
pub use symphonia::core::io::MediaSource;

use mp4::Mp4Facts;
use reader::Reader;
use sniff::Container;

/// What a file may cost before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub max_bytes: u64,
    /// Bound on decoded sound, so also on the work a small file can cause.
    pub max_duration_s: u32,
}

impl Default for Limits {
    /// 200 MiB and one hour.
    fn default() -> Self {
        Self {
            max_bytes: 200 * 1024 * 1024,
            max_duration_s: 3600,
        }
    }
}

/// An open sound file. Gives mono frames at [`Decoder::sample_rate`]; memory does not grow with the file.
///
/// After an error the decoder has nothing more to give: it answers [`DecodeError::Broken`].
pub struct Decoder {
    reader: Option<Reader>,
    limits: Limits,
    rate: u32,
    /// Raw frames before the first audible one, and how many are audible, if the file says.
    lead_in: u64,
    audible: Option<u64>,
    duration_ms_hint: Option<u64>,
    description: String,
    block: Vec<f32>,
    /// Where `block` starts, if it was decoded and not given out yet: the block read at opening, or none.
    pending: Option<u64>,
    /// Audible frame below which everything is dropped: the target of a seek.
    wanted: u64,
    /// The audible frame that comes out next.
    position: u64,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("format", &self.description)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// Opens a file. `hint_extension` (of the name it was sent under, without the dot) only helps to find the first
    /// frame of an MP3 or AAC stream; the bytes decide.
    ///
    /// # Errors
    /// Every variant of [`DecodeError`] but `TooLong`.
    pub fn open(
        mut source: Box<dyn MediaSource>,
        hint_extension: Option<&str>,
        limits: Limits,
    ) -> Result<Self, DecodeError> {
        let bytes = source
            .byte_len()
            .filter(|_| source.is_seekable())
            .ok_or_else(|| std::io::Error::other("not a plain file"))?;
        if bytes == 0 {
            return Err(DecodeError::Empty);
        }
        if bytes > limits.max_bytes {
            return Err(DecodeError::TooLarge {
                limit_bytes: limits.max_bytes,
            });
        }
        guarded(|| {
            let sniffed = sniff::sniff(source.as_mut(), hint_extension)?;
            let mp4 = match sniffed.container {
                Container::Mp4 => mp4::scan(source.as_mut(), bytes)?,
                _ => Mp4Facts::default(),
            };
            let cut_off = match sniffed.container {
                Container::Mp4 => mp4.cut_off || !mp4.indexed,
                Container::Webm => webm::is_cut_off(source.as_mut(), bytes)?,
                _ => false,
            };
            if cut_off {
                return Err(DecodeError::Truncated);
            }
            Self::first_block(Reader::open(source, sniffed, mp4)?, limits)
        })
    }

    /// Opens a file on disk; its extension is the hint.
    ///
    /// # Errors
    /// As [`Decoder::open`].
    pub fn open_path(path: &Path, limits: Limits) -> Result<Self, DecodeError> {
        let hint = path.extension().and_then(|extension| extension.to_str());
        Self::open(Box::new(File::open(path)?), hint, limits)
    }

    /// The rate and shape of a file are believed only once they have been decoded.
    fn first_block(mut reader: Reader, limits: Limits) -> Result<Self, DecodeError> {
        let mut block = Vec::new();
        let pending = reader.next(&mut block)?;
        let (Some(at), Some(rate)) = (pending, reader.rate()) else {
            return Err(DecodeError::Empty);
        };
        let lead_in = reader.lead_in();
        let audible = reader.audible_frames();
        let frames = audible.or_else(|| Some(reader.frames_hint()?.saturating_sub(lead_in)));
        Ok(Self {
            description: reader.describe(),
            reader: Some(reader),
            limits,
            rate,
            lead_in,
            audible,
            duration_ms_hint: frames.map(|frames| frames_to_ms(frames, rate)),
            block,
            pending: Some(at),
            wanted: 0,
            position: 0,
        })
    }

    /// Frames per second of what comes out, 8,000 to 192,000.
    pub fn sample_rate(&self) -> u32 {
        self.rate
    }

    /// The file's kind in words, such as "AAC in MP4, 44100 Hz, stereo".
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What the file says of its length, if anything; it may be wrong.
    pub fn duration_ms_hint(&self) -> Option<u64> {
        self.duration_ms_hint
    }

    /// The frame that the next block starts with, counted from the first audible one.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next mono frames, never an empty slice; `None` at the end.
    ///
    /// # Errors
    /// `Truncated` at the end of a file that promised more, `TooLong` at the limit, else what broke.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, DecodeError> {
        let range = guarded(|| self.advance()).inspect_err(|_| self.reader = None)?;
        Ok(range.map(|(from, to)| &self.block[from..to]))
    }

    /// Continues at `ms` milliseconds, exact to the frame; beyond the end nothing more comes out.
    ///
    /// # Errors
    /// As [`Decoder::next_block`].
    pub fn seek_ms(&mut self, ms: u64) -> Result<(), DecodeError> {
        let frame = u128::from(ms) * u128::from(self.rate) / 1000;
        self.seek_frame(u64::try_from(frame).unwrap_or(u64::MAX))
    }

    /// Continues at audible frame `frame` of [`Decoder::sample_rate`].
    ///
    /// # Errors
    /// As [`Decoder::next_block`].
    pub fn seek_frame(&mut self, frame: u64) -> Result<(), DecodeError> {
        self.wanted = frame;
        self.position = frame;
        self.pending = None;
        let mut reader = self.reader.take().ok_or_else(used_up)?;
        let target = frame.saturating_add(self.lead_in);
        self.reader = Some(guarded(|| {
            if reader.seek(target) {
                Ok(reader)
            } else {
                reader.rewind()
            }
        })?);
        Ok(())
    }

    /// Decodes until there is something audible; gives its range in `block`.
    fn advance(&mut self) -> Result<Option<(usize, usize)>, DecodeError> {
        let reader = self.reader.as_mut().ok_or_else(used_up)?;
        let limit = u64::from(self.limits.max_duration_s) * u64::from(self.rate);
        loop {
            let at = match self.pending.take() {
                Some(at) => at,
                None => match reader.next(&mut self.block)? {
                    Some(at) => at,
                    None => return Ok(None),
                },
            };
            let raw_end = at + self.block.len() as u64;
            let from = self.lead_in.saturating_add(self.wanted).max(at);
            let audible_end = self
                .audible
                .map_or(u64::MAX, |audible| self.lead_in.saturating_add(audible));
            let to = raw_end.min(audible_end);
            if to > self.lead_in.saturating_add(limit) {
                return Err(DecodeError::TooLong {
                    limit_s: self.limits.max_duration_s,
                });
            }
            if from < to {
                self.position = to - self.lead_in;
                // Both lie inside the block, so they fit.
                return Ok(Some(((from - at) as usize, (to - at) as usize)));
            }
        }
    }
}

fn used_up() -> DecodeError {
    DecodeError::broken("decoding already failed")
}

fn frames_to_ms(frames: u64, rate: u32) -> u64 {
    let ms = (u128::from(frames) * 1000 + u128::from(rate) / 2) / u128::from(rate);
    u64::try_from(ms).unwrap_or(u64::MAX)
}

/// Decodes any bytes under small limits, seeks once, and tells how many frames came out: the entry for fuzzing.
///
/// # Errors
/// What a person would be told of these bytes. It never panics and always returns.
pub fn fuzz_one(bytes: &[u8], hint_extension: Option<&str>) -> Result<u64, DecodeError> {
    let limits = Limits {
        max_bytes: 4 * 1024 * 1024,
        max_duration_s: 30,
    };
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let mut decoder = Decoder::open(source, hint_extension, limits)?;
    let mut frames = 0;
    while let Some(block) = decoder.next_block()? {
        frames += block.len() as u64;
    }
    decoder.seek_frame(frames / 2)?;
    while decoder.next_block()?.is_some() {}
    Ok(frames)
}
