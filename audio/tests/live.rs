//! Live: what is said into a phone comes out of a horn at its time, whatever the line loses, delays or makes up.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Chance, speech_like};
use loa_audio::{
    live::{FRAME, FrameEncoder, Kind, Rendered, StreamPlayer, Streamed},
    measure::{correlation, envelopes_alike},
};

const FRAME_US: u64 = 20_000;
const BLOCK: usize = 480;
const BLOCK_US: u64 = 10_000;
/// When the first sample was captured.
const T0: u64 = 50_000_000;
/// How long before it is heard an output takes a block.
const LEAD_US: u64 = 100_000;

fn frames(said: &[f32]) -> Vec<Vec<u8>> {
    let mut encoder = FrameEncoder::new(Kind::Voice).unwrap();
    said.as_chunks::<FRAME>()
        .0
        .iter()
        .map(|frame| encoder.encode(frame).unwrap().to_vec())
        .collect()
}

/// A packet of two frames, and when it reaches the pole.
struct Packet {
    number: u32,
    arrives_us: u64,
    frames: Vec<Vec<u8>>,
}

/// The packets of a stream: each leaves when its last sample is captured, and takes `line(n)` microseconds.
fn packets(frames: &[Vec<u8>], mut line: impl FnMut(usize) -> Option<u64>) -> Vec<Packet> {
    frames
        .chunks(2)
        .enumerate()
        .filter_map(|(n, pair)| {
            let number = 2 * n as u32;
            let captured_us = T0 + u64::from(number) * FRAME_US;
            Some(Packet {
                number,
                arrives_us: captured_us + 2 * FRAME_US + line(n)?,
                frames: pair.to_vec(),
            })
        })
        .collect()
}

/// Sounds it from the first capture on; gives what was heard from then on, and the figures.
fn sound(mut packets: Vec<Packet>, delay_us: u64, seconds: usize) -> (Vec<f32>, Streamed) {
    packets.sort_by_key(|packet| packet.arrives_us);
    let mut coming = packets.into_iter().peekable();
    let mut player = StreamPlayer::new(delay_us);
    let mut heard = vec![0.0; seconds * 48_000];
    for (n, block) in heard.chunks_mut(BLOCK).enumerate() {
        let heard_us = T0 + n as u64 * BLOCK_US;
        // An output takes 50 ms at a time.
        let now_us = heard_us / 50_000 * 50_000 - LEAD_US;
        while let Some(packet) = coming.next_if(|packet| packet.arrives_us <= now_us) {
            let captured_us = T0 + u64::from(packet.number) * FRAME_US;
            player.push(
                packet.number,
                captured_us,
                packet.frames,
                false,
                packet.arrives_us,
            );
        }
        player.render(heard_us, block);
    }
    (heard, player.streamed())
}

/// From the delay on, beside what was said.
fn after(heard: &[f32], delay_us: u64) -> &[f32] {
    &heard[(delay_us * 48 / 1_000) as usize..]
}

#[test]
fn what_was_captured_at_an_instant_is_heard_after_the_delay_to_the_sample() {
    let said = speech_like(4.0, 48_000, 1);
    for delay_us in [300_000, 307_130, 1_000_000] {
        let (heard, streamed) = sound(packets(&frames(&said), |_| Some(10_000)), delay_us, 6);
        let (lag, alike) = correlation(&said, &heard, 60_000);
        assert!(
            (lag as i64 - delay_us as i64 * 48 / 1_000).abs() <= 5,
            "{lag} for {delay_us}"
        );
        assert!(alike > 0.9, "{alike}");
        assert_eq!(
            (streamed.lost, streamed.late, streamed.concealed_ms),
            (0, 0, 200)
        );
        let delay_ms = (delay_us / 1_000) as u32;
        assert!(
            streamed.delay_p50_ms.abs_diff(delay_ms) <= 1,
            "{streamed:?}"
        );
        assert!(
            streamed.delay_max_ms.abs_diff(delay_ms) <= 1,
            "{streamed:?}"
        );
        assert_eq!(streamed.frames, 200);
    }
}

