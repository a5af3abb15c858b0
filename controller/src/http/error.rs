//! From what went wrong to what the caller is told: mapped once, worded once, in the caller's language.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use loa_protocol::passkey::PasskeyError;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::messages::{Code, Lang};
use crate::{
    audio::AudioError,
    auth::{AuthError, MAX_PASSWORD_BYTES, MIN_PASSWORD, PasswordError},
    logic::{approval::Refusal, endorsement::Unendorsed, trust::NotTaken},
    speech::SpeechError,
    store::StoreError,
};

/// The body of every answer that is no success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorEnvelope {
    pub error: ErrorBody,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Stable; compare this.
    #[schema(example = "time_past")]
    pub code: &'static str,
    /// For people, in Vietnamese unless `Accept-Language` asks for English.
    pub message: String,
    /// What the message names, by name.
    pub details: serde_json::Map<String, Value>,
}

/// A refusal on its way out. The language is chosen last, in [`finish`].
#[derive(Clone, Debug)]
pub struct ApiError {
    pub code: Code,
    pub values: Vec<(&'static str, String)>,
    /// Told in `details` only.
    pub lists: Vec<(&'static str, Vec<&'static str>)>,
    pub retry_after_s: Option<u64>,
}

/// A store's refusal, where what was named and is not there is an area.
pub fn unknown_area(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound { what: "area", id } => {
            ApiError::new(Code::AreaUnknown).with("id", id)
        }
        error => error.into(),
    }
}

impl ApiError {
    pub fn new(code: Code) -> Self {
        Self {
            code,
            values: Vec::new(),
            lists: Vec::new(),
            retry_after_s: None,
        }
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    pub fn with_list(mut self, name: &'static str, words: Vec<&'static str>) -> Self {
        self.lists.push((name, words));
        self
    }

    /// So many seconds must pass before the next guess.
    pub fn too_many_guesses(wait_s: u64) -> Self {
        Self {
            retry_after_s: Some(wait_s),
            ..Self::new(Code::TooManyGuesses).with("wait_s", wait_s)
        }
    }

    pub fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::new(Code::NotFound).with("what", what).with("id", id)
    }

