//! What a speaker sends to get a certificate (PKCS #10): only its key is taken, and only when it proves to have it.

use ed25519_dalek::{Signature, VerifyingKey};
use loa_protocol::envelope::parse_public_key;
use rustls::pki_types::{CertificateSigningRequestDer, pem::PemObject};
use x509_parser::{
    certification_request::X509CertificationRequest, oid_registry::OID_SIG_ED25519,
    prelude::FromDer,
};

/// Why no certificate is made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("it is no signing request (PKCS #10)")]
    Unreadable,
    #[error("its key is not of the one kind that speakers have, Ed25519")]
    Kind,
    #[error("it is not signed by its own key")]
    Signature,
}

/// The key that asks, out of PEM.
pub fn public_key_of_pem(pem: &str) -> Result<VerifyingKey, RequestError> {
    let request = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| RequestError::Unreadable)?;
    public_key(&request)
}

/// The key that asks. Subject and extensions are read by nobody: what a certificate says is the office's affair.
pub fn public_key(der: &[u8]) -> Result<VerifyingKey, RequestError> {
    let (rest, request) =
        X509CertificationRequest::from_der(der).map_err(|_| RequestError::Unreadable)?;
    if !rest.is_empty() {
        return Err(RequestError::Unreadable);
    }
    let info = &request.certification_request_info;
    let kinds = [
        &info.subject_pki.algorithm.algorithm,
        &request.signature_algorithm.algorithm,
    ];
    if kinds.iter().any(|kind| **kind != OID_SIG_ED25519) {
        return Err(RequestError::Kind);
    }
    let key = hex::encode(&info.subject_pki.subject_public_key.data);
    let key = parse_public_key(&key).map_err(|_| RequestError::Kind)?;
    let signature = Signature::from_slice(&request.signature_value.data)
        .map_err(|_| RequestError::Signature)?;
    key.verify_strict(info.raw, &signature)
        .map_err(|_| RequestError::Signature)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

    use super::*;

    fn asked(algorithm: &'static rcgen::SignatureAlgorithm) -> (KeyPair, Vec<u8>) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        // Wishes that nobody grants.
        let mut params = CertificateParams::new(["loa.controller".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::NoCa;
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let request = params.serialize_request(&key).unwrap();
        (key, request.der().to_vec())
    }

    #[test]
    fn only_the_key_is_taken_of_a_request() {
        let (key, der) = asked(&PKCS_ED25519);
        let read = public_key(&der).unwrap();
        assert_eq!(read.as_bytes(), key.public_key_raw());
    }

    #[test]
    fn what_is_not_signed_by_its_own_key_gets_nothing() {
        let (_, der) = asked(&PKCS_ED25519);
        let at = der.len() - 1;
        let mut forged = der.clone();
        forged[at] ^= 1;
        assert_eq!(public_key(&forged), Err(RequestError::Signature));
        let mut longer = der.clone();
        longer.push(0);
        assert_eq!(public_key(&longer), Err(RequestError::Unreadable));
        for n in 0..der.len() {
            assert!(public_key(&der[..n]).is_err(), "{n}");
        }
    }

    #[test]
    fn a_key_of_another_kind_gets_nothing() {
        let (_, der) = asked(&PKCS_ECDSA_P256_SHA256);
        assert_eq!(public_key(&der), Err(RequestError::Kind));
        assert_eq!(public_key_of_pem("xin chào"), Err(RequestError::Unreadable));
    }
}
