//! What each channel's programme holds, and how often it changed.

use loa_protocol::{
    bulletin::Bulletin,
    channel::Channel,
    envelope::{Document, seal_unsigned},
    programme::{MAX_BULLETINS, Programme, Version},
    time::WallTime,
};
use sqlx::SqliteConnection;

use super::{
    Result, Store, StoreError,
    bulletin_row::{Row, select_bulletins},
    convert::{number, parse, wall},
};

pub use crate::logic::ChannelState;

use crate::act;

/// A bulletin that is over stays in its programme this long: a pole that was off learns what it missed.
pub const OVER_S: i64 = 7 * 24 * 3_600;
/// A programme is made anew so often, changed or not.
pub const RENEW_S: i64 = 7 * 24 * 3_600;
/// Left for the signature and the envelope's own fields.
const ENVELOPE_BYTES: usize = 1_024;

impl Store {
    /// All channels with any programme ever.
    pub async fn channels(&self) -> Result<Vec<Channel>> {
        let names: Vec<String> =
            sqlx::query_scalar("SELECT channel FROM channels ORDER BY channel")
                .fetch_all(self.readers())
                .await?;
        names.iter().map(|name| parse("channel", name)).collect()
    }

    /// What is due or ahead, and of what has been over for less than 7 days as much as one document holds, newest first.
    pub async fn channel(&self, channel: &Channel) -> Result<ChannelState> {
        // One transaction: the version must be that of the bulletins.
        let mut tx = self.readers().begin().await?;
        let row: Option<(i64, Option<i64>)> =
            sqlx::query_as("SELECT generation, silence_before FROM channels WHERE channel = $1")
                .bind(channel.to_string())
                .fetch_optional(&mut *tx)
                .await?;
        let (generation, silence_before) = row.unwrap_or((0, None));
        let now = self.now();
        let (mut bulletins, live) = self.load_channel(&mut tx, channel, now).await?;
        while bulletins.len() > live && !fits(channel, &bulletins) {
            let over = bulletins.len() - live;
            bulletins.truncate(live + over / 2);
        }
        Ok(ChannelState {
            channel: channel.clone(),
            version: Version {
                epoch: self.standing().office.epoch,
                generation: number("generation", generation)?,
            },
            silence_before: silence_before.map(wall),
            bulletins,
        })
    }

