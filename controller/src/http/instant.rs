//! Instants as the API writes them: RFC 3339.

use jiff::{Timestamp, civil::Date};
use loa_protocol::time::WallTime;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{error::ApiError, messages::Code};

/// Written in UTC, with as many digits as it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T22:30:00Z")]
pub struct Instant(pub WallTime);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl From<WallTime> for Instant {
    fn from(at: WallTime) -> Self {
        Self(at)
    }
}

/// Reads what somebody sent; any offset is taken.
pub fn parse(text: &str) -> Result<WallTime, ApiError> {
    text.trim()
        .parse::<Timestamp>()
        .map(WallTime::from)
        .map_err(|_| ApiError::new(Code::TimeInvalid).with("given", text))
}

/// Reads a civil date, `2026-11-24` and nothing else.
pub fn date(text: &str) -> Result<Date, ApiError> {
    let wrong = || ApiError::new(Code::DateInvalid).with("given", text);
    let date: Date = text.parse().map_err(|_| wrong())?;
    // Far enough for a village, and within what every clock can show.
    let fits = date.to_string() == text && (1970..=9000).contains(&date.year());
    fits.then_some(date).ok_or_else(wrong)
}

/// For messages: as the clock on the wall shows it there.
pub fn civil(at: WallTime, zone: &str) -> String {
    written(at, zone, "%H:%M %d/%m/%Y")
}

/// As [`civil`], of what is so near that nobody asks for the day.
pub fn time_of_day(at: WallTime, zone: &str) -> String {
    written(at, zone, "%H:%M")
}

fn written(at: WallTime, zone: &str, form: &str) -> String {
    match at.timestamp().in_tz(zone) {
        Ok(here) => here.strftime(form).to_string(),
        Err(_) => at.to_string(),
    }
}
