//! Demuxer and codec of one file: gives raw blocks of mono frames with their place in the file.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use symphonia::core::codecs::audio::well_known as codecs;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::ProbeableFormat;
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;
use symphonia::default::formats as demuxers;

use super::DecodeError;
use super::mp4::Mp4Facts;
use super::sniff::{Container, Sniffed};
use super::track::{TrackFacts, check_shape, choose_track, while_decoding};

/// AAC frames before the first whole one: the first window has nothing to overlap with (ISO/IEC 14496-3).
const AAC_PRIMING_FRAMES: u64 = 1024;
/// The most silence an MP3 encoder adds at the end.
const MP3_PADDING_FRAMES: i64 = 4 * 1152;
/// Packets in a row that may fail or hold nothing before the file counts as broken.
const MAX_FRUITLESS_PACKETS: u32 = 500;
/// A length at or above this in a WAV header stands for "not known yet" (written to a pipe).
const STREAMED_WAV_BYTES: u64 = 0x7fff_0000;

/// What is fixed for a file once it is open.
#[derive(Debug, Clone)]
struct Plan {
    sniffed: Sniffed,
    mp4: Mp4Facts,
}

pub(super) struct Reader {
    plan: Plan,
    format: Box<dyn FormatReader>,
    codec: Box<dyn AudioDecoder>,
    codec_params: AudioCodecParameters,
    track: TrackFacts,
    /// Set by the first block; a file that changes its mind is refused.
    rate: Option<u32>,
    channels: usize,
    /// The raw frame that the next decoded block starts with.
    next_frame: u64,
    /// The time stamp of raw frame 0, in ticks.
    first_ticks: Option<i64>,
    /// After a seek, the place is taken from the next packet.
    place_unknown: bool,
    /// Frames of a further chain of an Ogg file still to drop.
    drop_frames: u64,
    chained: bool,
    at_end: bool,
    fruitless: u32,
    good_packets: u64,
    bad_packets: u64,
    interleaved: Vec<f32>,
}

/// Where a decoded block lies: its first raw frame.
pub(super) type RawFrame = u64;

impl Reader {
    pub fn open(
        mut source: Box<dyn MediaSource>,
        sniffed: Sniffed,
        mp4: Mp4Facts,
    ) -> Result<Self, DecodeError> {
        source.seek(SeekFrom::Start(0))?;
        let stream = MediaSourceStream::new(source, Default::default());
        Self::start(stream, Plan { sniffed, mp4 })
    }

    fn start(mut stream: MediaSourceStream<'static>, plan: Plan) -> Result<Self, DecodeError> {
        let container = plan.sniffed.container;
        stream.seek(SeekFrom::Start(plan.sniffed.start))?;
        if container == Container::Mp4 {
            // Its demuxer expects to stand behind the size of the first box, and steps back over it.
            stream.read_exact(&mut [0; 4])?;
        }
        let format = open_format(container, stream).map_err(while_decoding)?;
        let (track, codec_params, codec) = choose_track(format.as_ref())?;
        Ok(Self {
            plan,
            format,
            codec,
            codec_params,
            track,
            rate: None,
            channels: 0,
            next_frame: 0,
            first_ticks: None,
            place_unknown: false,
            drop_frames: 0,
            chained: false,
            at_end: false,
            fruitless: 0,
            good_packets: 0,
            bad_packets: 0,
            interleaved: Vec::new(),
        })
    }

    /// Begins again from the first frame.
    pub fn rewind(self) -> Result<Self, DecodeError> {
        Self::start(self.format.into_inner(), self.plan)
    }

    pub fn rate(&self) -> Option<u32> {
        self.rate
    }

    pub fn describe(&self) -> String {
        let container = match self.plan.sniffed.container {
            Container::Wav => " in WAV",
            Container::Ogg => " in Ogg",
            Container::Mp4 => " in MP4",
            Container::Webm => " in WebM",
            Container::Flac | Container::Mp3 | Container::Adts => "",
        };
        let rate = self.rate.unwrap_or_default();
        in_words(&self.codec_params, container, rate, self.channels)
    }

