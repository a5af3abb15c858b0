//! The poles: what the office sets for each, and what is known of each now.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use loa_protocol::{
    id::{AreaId, SpeakerId},
    limits::Limits,
    quiet_hours::{DayWindow, WindowError, parse_time_of_day, parse_zone},
    speaker_config::VolumePlan,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, Params, chosen_id, given, name, page_size},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::{self, Instant},
    messages::Code,
    readiness::SpeakerReady,
    speaker_status::{PresenceOf, StatusView},
};
use crate::{
    chance,
    engine::Change,
    logic::{Presence, permissions::Action},
    store::{Claim, NewSpeaker, Speaker, SpeakerChange, StoreError},
};

/// Most windows of quiet hours, and of volumes by time of day.
const MAX_WINDOWS: usize = 24;

#[derive(Serialize, ToSchema)]
pub struct SpeakerView {
    #[schema(example = "ban-chuong-1")]
    pub id: String,
    pub name: String,
    pub area: String,
    /// Degrees, WGS 84.
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    #[schema(example = "Asia/Ho_Chi_Minh")]
    pub zone: String,
    /// Only an emergency sounds in these; the pole itself sees to it.
    pub quiet_hours: Vec<DayWindow>,
    pub volume: VolumePlan,
    pub muted: bool,
    /// How much it may sound, on top of what was set at the pole; the stricter holds. `null`: only the pole's own.
    pub limits: Option<Limits>,
    /// Added to every scheduled start.
    pub delay_trim_ms: i16,
    /// When it tests its own sound each day, where something listens; `null`: never.
    #[schema(example = "11:45")]
    pub self_test_at: Option<String>,
    /// Megabytes (10^6 bytes) that its SIM may use in a month.
    pub data_plan_mb: Option<u32>,
    /// The last day of the plan.
    #[schema(example = "2027-01-31")]
    pub data_plan_ends: Option<String>,
    /// The mast as the operator knows it, where the modem does not tell.
    pub cell: Option<String>,
    /// As a target of bulletins.
    #[schema(example = "speaker.ban-chuong-1")]
    pub channel: String,
    pub presence: PresenceOf,
    pub made: Instant,
    /// Only where the line has no TLS, in the answer that made it, and only once: the pole's MQTT password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<String>,
    /// The office's public key, which the pole pins. With the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub office_key: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SpeakerDetail {
    #[serde(flatten)]
    pub speaker: SpeakerView,
    /// What it last said of itself; `null` when it never did.
    pub status: Option<StatusView>,
    pub ready: SpeakerReady,
}

#[derive(Serialize, ToSchema)]
pub struct Speakers {
    pub speakers: Vec<SpeakerView>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSpeakerBody {
    /// Made from the name when there is none.
    pub id: Option<String>,
    pub name: String,
    pub area: String,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// IANA name; the office's when there is none.
    pub zone: Option<String>,
    /// The office's when there are none.
    pub quiet_hours: Option<Vec<DayWindow>>,
    pub volume: Option<VolumePlan>,
    pub limits: Option<Limits>,
    #[serde(default)]
    pub delay_trim_ms: i64,
    /// `HH:MM`; the office's when there is none, `null` for no self-test.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub self_test_at: Option<Option<String>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeakerPatch {
    pub name: Option<String>,
    /// Moves it, with its history.
    pub area: Option<String>,
    /// Both, or `null` for both.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>)]
    pub latitude: Option<Option<f64>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>)]
    pub longitude: Option<Option<f64>>,
    pub zone: Option<String>,
    pub quiet_hours: Option<Vec<DayWindow>>,
    pub volume: Option<VolumePlan>,
    /// Silent whatever comes.
    pub muted: Option<bool>,
    /// `null`: none on top of the pole's own.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Limits>)]
    pub limits: Option<Option<Limits>>,
    pub delay_trim_ms: Option<i64>,
    /// `HH:MM`, not in quiet hours; `null`: none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub self_test_at: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub data_plan_mb: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub data_plan_ends: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub cell: Option<Option<String>>,
}

#[derive(Deserialize)]
pub struct Filter {
    area: Option<String>,
}

pub fn view(state: &AppState, speaker: Speaker) -> SpeakerView {
    SpeakerView {
        presence: state.engine.presence(&speaker.id).into(),
        channel: format!("speaker.{}", speaker.id),
        id: speaker.id.to_string(),
        name: speaker.name,
        area: speaker.area.to_string(),
        latitude: speaker.latitude,
        longitude: speaker.longitude,
        zone: speaker.zone,
        quiet_hours: speaker.quiet_hours,
        volume: speaker.volume,
        muted: speaker.muted,
        limits: speaker.limits,
        delay_trim_ms: speaker.delay_trim_ms,
        self_test_at: speaker.self_test_at,
        data_plan_mb: speaker.data_plan_mb,
        data_plan_ends: speaker.data_plan_ends.map(|day| day.to_string()),
        cell: speaker.cell,
        made: speaker.made.into(),
        token: None,
        office_key: None,
    }
}

