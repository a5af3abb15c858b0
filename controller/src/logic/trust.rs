//! Whom the poles are told to believe: the office's first root and each next one, which key signs what is said every day,
//! which roots the office would rather not publish, and what to warn of. Pure; `protocol::trust` is what poles do with it.

mod draft;

use std::collections::BTreeSet;

use ed25519_dalek::{SigningKey, VerifyingKey};
use loa_protocol::{
    bulletin::Priority,
    endorsement::MAX_ASSERTIONS,
    envelope::{KeyId, Refusal},
    root::{EmergencyBy, EmergencyRule, OfficeKey, PublicKey, Root, Scope},
    time::WallTime,
};

pub use draft::{ApproverDraft, ApproversDraft, DraftError, RootDraft};

const DAY_S: i64 = 24 * 3_600;
/// A root is believed so long.
pub const ROOT_LIFE_S: i64 = 5 * 365 * DAY_S;
/// And the office's key, until the next root says otherwise.
pub const OFFICE_KEY_LIFE_S: i64 = 2 * 365 * DAY_S;
/// An office's former key is believed for so long beside the new one: a pole that was away hears of both.
pub const OVERLAP_S: i64 = 30 * DAY_S;
/// So long may the root key lie in the office before somebody is told to take it away.
pub const ROOT_KEY_STAYS_S: i64 = 7 * DAY_S;
/// What ends within this is told of.
pub const SOON_S: i64 = 90 * DAY_S;

/// The root of an office that just began: one key of each kind, and the weaker rule, for nobody has a passkey yet.
pub fn first_root(root: VerifyingKey, office: VerifyingKey, now: WallTime) -> Root {
    Root {
        version: 1,
        made: now,
        expires: now.plus_s(ROOT_LIFE_S),
        roots: vec![PublicKey::new(root)],
        needed: 1,
        office: vec![office_key(office, now)],
        areas: Vec::new(),
        emergency: EmergencyRule {
            by: EmergencyBy::Office,
            needed: 1,
            relying_party: String::new(),
        },
        approvers: Vec::new(),
    }
}

fn office_key(key: VerifyingKey, now: WallTime) -> OfficeKey {
    OfficeKey {
        key: PublicKey::new(key),
        scope: Scope::all(),
        expires: now.plus_s(OFFICE_KEY_LIFE_S),
    }
}

/// The next root, which says the same for another five years. What has expired is left out.
pub fn next_root(old: &Root, now: WallTime) -> Root {
    let mut next = Root {
        version: old.version + 1,
        made: now,
        expires: now.plus_s(ROOT_LIFE_S),
        ..old.clone()
    };
    next.areas.retain(|key| key.expires > now);
    next.approvers.retain(|approver| approver.expires > now);
    if next.office.iter().any(|key| key.expires > now) {
        next.office.retain(|key| key.expires > now);
    }
    next
}

/// What becomes of the office's former keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Former {
    /// Believed for so many seconds more.
    For(i64),
    /// Stolen: not believed any more.
    Gone,
}

/// The next root with a new key for the office, for everything and for two years.
pub fn rotate_office(old: &Root, new: VerifyingKey, former: Former, now: WallTime) -> Root {
    let mut next = next_root(old, now);
    match former {
        Former::Gone => next.office.clear(),
        Former::For(seconds) => {
            for key in &mut next.office {
                key.expires = key.expires.min(now.plus_s(seconds));
            }
        }
    }
    next.office.push(office_key(new, now));
    next
}

/// The next root with a new root key in the place of `old_key`.
pub fn rotate_root(old: &Root, old_key: &KeyId, new: VerifyingKey, now: WallTime) -> Root {
    let mut next = next_root(old, now);
    let place = next.roots.iter_mut().find(|key| key.id() == *old_key);
    match place {
        Some(place) => *place = PublicKey::new(new),
        None => next.roots.push(PublicKey::new(new)),
    }
    next
}

/// Of the keys that are here the one to sign with: that which the root names last, and which is not over.
pub fn signing_key<'a>(
    root: &Root,
    held: &'a [SigningKey],
    now: WallTime,
) -> Option<&'a SigningKey> {
    let named = root.office.iter().rev().filter(|key| serves(key));
    let held = |named: &OfficeKey| {
        let id = named.key.id();
        held.iter()
            .find(|key| KeyId::of(&key.verifying_key()) == id)
    };
    let mut over = None;
    for key in named {
        match held(key) {
            Some(found) if key.expires > now => return Some(found),
            found => over = over.or(found),
        }
    }
    over
}

/// An office says all kinds of things, to everybody.
fn serves(key: &OfficeKey) -> bool {
    let Scope {
        documents,
        channels,
        max_priority,
    } = &key.scope;
    documents.is_empty() && channels.is_empty() && *max_priority == Priority::Emergency
}

/// Why a document of trust is not taken over. An office must not publish what poles refuse, or what leaves them mute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error("it cannot be read: {0}")]
    Unreadable(Refusal),
    #[error("it is not signed by enough of the keys that have to sign it")]
    NotSigned,
    #[error("it is older than the one in force, or another one of its number is in force")]
    Older,
    #[error("number {next} comes next, and this is number {given}")]
    NotNext { next: u32, given: u32 },
    #[error("its time is over")]
    Expired,
    #[error("it breaks a rule that every pole keeps")]
    BreaksRule,
    #[error("it names no key, for everything, that this office has")]
    NoOfficeKey,
    #[error(
        "it asks for {needed} approvers and names {named} whose time is not over: no emergency would ever sound"
    )]
    TooFewApprovers { named: usize, needed: usize },
}

