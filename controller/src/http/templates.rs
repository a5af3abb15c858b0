//! Templates: what is said often, ready to be sent again.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use loa_protocol::{
    bulletin::{Chime, Priority, Status},
    channel::Channel,
    id::AreaId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState, bulletins,
    error::{ApiError, ErrorEnvelope, unknown_area},
    extract::{Body, Id, given},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::Instant,
    library,
    messages::Code,
};
use crate::{
    chance,
    logic::permissions::{Action, may},
    store::{AudioId, Claim, NewTemplate, Template, TemplateBody, TemplateId},
};

const MAX_TITLE: usize = 200;
/// Of the words, in characters.
const MAX_TEXT: usize = 20_000;

#[derive(Serialize, ToSchema)]
pub struct TemplateView {
    #[schema(example = "t0123456789abcdef")]
    pub id: String,
    /// Who may arrange this area may change it; `null`: it is for everybody, and only who arranges everything changes it.
    pub area: Option<String>,
    pub title: String,
    /// Words to be spoken …
    pub text: Option<String>,
    pub voice: Option<String>,
    pub speed: Option<f64>,
    /// … or a recording.
    pub audio: Option<String>,
    pub priority: Priority,
    pub status: Status,
    /// `null`: by priority.
    pub chime: Option<Chime>,
    pub volume: Option<u8>,
    pub targets: Vec<String>,
    /// May I change it?
    pub may_change: bool,
    pub made_by: Option<String>,
    pub made: Instant,
    pub changed: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct Templates {
    /// By title.
    pub templates: Vec<TemplateView>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplateBody {
    #[schema(example = "Thông báo họp xóm")]
    pub title: String,
    pub area: Option<String>,
    pub text: Option<String>,
    /// One of `/voices`.
    pub voice: Option<String>,
    #[schema(minimum = 0.5, maximum = 2.0)]
    pub speed: Option<f64>,
    pub audio: Option<String>,
    #[serde(default)]
    pub priority: Priority,
    #[serde(default)]
    pub status: Status,
    pub chime: Option<Chime>,
    #[schema(minimum = 0, maximum = 100)]
    pub volume: Option<i64>,
    pub targets: Option<Vec<String>>,
}

/// What is not named stays as it is; `null` takes it away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplatePatch {
    pub title: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub area: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub text: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub voice: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>)]
    pub speed: Option<Option<f64>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub audio: Option<Option<String>>,
    pub priority: Option<Priority>,
    pub status: Option<Status>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Chime>)]
    pub chime: Option<Option<Chime>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub volume: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub targets: Option<Option<Vec<String>>>,
}

fn title(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let fits = (1..=MAX_TITLE).contains(&text.chars().count());
    if fits && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::new(Code::TitleInvalid).with("max", MAX_TITLE))
    }
}

fn area(id: Option<&str>) -> Result<Option<AreaId>, ApiError> {
    let unknown = |id| ApiError::new(Code::AreaUnknown).with("id", id);
    id.map(|id| id.parse().map_err(|_| unknown(id))).transpose()
}

fn volume(percent: Option<i64>) -> Result<Option<u8>, ApiError> {
    let fits = |p: i64| u8::try_from(p).ok().filter(|p| *p <= 100);
    percent
        .map(|p| fits(p).ok_or(Code::VolumeInvalid.into()))
        .transpose()
}

/// A template may name nobody yet.
fn targets(texts: Option<&[String]>) -> Result<Vec<Channel>, ApiError> {
    match texts {
        None | Some([]) => Ok(Vec::new()),
        Some(texts) => bulletins::targets(texts),
    }
}

async fn audio(
    state: &AppState,
    signed: &Signed,
    id: Option<&str>,
) -> Result<Option<AudioId>, ApiError> {
    match id {
        Some(text) => Ok(Some(library::known(state, signed, text).await?.id)),
        None => Ok(None),
    }
}

/// What could not be spoken later is refused now.
fn check(state: &AppState, body: &TemplateBody) -> Result<(), ApiError> {
    let chars = body.text.as_ref().map_or(0, |text| text.chars().count());
    if chars > MAX_TEXT {
        return Err(ApiError::new(Code::TemplateTextTooLong).with("max", MAX_TEXT));
    }
    let voices = state.studio.voices();
    if let Some(voice) = &body.voice
        && !voices.contains(voice)
    {
        return Err(ApiError::new(Code::VoiceUnknown)
            .with("given", voice)
            .with("known", voices.join(", ")));
    }
    if body
        .speed
        .is_some_and(|speed| !(0.5..=2.0).contains(&speed))
    {
        return Err(Code::SpeedInvalid.into());
    }
    Ok(())
}

/// Of no area: only who arranges everything.
async fn must_arrange(
    state: &AppState,
    signed: &Signed,
    area: Option<&AreaId>,
) -> Result<(), ApiError> {
    match area {
        Some(area) => signed.must(state, Action::Arrange, area).await,
        None => signed.must_in(Action::Arrange, &[]),
    }
}

