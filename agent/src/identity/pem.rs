//! Certificates in files, as people look at them.

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, pem::PemObject};

/// More authorities than an office ever has at one time.
const MAX: usize = 8;

/// Exactly one.
pub fn one(pem: &[u8]) -> Option<CertificateDer<'static>> {
    match <[_; 1]>::try_from(all(pem)?) {
        Ok([only]) => Some(only),
        Err(_) => None,
    }
}

/// One at least.
pub fn all(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .take(MAX + 1)
        .collect::<Result<_, _>>()
        .ok()?;
    (1..=MAX).contains(&all.len()).then_some(all)
}

/// RFC 7468.
pub fn write(certificates: &[CertificateDer<'_>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = STANDARD.encode(certificate);
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}
