//! Signing in with a passkey, which is enough by itself: it is something one has, and the phone asks who holds it.

use axum::{Json, extract::State, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    caller::{Caller, SessionView, open},
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    instant::Instant,
    messages::Code,
    session::note_failure,
    webauthn::{self, AssertionBody},
};
use crate::{
    auth::{CHALLENGE_S, Holder, Purpose},
    store::{StoreError, UserId},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeBody {
    /// Without it any passkey that the phone knows for this office may answer.
    pub username: Option<String>,
}

/// For `navigator.credentials.get`, with `userVerification: "required"`. All bytes are base64url without padding.
#[derive(Serialize, ToSchema)]
pub struct ChallengeView {
    pub challenge: String,
    #[schema(example = "loa.example.vn")]
    pub relying_party: String,
    /// Any of these may sign; empty: whatever the phone knows.
    pub allow: Vec<Allowed>,
    pub expires: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct Allowed {
    pub credential: String,
}

pub fn challenge_of(
    state: &AppState,
    purpose: Purpose,
    holder: Holder,
    user: Option<UserId>,
    credentials: Vec<Vec<u8>>,
) -> ChallengeView {
    let now_us = state.clock.mono_us();
    let challenge = state.challenges.issue(purpose, holder, user, now_us);
    let allow = credentials.iter().map(|credential| Allowed {
        credential: webauthn::write(credential),
    });
    ChallengeView {
        challenge: webauthn::write(&challenge),
        relying_party: state.config.relying_party(),
        allow: allow.collect(),
        expires: state.clock.now().plus_s(CHALLENGE_S as i64).into(),
    }
}

/// What a passkey is to sign so that it signs somebody in.
#[utoipa::path(post, path = "/session/passkey_challenge", tag = "session", security(()), request_body = ChallengeBody,
    responses((status = 200, body = ChallengeView), (status = "default", body = ErrorEnvelope)))]
pub async fn challenge(
    State(state): State<AppState>,
    caller: Caller,
    body: Body<ChallengeBody>,
) -> Result<Json<ChallengeView>, ApiError> {
    let username = body.value.username;
    let username = username.filter(|name| !name.is_empty() && name.len() <= 64);
    let user = match &username {
        None => None,
        Some(name) => state
            .store
            .user_by_name(name)
            .await?
            .map(|(user, _)| user.id),
    };
    // Passkeys are made so that the phone finds them by itself: no list tells a stranger who has any.
    let credentials = Vec::new();
    Ok(Json(challenge_of(
        &state,
        Purpose::SignIn,
        caller.holder(),
        user,
        credentials,
    )))
}

/// Sign in with a passkey, and nothing else.
#[utoipa::path(post, path = "/session/passkey", tag = "session", security(()), request_body = AssertionBody,
    responses((status = 201, body = SessionView), (status = "default", body = ErrorEnvelope)))]
pub async fn sign_in(
    State(state): State<AppState>,
    caller: Caller,
    body: Body<AssertionBody>,
) -> Result<Response, ApiError> {
    let proved = webauthn::prove(&state, &body.value, Purpose::SignIn, None).await;
    if proved.is_err() {
        note_failure(&state, None, caller.address).await;
    }
    let passkey = proved?;
    let user = state
        .store
        .user(&passkey.user)
        .await
        .map_err(|error| match error {
            StoreError::NotFound { .. } => Code::PasskeyUnknown.into(),
            error => ApiError::from(error),
        })?;
    open(&state, user, caller).await
}
