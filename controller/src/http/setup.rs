//! The one-time link: whoever holds it sets a password, and is signed in where a password is enough.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    AppState,
    caller::{Caller, SessionView, open},
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    messages::Code,
    users::check_username,
};
use crate::{
    auth::{self, check_password},
    store::StoreError,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    /// From the link.
    pub token: String,
    /// The first administrator chooses one; anybody else gives the own.
    pub username: String,
    #[schema(format = Password, min_length = 8)]
    pub password: String,
}

/// Set a password by a one-time link, at most 7 days old. 204: it is set, and this person has passkeys or codes, so signs in
/// with those.
#[utoipa::path(post, path = "/setup", tag = "session", security(()), request_body = SetUp,
    responses((status = 201, body = SessionView), (status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn set_up(
    State(state): State<AppState>,
    caller: Caller,
    body: Body<SetUp>,
) -> Result<Response, ApiError> {
    let SetUp {
        token,
        username,
        password,
    } = body.value;
    check_username(&username)?;
    check_password(&username, &password)?;
    let link = auth::token_hash(&token);
    // Hashing is work: not for whoever has no link.
    if !state.store.is_setup_token(&link).await? {
        return Err(Code::SetupLinkInvalid.into());
    }
    let hash = auth::hash_password(password).await;
    let user = state
        .store
        .use_setup_token(&link, &username, &hash)
        .await
        .map_err(|error| match error {
            StoreError::NotFound { .. } => Code::SetupLinkInvalid.into(),
            error => ApiError::from(error),
        })?;
    // A link found in somebody's mail is no way around what only that person has.
    if state.store.factors(&user.id).await?.any() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    open(&state, user, caller).await
}