fn check_zone(zone: &str) -> Result<(), ApiError> {
    parse_zone(zone)
        .map(|_| ())
        .map_err(|_| ApiError::new(Code::ZoneInvalid).with("given", zone))
}

fn check_limits(limits: &Limits) -> Result<(), ApiError> {
    limits.check().map_err(|error| {
        ApiError::new(Code::LimitsInvalid)
            .with("name", error.name)
            .with("from", error.from)
            .with("to", error.to)
    })
}

fn check_windows<'a>(
    windows: impl ExactSizeIterator<Item = &'a DayWindow>,
) -> Result<(), ApiError> {
    if windows.len() > MAX_WINDOWS {
        return Err(ApiError::new(Code::TooManyWindows).with("most", MAX_WINDOWS));
    }
    for window in windows {
        window.check().map_err(|error| match error {
            WindowError::Time(given) | WindowError::Zone(given) => {
                ApiError::new(Code::DayTimeInvalid).with("given", given)
            }
        })?;
    }
    Ok(())
}

fn check_volume(plan: &VolumePlan) -> Result<(), ApiError> {
    let by_time = plan.by_time.iter().map(|w| w.percent);
    if by_time
        .chain([plan.percent, plan.ceiling, plan.emergency])
        .any(|percent| percent > 100)
    {
        return Err(Code::VolumeInvalid.into());
    }
    check_windows(plan.by_time.iter().map(|w| &w.window))
}

fn trim(ms: i64) -> Result<i16, ApiError> {
    i16::try_from(ms)
        .ok()
        .filter(|ms| (-500..=500).contains(ms))
        .ok_or(Code::DelayTrimInvalid.into())
}

/// A time of day, outside of the quiet hours.
fn self_test(at: Option<&str>, quiet: &[DayWindow]) -> Result<(), ApiError> {
    let Some(text) = at else { return Ok(()) };
    let wrong = |_| ApiError::new(Code::DayTimeInvalid).with("given", text);
    let time = parse_time_of_day(text).map_err(wrong)?;
    let inside = |window: &DayWindow| match (
        parse_time_of_day(&window.from),
        parse_time_of_day(&window.to),
    ) {
        (Ok(from), Ok(to)) if from < to => from <= time && time < to,
        (Ok(from), Ok(to)) => time >= from || time < to,
        _ => false,
    };
    if quiet.iter().any(inside) {
        return Err(ApiError::new(Code::SelfTestTimeQuiet).with("given", text));
    }
    Ok(())
}

fn data_plan(mb: i64) -> Result<u32, ApiError> {
    const MOST: u32 = 10_000_000;
    u32::try_from(mb)
        .ok()
        .filter(|mb| (1..=MOST).contains(mb))
        .ok_or(ApiError::new(Code::DataPlanInvalid).with("most", MOST))
}

fn cell(text: &str) -> Result<String, ApiError> {
    const MAX: usize = 64;
    let text = text.trim();
    if (1..=MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::new(Code::CellInvalid).with("max", MAX))
    }
}

/// Left out, taken away, or read.
fn optional<T, U>(
    given: Option<Option<T>>,
    read: impl Fn(T) -> Result<U, ApiError>,
) -> Result<Option<Option<U>>, ApiError> {
    given.map(|value| value.map(&read).transpose()).transpose()
}

fn place(latitude: Option<f64>, longitude: Option<f64>) -> Result<Option<(f64, f64)>, ApiError> {
    match (latitude, longitude) {
        (None, None) => Ok(None),
        (Some(lat), Some(lon))
            if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) =>
        {
            Ok(Some((lat, lon)))
        }
        _ => Err(Code::PlaceInvalid.into()),
    }
}

fn area_id(text: &str) -> Result<AreaId, ApiError> {
    text.parse()
        .map_err(|_| ApiError::new(Code::AreaUnknown).with("id", text))
}

fn unknown_area(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound { what: "area", id } => {
            ApiError::new(Code::AreaUnknown).with("id", id)
        }
        error => error.into(),
    }
}

/// The speakers in my reach, by name; with `area` those in and below it.
#[utoipa::path(get, path = "/speakers", tag = "speakers", params(("area" = Option<String>, Query)),
    responses((status = 200, body = Speakers), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
    Params(filter): Params<Filter>,
) -> Result<Json<Speakers>, ApiError> {
    let below = match filter.area.as_deref() {
        None => signed.actor.area.clone(),
        Some(area) => {
            let area = area_id(area)?;
            signed.must(&state, Action::See, &area).await?;
            Some(area)
        }
    };
    let speakers = state.store.speakers_below(below.as_ref()).await?;
    Ok(Json(Speakers {
        speakers: speakers.into_iter().map(|s| view(&state, s)).collect(),
    }))
}

