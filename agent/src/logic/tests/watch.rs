//! Sentences about what is told of gaps: how the last run ended, when the line was down, when the program did not run.

use loa_protocol::{
    event::{After, LineTrouble, RunEnd, What},
    telemetry::Power,
};

use super::pole::*;
use crate::logic::{
    outbox::MAX_EVENTS,
    port::{Input, Machine},
};

fn afters(pole: &Pole) -> Vec<Option<RunEnd>> {
    let told = pole.watch().into_iter().filter_map(|what| match what {
        What::Booted { after, .. } => Some(after.map(|after| after.ended)),
        _ => None,
    });
    told.collect()
}
fn network(up: bool) -> Machine {
    Machine {
        network_up: Some(up),
        ..Machine::default()
    }
}
fn mains(present: bool) -> Machine {
    Machine {
        power: Some(Power {
            mains: Some(present),
            ..Power::default()
        }),
        ..Machine::default()
    }
}
/// Online, with nothing but its start told.
fn online() -> Pole {
    let mut pole = Pole::with(vec![]);
    pole.input(Input::Connected);
    pole.run_to(10);
    pole
}

#[test]
fn a_first_run_a_power_cut_a_crash_a_stop_and_a_reboot_are_told_apart() {
    let mut pole = Pole::with(vec![]);
    pole.run_to(60);
    let pole = pole.loses_power(5);
    let mut pole = pole.begins_again(2);
    pole.input(Input::Shutdown);
    let mut pole = pole.begins_again(2);
    pole.input(Input::Shutdown);
    let pole = pole.loses_power(30);
    assert_eq!(
        afters(&pole),
        [
            RunEnd::First,
            RunEnd::PowerCut,
            RunEnd::Crashed,
            RunEnd::Stopped,
            RunEnd::Reboot
        ]
        .map(Some)
    );
}

#[test]
fn a_store_of_an_older_program_does_not_make_up_how_its_last_run_ended() {
    let mut disk = Pole::with(vec![]).disk;
    disk.documents.remove("own:run");
    let pole = Pole::on(disk, 64 << 20);
    assert_eq!(afters(&pole), [Some(RunEnd::First), None]);
}

#[test]
fn a_power_cut_is_dated_to_ten_minutes() {
    let mut pole = Pole::with(vec![]);
    for cut in [3_000, 4_111, 5_995] {
        pole.run_to(cut);
        pole = pole.loses_power(600);
        let Some(What::Booted { after, .. }) = pole.watch().pop() else {
            panic!("the start is told last");
        };
        let Some(After { ended, alive }) = after else {
            panic!("it is known");
        };
        let late_s = t(cut).since_ms(alive.unwrap()) / 1_000;
        assert_eq!(ended, RunEnd::PowerCut);
        assert!((0..=600).contains(&late_s), "{late_s} s");
    }
}

#[test]
fn starts_within_the_hour_are_counted_whatever_the_clock_is_worth() {
    let mut pole = Pole::with(vec![]);
    let starts = |pole: &Pole| pole.status().telemetry.unwrap().starts_1h;
    assert_eq!(starts(&pole), 1);
    for _ in 0..4 {
        pole.run_s(600);
        pole = Pole::untrusted_after(pole, 2);
    }
    assert_eq!(starts(&pole), 5);
    pole.run_s(1_900);
    assert_eq!(starts(&pole), 3);
    pole.run_s(3_600);
    assert_eq!(starts(&pole), 1);
    let pole = pole.loses_power(60);
    assert_eq!(starts(&pole), 1);
    let pole = pole.loses_power(60).loses_power(60);
    assert_eq!(starts(&pole), 3);
}

#[test]
fn a_program_that_crashes_a_thousand_times_keeps_a_short_note() {
    let mut pole = Pole::with(vec![]);
    for _ in 0..200 {
        pole = pole.begins_again(1);
    }
    assert_eq!(pole.status().telemetry.unwrap().starts_1h, 64);
    assert!(pole.disk.documents["own:run"].len() < 8_000);
}

#[test]
fn a_line_that_is_down_for_a_minute_is_told_once_and_so_is_its_return() {
    let mut pole = online();
    pole.run_to(100);
    pole.input(Input::Disconnected);
    pole.run_to(130);
    pole.reads(network(true));
    pole.run_to(159);
    assert_eq!(pole.gaps(), []);
    pole.run_to(1_000);
    let since = t(100);
    let trouble = LineTrouble::NoOffice;
    assert_eq!(pole.gaps(), [What::LineLost { since, trouble }]);
    pole.input(Input::Connected);
    assert_eq!(
        pole.gaps(),
        [
            What::LineLost { since, trouble },
            What::LineBack { since, trouble }
        ]
    );
}

#[test]
fn what_was_seen_most_of_the_time_is_the_trouble_at_the_end() {
    let mut pole = online();
    pole.input(Input::Disconnected);
    pole.reads(network(true));
    pole.run_s(61);
    for up in [false, false, false, true] {
        pole.reads(network(up));
    }
    pole.input(Input::Connected);
    let Some(What::LineBack { trouble, .. }) = pole.gaps().pop() else {
        panic!("it is back");
    };
    assert_eq!(trouble, LineTrouble::NoNetwork);
}

