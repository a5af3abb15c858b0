//! Every sample accounted for: no clock, no thread, no device.

use loa_protocol::{bulletin::Chime, content::Sha, time::WallTime};

use super::*;

const SECOND: u64 = 1_000_000;
const BLOCK: usize = 480;

/// A piece of `bulletin`, to be sounded from `from_ms` at `start_us`, at full volume and without a limit.
pub(crate) fn play(bulletin: &str, piece: u32, from_ms: u64, start_us: u64) -> Play {
    Play {
        playout: PlayoutId {
            occurrence: format!("{bulletin}/2026-11-24/0/0").parse().expect("an id"),
            attempt: 0,
        },
        piece,
        title: bulletin.to_owned(),
        source: crate::logic::port::PlaySource::Content(Sha([7; 32])),
        chime: Chime::None,
        from_ms,
        start_mono_us: start_us,
        planned: WallTime::EPOCH,
        start: WallTime::EPOCH,
        volume: 100,
        until_ms: 3_600_000,
    }
}

fn piece(play: Play, frames: Vec<f32>) -> Piece {
    Piece {
        start_us: play.start_mono_us,
        play: Arc::new(play),
        feed: Feed::ready(frames, End::Finished),
        stream: None,
    }
}

/// Renders from `from_us` to `to_us` block by block, and gives all frames and all events.
fn run(deck: &mut Deck, from_us: u64, to_us: u64) -> (Vec<f32>, Vec<PlayerEvent>) {
    let mut all = Vec::new();
    let mut at = from_us;
    while at < to_us {
        let mut out = [9.0; BLOCK];
        deck.render(at, &mut out);
        all.extend(out);
        at += 10_000;
    }
    (
        all,
        std::iter::from_fn(|| deck.next_event(u64::MAX)).collect(),
    )
}

