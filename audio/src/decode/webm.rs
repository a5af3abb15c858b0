//! Tells a finished WebM that was cut off from a live one: only the finished one knows its size (RFC 8794, RFC 9559).

use std::io::{Read, SeekFrom};

use symphonia::core::io::MediaSource;

const EBML: u64 = 0x1a45_dfa3;
const SEGMENT: u64 = 0x1853_8067;

/// Whether the segment says that it ends behind the end of the file. Leaves the source at its start.
pub(super) fn is_cut_off(source: &mut dyn MediaSource, bytes: u64) -> std::io::Result<bool> {
    let mut head = Vec::new();
    source.seek(SeekFrom::Start(0))?;
    source.take(4096).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(segment_end(&head).is_some_and(|end| end > bytes))
}

fn segment_end(head: &[u8]) -> Option<u64> {
    let (id, size, at) = element(head, 0)?;
    let segment_at = usize::try_from(size?).ok()?.checked_add(at)?;
    let (next_id, size, body) = element(head, segment_at)?;
    if id != EBML || next_id != SEGMENT {
        return None;
    }
    size?.checked_add(body as u64)
}

/// (id, size unless unknown, where its body starts) of the element at `at`.
fn element(head: &[u8], at: usize) -> Option<(u64, Option<u64>, usize)> {
    let (id, id_bytes) = variable(head.get(at..)?)?;
    let (size, size_bytes) = variable(head.get(at + id_bytes..)?)?;
    let marker = 1_u64 << (7 * size_bytes);
    let size = size - marker;
    let known = (size != marker - 1).then_some(size);
    Some((id, known, at + id_bytes + size_bytes))
}

/// A variable-size integer with its length marker still in it, and how many bytes it took.
fn variable(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let bytes = bytes.get(..length).filter(|_| length <= 8)?;
    let value = bytes
        .iter()
        .fold(0, |value, &byte| value << 8 | u64::from(byte));
    Some((value, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\x1a\x45\xdf\xa3\x84webm";

    #[test]
    fn a_finished_recording_knows_its_end_and_a_live_one_does_not() {
        let finished = [HEADER, b"\x18\x53\x80\x67\x01\0\0\0\0\0\x10\0"].concat();
        assert_eq!(segment_end(&finished), Some(9 + 12 + 4096));
        let live = [HEADER, b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"].concat();
        assert_eq!(segment_end(&live), None);
        let short_live = [HEADER, b"\x18\x53\x80\x67\xff"].concat();
        assert_eq!(segment_end(&short_live), None);
        assert_eq!(segment_end(HEADER), None);
        assert_eq!(segment_end(&[0; 20]), None);
    }
}
