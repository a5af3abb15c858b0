//! What speakers measure, hour by hour: of each figure the worst that was told in the hour, so that a short trouble shows.
//!
//! A row goes to the database when its hour is over, and every [`EVERY_S`] before, so that a power cut costs little: four
//! small writes a speaker and hour, however often it tells.
//!
//! Bound: one open hour for each speaker; those of speakers that fell silent leave with their hour.

use std::collections::HashMap;

use loa_protocol::{id::SpeakerId, status::SpeakerStatus, time::WallTime};

/// How long what was told may be in memory alone, in seconds.
pub const EVERY_S: i64 = 15 * 60;
/// One hour in microseconds.
pub const HOUR_US: i64 = 3_600_000_000;

/// Figures of one speaker in one hour; `None`: it did not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Highest, in thousandths of a degree Celsius.
    pub temperature_mc: Option<i64>,
    /// Highest, in hundredths.
    pub load_centi: Option<i64>,
    /// Lowest.
    pub memory_free_mb: Option<i64>,
    /// Lowest.
    pub disk_free_mb: Option<i64>,
    /// Weakest.
    pub signal_dbm: Option<i64>,
    /// Weakest.
    pub signal_percent: Option<i64>,
    /// Farthest from zero.
    pub clock_offset_us: Option<i64>,
    /// Lowest.
    pub battery_percent: Option<i64>,
    /// Both ways since the first of the month; the last.
    pub data_mb: Option<i64>,
}

/// One row of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hour {
    pub speaker: SpeakerId,
    /// Hours since 1970 in UTC.
    pub hour: i64,
    pub figures: Figures,
}

#[derive(Debug)]
struct Open {
    hour: i64,
    figures: Figures,
    /// When it was last given out to be written, or began.
    given: WallTime,
    /// Something was told since.
    fresh: bool,
}

/// The hours that are still being told.
#[derive(Debug, Default)]
pub struct Hours {
    open: HashMap<SpeakerId, Open>,
}

/// Which hour an instant belongs to.
pub fn hour_of(at: WallTime) -> i64 {
    at.as_micros().div_euclid(HOUR_US)
}

impl Figures {
    /// What one status tells.
    pub fn of(status: &SpeakerStatus) -> Self {
        let told = status.telemetry.as_deref();
        let network = told.and_then(|t| t.network.as_ref());
        let data = told.and_then(|t| t.data.as_ref());
        Self {
            temperature_mc: told.and_then(|t| t.temperature_mc).map(i64::from),
            load_centi: told.and_then(|t| t.load_centi).map(i64::from),
            memory_free_mb: told.and_then(|t| t.memory_available_bytes).map(mb),
            disk_free_mb: status.disk_free_bytes.map(mb),
            signal_dbm: network.and_then(|n| n.signal_dbm).map(i64::from),
            signal_percent: network.and_then(|n| n.signal_percent).map(i64::from),
            clock_offset_us: status.clock.offset_us,
            battery_percent: told
                .and_then(|t| t.power.as_ref())
                .and_then(|p| p.battery_percent)
                .map(i64::from),
            data_mb: data.map(|d| mb(d.received_bytes.saturating_add(d.sent_bytes))),
        }
    }

    /// With what was told later in the same hour.
    pub fn worst(self, later: Self) -> Self {
        let farther = |a: i64, b: i64| {
            if b.unsigned_abs() > a.unsigned_abs() {
                b
            } else {
                a
            }
        };
        Self {
            temperature_mc: both(self.temperature_mc, later.temperature_mc, i64::max),
            load_centi: both(self.load_centi, later.load_centi, i64::max),
            memory_free_mb: both(self.memory_free_mb, later.memory_free_mb, i64::min),
            disk_free_mb: both(self.disk_free_mb, later.disk_free_mb, i64::min),
            signal_dbm: both(self.signal_dbm, later.signal_dbm, i64::min),
            signal_percent: both(self.signal_percent, later.signal_percent, i64::min),
            clock_offset_us: both(self.clock_offset_us, later.clock_offset_us, farther),
            battery_percent: both(self.battery_percent, later.battery_percent, i64::min),
            data_mb: later.data_mb.or(self.data_mb),
        }
    }
}

/// In megabytes of 10^6 bytes.
fn mb(bytes: u64) -> i64 {
    i64::try_from(bytes / 1_000_000).unwrap_or(i64::MAX)
}

fn both(a: Option<i64>, b: Option<i64>, worst: impl Fn(i64, i64) -> i64) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(worst(a, b)),
        (a, b) => a.or(b),
    }
}

