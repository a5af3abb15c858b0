//! Signing in and out. A browser gets a cookie that no script can read, a program the same token in the answer.

use std::net::IpAddr;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    guard::{Address, COOKIE, Signed},
    instant::Instant,
    messages::Code,
    users::UserView,
};
use crate::{
    auth::{self, MAX_PASSWORD_BYTES},
    chance,
    logic::{
        approval::Ask,
        permissions::{Action, may},
    },
    store::{SESSION_LIFE_S, User, UserId},
};
use loa_protocol::{bulletin::Priority, id::AreaId};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub username: String,
    #[schema(format = Password)]
    pub password: String,
}

#[derive(Serialize, ToSchema)]
pub struct SessionView {
    /// For `Authorization: Bearer`.
    pub token: String,
    /// Moves on with every use.
    pub expires: Instant,
    pub user: UserView,
}

/// Sign in.
///
/// Wrong guesses for one name from one address get slower: `too_many_guesses` says how long to wait.
#[utoipa::path(post, path = "/session", tag = "session", security(()), request_body = Credentials,
    responses((status = 201, body = SessionView), (status = "default", body = ErrorEnvelope)))]
pub async fn sign_in(
    State(state): State<AppState>,
    Address(address): Address,
    body: Body<Credentials>,
) -> Result<Response, ApiError> {
    let Credentials { username, password } = body.value;
    // Nobody has such a name or password, and hashing takes time by their length.
    if username.len() > 64 || password.len() > MAX_PASSWORD_BYTES {
        return Err(Code::WrongCredentials.into());
    }
    if let Err(wait_s) = state
        .throttle
        .guess(&username, address, state.clock.mono_us())
    {
        return Err(ApiError {
            retry_after_s: Some(wait_s),
            ..ApiError::new(Code::TooManyGuesses).with("wait_s", wait_s)
        });
    }
    let (user, phc) = state.store.user_by_name(&username).await?.unzip();
    let fits = auth::verify_password(password, phc.flatten()).await?;
    let known = user.as_ref().map(|user| user.id.clone());
    match user.filter(|_| fits) {
        Some(user) => {
            state.throttle.right(&username, address);
            open(&state, user).await
        }
        None => {
            note_failure(&state, known.as_ref(), address).await;
            Err(Code::WrongCredentials.into())
        }
    }
}

/// Into the audit log. That it cannot be written there does not keep anybody from trying again.
pub async fn note_failure(state: &AppState, user: Option<&UserId>, address: Option<IpAddr>) {
    let act = state.failures.failed(user, address, state.clock.mono_us());
    if let Some(act) = act
        && let Err(error) = state.store.note(&act).await
    {
        tracing::warn!(%error, "a sign-in that failed was not written down");
    }
}

/// A new session for this user, as cookie and token.
pub async fn open(state: &AppState, user: User) -> Result<Response, ApiError> {
    let token = chance::token();
    state
        .store
        .add_session(&auth::token_hash(&token), &user.id)
        .await?;
    let cookie = cookie(state, &token, SESSION_LIFE_S)?;
    let view = SessionView {
        token,
        expires: Instant(state.clock.now().plus_s(SESSION_LIFE_S)),
        user: user.into(),
    };
    Ok((
        StatusCode::CREATED,
        [(header::SET_COOKIE, cookie)],
        Json(view),
    )
        .into_response())
}

fn cookie(state: &AppState, token: &str, life_s: i64) -> Result<HeaderValue, ApiError> {
    let https = state
        .config
        .server
        .public_url
        .as_ref()
        .is_some_and(|url| url.starts_with("https://"));
    let secure = if https { "; Secure" } else { "" };
    HeaderValue::try_from(format!(
        "{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={life_s}{secure}"
    ))
    .map_err(|error| ApiError::internal(&error))
}

/// Sign out.
#[utoipa::path(delete, path = "/session", tag = "session",
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn sign_out(State(state): State<AppState>, signed: Signed) -> Result<Response, ApiError> {
    state.store.end_session(&signed.token_hash).await?;
    let gone = cookie(&state, "", 0)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

#[derive(Serialize, ToSchema)]
pub struct MeView {
    pub user: UserView,
    pub rights: Rights,
}

/// What this person may do in the own area and below.
#[derive(Serialize, ToSchema)]
pub struct Rights {
    /// Priorities that this person may speak with.
    pub speak: Vec<Priority>,
    /// What this person may approve that others made.
    pub approve: Vec<Ask>,
    /// Stop, mute.
    pub silence: bool,
    /// Change speakers and groups.
    pub arrange: bool,
    /// Add and remove areas and speakers.
    pub build: bool,
    /// Add and remove people.
    pub govern: bool,
}

/// Who am I, and what may I do?
#[utoipa::path(get, path = "/me", tag = "session",
    responses((status = 200, body = MeView), (status = "default", body = ErrorEnvelope)))]
pub async fn me(signed: Signed) -> Json<MeView> {
    let own: Vec<AreaId> = signed.actor.area.iter().cloned().collect();
    let can = |action| may(&signed.actor, action, &own);
    let priorities = [Priority::Ordinary, Priority::Priority, Priority::Emergency];
    let rights = Rights {
        speak: priorities
            .into_iter()
            .filter(|p| can(Action::Speak(*p)))
            .collect(),
        approve: Ask::ALL
            .into_iter()
            .filter(|ask| can(Action::Approve(*ask)))
            .collect(),
        silence: can(Action::Silence),
        arrange: can(Action::Arrange),
        build: can(Action::Build),
        govern: can(Action::Govern),
    };
    Json(MeView {
        user: signed.user.into(),
        rights,
    })
}
