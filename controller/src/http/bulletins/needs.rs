//! Which approval a bulletin needs when this person stands for it: the rules of `logic::approval`, with what the office knows.

use std::collections::BTreeSet;

use loa_protocol::{
    bulletin::{Bulletin, Status},
    id::AreaId,
    time::WallTime,
};

use super::{
    super::{
        AppState,
        error::ApiError,
        guard::Signed,
        reach::{Heard, Reach},
    },
    foreword,
};
use crate::{
    logic::approval::{self as logic, Ask, Stage},
    store::Kept,
};

/// `old`: what it was until now, when it is changed.
pub async fn need(
    state: &AppState,
    signed: &Signed,
    reach: &mut Reach,
    b: &Bulletin,
    heard: &Heard,
    old: Option<&Kept>,
) -> Result<Option<Ask>, ApiError> {
    let status = heard_as(state, b);
    let hamlets = heard.hamlets.len();
    let own = logic::need(&signed.actor, b.priority, status, hamlets, &heard.places);
    if own.is_some() || !logic::is_alarm(b.priority, status) {
        return Ok(own);
    }
    let now = state.clock.now();
    if let Some(old) = old
        && raises(state, signed, reach, old, heard, now).await?
    {
        return Ok(Some(Ask::WideEmergency));
    }
    let mut others: BTreeSet<AreaId> = BTreeSet::new();
    for other in state.store.raised_alone(&signed.user.id).await? {
        let cancelled = (other.stage == Stage::Cancelled).then_some(other.changed);
        let counts = other.bulletin.id != b.id
            && is_alarm(state, &other.bulletin)
            && logic::weighs(&other.bulletin, cancelled, now);
        if counts {
            let heard = reach.heard(state, &other.channels()).await?;
            others.extend(heard.hamlets.iter().cloned());
        }
    }
    Ok(logic::one_more(&heard.hamlets, &others))
}

/// Does the change make an alarm where none was looked at: of what somebody else made, or of one that sounds already, for
/// another hamlet? Either way hamlet after hamlet could be alarmed with one bulletin after the other.
async fn raises(
    state: &AppState,
    signed: &Signed,
    reach: &mut Reach,
    old: &Kept,
    heard: &Heard,
    now: WallTime,
) -> Result<bool, ApiError> {
    if !is_alarm(state, &old.bulletin) {
        return Ok(old.made_by.as_ref() != Some(&signed.user.id));
    }
    let begun = old.bulletin.planned(WallTime::EPOCH, now.plus_us(1), 1);
    let begun = begun.is_ok_and(|begun| !begun.is_empty());
    if !begun || !matches!(old.stage, Stage::Planned | Stage::Paused) {
        return Ok(false);
    }
    let before = reach.heard(state, &old.channels()).await?;
    Ok(!heard.hamlets.is_subset(&before.hamlets))
}

/// An exercise that does not say so is heard as the real thing.
fn heard_as(state: &AppState, b: &Bulletin) -> Status {
    match foreword(state, b.status) {
        // Nothing is said before a stream.
        Some(_) if b.stream().is_none() => b.status,
        _ => Status::Actual,
    }
}

fn is_alarm(state: &AppState, b: &Bulletin) -> bool {
    logic::is_alarm(b.priority, heard_as(state, b))
}
