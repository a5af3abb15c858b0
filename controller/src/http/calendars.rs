//! A programme for calendar programs: with a session, or by a secret address, for those that cannot sign in.
//!
//! Bounds: 30 days ahead, [`MAKING`] calendars are made at a time and a further one is told to come back; who tries secrets
//! is slowed down as one who tries passwords.

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use loa_protocol::{
    channel::Channel,
    id::{AreaId, SpeakerId},
};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, task};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id},
    guard::{Address, Signed},
    idempotency::{self, Key, Secrecy},
    instant::Instant,
    messages::{Code, Lang},
    speaker_status::governors,
    speakers::load,
};
use crate::{
    auth::token_hash,
    chance,
    logic::{
        calendar::{Joined, Of},
        days::Planner,
        permissions::{Action, Actor, may},
    },
    store::{Calendar, Claim, Speaker, StoreError},
};

const AHEAD_S: i64 = 30 * 24 * 3_600;
/// Most speakers of an area that are looked at, the first by name.
const SPEAKERS: usize = 2_000;
const MAKING: usize = 2;
static TURN: Semaphore = Semaphore::const_new(MAKING);
/// Under this name tries at secrets are counted; no user can have it.
const GUESSING: &str = "\u{0}calendar";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCalendar {
    /// One of the two.
    pub speaker: Option<String>,
    pub area: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct CalendarView {
    #[schema(example = "c0123456789abcdef")]
    pub id: String,
    pub speaker: Option<String>,
    pub area: Option<String>,
    pub made: Instant,
    /// When a calendar program last read it, within an hour.
    pub used: Option<Instant>,
    /// Only in the answer that made it, and only once: whoever has it may read the programme.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Calendars {
    /// The latest first.
    pub calendars: Vec<CalendarView>,
}

impl From<Calendar> for CalendarView {
    fn from(calendar: Calendar) -> Self {
        let (speaker, area) = match &calendar.channel {
            Channel::Speaker(id) => (Some(id.to_string()), None),
            Channel::Area(id) => (None, Some(id.to_string())),
            Channel::Group(_) => (None, None),
        };
        Self {
            id: calendar.id,
            speaker,
            area,
            made: calendar.made.into(),
            used: calendar.used.map(Instant),
            url: None,
        }
    }
}

/// What one speaker will play in the next 30 days, as iCalendar.
#[utoipa::path(get, path = "/speakers/{id}/programme.ics", tag = "watch", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/calendar", body = String),
        (status = "default", body = ErrorEnvelope)))]
pub async fn of_speaker(
    State(state): State<AppState>,
    signed: Signed,
    lang: Lang,
    Id(id): Id<SpeakerId>,
) -> Result<Response, ApiError> {
    load(&state, &signed, &id, Action::See).await?;
    programme(&state, &Channel::Speaker(id), lang).await
}

/// What the speakers of an area will play in the next 30 days, as iCalendar.
#[utoipa::path(get, path = "/areas/{id}/programme.ics", tag = "watch", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/calendar", body = String),
        (status = "default", body = ErrorEnvelope)))]
pub async fn of_area(
    State(state): State<AppState>,
    signed: Signed,
    lang: Lang,
    Id(id): Id<AreaId>,
) -> Result<Response, ApiError> {
    let area = state.store.area(&id).await?;
    signed.must(&state, Action::See, &area.id).await?;
    programme(&state, &Channel::Area(id), lang).await
}

/// By its secret address, for calendar programs that cannot sign in. What its maker may not see any more it does not show.
#[utoipa::path(get, path = "/calendars/open/{secret}/programme.ics", tag = "watch", security(()),
    params(("secret" = String, Path)),
    responses((status = 200, content_type = "text/calendar", body = String),
        (status = "default", body = ErrorEnvelope)))]
pub async fn by_secret(
    State(state): State<AppState>,
    lang: Lang,
    Address(from): Address,
    Path(secret): Path<String>,
) -> Result<Response, ApiError> {
    let tried = state.throttle.guess(GUESSING, from, state.clock.mono_us());
    tried.map_err(|wait_s| ApiError {
        retry_after_s: Some(wait_s),
        ..ApiError::new(Code::TooManyReads).with("wait_s", wait_s)
    })?;
    let calendar = state.store.use_calendar(&token_hash(&secret)).await?;
    let calendar = calendar.ok_or(Code::CalendarGone)?;
    state.throttle.right(GUESSING, from);
    let owner = state.store.user(&calendar.owner).await?;
    let actor = Actor {
        role: owner.role,
        area: owner.area,
    };
    let lineage = lineage(&state, &calendar.channel).await?;
    if lineage.is_empty() || !may(&actor, Action::See, &lineage) {
        return Err(Code::CalendarGone.into());
    }
    programme(&state, &calendar.channel, lang).await
}

