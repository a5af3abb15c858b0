//! Text to speech: words in, audio out, ready for a bulletin.

use axum::{Json, extract::State, response::Response};
use loa_protocol::bulletin::Priority;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use utoipa::ToSchema;

use super::{
    AppState,
    audio::{AudioView, show},
    error::{ApiError, ErrorEnvelope},
    extract::Body,
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    messages::Code,
};
use crate::{
    audio::{About, AudioError, Received},
    logic::permissions::Action,
    store::{AudioSource, Claim},
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeechBody {
    /// As one would write it: times, dates, numbers and short forms are read out.
    #[schema(example = "Kính mời bà con họp xóm lúc 7h30 ngày 15/8 tại nhà văn hóa.")]
    pub text: String,
    /// One of `/voices`; the default one when there is none.
    pub voice: Option<String>,
    /// 1 is normal.
    #[schema(minimum = 0.5, maximum = 2.0)]
    pub speed: Option<f32>,
    /// The beginning of the text when there is none.
    pub title: Option<String>,
}

/// Have a text spoken.
#[utoipa::path(post, path = "/audio/speech", tag = "audio", request_body = SpeechBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = AudioView), (status = "default", body = ErrorEnvelope)))]
pub async fn speak(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<SpeechBody>,
) -> Result<Response, ApiError> {
    signed.must_somewhere(Action::Speak(Priority::Ordinary))?;
    let claim = key.claim(&signed.user.id, "POST /audio/speech", &body.sha256);
    let asked = body.value;
    let speed = asked.speed.unwrap_or(1.0);
    if !(0.5..=2.0).contains(&speed) {
        return Err(Code::SpeedInvalid.into());
    }
    let title = asked.title.as_deref().unwrap_or(&asked.text);
    let title: String = title.trim().chars().take(120).collect();
    let make = async |claim: Option<Claim>| {
        let voice = asked.voice.as_deref();
        let said = state.studio.say(&asked.text, voice, speed).await?;
        let received = copy(&state, &said.path).await?;
        let about = About {
            source: AudioSource::Speech,
            title,
            text: Some(asked.text.clone()),
            spoken: Some(said.words),
            voice: asked.voice.clone(),
            speed: Some(f64::from(speed)),
            made_by: Some(signed.user.id.clone()),
        };
        let hint = Some("wav".to_owned());
        let audio = state.shelf.keep(received, hint, about, claim).await?;
        Ok(AudioView::from(audio))
    };
    idempotency::create(&state, claim, Secrecy::Plain, make, |id| show(&state, id)).await
}

/// Out of the cache, which may remove its file at any time.
pub async fn copy(state: &AppState, from: &std::path::Path) -> Result<Received, AudioError> {
    let mut spool = state.shelf.receive()?;
    let mut file = tokio::fs::File::open(from).await?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).await? {
            0 => return spool.finish().await,
            read => spool.write(&buffer[..read]).await?,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Voices {
    #[schema(example = json!(["vi", "vi-vn-x-central", "vi-vn-x-south"]))]
    pub voices: Vec<String>,
    /// What speaks when no voice is asked for.
    pub default: String,
}

/// The voices that may be asked for.
#[utoipa::path(get, path = "/voices", tag = "audio",
    responses((status = 200, body = Voices), (status = "default", body = ErrorEnvelope)))]
pub async fn voices(State(state): State<AppState>, _: Signed) -> Json<Voices> {
    Json(Voices {
        voices: state.studio.voices().to_vec(),
        default: state.config.speech.default_voice.clone(),
    })
}
