//! Is this the person? Password, and whatever else that person has. The same for signing in and for a fresh proof.

use super::{AppState, error::ApiError};
use crate::{
    auth::{self, Asker, MAX_PASSWORD_BYTES, recovery, totp},
    store::{Factors, User, UserId},
};

/// Longest code that anybody types, in bytes.
const MAX_CODE: usize = 64;

/// What a password, and perhaps a code, are worth.
#[derive(Debug)]
pub enum Verdict {
    Right(User),
    /// Which of the two it was, nobody is told.
    Wrong,
    /// The password is right, but this person has more.
    MoreNeeded(Factors),
}

/// Takes as long for a name that nobody has.
pub async fn judge(
    state: &AppState,
    username: &str,
    mut password: String,
    code: Option<&str>,
    asker: Asker,
) -> Result<Verdict, ApiError> {
    // Nobody has such a name or password, and hashing takes time by their length.
    if username.len() > 64 {
        return Ok(Verdict::Wrong);
    }
    let (user, phc) = state.store.user_by_name(username).await?.unzip();
    if password.len() > MAX_PASSWORD_BYTES {
        // Nobody has this one either.
        password.clear();
    }
    let fits = auth::verify_password(password, phc.flatten(), asker).await?;
    let Some(user) = user else {
        // What was typed is not logged: people type their password into the wrong field.
        tracing::info!("a sign-in under a name that nobody has");
        return Ok(Verdict::Wrong);
    };
    if !fits {
        tracing::info!(by = %user.username, "wrong password");
        return Ok(Verdict::Wrong);
    }
    let factors = state.store.factors(&user.id).await?;
    if !factors.any() {
        return Ok(Verdict::Right(user));
    }
    match code.map(str::trim).filter(|code| !code.is_empty()) {
        None => Ok(Verdict::MoreNeeded(factors)),
        Some(code) if takes_code(state, &user.id, code).await? => Ok(Verdict::Right(user)),
        Some(_) => {
            // Whoever guesses codes knows the password already.
            tracing::warn!(by = %user.username, "right password, wrong code");
            Ok(Verdict::Wrong)
        }
    }
}

/// Uses up the code: six digits from the phone, or a recovery code from paper.
async fn takes_code(state: &AppState, user: &UserId, code: &str) -> Result<bool, ApiError> {
    if code.len() > MAX_CODE {
        return Ok(false);
    }
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(secret) = state.store.totp(user).await?
        && let Some(step) = totp::step(&secret, &digits, state.clock.now())
    {
        return Ok(state.store.use_totp(user, step).await?);
    }
    let Some(code) = recovery::read(code) else {
        return Ok(false);
    };
    let Some(salt) = state.store.recovery_salt(user).await? else {
        return Ok(false);
    };
    let hash = recovery::hash(code, salt).await;
    let used = state.store.use_recovery_code(user, &hash).await?;
    if used {
        tracing::info!(user = %user, "a recovery code was used");
    }
    Ok(used)
}

/// By what a sign-in can go on that had the right password.
pub fn second_methods(factors: Factors) -> Vec<&'static str> {
    let mut methods = Vec::new();
    if factors.totp {
        methods.push("totp");
    }
    if factors.passkeys > 0 {
        methods.push("passkey");
    }
    if factors.recovery_codes > 0 {
        methods.push("recovery_code");
    }
    methods
}

/// By what somebody who is signed in can show anew who it is. With `totp` or `recovery_code` the password takes a code too.
pub fn proof_methods(factors: Factors) -> Vec<&'static str> {
    let mut methods = second_methods(factors);
    if !factors.any() || factors.totp || factors.recovery_codes > 0 {
        methods.insert(0, "password");
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_more_than_a_password_is_asked_for_more() {
        let of = |totp, passkeys, recovery_codes| Factors {
            totp,
            passkeys,
            recovery_codes,
        };
        for (factors, second, proof) in [
            (of(false, 0, 0), vec![], vec!["password"]),
            (
                of(true, 0, 10),
                vec!["totp", "recovery_code"],
                vec!["password", "totp", "recovery_code"],
            ),
            (
                of(true, 1, 0),
                vec!["totp", "passkey"],
                vec!["password", "totp", "passkey"],
            ),
            (of(false, 2, 0), vec!["passkey"], vec!["passkey"]),
            (
                of(false, 2, 3),
                vec!["passkey", "recovery_code"],
                vec!["password", "passkey", "recovery_code"],
            ),
        ] {
            assert_eq!(second_methods(factors), second);
            assert_eq!(proof_methods(factors), proof);
        }
    }
}
