//! Delivery as the village sees it: everybody gets all blocks, and hardly any block twice.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::logic::{port::Settings, programmes::Book};

fn speaker(i: usize) -> SpeakerId {
    format!("loa-{i}").parse().expect("a good name")
}

fn content(i: u32) -> ContentId {
    ContentId::of(&i.to_le_bytes())
}

/// A book that knows contents 0.. of so many blocks each, the first of them for an emergency when `emergency`.
fn book(contents: u32, blocks: u32, emergency: Option<u32>) -> Book {
    use loa_protocol::{
        bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
        content::Manifest,
        programme::Version,
        time::WallTime,
    };
    let mut book = Book::new(&Settings::new(
        1,
        1,
        ed25519_dalek::SigningKey::from_bytes(&[1; 32]),
    ));
    let bulletins = (0..contents)
        .map(|i| Bulletin {
            endorsement: None,
            id: format!("b{i}").parse().expect("a good name"),
            revision: 1,
            title: String::new(),
            priority: if Some(i) == emergency {
                Priority::Emergency
            } else {
                Priority::Ordinary
            },
            status: Status::Actual,
            order: 0,
            replay: None,
            source: loa_protocol::bulletin::Source::Content(Manifest {
                content: content(i),
                length: u64::from(blocks) * u64::from(BLOCK_BYTES),
                block_bytes: BLOCK_BYTES,
                duration_ms: 1_000,
                blocks: vec![content(i); blocks as usize],
            }),
            chime: Chime::None,
            volume: 100,
            when: When::At {
                at: "2026-11-24T05:30".into(),
            },
            zone: "Asia/Ho_Chi_Minh".into(),
            repeat: Repeat::default(),
            lateness_s: None,
            on_preempt: OnPreempt::Drop,
            max_duration_s: 60,
            since: WallTime::EPOCH,
            valid_until: None,
        })
        .collect();
    let state = crate::logic::ChannelState {
        channel: "area.x".parse().expect("a good channel"),
        version: Version {
            epoch: 1,
            generation: 1,
        },
        silence_before: None,
        bulletins,
    };
    book.channel(state, None, WallTime::EPOCH, &mut Vec::new());
    book
}

fn want(i: u32, blocks: u32) -> Want {
    Want {
        content: content(i),
        missing: Bitmap::full(blocks),
        urgent: false,
    }
}

fn ask(delivery: &mut Delivery, book: &Book, who: usize, wants: &[Want], now_us: u64) -> usize {
    delivery.ask(&speaker(who), wants, |c| book.known(c), now_us)
}

/// Runs until nothing is left to send; returns what went out and when.
fn run(delivery: &mut Delivery, book: &Book, from_us: u64) -> Vec<(u64, Sent)> {
    let mut out = Vec::new();
    let mut now = from_us;
    while let Some(at) = delivery.next_deadline() {
        now = at.max(now);
        let sent = delivery.send(|c| book.known(c).is_some(), now);
        out.extend(sent.into_iter().map(|s| (now, s)));
        assert!(out.len() < 100_000, "it never ends");
    }
    out
}

const S: u64 = 1_000_000;

#[test]
fn a_thousand_speakers_that_ask_in_one_moment_share_one_sending() {
    let book = book(1, 75, None);
    let mut delivery = Delivery::new(4_000_000, 100);
    for who in 0..1_000 {
        ask(&mut delivery, &book, who, &[want(0, 75)], S + who as u64);
    }
    assert_eq!(run(&mut delivery, &book, S).len(), 75);
}

#[test]
fn blocks_go_out_no_faster_than_they_may() {
    let book = book(1, 1_000, None);
    let mut delivery = Delivery::new(1_000_000, 0);
    ask(&mut delivery, &book, 0, &[want(0, 1_000)], S);
    let sent = run(&mut delivery, &book, S);
    let seconds = (sent[sent.len() - 1].0 - sent[0].0) as f64 / 1e6;
    let due = (1_000.0 * f64::from(BLOCK_BYTES) - BURST_BYTES as f64) / 1e6;
    assert!((seconds - due).abs() < 0.1, "{seconds} s, due {due} s");
}

#[test]
fn an_emergency_s_audio_jumps_the_queue_at_the_next_block() {
    let book = book(2, 200, Some(1));
    let mut delivery = Delivery::new(1_000_000, 100);
    ask(&mut delivery, &book, 0, &[want(0, 200)], S);
    let first = delivery.send(|_| true, S + 200_000);
    assert!(!first.is_empty());
    ask(&mut delivery, &book, 1, &[want(1, 200)], S + 210_000);
    let rest = run(&mut delivery, &book, S + 210_000);
    let last_emergency = rest.iter().rposition(|(_, s)| s.content == content(1));
    assert_eq!(last_emergency, Some(199));
}

#[test]
fn what_is_on_the_air_next_goes_before_a_newcomer_s_backlog() {
    let book = book(10, 50, None);
    let mut delivery = Delivery::new(1_000_000, 0);
    let backlog: Vec<Want> = (0..9).map(|i| want(i, 50)).collect();
    ask(&mut delivery, &book, 0, &backlog, S);
    delivery.send(|_| true, S);
    ask(&mut delivery, &book, 1, &[want(9, 50)], S + 1);
    let order: Vec<ContentId> = run(&mut delivery, &book, S + 1)
        .into_iter()
        .map(|(_, s)| s.content)
        .collect();
    let place = |c| order.iter().position(|x| *x == content(c));
    assert!(place(9) < place(1));
}

