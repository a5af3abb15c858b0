//! What a phone sends, looked at before it is passed on: is it one frame of 20 ms?

/// One Opus packet with exactly one frame of 20 ms, of one channel (RFC 6716 section 3.1). Whether its inside decodes is for the
/// decoder to find out.
pub fn is_one_frame(packet: &[u8]) -> bool {
    let Some(toc) = packet.first() else {
        return false;
    };
    let configuration = toc >> 3;
    let is_20_ms = match configuration {
        // Speech: 10, 20, 40 or 60 ms.
        0..=11 => configuration % 4 == 1,
        // Speech and music: 10 or 20 ms.
        12..=15 => configuration % 2 == 1,
        // Music: 2.5, 5, 10 or 20 ms.
        _ => configuration % 4 == 3,
    };
    let is_mono = toc & 0b100 == 0;
    let is_one = toc & 0b11 == 0;
    is_20_ms && is_mono && is_one && packet.len() <= super::MAX_FRAME_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_of_twenty_milliseconds_passes_and_nothing_else() {
        for (configuration, rest, is_one) in [
            (1, 0, true),   // speech, 20 ms
            (9, 0, true),   // wide-band speech, 20 ms
            (13, 0, true),  // both, 20 ms
            (31, 0, true),  // music, 20 ms
            (0, 0, false),  // 10 ms
            (10, 0, false), // 40 ms
            (12, 0, false), // 10 ms
            (30, 0, false), // 10 ms
            (31, 4, false), // stereo
            (31, 1, false), // two frames
            (31, 3, false), // any number of frames
        ] {
            let first = (configuration << 3) | rest;
            assert_eq!(is_one_frame(&[first, 1, 2]), is_one, "{first:08b}");
        }
        assert!(!is_one_frame(&[]));
        assert!(!is_one_frame(&[0xF8; 1_276]));
    }

    #[cfg(feature = "encode")]
    #[test]
    fn what_our_own_encoder_makes_passes() {
        use crate::live::{FRAME, FrameEncoder, Kind};
        for kind in [Kind::Voice, Kind::Music] {
            let mut encoder = FrameEncoder::new(kind).unwrap();
            for part in 0..20 {
                let mut samples = [0.0; FRAME];
                for (i, sample) in samples.iter_mut().enumerate() {
                    *sample = ((part * FRAME + i) as f32 * 0.03).sin() * 0.3;
                }
                let frame = encoder.encode(&samples).unwrap();
                assert!(is_one_frame(frame), "{kind:?} {:08b}", frame[0]);
            }
        }
    }
}
