//! The web app, as it was built into the program: packed beforehand, kept by browsers, and fenced in.
//!
//! What stands under `/assets/` has its hash in its name and is kept for a year. Everything else is asked for again each
//! time and costs a 304 while it is the same.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{error::ApiError, messages::Code};
use crate::config::WebConfig;

/// One file of the app.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// As it is asked for.
    pub path: &'static str,
    pub kind: &'static str,
    /// Of the plain bytes, in hex.
    pub hash: &'static str,
    pub plain: &'static [u8],
    pub brotli: Option<&'static [u8]>,
    pub gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/web.rs"));

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASKED_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The app's files and what its pages may do.
#[derive(Clone, Debug)]
pub struct Site {
    assets: &'static [Asset],
    policy: HeaderValue,
}

impl Site {
    pub fn new(web: &WebConfig) -> Self {
        Self::of(ASSETS, web)
    }

    fn of(assets: &'static [Asset], web: &WebConfig) -> Self {
        let tiles = web.tiles_origin().map(|origin| format!(" {origin}"));
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{}; \
             media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; font-src 'self'; \
             frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
            tiles.unwrap_or_default()
        );
        // An origin that is no header was refused with the configuration.
        let policy =
            HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self { assets, policy }
    }

    /// A file of the app, or for a page that somebody opens the app itself.
    pub fn serve(&self, request: &Request) -> Response {
        let (path, headers) = (request.uri().path(), request.headers());
        let is_head = request.method() == Method::HEAD;
        let found = (is_head || request.method() == Method::GET)
            .then(|| self.find(path, headers))
            .flatten();
        match found {
            Some(asset) => self.answer(asset, headers, is_head),
            None => ApiError::new(Code::NoSuchRoute).into_response(),
        }
    }

    fn find(&self, path: &str, headers: &HeaderMap) -> Option<&'static Asset> {
        let named = |name: &str| self.assets.iter().find(|asset| asset.path == name);
        let file = match path {
            "/" => return named("/index.html"),
            "/setup" => return named("/setup.html").or_else(|| named("/index.html")),
            path => path,
        };
        let last = file.rsplit('/').next().unwrap_or_default();
        // Only a person's browser asks for pages: a program that asks for what is not here is told so.
        let opens = !last.contains('.') && !file.starts_with("/api/") && takes_html(headers);
        named(file).or_else(|| opens.then(|| named("/index.html")).flatten())
    }

    fn answer(&self, asset: &Asset, headers: &HeaderMap, is_head: bool) -> Response {
        let (encoding, bytes) = choose(asset, headers);
        let tag = match encoding {
            Some(encoding) => format!("\"{}-{encoding}\"", asset.hash),
            None => format!("\"{}\"", asset.hash),
        };
        let is_known = knows(headers, &tag);
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else if is_head {
            ().into_response()
        } else {
            Body::from(bytes).into_response()
        };
        let answer = response.headers_mut();
        let mut set = |name: HeaderName, value: HeaderValue| drop(answer.insert(name, value));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            set(header::ETAG, tag);
        }
        set(header::VARY, HeaderValue::from_static("accept-encoding"));
        let keeps = asset.path.starts_with("/assets/");
        set(
            header::CACHE_CONTROL,
            if keeps { KEPT } else { ASKED_AGAIN },
        );
        if is_known {
            return response;
        }
        set(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
        set(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        if let Some(encoding) = encoding {
            set(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        // A worker has the policy of its own file, so every file gets it.
        set(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        set(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        set(
            PERMISSIONS,
            HeaderValue::from_static("microphone=(self), geolocation=(self)"),
        );
        response
    }
}

/// The smallest form that the browser reads.
fn choose(asset: &Asset, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let accepted = text(headers, header::ACCEPT_ENCODING);
    if let Some(bytes) = asset.brotli.filter(|_| accepts(accepted, "br")) {
        return (Some("br"), bytes);
    }
    if let Some(bytes) = asset.gzip.filter(|_| accepts(accepted, "gzip")) {
        return (Some("gzip"), bytes);
    }
    (None, asset.plain)
}

/// RFC 9110, 12.5.3: named, and not with weight 0.
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1").trim();
        name.trim().eq_ignore_ascii_case(encoding) && weight.parse().is_ok_and(|w: f32| w > 0.0)
    })
}

/// RFC 9110, 13.1.2: compared weakly, for something on the way may have weakened it.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    text(headers, header::IF_NONE_MATCH)
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn takes_html(headers: &HeaderMap) -> bool {
    text(headers, header::ACCEPT).contains("text/html")
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
