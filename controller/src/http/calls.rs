//! Live calls: somebody speaks, and the poles speak with him.

pub mod check;
mod heard;
mod view;

use std::collections::HashSet;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request::Parts,
    response::Response,
};
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Source, Status, When},
    channel::Channel,
    id::{BulletinId, SpeakerId},
    live::{Stream, StreamKind},
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    bulletins::{
        MAX_TITLE, announce, default_chime, must_speak, need, new_id, seen, targets, title,
    },
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Id, Params, page_size},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant::civil,
    messages::Code,
    reach::Reach,
};
use crate::{
    act,
    live::{
        air::stream_key,
        calls::{Busy, Held, Line, MOST},
    },
    logic::{
        Presence,
        approval::Stage,
        call::{CallEnd, delay_ms},
        endorsement,
        permissions::Action,
    },
    store::{CallFilter, Claim, NewBulletin},
};

pub use view::CallView;
use view::{read_cursor, show, write_cursor};

/// From the press to the chime, in milliseconds: so long does the news take to every pole.
const TO_REACH_MS: i64 = 700;
/// The longest round trip of a phone that is believed, in milliseconds.
const MOST_ROUND_TRIP_MS: u32 = 5_000;
const DEFAULT_ORDER: u32 = 100;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallBody {
    /// `area.ID` (with all below it), `group.ID`, `speaker.ID`; 1 to 64.
    #[schema(example = json!(["area.sang-moc"]))]
    pub targets: Vec<String>,
    /// `priority` when it is not told.
    pub priority: Option<Priority>,
    #[schema(example = "Nói trực tiếp: Lò Văn Páo")]
    pub title: Option<String>,
    /// Rise when it is not told; exercise for what is not actual.
    pub chime: Option<Chime>,
    #[serde(default)]
    pub status: Status,
}

