//! The two packets that every Ogg Opus file begins with (RFC 7845 section 5).

use crate::SAMPLE_RATE;

/// Any constant will do for a file with one stream; a constant makes the content's name reproducible.
pub const SERIAL: u32 = 0x4c6f_6121;

/// RFC 7845 section 5.1: version 1, one channel, mapping family 0.
pub fn head(pre_skip: u16, gain_q8_db: i16) -> Vec<u8> {
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend(pre_skip.to_le_bytes());
    head.extend(SAMPLE_RATE.to_le_bytes());
    head.extend(gain_q8_db.to_le_bytes());
    head.push(0);
    head
}

/// RFC 7845 section 5.2: who made it, and no comments.
pub fn tags() -> Vec<u8> {
    const VENDOR: &[u8] = b"Loa";
    let mut tags = b"OpusTags".to_vec();
    tags.extend((VENDOR.len() as u32).to_le_bytes());
    tags.extend(VENDOR);
    tags.extend(0_u32.to_le_bytes());
    tags
}
