//! What an alert can be about, and how grave that is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertKind)]
pub enum Kind {
    /// No word from a speaker.
    Offline,
    /// No word from many of one mobile cell: made by grouping, told by the rules for `offline`.
    Mast,
    /// Connected, and silent when something was due: it failed, or was not told of.
    Unreported,
    /// Played, and its microphone did not hear it.
    NotHeard,
    /// Its clock cannot be trusted.
    Clock,
    /// The disk is nearly full.
    Disk,
    Temperature,
    /// Most of the month's mobile data is used.
    DataPlan,
    /// It runs without mains.
    Mains,
    /// Its program starts again and again.
    CrashLooping,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertSeverity)]
pub enum Severity {
    Notice,
    Warning,
    Critical,
}

impl Kind {
    /// Those that have rules of their own.
    pub const RULED: [Kind; 9] = [
        Kind::Offline,
        Kind::Unreported,
        Kind::NotHeard,
        Kind::Clock,
        Kind::Disk,
        Kind::Temperature,
        Kind::DataPlan,
        Kind::Mains,
        Kind::CrashLooping,
    ];

    pub fn severity(self) -> Severity {
        match self {
            Self::Mast => Severity::Critical,
            Self::Offline
            | Self::Unreported
            | Self::NotHeard
            | Self::Temperature
            | Self::CrashLooping => Severity::Warning,
            Self::Clock | Self::Disk | Self::DataPlan | Self::Mains => Severity::Notice,
        }
    }

    /// The kind whose rules tell of it.
    pub fn ruled_by(self) -> Kind {
        match self {
            Self::Mast => Self::Offline,
            kind => kind,
        }
    }

    /// The limit when a rule names none: degrees Celsius, percent free, percent of the plan, starts in an hour.
    pub fn usual_limit(self) -> Option<f64> {
        match self {
            Self::Temperature => Some(80.0),
            Self::Disk => Some(5.0),
            Self::DataPlan => Some(90.0),
            Self::CrashLooping => Some(4.0),
            _ => None,
        }
    }

    /// What a limit may be.
    pub fn limits(self) -> Option<(f64, f64)> {
        match self {
            Self::Temperature => Some((30.0, 150.0)),
            Self::Disk => Some((1.0, 90.0)),
            Self::DataPlan => Some((1.0, 1_000.0)),
            Self::CrashLooping => Some((2.0, 1_000.0)),
            _ => None,
        }
    }

    /// How far on the good side of the limit a value must be before an alert of it can close.
    pub fn leeway(self) -> f64 {
        match self {
            Self::Temperature => 5.0,
            Self::Disk => 2.0,
            Self::DataPlan => 5.0,
            Self::CrashLooping => 1.0,
            _ => 0.0,
        }
    }
}
