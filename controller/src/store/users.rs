//! The people who may sign in, and the one-time links by which they set their password.

use std::fmt;

use loa_protocol::{id::AreaId, time::WallTime};
use sqlx::FromRow;

use super::{
    Claim, Result, Store, StoreError,
    convert::{from_word, parse, wall, word},
    error::{not_found, taken},
    idempotency, sessions,
};
use crate::{act, chance, logic::permissions::Role};

/// A link by which somebody sets a password is good for so long.
pub const SETUP_LINK_S: i64 = 7 * 24 * 3_600;

/// Names a user for good; the username may change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId(String);

impl UserId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub name: String,
    pub role: Role,
    /// The node below which the rights hold; `None`: the whole tree.
    pub area: Option<AreaId>,
    pub has_password: bool,
    pub made: WallTime,
}

#[derive(Clone, Debug)]
pub struct NewUser {
    pub username: String,
    pub name: String,
    pub role: Role,
    pub area: Option<AreaId>,
    /// A PHC string; `None`: only a setup link lets this user in.
    pub password_hash: Option<String>,
}

/// What is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub area: Option<Option<AreaId>>,
    pub password_hash: Option<String>,
    /// The session in which the person changes the own password: it goes on where others end.
    pub keep_session: Option<String>,
}

/// `SELECT` of everything in [`Row`], followed by the rest of the statement.
macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "SELECT id, username, name, role, area, password_hash, made FROM users ",
            $rest
        )
    };
}
pub(super) use select_users;

#[derive(FromRow)]
pub(super) struct Row {
    id: String,
    username: String,
    name: String,
    role: String,
    area: Option<String>,
    password_hash: Option<String>,
    made: i64,
}

impl TryFrom<Row> for User {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<User> {
        Ok(User {
            id: UserId(row.id),
            username: row.username,
            name: row.name,
            role: from_word("role", &row.role)?,
            area: row.area.as_deref().map(|a| parse("area", a)).transpose()?,
            has_password: row.password_hash.is_some(),
            made: wall(row.made),
        })
    }
}

impl Store {
    pub async fn users(&self) -> Result<Vec<User>> {
        let rows: Vec<Row> = sqlx::query_as(select_users!("ORDER BY username"))
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(User::try_from).collect()
    }

    pub async fn user(&self, id: &UserId) -> Result<User> {
        let row: Option<Row> = sqlx::query_as(select_users!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_optional(self.readers())
            .await?;
        row.ok_or_else(|| not_found("user", id))?.try_into()
    }

    /// Whom this username names, with the PHC string of the password when there is one.
    pub async fn user_by_name(&self, username: &str) -> Result<Option<(User, Option<String>)>> {
        let row: Option<Row> = sqlx::query_as(select_users!("WHERE username = $1"))
            .bind(username)
            .fetch_optional(self.readers())
            .await?;
        row.map(|row| {
            let hash = row.password_hash.clone();
            Ok((row.try_into()?, hash))
        })
        .transpose()
    }

    /// Can anybody sign in?
    pub async fn has_users(&self) -> Result<bool> {
        let row: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM users WHERE password_hash IS NOT NULL LIMIT 1")
                .fetch_optional(self.readers())
                .await?;
        Ok(row.is_some())
    }

    /// `setup_token_hash`: of a link by which the new user sets a password.
    pub async fn add_user(
        &self,
        new: NewUser,
        setup_token_hash: Option<&str>,
        claim: Option<&Claim>,
    ) -> Result<User> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let id = UserId(chance::id('u'));
        insert(&mut tx, &id, &new, now).await?;
        if let Some(hash) = setup_token_hash {
            sqlx::query("INSERT INTO setup_tokens (token_hash, user_id, made) VALUES ($1, $2, $3)")
                .bind(hash)
                .bind(id.as_str())
                .bind(now.as_micros())
                .execute(&mut *tx)
                .await?;
        }
        idempotency::claim(&mut tx, claim, id.as_str(), now).await?;
        tx.commit().await?;
        Ok(User {
            id,
            username: new.username,
            name: new.name,
            role: new.role,
            area: new.area,
            has_password: new.password_hash.is_some(),
            made: now,
        })
    }