/// Add a pole. It gets its certificate by a code (`POST /speakers/{id}/enrolment`); where the line has no TLS, the answer
/// holds its secret token, once.
#[utoipa::path(post, path = "/speakers", tag = "speakers", request_body = NewSpeakerBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = SpeakerView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<NewSpeakerBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /speakers", &body.sha256);
    let asked = body.value;
    let place = place(asked.latitude, asked.longitude)?;
    let defaults = &state.config.defaults;
    let new = NewSpeaker {
        id: chosen_id(asked.id.as_deref())?,
        name: name(&asked.name)?,
        area: area_id(&asked.area)?,
        latitude: place.map(|(lat, _)| lat),
        longitude: place.map(|(_, lon)| lon),
        zone: asked.zone.unwrap_or_else(|| defaults.zone.clone()),
        quiet_hours: asked
            .quiet_hours
            .unwrap_or_else(|| defaults.quiet_hours.clone()),
        volume: asked.volume.unwrap_or_default(),
        limits: asked.limits,
        delay_trim_ms: trim(asked.delay_trim_ms)?,
        self_test_at: asked
            .self_test_at
            .unwrap_or_else(|| defaults.self_test_at()),
    };
    self_test(new.self_test_at.as_deref(), &new.quiet_hours)?;
    check_zone(&new.zone)?;
    check_windows(new.quiet_hours.iter())?;
    check_volume(&new.volume)?;
    new.limits.as_ref().map(check_limits).transpose()?;
    signed.must(&state, Action::Build, &new.area).await?;
    let make = async |claim: Option<Claim>| {
        let token = chance::token();
        let added = state.store.add_speaker(new, &token, claim.as_ref()).await;
        let speaker = added.map_err(unknown_area)?;
        let id = speaker.id.clone();
        state.engine.changed(Change::Speakers(vec![id])).await;
        // Where speakers have certificates a token is good for nothing, and nobody is told it.
        let tokens = !state.config.mqtt.tls;
        Ok(SpeakerView {
            token: tokens.then_some(token),
            office_key: tokens.then(|| state.store.office().public_key()),
            ..view(&state, speaker)
        })
    };
    let show = async |id: String| {
        let id: SpeakerId = id.parse().map_err(|e| ApiError::internal(&e))?;
        Ok(view(&state, state.store.speaker(&id).await?))
    };
    idempotency::create(&state, claim, Secrecy::Secret, make, show).await
}

pub async fn load(
    state: &AppState,
    signed: &Signed,
    id: &SpeakerId,
    action: Action,
) -> Result<Speaker, ApiError> {
    let speaker = state.store.speaker(id).await?;
    signed.must(state, action, &speaker.area).await?;
    Ok(speaker)
}

/// One pole: settings, presence, its last word about itself, and whether it is ready for what is ahead.
#[utoipa::path(get, path = "/speakers/{id}", tag = "speakers", params(("id" = String, Path)),
    responses((status = 200, body = SpeakerDetail), (status = "default", body = ErrorEnvelope)))]
pub async fn read(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
) -> Result<Json<SpeakerDetail>, ApiError> {
    let speaker = load(&state, &signed, &id, Action::See).await?;
    let status = super::speaker_status::last(&state, &id).await?;
    let ready = super::readiness::of_speaker(&state, &speaker, status.as_ref()).await?;
    Ok(Json(SpeakerDetail {
        speaker: view(&state, speaker),
        status: status.as_ref().map(StatusView::from),
        ready,
    }))
}

/// Change what the office sets for a pole.
#[utoipa::path(patch, path = "/speakers/{id}", tag = "speakers", params(("id" = String, Path)),
    request_body = SpeakerPatch,
    responses((status = 200, body = SpeakerView), (status = "default", body = ErrorEnvelope)))]