    /// Raw frames before the first that should be heard, at the decoded rate.
    pub fn lead_in(&self) -> u64 {
        let rate = self.rate.unwrap_or_default();
        if let Some(edit) = &self.plan.mp4.edit {
            edit.start_frames(rate)
        } else if let Some(pre_skip) = self.track.pre_skip {
            pre_skip
        } else if self.track.is_aac {
            AAC_PRIMING_FRAMES
        } else {
            0
        }
    }

    /// Frames that should be heard, where the file says it.
    pub fn audible_frames(&self) -> Option<u64> {
        let edit = self.plan.mp4.edit.as_ref()?;
        edit.length_frames(self.rate.unwrap_or_default())
    }

    /// An estimate of the raw length for showing, never for deciding.
    pub fn frames_hint(&self) -> Option<u64> {
        let rate = f64::from(self.rate?);
        self.frames_if_ticks_are_frames()
            .or_else(|| self.track.duration_s.map(|s| (s * rate) as u64))
    }

    fn frames_if_ticks_are_frames(&self) -> Option<u64> {
        self.track
            .num_frames
            .filter(|&frames| frames > 0 && self.ticks_are_frames())
    }

    fn ticks_are_frames(&self) -> bool {
        self.rate.is_some() && self.track.ticks_per_s == self.rate
    }

    /// The raw length the container declares, where it can be believed, and how much of it may be missing.
    fn declared_frames(&self) -> Option<(u64, u64)> {
        let rate = u64::from(self.rate?);
        let exact = |frames| Some((frames, rate / 4));
        let loose = |frames: u64| Some((frames, rate / 2 + frames / 100));
        if self.chained {
            return None;
        }
        match self.plan.sniffed.container {
            Container::Wav => {
                let frames = self.frames_if_ticks_are_frames()?;
                let bits = u64::from(self.codec_params.bits_per_coded_sample.unwrap_or(16));
                let bytes = frames * (bits / 8).max(1) * self.channels as u64;
                // The last packet of such a file may overshoot by a block; a placeholder is far above.
                if bytes < STREAMED_WAV_BYTES / 2 {
                    exact(frames)
                } else {
                    None
                }
            }
            Container::Flac => exact(self.frames_if_ticks_are_frames()?),
            Container::Mp4 if !self.plan.mp4.fragmented => {
                exact(self.frames_if_ticks_are_frames()?)
            }
            Container::Mp3 if self.plan.sniffed.counted => {
                loose(self.frames_if_ticks_are_frames()?)
            }
            Container::Webm => loose((self.track.duration_s? * rate as f64) as u64),
            // Ogg marks its last page instead; the rest declare nothing.
            _ => None,
        }
    }

