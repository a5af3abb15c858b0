//! Who asks, from which page, and whether that person may.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use loa_protocol::{channel::Channel, id::AreaId};

use super::{AppState, error::ApiError, identity::proof_methods, messages::Code};
use crate::{
    act, auth,
    config::Config,
    logic::permissions::{Action, Actor, may},
    store::{Factors, Session, StoreError, User},
};

/// The session's cookie where people come by plain HTTP.
pub const COOKIE: &str = "loa_session";
/// The same by HTTPS: a browser takes it from nobody but this very host.
pub const SECURE_COOKIE: &str = "__Host-loa_session";

pub fn cookie_name(config: &Config) -> &'static str {
    if config.is_https() {
        SECURE_COOKIE
    } else {
        COOKIE
    }
}

/// A proof may look as if it were made a little ahead: clocks are set. In seconds.
const AHEAD_S: i64 = 60;

/// The id of the person whom the page takes for signed in; may be left out.
pub const MEANT: &str = "loa-user";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Signed {
    pub user: User,
    pub actor: Actor,
    pub token_hash: String,
    pub session: Session,
    pub factors: Factors,
}

impl FromRequestParts<AppState> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let cookie = cookie_name(&state.config);
        let token = token_of(&parts.headers, cookie).ok_or(Code::Unauthenticated)?;
        let token_hash = auth::token_hash(token);
        let (session, user, factors) = state
            .store
            .session(&token_hash)
            .await?
            .ok_or(Code::Unauthenticated)?;
        // A cookie is every tab's: nothing is done in the name of whoever signed in on another one.
        let meant = parts.headers.get(MEANT);
        if meant.is_some_and(|meant| meant.as_bytes() != user.id.as_str().as_bytes()) {
            return Err(Code::Unauthenticated.into());
        }
        act::by(user.id.as_str(), Some(&session.id));
        let actor = Actor {
            role: user.role,
            area: user.area.clone(),
        };
        Ok(Self {
            user,
            actor,
            token_hash,
            session,
            factors,
        })
    }
}

fn token_of<'a>(headers: &'a HeaderMap, cookie: &str) -> Option<&'a str> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    bearer.or_else(|| cookie_of(headers, cookie))
}

pub fn cookie_of<'a>(headers: &'a HeaderMap, cookie: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie)
        .map(|(_, token)| token)
}

impl Signed {
    /// Refuses what a stolen phone must not do, unless this person showed within the last ten minutes who it is; signing in
    /// is such a proof.
    pub fn must_be_fresh(&self, state: &AppState) -> Result<(), ApiError> {
        let now = state.clock.now();
        let proved = &self.session;
        if proved.proved.plus_s(-AHEAD_S) <= now && now < proved.proved_until() {
            return Ok(());
        }
        Err(ApiError::new(Code::ProofNeeded).with_list("methods", proof_methods(self.factors)))
    }

    /// Refuses what this person may not do to something in `area`. What lies in no known area: only with the whole tree.
    pub async fn must(
        &self,
        state: &AppState,
        action: Action,
        area: &AreaId,
    ) -> Result<(), ApiError> {
        let lineage = state.store.lineage(area).await?;
        self.must_in(action, &lineage)
    }

    pub fn must_in(&self, action: Action, lineage: &[AreaId]) -> Result<(), ApiError> {
        if may(&self.actor, action, lineage) {
            return Ok(());
        }
        let at = lineage.first().map(AreaId::as_str);
        tracing::info!(by = %self.user.username, session = %self.session.id, ?action, at, "not allowed");
        Err(Code::Forbidden.into())
    }

    /// Something that belongs to no area, but to whoever may do this at all.
    pub fn must_somewhere(&self, action: Action) -> Result<(), ApiError> {
        let own: Vec<AreaId> = self.actor.area.iter().cloned().collect();
        self.must_in(action, &own)
    }

    /// Everybody whom the channel reaches must be within this person's rights.
    pub async fn must_on(
        &self,
        state: &AppState,
        action: Action,
        channel: &Channel,
    ) -> Result<(), ApiError> {
        let unknown = |error| match error {
            StoreError::NotFound { .. } => {
                ApiError::new(Code::TargetUnknown).with("target", channel)
            }
            error => error.into(),
        };
        match channel {
            Channel::Area(area) => {
                let lineage = state.store.lineage(area).await?;
                if lineage.is_empty() {
                    return Err(ApiError::new(Code::TargetUnknown).with("target", channel));
                }
                self.must_in(action, &lineage)
            }
            Channel::Speaker(id) => {
                let speaker = state.store.speaker(id).await.map_err(unknown)?;
                self.must(state, action, &speaker.area).await
            }
            Channel::Group(id) => {
                let group = state.store.group(id).await.map_err(unknown)?;
                self.must(state, action, &group.area).await?;
                let mut areas: Vec<AreaId> = state
                    .store
                    .followers(channel)
                    .await?
                    .into_iter()
                    .map(|speaker| speaker.area)
                    .collect();
                areas.sort();
                areas.dedup();
                for area in areas {
                    self.must(state, action, &area).await?;
                }
                Ok(())
            }
        }
    }
}

/// The address at the other end, where the server knows it.
#[derive(Clone, Copy, Debug)]
pub struct Address(pub Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Self, std::convert::Infallible> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(info.map(|info| info.0.ip())))
    }
}

/// Browsers send cookies for whatever page asks. So a change must come from our own page: `Sec-Fetch-Site` says so, or
/// in older browsers `Origin`. A program sends neither, and nobody can make it send anything.
pub async fn same_origin(request: Request, next: Next) -> Response {
    let reads = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if !reads && !is_same_origin(request.headers()) {
        return ApiError::new(Code::CrossSite).into_response();
    }
    next.run(request).await
}

pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    match text(header::HeaderName::from_static("sec-fetch-site")) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => match text(header::ORIGIN) {
            None => true,
            Some(origin) => {
                let host = text(header::HOST).unwrap_or_default();
                origin
                    .split_once("://")
                    .is_some_and(|(_, from)| !host.is_empty() && from.eq_ignore_ascii_case(host))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    header::HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn another_sites_page_changes_nothing_here() {
        for (given, ours) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "https://loa.vn"), ("host", "loa.vn")], true),
            (
                &[("origin", "https://evil.example"), ("host", "loa.vn")],
                false,
            ),
            (&[("origin", "null"), ("host", "loa.vn")], false),
            (&[("origin", "https://loa.vn")], false),
        ] {
            assert_eq!(is_same_origin(&headers(given)), ours, "{given:?}");
        }
    }

    #[test]
    fn the_token_is_found_in_header_or_cookie() {
        let bearer = headers(&[("authorization", "Bearer abc")]);
        assert_eq!(token_of(&bearer, COOKIE), Some("abc"));
        let cookie = headers(&[("cookie", "x=1; loa_session=abc; y=2")]);
        assert_eq!(token_of(&cookie, COOKIE), Some("abc"));
        let other = headers(&[("cookie", "loa_sessionx=abc")]);
        assert_eq!(token_of(&other, COOKIE), None);
        // By HTTPS, one that any host below the same domain could have set counts for nothing.
        assert_eq!(token_of(&cookie, SECURE_COOKIE), None);
    }
}
