//! The library of recordings: find one again, give it a better name, put it out of sight.

use axum::{Json, extract::State, http::StatusCode};
use loa_protocol::{bulletin::Priority, time::WallTime};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    audio::AudioView,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, Params, name, page_size},
    guard::Signed,
    messages::Code,
};
use crate::{
    logic::permissions::Action,
    store::{Audio, AudioFilter, AudioId, AudioSource, StoreError},
};

/// What is searched for, in characters.
const MAX_SEARCH: usize = 100;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Words of title or text, with or without marks.
    #[param(example = "hop xom")]
    q: Option<String>,
    #[param(inline)]
    source: Option<AudioSource>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// To a page; 50 when not told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Library {
    /// Newest first.
    pub audio: Vec<AudioView>,
    /// The cursor of the next page, when there may be one.
    pub next: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioPatch {
    pub title: String,
}

fn write_cursor(audio: &Audio) -> String {
    hex::encode(format!("{} {}", audio.made.as_micros(), audio.id))
}

fn read_cursor(text: &str) -> Result<(WallTime, AudioId), ApiError> {
    let parse = || {
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let (made, id) = text.split_once(' ')?;
        Some((WallTime::from_micros(made.parse().ok()?), id.parse().ok()?))
    };
    parse().ok_or(Code::CursorInvalid.into())
}

/// My recordings, those of people in my reach, and those from above. Newest first.
#[utoipa::path(get, path = "/audio", tag = "audio", params(Filter),
    responses((status = 200, body = Library), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Filter>,
) -> Result<Json<Library>, ApiError> {
    let limit = page_size(asked.limit)?;
    let filter = AudioFilter {
        user: signed.user.id.clone(),
        area: signed.actor.area.clone(),
        text: asked.q.map(|q| q.chars().take(MAX_SEARCH).collect()),
        source: asked.source,
        after: asked.cursor.as_deref().map(read_cursor).transpose()?,
        limit,
    };
    let all = state.store.audio_list(&filter).await?;
    let full = all.len() == limit as usize;
    Ok(Json(Library {
        next: all.last().filter(|_| full).map(write_cursor),
        audio: all.into_iter().map(AudioView::from).collect(),
    }))
}

/// A recording that this person may listen to: of the library in reach, or in a bulletin or template that the person sees. To
/// anybody else it is not there.
pub async fn heard(state: &AppState, signed: &Signed, id: &AudioId) -> Result<Audio, ApiError> {
    let audio = state.store.audio(id).await?;
    if let Some(area) = &signed.actor.area
        && !state.store.may_hear(id, &signed.user.id, area).await?
    {
        return Err(ApiError::not_found("audio", id));
    }
    Ok(audio)
}

/// The same, as somebody names it in something else.
pub async fn known(state: &AppState, signed: &Signed, text: &str) -> Result<Audio, ApiError> {
    let unknown = || ApiError::new(Code::AudioUnknown).with("audio", text);
    let id: AudioId = text.parse().map_err(|_| unknown())?;
    heard(state, signed, &id)
        .await
        .map_err(|error| match error.code {
            Code::NotFound => unknown(),
            _ => error,
        })
}

/// Whoever made it and may still speak, or arranges the area of whoever made it.
async fn must_keep(state: &AppState, signed: &Signed, audio: &Audio) -> Result<(), ApiError> {
    let Some(maker) = &audio.made_by else {
        return signed.must_in(Action::Arrange, &[]);
    };
    if *maker == signed.user.id {
        return signed.must_somewhere(Action::Speak(Priority::Ordinary));
    }
    let area = match state.store.user(maker).await {
        Ok(user) => user.area,
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    match area {
        Some(area) => signed.must(state, Action::Arrange, &area).await,
        None => signed.must_in(Action::Arrange, &[]),
    }
}

/// Give a recording another title.
#[utoipa::path(patch, path = "/audio/{id}", tag = "audio", params(("id" = String, Path)), request_body = AudioPatch,
    responses((status = 200, body = AudioView), (status = "default", body = ErrorEnvelope)))]
pub async fn change(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<AudioId>,
    body: Body<AudioPatch>,
) -> Result<Json<AudioView>, ApiError> {
    let audio = state.store.audio(&id).await?;
    must_keep(&state, &signed, &audio).await?;
    let title = name(&body.value.title)?;
    Ok(Json(state.store.rename_audio(&id, &title).await?.into()))
}

/// Put a recording out of sight. Bulletins and templates keep it; what nothing names is deleted after 90 days.
#[utoipa::path(delete, path = "/audio/{id}", tag = "audio", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn hide(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<AudioId>,
) -> Result<StatusCode, ApiError> {
    let audio = state.store.audio(&id).await?;
    must_keep(&state, &signed, &audio).await?;
    state.store.hide_audio(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