    /// Decodes the next block into `mono` and tells where it lies; `None` at the end of the file.
    pub fn next(&mut self, mono: &mut Vec<f32>) -> Result<Option<RawFrame>, DecodeError> {
        loop {
            if self.fruitless > MAX_FRUITLESS_PACKETS {
                return Err(self.hopeless());
            }
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => {
                    self.at_end = true;
                    return self.ended().map(|()| None);
                }
                Err(Error::ResetRequired) => {
                    self.next_chain()?;
                    continue;
                }
                Err(error) => return self.demuxer_failed(error).map(|()| None),
            };
            self.fruitless += 1;
            if packet.track_id != self.track.id {
                continue;
            }
            let packet = self.corrected(packet);
            match self.codec.decode(&packet) {
                Ok(_) => self.good_packets += 1,
                Err(Error::Unsupported(what)) if self.good_packets + self.bad_packets == 0 => {
                    return Err(while_decoding(Error::Unsupported(what)));
                }
                // One damaged packet is a click; how many there were is judged at the end.
                Err(_) => {
                    self.bad_packets += 1;
                    continue;
                }
            }
            if let Some(at) = self.take_block(&packet, mono)? {
                self.fruitless = 0;
                return Ok(Some(at));
            }
        }
    }

    /// An MP3 that does not count its frames is given an estimated end; sound behind that must not be trimmed.
    fn corrected(&self, mut packet: Packet) -> Packet {
        let sniffed = &self.plan.sniffed;
        if sniffed.container == Container::Mp3 {
            let counted = self.track.num_frames.filter(|_| sniffed.counted);
            let end = counted.map_or(i64::MIN, |frames| frames as i64);
            // Encoder padding fills at most two frames; further on, this is a second recording stuck to the first.
            if packet.pts.get() > end.saturating_add(MP3_PADDING_FRAMES) {
                packet.trim_end = Default::default();
            }
        }
        packet
    }

    fn take_block(
        &mut self,
        packet: &Packet,
        mono: &mut Vec<f32>,
    ) -> Result<Option<RawFrame>, DecodeError> {
        let block = self.codec.last_decoded();
        let frames = block.frames();
        if frames == 0 {
            return Ok(None);
        }
        let (rate, channels) = (block.spec().rate(), block.num_planes());
        check_shape(rate, channels)?;
        if *self.rate.get_or_insert(rate) != rate {
            return Err(DecodeError::unsupported(
                "its sample rate changes in the middle",
            ));
        }
        self.channels = channels;
        block.copy_to_vec_interleaved(&mut self.interleaved);
        downmix(&self.interleaved, channels, mono);

        let ticks = packet
            .pts
            .get()
            .saturating_add_unsigned(packet.trim_start.get());
        let first_ticks = *self.first_ticks.get_or_insert(ticks);
        if std::mem::take(&mut self.place_unknown) {
            self.next_frame = u64::try_from(ticks.saturating_sub(first_ticks)).unwrap_or(0);
        }
        if self.drop_frames > 0 {
            let dropped = usize::try_from(self.drop_frames)
                .unwrap_or(usize::MAX)
                .min(frames);
            mono.drain(..dropped);
            self.drop_frames -= dropped as u64;
        }
        let at = self.next_frame;
        self.next_frame += mono.len() as u64;
        Ok((!mono.is_empty()).then_some(at))
    }

    /// Moves to a packet at or before raw frame `target`, if this file's time stamps are exact enough to trust.
    /// `false` means that nothing was done or that only a rewind helps.
    pub fn seek(&mut self, target: u64) -> bool {
        let exact = match self.plan.sniffed.container {
            Container::Wav | Container::Flac => true,
            Container::Ogg => self.track.pre_skip.is_some() && !self.chained,
            // The MP4 demuxer cannot come back from the end.
            Container::Mp4 => !self.at_end,
            Container::Mp3 => true,
            Container::Webm | Container::Adts => false,
        };
        let (Some(first_ticks), true) = (self.first_ticks, exact && self.ticks_are_frames()) else {
            return false;
        };
        let Some(run_up) = target
            .checked_sub(self.run_up_frames())
            .filter(|&at| at > 0)
        else {
            return false;
        };
        let ts = first_ticks.saturating_add_unsigned(run_up);
        let to = SeekTo::Timestamp {
            ts: Timestamp::new(ts),
            track_id: self.track.id,
        };
        match self.format.seek(SeekMode::Accurate, to) {
            Ok(seeked) if seeked.actual_ts.get() <= ts => {
                self.codec.reset();
                self.place_unknown = true;
                true
            }
            _ => false,
        }
    }

    /// Frames decoded and thrown away before a seek's target, for the codec to find its feet.
    fn run_up_frames(&self) -> u64 {
        match self.plan.sniffed.container {
            Container::Wav | Container::Flac => 0,
            // Opus needs 80 ms at least (RFC 7845 section 4.6), and two seconds to be the same to the last bit. They also
            // make sure that the Ogg demuxer lands before the last page, whose start it can only tell when it has seen
            // the page before: our pages hold one second.
            _ if self.track.pre_skip.is_some() => 2 * 48_000,
            // The bit reservoir of MP3 reaches back nine frames at most; AAC needs one.
            _ => 12 * 1152,
        }
    }

    /// A further Ogg stream begins in the same file: go on with its codec.
    fn next_chain(&mut self) -> Result<(), DecodeError> {
        let (track, params, codec) = choose_track(self.format.as_ref())?;
        self.drop_frames = track.pre_skip.unwrap_or(0);
        self.track = track;
        self.codec_params = params;
        self.codec = codec;
        self.chained = true;
        self.fruitless += 1;
        Ok(())
    }

    fn demuxer_failed(&self, error: Error) -> Result<(), DecodeError> {
        let cut_off = matches!(&error, Error::IoError(io) if io.kind() == ErrorKind::UnexpectedEof);
        match self.plan.sniffed.container {
            // A phone that records live never comes back to write the end: whatever stops the parser is the end.
            Container::Webm if self.good_packets > 0 => self.ended(),
            Container::Mp3 | Container::Adts | Container::Wav if cut_off => self.ended(),
            _ if cut_off => Err(DecodeError::Truncated),
            _ => Err(while_decoding(error)),
        }
    }

    fn ended(&self) -> Result<(), DecodeError> {
        if self.bad_packets > self.good_packets {
            return Err(self.hopeless());
        }
        match self.declared_frames() {
            Some((declared, may_miss)) if self.next_frame + may_miss < declared => {
                Err(DecodeError::Truncated)
            }
            _ => Ok(()),
        }
    }

    fn hopeless(&self) -> DecodeError {
        DecodeError::broken(format!(
            "{} of its {} packets make no sense",
            self.bad_packets,
            self.bad_packets + self.good_packets
        ))
    }
}

