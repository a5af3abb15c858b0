//! What the next root could say: whose passkeys it does not name yet, and for which places those would count.

use loa_protocol::{
    channel::Channel,
    endorsement::MAX_TARGETS,
    id::AreaId,
    root::{Approver, EmergencyBy, Root},
};

use super::{Result, Store, User, UserId, convert::parse};
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

fn approves(user: &User) -> bool {
    let actor = Actor {
        role: user.role,
        area: user.area.clone(),
    };
    let own: Vec<AreaId> = user.area.iter().cloned().collect();
    may(&actor, Action::Approve(Ask::WideEmergency), &own)
}

impl Store {
    pub async fn unnamed_passkeys(&self) -> Result<Vec<Unnamed>> {
        let standing = self.standing();
        let named: Vec<&[u8]> = standing
            .trust
            .approvers(None)
            .map(|approver| approver.credential.as_slice())
            .collect();
        let expires = self.now().plus_s(OFFICE_KEY_LIFE_S);
        let users = self.users().await?;
        let mut unnamed = Vec::new();
        for passkey in self.all_passkeys().await? {
            let user = users.iter().find(|user| user.id == passkey.user);
            let Some(user) = user.filter(|user| approves(user)) else {
                continue;
            };
            if named.contains(&passkey.credential.as_slice()) {
                continue;
            }
            let channels = match &user.area {
                None => Vec::new(),
                Some(area) => self.channels_below(area).await?,
            };
            unnamed.push(Unnamed {
                user: user.id.clone(),
                approver: Approver {
                    // Two people may have one name, and are two approvers.
                    name: format!("{} ({})", user.name, user.username),
                    credential: passkey.credential,
                    key: passkey.key,
                    channels,
                    expires,
                },
            });
        }
        Ok(unnamed)
    }

    /// What an approver for this area may sign for: it and the areas below it, its groups, its speakers; as many as one
    /// approver may have.
    async fn channels_below(&self, area: &AreaId) -> Result<Vec<Channel>> {
        let names: Vec<String> = sqlx::query_scalar(
            "WITH RECURSIVE below (id, depth) AS (SELECT id, 0 FROM areas WHERE id = $1 \
             UNION SELECT areas.id, depth + 1 FROM areas JOIN below ON areas.parent = below.id) \
             SELECT channel FROM ( \
               SELECT 'area.' || id AS channel, depth AS rank FROM below \
               UNION ALL SELECT 'group.' || id, 1000 FROM speaker_groups WHERE area IN (SELECT id FROM below) \
               UNION ALL SELECT 'speaker.' || id, 1001 FROM speakers \
                 WHERE removed IS NULL AND area IN (SELECT id FROM below)) AS reached \
             ORDER BY rank, channel LIMIT $2",
        )
        .bind(area.as_str())
        .bind(i64::try_from(MAX_TARGETS).unwrap_or(i64::MAX))
        .fetch_all(self.readers())
        .await?;
        names.iter().map(|name| parse("channel", name)).collect()
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
