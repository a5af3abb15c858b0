//! Whom a speaker believes: the root document, kept offline, which names the office's online keys and the approvers.
//!
//! The rules are those of The Update Framework (specification 1.0, section 5.3): a root is replaced only by the next one,
//! signed by enough keys of the old and enough of the new. `trust` applies them.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    bulletin::Priority,
    channel::Channel,
    envelope::{Document, KeyId, parse_public_key},
    id::AreaId,
    time::WallTime,
};

/// Most keys of each kind in a root.
pub const MAX_KEYS: usize = 16;
/// Most approvers in one document.
pub const MAX_APPROVERS: usize = 256;

/// An Ed25519 public key that is not weak; 64 hex digits in text and on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    pub fn new(key: VerifyingKey) -> Self {
        Self(key)
    }
    pub fn key(&self) -> &VerifyingKey {
        &self.0
    }
    pub fn id(&self) -> KeyId {
        KeyId::of(&self.0)
    }
}
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.id(), f)
    }
}
impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        parse_public_key(&String::deserialize(d)?)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// The root of trust. Version 1 is pinned at enrolment; each further one is signed by [`Root::needed`] of its own root keys and by
/// as many as the one before demanded of that one's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// 1, 2, 3 … without holes.
    pub version: u32,
    pub made: WallTime,
    /// After this, by a trusted clock, nothing new is believed until a newer root comes.
    pub expires: WallTime,
    /// The keys that sign roots.
    pub roots: Vec<PublicKey>,
    /// How many of them it takes.
    pub needed: u8,
    /// The office's online keys, each once.
    pub office: Vec<OfficeKey>,
    /// Keys that may name further approvers for one area; a key may be here for several areas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<AreaKey>,
    pub emergency: EmergencyRule,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<Approver>,
}

impl Document for Root {
    const TYPE: &'static str = "root";
    const MAX_BYTES: usize = 256 * 1024;
    // Enough of the old keys and enough of the new.
    const MAX_SIGNATURES: usize = 2 * MAX_KEYS;
}

/// A key with which the office signs every day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeKey {
    pub key: PublicKey,
    pub scope: Scope,
    /// After this nothing that it signed is believed.
    pub expires: WallTime,
}

/// What a key may sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Types of documents; empty: all that an office says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<String>,
    /// Channels whose programme it may set; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    pub max_priority: Priority,
}

impl Scope {
    /// Everything.
    pub fn all() -> Self {
        Self {
            documents: Vec::new(),
            channels: Vec::new(),
            max_priority: Priority::Emergency,
        }
    }
    pub fn covers_type(&self, kind: &str) -> bool {
        self.documents.is_empty() || self.documents.iter().any(|d| d == kind)
    }
    pub fn covers_channel(&self, channel: &Channel) -> bool {
        self.channels.is_empty() || self.channels.contains(channel)
    }
}

/// Signs [`Approvers`] of one area, offline too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaKey {
    pub key: PublicKey,
    pub area: AreaId,
    pub expires: WallTime,
}

/// Whose word an emergency in earnest takes on the pole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyRule {
    pub by: EmergencyBy,
    /// How many approvers' passkeys must have signed; 1 or more; with [`EmergencyBy::Passkey`] only.
    pub needed: u8,
    /// The WebAuthn relying party id: the host name under which people open the app.
    pub relying_party: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmergencyBy {
    /// The office's online key is enough: the weaker rule.
    Office,
    /// Approvers' passkeys must have signed the very form.
    Passkey,
}

/// Somebody whose passkey counts on the poles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approver {
    /// For people: whose passkey it is.
    pub name: String,
    /// WebAuthn credential id, 16 to 1023 bytes.
    #[serde(with = "serde_bytes")]
    pub credential: Vec<u8>,
    /// ES256: the uncompressed point on P-256, 65 bytes, `04 X Y`.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// For which channels he may approve: every target of the bulletin must be among them; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    pub expires: WallTime,
}

/// Further approvers for one area, signed by an [`AreaKey`] of that area. Their [`Approver::channels`] may not be empty, and
/// name nothing but that area and single speakers: a speaker that lies in the area cannot know which other areas do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvers {
    pub area: AreaId,
    /// 1, 2, 3 …: only a greater one replaces what is known, unless the key that signed that one may no more.
    pub version: u64,
    pub made: WallTime,
    pub expires: WallTime,
    pub approvers: Vec<Approver>,
}

impl Document for Approvers {
    const TYPE: &'static str = "approvers";
    const MAX_BYTES: usize = 256 * 1024;
}
