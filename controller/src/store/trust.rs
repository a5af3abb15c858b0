//! Whom the poles are told to believe: the roots and the approvers' documents, each verified by the pole's own code before
//! it is stored; and which of the keys on this machine signs.
//!
//! `loa-controller keys` writes from another process: [`Store::refresh_trust`] looks whether it did.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use ed25519_dalek::{SigningKey, VerifyingKey};
use loa_protocol::{
    channel::Channel,
    envelope::{KeyId, open_unsigned, seal},
    id::AreaId,
    root::{Approvers, Root},
    time::WallTime,
    trust::{Anchor, RootTaken, Trust},
};
use sqlx::{SqliteConnection, SqlitePool};

use super::{
    Office, Result, Store, StoreError,
    convert::{number, parse, stored, wall},
};
use crate::{
    binary, keyfile,
    logic::trust::{Look, NotTaken, Warning, first_root, fit, signing_key, warnings},
};

pub(crate) const OFFICE_KEY: &str = "office.key";
pub(crate) const ROOT_KEY: &str = "root.key";
/// A root key that was made to follow the present one, until the root that names it is stored.
pub(crate) const NEXT_ROOT_KEY: &str = "root-next.key";

/// What the office stands for, all of one moment.
#[derive(Clone, Debug)]
pub struct Standing {
    pub office: Office,
    /// In order, as they were signed.
    pub roots: Vec<(u32, Vec<u8>)>,
    /// Those that are believed.
    pub approvers: Vec<(AreaId, Vec<u8>)>,
    /// What a pole believes that has all of these.
    pub trust: Trust,
    mark: Mark,
}

/// Changes when a document does.
type Mark = (i64, i64);

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed<D> {
    pub document: D,
    /// It was not there before.
    pub is_new: bool,
    /// The office signs with another key from now on; all it said is to be signed again.
    pub other_key: bool,
    /// Channels from whose programmes an alarm was taken until approvers have signed it.
    pub changed: Vec<Channel>,
}

impl Standing {
    /// The newest.
    pub fn root(&self) -> Result<&Root> {
        let missing = || StoreError::Damaged("there is no root".into());
        self.trust.root().ok_or_else(missing)
    }
}

impl Store {
    pub fn standing(&self) -> Arc<Standing> {
        let standing = self.inner.standing.read();
        standing.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every root, in order, as it was signed.
    pub fn roots(&self) -> Vec<(u32, Vec<u8>)> {
        self.standing().roots.clone()
    }

    /// What a new pole is given to begin with: the first root key of the newest root.
    pub fn root_key(&self) -> Result<VerifyingKey> {
        let standing = self.standing();
        let key = standing.root()?.roots.first().map(|key| *key.key());
        key.ok_or_else(|| StoreError::Damaged("the root has no key".into()))
    }

    /// Has another process changed whom the poles believe? Then this one follows.
    pub async fn refresh_trust(&self) -> Result<bool> {
        let mut db = self.readers().acquire().await?;
        let known = self.standing();
        if mark(&mut db).await? == known.mark {
            return Ok(false);
        }
        let standing = load(
            &mut db,
            &self.inner.data_dir,
            known.office.epoch,
            self.now(),
        )
        .await?;
        let mut present = self
            .inner
            .standing
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *present = Arc::new(standing);
        Ok(true)
    }

    /// Takes the next root, when every pole would and the office can live with it. Alarms that it lets nobody hear any more
    /// wait for approvers from then on.
    pub async fn install_root(&self, bytes: &[u8]) -> Result<Installed<Root>> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let standing = self.trust_in(&mut tx).await?;
        let root: Root = open_unsigned(bytes).map_err(NotTaken::from)?;
        let mut trust = standing.trust.clone();
        match trust.take_root(bytes).map_err(NotTaken::from)? {
            RootTaken::Known => {
                return Ok(Installed {
                    document: root,
                    is_new: false,
                    other_key: false,
                    changed: Vec::new(),
                });
            }
            RootTaken::Ahead => {
                let next = standing.trust.root_version() + 1;
                let given = root.version;
                return Err(NotTaken::NotNext { next, given }.into());
            }
            RootTaken::New { .. } => {}
        }
        let held = held_keys(&self.inner.data_dir)?;
        fit(&root, &held, now)?;
        sqlx::query("INSERT INTO roots (version, bytes, made) VALUES ($1, $2, $3)")
            .bind(i64::from(root.version))
            .bind(binary::text(bytes))
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await?;
        let signs = signing_key(&root, &held, now).map(SigningKey::verifying_key);
        let other_key = signs != Some(standing.office.key.verifying_key());
        if other_key {
            // A pole that still believes the former key takes only what is newer than what that one signed.
            for sql in [
                "UPDATE channels SET generation = generation + 1",
                "UPDATE speakers SET generation = generation + 1 WHERE removed IS NULL",
            ] {
                sqlx::query(sql).execute(&mut *tx).await?;
            }
        }
        let changed = self.ask_again(&mut tx, &root, &trust, now).await?;
        tx.commit().await?;
        self.refresh_trust().await?;
        Ok(Installed {
            document: root,
            is_new: true,
            other_key,
            changed,
        })
    }

