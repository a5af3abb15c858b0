//! A second person's word on a bulletin; and taking one off the air for a while.

use axum::{Json, extract::State};
use loa_protocol::{bulletin::Bulletin, id::BulletinId, time::WallTime};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        AppState,
        error::{ApiError, ErrorEnvelope},
        extract::{Body, Id},
        guard::Signed,
        instant::civil,
        messages::Code,
        reach::Reach,
    },
    announce, may_end, seen,
    view::{BulletinView, tell},
    withdraw,
};
use crate::{
    logic::approval::{Ask, Refusal, Stage, decide, is_alarm},
    store::{BulletinState, StoreError, Word},
};

const MAX_REASON: usize = 500;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveBody {
    /// `digest` of the bulletin as it was looked at: another form of it is not approved.
    pub digest: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnBody {
    /// `digest` of the bulletin as it was looked at.
    pub digest: String,
    /// What is to be mended; 1 to 500 characters.
    #[schema(max_length = 500)]
    pub reason: String,
}

/// Approve somebody else's bulletin. What is to be said now is said at this instant, a rule counts from it. Asks for a fresh
/// proof.
#[utoipa::path(post, path = "/bulletins/{id}/approve", tag = "bulletins", params(("id" = String, Path)),
    request_body = ApproveBody,
    responses((status = 200, body = BulletinView), (status = "default", body = ErrorEnvelope)))]
pub async fn approve(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
    body: Body<ApproveBody>,
) -> Result<Json<BulletinView>, ApiError> {
    signed.must_be_fresh(&state)?;
    say(&state, &signed, &id, &body.value.digest, None).await
}

/// Send somebody else's bulletin back for the reason that is given. It goes on air when it was changed and approved.
#[utoipa::path(post, path = "/bulletins/{id}/return", tag = "bulletins", params(("id" = String, Path)),
    request_body = ReturnBody,
    responses((status = 200, body = BulletinView), (status = "default", body = ErrorEnvelope)))]
pub async fn send_back(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
    body: Body<ReturnBody>,
) -> Result<Json<BulletinView>, ApiError> {
    let ReturnBody { digest, reason } = body.value;
    let reason = reason.trim();
    let readable = |c: char| !c.is_control() || c == '\n';
    if !(1..=MAX_REASON).contains(&reason.chars().count()) || !reason.chars().all(readable) {
        return Err(ApiError::new(Code::ReasonInvalid).with("max", MAX_REASON));
    }
    say(&state, &signed, &id, &digest, Some(reason.to_owned())).await
}

async fn say(
    state: &AppState,
    signed: &Signed,
    id: &BulletinId,
    digest: &str,
    returned_for: Option<String>,
) -> Result<Json<BulletinView>, ApiError> {
    let kept = seen(state, signed, id).await?;
    let targets = kept.channels();
    let heard = Reach::open(state).await?.heard(state, &targets).await?;
    let ask = kept.plea.as_ref().map_or(Ask::Hamlet, |plea| plea.ask);
    let present = kept.digest();
    let case = kept.case(&present);
    let refused = |refusal| refused(refusal, &kept.bulletin);
    let holds = heard.may_approve(&signed.actor, ask, &kept.bulletin);
    let now = state.clock.now();
    decide(&case, &signed.user.id, holds, digest, now).map_err(refused)?;
    // Asked again where nothing can come between: this person may decide on the form with this digest, and on no other.
    let word = Word {
        by: &signed.user.id,
        digest,
        returned_for,
    };
    let decided = state.store.decide_bulletin(id, word).await;
    let (kept, left) = decided.map_err(|error| match error {
        StoreError::Undecided(refusal) => refused(refusal),
        error => error.into(),
    })?;
    announce(state, &kept, now).await;
    if let Some(older) = &kept.supersedes
        && !left.is_empty()
    {
        withdraw(state, older, left).await;
    }
    tracing::info!(bulletin = %id, by = %signed.user.username, stage = ?kept.stage, "bulletin decided");
    Ok(Json(tell(state, signed, &kept).await?))
}

fn refused(refusal: Refusal, b: &Bulletin) -> ApiError {
    match refusal {
        Refusal::TooLate { by } => {
            ApiError::new(Code::ApprovalTooLate).with("by", civil(by, &b.zone))
        }
        refusal => refusal.into(),
    }
}

/// Take what is planned for later off the air, approval and all, until it is resumed.
#[utoipa::path(post, path = "/bulletins/{id}/pause", tag = "bulletins", params(("id" = String, Path)),
    responses((status = 200, body = BulletinView), (status = "default", body = ErrorEnvelope)))]
pub async fn pause(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
) -> Result<Json<BulletinView>, ApiError> {
    let old = state.store.bulletin(&id).await?;
    may_end(&state, &signed, &old, old.bulletin.priority).await?;
    let ahead = matches!(
        old.state(state.clock.now()),
        BulletinState::Planned | BulletinState::Paused
    );
    if !ahead || old.bulletin.is_now() {
        return Err(Code::NotPausable.into());
    }
    let (kept, left) = state.store.pause_bulletin(&id).await?;
    if !left.is_empty() {
        withdraw(&state, &id, left).await;
        tracing::info!(bulletin = %id, by = %signed.user.username, "bulletin paused");
    }
    Ok(Json(tell(&state, &signed, &kept).await?))
}

/// Put a paused bulletin on the air again. What was due meanwhile is not said. An emergency in earnest asks for a fresh proof.
#[utoipa::path(post, path = "/bulletins/{id}/resume", tag = "bulletins", params(("id" = String, Path)),
    responses((status = 200, body = BulletinView), (status = "default", body = ErrorEnvelope)))]
pub async fn resume(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
) -> Result<Json<BulletinView>, ApiError> {
    let old = state.store.bulletin(&id).await?;
    may_end(&state, &signed, &old, old.bulletin.priority).await?;
    let now = state.clock.now();
    match old.stage {
        Stage::Planned => {}
        Stage::Paused if is_ahead(&old.bulletin, now) => {
            if is_alarm(old.bulletin.priority, old.bulletin.status) {
                signed.must_be_fresh(&state)?;
            }
        }
        Stage::Paused => return Err(Code::BulletinOver.into()),
        _ => return Err(Code::NotPaused.into()),
    }
    let (kept, done) = state.store.resume_bulletin(&id).await?;
    if done {
        announce(&state, &kept, now).await;
        tracing::info!(bulletin = %id, by = %signed.user.username, "bulletin resumed");
    }
    Ok(Json(tell(&state, &signed, &kept).await?))
}

/// Is anything of it planned from `now` on?
fn is_ahead(b: &Bulletin, now: WallTime) -> bool {
    let resumed = Bulletin {
        since: now,
        ..b.clone()
    };
    let next = resumed.planned(now, WallTime::MAX, 1);
    next.is_ok_and(|next| !next.is_empty())
}
