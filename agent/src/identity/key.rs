//! The key of this pole: made here, and it never leaves.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};
use rcgen::{CertificateParams, CertificateSigningRequest, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};

/// Where PKCS #8 has the 32 bytes of an Ed25519 key (RFC 8410, section 7; the same in both of its versions), and what
/// stands before them from the algorithm's name on.
const SEED: std::ops::Range<usize> = 16..48;
const BEFORE_SEED: (std::ops::Range<usize>, [u8; 9]) = (
    7..16,
    [0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20],
);

/// An Ed25519 key pair. It is shown to nobody: `Debug` has the public half only.
pub struct Key {
    pair: KeyPair,
    signing: SigningKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the system gives no chance to make a key from")]
    NoChance,
    #[error("this is no Ed25519 key in PKCS #8")]
    NotAKey,
    #[error("no request can be made with this key")]
    NoRequest,
}

impl Key {
    /// # Errors
    /// When the system has no chance to give.
    pub fn make() -> Result<Self, KeyError> {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(|_| KeyError::NoChance)?;
        Self::of(pair)
    }

    /// # Errors
    /// When it is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| KeyError::NotAKey)?;
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ED25519);
        Self::of(pair.map_err(|_| KeyError::NotAKey)?)
    }

    fn of(pair: KeyPair) -> Result<Self, KeyError> {
        let der = pair.serialized_der();
        let (place, before) = BEFORE_SEED;
        if der.get(place) != Some(&before[..]) {
            return Err(KeyError::NotAKey);
        }
        let seed: &[u8; 32] = der
            .get(SEED)
            .and_then(|seed| seed.try_into().ok())
            .ok_or(KeyError::NotAKey)?;
        let signing = SigningKey::from_bytes(seed);
        // Also guards the places above: both halves must be of one key.
        if signing.verifying_key().as_bytes()[..] != *pair.public_key_raw() {
            return Err(KeyError::NotAKey);
        }
        Ok(Self { pair, signing })
    }

    pub fn to_pem(&self) -> String {
        self.pair.serialize_pem()
    }

    /// Signs what the pole says.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    pub fn public(&self) -> VerifyingKey {
        self.signing.verifying_key()
    }

    /// For TLS.
    pub fn for_tls(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pair.serialized_der().to_vec()).into()
    }

    /// A request for a certificate of this key; the office decides what it will say. `name`: the speaker, where it knows.
    ///
    /// # Errors
    /// Does not happen with a key that was made.
    pub fn request(&self, name: Option<&str>) -> Result<CertificateSigningRequest, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        params
            .serialize_request(&self.pair)
            .map_err(|_| KeyError::NoRequest)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key")
            .field(&hex::encode(self.public().as_bytes()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_as_it_was_made_and_shown_to_nobody() {
        let key = Key::make().expect("a key");
        let pem = key.to_pem();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"), "{pem}");
        let back = Key::from_pem(pem.as_bytes()).expect("the same key");
        assert_eq!(back.public(), key.public());
        let secret = hex::encode(key.signing().as_bytes());
        assert!(!format!("{key:?}").contains(&secret));
        assert_ne!(Key::make().expect("another").public(), key.public());
    }

    #[test]
    fn what_is_no_key_is_none() {
        let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("P-256");
        for pem in ["", "no key", &other.serialize_pem()] {
            assert_eq!(
                Key::from_pem(pem.as_bytes()).expect_err("no key"),
                KeyError::NotAKey
            );
        }
    }

    #[test]
    fn a_request_bears_this_key_and_a_good_signature() {
        let key = Key::make().expect("a key");
        let request = key.request(Some("ban-chuong-1")).expect("a request");
        let read = rcgen::CertificateSigningRequestParams::from_der(request.der())
            .expect("rcgen checks the signature");
        assert_eq!(
            rcgen::PublicKeyData::der_bytes(&read.public_key),
            key.public().as_bytes()
        );
    }
}
