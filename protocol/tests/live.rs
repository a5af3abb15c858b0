//! Packets of streams, byte for byte, and whatever is not one of them; and what a bulletin with a stream is held to.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::PathBuf};

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Source, Status, When},
    envelope::Refusal,
    id::BulletinId,
    live::{
        MAX_FRAME_BYTES, MAX_FRAMES, MAX_PACKET_BYTES, Packet, Replay, Stream, StreamKind, Streamed,
    },
    time::WallTime,
};

const NOW: WallTime = WallTime::from_millis(1_795_496_400_000);

/// The stream's secret key in these examples: 32 bytes of 0x28.
fn key() -> SigningKey {
    SigningKey::from_bytes(&[0x28; 32])
}
fn call() -> BulletinId {
    "call-1".parse().unwrap()
}
fn packet() -> Packet {
    Packet {
        number: 258,
        captured: NOW.plus_ms(5_160),
        last: false,
        frames: vec![vec![0xf8, 0xff, 0xfe], vec![1, 2, 3, 4]],
    }
}
fn last() -> Packet {
    Packet {
        number: 260,
        captured: NOW.plus_ms(5_200),
        last: true,
        frames: Vec::new(),
    }
}
fn open(bytes: &[u8]) -> Result<Packet, Refusal> {
    Packet::open(bytes, &call(), &key().verifying_key())
}

