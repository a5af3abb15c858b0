//! Decoding what never ends and cannot be gone back in: a station's MP3, AAC (ADTS, transport stream, fragmented MP4), Ogg or FLAC.
//!
//! Begins anywhere in it. One damaged packet is a click; [`MAX_FRUITLESS`] of them in a row are no sound.

use std::{
    fmt,
    io::{Cursor, ErrorKind, Read},
};

use symphonia::core::{
    codecs::audio::{AudioCodecParameters, AudioDecoder},
    errors::Error,
    formats::FormatReader,
    io::{MediaSourceStream, ReadOnlySource},
};

use super::{
    DecodeError,
    guard::guarded,
    reader::{downmix, in_words, open_format},
    sniff::{Container, by_magic, id3v2_bytes, mpeg_frames},
    track::{check_shape, choose_track, while_decoding},
};
use crate::{
    SAMPLE_RATE,
    resample::Converter,
    station::{Source, TsAudio, ts_begins},
};

/// What may come before the first frame, in bytes.
const WINDOW: usize = 64 * 1024;
/// Read at a time while that is looked for: no more than there is, so that a slow station is soon known.
const STEP: usize = 2 * 1024;
/// Bytes without which nothing is known: a transport stream is known in them, wherever they begin.
const LEAST: usize = 4 * 188;
const MAX_FRUITLESS: u32 = 500;

/// Which kinds of stream are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// All that are known; whoever reads them is fenced in.
    All,
    /// Those of small frames, in which no length that is claimed asks for much memory: MP3, AAC (ADTS, transport stream), Ogg.
    Framed,
}

/// Gives mono frames at [`SAMPLE_RATE`].
pub struct LiveDecoder {
    format: Box<dyn FormatReader>,
    codec: Box<dyn AudioDecoder>,
    params: AudioCodecParameters,
    track: u32,
    container: &'static str,
    rate: u32,
    converter: Option<Converter>,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    out: Vec<f32>,
    description: String,
    is_over: bool,
}

impl fmt::Debug for LiveDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveDecoder")
            .field("format", &self.description)
            .finish_non_exhaustive()
    }
}

impl LiveDecoder {
    /// Waits until it is known what comes.
    ///
    /// # Errors
    /// As [`Decoder::open`](super::Decoder::open) refuses a file.
    pub fn open(source: Source, kinds: Kinds) -> Result<Self, DecodeError> {
        let framed = [Container::Mp3, Container::Adts, Container::Ogg];
        guarded(|| {
            let (found, begun) = sniff(source)?;
            match found {
                Found::Sound(container)
                    if kinds == Kinds::Framed && !framed.contains(&container) =>
                {
                    Err(DecodeError::unsupported("not on a speaker"))
                }
                Found::Sound(container) => Self::start(container, begun, None),
                Found::Ts => match sniff(Box::new(TsAudio::new(begun)))? {
                    (Found::Sound(kind @ (Container::Mp3 | Container::Adts)), begun) => {
                        Self::start(kind, begun, Some(" in TS"))
                    }
                    _ => Err(DecodeError::NotAudio),
                },
            }
        })
    }

    fn start(
        container: Container,
        source: Source,
        within: Option<&'static str>,
    ) -> Result<Self, DecodeError> {
        let source = Box::new(ReadOnlySource::new(source));
        let mut stream = MediaSourceStream::new(source, Default::default());
        if container == Container::Mp4 {
            // Its demuxer expects to stand behind the size of the first box, and steps back over it.
            stream.read_exact(&mut [0; 4])?;
        }
        let format = open_format(container, stream).map_err(while_decoding)?;
        let (track, params, codec) = choose_track(format.as_ref())?;
        Ok(Self {
            format,
            codec,
            params,
            track: track.id,
            container: within.unwrap_or(match container {
                Container::Wav => " in WAV",
                Container::Ogg => " in Ogg",
                Container::Mp4 => " in MP4",
                Container::Webm => " in WebM",
                Container::Flac | Container::Mp3 | Container::Adts => "",
            }),
            rate: 0,
            converter: None,
            interleaved: Vec::new(),
            mono: Vec::new(),
            out: Vec::new(),
            description: String::new(),
            is_over: false,
        })
    }

