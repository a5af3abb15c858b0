//! Makes live frames: speech or music, 20 ms at a time, with what a decoder needs to make up for a lost one.

use ropus::{Application, Bitrate, Channels, Encoder, InbandFec, Signal};

use super::FRAME;
use crate::SAMPLE_RATE;

/// More than the longest frame at the highest rate.
const MAX_FRAME_BYTES: usize = 1_275;
/// Frames of a hundred that are expected not to come: what the coarse copies are worth to the encoder. Fewer, and it
/// makes none at this bit rate.
const EXPECTED_LOSS: u8 = 10;

/// What is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A voice: 24 kbit/s, and each frame carries a coarse copy of the one before (RFC 6716 section 2.1.7).
    Voice,
    /// Another station's programme: 32 kbit/s.
    Music,
}

/// One stream's encoder.
pub struct FrameEncoder {
    encoder: Encoder,
    out: Vec<u8>,
}

impl std::fmt::Debug for FrameEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameEncoder").finish_non_exhaustive()
    }
}

impl FrameEncoder {
    /// # Errors
    /// Why there is none, in words.
    pub fn new(kind: Kind) -> Result<Self, String> {
        let (application, signal, bits) = match kind {
            Kind::Voice => (Application::Voip, Signal::Voice, 24_000),
            Kind::Music => (Application::Audio, Signal::Music, 32_000),
        };
        let encoder = Encoder::builder(SAMPLE_RATE, Channels::Mono, application)
            .bitrate(Bitrate::Bits(bits))
            .vbr(true)
            .signal(signal)
            .complexity(7)
            .inband_fec(match kind {
                Kind::Voice => InbandFec::Enabled,
                // It would cost music its upper half.
                Kind::Music => InbandFec::Disabled,
            })
            .packet_loss_perc(EXPECTED_LOSS)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            encoder,
            out: vec![0; MAX_FRAME_BYTES],
        })
    }

    /// One frame of exactly [`FRAME`] samples.
    ///
    /// # Errors
    /// When the encoder refuses it, in words.
    pub fn encode(&mut self, samples: &[f32; FRAME]) -> Result<&[u8], String> {
        let bytes = self
            .encoder
            .encode_float(samples, &mut self.out)
            .map_err(|error| error.to_string())?;
        Ok(&self.out[..bytes])
    }
}
