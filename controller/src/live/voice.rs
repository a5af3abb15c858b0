//! From what a phone sends to frames for the air: Opus is looked at and passed on, samples are encoded here.

use bytes::Bytes;
use loa_audio::live::{FrameEncoder, Kind, PHONE_FRAME, Upsampler, is_one_frame};

/// 20 ms from a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    Opus(Bytes),
    /// 16 kHz, little endian.
    Samples(Bytes),
}

impl Spoken {
    /// Can this be 20 ms at all?
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Opus(frame) => is_one_frame(frame),
            Self::Samples(bytes) => bytes.len() == 2 * PHONE_FRAME,
        }
    }
}

/// One call's; makes an encoder when it needs one.
#[derive(Debug, Default)]
pub struct Voice {
    samples: Option<(Upsampler, FrameEncoder)>,
}

impl Voice {
    /// The Opus frame. `None`: it cannot be made, which is logged.
    pub fn frame(&mut self, spoken: &Spoken) -> Option<Bytes> {
        match spoken {
            Spoken::Opus(frame) => Some(frame.clone()),
            Spoken::Samples(bytes) => self
                .encode(bytes)
                .inspect_err(|error| tracing::warn!(%error, "a frame was not encoded"))
                .ok(),
        }
    }

    fn encode(&mut self, bytes: &[u8]) -> Result<Bytes, String> {
        let (upsampler, encoder) = match &mut self.samples {
            Some(both) => both,
            empty => empty.insert((Upsampler::default(), FrameEncoder::new(Kind::Voice)?)),
        };
        let mut frame = [0; PHONE_FRAME];
        for (sample, pair) in frame.iter_mut().zip(bytes.chunks_exact(2)) {
            *sample = i16::from_le_bytes([pair[0], pair[1]]);
        }
        let frame = encoder.encode(&upsampler.push(&frame))?;
        Ok(Bytes::copy_from_slice(frame))
    }
}