/// Empty when it is not there any more.
async fn lineage(state: &AppState, channel: &Channel) -> Result<Vec<AreaId>, ApiError> {
    let area = match channel {
        Channel::Area(area) => area.clone(),
        Channel::Speaker(id) => match state.store.speaker(id).await {
            Ok(speaker) => speaker.area,
            Err(StoreError::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        },
        Channel::Group(_) => return Ok(Vec::new()),
    };
    Ok(state.store.lineage(&area).await?)
}

async fn programme(state: &AppState, channel: &Channel, lang: Lang) -> Result<Response, ApiError> {
    let _turn = TURN.try_acquire().map_err(|_| ApiError {
        retry_after_s: Some(10),
        ..ApiError::new(Code::Busy)
    })?;
    let mut speakers: Vec<Speaker> = state.store.followers(channel).await?;
    speakers.truncate(SPEAKERS);
    let name = match channel {
        Channel::Area(id) => state.store.area(id).await?.name,
        Channel::Speaker(id) => state.store.speaker(id).await?.name,
        Channel::Group(id) => state.store.group(id).await?.name,
    };
    let of = Of {
        name,
        channel: channel.to_string(),
        speakers: speakers.len(),
        reach: match lang {
            Lang::Vi => "Trên {n} trong {of} loa",
            Lang::En => "On {n} of {of} speakers",
        },
    };
    let configs = state.store.speaker_configs(&speakers).await?;
    let channels = state.store.channels_of(&configs).await?;
    let governors = governors(state, &speakers).await?;
    let now = state.clock.now();
    let text = task::spawn_blocking(move || {
        let mut planner = Planner::new(&channels, now, now, now.plus_s(AHEAD_S));
        let mut joined = Joined::default();
        for (config, governor) in configs.iter().zip(&governors) {
            let plan = planner.plan(config, governor);
            let own = plan.items.iter().filter(|a| a.planned >= config.since);
            joined.add(own);
        }
        joined.calendar(&of, now)
    });
    let text = text.await.map_err(|error| ApiError::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "inline; filename=\"programme.ics\"",
        ),
    ];
    Ok((headers, text).into_response())
}

/// The calendars that I made.
#[utoipa::path(get, path = "/calendars", tag = "watch",
    responses((status = 200, body = Calendars), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Json<Calendars>, ApiError> {
    let calendars = state.store.calendars_of(&signed.user.id).await?;
    Ok(Json(Calendars {
        calendars: calendars.into_iter().map(CalendarView::from).collect(),
    }))
}

/// A secret address for calendar programs. The answer holds it, once. It has my rights as they are when it is read.
#[utoipa::path(post, path = "/calendars", tag = "watch", request_body = NewCalendar,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = CalendarView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<NewCalendar>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /calendars", &body.sha256);
    let unknown = |code, id: &str| ApiError::new(code).with("id", id);
    let channel = match (body.value.speaker, body.value.area) {
        (Some(text), None) => {
            let id: SpeakerId = text
                .parse()
                .map_err(|_| unknown(Code::SpeakerUnknown, &text))?;
            load(&state, &signed, &id, Action::See).await?;
            Channel::Speaker(id)
        }
        (None, Some(text)) => {
            let id: AreaId = text
                .parse()
                .map_err(|_| unknown(Code::AreaUnknown, &text))?;
            let area = state.store.area(&id).await?;
            signed.must(&state, Action::See, &area.id).await?;
            Channel::Area(id)
        }
        _ => return Err(Code::CalendarTarget.into()),
    };
    let make = async |claim: Option<Claim>| {
        let (id, secret) = (chance::id('c'), chance::token());
        let hash = token_hash(&secret);
        let owner = &signed.user.id;
        let added = state
            .store
            .add_calendar(&id, &hash, owner, &channel, claim.as_ref())
            .await?;
        let base = state.config.base_url(state.config.server.listen);
        Ok(CalendarView {
            url: Some(format!(
                "{base}/api/v1/calendars/open/{secret}/programme.ics"
            )),
            ..added.into()
        })
    };
    let show = async |id: String| Ok(state.store.calendar(&id).await?.into());
    idempotency::create(&state, claim, Secrecy::Secret, make, show).await
}

/// Its address is worth nothing from now on. Only who made it, or who may change people everywhere, takes it away.
#[utoipa::path(delete, path = "/calendars/{id}", tag = "watch", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(
    State(state): State<AppState>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let calendar = state.store.calendar(&id).await?;
    if calendar.owner != signed.user.id {
        signed.must_in(Action::Govern, &[])?;
    }
    state.store.remove_calendar(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
