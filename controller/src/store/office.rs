//! What the office is to its speakers: an epoch, a signing key, and the number of its last head.

use ed25519_dalek::SigningKey;
use loa_protocol::time::WallTime;
use sqlx::SqlitePool;

use super::{Result, Store, convert::number};

/// The office as its documents show it.
#[derive(Clone)]
pub struct Office {
    /// Unix seconds at which this database began. A database that was lost and begun again therefore counts in a greater
    /// epoch than the lost one, and its documents are newer than all of that one's.
    pub epoch: u64,
    /// With which it signs: of the keys that are here the one that the newest root names last.
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
        self.standing().office.clone()
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

/// Made when the database is.
pub(super) async fn epoch(writer: &SqlitePool, now: WallTime) -> Result<u64> {
    let epoch = (now.as_micros() / 1_000_000).max(1);
    sqlx::query("INSERT INTO office (name, value) VALUES ('epoch', $1) ON CONFLICT DO NOTHING")
        .bind(epoch)
        .execute(writer)
        .await?;
    let epoch: i64 = sqlx::query_scalar("SELECT value FROM office WHERE name = 'epoch'")
        .fetch_one(writer)
        .await?;
    number("epoch", epoch)
}
