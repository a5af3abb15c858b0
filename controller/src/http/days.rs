//! What sounded, sounds and will sound, speaker by speaker and day by day.
//!
//! The past is what speakers told; the future is what the pole's own rules give. What was due and of which nothing was told
//! yet is shown as just that.

use std::collections::HashSet;

use axum::{Json, extract::State};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use loa_protocol::{
    bulletin::{Priority, Status},
    channel::Channel,
    id::{AreaId, GroupId, SpeakerId},
    limits::Governor,
    playout::OccurrenceId,
    quiet_hours::DayWindow,
    speaker_config::SpeakerConfig,
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use tokio::task;
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Params, chosen_id},
    guard::Signed,
    instant::{self, Instant},
    messages::Code,
    speaker_status::governors,
    speakers::load,
};
use crate::{
    logic::{
        Presence,
        days::{Ahead, Planner},
        permissions::Action,
    },
    store::{PlayoutRow, Speaker},
};

const MOST_DAYS: u8 = 7;
/// Most speakers in one answer, the first by name.
const SPEAKERS: usize = 200;
/// Playouts of one speaker that are looked at.
const PLAYOUTS: u32 = 2_000;
/// Items in one answer: speakers beyond it are left out.
const ITEMS: usize = 20_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Speakers in and below it. At most one of `area`, `group` and `speaker`; all in my reach when there is none.
    area: Option<String>,
    group: Option<String>,
    speaker: Option<String>,
    /// The first day, in the office's zone; today when not told.
    #[param(example = "2026-11-26")]
    date: Option<String>,
    #[param(minimum = 1, maximum = 7)]
    days: Option<u8>,
}

#[derive(Serialize, ToSchema)]
pub struct Days {
    pub from: Instant,
    pub to: Instant,
    /// In which the days begin and end.
    #[schema(example = "Asia/Ho_Chi_Minh")]
    pub zone: String,
    /// By name.
    pub speakers: Vec<DaysOfSpeaker>,
    /// There is more than this shows.
    pub truncated: bool,
}

#[derive(Serialize, ToSchema)]
pub struct DaysOfSpeaker {
    pub speaker: String,
    pub name: String,
    pub area: String,
    pub presence: Presence,
    pub muted: bool,
    pub quiet_hours: Vec<DayWindow>,
    /// In order of plan.
    pub items: Vec<DayItem>,
}

#[derive(Serialize, ToSchema)]
pub struct DayItem {
    #[schema(example = "b0123456789abcdef/2026-11-26/0/0")]
    pub occurrence: String,
    pub bulletin: String,
    pub title: String,
    pub priority: Priority,
    pub status: Status,
    pub planned: Instant,
    /// Started, or will start; `null`: it did not or will not, or nobody knows yet.
    pub starts: Option<Instant>,
    pub ends: Option<Instant>,
    /// `null` in the past: it still sounds (`starts` is there), or the speaker has told nothing of it yet.
    #[schema(example = "completed")]
    pub outcome: Option<String>,
    #[schema(example = "quiet_hours")]
    pub reason: Option<String>,
    /// It was due already.
    pub past: bool,
    /// Real start minus planned start.
    pub error_ms: Option<f64>,
    pub sounded_s: Option<f64>,
}

impl From<&Ahead> for DayItem {
    fn from(ahead: &Ahead) -> Self {
        let words = ahead.outcome.map(|outcome| outcome.words());
        Self {
            occurrence: ahead.occurrence.to_string(),
            bulletin: ahead.occurrence.bulletin.to_string(),
            title: ahead.title.clone(),
            priority: ahead.priority,
            status: ahead.status,
            planned: ahead.planned.into(),
            starts: ahead.starts.map(Instant),
            ends: ahead.ends.map(Instant),
            outcome: words.map(|(outcome, _)| outcome.to_owned()),
            reason: words.and_then(|(_, reason)| Some(reason?.to_owned())),
            past: words.is_none(),
            error_ms: None,
            sounded_s: None,
        }
    }
}

impl From<PlayoutRow> for DayItem {
    fn from(row: PlayoutRow) -> Self {
        Self {
            occurrence: row.occurrence.to_string(),
            bulletin: row.occurrence.bulletin.to_string(),
            title: row.title,
            priority: row.priority,
            status: row.status,
            planned: row.planned.into(),
            starts: row.started.map(Instant),
            ends: row.ended.map(Instant),
            outcome: row.outcome,
            reason: row.reason,
            past: true,
            error_ms: row.error_us.map(|us| us as f64 / 1_000.0),
            sounded_s: Some(row.sounded_ms as f64 / 1_000.0),
        }
    }
}

/// What sounded and what will sound, by the poles' own reports and rules.
#[utoipa::path(get, path = "/days", tag = "playouts", params(Asked),
    responses((status = 200, body = Days), (status = "default", body = ErrorEnvelope)))]
