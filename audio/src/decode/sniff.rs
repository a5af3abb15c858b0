//! Tells from its first bytes what a file is, so that a text file is never "a broken MP3".
//!
//! Stricter than the probe of the demuxers, which would search a megabyte of anything for two bytes that look right.

use std::io::{Read, SeekFrom};

use symphonia::core::io::MediaSource;

use super::DecodeError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Wav,
    Flac,
    Ogg,
    Mp4,
    Webm,
    Mp3,
    Adts,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sniffed {
    pub container: Container,
    /// Where the sound's container begins, behind any ID3v2 tag or padding, in bytes.
    pub start: u64,
    /// An MP3 whose first frame (Xing, Info or VBRI) counts its frames: only then is its length known.
    pub counted: bool,
}

/// How far into a file a first MPEG frame is looked for (a stream saved from the middle of a frame) …
const WINDOW_BYTES: usize = 16 * 1024;
/// … and when the file's own name says that there is one.
const HINTED_WINDOW_BYTES: usize = 256 * 1024;
const MAX_ID3_TAGS: usize = 4;

/// `hint_extension` is the extension of the file's name, without its dot; it never outweighs the bytes.
pub(super) fn sniff(
    source: &mut dyn MediaSource,
    hint_extension: Option<&str>,
) -> Result<Sniffed, DecodeError> {
    let says_mpeg = hint_extension
        .is_some_and(|hint| hint.eq_ignore_ascii_case("mp3") || hint.eq_ignore_ascii_case("aac"));
    let window_bytes = if says_mpeg {
        HINTED_WINDOW_BYTES
    } else {
        WINDOW_BYTES
    };
    let mut start = 0;
    let mut window = read_window(source, start, window_bytes)?;
    for _ in 0..MAX_ID3_TAGS {
        match id3v2_bytes(&window) {
            Some(tag) => start += tag,
            None => break,
        }
        window = read_window(source, start, window_bytes)?;
    }
    if window.is_empty() && start > 0 {
        return Err(DecodeError::Truncated);
    }
    let found = by_magic(&window)?.map(|container| (container, 0));
    let (container, offset) = found
        .or_else(|| mpeg_frames(&window, window.len() < window_bytes))
        .ok_or(DecodeError::NotAudio)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(Sniffed {
        container,
        start: start + offset as u64,
        counted: container == Container::Mp3 && counts_its_frames(&window[offset..]),
    })
}

fn read_window(
    source: &mut dyn MediaSource,
    start: u64,
    bytes: usize,
) -> Result<Vec<u8>, DecodeError> {
    source.seek(SeekFrom::Start(start))?;
    let mut window = Vec::new();
    source.take(bytes as u64).read_to_end(&mut window)?;
    Ok(window)
}

/// The whole length of an ID3v2 tag at the start (id3.org, ID3v2.4 section 3.1: a 28-bit "synchsafe" size).
pub(super) fn id3v2_bytes(window: &[u8]) -> Option<u64> {
    let header = window.get(..10).filter(|h| h.starts_with(b"ID3"))?;
    let size = header[6..10]
        .iter()
        .fold(0_u64, |size, &byte| size << 7 | u64::from(byte & 0x7f));
    let footer = if header[5] & 0x10 != 0 { 10 } else { 0 };
    Some(10 + size + footer)
}

