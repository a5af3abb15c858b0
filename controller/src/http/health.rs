//! Is the controller alive, and does its database answer?

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;

#[derive(Serialize, ToSchema)]
pub struct Health {
    /// The database answers.
    pub database: bool,
    /// The engine is connected to the broker. While it is not, poles play what they hold.
    pub broker: bool,
    pub version: &'static str,
}

/// 200 when the controller can do its work, 503 when its database does not answer.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub async fn healthz(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    let database = state.store.has_users().await.is_ok();
    let status = if database {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let health = Health {
        database,
        broker: state.engine.line_up(),
        version: env!("CARGO_PKG_VERSION"),
    };
    (status, Json(health))
}
