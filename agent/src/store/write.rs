//! How each durable change is written. Also the names of the rows in `meta`.

use loa_protocol::playout::PlayoutId;
use sqlx::{SqliteConnection, query};

use super::Request;
use crate::logic::port::Write;

pub(super) const STORE: &str = "store";
pub(super) const BOOT: &str = "boot";
pub(super) const LAST_EVENT: &str = "last_event";
pub(super) const KNOWN_TIME: &str = "known_time";

pub(super) async fn apply(
    connection: &mut SqliteConnection,
    request: &Request,
) -> Result<(), sqlx::Error> {
    match request {
        Request::Commit { writes, .. } => {
            for write in writes {
                apply_write(connection, write).await?;
            }
        }
        Request::Progress {
            content,
            length,
            held,
            ..
        } => {
            query("INSERT OR REPLACE INTO contents (id, length, held) VALUES (?, ?, ?)")
                .bind(content.to_string())
                .bind(i64::try_from(*length).unwrap_or(i64::MAX))
                .bind(held.as_bytes())
                .execute(connection)
                .await?;
        }
        Request::Forget { content } => {
            query("DELETE FROM contents WHERE id = ?")
                .bind(content.to_string())
                .execute(connection)
                .await?;
        }
    }
    Ok(())
}

async fn apply_write(connection: &mut SqliteConnection, write: &Write) -> Result<(), sqlx::Error> {
    match write {
        Write::PutDocument { name, bytes } => {
            query("INSERT OR REPLACE INTO documents (name, bytes) VALUES (?, ?)")
                .bind(name.as_str())
                .bind(bytes.as_slice())
                .execute(connection)
                .await?;
        }
        Write::RemoveDocument { name } => {
            query("DELETE FROM documents WHERE name = ?")
                .bind(name.as_str())
                .execute(connection)
                .await?;
        }
        Write::PutLedger(row) => {
            query("INSERT OR REPLACE INTO ledger (id, planned_us, open, row) VALUES (?, ?, ?, ?)")
                .bind(ledger_key(&row.playout.id))
                .bind(row.playout.planned.as_micros())
                .bind(i64::from(row.playout.outcome.is_none()))
                .bind(to_cbor(row)?)
                .execute(connection)
                .await?;
        }
        Write::PruneLedger { planned_before } => {
            query("DELETE FROM ledger WHERE open = 0 AND planned_us < ?")
                .bind(planned_before.as_micros())
                .execute(connection)
                .await?;
        }
        Write::AppendEvent(event) => {
            // Not OR REPLACE: a number given twice is a fault that must not hide an event.
            query("INSERT INTO events (number, bytes) VALUES (?, ?)")
                .bind(number(event.number))
                .bind(to_cbor(event)?)
                .execute(&mut *connection)
                .await?;
            raise_last_event(connection, event.number).await?;
        }
        Write::ForgetEvents { through } => {
            query("DELETE FROM events WHERE number <= ?")
                .bind(number(*through))
                .execute(&mut *connection)
                .await?;
            // The office may have more than this disk knows of: such a number must not be given a second time.
            raise_last_event(connection, *through).await?;
        }
        Write::KnownTime(time) => {
            set_meta(connection, KNOWN_TIME, &time.as_micros().to_string()).await?;
        }
    }
    Ok(())
}

/// The number of the last event never goes back, neither by what is written nor by what is acknowledged.
async fn raise_last_event(connection: &mut SqliteConnection, to: u64) -> Result<(), sqlx::Error> {
    query(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value \
         WHERE CAST(excluded.value AS INTEGER) > CAST(meta.value AS INTEGER)",
    )
    .bind(LAST_EVENT)
    .bind(number(to).to_string())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn set_meta(
    connection: &mut SqliteConnection,
    key: &str,
    value: &str,
) -> Result<(), sqlx::Error> {
    query("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)")
        .bind(key)
        .bind(value)
        .execute(connection)
        .await?;
    Ok(())
}

/// `BULLETIN/2026-11-24/0/0#1`: the occurrence, and which attempt at it.
fn ledger_key(id: &PlayoutId) -> String {
    format!("{}#{}", id.occurrence, id.attempt)
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn to_cbor<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, sqlx::Error> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes)
        .map_err(|e| sqlx::Error::Encode(e.to_string().into()))?;
    Ok(bytes)
}