    /// Whatever was planned at or before `at` is over on the speakers of these channels.
    pub async fn stop(&self, channels: &[Channel], at: WallTime) -> Result<()> {
        let mut tx = self.begin().await?;
        for channel in channels {
            act::on(&channel.to_string());
            bump(&mut tx, channel).await?;
            sqlx::query(
                "UPDATE channels SET silence_before = $2 \
                 WHERE channel = $1 AND (silence_before IS NULL OR silence_before < $2)",
            )
            .bind(channel.to_string())
            .bind(at.as_micros())
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Gives each programme a new generation that has had none for a week only for this, so that it is signed anew long before the
    /// poles find it expired. Says which. To be called about once an hour; mostly there are none.
    pub async fn renew_programmes(&self) -> Result<Vec<Channel>> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let old = now.plus_s(-RENEW_S).as_micros();
        // A new one was signed just now.
        sqlx::query("UPDATE channels SET renewed = $1 WHERE renewed = 0")
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await?;
        let names: Vec<String> =
            sqlx::query_scalar("SELECT channel FROM channels WHERE renewed <= $1 ORDER BY channel")
                .bind(old)
                .fetch_all(&mut *tx)
                .await?;
        sqlx::query(
            "UPDATE channels SET generation = generation + 1, renewed = $2 WHERE renewed <= $1",
        )
        .bind(old)
        .bind(now.as_micros())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        names.iter().map(|name| parse("channel", name)).collect()
    }

    /// Refuses what one signed document cannot carry.
    pub(super) async fn must_fit(
        &self,
        db: &mut SqliteConnection,
        channel: &Channel,
        now: WallTime,
    ) -> Result<()> {
        let (mut bulletins, live) = self.load_channel(db, channel, now).await?;
        bulletins.truncate(live);
        if live > MAX_BULLETINS || !fits(channel, &bulletins) {
            return Err(StoreError::ProgrammeFull {
                channel: channel.clone(),
            });
        }
        Ok(())
    }

    /// Those not over first, and how many those are; then the others, newest first.
    async fn load_channel(
        &self,
        db: &mut SqliteConnection,
        channel: &Channel,
        now: WallTime,
    ) -> Result<(Vec<Bulletin>, usize)> {
        // One more than allowed, so that too many are noticed.
        let most = i64::try_from(MAX_BULLETINS).unwrap_or(i64::MAX - 1) + 1;
        let rows: Vec<Row> = sqlx::query_as(select_bulletins!(
            "",
            "JOIN bulletin_targets ON bulletin = bulletins.id \
             WHERE channel = $1 AND state = 'planned' AND (ends IS NULL OR ends > $2) \
             ORDER BY CASE WHEN ends IS NULL OR ends > $3 THEN 0 ELSE 1 END, ends DESC, bulletins.id LIMIT $4"
        ))
        .bind(channel.to_string())
        .bind(now.plus_s(-OVER_S).as_micros())
        .bind(now.as_micros())
        .bind(most)
        .fetch_all(&mut *db)
        .await?;
        let mut bulletins = Vec::with_capacity(rows.len());
        let mut live = 0;
        for row in &rows {
            let source = self.source_in(db, row).await?;
            bulletins.push(row.bulletin(source)?);
            live += usize::from(row.ends.is_none_or(|ends| ends > now.as_micros()));
        }
        if live < bulletins.len() {
            bulletins.truncate(MAX_BULLETINS.max(live));
        }
        Ok((bulletins, live))
    }
}

/// A new generation of the channel's programme.
pub(super) async fn bump(db: &mut SqliteConnection, channel: &Channel) -> Result<i64> {
    sqlx::query(
        "INSERT INTO channels (channel, generation) VALUES ($1, 1) \
         ON CONFLICT (channel) DO UPDATE SET generation = channels.generation + 1",
    )
    .bind(channel.to_string())
    .execute(&mut *db)
    .await?;
    Ok(
        sqlx::query_scalar("SELECT generation FROM channels WHERE channel = $1")
            .bind(channel.to_string())
            .fetch_one(db)
            .await?,
    )
}

fn fits(channel: &Channel, bulletins: &[Bulletin]) -> bool {
    // Far from the bound, counting is enough: 34 bytes a block's hash, 1 KiB the names of fields and short values.
    let rough: usize = bulletins
        .iter()
        .map(|b| {
            2_048
                + b.title.len()
                + b.manifest().map_or(100, |m| m.blocks.len() * 36)
                + rule_bytes(b)
                + signed_bytes(b)
        })
        .sum();
    if rough < Programme::MAX_BYTES / 2 {
        return true;
    }
    let programme = Programme {
        expires: None,
        channel: channel.clone(),
        version: Version::default(),
        made: WallTime::MAX,
        silence_before: Some(WallTime::MAX),
        bulletins: bulletins.to_vec(),
    };
    seal_unsigned(&programme).len() + ENVELOPE_BYTES <= Programme::MAX_BYTES
}

fn rule_bytes(bulletin: &Bulletin) -> usize {
    match &bulletin.when {
        loa_protocol::bulletin::When::Rule { rrule, except, .. } => {
            rrule.len() + except.iter().map(|e| e.len() + 4).sum::<usize>()
        }
        _ => 0,
    }
}

/// Rather too many; see `protocol::endorsement`.
fn signed_bytes(bulletin: &Bulletin) -> usize {
    let Some(endorsement) = &bulletin.endorsement else {
        return 0;
    };
    let assertions = endorsement.assertions.iter().map(|a| {
        100 + a.credential.len()
            + a.authenticator_data.len()
            + a.client_data.len()
            + a.signature.len()
    });
    100 + endorsement.targets.len() * 80 + assertions.sum::<usize>()
}
