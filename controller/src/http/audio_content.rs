//! A recording's sound, to listen to before it goes out. One range at a time is served: phones ask for that.

use std::io::SeekFrom;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Id, Params},
    guard::Signed,
    library,
    messages::Code,
};
use crate::store::AudioId;

#[derive(Deserialize)]
pub struct Which {
    #[serde(default)]
    original: bool,
}

/// The sound itself: the canonical form (Ogg Opus), or with `original=true` what came in.
#[utoipa::path(get, path = "/audio/{id}/content", tag = "audio",
    params(("id" = String, Path), ("original" = Option<bool>, Query), ("Range" = Option<String>, Header)),
    responses((status = 200, content_type = "audio/ogg", body = String), (status = 206, description = "The range"),
        (status = 416, description = "No such range: only the length, in `Content-Range`"),
        (status = "default", body = ErrorEnvelope)))]
pub async fn content(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<AudioId>,
    Params(which): Params<Which>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let audio = library::heard(&state, &signed, &id).await?;
    let path = if which.original {
        state.store.original_path(&id)
    } else {
        state.store.content_path(&audio.content)
    };
    let mut file = File::open(&path).await.map_err(|error| {
        tracing::error!(path = %path.display(), %error, "a recording cannot be read");
        ApiError::new(Code::AudioGone).with("audio", &id)
    })?;
    let length = file
        .metadata()
        .await
        .map_err(|error| ApiError::internal(&error))?
        .len();
    let asked = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    let range = asked.map_or(Range::Whole, |asked| read_range(asked, length));
    let (status, first, count) = match range {
        Range::Whole => (StatusCode::OK, 0, length),
        Range::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Range::Outside => {
            let all = format!("bytes */{length}");
            let headers = [(header::CONTENT_RANGE, all)];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    file.seek(SeekFrom::Start(first))
        .await
        .map_err(|error| ApiError::internal(&error))?;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(count), 64 * 1024));
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {first}-{}/{length}", first + count - 1);
        let part = HeaderValue::try_from(part).map_err(|error| ApiError::internal(&error))?;
        headers.insert(header::CONTENT_RANGE, part);
    }
    if which.original {
        // Whatever somebody uploaded: a browser must keep it, never show it as a page of ours.
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        headers.insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment"),
        );
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/ogg"));
    }
    // The bytes behind an id never change.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=86400, immutable"),
    );
    Ok(response)
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    Whole,
    /// Both included.
    Part {
        first: u64,
        last: u64,
    },
    Outside,
}

/// RFC 9110, 14.2: what cannot be read, and more than one range, means the whole.
fn read_range(asked: &str, length: u64) -> Range {
    let Some(spec) = asked.trim().strip_prefix("bytes=") else {
        return Range::Whole;
    };
    let Some((from, to)) = spec.split_once('-') else {
        return Range::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>();
    match (from.trim(), to.trim()) {
        ("", suffix) => match number(suffix) {
            Ok(0) => Range::Outside,
            Ok(_) if length == 0 => Range::Outside,
            Ok(n) => Range::Part {
                first: length.saturating_sub(n),
                last: length - 1,
            },
            Err(_) => Range::Whole,
        },
        (from, to) => {
            let last = if to.is_empty() {
                Ok(u64::MAX)
            } else {
                number(to)
            };
            match (number(from), last) {
                (Ok(first), Ok(last)) if first > last => Range::Whole,
                (Ok(first), Ok(_)) if first >= length => Range::Outside,
                (Ok(first), Ok(last)) => Range::Part {
                    first,
                    last: last.min(length - 1),
                },
                _ => Range::Whole,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let part = |first, last| Range::Part { first, last };
        for (asked, range) in [
            ("bytes=0-1", part(0, 1)),
            ("bytes=5-", part(5, 9)),
            ("bytes=0-999", part(0, 9)),
            ("bytes=-3", part(7, 9)),
            ("bytes=-99", part(0, 9)),
            ("bytes=10-", Range::Outside),
            ("bytes=-0", Range::Outside),
            ("bytes=3-2", Range::Whole),
            ("bytes=0-1,4-5", Range::Whole),
            ("lines=0-1", Range::Whole),
            ("bytes=x-", Range::Whole),
        ] {
            assert_eq!(read_range(asked, 10), range, "{asked}");
        }
        assert_eq!(read_range("bytes=0-", 0), Range::Outside);
    }
}
