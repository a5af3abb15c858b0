//! Choosing the track to listen to and the codec for it; what may be decoded at all.

use std::io::ErrorKind;
use std::sync::LazyLock;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known as codecs;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatReader, Track, TrackType};

use super::DecodeError;
use super::opus::{OpusAdapter, OpusHead};

/// What no recorder makes on purpose is refused.
const MAX_CHANNELS: usize = 8;
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut registry);
    registry.register_audio_decoder::<OpusAdapter>();
    registry
});

#[derive(Debug, Clone, Default)]
pub(super) struct TrackFacts {
    pub id: u32,
    /// Of its time stamps; `None` when they are no whole fraction of a second.
    pub ticks_per_s: Option<u32>,
    pub num_frames: Option<u64>,
    /// Duration in seconds for containers that count in other ticks than frames.
    pub duration_s: Option<f64>,
    /// Frames of an Opus track to drop at the start; its presence tells an Opus track.
    pub pre_skip: Option<u64>,
    pub is_aac: bool,
}

pub(super) type ChosenTrack = (TrackFacts, AudioCodecParameters, Box<dyn AudioDecoder>);

pub(super) fn choose_track(format: &dyn FormatReader) -> Result<ChosenTrack, DecodeError> {
    let track = format
        .default_track(TrackType::Audio)
        .or_else(|| format.first_track(TrackType::Audio));
    let Some((track, params)) = track.and_then(|track| match &track.codec_params {
        Some(CodecParameters::Audio(params)) => Some((track, params)),
        _ => None,
    }) else {
        return Err(DecodeError::unsupported("no sound track that we know"));
    };
    if let Some(rate) = params.sample_rate {
        check_shape(rate, 1)?;
    }
    if let Some(channels) = &params.channels {
        check_shape(*RATES.start(), channels.count())?;
    }
    let codec = CODECS
        .make_audio_decoder(params, &AudioDecoderOptions::default())
        .map_err(while_decoding)?;
    Ok((TrackFacts::of(track, params, format), params.clone(), codec))
}

impl TrackFacts {
    fn of(track: &Track, params: &AudioCodecParameters, format: &dyn FormatReader) -> Self {
        let opus = (params.codec == codecs::CODEC_ID_OPUS)
            .then(|| params.extra_data.as_deref().and_then(OpusHead::parse))
            .flatten();
        let info = format.media_info();
        let duration_s = info
            .time_base
            .zip(info.duration)
            .and_then(|(base, duration)| base.calc_duration(duration))
            .map(|time| time.as_secs_f64())
            .filter(|&seconds| seconds > 0.0);
        Self {
            id: track.id,
            ticks_per_s: track
                .time_base
                .filter(|base| base.numer.get() == 1)
                .map(|base| base.denom.get()),
            num_frames: track.num_frames,
            duration_s,
            pre_skip: opus.map(|head| u64::from(head.pre_skip)),
            is_aac: params.codec == codecs::CODEC_ID_AAC,
        }
    }
}

pub(super) fn check_shape(rate: u32, channels: usize) -> Result<(), DecodeError> {
    if !RATES.contains(&rate) {
        return Err(DecodeError::unsupported(format!("a rate of {rate} Hz")));
    }
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return Err(DecodeError::unsupported(format!("{channels} channels")));
    }
    Ok(())
}

pub(super) fn while_decoding(error: Error) -> DecodeError {
    match error {
        Error::IoError(io) if io.kind() == ErrorKind::UnexpectedEof => DecodeError::Truncated,
        // The parsers make errors of this kind too, such as "end of bitstream"; only the system's have a number.
        Error::IoError(io) if io.raw_os_error().is_some() => DecodeError::Io(io),
        Error::Unsupported(what) => {
            // "crate (part): reason": only the reason helps whoever sent the file.
            DecodeError::unsupported(what.rsplit(": ").next().unwrap_or(what))
        }
        other => DecodeError::broken(other.to_string()),
    }
}
