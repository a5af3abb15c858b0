//! When the office itself ran: outside of it nothing is measured, and nobody is blamed.

use loa_protocol::time::WallTime;
use sqlx::SqliteConnection;

use super::{Result, Store, convert::wall};
use crate::logic::outages::Run;

impl Store {
    /// The office runs from now on. Returns when that is, the run's name.
    pub async fn begin_run(&self) -> Result<WallTime> {
        let now = self.now();
        sqlx::query(
            "INSERT INTO office_runs (began, alive) VALUES ($1, $1) ON CONFLICT DO NOTHING",
        )
        .bind(now.as_micros())
        .execute(&self.inner.writer)
        .await?;
        Ok(now)
    }

    /// The run that began then still lasts.
    pub async fn keep_run(&self, began: WallTime) -> Result<()> {
        sqlx::query("UPDATE office_runs SET alive = $2 WHERE began = $1 AND alive < $2")
            .bind(began.as_micros())
            .bind(self.now().as_micros())
            .execute(&self.inner.writer)
            .await?;
        Ok(())
    }

    /// Those of which any part lies in `from..=to`, in order.
    pub async fn runs(&self, from: WallTime, to: WallTime) -> Result<Vec<Run>> {
        let mut db = self.readers().acquire().await?;
        between(&mut db, from.as_micros(), to.as_micros()).await
    }
}

pub(super) async fn between(db: &mut SqliteConnection, from: i64, to: i64) -> Result<Vec<Run>> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT began, alive FROM office_runs WHERE alive >= $1 AND began <= $2 ORDER BY began",
    )
    .bind(from)
    .bind(to)
    .fetch_all(db)
    .await?;
    let run = |(began, alive)| Run {
        began: wall(began),
        alive: wall(alive),
    };
    Ok(rows.into_iter().map(run).collect())
}
