//! WebAuthn as Loa uses it: passkeys with ES256, no attestation. The same code on the office and on the pole.
//!
//! W3C Web Authentication Level 2, sections 6.1 (authenticator data), 7.1 (registration) and 7.2 (assertion).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::endorsement::Assertion;

/// Bounds on what a browser may give, in bytes.
pub const MAX_CLIENT_DATA: usize = 4 * 1024;
pub const MAX_AUTHENTICATOR_DATA: usize = 4 * 1024;
pub const MAX_CREDENTIAL: usize = 1023;
pub const MAX_ATTESTATION: usize = 16 * 1024;

/// Why a passkey's word does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    #[error("what the browser gave is not of the form that WebAuthn demands")]
    Form,
    #[error("it was signed for something else")]
    Challenge,
    #[error("it was signed on another site's page")]
    Origin,
    #[error("nobody was there to touch the key, or to prove who it is")]
    Presence,
    #[error("the signature is not this passkey's")]
    Signature,
    #[error("this kind of key is not taken: ES256 only")]
    Algorithm,
}

/// What the word must be about.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The bytes that were to be signed.
    pub challenge: &'a [u8],
    /// The relying party id: a host name.
    pub relying_party: &'a str,
}

/// A passkey that somebody just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub credential: Vec<u8>,
    /// The uncompressed point on P-256, 65 bytes.
    pub key: Vec<u8>,
    pub counter: u32,
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

/// What a browser says that was signed, and on which page. Nothing of it is proven before [`verify`] or [`register`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub challenge: Vec<u8>,
    /// Scheme, host and port where it is not the usual one.
    pub origin: String,
}

/// Reads client data, to find out which challenge is answered.
pub fn said(client_data: &[u8]) -> Result<Said, PasskeyError> {
    let data = read_client_data(client_data)?;
    let challenge = URL_SAFE_NO_PAD.decode(&data.challenge);
    Ok(Said {
        challenge: challenge.map_err(|_| PasskeyError::Form)?,
        origin: data.origin,
    })
}

fn read_client_data(bytes: &[u8]) -> Result<ClientData, PasskeyError> {
    if bytes.len() > MAX_CLIENT_DATA {
        return Err(PasskeyError::Form);
    }
    serde_json::from_slice(bytes).map_err(|_| PasskeyError::Form)
}

fn check_client_data(bytes: &[u8], kind: &str, expected: Expected<'_>) -> Result<(), PasskeyError> {
    let data = read_client_data(bytes)?;
    if data.kind != kind {
        return Err(PasskeyError::Form);
    }
    if data.challenge != URL_SAFE_NO_PAD.encode(expected.challenge) {
        return Err(PasskeyError::Challenge);
    }
    if data.cross_origin || !is_of(&data.origin, expected.relying_party) {
        return Err(PasskeyError::Origin);
    }
    Ok(())
}

/// Is this origin the relying party's host, or one below it, and a secure context?
fn is_of(origin: &str, relying_party: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) {
                host
            } else {
                authority
            }
        });
    let below = host
        .strip_suffix(relying_party)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    // A browser never gives more than a host here; whoever does wants to be misread.
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    let secure = scheme == "https" || (scheme == "http" && host == "localhost");
    !relying_party.is_empty() && below && secure && host.bytes().all(is_host)
}

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// The first 37 bytes: hash of the relying party, flags, counter.
fn check_authenticator_data(bytes: &[u8], expected: Expected<'_>) -> Result<u32, PasskeyError> {
    if bytes.len() < 37 || bytes.len() > MAX_AUTHENTICATOR_DATA {
        return Err(PasskeyError::Form);
    }
    if bytes[..32] != Sha256::digest(expected.relying_party.as_bytes())[..] {
        return Err(PasskeyError::Origin);
    }
    // A passkey that anybody can use who finds the phone is no proof: the person, too, must have been verified.
    if bytes[32] & (PRESENT | VERIFIED) != PRESENT | VERIFIED {
        return Err(PasskeyError::Presence);
    }
    Ok(u32::from_be_bytes([
        bytes[33], bytes[34], bytes[35], bytes[36],
    ]))
}

/// Checks an assertion of the passkey whose public key (65 bytes, uncompressed) is given; gives its counter.
pub fn verify(
    assertion: &Assertion,
    key: &[u8],
    expected: Expected<'_>,
) -> Result<u32, PasskeyError> {
    check_client_data(&assertion.client_data, "webauthn.get", expected)?;
    let counter = check_authenticator_data(&assertion.authenticator_data, expected)?;
    let mut signed = assertion.authenticator_data.clone();
    signed.extend_from_slice(&Sha256::digest(&assertion.client_data));
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
        .verify(&signed, &assertion.signature)
        .map_err(|_| PasskeyError::Signature)?;
    Ok(counter)
}

/// Reads a new passkey out of what `navigator.credentials.create` gave. What it says of its maker is not looked at.
pub fn register(
    attestation_object: &[u8],
    client_data: &[u8],
    expected: Expected<'_>,
) -> Result<Registered, PasskeyError> {
    check_client_data(client_data, "webauthn.create", expected)?;
    if attestation_object.len() > MAX_ATTESTATION {
        return Err(PasskeyError::Form);
    }
    let object: Value = ciborium::de::from_reader_with_recursion_limit(attestation_object, 8)
        .map_err(|_| PasskeyError::Form)?;
    let data = object
        .as_map()
        .and_then(|map| map.iter().find(|(k, _)| k.as_text() == Some("authData")))
        .and_then(|(_, v)| v.as_bytes())
        .ok_or(PasskeyError::Form)?;
    let counter = check_authenticator_data(data, expected)?;
    if data[32] & ATTESTED == 0 {
        return Err(PasskeyError::Form);
    }
    // After the counter: 16 bytes of the maker's, two of length, the credential's id, its key as COSE.
    let length = data.get(53..55).ok_or(PasskeyError::Form)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if !(1..=MAX_CREDENTIAL).contains(&length) {
        return Err(PasskeyError::Form);
    }
    let credential = data
        .get(55..55 + length)
        .ok_or(PasskeyError::Form)?
        .to_vec();
    let mut rest = &data[55 + length..];
    let cose: Value = ciborium::de::from_reader_with_recursion_limit(&mut rest, 4)
        .map_err(|_| PasskeyError::Form)?;
    Ok(Registered {
        credential,
        key: es256(&cose)?,
        counter,
    })
}

/// RFC 9053: kty EC2 (1: 2), alg ES256 (3: -7), crv P-256 (-1: 1), x (-2) and y (-3).
fn es256(cose: &Value) -> Result<Vec<u8>, PasskeyError> {
    let map = cose.as_map().ok_or(PasskeyError::Form)?;
    let get = |label: i64| {
        map.iter()
            .find(|(k, _)| {
                k.as_integer()
                    .is_some_and(|k| i128::from(k) == i128::from(label))
            })
            .map(|(_, v)| v)
    };
    let number = |label| {
        get(label)
            .and_then(Value::as_integer)
            .map(i128::from)
            .ok_or(PasskeyError::Algorithm)
    };
    if (number(1)?, number(3)?, number(-1)?) != (2, -7, 1) {
        return Err(PasskeyError::Algorithm);
    }
    let mut key = vec![4];
    for label in [-2, -3] {
        let part = get(label)
            .and_then(Value::as_bytes)
            .filter(|b| b.len() == 32);
        key.extend_from_slice(part.ok_or(PasskeyError::Form)?);
    }
    Ok(key)
}
