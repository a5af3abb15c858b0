//! Bulletins as the API shows them.

use std::{collections::HashMap, sync::Arc};

use loa_protocol::{
    bulletin::{Chime, OnPreempt, Priority, Repeat, Status, When},
    live::StreamKind,
    root::EmergencyBy,
    time::WallTime,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{
    AppState,
    error::ApiError,
    guard::Signed,
    instant::Instant,
    messages::{Code, Lang},
    reach::{Heard, Reach},
    readiness::Readiness,
};
use super::relay::{self, StreamView};
use crate::{
    binary,
    logic::{
        approval::{Ask, Verdict, decide, is_alarm},
        endorsement::approver_for,
        permissions::Action,
    },
    store::{BulletinState, Endorsing, Given, Kept, Standing, UserId},
};
use loa_protocol::id::BulletinId;

#[derive(Serialize, ToSchema)]
pub struct BulletinView {
    #[schema(example = "b0123456789abcdef")]
    pub id: String,
    /// Counts the changes.
    pub revision: u32,
    pub state: BulletinState,
    pub title: String,
    /// `null`: it sounds as it is made (a live call, a relay).
    pub audio: Option<String>,
    /// Of a live call or a relay.
    pub stream: Option<StreamView>,
    /// The call whose recording it says again, where that was not heard live.
    pub replay_of: Option<String>,
    pub duration_s: f64,
    pub priority: Priority,
    pub status: Status,
    #[schema(example = json!(["area.sang-moc"]))]
    pub targets: Vec<String>,
    /// In the order of `targets`.
    #[schema(example = json!(["Sảng Mộc"]))]
    pub target_names: Vec<String>,
    /// Speakers that it is for, each counted once.
    pub speakers: usize,
    /// The words spoken, when the audio was made from text.
    pub text: Option<String>,
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
    pub made_by_name: Option<String>,
    pub made: Instant,
    pub changed: Instant,
    /// Names this form of it; what is approved is approved by this.
    pub digest: String,
    /// The approval that this form needs, or needed.
    pub ask: Option<Ask>,
    /// It can be approved and signed until then; `null`: as long as it stands.
    pub approve_by: Option<Instant>,
    pub decision: Option<DecisionView>,
    /// Of an emergency that is meant: whose word it takes on the poles.
    pub endorsement: Option<EndorsementView>,
    pub may: May,
    /// After a create or a change: what somebody should look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub warnings: Option<Vec<Warning>>,
}

/// What the second person said.
#[derive(Serialize, ToSchema)]
pub struct DecisionView {
    pub verdict: Verdict,
    pub by: String,
    pub by_name: Option<String>,
    pub at: Instant,
    /// Why it was sent back.
    pub reason: Option<String>,
}

/// Whose word an emergency takes on the poles, and who has given it.
#[derive(Serialize, ToSchema)]
pub struct EndorsementView {
    /// `office`: the office's own key is enough, the weaker rule. `passkey`: approvers' passkeys must have signed.
    #[schema(value_type = EmergencyByView)]
    pub in_force: EmergencyBy,
    /// How many different approvers.
    pub needed: u8,
    /// It sounds no longer than this, whatever else it says.
    pub until: Option<Instant>,
    /// In order of time.
    pub given: Vec<GivenView>,
    /// What a passkey signs: the hash of all that is heard, where, and until when; base64url.
    pub challenge: Option<String>,
    /// Credentials of the person who asks that may sign it now.
    pub mine: Vec<String>,
}

/// Shown in place of the protocol's own.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the description only")]
pub enum EmergencyByView {
    Office,
    Passkey,
}

#[derive(Serialize, ToSchema)]
pub struct GivenView {
    pub user: String,
    pub name: String,
    pub at: Instant,
}

/// What the person who asks may do with it now.
#[derive(Serialize, ToSchema)]
pub struct May {
    pub edit: bool,
    pub cancel: bool,
    /// Pause it, or resume it when it is paused.
    pub pause: bool,
    /// Approve it, or send it back.
    pub approve: bool,
}

#[derive(Serialize, ToSchema)]
pub struct WhenView {
    /// It was said at once, at this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub now: Option<Instant>,
    /// Once, at this civil time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub at: Option<String>,
    /// By this RFC 5545 rule from `start`, without the days and times in `except`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rrule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub except: Option<Vec<String>>,
}

/// The bulletin stands, but somebody should look at this.
#[derive(Debug, Serialize, ToSchema)]
pub struct Warning {
    /// `quiet_hours`, `odd_hours`, `overlaps`, `nobody_listens`, `muted`, `cut_by_max_duration`, `nobody_approves`; of a call
    /// `quiet_now`, `quiet_soon`.
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

/// Tells one person of bulletins; what they have in common is read once.
#[derive(Debug)]
pub struct Teller<'a> {
    state: &'a AppState,
    signed: &'a Signed,
    now: WallTime,
    reach: Reach,
    names: HashMap<UserId, String>,
    standing: Arc<Standing>,
    /// Credentials of this person.
    passkeys: Vec<Vec<u8>>,
}

/// One bulletin.
pub async fn tell(
    state: &AppState,
    signed: &Signed,
    kept: &Kept,
) -> Result<BulletinView, ApiError> {
    Teller::open(state, signed).await?.view(kept).await
}

impl<'a> Teller<'a> {
    pub async fn open(state: &'a AppState, signed: &'a Signed) -> Result<Self, ApiError> {
        Ok(Self {
            state,
            signed,
            now: state.clock.now(),
            reach: Reach::open(state).await?,
            names: state.store.names().await?,
            standing: state.store.standing(),
            passkeys: state
                .store
                .passkeys(&signed.user.id)
                .await?
                .into_iter()
                .map(|passkey| passkey.credential)
                .collect(),
        })
    }

    pub async fn view(&mut self, kept: &Kept) -> Result<BulletinView, ApiError> {
        let b = &kept.bulletin;
        let now = self.now;
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
        let heard = self.reach.heard(self.state, &kept.channels()).await?;
        let digest = kept.digest();
        Ok(BulletinView {
            id: b.id.to_string(),
            revision: b.revision,
            state,
            title: b.title.clone(),
            audio: kept.audio.as_ref().map(ToString::to_string),
            stream: relay::shown(self.state, kept, now),
            replay_of: b.replay.as_ref().map(|replay| replay.of.to_string()),
            duration_s: b.sound_ms() as f64 / 1_000.0,
            priority: b.priority,
            status: b.status,
            targets: kept.channels().iter().map(ToString::to_string).collect(),
            endorsement: self.endorsement(kept),
            may: self.may(kept, &heard, &digest),
            target_names: heard.names.clone(),
            speakers: heard.speakers,
            text: kept.words.clone(),
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
            made_by_name: kept.made_by.as_ref().and_then(|id| self.name(id)),
            made: kept.made.into(),
            changed: kept.changed.into(),
            digest,
            ask: kept.plea.as_ref().map(|plea| plea.ask),
            approve_by: kept.approve_by().map(Instant),
            decision: kept.decision.as_ref().map(|decision| DecisionView {
                verdict: decision.verdict,
                by: decision.by.to_string(),
                by_name: self.name(&decision.by),
                at: decision.at.into(),
                reason: decision.reason.clone(),
            }),
            warnings: None,
        })
    }

    fn endorsement(&self, kept: &Kept) -> Option<EndorsementView> {
        let b = &kept.bulletin;
        if !is_alarm(b.priority, b.status) {
            return None;
        }
        let Some(endorsing) = &kept.endorsing else {
            return Some(EndorsementView {
                in_force: EmergencyBy::Office,
                needed: 0,
                until: None,
                given: Vec::new(),
                challenge: None,
                mine: Vec::new(),
            });
        };
        let given = endorsing.given.iter().map(|given| GivenView {
            user: given.user.to_string(),
            name: given.name.clone(),
            at: given.at.into(),
        });
        let root = self.standing.trust.root();
        Some(EndorsementView {
            in_force: EmergencyBy::Passkey,
            needed: root.map_or(1, |root| root.emergency.needed),
            until: Some(endorsing.until.into()),
            given: given.collect(),
            challenge: kept.challenge().map(|challenge| binary::text(&challenge)),
            mine: self.signs(kept, endorsing),
        })
    }

    /// With which passkeys this person may sign it now.
    fn signs(&self, kept: &Kept, endorsing: &Endorsing) -> Vec<String> {
        if kept.state(self.now) != BulletinState::Awaiting {
            return Vec::new();
        }
        let targets = kept.channels();
        let counts = |credential: &&Vec<u8>| {
            let signed = |given: &Given| given.assertion.credential == **credential;
            !endorsing.given.iter().any(signed)
                && approver_for(&self.standing.trust, credential, &targets, self.now).is_some()
        };
        let mine = self.passkeys.iter().filter(counts);
        mine.map(|credential| binary::text(credential)).collect()
    }

    fn name(&self, id: &UserId) -> Option<String> {
        self.names.get(id).cloned()
    }

    fn may(&self, kept: &Kept, heard: &Heard, digest: &str) -> May {
        use BulletinState::{Awaiting, Paused, Planned, Returned};
        let state = kept.state(self.now);
        let actor = &self.signed.actor;
        let speaks = heard.allows(actor, Action::Speak(kept.bulletin.priority));
        let stands = matches!(state, Planned | Awaiting | Returned | Paused);
        let case = kept.case(digest);
        let holds = kept
            .plea
            .as_ref()
            .is_some_and(|plea| heard.may_approve(actor, plea.ask, &kept.bulletin));
        May {
            edit: speaks && stands && !is_call(kept),
            cancel: speaks && stands,
            pause: speaks && matches!(state, Planned | Paused) && !kept.bulletin.is_now(),
            approve: decide(&case, &self.signed.user.id, holds, digest, self.now).is_ok(),
        }
    }
}

/// What is spoken live is what it is.
fn is_call(kept: &Kept) -> bool {
    let stream = kept.bulletin.stream();
    stream.is_some_and(|stream| stream.kind == StreamKind::Live)
}

impl BulletinView {
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
