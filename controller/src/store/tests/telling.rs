//! What speakers tell, over a line that repeats, loses and reorders, from disks that get lost.

use loa_protocol::{
    bulletin::{Priority, Status},
    event::{Event, What},
    id::StoreId,
    playout::{Interruption, Miss, Outcome, Playout, PlayoutId},
    status::{ClockState, SpeakerStatus},
    time::Trust,
};

use crate::store::{
    PlayoutFilter, PlayoutRow, Store, StoreError,
    testing::{NOON, area, speaker, village},
};

fn store_id(text: &str) -> StoreId {
    text.parse().expect("a good name")
}
fn booted(number: u64) -> Event {
    let what = What::Booted {
        boot: number,
        agent: "loa-agent 0.1".into(),
        after: None,
    };
    Event {
        number,
        at: NOON,
        trust: Trust::Synced,
        what,
    }
}
fn playout(started: bool, outcome: Option<Outcome>) -> Playout {
    Playout {
        streamed: None,
        id: PlayoutId {
            occurrence: "b1/2026-11-24/0/0".parse().expect("an occurrence"),
            attempt: 0,
        },
        revision: 1,
        title: "Thông báo".into(),
        priority: Priority::Ordinary,
        status: Status::Actual,
        planned: NOON,
        started: started.then(|| NOON.plus_ms(3)),
        ended: None,
        error_us: started.then_some(3_000),
        sounded_ms: 0,
        cuts: 0,
        trust: Trust::Synced,
        outcome,
    }
}
fn event(number: u64, what: What) -> Event {
    Event {
        number,
        at: NOON,
        trust: Trust::Synced,
        what,
    }
}
fn started(number: u64) -> Event {
    event(
        number,
        What::Started {
            playout: playout(true, None),
        },
    )
}
fn ended(number: u64, playout: Playout) -> Event {
    event(number, What::Ended { playout })
}
async fn tell(store: &Store, of: &str, events: &[Event]) -> u64 {
    store
        .record_events(&speaker("ban-chuong-1"), &store_id(of), events, NOON)
        .await
        .expect("recorded")
}
async fn rows(store: &Store) -> Vec<PlayoutRow> {
    let filter = PlayoutFilter {
        limit: 100,
        ..PlayoutFilter::default()
    };
    store.playouts(&filter).await.expect("read")
}
async fn outcome(store: &Store) -> (Option<String>, Option<String>) {
    let row = rows(store).await.remove(0);
    (row.outcome, row.reason)
}

