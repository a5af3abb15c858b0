//! What browsers send of passkeys: base64url without padding, as they write it themselves.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use loa_protocol::{
    endorsement::Assertion,
    passkey::{self, Expected, MAX_CREDENTIAL, PasskeyError},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AppState, error::ApiError, messages::Code};
use crate::{
    auth::Purpose,
    store::{Passkey, UserId},
};

/// One WebAuthn assertion; all base64url without padding.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssertionBody {
    pub credential: String,
    pub authenticator_data: String,
    pub client_data: String,
    /// ECDSA, ASN.1 DER.
    pub signature: String,
}

pub fn write(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn read(text: &str) -> Result<Vec<u8>, ApiError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| PasskeyError::Form.into())
}

impl AssertionBody {
    pub fn read(&self) -> Result<Assertion, ApiError> {
        let credential = read(&self.credential)?;
        if credential.is_empty() || credential.len() > MAX_CREDENTIAL {
            return Err(PasskeyError::Form.into());
        }
        Ok(Assertion {
            credential,
            authenticator_data: read(&self.authenticator_data)?,
            client_data: read(&self.client_data)?,
            signature: read(&self.signature)?,
        })
    }
}

/// An answer to a challenge of ours, given on our own page. Uses the challenge up, and gives it with whom it was meant for.
pub fn answered(
    state: &AppState,
    client_data: &[u8],
    purpose: Purpose,
    session: Option<&str>,
) -> Result<(Vec<u8>, Option<UserId>), ApiError> {
    let said = passkey::said(client_data)?;
    let now_us = state.clock.mono_us();
    let taken = state
        .challenges
        .take(&said.challenge, purpose, session, now_us);
    let meant = taken.ok_or(Code::ChallengeGone)?;
    if !state.config.is_own_origin(&said.origin) {
        return Err(PasskeyError::Origin.into());
    }
    Ok((said.challenge, meant))
}

/// Whose passkey has answered a challenge of this purpose. A copy of one is refused.
pub async fn prove(
    state: &AppState,
    body: &AssertionBody,
    purpose: Purpose,
    session: Option<&str>,
) -> Result<Passkey, ApiError> {
    let assertion = body.read()?;
    let (challenge, meant) = answered(state, &assertion.client_data, purpose, session)?;
    let known = state
        .store
        .passkey_of_credential(&assertion.credential)
        .await?;
    let passkey = known
        .filter(|passkey| meant.as_ref().is_none_or(|user| *user == passkey.user))
        .ok_or(Code::PasskeyUnknown)?;
    let expected = Expected {
        challenge: &challenge,
        relying_party: &state.config.relying_party(),
    };
    let counter = passkey::verify(&assertion, &passkey.key, expected)?;
    if !state.store.use_passkey(&passkey.id, counter).await? {
        tracing::warn!(passkey = %passkey.id, user = %passkey.user, counter, kept = passkey.counter,
            "a passkey's counter did not go on: there may be a copy of it");
        return Err(Code::PasskeyCopied.into());
    }
    Ok(passkey)
}
