//! Secret addresses by which a calendar program reads a programme. Of the secret only the hash is kept.

use loa_protocol::{channel::Channel, time::WallTime};
use sqlx::FromRow;

use super::{
    Claim, Result, Store, StoreError, UserId,
    convert::{parse, wall},
    error::not_found,
    idempotency,
};

/// Most calendars of one person.
pub const CALENDARS_PER_USER: i64 = 50;
/// A calendar's last use is written down no more often than this, in seconds: reading must not wait for the disk.
const USE_EVERY_S: i64 = 3_600;

#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    /// `c` and 16 hex digits.
    pub id: String,
    /// Whose rights it has.
    pub owner: UserId,
    /// A speaker's or an area's.
    pub channel: Channel,
    pub made: WallTime,
    pub used: Option<WallTime>,
}

#[derive(FromRow)]
struct Row {
    id: String,
    owner: String,
    channel: String,
    made: i64,
    used: Option<i64>,
}

impl TryFrom<Row> for Calendar {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Calendar> {
        Ok(Calendar {
            id: row.id,
            owner: UserId::new(row.owner),
            channel: parse("channel", &row.channel)?,
            made: wall(row.made),
            used: row.used.map(wall),
        })
    }
}

impl Store {
    pub async fn add_calendar(
        &self,
        id: &str,
        secret_hash: &str,
        owner: &UserId,
        channel: &Channel,
        claim: Option<&Claim>,
    ) -> Result<Calendar> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM calendars WHERE owner = $1")
            .bind(owner.as_str())
            .fetch_one(&mut *tx)
            .await?;
        if count >= CALENDARS_PER_USER {
            return Err(StoreError::TooManyCalendars {
                most: CALENDARS_PER_USER,
            });
        }
        sqlx::query(
            "INSERT INTO calendars (id, secret_hash, owner, channel, made) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(secret_hash)
        .bind(owner.as_str())
        .bind(channel.to_string())
        .bind(now.as_micros())
        .execute(&mut *tx)
        .await?;
        idempotency::claim(&mut tx, claim, id, now).await?;
        tx.commit().await?;
        self.calendar(id).await
    }

    pub async fn calendar(&self, id: &str) -> Result<Calendar> {
        let row: Option<Row> =
            sqlx::query_as("SELECT id, owner, channel, made, used FROM calendars WHERE id = $1")
                .bind(id)
                .fetch_optional(self.readers())
                .await?;
        row.ok_or_else(|| not_found("calendar", id))?.try_into()
    }

    /// One person's, the latest first.
    pub async fn calendars_of(&self, owner: &UserId) -> Result<Vec<Calendar>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, owner, channel, made, used FROM calendars WHERE owner = $1 ORDER BY made DESC, id",
        )
        .bind(owner.as_str())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Calendar::try_from).collect()
    }

    /// The one with this secret, which is being used now.
    pub async fn use_calendar(&self, secret_hash: &str) -> Result<Option<Calendar>> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, owner, channel, made, used FROM calendars WHERE secret_hash = $1",
        )
        .bind(secret_hash)
        .fetch_optional(self.readers())
        .await?;
        let Some(calendar) = row.map(Calendar::try_from).transpose()? else {
            return Ok(None);
        };
        let now = self.now();
        if calendar
            .used
            .is_none_or(|used| now > used.plus_s(USE_EVERY_S))
        {
            sqlx::query("UPDATE calendars SET used = $2 WHERE id = $1")
                .bind(&calendar.id)
                .bind(now.as_micros())
                .execute(&self.inner.writer)
                .await?;
        }
        Ok(Some(calendar))
    }

    /// Its address is worth nothing from now on.
    pub async fn remove_calendar(&self, id: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM calendars WHERE id = $1")
            .bind(id)
            .execute(&mut *tx)
            .await?;
        match done.rows_affected() {
            0 => Err(not_found("calendar", id)),
            _ => tx.commit().await,
        }
    }
}
