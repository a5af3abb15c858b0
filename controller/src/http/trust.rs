//! Whom the poles believe: the root in force, whose passkeys count, what should be done about it, and the next root.

use axum::{Json, extract::State};
use loa_protocol::{
    envelope::{KeyId, open_unsigned},
    id::AreaId,
    root::{Approver, Approvers, EmergencyBy, Root},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    bulletins::EmergencyByView,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Params},
    guard::Signed,
    instant::Instant,
    messages::Code,
};
use crate::{
    authority, binary,
    engine::Change,
    logic::{permissions::Action, trust::RootDraft},
    store::Unnamed,
};

#[derive(Serialize, ToSchema)]
pub struct TrustView {
    pub root: RootView,
    /// In the order of the root; the office signs with the last that it has.
    pub office_keys: Vec<OfficeKeyView>,
    pub rule: RuleView,
    /// Whose passkeys count.
    pub approvers: Vec<ApproverView>,
    /// Of people who may approve emergencies, those that the root does not name yet.
    pub passkeys: Vec<PasskeyView>,
    /// Who makes the speakers' certificates; `null`: nobody yet.
    pub authority: Option<AuthorityView>,
    /// `root_key_here`, `root_expires`, `root_expired`, `office_key_expires`, `office_key_expired`, `office_key_missing`,
    /// `weak_rule`, `approver_expires`.
    pub warnings: Vec<&'static str>,
}

#[derive(Serialize, ToSchema)]
pub struct RootView {
    pub version: u32,
    pub expires: Instant,
    /// The key that signs roots is still on the office's machine.
    pub here: bool,
}

#[derive(Serialize, ToSchema)]
pub struct OfficeKeyView {
    /// 16 hex digits.
    pub id: String,
    pub expires: Instant,
    pub in_use: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = EmergencyRuleView)]
pub struct RuleView {
    #[schema(value_type = EmergencyByView)]
    pub by: EmergencyBy,
    pub needed: u8,
    /// The host name for which passkeys count; empty until passkeys are asked for.
    pub relying_party: String,
}

#[derive(Serialize, ToSchema)]
pub struct ApproverView {
    pub name: String,
    pub credential: String,
    /// Empty: everywhere.
    pub channels: Vec<String>,
    pub expires: Instant,
    /// Named by this area's key, not by the root.
    pub area: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = UnnamedPasskey)]
pub struct PasskeyView {
    pub user: String,
    pub name: String,
    pub credential: String,
    /// The public key: 65 bytes, base64url.
    pub key: String,
}

#[derive(Serialize, ToSchema)]
pub struct AuthorityView {
    /// SHA-256 of its certificate, 64 hex digits.
    pub fingerprint: String,
    pub expires: Instant,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RootBody {
    /// The signed root, base64url: what `loa-controller keys sign` wrote.
    pub root: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproversBody {
    /// The signed document, base64url.
    pub document: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DraftParams {
    /// Who lets an emergency sound from then on; as it is when not told.
    #[param(value_type = Option<String>, example = "passkey")]
    by: Option<EmergencyBy>,
    /// With `passkey`: how many approvers.
    #[param(minimum = 1, maximum = 8)]
    needed: Option<u8>,
}

/// Whom the poles believe.
#[utoipa::path(get, path = "/trust", tag = "trust",
    responses((status = 200, body = TrustView), (status = "default", body = ErrorEnvelope)))]
pub async fn read(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Json<TrustView>, ApiError> {
    signed.must_in(Action::Govern, &[])?;
    Ok(Json(view(&state).await?))
}

/// The next root, to be looked at and changed, signed with `loa-controller keys sign` where the root key is, and sent to
/// `/trust/roots`. It names the passkeys that `/trust` lists as not named yet.
#[utoipa::path(get, path = "/trust/draft", tag = "trust", params(DraftParams),
    responses((status = 200, body = RootDraft), (status = "default", body = ErrorEnvelope)))]
pub async fn draft(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<DraftParams>,
) -> Result<Json<RootDraft>, ApiError> {
    signed.must_in(Action::Govern, &[])?;
    if asked
        .needed
        .is_some_and(|needed| !(1..=8).contains(&needed))
    {
        return Err(ApiError::new(Code::LimitInvalid)
            .with("name", "needed")
            .with("from", 1)
            .with("to", 8));
    }
    let next = state
        .store
        .proposed_root(asked.by, asked.needed, &state.config.relying_party())
        .await?;
    Ok(Json(RootDraft::from(&next)))
}

