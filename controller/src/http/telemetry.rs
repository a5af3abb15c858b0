//! What a pole measures of itself: now, and hour by hour.

use axum::{Json, extract::State};
use loa_protocol::{
    id::SpeakerId,
    status::SpeakerStatus,
    telemetry::{EarKind, Hearing, NetworkKind, Telemetry},
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Id, Params},
    guard::Signed,
    instant::{self, Instant},
    messages::Code,
    speakers::load,
};
use crate::logic::{hours::Figures, permissions::Action};

/// Points in one answer.
const POINTS: u32 = 1_000;
const STEP_S: u32 = 3_600;
/// As long as the history is kept.
const LONGEST_DAYS: i64 = 35;
const AHEAD_S: i64 = 3_600;
const DAY_S: i64 = 24 * 3_600;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Between {
    /// RFC 3339.
    from: Option<String>,
    /// RFC 3339; now when not told.
    to: Option<String>,
}

impl Between {
    /// `from` when not told: `days` before `to`. No longer than `longest_days`.
    pub fn span(
        &self,
        now: WallTime,
        days: i64,
        longest_days: i64,
    ) -> Result<(WallTime, WallTime), ApiError> {
        let to = self.to.as_deref().map(instant::parse).transpose()?;
        // A pole's clock may be ahead of the office's.
        let to = to.unwrap_or(now.plus_s(AHEAD_S));
        let from = self.from.as_deref().map(instant::parse).transpose()?;
        let from = from.unwrap_or(to.plus_s(-days * DAY_S));
        if from < to
            && to.since_us(from) <= (longest_days * DAY_S + AHEAD_S).saturating_mul(1_000_000)
        {
            Ok((from, to))
        } else {
            Err(ApiError::new(Code::SpanInvalid).with("days", longest_days))
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct TelemetryHistory {
    /// From one point to the next.
    pub step_s: u32,
    /// In order of time. Each is the worst of its hour (hottest, weakest, least free); the last one may be of now.
    pub points: Vec<TelemetryPoint>,
}

/// `null`: it was not told.
#[derive(Serialize, ToSchema)]
pub struct TelemetryPoint {
    /// The beginning of the hour.
    pub at: Instant,
    pub temperature_c: Option<f64>,
    pub load: Option<f64>,
    pub memory_free_mb: Option<i64>,
    pub disk_free_mb: Option<i64>,
    pub signal_dbm: Option<i64>,
    pub signal_percent: Option<i64>,
    pub clock_offset_ms: Option<f64>,
    pub battery_percent: Option<i64>,
    /// Through the line since the first of the month, both ways.
    pub data_mb: Option<i64>,
}

impl TelemetryPoint {
    fn new(at: WallTime, of: Figures) -> Self {
        Self {
            at: at.into(),
            temperature_c: of.temperature_mc.map(|mc| mc as f64 / 1_000.0),
            load: of.load_centi.map(|centi| centi as f64 / 100.0),
            memory_free_mb: of.memory_free_mb,
            disk_free_mb: of.disk_free_mb,
            signal_dbm: of.signal_dbm,
            signal_percent: of.signal_percent,
            clock_offset_ms: of.clock_offset_us.map(|us| us as f64 / 1_000.0),
            battery_percent: of.battery_percent,
            data_mb: of.data_mb,
        }
    }
}

/// What it measured, hour by hour: the last seven days when not told otherwise, at most 35.
#[utoipa::path(get, path = "/speakers/{id}/telemetry", tag = "watch",
    params(("id" = String, Path), Between),
    responses((status = 200, body = TelemetryHistory), (status = "default", body = ErrorEnvelope)))]
pub async fn history(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<SpeakerId>,
    Params(between): Params<Between>,
) -> Result<Json<TelemetryHistory>, ApiError> {
    load(&state, &signed, &id, Action::See).await?;
    let now = state.clock.now();
    let (from, to) = between.span(now, 7, LONGEST_DAYS)?;
    let hours = state.store.telemetry(&id, from, to, POINTS - 1).await?;
    let mut points: Vec<_> = hours
        .into_iter()
        .map(|(at, figures)| TelemetryPoint::new(at, figures))
        .collect();
    // The hour that is being told is not in the database yet.
    if let Some(status) = state.engine.status(&id)
        && let Some(heard) = state.engine.presence(&id).last_heard
        && (from..to).contains(&heard)
    {
        let told = Figures::of(&status);
        if told != Figures::default() {
            points.push(TelemetryPoint::new(heard, told));
        }
    }
    Ok(Json(TelemetryHistory {
        step_s: STEP_S,
        points,
    }))
}

/// All that it last told of its machine, in an app's units. `null`: not measured.
#[derive(Serialize, ToSchema)]
pub struct TelemetryView {
    /// When it came in.
    pub received: Option<Instant>,
    pub machine_uptime_s: Option<u64>,
    /// Runs of the agent that began within an hour, this one included.
    pub starts_1h: u32,
    pub temperature_c: Option<f64>,
    pub load: Option<f64>,
    pub processors: Option<u32>,
    pub memory_total_mb: Option<u64>,
    pub memory_free_mb: Option<u64>,
    pub disk_total_mb: Option<u64>,
    pub disk_free_mb: Option<u64>,
    pub content_mb: u64,
    pub content_quota_mb: u64,
    pub network: Option<NetworkView>,
    pub data: Option<DataView>,
    pub power: Option<PowerView>,
    pub volume: Option<u8>,
    pub last_sound: Option<Instant>,
    pub ear: EarView,
}

#[derive(Serialize, ToSchema)]
pub struct NetworkView {
    pub kind: NetworkKind,
    pub interface: String,
    pub signal_dbm: Option<i32>,
    pub signal_percent: Option<u8>,
    pub operator: Option<String>,
    pub cell: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct DataView {
    /// The first day of the month that is counted.
    #[schema(example = "2026-11-01")]
    pub month: String,
    pub received_mb: f64,
    pub sent_mb: f64,
}

#[derive(Serialize, ToSchema)]
pub struct PowerView {
    pub mains: Option<bool>,
    pub battery_percent: Option<u8>,
    pub battery_v: Option<f64>,
}

#[derive(Serialize, ToSchema)]
pub struct EarView {
    pub kind: EarKind,
    /// Why it cannot listen, though it is set to.
    pub trouble: Option<String>,
    pub last_heard: Option<HeardView>,
}

#[derive(Serialize, ToSchema)]
pub struct HeardView {
    pub at: Instant,
    pub occurrence: String,
    pub hearing: Hearing,
    /// How far the best match stands out of the others.
    pub clarity: Option<f64>,
    pub delay_ms: Option<f64>,
}

impl TelemetryView {
    /// `None` from an agent that does not measure.
    pub fn of(status: &SpeakerStatus, received: Option<WallTime>) -> Option<Self> {
        let told: &Telemetry = status.telemetry.as_deref()?;
        let mb = |bytes: u64| bytes / 1_000_000;
        Some(Self {
            received: received.map(Instant),
            machine_uptime_s: told.machine_uptime_s,
            starts_1h: told.starts_1h,
            temperature_c: told.temperature_mc.map(|mc| f64::from(mc) / 1_000.0),
            load: told.load_centi.map(|centi| f64::from(centi) / 100.0),
            processors: told.processors,
            memory_total_mb: told.memory_total_bytes.map(mb),
            memory_free_mb: told.memory_available_bytes.map(mb),
            disk_total_mb: told.disk_total_bytes.map(mb),
            disk_free_mb: status.disk_free_bytes.map(mb),
            content_mb: mb(told.content_bytes),
            content_quota_mb: mb(told.content_quota_bytes),
            network: told.network.as_ref().map(|network| NetworkView {
                kind: network.kind,
                interface: network.interface.clone(),
                signal_dbm: network.signal_dbm,
                signal_percent: network.signal_percent,
                operator: network.operator.clone(),
                cell: network.cell.clone(),
            }),
            data: told.data.as_ref().map(|data| DataView {
                month: data.month.to_string(),
                received_mb: data.received_bytes as f64 / 1e6,
                sent_mb: data.sent_bytes as f64 / 1e6,
            }),
            power: told.power.as_ref().map(|power| PowerView {
                mains: power.mains,
                battery_percent: power.battery_percent,
                battery_v: power.battery_mv.map(|mv| f64::from(mv) / 1_000.0),
            }),
            volume: told.volume,
            last_sound: told.last_sound.map(Instant),
            ear: EarView {
                kind: told.ear.kind,
                trouble: told.ear.trouble.clone(),
                last_heard: told.ear.last_heard.as_ref().map(|listened| HeardView {
                    at: listened.at.into(),
                    occurrence: listened.playout.occurrence.to_string(),
                    hearing: listened.hearing,
                    clarity: listened.clarity_centi.map(|c| f64::from(c) / 100.0),
                    delay_ms: listened.delay_us.map(|us| us as f64 / 1_000.0),
                }),
            },
        })
    }
}
