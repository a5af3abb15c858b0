//! Passkeys: the public half of a key that never leaves a person's phone or token.

use loa_protocol::time::WallTime;
use sqlx::FromRow;

use super::{
    RecoveryCodes, Result, Store, StoreError, UserId,
    convert::{number, wall},
    error::{not_found, taken},
    factors, recovery, sessions,
};
use crate::chance;

/// Most passkeys of one person.
pub const PASSKEYS_PER_USER: i64 = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    pub id: String,
    pub user: UserId,
    /// As its owner calls it.
    pub name: String,
    /// The credential's id, as the authenticator made it.
    pub credential: Vec<u8>,
    /// The uncompressed point on P-256, 65 bytes.
    pub key: Vec<u8>,
    /// How often it signed, where it counts at all; 0 where it does not.
    pub counter: u32,
    pub made: WallTime,
    pub used: Option<WallTime>,
}

#[derive(Clone, Debug)]
pub struct NewPasskey {
    pub user: UserId,
    pub name: String,
    pub credential: Vec<u8>,
    pub key: Vec<u8>,
    pub counter: u32,
}

#[derive(FromRow)]
struct Row {
    id: String,
    user_id: String,
    name: String,
    credential: String,
    key: String,
    counter: i64,
    made: i64,
    used: Option<i64>,
}

impl TryFrom<Row> for Passkey {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Passkey> {
        let bytes = |text: &str| {
            hex::decode(text).map_err(|error| StoreError::Damaged(format!("passkey: {error}")))
        };
        Ok(Passkey {
            id: row.id,
            user: UserId::new(row.user_id),
            name: row.name,
            credential: bytes(&row.credential)?,
            key: bytes(&row.key)?,
            counter: number("passkey's counter", row.counter)?,
            made: wall(row.made),
            used: row.used.map(wall),
        })
    }
}

/// `SELECT` of everything in [`Row`], followed by the rest of the statement.
macro_rules! select_passkeys {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, name, credential, key, counter, made, used FROM passkeys ",
            $rest
        )
    };
}

impl Store {
    /// This person's, the oldest first.
    pub async fn passkeys(&self, user: &UserId) -> Result<Vec<Passkey>> {
        let rows: Vec<Row> =
            sqlx::query_as(select_passkeys!("WHERE user_id = $1 ORDER BY made, id"))
                .bind(user.as_str())
                .fetch_all(self.readers())
                .await?;
        rows.into_iter().map(Passkey::try_from).collect()
    }

    /// Everybody's.
    pub async fn all_passkeys(&self) -> Result<Vec<Passkey>> {
        let rows: Vec<Row> = sqlx::query_as(select_passkeys!("ORDER BY user_id, made, id"))
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(Passkey::try_from).collect()
    }

    pub async fn passkey_of_credential(&self, credential: &[u8]) -> Result<Option<Passkey>> {
        let row: Option<Row> = sqlx::query_as(select_passkeys!("WHERE credential = $1"))
            .bind(hex::encode(credential))
            .fetch_optional(self.readers())
            .await?;
        row.map(Passkey::try_from).transpose()
    }

    /// Ends the user's other sessions. Is it the first second factor, the codes are the way back in when it is lost.
    pub async fn add_passkey(
        &self,
        new: NewPasskey,
        codes: Option<RecoveryCodes>,
        keep_session: &str,
    ) -> Result<Passkey> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM passkeys WHERE user_id = $1")
            .bind(new.user.as_str())
            .fetch_one(&mut *tx)
            .await?;
        if count >= PASSKEYS_PER_USER {
            return Err(StoreError::TooMany {
                what: "passkeys",
                most: PASSKEYS_PER_USER,
            });
        }
        let passkey = Passkey {
            id: chance::id('k'),
            user: new.user,
            name: new.name,
            credential: new.credential,
            key: new.key,
            counter: new.counter,
            made: now,
            used: None,
        };
        sqlx::query(
            "INSERT INTO passkeys (id, user_id, name, credential, key, counter, made) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&passkey.id)
        .bind(passkey.user.as_str())
        .bind(&passkey.name)
        .bind(hex::encode(&passkey.credential))
        .bind(hex::encode(&passkey.key))
        .bind(i64::from(passkey.counter))
        .bind(now.as_micros())
        .execute(&mut *tx)
        .await
        .map_err(taken("passkey", &passkey.name))?;
        if let Some(codes) = codes {
            recovery::replace(&mut tx, &passkey.user, &codes, now).await?;
        }
        sessions::end_all(&mut tx, &passkey.user, Some(keep_session)).await?;
        tx.commit().await?;
        Ok(passkey)
    }

    /// Notes that it has signed. `false`: its counter went back or stood still, so there is a copy of it somewhere
    /// (WebAuthn Level 2, 7.2, step 21), or it is no more. Decided where nothing can come between.
    pub async fn use_passkey(&self, id: &str, counter: u32) -> Result<bool> {
        let mut tx = self.begin_own().await?;
        let done = sqlx::query(
            "UPDATE passkeys SET counter = $2, used = $3 WHERE id = $1 \
             AND ($2 > counter OR ($2 = 0 AND counter = 0))",
        )
        .bind(id)
        .bind(i64::from(counter))
        .bind(self.now().as_micros())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends the user's other sessions.
    pub async fn delete_passkey(&self, user: &UserId, id: &str, keep_session: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM passkeys WHERE user_id = $1 AND id = $2")
            .bind(user.as_str())
            .bind(id)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(not_found("passkey", id));
        }
        factors::drop_codes_without_factor(&mut tx, user).await?;
        sessions::end_all(&mut tx, user, Some(keep_session)).await?;
        tx.commit().await?;
        Ok(())
    }
}
