//! What a pole is asked to do once: test its sound, or start its program again.

use axum::{extract::State, response::Response};
use loa_protocol::{id::SpeakerId, speaker_config::OrderKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::Instant,
    speakers::load,
};
use crate::{
    engine::Change,
    logic::permissions::Action,
    store::{Claim, OrderRow},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    pub what: OrderKind,
}

#[derive(Serialize, ToSchema)]
pub struct OrderView {
    /// 1, 2, 3 … for each speaker.
    pub number: u64,
    pub what: OrderKind,
    pub asked: Instant,
    pub asked_by: Option<String>,
    /// Not done by then, it is not done any more.
    pub until: Instant,
    /// When the pole did it; `null`: it has not told yet.
    pub done: Option<Instant>,
}

impl From<OrderRow> for OrderView {
    fn from(row: OrderRow) -> Self {
        Self {
            number: row.number,
            what: row.what,
            asked: row.asked.into(),
            asked_by: row.asked_by.map(|user| user.to_string()),
            until: row.until.into(),
            done: row.done.map(Instant),
        }
    }
}

/// Ask a pole to do something once, within ten minutes.
#[utoipa::path(post, path = "/speakers/{id}/orders", tag = "watch", request_body = NewOrder,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = OrderView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
    key: Key,
    body: Body<NewOrder>,
) -> Result<Response, ApiError> {
    let what = body.value.what;
    // The same words to another pole are another order.
    let hash = format!("{id} {}", body.sha256);
    let claim = key.claim(&signed.user.id, "POST /speakers/{id}/orders", &hash);
    let action = match what {
        OrderKind::SelfTest => Action::Silence,
        OrderKind::Restart => Action::Arrange,
    };
    load(&state, &signed, &id, action).await?;
    let make = async |claim: Option<Claim>| {
        let by = &signed.user.id;
        let order = state.store.add_order(&id, what, by, claim.as_ref()).await?;
        let change = Change::Speakers(vec![id.clone()]);
        state.engine.changed(change).await;
        Ok(OrderView::from(order))
    };
    let show = async |number: String| {
        let number = number.parse().map_err(|e| ApiError::internal(&e))?;
        Ok(state.store.order(&id, number).await?.into())
    };
    idempotency::create(&state, claim, Secrecy::Plain, make, show).await
}
