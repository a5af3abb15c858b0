//! Looking before speaking live: may one, and where would it not be heard? Nothing is stored, and nobody hears of it.

use axum::{Json, extract::State};
use loa_protocol::bulletin::Priority;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::{
        AppState,
        bulletins::{Warning, check::imagined, must_speak, new_id, targets, warnings::of_call},
        error::{ApiError, ErrorEnvelope},
        extract::Body,
        guard::Signed,
        messages::Lang,
    },
    CallBody, bulletin, must_be_said_at_once, set_time,
};
use crate::logic::call::delay_ms;

#[derive(Serialize, ToSchema)]
pub struct CallChecked {
    /// Where it would not be heard, or not to its end.
    pub warnings: Vec<Warning>,
}

/// Would a call be heard that begins now? Refused as `POST /calls` would be, but for a busy line and a proof that is not fresh.
#[utoipa::path(post, path = "/calls/check", tag = "calls", request_body = CallBody,
    responses((status = 200, body = CallChecked), (status = "default", body = ErrorEnvelope)))]
pub async fn check(
    State(state): State<AppState>,
    signed: Signed,
    lang: Lang,
    body: Body<CallBody>,
) -> Result<Json<CallChecked>, ApiError> {
    let asked = body.value;
    let channels = targets(&asked.targets)?;
    let priority = asked.priority.unwrap_or(Priority::Priority);
    must_speak(&state, &signed, priority, &channels).await?;
    // The delay is found when it is time; it does not matter here.
    let delay_ms = delay_ms(0, 0);
    let mut call = bulletin(&state, &signed, &asked, new_id()?, priority, delay_ms)?;
    let now = state.clock.now();
    set_time(&mut call, now)?;
    must_be_said_at_once(&state, &signed, &call, &channels).await?;
    let kept = imagined(call, None, None, channels, now);
    let warnings = of_call(&state, &kept, now, lang).await?;
    Ok(Json(CallChecked { warnings }))
}
