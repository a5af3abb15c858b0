//! Hand-picked sets of speakers.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use loa_protocol::{
    bulletin::{Priority, Status},
    channel::Channel,
    id::{AreaId, GroupId, SpeakerId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, chosen_id, name},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::Instant,
    messages::Code,
    reach::Reach,
};
use crate::{
    engine::Change,
    logic::{
        approval::need,
        permissions::{Action, may},
    },
    store::{Claim, Group, GroupChange, NewGroup, StoreError},
};

#[derive(Serialize, ToSchema)]
pub struct GroupView {
    pub id: String,
    pub name: String,
    /// Who may arrange this area may arrange the group.
    pub area: String,
    pub members: Vec<String>,
    /// As a target of bulletins.
    #[schema(example = "group.truong-hoc")]
    pub channel: String,
    pub made: Instant,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        Self {
            channel: format!("group.{}", group.id),
            id: group.id.to_string(),
            name: group.name,
            area: group.area.to_string(),
            members: group.members.iter().map(ToString::to_string).collect(),
            made: group.made.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Groups {
    pub groups: Vec<GroupView>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroupBody {
    /// Made from the name when there is none.
    pub id: Option<String>,
    pub name: String,
    pub area: String,
    /// Speakers' ids.
    #[serde(default)]
    pub members: Vec<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupPatch {
    pub name: Option<String>,
    /// All of them, in place of those before.
    pub members: Option<Vec<String>>,
}

fn members(ids: &[String]) -> Result<Vec<SpeakerId>, ApiError> {
    let mut members = Vec::with_capacity(ids.len());
    for id in ids {
        let id: SpeakerId = id
            .parse()
            .map_err(|_| ApiError::new(Code::SpeakerUnknown).with("id", id))?;
        if !members.contains(&id) {
            members.push(id);
        }
    }
    Ok(members)
}

fn unknown(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound { what: "area", id } => {
            ApiError::new(Code::AreaUnknown).with("id", id)
        }
        StoreError::NotFound {
            what: "speaker",
            id,
        } => ApiError::new(Code::SpeakerUnknown).with("id", id),
        error => error.into(),
    }
}

/// A speaker joins only by somebody who may arrange it.
async fn must_arrange_members(
    state: &AppState,
    signed: &Signed,
    ids: &[SpeakerId],
) -> Result<(), ApiError> {
    for id in ids {
        let speaker = state.store.speaker(id).await.map_err(unknown)?;
        signed.must(state, Action::Arrange, &speaker.area).await?;
    }
    Ok(())
}

/// Would this person need a second one to speak to these?
async fn asks(state: &AppState, signed: &Signed, ids: &[SpeakerId]) -> Result<bool, ApiError> {
    let channels: Vec<Channel> = ids.iter().cloned().map(Channel::Speaker).collect();
    let heard = Reach::open(state).await?.heard(state, &channels).await?;
    let (ordinary, actual) = (Priority::Ordinary, Status::Actual);
    Ok(need(&signed.actor, ordinary, actual, 0, &heard.places).is_some())
}

/// The groups of areas in my reach, by name.
#[utoipa::path(get, path = "/groups", tag = "groups",
    responses((status = 200, body = Groups), (status = "default", body = ErrorEnvelope)))]
pub async fn list(State(state): State<AppState>, signed: Signed) -> Result<Json<Groups>, ApiError> {
    let mut groups = Vec::new();
    for group in state.store.groups().await? {
        let lineage = state.store.lineage(&group.area).await?;
        if may(&signed.actor, Action::See, &lineage) {
            groups.push(group.into());
        }
    }
    Ok(Json(Groups { groups }))
}

#[utoipa::path(post, path = "/groups", tag = "groups", request_body = NewGroupBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = GroupView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<NewGroupBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /groups", &body.sha256);
    let asked = body.value;
    let area: AreaId = asked
        .area
        .parse()
        .map_err(|_| ApiError::new(Code::AreaUnknown).with("id", &asked.area))?;
    let new = NewGroup {
        id: chosen_id(asked.id.as_deref())?,
        name: name(&asked.name)?,
        area,
        members: members(&asked.members)?,
    };
    signed.must(&state, Action::Arrange, &new.area).await?;
    must_arrange_members(&state, &signed, &new.members).await?;
    let make = async |claim: Option<Claim>| {
        let added = state.store.add_group(new, claim.as_ref()).await;
        let group = added.map_err(unknown)?;
        let joined = group.members.clone();
        state.engine.changed(Change::Speakers(joined)).await;
        Ok(GroupView::from(group))
    };
    let show = async |id: String| {
        let id: GroupId = id.parse().map_err(|e| ApiError::internal(&e))?;
        Ok(state.store.group(&id).await?.into())
    };
    idempotency::create(&state, claim, Secrecy::Plain, make, show).await
}

async fn load(
    state: &AppState,
    signed: &Signed,
    id: &GroupId,
    action: Action,
) -> Result<Group, ApiError> {
    let group = state.store.group(id).await?;
    signed.must(state, action, &group.area).await?;
    Ok(group)
}

#[utoipa::path(get, path = "/groups/{id}", tag = "groups", params(("id" = String, Path)),
    responses((status = 200, body = GroupView), (status = "default", body = ErrorEnvelope)))]
pub async fn read(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<GroupId>,
) -> Result<Json<GroupView>, ApiError> {
    Ok(Json(load(&state, &signed, &id, Action::See).await?.into()))
}

#[utoipa::path(patch, path = "/groups/{id}", tag = "groups", params(("id" = String, Path)), request_body = GroupPatch,
    responses((status = 200, body = GroupView), (status = "default", body = ErrorEnvelope)))]
pub async fn change(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<GroupId>,
    body: Body<GroupPatch>,
) -> Result<Json<GroupView>, ApiError> {
    let old = load(&state, &signed, &id, Action::Arrange).await?;
    let members = body.value.members.as_deref().map(members).transpose()?;
    let joining: Vec<SpeakerId> = members
        .iter()
        .flatten()
        .filter(|m| !old.members.contains(m))
        .cloned()
        .collect();
    must_arrange_members(&state, &signed, &joining).await?;
    let change = GroupChange {
        name: body.value.name.as_deref().map(name).transpose()?,
        asks: asks(&state, &signed, &joining).await?,
        members,
    };
    let changed = state.store.change_group(&id, change).await;
    let (group, moved) = changed.map_err(unknown)?;
    if !moved.is_empty() {
        state.engine.changed(Change::Speakers(moved)).await;
    }
    Ok(Json(group.into()))
}

/// Refused while a bulletin that is not over is for it.
#[utoipa::path(delete, path = "/groups/{id}", tag = "groups", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<GroupId>,
) -> Result<StatusCode, ApiError> {
    load(&state, &signed, &id, Action::Arrange).await?;
    let moved = state.store.delete_group(&id).await?;
    state.engine.changed(Change::Speakers(moved)).await;
    Ok(StatusCode::NO_CONTENT)
}
