//! Whoever is not to be believed, or let in.

use loa_tests::{
    live_mutants, mutants,
    process::{
        Broker, Village,
        figures::{Figure, Goal, largest, summary},
        measure::{
            crowd::{cut_off, enrol_all},
            strangers::{Known, foreign_topics, let_in},
        },
        passport::enrolled,
    },
};

/// Envelopes of all types, mutated or replayed.
pub(super) fn mutated() -> Vec<Figure> {
    const COUNT: u64 = 10_000_000;
    const SEED: u64 = 0x1_0a5e_ed5e;
    println!("{COUNT} envelopes, seed {SEED}");
    let tally = mutants::bombard(SEED, COUNT);
    println!(
        "  {} tried, {} genuine and new ones among them",
        tally.tried, tally.genuine
    );
    vec![Figure {
        name: "mutated_accepted",
        value: tally.accepted as f64,
        unit: "envelopes",
        goal: Goal::AtMost(0.0),
        n: tally.tried as usize,
        how: format!(
            "envelopes of every type, mutated, replayed or on another topic, against the trust of a pole with its \
             third root, the agent itself, a pole's own key and a passkey's approval; accepted and not genuine and \
             new; two threads, seed {SEED}"
        ),
    }]
}

/// Packets of live streams, from a broker that lies.
pub(super) fn live_mutated() -> Vec<Figure> {
    const COUNT: u64 = 1_000_000;
    const SEED: u64 = 0x11_5ea1;
    let tally = live_mutants::bombard(SEED, COUNT);
    println!(
        "  {} packets; of {} that the office said, {} reached the player",
        tally.tried, tally.said, tally.genuine
    );
    vec![Figure {
        name: "live_forged",
        value: tally.sounded as f64,
        unit: "packets",
        goal: Goal::AtMost(0.0),
        n: tally.tried as usize,
        how: format!(
            "packets of live calls, genuine ones and ones that were forged, mutated, replayed (of the same call and of \
             earlier ones), put on another channel or stream, delayed by 3 to 20 s, reordered and flooded, against the \
             agent; handed to its player and not genuine, fresh and new; seed {SEED}"
        ),
    }]
}

/// Two poles, and what the first had before its board was replaced.
fn known(village: &Village) -> Known {
    let revoked = enrol_all(village, 1).remove(0);
    let first = enrolled(&village.office, revoked.speaker().as_str());
    let second = enrol_all(village, 1).remove(0);
    Known {
        first,
        second,
        revoked,
    }
}

/// On the embedded broker, and on Mosquitto as the office exports it.
pub(super) fn strangers() -> Vec<Figure> {
    const TRIES: usize = 500;
    const TOPICS: usize = 250;
    let (mut came_in, mut opened) = (0, 0);
    for broker in [Broker::Embedded, Broker::Mosquitto] {
        let village = Village::of_office(broker, 0);
        let known = known(&village);
        let port = village.office.broker_port;
        if let Some(mosquitto) = &village.mosquitto {
            mosquitto.read_revocations(&village.office, &known);
        }
        let found = let_in(&village.office, port, &known, TRIES);
        let topics = foreign_topics(port, &known, TOPICS);
        println!("  {broker:?}: let in {found:?}; opened {topics:?}");
        came_in += found.len();
        opened += topics.len();
    }
    vec![
        Figure {
            name: "strangers_in",
            value: came_in as f64,
            unit: "of 1,000",
            goal: Goal::AtMost(0.0),
            n: 2 * TRIES,
            how: "tries to come in to the embedded broker and to Mosquitto, half each: no certificate, another authority's, an \
                  expired one, a revoked one, and a good one under another pole's name, in turn"
                .into(),
        },
        Figure {
            name: "foreign_topics",
            value: opened as f64,
            unit: "of 500",
            goal: Goal::AtMost(0.0),
            n: 2 * TOPICS,
            how: "topics of other poles and of the office that one pole's key wrote to (the broker took it) or was given \
                  something from, on the embedded broker and on Mosquitto, half each"
                .into(),
        },
    ]
}

pub(super) fn cutoff() -> Vec<Figure> {
    let village = Village::of_office(Broker::Embedded, 0);
    let identities = enrol_all(&village, 20);
    let seconds = cut_off(&village, &identities);
    println!("{}", summary("cut off", "s", &seconds));
    vec![Figure {
        name: "revoked_cutoff_s",
        value: largest(&seconds),
        unit: "s",
        goal: Goal::AtMost(60.0),
        n: seconds.len(),
        how: "slowest from the API's answer to `retire` until the pole's line was cut; each was then refused".into(),
    }]
}
