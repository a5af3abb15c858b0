//! Who is signed in. A session is a random token, of which only the hash is kept; it lives as long as it is used, but not for ever.

use loa_protocol::time::WallTime;
use sqlx::{FromRow, SqliteConnection};

use super::{
    Factors, Result, Store, User, UserId,
    convert::wall,
    factors,
    users::{self, select_users},
};
use crate::{act, chance};

/// A session that is not used for this long is over.
pub const SESSION_LIFE_S: i64 = 30 * 24 * 3_600;
/// However much it is used, it is over so long after signing in.
pub const SESSION_MOST_S: i64 = 90 * 24 * 3_600;
/// Most sessions of one user; the one unused for longest makes room.
pub const SESSIONS_PER_USER: i64 = 20;
/// So long does a proof hold of who somebody is; signing in is one.
pub const PROOF_S: i64 = 10 * 60;
/// A session's last use is written down no more often than this: reading must not wait for the disk.
const USE_EVERY_S: i64 = 3_600;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names it to people; it opens nothing.
    pub id: String,
    pub user: UserId,
    pub made: WallTime,
    /// To about an hour.
    pub used: WallTime,
    pub expires: WallTime,
    /// When its holder last showed who it is.
    pub proved: WallTime,
    /// Where it was opened from.
    pub address: Option<String>,
    /// The browser or program, as people call it.
    pub program: Option<String>,
}

impl Session {
    pub fn proved_until(&self) -> WallTime {
        self.proved.plus_s(PROOF_S)
    }
}

#[derive(Clone, Debug, Default)]
pub struct NewSession {
    pub token_hash: String,
    pub address: Option<String>,
    pub program: Option<String>,
}

#[derive(FromRow)]
struct Row {
    id: String,
    user_id: String,
    made: i64,
    used: i64,
    expires: i64,
    proved: i64,
    address: Option<String>,
    program: Option<String>,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            user: UserId::new(row.user_id),
            made: wall(row.made),
            used: wall(row.used),
            expires: wall(row.expires),
            proved: wall(row.proved),
            address: row.address,
            program: row.program,
        }
    }
}

fn expires(made: WallTime, used: WallTime) -> WallTime {
    used.plus_s(SESSION_LIFE_S).min(made.plus_s(SESSION_MOST_S))
}

impl Store {
    /// The holder has just shown who it is.
    pub async fn add_session(&self, user: &UserId, new: NewSession) -> Result<Session> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let session = Session {
            id: chance::id('s'),
            user: user.clone(),
            made: now,
            used: now,
            expires: expires(now, now),
            proved: now,
            address: new.address,
            program: new.program,
        };
        sqlx::query(
            "DELETE FROM sessions WHERE user_id = $1 AND token_hash NOT IN \
             (SELECT token_hash FROM sessions WHERE user_id = $1 ORDER BY used DESC LIMIT $2)",
        )
        .bind(user.as_str())
        .bind(SESSIONS_PER_USER - 1)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO sessions (token_hash, id, user_id, made, used, expires, proved, address, program) \
             VALUES ($1, $2, $3, $4, $4, $5, $4, $6, $7)",
        )
        .bind(new.token_hash)
        .bind(&session.id)
        .bind(user.as_str())
        .bind(now.as_micros())
        .bind(session.expires.as_micros())
        .bind(&session.address)
        .bind(&session.program)
        .execute(&mut *tx)
        .await?;
        act::by(user.as_str(), Some(&session.id));
        tx.commit().await?;
        Ok(session)
    }

    /// The session of this token, whose it is and how that person can show who it is. Using it lengthens its life.
    pub async fn session(&self, token_hash: &str) -> Result<Option<(Session, User, Factors)>> {
        let now = self.now();
        let mut db = self.readers().begin().await?;
        let found: Option<Row> = sqlx::query_as(
            "SELECT id, user_id, made, used, expires, proved, address, program FROM sessions \
             WHERE token_hash = $1 AND expires > $2",
        )
        .bind(token_hash)
        .bind(now.as_micros())
        .fetch_optional(&mut *db)
        .await?;
        let Some(mut session) = found.map(Session::from) else {
            return Ok(None);
        };
        let user: Option<users::Row> = sqlx::query_as(select_users!("WHERE id = $1"))
            .bind(session.user.as_str())
            .fetch_optional(&mut *db)
            .await?;
        let Some(user) = user.map(User::try_from).transpose()? else {
            return Ok(None);
        };
        let factors = factors::of(&mut db, &session.user).await?;
        drop(db);
        if now > session.used.plus_s(USE_EVERY_S) {
            session.used = now;
            session.expires = expires(session.made, now);
            sqlx::query("UPDATE sessions SET used = $2, expires = $3 WHERE token_hash = $1")
                .bind(token_hash)
                .bind(now.as_micros())
                .bind(session.expires.as_micros())
                .execute(&self.inner.writer)
                .await?;
        }
        Ok(Some((session, user, factors)))
    }

    /// Those of one person that are not over, the last used first.
    pub async fn sessions(&self, user: &UserId) -> Result<Vec<Session>> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, user_id, made, used, expires, proved, address, program FROM sessions \
             WHERE user_id = $1 AND expires > $2 ORDER BY used DESC, made DESC, id",
        )
        .bind(user.as_str())
        .bind(self.now().as_micros())
        .fetch_all(self.readers())
        .await?;
        Ok(rows.into_iter().map(Session::from).collect())
    }

    /// Its holder has just shown again who it is; until when that holds.
    pub async fn prove_session(&self, id: &str) -> Result<WallTime> {
        let mut tx = self.begin().await?;
        let now = self.now();
        sqlx::query("UPDATE sessions SET proved = $2 WHERE id = $1")
            .bind(id)
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(now.plus_s(PROOF_S))
    }

    /// Signs out whoever holds this token.
    pub async fn end_session(&self, token_hash: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
            .bind(token_hash)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// One of this person's; `false`: there is none of this id.
    pub async fn end_session_of(&self, user: &UserId, id: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id = $2")
            .bind(user.as_str())
            .bind(id)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// All of this person's but the one with the id `except`; how many there were.
    pub async fn end_sessions(&self, user: &UserId, except: Option<&str>) -> Result<u64> {
        let mut tx = self.begin().await?;
        let ended = end_all(&mut tx, user, except).await?;
        tx.commit().await?;
        Ok(ended)
    }
}

/// Whoever came in by what the person just changed is out again.
pub(super) async fn end_all(
    db: &mut SqliteConnection,
    user: &UserId,
    except: Option<&str>,
) -> Result<u64> {
    let done = sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
        .bind(user.as_str())
        .bind(except.unwrap_or_default())
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