    /// Takes further approvers of an area, when every pole would.
    pub async fn install_approvers(&self, bytes: &[u8]) -> Result<Installed<Approvers>> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut trust = self.trust_in(&mut tx).await?.trust.clone();
        let document: Approvers = open_unsigned(bytes).map_err(NotTaken::from)?;
        let is_new = trust
            .take_approvers(&document.area, bytes, Some(now))
            .map_err(NotTaken::from)?;
        if is_new {
            sqlx::query(
                "INSERT INTO approvers (area, version, bytes, made) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (area) DO UPDATE SET version = excluded.version, bytes = excluded.bytes, \
                 made = excluded.made",
            )
            .bind(document.area.as_str())
            .bind(stored(document.version))
            .bind(binary::text(bytes))
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        self.refresh_trust().await?;
        Ok(Installed {
            document,
            is_new,
            other_key: false,
            changed: Vec::new(),
        })
    }

    /// As this transaction sees it.
    pub(super) async fn trust_in(&self, db: &mut SqliteConnection) -> Result<Arc<Standing>> {
        let known = self.standing();
        if mark(db).await? == known.mark {
            return Ok(known);
        }
        let epoch = known.office.epoch;
        let standing = load(db, &self.inner.data_dir, epoch, self.now()).await?;
        Ok(Arc::new(standing))
    }

    /// What whoever runs the office should do something about.
    pub async fn trust_warnings(&self) -> Result<Vec<Warning>> {
        let standing = self.standing();
        let here = self.root_key_here().await?;
        Ok(warnings(Look {
            root: standing.root()?,
            signing: &standing.office.key.verifying_key(),
            root_key_since: here.map(|(_, _, since)| since),
            has_passkeys: !self.unnamed_passkeys().await?.is_empty(),
            now: self.now(),
        }))
    }

    /// The key that signs roots, where it is still on this machine, and since when it has been.
    pub async fn root_key_here(&self) -> Result<Option<(PathBuf, SigningKey, WallTime)>> {
        let standing = self.standing();
        let root = standing.root()?;
        for name in [ROOT_KEY, NEXT_ROOT_KEY] {
            let path = self.inner.data_dir.join(name);
            let key = keyfile::read(&path).map_err(|source| file(&path, source))?;
            let Some(key) = key else { continue };
            let id = KeyId::of(&key.verifying_key());
            if root.roots.iter().any(|named| named.id() == id) {
                return Ok(Some((path, key, self.named_since(&standing, &id).await?)));
            }
        }
        Ok(None)
    }

    /// When the first root came that names this root key.
    async fn named_since(&self, standing: &Standing, id: &KeyId) -> Result<WallTime> {
        for (version, bytes) in &standing.roots {
            let root: Root = open_unsigned(bytes).map_err(damaged)?;
            if root.roots.iter().any(|named| named.id() == *id) {
                let made: i64 = sqlx::query_scalar("SELECT made FROM roots WHERE version = $1")
                    .bind(i64::from(*version))
                    .fetch_one(self.readers())
                    .await?;
                return Ok(wall(made));
            }
        }
        Ok(self.now())
    }
}

fn file(path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        path: path.to_path_buf(),
        source,
    }
}

fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("a document of trust: {error}"))
}

