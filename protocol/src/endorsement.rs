//! What an approver's passkey signs so that an emergency sounds, and what of that travels with the bulletin.
//!
//! The passkey signs (WebAuthn, ES256) with a challenge that is the hash of the `Form`: all that is heard, where, and until
//! when. Whoever holds the office's keys can therefore neither raise an emergency nor widen, change or prolong one.

use serde::{Deserialize, Serialize};

use crate::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Source, Status, When},
    channel::Channel,
    content::{ContentId, Sha},
    envelope::encode,
    id::BulletinId,
    time::WallTime,
};

/// Most assertions with one bulletin.
pub const MAX_ASSERTIONS: usize = 8;
/// Most targets that one endorsement names.
pub const MAX_TARGETS: usize = 64;

/// Travels with an emergency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endorsement {
    /// Where it may sound: the programme's channel must be among these.
    pub targets: Vec<Channel>,
    /// It neither starts nor goes on after this, whatever the bulletin says.
    pub until: WallTime,
    pub assertions: Vec<Assertion>,
}

/// One WebAuthn assertion, as the authenticator gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    #[serde(with = "serde_bytes")]
    pub credential: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub authenticator_data: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub client_data: Vec<u8>,
    /// ECDSA, ASN.1 DER.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

/// All that is heard of a bulletin. Its CBOR, in this order of fields, is what is hashed.
#[derive(Serialize)]
struct Form<'a> {
    id: &'a BulletinId,
    priority: Priority,
    status: Status,
    /// Of a stream: the hash of its key, and its longest duration in milliseconds.
    content: ContentId,
    length: u64,
    chime: Chime,
    volume: u8,
    /// `None` for "now": its instant is not known when people sign.
    when: Option<&'a When>,
    zone: &'a str,
    repeat: Repeat,
    lateness_s: Option<u32>,
    on_preempt: OnPreempt,
    max_duration_s: u32,
    targets: Vec<&'a Channel>,
    until: WallTime,
}

/// The WebAuthn challenge: SHA-256 over `"loa/v1" 00 "emergency" 00` and the form's CBOR; targets sorted, each once.
pub fn challenge(b: &Bulletin, targets: &[Channel], until: WallTime) -> Sha {
    let mut targets: Vec<&Channel> = targets.iter().collect();
    targets.sort();
    targets.dedup();
    let (content, length) = match &b.source {
        Source::Content(manifest) => (manifest.content, manifest.length),
        Source::Stream(stream) => (Sha::of(&stream.key), stream.duration_ms),
    };
    let form = Form {
        id: &b.id,
        priority: b.priority,
        status: b.status,
        content,
        length,
        chime: b.chime,
        volume: b.volume,
        when: (!b.is_now()).then_some(&b.when),
        zone: &b.zone,
        repeat: b.repeat,
        lateness_s: b.lateness_s,
        on_preempt: b.on_preempt,
        max_duration_s: b.max_duration_s,
        targets,
        until,
    };
    let mut bytes = b"loa/v1\0emergency\0".to_vec();
    bytes.extend(encode(&form));
    Sha::of(&bytes)
}
