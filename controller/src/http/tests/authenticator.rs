//! A phone that makes real passkeys (ES256) and signs with them, as a browser hands it on.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::{Value as Cbor, cbor};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::chance;

/// Where the tests' office has its app.
pub const ORIGIN: &str = "http://localhost:8080";
/// User present and verified.
const HERE: u8 = 0x05;
const ATTESTED: u8 = 0x40;

pub struct Phone {
    key: EcdsaKeyPair,
    credential: Vec<u8>,
    /// How often it signed; `None`: it does not count, as most phones.
    pub counter: Option<u32>,
    pub origin: &'static str,
    pub flags: u8,
}

pub fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn client_data(kind: &str, challenge: &str, origin: &str) -> Vec<u8> {
    json!({ "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false })
        .to_string()
        .into_bytes()
}

impl Phone {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let of = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(of, &random).expect("a key");
        Self {
            key: EcdsaKeyPair::from_pkcs8(of, pkcs8.as_ref(), &random).expect("the key"),
            credential: chance::bytes::<20>().to_vec(),
            counter: None,
            origin: ORIGIN,
            flags: HERE,
        }
    }

    pub fn credential(&self) -> String {
        b64(&self.credential)
    }

    fn authenticator_data(&self, relying_party: &str, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(relying_party.as_bytes()).to_vec();
        data.push(flags);
        data.extend(self.counter.unwrap_or(0).to_be_bytes());
        data
    }

    /// What `navigator.credentials.create` gives for this challenge (as the office wrote it), ready to be sent.
    pub fn register(&self, asked: &Value, name: &str) -> Value {
        let challenge = asked["challenge"].as_str().expect("a challenge");
        let party = asked["relying_party"].as_str().expect("a relying party");
        let mut data = self.authenticator_data(party, self.flags | ATTESTED);
        data.extend([0; 16]);
        data.extend((self.credential.len() as u16).to_be_bytes());
        data.extend(&self.credential);
        let point = self.key.public_key().as_ref();
        let key = Cbor::Map(vec![
            (1.into(), 2.into()),
            (3.into(), (-7).into()),
            ((-1).into(), 1.into()),
            ((-2).into(), Cbor::Bytes(point[1..33].to_vec())),
            ((-3).into(), Cbor::Bytes(point[33..].to_vec())),
        ]);
        ciborium::into_writer(&key, &mut data).expect("into memory");
        let object = cbor!({ "fmt" => "none", "attStmt" => {}, "authData" => Cbor::Bytes(data) });
        let mut bytes = Vec::new();
        ciborium::into_writer(&object.expect("CBOR"), &mut bytes).expect("into memory");
        let client = client_data("webauthn.create", challenge, self.origin);
        json!({ "name": name, "attestation_object": b64(&bytes), "client_data": b64(&client) })
    }

    /// What `navigator.credentials.get` gives.
    pub fn sign(&mut self, asked: &Value) -> Value {
        let challenge = asked["challenge"].as_str().expect("a challenge").to_owned();
        let party = asked["relying_party"].as_str().expect("a relying party");
        self.sign_for(&challenge, party)
    }

    pub fn sign_for(&mut self, challenge: &str, relying_party: &str) -> Value {
        self.counter = self.counter.map(|count| count + 1);
        let data = self.authenticator_data(relying_party, self.flags);
        let client = client_data("webauthn.get", challenge, self.origin);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client));
        let signature = self.key.sign(&SystemRandom::new(), &signed);
        json!({
            "credential": self.credential(),
            "authenticator_data": b64(&data),
            "client_data": b64(&client),
            "signature": b64(signature.expect("a signature").as_ref()),
        })
    }
}
