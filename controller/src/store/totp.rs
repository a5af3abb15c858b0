//! Secrets of authenticator programs (RFC 6238), and which of their codes were taken.

use super::{RecoveryCodes, Result, Store, UserId, error::not_found, factors, recovery, sessions};

/// A secret that was shown has to be confirmed by a code within this, in seconds.
pub const TOTP_DRAFT_S: i64 = 30 * 60;

impl Store {
    /// The secret in force, base32.
    pub async fn totp(&self, user: &UserId) -> Result<Option<String>> {
        let secret = sqlx::query_scalar("SELECT secret FROM totp WHERE user_id = $1")
            .bind(user.as_str())
            .fetch_optional(self.readers())
            .await?;
        Ok(secret)
    }

    /// Notes that the code of this step was given. `false`: it, or that of a later one, was given before.
    pub async fn use_totp(&self, user: &UserId, step: i64) -> Result<bool> {
        let mut tx = self.begin_own().await?;
        let done = sqlx::query("UPDATE totp SET step = $2 WHERE user_id = $1 AND step < $2")
            .bind(user.as_str())
            .bind(step)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// A secret that counts for nothing before a code of it was given; that in force stays until then.
    pub async fn draft_totp(&self, user: &UserId, secret: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO totp_drafts (user_id, secret, made) VALUES ($1, $2, $3) \
             ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, made = excluded.made",
        )
        .bind(user.as_str())
        .bind(secret)
        .bind(self.now().as_micros())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    pub async fn totp_draft(&self, user: &UserId) -> Result<Option<String>> {
        let secret =
            sqlx::query_scalar("SELECT secret FROM totp_drafts WHERE user_id = $1 AND made > $2")
                .bind(user.as_str())
                .bind(self.now().plus_s(-TOTP_DRAFT_S).as_micros())
                .fetch_optional(self.readers())
                .await?;
        Ok(secret)
    }

    /// The draft, of which the code of `step` was given, is in force from now on. Ends the user's other sessions.
    pub async fn confirm_totp(
        &self,
        user: &UserId,
        secret: &str,
        step: i64,
        codes: RecoveryCodes,
        keep_session: &str,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let draft = sqlx::query("DELETE FROM totp_drafts WHERE user_id = $1 AND secret = $2")
            .bind(user.as_str())
            .bind(secret)
            .execute(&mut *tx)
            .await?;
        if draft.rows_affected() == 0 {
            return Err(not_found("totp", ""));
        }
        sqlx::query(
            "INSERT INTO totp (user_id, secret, made, step) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (user_id) DO UPDATE SET \
             secret = excluded.secret, made = excluded.made, step = excluded.step",
        )
        .bind(user.as_str())
        .bind(secret)
        .bind(now.as_micros())
        .bind(step)
        .execute(&mut *tx)
        .await?;
        recovery::replace(&mut tx, user, &codes, now).await?;
        sessions::end_all(&mut tx, user, Some(keep_session)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Twice is the same as once. Ends the user's other sessions.
    pub async fn delete_totp(&self, user: &UserId, keep_session: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        for gone in [
            "DELETE FROM totp WHERE user_id = $1",
            "DELETE FROM totp_drafts WHERE user_id = $1",
        ] {
            sqlx::query(gone)
                .bind(user.as_str())
                .execute(&mut *tx)
                .await?;
        }
        factors::drop_codes_without_factor(&mut tx, user).await?;
        sessions::end_all(&mut tx, user, Some(keep_session)).await?;
        tx.commit().await?;
        Ok(())
    }
}
