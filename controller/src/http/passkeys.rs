//! My passkeys.

use axum::{Json, extract::State, http::StatusCode};
use loa_protocol::passkey::{self, Expected};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, name},
    guard::Signed,
    instant::Instant,
    webauthn,
};
use crate::{
    auth::{Holder, Purpose, recovery},
    store::{NewPasskey, Passkey},
};

#[derive(Serialize, ToSchema)]
pub struct PasskeyView {
    #[schema(example = "k0123456789abcdef")]
    pub id: String,
    /// As I call it.
    pub name: String,
    pub made: Instant,
    pub used: Option<Instant>,
}

impl From<Passkey> for PasskeyView {
    fn from(passkey: Passkey) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name,
            made: passkey.made.into(),
            used: passkey.used.map(Instant),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Passkeys {
    /// The oldest first.
    pub passkeys: Vec<PasskeyView>,
}

/// For `navigator.credentials.create`, with ES256 (-7), `residentKey: "required"`, `userVerification: "required"` and
/// `attestation: "none"`. All bytes are base64url without padding.
#[derive(Serialize, ToSchema)]
pub struct NewPasskeyChallenge {
    pub challenge: String,
    pub relying_party: String,
    pub user_handle: String,
    pub username: String,
    /// Credentials that I have here already.
    pub exclude: Vec<String>,
    pub expires: Instant,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskeyBody {
    /// As I call it.
    #[schema(example = "Điện thoại của tôi")]
    pub name: String,
    pub attestation_object: String,
    pub client_data: String,
}

#[derive(Serialize, ToSchema)]
pub struct NewPasskeyView {
    #[serde(flatten)]
    pub passkey: PasskeyView,
    /// Of somebody who had no second factor before: the way back in when this one is lost. Shown once, each good for once.
    pub recovery_codes: Vec<String>,
}

#[utoipa::path(get, path = "/me/passkeys", tag = "session",
    responses((status = 200, body = Passkeys), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Json<Passkeys>, ApiError> {
    let passkeys = state.store.passkeys(&signed.user.id).await?;
    Ok(Json(Passkeys {
        passkeys: passkeys.into_iter().map(PasskeyView::from).collect(),
    }))
}

/// What a new passkey is made with. Asks for a fresh proof.
#[utoipa::path(post, path = "/me/passkeys/challenge", tag = "session",
    responses((status = 200, body = NewPasskeyChallenge), (status = "default", body = ErrorEnvelope)))]
pub async fn challenge(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Json<NewPasskeyChallenge>, ApiError> {
    signed.must_be_fresh(&state)?;
    let passkeys = state.store.passkeys(&signed.user.id).await?;
    let challenge = state.challenges.issue(
        Purpose::Register,
        Holder::Session(signed.session.id),
        Some(signed.user.id.clone()),
        state.clock.mono_us(),
    );
    let expires = state.clock.now().plus_s(crate::auth::CHALLENGE_S as i64);
    Ok(Json(NewPasskeyChallenge {
        challenge: webauthn::write(&challenge),
        relying_party: state.config.relying_party(),
        user_handle: webauthn::write(signed.user.id.as_str().as_bytes()),
        username: signed.user.username,
        exclude: passkeys
            .iter()
            .map(|passkey| webauthn::write(&passkey.credential))
            .collect(),
        expires: expires.into(),
    }))
}

/// A new passkey of mine. Asks for a fresh proof; ends my other sessions.
#[utoipa::path(post, path = "/me/passkeys", tag = "session", request_body = NewPasskeyBody,
    responses((status = 201, body = NewPasskeyView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    body: Body<NewPasskeyBody>,
) -> Result<(StatusCode, Json<NewPasskeyView>), ApiError> {
    signed.must_be_fresh(&state)?;
    let asked = body.value;
    let called = name(&asked.name)?;
    let client_data = webauthn::read(&asked.client_data)?;
    let attestation = webauthn::read(&asked.attestation_object)?;
    let session = Some(signed.session.id.as_str());
    let (challenge, _) = webauthn::answered(&state, &client_data, Purpose::Register, session)?;
    let expected = Expected {
        challenge: &challenge,
        relying_party: &state.config.relying_party(),
    };
    let made = passkey::register(&attestation, &client_data, expected)?;
    let (shown, codes) = match signed.factors.any() {
        true => (Vec::new(), None),
        false => {
            let (shown, codes) = recovery::make().await;
            (shown, Some(codes))
        }
    };
    let new = NewPasskey {
        user: signed.user.id.clone(),
        name: called,
        credential: made.credential,
        key: made.key,
        counter: made.counter,
    };
    let kept = state
        .store
        .add_passkey(new, codes, &signed.session.id)
        .await?;
    tracing::info!(by = %signed.user.username, passkey = %kept.id, "passkey added");
    let view = NewPasskeyView {
        passkey: kept.into(),
        recovery_codes: shown,
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Take a passkey of mine away. Asks for a fresh proof; ends my other sessions.
#[utoipa::path(delete, path = "/me/passkeys/{id}", tag = "session", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<String>,
) -> Result<StatusCode, ApiError> {
    signed.must_be_fresh(&state)?;
    state
        .store
        .delete_passkey(&signed.user.id, &id, &signed.session.id)
        .await?;
    tracing::info!(by = %signed.user.username, passkey = %id, "passkey removed");
    Ok(StatusCode::NO_CONTENT)
}
