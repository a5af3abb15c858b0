//! Recordings that people send.

use std::time::Duration;

use axum::{
    Json,
    extract::{FromRequest, Multipart, Request, State, multipart::Field},
    http::StatusCode,
    response::Response,
};
use loa_protocol::bulletin::Priority;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::Id,
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::Instant,
    library,
    messages::Code,
};
use crate::{
    audio::{About, AudioError, Received},
    logic::permissions::Action,
    store::{Audio, AudioId, AudioSource, Claim},
};

/// A sender from whom nothing comes for this long has gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest text field beside the file, in bytes.
const MAX_TEXT: usize = 1_000;

#[derive(Serialize, ToSchema)]
pub struct AudioView {
    #[schema(example = "a0123456789abcdef")]
    pub id: String,
    pub source: AudioSource,
    /// The file's name, or the text's beginning.
    pub title: String,
    /// Of the canonical form, which the poles play.
    pub duration_s: f64,
    /// Of the canonical form; `null` for silence, and for what was recorded of a call.
    pub loudness_lufs: Option<f64>,
    /// Names the canonical form.
    pub sha256: String,
    /// What came in.
    #[schema(example = "AAC in MP4, 44100 Hz, stereo")]
    pub format: String,
    pub original_bytes: u64,
    /// The text as somebody typed it.
    pub text: Option<String>,
    /// The words that were spoken, short forms read out.
    pub spoken: Option<String>,
    pub voice: Option<String>,
    /// 1 is normal; `null` for a recording.
    pub speed: Option<f64>,
    pub made_by: Option<String>,
    /// `null` also when that person is no user any more.
    pub made_by_name: Option<String>,
    pub made: Instant,
    /// Bulletins that name it.
    pub uses: u64,
}

impl From<Audio> for AudioView {
    fn from(audio: Audio) -> Self {
        Self {
            id: audio.id.to_string(),
            source: audio.source,
            title: audio.title,
            duration_s: audio.duration_ms as f64 / 1_000.0,
            loudness_lufs: audio.loudness_lufs.map(|lufs| (lufs * 10.0).round() / 10.0),
            sha256: audio.content.to_string(),
            format: audio.format,
            original_bytes: audio.original_bytes,
            text: audio.text,
            spoken: audio.spoken,
            voice: audio.voice,
            // As somebody wrote it: 0.9, not 0.8999999761581421.
            speed: audio.speed.map(|speed| (speed * 100.0).round() / 100.0),
            made_by: audio.made_by.map(|id| id.to_string()),
            made_by_name: audio.made_by_name,
            made: audio.made.into(),
            uses: audio.uses,
        }
    }
}

/// The form of an upload, for the description.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described; the form is read field by field")]
pub struct UploadForm {
    /// MP3, M4A (AAC), Ogg Vorbis or Opus, FLAC, WAV, WebM.
    #[schema(value_type = String, format = Binary)]
    file: String,
    /// The file's name when there is none.
    #[schema(nullable = false)]
    title: Option<String>,
}

/// Send a recording. It is decoded whole and made canonical before the answer.
#[utoipa::path(post, path = "/audio", tag = "audio",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = AudioView), (status = "default", body = ErrorEnvelope)))]
pub async fn upload(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    request: Request,
) -> Result<Response, ApiError> {
    signed.must_somewhere(Action::Speak(Priority::Ordinary))?;
    let form = Multipart::from_request(request, &state)
        .await
        .map_err(|_| ApiError::new(Code::MediaType).with("wanted", "multipart/form-data"))?;
    let Form {
        received,
        file_name,
        title,
    } = receive(&state, form).await?;
    let named = title.or_else(|| file_name.clone());
    let title: String = named
        .as_deref()
        .unwrap_or("audio")
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect();
    let asked = format!("{} {title}", received.sha256);
    let claim = key.claim(&signed.user.id, "POST /audio", &asked);
    let hint = file_name
        .as_deref()
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, extension)| extension.to_ascii_lowercase())
        .filter(|e| (1..=8).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric()));
    let about = About {
        source: AudioSource::Upload,
        title,
        text: None,
        spoken: None,
        voice: None,
        speed: None,
        made_by: Some(signed.user.id.clone()),
    };
    let make = async |claim: Option<Claim>| {
        let audio = state.shelf.keep(received, hint, about, claim).await?;
        Ok(AudioView::from(audio))
    };
    idempotency::create(&state, claim, Secrecy::Plain, make, |id| show(&state, id)).await
}

struct Form {
    received: Received,
    file_name: Option<String>,
    title: Option<String>,
}

async fn receive(state: &AppState, mut form: Multipart) -> Result<Form, ApiError> {
    let limit_bytes = state.shelf.max_bytes();
    let (mut file, mut title) = (None, None);
    while let Some(mut field) = patiently(form.next_field(), limit_bytes).await? {
        match field.name() {
            Some("file") if file.is_none() => {
                let file_name = field
                    .file_name()
                    .map(|name| name.chars().take(200).collect());
                let mut spool = state.shelf.receive()?;
                while let Some(chunk) = patiently(field.chunk(), limit_bytes).await? {
                    spool.write(&chunk).await?;
                }
                file = Some((spool.finish().await?, file_name));
            }
            Some("title") if title.is_none() => title = Some(text(&mut field, limit_bytes).await?),
            // A field nobody asked for is passed over, not kept.
            _ => while patiently(field.chunk(), limit_bytes).await?.is_some() {},
        }
    }
    let (received, file_name) = file.ok_or(Code::FileMissing)?;
    if received.bytes == 0 {
        return Err(AudioError::Empty.into());
    }
    Ok(Form {
        received,
        file_name,
        title: title.filter(|t| !t.trim().is_empty()),
    })
}

async fn text(field: &mut Field<'_>, limit_bytes: u64) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = patiently(field.chunk(), limit_bytes).await? {
        if bytes.len() + chunk.len() > MAX_TEXT {
            return Err(Code::BodyTooLarge.into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Waits for the next piece, but not for ever.
async fn patiently<T>(
    piece: impl Future<Output = Result<T, axum::extract::multipart::MultipartError>>,
    limit_bytes: u64,
) -> Result<T, ApiError> {
    match tokio::time::timeout(PATIENCE, piece).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(AudioError::TooLarge { limit_bytes }.into())
        }
        Ok(Err(_)) | Err(_) => Err(Code::UploadInterrupted.into()),
    }
}

pub async fn show(state: &AppState, id: String) -> Result<AudioView, ApiError> {
    let id: AudioId = id.parse().map_err(|e| ApiError::internal(&e))?;
    Ok(state.store.audio(&id).await?.into())
}

/// What is known of a recording.
#[utoipa::path(get, path = "/audio/{id}", tag = "audio", params(("id" = String, Path)),
    responses((status = 200, body = AudioView), (status = "default", body = ErrorEnvelope)))]
pub async fn read(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<AudioId>,
) -> Result<Json<AudioView>, ApiError> {
    Ok(Json(library::heard(&state, &signed, &id).await?.into()))
}
