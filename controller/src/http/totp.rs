//! Codes from an authenticator program on my phone.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    guard::{Address, Signed},
    messages::Code,
};
use crate::{
    auth::{recovery, totp},
    qr,
    store::StoreError,
};

/// Under this and the person's id tries are counted; no user can have it as a name.
const GUESSING: &str = "\u{0}totp ";

#[derive(Serialize, ToSchema)]
pub struct TotpView {
    /// Base32, to be typed where nothing can be scanned.
    pub secret: String,
    #[schema(example = "otpauth://totp/Loa:can-bo?secret=…&issuer=Loa")]
    pub url: String,
    /// The same as a QR code: SVG.
    pub qr: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// Six digits.
    pub code: String,
}

#[derive(Serialize, ToSchema)]
pub struct RecoveryView {
    /// To be written down: each lets in once, with the password. Those given out before are worth nothing.
    #[schema(example = json!(["7Q2XK-M4P9D"]))]
    pub recovery_codes: Vec<String>,
}

/// A new secret for an authenticator program. It counts when a code of it was given, within half an hour; until then the
/// one before it does. Asks for a fresh proof.
#[utoipa::path(post, path = "/me/totp", tag = "session",
    responses((status = 201, body = TotpView), (status = "default", body = ErrorEnvelope)))]
pub async fn begin(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<(StatusCode, Json<TotpView>), ApiError> {
    signed.must_be_fresh(&state)?;
    let secret = totp::secret();
    let drawn =
        totp::url(&secret, &signed.user.username).and_then(|url| qr::svg(&url).map(|qr| (url, qr)));
    let (url, qr) = drawn.ok_or_else(|| ApiError::internal(&"no address for this user name"))?;
    state.store.draft_totp(&signed.user.id, &secret).await?;
    Ok((StatusCode::CREATED, Json(TotpView { secret, url, qr })))
}

/// The phone shows codes. From now on signing in takes one; my other sessions end. Asks for a fresh proof.
#[utoipa::path(post, path = "/me/totp/confirm", tag = "session", request_body = ConfirmBody,
    responses((status = 200, body = RecoveryView), (status = "default", body = ErrorEnvelope)))]
pub async fn confirm(
    State(state): State<AppState>,
    signed: Signed,
    Address(address): Address,
    body: Body<ConfirmBody>,
) -> Result<Json<RecoveryView>, ApiError> {
    signed.must_be_fresh(&state)?;
    let user = &signed.user.id;
    let at = format!("{GUESSING}{user}");
    state
        .throttle
        .guess(&at, address, state.clock.mono_us())
        .map_err(ApiError::too_many_guesses)?;
    let secret = state.store.totp_draft(user).await?;
    let secret = secret.ok_or(Code::TotpNotBegun)?;
    let code = body.value.code.chars().filter(|c| !c.is_whitespace());
    let code: String = code.take(7).collect();
    let step = totp::step(&secret, &code, state.clock.now()).ok_or(Code::DigitsWrong)?;
    let (shown, codes) = recovery::make().await;
    state
        .store
        .confirm_totp(user, &secret, step, codes, &signed.session.id)
        .await
        .map_err(|error| match error {
            StoreError::NotFound { .. } => Code::TotpNotBegun.into(),
            error => ApiError::from(error),
        })?;
    state.throttle.right(&at, address);
    tracing::info!(by = %signed.user.username, "codes from a phone are asked for");
    Ok(Json(RecoveryView {
        recovery_codes: shown,
    }))
}

/// No codes any more. Asks for a fresh proof; ends my other sessions.
#[utoipa::path(delete, path = "/me/totp", tag = "session",
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(State(state): State<AppState>, signed: Signed) -> Result<StatusCode, ApiError> {
    signed.must_be_fresh(&state)?;
    state
        .store
        .delete_totp(&signed.user.id, &signed.session.id)
        .await?;
    tracing::info!(by = %signed.user.username, "no codes are asked for any more");
    Ok(StatusCode::NO_CONTENT)
}
