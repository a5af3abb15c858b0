//! Bulletins: what is to be said, to whom, when.

pub mod approval;
mod approvers;
pub mod change;
pub mod check;
pub mod correct;
mod draft;
pub mod endorse;
mod needs;
pub mod relay;
mod view;
pub mod warnings;

use axum::{Json, extract::State, response::Response};
use loa_protocol::{
    bulletin::{Bulletin, Priority, Source, Status},
    channel::Channel,
    content::Manifest,
    id::BulletinId,
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, Params, page_size},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    library,
    messages::{Code, Lang},
    reach::Reach,
    readiness,
};
use crate::{
    chance,
    engine::{Change, Urgent},
    logic::{
        Notice,
        approval::{Stage, is_alarm},
        call::CallEnd,
        permissions::Action,
    },
    store::{Audio, BulletinFilter, BulletinState, Claim, Kept, NewBulletin, StoreError},
};

use draft::BulletinBody;
pub(super) use draft::{MAX_TITLE, default_chime, title};
pub(super) use needs::need;
use view::{BulletinDetail, BulletinView, Teller, tell};
pub use view::{EmergencyByView, Warning};

/// Most targets of one bulletin.
const MAX_TARGETS: usize = 64;
/// What is due within this goes out at once, before the whole programme; in seconds.
const SOON_S: i64 = 120;

