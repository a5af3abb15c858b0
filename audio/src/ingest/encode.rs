//! Writes canonical content: mono 48 kHz Opus in Ogg (RFC 6716, RFC 7845), the same bytes for the same sound.

use std::io::{Seek, SeekFrom, Write};

use ogg::{PacketWriteEndInfo, PacketWriter};
use ropus::{Application, Bitrate, Channels, Encoder, Signal};

use super::IngestError;
use crate::{
    SAMPLE_RATE,
    ogg_opus::{SERIAL, head, tags},
};

/// Mean rate. At 28,000 speech correlated 0.978 with its original, at 32,000 0.986.
pub(super) const BITS_PER_S: u32 = 32_000;
/// Above this the peaks grow more and the likeness does not.
const COMPLEXITY: u8 = 7;
/// Frames in a packet: 20 ms.
const PACKET: usize = 960;
/// Packets in a page: one second, so that a seek reads little and a lost page costs little.
const PACKETS_PER_PAGE: u64 = 50;
/// More than the longest packet at the highest rate.
const MAX_PACKET_BYTES: usize = 1500;

pub(super) struct OpusWriter<W: Write> {
    encoder: Encoder,
    pages: PacketWriter<'static, W>,
    pre_skip: u16,
    waiting: Vec<f32>,
    frames_in: u64,
    packets: u64,
    /// The last packet is held back until it is known whether it ends the stream.
    held: Option<Vec<u8>>,
}

impl<W: Write> OpusWriter<W> {
    pub fn new(out: W) -> Result<Self, IngestError> {
        let encoder = Encoder::builder(SAMPLE_RATE, Channels::Mono, Application::Audio)
            .bitrate(Bitrate::Bits(BITS_PER_S))
            .vbr(true)
            // Keeps to one coding mode (CELT): a pole decodes it 1.6 times as fast as the speech modes, the controller
            // encodes it in a third of the time, music survives, and a seek finds its feet within a few packets.
            .signal(Signal::Music)
            .complexity(COMPLEXITY)
            .build()
            .map_err(|error| failed(&error))?;
        let pre_skip = u16::try_from(encoder.lookahead()).map_err(|error| failed(&error))?;
        let mut pages = PacketWriter::new(out);
        for header in [head(pre_skip, 0), tags()] {
            pages
                .write_packet(header, SERIAL, PacketWriteEndInfo::EndPage, 0)
                .map_err(IngestError::Write)?;
        }
        Ok(Self {
            encoder,
            pages,
            pre_skip,
            waiting: Vec::with_capacity(2 * PACKET),
            frames_in: 0,
            packets: 0,
            held: None,
        })
    }

    pub fn push(&mut self, frames: &[f32]) -> Result<(), IngestError> {
        self.frames_in += frames.len() as u64;
        self.waiting.extend_from_slice(frames);
        let mut used = 0;
        while self.waiting.len() - used >= PACKET {
            self.packet(used)?;
            used += PACKET;
        }
        self.waiting.drain(..used);
        Ok(())
    }

    /// Flushes the encoder with silence; the last page's position cuts that off again (RFC 7845 section 4.4).
    /// Gives the frames a decoder has to skip at the start.
    pub fn finish(mut self) -> Result<u16, IngestError> {
        let end = self.frames_in + u64::from(self.pre_skip);
        while self.packets * (PACKET as u64) < end {
            self.waiting.resize(PACKET, 0.0);
            self.packet(0)?;
            self.waiting.clear();
        }
        if let Some(last) = self.held.take() {
            self.pages
                .write_packet(last, SERIAL, PacketWriteEndInfo::EndStream, end)
                .map_err(IngestError::Write)?;
        }
        self.pages.inner_mut().flush().map_err(IngestError::Write)?;
        Ok(self.pre_skip)
    }

    fn packet(&mut self, offset: usize) -> Result<(), IngestError> {
        if let Some(held) = self.held.take() {
            let end = if self.packets.is_multiple_of(PACKETS_PER_PAGE) {
                PacketWriteEndInfo::EndPage
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            self.pages
                .write_packet(held, SERIAL, end, self.packets * PACKET as u64)
                .map_err(IngestError::Write)?;
        }
        let mut packet = vec![0; MAX_PACKET_BYTES];
        let bytes = self
            .encoder
            .encode_float(&self.waiting[offset..offset + PACKET], &mut packet)
            .map_err(|error| failed(&error))?;
        packet.truncate(bytes);
        self.held = Some(packet);
        self.packets += 1;
        Ok(())
    }
}

fn failed(error: &dyn std::fmt::Display) -> IngestError {
    IngestError::Encode {
        detail: error.to_string(),
    }
}

/// Turns a whole finished file by `gain_q8_db` / 256 dB without encoding it again: every player applies the output gain
/// of the head, which has a page of its own.
pub(super) fn set_output_gain(
    file: &mut (impl Write + Seek),
    pre_skip: u16,
    gain_q8_db: i16,
) -> std::io::Result<()> {
    let mut page = PacketWriter::new(Vec::new());
    let packet = head(pre_skip, gain_q8_db);
    page.write_packet(packet, SERIAL, PacketWriteEndInfo::EndPage, 0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(page.inner())?;
    file.flush()
}
