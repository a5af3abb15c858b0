//! Is the controller alive, is it ready for calls, and can it do its work?

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

#[derive(Serialize, ToSchema)]
pub struct Alive {
    pub alive: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Ready {
    /// The database answers, and the program is not about to end.
    pub ready: bool,
}

/// 200 when the controller can do its work, 503 when its database does not answer.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub async fn healthz(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    let database = state.store.has_users().await.is_ok();
    let health = Health {
        database,
        broker: state.engine.line_up(),
        version: env!("CARGO_PKG_VERSION"),
    };
    (status(database), Json(health))
}

/// 200 as long as the program runs: who gets no answer may start it again.
#[utoipa::path(get, path = "/livez", tag = "health", security(()),
    responses((status = 200, body = Alive)))]
pub async fn livez() -> Json<Alive> {
    Json(Alive { alive: true })
}

/// 200 when calls may come, 503 when they should go elsewhere or wait. A broker that is away is no reason: the poles play
/// what they hold, and people must be able to look.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub async fn readyz(State(state): State<AppState>) -> (StatusCode, Json<Ready>) {
    let ready = !state.closing.is_cancelled() && state.store.has_users().await.is_ok();
    (status(ready), Json(Ready { ready }))
}

fn status(good: bool) -> StatusCode {
    if good {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
