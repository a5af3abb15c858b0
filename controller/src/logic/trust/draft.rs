//! A root, or the approvers of an area, as people read and change them before they are signed: JSON, keys and passkeys as
//! text, times as RFC 3339.

use std::fmt::Display;

use jiff::Timestamp;
use loa_protocol::{
    bulletin::Priority,
    channel::Channel,
    envelope::parse_public_key,
    id::AreaId,
    root::{
        Approver, Approvers, AreaKey, EmergencyBy, EmergencyRule, OfficeKey, PublicKey, Root, Scope,
    },
    time::WallTime,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::binary;

/// Names the field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {what}")]
pub struct DraftError {
    pub field: &'static str,
    pub what: String,
}

/// The next root, to be looked at and signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RootDraft {
    pub version: u32,
    #[schema(format = DateTime)]
    pub made: String,
    /// No pole believes anything new after this, until the next root comes.
    #[schema(format = DateTime)]
    pub expires: String,
    /// Public keys that sign roots, 64 hex digits each.
    pub root_keys: Vec<String>,
    /// How many of them must have signed.
    pub root_keys_needed: u8,
    pub office_keys: Vec<OfficeKeyDraft>,
    #[serde(default)]
    pub area_keys: Vec<AreaKeyDraft>,
    pub emergency: EmergencyDraft,
    #[serde(default)]
    pub approvers: Vec<ApproverDraft>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftOfficeKey)]
pub struct OfficeKeyDraft {
    pub key: String,
    #[schema(format = DateTime)]
    pub expires: String,
    /// Empty: of every type.
    #[serde(default)]
    pub documents: Vec<String>,
    /// Empty: on every channel.
    #[serde(default)]
    pub channels: Vec<String>,
    pub max_priority: Priority,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftAreaKey)]
pub struct AreaKeyDraft {
    pub key: String,
    pub area: String,
    #[schema(format = DateTime)]
    pub expires: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftEmergency)]
pub struct EmergencyDraft {
    /// `office`: the office's key is enough. `passkey`: so many approvers' passkeys must have signed.
    #[schema(value_type = String)]
    pub by: EmergencyBy,
    pub needed: u8,
    /// The host name under which people open the app.
    pub relying_party: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftApprover)]
pub struct ApproverDraft {
    pub name: String,
    pub credential: String,
    /// The passkey's public key: 65 bytes, in base64url.
    pub key: String,
    /// Empty: everywhere.
    #[serde(default)]
    pub channels: Vec<String>,
    #[schema(format = DateTime)]
    pub expires: String,
}

/// Further approvers of one area, to be signed with a key of that area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproversDraft {
    pub area: String,
    pub version: u64,
    pub made: String,
    pub expires: String,
    pub approvers: Vec<ApproverDraft>,
}

impl From<&Root> for RootDraft {
    fn from(root: &Root) -> Self {
        Self {
            version: root.version,
            made: root.made.to_string(),
            expires: root.expires.to_string(),
            root_keys: root.roots.iter().map(ToString::to_string).collect(),
            root_keys_needed: root.needed,
            office_keys: root.office.iter().map(OfficeKeyDraft::from).collect(),
            area_keys: root.areas.iter().map(AreaKeyDraft::from).collect(),
            emergency: EmergencyDraft {
                by: root.emergency.by,
                needed: root.emergency.needed,
                relying_party: root.emergency.relying_party.clone(),
            },
            approvers: root.approvers.iter().map(ApproverDraft::from).collect(),
        }
    }
}

impl From<&OfficeKey> for OfficeKeyDraft {
    fn from(key: &OfficeKey) -> Self {
        Self {
            key: key.key.to_string(),
            expires: key.expires.to_string(),
            documents: key.scope.documents.clone(),
            channels: key.scope.channels.iter().map(ToString::to_string).collect(),
            max_priority: key.scope.max_priority,
        }
    }
}

impl From<&AreaKey> for AreaKeyDraft {
    fn from(key: &AreaKey) -> Self {
        Self {
            key: key.key.to_string(),
            area: key.area.to_string(),
            expires: key.expires.to_string(),
        }
    }
}

