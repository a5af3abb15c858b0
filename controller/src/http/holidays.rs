//! The office's calendar of days on which schedules that skip holidays say nothing.

use std::iter::successors;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::{Body, Params, name},
    guard::Signed,
    idempotency::{self, Key, Secrecy},
    instant,
    messages::Code,
};
use crate::{
    engine::Change,
    logic::{Notice, permissions::Action},
    store::{Claim, Holiday, Replanned},
};

/// Days set at once: Tết with room to spare.
const MOST_DAYS: usize = 31;
/// The calendar goes so many years back and ahead: this bounds it.
const YEARS: i16 = 5;

#[derive(Serialize, ToSchema)]
pub struct HolidayView {
    /// The date.
    #[schema(example = "2027-02-06")]
    pub id: String,
    #[schema(example = "2027-02-06")]
    pub date: String,
    #[schema(example = "Tết Nguyên đán")]
    pub name: String,
}

impl From<Holiday> for HolidayView {
    fn from(holiday: Holiday) -> Self {
        Self {
            id: holiday.date.to_string(),
            date: holiday.date.to_string(),
            name: holiday.name,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Holidays {
    /// In order.
    pub holidays: Vec<HolidayView>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Span {
    /// First day; the first there is when not told.
    from: Option<String>,
    /// Last day; the last there is when not told.
    to: Option<String>,
}

/// Either `date`, or `from` and `to`, both included.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidayBody {
    #[schema(example = "2027-02-06")]
    pub date: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    #[schema(example = "Tết Nguyên đán")]
    pub name: String,
}

/// The days in order.
#[utoipa::path(get, path = "/holidays", tag = "holidays", params(Span),
    responses((status = 200, body = Holidays), (status = "default", body = ErrorEnvelope)))]
pub async fn list(
    State(state): State<AppState>,
    _: Signed,
    Params(span): Params<Span>,
) -> Result<Json<Holidays>, ApiError> {
    let date = |text: &Option<String>| text.as_deref().map(instant::date).transpose();
    let from = date(&span.from)?.unwrap_or(Date::constant(1970, 1, 1));
    let to = date(&span.to)?.unwrap_or(Date::constant(9000, 12, 31));
    let days = state.store.holidays(from, to).await?;
    Ok(Json(Holidays {
        holidays: days.into_iter().map(HolidayView::from).collect(),
    }))
}

/// The calendar is everybody's: only who arranges from a root down changes it.
async fn must_arrange_all(state: &AppState, signed: &Signed) -> Result<(), ApiError> {
    let is_root = match &signed.actor.area {
        None => true,
        Some(area) => state.store.area(area).await?.parent.is_none(),
    };
    if !is_root {
        return Err(Code::Forbidden.into());
    }
    signed.must_somewhere(Action::Arrange)
}

fn days(asked: &HolidayBody, today: Date) -> Result<Vec<Holiday>, ApiError> {
    let name = name(&asked.name)?;
    let (earliest, latest) = (
        today.saturating_sub(YEARS.years()),
        today.saturating_add(YEARS.years()),
    );
    let invalid = || {
        ApiError::new(Code::HolidayInvalid)
            .with("from", earliest)
            .with("to", latest)
            .with("most", MOST_DAYS)
    };
    let (from, to) = match (&asked.date, &asked.from, &asked.to) {
        (Some(date), None, None) => (date, date),
        (None, Some(from), Some(to)) => (from, to),
        _ => return Err(invalid()),
    };
    let (from, to) = (instant::date(from)?, instant::date(to)?);
    let each = successors(Some(from), |day| day.checked_add(1.day()).ok());
    let dates: Vec<Date> = each
        .take_while(|day| *day <= to)
        .take(MOST_DAYS + 1)
        .collect();
    let fits = (1..=MOST_DAYS).contains(&dates.len()) && from >= earliest && to <= latest;
    if !fits {
        return Err(invalid());
    }
    let holiday = |date| Holiday {
        date,
        name: name.clone(),
    };
    Ok(dates.into_iter().map(holiday).collect())
}

/// Tells the poles and the watchers.
pub async fn announce(state: &AppState, replanned: Replanned) {
    if !replanned.channels.is_empty() {
        let change = Change::Channels(replanned.channels, None);
        state.engine.changed(change).await;
    }
    for bulletin in replanned.bulletins {
        state.engine.notify(Notice::Bulletin(bulletin));
    }
}

/// Add a day, or some in a row. One that is there already gets the new name. Schedules that skip holidays follow at once.
#[utoipa::path(post, path = "/holidays", tag = "holidays", request_body = HolidayBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Holidays), (status = "default", body = ErrorEnvelope)))]
pub async fn create(
    State(state): State<AppState>,
    signed: Signed,
    key: Key,
    body: Body<HolidayBody>,
) -> Result<Response, ApiError> {
    let claim = key.claim(&signed.user.id, "POST /holidays", &body.sha256);
    must_arrange_all(&state, &signed).await?;
    let now = state.clock.now().timestamp();
    let here = now.in_tz(&state.config.defaults.zone);
    let today = here.map_err(|error| ApiError::internal(&error))?.date();
    let days = days(&body.value, today)?;
    let view = |days: &[Holiday]| Holidays {
        holidays: days.iter().cloned().map(HolidayView::from).collect(),
    };
    let make = async |claim: Option<Claim>| {
        let made_by = Some(&signed.user.id);
        let replanned = state
            .store
            .add_holidays(&days, made_by, claim.as_ref())
            .await?;
        announce(&state, replanned).await;
        Ok(view(&days))
    };
    let show = async |_: String| Ok(view(&days));
    idempotency::create(&state, claim, Secrecy::Plain, make, show).await
}

/// Take a day out. Schedules that skip holidays are said on it again.
#[utoipa::path(delete, path = "/holidays/{id}", tag = "holidays", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorEnvelope)))]
pub async fn delete(
    State(state): State<AppState>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    must_arrange_all(&state, &signed).await?;
    let date = instant::date(&id).map_err(|_| ApiError::not_found("holiday", &id))?;
    let replanned = state.store.delete_holiday(date).await?;
    announce(&state, replanned).await;
    Ok(StatusCode::NO_CONTENT)
}
