//! The wrapper of every document on the wire: which kind, whose signature, and the very bytes that were signed.
//!
//! Bytes are signed, never re-encoded structures: what is checked is what was sent.
//! The order of the checks is the order of this file's `open`: size, decode, version, type, signature, payload.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ed25519_dalek::{Signature as Ed25519, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::WIRE_VERSION;

/// What may travel in an envelope.
pub trait Document: Serialize + DeserializeOwned {
    /// The name under which it is signed; a signature for one type is worth nothing for another.
    const TYPE: &'static str;
    /// Largest envelope of this type, in bytes.
    const MAX_BYTES: usize;
    /// More signatures than this are somebody trying something.
    const MAX_SIGNATURES: usize = 8;
}

/// The first 8 bytes of the SHA-256 of a public key, in hex. Finds a key; proves nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    pub fn of(key: &VerifyingKey) -> Self {
        Self(hex::encode(&Sha256::digest(key.as_bytes())[..8]))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key as people write it: 64 hex digits.
pub fn parse_public_key(text: &str) -> Result<VerifyingKey, KeyError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| KeyError)?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError)?;
    // A weak key verifies signatures that nobody made.
    if key.is_weak() {
        Err(KeyError)
    } else {
        Ok(key)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no Ed25519 public key: it has 64 hex digits")]
pub struct KeyError;

/// Whose signatures count.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: BTreeMap<KeyId, VerifyingKey>,
}

impl Keyring {
    pub fn new(keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        Self {
            keys: keys.into_iter().map(|k| (KeyId::of(&k), k)).collect(),
        }
    }
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
    pub fn contains(&self, id: &KeyId) -> bool {
        self.keys.contains_key(id)
    }
    fn get(&self, id: &KeyId) -> Option<&VerifyingKey> {
        self.keys.get(id)
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    v: u8,
    #[serde(rename = "type")]
    kind: String,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
struct Signature {
    key: KeyId,
    alg: String,
    #[serde(with = "serde_bytes")]
    sig: Vec<u8>,
}

const ALG: &str = "ed25519";

/// Why a document was not believed. Counted by name in the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Refusal {
    #[error("larger than this type of document may be")]
    TooLarge,
    #[error("not an envelope")]
    NotAnEnvelope,
    #[error("of a version this program does not speak")]
    UnknownVersion,
    #[error("of another type than its topic carries")]
    WrongType,
    #[error("not signed by a key that is trusted here")]
    NotSigned,
    #[error("signed, but its content cannot be read")]
    NotReadable,
    #[error("for somebody else")]
    WrongScope,
    #[error("older than what is known already")]
    Stale,
    #[error("its time is over, or its signer's")]
    Expired,
    #[error("signed and readable, but its content breaks a rule")]
    BreaksRule,
}

impl Refusal {
    /// One word for counters.
    pub fn word(self) -> &'static str {
        match self {
            Refusal::TooLarge => "too_large",
            Refusal::NotAnEnvelope => "not_an_envelope",
            Refusal::UnknownVersion => "unknown_version",
            Refusal::WrongType => "wrong_type",
            Refusal::NotSigned => "not_signed",
            Refusal::NotReadable => "not_readable",
            Refusal::WrongScope => "wrong_scope",
            Refusal::Stale => "stale",
            Refusal::Expired => "expired",
            Refusal::BreaksRule => "breaks_rule",
        }
    }
}

/// The bytes under a signature: `"loa/v1" 00 type 00 payload`. The zeros keep type and payload apart.
fn signed_bytes(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + kind.len() + 8);
    bytes.extend_from_slice(b"loa/v1\0");
    bytes.extend_from_slice(kind.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes)
        .expect("writing to memory does not fail, and our documents have no unserialisable part");
    bytes
}

/// Decodes exactly one CBOR value; trailing bytes are refused, so that no two byte strings mean the same.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, 32).ok()?;
    rest.is_empty().then_some(value)
}

/// Wraps and signs.
pub fn seal<D: Document>(document: &D, key: &SigningKey) -> Vec<u8> {
    let payload = encode(document);
    let signature = sign::<D>(&payload, key);
    wrap::<D>(payload, vec![signature])
}

/// Wraps, and signs when there is a key: what a speaker says about itself, enrolled or not.
pub fn seal_by<D: Document>(document: &D, key: Option<&SigningKey>) -> Vec<u8> {
    match key {
        Some(key) => seal(document, key),
        None => seal_unsigned(document),
    }
}

/// Wraps without a signature: what a speaker without a certificate says about itself. The line's own identity vouches
/// for it.
pub fn seal_unsigned<D: Document>(document: &D) -> Vec<u8> {
    wrap::<D>(encode(document), Vec::new())
}

fn wrap<D: Document>(payload: Vec<u8>, signatures: Vec<Signature>) -> Vec<u8> {
    encode(&Envelope {
        v: WIRE_VERSION,
        kind: D::TYPE.into(),
        payload,
        signatures,
    })
}

fn unwrap_envelope<D: Document>(bytes: &[u8]) -> Result<Envelope, Refusal> {
    if bytes.len() > D::MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    /// Read first, so that a future envelope is refused for its version and not for its shape.
    #[derive(Deserialize)]
    struct OnlyVersion {
        v: u8,
    }
    let version: OnlyVersion = decode(bytes).ok_or(Refusal::NotAnEnvelope)?;
    if version.v != WIRE_VERSION {
        return Err(Refusal::UnknownVersion);
    }
    let envelope: Envelope = decode(bytes).ok_or(Refusal::NotAnEnvelope)?;
    // One spelling only: the wrapper is not under the signature, so no part of it may be left to taste.
    if encode(&envelope) != bytes {
        return Err(Refusal::NotAnEnvelope);
    }
    if envelope.kind != D::TYPE {
        return Err(Refusal::WrongType);
    }
    Ok(envelope)
}