pub async fn days(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Json<Days>, ApiError> {
    let now = state.clock.now();
    let zone = state.config.defaults.zone.clone();
    let (from, to) = span(&asked, &zone, now)?;
    let mut speakers = speakers(&state, &signed, &asked).await?;
    let mut truncated = speakers.len() > SPEAKERS;
    speakers.truncate(SPEAKERS);
    let mut told = Vec::with_capacity(speakers.len());
    let mut count = 0;
    for speaker in &speakers {
        let rows = state
            .store
            .playouts_of(&speaker.id, from, to, PLAYOUTS)
            .await?;
        count += rows.len();
        truncated |= rows.len() >= PLAYOUTS as usize;
        told.push(rows);
        if count >= ITEMS {
            break;
        }
    }
    let configs = state.store.speaker_configs(&speakers).await?;
    let channels = state.store.channels_of(&configs).await?;
    let governors = governors(&state, &speakers).await?;
    let all = task::spawn_blocking(move || {
        let mut planner = Planner::new(&channels, now, from, to);
        let mut room = ITEMS;
        let mut all = Vec::with_capacity(configs.len());
        for ((config, governor), told) in configs.iter().zip(&governors).zip(told) {
            if room == 0 {
                break;
            }
            let (items, cut) = items(&mut planner, config, governor, told);
            truncated |= cut;
            room = room.saturating_sub(items.len());
            all.push(items);
        }
        (all, truncated)
    });
    let (all, mut truncated) = all.await.map_err(|error| ApiError::internal(&error))?;
    truncated |= all.len() < speakers.len();
    let each = speakers.into_iter().zip(all);
    Ok(Json(Days {
        from: from.into(),
        to: to.into(),
        zone,
        speakers: each
            .map(|(speaker, items)| DaysOfSpeaker {
                presence: state.engine.presence(&speaker.id).presence,
                speaker: speaker.id.to_string(),
                name: speaker.name,
                area: speaker.area.to_string(),
                muted: speaker.muted,
                quiet_hours: speaker.quiet_hours,
                items,
            })
            .collect(),
        truncated,
    }))
}

/// What a speaker told, and between it what it was to do and will do.
fn items(
    planner: &mut Planner,
    config: &SpeakerConfig,
    governor: &Governor,
    told: Vec<PlayoutRow>,
) -> (Vec<DayItem>, bool) {
    let plan = planner.plan(config, governor);
    let known: HashSet<OccurrenceId> = told.iter().map(|row| row.occurrence.clone()).collect();
    let mut items: Vec<DayItem> = told.into_iter().map(DayItem::from).collect();
    items.extend(
        plan.items
            .iter()
            // What was planned before it followed these channels is not its business.
            .filter(|ahead| ahead.planned >= config.since && !known.contains(&ahead.occurrence))
            .map(DayItem::from),
    );
    items.sort_by(|a, b| (a.planned, &a.occurrence).cmp(&(b.planned, &b.occurrence)));
    (items, plan.truncated)
}

fn span(asked: &Asked, zone: &str, now: WallTime) -> Result<(WallTime, WallTime), ApiError> {
    let days = asked.days.unwrap_or(1);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(ApiError::new(Code::LimitInvalid)
            .with("name", "days")
            .with("from", 1)
            .with("to", MOST_DAYS));
    }
    let zone = TimeZone::get(zone).map_err(|error| ApiError::internal(&error))?;
    let first = match asked.date.as_deref() {
        Some(text) => instant::date(text)?,
        None => zone.to_datetime(now.timestamp()).date(),
    };
    let begin = |date: Date| {
        let midnight = zone.to_timestamp(date.at(0, 0, 0, 0));
        midnight.map(WallTime::from)
    };
    let last = first.saturating_add(i32::from(days).days());
    let span = begin(first).and_then(|from| Ok((from, begin(last)?)));
    span.map_err(|error| ApiError::internal(&error))
}

/// By name, and only those in reach.
async fn speakers(
    state: &AppState,
    signed: &Signed,
    asked: &Asked,
) -> Result<Vec<Speaker>, ApiError> {
    match (&asked.area, &asked.group, &asked.speaker) {
        (None, None, None) => {
            let own = signed.actor.area.as_ref();
            Ok(state.store.speakers_below(own).await?)
        }
        (Some(_), None, None) => {
            let area: Option<AreaId> = chosen_id(asked.area.as_deref())?;
            if let Some(area) = &area {
                signed.must(state, Action::See, area).await?;
            }
            Ok(state.store.speakers_below(area.as_ref()).await?)
        }
        (None, Some(text), None) => {
            let unknown = || ApiError::not_found("group", text);
            let group: GroupId = text.parse().map_err(|_| unknown())?;
            let group = state.store.group(&group).await?;
            signed.must(state, Action::See, &group.area).await?;
            let members = state.store.followers(&Channel::Group(group.id)).await?;
            let Some(own) = &signed.actor.area else {
                return Ok(members);
            };
            // A group may reach beyond its area.
            let mine = state.store.speakers_below(Some(own)).await?;
            let mine: HashSet<SpeakerId> = mine.into_iter().map(|speaker| speaker.id).collect();
            Ok(members
                .into_iter()
                .filter(|speaker| mine.contains(&speaker.id))
                .collect())
        }
        (None, None, Some(text)) => {
            let unknown = || ApiError::not_found("speaker", text);
            let id: SpeakerId = text.parse().map_err(|_| unknown())?;
            Ok(vec![load(state, signed, &id, Action::See).await?])
        }
        _ => Err(ApiError::new(Code::BadRequest).with("reason", "one of area, group, speaker")),
    }
}
