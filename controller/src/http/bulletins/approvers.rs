//! Who could be the second person.

use loa_protocol::bulletin::Bulletin;

use super::{
    super::{
        AppState,
        error::ApiError,
        guard::Signed,
        messages::{Code, Lang},
        reach::{Heard, Reach},
    },
    view::Warning,
};
use crate::{
    logic::{
        approval::{Ask, Stage},
        permissions::Actor,
    },
    store::Kept,
};

/// People who may approve, that are named.
const APPROVERS: usize = 5;

/// The names of those who could approve what this person makes, at most 5.
pub async fn approvers(
    state: &AppState,
    signed: &Signed,
    ask: Ask,
    b: &Bulletin,
    heard: &Heard,
) -> Result<Vec<String>, ApiError> {
    let users = state.store.users().await?;
    let able = users.into_iter().filter(|user| {
        let actor = Actor {
            role: user.role,
            area: user.area.clone(),
        };
        user.id != signed.user.id && user.has_password && heard.may_approve(&actor, ask, b)
    });
    Ok(able.take(APPROVERS).map(|user| user.name).collect())
}

/// What waits for somebody who is not there would never be said.
pub async fn warn(
    state: &AppState,
    signed: &Signed,
    kept: &Kept,
    lang: Lang,
) -> Result<Option<Warning>, ApiError> {
    let Some(plea) = kept.plea.as_ref().filter(|_| kept.stage == Stage::Awaiting) else {
        return Ok(None);
    };
    let targets = kept.channels();
    let heard = Reach::open(state).await?.heard(state, &targets).await?;
    let able = approvers(state, signed, plea.ask, &kept.bulletin, &heard).await?;
    let alone = able.is_empty();
    Ok(alone.then(|| Warning::new(Code::WarnNobodyApproves, lang, Vec::new())))
}
