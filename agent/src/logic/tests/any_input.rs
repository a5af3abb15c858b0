//! Whatever comes, in whatever order: it does not panic, and the promises hold.

use std::collections::BTreeMap;

use loa_protocol::{
    content::Sha,
    event::What,
    playout::{Failure, Interruption, OccurrenceId, Outcome},
    programme::Command,
    speaker_config::{Order, OrderKind},
    telemetry::{Network, NetworkKind, Power},
    time::WallTime,
    topic::Topic,
};
use proptest::prelude::*;

use super::{live_office::*, pole::*};
use crate::logic::port::{How, Input, KernelClock, Machine, PlayerEvent, Traffic};

fn any_topic() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        Just(Topic::Head.to_string()),
        Just(Topic::Config(SPEAKER.parse().unwrap()).to_string()),
        Just(Topic::Programme(area()).to_string()),
        Just(Topic::Now(area()).to_string()),
        Just(Topic::Live(area(), "call".parse().unwrap()).to_string()),
        Just(Topic::Ack(SPEAKER.parse().unwrap()).to_string()),
        Just(Topic::ClockReply(SPEAKER.parse().unwrap()).to_string()),
        any::<u32>().prop_map(|index| Topic::Block {
            content: Sha::of(b"x"),
            index
        }
        .to_string()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_on_any_topic_harm_the_pole(
        messages in prop::collection::vec((any_topic(), prop::collection::vec(any::<u8>(), 0..200)), 1..300),
    ) {
        let mut pole = Pole::with(vec![at("news", 60)]);
        pole.input(Input::Connected);
        pole.hears_now(&now(2, 0, start(call("call", 80))));
        for (topic, payload) in messages {
            pole.input(Input::Message { topic, payload });
        }
        pole.run_to(120);
        prop_assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
    }

    #[test]
    fn a_signed_document_with_any_byte_changed_is_refused(place in any::<prop::sample::Index>(), bit in 0..8u32) {
        let mut pole = Pole::with(vec![]);
        let mut payload = loa_protocol::envelope::seal(&programme(area(), 9, vec![at("evil", 60)]), &key(1));
        let place = place.index(payload.len());
        payload[place] ^= 1 << bit;
        pole.input(Input::Message { topic: Topic::Programme(area()).to_string(), payload });
        prop_assert!(pole.agent.agenda().is_empty());
    }
}

/// What may happen to a pole on a bad day.
#[derive(Clone, Debug)]
enum Happening {
    Time(u32),
    Step(i32),
    Programme(Vec<u8>),
    Now(u8),
    Cancel(u8),
    Stop,
    Config { muted: bool, trim: i16, area: bool },
    Line(bool),
    Kernel { synced: bool, held: bool },
    Ack(u8),
    Blocks(u8),
    HoldCommits(bool),
    FailCommits(bool),
    BreakPlayer,
    PowerCut(u16),
    Shutdown,
    StaleWord(u8, u8),
    ContentBad(u8),
    StoreBlocksHeld(bool),
    Measured(Box<Machine>),
    Order(u8, bool, i16),
    Crash,
    Stop30(u8),
    Call(u8),
    Speech(u8, u8, i16),
    CallEnds(u8),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    prop_oneof![
        10 => (0..120_000u32).prop_map(Time),
        1 => (-5_000..5_000i32).prop_map(Step),
        3 => prop::collection::vec(0..12u8, 0..8).prop_map(Programme),
        2 => (0..12u8).prop_map(Now),
        1 => (0..12u8).prop_map(Cancel),
        1 => Just(Stop),
        1 => (any::<bool>(), -600..600i16, any::<bool>()).prop_map(|(muted, trim, area)| Config { muted, trim, area }),
        1 => any::<bool>().prop_map(Line),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(synced, held)| Kernel { synced, held }),
        1 => any::<u8>().prop_map(Ack),
        2 => (0..12u8).prop_map(Blocks),
        2 => any::<bool>().prop_map(HoldCommits),
        1 => any::<bool>().prop_map(FailCommits),
        1 => Just(BreakPlayer),
        1 => (0..900u16).prop_map(PowerCut),
        1 => Just(Shutdown),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| StaleWord(a, b)),
        1 => (0..12u8).prop_map(ContentBad),
        1 => any::<bool>().prop_map(StoreBlocksHeld),
        2 => any_machine().prop_map(|machine| Measured(Box::new(machine))),
        1 => (any::<u8>(), any::<bool>(), -60..600i16).prop_map(|(n, test, s)| Order(n, test, s)),
        1 => Just(Crash),
        1 => any::<u8>().prop_map(Stop30),
        2 => (0..3u8).prop_map(Call),
        4 => (0..3u8, 0..60u8, -50..4_000i16).prop_map(|(n, packets, age)| Speech(n, packets, age)),
        1 => (0..3u8).prop_map(CallEnds),
    ]
}

