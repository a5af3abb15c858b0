//! From where somebody signs in, as it is shown to that person later; and what makes a signed-in answer.

use std::net::IpAddr;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState,
    error::ApiError,
    guard::{Address, cookie_name, cookie_of},
    instant::Instant,
    users::UserView,
};
use crate::{
    auth::{Holder, token_hash},
    chance,
    config::Config,
    logic::program::program,
    store::{NewSession, SESSION_MOST_S, User},
};

/// Who is at the other end, before anybody is signed in.
#[derive(Clone, Debug)]
pub struct Caller {
    pub address: Option<IpAddr>,
    program: Option<String>,
    /// Of the session's cookie that the browser still has.
    before: Option<String>,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Self, std::convert::Infallible> {
        let Address(address) = Address::from_request_parts(parts, state).await?;
        Ok(Self {
            address,
            program: program_of(&parts.headers),
            before: cookie_of(&parts.headers, cookie_name(&state.config)).map(token_hash),
        })
    }
}

fn program_of(headers: &HeaderMap) -> Option<String> {
    program(headers.get(header::USER_AGENT)?.to_str().ok()?)
}

impl Caller {
    pub fn holder(&self) -> Holder {
        Holder::Stranger(self.address)
    }
}

#[derive(Serialize, ToSchema)]
pub struct SessionView {
    /// For `Authorization: Bearer`.
    pub token: String,
    /// Moves on with every use, up to 90 days after signing in.
    pub expires: Instant,
    pub user: UserView,
}

/// A new session for this user, as cookie and token. What the browser was signed in with before ends.
pub async fn open(state: &AppState, user: User, caller: Caller) -> Result<Response, ApiError> {
    let token = chance::token();
    let new = NewSession {
        token_hash: token_hash(&token),
        address: caller.address.map(|address| address.to_string()),
        program: caller.program,
    };
    let session = state.store.add_session(&user.id, new).await?;
    if let Some(before) = &caller.before {
        state.store.end_session(before).await?;
    }
    tracing::info!(by = %user.username, session = %session.id, "signed in");
    let cookie = cookie(&state.config, &token, SESSION_MOST_S)?;
    let view = SessionView {
        token,
        expires: session.expires.into(),
        user: user.into(),
    };
    Ok((
        StatusCode::CREATED,
        [(header::SET_COOKIE, cookie)],
        Json(view),
    )
        .into_response())
}

/// The session's cookie, which no script reads and no other site's page sends.
pub fn cookie(config: &Config, token: &str, life_s: i64) -> Result<HeaderValue, ApiError> {
    let name = cookie_name(config);
    let secure = if config.is_https() { "; Secure" } else { "" };
    HeaderValue::try_from(format!(
        "{name}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={life_s}{secure}"
    ))
    .map_err(|error| ApiError::internal(&error))
}