#[test]
fn a_block_on_its_way_is_not_sent_again_but_a_lost_one_is() {
    let book = book(1, 10, None);
    let mut delivery = Delivery::new(4_000_000, 0);
    ask(&mut delivery, &book, 0, &[want(0, 10)], S);
    assert_eq!(run(&mut delivery, &book, S).len(), 10);
    ask(&mut delivery, &book, 0, &[want(0, 10)], 2 * S);
    assert_eq!(run(&mut delivery, &book, 2 * S).len(), 0);
    let mut lost = Bitmap::default();
    lost.insert(3);
    let lost = Want {
        missing: lost,
        ..want(0, 10)
    };
    ask(&mut delivery, &book, 0, &[lost], 4 * S);
    let again = run(&mut delivery, &book, 4 * S);
    assert!(again.len() == 1 && again[0].1.index == 3 && again[0].1.again);
}

#[test]
fn who_comes_late_gets_what_it_missed_without_waiting_and_nobody_gets_the_rest_again() {
    let book = book(1, 100, None);
    let mut delivery = Delivery::new(1_000_000, 0);
    ask(&mut delivery, &book, 0, &[want(0, 100)], S);
    let before = delivery.send(|_| true, S).len();
    assert!(before > 0 && before < 100);
    ask(&mut delivery, &book, 1, &[want(0, 100)], S + 1_000);
    assert_eq!(run(&mut delivery, &book, S + 1_000).len(), 100);
}

#[test]
fn a_content_that_no_programme_names_is_not_sent() {
    let book = book(1, 10, None);
    let mut delivery = Delivery::new(4_000_000, 100);
    assert_eq!(ask(&mut delivery, &book, 0, &[want(7, 10)], S), 1);
    assert_eq!(delivery.next_deadline(), None);
    ask(&mut delivery, &book, 0, &[want(0, 10)], S);
    assert_eq!(delivery.send(|_| false, 2 * S), []);
    assert_eq!(delivery.next_deadline(), None);
}

#[test]
fn at_the_bound_the_oldest_want_that_is_no_emergency_s_gives_way() {
    let book = book(400, 2, Some(0));
    let mut delivery = Delivery::new(16_384, 0);
    for i in 0..300 {
        ask(&mut delivery, &book, 0, &[want(i, 2)], S);
    }
    assert_eq!(delivery.jobs.len(), MAX_CONTENTS);
    assert!(delivery.jobs.contains_key(&content(0)));
    assert!(!delivery.jobs.contains_key(&content(1)));
    assert!(delivery.jobs.contains_key(&content(299)));
    assert_eq!(delivery.busy, MAX_CONTENTS);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Speakers that ask at different moments, with different holes, over a pipe that loses nothing: all get all,
    /// and a block goes out at most twice (once more for those who came after it had gone).
    #[test]
    fn all_get_all_and_each_block_goes_out_about_once(
        asks in prop::collection::vec((0_u64..300_000, any::<u64>()), 1..20),
        blocks in 1_u32..64,
    ) {
        let book = book(1, blocks, None);
        let mut delivery = Delivery::new(1_000_000, 50);
        let mut asks = asks;
        asks.sort_unstable();
        let mut holes: Vec<BTreeSet<u32>> = Vec::new();
        let mut sent = Vec::new();
        let deliver = |out: Vec<Sent>, holes: &mut Vec<BTreeSet<u32>>, sent: &mut Vec<u32>| {
            for block in out {
                for missing in holes.iter_mut() {
                    missing.remove(&block.index);
                }
                sent.push(block.index);
            }
        };
        for (at, bits) in asks {
            let now = S + at;
            while let Some(due) = delivery.next_deadline().filter(|due| *due <= now) {
                let out = delivery.send(|_| true, due);
                deliver(out, &mut holes, &mut sent);
            }
            let missing: BTreeSet<u32> = (0..blocks).filter(|i| bits >> i & 1 == 1).collect();
            let mut map = Bitmap::default();
            missing.iter().for_each(|i| map.insert(*i));
            let who = holes.len();
            holes.push(missing);
            ask(&mut delivery, &book, who, &[Want { missing: map, ..want(0, blocks) }], now);
        }
        let rest = run(&mut delivery, &book, S + 300_000).into_iter().map(|(_, s)| s).collect();
        deliver(rest, &mut holes, &mut sent);
        prop_assert!(holes.iter().all(BTreeSet::is_empty));
        // 300 ms at 1 MB/s is 18 blocks and the burst 16: nobody needs more than that again.
        prop_assert!(sent.len() <= blocks as usize + 40, "{} sendings of {blocks} blocks", sent.len());
    }

    #[test]
    fn no_want_makes_it_panic(
        bitmaps in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..80),
        step in any::<u32>(),
    ) {
        let book = book(3, 9, Some(2));
        let mut delivery = Delivery::new(step, step);
        let mut now = 0_u64;
        for (i, bits) in bitmaps.into_iter().enumerate() {
            now = now.saturating_add(u64::from(step));
            let wanted = Want { missing: Bitmap::from_bytes(bits), ..want(i as u32 % 4, 1) };
            ask(&mut delivery, &book, i % 5, &[wanted], now);
            for sent in delivery.send(|_| true, now) {
                prop_assert!(sent.index < 9);
            }
        }
    }
}
