//! The figures that somebody signs, of an area and everything below it: as JSON, as CSV, as a spreadsheet.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use loa_protocol::{id::AreaId, time::WallTime};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope, lang_of},
    extract::{Params, chosen_id},
    guard::Signed,
    instant,
    messages::Code,
};
use crate::{
    logic::permissions::Action,
    reports::{
        self, Gathered, Span, csv,
        view::{Availability, AvailabilityRow, Heading, Monthly},
    },
};

/// Longest span of days in one answer.
const MOST_DAYS: i32 = 366;
const CSV: &str = "text/csv; charset=utf-8";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What each row is about.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    #[default]
    Speaker,
    Area,
    Day,
}

impl From<By> for csv::By {
    fn from(by: By) -> Self {
        match by {
            By::Speaker => Self::Speaker,
            By::Area => Self::Area,
            By::Day => Self::Day,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AskedDays {
    /// The first day, of each speaker's own zone.
    #[param(example = "2026-11-01")]
    from: String,
    /// The last one, included; at most 366 days.
    #[param(example = "2026-11-30")]
    to: String,
    /// It and everything below it; all in my reach when not told.
    area: Option<String>,
    /// `speaker` when not told.
    #[param(inline)]
    by: Option<By>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AskedMonth {
    #[param(example = "2026-11")]
    month: String,
    /// It and everything below it; all in my reach when not told.
    area: Option<String>,
}

/// What was due, sounded and heard, and how long speakers could be reached.
#[utoipa::path(get, path = "/reports/availability", tag = "reports", params(AskedDays),
    responses((status = 200, body = Availability), (status = "default", body = ErrorEnvelope)))]
pub async fn availability(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<AskedDays>,
) -> Result<Json<Availability>, ApiError> {
    let by = asked.by.unwrap_or_default();
    let gathered = days(&state, &signed, &asked).await?;
    let row = |name: String, figures| AvailabilityRow {
        speaker: None,
        area: None,
        day: None,
        name,
        figures,
    };
    let rows = match by {
        By::Speaker => {
            let each = gathered.speakers.iter();
            each.map(|one| AvailabilityRow {
                speaker: Some(one.id.to_string()),
                ..row(one.name.clone(), (&one.figures).into())
            })
            .collect()
        }
        By::Area => {
            let each = gathered.areas.iter();
            each.map(|one| AvailabilityRow {
                area: Some(one.id.to_string()),
                ..row(one.name.clone(), (&one.figures).into())
            })
            .collect()
        }
        By::Day => {
            let each = gathered.days.iter();
            each.map(|(day, figures)| AvailabilityRow {
                day: Some(day.to_string()),
                ..row(day.to_string(), figures.into())
            })
            .collect()
        }
    };
    Ok(Json(Availability {
        from: gathered.span.first.to_string(),
        to: gathered.span.last.to_string(),
        zone: state.config.defaults.zone.clone(),
        total: (&gathered.total).into(),
        rows,
    }))
}

/// The same for a spreadsheet.
#[utoipa::path(get, path = "/reports/availability.csv", tag = "reports", params(AskedDays),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "default", body = ErrorEnvelope)))]
pub async fn availability_csv(
    State(state): State<AppState>,
    signed: Signed,
    headers: HeaderMap,
    Params(asked): Params<AskedDays>,
) -> Result<Response, ApiError> {
    let by = asked.by.unwrap_or_default();
    let gathered = days(&state, &signed, &asked).await?;
    let bytes = csv::write(&gathered, by.into(), lang_of(&headers));
    let bytes = bytes.map_err(|error| ApiError::internal(&error))?;
    let name = format!("loa-{}-{}.csv", gathered.span.first, gathered.span.last);
    file(bytes, CSV, &name)
}

/// The month's report: due, heard, late, missed, with reasons.
#[utoipa::path(get, path = "/reports/monthly", tag = "reports", params(AskedMonth),
    responses((status = 200, body = Monthly), (status = "default", body = ErrorEnvelope)))]
pub async fn monthly(
    State(state): State<AppState>,
    signed: Signed,
    Params(asked): Params<AskedMonth>,
) -> Result<Json<Monthly>, ApiError> {
    let (heading, gathered) = month(&state, &signed, &asked).await?;
    Ok(Json(Monthly::new(heading, &gathered)))
}

