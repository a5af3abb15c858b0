use loa_protocol::{live::FRAME_US, time::WallTime};
use proptest::prelude::*;

use super::{
    super::port::Reading,
    AHEAD_US, Call,
    CallEffect::{self, Drop, Ended, HangUp, Send},
    CallEnd,
    CallInput::{self, End, Frame, Microphone, Tick},
    Dropped, LATE_US, delay_ms,
};

const NOON: WallTime = WallTime::from_millis(1_796_000_000_000);
const S: i64 = 1_000_000;
/// From phone to office.
const LINE_US: i64 = 40_000;

/// A call at noon; one may speak a second later, for a minute.
struct Hamlet {
    call: Call,
    socket: u64,
}

fn at(us: i64) -> Reading {
    Reading {
        mono_us: (5 * S + us) as u64,
        wall: NOON.plus_us(us),
    }
}

fn hamlet() -> Hamlet {
    let mut call = Call::new(at(0), NOON.plus_us(S), 60 * S);
    let took = call.handle(Microphone { socket: 1 }, at(0));
    assert_eq!(took, None);
    Hamlet { call, socket: 1 }
}

impl Hamlet {
    fn frame(&mut self, number: u32, captured_us: i64, arrived_us: i64) -> CallEffect {
        let input = Frame {
            socket: self.socket,
            number,
            captured: NOON.plus_us(captured_us),
        };
        self.call.handle(input, at(arrived_us)).unwrap()
    }

    /// `count` frames from `from_us` on, each as it should be; the time after them.
    fn speaks(&mut self, first: u32, from_us: i64, count: u32) -> i64 {
        for n in 0..count {
            let captured = from_us + i64::from(n) * FRAME_US;
            self.frame(first + n, captured, captured + LINE_US);
        }
        from_us + i64::from(count) * FRAME_US
    }
}

fn send(number: u32, captured_us: i64) -> CallEffect {
    Send {
        number,
        captured: NOON.plus_us(captured_us),
    }
}

#[test]
fn what_is_said_during_the_chime_is_not_said_and_the_first_word_after_it_is_number_0() {
    let mut hamlet = hamlet();
    let first = hamlet.frame(100, S - FRAME_US, S);
    assert_eq!(first, Drop(Dropped::Early));
    assert_eq!(hamlet.frame(101, S, S + LINE_US), send(0, S));
    let second = hamlet.frame(102, S + FRAME_US, S + FRAME_US + LINE_US);
    assert_eq!(second, send(1, S + FRAME_US));
    assert_eq!((hamlet.call.frames(), hamlet.call.holes()), (2, 0));
}

#[test]
fn frames_that_the_phone_lost_are_a_hole_of_their_length() {
    let mut hamlet = hamlet();
    let now = hamlet.speaks(0, S, 10);
    let later = now + 5 * FRAME_US;
    assert_eq!(hamlet.frame(15, later, later + LINE_US), send(15, later));
    assert_eq!(hamlet.call.holes(), 5);
}

#[test]
fn a_line_that_stood_still_for_a_second_gives_everything_its_own_time() {
    let mut hamlet = hamlet();
    let now = hamlet.speaks(0, S, 10);
    for n in 0..50 {
        let captured = now + i64::from(n) * FRAME_US;
        let effect = hamlet.frame(10 + n, captured, now + S);
        assert_eq!(effect, send(10 + n, captured));
    }
}

#[test]
fn what_is_too_old_to_sound_is_dropped_and_what_follows_it_keeps_its_place() {
    let mut hamlet = hamlet();
    let now = hamlet.speaks(0, S, 10);
    let arrived = now + LATE_US + 10 * FRAME_US;
    let mut dropped = 0;
    for n in 0..50 {
        let captured = now + i64::from(n) * FRAME_US;
        match hamlet.frame(10 + n, captured, arrived) {
            Drop(why) => {
                assert_eq!(why, Dropped::Late);
                dropped += 1;
            }
            effect => assert_eq!(effect, send(10 + n, captured)),
        }
    }
    assert_eq!((dropped, hamlet.call.holes()), (10, 10));
}

#[test]
fn a_phone_whose_clock_is_a_year_off_is_heard_by_the_time_of_arrival() {
    let mut hamlet = hamlet();
    let year = 365 * 86_400 * S;
    let effect = hamlet.frame(0, S - year, S + LINE_US);
    assert_eq!(effect, send(0, S + LINE_US));
    // The line hesitates; the frames still follow each other as they were spoken.
    for n in 1..=20 {
        let captured = S - year + i64::from(n) * FRAME_US;
        let effect = hamlet.frame(n, captured, S + LINE_US + S / 2);
        assert_eq!(effect, send(n, S + LINE_US + i64::from(n) * FRAME_US));
    }
}

