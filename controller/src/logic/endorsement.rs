//! Which emergencies approvers' passkeys must have signed, until when such a signature holds, and when there are enough.
//!
//! What counts is decided by the pole's own code, [`Trust`]: the office asks it before it lets an alarm on air. Pure.

use std::collections::BTreeSet;

use loa_protocol::{
    bulletin::{Bulletin, DEFAULT_EMERGENCY_VALID_S, When},
    channel::Channel,
    endorsement::{Assertion, Endorsement, MAX_ASSERTIONS, challenge},
    passkey::{self, Expected, PasskeyError},
    root::{Approver, EmergencyBy, EmergencyRule},
    time::WallTime,
    trust::Trust,
};

use super::approval::{self, NOW_STANDS_S, TO_REACH_S, is_alarm};

/// An alarm by a rule without an end is signed for so long, in seconds; then people look at it again.
const ENDLESS_S: i64 = 30 * 24 * 3_600;

/// Does an approver's passkey have to have signed it?
pub fn is_needed(rule: &EmergencyRule, b: &Bulletin) -> bool {
    rule.by == EmergencyBy::Passkey && is_alarm(b.priority, b.status)
}

/// Until when what is asked for at `asked` may sound, whatever the bulletin says later. Fixed when it is asked for, because
/// it is under the signatures.
pub fn until(b: &Bulletin, asked: WallTime) -> WallTime {
    let usual = match &b.when {
        // Said when the last of them has signed, and then it has its usual time to reach the poles.
        When::Now { at, .. } => {
            let usual = at.plus_s(DEFAULT_EMERGENCY_VALID_S);
            let moves = b.valid_until.is_none_or(|chosen| chosen == usual);
            moves.then(|| asked.plus_s(NOW_STANDS_S + TO_REACH_S))
        }
        When::At { .. } | When::Rule { .. } => None,
    };
    usual.or(b.valid_until).unwrap_or_else(|| {
        let late_s = b.lateness_s.map_or(0, i64::from);
        let last = b.last_planned().ok().flatten();
        last.map_or(asked.plus_s(ENDLESS_S), |last| {
            last.plus_s(DEFAULT_EMERGENCY_VALID_S.max(late_s))
        })
    })
}

/// The form that is signed: what is not said at once ends when the signatures do.
pub fn bounded(b: &Bulletin, until: WallTime) -> Bulletin {
    let mut b = b.clone();
    if !b.is_now() {
        b.valid_until = Some(b.valid_until.map_or(until, |end| end.min(until)));
    }
    b
}

/// What goes on air when it is let on air now, no longer than its signatures hold.
pub fn on_air(
    b: &Bulletin,
    approve_by: Option<WallTime>,
    endorsement: Option<Endorsement>,
    now: WallTime,
) -> Bulletin {
    let mut b = approval::on_air(b, approve_by, now);
    if let Some(endorsement) = endorsement {
        let until = endorsement.until;
        b.valid_until = Some(b.valid_until.map_or(until, |end| end.min(until)));
        b.endorsement = Some(Box::new(endorsement));
    }
    b
}

/// Why somebody's signature is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unendorsed {
    #[error("it is not waited for")]
    NotAwaited,
    #[error("it had to come by {by}")]
    TooLate { by: WallTime },
    #[error("this passkey has signed already")]
    Given,
    #[error("what is signed cannot follow the calendar by itself")]
    FollowsCalendar,
    #[error("no approver for all of these places has this passkey")]
    NotAnApprover,
    #[error(transparent)]
    Wrong(#[from] PasskeyError),
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    pub bulletin: &'a Bulletin,
    pub targets: &'a [Channel],
    pub until: WallTime,
}

impl Form<'_> {
    /// What a passkey signs.
    pub fn challenge(&self) -> [u8; 32] {
        challenge(self.bulletin, self.targets, self.until).0
    }

    fn with(&self, assertions: &[Assertion]) -> Endorsement {
        Endorsement {
            targets: self.targets.to_vec(),
            until: self.until,
            assertions: assertions.to_vec(),
        }
    }
}

/// Whose passkey counts for all of these places.
pub fn approver_for<'a>(
    trust: &'a Trust,
    credential: &[u8],
    targets: &[Channel],
    now: WallTime,
) -> Option<&'a Approver> {
    trust.approvers(Some(now)).find(|approver| {
        let everywhere = approver.channels.is_empty();
        approver.credential == credential
            && (everywhere || targets.iter().all(|t| approver.channels.contains(t)))
    })
}

/// Looks at one more signature as every pole will. `given`: those before.
pub fn take<'a>(
    trust: &'a Trust,
    form: &Form<'_>,
    given: &[Assertion],
    one: &Assertion,
    now: WallTime,
) -> Result<&'a Approver, Unendorsed> {
    if given.iter().any(|other| other.credential == one.credential) {
        return Err(Unendorsed::Given);
    }
    if given.len() >= MAX_ASSERTIONS {
        return Err(Unendorsed::NotAwaited);
    }
    let approver = approver_for(trust, &one.credential, form.targets, now);
    let approver = approver.ok_or(Unendorsed::NotAnApprover)?;
    let root = trust.root().ok_or(Unendorsed::NotAnApprover)?;
    let expected = Expected {
        challenge: &form.challenge(),
        relying_party: &root.emergency.relying_party,
    };
    passkey::verify(one, &approver.key, expected)?;
    Ok(approver)
}

/// What travels with the alarm, when every pole of every target would let it sound; `None`: it is not enough.
pub fn enough(
    trust: &Trust,
    form: &Form<'_>,
    given: &[Assertion],
    now: WallTime,
) -> Option<Endorsement> {
    let endorsement = form.with(given);
    let candidate = on_air(form.bulletin, None, Some(endorsement.clone()), now);
    holds(trust, &candidate, form.targets, now).then_some(endorsement)
}

/// Would every pole of these let it sound, as far as approvers are concerned?
pub fn holds(trust: &Trust, b: &Bulletin, targets: &[Channel], now: WallTime) -> bool {
    let sounds = |channel: &Channel| trust.endorsed(b, channel, Some(now)).is_ok();
    targets.iter().all(sounds)
}

/// How many different people have signed: two passkeys of one are one.
pub fn people<'a>(names: impl IntoIterator<Item = &'a str>) -> usize {
    names.into_iter().collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests;
