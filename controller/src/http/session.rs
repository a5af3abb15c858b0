//! Signing in and out. A browser gets a cookie that no script can read, a program the same token in the answer.

use std::net::IpAddr;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    AppState,
    caller::{Caller, SessionView, cookie, open},
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    guard::Signed,
    identity::{self, Verdict},
    messages::Code,
};
use crate::{auth::Asker, store::UserId};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub username: String,
    #[schema(format = Password)]
    pub password: String,
    /// Six digits from an authenticator program, or a recovery code; each is taken once. Who has either needs it.
    pub code: Option<String>,
}

/// Sign in.
///
/// `second_factor_needed` (with `methods`: `totp`, `passkey`, `recovery_code`): the password is right, and this person has
/// more than that; send it again with a `code`, or sign in with the passkey. Wrong guesses for one name from one address get
/// slower: `too_many_guesses` says how long to wait.
#[utoipa::path(post, path = "/session", tag = "session", security(()), request_body = Credentials,
    responses((status = 201, body = SessionView), (status = "default", body = ErrorEnvelope)))]
pub async fn sign_in(
    State(state): State<AppState>,
    caller: Caller,
    body: Body<Credentials>,
) -> Result<Response, ApiError> {
    let Credentials {
        username,
        password,
        code,
    } = body.value;
    if username.len() > 64 {
        return Err(Code::WrongCredentials.into());
    }
    state
        .throttle
        .guess(&username, caller.address, state.clock.mono_us())
        .map_err(ApiError::too_many_guesses)?;
    match identity::judge(
        &state,
        &username,
        password,
        code.as_deref(),
        Asker::Stranger,
    )
    .await?
    {
        Verdict::Right(user) => {
            state.throttle.right(&username, caller.address);
            open(&state, user, caller).await
        }
        // Counted as a guess, so that no password is found out by the way it is refused.
        Verdict::MoreNeeded(factors) => Err(ApiError::new(Code::SecondFactorNeeded)
            .with_list("methods", identity::second_methods(factors))),
        Verdict::Wrong => {
            let known = state.store.user_by_name(&username).await?;
            note_failure(&state, known.map(|(user, _)| user.id), caller.address).await;
            Err(Code::WrongCredentials.into())
        }
    }
}

/// Into the audit log. That it cannot be written there keeps nobody from trying again.
pub async fn note_failure(state: &AppState, user: Option<UserId>, address: Option<IpAddr>) {
    let now_us = state.clock.mono_us();
    if let Some(act) = state.failures.failed(user.as_ref(), address, now_us)
        && let Err(error) = state.store.note(&act).await
    {
        tracing::warn!(%error, "a sign-in that failed was not written down");
    }
}

/// Sign out.
#[utoipa::path(delete, path = "/session", tag = "session",
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn sign_out(State(state): State<AppState>, signed: Signed) -> Result<Response, ApiError> {
    state.store.end_session(&signed.token_hash).await?;
    let gone = cookie(&state.config, "", 0)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}