    /// What the operator must look after: logged here, where it is handled, and told without its inside.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("request failed: {error}");
        Self::new(Code::Internal)
    }

    fn body(&self, lang: Lang) -> ErrorEnvelope {
        let values = self.values.iter();
        let values = values.map(|(name, value)| (*name, Value::from(value.as_str())));
        let lists = self.lists.iter();
        let lists = lists.map(|(name, words)| (*name, Value::from(words.clone())));
        ErrorEnvelope {
            error: ErrorBody {
                code: self.code.word(),
                message: self.code.text(lang, &self.values),
                details: values
                    .chain(lists)
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
            },
        }
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl IntoResponse for ApiError {
    /// Without a body: [`finish`] knows the language.
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if let Some(wait_s) = self.retry_after_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Whether browsers believe the certificate by themselves. Then they are told never to come without HTTPS again; with the
/// office's own certificate that would lock out whoever loses the exception that he made for it.
#[derive(Clone, Copy, Debug)]
pub struct Https(pub bool);

/// The outermost layer: words refusals, and sets the headers that every answer has.
pub async fn finish(State(https): State<Https>, request: Request, next: Next) -> Response {
    let lang = lang_of(request.headers());
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        let (parts, _) = response.into_parts();
        let body = Json(error.body(lang)).into_response();
        let (body_parts, body) = body.into_parts();
        response = Response::from_parts(parts, body);
        for (name, value) in &body_parts.headers {
            response.headers_mut().insert(name, value.clone());
        }
    }
    let is_kept = response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    if https.0 {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    // No other site's page shows or plays anything of ours in the name of whoever is signed in.
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    // "Not modified" speaks for what the browser keeps, whose headers its own would replace: the app would be shut out of itself.
    if is_kept {
        return response;
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    // The app's files have a stricter one of their own.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ));
    response
}

pub fn lang_of(headers: &axum::http::HeaderMap) -> Lang {
    headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .map(Lang::of)
        .unwrap_or_default()
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::NotFound { what, id } => Self::not_found(what, id),
            StoreError::Taken { what: "rule", .. } => Self::new(Code::RuleTaken),
            StoreError::TooMany { most, .. } => Self::new(Code::TooMany).with("most", most),
            StoreError::Taken { id, .. } => Self::new(Code::Taken).with("id", id),
            StoreError::InUse { id, by, .. } => {
                Self::new(Code::InUse).with("id", id).with("by", by)
            }
            StoreError::Cycle { .. } => Self::new(Code::Cycle),
            StoreError::TooDeep { most } => Self::new(Code::TooDeep).with("most", most),
            StoreError::TooManyChannels { speaker, most } => Self::new(Code::TooManyChannels)
                .with("id", speaker)
                .with("most", most),
            StoreError::ProgrammeFull { channel } => {
                Self::new(Code::ProgrammeFull).with("channel", channel)
            }
            StoreError::TooManyTemplates { most } => {
                Self::new(Code::TooManyTemplates).with("most", most)
            }
            StoreError::TooManyCalendars { most } => {
                Self::new(Code::TooManyCalendars).with("most", most)
            }
            StoreError::LastAdministrator => Self::new(Code::LastAdministrator),
            StoreError::Cancelled { .. } => Self::new(Code::BulletinCancelled),
            StoreError::Changed { .. } => Self::new(Code::BulletinChanged),
            StoreError::Undecided(refusal) => refusal.into(),
            StoreError::Trust(why) => why.into(),
            StoreError::Unendorsed(why) => why.into(),
            StoreError::Repeated => Self::new(Code::IdempotencyInProgress),
            StoreError::DiskFull => {
                tracing::error!("{text}");
                Self::new(Code::DiskFull)
            }
            StoreError::Busy => {
                tracing::warn!("{text}");
                Self {
                    retry_after_s: Some(2),
                    ..Self::new(Code::Busy)
                }
            }
            StoreError::Database(_)
            | StoreError::Migrate(_)
            | StoreError::File { .. }
            | StoreError::Damaged(_) => Self::internal(&text),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotAllowed => Self::new(Code::Forbidden),
            Refusal::NotAwaiting => Self::new(Code::NotAwaiting),
            Refusal::Own => Self::new(Code::ApprovalOwn),
            Refusal::Stale => Self::new(Code::ApprovalStale),
            Refusal::TooLate { by } => Self::new(Code::ApprovalTooLate).with("by", by),
        }
    }
}

impl From<NotTaken> for ApiError {
    fn from(why: NotTaken) -> Self {
        match why {
            NotTaken::Unreadable(_) => Self::new(Code::TrustUnreadable),
            NotTaken::NotSigned => Self::new(Code::TrustNotSigned),
            NotTaken::Older => Self::new(Code::TrustOlder),
            NotTaken::NotNext { next, given } => Self::new(Code::TrustNotNext)
                .with("next", next)
                .with("given", given),
            NotTaken::Expired => Self::new(Code::TrustExpired),
            NotTaken::BreaksRule => Self::new(Code::TrustBreaksRule),
            NotTaken::NoOfficeKey => Self::new(Code::TrustNoOfficeKey),
            NotTaken::TooFewApprovers { named, needed } => Self::new(Code::TrustTooFewApprovers)
                .with("needed", needed)
                .with("named", named),
        }
    }
}

impl From<Unendorsed> for ApiError {
    fn from(why: Unendorsed) -> Self {
        match why {
            Unendorsed::NotAwaited => Self::new(Code::NotEndorsable),
            Unendorsed::TooLate { by } => Self::new(Code::EndorsementTooLate).with("by", by),
            Unendorsed::FollowsCalendar => Self::new(Code::SkipHolidaysAlarm),
            Unendorsed::Given => Self::new(Code::EndorsementGiven),
            Unendorsed::NotAnApprover => Self::new(Code::NotAnApprover),
            Unendorsed::Wrong(PasskeyError::Challenge) => Self::new(Code::EndorsementStale),
            Unendorsed::Wrong(why) => Self::new(Code::EndorsementWrong).with("reason", why),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(error) => error.into(),
            AuthError::Password(error) => error.into(),
            AuthError::Busy => Self {
                retry_after_s: Some(5),
                ..Self::new(Code::Busy)
            },
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooShort => Self::new(Code::PasswordTooShort).with("min", MIN_PASSWORD),
            PasswordError::TooLong => {
                Self::new(Code::PasswordTooLong).with("max", MAX_PASSWORD_BYTES)
            }
            PasswordError::SameAsName => Self::new(Code::PasswordIsName),
            PasswordError::Common => Self::new(Code::PasswordCommon),
        }
    }
}

impl From<PasskeyError> for ApiError {
    fn from(error: PasskeyError) -> Self {
        let code = match error {
            PasskeyError::Form | PasskeyError::Algorithm => Code::PasskeyInvalid,
            _ => Code::PasskeyRefused,
        };
        Self::new(code).with("reason", error)
    }
}

impl From<AudioError> for ApiError {
    fn from(error: AudioError) -> Self {
        let text = error.to_string();
        match error {
            AudioError::NotAudio => Self::new(Code::AudioNotAudio),
            AudioError::Empty => Self::new(Code::AudioEmpty),
            AudioError::Truncated => Self::new(Code::AudioTruncated),
            AudioError::TooLong { limit_s } => {
                Self::new(Code::AudioTooLong).with("limit_min", limit_s / 60)
            }
            AudioError::TooLarge { limit_bytes } => {
                Self::new(Code::AudioTooLarge).with("limit_mb", limit_bytes / 1_000_000)
            }
            AudioError::Unsupported { what } => {
                Self::new(Code::AudioUnsupported).with("what", what)
            }
            AudioError::Broken { what } => Self::new(Code::AudioBroken).with("what", what),
            AudioError::TooSlow => Self::new(Code::AudioTooSlow),
            AudioError::TooMany => Self {
                retry_after_s: Some(60),
                ..Self::new(Code::UploadsBusy)
            },
            AudioError::DiskFull => {
                tracing::error!("{text}");
                Self::new(Code::DiskFull)
            }
            AudioError::Store(error) => error.into(),
            AudioError::NoProgram { .. } | AudioError::File(_) | AudioError::Encode(_) => {
                Self::internal(&text)
            }
        }
    }
}

impl From<SpeechError> for ApiError {
    fn from(error: SpeechError) -> Self {
        let text = error.to_string();
        match error {
            SpeechError::EmptyText => Self::new(Code::TextEmpty),
            SpeechError::TextTooLong { chars, max } => Self::new(Code::TextTooLong)
                .with("chars", chars)
                .with("max", max),
            SpeechError::TypedTooLong { bytes, max } => Self::new(Code::TextTooLong)
                .with("bytes", bytes)
                .with("max", max),
            SpeechError::UnknownVoice { voice, known } => Self::new(Code::VoiceUnknown)
                .with("given", voice)
                .with("known", known.join(", ")),
            SpeechError::Speed { .. } => Self::new(Code::SpeedInvalid),
            SpeechError::MissingProgram { .. } => {
                tracing::error!("{text}");
                Self::new(Code::SpeechUnavailable)
            }
            SpeechError::Disk { source, .. } if crate::audio::is_disk_full(&source) => {
                tracing::error!("{text}");
                Self::new(Code::DiskFull)
            }
            SpeechError::Start { .. }
            | SpeechError::Failed { .. }
            | SpeechError::TimedOut { .. }
            | SpeechError::TooLarge { .. }
            | SpeechError::NoSound { .. }
            | SpeechError::Disk { .. }
            | SpeechError::Config(_) => {
                tracing::error!("{text}");
                Self::new(Code::SpeechFailed)
            }
        }
    }
}