/// Opens a document that must bear a signature of one of `keys`.
pub fn open<D: Document>(bytes: &[u8], keys: &Keyring) -> Result<D, Refusal> {
    open_counted(bytes, keys).map(|(document, _)| document)
}

/// As [`open`], and says whose signatures are good: one at least.
pub fn open_counted<D: Document>(
    bytes: &[u8],
    keys: &Keyring,
) -> Result<(D, BTreeSet<KeyId>), Refusal> {
    let envelope = unwrap_envelope::<D>(bytes)?;
    if envelope.signatures.len() > D::MAX_SIGNATURES {
        return Err(Refusal::NotSigned);
    }
    let signed = signed_bytes(&envelope.kind, &envelope.payload);
    let is_good = |signature: &&Signature| {
        let key = keys.get(&signature.key).filter(|_| signature.alg == ALG);
        key.is_some_and(|key| {
            Ed25519::from_slice(&signature.sig)
                .is_ok_and(|sig| key.verify_strict(&signed, &sig).is_ok())
        })
    };
    let good: BTreeSet<KeyId> = envelope
        .signatures
        .iter()
        .filter(is_good)
        .map(|s| s.key.clone())
        .collect();
    if good.is_empty() {
        return Err(Refusal::NotSigned);
    }
    let document = decode(&envelope.payload).ok_or(Refusal::NotReadable)?;
    Ok((document, good))
}

/// Adds a further key's signature to a sealed document; one of that key that is there already is replaced.
pub fn countersign<D: Document>(bytes: &[u8], key: &SigningKey) -> Result<Vec<u8>, Refusal> {
    let mut envelope = unwrap_envelope::<D>(bytes)?;
    let id = KeyId::of(&key.verifying_key());
    envelope.signatures.retain(|s| s.key != id);
    if envelope.signatures.len() >= D::MAX_SIGNATURES {
        return Err(Refusal::BreaksRule);
    }
    envelope.signatures.push(sign::<D>(&envelope.payload, key));
    Ok(encode(&envelope))
}

fn sign<D: Document>(payload: &[u8], key: &SigningKey) -> Signature {
    Signature {
        key: KeyId::of(&key.verifying_key()),
        alg: ALG.into(),
        sig: key
            .sign(&signed_bytes(D::TYPE, payload))
            .to_bytes()
            .to_vec(),
    }
}

/// Opens a document for which the line's identity vouches.
pub fn open_unsigned<D: Document>(bytes: &[u8]) -> Result<D, Refusal> {
    decode(&unwrap_envelope::<D>(bytes)?.payload).ok_or(Refusal::NotReadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::ClockReply, head::Head, time::WallTime};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }
    fn reply() -> ClockReply {
        ClockReply {
            speaker: "ban-chuong-1".parse().expect("a good name"),
            nonce: 7,
            received: WallTime::from_micros(1),
            sent: WallTime::from_micros(2),
        }
    }

    #[test]
    fn what_the_office_signed_is_read_back() {
        let ring = Keyring::new([key(1).verifying_key()]);
        assert_eq!(
            open::<ClockReply>(&seal(&reply(), &key(1)), &ring),
            Ok(reply())
        );
    }

    #[test]
    fn a_strangers_signature_or_none_is_refused() {
        let ring = Keyring::new([key(1).verifying_key()]);
        for bytes in [seal(&reply(), &key(2)), seal_unsigned(&reply())] {
            assert_eq!(open::<ClockReply>(&bytes, &ring), Err(Refusal::NotSigned));
        }
        assert_eq!(
            open::<ClockReply>(&seal(&reply(), &key(1)), &Keyring::default()),
            Err(Refusal::NotSigned)
        );
    }

    #[test]
    fn a_signature_for_one_type_is_worth_nothing_for_another() {
        let ring = Keyring::new([key(1).verifying_key()]);
        let bytes = seal(&reply(), &key(1));
        assert_eq!(open::<Head>(&bytes, &ring), Err(Refusal::WrongType));
        // Relabelling does not help: the type is under the signature.
        let mut envelope: Envelope = decode(&bytes).expect("our own bytes");
        envelope.kind = Head::TYPE.into();
        assert_eq!(
            open::<Head>(&encode(&envelope), &ring),
            Err(Refusal::NotSigned)
        );
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let mut envelope: Envelope = decode(&seal_unsigned(&reply())).expect("our own bytes");
        envelope.v = 2;
        assert_eq!(
            open_unsigned::<ClockReply>(&encode(&envelope)),
            Err(Refusal::UnknownVersion)
        );
    }

    #[test]
    fn an_unknown_field_is_ignored() {
        #[derive(Serialize, Deserialize)]
        struct Tomorrow {
            speaker: String,
            nonce: u64,
            received: i64,
            sent: i64,
            leap: bool,
        }
        impl Document for Tomorrow {
            const TYPE: &'static str = ClockReply::TYPE;
            const MAX_BYTES: usize = 1024;
        }
        let bytes = seal_unsigned(&Tomorrow {
            speaker: "ban-chuong-1".into(),
            nonce: 7,
            received: 1,
            sent: 2,
            leap: true,
        });
        assert_eq!(open_unsigned::<ClockReply>(&bytes), Ok(reply()));
    }

    #[test]
    fn a_weak_key_is_no_key() {
        assert_eq!(parse_public_key(&"00".repeat(32)), Err(KeyError));
        let good = hex::encode(key(1).verifying_key().as_bytes());
        assert!(parse_public_key(&good).is_ok());
    }
}