impl Hours {
    /// Notes what a speaker told at `at`, by the office's clock. Returns a row that is to be written now, if any.
    pub fn note(&mut self, status: &SpeakerStatus, at: WallTime) -> Option<Hour> {
        let (hour, told) = (hour_of(at), Figures::of(status));
        if told == Figures::default() {
            return None;
        }
        let new = Open {
            hour,
            figures: told,
            given: at,
            fresh: true,
        };
        let Some(open) = self.open.get_mut(&status.speaker) else {
            self.open.insert(status.speaker.clone(), new);
            return None;
        };
        if open.hour != hour {
            let over = std::mem::replace(open, new);
            return over.row(&status.speaker);
        }
        open.figures = open.figures.worst(told);
        open.fresh = true;
        if at.since_us(open.given) < EVERY_S * 1_000_000 {
            return None;
        }
        open.given = at;
        let row = open.row(&status.speaker);
        open.fresh = false;
        row
    }

    /// The rows of speakers that said nothing more when their hour was over; to be asked now and then.
    pub fn over(&mut self, at: WallTime) -> Vec<Hour> {
        let hour = hour_of(at);
        let mut rows = Vec::new();
        self.open.retain(|speaker, open| {
            if open.hour < hour {
                rows.extend(open.row(speaker));
            }
            open.hour >= hour
        });
        rows
    }

    /// All that was not written yet: the program ends.
    pub fn end(&mut self) -> Vec<Hour> {
        let rows = self.open.drain().filter_map(|(id, open)| open.row(&id));
        rows.collect()
    }
}

impl Open {
    fn row(&self, speaker: &SpeakerId) -> Option<Hour> {
        self.fresh.then(|| Hour {
            speaker: speaker.clone(),
            hour: self.hour,
            figures: self.figures,
        })
    }
}

#[cfg(test)]
mod tests {
    use loa_protocol::{
        status::ClockState,
        telemetry::{Network, NetworkKind, Telemetry},
    };

    use super::*;

    /// Five past some hour.
    fn at(minute: i64) -> WallTime {
        WallTime::from_micros(498_749 * HOUR_US).plus_s((5 + minute) * 60)
    }

    fn status(temperature_mc: i32, dbm: i32, offset_us: i64) -> SpeakerStatus {
        SpeakerStatus {
            clock: ClockState {
                offset_us: Some(offset_us),
                ..ClockState::default()
            },
            telemetry: Some(Box::new(Telemetry {
                temperature_mc: Some(temperature_mc),
                network: Some(Network {
                    kind: NetworkKind::Cellular,
                    interface: "wwan0".into(),
                    signal_dbm: Some(dbm),
                    signal_percent: None,
                    operator: None,
                    cell: None,
                }),
                ..Telemetry::default()
            })),
            ..crate::logic::testing::status("ban-chuong-1")
        }
    }

    #[test]
    fn an_hour_keeps_the_worst_of_all_that_was_told_in_it() {
        let mut hours = Hours::default();
        assert_eq!(hours.note(&status(50_000, -70, 300), at(0)), None);
        assert_eq!(hours.note(&status(81_000, -101, -900), at(1)), None);
        assert_eq!(hours.note(&status(52_000, -80, 10), at(2)), None);
        let rows = hours.over(at(60));
        assert_eq!(rows.len(), 1);
        let figures = rows[0].figures;
        assert_eq!(
            (rows[0].hour, rows[0].speaker.as_str()),
            (498_749, "ban-chuong-1")
        );
        assert_eq!(figures.temperature_mc, Some(81_000));
        assert_eq!(figures.signal_dbm, Some(-101));
        assert_eq!(figures.clock_offset_us, Some(-900));
        assert_eq!(figures.battery_percent, None);
        assert_eq!(hours.over(at(120)), []);
    }

    #[test]
    fn a_pole_that_tells_every_minute_costs_four_small_writes_an_hour() {
        let mut hours = Hours::default();
        let told = (0..600).filter_map(|m| hours.note(&status(50_000, -70, 0), at(m)));
        let rows = told.count() + hours.end().len();
        assert!((36..=44).contains(&rows), "{rows} in ten hours");
    }

    #[test]
    fn nothing_is_written_twice_at_the_end() {
        let mut hours = Hours::default();
        hours.note(&status(50_000, -70, 0), at(0));
        assert!(hours.note(&status(50_000, -70, 0), at(16)).is_some());
        assert_eq!(hours.end(), []);
        hours.note(&status(50_000, -70, 0), at(17));
        assert_eq!(hours.end().len(), 1);
    }

    #[test]
    fn an_agent_that_measures_nothing_leaves_no_row() {
        let mut hours = Hours::default();
        let bare = crate::logic::testing::status("ban-chuong-1");
        assert_eq!(hours.note(&bare, at(0)), None);
        assert_eq!(hours.end(), []);
    }
}