#[test]
fn a_line_that_flaps_is_no_news() {
    let mut pole = online();
    for _ in 0..720 {
        pole.input(Input::Disconnected);
        pole.run_s(20);
        pole.input(Input::Connected);
        pole.run_s(100);
    }
    assert_eq!(pole.gaps(), []);
}

#[test]
fn a_loss_that_was_told_ends_in_the_next_run() {
    let mut pole = online();
    pole.run_to(100);
    pole.input(Input::Disconnected);
    pole.run_to(200);
    let mut pole = pole.loses_power(50);
    pole.run_to(900);
    let pole_gaps = pole.gaps().len();
    assert_eq!(pole_gaps, 1, "not told a second time");
    pole.input(Input::Connected);
    let since = t(100);
    let trouble = LineTrouble::Unknown;
    assert_eq!(pole.gaps().pop(), Some(What::LineBack { since, trouble }));
    // And the next loss is a new one.
    pole.input(Input::Disconnected);
    pole.run_to(1_000);
    assert_eq!(pole.gaps().len(), 3);
}

#[test]
fn a_loss_that_was_too_short_to_tell_begins_anew_with_the_run() {
    let mut pole = online();
    pole.input(Input::Disconnected);
    pole.run_to(40);
    let mut pole = pole.begins_again(10);
    pole.run_to(100);
    assert_eq!(pole.gaps(), []);
    pole.run_to(111);
    let Some(What::LineLost { since, .. }) = pole.gaps().pop() else {
        panic!("it is told");
    };
    assert_eq!(since, t(50));
}

#[test]
fn a_program_that_stood_still_says_so() {
    let mut pole = online();
    pole.run_to(100);
    pole.mono_us += 90_000_000;
    pole.input(Input::Tick);
    let Some(What::Stalled { since }) = pole.gaps().pop() else {
        panic!("it stood still");
    };
    assert!(
        (60..=100).contains(&(since.since_ms(t(0)) / 1_000)),
        "{since}"
    );
    pole.run_to(2_000);
    assert_eq!(pole.gaps().len(), 1);
}

#[test]
fn a_machine_that_slept_says_so() {
    let mut pole = online();
    let slept = |us| Machine {
        asleep_us: Some(us),
        ..Machine::default()
    };
    pole.reads(slept(7_000_000));
    pole.run_to(50);
    // The steady clock stands for ten minutes while the wall clock goes on.
    pole.system_us += 600_000_000;
    pole.run_s(5);
    pole.reads(slept(607_000_000));
    assert_eq!(pole.gaps(), [What::Stalled { since: t(10) }]);
    pole.run_s(60);
    pole.reads(slept(608_000_000));
    assert_eq!(pole.gaps().len(), 1);
}

#[test]
fn mains_that_go_are_told_at_once_and_again_when_they_are_back_also_after_a_restart() {
    let mut pole = online();
    pole.reads(mains(true));
    assert_eq!(pole.gaps(), []);
    pole.run_to(100);
    pole.reads(mains(false));
    assert_eq!(pole.gaps(), [What::Mains { present: false }]);
    pole.run_s(1);
    let status: loa_protocol::status::SpeakerStatus = pole
        .last_published(|t| matches!(t, loa_protocol::topic::Topic::Status(_)))
        .unwrap();
    let power = status.telemetry.and_then(|t| t.power);
    assert_eq!(power.and_then(|p| p.mains), Some(false));
    let mut pole = pole.begins_again(5);
    pole.reads(mains(false));
    assert_eq!(pole.gaps().len(), 1);
    pole.reads(mains(true));
    assert_eq!(pole.gaps().pop(), Some(What::Mains { present: true }));
}

#[test]
fn a_loose_contact_is_told_once_a_minute() {
    let mut pole = online();
    for n in 0..720 {
        pole.reads(mains(n % 2 == 0));
        pole.run_s(5);
    }
    assert!(pole.gaps().len() <= 60, "{}", pole.gaps().len());
}

#[test]
fn where_there_is_no_room_gaps_are_counted_and_not_told() {
    let mut disk = Disk::default();
    let event = |number| loa_protocol::event::Event {
        number,
        at: t(0),
        trust: Default::default(),
        what: What::Mains { present: true },
    };
    disk.events = (1..=MAX_EVENTS as u64).map(|n| (n, event(n))).collect();
    disk.last_event = MAX_EVENTS as u64;
    disk.boot = 1;
    let mut pole = Pole::on(disk, 64 << 20);
    let before = pole.gaps().len();
    pole.run_to(100);
    pole.reads(mains(false));
    assert_eq!(pole.gaps().len(), before);
    assert_eq!(pole.status().refused.get("faults_dropped"), Some(&2));
    // What was not told does not come back.
    pole.input(Input::Connected);
    assert_eq!(pole.gaps().len(), before);
}
