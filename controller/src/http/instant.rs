//! Instants as the API writes them: RFC 3339.

use jiff::Timestamp;
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

/// For messages: as the clock on the wall shows it there.
pub fn civil(at: WallTime, zone: &str) -> String {
    match at.timestamp().in_tz(zone) {
        Ok(here) => here.strftime("%H:%M %d/%m/%Y").to_string(),
        Err(_) => at.to_string(),
    }
}