/// Install the next root. The poles hear of it at once.
#[utoipa::path(post, path = "/trust/roots", tag = "trust", request_body = RootBody,
    responses((status = 200, body = TrustView), (status = "default", body = ErrorEnvelope)))]
pub async fn install_root(
    State(state): State<AppState>,
    signed: Signed,
    body: Body<RootBody>,
) -> Result<Json<TrustView>, ApiError> {
    signed.must_in(Action::Govern, &[])?;
    signed.must_be_fresh(&state)?;
    let installed = state.store.install_root(&bytes(&body.value.root)?).await?;
    state.engine.changed(Change::Trust).await;
    if !installed.changed.is_empty() {
        let changed = Change::Channels(installed.changed, None);
        state.engine.changed(changed).await;
    }
    tracing::info!(root = installed.document.version, by = %signed.user.username, "root installed");
    Ok(Json(view(&state).await?))
}

/// Install further approvers of an area.
#[utoipa::path(post, path = "/trust/approvers", tag = "trust", request_body = ApproversBody,
    responses((status = 200, body = TrustView), (status = "default", body = ErrorEnvelope)))]
pub async fn install_approvers(
    State(state): State<AppState>,
    signed: Signed,
    body: Body<ApproversBody>,
) -> Result<Json<TrustView>, ApiError> {
    signed.must_in(Action::Govern, &[])?;
    signed.must_be_fresh(&state)?;
    let document = bytes(&body.value.document)?;
    let installed = state.store.install_approvers(&document).await?;
    state.engine.changed(Change::Trust).await;
    let area = &installed.document.area;
    tracing::info!(%area, by = %signed.user.username, "approvers installed");
    Ok(Json(view(&state).await?))
}

fn bytes(text: &str) -> Result<Vec<u8>, ApiError> {
    binary::bytes(text).ok_or(Code::TrustUnreadable.into())
}

async fn view(state: &AppState) -> Result<TrustView, ApiError> {
    state.store.refresh_trust().await?;
    let standing = state.store.standing();
    let root = standing.root()?;
    let signing = standing.office.key.verifying_key();
    let here = state.store.root_key_here().await?;
    let unnamed = state.store.unnamed_passkeys().await?;
    let warnings = state.store.trust_warnings().await?;
    let office_keys = root.office.iter().map(|key| OfficeKeyView {
        id: key.key.id().to_string(),
        expires: key.expires.into(),
        in_use: key.key.id() == KeyId::of(&signing),
    });
    let authority = authority::read(state.store.data_dir())
        .await
        .map_err(|error| ApiError::internal(&error))?;
    Ok(TrustView {
        root: RootView {
            version: root.version,
            expires: root.expires.into(),
            here: here.is_some(),
        },
        office_keys: office_keys.collect(),
        rule: RuleView {
            by: root.emergency.by,
            needed: root.emergency.needed,
            relying_party: root.emergency.relying_party.clone(),
        },
        approvers: approvers(root, &standing.approvers)?,
        passkeys: unnamed.into_iter().map(PasskeyView::from).collect(),
        authority: authority.map(|authority| AuthorityView {
            fingerprint: authority.fingerprint,
            expires: authority.expires.into(),
        }),
        warnings: warnings.into_iter().map(|w| w.word()).collect(),
    })
}

impl From<Unnamed> for PasskeyView {
    fn from(unnamed: Unnamed) -> Self {
        Self {
            user: unnamed.user.to_string(),
            name: unnamed.approver.name,
            credential: binary::text(&unnamed.approver.credential),
            key: binary::text(&unnamed.approver.key),
        }
    }
}

fn approvers(root: &Root, documents: &[(AreaId, Vec<u8>)]) -> Result<Vec<ApproverView>, ApiError> {
    let mut all: Vec<ApproverView> = root.approvers.iter().map(|a| shown(a, None)).collect();
    for (area, bytes) in documents {
        let document: Approvers =
            open_unsigned(bytes).map_err(|error| ApiError::internal(&error))?;
        all.extend(document.approvers.iter().map(|a| shown(a, Some(area))));
    }
    Ok(all)
}

fn shown(approver: &Approver, area: Option<&AreaId>) -> ApproverView {
    ApproverView {
        name: approver.name.clone(),
        credential: binary::text(&approver.credential),
        channels: approver.channels.iter().map(ToString::to_string).collect(),
        expires: approver.expires.into(),
        area: area.map(ToString::to_string),
    }
}
