//! Repairs: who mends which speaker by when.

use axum::{Json, extract::State, response::Response};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    alerts::{read_cursor, seen_area, text, write_cursor},
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, Params, chosen_id, given, page_size},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::{self, Instant},
    messages::Code,
};
use crate::{
    logic::{
        Notice,
        alerts::{AlertId, RepairId},
        permissions::Action,
    },
    store::{Claim, NewRepair, Repair, RepairChange, RepairFilter, StoreError},
};
use loa_protocol::id::SpeakerId;

const MAX_WHAT: usize = 300;
const MAX_WHO: usize = 120;
const MAX_NOTE: usize = 1_000;

#[derive(Serialize, ToSchema)]
pub struct RepairView {
    #[schema(example = "f0123456789abcdef")]
    pub id: String,
    pub speaker: String,
    pub name: String,
    pub area: String,
    /// The alert that it came from.
    pub alert: Option<String>,
    pub what: String,
    pub who: Option<String>,
    #[schema(example = "2026-11-30")]
    pub due: Option<String>,
    pub opened: Instant,
    /// The person's name.
    pub opened_by: Option<String>,
    pub done: Option<Instant>,
    pub done_by: Option<String>,
    pub note: Option<String>,
}

impl From<Repair> for RepairView {
    fn from(repair: Repair) -> Self {
        Self {
            id: repair.id.to_string(),
            speaker: repair.speaker.to_string(),
            name: repair.name,
            area: repair.area.to_string(),
            alert: repair.alert.map(|id| id.to_string()),
            what: repair.what,
            who: repair.who,
            due: repair.due.map(|day| day.to_string()),
            opened: repair.opened.into(),
            opened_by: repair.opened_by,
            done: repair.done.map(Instant),
            done_by: repair.done_by,
            note: repair.note,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Repairs {
    /// Latest first.
    pub items: Vec<RepairView>,
    /// The cursor of the next page, when there may be one.
    pub next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `open`, `done` or `all`, which it is when not told.
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

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRepairBody {
    pub speaker: String,
    pub alert: Option<String>,
    #[schema(example = "Thay nguồn")]
    pub what: String,
    pub who: Option<String>,
    #[schema(example = "2026-11-30")]
    pub due: Option<String>,
    pub note: Option<String>,
}

/// What is not named stays as it is; `null` takes it away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepairPatch {
    pub what: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub who: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub due: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub note: Option<Option<String>>,
    /// `true`: it is done now.
    pub done: Option<bool>,
}

fn what(typed: &str) -> Result<String, ApiError> {
    Ok(text("what", Some(typed), 1, MAX_WHAT)?.unwrap_or_default())
}

fn due(typed: Option<&str>) -> Result<Option<Date>, ApiError> {
    typed.map(instant::date).transpose()
}

/// Latest first.
#[utoipa::path(get, path = "/repairs", tag = "alerts", params(Asked),
    responses((status = 200, body = Repairs), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Json<Repairs>, ApiError> {
    let limit = page_size(asked.limit)?;
    let filter = RepairFilter {
        area: seen_area(&state, &signed, asked.area.as_deref()).await?,
        speaker: chosen_id(asked.speaker.as_deref())?,
        done: match asked.state.as_deref() {
            None | Some("all") => None,
            Some("open") => Some(false),
            Some("done") => Some(true),
            Some(_) => {
                return Err(ApiError::new(Code::StateInvalid).with("allowed", "open, done, all"));
            }
        },
        after: asked.cursor.as_deref().map(read_cursor).transpose()?,
        limit,
    };
    let rows = state.store.repairs(&filter).await?;
    let full = rows.len() == limit as usize;
    let last = rows.last().filter(|_| full);
    let next = last.map(|repair| write_cursor(repair.opened, &repair.id));
    Ok(Json(Repairs {
        items: rows.into_iter().map(RepairView::from).collect(),
        next,
    }))
}

/// By hand, or from an alert of this speaker.
#[utoipa::path(post, path = "/repairs", tag = "alerts", request_body = NewRepairBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = RepairView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<NewRepairBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /repairs", &body.sha256);
    let asked = body.value;
    let unknown = || ApiError::new(Code::SpeakerUnknown).with("id", &asked.speaker);
    let speaker: SpeakerId = asked.speaker.parse().map_err(|_| unknown())?;
    let place = match state.store.speaker(&speaker).await {
        Ok(known) => known.area,
        Err(StoreError::NotFound { .. }) => return Err(unknown()),
        Err(error) => return Err(error.into()),
    };
    signed.must(&state, Action::Silence, &place).await?;
    let new = NewRepair {
        alert: alert_of(&state, asked.alert.as_deref(), &speaker).await?,
        speaker: speaker.clone(),
        what: what(&asked.what)?,
        who: text("who", asked.who.as_deref(), 0, MAX_WHO)?,
        due: due(asked.due.as_deref())?,
        note: text("note", asked.note.as_deref(), 0, MAX_NOTE)?,
        by: signed.user.id.clone(),
    };
    let make = async |claim: Option<Claim>| {
        let repair = state.store.add_repair(new, claim.as_ref()).await?;
        state.engine.notify(Notice::Repair {
            repair: repair.id.clone(),
            speaker: repair.speaker.clone(),
        });
        Ok(RepairView::from(repair))
    };
    let show = async |id: String| {
        let id: RepairId = id.parse().map_err(|e| ApiError::internal(&e))?;
        Ok(RepairView::from(state.store.repair(&id).await?))
    };
    idempotency::create(&state, claim, Secrecy::Plain, make, show).await
}

async fn alert_of(
    state: &AppState,
    id: Option<&str>,
    speaker: &SpeakerId,
) -> Result<Option<AlertId>, ApiError> {
    let Some(text) = id else {
        return Ok(None);
    };
    let unknown = || ApiError::new(Code::AlertUnknown).with("id", text);
    let id: AlertId = text.parse().map_err(|_| unknown())?;
    match state.store.alert(&id).await {
        Ok(alert) if alert.speakers.iter().any(|one| one.speaker == *speaker) => Ok(Some(id)),
        Ok(_) | Err(StoreError::NotFound { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

#[utoipa::path(patch, path = "/repairs/{id}", tag = "alerts", params(("id" = String, Path)),
    request_body = RepairPatch,
    responses((status = 200, body = RepairView), (status = "default", body = ErrorEnvelope)))]
pub async fn change(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<RepairId>,
    body: Body<RepairPatch>,
) -> Result<Json<RepairView>, ApiError> {
    let patch = body.value;
    let old = state.store.repair(&id).await?;
    signed.must(&state, Action::Silence, &old.area).await?;
    let typed = |name, given: &Option<Option<String>>, max| {
        let given = given.as_ref();
        given
            .map(|words| text(name, words.as_deref(), 0, max))
            .transpose()
    };
    let change = RepairChange {
        what: patch.what.as_deref().map(what).transpose()?,
        who: typed("who", &patch.who, MAX_WHO)?,
        due: patch
            .due
            .as_ref()
            .map(|day| due(day.as_deref()))
            .transpose()?,
        note: typed("note", &patch.note, MAX_NOTE)?,
        done: patch.done,
    };
    let repair = state
        .store
        .change_repair(&id, change, &signed.user.id)
        .await?;
    state.engine.notify(Notice::Repair {
        repair: id,
        speaker: repair.speaker.clone(),
    });
    Ok(Json(repair.into()))
}
