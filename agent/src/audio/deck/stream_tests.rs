//! Streams at the deck: chime, then speech at its time; starved, finished, and ended by the clock.

use loa_audio::live::FRAME;
use loa_protocol::{
    bulletin::Chime,
    live::{Packet, Streamed},
    time::WallTime,
};

use super::{tests::play, *};
use crate::audio::feed::FeedSpec;

const SECOND: u64 = 1_000_000;
const BLOCK: usize = 2_400;
const BLOCK_US: u64 = 50_000;
const DELAY_MS: u32 = 300;
const CHIME: Chime = Chime::Rise;
/// Planned start of the chime.
const T0: u64 = 100 * SECOND;
/// What is captured then is heard right after the chime.
const SPEAK: u64 = T0 + 1_600_000 - DELAY_MS as u64 * 1_000;

/// One frame of Opus that sounds: the same tone, as an encoder makes it from the second frame on.
fn tone(count: usize) -> Vec<Vec<u8>> {
    let mut encoder =
        ropus::Encoder::builder(RATE, ropus::Channels::Mono, ropus::Application::Voip)
            .build()
            .expect("an encoder");
    let mut out = [0; 1_275];
    (0..count)
        .map(|frame| {
            let samples: [f32; FRAME] =
                std::array::from_fn(|n| 0.3 * ((frame * FRAME + n) as f32 * 0.05).sin());
            let bytes = encoder.encode_float(&samples, &mut out).expect("encodes");
            out[..bytes].to_vec()
        })
        .collect()
}

fn bulletin() -> BulletinId {
    BulletinId::new("goi").expect("a name")
}

fn source() -> PlaySource {
    PlaySource::Stream {
        bulletin: bulletin(),
        delay_ms: DELAY_MS,
    }
}

/// The call from `from_ms` on, with its chime decoded.
fn call(from_ms: u64, until_ms: u64) -> Piece {
    let play = Play {
        source: source(),
        chime: CHIME,
        until_ms,
        ..play("goi", 0, from_ms, T0 + from_ms * 1_000)
    };
    let spec = FeedSpec {
        station: None,
        chime: CHIME,
        file: None,
        from_ms,
    };
    let (frames, end) = crate::audio::feed::drain(Feed::spawn(spec, || {}));
    Piece {
        start_us: play.start_mono_us,
        stream: Stream::of(&play.source),
        play: Arc::new(play),
        feed: Feed::ready(frames, end),
    }
}

/// Renders from `from_us` to `to_us`, and gives each packet when it was captured whole.
fn run(deck: &mut Deck, frames: &[Vec<u8>], from_us: u64, to_us: u64) -> Vec<f32> {
    let mut all = Vec::new();
    let mut at_us = from_us;
    while at_us < to_us {
        for (n, pair) in frames.chunks(2).enumerate() {
            let captured_us = SPEAK + n as u64 * 40_000;
            let arrives_us = captured_us + 50_000;
            // An output asks 100 ms before.
            if (at_us - BLOCK_US..at_us).contains(&(arrives_us + 100_000)) {
                let packet = Packet {
                    number: 2 * n as u32,
                    captured: WallTime::EPOCH,
                    last: n * 2 + 2 >= frames.len(),
                    frames: pair.to_vec(),
                };
                for stream in deck.streams_of(&bulletin()) {
                    stream.push(packet.clone(), captured_us, arrives_us);
                }
            }
        }
        let mut out = [9.0; BLOCK];
        deck.render(at_us, &mut out);
        all.extend(out);
        at_us += BLOCK_US;
    }
    all
}

fn told(deck: &mut Deck) -> Vec<PlayerEvent> {
    std::iter::from_fn(|| deck.next_event(u64::MAX)).collect()
}

fn end(events: &[PlayerEvent]) -> (u64, How, Streamed) {
    let [
        ..,
        PlayerEvent::Streams { streamed, .. },
        PlayerEvent::Ended { place_ms, how, .. },
    ] = events
    else {
        panic!("how it fared is told before its end: {events:?}");
    };
    (*place_ms, how.clone(), streamed.clone())
}

fn is_loud(frames: &[f32]) -> bool {
    frames.iter().map(|f| f * f).sum::<f32>() / frames.len() as f32 > 0.001
}

#[test]
fn the_chime_sounds_and_then_the_call_at_its_time_to_its_last_word() {
    let mut deck = Deck::default();
    deck.arm(call(0, 60_000), 0);
    let frames = run(&mut deck, &tone(200), T0, T0 + 10 * SECOND);
    let events = told(&mut deck);
    let PlayerEvent::Started { at_mono_us, .. } = events[0] else {
        panic!("{events:?}");
    };
    assert_eq!(at_mono_us, T0);
    // 4 s of speech, right after the chime.
    let speech = 1_600 * 48;
    assert!(is_loud(&frames[speech + 960..speech + 191_000]));
    assert!(frames[speech + 192_960..].iter().all(|f| *f == 0.0));
    let (place_ms, how, streamed) = end(&events);
    assert_eq!(how, How::Finished);
    assert!((5_600..=5_630).contains(&place_ms), "{place_ms}");
    assert_eq!((streamed.frames, streamed.lost, streamed.late), (200, 0, 0));
    assert!(streamed.delay_max_ms.abs_diff(300) <= 1, "{streamed:?}");
    // Nobody asked in between: the newest word was kept.
    assert_eq!(events.len(), 3);
}

