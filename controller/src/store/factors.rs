//! By what, besides a password, a person can show who it is.

use sqlx::SqliteConnection;

use super::{Result, Store, UserId, convert::number, sessions};

/// What somebody has besides a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// Codes from an authenticator program.
    pub totp: bool,
    pub passkeys: u32,
    /// How many are left.
    pub recovery_codes: u32,
}

impl Factors {
    /// Is a password not enough?
    pub fn any(&self) -> bool {
        self.totp || self.passkeys > 0
    }
}

impl Store {
    pub async fn factors(&self, user: &UserId) -> Result<Factors> {
        of(&mut *self.readers().acquire().await?, user).await
    }

    /// Passkeys, codes and recovery codes of somebody who lost them. All sessions end; the password stays.
    pub async fn reset_factors(&self, user: &UserId) -> Result<()> {
        let mut tx = self.begin().await?;
        for gone in [
            "DELETE FROM passkeys WHERE user_id = $1",
            "DELETE FROM totp WHERE user_id = $1",
            "DELETE FROM totp_drafts WHERE user_id = $1",
            "DELETE FROM recovery_codes WHERE user_id = $1",
        ] {
            sqlx::query(gone)
                .bind(user.as_str())
                .execute(&mut *tx)
                .await?;
        }
        sessions::end_all(&mut tx, user, None).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// To be asked within a transaction.
pub(super) async fn of(db: &mut SqliteConnection, user: &UserId) -> Result<Factors> {
    let (totp, passkeys, codes): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM totp WHERE user_id = $1), \
         (SELECT COUNT(*) FROM passkeys WHERE user_id = $1), \
         (SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1)",
    )
    .bind(user.as_str())
    .fetch_one(db)
    .await?;
    Ok(Factors {
        totp: totp > 0,
        passkeys: number("passkeys", passkeys)?,
        recovery_codes: number("recovery codes", codes)?,
    })
}

/// Where no second factor is left, recovery codes stand for nothing.
pub(super) async fn drop_codes_without_factor(
    db: &mut SqliteConnection,
    user: &UserId,
) -> Result<()> {
    if !of(&mut *db, user).await?.any() {
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1")
            .bind(user.as_str())
            .execute(db)
            .await?;
    }
    Ok(())
}