    /// A new password, role or area ends the user's sessions.
    pub async fn change_user(&self, id: &UserId, change: UserChange) -> Result<User> {
        let mut tx = self.begin().await?;
        let row: Option<Row> = sqlx::query_as(select_users!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let row = row.ok_or_else(|| not_found("user", id))?;
        let old_hash = row.password_hash.clone();
        let old = User::try_from(row)?;
        let hash = change.password_hash.or(old_hash.clone());
        let new = User {
            name: change.name.unwrap_or_else(|| old.name.clone()),
            role: change.role.unwrap_or(old.role),
            area: change.area.unwrap_or_else(|| old.area.clone()),
            has_password: hash.is_some(),
            ..old.clone()
        };
        sqlx::query(
            "UPDATE users SET name = $2, role = $3, area = $4, password_hash = $5 WHERE id = $1",
        )
        .bind(id.as_str())
        .bind(&new.name)
        .bind(word(&new.role))
        .bind(new.area.as_ref().map(AreaId::as_str))
        .bind(&hash)
        .execute(&mut *tx)
        .await
        .map_err(|error| no_such_area(error, new.area.as_ref()))?;
        if (new.role, &new.area, &hash) != (old.role, &old.area, &old_hash) {
            sessions::end_all(&mut tx, id, change.keep_session.as_deref()).await?;
        }
        must_have_administrator(&mut tx).await?;
        tx.commit().await?;
        Ok(new)
    }

    pub async fn delete_user(&self, id: &UserId) -> Result<()> {
        let mut tx = self.begin().await?;
        let done = sqlx::query("DELETE FROM users WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(not_found("user", id));
        }
        must_have_administrator(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A link for the first administrator; those given out before are worth nothing from now on.
    pub async fn replace_first_setup_token(&self, token_hash: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM setup_tokens WHERE user_id IS NULL")
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO setup_tokens (token_hash, user_id, made) VALUES ($1, NULL, $2)")
            .bind(token_hash)
            .bind(self.now().as_micros())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// A link for this user; those given out before are worth nothing from now on.
    pub async fn replace_setup_token(&self, user: &UserId, token_hash: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM setup_tokens WHERE user_id = $1")
            .bind(user.as_str())
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO setup_tokens (token_hash, user_id, made) VALUES ($1, $2, $3)")
            .bind(token_hash)
            .bind(user.as_str())
            .bind(self.now().as_micros())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Is there such a link? Whether it may be used, [`Store::use_setup_token`] says.
    pub async fn is_setup_token(&self, token_hash: &str) -> Result<bool> {
        let row: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM setup_tokens WHERE token_hash = $1 AND made > $2")
                .bind(token_hash)
                .bind(self.now().plus_s(-SETUP_LINK_S).as_micros())
                .fetch_optional(self.readers())
                .await?;
        Ok(row.is_some())
    }

    /// Uses up a link: sets its user's password, or makes the first administrator under `username`.
    /// [`StoreError::NotFound`] when it is none, was used, or is too old.
    pub async fn use_setup_token(
        &self,
        token_hash: &str,
        username: &str,
        password_hash: &str,
    ) -> Result<User> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let found: Option<Option<String>> = sqlx::query_scalar(
            "SELECT user_id FROM setup_tokens WHERE token_hash = $1 AND made > $2",
        )
        .bind(token_hash)
        .bind(now.plus_s(-SETUP_LINK_S).as_micros())
        .fetch_optional(&mut *tx)
        .await?;
        let user_id = found.ok_or_else(|| not_found("setup link", ""))?;
        sqlx::query("DELETE FROM setup_tokens WHERE token_hash = $1")
            .bind(token_hash)
            .execute(&mut *tx)
            .await?;
        let id = match user_id {
            Some(id) => {
                let named: Option<String> =
                    sqlx::query_scalar("SELECT username FROM users WHERE id = $1")
                        .bind(&id)
                        .fetch_optional(&mut *tx)
                        .await?;
                // The link is for one person: another name with it is a mistake, or somebody else.
                if named.as_deref() != Some(username) {
                    return Err(not_found("setup link", ""));
                }
                sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
                    .bind(&id)
                    .bind(password_hash)
                    .execute(&mut *tx)
                    .await?;
                for left in [
                    "DELETE FROM sessions WHERE user_id = $1",
                    "DELETE FROM setup_tokens WHERE user_id = $1",
                ] {
                    sqlx::query(left).bind(&id).execute(&mut *tx).await?;
                }
                UserId(id)
            }
            None => {
                let somebody: Option<i64> = sqlx::query_scalar(
                    "SELECT 1 FROM users WHERE password_hash IS NOT NULL LIMIT 1",
                )
                .fetch_optional(&mut *tx)
                .await?;
                // The first one is here already (made at the command line).
                if somebody.is_some() {
                    return Err(not_found("setup link", ""));
                }
                let id = UserId(chance::id('u'));
                let first = NewUser {
                    username: username.to_owned(),
                    name: username.to_owned(),
                    role: Role::Administrator,
                    area: None,
                    password_hash: Some(password_hash.to_owned()),
                };
                insert(&mut tx, &id, &first, now).await?;
                id
            }
        };
        let row: Row = sqlx::query_as(select_users!("WHERE id = $1"))
            .bind(id.as_str())
            .fetch_one(&mut *tx)
            .await?;
        act::by(id.as_str(), None);
        tx.commit().await?;
        row.try_into()
    }
}

async fn insert(
    db: &mut sqlx::SqliteConnection,
    id: &UserId,
    new: &NewUser,
    now: WallTime,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO users (id, username, name, role, area, password_hash, made) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id.as_str())
    .bind(&new.username)
    .bind(&new.name)
    .bind(word(&new.role))
    .bind(new.area.as_ref().map(AreaId::as_str))
    .bind(&new.password_hash)
    .bind(now.as_micros())
    .execute(db)
    .await
    .map_err(|error| match &error {
        sqlx::Error::Database(of) if of.is_foreign_key_violation() => {
            no_such_area(error, new.area.as_ref())
        }
        _ => taken("user", &new.username)(error),
    })?;
    Ok(())
}

/// The only thing a user refers to is an area.
fn no_such_area(error: sqlx::Error, area: Option<&AreaId>) -> StoreError {
    match (&error, area) {
        (sqlx::Error::Database(of), Some(area)) if of.is_foreign_key_violation() => {
            not_found("area", area)
        }
        _ => error.into(),
    }
}

/// Somebody must be able to arrange everything.
async fn must_have_administrator(db: &mut sqlx::SqliteConnection) -> Result<()> {
    let row: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM users WHERE role = 'administrator' AND area IS NULL AND password_hash IS NOT NULL",
    )
    .fetch_optional(db)
    .await?;
    row.map(|_| ()).ok_or(StoreError::LastAdministrator)
}
