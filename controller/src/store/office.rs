//! What the office is to its speakers: an epoch, a signing key, and the number of its last head.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use ed25519_dalek::SigningKey;
use loa_protocol::time::WallTime;
use sqlx::SqlitePool;

use super::{Result, Store, StoreError, convert::number};
use crate::chance;

/// The office as its documents show it.
#[derive(Clone)]
pub struct Office {
    /// Unix seconds at which this database began. A database that was lost and begun again therefore counts in a greater
    /// epoch than the lost one, and its documents are newer than all of that one's.
    pub epoch: u64,
    pub key: SigningKey,
}

impl std::fmt::Debug for Office {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Office")
            .field("epoch", &self.epoch)
            .field("public_key", &self.public_key())
            .finish_non_exhaustive()
    }
}

impl Office {
    /// As it stands in a speaker's configuration: 64 hex digits.
    pub fn public_key(&self) -> String {
        hex::encode(self.key.verifying_key().as_bytes())
    }
}

impl Store {
    pub fn office(&self) -> Office {
        self.inner.office.clone()
    }

    /// A number greater than that of any head before.
    pub async fn next_head_generation(&self) -> Result<u64> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO office (name, value) VALUES ('head_generation', 1) \
             ON CONFLICT (name) DO UPDATE SET value = office.value + 1",
        )
        .execute(&mut *tx)
        .await?;
        let value: i64 =
            sqlx::query_scalar("SELECT value FROM office WHERE name = 'head_generation'")
                .fetch_one(&mut *tx)
                .await?;
        tx.commit().await?;
        number("head_generation", value)
    }
}

pub(super) async fn open(writer: &SqlitePool, data_dir: &Path, now: WallTime) -> Result<Office> {
    let epoch = (now.as_micros() / 1_000_000).max(1);
    sqlx::query("INSERT INTO office (name, value) VALUES ('epoch', $1) ON CONFLICT DO NOTHING")
        .bind(epoch)
        .execute(writer)
        .await?;
    let epoch: i64 = sqlx::query_scalar("SELECT value FROM office WHERE name = 'epoch'")
        .fetch_one(writer)
        .await?;
    let path = data_dir.join("office.key");
    let key = read_or_make_key(&path).map_err(|source| StoreError::File { path, source })?;
    Ok(Office {
        epoch: number("epoch", epoch)?,
        key,
    })
}

/// The seed as 64 hex digits, readable by its owner only.
fn read_or_make_key(path: &Path) -> io::Result<SigningKey> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let mut seed = [0; 32];
            hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    "this is no office key (64 hex digits): put the right one back, for every speaker trusts only that one",
                )
            })?;
            Ok(SigningKey::from_bytes(&seed))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let seed = chance::bytes::<32>();
            // Under another name first: a power cut must not leave half a key.
            let draft = path.with_extension("key.new");
            let _ = fs::remove_file(&draft);
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(hex::encode(seed).as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, path)?;
            if let Some(dir) = path.parent() {
                File::open(dir)?.sync_all()?;
            }
            Ok(SigningKey::from_bytes(&seed))
        }
        Err(error) => Err(error),
    }
}