/// Whatever a sensor may show, sense or nonsense.
fn any_machine() -> impl Strategy<Value = Machine> {
    let name = prop_oneof![Just("wwan0".to_owned()), Just("eth0".to_owned()), ".{0,90}"];
    (
        (
            any::<Option<u64>>(),
            any::<Option<u64>>(),
            any::<Option<i32>>(),
            any::<Option<bool>>(),
        ),
        (name, any::<u64>(), any::<u64>(), ".{0,90}"),
        (any::<Option<bool>>(), any::<Option<u8>>()),
    )
        .prop_map(
            |(board, (interface, received, sent, cell), (mains, percent))| Machine {
                uptime_s: board.0,
                asleep_us: board.1,
                temperature_mc: board.2,
                network_up: board.3,
                network: Some(Network {
                    kind: NetworkKind::Cellular,
                    interface,
                    signal_dbm: board.2,
                    signal_percent: percent,
                    operator: Some(cell.clone()),
                    cell: Some(cell),
                }),
                traffic: Some(Traffic {
                    received_bytes: received,
                    sent_bytes: sent,
                }),
                power: Some(Power {
                    mains,
                    battery_percent: percent,
                    battery_mv: None,
                }),
                ..Machine::default()
            },
        )
}

/// The twelve bulletins of this village, planned around now by the wall clock.
fn one_of(number: u8, s: i64) -> loa_protocol::bulletin::Bulletin {
    let name = format!("b{number}");
    let soon = s + i64::from(number) * 7;
    match number % 4 {
        0 => at(&name, soon),
        1 => at_priority(&name, soon),
        2 => emergency_at(&name, soon),
        _ => loa_protocol::bulletin::Bulletin {
            on_preempt: loa_protocol::bulletin::OnPreempt::Drop,
            repeat: loa_protocol::bulletin::Repeat {
                times: 3,
                every_s: 45,
            },
            ..at(&name, soon)
        },
    }
}

fn live(mut pole: Pole, happening: Happening, generation: &mut u64) -> Pole {
    *generation += 1;
    let seconds = pole.reading().system.since_ms(t(0)) / 1_000;
    let g = *generation;
    match happening {
        Happening::Time(ms) => pole.run_until(pole.mono_us + u64::from(ms) * 1_000),
        Happening::Step(s) => pole.system_us += i64::from(s) * 1_000_000,
        Happening::Programme(numbers) => {
            let bulletins = numbers.into_iter().map(|n| {
                // The edit counts up, so that plans move.
                loa_protocol::bulletin::Bulletin {
                    revision: g as u32,
                    ..one_of(n, seconds)
                }
            });
            pole.hears_programme(&programme(area(), g, bulletins.collect()));
        }
        Happening::Now(n) => {
            let name = format!("b{n}");
            let said = if n % 2 == 0 {
                said_now(&name, seconds)
            } else {
                emergency_now(&name, seconds)
            };
            pole.hears_now(&now(g, seconds, start(said)));
        }
        Happening::Cancel(n) => {
            let bulletin = format!("b{n}").parse().unwrap();
            pole.hears_now(&now(g, seconds, Command::Cancel { bulletin }));
        }
        Happening::Stop => pole.hears_now(&now(g, seconds, Command::Stop { before: t(seconds) })),
        Happening::Config {
            muted,
            trim,
            area: follows,
        } => {
            let channels = if follows {
                vec![area(), own()]
            } else {
                vec![own()]
            };
            pole.hears_config(&loa_protocol::speaker_config::SpeakerConfig {
                muted,
                delay_trim_ms: trim,
                channels,
                ..config(g)
            });
        }
        Happening::Line(up) => pole.input(if up {
            Input::Connected
        } else {
            Input::Disconnected
        }),
        Happening::Kernel { synced, held } => {
            pole.input(Input::KernelClock(KernelClock { synced, held }))
        }
        Happening::Ack(n) => pole.hears_ack(u64::from(n).min(pole.disk.last_event)),
        Happening::Blocks(n) => (0..3).for_each(|i| pole.hears_block(&format!("b{n}"), i)),
        Happening::HoldCommits(true) => pole.hold_commits = true,
        Happening::HoldCommits(false) => pole.commit_held(),
        Happening::FailCommits(fail) => {
            pole.commit_held();
            pole.fail_commits = fail;
        }
        Happening::BreakPlayer => pole.player.is_broken = true,
        Happening::PowerCut(s) => {
            pole.fail_commits = false;
            pole = pole.loses_power(u64::from(s));
        }
        Happening::Shutdown => {
            pole.commit_held();
            pole.fail_commits = false;
            pole.input(Input::Shutdown);
            pole = pole.loses_power(3);
        }
        Happening::StaleWord(a, b) => {
            let playout = loa_protocol::playout::PlayoutId {
                occurrence: format!("b{}/2026-11-24/0/0", a % 12).parse().unwrap(),
                attempt: 0,
            };
            let piece = u32::from(b) + 50;
            let failure = Failure::Decode;
            let how = How::Failed {
                failure,
                detail: String::new(),
            };
            let at_mono_us = u64::from(a) << 56;
            let event = PlayerEvent::Ended {
                playout,
                piece,
                at_mono_us,
                place_ms: u64::MAX,
                how,
            };
            pole.input(Input::Player(event));
        }
        Happening::ContentBad(n) => {
            let content = at(&format!("b{n}"), 0).manifest().expect("audio").content;
            pole.disk.contents.remove(&content);
            pole.input(Input::ContentBad {
                content,
                detail: String::new(),
            });
        }
        Happening::StoreBlocksHeld(hold) => {
            pole.hold_blocks = hold;
            if !hold {
                pole.store_held_blocks();
            }
        }
        Happening::Measured(machine) => pole.reads(*machine),
        Happening::Order(number, is_test, s) => {
            let what = if is_test {
                OrderKind::SelfTest
            } else {
                OrderKind::Restart
            };
            let order = Order {
                number: u64::from(number),
                what,
                until: t(seconds + i64::from(s)),
            };
            pole.hears_config(&loa_protocol::speaker_config::SpeakerConfig {
                orders: vec![order],
                ..config(g)
            });
        }
        Happening::Crash => {
            pole.fail_commits = false;
            pole = pole.begins_again(2);
        }
        Happening::Call(n) => {
            let said = call(&format!("c{n}"), seconds + i64::from(n));
            pole.hears_now(&now(g, seconds, start(said)));
        }
        Happening::Speech(n, packets, age_ms) => {
            for _ in 0..packets {
                let ms = pole.reading().system.since_ms(t(0));
                let number = (ms / 20).max(0) as u32;
                let packet = packet(number, ms - i64::from(age_ms));
                pole.hears_packet(&format!("c{n}"), &packet);
                pole.run_until(pole.mono_us + 40_000);
            }
        }
        Happening::CallEnds(n) => {
            let over = ended(&call(&format!("c{n}"), seconds - 5), seconds);
            pole.hears_now(&now(g, seconds, start(over)));
        }
        Happening::Stop30(s) => {
            pole.mono_us += 30_000_000 + u64::from(s) * 1_000_000;
            pole.input(Input::Tick);
        }
    }
    if pole.wants_to_run_again && pole.agent.is_quiescent() {
        pole = pole.begins_again(2);
    }
    pole
}

