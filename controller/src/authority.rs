//! Who makes the speakers' certificates, as its own certificate says: to be shown, and compared with what a sticker says.

use std::{
    io,
    path::{Path, PathBuf},
};

use loa_protocol::time::WallTime;
use sha2::{Digest, Sha256};
use x509_parser::pem::parse_x509_pem;

/// The certificate's file in the data directory.
const FILE: &str = "ca.pem";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// SHA-256 of the DER, 64 hex digits.
    pub fingerprint: String,
    pub expires: WallTime,
}

#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}", path = path.display())]
pub struct AuthorityError {
    path: PathBuf,
    what: String,
}

/// `None`: there is none yet.
pub async fn read(data_dir: &Path) -> Result<Option<Authority>, AuthorityError> {
    let path = data_dir.join(FILE);
    let wrong = |what: String| AuthorityError {
        path: path.clone(),
        what,
    };
    let pem = match tokio::fs::read(&path).await {
        Ok(pem) => pem,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let (_, pem) = parse_x509_pem(&pem).map_err(|error| wrong(error.to_string()))?;
    let certificate = pem.parse_x509().map_err(|error| wrong(error.to_string()))?;
    let ends_s = certificate.validity().not_after.timestamp();
    Ok(Some(Authority {
        fingerprint: hex::encode(Sha256::digest(&pem.contents)),
        expires: WallTime::EPOCH.plus_s(ends_s),
    }))
}