#[test]
fn five_of_a_hundred_packets_missing_leave_speech_intelligible() {
    let said = speech_like(20.0, 48_000, 2);
    let frames = frames(&said);
    for seed in 1..=3 {
        let mut chance = Chance::new(seed);
        let line = |_| (chance.below(100) >= 5).then_some(10_000);
        let (heard, streamed) = sound(packets(&frames, line), 300_000, 21);
        let alike = envelopes_alike(&said, after(&heard, 300_000));
        println!("seed {seed}: {alike:.4}, {streamed:?}");
        assert!(alike >= 0.9, "{alike} {streamed:?}");
        assert!((20..=100).contains(&streamed.lost), "{streamed:?}");
        assert!(streamed.concealed_ms >= 20 * streamed.lost);
        assert_eq!(streamed.delay_p95_ms, 300);
    }
}

#[test]
fn bursts_of_five_packets_missing_leave_speech_intelligible() {
    let said = speech_like(20.0, 48_000, 3);
    // Of 100 packets five, and always five at a time: a hole of 200 ms every four seconds.
    let line = |n: usize| (n % 100 < 95).then_some(10_000);
    let (heard, streamed) = sound(packets(&frames(&said), line), 300_000, 21);
    let alike = envelopes_alike(&said, after(&heard, 300_000));
    println!("{alike:.4}, {streamed:?}");
    assert!(alike >= 0.9, "{alike}");
    // The last hole may be the end.
    assert_eq!(streamed.lost, 40);
}

#[test]
fn the_coarse_copy_in_the_next_frame_is_better_than_a_guess() {
    let said = speech_like(20.0, 48_000, 4);
    let with = frames(&said);
    // Every tenth frame alone is missing. Without its successor in time it can only be guessed.
    let lone = |copies: bool| {
        let mut player = StreamPlayer::new(300_000);
        let mut heard = vec![0.0; 21 * 48_000];
        let mut next = 0;
        for (n, block) in heard.chunks_mut(BLOCK).enumerate() {
            let due = 2 + n / 2 - 2 * usize::from(!copies);
            while next < with.len() && next < due {
                if next % 10 != 7 {
                    let captured_us = T0 + next as u64 * FRAME_US;
                    let frames = vec![with[next].clone()];
                    player.push(next as u32, captured_us, frames, false, captured_us);
                }
                next += 1;
            }
            // One frame, or two of them, are there before their time.
            player.render(T0 + 300_000 + n as u64 * BLOCK_US, block);
        }
        correlation(&said, &heard, 2_000).1
    };
    let (guessed, copied) = (lone(false), lone(true));
    println!("guessed {guessed:.3}, copied {copied:.3}");
    assert!(copied > guessed + 0.01, "{copied} {guessed}");
}

#[test]
fn a_bad_line_loses_what_is_late_and_never_stretches_the_delay() {
    let said = speech_like(30.0, 48_000, 5);
    let mut chance = Chance::new(6);
    // 50 ms, give or take 30, and now and then the line stands still for half a second; nothing overtakes.
    let (mut before_us, mut stall_us) = (0, 0);
    let line = |n: usize| {
        let sent_us = n as u64 * 2 * FRAME_US;
        if chance.below(100) < 2 {
            stall_us = sent_us + 500_000;
        }
        before_us = stall_us
            .max(sent_us + 20_000 + chance.below(60_000) as u64)
            .max(before_us);
        Some(before_us - sent_us)
    };
    let (heard, streamed) = sound(packets(&frames(&said), line), 600_000, 32);
    println!("{streamed:?}");
    assert!(
        streamed.delay_max_ms <= 602 && streamed.delay_p50_ms >= 599,
        "{streamed:?}"
    );
    assert!(streamed.late > 0 && streamed.lost == 0, "{streamed:?}");
    assert!(streamed.frames > 1_200, "{streamed:?}");
    assert_eq!(streamed.depth_min_ms, 0);
    let lag = correlation(&said, &heard, 60_000).0;
    assert!((lag - 28_800).abs() <= 48, "{lag}");
}

