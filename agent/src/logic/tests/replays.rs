//! Sentences about the recording of a call: only where the call was not heard.

use loa_protocol::{
    playout::{Interruption, Outcome, Skip},
    programme::Command,
};

use super::{live_office::*, pole::*};
use crate::logic::port::{HeldContent, Input};

fn replayed() -> loa_protocol::bulletin::Bulletin {
    replay("again", "call", 21, 8)
}
/// A pole that hears the call until `to_ms`, and the words of its end at 20 s.
fn heard_until(to_ms: i64, audio: bool) -> Pole {
    let audio = if audio { vec![replayed()] } else { vec![] };
    let mut pole = Pole::listening(&audio);
    pole.run_to(9);
    pole.hears_now(&now(2, 9, start(call("call", 10))));
    pole.hears_speech("call", 0, 11_300, to_ms, |_| false);
    pole.run_until(pole.mono(20).max(pole.mono_us));
    pole
}
fn ends(pole: &mut Pole) {
    pole.hears_now(&now(3, 20, start(ended(&call("call", 10), 20))));
    pole.hears_now(&now(4, 20, start(replayed())));
}

#[test]
fn who_heard_the_call_is_spared_its_recording_and_never_fetches_it() {
    let mut pole = heard_until(20_000, false);
    ends(&mut pole);
    pole.run_to(600);
    assert_eq!(pole.outcomes("call"), [Outcome::Completed]);
    assert_eq!(pole.outcomes("again"), [Outcome::Skipped(Skip::HeardLive)]);
    assert!(pole.wants().is_empty());
    assert!(!pole.subscribed.iter().any(|f| f.contains("content")));
}

#[test]
fn who_heard_too_little_of_it_hears_its_recording() {
    let mut pole = heard_until(14_000, true);
    ends(&mut pole);
    pole.run_to(60);
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::Starved)]
    );
    assert_eq!(pole.outcomes("again"), [Outcome::Completed]);
    assert_eq!(pole.heard().len(), 2);
}

#[test]
fn who_was_not_there_fetches_the_recording_and_hears_it() {
    let mut pole = Pole::listening(&[]);
    pole.run_to(300);
    let all = vec![ended(&call("call", 10), 20), replayed()];
    pole.hears_programme(&programme(area(), 5, all));
    pole.run_to(301);
    assert!(!pole.wants().is_empty());
    for index in 0..3 {
        pole.hears_block("again", index);
    }
    pole.run_to(400);
    assert_eq!(pole.outcomes("again"), [Outcome::Completed]);
}

#[test]
fn the_recording_waits_while_the_call_goes_on_here() {
    let mut pole = heard_until(15_000, true);
    // Word of the recording comes before word of the end.
    pole.hears_now(&now(4, 20, start(replayed())));
    pole.run_to(60);
    assert_eq!(pole.outcomes("again"), []);
    assert_eq!(pole.heard().len(), 1);
    let all = vec![ended(&call("call", 10), 20), replayed()];
    pole.hears_programme(&programme(area(), 5, all));
    pole.run_to(120);
    assert_eq!(pole.outcomes("again"), [Outcome::Completed]);
}

#[test]
fn what_was_heard_is_remembered_after_a_power_cut() {
    let mut pole = heard_until(20_000, false);
    pole.hears_now(&now(3, 20, start(ended(&call("call", 10), 20))));
    pole.run_to(25);
    let mut pole = pole.loses_power(30);
    pole.input(Input::Connected);
    pole.hears_now(&now(4, 20, start(replayed())));
    pole.run_to(120);
    assert_eq!(pole.outcomes("again"), [Outcome::Skipped(Skip::HeardLive)]);
}

#[test]
fn a_recording_of_a_call_that_nobody_here_knows_plays_like_any_other() {
    let mut pole = Pole::listening(&[replayed()]);
    pole.run_to(30);
    pole.hears_now(&now(4, 20, start(replayed())));
    pole.run_to(120);
    assert_eq!(pole.outcomes("again"), [Outcome::Completed]);
}

#[test]
fn a_stopped_call_is_over_and_its_recording_is_owed() {
    let mut pole = heard_until(13_000, true);
    pole.hears_now(&now(3, 20, Command::Stop { before: t(20) }));
    ends(&mut pole);
    pole.hears_now(&now(5, 20, start(replayed())));
    pole.run_to(120);
    assert_eq!(pole.outcomes("again"), [Outcome::Completed]);
    let held = pole
        .disk
        .contents
        .values()
        .all(|c| matches!(c, HeldContent::Complete { .. }));
    assert!(held);
}
