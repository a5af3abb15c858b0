//! The store's promises, each shown by ending without closing and opening again.

use std::path::Path;

use loa_protocol::{
    bulletin::{Priority, Status},
    content::{Bitmap, Sha},
    event::{Event, What},
    playout::{OccurrenceId, Outcome, Playout, PlayoutId},
    time::{Trust, WallTime},
};
use tokio::sync::mpsc;

use super::*;
use crate::logic::port::LedgerRow;

async fn started(folder: &Path) -> (Store, mpsc::Receiver<Input>, Loaded) {
    let (connection, loaded) = open(folder).await.expect("opens");
    let (store, inputs, _task) = start(connection);
    (store, inputs, loaded)
}

fn event(number: u64) -> Event {
    Event {
        number,
        at: WallTime::from_millis(number as i64),
        trust: Trust::Synced,
        what: What::Booted {
            boot: number,
            agent: "test".into(),
            after: None,
        },
    }
}

fn row(bulletin: &str, planned_s: i64, outcome: Option<Outcome>) -> LedgerRow {
    LedgerRow {
        playout: Playout {
            streamed: None,
            id: PlayoutId {
                occurrence: format!("{bulletin}/2026-11-24/0/0")
                    .parse::<OccurrenceId>()
                    .expect("an id"),
                attempt: 0,
            },
            revision: 1,
            title: "Bản tin".into(),
            priority: Priority::Ordinary,
            status: Status::Actual,
            planned: WallTime::EPOCH.plus_s(planned_s),
            started: None,
            ended: None,
            error_us: None,
            sounded_ms: 0,
            cuts: 0,
            trust: Trust::Synced,
            outcome,
        },
        place_ms: 0,
        suspended: None,
        begun: None,
    }
}

async fn committed(inputs: &mut mpsc::Receiver<Input>, ticket: u64) {
    assert_eq!(inputs.recv().await, Some(Input::Committed { ticket }));
}

#[tokio::test]
async fn what_was_told_as_committed_is_there_after_the_program_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, mut inputs, loaded) = started(folder.path()).await;
    assert_eq!((loaded.boot, loaded.last_event), (1, 0));
    let writes = vec![
        Write::PutDocument {
            name: "config".into(),
            bytes: vec![1, 2, 3],
        },
        Write::PutDocument {
            name: "old".into(),
            bytes: vec![9],
        },
        Write::RemoveDocument { name: "old".into() },
        Write::PutLedger(row("tin", 100, None)),
        Write::AppendEvent(event(1)),
        Write::AppendEvent(event(2)),
        Write::KnownTime(WallTime::from_micros(77)),
    ];
    assert_eq!(store.commit(7, writes), None);
    committed(&mut inputs, 7).await;
    // Copying the files while the store is open is what a power cut leaves: nothing was closed or folded in.
    let after = tempfile::tempdir().expect("a folder");
    for file in ["loa.db", "loa.db-wal"] {
        std::fs::copy(folder.path().join(file), after.path().join(file)).expect("copies");
    }
    let (_, again) = open(after.path()).await.expect("opens");
    assert_eq!(again.store, loaded.store);
    assert_eq!(again.boot, 2);
    assert_eq!(again.documents, [("config".to_owned(), vec![1, 2, 3])]);
    assert_eq!(again.ledger, [row("tin", 100, None)]);
    assert_eq!(again.events, [event(1), event(2)]);
    assert_eq!(again.last_event, 2);
    assert_eq!(again.known_time, Some(WallTime::from_micros(77)));
}

#[tokio::test]
async fn acknowledged_events_are_forgotten_but_their_numbers_are_never_given_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, mut inputs, _) = started(folder.path()).await;
    store.commit(1, (1..=3).map(|n| Write::AppendEvent(event(n))).collect());
    store.commit(2, vec![Write::ForgetEvents { through: 3 }]);
    committed(&mut inputs, 1).await;
    committed(&mut inputs, 2).await;
    let (_, again) = open(folder.path()).await.expect("opens");
    assert_eq!((again.events.len(), again.last_event), (0, 3));
}

#[tokio::test]
async fn a_speaker_whose_disk_forgot_what_the_office_has_numbers_on_after_it_through_every_power_cut()
 {
    let folder = tempfile::tempdir().expect("a folder");
    // Nothing was ever written here: the events of which the office speaks are lost.
    let (store, mut inputs, loaded) = started(folder.path()).await;
    assert_eq!(loaded.last_event, 0);
    store.commit(1, vec![Write::ForgetEvents { through: 1_000 }]);
    committed(&mut inputs, 1).await;
    let (store, mut inputs, loaded) = started(folder.path()).await;
    assert_eq!((loaded.events.len(), loaded.last_event), (0, 1_000));
    // A later event, and an older acknowledgement that comes again, leave the count where it is or further on.
    let writes = vec![
        Write::AppendEvent(event(1_001)),
        Write::ForgetEvents { through: 999 },
    ];
    store.commit(1, writes);
    committed(&mut inputs, 1).await;
    let (_, again) = open(folder.path()).await.expect("opens");
    assert_eq!(again.events, [event(1_001)]);
    assert_eq!(again.last_event, 1_001);
}