#[test]
fn a_phone_that_slept_goes_on_at_the_time_at_which_it_woke() {
    let mut hamlet = hamlet();
    let now = hamlet.speaks(0, S, 10);
    // It did not count while it slept.
    let woke = now + S;
    assert_eq!(hamlet.frame(10, woke, woke + LINE_US), send(60, woke));
    let next = woke + FRAME_US;
    assert_eq!(hamlet.frame(11, next, next + LINE_US), send(61, next));
}

#[test]
fn a_frame_that_comes_twice_is_said_once() {
    let mut hamlet = hamlet();
    let now = hamlet.speaks(0, S, 10);
    for n in [9, 3] {
        let captured = S + i64::from(n) * FRAME_US;
        let again = hamlet.frame(n as u32, captured, now + LINE_US);
        assert_eq!(again, Drop(Dropped::Again));
    }
}

#[test]
fn nothing_is_said_ahead_of_its_time() {
    let mut hamlet = hamlet();
    hamlet.speaks(0, S, 10);
    // A second of speech within no time at all.
    let arrived = S + 10 * FRAME_US;
    let mut dropped = 0;
    for n in 0..50 {
        let captured = arrived + i64::from(n) * FRAME_US;
        match hamlet.frame(10 + n, captured, arrived) {
            Drop(why) => {
                assert_eq!(why, Dropped::Ahead);
                dropped += 1;
            }
            Send { captured, .. } => assert!(captured.since_us(at(arrived).wall) <= AHEAD_US),
            effect => panic!("{effect:?}"),
        }
    }
    assert_eq!(dropped, 39);
}

#[test]
fn after_a_step_back_of_the_offices_clock_speech_goes_on_when_that_is_where_it_was() {
    for step in [S / 4, 2 * S] {
        let mut hamlet = hamlet();
        let now = hamlet.speaks(0, S, 10);
        let (mut silent, mut said) = (0, 0);
        for n in 0..200_u32 {
            let captured = now + i64::from(n) * FRAME_US;
            let input = Frame {
                socket: 1,
                number: 10 + n,
                captured: NOON.plus_us(captured),
            };
            let arrived = Reading {
                wall: NOON.plus_us(captured + LINE_US - step),
                ..at(captured + LINE_US)
            };
            match hamlet.call.handle(input, arrived) {
                Some(Drop(Dropped::Ahead)) if said == 0 => silent += 1,
                Some(Send { number, captured }) => {
                    assert!(captured.since_us(arrived.wall) <= AHEAD_US);
                    assert_eq!(number, 10 + said);
                    said += 1;
                }
                effect => panic!("{effect:?}"),
            }
        }
        assert!(silent * FRAME_US <= step, "{silent} frames");
    }
}

#[test]
fn a_step_forward_of_the_offices_clock_is_waited_out_or_ends_the_call_at_once() {
    for (step, ends) in [(S, false), (3 * S, true)] {
        let mut hamlet = hamlet();
        let now = hamlet.speaks(0, S, 10);
        let input = Frame {
            socket: 1,
            number: 10,
            captured: NOON.plus_us(now),
        };
        let arrived = Reading {
            wall: NOON.plus_us(now + LINE_US + step),
            ..at(now + LINE_US)
        };
        let effect = hamlet.call.handle(input, arrived);
        match effect {
            Some(Send { number: 10, .. }) => assert!(!ends),
            Some(Ended { why, next, at }) => {
                assert!(ends);
                // It is over where the last word was.
                let was_at = NOON.plus_us(now);
                assert_eq!((why, next, at), (CallEnd::Office, 10, was_at));
            }
            effect => panic!("{effect:?}"),
        }
    }
}

#[test]
fn a_phones_clock_that_drifts_is_followed_without_a_step() {
    let mut hamlet = hamlet();
    let mut before = None;
    for n in 0..2_900 {
        let true_us = S + i64::from(n) * FRAME_US;
        let effect = hamlet.frame(n, true_us + i64::from(n) * 2, true_us + LINE_US);
        let Send { number, captured } = effect else {
            panic!("{effect:?}");
        };
        assert_eq!(number, n);
        if let Some(before) = before.replace(captured) {
            let step = captured.since_us(before);
            assert!((step - FRAME_US).abs() <= 200, "{step}");
        }
        let off = captured.since_us(NOON.plus_us(true_us + i64::from(n) * 2));
        assert!(off.abs() < 200, "{off}");
    }
}

#[test]
fn a_second_phone_takes_the_floor_and_the_first_is_hung_up_on() {
    let mut hamlet = hamlet();
    let now = hamlet.speaks(0, S, 10);
    let took = hamlet.call.handle(Microphone { socket: 2 }, at(now));
    assert_eq!(took, Some(HangUp { socket: 1 }));
    let stranger = hamlet.frame(10, now, now + LINE_US);
    assert_eq!(stranger, Drop(Dropped::Stranger));
    hamlet.socket = 2;
    // It counts from 0, half a second later.
    let later = now + S / 2;
    assert_eq!(hamlet.frame(0, later, later + LINE_US), send(35, later));
}