#[test]
fn packets_are_written_as_they_were() {
    for (name, packet) in [("packet", packet()), ("packet_last", last())] {
        let bytes = packet.seal(&call(), &key()).unwrap();
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(format!("{name}.hex"));
        let lines: String = hex::encode(&bytes)
            .as_bytes()
            .chunks(100)
            .map(|line| format!("{}\n", String::from_utf8_lossy(line)))
            .collect();
        if std::env::var_os("LOA_BLESS").is_some() {
            fs::write(&path, &lines).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap();
        assert_eq!(golden, lines, "{name} is not written as it was");
        assert_eq!(open(&bytes), Ok(packet));
    }
}

#[test]
fn a_packet_is_what_the_text_says() {
    let bytes = packet().seal(&call(), &key()).unwrap();
    // Version, flags, number, captured.
    assert_eq!(bytes[..6], [1, 0, 0, 0, 1, 2]);
    assert_eq!(bytes[6..14], packet().captured.as_micros().to_be_bytes());
    // Each frame behind its length.
    assert_eq!(bytes[14..25], [0, 3, 0xf8, 0xff, 0xfe, 0, 4, 1, 2, 3, 4]);
    assert_eq!(bytes.len(), 25 + 64);
    let mut signed = b"loa/v1\0live\0call-1\0".to_vec();
    signed.extend(&bytes[..25]);
    use ed25519_dalek::Signer;
    assert_eq!(key().sign(&signed).to_bytes(), bytes[25..]);
    assert_eq!(last().seal(&call(), &key()).unwrap()[1], 1);
    assert_eq!(Packet::number_of(&bytes), Some(258));
}

#[test]
fn no_packet_with_any_bit_changed_or_any_part_missing_is_believed() {
    for packet in [packet(), last()] {
        let bytes = packet.seal(&call(), &key()).unwrap();
        for place in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[place / 8] ^= 1 << (place % 8);
            assert!(open(&bytes).is_err(), "bit {place}");
        }
        for length in 0..bytes.len() {
            assert!(open(&bytes[..length]).is_err(), "{length} bytes");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(open(&longer).is_err());
    }
}

#[test]
fn a_packet_of_another_stream_or_by_another_key_is_not_believed() {
    let other: BulletinId = "call-2".parse().unwrap();
    let bytes = packet().seal(&other, &key()).unwrap();
    assert_eq!(open(&bytes), Err(Refusal::NotSigned));
    let bytes = packet()
        .seal(&call(), &SigningKey::from_bytes(&[9; 32]))
        .unwrap();
    assert_eq!(open(&bytes), Err(Refusal::NotSigned));
}

#[test]
fn a_packet_keeps_to_its_bounds() {
    let with = |frames: Vec<Vec<u8>>| Packet { frames, ..packet() };
    let fits = |packet: Packet| packet.seal(&call(), &key());
    assert!(fits(with(vec![])).is_none(), "empty, and not the last");
    assert!(fits(with(vec![vec![]])).is_none(), "an empty frame");
    assert!(fits(with(vec![vec![0; MAX_FRAME_BYTES + 1]])).is_none());
    assert!(fits(with(vec![vec![0]; MAX_FRAMES + 1])).is_none());
    let largest = fits(with(vec![vec![0; MAX_FRAME_BYTES]; MAX_FRAMES])).unwrap();
    assert_eq!(largest.len(), MAX_PACKET_BYTES);
    assert!(open(&largest).is_ok());
    let longer = [&largest[..], &[0]].concat();
    assert_eq!(open(&longer), Err(Refusal::TooLarge));
    // Signed, and against the rules nevertheless.
    let mut end = packet();
    end.number = u32::MAX - 2;
    let bytes = fits(end).unwrap();
    assert_eq!(open(&bytes), Err(Refusal::NotReadable));
}

fn bulletin() -> Bulletin {
    Bulletin {
        endorsement: None,
        id: call(),
        revision: 1,
        title: "Trưởng xóm nói".into(),
        priority: Priority::Priority,
        status: Status::Actual,
        order: 0,
        source: Source::Stream(Stream {
            kind: StreamKind::Live,
            key: key().verifying_key().to_bytes(),
            delay_ms: 500,
            duration_ms: 600_000,
            ended: None,
            url: None,
        }),
        replay: None,
        chime: Chime::Rise,
        volume: 100,
        when: When::Now {
            at: NOW,
            date: "2026-11-24".into(),
        },
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: Some(60),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 900,
        since: NOW.plus_s(-60),
        valid_until: None,
    }
}
fn with(change: impl Fn(&mut Stream)) -> Bulletin {
    let mut bulletin = bulletin();
    if let Source::Stream(stream) = &mut bulletin.source {
        change(stream);
    }
    bulletin
}

#[test]
fn a_stream_that_breaks_a_rule_is_left_out() {
    assert!(bulletin().check().is_ok());
    for (why, wrong) in [
        ("no delay", with(|s| s.delay_ms = 99)),
        ("too long a delay", with(|s| s.delay_ms = 5_001)),
        ("no length", with(|s| s.duration_ms = 0)),
        ("too long", with(|s| s.duration_ms = 4 * 3_600_000 + 1)),
        ("a weak key", with(|s| s.key = [0; 32])),
        (
            "a call with an address",
            with(|s| s.url = Some("http://x".into())),
        ),
        (
            "too long an address",
            with(|s| {
                s.kind = StreamKind::Relay;
                s.url = Some("x".repeat(2_001));
            }),
        ),
    ] {
        assert!(wrong.check().is_err(), "{why}");
    }
    let replay = Bulletin {
        replay: Some(Box::new(Replay {
            of: call(),
            least_ms: 1,
        })),
        ..bulletin()
    };
    assert!(replay.check().is_err(), "a stream is nobody's recording");
}

#[test]
fn a_stream_may_be_joined_as_long_as_it_lasts_and_no_longer() {
    let over = NOW.plus_ms(601_600);
    assert_eq!(bulletin().stream_over(NOW), Some(over));
    assert_eq!(bulletin().start_by(NOW), over, "whatever its lateness");
    let ended = with(|s| s.ended = Some(NOW.plus_s(30)));
    assert_eq!(ended.start_by(NOW), NOW.plus_ms(30_500));
    let late = with(|s| s.ended = Some(NOW.plus_s(3_000)));
    assert_eq!(late.start_by(NOW), over);
    let short = Bulletin {
        max_duration_s: 60,
        ..bulletin()
    };
    assert_eq!(short.start_by(NOW), NOW.plus_s(60));
    let valid = Bulletin {
        valid_until: Some(NOW.plus_s(10)),
        ..bulletin()
    };
    assert_eq!(valid.start_by(NOW), NOW.plus_s(10));
}

#[test]
fn a_call_needs_a_minute_to_begin_and_a_relay_all_its_window() {
    assert_eq!(bulletin().need_ms(601_600), 61_600);
    assert_eq!(bulletin().need_ms(5_000), 5_000);
    assert_eq!(
        with(|s| s.kind = StreamKind::Relay).need_ms(601_600),
        601_600
    );
}

#[test]
fn two_pieces_of_a_stream_are_told_as_one() {
    let piece = |frames, p50, max, least| Streamed {
        frames,
        lost: 1,
        late: 2,
        refused: 3,
        concealed_ms: 20,
        delay_p50_ms: p50,
        delay_p95_ms: max,
        delay_max_ms: max,
        depth_min_ms: least,
        depth_p50_ms: p50,
    };
    let both = piece(300, 400, 500, 90).with(&piece(100, 800, 900, 40));
    assert_eq!(
        both,
        Streamed {
            lost: 2,
            late: 4,
            refused: 6,
            concealed_ms: 40,
            ..piece(400, 500, 900, 40)
        }
    );
    let none = Streamed::default();
    assert_eq!(none.with(&both), both);
    assert_eq!(both.with(&none), both);
}
