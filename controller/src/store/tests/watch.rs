//! Outages: whatever comes late, twice or in another order, the same rows.

use loa_protocol::{
    event::{After, Event, LineTrouble, RunEnd, What},
    id::StoreId,
    time::{Trust, WallTime},
};

use crate::{
    logic::{
        Presence,
        outages::{Cause, Outage},
    },
    store::testing::{NOON, TestStore, speaker, village},
};

const EVER: (WallTime, WallTime) = (WallTime::EPOCH, WallTime::MAX);

fn s1() -> StoreId {
    "s1".parse().expect("a name")
}
fn booted(number: u64, at: WallTime, alive: WallTime, ended: RunEnd) -> Event {
    let what = What::Booted {
        boot: number,
        agent: "loa-agent".into(),
        after: Some(After {
            ended,
            alive: Some(alive),
        }),
    };
    Event {
        number,
        at,
        trust: Trust::Synced,
        what,
    }
}
fn back(number: u64, since: WallTime, at: WallTime, trouble: LineTrouble) -> Event {
    Event {
        number,
        at,
        trust: Trust::Synced,
        what: What::LineBack { since, trouble },
    }
}
async fn seen(village: &TestStore, presence: Presence, at: WallTime) {
    village
        .record_presence(&speaker("ban-chuong-1"), presence, at)
        .await
        .expect("recorded");
}
async fn tell(village: &TestStore, events: &[Event]) {
    village
        .record_events(&speaker("ban-chuong-1"), &s1(), events, NOON)
        .await
        .expect("recorded");
}
async fn rows(village: &TestStore) -> Vec<Outage> {
    village
        .outages_of(&speaker("ban-chuong-1"), EVER.0, EVER.1)
        .await
        .expect("read")
}

#[tokio::test]
async fn an_outage_gets_its_cause_when_the_pole_comes_back_and_tells() {
    let village = village().await;
    village.begin_run().await.expect("a run");
    seen(&village, Presence::Online, NOON).await;
    seen(&village, Presence::Silent, NOON.plus_s(1_000)).await;
    let open = village.open_outages().await.expect("read");
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].cause, open[0].told), (Cause::Unknown, false));
    let lineage: Vec<String> = open[0].lineage.iter().map(ToString::to_string).collect();
    assert_eq!(lineage, ["ban-chuong", "sang-moc", "vo-nhai"]);
    seen(&village, Presence::Online, NOON.plus_s(5_000)).await;
    assert!(village.open_outages().await.expect("read").is_empty());
    let cut = booted(1, NOON.plus_s(4_990), NOON.plus_s(700), RunEnd::PowerCut);
    tell(&village, &[cut]).await;
    let all = rows(&village).await;
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].cause, all[0].told), (Cause::Power, true));
    assert_eq!(all[0].ended, Some(NOON.plus_s(5_000)));
}

#[tokio::test]
async fn the_office_s_own_absence_makes_no_outage_and_the_journal_fills_what_was_behind_it() {
    let village = village().await;
    let run = village.begin_run().await.expect("a run");
    seen(&village, Presence::Online, NOON.plus_s(10)).await;
    village.clock.pass_s(1_000);
    village.keep_run(run).await.expect("kept");
    village.clock.pass_s(3_600);
    village.begin_run().await.expect("a run");
    seen(&village, Presence::Online, NOON.plus_s(4_620)).await;
    assert!(rows(&village).await.is_empty());
    let cut = booted(1, NOON.plus_s(3_000), NOON.plus_s(2_000), RunEnd::PowerCut);
    tell(&village, &[cut]).await;
    let all = rows(&village).await;
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].began, all[0].ended, all[0].cause),
        (NOON.plus_s(2_000), Some(NOON.plus_s(3_000)), Cause::Power)
    );
}

