//! The audit log: who changed what, in a chain that shows when somebody changed it afterwards, and what the poles saw of it.

use futures_util::TryStreamExt;
use loa_protocol::{content::Sha, head::Checkpoint, id::SpeakerId, time::WallTime};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Result, Store, StoreError,
    convert::{number, parse, stored, wall},
    error::not_found,
};
use crate::{
    act::Known,
    logic::audit::{BEGINNING, Broken, Chain, Entry, Kept, hash},
};

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub user: Option<String>,
    /// One of those that it was done to.
    pub subject: Option<String>,
    pub from: Option<WallTime>,
    pub to: Option<WallTime>,
    /// Only entries before this one.
    pub before: Option<u64>,
    pub limit: u32,
}

/// What a walk along the log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Of the last entry that is in order.
    pub last: Checkpoint,
    /// The first entry that is not, and why.
    pub broken: Option<(u64, Broken)>,
    pub witnesses: Vec<Witness>,
}

impl Verified {
    pub fn is_ok(&self) -> bool {
        self.broken.is_none() && self.witnesses.iter().all(|witness| witness.agrees)
    }
}

/// A speaker that saw how far the log went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    pub speaker: SpeakerId,
    pub saw: Checkpoint,
    /// Does the log still have this entry at this place?
    pub agrees: bool,
}

#[derive(FromRow)]
struct Row {
    number: i64,
    at: i64,
    user_id: Option<String>,
    session: Option<String>,
    address: Option<String>,
    action: String,
    subject: String,
    details: String,
    previous: String,
    hash: String,
}

impl TryFrom<Row> for Kept {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Kept> {
        Ok(Kept {
            entry: Entry {
                number: number("entry", row.number)?,
                at: wall(row.at),
                user: row.user_id,
                session: row.session,
                address: row.address,
                action: row.action,
                subject: row.subject,
                details: row.details,
            },
            previous: parse("hash", &row.previous)?,
            hash: parse("hash", &row.hash)?,
        })
    }
}

