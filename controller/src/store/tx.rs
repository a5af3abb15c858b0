//! A transaction that may write. What somebody does is written into the audit log by the transaction that does it: neither
//! can be without the other.

use std::ops::{Deref, DerefMut};

use loa_protocol::time::WallTime;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::{Result, audit};
use crate::act;

/// Dropped without [`Tx::commit`] it has done nothing.
pub(super) struct Tx {
    inner: Transaction<'static, Sqlite>,
    now: WallTime,
    /// The office's own book-keeping, whoever gave cause for it.
    is_own: bool,
}

impl Tx {
    pub(super) fn new(inner: Transaction<'static, Sqlite>, now: WallTime, is_own: bool) -> Self {
        Self { inner, now, is_own }
    }

    /// On disk when it returns, with the entry for what this task does, unless an earlier transaction wrote that.
    pub(super) async fn commit(mut self) -> Result<()> {
        let act = act::current().filter(|_| !self.is_own);
        let unwritten = act.and_then(|act| Some((act.unwritten()?, act)));
        let Some((known, act)) = unwritten else {
            return Ok(self.inner.commit().await?);
        };
        audit::write(&mut self.inner, &known, self.now).await?;
        self.inner.commit().await?;
        act.written();
        Ok(())
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }
}
