//! What handlers take out of a request, with refusals in our own words.

use std::{fmt::Display, str::FromStr};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::BytesRejection},
    http::{StatusCode, header, request::Parts},
};
use loa_protocol::content::Sha;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    error::{ApiError, lang_of},
    messages::{Code, Lang},
};
use crate::act;

/// A JSON body, with the hash of its bytes (for `Idempotency-Key`).
#[derive(Debug)]
pub struct Body<T> {
    pub value: T,
    pub sha256: String,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        // A form of another site can send text, not JSON: one more fence.
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            return Err(ApiError::new(Code::MediaType).with("wanted", "application/json"));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(not_whole)?;
        act::with(bytes.clone());
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::new(Code::BadJson).with("reason", error))?;
        Ok(Self {
            value,
            sha256: Sha::of(&bytes).to_string(),
        })
    }
}

/// More than is taken; or the line broke, or stood still for too long (see `server`).
fn not_whole(rejection: BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Code::BodyTooLarge.into()
    } else {
        Code::BodyInterrupted.into()
    }
}

/// The query string.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                Err(ApiError::new(Code::BadRequest).with("reason", rejection.body_text()))
            }
        }
    }
}

/// The one id in the path. What cannot be an id names nothing.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr<Err: Display>> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::new(Code::NoSuchRoute))?;
        match text.parse() {
            Ok(id) => Ok(Self(id)),
            Err(_) => Err(ApiError::not_found("thing", text)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Lang {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Self, std::convert::Infallible> {
        Ok(lang_of(&parts.headers))
    }
}

/// Tells a field that is not there from one that is `null`.
pub fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    d: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

/// A name of anything: without space around it, and not too long.
pub fn name(text: &str) -> Result<String, ApiError> {
    const MAX: usize = 120;
    let text = text.trim();
    if (1..=MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::new(Code::NameInvalid).with("max", MAX))
    }
}

/// An id that somebody chose.
pub fn chosen_id<T: FromStr>(text: Option<&str>) -> Result<Option<T>, ApiError> {
    text.map(|text| {
        text.parse()
            .map_err(|_| ApiError::new(Code::IdInvalid).with("given", text))
    })
    .transpose()
}

/// How many to a page.
pub fn page_size(asked: Option<u32>) -> Result<u32, ApiError> {
    const MOST: u32 = 200;
    match asked {
        None => Ok(50),
        Some(n) if (1..=MOST).contains(&n) => Ok(n),
        Some(_) => Err(ApiError::new(Code::LimitInvalid)
            .with("name", "limit")
            .with("from", 1)
            .with("to", MOST)),
    }
}
