//! Where I am signed in, and signing out there.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::Id,
    guard::Signed,
    instant::Instant,
};

#[derive(Serialize, ToSchema)]
pub struct OpenSession {
    /// Names it; it opens nothing.
    #[schema(example = "s0123456789abcdef")]
    pub id: String,
    pub made: Instant,
    /// To about an hour.
    pub used: Instant,
    /// Where it was opened from; `null` where that is not known.
    pub address: Option<String>,
    /// The browser or program.
    #[schema(example = "Chrome, Android")]
    pub program: Option<String>,
    /// The one that asks.
    pub current: bool,
}

#[derive(Serialize, ToSchema)]
pub struct OpenSessions {
    /// The last used first.
    pub sessions: Vec<OpenSession>,
}

#[utoipa::path(get, path = "/me/sessions", tag = "session",
    responses((status = 200, body = OpenSessions), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Json<OpenSessions>, ApiError> {
    let sessions = state.store.sessions(&signed.user.id).await?;
    let views = sessions.into_iter().map(|session| OpenSession {
        current: session.id == signed.session.id,
        id: session.id,
        made: session.made.into(),
        used: session.used.into(),
        address: session.address,
        program: session.program,
    });
    Ok(Json(OpenSessions {
        sessions: views.collect(),
    }))
}

/// Sign out there. Asks for no proof: a lost phone cannot wait.
#[utoipa::path(delete, path = "/me/sessions/{id}", tag = "session", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn end(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<String>,
) -> Result<StatusCode, ApiError> {
    match state.store.end_session_of(&signed.user.id, &id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found("session", id)),
    }
}

/// Sign out everywhere else.
#[utoipa::path(delete, path = "/me/sessions", tag = "session",
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn end_others(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<StatusCode, ApiError> {
    let here = Some(signed.session.id.as_str());
    state.store.end_sessions(&signed.user.id, here).await?;
    Ok(StatusCode::NO_CONTENT)
}
