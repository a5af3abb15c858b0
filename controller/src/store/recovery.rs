//! Recovery codes: on paper, for whoever has lost phone or key. Each lets in once, with the password.

use loa_protocol::time::WallTime;
use sqlx::SqliteConnection;

use super::{Result, Store, UserId};

/// The hashes of one person's codes, all with one salt.
#[derive(Clone, Debug)]
pub struct RecoveryCodes {
    pub salt: String,
    pub hashes: Vec<String>,
}

impl Store {
    /// With which salt to hash what somebody typed; `None`: this person has no codes left.
    pub async fn recovery_salt(&self, user: &UserId) -> Result<Option<String>> {
        let salt = sqlx::query_scalar("SELECT salt FROM recovery_codes WHERE user_id = $1 LIMIT 1")
            .bind(user.as_str())
            .fetch_optional(self.readers())
            .await?;
        Ok(salt)
    }

    /// Uses one up. `false`: there is none of this hash, or it was used.
    pub async fn use_recovery_code(&self, user: &UserId, hash: &str) -> Result<bool> {
        let mut tx = self.begin_own().await?;
        let done = sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2")
            .bind(user.as_str())
            .bind(hash)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}

/// Those given out before are worth nothing from now on.
pub(super) async fn replace(
    db: &mut SqliteConnection,
    user: &UserId,
    codes: &RecoveryCodes,
    now: WallTime,
) -> Result<()> {
    sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
        .bind(user.as_str())
        .execute(&mut *db)
        .await?;
    for hash in &codes.hashes {
        sqlx::query(
            "INSERT INTO recovery_codes (user_id, salt, code_hash, made) VALUES ($1, $2, $3, $4)",
        )
        .bind(user.as_str())
        .bind(&codes.salt)
        .bind(hash)
        .bind(now.as_micros())
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}
