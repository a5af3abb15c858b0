//! Frames to sound: Opus, and what is made up where a frame is missing. First the coarse copy that the next frame may carry
//! (in-band FEC), else a continuation of what was (PLC), which fades to silence within 200 ms.

use opus_rs::OpusDecoder;

use super::FRAME;
use crate::{
    SAMPLE_RATE,
    decode::{DecodeError, guarded, packet_frames},
};

/// The gain changes by this a sample: 5 ms back to sound, 200 ms from made-up sound to silence.
const BACK: f32 = 1.0 / 240.0;
const AWAY: f32 = 1.0 / 9_600.0;

/// What a frame of sound is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    Frame,
    Concealed,
    Silence,
}

pub struct Voice {
    decoder: Option<OpusDecoder>,
    gain: f32,
}

impl std::fmt::Debug for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Voice").field("gain", &self.gain).finish()
    }
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            decoder: decoder(),
            gain: 0.0,
        }
    }
}

fn decoder() -> Option<OpusDecoder> {
    // It refuses only other rates.
    OpusDecoder::new(SAMPLE_RATE as i32, 1).ok()
}

/// Is this one frame of 20 ms?
pub fn is_frame(bytes: &[u8]) -> bool {
    packet_frames(bytes) == Some(FRAME)
}

impl Voice {
    pub fn frame(&mut self, bytes: &[u8], out: &mut [f32; FRAME]) -> Made {
        if self.decode(out, |decoder, out| decoder.decode(bytes, FRAME, out)) {
            self.fade(1.0, BACK, out);
            return Made::Frame;
        }
        self.missing(None, out)
    }

    /// In place of a frame that is not there; `next` is the one after it.
    pub fn missing(&mut self, next: Option<&[u8]>, out: &mut [f32; FRAME]) -> Made {
        if self.gain <= 0.0 && next.is_none() {
            out.fill(0.0);
            return Made::Silence;
        }
        let is_made = self.decode(out, |decoder, out| match next {
            Some(next) => decoder.decode_fec(next, FRAME, out),
            None => decoder.decode(&[], FRAME, out),
        });
        if !is_made {
            out.fill(0.0);
            self.gain = 0.0;
            return Made::Silence;
        }
        match next {
            Some(_) => self.fade(1.0, BACK, out),
            None => self.fade(0.0, AWAY, out),
        }
        Made::Concealed
    }

    /// A decoder that breaks over what was sent is thrown away.
    fn decode(
        &mut self,
        out: &mut [f32; FRAME],
        work: impl FnOnce(&mut OpusDecoder, &mut [f32]) -> Result<usize, &'static str>,
    ) -> bool {
        let Some(decoder) = &mut self.decoder else {
            return false;
        };
        match guarded(|| work(decoder, out).map_err(DecodeError::broken)) {
            Ok(samples) => {
                let is_sound = out.iter().all(|sample| sample.is_finite());
                samples == FRAME && is_sound
            }
            Err(_) => {
                self.decoder = self::decoder();
                false
            }
        }
    }

    fn fade(&mut self, to: f32, step: f32, out: &mut [f32; FRAME]) {
        for sample in out {
            self.gain += (to - self.gain).clamp(-step, step);
            // Whatever was sent is no louder than full scale.
            *sample = sample.clamp(-1.0, 1.0) * self.gain;
        }
    }
}