/// The office's keys on this machine: `office.key`, and `office-2.key` and so on of later years.
pub(crate) fn key_files(data_dir: &Path) -> Result<Vec<(PathBuf, SigningKey)>> {
    let mut paths = vec![data_dir.join(OFFICE_KEY)];
    let further = fs::read_dir(data_dir).map_err(|source| file(data_dir, source))?;
    for entry in further {
        let entry = entry.map_err(|source| file(data_dir, source))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("office-") && name.ends_with(".key") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    let mut held = Vec::new();
    for path in paths {
        if let Some(key) = keyfile::read(&path).map_err(|source| file(&path, source))? {
            held.push((path, key));
        }
    }
    Ok(held)
}

fn held_keys(data_dir: &Path) -> Result<Vec<SigningKey>> {
    let files = key_files(data_dir)?;
    Ok(files.into_iter().map(|(_, key)| key).collect())
}

/// At the first start: the office's key, the root key, and the first root.
pub(super) async fn open(
    writer: &SqlitePool,
    data_dir: &Path,
    epoch: u64,
    now: WallTime,
) -> Result<Standing> {
    let mut db = writer.acquire().await?;
    let (newest, _) = mark(&mut db).await?;
    let make = |name: &str| {
        let path = data_dir.join(name);
        keyfile::read_or_make(&path).map_err(|source| file(&path, source))
    };
    if held_keys(data_dir)?.is_empty() {
        make(OFFICE_KEY)?;
    }
    if newest == 0 {
        let office = make(OFFICE_KEY)?;
        let root = make(ROOT_KEY)?;
        let first = first_root(root.verifying_key(), office.verifying_key(), now);
        sqlx::query(
            "INSERT INTO roots (version, bytes, made) VALUES (1, $1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(binary::text(&seal(&first, &root)))
        .bind(now.as_micros())
        .execute(&mut *db)
        .await?;
    }
    load(&mut db, data_dir, epoch, now).await
}

async fn mark(db: &mut SqliteConnection) -> Result<Mark> {
    let mark = sqlx::query_as(
        "SELECT (SELECT COALESCE(MAX(version), 0) FROM roots), (SELECT COALESCE(SUM(made), 0) FROM approvers)",
    )
    .fetch_one(db)
    .await?;
    Ok(mark)
}

/// As a pole would that was given all of it in order.
async fn load(
    db: &mut SqliteConnection,
    data_dir: &Path,
    epoch: u64,
    now: WallTime,
) -> Result<Standing> {
    let mark = mark(db).await?;
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT version, bytes FROM roots ORDER BY version")
            .fetch_all(&mut *db)
            .await?;
    let mut roots = Vec::with_capacity(rows.len());
    for (version, text) in rows {
        roots.push((number("root", version)?, read(&text)?));
    }
    let anchor = roots.first().map(|(_, bytes)| first_key(bytes));
    let anchor = anchor.ok_or_else(|| damaged("there is no root"))??;
    let mut trust = Trust::new(Anchor::RootKey(anchor));
    for (_, bytes) in &roots {
        trust.take_root(bytes).map_err(damaged)?;
    }
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT area, bytes FROM approvers ORDER BY area")
            .fetch_all(&mut *db)
            .await?;
    let mut approvers = Vec::new();
    for (area, text) in rows {
        let (area, bytes): (AreaId, _) = (parse("area", &area)?, read(&text)?);
        // The key that signed it may be gone from the root.
        if trust.take_approvers(&area, &bytes, None).is_ok() {
            approvers.push((area, bytes));
        }
    }
    let root = trust.root().ok_or_else(|| damaged("there is no root"))?;
    let held = held_keys(data_dir)?;
    // One that no root names: the office says so, and goes on as it can.
    let key = signing_key(root, &held, now).or(held.last());
    let key = key.ok_or_else(|| damaged("the office has no key"))?.clone();
    Ok(Standing {
        office: Office { epoch, key },
        roots,
        approvers,
        trust,
        mark,
    })
}

fn read(text: &str) -> Result<Vec<u8>> {
    binary::bytes(text).ok_or_else(|| damaged("no base64url"))
}

fn first_key(bytes: &[u8]) -> Result<VerifyingKey> {
    let root: Root = open_unsigned(bytes).map_err(damaged)?;
    let key = root.roots.first().map(|key| *key.key());
    key.ok_or_else(|| damaged("a root without a key"))
}
