//! An offline root, its office keys and its approvers, for the tests of office, pole and wire.
#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod authenticator;

use ed25519_dalek::SigningKey;
use loa_protocol::{
    envelope::{countersign, seal},
    root::{
        Approver, Approvers, AreaKey, EmergencyBy, EmergencyRule, OfficeKey, PublicKey, Root, Scope,
    },
    time::WallTime,
};

use authenticator::Authenticator;

pub const RELYING_PARTY: &str = "loa.sang-moc.vn";

/// Noon of 2026-11-24 in Việt Nam, and so many days later.
pub fn day(days: i64) -> WallTime {
    WallTime::from_millis(1_795_496_400_000).plus_s(days * 86_400)
}
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}
pub fn public(key: &SigningKey) -> PublicKey {
    PublicKey::new(key.verifying_key())
}
pub fn office_key(key: &SigningKey) -> OfficeKey {
    OfficeKey {
        key: public(key),
        scope: Scope::all(),
        expires: day(730),
    }
}

/// `needed` of `roots` sign; the office's key is enough for an emergency.
pub fn root(version: u32, roots: &[&SigningKey], needed: u8, office: &[&SigningKey]) -> Root {
    Root {
        version,
        made: day(-1),
        expires: day(5 * 365),
        roots: roots.iter().map(|k| public(k)).collect(),
        needed,
        office: office.iter().map(|k| office_key(k)).collect(),
        areas: Vec::new(),
        emergency: EmergencyRule {
            by: EmergencyBy::Office,
            needed: 1,
            relying_party: RELYING_PARTY.into(),
        },
        approvers: Vec::new(),
    }
}

/// The same, with approvers whose passkeys an emergency needs.
pub fn with_approvers(root: Root, needed: u8, people: &[(&str, &Authenticator)]) -> Root {
    Root {
        emergency: EmergencyRule {
            by: EmergencyBy::Passkey,
            needed,
            ..root.emergency
        },
        approvers: people.iter().map(|(n, a)| approver(n, a, &[])).collect(),
        ..root
    }
}

pub fn approver(name: &str, with: &Authenticator, channels: &[&str]) -> Approver {
    Approver {
        name: name.into(),
        credential: with.credential.clone(),
        key: with.public_key(),
        channels: channels.iter().map(|c| c.parse().unwrap()).collect(),
        expires: day(365),
    }
}

pub fn area_key(key: &SigningKey, area: &str) -> AreaKey {
    AreaKey {
        key: public(key),
        area: area.parse().unwrap(),
        expires: day(365),
    }
}
pub fn approvers(area: &str, version: u64, approvers: Vec<Approver>) -> Approvers {
    Approvers {
        area: area.parse().unwrap(),
        version,
        made: day(0),
        expires: day(365),
        approvers,
    }
}

pub fn signed(root: &Root, by: &[&SigningKey]) -> Vec<u8> {
    let (first, rest) = by.split_first().unwrap();
    rest.iter().fold(seal(root, first), |bytes, key| {
        countersign::<Root>(&bytes, key).unwrap()
    })
}
