//! Identity: the office's own certificate authority, what it gives to speakers, and what stands behind every encrypted line.
//!
//! `authority` makes and keeps the CA and signs, `request` reads what a speaker sends, `code` makes the one-time codes,
//! `shown` holds what a server shows and changes it while it runs, `line` and `web` say what TLS demands on either side, and
//! `keeper` renews what runs out. Secrets lie in files of mode 0600 (`files`) and are in no log.

mod authority;
mod code;
mod enrolment;
mod files;
mod identity;
mod keeper;
mod line;
mod renewal;
mod request;
mod shown;
mod web;

use std::{io, path::PathBuf};

pub use authority::{Authority, CONTROLLER_LIFE_S, Issued, OFFICE_NAME, Pair, SPEAKER_LIFE_S};
pub use code::EnrolmentCode;
pub use enrolment::Enrolment;
pub use files::{write_private, write_public};
pub use identity::{Identity, server_names};
pub use keeper::{keep, refresh_revocations};
pub use line::{Peer, controller_config, line_config};
pub use renewal::{RenewalError, Renewed, renew};
pub use request::{RequestError, public_key, public_key_of_pem};
pub use shown::Shown;
pub use web::web_config;

/// Why there is no identity, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{path}: {says}", path = path.display())]
    Useless { path: PathBuf, says: String },
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("whom TLS believes: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// Every TLS of this program: ring, and nothing older than 1.3.
pub(crate) fn provider() -> std::sync::Arc<rustls::crypto::CryptoProvider> {
    std::sync::Arc::new(rustls::crypto::ring::default_provider())
}

/// SHA-256 in hex, of the DER of a certificate.
pub fn fingerprint(der: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(der))
}
