//! The one-time link: whoever holds it sets a password, and is signed in.

use axum::{extract::State, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    messages::Code,
    session::{self, SessionView},
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

/// Set a password by a one-time link.
#[utoipa::path(post, path = "/setup", tag = "session", security(()), request_body = SetUp,
    responses((status = 201, body = SessionView), (status = "default", body = ErrorEnvelope)))]
pub async fn set_up(
    State(state): State<AppState>,
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
    session::open(&state, user).await
}
