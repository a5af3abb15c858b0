//! Figures for Prometheus: of the office, of the areas, and (when the configuration says so) of every single speaker.
//!
//! Made anew for each reading from what the engine has in memory and a few sums of the database. For this machine only,
//! unless the configuration names a token.

mod families;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use prometheus_client::encoding::prometheus_text;
use tokio::task;

use super::{AppState, error::ApiError, guard::Address, messages::Code};
use crate::{auth::token_hash, store::StoreError};

use families::{Families, Office};

/// Figures in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", security((), ("bearer" = [])),
    responses((status = 200, content_type = "text/plain", body = String),
        (status = "default", body = super::error::ErrorEnvelope)))]
pub async fn metrics(
    State(state): State<AppState>,
    Address(from): Address,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let token = state.metrics_token.as_deref();
    match token {
        Some(hash) if bearer(&headers).is_some_and(|sent| token_hash(sent) == hash) => {}
        Some(_) => return Err(Code::MetricsClosed.into()),
        None if from.is_some_and(|ip| ip.to_canonical().is_loopback()) => {}
        None => return Err(Code::MetricsClosed.into()),
    }
    let speakers = state.store.speakers_below(None).await;
    let playouts = state.store.playouts_today(&today(&state)?).await;
    let database_up = speakers.is_ok() && playouts.is_ok();
    let office = Office {
        figures: state.engine.figures(),
        line_up: state.engine.line_up(),
        database_up,
        playouts: told(playouts)?.unwrap_or_default(),
        calls: state.calls.count(),
        relays: state.relays.count(),
        packets: state.engine.live().map_or((0, 0), |live| live.counted()),
    };
    let speakers = told(speakers)?.unwrap_or_default();
    let seen = state.engine.seen(speakers.iter().map(|s| &s.id));
    let now = state.clock.now();
    let per_speaker = state.config.metrics.per_speaker;
    let text = task::spawn_blocking(move || {
        let (families, registry) = Families::new(per_speaker);
        families.office(&office);
        for (speaker, (presence, status)) in speakers.iter().zip(&seen.speakers) {
            families.speaker(speaker, presence, status.as_deref(), now);
        }
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).map(|()| text)
    });
    let text = text.await.map_err(|error| ApiError::internal(&error))?;
    let text = text.map_err(|error| ApiError::internal(&error))?;
    Ok((
        [(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)],
        text,
    )
        .into_response())
}

/// A database that does not answer is itself a figure.
fn told<T>(read: Result<T, StoreError>) -> Result<Option<T>, ApiError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Damaged(what)) => Err(ApiError::internal(&what)),
        Err(error) => {
            tracing::warn!(%error, "figures without the database");
            Ok(None)
        }
    }
}

fn today(state: &AppState) -> Result<String, ApiError> {
    let now = state.clock.now().timestamp();
    let here = now.in_tz(&state.config.defaults.zone);
    let here = here.map_err(|error| ApiError::internal(&error))?;
    Ok(here.date().to_string())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
