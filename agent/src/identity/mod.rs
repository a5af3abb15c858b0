//! Who this pole is: the key that was made on it, the certificate that the office gave it, and whom it believes.
//!
//! `identity/` in the data folder holds `key.pem` (it never leaves), `certificate.pem`, `authorities.pem` (who may be at the
//! other end of the line), `office.json` and `roots.cbor`. [`folder`] replaces all of it at once.

pub mod certificate;
pub mod folder;
mod judged;
pub mod keeper;
pub mod key;
pub mod line;
pub mod pem;
pub mod pinned;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ed25519_dalek::VerifyingKey;
use loa_protocol::{envelope::parse_public_key, id::SpeakerId};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::{
    certificate::{CertificateError, SpeakerCertificate},
    key::{Key, KeyError},
    pinned::Fingerprint,
};
use crate::config::parse_address;

/// The office as the enrolment told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Office {
    /// Of the broker: host and port.
    pub broker: (String, u16),
    /// What pins the first root document.
    pub root_key: VerifyingKey,
    /// Where its HTTPS is.
    pub url: String,
    /// Of that HTTPS.
    pub fingerprint: Fingerprint,
}

/// A checked identity.
#[derive(Debug)]
pub struct Identity {
    pub key: Arc<Key>,
    pub certificate: SpeakerCertificate,
    pub authorities: Vec<CertificateDer<'static>>,
    pub office: Office,
    /// Root documents, oldest first, to begin with.
    pub roots: Vec<Vec<u8>>,
}

#[derive(Debug, Error)]
pub enum IdentityError {
    #[error("{path}: {source}; may this user read it?")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} cannot be used: {why}; enrol this pole again")]
    Wrong { path: PathBuf, why: String },
}

