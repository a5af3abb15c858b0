//! Another station's programme as it comes: endless, from anywhere, and as loud as it likes. Out comes mono at
//! [`SAMPLE_RATE`](crate::SAMPLE_RATE) at a steady level.

mod level;
mod ts;

use std::io::Read;

pub use level::Leveller;
pub use ts::TsAudio;
pub(crate) use ts::ts_begins;

pub use crate::decode::Kinds;

use crate::{DecodeError, decode::LiveDecoder};

/// Whatever a station's bytes come from.
pub type Source = Box<dyn Read + Send + Sync>;

/// A station's bytes, decoded and levelled.
#[derive(Debug)]
pub struct Programme {
    decoder: LiveDecoder,
    leveller: Leveller,
    out: Vec<f32>,
}

impl Programme {
    /// Waits for the first of it.
    ///
    /// # Errors
    /// It is no sound, or of a kind that cannot be read.
    pub fn open(source: Source, kinds: Kinds) -> Result<Self, DecodeError> {
        Ok(Self {
            decoder: LiveDecoder::open(source, kinds)?,
            leveller: Leveller::new(),
            out: Vec::new(),
        })
    }

    /// What it is in words, once the first of it came out.
    pub fn description(&self) -> &str {
        self.decoder.description()
    }

    /// How loud it comes, in LUFS over the last three seconds; `None`: silence.
    pub fn loudness_lufs(&self) -> Option<f32> {
        self.leveller.loudness_lufs()
    }

    /// The next frames, never an empty slice; `None` at its end.
    ///
    /// # Errors
    /// It makes no sense any more.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, DecodeError> {
        self.out.clear();
        while self.out.is_empty() {
            let Some(block) = self.decoder.next_block()? else {
                return Ok(None);
            };
            self.leveller.push(block, &mut self.out);
        }
        Ok(Some(&self.out))
    }
}
