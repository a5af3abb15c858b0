//! Who is signed in. A session is a random token, of which only the hash is kept; it lives as long as it is used.

use super::{Result, Store, User, UserId, convert::wall};
use crate::act;

/// A session that is not used for this long is over.
pub const SESSION_LIFE_S: i64 = 30 * 24 * 3_600;
/// Most sessions of one user; the one unused for longest makes room.
pub const SESSIONS_PER_USER: i64 = 20;
/// A session's last use is written down no more often than this: reading must not wait for the disk.
const USE_EVERY_S: i64 = 3_600;

/// What a session is called where it is told of: a part of the hash, from which nobody comes to the token.
pub fn session_name(token_hash: &str) -> &str {
    token_hash.get(..16).unwrap_or(token_hash)
}

impl Store {
    pub async fn add_session(&self, token_hash: &str, user: &UserId) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = self.now();
        sqlx::query(
            "DELETE FROM sessions WHERE user_id = $1 AND token_hash NOT IN \
             (SELECT token_hash FROM sessions WHERE user_id = $1 ORDER BY used DESC LIMIT $2)",
        )
        .bind(user.as_str())
        .bind(SESSIONS_PER_USER - 1)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO sessions (token_hash, user_id, made, used, expires) VALUES ($1, $2, $3, $3, $4)",
        )
        .bind(token_hash)
        .bind(user.as_str())
        .bind(now.as_micros())
        .bind(now.plus_s(SESSION_LIFE_S).as_micros())
        .execute(&mut *tx)
        .await?;
        act::by(user.as_str(), Some(session_name(token_hash)));
        tx.commit().await
    }

    /// Whose session this is, when it is one and still valid; using it lengthens its life.
    pub async fn session_user(&self, token_hash: &str) -> Result<Option<User>> {
        let now = self.now();
        let found: Option<(String, i64)> = sqlx::query_as(
            "SELECT user_id, used FROM sessions WHERE token_hash = $1 AND expires > $2",
        )
        .bind(token_hash)
        .bind(now.as_micros())
        .fetch_optional(self.readers())
        .await?;
        let Some((user, used)) = found else {
            return Ok(None);
        };
        if now > wall(used).plus_s(USE_EVERY_S) {
            sqlx::query("UPDATE sessions SET used = $2, expires = $3 WHERE token_hash = $1")
                .bind(token_hash)
                .bind(now.as_micros())
                .bind(now.plus_s(SESSION_LIFE_S).as_micros())
                .execute(&self.inner.writer)
                .await?;
        }
        match self.user(&UserId::new(user)).await {
            Ok(user) => Ok(Some(user)),
            Err(super::StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn end_session(&self, token_hash: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
            .bind(token_hash)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }
}