#[test]
fn a_phone_that_falls_silent_is_lost_after_two_seconds() {
    let mut hamlet = hamlet();
    let now = hamlet.speaks(0, S, 10);
    let last_came = now - FRAME_US + LINE_US;
    let lost = last_came + 2 * S;
    assert_eq!(hamlet.call.deadline(), Some(at(lost).mono_us));
    assert_eq!(hamlet.call.handle(Tick, at(lost - 1)), None);
    let ended = Ended {
        why: CallEnd::Lost,
        next: 10,
        at: NOON.plus_us(now),
    };
    assert_eq!(hamlet.call.handle(Tick, at(lost)), Some(ended));
    assert_eq!(hamlet.call.deadline(), None);
    // Whatever comes now comes too late, and it ends once.
    let late = hamlet.frame(10, now, lost + 1);
    assert_eq!(late, Drop(Dropped::Over));
    let again = hamlet.call.handle(End(CallEnd::Stopped), at(lost + 1));
    assert_eq!(again, None);
}

#[test]
fn a_phone_that_never_comes_is_lost_after_ten_seconds() {
    let mut call = Call::new(at(0), NOON.plus_us(S), 60 * S);
    assert_eq!(call.handle(Tick, at(10 * S - 1)), None);
    let ended = Ended {
        why: CallEnd::Lost,
        next: 0,
        at: NOON.plus_us(10 * S),
    };
    assert_eq!(call.handle(Tick, at(10 * S)), Some(ended));
}

#[test]
fn the_longest_call_ends_to_the_second() {
    let mut hamlet = hamlet();
    let mut n = 0;
    let over = loop {
        let captured = S + i64::from(n) * FRAME_US;
        let now = at(captured + LINE_US);
        if let Some(effect) = hamlet.call.handle(Tick, now) {
            break effect;
        }
        hamlet.frame(n, captured, captured + LINE_US);
        n += 1;
    };
    let Ended { why, next, .. } = over else {
        panic!("{over:?}");
    };
    assert_eq!(why, CallEnd::Longest);
    assert!((2_997..=3_000).contains(&next), "{next}");
}

#[test]
fn letting_go_ends_it_with_the_last_word() {
    let mut hamlet = hamlet();
    let now = hamlet.speaks(0, S, 10);
    let ended = hamlet
        .call
        .handle(End(CallEnd::Released), at(now + LINE_US));
    let expected = Ended {
        why: CallEnd::Released,
        next: 10,
        at: NOON.plus_us(now),
    };
    assert_eq!(ended, Some(expected));
}

/// Anything a phone could send, at any time.
fn any_input() -> impl Strategy<Value = (CallInput, i64)> {
    let said = prop_oneof![
        4 => -300_000..300_000_i64,
        1 => -10 * S..10 * S,
        1 => any::<i64>(),
    ];
    let number = prop_oneof![4 => 0..400_u32, 1 => any::<u32>()];
    let frame = (1..3_u64, number, said).prop_map(|(socket, number, said)| Frame {
        socket,
        number,
        captured: NOON.plus_us(said),
    });
    let input = prop_oneof![
        20 => frame,
        1 => (1..3_u64).prop_map(|socket| Microphone { socket }),
        1 => Just(Tick),
    ];
    (input, 0..60_000_i64)
}

proptest! {
    #[test]
    fn what_goes_on_the_air_never_goes_back_and_never_runs_ahead(
        inputs in prop::collection::vec(any_input(), 1..300),
        relative in any::<bool>(),
    ) {
        let mut hamlet = hamlet();
        let mut now = 0;
        let mut last: Option<(u32, WallTime)> = None;
        for (mut input, pause_us) in inputs {
            now += pause_us;
            if let Frame { captured, .. } = &mut input && relative {
                *captured = captured.plus_us(now);
            }
            let Some(Send { number, captured }) = hamlet.call.handle(input, at(now)) else {
                continue;
            };
            prop_assert!(captured.since_us(at(now).wall) <= AHEAD_US);
            prop_assert!(at(now).wall.since_us(captured) <= LATE_US);
            if let Some((before, at_us)) = last.replace((number, captured)) {
                prop_assert!(number > before);
                // A hole in the numbers is a hole in the sound.
                let places = i64::from(number - before);
                let stray = captured.since_us(at_us) - places * FRAME_US;
                prop_assert!(stray.abs() <= 200 * places, "{stray}");
            }
        }
        prop_assert_eq!(
            hamlet.call.frames() + hamlet.call.holes(),
            last.map_or(0, |(number, _)| u64::from(number) + 1)
        );
    }
}

#[test]
fn the_delay_grows_with_the_lines_and_has_an_end() {
    assert_eq!(delay_ms(0, 0), 300);
    assert_eq!(delay_ms(60, 100), 490);
    assert_eq!(delay_ms(900, 100), 800);
    assert_eq!(delay_ms(u32::MAX, u32::MAX), 800);
}
