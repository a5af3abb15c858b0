//! The board: area by area, worst first, and what changed since yesterday.
//!
//! Bound: [`MAKING`] boards are made at a time, for one of ten thousand poles takes a processor for some tenths of a second;
//! who asks meanwhile waits.

use std::collections::{HashMap, HashSet};

use axum::{Json, extract::State};
use jiff::{ToSpan, tz::TimeZone};
use loa_protocol::{
    id::{AreaId, SpeakerId},
    telemetry::EarKind,
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, task};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Params, chosen_id},
    facts::{self, Facts, Known},
    guard::Signed,
    instant::Instant,
};
use crate::{
    logic::{
        board::{self, Counts, Pole, Share},
        facts::{Severity, severity},
        incidents::{Roster, name_masts},
        outages::Cause,
        permissions::Action,
    },
    store::{Area, Kind, Speaker, Told},
};

/// Most poles in one answer, the worst.
const POLES: usize = 1_000;
/// Most changes, the newest.
const CHANGES: usize = 200;
/// Changes of one kind that are looked through for those in reach.
const LOOKED_AT: u32 = 5_000;

const MAKING: usize = 2;
static TURN: Semaphore = Semaphore::const_new(MAKING);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The board of this area: its children, and the poles in and below it. My own area when not told.
    area: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Board {
    pub at: Instant,
    pub counts: BoardCounts,
    /// The area's children, worst first.
    pub areas: Vec<BoardArea>,
    /// Worst first.
    pub speakers: Vec<BoardSpeaker>,
    /// Since yesterday 00:00 in the office's zone, newest first.
    pub changes: Vec<BoardChange>,
    /// There are more than 1000 speakers or 200 changes.
    pub truncated: bool,
}

#[derive(Serialize, ToSchema)]
pub struct BoardCounts {
    pub speakers: u64,
    pub online: u64,
    pub silent: u64,
    pub offline: u64,
    pub muted: u64,
    /// Of severity `warning` or `critical`.
    pub trouble: u64,
    /// Those that listen to themselves, by microphone or sensor.
    pub microphones: u64,
    pub not_heard: u64,
}

/// `good` of `of`; with `of` 0 there is no figure.
#[derive(Serialize, ToSchema)]
#[schema(as = Share)]
pub struct ShareView {
    pub of: u64,
    pub good: u64,
}

#[derive(Serialize, ToSchema)]
pub struct BoardArea {
    pub area: String,
    pub name: String,
    pub speakers: u64,
    pub online: u64,
    pub trouble: u64,
    /// Of its worst pole.
    pub severity: Severity,
    /// Bulletins due today until now, and those that sounded as far as anybody can tell.
    pub audible_today: ShareView,
}

#[derive(Serialize, ToSchema)]
pub struct BoardSpeaker {
    pub speaker: String,
    pub name: String,
    pub area: String,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub severity: Severity,
    pub facts: Facts,
    /// Of its outage, while one lasts.
    pub cause: Option<Cause>,
    /// In trouble since.
    pub since: Option<Instant>,
    /// Its mast, as its modem or the operator names it.
    pub cell: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    WentDown,
    CameBack,
    NotHeard,
    HeardAgain,
    Restarted,
    Muted,
    MainsGone,
    MainsBack,
}

#[derive(Serialize, ToSchema)]
pub struct BoardChange {
    pub at: Instant,
    pub speaker: String,
    pub name: String,
    pub area: String,
    pub what: ChangeKind,
    pub cause: Option<Cause>,
}

impl From<&Counts> for BoardCounts {
    fn from(counts: &Counts) -> Self {
        Self {
            speakers: counts.speakers,
            online: counts.online,
            silent: counts.silent,
            offline: counts.offline,
            muted: counts.muted,
            trouble: counts.trouble,
            microphones: counts.microphones,
            not_heard: counts.not_heard,
        }
    }
}

impl From<Share> for ShareView {
    fn from(share: Share) -> Self {
        Self {
            of: share.of,
            good: share.good,
        }
    }
}

/// The watch at one glance.
#[utoipa::path(get, path = "/board", tag = "watch", params(Asked),
    responses((status = 200, body = Board), (status = "default", body = ErrorEnvelope)))]
