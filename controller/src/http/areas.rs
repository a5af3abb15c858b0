//! The administrative tree.

use std::collections::HashMap;

use axum::{Json, extract::State, http::StatusCode, response::Response};
use loa_protocol::id::AreaId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, chosen_id, given, name},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::Instant,
    messages::Code,
    reach::Reach,
};
use crate::{
    engine::Change,
    logic::{approval::Approval, permissions::Action},
    store::{Area, AreaChange, Claim, NewArea, StoreError},
};

#[derive(Serialize, ToSchema)]
pub struct AreaView {
    #[schema(example = "ban-chuong")]
    pub id: String,
    #[schema(example = "Bản Chương")]
    pub name: String,
    /// What the law calls it: province, commune, hamlet …
    pub kind: Option<String>,
    /// The official code.
    pub code: Option<String>,
    pub parent: Option<String>,
    /// As a target of bulletins.
    #[schema(example = "area.ban-chuong")]
    pub channel: String,
    /// Whether what is said to it needs a second person; `null`: as in the area above.
    pub approval: Option<Approval>,
    /// What follows from that, here or above.
    pub approval_in_force: Approval,
    /// Speakers in it and below.
    pub speakers: usize,
    pub made: Instant,
}

/// What the tree says of each of its areas.
struct Tree {
    reach: Reach,
    speakers: HashMap<AreaId, usize>,
}

impl Tree {
    async fn read(state: &AppState) -> Result<Self, ApiError> {
        let reach = Reach::open(state).await?;
        let mut speakers: HashMap<AreaId, usize> = HashMap::new();
        for (area, own) in reach.speakers() {
            for above in reach.lineage(area) {
                *speakers.entry(above).or_default() += own;
            }
        }
        Ok(Self { reach, speakers })
    }

    fn view(&self, area: Area) -> AreaView {
        AreaView {
            approval: area.approval,
            approval_in_force: self.reach.approval(&self.reach.lineage(&area.id)),
            speakers: self.speakers.get(&area.id).copied().unwrap_or(0),
            channel: format!("area.{}", area.id),
            id: area.id.to_string(),
            name: area.name,
            kind: area.kind,
            code: area.code,
            parent: area.parent.map(|p| p.to_string()),
            made: area.made.into(),
        }
    }
}

async fn told(state: &AppState, area: Area) -> Result<AreaView, ApiError> {
    Ok(Tree::read(state).await?.view(area))
}

#[derive(Serialize, ToSchema)]
pub struct Areas {
    pub areas: Vec<AreaView>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAreaBody {
    /// Made from the name when there is none.
    pub id: Option<String>,
    pub name: String,
    pub kind: Option<String>,
    pub code: Option<String>,
    /// Without one it is a root.
    pub parent: Option<String>,
    /// As in the area above when there is none.
    pub approval: Option<Approval>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AreaPatch {
    pub name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub kind: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub code: Option<Option<String>>,
    /// Hangs it, with all below, elsewhere; `null` makes it a root.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub parent: Option<Option<String>>,
    /// `null`: as in the area above. What is planned already stays as it is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Approval>)]
    pub approval: Option<Option<Approval>>,
}

fn label(text: Option<String>) -> Result<Option<String>, ApiError> {
    text.as_deref().map(name).transpose()
}

fn unknown_parent(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound { what: "area", id } => {
            ApiError::new(Code::AreaUnknown).with("id", id)
        }
        error => error.into(),
    }
}

/// Who may put something under `parent`?
async fn must_build(
    state: &AppState,
    signed: &Signed,
    parent: Option<&AreaId>,
) -> Result<(), ApiError> {
    match parent {
        Some(parent) => signed.must(state, Action::Build, parent).await,
        None => signed.must_in(Action::Build, &[]),
    }
}

/// The areas in my reach, by name.
#[utoipa::path(get, path = "/areas", tag = "areas",
    responses((status = 200, body = Areas), (status = "default", body = ErrorEnvelope)))]
pub async fn list(State(state): State<AppState>, signed: Signed) -> Result<Json<Areas>, ApiError> {
    let areas = state.store.areas(signed.actor.area.as_ref()).await?;
    let tree = Tree::read(&state).await?;
    Ok(Json(Areas {
        areas: areas.into_iter().map(|area| tree.view(area)).collect(),
    }))
}

#[utoipa::path(post, path = "/areas", tag = "areas", request_body = NewAreaBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = AreaView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<NewAreaBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /areas", &body.sha256);
    let asked = body.value;
    let new = NewArea {
        id: chosen_id(asked.id.as_deref())?,
        name: name(&asked.name)?,
        kind: label(asked.kind)?,
        code: label(asked.code)?,
        parent: chosen_id(asked.parent.as_deref())?,
        approval: asked.approval,
    };
    must_build(&state, &signed, new.parent.as_ref()).await?;
    let make = async |claim: Option<Claim>| {
        let area = state.store.add_area(new, claim.as_ref()).await;
        told(&state, area.map_err(unknown_parent)?).await
    };
    let show = async |id: String| {
        let id: AreaId = id.parse().map_err(|e| ApiError::internal(&e))?;
        told(&state, state.store.area(&id).await?).await
    };
    idempotency::create(&state, claim, Secrecy::Plain, make, show).await
}

#[utoipa::path(get, path = "/areas/{id}", tag = "areas", params(("id" = String, Path)),
    responses((status = 200, body = AreaView), (status = "default", body = ErrorEnvelope)))]
pub async fn read(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<AreaId>,
) -> Result<Json<AreaView>, ApiError> {
    let area = state.store.area(&id).await?;
    signed.must(&state, Action::See, &id).await?;
    Ok(Json(told(&state, area).await?))
}

/// Rename an area, hang it elsewhere with all below, or say where a second person is needed.
#[utoipa::path(patch, path = "/areas/{id}", tag = "areas", params(("id" = String, Path)), request_body = AreaPatch,
    responses((status = 200, body = AreaView), (status = "default", body = ErrorEnvelope)))]
pub async fn change(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<AreaId>,
    body: Body<AreaPatch>,
) -> Result<Json<AreaView>, ApiError> {
    let patch = body.value;
    state.store.area(&id).await?;
    signed.must(&state, Action::Build, &id).await?;
    let parent = match patch.parent {
        None => None,
        Some(parent) => {
            let parent: Option<AreaId> = chosen_id(parent.as_deref())?;
            must_build(&state, &signed, parent.as_ref()).await?;
            Some(parent)
        }
    };
    let change = AreaChange {
        name: patch.name.as_deref().map(name).transpose()?,
        kind: patch.kind.map(label).transpose()?,
        code: patch.code.map(label).transpose()?,
        parent,
        approval: patch.approval,
    };
    let changed = state.store.change_area(&id, change).await;
    let (area, moved) = changed.map_err(unknown_parent)?;
    if !moved.is_empty() {
        state.engine.changed(Change::Speakers(moved)).await;
    }
    Ok(Json(told(&state, area).await?))
}

/// Only an empty one can be deleted.
#[utoipa::path(delete, path = "/areas/{id}", tag = "areas", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<AreaId>,
) -> Result<StatusCode, ApiError> {
    let area = state.store.area(&id).await?;
    must_build(&state, &signed, area.parent.as_ref()).await?;
    state.store.delete_area(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
