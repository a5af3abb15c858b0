//! `Idempotency-Key`: a create that is asked for again, because the answer was lost on a weak line, is not done again.

use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{AppState, error::ApiError, messages::Code};
use crate::store::{Claim, Remembered, UserId};

const HEADER: &str = "idempotency-key";
/// Told with an answer that was given before.
const REPLAYED: &str = "idempotent-replayed";

/// The header, when it was sent.
#[derive(Clone, Debug)]
pub struct Key(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(HEADER) else {
            return Ok(Self(None));
        };
        let key = value.to_str().unwrap_or_default();
        if (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(Some(key.to_owned())))
        } else {
            Err(Code::IdempotencyKeyInvalid.into())
        }
    }
}

impl Key {
    /// `route`: method and path. `request_hash`: of what was asked.
    pub fn claim(self, user: &UserId, route: &'static str, request_hash: &str) -> Option<Claim> {
        self.0.map(|key| Claim {
            user: user.clone(),
            route,
            key,
            request_hash: request_hash.to_owned(),
        })
    }
}

/// An answer with a secret in it is not kept: asked again, the thing is shown without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    Plain,
    Secret,
}

/// The answer, when this was done before. To be looked for before anything is checked: its time may have passed since, or a
/// right be gone, and a refusal would say that it was not done.
pub async fn before<V, S, SF>(
    state: &AppState,
    claim: Option<&Claim>,
    show: S,
) -> Result<Option<Response>, ApiError>
where
    V: Serialize,
    S: FnOnce(String) -> SF,
    SF: Future<Output = Result<V, ApiError>>,
{
    let Some(claim) = claim else {
        return Ok(None);
    };
    match state.store.remembered(claim).await? {
        Some(known) => Ok(Some(replay(claim, known, show).await?)),
        None => Ok(None),
    }
}

/// Does `make` once under the claim. `show` tells of the thing with this id when it was made before, but its answer is not
/// known any more.
pub async fn create<V, M, MF, S, SF>(
    state: &AppState,
    claim: Option<Claim>,
    secrecy: Secrecy,
    make: M,
    show: S,
) -> Result<Response, ApiError>
where
    V: Serialize,
    M: FnOnce(Option<Claim>) -> MF,
    MF: Future<Output = Result<V, ApiError>>,
    S: FnOnce(String) -> SF,
    SF: Future<Output = Result<V, ApiError>>,
{
    let Some(claim) = claim else {
        return created(&make(None).await?, false);
    };
    if let Some(known) = state.store.remembered(&claim).await? {
        return replay(&claim, known, show).await;
    }
    match make(Some(claim.clone())).await {
        Ok(value) => {
            if secrecy == Secrecy::Plain {
                let body = encode(&value)?;
                let status = StatusCode::CREATED.as_u16();
                // The thing is made: that its answer cannot be kept is no reason to hide it.
                if let Err(error) = state.store.remember_answer(&claim, status, &body).await {
                    tracing::warn!(%error, "the answer to a create was not kept");
                }
            }
            created(&value, false)
        }
        // Somebody was quicker with the same key.
        Err(error) if error.code == Code::IdempotencyInProgress => {
            match state.store.remembered(&claim).await? {
                Some(known) => replay(&claim, known, show).await,
                None => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

async fn replay<V, S, SF>(claim: &Claim, known: Remembered, show: S) -> Result<Response, ApiError>
where
    V: Serialize,
    S: FnOnce(String) -> SF,
    SF: Future<Output = Result<V, ApiError>>,
{
    if known.request_hash != claim.request_hash {
        return Err(Code::IdempotencyMismatch.into());
    }
    match known.answer {
        Some((status, body)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::CREATED);
            Ok(respond(status, body, true))
        }
        None => created(&show(known.resource).await?, true),
    }
}

fn created<V: Serialize>(value: &V, replayed: bool) -> Result<Response, ApiError> {
    Ok(respond(StatusCode::CREATED, encode(value)?, replayed))
}

fn encode<V: Serialize>(value: &V) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(|error| ApiError::internal(&error))
}

fn respond(status: StatusCode, body: String, replayed: bool) -> Response {
    let mut response = (status, Body::from(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