async fn view(
    state: &AppState,
    signed: &Signed,
    template: Template,
) -> Result<TemplateView, ApiError> {
    let lineage = match &template.body.area {
        Some(area) => state.store.lineage(area).await?,
        None => Vec::new(),
    };
    let body = template.body;
    Ok(TemplateView {
        id: template.id.to_string(),
        may_change: may(&signed.actor, Action::Arrange, &lineage),
        area: body.area.map(|area| area.to_string()),
        title: body.title,
        text: body.text,
        voice: body.voice,
        speed: body.speed,
        audio: body.audio.map(|audio| audio.to_string()),
        priority: body.priority,
        status: body.status,
        chime: body.chime,
        volume: body.volume,
        targets: body.targets.iter().map(ToString::to_string).collect(),
        made_by: template.made_by.map(|user| user.to_string()),
        made: template.made.into(),
        changed: template.changed.into(),
    })
}

/// The templates of areas in my reach and above it, and everybody's, by title.
#[utoipa::path(get, path = "/templates", tag = "templates",
    responses((status = 200, body = Templates), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Json<Templates>, ApiError> {
    let mut templates = Vec::new();
    for template in state.store.templates(signed.actor.area.as_ref()).await? {
        templates.push(view(&state, &signed, template).await?);
    }
    Ok(Json(Templates { templates }))
}

#[utoipa::path(post, path = "/templates", tag = "templates", request_body = NewTemplateBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = TemplateView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<NewTemplateBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /templates", &body.sha256);
    let asked = body.value;
    let area = area(asked.area.as_deref())?;
    must_arrange(&state, &signed, area.as_ref()).await?;
    let body = TemplateBody {
        area,
        title: title(&asked.title)?,
        text: asked.text,
        voice: asked.voice,
        speed: asked.speed,
        audio: audio(&state, &signed, asked.audio.as_deref()).await?,
        priority: asked.priority,
        status: asked.status,
        chime: asked.chime,
        volume: volume(asked.volume)?,
        targets: targets(asked.targets.as_deref())?,
    };
    check(&state, &body)?;
    let new = NewTemplate {
        id: chance::id('t')
            .parse()
            .map_err(|error| ApiError::internal(&error))?,
        body,
        made_by: Some(signed.user.id.clone()),
    };
    let make = async |claim: Option<Claim>| {
        let added = state.store.add_template(new, claim.as_ref()).await;
        view(&state, &signed, added.map_err(unknown_area)?).await
    };
    let show = async |id: String| {
        let id: TemplateId = id.parse().map_err(|e| ApiError::internal(&e))?;
        view(&state, &signed, state.store.template(&id).await?).await
    };
    idempotency::create(&state, claim, Secrecy::Plain, make, show).await
}

#[utoipa::path(patch, path = "/templates/{id}", tag = "templates", params(("id" = String, Path)),
    request_body = TemplatePatch,
    responses((status = 200, body = TemplateView), (status = "default", body = ErrorEnvelope)))]
pub async fn change(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<TemplateId>,
    body: Body<TemplatePatch>,
) -> Result<Json<TemplateView>, ApiError> {
    let patch = body.value;
    let mut body = state.store.template(&id).await?.body;
    must_arrange(&state, &signed, body.area.as_ref()).await?;
    if let Some(moved) = &patch.area {
        body.area = area(moved.as_deref())?;
        must_arrange(&state, &signed, body.area.as_ref()).await?;
    }
    if let Some(text) = &patch.title {
        body.title = title(text)?;
    }
    body.text = patch.text.unwrap_or(body.text);
    body.voice = patch.voice.unwrap_or(body.voice);
    body.speed = patch.speed.unwrap_or(body.speed);
    if let Some(id) = &patch.audio {
        body.audio = audio(&state, &signed, id.as_deref()).await?;
    }
    body.priority = patch.priority.unwrap_or(body.priority);
    body.status = patch.status.unwrap_or(body.status);
    body.chime = patch.chime.unwrap_or(body.chime);
    if let Some(percent) = patch.volume {
        body.volume = volume(percent)?;
    }
    if let Some(texts) = &patch.targets {
        body.targets = targets(texts.as_deref())?;
    }
    check(&state, &body)?;
    let changed = state.store.change_template(&id, &body).await;
    let template = changed.map_err(unknown_area)?;
    Ok(Json(view(&state, &signed, template).await?))
}

/// Bulletins that were made from it stay.
#[utoipa::path(delete, path = "/templates/{id}", tag = "templates", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<TemplateId>,
) -> Result<StatusCode, ApiError> {
    let template = state.store.template(&id).await?;
    must_arrange(&state, &signed, template.body.area.as_ref()).await?;
    state.store.delete_template(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
