//! A recording of frames as they were sent: Ogg Opus (RFC 7845), written a second at a time, so that a crash costs one.

use std::io::{self, Read, Seek, Write};

use ogg::{PacketReader, PacketWriteEndInfo, PacketWriter};

use super::FRAME;
use crate::ogg_opus::{SERIAL, head, tags};

/// 20 ms of silence, in place of a frame that was never sent.
pub const SILENCE: [u8; 3] = [0xF8, 0xFF, 0xFE];
/// Frames in a page: one second.
const PER_PAGE: u64 = 50;
/// What a decoder skips at the start: the delay of a speech encoder.
const PRE_SKIP: u16 = 312;
/// A hole of more than this is no hole in a call, in frames: ten hours.
const MOST_MISSING: u64 = 1_800_000;

/// Takes frames by their numbers; gaps in these become silence.
pub struct FrameRecorder<W: Write> {
    pages: PacketWriter<'static, W>,
    first: Option<u32>,
    frames: u64,
    /// Held back until it is known whether it is the last one.
    held: Option<Vec<u8>>,
}

impl<W: Write> std::fmt::Debug for FrameRecorder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameRecorder")
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

impl<W: Write> FrameRecorder<W> {
    /// # Errors
    /// Of the writer.
    pub fn new(out: W) -> io::Result<Self> {
        let mut pages = PacketWriter::new(out);
        for header in [head(PRE_SKIP, 0), tags()] {
            pages.write_packet(header, SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        }
        Ok(Self {
            pages,
            first: None,
            frames: 0,
            held: None,
        })
    }

    /// The frame with this number; one whose number is not beyond the last one's is left out. `true`: a page is full and was
    /// written.
    ///
    /// # Errors
    /// Of the writer.
    pub fn push(&mut self, number: u32, frame: &[u8]) -> io::Result<bool> {
        let first = *self.first.get_or_insert(number);
        let place = u64::from(number.wrapping_sub(first));
        if number < first || place < self.frames || place - self.frames > MOST_MISSING {
            return Ok(false);
        }
        let mut page = false;
        while self.frames < place {
            page |= self.next(&SILENCE)?;
        }
        Ok(page | self.next(frame)?)
    }

    /// How long it is.
    pub fn duration_ms(&self) -> u64 {
        self.frames * 20
    }

    /// What is written to.
    pub fn get_mut(&mut self) -> &mut W {
        self.pages.inner_mut()
    }

    /// Writes the last page; gives the length in milliseconds, and back what was written to.
    ///
    /// # Errors
    /// Of the writer.
    pub fn finish(mut self) -> io::Result<(u64, W)> {
        if let Some(last) = self.held.take() {
            let end = self.frames * FRAME as u64;
            self.pages
                .write_packet(last, SERIAL, PacketWriteEndInfo::EndStream, end)?;
        }
        self.pages.inner_mut().flush()?;
        Ok((self.duration_ms(), self.pages.into_inner()))
    }

    fn next(&mut self, frame: &[u8]) -> io::Result<bool> {
        let mut page = false;
        if let Some(held) = self.held.replace(frame.to_vec()) {
            page = self.frames.is_multiple_of(PER_PAGE);
            let end = match page {
                true => PacketWriteEndInfo::EndPage,
                false => PacketWriteEndInfo::NormalPacket,
            };
            let position = self.frames * FRAME as u64;
            self.pages.write_packet(held, SERIAL, end, position)?;
        }
        self.frames += 1;
        if page {
            self.pages.inner_mut().flush()?;
        }
        Ok(page)
    }
}

/// Makes a whole recording of one that was broken off: all its whole pages, and an end. Gives its length in milliseconds.
///
/// # Errors
/// Of reader and writer; a damaged page is no error, but the end.
pub fn mend(broken: impl Read + Seek, out: impl Write) -> io::Result<u64> {
    let mut packets = PacketReader::new(broken);
    let mut recorder = FrameRecorder::new(out)?;
    let mut number = 0;
    for index in 0_u64.. {
        let packet = match packets.read_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(ogg::OggReadError::ReadError(error))
                if error.kind() != io::ErrorKind::UnexpectedEof =>
            {
                return Err(error);
            }
            Err(_) => break,
        };
        // Head and tags come first.
        if index >= 2 {
            recorder.push(number, &packet.data)?;
            number += 1;
        }
    }
    Ok(recorder.finish()?.0)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::live::{FrameEncoder, Kind};

