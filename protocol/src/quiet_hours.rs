//! Windows of civil time within a day: quiet hours, and volumes by time of day.

use jiff::{Span, civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::WallTime;

/// From `from` (included) to `to` (excluded), each `HH:MM`, every day; `22:00` to `05:00` goes over midnight,
/// and equal ends mean the whole day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DayWindow {
    #[schema(example = "22:00")]
    pub from: String,
    #[schema(example = "05:00")]
    pub to: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    #[error("{0:?} is no time of day: write HH:MM, for instance 22:00")]
    Time(String),
    #[error("{0:?} is no time zone: write an IANA name, for instance Asia/Ho_Chi_Minh")]
    Zone(String),
}

/// The one place where a time of day is read.
pub fn parse_time_of_day(text: &str) -> Result<Time, WindowError> {
    let wrong = || WindowError::Time(text.chars().take(40).collect());
    let (h, m) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(h) || !digits(m) {
        return Err(wrong());
    }
    let (h, m) = (
        h.parse().map_err(|_| wrong())?,
        m.parse().map_err(|_| wrong())?,
    );
    Time::new(h, m, 0, 0).map_err(|_| wrong())
}

pub fn parse_zone(name: &str) -> Result<TimeZone, WindowError> {
    TimeZone::get(name).map_err(|_| WindowError::Zone(name.chars().take(60).collect()))
}

impl DayWindow {
    pub fn new(from: &str, to: &str) -> Result<Self, WindowError> {
        let window = Self {
            from: from.into(),
            to: to.into(),
        };
        window.check()?;
        Ok(window)
    }

    pub fn check(&self) -> Result<(), WindowError> {
        parse_time_of_day(&self.from)?;
        parse_time_of_day(&self.to).map(|_| ())
    }

    /// Does the window hold this instant in this zone? A window or zone that cannot be read holds every instant:
    /// the doubtful pole is the quiet pole.
    pub fn holds(&self, at: WallTime, zone: &str) -> bool {
        let (Ok(from), Ok(to), Ok(zone)) = (
            parse_time_of_day(&self.from),
            parse_time_of_day(&self.to),
            parse_zone(zone),
        ) else {
            return true;
        };
        let time = zone.to_datetime(at.timestamp()).time();
        if from < to {
            from <= time && time < to
        } else {
            time >= from || time < to
        }
    }

    /// When the window next begins or ends after `at`.
    pub fn next_edge(&self, at: WallTime, zone: &str) -> Option<WallTime> {
        let zone = parse_zone(zone).ok()?;
        let edges = [
            parse_time_of_day(&self.from).ok()?,
            parse_time_of_day(&self.to).ok()?,
        ];
        let here = zone.to_datetime(at.timestamp());
        (0..3)
            .filter_map(|days| here.date().checked_add(Span::new().days(days)).ok())
            .flat_map(|date| edges.map(|time| date.to_datetime(time)))
            .filter_map(|civil| {
                // The same rule for gaps and folds as for schedules.
                zone.to_timestamp(civil).ok().map(WallTime::from)
            })
            .filter(|edge| *edge > at)
            .min()
    }
}

/// Is it quiet at `at`?
pub fn is_quiet(windows: &[DayWindow], at: WallTime, zone: &str) -> bool {
    windows.iter().any(|w| w.holds(at, zone))
}

/// The first quiet instant from `at` on, when there is one within three days.
pub fn quiet_from(windows: &[DayWindow], at: WallTime, zone: &str) -> Option<WallTime> {
    if is_quiet(windows, at, zone) {
        return Some(at);
    }
    windows.iter().filter_map(|w| w.next_edge(at, zone)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    const HANOI: &str = "Asia/Ho_Chi_Minh";
    fn at(text: &str) -> WallTime {
        WallTime::from(text.parse::<Timestamp>().expect("a good instant"))
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let night = DayWindow::new("22:00", "05:00").expect("a good window");
        for (instant, quiet) in [
            ("2026-11-24T21:59:59+07:00", false),
            ("2026-11-24T22:00:00+07:00", true),
            ("2026-11-25T03:15:00+07:00", true),
            ("2026-11-25T04:59:59+07:00", true),
            ("2026-11-25T05:00:00+07:00", false),
            ("2026-11-25T12:00:00+07:00", false),
        ] {
            assert_eq!(night.holds(at(instant), HANOI), quiet, "{instant}");
        }
        assert_eq!(
            night.next_edge(at("2026-11-24T12:00:00+07:00"), HANOI),
            Some(at("2026-11-24T22:00:00+07:00"))
        );
        assert_eq!(
            night.next_edge(at("2026-11-24T22:00:00+07:00"), HANOI),
            Some(at("2026-11-25T05:00:00+07:00"))
        );
    }

    #[test]
    fn a_window_that_cannot_be_read_is_quiet() {
        let broken = DayWindow {
            from: "25:99".into(),
            to: "x".into(),
        };
        assert!(broken.holds(at("2026-11-24T12:00:00+07:00"), HANOI));
        assert!(broken.check().is_err());
    }

    #[test]
    fn equal_ends_mean_the_whole_day() {
        let all = DayWindow::new("00:00", "00:00").expect("a good window");
        assert!(all.holds(at("2026-11-24T12:00:00+07:00"), HANOI));
    }
}
