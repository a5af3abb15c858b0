//! A fresh proof: somebody who is signed in shows once more who it is, before something that a stolen phone must not do.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    guard::{Address, Signed},
    identity::{self, Verdict},
    instant::Instant,
    messages::Code,
    passkey_sign_in::{ChallengeView, challenge_of},
    session::note_failure,
    webauthn::{self, AssertionBody},
};
use crate::auth::{Asker, Holder, Purpose};

/// Ends all the words before it under which guesses are counted; no user can have it.
const GUESSING: &str = "\u{0}proof ";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofBody {
    #[schema(format = Password)]
    pub password: String,
    /// Six digits from an authenticator program, or a recovery code. Who has either needs it.
    pub code: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ProofView {
    /// Until then nothing asks for a proof again.
    pub proved_until: Instant,
}

/// Show once more who I am, by password (and code). Wrong: `proof_wrong`; without a code that is needed: `proof_needed`.
#[utoipa::path(post, path = "/session/proof", tag = "session", request_body = ProofBody,
    responses((status = 200, body = ProofView), (status = "default", body = ErrorEnvelope)))]
pub async fn by_password(
    State(state): State<AppState>,
    signed: Signed,
    Address(address): Address,
    body: Body<ProofBody>,
) -> Result<Json<ProofView>, ApiError> {
    let ProofBody { password, code } = body.value;
    let at = format!("{GUESSING}{}", signed.user.id);
    state
        .throttle
        .guess(&at, address, state.clock.mono_us())
        .map_err(ApiError::too_many_guesses)?;
    match identity::judge(
        &state,
        &signed.user.username,
        password,
        code.as_deref(),
        Asker::Signed,
    )
    .await?
    {
        Verdict::Right(_) => {
            state.throttle.right(&at, address);
            proved(&state, &signed).await
        }
        Verdict::MoreNeeded(factors) => {
            Err(ApiError::new(Code::ProofNeeded)
                .with_list("methods", identity::proof_methods(factors)))
        }
        Verdict::Wrong => {
            note_failure(&state, Some(signed.user.id), address).await;
            Err(Code::ProofWrong.into())
        }
    }
}

/// What my passkey is to sign for a fresh proof.
#[utoipa::path(post, path = "/session/proof/passkey_challenge", tag = "session",
    responses((status = 200, body = ChallengeView), (status = "default", body = ErrorEnvelope)))]
pub async fn challenge(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Json<ChallengeView>, ApiError> {
    let passkeys = state.store.passkeys(&signed.user.id).await?;
    let credentials = passkeys.into_iter().map(|passkey| passkey.credential);
    let holder = Holder::Session(signed.session.id);
    Ok(Json(challenge_of(
        &state,
        Purpose::Prove,
        holder,
        Some(signed.user.id),
        credentials.collect(),
    )))
}

/// Show once more who I am, by passkey.
#[utoipa::path(post, path = "/session/proof/passkey", tag = "session", request_body = AssertionBody,
    responses((status = 200, body = ProofView), (status = "default", body = ErrorEnvelope)))]
pub async fn by_passkey(
    State(state): State<AppState>,
    signed: Signed,
    body: Body<AssertionBody>,
) -> Result<Json<ProofView>, ApiError> {
    let session = Some(signed.session.id.as_str());
    webauthn::prove(&state, &body.value, Purpose::Prove, session).await?;
    proved(&state, &signed).await
}

async fn proved(state: &AppState, signed: &Signed) -> Result<Json<ProofView>, ApiError> {
    let until = state.store.prove_session(&signed.session.id).await?;
    tracing::info!(by = %signed.user.username, session = %signed.session.id, "proved anew");
    Ok(Json(ProofView {
        proved_until: until.into(),
    }))
}
