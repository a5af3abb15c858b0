//! Opus in Ogg from an office that was stolen: whatever its headers promise, a pole neither runs out of memory nor of time.

use std::io::Cursor;

use loa_audio::{DecodeError, Decoder, Limits};

/// The pole's bounds are wider; these show sooner that there are some.
const LIMITS: Limits = Limits {
    max_bytes: 64 * 1024 * 1024,
    max_duration_s: 60,
};
/// The longest packet there is: 120 ms (RFC 6716, 3.2), here of nothing.
const LONGEST: [u8; 2] = [0xff, 0x06];

/// RFC 3533: one page with these packets whole.
fn page(flags: u8, granule: u64, sequence: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut lacing = Vec::new();
    for packet in packets {
        lacing.extend(std::iter::repeat_n(255, packet.len() / 255));
        lacing.push((packet.len() % 255) as u8);
    }
    let mut page = b"OggS\0".to_vec();
    page.push(flags);
    page.extend(granule.to_le_bytes());
    page.extend(7_u32.to_le_bytes());
    page.extend(sequence.to_le_bytes());
    page.extend([0; 4]);
    page.push(lacing.len() as u8);
    page.extend(&lacing);
    for packet in packets {
        page.extend(*packet);
    }
    let crc = page.iter().fold(0_u32, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 24), |crc, _| {
            (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    });
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

fn head(channels: u8, pre_skip: u16) -> Vec<u8> {
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels);
    head.extend(pre_skip.to_le_bytes());
    head.extend(48_000_u32.to_le_bytes());
    head.extend([0, 0, 0]);
    head
}

fn tags(vendor: u32, comments: u32) -> Vec<u8> {
    let mut tags = b"OpusTags".to_vec();
    tags.extend(vendor.to_le_bytes());
    tags.extend(comments.to_le_bytes());
    tags
}

fn file(head: &[u8], tags: &[u8], pages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = page(2, 0, 0, &[head]);
    file.extend(page(0, 0, 1, &[tags]));
    file.extend(pages.concat());
    file
}

/// How many frames come out before it ends or is refused.
fn frames(file: Vec<u8>) -> (u64, Option<DecodeError>) {
    let mut frames = 0;
    let mut decoder = match Decoder::open(Box::new(Cursor::new(file)), Some("opus"), LIMITS) {
        Ok(decoder) => decoder,
        Err(error) => return (0, Some(error)),
    };
    loop {
        match decoder.next_block() {
            Ok(Some(block)) => frames += block.len() as u64,
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        }
    }
}

#[test]
fn headers_that_promise_the_world_get_what_is_there() {
    let sound: Vec<&[u8]> = vec![&LONGEST; 10];
    for granule in [0, 1, 57_600, u64::MAX, u64::MAX / 2, 1 << 40] {
        for pre_skip in [0, 312, u16::MAX] {
            for tags in [tags(0, 0), tags(u32::MAX, 0), tags(0, u32::MAX)] {
                let whole = file(&head(1, pre_skip), &tags, &[page(4, granule, 2, &sound)]);
                let (frames, _) = frames(whole);
                assert!(frames <= 10 * 5_760, "{frames} of {granule}");
            }
        }
    }
    for channels in [0, 2, 3, 255] {
        let whole = file(&head(channels, 0), &tags(0, 0), &[page(4, 0, 2, &sound)]);
        assert!(frames(whole).0 <= 10 * 5_760, "{channels}");
    }
}

#[test]
fn a_small_file_of_very_long_packets_ends_at_the_longest_that_may_sound() {
    // Two bytes for 120 ms: a megabyte would sound for hours.
    let sound: Vec<&[u8]> = vec![&LONGEST; 255];
    let pages: Vec<Vec<u8>> = (0..100_u32)
        .map(|n| page(0, u64::from(n + 1) * 255 * 5_760, n + 2, &sound))
        .collect();
    let (frames, error) = frames(file(&head(1, 0), &tags(0, 0), &pages));
    assert!(frames <= 60 * 48_000, "{frames}");
    // Either it is refused by then, or it was refused as what it is.
    assert!(error.is_some(), "hours of sound were taken for a minute");
}

#[test]
fn pages_without_an_end_and_packets_without_a_beginning_are_passed_over() {
    let empty: Vec<Vec<u8>> = (0..20_000).map(|n| page(0, 0, n + 2, &[])).collect();
    assert_eq!(frames(file(&head(1, 0), &tags(0, 0), &empty)).0, 0);
    let whole = page(0, 5_760, 2, &[&LONGEST]);
    for cut in 0..whole.len() {
        let (frames, _) = frames(file(&head(1, 0), &tags(0, 0), &[whole[..cut].to_vec()]));
        assert!(frames <= 5_760);
    }
}