pub(super) fn in_words(
    params: &AudioCodecParameters,
    container: &str,
    rate: u32,
    channels: usize,
) -> String {
    let codec = match params.codec {
        codecs::CODEC_ID_MP3 => "MP3",
        codecs::CODEC_ID_AAC => "AAC",
        codecs::CODEC_ID_VORBIS => "Vorbis",
        codecs::CODEC_ID_OPUS => "Opus",
        codecs::CODEC_ID_FLAC => "FLAC",
        _ => "PCM",
    };
    let channels = match channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        count => format!("{count} channels"),
    };
    format!("{codec}{container}, {rate} Hz, {channels}")
}

pub(super) fn open_format(
    container: Container,
    stream: MediaSourceStream<'static>,
) -> Result<Box<dyn FormatReader>, Error> {
    let options = FormatOptions::default();
    match container {
        Container::Wav => demuxers::WavReader::try_probe_new(stream, options),
        Container::Flac => demuxers::FlacReader::try_probe_new(stream, options),
        Container::Ogg => demuxers::OggReader::try_probe_new(stream, options),
        Container::Mp4 => demuxers::IsoMp4Reader::try_probe_new(stream, options),
        Container::Webm => demuxers::MkvReader::try_probe_new(stream, options),
        Container::Mp3 => demuxers::MpaReader::try_probe_new(stream, options),
        Container::Adts => demuxers::AdtsReader::try_probe_new(stream, options),
    }
}

/// Mean of the channels. What is no number becomes silence; what is absurdly loud is bounded.
pub(super) fn downmix(interleaved: &[f32], channels: usize, mono: &mut Vec<f32>) {
    const LOUDEST: f32 = 8.0;
    let sane = |sample: f32| {
        if sample.is_nan() {
            0.0
        } else {
            sample.clamp(-LOUDEST, LOUDEST)
        }
    };
    mono.clear();
    match channels {
        1 => mono.extend(interleaved.iter().map(|&sample| sane(sample))),
        2 => mono.extend(
            interleaved
                .chunks_exact(2)
                .map(|lr| sane(0.5 * (lr[0] + lr[1]))),
        ),
        _ => {
            let share = 1.0 / channels as f32;
            let frames = interleaved.chunks_exact(channels);
            mono.extend(frames.map(|frame| sane(share * frame.iter().sum::<f32>())));
        }
    }
}
