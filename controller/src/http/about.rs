//! What the app must know before anybody has signed in.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
};

#[derive(Serialize, ToSchema)]
pub struct AppView {
    #[schema(example = "Loa")]
    pub name: &'static str,
    pub version: &'static str,
    /// The office's, IANA.
    #[schema(example = "Asia/Ho_Chi_Minh")]
    pub zone: String,
    #[schema(example = json!(["vi", "en"]))]
    pub languages: [&'static str; 2],
    pub map: MapView,
    pub limits: LimitsView,
    /// What a correction says when nobody writes another, with the place {title}.
    pub correction: String,
    /// Spoken before what is an exercise, and before what is a test; empty: nothing is.
    pub exercise_sentence: String,
    pub test_sentence: String,
    /// `false` until the first administrator has set a password.
    pub set_up: bool,
}

#[derive(Serialize, ToSchema)]
pub struct MapView {
    /// With {z}, {x}, {y}, and {s} for several hosts; `null`: the map has no ground.
    pub tiles: Option<String>,
    /// Whose the tiles are; to be shown with them.
    pub attribution: String,
}

#[derive(Serialize, ToSchema)]
pub struct LimitsView {
    /// Largest upload, in megabytes (10^6 bytes).
    pub upload_mb: u32,
    pub max_audio_minutes: u32,
}

/// What the app must know before anybody has signed in.
#[utoipa::path(get, path = "/app", tag = "app", security(()),
    responses((status = 200, body = AppView), (status = "default", body = ErrorEnvelope)))]
pub async fn about(State(state): State<AppState>) -> Result<Json<AppView>, ApiError> {
    let config = &state.config;
    Ok(Json(AppView {
        name: "Loa",
        version: env!("CARGO_PKG_VERSION"),
        zone: config.defaults.zone.clone(),
        languages: ["vi", "en"],
        map: MapView {
            tiles: config.web.tiles.clone(),
            attribution: config.web.tiles_attribution.clone().unwrap_or_default(),
        },
        limits: LimitsView {
            upload_mb: config.limits.upload_mb,
            max_audio_minutes: config.limits.max_audio_minutes,
        },
        correction: config.defaults.correction.clone(),
        exercise_sentence: config.speech.exercise_sentence.clone(),
        test_sentence: config.speech.test_sentence.clone(),
        set_up: state.store.has_users().await?,
    }))
}
