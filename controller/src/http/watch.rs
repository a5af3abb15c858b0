//! One pole's page: what is known of it, and what happened to it.

use axum::{Json, extract::State};
use loa_protocol::{
    event::{RunEnd, What},
    id::SpeakerId,
    telemetry::{Hearing, SelfTest},
    time::WallTime,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Id, Params},
    facts::{self, Facts},
    guard::Signed,
    instant::Instant,
    orders::OrderView,
    speakers::load,
    telemetry::{Between, TelemetryView},
};
use crate::{
    logic::{
        facts::{Severity, severity},
        outages::Cause,
        permissions::Action,
    },
    store::Kind,
};

/// Most of each list, the latest.
const FAULTS: u32 = 200;
const RUNS: u32 = 200;
const SELF_TESTS: u32 = 60;
const ORDERS: u32 = 20;
const OUTAGES: usize = 1_000;
const LONGEST_DAYS: i64 = 400;

#[derive(Serialize, ToSchema)]
pub struct WatchView {
    pub facts: Facts,
    pub severity: Severity,
    /// Each list has the latest first.
    pub outages: Vec<OutageView>,
    pub faults: Vec<FaultView>,
    /// Runs of the agent.
    pub runs: Vec<RunView>,
    /// `null` from an agent that does not measure.
    pub telemetry: Option<TelemetryView>,
    pub plan: PlanView,
    pub self_tests: Vec<SelfTestView>,
    pub orders: Vec<OrderView>,
}

#[derive(Serialize, ToSchema)]
pub struct OutageView {
    pub began: Instant,
    /// `null`: it lasts.
    pub ended: Option<Instant>,
    pub cause: Cause,
    /// The pole itself told the cause.
    pub told: bool,
}

#[derive(Serialize, ToSchema)]
pub struct FaultView {
    pub at: Instant,
    pub code: String,
    pub detail: String,
}

#[derive(Serialize, ToSchema)]
pub struct RunView {
    pub at: Instant,
    pub boot: u64,
    /// How the run before it ended; `null`: an agent that does not tell.
    pub ended: Option<RunEndView>,
    /// When the run before was last known to live.
    pub alive: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunEndView {
    First,
    PowerCut,
    Reboot,
    Stopped,
    Crashed,
    Ordered,
}

impl From<RunEnd> for RunEndView {
    fn from(end: RunEnd) -> Self {
        match end {
            RunEnd::First => Self::First,
            RunEnd::PowerCut => Self::PowerCut,
            RunEnd::Reboot => Self::Reboot,
            RunEnd::Stopped => Self::Stopped,
            RunEnd::Crashed => Self::Crashed,
            RunEnd::Ordered => Self::Ordered,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct PlanView {
    /// Of a month.
    pub data_mb: Option<u32>,
    #[schema(example = "2027-01-31")]
    pub ends: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SelfTestView {
    pub at: Instant,
    pub hearing: Hearing,
    /// How far the best match stands out of the others.
    pub clarity: Option<f64>,
    pub delay_ms: Option<f64>,
    pub asked: bool,
    pub trouble: Option<String>,
}

impl From<SelfTest> for SelfTestView {
    fn from(test: SelfTest) -> Self {
        Self {
            at: test.at.into(),
            hearing: test.hearing,
            clarity: test.clarity_centi.map(|c| f64::from(c) / 100.0),
            delay_ms: test.delay_us.map(|us| us as f64 / 1_000.0),
            asked: test.asked,
            trouble: test.trouble,
        }
    }
}

/// What is known of one pole, and what happened to it: in the last 30 days when not told otherwise.
#[utoipa::path(get, path = "/speakers/{id}/watch", tag = "watch",
    params(("id" = String, Path), Between),
    responses((status = 200, body = WatchView), (status = "default", body = ErrorEnvelope)))]
pub async fn watch(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
    Params(between): Params<Between>,
) -> Result<Json<WatchView>, ApiError> {
    let speaker = load(&state, &signed, &id, Action::See).await?;
    let now = state.clock.now();
    let (from, to) = between.span(now, 30, LONGEST_DAYS)?;
    let plan = PlanView {
        data_mb: speaker.data_plan_mb,
        ends: speaker.data_plan_ends.map(|day| day.to_string()),
    };
    let known = facts::known(&state, &[speaker]).await?;
    let known = known
        .into_iter()
        .next()
        .ok_or_else(|| ApiError::not_found("speaker", &id))?;
    let received = super::speaker_status::last(&state, &id).await?;
    let received = received.map(|last| last.received);
    let judged = known.facts(now);
    let orders = state.store.orders(&id, ORDERS).await?;
    Ok(Json(WatchView {
        severity: severity(&judged, now),
        facts: judged.into(),
        outages: outages(&state, &id, from, to, known.outage).await?,
        faults: faults(&state, &id, from, to).await?,
        runs: runs(&state, &id, from, to).await?,
        telemetry: known
            .status
            .as_ref()
            .and_then(|status| TelemetryView::of(status, received)),
        plan,
        self_tests: self_tests(&state, &id, from, to).await?,
        orders: orders.into_iter().map(OrderView::from).collect(),
    }))
}

async fn outages(
    state: &AppState,
    id: &SpeakerId,
    from: WallTime,
    to: WallTime,
    open: Option<(WallTime, Cause)>,
) -> Result<Vec<OutageView>, ApiError> {
    let outages = state.store.outages_of(id, from, to).await?;
    let latest = outages.into_iter().rev().take(OUTAGES);
    Ok(latest
        .map(|outage| OutageView {
            began: outage.began.into(),
            ended: outage.ended.map(Instant),
            // Whether it is a mast's doing was seen together with its neighbours.
            cause: match open {
                Some((began, cause)) if began == outage.began => cause,
                _ => outage.cause,
            },
            told: outage.told,
        })
        .collect())
}

async fn faults(
    state: &AppState,
    id: &SpeakerId,
    from: WallTime,
    to: WallTime,
) -> Result<Vec<FaultView>, ApiError> {
    let told = state.store.notes_of(id, Kind::Fault, from, to, FAULTS);
    let fault = |(at, what): (WallTime, What)| match what {
        What::Fault { code, detail } => Some(FaultView {
            at: at.into(),
            code,
            detail,
        }),
        _ => None,
    };
    Ok(told.await?.into_iter().filter_map(fault).collect())
}

async fn runs(
    state: &AppState,
    id: &SpeakerId,
    from: WallTime,
    to: WallTime,
) -> Result<Vec<RunView>, ApiError> {
    let told = state.store.notes_of(id, Kind::Booted, from, to, RUNS);
    let run = |(at, what): (WallTime, What)| match what {
        What::Booted { boot, after, .. } => Some(RunView {
            at: at.into(),
            boot,
            ended: after.as_ref().map(|after| after.ended.into()),
            alive: after.and_then(|after| after.alive).map(Instant),
        }),
        _ => None,
    };
    Ok(told.await?.into_iter().filter_map(run).collect())
}

async fn self_tests(
    state: &AppState,
    id: &SpeakerId,
    from: WallTime,
    to: WallTime,
) -> Result<Vec<SelfTestView>, ApiError> {
    let told = state
        .store
        .notes_of(id, Kind::SelfTested, from, to, SELF_TESTS);
    let test = |(_, what): (WallTime, What)| match what {
        What::SelfTested { test } => Some(test.into()),
        _ => None,
    };
    Ok(told.await?.into_iter().filter_map(test).collect())
}