fn started(event: &PlayerEvent) -> u64 {
    match event {
        PlayerEvent::Started { at_mono_us, .. } => *at_mono_us,
        other => panic!("{other:?}"),
    }
}
fn ended(event: &PlayerEvent) -> (u64, How) {
    match event {
        PlayerEvent::Ended { place_ms, how, .. } => (*place_ms, how.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_sample_sounds_at_its_start_and_never_before() {
    for start_us in [
        SECOND,
        SECOND + 1,
        SECOND + 10,
        SECOND + 4_321,
        SECOND + 9_999,
    ] {
        let mut deck = Deck::default();
        deck.arm(piece(play("tin", 0, 0, start_us), vec![0.5; 4800]), 0);
        let (frames, events) = run(&mut deck, SECOND, SECOND + 200_000);
        let first = frames.iter().position(|f| *f != 0.0).expect("it sounds");
        let at_us = SECOND + (first as u64 * SECOND).div_ceil(48_000);
        assert_eq!(started(&events[0]), at_us);
        assert!(
            (start_us..start_us + 21).contains(&at_us),
            "{start_us}: {at_us}"
        );
        assert_eq!(frames[first..first + 4800], [0.5; 4800]);
        assert!(frames[first + 4800..].iter().all(|f| *f == 0.0));
        assert_eq!(ended(&events[1]), (100, How::Finished));
        assert_eq!(events.len(), 2);
    }
}

#[test]
fn what_is_late_sounds_at_once_and_whole() {
    let mut deck = Deck::default();
    deck.arm(piece(play("tin", 0, 0, 5), vec![0.5; 4800]), 0);
    let (frames, events) = run(&mut deck, SECOND, SECOND + 200_000);
    assert_eq!(started(&events[0]), SECOND);
    assert_eq!(frames[..4800], [0.5; 4800]);
}

#[test]
fn an_emergency_cuts_at_its_start_and_the_place_of_the_cut_is_exact() {
    let mut deck = Deck::default();
    deck.arm(piece(play("tin", 0, 0, SECOND), vec![0.5; 480_000]), 0);
    let (_, events) = run(&mut deck, SECOND, 2 * SECOND);
    assert_eq!(events.len(), 1);
    // Known half a second before: the fade ends where the emergency begins.
    let start_us = 2 * SECOND + 500_000;
    deck.arm(
        piece(play("khan", 0, 0, start_us), vec![-0.25; 48_000]),
        2 * SECOND,
    );
    let (frames, events) = run(&mut deck, 2 * SECOND, 3 * SECOND);
    assert_eq!(ended(&events[0]), (1_500, How::Replaced));
    assert_eq!(started(&events[1]), start_us);
    let cut = 24_000;
    assert!(frames[..cut - 480].iter().all(|f| *f == 0.5));
    assert!(
        frames[cut - 480..cut].is_sorted_by(|a, b| a > b),
        "fades out"
    );
    assert!(
        frames[cut..].iter().all(|f| *f == -0.25),
        "not a sample of the old one"
    );
}

#[test]
fn an_emergency_for_now_comes_right_after_a_short_fade() {
    let mut deck = Deck::default();
    deck.arm(piece(play("tin", 0, 0, SECOND), vec![0.5; 480_000]), 0);
    run(&mut deck, SECOND, 2 * SECOND);
    deck.arm(
        piece(play("khan", 0, 0, 2 * SECOND - 300), vec![-0.25; 48_000]),
        2 * SECOND,
    );
    let (frames, events) = run(&mut deck, 2 * SECOND, 3 * SECOND);
    assert_eq!(ended(&events[0]), (1_010, How::Replaced));
    assert_eq!(started(&events[1]), 2 * SECOND + 10_000);
    assert!(frames[..480].iter().all(|f| *f >= 0.0 && *f < 0.5));
    assert!(frames[480..].iter().all(|f| *f == -0.25));
}

#[test]
fn what_goes_on_fades_in_and_counts_from_its_place() {
    let mut deck = Deck::default();
    deck.arm(piece(play("tin", 1, 3_000, SECOND), vec![0.5; 48_000]), 0);
    let (frames, events) = run(&mut deck, SECOND, 2 * SECOND + 100_000);
    assert!(frames[..480].is_sorted() && frames[0] < 0.01 && frames[480] == 0.5);
    assert_eq!(ended(&events[1]), (4_000, How::Finished));
}

#[test]
fn volume_is_the_square_of_the_percentage() {
    let mut deck = Deck::default();
    let half = Play {
        volume: 50,
        ..play("tin", 0, 0, SECOND)
    };
    deck.arm(piece(half, vec![1.0; 4800]), 0);
    let (frames, _) = run(&mut deck, SECOND, SECOND + 50_000);
    assert!(frames.iter().all(|f| *f == 0.25));
}

#[test]
fn a_stop_fades_out_what_sounds_and_forgets_what_waits() {
    let mut deck = Deck::default();
    let (first, second) = (play("tin", 0, 0, SECOND), play("sau", 0, 0, 9 * SECOND));
    deck.arm(piece(first.clone(), vec![0.5; 480_000]), 0);
    run(&mut deck, SECOND, 2 * SECOND);
    deck.arm(piece(second.clone(), vec![0.5; 480_000]), 2 * SECOND);
    deck.stop(&second.playout, 0, 2 * SECOND);
    // A stale piece number stops nothing.
    deck.stop(&first.playout, 1, 2 * SECOND);
    let (_, events) = run(&mut deck, 2 * SECOND, 2 * SECOND + 100_000);
    assert_eq!(ended(&events[0]), (0, How::Stopped));
    assert_eq!(events.len(), 1);
    deck.stop(&first.playout, 0, 2 * SECOND + 100_000);
    deck.stop(&first.playout, 0, 2 * SECOND + 100_000);
    let (frames, events) = run(&mut deck, 2 * SECOND + 100_000, 3 * SECOND);
    assert_eq!(ended(&events[0]), (1_110, How::Stopped));
    assert_eq!(events.len(), 1, "ended exactly once");
    assert!(frames[480..].iter().all(|f| *f == 0.0));
}

#[test]
fn a_later_play_takes_the_place_of_one_that_has_not_begun() {
    let mut deck = Deck::default();
    deck.arm(piece(play("tin", 0, 700, 5 * SECOND), vec![0.5; 480]), 0);
    deck.arm(piece(play("khan", 0, 0, SECOND), vec![0.25; 480]), 10);
    let (_, events) = run(&mut deck, SECOND, 6 * SECOND);
    assert_eq!(ended(&events[0]), (700, How::Replaced));
    assert_eq!(started(&events[1]), SECOND);
    assert_eq!(ended(&events[2]), (10, How::Finished));
    assert_eq!(events.len(), 3);
}

#[test]
fn the_longest_duration_is_kept_to_the_sample_but_a_limit_at_the_end_is_the_end() {
    for (until_ms, place_ms, how) in [
        (500, 500, How::LimitReached),
        (1_000, 1_000, How::Finished),
        (990, 1_000, How::Finished),
        (899, 899, How::LimitReached),
    ] {
        let mut deck = Deck::default();
        let limited = Play {
            until_ms,
            ..play("tin", 0, 0, SECOND)
        };
        deck.arm(piece(limited, vec![0.5; 48_000]), 0);
        let (frames, events) = run(&mut deck, SECOND, 3 * SECOND);
        assert_eq!(ended(&events[1]), (place_ms, how), "until {until_ms}");
        let sounded = frames.iter().take_while(|f| **f > 0.0).count() as u64;
        assert!(
            sounded.abs_diff(place_ms * 48) <= 1,
            "until {until_ms}: {sounded}"
        );
    }
}

#[test]
fn content_that_cannot_be_decoded_is_told_before_its_time_and_cuts_nothing() {
    let mut deck = Deck::default();
    deck.arm(piece(play("tin", 0, 0, SECOND), vec![0.5; 480_000]), 0);
    run(&mut deck, SECOND, 2 * SECOND);
    let broken = Piece {
        start_us: 2 * SECOND,
        play: Arc::new(play("khan", 0, 0, 2 * SECOND)),
        feed: Feed::ready(vec![], End::Failed("no sound".into())),
        stream: None,
    };
    deck.arm(broken, 2 * SECOND);
    let (frames, events) = run(&mut deck, 2 * SECOND, 3 * SECOND);
    let how = How::Failed {
        failure: Failure::Decode,
        detail: "no sound".into(),
    };
    assert_eq!(events.len(), 1);
    assert_eq!(ended(&events[0]), (0, how));
    assert!(frames.iter().all(|f| *f == 0.5));
}

#[test]
fn content_that_breaks_in_the_middle_fails_where_it_broke() {
    let mut deck = Deck::default();
    let breaks = Piece {
        start_us: SECOND,
        play: Arc::new(play("tin", 0, 0, SECOND)),
        feed: Feed::ready(vec![0.5; 24_000], End::Failed("broken page".into())),
        stream: None,
    };
    deck.arm(breaks, 0);
    let (_, events) = run(&mut deck, SECOND, 3 * SECOND);
    let how = How::Failed {
        failure: Failure::Decode,
        detail: "broken page".into(),
    };
    assert_eq!(ended(&events[1]), (500, how));
}

#[test]
fn a_lost_output_ends_what_sounds_and_leaves_what_is_armed() {
    let mut deck = Deck::default();
    deck.arm(piece(play("tin", 0, 0, SECOND), vec![0.5; 480_000]), 0);
    run(&mut deck, SECOND, 2 * SECOND);
    deck.arm(
        piece(play("sau", 0, 0, 9 * SECOND), vec![0.5; 480]),
        2 * SECOND,
    );
    deck.output_failed("unplugged", 2 * SECOND);
    let (place_ms, how) = ended(&deck.next_event(u64::MAX).expect("told"));
    assert_eq!(place_ms, 1_000);
    assert!(matches!(
        how,
        How::Failed {
            failure: Failure::Output,
            ..
        }
    ));
    assert_eq!(deck.armed_start_us(), Some(9 * SECOND));
    deck.armed_failed("still unplugged", 9 * SECOND);
    assert!(deck.next_event(u64::MAX).is_some() && deck.next_event(u64::MAX).is_none());
}

#[test]
fn a_start_and_an_end_are_told_when_they_are_heard_and_not_before() {
    let mut deck = Deck::default();
    deck.arm(piece(play("tin", 0, 0, 2 * SECOND), vec![0.5; 240]), 0);
    deck.render(2 * SECOND, &mut [0.0; BLOCK]);
    assert_eq!(deck.next_event(2 * SECOND - 1), None);
    assert_eq!(deck.next_event_us(), Some(2 * SECOND));
    assert_eq!(
        started(&deck.next_event(2 * SECOND).expect("heard")),
        2 * SECOND
    );
    assert_eq!(deck.next_event(2 * SECOND + 4_999), None);
    let end = deck.next_event(2 * SECOND + 5_000).expect("heard");
    assert_eq!(ended(&end), (5, How::Finished));
}

#[test]
fn marks_tell_an_output_which_frame_is_whose() {
    let mut deck = Deck::default();
    deck.arm(piece(play("tin", 0, 0, SECOND + 5_000), vec![0.5; 100]), 0);
    let mut out = [0.0; BLOCK];
    deck.render(SECOND, &mut out);
    let frames: Vec<usize> = deck
        .marks()
        .iter()
        .map(|mark| match mark {
            Mark::Began { frame, .. } | Mark::Over { frame, .. } => *frame,
        })
        .collect();
    assert_eq!(frames, [240, 340]);
    deck.render(SECOND + 10_000, &mut out);
    assert!(deck.marks().is_empty());
}
