//! Two plain pages, until the phone app is here: what this is, and the form behind the one-time link.

use axum::{
    http::{HeaderName, header},
    response::{Html, IntoResponse},
};

const HOME: &str = include_str!("home.html");
const SETUP: &str = include_str!("setup.html");

/// Nothing from elsewhere, no frames. The pages are constant, so an inline script in them is ours.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                      form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
const FRAMES: HeaderName = HeaderName::from_static("x-frame-options");

pub async fn home() -> impl IntoResponse {
    (
        [(header::CONTENT_SECURITY_POLICY, POLICY), (FRAMES, "DENY")],
        Html(HOME),
    )
}

pub async fn setup() -> impl IntoResponse {
    (
        [(header::CONTENT_SECURITY_POLICY, POLICY), (FRAMES, "DENY")],
        Html(SETUP),
    )
}
