use loa_protocol::{
    event::{After, Event, LineTrouble, RunEnd, What},
    time::Trust,
};

use super::*;

const T: WallTime = WallTime::from_millis(1_795_496_400_000);

fn seen(at_s: i64, presence: Presence) -> Seen {
    Seen {
        at: T.plus_s(at_s),
        presence,
        heard: None,
        mains: None,
        cell: None,
    }
}
fn online(at_s: i64) -> Seen {
    seen(at_s, Presence::Online)
}
fn offline(at_s: i64) -> Seen {
    seen(at_s, Presence::Offline)
}
fn run(began_s: i64, alive_s: i64) -> Run {
    Run {
        began: T.plus_s(began_s),
        alive: T.plus_s(alive_s),
    }
}
fn booted(at_s: i64, alive_s: i64, trust: Trust) -> Entry {
    let after = After {
        ended: RunEnd::PowerCut,
        alive: Some(T.plus_s(alive_s)),
    };
    let what = What::Booted {
        boot: 2,
        agent: "loa-agent".into(),
        after: Some(after),
    };
    entry(at_s, trust, what)
}
fn entry(at_s: i64, trust: Trust, what: What) -> Entry {
    let event = Event {
        number: 1,
        at: T.plus_s(at_s),
        trust,
        what,
    };
    Entry::of(&event).expect("it explains something")
}
/// When each began and ended, in seconds, and why.
fn found(seen: &[Seen], runs: &[Run], entries: &[Entry]) -> Vec<(i64, Option<i64>, Cause)> {
    let s = |at: WallTime| at.since_us(T) / 1_000_000;
    derive(seen, runs, entries, None)
        .into_iter()
        .map(|span| (s(span.began), span.ended.map(s), span.cause))
        .collect()
}

#[test]
fn an_outage_is_from_going_to_coming_and_silent_then_offline_is_one() {
    let all = [
        online(0),
        seen(100, Presence::Silent),
        offline(200),
        online(300),
        offline(400),
    ];
    assert_eq!(
        found(&all, &[run(-10, 1_000)], &[]),
        [
            (100, Some(300), Cause::Unknown),
            (400, None, Cause::Unknown)
        ]
    );
}

#[test]
fn a_restart_of_the_office_while_a_pole_is_dead_continues_the_outage() {
    let all = [online(0), offline(100), offline(1_090), online(2_000)];
    let runs = [run(-10, 500), run(1_000, 3_000)];
    assert_eq!(
        found(&all, &runs, &[]),
        [(100, Some(2_000), Cause::Unknown)]
    );
}

#[test]
fn a_speaker_seen_right_after_our_restart_had_no_outage_unless_its_journal_says_so() {
    let all = [online(0), online(1_005)];
    let runs = [run(-10, 500), run(1_000, 3_000)];
    assert_eq!(found(&all, &runs, &[]), []);
    let cut = booted(900, 600, Trust::Synced);
    assert_eq!(found(&all, &runs, &[cut]), [(600, Some(900), Cause::Power)]);
    // Its last sign of life is older than the office's: the office heard it until it went itself.
    let cut = booted(900, 300, Trust::Synced);
    assert_eq!(found(&all, &runs, &[cut]), [(500, Some(900), Cause::Power)]);
    // No battery clock: away until it was seen again.
    let cut = booted(0, 600, Trust::Untrusted);
    assert_eq!(
        found(&all, &runs, &[cut]),
        [(600, Some(1_005), Cause::Power)]
    );
}

#[test]
fn poles_are_not_blamed_for_the_office() {
    let all = [online(0), online(1_005)];
    let runs = [run(-10, 500), run(1_000, 3_000)];
    let what = What::LineBack {
        since: T.plus_s(500),
        trouble: LineTrouble::NoOffice,
    };
    let lost = entry(1_005, Trust::Synced, what);
    assert_eq!(found(&all, &runs, &[lost]), []);
    let what = What::LineBack {
        since: T.plus_s(600),
        trouble: LineTrouble::NoNetwork,
    };
    let lost = entry(800, Trust::Synced, what);
    assert_eq!(
        found(&all, &runs, &[lost]),
        [(600, Some(800), Cause::Network)]
    );
}

#[test]
fn one_not_seen_after_our_restart_went_when_it_was_last_heard() {
    let mut gone = offline(1_090);
    let runs = [run(-10, 500), run(1_000, 3_000)];
    assert_eq!(
        found(&[online(0), gone.clone()], &runs, &[]),
        [(500, None, Cause::Unknown)]
    );
    gone.heard = Some(T.plus_s(440));
    assert_eq!(
        found(&[online(0), gone], &runs, &[]),
        [(440, None, Cause::Unknown)]
    );
}

#[test]
fn a_pole_dead_before_our_restart_that_began_again_meanwhile_was_away_until_it_began() {
    let all = [online(0), offline(100), online(1_005)];
    let runs = [run(-10, 500), run(1_000, 3_000)];
    let cut = booted(700, 90, Trust::Synced);
    assert_eq!(found(&all, &runs, &[cut]), [(100, Some(700), Cause::Power)]);
}

#[test]
fn a_pole_that_was_never_heard_has_no_outage() {
    assert_eq!(found(&[offline(90)], &[run(0, 1_000)], &[]), []);
    // But one that an earlier office heard has.
    let mut gone = offline(90);
    gone.heard = Some(T.plus_s(-50));
    assert_eq!(
        found(&[gone], &[run(0, 1_000)], &[]),
        [(-50, None, Cause::Unknown)]
    );
}

#[test]
fn an_outage_of_a_removed_pole_ends_with_it() {
    let all = [online(0), offline(100)];
    let spans = derive(&all, &[run(0, 1_000)], &[], Some(T.plus_s(500)));
    assert_eq!(spans[0].ended, Some(T.plus_s(500)));
}
