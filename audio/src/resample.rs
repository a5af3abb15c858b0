//! Brings decoded sound to the canonical rate, with a band-limited FFT resampler (never linear interpolation).

use std::fmt;

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler};

use crate::{DecodeError, Decoder, SAMPLE_RATE};

/// A [`Decoder`] that gives [`SAMPLE_RATE`]: delay-compensated, and as long as the input to the nearest frame.
#[derive(Debug)]
pub struct Resampled {
    decoder: Decoder,
    /// `None` when the file already has the canonical rate.
    converter: Option<Converter>,
    out: Vec<f32>,
}

impl Resampled {
    /// # Errors
    /// `Unsupported` for a rate the resampler cannot take; a decoder's rate never is one.
    pub fn new(decoder: Decoder) -> Result<Self, DecodeError> {
        let converter = match decoder.sample_rate() {
            SAMPLE_RATE => None,
            rate => Some(Converter::new(rate)?),
        };
        Ok(Self {
            decoder,
            converter,
            out: Vec::new(),
        })
    }

    /// The decoder behind it.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The next frames at [`SAMPLE_RATE`], never an empty slice; `None` at the end.
    ///
    /// # Errors
    /// As [`Decoder::next_block`].
    pub fn next_block(&mut self) -> Result<Option<&[f32]>, DecodeError> {
        let Some(converter) = &mut self.converter else {
            return self.decoder.next_block();
        };
        self.out.clear();
        while self.out.is_empty() {
            match self.decoder.next_block()? {
                Some(block) => converter.push(block, &mut self.out)?,
                None if converter.finish(&mut self.out)? => (),
                None => return Ok(None),
            }
        }
        Ok(Some(&self.out))
    }

    /// Continues at `ms` milliseconds. Exact to the frame for canonical content, which is not resampled.
    ///
    /// # Errors
    /// As [`Decoder::seek_ms`].
    pub fn seek_ms(&mut self, ms: u64) -> Result<(), DecodeError> {
        self.decoder.seek_ms(ms)?;
        if let Some(converter) = &mut self.converter {
            *converter = Converter::new(self.decoder.sample_rate())?;
        }
        Ok(())
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

pub(crate) struct Converter {
    fft: Fft<f32>,
    rate: u32,
    waiting: Vec<f32>,
    chunk: Vec<f32>,
    /// Output frames of filter delay still to drop.
    delay: usize,
    frames_in: u64,
    frames_out: u64,
}

impl fmt::Debug for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Converter")
            .field("rate", &self.rate)
            .field("frames_in", &self.frames_in)
            .finish_non_exhaustive()
    }
}

impl Converter {
    pub(crate) fn new(rate: u32) -> Result<Self, DecodeError> {
        // An even number of whole ratios: with an odd block the filter's middle falls between two frames, and the
        // delay it reports is half an input frame off.
        const ABOUT: u32 = 1024;
        let ratio = rate / gcd(rate, SAMPLE_RATE);
        let chunk = (ratio * ABOUT.div_ceil(ratio).next_multiple_of(2)) as usize;
        let fft = Fft::new(
            rate as usize,
            SAMPLE_RATE as usize,
            chunk,
            1,
            FixedSync::Both,
        )
        .map_err(|_| DecodeError::unsupported(format!("a rate of {rate} Hz")))?;
        Ok(Self {
            chunk: vec![0.0; fft.output_frames_max()],
            delay: fft.output_delay(),
            fft,
            rate,
            waiting: Vec::new(),
            frames_in: 0,
            frames_out: 0,
        })
    }

    pub(crate) fn push(&mut self, block: &[f32], out: &mut Vec<f32>) -> Result<(), DecodeError> {
        self.waiting.extend_from_slice(block);
        self.frames_in += block.len() as u64;
        let mut used = 0;
        while self.waiting.len() - used >= self.fft.input_frames_next() {
            used += self.convert(used, None, out)?;
        }
        self.waiting.drain(..used);
        Ok(())
    }

    /// Pushes silence behind the last frame until as much came out as went in; `false` when nothing was left.
    fn finish(&mut self, out: &mut Vec<f32>) -> Result<bool, DecodeError> {
        let rate = u64::from(self.rate);
        let total = (self.frames_in * u64::from(SAMPLE_RATE) + rate / 2) / rate;
        while self.frames_out < total {
            let rest = self.waiting.len();
            self.waiting.resize(self.fft.input_frames_next(), 0.0);
            self.convert(0, Some(rest), out)?;
            self.waiting.clear();
        }
        let too_many = usize::try_from(self.frames_out - total).unwrap_or(0);
        out.truncate(out.len().saturating_sub(too_many));
        self.frames_out = total;
        Ok(!out.is_empty())
    }

    /// Converts one chunk of `waiting` from `offset`; gives how much of it was used.
    fn convert(
        &mut self,
        offset: usize,
        partial_len: Option<usize>,
        out: &mut Vec<f32>,
    ) -> Result<usize, DecodeError> {
        let failed = |error: &dyn fmt::Display| DecodeError::broken(format!("resampling: {error}"));
        let input = &self.waiting[offset..];
        let input = SequentialSlice::new(input, 1, input.len()).map_err(|e| failed(&e))?;
        let room = self.chunk.len();
        let mut output =
            SequentialSlice::new_mut(&mut self.chunk, 1, room).map_err(|e| failed(&e))?;
        let mut indexing = Indexing::new();
        indexing.partial_len = partial_len;
        let (used, made) = self
            .fft
            .process_into_buffer(&input, &mut output, Some(&indexing))
            .map_err(|e| failed(&e))?;
        let dropped = self.delay.min(made);
        self.delay -= dropped;
        out.extend_from_slice(&self.chunk[dropped..made]);
        self.frames_out += (made - dropped) as u64;
        Ok(used)
    }
}
