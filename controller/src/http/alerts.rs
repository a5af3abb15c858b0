//! Alerts: what somebody should look after, and who has said that he does.

use std::collections::HashSet;

use axum::{Json, extract::State};
use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, Params, chosen_id, page_size},
    guard::Signed,
    instant::Instant,
    messages::Code,
};
use crate::{
    logic::{
        Notice,
        alerts::{AlertId, Kind, Severity},
        outages::Cause,
        permissions::Action,
    },
    store::{AlertFilter, AlertRow, AlertState},
};

const MAX_NOTE: usize = 500;

#[derive(Serialize, ToSchema)]
pub struct AlertView {
    #[schema(example = "w0123456789abcdef")]
    pub id: String,
    pub kind: Kind,
    /// Of an outage, as far as it is known.
    pub cause: Option<Cause>,
    /// The nearest area that holds all its speakers.
    pub area: Option<String>,
    pub area_name: String,
    /// Those in my reach, by name.
    pub speakers: Vec<AlertSpeakerView>,
    /// Since when it is so.
    pub began: Instant,
    /// When that was found to last.
    pub opened: Instant,
    pub closed: Option<Instant>,
    pub severity: Severity,
    pub acknowledged: Option<AcknowledgedView>,
    /// Messages that went out.
    pub told: u32,
    /// Those were told too who are when others do not answer.
    pub escalated: bool,
    pub detail: AlertDetail,
}

#[derive(Serialize, ToSchema)]
pub struct AlertSpeakerView {
    pub speaker: String,
    pub name: String,
    /// When it was well again.
    pub back: Option<Instant>,
}

