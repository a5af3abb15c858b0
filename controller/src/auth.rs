//! Passwords, tokens, and how often one may guess.
//!
//! Passwords are argon2id, hashed on threads of their own, at most `HASHERS` at a time (each takes 19 MiB). Tokens are 256
//! random bits, of which the SHA-256 is kept. There is no default password: the first start gives out a one-time link.

mod challenges;
mod common;
mod failures;
pub mod recovery;
mod throttle;
pub mod totp;

use std::sync::LazyLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use loa_protocol::content::Sha;
use tokio::{sync::Semaphore, task};

use crate::{
    chance,
    store::{NewUser, Store, StoreError, User},
};

pub use challenges::{CHALLENGE_S, Challenges, Holder, Purpose};
pub use failures::Failures;
pub use throttle::Throttle;

/// Shortest password, in characters; length is what counts.
pub const MIN_PASSWORD: usize = 8;
/// Longest password, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 256;
const HASHERS: usize = 2;
static HASHING: Semaphore = Semaphore::const_new(HASHERS);
/// Sign-ins that may wait for their turn; one more is told to come back, so that guessing cannot pile up.
const WAITING: usize = 64;
static SIGNING_IN: Semaphore = Semaphore::const_new(WAITING);
/// Who is signed in and shows again who it is waits behind no crowd of strangers: an alarm may hang on it.
static PROVING: Semaphore = Semaphore::const_new(WAITING);
static PROVED: Semaphore = Semaphore::const_new(1);

/// Whose password it is that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Somebody who wants to come in.
    Stranger,
    /// Somebody who is in.
    Signed,
}

/// Why a password was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("a password has at least {MIN_PASSWORD} characters")]
    TooShort,
    #[error("a password has at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    #[error("the password is the user's name: choose another")]
    SameAsName,
    #[error("the password is one of those that are tried first: choose another")]
    Common,
}

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("too many people are signing in at this moment: try again in some seconds")]
    Busy,
}

/// What is kept of a token.
pub fn token_hash(token: &str) -> String {
    Sha::of(token.as_bytes()).to_string()
}

pub fn check_password(username: &str, password: &str) -> Result<(), PasswordError> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(PasswordError::TooShort);
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(PasswordError::TooLong);
    }
    if password.eq_ignore_ascii_case(username) {
        return Err(PasswordError::SameAsName);
    }
    if common::is_common(password) {
        return Err(PasswordError::Common);
    }
    Ok(())
}

/// A PHC string of argon2id with a fresh salt.
pub async fn hash_password(password: String) -> String {
    on_a_hasher(move || hash(&password)).await
}

/// Does this work when it is its turn, where it holds up nobody else.
async fn on_a_hasher<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _turn = HASHING.acquire().await;
    task::spawn_blocking(work)
        .await
        .expect("hashing does not panic and is not aborted")
}

fn hash(password: &str) -> String {
    let hashed: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &chance::bytes::<16>())
        .expect(
            "the default parameters, a salt of 16 bytes and any password below 4 GiB are allowed",
        );
    hashed.to_string()
}

/// Takes as long when there is no `phc` to compare with, so that time tells nobody which users exist.
pub async fn verify_password(
    password: String,
    phc: Option<String>,
    asker: Asker,
) -> Result<bool, AuthError> {
    static NOBODY: LazyLock<String> = LazyLock::new(|| hash(&chance::token()));
    let (places, turns) = match asker {
        Asker::Stranger => (&SIGNING_IN, &HASHING),
        Asker::Signed => (&PROVING, &PROVED),
    };
    let _place = places.try_acquire().map_err(|_| AuthError::Busy)?;
    let _turn = turns.acquire().await;
    let verified = task::spawn_blocking(move || {
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| NOBODY.clone());
        let fits = Argon2::default()
            .verify_password(password.as_bytes(), phc.as_str())
            .is_ok();
        fits && known
    })
    .await;
    Ok(verified.unwrap_or(false))
}

/// When nobody can sign in yet: a link, valid for a week, until it is used or the next start, by which the first administrator sets
/// a name and a password. `base_url` is where people reach the office, without a slash at its end.
pub async fn first_link(store: &Store, base_url: &str) -> Result<Option<String>, StoreError> {
    if store.has_users().await? {
        return Ok(None);
    }
    let token = chance::token();
    store.replace_first_setup_token(&token_hash(&token)).await?;
    Ok(Some(format!(
        "{}/setup?token={token}",
        base_url.trim_end_matches('/')
    )))
}

/// Adds a user with a password, or without one and with a link's token to set it (returned).
pub async fn add_user(
    store: &Store,
    mut new: NewUser,
    password: Option<String>,
    claim: Option<&crate::store::Claim>,
) -> Result<(User, Option<String>), AuthError> {
    match password {
        Some(password) => {
            check_password(&new.username, &password)?;
            new.password_hash = Some(hash_password(password).await);
            Ok((store.add_user(new, None, claim).await?, None))
        }
        None => {
            let token = chance::token();
            let user = store
                .add_user(new, Some(&token_hash(&token)), claim)
                .await?;
            Ok((user, Some(token)))
        }
    }
}
