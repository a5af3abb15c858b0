//! Somebody scanned a sticker with a phone: which pole is it for?

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    enrolment::{ENROLLING, throttled},
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    guard::{Address, Signed},
    instant::Instant,
    messages::Code,
};
use crate::{logic::permissions::Action, pki::EnrolmentCode};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScannedBody {
    pub code: String,
}

#[derive(Serialize, ToSchema)]
pub struct ScannedView {
    pub speaker: String,
    pub name: String,
    pub expires: Instant,
}

/// Whose code this is, as long as it can be used. Guesses are slowed as those of boards are.
#[utoipa::path(post, path = "/enrolment", tag = "speakers", request_body = ScannedBody,
    responses((status = 200, body = ScannedView), (status = "default", body = ErrorEnvelope)))]
pub async fn scanned(
    State(state): State<AppState>,
    signed: Signed,
    from: Address,
    body: Body<ScannedBody>,
) -> Result<Json<ScannedView>, ApiError> {
    throttled(&state, ENROLLING, from)?;
    let code = EnrolmentCode::parse(&body.value.code).ok_or(Code::EnrolCodeWrong)?;
    let speaker = state.store.enrolling(&code.hash()).await?;
    let speaker = speaker.ok_or(Code::EnrolCodeWrong)?;
    state.throttle.right(ENROLLING, from.0);
    signed.must(&state, Action::See, &speaker.area).await?;
    let expires = state.store.enrolment(&speaker.id).await?;
    Ok(Json(ScannedView {
        speaker: speaker.id.to_string(),
        name: speaker.name,
        expires: expires.ok_or(Code::EnrolCodeWrong)?.into(),
    }))
}
