//! The office's memory: SQLite in one file, written by one connection, read by a few.
//!
//! Every change is one transaction, on disk (WAL, `synchronous=FULL`) before the call returns; what a change means for the
//! programmes (a channel's new generation) is in the same transaction. One file per thing that is kept.
//!
//! Bounds: one writer, so changes queue; who waits more than [`PATIENCE`] is told that the database is busy.

mod alarms;
mod alert_messages;
mod alert_rules;
mod alerts;
mod approval;
mod areas;
mod audio;
mod audit;
mod bulletin_row;
mod bulletins;
mod calendars;
mod calls;
mod certificates;
mod channels;
mod convert;
mod endorsements;
mod error;
mod events;
mod factors;
mod figures;
mod groups;
mod hearing;
mod holidays;
mod idempotency;
mod library;
mod mailed;
mod notes;
mod office;
mod orders;
mod outages;
mod overview;
mod passkeys;
mod playouts;
mod presence;
mod proposed;
mod reach;
mod recovery;
mod relays;
mod repairs;
mod reported;
mod runs;
mod sessions;
mod slug;
mod speakers;
mod telemetry;
mod templates;
mod tidy;
mod totp;
mod trust;
mod tx;
mod unreported;
mod users;
mod watched;

use std::{
    collections::HashMap,
    fs::{OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use loa_protocol::{
    content::{ContentId, Manifest},
    time::WallTime,
};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::clock::Clock;

use tx::Tx;

pub use alert_messages::{Outcome as SendOutcome, Outgoing};
pub use alert_rules::{KeptRule, MAX_RULES};
pub use alerts::{
    Acknowledged, AlertCounts, AlertFilter, AlertRow, AlertSpeaker, AlertState, Decided,
};
pub use approval::Word;
pub use areas::{Area, AreaChange, NewArea, Node};
pub use audio::{Audio, AudioId, AudioSource, NewAudio};
pub use audit::{AuditFilter, Verified, Witness};
pub use bulletins::{
    BulletinChange, BulletinFilter, BulletinState, Decision, Kept, NewBulletin, Plea, Target,
};
pub use calendars::Calendar;
pub use calls::{CallEnded, CallFilter, CallRow};
pub use certificates::{Certificate, ENROLMENT_LIFE_S, Reason};
pub use channels::ChannelState;
pub use endorsements::{Endorsing, Given};
pub use error::StoreError;
pub use factors::Factors;
pub use figures::Periods;
pub(crate) use figures::begin;
pub use groups::{Group, GroupChange, NewGroup};
pub use holidays::{Holiday, Replanned};
pub use idempotency::{Claim, Remembered};
pub use library::AudioFilter;
pub use notes::{Kind, Told};
pub use office::Office;
pub use orders::OrderRow;
pub use passkeys::{NewPasskey, PASSKEYS_PER_USER, Passkey};
pub use playouts::{PlayoutCursor, PlayoutFilter, PlayoutRow};
pub use proposed::Unnamed;
pub use reach::Reached;
pub use recovery::RecoveryCodes;
pub use repairs::{NewRepair, Repair, RepairChange, RepairFilter};
pub use reported::{Known, Repaired};
pub use sessions::{
    NewSession, PROOF_S, SESSION_LIFE_S, SESSION_MOST_S, SESSIONS_PER_USER, Session,
};
pub use slug::{fold, slug};
pub use speakers::{NewSpeaker, Speaker, SpeakerChange};
pub use templates::{NewTemplate, Template, TemplateBody, TemplateId};
pub use totp::TOTP_DRAFT_S;
pub use trust::{Installed, Standing};
pub(crate) use trust::{NEXT_ROOT_KEY, ROOT_KEY, key_files};
pub use unreported::{Swept, Unreported};
pub use users::{NewUser, SETUP_LINK_S, User, UserChange, UserId};
pub use watched::Watched;

/// How long a change waits for those before it.
pub const PATIENCE: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// Manifests kept in memory; when there are more, all are forgotten and read again as they are needed.
const MANIFESTS: usize = 1_000;

type Result<T> = std::result::Result<T, StoreError>;

/// The office's database and key. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: SqlitePool,
    readers: SqlitePool,
    data_dir: PathBuf,
    clock: Arc<dyn Clock>,
    standing: RwLock<Arc<Standing>>,
    manifests: Mutex<HashMap<ContentId, Arc<Manifest>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("data_dir", &self.inner.data_dir)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens `data_dir/loa.db`, making directory, database, keys and the first root where there are none.
    pub async fn open(data_dir: &Path, clock: Arc<dyn Clock>) -> Result<Store> {
        for dir in [
            data_dir.to_path_buf(),
            data_dir.join("content"),
            data_dir.join("audio"),
        ] {
            std::fs::create_dir_all(&dir)
                .map_err(|source| StoreError::File { path: dir, source })?;
        }
        let path = data_dir.join("loa.db");
        make_private(&path).map_err(|source| StoreError::File {
            path: path.clone(),
            source,
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!("./migrations").run(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        let epoch = office::epoch(&writer, clock.now()).await?;
        let standing = trust::open(&writer, data_dir, epoch, clock.now()).await?;
        let store = Store {
            inner: Arc::new(Inner {
                writer,
                readers,
                data_dir: data_dir.to_path_buf(),
                clock,
                standing: RwLock::new(Arc::new(standing)),
                manifests: Mutex::default(),
            }),
        };
        figures::count_what_was(&store).await?;
        Ok(store)
    }

    /// Ends all connections; further calls fail.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    /// Where database, key and audio are.
    pub fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    pub(crate) fn now(&self) -> WallTime {
        self.inner.clock.now()
    }

    fn readers(&self) -> &SqlitePool {
        &self.inner.readers
    }

    /// A transaction that may write, from its first statement on. What somebody does goes this way: see [`Tx`].
    async fn begin(&self) -> Result<Tx> {
        let tx = self.inner.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx::new(tx, self.now(), false))
    }

    /// The same for the office's own book-keeping on the way: no entry in the audit log tells of it.
    async fn begin_own(&self) -> Result<Tx> {
        let tx = self.inner.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx::new(tx, self.now(), true))
    }
}

/// Makes the database's file where there is none, for its owner alone: it holds people's secrets. SQLite's two files beside it
/// get the same mode.
fn make_private(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
