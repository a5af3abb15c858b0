//! Whether a bulletin needs a second person, what exactly that person says yes to, and until when.
//!
//! An approval is bound to one form of the bulletin by its [`digest`]: sound, targets, times and all else that is heard. An
//! edit of any of it makes another form, which the approval is not for. Pure: the time is given, a refusal is a value.

use std::collections::BTreeSet;

use loa_protocol::{
    bulletin::{
        Bulletin, Chime, DEFAULT_EMERGENCY_VALID_S, OnPreempt, Priority, Repeat, Source, Status,
        When,
    },
    channel::Channel,
    content::{ContentId, Sha},
    id::{AreaId, BulletinId},
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    permissions::{Action, Actor, may},
    relay::RelayPlan,
};

/// What is to be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// What a hamlet head made.
    Hamlet,
    /// What anybody made.
    Anyone,
    /// An emergency that reaches more than one hamlet.
    WideEmergency,
}

impl Ask {
    pub const ALL: [Self; 3] = [Self::Hamlet, Self::Anyone, Self::WideEmergency];
}

/// Whether what is said to an area needs a second person.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    #[default]
    None,
    /// What hamlet heads make.
    Hamlets,
    /// What everybody makes who does not approve there himself.
    Everyone,
}

impl Approval {
    /// What holds in an area: the first that is set, from the area itself upwards.
    pub fn in_force(upwards: impl IntoIterator<Item = Option<Self>>) -> Self {
        upwards.into_iter().flatten().next().unwrap_or_default()
    }
}

/// One area that a bulletin is said to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The area itself, then all above it.
    pub lineage: Vec<AreaId>,
    pub in_force: Approval,
}

/// How a bulletin stands. Only what is planned is in any programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Planned,
    /// Nobody has said yes to the present form.
    Awaiting,
    /// Somebody sent it back, with a reason.
    Returned,
    /// Somebody took it off the air for a while.
    Paused,
    Cancelled,
}

/// An approval that is asked for, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plea<Person> {
    pub ask: Ask,
    /// Whose form of the bulletin it is.
    pub by: Option<Person>,
    pub at: WallTime,
    /// Not to be given after this; `None`: as long as the bulletin stands.
    pub approve_by: Option<WallTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approved,
    Returned,
}

/// So long after it was asked for may something be approved that is to be said at once, in seconds.
pub const NOW_STANDS_S: i64 = 30 * 60;
/// What was approved at the last moment still has this long to reach the poles, in seconds.
pub const TO_REACH_S: i64 = 10 * 60;
/// So many hamlets may one person alone alarm within [`ALONE_S`]: where the flood is, and one more, because it moves on or
/// because the first was a slip. Alarming hamlet after hamlet is a wide alarm.
pub const ALONE_HAMLETS: usize = 2;
/// In seconds.
pub const ALONE_S: i64 = 10 * 60;
/// So long after an alarm was over may it be taken back in the office's prepared words without asking anybody, in seconds.
const TAKEN_BACK_S: i64 = 24 * 3_600;

/// An emergency that is meant. An exercise has no hurry: it asks as what is ordinary does.
pub fn is_alarm(priority: Priority, status: Status) -> bool {
    priority == Priority::Emergency && status == Status::Actual
}

/// What a bulletin needs that `maker` made, or made into this. `hamlets`: how many areas with speakers hear it.
pub fn need(
    maker: &Actor,
    priority: Priority,
    status: Status,
    hamlets: usize,
    places: &[Place],
) -> Option<Ask> {
    if is_alarm(priority, status) {
        return (hamlets > 1).then_some(Ask::WideEmergency);
    }
    let lacks = |place: &&Place, ask| !may(maker, Action::Approve(ask), &place.lineage);
    let in_force = |wanted| places.iter().filter(move |p| p.in_force == wanted);
    if in_force(Approval::Everyone).any(|p| lacks(&p, Ask::Anyone)) {
        Some(Ask::Anyone)
    } else if in_force(Approval::Hamlets).any(|p| lacks(&p, Ask::Hamlet)) {
        Some(Ask::Hamlet)
    } else {
        None
    }
}

/// Does an alarm that a person raised alone still count when the next one is raised: was it due in the last [`ALONE_S`], or
/// will it be? `cancelled`: when it was. What was cancelled before any of it was due does not count.
pub fn weighs(b: &Bulletin, cancelled: Option<WallTime>, now: WallTime) -> bool {
    let until = cancelled.map_or(WallTime::MAX, |at| at.plus_us(1));
    let due = b.planned(now.plus_s(-ALONE_S), until, 1);
    due.is_ok_and(|due| !due.is_empty())
}