    fn spoken(frames: u32) -> Vec<Vec<u8>> {
        let mut encoder = FrameEncoder::new(Kind::Voice).unwrap();
        let one = |part: u32| {
            let mut samples = [0.0; FRAME];
            for (i, sample) in samples.iter_mut().enumerate() {
                let t = (part as usize * FRAME + i) as f32 / 48_000.0;
                *sample = (t * 440.0 * std::f32::consts::TAU).sin() * 0.3;
            }
            encoder.encode(&samples).unwrap().to_vec()
        };
        (0..frames).map(one).collect()
    }

    /// The sound of a recording, a tenth of a second at a time: how strong it is.
    fn heard(recording: Vec<u8>) -> (usize, Vec<f32>) {
        let limits = crate::Limits {
            max_bytes: u64::MAX,
            max_duration_s: u32::MAX,
        };
        let source = Box::new(Cursor::new(recording));
        let mut decoder = crate::Decoder::open(source, Some("ogg"), limits).unwrap();
        let mut sound = Vec::new();
        while let Some(block) = decoder.next_block().unwrap() {
            sound.extend_from_slice(block);
        }
        let strength =
            |part: &[f32]| (part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32).sqrt();
        (sound.len(), sound.chunks(4_800).map(strength).collect())
    }

    #[test]
    fn what_was_sent_is_what_is_kept_and_holes_are_silent() {
        let frames = spoken(200);
        let mut recorder = FrameRecorder::new(Vec::new()).unwrap();
        for (number, frame) in frames.iter().enumerate() {
            // A second and a half never came.
            if !(50..125).contains(&number) {
                recorder.push(7 + number as u32, frame).unwrap();
            }
        }
        // Twice is once.
        recorder.push(206, &frames[199]).unwrap();
        let (ms, recording) = recorder.finish().unwrap();
        assert_eq!(ms, 4_000);
        let (samples, strengths) = heard(recording);
        assert_eq!(samples, 200 * FRAME - usize::from(PRE_SKIP));
        for (tenth, strength) in strengths.iter().enumerate() {
            match tenth {
                0..=8 | 27..=38 => assert!(*strength > 0.1, "{tenth}: {strength}"),
                12..=23 => assert!(*strength < 0.01, "{tenth}: {strength}"),
                _ => {}
            }
        }
    }

    #[test]
    fn a_power_cut_costs_the_last_second() {
        let frames = spoken(200);
        let mut recorder = FrameRecorder::new(Vec::new()).unwrap();
        let mut pages = 0;
        for (number, frame) in frames.iter().enumerate() {
            pages += u32::from(recorder.push(number as u32, frame).unwrap());
        }
        assert_eq!(pages, 3);
        let written = recorder.get_mut().clone();
        for lost in [0, 1, 17, 300] {
            let torn = written[..written.len() - lost].to_vec();
            let mut whole = Vec::new();
            let ms = mend(Cursor::new(torn), &mut whole).unwrap();
            assert_eq!(ms, if lost == 0 { 3_000 } else { 2_000 }, "{lost}");
            let (samples, _) = heard(whole);
            assert_eq!(samples, ms as usize * 48 - usize::from(PRE_SKIP));
        }
        // Nothing but a beginning, or not even that.
        for length in [0, 10, 47] {
            let torn = written[..length].to_vec();
            assert_eq!(mend(Cursor::new(torn), Vec::new()).unwrap(), 0);
        }
    }
}
