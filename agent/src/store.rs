//! What must survive a power cut: documents, ledger, events and the progress of content, in SQLite.
//!
//! One connection on one task; WAL with synchronous=FULL, so what was told as committed is on disk. Commits are done
//! in the order given. When several wait they share one transaction (one fsync), and each is answered.

mod open;
mod write;

use loa_protocol::content::{Bitmap, ContentId};
use sqlx::{Connection, SqliteConnection, query};
use thiserror::Error;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::logic::port::{Input, Write};

pub use open::{Loaded, Progress, open};

/// Requests that may wait. A commit beyond this is answered with `CommitFailed` at once: the disk has stalled.
const QUEUE: usize = 1024;
/// Most requests in one transaction.
const GROUP: usize = 128;

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("the store {path} cannot be opened: {source}; check the disk and the folder's owner")]
    Open { path: String, source: sqlx::Error },
    #[error(
        "the store {path} was written by a newer version of this program; install that version again ({source})"
    )]
    Newer {
        path: String,
        source: sqlx::migrate::MigrateError,
    },
    #[error("the store's folder {path}: {source}")]
    Folder {
        path: String,
        source: std::io::Error,
    },
    #[error("no unique name for a new store: {0}")]
    Chance(#[from] getrandom::Error),
    #[error("the store cannot be read: {0}")]
    Sql(#[from] sqlx::Error),
}

impl StoreError {
    /// The file itself is broken, not its surroundings: another try will not help, a new file will.
    fn is_corrupt(&self) -> bool {
        let (Self::Open { source, .. } | Self::Sql(source)) = self else {
            return false;
        };
        // SQLITE_CORRUPT and SQLITE_NOTADB, without their extended parts. `open` reports a failed check as corrupt.
        source
            .as_database_error()
            .and_then(|e| e.code()?.parse::<i32>().ok())
            .is_some_and(|code| matches!(code & 0xff, 11 | 26))
            || matches!(source, sqlx::Error::Protocol(_))
    }
}

/// One thing to make durable, and what to say when it is.
#[derive(Debug)]
pub enum Request {
    Commit {
        ticket: u64,
        writes: Vec<Write>,
    },
    /// These blocks of a content are on disk; `held` is all that is there of it.
    Progress {
        content: ContentId,
        length: u64,
        held: Bitmap,
        indexes: Vec<u32>,
    },
    /// A content is gone from the disk.
    Forget {
        content: ContentId,
    },
}

/// The sending end of the store's task.
#[derive(Clone, Debug)]
pub struct Store {
    requests: mpsc::Sender<Request>,
}

impl Store {
    /// Never waits. What does not fit is answered here, as failed.
    pub fn commit(&self, ticket: u64, writes: Vec<Write>) -> Option<Input> {
        self.requests
            .try_send(Request::Commit { ticket, writes })
            .err()
            .map(|_| Input::CommitFailed {
                ticket,
                detail: "the disk has stalled: too many writes wait".into(),
            })
    }

    /// For threads: waits for room. `false` when the store is closed.
    pub fn send_blocking(&self, request: Request) -> bool {
        self.requests.blocking_send(request).is_ok()
    }
}

/// Starts the task. It ends, and closes the database, when every [`Store`] is dropped and all requests are done.
/// The receiver must be read: the task waits for room in it.
pub fn start(connection: SqliteConnection) -> (Store, mpsc::Receiver<Input>, JoinHandle<()>) {
    let (requests, inbox) = mpsc::channel(QUEUE);
    let (answers, inputs) = mpsc::channel(GROUP);
    let task = tokio::spawn(work(connection, inbox, answers));
    (Store { requests }, inputs, task)
}

async fn work(
    mut connection: SqliteConnection,
    mut inbox: mpsc::Receiver<Request>,
    answers: mpsc::Sender<Input>,
) {
    let mut group = Vec::with_capacity(GROUP);
    while inbox.recv_many(&mut group, GROUP).await > 0 {
        if commit_group(&mut connection, &group).await.is_ok() {
            for request in group.drain(..) {
                answer(&answers, request, Ok(())).await;
            }
            continue;
        }
        // One of them cannot be written, or nothing can: find out which, in order.
        for request in group.drain(..) {
            let done = commit_group(&mut connection, std::slice::from_ref(&request)).await;
            answer(&answers, request, done.map_err(|e| e.to_string())).await;
        }
    }
    // Nothing waits any more. A close folds the log into the database; should it fail, the log has everything.
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the store did not close cleanly; nothing is lost");
    }
}

/// All of `group` or nothing, durable when this returns.
async fn commit_group(
    connection: &mut SqliteConnection,
    group: &[Request],
) -> Result<(), sqlx::Error> {
    // In plain SQL: SQLite ends a transaction by itself when the disk is full, which sqlx's own guard takes for open.
    query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let done = write_all(connection, group).await;
    if done.is_err() {
        // Fails when SQLite did it already.
        let _ = query("ROLLBACK").execute(connection).await;
    }
    done
}

async fn write_all(
    connection: &mut SqliteConnection,
    group: &[Request],
) -> Result<(), sqlx::Error> {
    for request in group {
        write::apply(connection, request).await?;
    }
    query("COMMIT").execute(connection).await?;
    Ok(())
}

async fn answer(answers: &mpsc::Sender<Input>, request: Request, done: Result<(), String>) {
    let inputs: Vec<Input> = match (request, done) {
        (Request::Commit { ticket, .. }, Ok(())) => vec![Input::Committed { ticket }],
        (Request::Commit { ticket, .. }, Err(detail)) => {
            vec![Input::CommitFailed { ticket, detail }]
        }
        (
            Request::Progress {
                content, indexes, ..
            },
            Ok(()),
        ) => indexes
            .into_iter()
            .map(|index| Input::BlockStored { content, index })
            .collect(),
        (
            Request::Progress {
                content, indexes, ..
            },
            Err(detail),
        ) => indexes
            .into_iter()
            .map(|index| Input::BlockFailed {
                content,
                index,
                detail: detail.clone(),
            })
            .collect(),
        (Request::Forget { .. }, Ok(())) => vec![],
        (Request::Forget { content }, Err(error)) => {
            // Found again, and cleared away, when the program next starts.
            tracing::warn!(%content, error, "content is gone, but the store still names it");
            vec![]
        }
    };
    for input in inputs {
        // Nobody listens only when the program ends.
        let _ = answers.send(input).await;
    }
}

#[cfg(test)]
mod tests;