#[derive(Serialize, ToSchema)]
pub struct AcknowledgedView {
    /// The person's name.
    pub by: String,
    pub at: Instant,
    pub note: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AlertDetail {
    /// The figure that was too great or too small, by kind: degrees Celsius, percent free, percent of the plan, starts in an
    /// hour.
    pub value: Option<f64>,
    pub limit: Option<f64>,
    /// The mobile cell that its speakers share.
    pub cell: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Alerts {
    /// Latest first.
    pub items: Vec<AlertView>,
    /// The cursor of the next page, when there may be one.
    pub next: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AlertCountView {
    pub open: u64,
    pub unacknowledged: u64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `open`, `closed` or `all`, which it is when not told.
    state: Option<String>,
    /// Of speakers in and below it.
    area: Option<String>,
    speaker: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// To a page; 50 when not told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Counted {
    /// Of speakers in and below it.
    area: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeBody {
    /// For the others: what is being done.
    pub note: Option<String>,
}

/// The speakers that somebody may see; `None`: all.
async fn in_reach(
    state: &AppState,
    signed: &Signed,
) -> Result<Option<HashSet<SpeakerId>>, ApiError> {
    let Some(area) = &signed.actor.area else {
        return Ok(None);
    };
    let speakers = state.store.speakers_below(Some(area)).await?;
    Ok(Some(speakers.into_iter().map(|s| s.id).collect()))
}

fn view(alert: AlertRow, reach: Option<&HashSet<SpeakerId>>) -> AlertView {
    AlertView {
        id: alert.id.to_string(),
        kind: alert.kind,
        cause: alert.cause,
        area: alert.area.map(|area| area.to_string()),
        area_name: alert.area_name,
        speakers: alert
            .speakers
            .into_iter()
            .filter(|one| reach.is_none_or(|reach| reach.contains(&one.speaker)))
            .map(|one| AlertSpeakerView {
                speaker: one.speaker.to_string(),
                name: one.name,
                back: one.back.map(Instant),
            })
            .collect(),
        began: alert.began.into(),
        opened: alert.opened.into(),
        closed: alert.closed.map(Instant),
        severity: alert.severity,
        acknowledged: alert.acknowledged.map(|word| AcknowledgedView {
            by: word.by,
            at: word.at.into(),
            note: word.note,
        }),
        told: alert.told,
        escalated: alert.escalated,
        detail: AlertDetail {
            value: alert.value,
            limit: alert.limit,
            cell: alert.cell,
        },
    }
}

/// A place in a list by time and id.
pub fn write_cursor(at: WallTime, id: impl ToString) -> String {
    hex::encode(format!("{} {}", at.as_micros(), id.to_string()))
}

pub fn read_cursor<T: std::str::FromStr>(text: &str) -> Result<(WallTime, T), ApiError> {
    let parse = || {
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let (at, id) = text.split_once(' ')?;
        Some((WallTime::from_micros(at.parse().ok()?), id.parse().ok()?))
    };
    parse().ok_or(Code::CursorInvalid.into())
}

/// The area that somebody asks for, when he may see it; otherwise his own.
pub async fn seen_area(
    state: &AppState,
    signed: &Signed,
    asked: Option<&str>,
) -> Result<Option<AreaId>, ApiError> {
    signed.must_somewhere(Action::See)?;
    let area: Option<AreaId> = chosen_id(asked)?;
    if let Some(area) = &area {
        signed.must(state, Action::See, area).await?;
    }
    Ok(area.or_else(|| signed.actor.area.clone()))
}

/// Latest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(Asked),
    responses((status = 200, body = Alerts), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Json<Alerts>, ApiError> {
    let limit = page_size(asked.limit)?;
    let filter = AlertFilter {
        area: seen_area(&state, &signed, asked.area.as_deref()).await?,
        speaker: chosen_id(asked.speaker.as_deref())?,
        state: match asked.state.as_deref() {
            None | Some("all") => AlertState::All,
            Some("open") => AlertState::Open,
            Some("closed") => AlertState::Closed,
            Some(_) => {
                return Err(ApiError::new(Code::StateInvalid).with("allowed", "open, closed, all"));
            }
        },
        after: asked.cursor.as_deref().map(read_cursor).transpose()?,
        limit,
    };
    let rows = state.store.alerts(&filter).await?;
    let full = rows.len() == limit as usize;
    let last = rows.last().filter(|_| full);
    let next = last.map(|alert| write_cursor(alert.opened, &alert.id));
    let reach = in_reach(&state, &signed).await?;
    let items = rows.into_iter().map(|row| view(row, reach.as_ref()));
    Ok(Json(Alerts {
        items: items.collect(),
        next,
    }))
}

/// How many there are, for a badge.
#[utoipa::path(get, path = "/alerts/count", tag = "alerts", params(Counted),
    responses((status = 200, body = AlertCountView), (status = "default", body = ErrorEnvelope)))]
pub async fn count(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Counted>,
) -> Result<Json<AlertCountView>, ApiError> {
    let area = seen_area(&state, &signed, asked.area.as_deref()).await?;
    let counts = state.store.alert_counts(area.as_ref()).await?;
    Ok(Json(AlertCountView {
        open: counts.open,
        unacknowledged: counts.unacknowledged,
    }))
}

/// An alert of which I may see a speaker.
async fn seen(state: &AppState, signed: &Signed, id: &AlertId) -> Result<AlertView, ApiError> {
    let row = state.store.alert(id).await?;
    let reach = in_reach(state, signed).await?;
    let view = view(row, reach.as_ref());
    if reach.is_some() && view.speakers.is_empty() {
        return Err(Code::Forbidden.into());
    }
    Ok(view)
}

#[utoipa::path(get, path = "/alerts/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, body = AlertView), (status = "default", body = ErrorEnvelope)))]
pub async fn read(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<AlertId>,
) -> Result<Json<AlertView>, ApiError> {
    signed.must_somewhere(Action::See)?;
    Ok(Json(seen(&state, &signed, &id).await?))
}

/// I look after it: nobody is told of it again until it is over. The first to say so stays; a note may be changed.
#[utoipa::path(post, path = "/alerts/{id}/acknowledge", tag = "alerts", params(("id" = String, Path)),
    request_body = AcknowledgeBody,
    responses((status = 200, body = AlertView), (status = "default", body = ErrorEnvelope)))]
pub async fn acknowledge(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<AlertId>,
    body: Body<AcknowledgeBody>,
) -> Result<Json<AlertView>, ApiError> {
    let alert = state.store.alert(&id).await?;
    match &alert.area {
        Some(area) => signed.must(&state, Action::Silence, area).await?,
        None => signed.must_in(Action::Silence, &[])?,
    }
    let note = text("note", body.value.note.as_deref(), 0, MAX_NOTE)?;
    state
        .store
        .acknowledge(&id, &signed.user.id, note.as_deref())
        .await?;
    state.engine.notify(Notice::Alert {
        alert: id.clone(),
        speakers: alert.speakers.into_iter().map(|s| s.speaker).collect(),
    });
    Ok(Json(seen(&state, &signed, &id).await?))
}

/// Words that somebody typed: without space around them; none are `None`.
pub fn text(
    name: &'static str,
    typed: Option<&str>,
    min: usize,
    max: usize,
) -> Result<Option<String>, ApiError> {
    let typed = typed.unwrap_or_default().trim();
    let odd = |c: char| c.is_control() && c != '\n';
    if !(min..=max).contains(&typed.chars().count()) || typed.chars().any(odd) {
        return Err(ApiError::new(Code::NoteInvalid)
            .with("name", name)
            .with("min", min)
            .with("max", max));
    }
    Ok((!typed.is_empty()).then(|| typed.to_owned()))
}
