//! What the next root could say: whose passkeys it does not name yet, and for which places those would count.

use loa_protocol::{
    endorsement::MAX_TARGETS,
    id::AreaId,
    root::{Approver, EmergencyBy, Root},
};

use super::{Result, Store, User, UserId};
use crate::logic::{
    approval::Ask,
    permissions::{Action, Actor, may},
    trust::{OFFICE_KEY_LIFE_S, next_root},
};

/// Somebody who may approve emergencies, with a passkey that the root does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unnamed {
    pub user: UserId,
    pub approver: Approver,
}

impl Store {
    pub async fn unnamed_passkeys(&self) -> Result<Vec<Unnamed>> {
        Ok(Vec::new())
    }

    /// The next root, with everybody in it who could be an approver; the rule stays as it is when it is not told.
    pub async fn proposed_root(
        &self,
        by: Option<EmergencyBy>,
        needed: Option<u8>,
        relying_party: &str,
    ) -> Result<Root> {
        let standing = self.standing();
        let mut next = next_root(standing.root()?, self.now());
        let unnamed = self.unnamed_passkeys().await?;
        next.approvers
            .extend(unnamed.into_iter().map(|u| u.approver));
        if let Some(by) = by {
            next.emergency.by = by;
        }
        if let Some(needed) = needed {
            next.emergency.needed = needed;
        }
        // Passkeys count for the name under which the app is opened; another one would make all of them worthless.
        if next.emergency.by == EmergencyBy::Passkey {
            next.emergency.relying_party = relying_party.to_owned();
        }
        Ok(next)
    }
}