pub async fn board(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Asked>,
) -> Result<Json<Board>, ApiError> {
    let asked: Option<AreaId> = match chosen_id(asked.area.as_deref())? {
        None => signed.actor.area.clone(),
        Some(area) => {
            signed.must(&state, Action::See, &area).await?;
            Some(area)
        }
    };
    let _turn = TURN.acquire().await;
    let now = state.clock.now();
    let (today, yesterday) = days(&state.config.defaults.zone, now)?;
    let speakers = state.store.speakers_below(asked.as_ref()).await?;
    let areas = state.store.areas(asked.as_ref()).await?;
    let known = facts::known(&state, &speakers).await?;
    let shares = state.store.audible_on(today).await?;
    let changes = changes(&state, &speakers, yesterday, now).await?;
    let shown = task::spawn_blocking(move || {
        let asked = asked.as_ref();
        show(asked, speakers, &areas, known, &shares, changes, now)
    });
    Ok(Json(shown.await.map_err(|e| ApiError::internal(&e))?))
}

/// Today, and when yesterday began.
fn days(zone: &str, now: WallTime) -> Result<(jiff::civil::Date, WallTime), ApiError> {
    let zone = TimeZone::get(zone).map_err(|error| ApiError::internal(&error))?;
    let today = zone.to_datetime(now.timestamp()).date();
    let midnight = today.saturating_sub(1.day()).at(0, 0, 0, 0);
    let begins = zone.to_timestamp(midnight);
    let begins = begins.map_err(|error| ApiError::internal(&error))?;
    Ok((today, begins.into()))
}

/// How each pole stands.
pub fn poles(
    speakers: &[Speaker],
    known: &[Known],
    shares: &HashMap<SpeakerId, Share>,
    now: WallTime,
) -> Vec<Pole> {
    let each = speakers.iter().zip(known);
    each.map(|(speaker, known)| {
        let facts = known.facts(now);
        let told = known.status.as_ref().and_then(|s| s.telemetry.as_ref());
        Pole {
            speaker: speaker.id.clone(),
            name: speaker.name.clone(),
            area: speaker.area.clone(),
            presence: known.presence.presence,
            severity: severity(&facts, now),
            cause: known.outage.map(|(_, cause)| cause),
            since: board::since(&facts, now),
            facts,
            muted: speaker.muted,
            has_ear: told.is_some_and(|t| t.ear.kind != EarKind::None),
            today: shares.get(&speaker.id).copied().unwrap_or_default(),
        }
    })
    .collect()
}

fn show(
    asked: Option<&AreaId>,
    speakers: Vec<Speaker>,
    areas: &[Area],
    known: Vec<Known>,
    shares: &HashMap<SpeakerId, Share>,
    mut changes: Vec<BoardChange>,
    now: WallTime,
) -> Board {
    let mut poles = poles(&speakers, &known, shares, now);
    let mut counts = Counts::default();
    poles.iter().for_each(|pole| counts.add(pole));
    let parents = areas
        .iter()
        .map(|area| (area.id.clone(), area.parent.clone()))
        .collect();
    let names: HashMap<&AreaId, &str> = areas
        .iter()
        .map(|area| (&area.id, area.name.as_str()))
        .collect();
    let rows = board::areas(&poles, &parents, asked);
    board::worst_first(&mut poles);
    let truncated = poles.len() > POLES || changes.len() > CHANGES;
    poles.truncate(POLES);
    changes.truncate(CHANGES);
    let each = speakers.iter().zip(&known);
    let by_id: HashMap<&SpeakerId, (&Speaker, &Known)> =
        each.map(|(s, known)| (&s.id, (s, known))).collect();
    Board {
        at: now.into(),
        counts: (&counts).into(),
        areas: rows
            .into_iter()
            .map(|(id, counts)| BoardArea {
                name: names.get(&id).copied().unwrap_or(id.as_str()).to_owned(),
                area: id.to_string(),
                speakers: counts.speakers,
                online: counts.online,
                trouble: counts.trouble,
                severity: counts.worst.unwrap_or(Severity::Ok),
                audible_today: counts.today.into(),
            })
            .collect(),
        speakers: poles
            .into_iter()
            .filter_map(|pole| {
                let (speaker, known) = by_id.get(&pole.speaker)?;
                Some(BoardSpeaker {
                    latitude: speaker.latitude,
                    longitude: speaker.longitude,
                    cell: cell(speaker, known),
                    speaker: pole.speaker.to_string(),
                    name: pole.name,
                    area: pole.area.to_string(),
                    severity: pole.severity,
                    facts: pole.facts.into(),
                    cause: pole.cause,
                    since: pole.since.map(Instant),
                })
            })
            .collect(),
        changes,
        truncated,
    }
}