#[tokio::test]
async fn only_old_rows_with_an_outcome_are_pruned() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, mut inputs, _) = started(folder.path()).await;
    store.commit(
        1,
        vec![
            Write::PutLedger(row("done-old", 10, None)),
            Write::PutLedger(row("done-old", 10, Some(Outcome::Completed))),
            Write::PutLedger(row("open-old", 10, None)),
            Write::PutLedger(row("done-new", 30, Some(Outcome::Completed))),
            Write::PruneLedger {
                planned_before: WallTime::EPOCH.plus_s(20),
            },
        ],
    );
    committed(&mut inputs, 1).await;
    let (_, again) = open(folder.path()).await.expect("opens");
    let left: Vec<_> = again
        .ledger
        .iter()
        .map(|r| r.playout.id.occurrence.bulletin.to_string())
        .collect();
    assert_eq!(left, ["open-old", "done-new"]);
}

#[tokio::test]
async fn commits_that_wait_together_are_answered_in_the_order_given_and_one_bad_one_spoils_no_other()
 {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, mut inputs, _) = started(folder.path()).await;
    for ticket in 1..=100 {
        // Event 50 is given twice: the second cannot be written.
        let number = if ticket == 51 { 50 } else { ticket };
        let name = format!("seen-{ticket}");
        let writes = vec![
            Write::PutDocument {
                name,
                bytes: vec![],
            },
            Write::AppendEvent(event(number)),
        ];
        assert_eq!(store.commit(ticket, writes), None);
    }
    for ticket in 1..=100 {
        match inputs.recv().await.expect("an answer") {
            Input::Committed { ticket: told } => assert_eq!(told, ticket),
            Input::CommitFailed { ticket: told, .. } => assert_eq!((told, ticket), (51, 51)),
            other => panic!("{other:?}"),
        }
    }
    let (_, again) = open(folder.path()).await.expect("opens");
    assert_eq!(again.documents.len(), 99);
    assert!(
        again.documents.iter().all(|(name, _)| name != "seen-51"),
        "all or nothing"
    );
    assert_eq!(again.last_event, 100);
}

#[tokio::test]
async fn a_full_disk_is_told_and_does_not_spoil_what_fits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut connection, _) = open(folder.path()).await.expect("opens");
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(&mut connection)
        .await
        .expect("a number");
    let full = format!("PRAGMA max_page_count = {}", pages + 2);
    sqlx::query(sqlx::AssertSqlSafe(full))
        .execute(&mut connection)
        .await
        .expect("sets");
    let (store, mut inputs, _task) = start(connection);
    let document = |name: &str, size| {
        let name = name.to_owned();
        vec![Write::PutDocument {
            name,
            bytes: vec![1; size],
        }]
    };
    store.commit(1, document("config", 10));
    store.commit(2, document("programme", 100_000));
    store.commit(3, vec![Write::AppendEvent(event(1))]);
    committed(&mut inputs, 1).await;
    let failed = inputs.recv().await;
    assert!(
        matches!(&failed, Some(Input::CommitFailed { ticket: 2, detail }) if detail.contains("full")),
        "{failed:?}"
    );
    committed(&mut inputs, 3).await;
}

#[tokio::test]
async fn a_stalled_disk_is_told_and_not_waited_for() {
    let (requests, _inbox) = mpsc::channel(1);
    let store = Store { requests };
    assert_eq!(store.commit(1, vec![]), None);
    assert!(matches!(
        store.commit(2, vec![]),
        Some(Input::CommitFailed { ticket: 2, .. })
    ));
}

#[tokio::test]
async fn progress_is_told_block_by_block_once_it_is_durable() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, mut inputs, _) = started(folder.path()).await;
    let content = Sha::of(b"audio");
    let mut held = Bitmap::default();
    held.insert(0);
    held.insert(2);
    let progress = Request::Progress {
        content,
        length: 40_000,
        held: held.clone(),
        indexes: vec![0, 2],
    };
    store.requests.send(progress).await.expect("the store runs");
    for index in [0, 2] {
        assert_eq!(
            inputs.recv().await,
            Some(Input::BlockStored { content, index })
        );
    }
    let (_, again) = open(folder.path()).await.expect("opens");
    assert_eq!(
        again.progress,
        [Progress {
            content,
            length: 40_000,
            held
        }]
    );
}

#[tokio::test]
async fn a_broken_store_is_put_aside_and_a_new_one_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, mut inputs, first) = started(folder.path()).await;
    store.commit(1, (1..=300).map(|n| Write::AppendEvent(event(n))).collect());
    committed(&mut inputs, 1).await;
    drop(store);
    while inputs.recv().await.is_some() {}
    let path = folder.path().join("loa.db");
    // Damage inside, damage to the header, and no database at all.
    for round in 1..=3 {
        let mut bytes = std::fs::read(&path).expect("reads");
        match round {
            1 => {
                let end = bytes.len();
                bytes[4096..end].fill(0xA5);
            }
            2 => bytes[..100].fill(0xFF),
            _ => bytes = b"this is no database, it is a letter to the village".repeat(100),
        }
        std::fs::write(&path, bytes).expect("writes");
        for part in ["loa.db-wal", "loa.db-shm"] {
            let _ = std::fs::remove_file(folder.path().join(part));
        }
        let (connection, loaded) = open(folder.path())
            .await
            .expect("never for a broken database");
        assert_ne!(loaded.store, first.store, "a new life of the disk");
        assert_eq!((loaded.boot, loaded.last_event), (1, 0));
        let aside = folder.path().join(format!("loa.db.corrupt-{round}"));
        assert_eq!(loaded.put_aside, Some(aside.clone()));
        assert!(aside.exists());
        connection.close().await.expect("closes");
    }
}