impl From<&Approver> for ApproverDraft {
    fn from(approver: &Approver) -> Self {
        Self {
            name: approver.name.clone(),
            credential: binary::text(&approver.credential),
            key: binary::text(&approver.key),
            channels: approver.channels.iter().map(ToString::to_string).collect(),
            expires: approver.expires.to_string(),
        }
    }
}

impl TryFrom<RootDraft> for Root {
    type Error = DraftError;
    fn try_from(draft: RootDraft) -> Result<Root, DraftError> {
        Ok(Root {
            version: draft.version,
            made: time("made", &draft.made)?,
            expires: time("expires", &draft.expires)?,
            roots: all(&draft.root_keys, |key| public("root_keys", key))?,
            needed: draft.root_keys_needed,
            office: all(&draft.office_keys, office)?,
            areas: all(&draft.area_keys, area_key)?,
            emergency: EmergencyRule {
                by: draft.emergency.by,
                needed: draft.emergency.needed,
                relying_party: draft.emergency.relying_party,
            },
            approvers: all(&draft.approvers, approver)?,
        })
    }
}

impl TryFrom<ApproversDraft> for Approvers {
    type Error = DraftError;
    fn try_from(draft: ApproversDraft) -> Result<Approvers, DraftError> {
        Ok(Approvers {
            area: area("area", &draft.area)?,
            version: draft.version,
            made: time("made", &draft.made)?,
            expires: time("expires", &draft.expires)?,
            approvers: all(&draft.approvers, approver)?,
        })
    }
}

fn all<T, U>(
    given: &[T],
    read: impl Fn(&T) -> Result<U, DraftError>,
) -> Result<Vec<U>, DraftError> {
    given.iter().map(read).collect()
}

fn office(draft: &OfficeKeyDraft) -> Result<OfficeKey, DraftError> {
    Ok(OfficeKey {
        key: public("office_keys.key", &draft.key)?,
        scope: Scope {
            documents: draft.documents.clone(),
            channels: all(&draft.channels, |c| channel("office_keys.channels", c))?,
            max_priority: draft.max_priority,
        },
        expires: time("office_keys.expires", &draft.expires)?,
    })
}

fn area_key(draft: &AreaKeyDraft) -> Result<AreaKey, DraftError> {
    Ok(AreaKey {
        key: public("area_keys.key", &draft.key)?,
        area: area("area_keys.area", &draft.area)?,
        expires: time("area_keys.expires", &draft.expires)?,
    })
}

fn approver(draft: &ApproverDraft) -> Result<Approver, DraftError> {
    let bytes =
        |field, text: &str| binary::bytes(text).ok_or_else(|| wrong(field, "this is no base64url"));
    Ok(Approver {
        name: draft.name.clone(),
        credential: bytes("approvers.credential", &draft.credential)?,
        key: bytes("approvers.key", &draft.key)?,
        channels: all(&draft.channels, |c| channel("approvers.channels", c))?,
        expires: time("approvers.expires", &draft.expires)?,
    })
}

fn wrong(field: &'static str, what: impl Display) -> DraftError {
    DraftError {
        field,
        what: what.to_string(),
    }
}

fn time(field: &'static str, text: &str) -> Result<WallTime, DraftError> {
    let at: Timestamp = text.trim().parse().map_err(|_| {
        wrong(
            field,
            format!("{text:?} is no instant; write it like 2031-11-24T00:00:00Z"),
        )
    })?;
    Ok(at.into())
}

fn public(field: &'static str, text: &str) -> Result<PublicKey, DraftError> {
    let key = parse_public_key(text).map_err(|error| wrong(field, error))?;
    Ok(PublicKey::new(key))
}

fn channel(field: &'static str, text: &str) -> Result<Channel, DraftError> {
    text.parse().map_err(|error| wrong(field, error))
}

fn area(field: &'static str, text: &str) -> Result<AreaId, DraftError> {
    text.parse().map_err(|error| wrong(field, error))
}
