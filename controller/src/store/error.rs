//! What can go wrong in the store, sorted by who must act.

use std::{io, path::PathBuf};

use loa_protocol::channel::Channel;

use crate::logic::{approval::Refusal, endorsement::Unendorsed, trust::NotTaken};

/// The first group is for whoever asked, the second for whoever runs the office.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no {what} {id:?}")]
    NotFound { what: &'static str, id: String },
    #[error("the name {id:?} is taken by another {what}: choose another")]
    Taken { what: &'static str, id: String },
    #[error("the {what} {id:?} is still in use by {by}: move or delete that first")]
    InUse {
        what: &'static str,
        id: String,
        by: &'static str,
    },
    #[error("the area {area:?} cannot lie below itself")]
    Cycle { area: String },
    #[error("the tree of areas would be deeper than {most}")]
    TooDeep { most: usize },
    #[error("the speaker {speaker:?} would follow more than {most} channels")]
    TooManyChannels { speaker: String, most: usize },
    #[error("the programme of {channel} is full: cancel what is no longer needed")]
    ProgrammeFull { channel: Channel },
    #[error("there are {most} templates already: delete some")]
    TooManyTemplates { most: i64 },
    #[error("there are {most} {what} already: close or delete some")]
    TooMany { what: &'static str, most: i64 },
    #[error("there are {most} calendars of this person already: delete some")]
    TooManyCalendars { most: i64 },
    #[error("the last administrator of everything must stay")]
    LastAdministrator,
    #[error("the bulletin {id:?} is cancelled already")]
    Cancelled { id: String },
    #[error("somebody else changed the bulletin {id:?} in the meantime: read it again")]
    Changed { id: String },
    #[error("that cannot be decided: {0:?}")]
    Undecided(Refusal),
    #[error("that document of trust is not taken: {0}")]
    Trust(#[from] NotTaken),
    #[error("an approver's signature is not taken: {0}")]
    Unendorsed(#[from] Unendorsed),
    #[error("this create was already asked for under the same key")]
    Repeated,

    #[error("the disk is full: free some space in the data directory")]
    DiskFull,
    #[error("the database is busy: try again")]
    Busy,
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
    #[error("the database cannot be brought to this program's form: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the database holds something unreadable ({0}): restore it from a backup")]
    Damaged(String),
}

/// SQLITE_BUSY and SQLITE_FULL, primary result codes (sqlite.org/rescode.html).
const SQLITE_BUSY: i32 = 5;
const SQLITE_FULL: i32 = 13;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => StoreError::Busy,
            sqlx::Error::Database(of) => {
                let code = of.code().and_then(|code| code.parse::<i32>().ok());
                match code.map(|code| code & 0xff) {
                    Some(SQLITE_BUSY) => StoreError::Busy,
                    Some(SQLITE_FULL) => StoreError::DiskFull,
                    _ => StoreError::Database(error),
                }
            }
            _ => StoreError::Database(error),
        }
    }
}

pub(super) fn not_found(what: &'static str, id: impl ToString) -> StoreError {
    StoreError::NotFound {
        what,
        id: id.to_string(),
    }
}

/// A unique or primary key that exists already becomes [`StoreError::Taken`].
pub(super) fn taken(
    what: &'static str,
    id: impl ToString,
) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| match &error {
        sqlx::Error::Database(of) if of.is_unique_violation() => StoreError::Taken {
            what,
            id: id.to_string(),
        },
        _ => error.into(),
    }
}