#[derive(Serialize, ToSchema)]
pub struct Bulletins {
    /// Newest first.
    pub bulletins: Vec<BulletinView>,
    /// The cursor of the next page, when there may be one.
    pub next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    #[param(inline)]
    state: Option<BulletinState>,
    /// Only those for exactly this target.
    target: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// To a page; 50 when not told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Reads targets as somebody wrote them; each once.
pub fn targets(texts: &[String]) -> Result<Vec<Channel>, ApiError> {
    let mut channels: Vec<Channel> = Vec::new();
    for text in texts {
        let channel = text
            .parse()
            .map_err(|_| ApiError::new(Code::TargetInvalid).with("target", text))?;
        if !channels.contains(&channel) {
            channels.push(channel);
        }
    }
    if (1..=MAX_TARGETS).contains(&channels.len()) {
        Ok(channels)
    } else {
        Err(ApiError::new(Code::TargetsInvalid).with("max", MAX_TARGETS))
    }
}

/// A bulletin that concerns this person.
pub(super) async fn seen(
    state: &AppState,
    signed: &Signed,
    id: &BulletinId,
) -> Result<Kept, ApiError> {
    let kept = state.store.bulletin(id).await?;
    if let Some(area) = &signed.actor.area
        && !state.store.concerns(id, area).await?
    {
        return Err(Code::Forbidden.into());
    }
    Ok(kept)
}

/// Recording and sound of a bulletin, both still there, and the recording one that this person may listen to.
async fn audio(state: &AppState, signed: &Signed, text: &str) -> Result<Audio, ApiError> {
    let audio = library::known(state, signed, text).await?;
    let path = state.store.content_path(&audio.content);
    match tokio::fs::try_exists(path).await {
        Ok(true) => Ok(audio),
        _ => Err(ApiError::new(Code::AudioGone).with("audio", text)),
    }
}

/// The sentence that is said before what is not actual; the office may do without.
fn foreword(state: &AppState, status: Status) -> Option<&str> {
    let sentence = match status {
        Status::Actual => return None,
        Status::Exercise => &state.config.speech.exercise_sentence,
        Status::Test => &state.config.speech.test_sentence,
    };
    Some(sentence.as_str()).filter(|sentence| !sentence.is_empty())
}

/// What the poles play of a recording. An exercise or a test begins with a sentence that says so.
async fn sound(state: &AppState, audio: &Audio, status: Status) -> Result<Manifest, ApiError> {
    let Some(sentence) = foreword(state, status) else {
        return Ok(state.store.manifest(&audio.content).await?);
    };
    if let Some(known) = state.shelf.after(sentence, &audio.content).await? {
        return Ok(known);
    }
    let said = state.studio.say(sentence, None, 1.0).await?;
    let whole = state
        .shelf
        .put_before(sentence, said.path, &audio.content)
        .await?;
    Ok(whole)
}

pub(super) async fn must_speak(
    state: &AppState,
    signed: &Signed,
    priority: Priority,
    channels: &[Channel],
) -> Result<(), ApiError> {
    for channel in channels {
        signed
            .must_on(state, Action::Speak(priority), channel)
            .await?;
    }
    Ok(())
}

fn is_soon(bulletin: &Bulletin, now: WallTime) -> bool {
    let next = bulletin.planned(now, now.plus_s(SOON_S), 1);
    bulletin.is_now()
        || bulletin.priority == Priority::Emergency
        || next.is_ok_and(|next| !next.is_empty())
}

/// The poles hear of it some milliseconds after this returns, if it is for them.
pub(super) async fn announce(state: &AppState, kept: &Kept, now: WallTime) {
    if kept.stage != Stage::Planned {
        state
            .engine
            .notify(Notice::Bulletin(kept.bulletin.id.clone()));
        return;
    }
    let urgent = is_soon(&kept.bulletin, now).then(|| Urgent::Start(kept.bulletin.id.clone()));
    state
        .engine
        .changed(Change::Channels(kept.channels(), urgent))
        .await;
    state
        .engine
        .notify(Notice::Bulletin(kept.bulletin.id.clone()));
}

async fn withdraw(state: &AppState, id: &BulletinId, channels: Vec<Channel>) {
    if !channels.is_empty() {
        let urgent = Some(Urgent::Cancel(id.clone()));
        state
            .engine
            .changed(Change::Channels(channels, urgent))
            .await;
    }
    state.engine.notify(Notice::Bulletin(id.clone()));
}

/// Say something: now, at a time, or by a rule. The answer carries warnings; the bulletin stands in spite of them. An
/// emergency in earnest asks for a fresh proof.
#[utoipa::path(post, path = "/bulletins", tag = "bulletins", request_body = BulletinBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = BulletinView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    lang: Lang,
    key: Key,
    body: Body<BulletinBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /bulletins", &body.sha256);
    let shown = |id| show(&state, &signed, id);
    if let Some(before) = idempotency::before(&state, claim.as_ref(), shown).await? {
        return Ok(before);
    }
    let asked = body.value;
    let channels = targets(&asked.targets)?;
    must_speak(&state, &signed, asked.priority, &channels).await?;
    if is_alarm(asked.priority, asked.status) {
        signed.must_be_fresh(&state)?;
    }
    let id = new_id()?;
    let (audio, relay, source) = match (&asked.relay, asked.audio.as_str()) {
        (None, text) if !text.is_empty() => {
            let audio = audio(&state, &signed, text).await?;
            let manifest = sound(&state, &audio, asked.status).await?;
            (Some(audio.id), None, Source::Content(manifest))
        }
        (Some(relay), "") => {
            let (source, plan) = relay::planned(&state, &signed, relay, &id).await?;
            (None, Some(plan), source)
        }
        _ => return Err(Code::AudioOrRelay.into()),
    };
    // Speaking a sentence before it takes its time.
    let now = state.clock.now();
    let bulletin = draft::new(&asked, id, source, &state.config.defaults.zone, now)?;
    let skip_holidays = draft::skips_holidays(Some(asked.skip_holidays), false, &bulletin)?;
    if skip_holidays {
        draft::settle(&state.store.as_told(&bulletin, true).await?, now)?;
    }
    let supersedes = superseded(&state, &signed, asked.supersedes.as_deref()).await?;
    let mut reach = Reach::open(&state).await?;
    let heard = reach.heard(&state, &channels).await?;
    let new = NewBulletin {
        ask: need(&state, &signed, &mut reach, &bulletin, &heard, None).await?,
        bulletin,
        audio,
        relay,
        targets: channels,
        skip_holidays,
        supersedes,
        made_by: Some(signed.user.id.clone()),
    };
    let make = async |claim: Option<Claim>| make(&state, &signed, lang, new, claim).await;
    idempotency::create(&state, claim, Secrecy::Plain, make, |id| {
        show(&state, &signed, id)
    })
    .await
}

pub(super) fn new_id() -> Result<BulletinId, ApiError> {
    let id = chance::id('b').parse();
    id.map_err(|error| ApiError::internal(&error))
}

/// Stores a new bulletin and tells whom it concerns.
async fn make(
    state: &AppState,
    signed: &Signed,
    lang: Lang,
    new: NewBulletin,
    claim: Option<Claim>,
) -> Result<BulletinView, ApiError> {
    let now = state.clock.now();
    let (kept, left) = state.store.add_bulletin(new, claim.as_ref()).await?;
    announce(state, &kept, now).await;
    if let Some(older) = &kept.supersedes {
        withdraw(state, older, left).await;
    }
    tracing::info!(bulletin = %kept.bulletin.id, by = %signed.user.username, priority = ?kept.bulletin.priority,
        stage = ?kept.stage, "bulletin made");
    // Only now: what warns does not hold up what is said.
    let mut warnings = warnings::of(state, &kept, now, lang).await?;
    warnings.extend(approvers::warn(state, signed, &kept, lang).await?);
    Ok(Teller::open(state, signed)
        .await?
        .view(&kept)
        .await?
        .warned(warnings))
}

