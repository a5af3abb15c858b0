//! How long it takes to walk along a log of years: `loa-controller audit verify`, as an officer would call it.

use std::sync::Arc;

use loa_controller::{
    clock::{Clock, SystemClock},
    logic::audit::{BEGINNING, Entry, hash},
    store::Store,
};
use loa_protocol::time::WallTime;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::process::{
    Broker, LineKind,
    clock::{mono_us, now_us},
    office::Office,
};

/// Between two entries, in microseconds.
const EVERY_US: i64 = 60_000_000;

/// Seconds that the command took for a log of so many entries, the start of the process included.
///
/// # Panics
/// When the log is not whole by its word.
#[track_caller]
pub fn verify_s(entries: u64) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let office = Office::install(folder.path(), Broker::Embedded, LineKind::Tls, 0);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(fill(&office, entries));
    let began_us = mono_us();
    let told = office.command(&["audit", "verify"]);
    let took_s = (mono_us() - began_us) as f64 / 1e6;
    assert!(
        told.contains(&format!("{entries} entries, whole")),
        "{told}"
    );
    took_s
}

/// Entries such as a busy office writes, put down in one transaction: written one by one they would take hours.
async fn fill(office: &Office, entries: u64) {
    std::fs::create_dir_all(office.data_dir()).expect("a folder for the office");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::open(&office.data_dir(), clock)
        .await
        .expect("a store");
    store.close().await;
    let options = SqliteConnectOptions::new().filename(office.data_dir().join("loa.db"));
    let mut db = SqliteConnection::connect_with(&options)
        .await
        .expect("the office's database opens");
    let mut tx = db.begin().await.expect("a transaction");
    let first_us = now_us() - EVERY_US * i64::try_from(entries).expect("not so many");
    let mut previous = BEGINNING;
    for number in 1..=entries {
        let place = i64::try_from(number).expect("not so many");
        let entry = Entry {
            number,
            at: WallTime::from_micros(first_us + EVERY_US * place),
            user: Some(format!("u{}", number % 40)),
            session: Some(format!("s{:016x}", number / 50)),
            address: Some("10.8.0.17".into()),
            action: "POST /bulletins".into(),
            subject: format!("b{number:016x} area.ban-chuong"),
            details: format!(
                r#"{{"title":"Bản tin {number}","audio":"a1","targets":["area.ban-chuong"],"when":{{"now":true}}}}"#
            ),
        };
        let own = hash(&previous, &entry);
        sqlx::query(
            "INSERT INTO audit (number, at, user_id, session, address, action, subject, details, previous, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(place)
        .bind(entry.at.as_micros())
        .bind(entry.user)
        .bind(entry.session)
        .bind(entry.address)
        .bind(entry.action)
        .bind(entry.subject)
        .bind(entry.details)
        .bind(previous.to_string())
        .bind(own.to_string())
        .execute(&mut *tx)
        .await
        .expect("an entry");
        previous = own;
    }
    tx.commit().await.expect("it is on disk");
}