/// What one more alarm needs of somebody who needs no second person for it by itself. `others`: where the alarms sound that
/// the same person raised alone.
pub fn one_more(own: &BTreeSet<AreaId>, others: &BTreeSet<AreaId>) -> Option<Ask> {
    let further = own.difference(others).count();
    (further > 0 && further + others.len() > ALONE_HAMLETS).then_some(Ask::WideEmergency)
}

/// What is taken back, as a correction in the office's prepared words looks at it.
#[derive(Clone, Copy, Debug)]
pub struct TakenBack {
    /// It needs no approval in its present form, or has it.
    pub stands: bool,
    /// A second person said yes to it as a wide alarm.
    pub wide: bool,
    /// When the last of it is over.
    pub ends: Option<WallTime>,
    /// A correction of it was on air.
    pub corrected: bool,
}

/// What a correction in the prepared words needs. It waits for nobody where what it takes back was let on air; `need`: of
/// anything else said there. As an alarm for many hamlets it is free once, and soon: otherwise one person could wake a
/// commune with it whenever and as often as he likes.
pub fn taking_back(need: Option<Ask>, old: &TakenBack, now: WallTime) -> Option<Ask> {
    let lately = old.ends.is_none_or(|ends| now <= ends.plus_s(TAKEN_BACK_S));
    let free = match need {
        Some(Ask::WideEmergency) => old.stands && old.wide && lately && !old.corrected,
        _ => old.stands,
    };
    need.filter(|_| !free)
}

/// Until when what was asked for at `asked` may be approved.
pub fn approve_by(b: &Bulletin, asked: WallTime) -> Option<WallTime> {
    let valid = |until: WallTime| until.min(b.valid_until.unwrap_or(WallTime::MAX));
    match b.when {
        When::Now { .. } => Some(valid(asked.plus_s(NOW_STANDS_S))),
        // The first start decides: who agrees later agrees to something else.
        When::At { .. } => match b.planned(WallTime::EPOCH, WallTime::MAX, 1).as_deref() {
            Ok([first, ..]) => Some(match b.start_by(first.at) {
                WallTime::MAX => first.at.plus_s(DEFAULT_EMERGENCY_VALID_S),
                by => by,
            }),
            // Nothing of it could be said.
            _ => Some(asked),
        },
        When::Rule { .. } => b.last_planned().unwrap_or(Some(asked)),
    }
}

/// What goes on air when it is approved now. What is to be said at once is said at this instant, and a rule counts from it.
pub fn on_air(b: &Bulletin, approve_by: Option<WallTime>, now: WallTime) -> Bulletin {
    let mut b = b.clone();
    match b.when {
        When::Now { .. } => {
            let usual = usual_end(&b);
            let chosen = b.valid_until.filter(|until| Some(*until) != usual);
            at_once(&mut b, now);
            // It does not outlive its approval, but has the time to arrive.
            let reach = now.plus_s(TO_REACH_S);
            let until = approve_by.map(|by| by.max(reach));
            b.valid_until = until.map(|until| until.min(chosen.unwrap_or(WallTime::MAX)));
        }
        When::At { .. } => {}
        When::Rule { .. } => b.since = now,
    }
    b
}

/// The end of what is said at once, when nobody chose one.
fn usual_end(b: &Bulletin) -> Option<WallTime> {
    match b.when {
        When::Now { at, .. } => Some(at.plus_s(DEFAULT_EMERGENCY_VALID_S)),
        _ => None,
    }
}

/// Moves what is to be said at once, and has not been, to `now`.
pub fn at_once(b: &mut Bulletin, now: WallTime) {
    let usual = usual_end(b);
    if let When::Now { at, date } = &mut b.when {
        // An end that nobody chose moves along.
        if b.valid_until == usual {
            b.valid_until = Some(now.plus_s(DEFAULT_EMERGENCY_VALID_S));
        }
        *at = now;
        // The zone was read when the bulletin was made.
        if let Ok(here) = now.timestamp().in_tz(&b.zone) {
            *date = here.date().to_string();
        }
        b.since = now;
    }
}