#[derive(Serialize, ToSchema)]
pub struct Calls {
    /// Newest first, without their poles.
    pub calls: Vec<CallView>,
    /// `after` of the next page, when there may be one.
    pub next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// `next` of the page before.
    after: Option<String>,
    /// To a page; 50 when not told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// What the phone measured of its line, in milliseconds; 0 when it did not.
#[derive(Clone, Copy, Debug)]
pub struct RoundTrip(u32);

impl<S: Send + Sync> FromRequestParts<S> for RoundTrip {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Self, std::convert::Infallible> {
        let value = parts.headers.get("x-round-trip-ms");
        let ms = value.and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
        // A cast of a float is held to what the number can be.
        Ok(Self((ms.unwrap_or(0.0) as u32).min(MOST_ROUND_TRIP_MS)))
    }
}

/// Begin to speak. The chime sounds at `starts_at`; what is captured from `speak_at` on is said. The microphone must come within
/// ten seconds (`/calls/{id}/microphone`). An emergency asks for a fresh proof. What would need somebody's approval cannot be said
/// live, and one call at a time is on for a pole.
#[utoipa::path(post, path = "/calls", tag = "calls", request_body = CallBody,
    params(("Idempotency-Key" = Option<String>, Header), ("X-Round-Trip-Ms" = Option<u32>, Header)),
    responses((status = 201, body = CallView), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    RoundTrip(phone_ms): RoundTrip,
    key: Key,
    body: Body<CallBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /calls", &body.sha256);
    let shown = |id: String| show_id(&state, id);
    if let Some(before) = idempotency::before(&state, claim.as_ref(), shown).await? {
        return Ok(before);
    }
    let asked = body.value;
    let channels = targets(&asked.targets)?;
    let priority = asked.priority.unwrap_or(Priority::Priority);
    must_speak(&state, &signed, priority, &channels).await?;
    if priority == Priority::Emergency {
        signed.must_be_fresh(&state)?;
    }
    let mut speakers = HashSet::new();
    for channel in &channels {
        let reached = state.store.reached(channel).await?;
        speakers.extend(reached.speakers.into_iter().map(|(id, _)| id));
    }
    let delay_ms = match state.config.live.delay_ms {
        0 => delay_ms(phone_ms, slowest_ms(&state, &speakers)),
        set => set,
    };
    let id = new_id()?;
    let bulletin = bulletin(&state, &signed, &asked, id.clone(), priority, delay_ms)?;
    must_be_said_at_once(&state, &signed, &bulletin, &channels).await?;
    let line = Line {
        id,
        by: signed.user.id.clone(),
        name: signed.user.name.clone(),
        since: state.clock.now(),
        speak_at: WallTime::MAX,
        delay_ms,
        priority,
        channels: channels.clone(),
        speakers,
    };
    let new = NewBulletin {
        bulletin,
        audio: None,
        relay: None,
        targets: channels,
        skip_holidays: false,
        supersedes: None,
        made_by: Some(signed.user.id.clone()),
        ask: None,
    };
    let make = async |claim: Option<Claim>| begin(&state, line, new, claim).await;
    idempotency::create(&state, claim, Secrecy::Plain, make, |id| {
        show_id(&state, id)
    })
    .await
}

/// Nobody approves or signs what is being said at this moment.
async fn must_be_said_at_once(
    state: &AppState,
    signed: &Signed,
    bulletin: &Bulletin,
    channels: &[Channel],
) -> Result<(), ApiError> {
    let mut reach = Reach::open(state).await?;
    let heard = reach.heard(state, channels).await?;
    let asks = need(state, signed, &mut reach, bulletin, &heard, None).await?;
    let signs = endorsement::is_needed(&state.store.standing().root()?.emergency, bulletin);
    match asks.is_some() || signs {
        true => Err(Code::LiveNeedsApproval.into()),
        false => Ok(()),
    }
}

/// To its end, though the phone hangs up in the middle: half a call would be a chime with nobody behind it.
async fn begin(
    state: &AppState,
    line: Line,
    new: NewBulletin,
    claim: Option<Claim>,
) -> Result<CallView, ApiError> {
    let state = state.clone();
    let whole = async move { hold_and_begin(&state, line, new, claim).await };
    let task = tokio::spawn(act::carried(whole));
    task.await.map_err(|error| ApiError::internal(&error))?
}

async fn hold_and_begin(
    state: &AppState,
    mut line: Line,
    mut new: NewBulletin,
    claim: Option<Claim>,
) -> Result<CallView, ApiError> {
    let (id, by) = (line.id.clone(), line.name.clone());
    // Only now, for looking about took its time.
    let made = state.clock.reading();
    line.speak_at = set_time(&mut new.bulletin, made.wall)?;
    let speak_at = line.speak_at;
    let held = hold(state, line, &new.bulletin.zone).await?;
    let kept = state.store.add_call(new, speak_at, claim.as_ref()).await?;
    if kept.stage != Stage::Planned {
        // The rule for emergencies was changed in this very moment.
        state.store.cancel_bulletin(&id).await?;
        return Err(Code::LiveNeedsApproval.into());
    }
    held.begin(made);
    announce(state, &kept, made.wall).await;
    tracing::info!(call = %id, %by, priority = ?kept.bulletin.priority, "call begins");
    show(state, &kept, true).await
}

async fn hold(state: &AppState, line: Line, zone: &str) -> Result<Held, ApiError> {
    let held = match state.calls.hold(line.clone()) {
        // One's own press, whose microphone never came.
        Err(Busy::By(other)) if other.by == line.by && state.calls.is_silent(&other.id) => {
            state.calls.lose(&other.id).await;
            state.calls.hold(line)
        }
        held => held,
    };
    held.map_err(|busy| match busy {
        Busy::By(other) => ApiError::new(Code::LineBusy)
            .with("by", &other.name)
            .with("since", civil(other.since, zone)),
        Busy::Full => ApiError::new(Code::TooManyCalls).with("most", MOST),
    })
}

/// The round trip of the slowest pole that is there, in milliseconds, by its own clock exchanges.
fn slowest_ms(state: &AppState, speakers: &HashSet<SpeakerId>) -> u32 {
    let seen = state.engine.seen(speakers.iter()).speakers.into_iter();
    let online = seen.filter(|(presence, _)| presence.presence == Presence::Online);
    let trips = online.filter_map(|(_, status)| status?.clock.error_us);
    let slowest_us = trips.max().unwrap_or(0).max(0).saturating_mul(2);
    u32::try_from(slowest_us / 1_000).unwrap_or(u32::MAX)
}

fn bulletin(
    state: &AppState,
    signed: &Signed,
    asked: &CallBody,
    id: BulletinId,
    priority: Priority,
    delay_ms: u32,
) -> Result<Bulletin, ApiError> {
    let text = match &asked.title {
        Some(text) => title(text)?,
        None => {
            let text = format!("Nói trực tiếp: {}", signed.user.name);
            text.chars().take(MAX_TITLE).collect()
        }
    };
    let chime = asked.chime.unwrap_or(match asked.status {
        Status::Actual => Chime::Rise,
        status => default_chime(priority, status),
    });
    let longest_s = state.config.live.longest_s;
    let key = stream_key(&state.store.office().key, &id).verifying_key();
    let length_ms = chime.duration_ms() + u64::from(longest_s) * 1_000;
    let length_s = u32::try_from(length_ms.div_ceil(1_000)).unwrap_or(longest_s);
    Ok(Bulletin {
        id,
        revision: 1,
        title: text,
        priority,
        status: asked.status,
        order: DEFAULT_ORDER,
        source: Source::Stream(Stream {
            kind: StreamKind::Live,
            key: key.to_bytes(),
            delay_ms,
            duration_ms: u64::from(longest_s) * 1_000,
            ended: None,
            url: None,
        }),
        chime,
        volume: 100,
        when: When::Now {
            at: WallTime::EPOCH,
            date: String::new(),
        },
        zone: state.config.defaults.zone.clone(),
        repeat: Repeat::default(),
        // Whoever hears of it late joins it late.
        lateness_s: Some(length_s),
        on_preempt: OnPreempt::Resume,
        max_duration_s: length_s,
        since: WallTime::EPOCH,
        valid_until: None,
        endorsement: None,
        replay: None,
    })
}

/// It begins a moment from now. Returns from when on one may speak: what is said then sounds when the chime is over.
fn set_time(b: &mut Bulletin, now: WallTime) -> Result<WallTime, ApiError> {
    let at = now.plus_ms(TO_REACH_MS);
    let here = at.timestamp().in_tz(&b.zone);
    let here = here.map_err(|error| ApiError::internal(&error))?;
    b.when = When::Now {
        at,
        date: here.date().to_string(),
    };
    b.since = now;
    let length_ms = i64::try_from(b.length_ms()).unwrap_or(i64::MAX);
    b.valid_until = Some(at.plus_ms(length_ms));
    b.check()
        .map_err(|error| ApiError::new(Code::BadRequest).with("reason", error))?;
    let delay_ms = b.stream().map_or(0, |stream| i64::from(stream.delay_ms));
    let chime_ms = i64::try_from(b.chime.duration_ms()).unwrap_or(0);
    Ok(at.plus_ms(chime_ms - delay_ms).max(now))
}

async fn show_id(state: &AppState, id: String) -> Result<CallView, ApiError> {
    let id: BulletinId = id.parse().map_err(|e| ApiError::internal(&e))?;
    show(state, &state.store.bulletin(&id).await?, true).await
}

/// Who spoke live in my reach, or to it from above. Newest first.
#[utoipa::path(get, path = "/calls", tag = "calls", params(Filter),
    responses((status = 200, body = Calls), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Filter>,
) -> Result<Json<Calls>, ApiError> {
    let limit = page_size(asked.limit)?;
    let filter = CallFilter {
        area: signed.actor.area.clone(),
        after: asked.after.as_deref().map(read_cursor).transpose()?,
        limit,
    };
    let rows = state.store.calls(&filter).await?;
    let full = rows.len() == limit as usize;
    let next = rows.last().filter(|_| full).map(write_cursor);
    let mut calls = Vec::with_capacity(rows.len());
    for row in &rows {
        let kept = state.store.bulletin(&row.bulletin).await?;
        calls.push(show(&state, &kept, false).await?);
    }
    Ok(Json(Calls { calls, next }))
}

/// One call, and where it was heard: live, later, or not.
#[utoipa::path(get, path = "/calls/{id}", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = CallView), (status = "default", body = ErrorEnvelope)))]
pub async fn read(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
) -> Result<Json<CallView>, ApiError> {
    let kept = seen(&state, &signed, &id).await?;
    Ok(Json(show(&state, &kept, true).await?))
}

/// End a call: one's own, or one that one may stop. Doing it twice is the same as once.
#[utoipa::path(post, path = "/calls/{id}/end", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = CallView), (status = "default", body = ErrorEnvelope)))]
pub async fn end(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
) -> Result<Json<CallView>, ApiError> {
    let call = state.store.call(&id).await?;
    let kept = state.store.bulletin(&id).await?;
    let is_own = call.speaker.as_ref() == Some(&signed.user.id);
    if !is_own {
        must_silence(&state, &signed, &kept.channels()).await?;
    }
    let why = match is_own {
        true => CallEnd::Released,
        false => CallEnd::Stopped,
    };
    state.calls.end(&id, why).await;
    let kept = state.store.bulletin(&id).await?;
    Ok(Json(show(&state, &kept, true).await?))
}

pub async fn must_silence(
    state: &AppState,
    signed: &Signed,
    channels: &[Channel],
) -> Result<(), ApiError> {
    for channel in channels {
        match signed.must_on(state, Action::Silence, channel).await {
            Err(error) if error.code == Code::TargetUnknown => {
                signed.must_somewhere(Action::Silence)?;
            }
            done => done?,
        }
    }
    Ok(())
}
