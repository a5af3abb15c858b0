//! What speakers were asked to do once: test their sound, start again. An order travels in the speaker's configuration.

use loa_protocol::{
    event::{RunEnd, What},
    id::SpeakerId,
    speaker_config::{MAX_ORDERS, Order, OrderKind},
    time::WallTime,
};
use sqlx::{FromRow, SqliteConnection};

use super::{
    Claim, Result, Store, StoreError, UserId,
    convert::{from_word, number, wall, word},
    error::not_found,
    idempotency, speakers,
};

/// How long a speaker has for it, in seconds: longer, and nobody would expect the sound any more.
pub const ORDER_S: i64 = 600;
/// How long after its end an order may still be told to be done, in seconds: a test takes its time.
const GRACE_S: i64 = 120;

/// One order as the office keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRow {
    pub number: u64,
    pub what: OrderKind,
    pub asked: WallTime,
    pub asked_by: Option<UserId>,
    /// Not done by then, it is not done any more.
    pub until: WallTime,
    /// When the speaker did it, by its own clock.
    pub done: Option<WallTime>,
}

#[derive(FromRow)]
struct Row {
    number: i64,
    what: String,
    asked: i64,
    asked_by: Option<String>,
    until: i64,
    done: Option<i64>,
}

impl TryFrom<Row> for OrderRow {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<OrderRow> {
        Ok(OrderRow {
            number: number("order", row.number)?,
            what: from_word("order", &row.what)?,
            asked: wall(row.asked),
            asked_by: row.asked_by.map(UserId::new),
            until: wall(row.until),
            done: row.done.map(wall),
        })
    }
}

impl Store {
    /// Asks a speaker to do something once, within `ORDER_S` seconds. In one transaction with its new configuration.
    pub async fn add_order(
        &self,
        speaker: &SpeakerId,
        what: OrderKind,
        asked_by: &UserId,
        claim: Option<&Claim>,
    ) -> Result<OrderRow> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let next: i64 = sqlx::query_scalar(
            "SELECT COALESCE(MAX(number), 0) + 1 FROM orders WHERE speaker = $1",
        )
        .bind(speaker.as_str())
        .fetch_one(&mut *tx)
        .await?;
        // Fails where there is no such speaker.
        speakers::bump(&mut tx, speaker, now, false).await?;
        sqlx::query(
            "INSERT INTO orders (speaker, number, what, asked, asked_by, until) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(speaker.as_str())
        .bind(next)
        .bind(word(&what))
        .bind(now.as_micros())
        .bind(asked_by.as_str())
        .bind(now.plus_s(ORDER_S).as_micros())
        .execute(&mut *tx)
        .await?;
        idempotency::claim(&mut tx, claim, &next.to_string(), now).await?;
        tx.commit().await?;
        self.order(speaker, number("order", next)?).await
    }

    pub async fn order(&self, speaker: &SpeakerId, number: u64) -> Result<OrderRow> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT number, what, asked, asked_by, until, done FROM orders WHERE speaker = $1 AND number = $2",
        )
        .bind(speaker.as_str())
        .bind(super::convert::stored(number))
        .fetch_optional(self.readers())
        .await?;
        row.ok_or_else(|| not_found("order", number))?.try_into()
    }

    /// The latest first.
    pub async fn orders(&self, speaker: &SpeakerId, limit: u32) -> Result<Vec<OrderRow>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT number, what, asked, asked_by, until, done FROM orders WHERE speaker = $1 \
             ORDER BY number DESC LIMIT $2",
        )
        .bind(speaker.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(OrderRow::try_from).collect()
    }
}

/// What the speaker's configuration holds at `now`: what is still to be done, the newest [`MAX_ORDERS`], in order.
pub(super) async fn open(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    now: WallTime,
) -> Result<Vec<Order>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT number, what, asked, asked_by, until, done FROM orders \
         WHERE speaker = $1 AND done IS NULL AND until > $2 ORDER BY number DESC LIMIT $3",
    )
    .bind(speaker.as_str())
    .bind(now.as_micros())
    .bind(MAX_ORDERS as i64)
    .fetch_all(db)
    .await?;
    let mut orders = Vec::with_capacity(rows.len());
    for row in rows.into_iter().rev() {
        let row = OrderRow::try_from(row)?;
        orders.push(Order {
            number: row.number,
            what: row.what,
            until: row.until,
        });
    }
    Ok(orders)
}

/// An event may tell that an order was done: the earliest of its kind that could have been meant.
pub(super) async fn told(
    db: &mut SqliteConnection,
    speaker: &SpeakerId,
    what: &What,
    at: WallTime,
) -> Result<()> {
    let kind = match what {
        What::SelfTested { test } if test.asked => OrderKind::SelfTest,
        What::Booted {
            after: Some(after), ..
        } if after.ended == RunEnd::Ordered => OrderKind::Restart,
        _ => return Ok(()),
    };
    sqlx::query(
        "UPDATE orders SET done = $3 WHERE speaker = $1 AND number = ( \
         SELECT MIN(number) FROM orders WHERE speaker = $1 AND what = $2 AND done IS NULL AND until >= $4)",
    )
    .bind(speaker.as_str())
    .bind(word(&kind))
    .bind(at.as_micros())
    .bind(at.plus_s(-GRACE_S).as_micros())
    .execute(db)
    .await?;
    Ok(())
}
