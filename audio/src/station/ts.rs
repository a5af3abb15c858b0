//! The sound out of an MPEG transport stream (ISO/IEC 13818-1), as HLS wraps it: the bytes of its first AAC or MPEG audio.

use std::{
    fmt,
    io::{self, ErrorKind, Read},
};

/// Bytes of one packet, and the first of them.
pub const PACKET: usize = 188;
pub const SYNC: u8 = 0x47;
/// Longest table, in bytes (section 2.4.4.8).
const MAX_TABLE: usize = 1_024;
/// A stream with so many packets and no sound has none: 2 MB.
const MAX_BARREN: u32 = 11_000;
const PROGRAMS: u16 = 0;
/// No programme has this packet number.
const NONE: u16 = 0x1fff;

/// Kinds of sound (table 2-34) that can be read.
const MPEG_1: u8 = 0x03;
const MPEG_2: u8 = 0x04;
const ADTS: u8 = 0x0f;
const LATM: u8 = 0x11;

/// Reads a transport stream, and gives the sound in it. What is damaged is left out.
pub struct TsAudio<R> {
    from: R,
    map: u16,
    sound: u16,
    table: Vec<u8>,
    /// Header of the sound's own packets still to leave out; `None`: wait for the next one to begin.
    skip: Option<usize>,
    out: Vec<u8>,
    given: usize,
    barren: u32,
    is_over: bool,
}

impl<R> fmt::Debug for TsAudio<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TsAudio")
            .field("sound", &self.sound)
            .finish_non_exhaustive()
    }
}

/// Where its first packet begins: at once with three in a row, or a little later with four. Nothing else looks like it.
pub fn ts_begins(first: &[u8]) -> Option<usize> {
    let in_a_row = |from: usize, packets: usize| {
        (0..packets).all(|n| first.get(from + n * PACKET) == Some(&SYNC))
    };
    match in_a_row(0, 3) {
        true => Some(0),
        false => (1..PACKET).find(|from| in_a_row(*from, 4)),
    }
}

impl<R: Read> TsAudio<R> {
    pub fn new(from: R) -> Self {
        Self {
            from,
            map: NONE,
            sound: NONE,
            table: Vec::new(),
            skip: None,
            out: Vec::new(),
            given: 0,
            barren: 0,
            is_over: false,
        }
    }

