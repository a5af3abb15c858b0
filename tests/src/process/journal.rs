//! What is on disk: a pole's ledger and events, and the office's copy of the events, read with SQLite itself.

use std::path::{Path, PathBuf};

use loa_agent::logic::port::LedgerRow;
use loa_protocol::event::{Event, What};
use serde::de::DeserializeOwned;
use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};

/// A pole's store after its agent has ended.
#[derive(Debug)]
pub struct PoleJournal {
    /// SQLite's own word on the file: `ok`.
    pub integrity: String,
    pub store: String,
    /// How often the agent was started.
    pub boots: u64,
    pub ledger: Vec<LedgerRow>,
    /// Events that the office has not acknowledged.
    pub events: Vec<Event>,
    pub last_event: u64,
    /// Databases that an agent found broken and put aside.
    pub put_aside: Vec<PathBuf>,
}

/// One event as the office keeps it.
#[derive(Clone, Debug)]
pub struct OfficeEvent {
    pub store: String,
    pub number: u64,
    pub what: What,
}

/// # Panics
/// When there is no readable store.
#[track_caller]
pub fn of_pole(data_dir: &Path) -> PoleJournal {
    let entries = std::fs::read_dir(data_dir)
        .expect("the pole's folder")
        .flatten();
    let put_aside = entries
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().contains(".corrupt"))
        .collect();
    block_on(async {
        let mut db = open(&data_dir.join("loa.db")).await;
        let integrity = scalar(&mut db, "PRAGMA integrity_check").await;
        let number = |text: String| text.parse().expect("a number");
        PoleJournal {
            integrity,
            store: scalar(&mut db, "SELECT value FROM meta WHERE key = 'store'").await,
            boots: number(scalar(&mut db, "SELECT value FROM meta WHERE key = 'boot'").await),
            ledger: cbor(&mut db, "SELECT row FROM ledger ORDER BY planned_us, id").await,
            events: cbor(&mut db, "SELECT bytes FROM events ORDER BY number").await,
            last_event: number(
                scalar(
                    &mut db,
                    "SELECT COALESCE(MAX(value), '0') FROM meta WHERE key = 'last_event'",
                )
                .await,
            ),
            put_aside,
        }
    })
}

/// All events of one speaker, in order; also while the office runs.
///
/// # Panics
/// When there is no readable database.
#[track_caller]
pub fn at_office(data_dir: &Path, speaker: &str) -> Vec<OfficeEvent> {
    block_on(async {
        let mut db = open(&data_dir.join("loa.db")).await;
        let rows = sqlx::query(
            "SELECT store, number, what FROM events WHERE speaker = ? ORDER BY store, number",
        )
        .bind(speaker)
        .fetch_all(&mut db)
        .await
        .expect("the office's events");
        rows.iter()
            .map(|row| OfficeEvent {
                store: row.get(0),
                number: row.get::<i64, _>(1).cast_unsigned(),
                what: serde_json::from_str(row.get(2)).expect("an event"),
            })
            .collect()
    })
}

async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .pragma("query_only", "ON");
    SqliteConnection::connect_with(&options)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

async fn scalar(db: &mut SqliteConnection, sql: &'static str) -> String {
    sqlx::query_scalar(sql)
        .fetch_one(db)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn cbor<T: DeserializeOwned>(db: &mut SqliteConnection, sql: &'static str) -> Vec<T> {
    let rows = sqlx::query(sql)
        .fetch_all(db)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter()
        .map(|row| ciborium::from_reader(row.get::<&[u8], _>(0)).expect("a row that reads back"))
        .collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