#[tokio::test]
async fn a_dead_pole_s_outage_outlives_the_office_s_restart_and_ends_with_the_pole() {
    let village = village().await;
    let run = village.begin_run().await.expect("a run");
    seen(&village, Presence::Online, NOON.plus_s(10)).await;
    seen(&village, Presence::Offline, NOON.plus_s(500)).await;
    village.clock.pass_s(1_000);
    village.keep_run(run).await.expect("kept");
    village.clock.pass_s(600);
    village.begin_run().await.expect("a run");
    seen(&village, Presence::Offline, NOON.plus_s(1_690)).await;
    let all = rows(&village).await;
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].began, all[0].ended), (NOON.plus_s(500), None));
    village.clock.pass_s(1_000);
    village
        .remove_speaker(&speaker("ban-chuong-1"))
        .await
        .expect("removed");
    assert_eq!(rows(&village).await[0].ended, Some(NOON.plus_s(2_600)));
    assert!(village.open_outages().await.expect("read").is_empty());
}

/// A small generator, so that a seed says everything.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// Some days of one pole: what the office saw, in order, and what the pole told, in any.
struct Days {
    runs: Vec<(i64, i64)>,
    seen: Vec<(i64, Presence)>,
    told: Vec<Event>,
}

fn days(seed: &mut u64) -> Days {
    let mut days = Days {
        runs: vec![(0, 0)],
        seen: vec![(5, Presence::Online)],
        told: Vec::new(),
    };
    let mut at = 60;
    while at < 5 * 86_400 {
        at += 30 + (next(seed) % 20_000) as i64;
        let (alive, instant) = (at - (next(seed) % 500) as i64, NOON.plus_s(at));
        let number = days.told.len() as u64 + 1;
        match next(seed) % 7 {
            0 => {
                days.runs.last_mut().expect("one").1 = at;
                at += (next(seed) % 15_000) as i64;
                days.runs.push((at, at));
            }
            1 | 2 => days.seen.push((at, Presence::Silent)),
            3 => days.seen.push((at, Presence::Online)),
            4 => days.told.push(booted(
                number,
                instant,
                NOON.plus_s(alive - (next(seed) % 9_000) as i64),
                RunEnd::PowerCut,
            )),
            5 => days
                .told
                .push(booted(number, instant, NOON.plus_s(alive), RunEnd::Crashed)),
            _ => {
                let since = instant.plus_s(-((next(seed) % 20_000) as i64));
                let trouble = match next(seed) % 2 {
                    0 => LineTrouble::NoNetwork,
                    _ => LineTrouble::NoOffice,
                };
                days.told.push(back(number, since, instant, trouble));
            }
        }
    }
    days.runs.last_mut().expect("one").1 = at;
    days
}

#[tokio::test]
async fn late_repeated_and_reordered_words_give_the_same_outages() {
    for seed in 1..=6_u64 {
        println!("seed {seed}");
        let mut chance = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let days = days(&mut chance);
        let mut first: Option<Vec<Outage>> = None;
        for order in 0..3 {
            let village = village().await;
            for (began, alive) in &days.runs {
                sqlx::query("INSERT INTO office_runs (began, alive) VALUES ($1, $2)")
                    .bind(NOON.plus_s(*began).as_micros())
                    .bind(NOON.plus_s(*alive).as_micros())
                    .execute(&village.inner.writer)
                    .await
                    .expect("a run");
            }
            let mut told = days.told.clone();
            if order > 0 {
                for i in (1..told.len()).rev() {
                    told.swap(i, (next(&mut chance) % (i as u64 + 1)) as usize);
                }
            }
            for (at, presence) in &days.seen {
                // Some of it comes before what it explains, and some twice.
                if order > 0 && next(&mut chance).is_multiple_of(2) && !told.is_empty() {
                    let some = told.split_off(
                        told.len() - 1 - (next(&mut chance) % told.len() as u64) as usize,
                    );
                    tell(&village, &some).await;
                    tell(&village, &some[..1]).await;
                }
                seen(&village, *presence, NOON.plus_s(*at)).await;
            }
            for some in told.chunks(3) {
                tell(&village, some).await;
            }
            let found = rows(&village).await;
            match &first {
                None => first = Some(found),
                Some(first) => assert_eq!(&found, first, "seed {seed}, order {order}"),
            }
        }
        assert!(first.is_some_and(|all| !all.is_empty()), "seed {seed}");
    }
}
