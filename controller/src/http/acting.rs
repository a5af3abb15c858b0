//! For the audit log: what each call is, where it comes from, and what its path names. Who it is and what was asked for is said
//! where that is found out: `guard` and `extract`.

use axum::{
    extract::{FromRequestParts, MatchedPath, RawPathParams, Request},
    middleware::Next,
    response::Response,
};

use super::guard::Address;
use crate::{act::Act, logic::audit::is_secret};

/// Whatever the call changes is written down as this.
pub async fn acting(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = MatchedPath::from_request_parts(&mut parts, &()).await.ok();
    let params = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .ok();
    let Ok(Address(address)) = Address::from_request_parts(&mut parts, &()).await;
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    let action = format!(
        "{} {}",
        parts.method,
        path.strip_prefix("/api/v1").unwrap_or(path)
    );
    let mut act = Act::new(action).from_address(address);
    for (name, value) in params.iter().flatten() {
        if !is_secret(name) {
            act = act.to(value);
        }
    }
    act.doing(next.run(Request::from_parts(parts, body))).await
}