pub async fn change(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
    body: Body<SpeakerPatch>,
) -> Result<Json<SpeakerView>, ApiError> {
    let patch = body.value;
    let only_mute = patch.muted.is_some()
        && patch.name.is_none()
        && patch.area.is_none()
        && patch.latitude.is_none()
        && patch.longitude.is_none()
        && patch.zone.is_none()
        && patch.quiet_hours.is_none()
        && patch.volume.is_none()
        && patch.limits.is_none()
        && patch.delay_trim_ms.is_none()
        && patch.self_test_at.is_none()
        && patch.data_plan_mb.is_none()
        && patch.data_plan_ends.is_none()
        && patch.cell.is_none();
    // Muting a horn that shrieks must not wait for the clerk.
    let action = if only_mute {
        Action::Silence
    } else {
        Action::Arrange
    };
    let known = load(&state, &signed, &id, action).await?;
    let area = match patch.area.as_deref() {
        None => None,
        Some(area) => {
            let area = area_id(area)?;
            load(&state, &signed, &id, Action::Build).await?;
            signed.must(&state, Action::Build, &area).await?;
            Some(area)
        }
    };
    patch.zone.as_deref().map(check_zone).transpose()?;
    if let Some(windows) = &patch.quiet_hours {
        check_windows(windows.iter())?;
    }
    patch.volume.as_ref().map(check_volume).transpose()?;
    let limits = patch.limits.as_ref().and_then(Option::as_ref);
    limits.map(check_limits).transpose()?;
    // New quiet hours may swallow a time set earlier: the pole itself does not test then.
    if let Some(at) = &patch.self_test_at {
        let windows = patch.quiet_hours.as_ref().unwrap_or(&known.quiet_hours);
        self_test(at.as_deref(), windows)?;
    }
    let change = SpeakerChange {
        name: patch.name.as_deref().map(name).transpose()?,
        area,
        place: match (patch.latitude, patch.longitude) {
            (None, None) => None,
            (lat, lon) => Some(place(lat.flatten(), lon.flatten())?),
        },
        zone: patch.zone,
        quiet_hours: patch.quiet_hours,
        volume: patch.volume,
        muted: patch.muted,
        limits: patch.limits,
        delay_trim_ms: patch.delay_trim_ms.map(trim).transpose()?,
        self_test_at: patch.self_test_at,
        data_plan_mb: optional(patch.data_plan_mb, data_plan)?,
        data_plan_ends: optional(patch.data_plan_ends, |day| instant::date(&day))?,
        cell: optional(patch.cell, |text| cell(&text))?,
    };
    let changed = state.store.change_speaker(&id, change).await;
    let speaker = changed.map_err(unknown_area)?;
    state.engine.changed(Change::Speakers(vec![id])).await;
    Ok(Json(view(&state, speaker)))
}

/// Take a pole away: its certificates are revoked, and it is disconnected. Its history stays, and its id is not given again.
/// Asks for a fresh proof.
#[utoipa::path(delete, path = "/speakers/{id}", tag = "speakers", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
) -> Result<StatusCode, ApiError> {
    load(&state, &signed, &id, Action::Build).await?;
    signed.must_be_fresh(&state)?;
    state.store.remove_speaker(&id).await?;
    state.engine.changed(Change::Speakers(vec![id])).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Retire a pole: the same as taking it away.
#[utoipa::path(post, path = "/speakers/{id}/retire", tag = "speakers", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn retire(
    state: State<AppState>,
    signed: Signed,
    id: Id<SpeakerId>,
) -> Result<StatusCode, ApiError> {
    delete(state, signed, id).await
}

#[derive(Serialize, ToSchema)]
pub struct TokenView {
    /// The pole's MQTT password. It is told only here.
    pub token: String,
    /// The office's public key, which the pole pins.
    pub office_key: String,
}

/// A new token; the old one is worth nothing from now on. Asks for a fresh proof.
#[utoipa::path(post, path = "/speakers/{id}/token", tag = "speakers", params(("id" = String, Path)),
    responses((status = 201, body = TokenView), (status = "default", body = ErrorEnvelope)))]
pub async fn new_token(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
) -> Result<(StatusCode, Json<TokenView>), ApiError> {
    load(&state, &signed, &id, Action::Build).await?;
    signed.must_be_fresh(&state)?;
    let token = chance::token();
    state.store.change_token(&id, &token).await?;
    state.engine.changed(Change::Speakers(vec![id])).await;
    let view = TokenView {
        token,
        office_key: state.store.office().public_key(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

#[derive(Serialize, ToSchema)]
pub struct Transition {
    pub at: Instant,
    pub presence: Presence,
}

#[derive(Serialize, ToSchema)]
pub struct Transitions {
    /// Latest first.
    pub transitions: Vec<Transition>,
}

#[derive(Deserialize)]
pub struct Page {
    limit: Option<u32>,
}

/// When it came and went.
#[utoipa::path(get, path = "/speakers/{id}/presence", tag = "speakers",
    params(("id" = String, Path), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = Transitions), (status = "default", body = ErrorEnvelope)))]
pub async fn presence(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
    Params(page): Params<Page>,
) -> Result<Json<Transitions>, ApiError> {
    load(&state, &signed, &id, Action::See).await?;
    let history = state
        .store
        .presence_history(&id, page_size(page.limit)?)
        .await?;
    let transitions = history.into_iter().map(|(at, presence)| Transition {
        at: at.into(),
        presence,
    });
    Ok(Json(Transitions {
        transitions: transitions.collect(),
    }))
}