async fn show(state: &AppState, signed: &Signed, id: String) -> Result<BulletinView, ApiError> {
    let id: BulletinId = id.parse().map_err(|e| ApiError::internal(&e))?;
    tell(state, signed, &state.store.bulletin(&id).await?).await
}

/// The older bulletin, when this person may cancel it.
async fn superseded(
    state: &AppState,
    signed: &Signed,
    text: Option<&str>,
) -> Result<Option<BulletinId>, ApiError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let unknown = || ApiError::new(Code::SupersededUnknown).with("id", text);
    let id: BulletinId = text.parse().map_err(|_| unknown())?;
    let kept = state
        .store
        .bulletin(&id)
        .await
        .map_err(|error| match error {
            StoreError::NotFound { .. } => unknown(),
            error => error.into(),
        })?;
    may_end(state, signed, &kept, kept.bulletin.priority).await?;
    Ok(Some(id))
}

/// Ending one needs a right over everybody it still reaches. A target that is no more reaches nobody.
async fn may_end(
    state: &AppState,
    signed: &Signed,
    kept: &Kept,
    priority: Priority,
) -> Result<(), ApiError> {
    for channel in kept.channels() {
        let action = Action::Speak(priority);
        match signed.must_on(state, action, &channel).await {
            Err(error) if error.code == Code::TargetUnknown => signed.must_somewhere(action)?,
            done => done?,
        }
    }
    Ok(())
}

/// What is said in my reach, or to it from above. Newest first.
#[utoipa::path(get, path = "/bulletins", tag = "bulletins", params(Filter),
    responses((status = 200, body = Bulletins), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Filter>,
) -> Result<Json<Bulletins>, ApiError> {
    let limit = page_size(asked.limit)?;
    let target = asked.target.as_ref().map(std::slice::from_ref);
    let channel = target.map(targets).transpose()?.and_then(|mut t| t.pop());
    let filter = BulletinFilter {
        area: signed.actor.area.clone(),
        state: asked.state,
        channel,
        after: asked.cursor.as_deref().map(view::read_cursor).transpose()?,
        limit,
    };
    let all = state.store.bulletins(&filter).await?;
    let full = all.len() == limit as usize;
    let mut teller = Teller::open(&state, &signed).await?;
    let mut bulletins = Vec::with_capacity(all.len());
    for kept in &all {
        bulletins.push(teller.view(kept).await?);
    }
    Ok(Json(Bulletins {
        next: all.last().filter(|_| full).map(view::write_cursor),
        bulletins,
    }))
}

/// One bulletin, and on how many of its speakers it is ready.
#[utoipa::path(get, path = "/bulletins/{id}", tag = "bulletins", params(("id" = String, Path)),
    responses((status = 200, body = BulletinDetail), (status = "default", body = ErrorEnvelope)))]
pub async fn read(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
) -> Result<Json<BulletinDetail>, ApiError> {
    let kept = seen(&state, &signed, &id).await?;
    Ok(Json(BulletinDetail {
        readiness: readiness::of_bulletin(&state, &kept).await?,
        bulletin: tell(&state, &signed, &kept).await?,
    }))
}

/// Cancel a bulletin: what sounds is ended, what is ahead is not said. Doing it twice is the same as once.
#[utoipa::path(post, path = "/bulletins/{id}/cancel", tag = "bulletins", params(("id" = String, Path)),
    responses((status = 200, body = BulletinView), (status = "default", body = ErrorEnvelope)))]
pub async fn cancel(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
) -> Result<Json<BulletinView>, ApiError> {
    let old = state.store.bulletin(&id).await?;
    may_end(&state, &signed, &old, old.bulletin.priority).await?;
    let (kept, left) = state.store.cancel_bulletin(&id).await?;
    if old.stage != Stage::Cancelled {
        withdraw(&state, &id, left).await;
        tracing::info!(bulletin = %id, by = %signed.user.username, "bulletin cancelled");
    }
    state.calls.end(&id, CallEnd::Stopped).await;
    Ok(Json(tell(&state, &signed, &kept).await?))
}
