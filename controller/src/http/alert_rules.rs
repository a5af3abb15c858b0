//! Rules of alerts: what is told of, after how long, and to whom.

use axum::{Json, extract::State, http::StatusCode, response::Response};
use loa_protocol::id::AreaId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope, unknown_area},
    extract::{Body, Id, given},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::Instant,
    messages::Code,
};
use crate::{
    logic::{
        alerts::{Address, By, Kind, RuleBody, RuleId, words},
        permissions::{Action, may},
    },
    store::{Claim, KeptRule},
    watch::style,
};

/// Addresses of a rule, those to escalate to apart.
const MAX_ADDRESSES: usize = 20;
/// Longest time of a rule, in seconds: a week.
const LONGEST_S: i64 = 7 * 24 * 3_600;
/// Shortest time between two messages of one alert to one address.
const SHORTEST_REPEAT_S: i64 = 300;

#[derive(Serialize, ToSchema)]
pub struct RuleView {
    #[schema(example = "r0123456789abcdef")]
    pub id: String,
    /// `null`: everywhere. A nearer area's rule takes the place of a farther one's of the same kind.
    pub area: Option<String>,
    pub kind: Kind,
    /// `false`: nothing of this kind is told of here.
    pub enabled: bool,
    /// It must have been so for this long.
    pub after_s: u32,
    /// By kind: degrees Celsius, percent free, percent of the plan, starts in an hour.
    pub limit: Option<f64>,
    /// Told again so often until somebody acknowledges; `null`: once.
    pub repeat_s: Option<u32>,
    /// Told to `escalate_to` when nobody has acknowledged for so long; `null`: never.
    pub escalate_s: Option<u32>,
    /// Where I may not change the rule, what is secret of an address is left out.
    pub tell: Vec<Address>,
    pub escalate_to: Vec<Address>,
    /// May I change it?
    pub may_change: bool,
    /// `null`: it came with the office.
    pub changed_by: Option<String>,
    pub changed: Instant,
}

#[derive(Serialize, ToSchema)]
pub struct RuleList {
    /// Those for everywhere first.
    pub rules: Vec<RuleView>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRuleBody {
    pub area: Option<String>,
    pub kind: Kind,
    /// `true` when not told.
    pub enabled: Option<bool>,
    #[schema(minimum = 0, maximum = 604800)]
    pub after_s: i64,
    pub limit: Option<f64>,
    #[schema(minimum = 300, maximum = 604800)]
    pub repeat_s: Option<i64>,
    #[schema(minimum = 0, maximum = 604800)]
    pub escalate_s: Option<i64>,
    pub tell: Option<Vec<Address>>,
    pub escalate_to: Option<Vec<Address>>,
}

/// What is not named stays as it is; `null` takes it away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulePatch {
    pub enabled: Option<bool>,
    #[schema(minimum = 0, maximum = 604800)]
    pub after_s: Option<i64>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>)]
    pub limit: Option<Option<f64>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub repeat_s: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub escalate_s: Option<Option<i64>>,
    pub tell: Option<Vec<Address>>,
    pub escalate_to: Option<Vec<Address>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TryBody {
    pub address: Address,
}

#[derive(Serialize, ToSchema)]
pub struct TryView {
    pub ok: bool,
    /// What the other side, or the line to it, said; empty when it went.
    pub detail: String,
}

fn seconds(name: &'static str, given: i64, from: i64) -> Result<u32, ApiError> {
    let fits = (from..=LONGEST_S).contains(&given);
    u32::try_from(given).ok().filter(|_| fits).ok_or_else(|| {
        ApiError::new(Code::RuleSecondsInvalid)
            .with("name", name)
            .with("from", from)
            .with("to", LONGEST_S)
    })
}

fn limit(kind: Kind, given: Option<f64>) -> Result<Option<f64>, ApiError> {
    match (given, kind.limits()) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(Code::RuleNoLimit.into()),
        (Some(limit), Some((from, to))) if (from..=to).contains(&limit) => Ok(Some(limit)),
        (Some(_), Some((from, to))) => Err(ApiError::new(Code::RuleLimitInvalid)
            .with("from", from)
            .with("to", to)),
    }
}

/// Each once.
fn addresses(given: &[Address]) -> Result<Vec<Address>, ApiError> {
    if given.len() > MAX_ADDRESSES {
        return Err(ApiError::new(Code::TooManyAddresses).with("max", MAX_ADDRESSES));
    }
    let mut all = Vec::with_capacity(given.len());
    for address in given {
        let address = address_of(address)?;
        if !all.contains(&address) {
            all.push(address);
        }
    }
    Ok(all)
}

