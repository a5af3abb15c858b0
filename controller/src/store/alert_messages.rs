//! The outbox of alerts: what is to be told to whom, how often that was tried, and what went out.

use std::collections::HashMap;

use loa_protocol::time::WallTime;
use sqlx::SqliteConnection;

use super::{
    Result, Store, Tx,
    convert::{from_word, number, parse, wall, word},
};
use crate::{
    chance,
    logic::alerts::{
        Address, AlertId, MessageId,
        telling::{Event, State, Told},
    },
};

/// Most messages that wait; one more is not made, and is when there is room.
pub const MAX_WAITING: i64 = 50_000;

/// A message that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub id: MessageId,
    pub alert: AlertId,
    pub event: Event,
    pub address: Address,
    /// Tries that failed.
    pub tries: u32,
    pub made: WallTime,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Sent,
    Later {
        at: WallTime,
        error: String,
    },
    GivenUp {
        error: String,
    },
    /// The alert that it spoke of is gone.
    Dropped,
}

impl Store {
    /// All that was made for the alerts that are open.
    pub async fn told_of_open(&self) -> Result<HashMap<AlertId, Vec<Told>>> {
        let rows: Vec<(String, String, String, String, String, i64)> = sqlx::query_as(
            "SELECT alert, by_way, address, event, state, made FROM alert_messages \
             WHERE alert IN (SELECT id FROM alerts WHERE closed IS NULL)",
        )
        .fetch_all(self.readers())
        .await?;
        let mut told: HashMap<AlertId, Vec<Told>> = HashMap::new();
        for (alert, by, to, event, state, made) in rows {
            told.entry(parse("alert", &alert)?).or_default().push(Told {
                address: Address {
                    by: from_word("way", &by)?,
                    to,
                },
                event: from_word("event", &event)?,
                state: from_word("state", &state)?,
                made: wall(made),
            });
        }
        Ok(told)
    }

    /// Those whose time has come, the oldest first.
    pub async fn outgoing(&self, limit: u32) -> Result<Vec<Outgoing>> {
        let rows: Vec<(String, String, String, String, String, i64, i64)> = sqlx::query_as(
            "SELECT id, alert, event, by_way, address, tries, made FROM alert_messages \
             WHERE state = 'waiting' AND next_try <= $1 ORDER BY made, id LIMIT $2",
        )
        .bind(self.now().as_micros())
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(id, alert, event, by, to, tries, made)| {
                Ok(Outgoing {
                    id: parse("message", &id)?,
                    alert: parse("alert", &alert)?,
                    event: from_word("event", &event)?,
                    address: Address {
                        by: from_word("way", &by)?,
                        to,
                    },
                    tries: number("tries", tries)?,
                    made: wall(made),
                })
            })
            .collect()
    }

    /// How many messages went to each address since then; several sent as one count once.
    pub async fn sent_since(&self, since: WallTime) -> Result<HashMap<Address, usize>> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT by_way, address, COUNT(DISTINCT sent) FROM alert_messages WHERE sent > $1 \
             GROUP BY by_way, address",
        )
        .bind(since.as_micros())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(by, to, n)| {
                let by = from_word("way", &by)?;
                Ok((Address { by, to }, number("messages", n)?))
            })
            .collect()
    }

    /// What came of telling these, all in one message.
    pub async fn told(&self, messages: &[Outgoing], outcome: &Outcome) -> Result<()> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let (state, next, sent, error) = match outcome {
            Outcome::Sent => (State::Sent, now, Some(now), None),
            Outcome::Later { at, error } => (State::Waiting, *at, None, Some(error)),
            Outcome::GivenUp { error } => (State::GivenUp, now, None, Some(error)),
            Outcome::Dropped => (State::Dropped, now, None, None),
        };
        for message in messages {
            sqlx::query(
                "UPDATE alert_messages SET state = $2, next_try = $3, sent = $4, error = $5, tries = tries + 1 \
                 WHERE id = $1 AND state = 'waiting'",
            )
            .bind(message.id.as_str())
            .bind(word(&state))
            .bind(next.as_micros())
            .bind(sent.map(WallTime::as_micros))
            .bind(error)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

pub(super) async fn insert_message(
    db: &mut SqliteConnection,
    alert: &AlertId,
    address: &Address,
    event: Event,
    now: WallTime,
) -> Result<()> {
    let waiting: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM alert_messages WHERE state = 'waiting'")
            .fetch_one(&mut *db)
            .await?;
    if waiting >= MAX_WAITING {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO alert_messages (id, alert, event, by_way, address, made, state, tries, next_try) \
         VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $6)",
    )
    .bind(MessageId::of(chance::bytes()).as_str())
    .bind(alert.as_str())
    .bind(word(&event))
    .bind(address.by.word())
    .bind(&address.to)
    .bind(now.as_micros())
    .execute(db)
    .await?;
    Ok(())
}

/// It is over: who heard of it hears that too, and nobody else hears anything more.
pub(super) async fn close_messages(tx: &mut Tx, alert: &AlertId, now: WallTime) -> Result<()> {
    sqlx::query(
        "UPDATE alert_messages SET state = 'dropped' WHERE alert = $1 AND state = 'waiting'",
    )
    .bind(alert.as_str())
    .execute(&mut **tx)
    .await?;
    let told: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT by_way, address FROM alert_messages WHERE alert = $1 AND state = 'sent' \
         ORDER BY by_way, address",
    )
    .bind(alert.as_str())
    .fetch_all(&mut **tx)
    .await?;
    for (by, to) in told {
        let by = from_word("way", &by)?;
        insert_message(tx, alert, &Address { by, to }, Event::Closed, now).await?;
    }
    Ok(())
}