/// The next entry, in the transaction of what it tells of.
pub(super) async fn write(db: &mut SqliteConnection, known: &Known, now: WallTime) -> Result<()> {
    let last = last(&mut *db).await?;
    let (number, previous) = match last {
        Some(last) => (last.entries + 1, last.hash),
        None => (1, BEGINNING),
    };
    let entry = Entry {
        number,
        at: now,
        user: known.user.clone(),
        session: known.session.clone(),
        address: known.address.clone(),
        action: known.action.clone(),
        subject: known.subjects.join(" "),
        details: known.details.clone(),
    };
    let hash = hash(&previous, &entry);
    sqlx::query(
        "INSERT INTO audit (number, at, user_id, session, address, action, subject, details, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(stored(entry.number))
    .bind(entry.at.as_micros())
    .bind(entry.user)
    .bind(entry.session)
    .bind(entry.address)
    .bind(entry.action)
    .bind(entry.subject)
    .bind(entry.details)
    .bind(previous.to_string())
    .bind(hash.to_string())
    .execute(db)
    .await?;
    Ok(())
}

async fn last(db: &mut SqliteConnection) -> Result<Option<Checkpoint>> {
    let row: Option<(i64, String)> =
        sqlx::query_as("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
            .fetch_optional(db)
            .await?;
    row.map(|(entries, hash)| {
        Ok(Checkpoint {
            entries: number("entry", entries)?,
            hash: parse("hash", &hash)?,
        })
    })
    .transpose()
}

/// What a speaker says that it saw. Of the longest, the first word stays: a later one about the same length proves nothing.
pub(super) async fn witness(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    saw: Checkpoint,
    at: WallTime,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit_witnesses (speaker, entries, hash, seen) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (speaker) DO UPDATE SET entries = excluded.entries, hash = excluded.hash, seen = excluded.seen \
         WHERE excluded.entries > audit_witnesses.entries",
    )
    .bind(speaker.as_str())
    .bind(stored(saw.entries))
    .bind(saw.hash.to_string())
    .bind(at.as_micros())
    .execute(db)
    .await?;
    Ok(())
}

impl Store {
    /// Writes down what changed nothing, such as a sign-in that failed.
    pub async fn note(&self, act: &crate::act::Act) -> Result<()> {
        let tx = self.begin().await?;
        act.doing(tx.commit()).await
    }

    /// How far the log goes; `None`: nobody has done anything yet.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        last(&mut *self.readers().acquire().await?).await
    }

    /// Latest first.
    pub async fn audit_entries(&self, filter: &AuditFilter) -> Result<Vec<Kept>> {
        // A subject stands among others, with spaces between them.
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT number, at, user_id, session, address, action, subject, details, previous, hash FROM audit \
             WHERE ($1 IS NULL OR user_id = $1) \
             AND ($2 IS NULL OR subject = $2 OR instr(' ' || subject || ' ', ' ' || $2 || ' ') > 0) \
             AND ($3 IS NULL OR at >= $3) AND ($4 IS NULL OR at < $4) AND ($5 IS NULL OR number < $5) \
             ORDER BY number DESC LIMIT $6",
        )
        .bind(&filter.user)
        .bind(&filter.subject)
        .bind(filter.from.map(WallTime::as_micros))
        .bind(filter.to.map(WallTime::as_micros))
        .bind(filter.before.map(stored))
        .bind(i64::from(filter.limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Kept::try_from).collect()
    }

    /// From this entry on, in order.
    pub async fn audit_page(&self, from: u64, limit: u32) -> Result<Vec<Kept>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT number, at, user_id, session, address, action, subject, details, previous, hash FROM audit \
             WHERE number >= $1 ORDER BY number LIMIT $2",
        )
        .bind(stored(from))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Kept::try_from).collect()
    }

    /// Walks along the log and holds what every speaker saw against it. `from`: begins at this entry, and believes those before.
    pub async fn verify_audit(&self, from: u64) -> Result<Verified> {
        let from = from.max(1);
        // One transaction: the log is the same from the first look to the last.
        let mut db = self.readers().begin().await?;
        let before = match from {
            1 => BEGINNING,
            from => hash_of(&mut db, from - 1)
                .await?
                .ok_or_else(|| not_found("entry", from))?,
        };
        let mut chain = Chain::after(from - 1, before);
        let mut broken = None;
        let mut rows = sqlx::query_as::<_, Row>(
            "SELECT number, at, user_id, session, address, action, subject, details, previous, hash FROM audit \
             WHERE number >= $1 ORDER BY number",
        )
        .bind(stored(from))
        .fetch(&mut *db);
        while let Some(row) = rows.try_next().await? {
            let number = number("entry", row.number)?;
            // What cannot even be read was not written by this program.
            let followed = Kept::try_from(row)
                .map_err(|_| Broken::Hash)
                .and_then(|kept| chain.follow(&kept));
            if let Err(why) = followed {
                broken = Some((number, why));
                break;
            }
        }
        drop(rows);
        let last = chain.last();
        let rows: Vec<(String, i64, String)> =
            sqlx::query_as("SELECT speaker, entries, hash FROM audit_witnesses ORDER BY speaker")
                .fetch_all(&mut *db)
                .await?;
        let mut witnesses = Vec::with_capacity(rows.len());
        for (speaker, entries, hash) in rows {
            let saw = Checkpoint {
                entries: number("entry", entries)?,
                hash: parse("hash", &hash)?,
            };
            let ours = match saw.entries {
                0 => Some(BEGINNING),
                entries if entries > last.entries => None,
                entries => hash_of(&mut db, entries).await?,
            };
            witnesses.push(Witness {
                speaker: parse("speaker", &speaker)?,
                saw,
                agrees: ours == Some(saw.hash),
            });
        }
        Ok(Verified {
            last,
            broken,
            witnesses,
        })
    }
}

/// `None`: there is no such entry, or none that can be read.
async fn hash_of(db: &mut SqliteConnection, number: u64) -> Result<Option<Sha>> {
    let hash: Option<String> = sqlx::query_scalar("SELECT hash FROM audit WHERE number = $1")
        .bind(stored(number))
        .fetch_optional(db)
        .await?;
    Ok(hash.and_then(|hash| hash.parse().ok()))
}