fn address_of(given: &Address) -> Result<Address, ApiError> {
    let wrong = |_| ApiError::new(Code::AddressInvalid).with("given", &given.to);
    given.checked().map_err(wrong)
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

/// A webhook's address and a bot's chat may be secret; who keeps the post is not.
fn shown(address: &Address, may_change: bool) -> Address {
    let secret = !may_change && address.by != By::Mail;
    Address {
        by: address.by,
        to: if secret {
            "…".into()
        } else {
            address.to.clone()
        },
    }
}

async fn view(state: &AppState, signed: &Signed, kept: KeptRule) -> Result<RuleView, ApiError> {
    let body = kept.rule.body;
    let lineage = match &body.area {
        Some(area) => state.store.lineage(area).await?,
        None => Vec::new(),
    };
    let may_change = may(&signed.actor, Action::Arrange, &lineage);
    let show = |all: Vec<Address>| all.iter().map(|one| shown(one, may_change)).collect();
    Ok(RuleView {
        id: kept.rule.id.to_string(),
        area: body.area.map(|area| area.to_string()),
        kind: body.kind,
        enabled: body.enabled,
        after_s: body.after_s,
        limit: body.limit,
        repeat_s: body.repeat_s,
        escalate_s: body.escalate_s,
        tell: show(body.tell),
        escalate_to: show(body.escalate_to),
        may_change,
        changed_by: kept.changed_by.map(|user| user.to_string()),
        changed: kept.changed.into(),
    })
}

/// The rules of areas in my reach and above it, and those for everywhere.
#[utoipa::path(get, path = "/alert_rules", tag = "alerts",
    responses((status = 200, body = RuleList), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
) -> Result<Json<RuleList>, ApiError> {
    signed.must_somewhere(Action::See)?;
    let mut rules = Vec::new();
    let kept = state.store.alert_rules(signed.actor.area.as_ref()).await?;
    for rule in kept {
        rules.push(view(&state, &signed, rule).await?);
    }
    Ok(Json(RuleList { rules }))
}

/// One of a kind for each area.
#[utoipa::path(post, path = "/alert_rules", tag = "alerts", request_body = NewRuleBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = RuleView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<NewRuleBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /alert_rules", &body.sha256);
    let asked = body.value;
    let no_area = |id| ApiError::new(Code::AreaUnknown).with("id", id);
    let area = asked.area.as_deref();
    let area: Option<AreaId> = area
        .map(|id| id.parse().map_err(|_| no_area(id)))
        .transpose()?;
    must_arrange(&state, &signed, area.as_ref()).await?;
    if asked.kind == Kind::Mast {
        return Err(Code::RuleKindInvalid.into());
    }
    let body = RuleBody {
        area,
        kind: asked.kind,
        enabled: asked.enabled.unwrap_or(true),
        after_s: seconds("after_s", asked.after_s, 0)?,
        limit: limit(asked.kind, asked.limit)?,
        repeat_s: asked
            .repeat_s
            .map(|s| seconds("repeat_s", s, SHORTEST_REPEAT_S))
            .transpose()?,
        escalate_s: asked
            .escalate_s
            .map(|s| seconds("escalate_s", s, 0))
            .transpose()?,
        tell: addresses(asked.tell.as_deref().unwrap_or_default())?,
        escalate_to: addresses(asked.escalate_to.as_deref().unwrap_or_default())?,
    };
    let make = async |claim: Option<Claim>| {
        let by = &signed.user.id;
        let kept = state.store.add_alert_rule(&body, by, claim.as_ref()).await;
        view(&state, &signed, kept.map_err(unknown_area)?).await
    };
    let show = async |id: String| {
        let id: RuleId = id.parse().map_err(|e| ApiError::internal(&e))?;
        view(&state, &signed, state.store.alert_rule(&id).await?).await
    };
    idempotency::create(&state, claim, Secrecy::Plain, make, show).await
}

/// Area and kind stay: they are what a rule is. What is open by it is judged anew within seconds.
#[utoipa::path(patch, path = "/alert_rules/{id}", tag = "alerts", params(("id" = String, Path)),
    request_body = RulePatch,
    responses((status = 200, body = RuleView), (status = "default", body = ErrorEnvelope)))]
pub async fn change(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<RuleId>,
    body: Body<RulePatch>,
) -> Result<Json<RuleView>, ApiError> {
    let patch = body.value;
    let mut body = state.store.alert_rule(&id).await?.rule.body;
    must_arrange(&state, &signed, body.area.as_ref()).await?;
    body.enabled = patch.enabled.unwrap_or(body.enabled);
    if let Some(s) = patch.after_s {
        body.after_s = seconds("after_s", s, 0)?;
    }
    if let Some(given) = patch.limit {
        body.limit = limit(body.kind, given)?;
    }
    if let Some(s) = patch.repeat_s {
        body.repeat_s = s
            .map(|s| seconds("repeat_s", s, SHORTEST_REPEAT_S))
            .transpose()?;
    }
    if let Some(s) = patch.escalate_s {
        body.escalate_s = s.map(|s| seconds("escalate_s", s, 0)).transpose()?;
    }
    if let Some(all) = &patch.tell {
        body.tell = addresses(all)?;
    }
    if let Some(all) = &patch.escalate_to {
        body.escalate_to = addresses(all)?;
    }
    let by = &signed.user.id;
    let kept = state.store.change_alert_rule(&id, &body, by).await?;
    Ok(Json(view(&state, &signed, kept).await?))
}

/// What is open by it closes, unless another rule holds there.
#[utoipa::path(delete, path = "/alert_rules/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<RuleId>,
) -> Result<StatusCode, ApiError> {
    let kept = state.store.alert_rule(&id).await?;
    must_arrange(&state, &signed, kept.rule.body.area.as_ref()).await?;
    state.store.delete_alert_rule(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends one line to an address now, and says what came of it.
#[utoipa::path(post, path = "/alert_rules/try", tag = "alerts", request_body = TryBody,
    responses((status = 200, body = TryView), (status = "default", body = ErrorEnvelope)))]
pub async fn try_address(
    State(state): State<AppState>,
    signed: Signed,
    body: Body<TryBody>,
) -> Result<Json<TryView>, ApiError> {
    signed.must_somewhere(Action::Arrange)?;
    let address = address_of(&body.value.address)?;
    let place = state.tries.clone().try_acquire_owned();
    let _place = place.map_err(|_| ApiError {
        retry_after_s: Some(10),
        ..ApiError::new(Code::Busy)
    })?;
    let message = words::trial(&signed.user.name, style(&state));
    let told = state.notifier.tell(&address, &message).await;
    Ok(Json(TryView {
        ok: told.is_ok(),
        detail: told.err().map_or(String::new(), |error| error.text),
    }))
}
