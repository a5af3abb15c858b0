//! A phone's passkey, as far as WebAuthn shows of it: real ES256 signatures, made by ring.

use loa_protocol::endorsement::Assertion;
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};

#[derive(Debug)]
pub struct Authenticator {
    key: EcdsaKeyPair,
    pub credential: Vec<u8>,
}

/// All that a browser and an authenticator put into an assertion.
#[derive(Clone, Debug)]
pub struct Says {
    pub kind: &'static str,
    pub origin: String,
    pub relying_party: String,
    pub flags: u8,
    pub counter: u32,
    /// Put behind the challenge in the client data.
    pub extra: &'static str,
}

impl Says {
    /// An honest browser on the office's own page.
    pub fn at(relying_party: &str) -> Self {
        Self {
            kind: "webauthn.get",
            origin: format!("https://{relying_party}"),
            relying_party: relying_party.into(),
            flags: 0x05,
            counter: 7,
            extra: "",
        }
    }
    pub fn client_data(&self, challenge: &[u8]) -> Vec<u8> {
        let Self {
            kind,
            origin,
            extra,
            ..
        } = self;
        let challenge = base64url(challenge);
        format!(
            r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false{extra}}}"#
        )
        .into_bytes()
    }
    pub fn authenticator_data(&self) -> Vec<u8> {
        let mut data = digest(&SHA256, self.relying_party.as_bytes())
            .as_ref()
            .to_vec();
        data.push(self.flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

impl Authenticator {
    pub fn new(name: &str) -> Self {
        let chance = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &chance).unwrap();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &chance);
        Self {
            key: key.unwrap(),
            credential: format!("credential of {name}").into_bytes(),
        }
    }

    /// The uncompressed point.
    pub fn public_key(&self) -> Vec<u8> {
        self.key.public_key().as_ref().to_vec()
    }

    pub fn signs(&self, challenge: &[u8], says: &Says) -> Assertion {
        let client_data = says.client_data(challenge);
        let authenticator_data = says.authenticator_data();
        let mut signed = authenticator_data.clone();
        signed.extend_from_slice(digest(&SHA256, &client_data).as_ref());
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        Assertion {
            credential: self.credential.clone(),
            authenticator_data,
            client_data,
            signature: signature.as_ref().to_vec(),
        }
    }

    /// What `navigator.credentials.create` gives: the attestation object (of format "none").
    pub fn attestation(&self, says: &Says) -> Vec<u8> {
        let mut data = says.authenticator_data();
        data.extend([0; 16]);
        data.extend((self.credential.len() as u16).to_be_bytes());
        data.extend(&self.credential);
        let public = self.public_key();
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&public[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&public[33..]);
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x59");
        object.extend((data.len() as u16).to_be_bytes());
        object.extend(data);
        object
    }
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let mut number = 0u32;
        for at in 0..3 {
            number = number << 8 | u32::from(three.get(at).copied().unwrap_or(0));
        }
        for at in 0..=three.len() {
            let digit = number >> (18 - 6 * at) & 63;
            text.push(char::from(DIGITS[digit as usize]));
        }
    }
    text
}
