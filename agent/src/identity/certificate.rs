//! What is read from a certificate: whose it is, of which key, since when and until when; and whether an authority made it.

use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use loa_protocol::{id::SpeakerId, time::WallTime};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, UnixTime},
    server::WebPkiClientVerifier,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::logic::Life;

/// A speaker's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeakerCertificate {
    pub der: CertificateDer<'static>,
    pub speaker: SpeakerId,
    pub key: VerifyingKey,
    pub life: Life,
    /// Hex, as the office lists it.
    pub serial: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("this is no X.509 certificate")]
    NotOne,
    #[error("its name is no speaker's")]
    NotASpeakers,
    #[error("it is not for an Ed25519 key")]
    OtherKey,
    #[error("no authority of the office made it")]
    NotTheOffices,
}

impl SpeakerCertificate {
    /// Reads one, and asks only whether it is a speaker's.
    ///
    /// # Errors
    /// What it lacks.
    pub fn read(der: CertificateDer<'static>) -> Result<Self, CertificateError> {
        let parsed = parse(&der)?;
        let name = parsed.subject().iter_common_name().next();
        let speaker = name
            .and_then(|name| name.as_str().ok())
            .and_then(|name| SpeakerId::new(name).ok())
            .ok_or(CertificateError::NotASpeakers)?;
        let spki = parsed.public_key();
        // 1.3.101.112 is Ed25519 (RFC 8410).
        if spki.algorithm.algorithm.to_id_string() != "1.3.101.112" {
            return Err(CertificateError::OtherKey);
        }
        let key = <&[u8; 32]>::try_from(&*spki.subject_public_key.data)
            .ok()
            .and_then(|bytes| VerifyingKey::from_bytes(bytes).ok())
            .ok_or(CertificateError::OtherKey)?;
        let serial = hex::encode(unsigned(parsed.raw_serial()));
        let life = life_of(&parsed);
        Ok(Self {
            speaker,
            key,
            life,
            serial,
            der,
        })
    }

    /// Did one of these make it, for a speaker's end of the line? Dates are another question.
    ///
    /// # Errors
    /// When none did.
    pub fn check_made_by(
        &self,
        authorities: &[CertificateDer<'static>],
    ) -> Result<(), CertificateError> {
        let wrong = |_| CertificateError::NotTheOffices;
        let roots = store(authorities).ok_or(CertificateError::NotTheOffices)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|_| CertificateError::NotTheOffices)?;
        verifier
            .verify_client_cert(&self.der, &[], unix(self.life.made))
            .map_err(wrong)
            .map(drop)
    }
}

/// From when until when any certificate is good.
///
/// # Errors
/// When it is none.
pub fn life(der: &[u8]) -> Result<Life, CertificateError> {
    parse(der).map(|parsed| life_of(&parsed))
}

/// All of them as whom one believes; `None` when there is none, or one cannot be believed by anybody.
pub fn store(authorities: &[CertificateDer<'static>]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone()).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

/// As TLS counts time; before 1970 is 1970.
pub fn unix(at: WallTime) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_micros(
        u64::try_from(at.as_micros()).unwrap_or(0),
    ))
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, CertificateError> {
    match X509Certificate::from_der(der) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(CertificateError::NotOne),
    }
}

fn life_of(parsed: &X509Certificate<'_>) -> Life {
    let at = |time: x509_parser::time::ASN1Time| {
        WallTime::from_micros(time.timestamp().saturating_mul(1_000_000))
    };
    let validity = parsed.validity();
    Life {
        made: at(validity.not_before),
        expires: at(validity.not_after),
    }
}

/// DER writes a zero before a number whose first bit is set; the office does not list it.
fn unsigned(serial: &[u8]) -> &[u8] {
    match serial {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    }
}
