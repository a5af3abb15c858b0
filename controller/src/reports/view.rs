//! The reports as the API tells them.

use loa_protocol::time::WallTime;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Gathered, Reported, gather::ReportedArea};
use crate::{
    http::Instant,
    logic::{
        figures::{Figures, Line},
        outages::Cause,
    },
};

/// What was due and what came of it, and how long speakers could be reached.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiguresView {
    pub speakers: u64,
    /// Seconds in which the office ran and knew the speakers, added up.
    pub measured_s: i64,
    /// Of these, without an outage.
    pub connected_s: i64,
    /// Seconds in which the office itself was away.
    pub unmeasured_s: i64,
    pub outages: u64,
    /// Occurrences planned; each counts once.
    pub due: u64,
    /// Sounded to their end: heard, not heard, and unverified together.
    pub completed: u64,
    /// A microphone heard it.
    pub heard: u64,
    /// A microphone did not.
    pub not_heard: u64,
    /// Nothing listens, or it could not tell.
    pub unverified: u64,
    /// Began more than 5 s after their plan, whatever became of them.
    pub late: u64,
    pub missed: u64,
    pub skipped: u64,
    pub interrupted: u64,
    pub pre_empted: u64,
    pub failed: u64,
    /// Due, and the speaker has told nothing of it yet.
    pub unreported: u64,
    /// Of those due: emergencies that were meant.
    pub emergencies: u64,
    pub due_s: u64,
    pub sounded_s: u64,
    /// 95 of 100 starts were no further from their plan; to the next of 1, 2, 5, 10 …
    pub error_p95_ms: Option<u32>,
}

impl From<&Figures> for FiguresView {
    fn from(figures: &Figures) -> Self {
        let Figures {
            speakers,
            line,
            counts,
        } = figures;
        Self {
            speakers: *speakers,
            measured_s: line.measured_us / 1_000_000,
            connected_s: line.connected_us / 1_000_000,
            unmeasured_s: line.unmeasured_us / 1_000_000,
            outages: line.outages,
            due: counts.due,
            completed: counts.completed,
            heard: counts.heard,
            not_heard: counts.not_heard,
            unverified: counts.unverified,
            late: counts.late,
            missed: counts.missed,
            skipped: counts.skipped,
            interrupted: counts.interrupted,
            pre_empted: counts.pre_empted,
            failed: counts.failed,
            unreported: counts.unreported,
            emergencies: counts.emergencies,
            due_s: counts.due_ms / 1_000,
            sounded_s: counts.sounded_ms / 1_000,
            error_p95_ms: counts.error_p95_ms(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    #[schema(example = "2026-11-01")]
    pub from: String,
    /// The last day, included.
    #[schema(example = "2026-11-30")]
    pub to: String,
    /// The office's zone; each speaker's days are those of its own.
    pub zone: String,
    pub total: FiguresView,
    pub rows: Vec<AvailabilityRow>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AvailabilityRow {
    /// Of a row by speaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub speaker: Option<String>,
    /// Of a row by area: it and everything below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub area: Option<String>,
    /// Of a row by day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub day: Option<String>,
    pub name: String,
    #[serde(flatten)]
    pub figures: FiguresView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Monthly {
    #[schema(example = "2026-11")]
    pub month: String,
    /// `null`: everything in reach.
    pub area: Option<String>,
    pub area_name: Option<String>,
    pub zone: String,
    pub made: Instant,
    /// The month is over.
    pub complete: bool,
    pub total: FiguresView,
    pub reasons: Vec<ReasonView>,
    /// The areas right below, each with everything below it.
    pub areas: Vec<AreaRow>,
    pub speakers: Vec<SpeakerRow>,
    /// A mast's outages are one event.
    pub outage_events: usize,
    pub causes: Vec<CauseView>,
    pub repairs: RepairsView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonView {
    #[schema(example = "missed")]
    pub outcome: String,
    #[schema(example = "off")]
    pub reason: Option<String>,
    pub n: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CauseView {
    pub cause: Cause,
    pub n: u64,
    /// Of what is measured, lost to it.
    pub seconds: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AreaRow {
    pub area: String,
    pub name: String,
    #[serde(flatten)]
    pub figures: FiguresView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SpeakerRow {
    pub speaker: String,
    pub name: String,
    pub area: String,
    #[serde(flatten)]
    pub figures: FiguresView,
    pub causes: Vec<CauseView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RepairsView {
    pub opened: u64,
    pub closed: u64,
    /// From opening to closing, of those closed: the one in the middle.
    pub median_s: Option<i64>,
}

pub(super) fn causes(line: &Line) -> Vec<CauseView> {
    let each = line.causes.iter();
    each.map(|(cause, (n, us))| CauseView {
        cause: *cause,
        n: *n,
        seconds: us / 1_000_000,
    })
    .collect()
}

impl From<&Reported> for SpeakerRow {
    fn from(speaker: &Reported) -> Self {
        Self {
            speaker: speaker.id.to_string(),
            name: speaker.name.clone(),
            area: speaker.area.to_string(),
            figures: (&speaker.figures).into(),
            causes: causes(&speaker.figures.line),
        }
    }
}

impl From<&ReportedArea> for AreaRow {
    fn from(area: &ReportedArea) -> Self {
        Self {
            area: area.id.to_string(),
            name: area.name.clone(),
            figures: (&area.figures).into(),
        }
    }
}

/// Whose month it is, and when it was looked at.
#[derive(Clone, Debug)]
pub struct Heading {
    pub month: String,
    /// Id and name; `None`: the whole office.
    pub area: Option<(String, String)>,
    pub zone: String,
    pub made: WallTime,
    pub complete: bool,
}

impl Monthly {
    pub fn new(heading: Heading, gathered: &Gathered) -> Self {
        let (area, area_name) = heading.area.unzip();
        Self {
            month: heading.month,
            area,
            area_name,
            zone: heading.zone,
            made: heading.made.into(),
            complete: heading.complete,
            total: (&gathered.total).into(),
            reasons: gathered
                .reasons
                .iter()
                .map(|((outcome, reason), n)| ReasonView {
                    outcome: outcome.clone(),
                    reason: Some(reason.clone()).filter(|reason| !reason.is_empty()),
                    n: *n,
                })
                .collect(),
            areas: gathered.areas.iter().map(AreaRow::from).collect(),
            speakers: gathered.speakers.iter().map(SpeakerRow::from).collect(),
            outage_events: gathered.outage_events,
            causes: causes(&gathered.total.line),
            repairs: RepairsView {
                opened: gathered.repaired.opened,
                closed: gathered.repaired.closed,
                median_s: gathered.repaired.median_s,
            },
        }
    }
}
