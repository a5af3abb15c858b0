//! Helping somebody who lost a phone: take away passkeys and codes, sign out everywhere.

use axum::{extract::State, http::StatusCode};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::Id,
    guard::Signed,
    users::load,
};
use crate::store::UserId;

/// Take away a person's passkeys, codes and recovery codes: the password alone is enough again. Ends all the person's
/// sessions. Asks for a fresh proof.
#[utoipa::path(delete, path = "/users/{id}/second_factors", tag = "users", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn reset_factors(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<String>,
) -> Result<StatusCode, ApiError> {
    let user = load(&state, &signed, &UserId::new(id)).await?;
    signed.must_be_fresh(&state)?;
    state.store.reset_factors(&user.id).await?;
    tracing::warn!(by = %signed.user.username, of = %user.username, "second factors taken away");
    Ok(StatusCode::NO_CONTENT)
}

/// Sign a person out everywhere. Asks for a fresh proof.
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "users", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn end_sessions(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<String>,
) -> Result<StatusCode, ApiError> {
    let user = load(&state, &signed, &UserId::new(id)).await?;
    signed.must_be_fresh(&state)?;
    state.store.end_sessions(&user.id, None).await?;
    tracing::info!(by = %signed.user.username, of = %user.username, "signed out everywhere");
    Ok(StatusCode::NO_CONTENT)
}