fn cell(speaker: &Speaker, known: &Known) -> Option<String> {
    let told = known.status.as_ref().and_then(|s| s.telemetry.as_ref());
    let network = told.and_then(|t| t.network.as_ref());
    network
        .and_then(|n| n.cell.clone())
        .or_else(|| speaker.cell.clone())
}

/// What happened to these, newest first; one more than is shown.
async fn changes(
    state: &AppState,
    speakers: &[Speaker],
    from: WallTime,
    now: WallTime,
) -> Result<Vec<BoardChange>, ApiError> {
    let by_id: HashMap<&SpeakerId, &Speaker> = speakers.iter().map(|s| (&s.id, s)).collect();
    let mut all: Vec<(WallTime, SpeakerId, ChangeKind, Option<Cause>)> = Vec::new();
    let mut outages = state.store.outages_between(from, now).await?;
    name_masts(&mut outages, &Roster::new());
    for outage in outages {
        // The office's own absence is no pole's outage.
        if outage.cause == Cause::Office {
            continue;
        }
        let (id, cause) = (outage.speaker, Some(outage.cause));
        if let Some(ended) = outage.ended {
            all.push((ended, id.clone(), ChangeKind::CameBack, cause));
        }
        if outage.began >= from {
            all.push((outage.began, id, ChangeKind::WentDown, cause));
        }
    }
    let kinds = [Kind::Booted, Kind::Mains, Kind::Hearing];
    let told = state.store.notes_since(&kinds, from, LOOKED_AT).await?;
    all.extend(told.into_iter().filter_map(change));
    for (id, at, muted) in state.store.mutes_since(from, LOOKED_AT).await? {
        if muted {
            all.push((at, id, ChangeKind::Muted, None));
        }
    }
    let known: HashSet<&SpeakerId> = by_id.keys().copied().collect();
    all.retain(|(at, id, _, _)| known.contains(id) && *at <= now);
    all.sort_by(|a, b| (b.0, &b.1).cmp(&(a.0, &a.1)));
    all.truncate(CHANGES + 1);
    let view = |(at, id, what, cause): (WallTime, SpeakerId, ChangeKind, Option<Cause>)| {
        let speaker = by_id.get(&id)?;
        Some(BoardChange {
            at: at.into(),
            name: speaker.name.clone(),
            area: speaker.area.to_string(),
            speaker: id.to_string(),
            what,
            cause,
        })
    };
    Ok(all.into_iter().filter_map(view).collect())
}

fn change(told: Told) -> Option<(WallTime, SpeakerId, ChangeKind, Option<Cause>)> {
    let (what, cause) = match (told.kind, told.word.as_str()) {
        (Kind::Booted, "crashed") => (ChangeKind::Restarted, Some(Cause::Agent)),
        (Kind::Booted, "power_cut") => (ChangeKind::Restarted, Some(Cause::Power)),
        (Kind::Booted, "stopped" | "reboot" | "ordered") => {
            (ChangeKind::Restarted, Some(Cause::Stopped))
        }
        (Kind::Mains, "gone") => (ChangeKind::MainsGone, None),
        (Kind::Mains, "present") => (ChangeKind::MainsBack, None),
        (Kind::Hearing, "not_heard") => (ChangeKind::NotHeard, None),
        (Kind::Hearing, "heard") => (ChangeKind::HeardAgain, None),
        _ => return None,
    };
    Some((told.at, told.speaker, what, cause))
}