#[test]
fn whoever_joins_late_joins_at_the_present_place() {
    let said = speech_like(10.0, 48_000, 7);
    let packets = packets(&frames(&said), |_| Some(10_000));
    // For the first five seconds this pole has nothing.
    let joined = packets.into_iter().filter(|packet| packet.number >= 250);
    let (heard, streamed) = sound(joined.collect(), 300_000, 12);
    assert!(heard[..5 * 48_000].iter().all(|s| *s == 0.0));
    let lag = correlation(&said[6 * 48_000..9 * 48_000], &heard[6 * 48_000..], 48_000).0;
    assert!((lag - 14_400).abs() <= 5, "{lag}");
    assert_eq!((streamed.frames, streamed.lost), (250, 0));
}

#[test]
fn nothing_for_two_seconds_is_starvation_and_the_last_packet_is_the_end() {
    let said = speech_like(1.0, 48_000, 8);
    let mut block = [1.0; BLOCK];
    for is_ended in [false, true] {
        let mut player = StreamPlayer::new(300_000);
        for (pair, packet) in frames(&said).chunks(2).enumerate() {
            let number = 2 * pair as u32;
            let captured_us = T0 + u64::from(number) * FRAME_US;
            player.push(number, captured_us, packet.to_vec(), false, captured_us);
        }
        if is_ended {
            player.push(50, T0 + 1_000_000, vec![], true, T0 + 1_000_000);
        }
        let mut at_us = T0 + 300_000;
        let end = loop {
            match player.render(at_us, &mut block) {
                Rendered::Sound => at_us += BLOCK_US,
                end => break end,
            }
        };
        assert!(block.iter().all(|s| *s == 0.0));
        let after_ms = (at_us - T0 - 300_000) / 1_000;
        if is_ended {
            assert_eq!(end, Rendered::Finished);
            assert!((1_000..=1_020).contains(&after_ms), "{after_ms}");
        } else {
            assert_eq!(end, Rendered::Starved);
            assert!((2_950..=3_050).contains(&after_ms), "{after_ms}");
        }
        assert_eq!(player.streamed().lost, 0);
    }
    let mut player = StreamPlayer::new(300_000);
    assert_eq!(player.render(T0, &mut block), Rendered::Sound);
    assert_eq!(player.render(T0 + 1_999_999, &mut block), Rendered::Sound);
    assert_eq!(player.render(T0 + 2_000_000, &mut block), Rendered::Starved);
}

#[test]
fn a_new_reckoning_of_the_clock_moves_the_place_without_a_click() {
    // A steady tone, so that every click stands out.
    let said: Vec<f32> = (0..10 * 48_000)
        .map(|n| 0.5 * (n as f32 * 440.0 / 48_000.0 * std::f32::consts::TAU).sin())
        .collect();
    let mut player = StreamPlayer::new(500_000);
    let mut heard = Vec::new();
    let frames = frames(&said);
    let mut next = 0;
    for n in 0..900_u64 {
        let heard_us = T0 + 500_000 + n * BLOCK_US;
        while next < frames.len() && T0 + next as u64 * FRAME_US <= heard_us - 200_000 {
            // From the fifth second on, all of it was captured 100 ms later than was thought.
            let off_us = if next >= 250 { 100_000 } else { 0 };
            let captured_us = T0 + next as u64 * FRAME_US + off_us;
            player.push(
                next as u32,
                captured_us,
                vec![frames[next].clone()],
                false,
                captured_us,
            );
            next += 1;
        }
        let mut block = [0.0; BLOCK];
        player.render(heard_us, &mut block);
        heard.extend(block);
    }
    let streamed = player.streamed();
    assert!(streamed.delay_p50_ms.abs_diff(500) <= 1, "{streamed:?}");
    // After a second or so: again at its time.
    let mut player_late = 0.0_f32;
    for pair in heard[4_800..].windows(2) {
        player_late = player_late.max((pair[1] - pair[0]).abs());
    }
    // A sine of that height and pitch steps by 0.029.
    assert!(player_late < 0.06, "{player_late}");
}