    /// Reads one packet; where the order is lost it is looked for byte by byte. `false` at the end.
    fn packet(&mut self) -> io::Result<bool> {
        let mut packet = [0; PACKET];
        if !self.fill(&mut packet)? {
            return Ok(false);
        }
        while packet[0] != SYNC {
            let next = packet.iter().skip(1).position(|byte| *byte == SYNC);
            let lost = next.map_or(PACKET, |at| at + 1);
            packet.copy_within(lost.., 0);
            if !self.fill(&mut packet[PACKET - lost..])? {
                return Ok(false);
            }
            self.barren += u32::from(next.is_none());
            self.must_come()?;
        }
        self.take(&packet)?;
        Ok(true)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        match self.from.read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn must_come(&self) -> io::Result<()> {
        match self.barren > MAX_BARREN {
            true => Err(io::Error::new(ErrorKind::InvalidData, "no sound in it")),
            false => Ok(()),
        }
    }

    fn take(&mut self, packet: &[u8; PACKET]) -> io::Result<()> {
        self.barren += 1;
        self.must_come()?;
        let begins = packet[1] & 0x40 != 0;
        let number = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
        let (damaged, scrambled) = (packet[1] & 0x80 != 0, packet[3] & 0xc0 != 0);
        let payload = match packet[3] >> 4 & 3 {
            1 => Some(&packet[4..]),
            3 => packet.get(5 + usize::from(packet[4])..),
            _ => None,
        };
        let Some(payload) = payload.filter(|_| !damaged && !scrambled) else {
            return Ok(());
        };
        match number {
            NONE => {}
            PROGRAMS => self.collect(payload, begins, Self::programs),
            _ if number == self.map => self.collect(payload, begins, Self::streams),
            _ if number == self.sound => self.sound(payload, begins),
            _ => {}
        }
        Ok(())
    }

    /// A table may go over several packets.
    fn collect(&mut self, payload: &[u8], begins: bool, read: fn(&mut Self, &[u8])) {
        if begins {
            let pointer = usize::from(payload.first().copied().unwrap_or_default());
            self.table.clear();
            self.table
                .extend(payload.get(1 + pointer..).unwrap_or_default());
        } else if !self.table.is_empty() && self.table.len() < MAX_TABLE {
            self.table.extend(payload);
        }
        let Some(&[_, high, low]) = self.table.first_chunk::<3>() else {
            return;
        };
        let length = 3 + (usize::from(high & 0x0f) << 8 | usize::from(low));
        // Five bytes follow the length, and a sum of four ends it.
        if length >= 12 && self.table.len() >= length {
            let table = std::mem::take(&mut self.table);
            read(self, &table[..length - 4]);
        }
    }

    fn programs(&mut self, table: &[u8]) {
        if table[0] != 0 {
            return;
        }
        let programs = table[8..].chunks_exact(4);
        let first = programs
            .filter(|program| program[..2] != [0, 0])
            .map(|program| u16::from(program[2] & 0x1f) << 8 | u16::from(program[3]))
            .next();
        if let Some(map) = first.filter(|map| *map != self.map) {
            self.map = map;
            self.sound = NONE;
        }
    }

    fn streams(&mut self, table: &[u8]) {
        let twelve = |high: u8, low: u8| usize::from(high & 0x0f) << 8 | usize::from(low);
        let (2, Some(&[high, low])) = (
            table[0],
            table.get(10..12).and_then(|two| two.first_chunk::<2>()),
        ) else {
            return;
        };
        let mut rest = table.get(12 + twelve(high, low)..).unwrap_or_default();
        let mut found = NONE;
        while let Some((&[kind, p1, p2, l1, l2], after)) = rest.split_first_chunk::<5>() {
            let number = u16::from(p1 & 0x1f) << 8 | u16::from(p2);
            if found == NONE && matches!(kind, MPEG_1 | MPEG_2 | ADTS | LATM) {
                found = number;
            }
            rest = after.get(twelve(l1, l2)..).unwrap_or_default();
        }
        if found != NONE && found != self.sound {
            self.sound = found;
            self.skip = None;
        }
    }

    /// Of a packetised elementary stream (section 2.4.3.6) what is behind its headers.
    fn sound(&mut self, payload: &[u8], begins: bool) {
        let mut payload = payload;
        if begins {
            self.skip = match payload.first_chunk::<9>() {
                Some([0, 0, 1, _, _, _, _, _, header]) => Some(9 + usize::from(*header)),
                _ => None,
            };
        }
        let Some(skip) = &mut self.skip else {
            return;
        };
        let skipped = payload.len().min(*skip);
        *skip -= skipped;
        payload = &payload[skipped..];
        if !payload.is_empty() {
            self.barren = 0;
            self.out.extend_from_slice(payload);
        }
    }
}

impl<R: Read> Read for TsAudio<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.out.len() {
            self.out.clear();
            self.given = 0;
        }
        while self.out.is_empty() && !self.is_over {
            self.is_over = !self.packet()?;
        }
        let ready = &self.out[self.given..];
        let much = ready.len().min(buffer.len());
        buffer[..much].copy_from_slice(&ready[..much]);
        self.given += much;
        Ok(much)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u16, begins: bool, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![SYNC, (number >> 8) as u8, number as u8, 0x10];
        packet[1] |= if begins { 0x40 } else { 0 };
        let missing = PACKET - 4 - payload.len();
        if missing > 0 {
            packet[3] = 0x30;
            packet.push((missing - 1) as u8);
            packet.resize(4 + missing, 0xff);
        }
        packet.extend(payload);
        packet
    }

    fn table(id: u8, body: &[u8]) -> Vec<u8> {
        let length = 5 + body.len() + 4;
        let mut table = vec![
            0,
            id,
            0xb0 | (length >> 8) as u8,
            length as u8,
            0,
            1,
            0xc1,
            0,
            0,
        ];
        table.extend(body);
        table.extend([0; 4]);
        table
    }

    /// A programme with a picture in 0x100 and AAC in 0x101.
    fn stream(sound: &[u8]) -> Vec<u8> {
        let mut ts = packet(0, true, &table(0, &[0, 1, 0xe1, 0x20]));
        let streams = [
            0xe1, 0x00, 0xf0, 0x00, 0x1b, 0xe1, 0x00, 0xf0, 0x02, 9, 9, ADTS, 0xe1, 0x01, 0xf0, 0,
        ];
        ts.extend(packet(0x120, true, &table(2, &streams)));
        for (n, part) in sound.chunks(150).enumerate() {
            ts.extend(packet(0x100, false, b"picture"));
            let mut payload = Vec::new();
            if n % 3 == 0 {
                payload.extend([0, 0, 1, 0xc0, 0, 0, 0x80, 0x80, 5, 1, 2, 3, 4, 5]);
            }
            payload.extend(part);
            ts.extend(packet(0x101, n % 3 == 0, &payload));
        }
        ts
    }

    fn sound_of(ts: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        TsAudio::new(ts).read_to_end(&mut out).expect("read");
        out
    }

    #[test]
    fn the_sound_comes_out_as_it_was_put_in() {
        let sound: Vec<u8> = (0..2_000_u32).map(|n| (n % 251) as u8).collect();
        let ts = stream(&sound);
        assert_eq!(ts_begins(&ts), Some(0));
        assert_eq!(ts_begins(&ts[88..]), Some(100));
        assert_eq!(ts_begins(&sound), None);
        assert_eq!(sound_of(&ts), sound);
        // Begun in the middle of a packet: what is whole is found.
        let mut shifted = vec![SYNC, 1, 2];
        shifted.extend(&ts[50..]);
        let twice = [shifted, ts].concat();
        assert!(sound_of(&twice).ends_with(&sound));
    }

    #[test]
    fn a_stream_without_sound_is_given_up() {
        let silent = packet(0x55, false, b"x").repeat(MAX_BARREN as usize + 10);
        let read = TsAudio::new(&silent[..]).read(&mut [0; 10]);
        assert_eq!(read.expect_err("given up").kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn any_bytes_are_read_to_an_end() {
        let sound: Vec<u8> = (0..2_000_u32).map(|n| (n % 251) as u8).collect();
        let whole = stream(&sound);
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut chance = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..2_000 {
            let mut bytes = whole.clone();
            for _ in 0..chance() % 40 {
                let at = chance() as usize % bytes.len();
                bytes[at] = chance() as u8;
            }
            bytes.truncate(chance() as usize % bytes.len());
            let mut out = Vec::new();
            let _ = TsAudio::new(&bytes[..]).read_to_end(&mut out);
            assert!(out.len() <= bytes.len());
        }
        let noise: Vec<u8> = (0..200_000).map(|_| chance() as u8).collect();
        let _ = TsAudio::new(&noise[..]).read_to_end(&mut Vec::new());
    }
}