#[tokio::test]
async fn holes_are_not_acknowledged_and_repetition_changes_nothing() {
    let store = village().await;
    let batch = |numbers: &[u64]| numbers.iter().map(|n| booted(*n)).collect::<Vec<_>>();
    assert_eq!(tell(&store, "s1", &batch(&[1, 2, 3])).await, 3);
    assert_eq!(tell(&store, "s1", &batch(&[1, 2, 3])).await, 3);
    assert_eq!(tell(&store, "s1", &batch(&[6, 7])).await, 3);
    assert_eq!(tell(&store, "s1", &batch(&[5])).await, 3);
    assert_eq!(tell(&store, "s1", &batch(&[4])).await, 7);
    assert_eq!(tell(&store, "s1", &[]).await, 7);
    // Another life of the disk counts from 1 again, on its own.
    assert_eq!(tell(&store, "s2", &batch(&[2])).await, 0);
    assert_eq!(tell(&store, "s2", &batch(&[1])).await, 2);
    assert_eq!(tell(&store, "s1", &batch(&[8])).await, 8);
    assert_eq!(tell(&store, "s3", &batch(&[0, u64::MAX])).await, 0);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_restart() {
    let store = village().await;
    tell(&store, "s1", &[booted(1), booted(2)]).await;
    store.clock.pass_s(5);
    store
        .record_events(
            &speaker("ban-chuong-1"),
            &store_id("s2"),
            &[booted(1)],
            NOON.plus_s(5),
        )
        .await
        .expect("recorded");
    store.close().await;
    let again = Store::open(store.dir.path(), store.clock.clone())
        .await
        .expect("opened");
    let acked = again.acked().await.expect("read");
    assert_eq!(acked, [(speaker("ban-chuong-1"), store_id("s2"), 1)]);
    assert_eq!(tell(&again, "s1", &[booted(3)]).await, 3);
}

#[tokio::test]
async fn a_playout_is_one_row_however_its_events_arrive() {
    let store = village().await;
    let mut over = playout(true, Some(Outcome::Completed));
    over.sounded_ms = 10_000;
    // The end first, then the start: the end stays.
    tell(&store, "s1", &[ended(2, over)]).await;
    tell(&store, "s1", &[started(1)]).await;
    assert_eq!(outcome(&store).await, (Some("completed".into()), None));
    assert_eq!(rows(&store).await.len(), 1);
    assert_eq!(rows(&store).await[0].sounded_ms, 10_000);
}

#[tokio::test]
async fn a_new_store_cannot_unsay_that_something_sounded() {
    let store = village().await;
    let missed = playout(false, Some(Outcome::Missed(Miss::Off)));
    tell(
        &store,
        "s1",
        &[
            started(1),
            ended(2, playout(true, Some(Outcome::Completed))),
        ],
    )
    .await;
    tell(&store, "s2", &[ended(1, missed)]).await;
    let row = rows(&store).await.remove(0);
    assert_eq!(
        (row.outcome.as_deref(), row.started.is_some()),
        (Some("completed"), true)
    );
}

#[tokio::test]
async fn what_a_lost_store_had_begun_was_interrupted_when_it_was_lost() {
    let store = village().await;
    let missed = playout(false, Some(Outcome::Missed(Miss::Off)));
    tell(&store, "s1", &[started(1)]).await;
    tell(&store, "s2", &[ended(1, missed)]).await;
    assert_eq!(
        outcome(&store).await,
        (Some("interrupted".into()), Some("power_cut".into()))
    );
    assert!(rows(&store).await[0].started.is_some());
    // The old store comes back after all and knows better.
    let cancelled = playout(true, Some(Outcome::Interrupted(Interruption::Cancelled)));
    tell(&store, "s1", &[ended(2, cancelled)]).await;
    assert_eq!(outcome(&store).await.1, Some("cancelled".into()));
}

#[tokio::test]
async fn a_late_word_of_the_old_store_that_it_sounded_beats_a_miss_of_the_new() {
    let store = village().await;
    tell(
        &store,
        "s2",
        &[ended(1, playout(false, Some(Outcome::Missed(Miss::Off))))],
    )
    .await;
    tell(
        &store,
        "s1",
        &[ended(2, playout(true, Some(Outcome::Completed)))],
    )
    .await;
    assert_eq!(outcome(&store).await, (Some("completed".into()), None));
}

#[tokio::test]
async fn nobody_unknown_tells_anything() {
    let store = village().await;
    let stranger = store
        .record_events(&speaker("nobody"), &store_id("s1"), &[booted(1)], NOON)
        .await;
    assert!(
        matches!(stranger, Err(StoreError::NotFound { .. })),
        "{stranger:?}"
    );
}

fn status(acked: u64) -> SpeakerStatus {
    SpeakerStatus {
        speaker: speaker("ban-chuong-1"),
        online: true,
        store: store_id("s1"),
        boot: 1,
        agent: "loa-agent 0.1".into(),
        at: Some(NOON),
        clock: ClockState::default(),
        config: None,
        programmes: Default::default(),
        held: vec![],
        partial: vec![],
        sounding: None,
        next: None,
        muted: false,
        output: "wav".into(),
        last_event: 12,
        acked,
        refused: Default::default(),
        disk_free_bytes: None,
        uptime_s: 1,
        limits: None,
        governor_quiet: vec![],
        governor_zone: None,
        used: None,
        telemetry: None,
        audit: None,
    }
}

#[tokio::test]
async fn an_office_that_lost_its_database_does_not_wait_for_what_it_once_acknowledged() {
    let store = village().await;
    // The speaker forgot 1 to 10 long ago, with this office's word that they were stored.
    assert_eq!(tell(&store, "s1", &[booted(11), booted(12)]).await, 0);
    store
        .record_status(&[(status(10), NOON)])
        .await
        .expect("recorded");
    assert_eq!(tell(&store, "s1", &[]).await, 12);
    let (kept, _) = store
        .last_status(&speaker("ban-chuong-1"))
        .await
        .expect("read")
        .expect("kept");
    assert_eq!(kept, status(10));
}

#[tokio::test]
async fn a_false_word_about_what_was_acknowledged_skips_nothing_that_is_on_its_way() {
    let store = village().await;
    tell(&store, "s1", &[booted(1), booted(3)]).await;
    store
        .record_status(&[(status(5), NOON)])
        .await
        .expect("recorded");
    assert_eq!(tell(&store, "s1", &[]).await, 1);
}

#[tokio::test]
async fn playouts_come_in_pages_latest_first() {
    let store = village().await;
    for n in 0..7u64 {
        let mut p = playout(true, Some(Outcome::Completed));
        p.id.occurrence.index = u16::try_from(n).expect("small");
        p.planned = NOON.plus_s(i64::try_from(n / 2).expect("small"));
        tell(&store, "s1", &[ended(n + 1, p)]).await;
    }
    let mut filter = PlayoutFilter {
        limit: 3,
        area: Some(area("sang-moc")),
        ..PlayoutFilter::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = store.playouts(&filter).await.expect("read");
        let Some(last) = page.last() else { break };
        filter.after = Some(last.cursor());
        seen.extend(page.iter().map(|r| (r.planned, r.occurrence.index)));
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|a, b| a >= b), "{seen:?}");
    let elsewhere = PlayoutFilter {
        area: Some(area("khuoi-meo")),
        limit: 9,
        ..PlayoutFilter::default()
    };
    assert!(store.playouts(&elsewhere).await.expect("read").is_empty());
    let missed = PlayoutFilter {
        outcome: Some("missed".into()),
        limit: 9,
        ..PlayoutFilter::default()
    };
    assert!(store.playouts(&missed).await.expect("read").is_empty());
}