/// The promises, looked for in everything that was ever written.
fn promises_hold(pole: &Pole) {
    let mut starts: BTreeMap<(OccurrenceId, u16), usize> = BTreeMap::new();
    let mut ends: BTreeMap<(OccurrenceId, u16), usize> = BTreeMap::new();
    let mut outcomes: BTreeMap<OccurrenceId, Vec<Outcome>> = BTreeMap::new();
    for event in &pole.disk.told {
        match &event.what {
            What::Started { playout } if playout.cuts == 0 => {
                *starts
                    .entry((playout.id.occurrence.clone(), playout.id.attempt))
                    .or_default() += 1;
            }
            What::Ended { playout } => {
                *ends
                    .entry((playout.id.occurrence.clone(), playout.id.attempt))
                    .or_default() += 1;
                outcomes
                    .entry(playout.id.occurrence.clone())
                    .or_default()
                    .extend(playout.outcome);
                if playout.started.is_none() {
                    assert_eq!(playout.sounded_ms, 0, "{playout:?}");
                }
            }
            _ => {}
        }
    }
    assert!(
        starts.values().all(|n| *n == 1),
        "one start each: {starts:?}"
    );
    assert!(ends.values().all(|n| *n == 1), "one end each: {ends:?}");
    for (id, all) in outcomes {
        let (_last, before) = all.split_last().unwrap();
        let power_cut = Outcome::Interrupted(Interruption::PowerCut);
        assert!(before.iter().all(|o| *o == power_cut), "{id}: {all:?}");
        if !before.is_empty() {
            let emergency = pole
                .disk
                .ledger
                .values()
                .filter(|r| r.playout.id.occurrence == id);
            assert!(
                emergency
                    .into_iter()
                    .any(|r| r.playout.priority == loa_protocol::bulletin::Priority::Emergency),
                "{id}"
            );
        }
    }
    let numbers: Vec<u64> = pole.disk.told.iter().map(|e| e.number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_any_bad_day_the_promises_hold(happenings in prop::collection::vec(any_happening(), 1..60)) {
        let all: Vec<_> = (0..9).map(|n| one_of(n, 0)).collect();
        let mut pole = Pole::with(all);
        let mut generation = 1;
        for happening in happenings {
            pole = live(pole, happening, &mut generation);
            // The disk and the player assert what they see: durable rows first, one outcome, one sound at a time.
            promises_hold(&pole);
        }
        // In the end everything that was begun is over.
        pole.commit_held();
        pole.fail_commits = false;
        pole.input(Input::KernelClock(KernelClock { synced: true, held: false }));
        if pole.wants_to_run_again {
            pole = pole.begins_again(2);
        }
        pole.run_s(2 * 3_600);
        if pole.wants_to_run_again {
            pole = pole.begins_again(2);
            pole.run_s(2 * 3_600);
        }
        promises_hold(&pole);
        let now: WallTime = pole.reading().system;
        for row in pole.disk.ledger.values() {
            prop_assert!(row.playout.outcome.is_some(), "left open at {now}: {row:?}");
        }
    }
}
