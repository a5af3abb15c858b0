//! Which monthly reports went out by mail, to whom: each once.

use super::{Result, Store, convert::number};

impl Store {
    /// Takes it in hand: `None` when it is out, or when its next try is still ahead. Otherwise which try this is; the next
    /// one, unless [`Store::report_sent`] is told, is `pause_s` of that from now.
    pub async fn claim_report(
        &self,
        month: &str,
        area: &str,
        address: &str,
        pause_s: impl Fn(u32) -> i64,
    ) -> Result<Option<u32>> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let known: Option<(i64, i64, Option<i64>)> = sqlx::query_as(
            "SELECT tries, next_try, sent FROM reports_mailed \
             WHERE month = $1 AND area = $2 AND address = $3",
        )
        .bind(month)
        .bind(area)
        .bind(address)
        .fetch_optional(&mut *tx)
        .await?;
        let tries: u32 = match known {
            Some((_, next, sent)) if sent.is_some() || next > now.as_micros() => return Ok(None),
            Some((tries, ..)) => number::<u32>("tries", tries)?.saturating_add(1),
            None => 1,
        };
        sqlx::query(
            "INSERT INTO reports_mailed (month, area, address, tries, next_try) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (month, area, address) DO UPDATE SET tries = excluded.tries, next_try = excluded.next_try",
        )
        .bind(month)
        .bind(area)
        .bind(address)
        .bind(i64::from(tries))
        .bind(now.plus_s(pause_s(tries)).as_micros())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(tries))
    }

    pub async fn report_sent(&self, month: &str, area: &str, address: &str) -> Result<()> {
        sqlx::query(
            "UPDATE reports_mailed SET sent = $4 WHERE month = $1 AND area = $2 AND address = $3",
        )
        .bind(month)
        .bind(area)
        .bind(address)
        .bind(self.now().as_micros())
        .execute(&self.inner.writer)
        .await?;
        Ok(())
    }
}
