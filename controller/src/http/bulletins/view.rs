//! Bulletins as the API shows them.

use loa_protocol::{
    bulletin::{Chime, OnPreempt, Priority, Repeat, Status, When},
    time::WallTime,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{
    error::ApiError,
    instant::Instant,
    messages::{Code, Lang},
    readiness::Readiness,
};
use crate::store::{BulletinState, Kept};
use loa_protocol::id::BulletinId;

#[derive(Serialize, ToSchema)]
pub struct BulletinView {
    #[schema(example = "b0123456789abcdef")]
    pub id: String,
    /// Counts the changes.
    pub revision: u32,
    pub state: BulletinState,
    pub title: String,
    pub audio: String,
    pub duration_s: f64,
    pub priority: Priority,
    pub status: Status,
    #[schema(example = json!(["area.sang-moc"]))]
    pub targets: Vec<String>,
    pub when: WhenView,
    /// It is not said on the days of `/holidays`; `when.except` does not list those.
    pub skip_holidays: bool,
    pub zone: String,
    pub lateness_s: Option<u32>,
    pub on_preempt: OnPreempt,
    pub repeat: Repeat,
    pub chime: Chime,
    pub volume: u8,
    pub order: u32,
    pub max_duration_s: u32,
    pub valid_until: Option<Instant>,
    /// The next planned start, when there is one.
    pub next: Option<Instant>,
    /// When the last of it is over; `null` for a rule without end.
    pub ends: Option<Instant>,
    pub supersedes: Option<String>,
    pub made_by: Option<String>,
    pub made: Instant,
    pub changed: Instant,
    /// After a create or a change: what somebody should look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<Warning>>,
}

#[derive(Serialize, ToSchema)]
pub struct WhenView {
    /// It was said at once, at this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<Instant>,
    /// Once, at this civil time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// By this RFC 5545 rule from `start`, without the days and times in `except`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rrule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<Vec<String>>,
}

/// The bulletin stands, but somebody should look at this.
#[derive(Debug, Serialize, ToSchema)]
pub struct Warning {
    /// `quiet_hours`, `odd_hours`, `overlaps`, `nobody_listens`, `muted`, `cut_by_max_duration`.
    pub code: &'static str,
    pub message: String,
    /// What the message names, by name.
    pub details: serde_json::Map<String, serde_json::Value>,
}

impl Warning {
    pub fn new(code: Code, lang: Lang, values: Vec<(&'static str, String)>) -> Self {
        Self {
            code: code.word(),
            message: code.text(lang, &values),
            details: values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct BulletinDetail {
    #[serde(flatten)]
    pub bulletin: BulletinView,
    pub readiness: Readiness,
}

impl From<&When> for WhenView {
    fn from(when: &When) -> Self {
        let none = WhenView {
            now: None,
            at: None,
            rrule: None,
            start: None,
            except: None,
        };
        match when {
            When::Now { at, .. } => Self {
                now: Some((*at).into()),
                ..none
            },
            When::At { at } => Self {
                at: Some(at.clone()),
                ..none
            },
            When::Rule {
                start,
                rrule,
                except,
            } => Self {
                rrule: Some(rrule.clone()),
                start: Some(start.clone()),
                except: Some(except.clone()),
                ..none
            },
        }
    }
}

impl BulletinView {
    pub fn new(kept: &Kept, now: WallTime) -> Self {
        let b = &kept.bulletin;
        let state = kept.state(now);
        let mut when = WhenView::from(&b.when);
        if let Some(own) = &kept.own_except {
            when.except = Some(own.clone());
        }
        let next = b
            .planned(now, WallTime::MAX, 1)
            .ok()
            .and_then(|planned| planned.first().map(|p| p.at.into()))
            .filter(|_| state == BulletinState::Planned);
        Self {
            id: b.id.to_string(),
            revision: b.revision,
            state,
            title: b.title.clone(),
            audio: kept.audio.to_string(),
            duration_s: b.manifest.duration_ms as f64 / 1_000.0,
            priority: b.priority,
            status: b.status,
            targets: kept.channels().iter().map(ToString::to_string).collect(),
            when,
            skip_holidays: kept.own_except.is_some(),
            zone: b.zone.clone(),
            lateness_s: b.lateness_s,
            on_preempt: b.on_preempt,
            repeat: b.repeat,
            chime: b.chime,
            volume: b.volume,
            order: b.order,
            max_duration_s: b.max_duration_s,
            valid_until: b.valid_until.map(Instant),
            next,
            ends: kept.ends.map(Instant),
            supersedes: kept.supersedes.as_ref().map(ToString::to_string),
            made_by: kept.made_by.as_ref().map(ToString::to_string),
            made: kept.made.into(),
            changed: kept.changed.into(),
            warnings: None,
        }
    }

    pub fn warned(self, warnings: Vec<Warning>) -> Self {
        Self {
            warnings: Some(warnings),
            ..self
        }
    }
}

pub fn write_cursor(kept: &Kept) -> String {
    hex::encode(format!("{} {}", kept.made.as_micros(), kept.bulletin.id))
}

pub fn read_cursor(text: &str) -> Result<(WallTime, BulletinId), ApiError> {
    let parse = || {
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let (made, id) = text.split_once(' ')?;
        Some((WallTime::from_micros(made.parse().ok()?), id.parse().ok()?))
    };
    parse().ok_or(Code::CursorInvalid.into())
}
