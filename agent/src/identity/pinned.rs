//! The office's HTTPS, known by the fingerprint on the sticker and by nothing else.

use std::{fmt, str::FromStr, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, Error,
    client::{
        WebPkiServerVerifier,
        danger::{ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use sha2::{Digest, Sha256};

use super::{
    certificate::{life, store, unix},
    judged::{Judge, client},
    line::OFFICE_NAME,
};
use crate::clock;

/// The SHA-256 of a certificate's DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no fingerprint: it has 64 hex digits")]
pub struct FingerprintError;

impl Fingerprint {
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }
}
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Fingerprint {
    type Err = FingerprintError;
    /// Colons and spaces between the digits are how other programs show one.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ':')
            .collect();
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| FingerprintError)?;
        Ok(Self(bytes))
    }
}

/// Whom a connection to the office's HTTPS is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Only the office of this fingerprint.
    Office(Fingerprint),
    /// Anybody: what is asked is no secret, and the answer proves itself.
    AnyAnswer,
}

/// How to reach an office of which this is expected.
///
/// # Errors
/// Does not happen: `ring` speaks TLS 1.3.
pub fn client_config(expect: Expect) -> Result<ClientConfig, Error> {
    Ok(client(expect)?.with_no_client_auth())
}

impl Expect {
    /// The leaf itself, or an authority of the chain that made the leaf. Dates are not judged: a pole that enrols may have
    /// a clock that was never set.
    fn is_expected(&self, leaf: &CertificateDer<'_>, chain: &[CertificateDer<'_>]) -> bool {
        let Expect::Office(fingerprint) = *self else {
            return true;
        };
        if Fingerprint::of(leaf) == fingerprint {
            return true;
        }
        let authority = chain.iter().find(|c| Fingerprint::of(c) == fingerprint);
        let (Some(authority), Ok(life)) = (authority, life(leaf)) else {
            return false;
        };
        let Some(roots) = store(&[authority.clone().into_owned()]) else {
            return false;
        };
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let (Ok(verifier), Ok(name)) = (verifier, ServerName::try_from(OFFICE_NAME)) else {
            return false;
        };
        let now = unix(life.nearest(clock::system()));
        verifier
            .verify_server_cert(leaf, chain, &name, &[], now)
            .is_ok()
    }
}

impl Judge for Expect {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
    ) -> Result<ServerCertVerified, Error> {
        if self.is_expected(leaf, chain) {
            Ok(ServerCertVerified::assertion())
        } else {
            // `office_http` tells of this as "another office".
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }
}
