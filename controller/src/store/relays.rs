//! Relays that are on the air or will be, and the keys of their streams.

use loa_protocol::{
    bulletin::{Bulletin, Source},
    channel::Channel,
};

use super::{
    Kept, Result, Store,
    bulletin_row::{self, Row, select_bulletins},
    channels,
};
use crate::{live::stream_key, logic::relay::RelayPlan};

/// A window lasts no longer, and a moment.
const LONGEST_S: i64 = 5 * 3_600;

impl Store {
    /// Those with something still to come.
    pub async fn relays(&self) -> Result<Vec<(Kept, RelayPlan)>> {
        let mut db = self.readers().acquire().await?;
        let rows: Vec<Row> = sqlx::query_as(select_bulletins!(
            "",
            "WHERE relay IS NOT NULL AND state = 'planned' AND (ends IS NULL OR ends > $1) ORDER BY bulletins.id"
        ))
        .bind(self.now().plus_s(-LONGEST_S).as_micros())
        .fetch_all(&mut *db)
        .await?;
        let mut relays = Vec::with_capacity(rows.len());
        for row in rows {
            let kept = self.complete(&mut db, &row).await?;
            relays.extend(kept.relay.clone().map(|plan| (kept, plan)));
        }
        Ok(relays)
    }

    /// Where the office's key is another than the one that a stream's was made of, the poles are told the new one. Which
    /// programmes that changes.
    pub async fn renew_stream_keys(&self) -> Result<Vec<Channel>> {
        let office = self.office();
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut touched: Vec<Channel> = Vec::new();
        let rows: Vec<Row> = sqlx::query_as(select_bulletins!(
            "",
            "WHERE relay IS NOT NULL AND state = 'planned' AND (ends IS NULL OR ends > $1)"
        ))
        .bind(now.plus_s(-LONGEST_S).as_micros())
        .fetch_all(&mut *tx)
        .await?;
        for row in rows {
            let kept = self.complete(&mut tx, &row).await?;
            let mut bulletin = kept.bulletin.clone();
            let key = stream_key(&office.key, &bulletin.id).verifying_key();
            let Source::Stream(stream) = &mut bulletin.source else {
                continue;
            };
            if stream.key == key.to_bytes() {
                continue;
            }
            stream.key = key.to_bytes();
            let next = Bulletin {
                revision: bulletin.revision + 1,
                ..bulletin
            };
            let own = kept.own_except.as_deref();
            bulletin_row::write(&mut tx, &next, None, own, now).await?;
            for channel in kept.channels() {
                let generation = channels::bump(&mut tx, &channel).await?;
                sqlx::query(
                    "UPDATE bulletin_targets SET generation = $3 WHERE bulletin = $1 AND channel = $2",
                )
                .bind(next.id.as_str())
                .bind(channel.to_string())
                .bind(generation)
                .execute(&mut *tx)
                .await?;
                if !touched.contains(&channel) {
                    touched.push(channel);
                }
            }
        }
        tx.commit().await?;
        Ok(touched)
    }
}
