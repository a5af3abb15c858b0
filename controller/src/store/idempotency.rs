//! Creates that may be asked for twice: a phone on a weak line sends again what it got no answer to.
//!
//! The claim on the key is in the transaction that creates, so it is done once or not at all. The answer is kept beside it
//! when it is known; after a crash in between, the thing that was created answers for itself.

use loa_protocol::time::WallTime;
use sqlx::SqliteConnection;

use super::{Result, Store, StoreError, UserId, convert::number};
use crate::act;

/// A key is remembered as long as a phone that was off may come back and still be signed in.
pub const REMEMBERED_S: i64 = super::SESSION_LIFE_S;

/// One create under one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub user: UserId,
    /// Method and path: a key counts for one kind of create.
    pub route: &'static str,
    pub key: String,
    /// Hex SHA-256 of what was asked.
    pub request_hash: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub request_hash: String,
    /// The id of what was created.
    pub resource: String,
    /// Status and body of the answer, unless it held a secret or was never made.
    pub answer: Option<(u16, String)>,
}

impl Store {
    pub async fn remembered(&self, claim: &Claim) -> Result<Option<Remembered>> {
        let row: Option<(String, String, Option<i64>, Option<String>)> = sqlx::query_as(
            "SELECT request_hash, resource, status, response FROM idempotency_keys \
             WHERE user_id = $1 AND route = $2 AND idempotency_key = $3 AND made > $4",
        )
        .bind(claim.user.as_str())
        .bind(claim.route)
        .bind(&claim.key)
        .bind(self.now().plus_s(-REMEMBERED_S).as_micros())
        .fetch_optional(self.readers())
        .await?;
        row.map(|(request_hash, resource, status, response)| {
            let answer = match (status, response) {
                (Some(status), Some(response)) => Some((number("status", status)?, response)),
                _ => None,
            };
            Ok(Remembered {
                request_hash,
                resource,
                answer,
            })
        })
        .transpose()
    }

    pub async fn remember_answer(&self, claim: &Claim, status: u16, response: &str) -> Result<()> {
        sqlx::query(
            "UPDATE idempotency_keys SET status = $4, response = $5 \
             WHERE user_id = $1 AND route = $2 AND idempotency_key = $3",
        )
        .bind(claim.user.as_str())
        .bind(claim.route)
        .bind(&claim.key)
        .bind(i64::from(status))
        .bind(response)
        .execute(&self.inner.writer)
        .await?;
        Ok(())
    }
}

/// Takes the key, or fails with [`StoreError::Repeated`].
pub(super) async fn claim(
    db: &mut SqliteConnection,
    claim: Option<&Claim>,
    resource: &str,
    now: WallTime,
) -> Result<()> {
    // What is made is what the audit log's entry is about.
    act::on(resource);
    let Some(claim) = claim else {
        return Ok(());
    };
    sqlx::query(
        "DELETE FROM idempotency_keys WHERE user_id = $1 AND route = $2 AND idempotency_key = $3 AND made <= $4",
    )
    .bind(claim.user.as_str())
    .bind(claim.route)
    .bind(&claim.key)
    .bind(now.plus_s(-REMEMBERED_S).as_micros())
    .execute(&mut *db)
    .await?;
    let done = sqlx::query(
        "INSERT INTO idempotency_keys (user_id, route, idempotency_key, request_hash, resource, made) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(claim.user.as_str())
    .bind(claim.route)
    .bind(&claim.key)
    .bind(&claim.request_hash)
    .bind(resource)
    .bind(now.as_micros())
    .execute(&mut *db)
    .await?;
    match done.rows_affected() {
        0 => Err(StoreError::Repeated),
        _ => Ok(()),
    }
}
