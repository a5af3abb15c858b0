//! What was planned and what sounded, in milliseconds, for every speaker.

use axum::{Json, extract::State};
use loa_protocol::{
    bulletin::{Priority, Status},
    id::AreaId,
    live::Streamed,
    telemetry::Hearing,
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Params, page_size},
    guard::Signed,
    instant::{self, Instant},
    messages::Code,
};
use crate::{
    logic::permissions::Action,
    store::{PlayoutCursor, PlayoutFilter, PlayoutRow},
};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    bulletin: Option<String>,
    speaker: Option<String>,
    /// Speakers in and below it.
    area: Option<String>,
    /// `completed`, `interrupted`, `pre_empted`, `skipped`, `missed`, `failed`, `unreported`, or `running`.
    outcome: Option<String>,
    /// Planned at or after (RFC 3339).
    from: Option<String>,
    /// Planned before.
    to: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// To a page; 50 when not told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Playouts {
    /// Latest plan first.
    pub playouts: Vec<PlayoutView>,
    /// The cursor of the next page, when there may be one.
    pub next: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct PlayoutView {
    pub speaker: String,
    pub bulletin: String,
    /// Bulletin, civil date, place among that date's, and which repeat.
    #[schema(example = "b0123456789abcdef/2026-11-24/0/0")]
    pub occurrence: String,
    /// More than 0 only where an emergency was said again after a power cut.
    pub attempt: u16,
    pub revision: u32,
    pub title: String,
    pub priority: Priority,
    pub status: Status,
    pub planned: Instant,
    pub started: Option<Instant>,
    pub ended: Option<Instant>,
    /// Real start minus planned start.
    pub error_ms: Option<f64>,
    pub sounded_s: f64,
    /// How often it was cut and went on.
    pub cuts: u32,
    /// The occurrence that cut it last.
    pub cut_by: Option<String>,
    /// The speaker's clock at the start: `untrusted`, `held` or `synced`.
    pub clock: String,
    /// `null` while it runs or waits to go on; `unreported`: it was due, and the speaker has told nothing of it yet.
    #[schema(example = "completed")]
    pub outcome: Option<String>,
    pub reason: Option<String>,
    /// Was what was played also heard? `null`: nothing was told of that.
    pub heard: Option<Hearing>,
    /// How clearly: how far the best match stands out of the others.
    pub clarity: Option<f64>,
    /// How long its sound was to be; `null` where nobody knows any more.
    pub due_s: Option<f64>,
    /// Of a live call or a relay: what the speaker measured of it, once something of it sounded.
    pub streamed: Option<Streamed>,
}

impl From<PlayoutRow> for PlayoutView {
    fn from(row: PlayoutRow) -> Self {
        Self {
            speaker: row.speaker.to_string(),
            bulletin: row.occurrence.bulletin.to_string(),
            occurrence: row.occurrence.to_string(),
            attempt: row.attempt,
            revision: row.revision,
            title: row.title,
            priority: row.priority,
            status: row.status,
            planned: row.planned.into(),
            started: row.started.map(Instant),
            ended: row.ended.map(Instant),
            error_ms: row.error_us.map(|us| us as f64 / 1_000.0),
            sounded_s: row.sounded_ms as f64 / 1_000.0,
            cuts: row.cuts,
            cut_by: row.cut_by,
            clock: row.trust,
            outcome: row.outcome,
            reason: row.reason,
            heard: row.heard,
            clarity: row.clarity.map(|centi| f64::from(centi) / 100.0),
            due_s: row.due_ms.map(|ms| ms as f64 / 1_000.0),
            streamed: row.streamed,
        }
    }
}

fn write_cursor(cursor: &PlayoutCursor) -> String {
    let text = format!(
        "{} {} {} {}",
        cursor.planned.as_micros(),
        cursor.speaker,
        cursor.occurrence,
        cursor.attempt
    );
    hex::encode(text)
}

fn read_cursor(text: &str) -> Result<PlayoutCursor, ApiError> {
    let parse = || {
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let mut parts = text.split(' ');
        Some(PlayoutCursor {
            planned: WallTime::from_micros(parts.next()?.parse().ok()?),
            speaker: parts.next()?.parse().ok()?,
            occurrence: parts.next()?.parse().ok()?,
            attempt: parts.next()?.parse().ok()?,
        })
    };
    parse().ok_or(Code::CursorInvalid.into())
}

/// An id in a filter; what cannot be one finds nothing, and is said to.
fn filter_id<T: std::str::FromStr>(text: Option<&str>) -> Result<Option<T>, ApiError> {
    super::extract::chosen_id(text)
}

/// Every speaker's every attempt: planned and real start, and how it ended.
#[utoipa::path(get, path = "/playouts", tag = "playouts", params(Filter),
    responses((status = 200, body = Playouts), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<Filter>,
) -> Result<Json<Playouts>, ApiError> {
    let limit = page_size(asked.limit)?;
    let area: Option<AreaId> = filter_id(asked.area.as_deref())?;
    if let Some(area) = &area {
        signed.must(&state, Action::See, area).await?;
    }
    let filter = PlayoutFilter {
        area: area.or_else(|| signed.actor.area.clone()),
        bulletin: filter_id(asked.bulletin.as_deref())?,
        speaker: filter_id(asked.speaker.as_deref())?,
        outcome: asked.outcome,
        from: asked.from.as_deref().map(instant::parse).transpose()?,
        to: asked.to.as_deref().map(instant::parse).transpose()?,
        after: asked.cursor.as_deref().map(read_cursor).transpose()?,
        limit,
    };
    let rows = state.store.playouts(&filter).await?;
    let full = rows.len() == limit as usize;
    let next = rows
        .last()
        .filter(|_| full)
        .map(|r| write_cursor(&r.cursor()));
    Ok(Json(Playouts {
        playouts: rows.into_iter().map(PlayoutView::from).collect(),
        next,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nonsense_is_none() {
        let cursor = PlayoutCursor {
            planned: WallTime::from_micros(7),
            speaker: "ban-chuong-1".parse().expect("a name"),
            occurrence: "b1/2026-11-24/0/2".parse().expect("an occurrence"),
            attempt: 1,
        };
        assert_eq!(read_cursor(&write_cursor(&cursor)).expect("ours"), cursor);
        for bad in ["", "zz", "00", &hex::encode("1 2 3")] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
