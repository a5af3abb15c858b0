//! Opus for symphonia, which has none of its own: one packet in, one block of 48 kHz frames out.

use opus_rs::OpusDecoder;
use symphonia::core::audio::{
    AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, Channels, GenericAudioBufferRef,
    Position,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::codecs::registry::{RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::errors::{Result, decode_error, unsupported_error};
use symphonia::core::packet::PacketRef;

/// Opus always decodes at this rate, whatever was recorded.
const RATE: u32 = 48_000;

/// What an `OpusHead` says (RFC 7845 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpusHead {
    pub channels: u8,
    /// Frames at 48 kHz to drop at the start.
    pub pre_skip: u16,
    /// Gain to apply, in 1/256 dB.
    gain_q8_db: i16,
    mapping_family: u8,
}

impl OpusHead {
    pub fn parse(head: &[u8]) -> Option<Self> {
        let head: &[u8; 19] = head.get(..19)?.try_into().ok()?;
        head.starts_with(b"OpusHead").then_some(Self {
            channels: head[9],
            pre_skip: u16::from_le_bytes([head[10], head[11]]),
            gain_q8_db: i16::from_le_bytes([head[16], head[17]]),
            mapping_family: head[18],
        })
    }

    fn gain(&self) -> f32 {
        10_f32.powf(f32::from(self.gain_q8_db) / (20.0 * 256.0))
    }
}

pub(super) struct OpusAdapter {
    params: AudioCodecParameters,
    channels: usize,
    gain: f32,
    decoder: Box<OpusDecoder>,
    interleaved: Vec<f32>,
    block: AudioBuffer<f32>,
}

/// The longest packet: 120 ms (RFC 6716 section 3.2.5).
const MAX_PACKET_FRAMES: usize = 5760;

fn new_decoder(channels: usize) -> Result<Box<OpusDecoder>> {
    match OpusDecoder::new(RATE as i32, channels) {
        Ok(decoder) => Ok(Box::new(decoder)),
        Err(reason) => unsupported_error(reason),
    }
}

impl OpusAdapter {
    fn decode_packet(&mut self, packet: &PacketRef<'_>) -> Result<()> {
        let Some(frames) = packet_frames(packet.data) else {
            return decode_error("opus: packet without a valid length");
        };
        let pcm = &mut self.interleaved[..frames * self.channels];
        let decoded = match self.decoder.decode(packet.data, frames, pcm) {
            Ok(decoded) => decoded.min(frames),
            Err(reason) => return decode_error(reason),
        };
        self.block.render_uninit(Some(decoded));
        for channel in 0..self.channels {
            let plane = self.block.plane_mut(channel).unwrap_or_default();
            let samples = pcm.iter().skip(channel).step_by(self.channels);
            for (out, sample) in plane.iter_mut().zip(samples) {
                *out = sample * self.gain;
            }
        }
        let ticks = |trim: u64| usize::try_from(trim).unwrap_or(usize::MAX);
        self.block
            .trim(ticks(packet.trim_start.get()), ticks(packet.trim_end.get()));
        Ok(())
    }
}

impl AudioDecoder for OpusAdapter {
    fn reset(&mut self) {
        // The crate has no reset; a new decoder is 175 KB of zeros, once per seek.
        if let Ok(decoder) = new_decoder(self.channels) {
            self.decoder = decoder;
        }
    }

    fn codec_info(&self) -> &CodecInfo {
        &Self::supported_codecs()[0].info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.block.clear();
        self.decode_packet(packet)?;
        Ok(self.block.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.block.as_generic_audio_buffer_ref()
    }
}

impl RegisterableAudioDecoder for OpusAdapter {
    fn try_registry_new(
        params: &AudioCodecParameters,
        _options: &AudioDecoderOptions,
    ) -> Result<Box<dyn AudioDecoder>> {
        let head = params.extra_data.as_deref().and_then(OpusHead::parse);
        let Some(head) = head else {
            return decode_error("opus: no identification header");
        };
        if !(1..=2).contains(&head.channels) || head.mapping_family > 1 {
            return unsupported_error("Opus with more than two channels");
        }
        let channels = usize::from(head.channels);
        let positions = match head.channels {
            1 => Position::FRONT_LEFT,
            _ => Position::FRONT_LEFT | Position::FRONT_RIGHT,
        };
        let spec = AudioSpec::new(RATE, Channels::Positioned(positions));
        Ok(Box::new(Self {
            params: params.clone(),
            channels,
            gain: head.gain(),
            decoder: new_decoder(channels)?,
            interleaved: vec![0.0; MAX_PACKET_FRAMES * channels],
            block: AudioBuffer::new(spec, MAX_PACKET_FRAMES),
        }))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        const CODECS: [SupportedAudioCodec; 1] = [SupportedAudioCodec {
            id: CODEC_ID_OPUS,
            info: CodecInfo {
                short_name: "opus",
                long_name: "Opus (RFC 6716)",
                profiles: &[],
            },
        }];
        &CODECS
    }
}

/// How many 48 kHz frames a packet holds, from its first two bytes (RFC 6716 sections 3.1 and 3.2).
pub(crate) fn packet_frames(packet: &[u8]) -> Option<usize> {
    const QUARTER_MS: usize = RATE as usize / 4000;
    let toc = *packet.first()?;
    let frame = QUARTER_MS
        * match toc >> 3 {
            config @ 0..12 => [40, 80, 160, 240][usize::from(config & 3)],
            config @ 12..16 => [40, 80][usize::from(config & 1)],
            config => [10, 20, 40, 80][usize::from(config & 3)],
        };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(packet.get(1)? & 0x3f),
    };
    Some(frame * count).filter(|frames| (1..=MAX_PACKET_FRAMES).contains(frames))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_tells_its_length() {
        assert_eq!(packet_frames(&[0x78, 0]), Some(960), "20 ms hybrid");
        assert_eq!(packet_frames(&[0xe0, 0]), Some(120), "2.5 ms");
        assert_eq!(packet_frames(&[0x1b, 2]), Some(5760), "two of 60 ms");
        assert_eq!(packet_frames(&[0x1b, 3]), None, "more than 120 ms");
        assert_eq!(packet_frames(&[]), None);
    }

    #[test]
    fn the_head_tells_skip_and_gain() {
        let head = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\x00\xfa\x00";
        let parsed = OpusHead::parse(head).expect("a head");
        assert_eq!((parsed.channels, parsed.pre_skip), (1, 312));
        assert!((parsed.gain() - 0.501).abs() < 0.001, "{}", parsed.gain());
        assert_eq!(OpusHead::parse(b"OpusTags"), None);
    }
}
