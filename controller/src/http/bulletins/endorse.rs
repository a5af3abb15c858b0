//! An approver's passkey on an emergency. The poles ask for it, whoever holds the office's keys.

use axum::{Json, extract::State};
use loa_protocol::{endorsement::Assertion, id::BulletinId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        AppState,
        error::{ApiError, ErrorEnvelope},
        extract::{Body, Id},
        guard::Signed,
        instant::civil,
        messages::Code,
        reach::Reach,
    },
    announce, seen,
    view::{BulletinView, tell},
    withdraw,
};
use crate::{
    binary,
    logic::{approval::Stage, endorsement::Unendorsed},
    store::StoreError,
};

/// What `navigator.credentials.get` gave for `endorsement.challenge` of the bulletin, as base64url.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndorseBody {
    pub credential: String,
    pub authenticator_data: String,
    pub client_data: String,
    pub signature: String,
}

fn assertion(body: &EndorseBody) -> Result<Assertion, ApiError> {
    let bytes = |text: &str| {
        let wrong = || ApiError::new(Code::EndorsementWrong).with("reason", "base64url");
        binary::bytes(text).ok_or_else(wrong)
    };
    Ok(Assertion {
        credential: bytes(&body.credential)?,
        authenticator_data: bytes(&body.authenticator_data)?,
        client_data: bytes(&body.client_data)?,
        signature: bytes(&body.signature)?,
    })
}

/// So that the office can say who signed.
async fn must_be_own(
    state: &AppState,
    signed: &Signed,
    assertion: &Assertion,
) -> Result<(), ApiError> {
    let known = state
        .store
        .passkey_of_credential(&assertion.credential)
        .await?;
    match known {
        Some(passkey) if passkey.user == signed.user.id => Ok(()),
        _ => Err(Code::NotAnApprover.into()),
    }
}

/// Sign an emergency with an approver's passkey. When enough have signed, and whoever had to approve it has, it goes on air at
/// this instant; the signature of somebody who may approve it is his approval, too.
#[utoipa::path(post, path = "/bulletins/{id}/endorse", tag = "bulletins", params(("id" = String, Path)),
    request_body = EndorseBody,
    responses((status = 200, body = BulletinView), (status = "default", body = ErrorEnvelope)))]
pub async fn endorse(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
    body: Body<EndorseBody>,
) -> Result<Json<BulletinView>, ApiError> {
    let assertion = assertion(&body.value)?;
    // Another process may have installed a root.
    state.store.refresh_trust().await?;
    let kept = seen(&state, &signed, &id).await?;
    signed.must_be_fresh(&state)?;
    must_be_own(&state, &signed, &assertion).await?;
    let heard = Reach::open(&state)
        .await?
        .heard(&state, &kept.channels())
        .await?;
    let may_approve = kept
        .plea
        .as_ref()
        .is_some_and(|plea| heard.may_approve(&signed.actor, plea.ask, &kept.bulletin));
    let now = state.clock.now();
    let endorsed = state
        .store
        .endorse_bulletin(&id, &signed.user.id, assertion, may_approve, &kept.digest())
        .await;
    let (kept, left) = endorsed.map_err(|error| match error {
        StoreError::Unendorsed(Unendorsed::TooLate { by }) => {
            ApiError::new(Code::EndorsementTooLate).with("by", civil(by, &kept.bulletin.zone))
        }
        error => error.into(),
    })?;
    announce(&state, &kept, now).await;
    if let Some(older) = &kept.supersedes
        && kept.stage == Stage::Planned
        && !left.is_empty()
    {
        withdraw(&state, older, left).await;
    }
    tracing::info!(bulletin = %id, by = %signed.user.username, stage = ?kept.stage, "emergency signed");
    Ok(Json(tell(&state, &signed, &kept).await?))
}