impl From<Refusal> for NotTaken {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotSigned => Self::NotSigned,
            Refusal::Stale => Self::Older,
            Refusal::Expired => Self::Expired,
            Refusal::BreaksRule | Refusal::WrongScope => Self::BreaksRule,
            other => Self::Unreadable(other),
        }
    }
}

/// May the office, which has these keys, live with this root?
pub fn fit(root: &Root, held: &[SigningKey], now: WallTime) -> Result<(), NotTaken> {
    if root.expires <= now {
        return Err(NotTaken::Expired);
    }
    let id = signing_key(root, held, now).map(|key| KeyId::of(&key.verifying_key()));
    let lives = |id: &KeyId| {
        root.office
            .iter()
            .any(|key| key.key.id() == *id && key.expires > now)
    };
    if !id.is_some_and(|id| lives(&id)) {
        return Err(NotTaken::NoOfficeKey);
    }
    if root.emergency.by == EmergencyBy::Office {
        return Ok(());
    }
    let needed = usize::from(root.emergency.needed);
    let named = people(root, now);
    // Area keys may name more; an emergency for everybody needs those of the root.
    if named < needed || needed > MAX_ASSERTIONS {
        return Err(NotTaken::TooFewApprovers { named, needed });
    }
    Ok(())
}

/// Two passkeys of one person are one approver.
fn people(root: &Root, now: WallTime) -> usize {
    let names = root.approvers.iter().filter(|a| a.expires > now);
    names.map(|a| &a.name).collect::<BTreeSet<_>>().len()
}

/// What whoever runs the office should do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    RootKeyHere,
    RootExpires,
    RootExpired,
    OfficeKeyExpires,
    OfficeKeyExpired,
    OfficeKeyMissing,
    WeakRule,
    ApproverExpires,
}

impl Warning {
    pub fn word(self) -> &'static str {
        match self {
            Self::RootKeyHere => "root_key_here",
            Self::RootExpires => "root_expires",
            Self::RootExpired => "root_expired",
            Self::OfficeKeyExpires => "office_key_expires",
            Self::OfficeKeyExpired => "office_key_expired",
            Self::OfficeKeyMissing => "office_key_missing",
            Self::WeakRule => "weak_rule",
            Self::ApproverExpires => "approver_expires",
        }
    }

    /// For the log and the command line; the app has its own words.
    pub fn text(self) -> &'static str {
        match self {
            Self::RootKeyHere => {
                "the root key has been on this machine for more than 7 days: take it away (loa-controller keys take-root FOLDER)"
            }
            Self::RootExpires => {
                "the root expires within 90 days: make the next one (loa-controller keys draft, sign, install)"
            }
            Self::RootExpired => {
                "the root has expired, no pole believes anything new: make the next one now (loa-controller keys draft, sign, install)"
            }
            Self::OfficeKeyExpires => {
                "the office's signing key expires within 90 days: loa-controller keys rotate-office"
            }
            Self::OfficeKeyExpired => {
                "the office's signing key has expired, no pole believes anything new: loa-controller keys rotate-office"
            }
            Self::OfficeKeyMissing => {
                "the root names no key that this office has, no pole believes anything new: put office.key back, or loa-controller keys rotate-office --now"
            }
            Self::WeakRule => {
                "approvers have passkeys, yet the office's key alone can raise an emergency: loa-controller keys approve-by passkey"
            }
            Self::ApproverExpires => {
                "an approver's time is over within 90 days: make the next root (loa-controller keys draft, sign, install)"
            }
        }
    }
}

/// What [`warnings`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub root: &'a Root,
    /// With which the office signs.
    pub signing: &'a VerifyingKey,
    /// Since when a root key has been on this machine.
    pub root_key_since: Option<WallTime>,
    /// People who may raise or approve emergencies have passkeys.
    pub has_passkeys: bool,
    pub now: WallTime,
}

pub fn warnings(look: Look<'_>) -> Vec<Warning> {
    let Look {
        root,
        signing,
        root_key_since,
        has_passkeys,
        now,
    } = look;
    let soon = |expires: WallTime| expires <= now.plus_s(SOON_S);
    let mut all = Vec::new();
    if root_key_since.is_some_and(|since| since.plus_s(ROOT_KEY_STAYS_S) < now) {
        all.push(Warning::RootKeyHere);
    }
    if root.expires <= now {
        all.push(Warning::RootExpired);
    } else if soon(root.expires) {
        all.push(Warning::RootExpires);
    }
    let signing = KeyId::of(signing);
    match root.office.iter().find(|key| key.key.id() == signing) {
        None => all.push(Warning::OfficeKeyMissing),
        Some(key) if key.expires <= now => all.push(Warning::OfficeKeyExpired),
        Some(key) if soon(key.expires) => all.push(Warning::OfficeKeyExpires),
        Some(_) => {}
    }
    match root.emergency.by {
        EmergencyBy::Office if has_passkeys || !root.approvers.is_empty() => {
            all.push(Warning::WeakRule);
        }
        EmergencyBy::Passkey if root.approvers.iter().any(|a| soon(a.expires)) => {
            all.push(Warning::ApproverExpires);
        }
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests;