pub(super) fn by_magic(window: &[u8]) -> Result<Option<Container>, DecodeError> {
    let at = |offset: usize, magic: &[u8]| {
        window
            .get(offset..offset + magic.len())
            .is_some_and(|bytes| bytes == magic)
    };
    let unsupported = [
        (0, b"RF64".as_slice(), "64-bit WAV"),
        (0, b"BW64", "64-bit WAV"),
        (0, b"RIFX", "big-endian WAV"),
        (0, b"FORM", "AIFF"),
        (0, b"caff", "CAF"),
        (0, b"#!AMR", "AMR"),
        (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA"),
        (0, b"MThd", "MIDI"),
        (0, b"MAC ", "Monkey's Audio"),
        (0, b"wvPk", "WavPack"),
        (0, b".snd", "AU"),
        (8, b"AVI ", "AVI video"),
    ];
    if at(0, b"RIFF") && at(8, b"WAVE") {
        return Ok(Some(Container::Wav));
    }
    for (offset, magic, name) in unsupported {
        if at(offset, magic) {
            return Err(DecodeError::unsupported(name));
        }
    }
    Ok(if at(0, b"fLaC") {
        Some(Container::Flac)
    } else if at(0, b"OggS") {
        Some(Container::Ogg)
    } else if at(4, b"ftyp") {
        Some(Container::Mp4)
    } else if at(0, b"\x1a\x45\xdf\xa3") {
        Some(Container::Webm)
    } else {
        None
    })
}

/// Frames that must follow each other before bytes in the middle of nowhere count as MPEG audio.
const FRAMES_IN_A_ROW: usize = 3;

/// A run of MPEG audio frames in the window: two at its very start, or three anywhere, or all there is of a tiny file.
pub(super) fn mpeg_frames(window: &[u8], whole_file: bool) -> Option<(Container, usize)> {
    for offset in 0..window.len().saturating_sub(4) {
        if window[offset] != 0xff {
            continue;
        }
        let Some(first) = mpeg_frame(&window[offset..]) else {
            continue;
        };
        let wanted = if offset == 0 { 2 } else { FRAMES_IN_A_ROW };
        let mut seen = 1;
        let mut next = offset + first.bytes;
        while seen < wanted {
            match window.get(next..).filter(|rest| rest.len() >= 8) {
                // The file ends with this frame (or inside it): there is no more to ask of it.
                None if whole_file && offset == 0 => seen = wanted,
                None => break,
                Some(rest) => match mpeg_frame(rest) {
                    Some(frame) if frame.container == first.container => {
                        seen += 1;
                        next += frame.bytes;
                    }
                    _ => break,
                },
            }
        }
        if seen >= wanted {
            return Some((first.container, offset));
        }
    }
    None
}

struct MpegFrame {
    container: Container,
    bytes: usize,
}

/// Reads one frame header: MPEG layer III (ISO/IEC 11172-3 section 2.4.1.3, 13818-3) or ADTS (13818-7 section 6.2).
fn mpeg_frame(bytes: &[u8]) -> Option<MpegFrame> {
    const KBIT_V1: [usize; 15] = [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ];
    const KBIT_V2: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let [sync, kind, rates, ..] = *bytes else {
        return None;
    };
    if sync != 0xff || kind & 0xe0 != 0xe0 {
        return None;
    }
    let layer = kind >> 1 & 3;
    if kind & 0xf0 == 0xf0 && layer == 0 {
        let length = bytes.get(3..6)?;
        let frame = usize::from(length[0] & 3) << 11
            | usize::from(length[1]) << 3
            | usize::from(length[2]) >> 5;
        let rate_known = rates >> 2 & 0xf < 13;
        return (rate_known && frame > 7).then_some(MpegFrame {
            container: Container::Adts,
            bytes: frame,
        });
    }
    let version = kind >> 3 & 3;
    if version == 1 || layer != 1 {
        return None;
    }
    let table = if version == 3 { KBIT_V1 } else { KBIT_V2 };
    let kbit = *table
        .get(usize::from(rates >> 4))
        .filter(|&&kbit| kbit > 0)?;
    let base_hz = *[44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))?;
    let (hz, per_frame) = match version {
        3 => (base_hz, 144),
        2 => (base_hz / 2, 72),
        _ => (base_hz / 4, 72),
    };
    Some(MpegFrame {
        container: Container::Mp3,
        bytes: per_frame * kbit * 1000 / hz + usize::from(rates >> 1 & 1),
    })
}

/// Whether the first MP3 frame holds a count of frames: a "Xing" or "Info" tag with its first flag, or "VBRI".
fn counts_its_frames(frame: &[u8]) -> bool {
    let head = &frame[..frame.len().min(200)];
    let xing = head
        .windows(8)
        .find(|tag| tag.starts_with(b"Xing") || tag.starts_with(b"Info"));
    xing.is_some_and(|tag| tag[7] & 1 != 0) || head.windows(4).any(|tag| tag == b"VBRI")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn sniffed(bytes: &[u8]) -> Result<Container, DecodeError> {
        sniff(&mut Cursor::new(bytes.to_vec()), None).map(|found| found.container)
    }

    #[test]
    fn a_letter_a_picture_and_a_zip_are_not_audio() {
        let letter = "Kính gửi bà con xóm Bản Chương. ".repeat(900);
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(letter.bytes()).collect();
        for not_audio in [
            letter.as_bytes(),
            &utf16,
            b"\xff\xd8\xff\xe0\0\x10JFIF",
            b"PK\x03\x04",
        ] {
            assert!(matches!(sniffed(not_audio), Err(DecodeError::NotAudio)));
        }
    }

    #[test]
    fn noise_is_not_audio() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..200 {
            let noise: Vec<u8> = (0..20_000)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state as u8
                })
                .collect();
            assert!(matches!(sniffed(&noise), Err(DecodeError::NotAudio)));
        }
    }

    #[test]
    fn a_format_we_know_but_cannot_read_is_named() {
        let Err(DecodeError::Unsupported { what }) = sniffed(b"#!AMR\n123456789") else {
            panic!("AMR must be refused by name");
        };
        assert_eq!(what, "AMR");
    }

    #[test]
    fn a_file_that_ends_inside_its_cover_picture_was_cut_off() {
        let mut file = b"ID3\x04\0\0\0\x10\0\0".to_vec();
        file.resize(5_000, 7);
        assert!(matches!(sniffed(&file), Err(DecodeError::Truncated)));
    }

    #[test]
    fn an_mp3_is_found_behind_its_tag() {
        let mut file = b"ID3\x04\0\0\0\0\x02\x01".to_vec();
        file.resize(10 + 257, 0);
        for _ in 0..3 {
            let frame_at = file.len();
            file.extend([0xff, 0xfb, 0x90, 0x00]);
            file.resize(frame_at + 417, 0);
        }
        let found = sniff(&mut Cursor::new(file), None).expect("an MP3");
        assert_eq!((found.container, found.start), (Container::Mp3, 267));
    }
}