#[test]
fn a_card_that_runs_off_is_followed_by_what_is_really_decoded() {
    let said = speech_like(30.0, 48_000, 10);
    let frames = frames(&said);
    // 500 ppm fast, both ways.
    for gain in [-0.0005, 0.0005] {
        let mut player = StreamPlayer::new(300_000);
        let mut heard = Vec::new();
        let mut next = 0;
        let mut heard_us = (T0 + 300_000) as f64;
        while heard_us < (T0 + 300_000) as f64 + 29e6 {
            while next < frames.len() && (T0 + next as u64 * FRAME_US) as f64 <= heard_us {
                let captured_us = T0 + next as u64 * FRAME_US;
                player.push(
                    next as u32,
                    captured_us,
                    vec![frames[next].clone()],
                    false,
                    captured_us,
                );
                next += 1;
            }
            let mut block = [0.0; BLOCK];
            player.render(heard_us as u64, &mut block);
            heard.extend(block);
            heard_us += 10_000.0 * (1.0 + gain);
        }
        let streamed = player.streamed();
        assert_eq!((streamed.lost, streamed.late), (0, 0));
        assert!(
            streamed.delay_p95_ms <= 302 && streamed.delay_p50_ms >= 297,
            "{streamed:?}"
        );
        // As the card plays it, the last second lies where it belongs: 29 s of the stream in fewer or more of its samples.
        let from = 25 * 48_000;
        let part = &said[from..from + 9_600];
        let (lag, alike) = correlation(part, &heard[from - 2_400..], 9_600);
        let expected = 2_400.0 - from as f64 * gain;
        assert!((lag as f64 - expected).abs() < 240.0, "{lag} {expected}");
        assert!(alike > 0.7, "{alike}");
    }
}

#[test]
fn nothing_that_can_be_sent_breaks_it_or_makes_it_grow() {
    let good = frames(&speech_like(2.0, 48_000, 11));
    for seed in 0..40 {
        let mut chance = Chance::new(seed);
        let mut player = StreamPlayer::new([0, 300_000, u64::MAX][chance.below(3)]);
        let mut now_us = T0;
        let mut block = [0.0; BLOCK];
        for step in 0..400_u32 {
            now_us += [0, 10_000, 10_000, 10_000, 3_000_000][chance.below(5)];
            let number = match chance.below(6) {
                0 => chance.next() as u32,
                1 => u32::MAX - chance.below(3) as u32,
                2 => chance.below(1_000) as u32,
                _ => step * 2,
            };
            let captured_us = match chance.below(6) {
                0 => chance.next(),
                1 => u64::MAX,
                2 => now_us.saturating_sub(chance.below(20_000_000) as u64),
                _ => now_us,
            };
            let frames = (0..chance.below(8))
                .map(|n| match chance.below(4) {
                    // Starts like a frame of 20 ms, and is anything.
                    0 => {
                        let mut bytes: Vec<u8> = (0..1 + chance.below(200))
                            .map(|_| chance.next() as u8)
                            .collect();
                        bytes[0] = [0x48, 0x78, 0x58, 0xf8][chance.below(4)];
                        bytes
                    }
                    1 => (0..chance.below(1_400))
                        .map(|_| chance.next() as u8)
                        .collect(),
                    _ => good[(number as usize + n) % good.len()].clone(),
                })
                .collect();
            player.push(number, captured_us, frames, chance.below(300) == 0, now_us);
            let heard_us = match chance.below(50) {
                0 => chance.next(),
                _ => now_us + LEAD_US,
            };
            player.render(heard_us, &mut block);
            assert!(block.iter().all(|s| s.is_finite() && s.abs() <= 4.0));
        }
        let streamed = player.streamed();
        assert!(streamed.delay_max_ms < 10_000 && streamed.depth_min_ms <= 8_000);
    }
}