/// Why an identity does not fit together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Misfit {
    #[error("the key: {0}")]
    Key(#[from] KeyError),
    #[error("the certificate: {0}")]
    Certificate(#[from] CertificateError),
    #[error("the certificate is not for this pole's key")]
    AnotherKey,
}

/// `office.json`.
#[derive(Serialize, Deserialize)]
struct OfficeFile {
    speaker: String,
    broker: String,
    root_key: String,
    office: String,
    fingerprint: String,
}

impl Identity {
    /// Puts together what belongs together: the certificate is for the key, and one of the authorities made it.
    ///
    /// # Errors
    /// What does not fit.
    pub fn new(
        key: Arc<Key>,
        certificate: CertificateDer<'static>,
        authorities: Vec<CertificateDer<'static>>,
        office: Office,
        roots: Vec<Vec<u8>>,
    ) -> Result<Self, Misfit> {
        let certificate = SpeakerCertificate::read(certificate)?;
        if certificate.key != key.public() {
            return Err(Misfit::AnotherKey);
        }
        certificate.check_made_by(&authorities)?;
        Ok(Self {
            key,
            certificate,
            authorities,
            office,
            roots,
        })
    }

    pub fn speaker(&self) -> &SpeakerId {
        &self.certificate.speaker
    }

    /// Reads and checks the one in `data_dir`; `None`: this pole is not enrolled.
    ///
    /// # Errors
    /// In words that say what to do.
    pub fn load(data_dir: &Path) -> Result<Option<Self>, IdentityError> {
        // A renewal may replace the files while they are read, one after the other; not twice in that time.
        Self::load_once(data_dir).or_else(|_| Self::load_once(data_dir))
    }

    fn load_once(data_dir: &Path) -> Result<Option<Self>, IdentityError> {
        let folder = folder::path(data_dir);
        let failed = |source| IdentityError::Read {
            path: folder.clone(),
            source,
        };
        if !folder::exists(data_dir).map_err(failed)? {
            return Ok(None);
        }
        let read = |name: &str| {
            folder::read(data_dir, name).map_err(|source| IdentityError::Read {
                path: folder.join(name),
                source,
            })
        };
        let wrong = |name: &str, why: String| IdentityError::Wrong {
            path: folder.join(name),
            why,
        };
        let key = Key::from_pem(&read(folder::KEY)?)
            .map_err(|error| wrong(folder::KEY, error.to_string()))?;
        let certificate = pem::one(&read(folder::CERTIFICATE)?)
            .ok_or_else(|| wrong(folder::CERTIFICATE, "it is not one certificate".into()))?;
        let authorities = pem::all(&read(folder::AUTHORITIES)?)
            .ok_or_else(|| wrong(folder::AUTHORITIES, "it has no certificate".into()))?;
        let told: OfficeFile = serde_json::from_slice(&read(folder::OFFICE)?)
            .map_err(|error| wrong(folder::OFFICE, error.to_string()))?;
        let speaker = told.speaker.clone();
        let office = told.check().map_err(|why| wrong(folder::OFFICE, why))?;
        let roots = match folder::read(data_dir, folder::ROOTS) {
            // What is missing comes over the line.
            Ok(bytes) => roots_of(&bytes).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let identity = Self::new(Arc::new(key), certificate, authorities, office, roots)
            .map_err(|misfit| wrong("", misfit.to_string()))?;
        if identity.speaker().as_str() != speaker {
            let why = "the certificate is another speaker's".into();
            return Err(wrong(folder::CERTIFICATE, why));
        }
        Ok(Some(identity))
    }

    /// Takes the place of the one in `data_dir`, durably.
    ///
    /// # Errors
    /// The disk's; then the one before is still there.
    pub fn store(&self, data_dir: &Path) -> io::Result<()> {
        let (host, port) = &self.office.broker;
        let told = OfficeFile {
            speaker: self.speaker().to_string(),
            broker: match host.contains(':') {
                true => format!("[{host}]:{port}"),
                false => format!("{host}:{port}"),
            },
            root_key: hex::encode(self.office.root_key.as_bytes()),
            office: self.office.url.clone(),
            fingerprint: self.office.fingerprint.to_string(),
        };
        let mut roots = Vec::new();
        let list: Vec<_> = self
            .roots
            .iter()
            .map(|r| ciborium::Value::Bytes(r.clone()))
            .collect();
        ciborium::into_writer(&ciborium::Value::Array(list), &mut roots)
            .map_err(io::Error::other)?;
        folder::replace(
            data_dir,
            &[
                (folder::KEY, self.key.to_pem().as_bytes()),
                (
                    folder::CERTIFICATE,
                    pem::write(std::slice::from_ref(&self.certificate.der)).as_bytes(),
                ),
                (
                    folder::AUTHORITIES,
                    pem::write(&self.authorities).as_bytes(),
                ),
                (folder::OFFICE, &serde_json::to_vec_pretty(&told)?),
                (folder::ROOTS, &roots),
            ],
        )
    }
}

impl OfficeFile {
    fn check(self) -> Result<Office, String> {
        Ok(Office {
            broker: parse_address(&self.broker)?,
            root_key: parse_public_key(&self.root_key).map_err(|e| e.to_string())?,
            url: self.office,
            fingerprint: self.fingerprint.parse().map_err(|e| format!("{e}"))?,
        })
    }
}

fn roots_of(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let list: ciborium::Value = ciborium::from_reader(bytes).ok()?;
    let list = list.into_array().ok()?;
    list.into_iter()
        .map(|root| root.into_bytes().ok())
        .collect()
}

/// `loa-agent identity`, a line for each thing that a person may have to compare with the office's list.
pub fn lines(identity: &Identity) -> Vec<String> {
    let certificate = &identity.certificate;
    let (host, port) = &identity.office.broker;
    [
        ("speaker", certificate.speaker.to_string()),
        ("serial", certificate.serial.clone()),
        (
            "good",
            format!(
                "from {} until {}",
                certificate.life.made, certificate.life.expires
            ),
        ),
        ("key", hex::encode(certificate.key.as_bytes())),
        ("root key", hex::encode(identity.office.root_key.as_bytes())),
        ("office", identity.office.url.clone()),
        ("fingerprint", identity.office.fingerprint.to_string()),
        ("broker", format!("{host}:{port}")),
    ]
    .into_iter()
    .map(|(name, what)| format!("{name:<12} {what}"))
    .collect()
}

#[cfg(test)]
pub mod tests;
