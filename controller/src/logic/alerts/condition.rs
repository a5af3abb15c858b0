//! One speaker as it is now, as far as alerts are concerned.

use std::sync::Arc;

use loa_protocol::{
    id::{AreaId, SpeakerId},
    status::SpeakerStatus,
    telemetry::Hearing,
    time::{Trust, WallTime},
};

use super::Kind;
use crate::logic::outages::Cause;

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub speaker: SpeakerId,
    /// Its area, the nearest first.
    pub lineage: Arc<[AreaId]>,
    /// `None`: it is connected.
    pub down: Option<Down>,
    pub cell: Option<String>,
    pub measures: Measures,
    /// The last playout that was due and tells something of whether it sounds.
    pub sounded: Option<Sounded>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Down {
    pub since: WallTime,
    pub cause: Cause,
    /// The speaker itself told the cause.
    pub told: bool,
}

/// How the last playout that was due went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sounded {
    pub planned: WallTime,
    /// `false`: it failed, could not be, or was not told of.
    pub well: bool,
}

/// What its last status says. `None`: it cannot tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    pub clock_trusted: Option<bool>,
    pub disk_free_percent: Option<f64>,
    pub temperature_c: Option<f64>,
    pub data_percent: Option<f64>,
    pub mains: Option<bool>,
    pub starts_1h: Option<u32>,
    /// Whether its own sound was heard the last time it could tell, and when that was.
    pub heard: Option<(WallTime, bool)>,
}

/// The measures in a status. `plan_mb`: what its SIM may use in a month, in megabytes (10^6).
pub fn measures(status: &SpeakerStatus, plan_mb: Option<u64>) -> Measures {
    if !status.online {
        return Measures::default();
    }
    let mut seen = Measures {
        clock_trusted: Some(status.clock.trust != Trust::Untrusted),
        ..Measures::default()
    };
    let Some(telemetry) = &status.telemetry else {
        return seen;
    };
    let percent = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64 * 100.0);
    seen.disk_free_percent = status
        .disk_free_bytes
        .zip(telemetry.disk_total_bytes)
        .and_then(|(free, total)| percent(free, total));
    seen.temperature_c = telemetry.temperature_mc.map(|mc| f64::from(mc) / 1_000.0);
    seen.data_percent = telemetry.data.as_ref().zip(plan_mb).and_then(|(data, mb)| {
        let used = data.received_bytes.saturating_add(data.sent_bytes);
        percent(used, mb.saturating_mul(1_000_000))
    });
    seen.mains = telemetry.power.as_ref().and_then(|power| power.mains);
    // A program that does not count says 0.
    seen.starts_1h = (telemetry.starts_1h > 0).then_some(telemetry.starts_1h);
    let ear = &telemetry.ear;
    let tested = ear.last_test.as_ref().map(|test| (test.at, test.hearing));
    let listened = ear.last_heard.as_ref().map(|last| (last.at, last.hearing));
    seen.heard = [tested, listened]
        .into_iter()
        .flatten()
        .filter_map(|(at, hearing)| match hearing {
            Hearing::Heard => Some((at, true)),
            Hearing::NotHeard => Some((at, false)),
            Hearing::NoMicrophone | Hearing::Unclear => None,
        })
        .max_by_key(|(at, _)| *at);
    seen
}

/// What is wrong, and with which figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trouble {
    /// Since when, where that is known; otherwise since it was first seen.
    pub since: Option<WallTime>,
    pub value: Option<f64>,
}

impl Condition {
    /// `Some(Some(_))`: it is so; `Some(None)`: it is not; `None`: nobody can tell, and what was before stays.
    /// `is_open`: an alert of it is open, and closes only with some leeway.
    pub(super) fn trouble(
        &self,
        kind: Kind,
        limit: Option<f64>,
        is_open: bool,
    ) -> Option<Option<Trouble>> {
        if self.down.is_some() {
            return None;
        }
        let limit = limit.unwrap_or_default();
        let leeway = if is_open { kind.leeway() } else { 0.0 };
        let plain = |wrong: bool| {
            wrong.then_some(Trouble {
                since: None,
                value: None,
            })
        };
        let figure = |value: f64, wrong: bool| {
            wrong.then_some(Trouble {
                since: None,
                value: Some(value),
            })
        };
        let at = |since: WallTime, wrong: bool| {
            wrong.then_some(Trouble {
                since: Some(since),
                value: None,
            })
        };
        let of = &self.measures;
        let above = |value: f64| figure(value, value >= limit - leeway);
        match kind {
            Kind::Offline | Kind::Mast => None,
            Kind::Clock => of.clock_trusted.map(|trusted| plain(!trusted)),
            Kind::Mains => of.mains.map(|mains| plain(!mains)),
            Kind::Disk => of
                .disk_free_percent
                .map(|free| figure(free, free <= limit + leeway)),
            Kind::Temperature => of.temperature_c.map(above),
            Kind::DataPlan => of.data_percent.map(above),
            Kind::CrashLooping => of.starts_1h.map(f64::from).map(above),
            Kind::NotHeard => of.heard.map(|(since, heard)| at(since, !heard)),
            Kind::Unreported => self
                .sounded
                .as_ref()
                .map(|last| at(last.planned, !last.well)),
        }
    }
}