#[test]
fn how_it_fares_is_told_every_second() {
    let mut deck = Deck::default();
    deck.arm(call(0, 60_000), 0);
    let tone = tone(200);
    let mut seconds = 0;
    for n in 0..5 {
        run(&mut deck, &tone, T0 + n * SECOND, T0 + (n + 1) * SECOND);
        let is_streams = |event: &&PlayerEvent| matches!(event, PlayerEvent::Streams { .. });
        seconds += told(&mut deck).iter().filter(is_streams).count();
    }
    assert!((4..=5).contains(&seconds), "{seconds}");
}

#[test]
fn a_call_of_which_nothing_comes_is_starved_two_seconds_after_its_chime() {
    let mut deck = Deck::default();
    deck.arm(call(0, 60_000), 0);
    run(&mut deck, &[], T0, T0 + 5 * SECOND);
    let (place_ms, how, streamed) = end(&told(&mut deck));
    assert_eq!(how, How::Starved);
    assert!((3_600..=3_610).contains(&place_ms), "{place_ms}");
    assert_eq!(streamed, Streamed::default());
}

#[test]
fn the_clock_ends_it_whatever_still_comes() {
    let mut deck = Deck::default();
    deck.arm(call(0, 3_000), 0);
    let frames = run(&mut deck, &tone(400), T0, T0 + 5 * SECOND);
    let (place_ms, how, _) = end(&told(&mut deck));
    assert_eq!((place_ms, how), (3_000, How::LimitReached));
    assert!(frames[3_000 * 48..].iter().all(|f| *f == 0.0));
}

#[test]
fn an_output_whose_clock_runs_off_ends_it_at_its_time_all_the_same() {
    let mut deck = Deck::default();
    deck.arm(call(0, 60_000), 0);
    let mut at_us = T0;
    // Blocks of 50 ms that last 51.
    while deck.armed_start_us().is_some() || deck.is_sounding() {
        run(&mut deck, &[], at_us, at_us + BLOCK_US);
        at_us += BLOCK_US + 1_000;
        if at_us > T0 + 2 * SECOND {
            break;
        }
    }
    let bulletin = bulletin();
    let stream = deck.streams_of(&bulletin).count();
    assert_eq!(stream, 1);
    deck.output_failed("unplugged", at_us);
    let (place_ms, _, _) = end(&told(&mut deck));
    assert!(place_ms.abs_diff(2_000) <= 52, "{place_ms}");
}

#[test]
fn a_pole_that_joins_in_the_middle_joins_at_the_present_place() {
    let mut deck = Deck::default();
    // At 3 s of the whole: 1.4 s of the speech are over.
    deck.arm(call(3_000, 60_000), 0);
    let tone = tone(200);
    let frames = run(&mut deck, &tone, T0 + 2 * SECOND, T0 + 10 * SECOND);
    assert!(frames[..48_000].iter().all(|f| *f == 0.0));
    assert!(is_loud(&frames[48_000 + 960..(3_600 - 20) * 48]));
    let (place_ms, how, streamed) = end(&told(&mut deck));
    assert_eq!(how, How::Finished);
    assert!((5_600..=5_630).contains(&place_ms), "{place_ms}");
    assert!(streamed.delay_max_ms.abs_diff(300) <= 1, "{streamed:?}");
    assert_eq!(streamed.lost, 0);
}

#[test]
fn a_call_that_begins_late_leaves_out_the_chime_that_is_over_and_keeps_its_delay() {
    let mut deck = Deck::default();
    deck.arm(call(0, 60_000), 0);
    let frames = run(&mut deck, &tone(200), T0 + SECOND, T0 + 10 * SECOND);
    // 0.6 s of chime are left.
    let speech = 600 * 48;
    assert!(is_loud(&frames[speech + 960..speech + 191_000]));
    let (_, how, streamed) = end(&told(&mut deck));
    assert_eq!(how, How::Finished);
    assert_eq!((streamed.frames, streamed.late), (200, 0));
    assert!(streamed.delay_max_ms.abs_diff(300) <= 1, "{streamed:?}");
}

#[test]
fn an_emergency_cuts_a_call_and_packets_of_others_reach_nothing() {
    let mut deck = Deck::default();
    deck.arm(call(0, 60_000), 0);
    run(&mut deck, &tone(200), T0, T0 + 3 * SECOND);
    let other = BulletinId::new("khac").expect("a name");
    assert_eq!(deck.streams_of(&other).count(), 0);
    let khan = Piece {
        start_us: T0 + 3 * SECOND,
        play: Arc::new(play("khan", 0, 0, T0 + 3 * SECOND)),
        feed: Feed::ready(vec![0.5; 480], End::Finished),
        stream: None,
    };
    deck.arm(khan, T0 + 2 * SECOND);
    run(&mut deck, &[], T0 + 3 * SECOND, T0 + 4 * SECOND);
    let events = told(&mut deck);
    let cut = events
        .iter()
        .position(|event| matches!(event, PlayerEvent::Started { playout, .. } if playout.occurrence.bulletin.as_str() == "khan"))
        .expect("the emergency sounds");
    let (place_ms, how, _) = end(&events[..cut]);
    assert_eq!(how, How::Replaced);
    assert!(place_ms.abs_diff(3_000) <= 11, "{place_ms}");
}

#[test]
fn what_takes_the_place_of_an_armed_call_gets_its_packets() {
    let mut deck = Deck::default();
    deck.arm(call(0, 60_000), 0);
    assert!(
        deck.take_armed_stream(&PlaySource::Content(loa_protocol::content::Sha([7; 32])))
            .is_none()
    );
    let stream = deck.take_armed_stream(&source()).expect("it waits");
    assert_eq!(stream.bulletin(), &bulletin());
    assert!(deck.take_armed_stream(&source()).is_none(), "taken once");
}