/// Its speakers, one a line.
#[utoipa::path(get, path = "/reports/monthly.csv", tag = "reports", params(AskedMonth),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "default", body = ErrorEnvelope)))]
pub async fn monthly_csv(
    State(state): State<AppState>,
    signed: Signed,
    headers: HeaderMap,
    Params(asked): Params<AskedMonth>,
) -> Result<Response, ApiError> {
    let (heading, gathered) = month(&state, &signed, &asked).await?;
    let bytes = csv::write(&gathered, csv::By::Speaker, lang_of(&headers));
    let bytes = bytes.map_err(|error| ApiError::internal(&error))?;
    file(bytes, CSV, &format!("loa-{}.csv", heading.month))
}

/// The whole of it as a spreadsheet, with a line for a signature.
#[utoipa::path(get, path = "/reports/monthly.xlsx", tag = "reports", params(AskedMonth),
    responses((status = 200, body = String,
        content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (status = "default", body = ErrorEnvelope)))]
pub async fn monthly_xlsx(
    State(state): State<AppState>,
    signed: Signed,
    headers: HeaderMap,
    Params(asked): Params<AskedMonth>,
) -> Result<Response, ApiError> {
    let (heading, gathered) = month(&state, &signed, &asked).await?;
    let name = format!("loa-{}.xlsx", heading.month);
    let lang = lang_of(&headers);
    let made =
        tokio::task::spawn_blocking(move || reports::sheet::write(&heading, &gathered, lang));
    let bytes = made.await.map_err(|error| ApiError::internal(&error))?;
    file(
        bytes.map_err(|error| ApiError::internal(&error))?,
        XLSX,
        &name,
    )
}

fn file(bytes: Vec<u8>, media_type: &'static str, name: &str) -> Result<Response, ApiError> {
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""))
        .map_err(|error| ApiError::internal(&error))?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

/// The area that was asked for, when this person may see it; otherwise all that it may see.
async fn below(
    state: &AppState,
    signed: &Signed,
    asked: Option<&str>,
) -> Result<Option<AreaId>, ApiError> {
    match chosen_id(asked)? {
        None => Ok(signed.actor.area.clone()),
        Some(area) => {
            signed.must(state, Action::See, &area).await?;
            Ok(Some(area))
        }
    }
}

async fn days(state: &AppState, signed: &Signed, asked: &AskedDays) -> Result<Gathered, ApiError> {
    let (first, last) = (instant::date(&asked.from)?, instant::date(&asked.to)?);
    if first > last {
        return Err(ApiError::new(Code::DateInvalid).with("given", &asked.to));
    }
    if (last - first).get_days() >= MOST_DAYS {
        return Err(ApiError::new(Code::LimitInvalid)
            .with("name", "days")
            .with("from", 1)
            .with("to", MOST_DAYS));
    }
    let below = below(state, signed, asked.area.as_deref()).await?;
    let by_day = matches!(asked.by, Some(By::Day));
    let span = Span { first, last };
    let (now, zone) = (state.clock.now(), &state.config.defaults.zone);
    Ok(reports::gather(&state.store, below.as_ref(), span, by_day, zone, now).await?)
}

async fn month(
    state: &AppState,
    signed: &Signed,
    asked: &AskedMonth,
) -> Result<(Heading, Gathered), ApiError> {
    let wrong = || ApiError::new(Code::DateInvalid).with("given", &asked.month);
    let first = instant::date(&format!("{}-01", asked.month)).map_err(|_| wrong())?;
    let below = below(state, signed, asked.area.as_deref()).await?;
    Ok(month_of(state, below, first).await?)
}

/// The report of the month that begins on `first`.
pub async fn month_of(
    state: &AppState,
    below: Option<AreaId>,
    first: Date,
) -> Result<(Heading, Gathered), crate::store::StoreError> {
    let now = state.clock.now();
    let zone = &state.config.defaults.zone;
    let span = Span {
        first,
        last: first.last_of_month(),
    };
    let area = match &below {
        Some(id) => Some((id.to_string(), state.store.area(id).await?.name)),
        None => None,
    };
    let gathered = reports::gather(&state.store, below.as_ref(), span, false, zone, now).await?;
    let heading = Heading {
        month: first.strftime("%Y-%m").to_string(),
        area,
        zone: zone.clone(),
        made: now,
        complete: now >= month_ends(first, zone),
    };
    Ok((heading, gathered))
}

/// When the month that begins on `first` is over, in the office's zone.
pub fn month_ends(first: Date, zone: &str) -> WallTime {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let next = first.saturating_add(1.month());
    zone.to_timestamp(next.at(0, 0, 0, 0))
        .map_or(WallTime::MAX, WallTime::from)
}