    /// What it is in words; empty before the first block.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The next frames, never an empty slice; `None` at its end.
    ///
    /// # Errors
    /// It makes no sense any more.
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, DecodeError> {
        if self.is_over {
            return Ok(None);
        }
        let decoded = guarded(|| self.decode());
        self.is_over = !matches!(decoded, Ok(true));
        Ok(decoded?.then_some(&self.out[..]))
    }

    fn decode(&mut self) -> Result<bool, DecodeError> {
        self.out.clear();
        for _ in 0..MAX_FRUITLESS {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(false),
                // The next song of an Ogg station is a stream of its own.
                Err(Error::ResetRequired) => {
                    let (track, params, codec) = choose_track(self.format.as_ref())?;
                    (self.track, self.params, self.codec) = (track.id, params, codec);
                    continue;
                }
                Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Ok(false);
                }
                Err(Error::IoError(error)) => return Err(while_decoding(Error::IoError(error))),
                Err(_) => continue,
            };
            if packet.track_id != self.track {
                continue;
            }
            match self.codec.decode(&packet) {
                Ok(_) => {}
                Err(Error::Unsupported(what)) if self.rate == 0 => {
                    return Err(while_decoding(Error::Unsupported(what)));
                }
                Err(_) => continue,
            }
            self.take_block()?;
            if !self.out.is_empty() {
                return Ok(true);
            }
        }
        Err(DecodeError::broken("nothing in it makes sense any more"))
    }

    fn take_block(&mut self) -> Result<(), DecodeError> {
        let block = self.codec.last_decoded();
        if block.frames() == 0 {
            return Ok(());
        }
        let (rate, channels) = (block.spec().rate(), block.num_planes());
        check_shape(rate, channels)?;
        block.copy_to_vec_interleaved(&mut self.interleaved);
        downmix(&self.interleaved, channels, &mut self.mono);
        if rate != self.rate {
            self.rate = rate;
            self.converter = match rate {
                SAMPLE_RATE => None,
                rate => Some(Converter::new(rate)?),
            };
            self.description = in_words(&self.params, self.container, rate, channels);
        }
        match &mut self.converter {
            Some(converter) => converter.push(&self.mono, &mut self.out)?,
            None => self.out.extend_from_slice(&self.mono),
        }
        Ok(())
    }
}

enum Found {
    Ts,
    Sound(Container),
}

/// What begins here; and all of it from there on.
fn sniff(mut source: Source) -> Result<(Found, Source), DecodeError> {
    let mut window = Vec::new();
    let mut is_whole = false;
    loop {
        if !is_whole {
            let mut step = [0; STEP];
            let read = source.read(&mut step)?;
            window.extend_from_slice(&step[..read]);
            is_whole = read == 0;
        }
        if window.len() < LEAST && !is_whole {
            continue;
        }
        // A tag, or a picture, before the sound.
        if let Some(tag) = id3v2_bytes(&window) {
            let tag = usize::try_from(tag).unwrap_or(usize::MAX);
            if window.len() >= tag {
                window.drain(..tag);
                continue;
            }
        } else if let Some(at) = ts_begins(&window) {
            return Ok((Found::Ts, chained(window, at, source)));
        } else if let Some(container) = by_magic(&window)? {
            return Ok((Found::Sound(container), chained(window, 0, source)));
        } else if let Some((container, at)) = mpeg_frames(&window, is_whole) {
            return Ok((Found::Sound(container), chained(window, at, source)));
        }
        if is_whole && window.is_empty() {
            return Err(DecodeError::Empty);
        }
        if is_whole || window.len() > WINDOW {
            return Err(DecodeError::NotAudio);
        }
    }
}

fn chained(window: Vec<u8>, at: usize, rest: Source) -> Source {
    let mut begun = Cursor::new(window);
    begun.set_position(at as u64);
    Box::new(begun.chain(rest))
}
