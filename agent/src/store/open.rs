//! Opening the store, and what was in it. A broken database is put aside and a new one begun: a speaker that reports
//! a lost ledger is better than one that never starts again.

use std::path::{Path, PathBuf};

use loa_protocol::{
    content::{Bitmap, ContentId},
    event::Event,
    id::StoreId,
    time::WallTime,
};
use serde::de::DeserializeOwned;
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection, query,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    StoreError,
    write::{BOOT, KNOWN_TIME, LAST_EVENT, STORE, set_meta},
};
use crate::{chance, logic::port::LedgerRow};

/// What was on disk when the program started; everything of `Stored` but the content files themselves.
#[derive(Debug)]
pub struct Loaded {
    pub store: StoreId,
    pub boot: u64,
    pub documents: Vec<(String, Vec<u8>)>,
    pub ledger: Vec<LedgerRow>,
    pub events: Vec<Event>,
    pub last_event: u64,
    pub known_time: Option<WallTime>,
    pub progress: Vec<Progress>,
    /// Where a broken database went, when there was one.
    pub put_aside: Option<PathBuf>,
}

/// Which blocks of a content of `length` bytes were durably on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub content: ContentId,
    pub length: u64,
    pub held: Bitmap,
}

/// Opens or creates `loa.db` in `folder`, and counts this run in it, durably.
///
/// # Errors
/// When the disk does not allow it, or the store is from a newer version. Never for a broken database.
pub async fn open(folder: &Path) -> Result<(SqliteConnection, Loaded), StoreError> {
    std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
        path: folder.display().to_string(),
        source,
    })?;
    let path = folder.join("loa.db");
    match open_and_load(&path).await {
        Err(error) if error.is_corrupt() => {
            let aside = put_aside(&path).map_err(|source| StoreError::Folder {
                path: path.display().to_string(),
                source,
            })?;
            tracing::error!(
                %error, aside = %aside.display(),
                "THE STORE IS BROKEN: put aside, a new one begins; what was not reported is lost"
            );
            let (connection, mut loaded) = open_and_load(&path).await?;
            loaded.put_aside = Some(aside);
            Ok((connection, loaded))
        }
        result => result,
    }
}

async fn open_and_load(path: &Path) -> Result<(SqliteConnection, Loaded), StoreError> {
    let mut connection = connect(path).await?;
    let loaded = load(&mut connection).await?;
    Ok((connection, loaded))
}

async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    let failed = |source| StoreError::Open {
        path: path.display().to_string(),
        source,
    };
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // A small board: half a megabyte of cache, a log of one megabyte.
        .pragma("cache_size", "-512")
        .pragma("wal_autocheckpoint", "256")
        .pragma("journal_size_limit", "1048576")
        .statement_cache_capacity(32)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(failed)?;
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if verdict != "ok" {
        // `Protocol` stands for "the check found damage"; see `is_corrupt`.
        return Err(failed(sqlx::Error::Protocol(verdict)));
    }
    sqlx::migrate!("./migrations")
        .run(&mut connection)
        .await
        .map_err(|source| match source {
            sqlx::migrate::MigrateError::Execute(source) => failed(source),
            source => StoreError::Newer {
                path: path.display().to_string(),
                source,
            },
        })?;
    Ok(connection)
}

async fn load(connection: &mut SqliteConnection) -> Result<Loaded, StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let store = match meta(&mut transaction, STORE)
        .await?
        .and_then(|id| id.parse().ok())
    {
        Some(store) => store,
        None => {
            let name = chance::name()?;
            set_meta(&mut transaction, STORE, &name).await?;
            StoreId::new(name).expect("hex digits make a name")
        }
    };
    let boot = meta_number(&mut transaction, BOOT)
        .await?
        .unwrap_or(0)
        .saturating_add(1);
    set_meta(&mut transaction, BOOT, &boot.to_string()).await?;
    let documents = query("SELECT name, bytes FROM documents ORDER BY name")
        .fetch_all(&mut *transaction)
        .await?
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, sqlx::Error>>()?;
    let ledger = blobs(
        &mut transaction,
        "SELECT id, row FROM ledger ORDER BY planned_us, id",
    )
    .await?;
    let events = blobs::<Event>(
        &mut transaction,
        "SELECT CAST(number AS TEXT), bytes FROM events ORDER BY number",
    )
    .await?;
    let written = meta_number(&mut transaction, LAST_EVENT)
        .await?
        .unwrap_or(0);
    let last_event = events
        .last()
        .map_or(written, |event| event.number.max(written));
    let known_time = meta(&mut transaction, KNOWN_TIME)
        .await?
        .and_then(|us| us.parse().ok())
        .map(WallTime::from_micros);
    let progress = query("SELECT id, length, held FROM contents")
        .fetch_all(&mut *transaction)
        .await?
        .iter()
        .filter_map(|row| {
            let id: String = row.try_get(0).ok()?;
            Some(Progress {
                content: id.parse().ok()?,
                length: u64::try_from(row.try_get::<i64, _>(1).ok()?).ok()?,
                held: Bitmap::from_bytes(row.try_get(2).ok()?),
            })
        })
        .collect();
    transaction.commit().await?;
    Ok(Loaded {
        store,
        boot,
        documents,
        ledger,
        events,
        last_event,
        known_time,
        progress,
        put_aside: None,
    })
}

/// Rows of (name, CBOR). A row that cannot be read is left where it is and told in the log.
async fn blobs<T: DeserializeOwned>(
    connection: &mut SqliteConnection,
    sql: &'static str,
) -> Result<Vec<T>, sqlx::Error> {
    let rows = query(sql).fetch_all(connection).await?;
    let mut values = Vec::with_capacity(rows.len());
    for row in &rows {
        let bytes: &[u8] = row.try_get(1)?;
        match ciborium::from_reader(bytes) {
            Ok(value) => values.push(value),
            Err(error) => {
                let name: String = row.try_get(0)?;
                tracing::error!(name, %error, "a row of the store cannot be read and is left out");
            }
        }
    }
    Ok(values)
}

async fn meta(connection: &mut SqliteConnection, key: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT value FROM meta WHERE key = ?")
        .bind(key)
        .fetch_optional(connection)
        .await
}

async fn meta_number(
    connection: &mut SqliteConnection,
    key: &str,
) -> Result<Option<u64>, sqlx::Error> {
    Ok(meta(connection, key)
        .await?
        .and_then(|text| text.parse().ok()))
}

/// `loa.db` becomes `loa.db.corrupt-N`, its log and index beside it likewise. N is the first number that is free.
fn put_aside(path: &Path) -> std::io::Result<PathBuf> {
    let with = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let number = (1..)
        .find(|n: &u32| !with(&format!(".corrupt-{n}")).exists())
        .unwrap_or(u32::MAX);
    let aside = with(&format!(".corrupt-{number}"));
    std::fs::rename(path, &aside)?;
    for part in ["-wal", "-shm"] {
        match std::fs::rename(with(part), with(&format!(".corrupt-{number}{part}"))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}