/// Everything that is heard of a bulletin, and its revision: SHA-256 in hex. `relay`: whence it comes, and what stands in for it.
pub fn digest(b: &Bulletin, targets: &[Channel], relay: Option<&RelayPlan>) -> String {
    #[derive(Serialize)]
    struct Heard<'a> {
        id: &'a BulletinId,
        revision: u32,
        content: &'a ContentId,
        #[serde(skip_serializing_if = "Option::is_none")]
        relay: Option<&'a RelayPlan>,
        #[serde(skip_serializing_if = "Option::is_none")]
        fetched_from: Option<&'a str>,
        chime: Chime,
        volume: u8,
        priority: Priority,
        status: Status,
        order: u32,
        targets: Vec<String>,
        when: &'a When,
        zone: &'a str,
        repeat: Repeat,
        lateness_s: Option<u32>,
        on_preempt: OnPreempt,
        max_duration_s: u32,
        valid_until: Option<WallTime>,
    }
    let mut targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
    targets.sort();
    let sounds = match &b.source {
        Source::Content(manifest) => manifest.content,
        // Not its key: that goes with the office's own, and nobody hears it.
        Source::Stream(stream) => Sha::of(&stream.duration_ms.to_be_bytes()),
    };
    let fetched_from = b.stream().and_then(|stream| stream.url.as_deref());
    let heard = Heard {
        id: &b.id,
        revision: b.revision,
        content: &sounds,
        relay,
        fetched_from,
        chime: b.chime,
        volume: b.volume,
        priority: b.priority,
        status: b.status,
        order: b.order,
        targets,
        when: &b.when,
        zone: &b.zone,
        repeat: b.repeat,
        lateness_s: b.lateness_s,
        on_preempt: b.on_preempt,
        max_duration_s: b.max_duration_s,
        valid_until: b.valid_until,
    };
    let heard = serde_json::to_vec(&heard).expect("plain fields, written to memory");
    Sha::of(&heard).to_string()
}

/// Does this edit change anything that an approval is bound to? Only the title is not: nobody hears it.
pub fn voids(
    (old, old_targets, old_relay): (&Bulletin, &[Channel], Option<&RelayPlan>),
    (new, new_targets, new_relay): (&Bulletin, &[Channel], Option<&RelayPlan>),
) -> bool {
    let same = Bulletin {
        revision: old.revision,
        ..new.clone()
    };
    digest(old, old_targets, old_relay) != digest(&same, new_targets, new_relay)
}

/// What becomes of a bulletin that somebody edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stands as it stood, with what was said to it.
    Keeps,
    /// It needs a (new) approval.
    Asks(Ask),
    /// Whoever edits needs none: it stands by that person's word.
    Free,
}

/// `voided`: the edit changes what an approval is bound to. `need`: of the new form, by whoever edits.
pub fn fate(stage: Stage, voided: bool, need: Option<Ask>) -> Fate {
    match need {
        // Whatever is changed of what was sent back: it is handed in again.
        _ if !voided && stage != Stage::Returned => Fate::Keeps,
        Some(ask) => Fate::Asks(ask),
        None => Fate::Free,
    }
}

impl Stage {
    pub fn after(self, fate: Fate) -> Self {
        match (fate, self) {
            (Fate::Keeps, stage) => stage,
            (Fate::Asks(_), _) => Self::Awaiting,
            (Fate::Free, Self::Paused) => Self::Paused,
            (Fate::Free, _) => Self::Planned,
        }
    }
}

/// A bulletin on somebody's desk.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a, Person> {
    pub stage: Stage,
    pub made_by: Option<&'a Person>,
    pub plea: Option<&'a Plea<Person>>,
    pub digest: &'a str,
}

/// Why somebody cannot decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NotAllowed,
    NotAwaiting,
    /// Nobody decides what he made, or made into this.
    Own,
    /// It was edited since this person looked.
    Stale,
    TooLate {
        by: WallTime,
    },
}

/// May `who` approve or return it now, having seen the form `seen`? `holds`: whether this person may approve such a thing there.
pub fn decide<Person: PartialEq>(
    case: &Case<'_, Person>,
    who: &Person,
    holds: bool,
    seen: &str,
    now: WallTime,
) -> Result<(), Refusal> {
    if !holds {
        return Err(Refusal::NotAllowed);
    }
    let Some(plea) = case.plea.filter(|_| case.stage == Stage::Awaiting) else {
        return Err(Refusal::NotAwaiting);
    };
    if case.made_by == Some(who) || plea.by.as_ref() == Some(who) {
        return Err(Refusal::Own);
    }
    if seen != case.digest {
        return Err(Refusal::Stale);
    }
    match plea.approve_by {
        Some(by) if now > by => Err(Refusal::TooLate { by }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
