//! What the line demands of whoever connects: TLS 1.3, and a certificate of the office's authority that stands on the roster.

use std::sync::Arc;

use loa_protocol::id::SpeakerId;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        NoServerSessionStorage, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::TLS13,
};
use x509_parser::parse_x509_certificate;

use super::{Authority, OFFICE_NAME, PkiError, Shown, provider};
use crate::broker::Roster;

/// Whom a certificate names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    pub speaker: String,
    /// Hex.
    pub serial: String,
}

impl Peer {
    /// `None` when it is no certificate that the office makes for speakers.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (_, read) = parse_x509_certificate(certificate).ok()?;
        let mut names = read.subject().iter_common_name();
        let (name, further) = (names.next()?.as_str().ok()?, names.next());
        let speaker = SpeakerId::new(name).ok().filter(|_| further.is_none())?;
        Some(Self {
            speaker: speaker.to_string(),
            serial: hex::encode(read.raw_serial()),
        })
    }
}

/// For the broker's front. Sessions are not resumed: each connection proves anew who it is.
pub fn line_config(
    authority: &Authority,
    roster: Roster,
    shown: Arc<Shown>,
) -> Result<Arc<ServerConfig>, PkiError> {
    let chain =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots(authority)?), provider())
            .build()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(OnTheRoster { chain, roster }))
        .with_cert_resolver(shown);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// For the controller's own connection to a broker elsewhere, which shows a certificate of this authority.
pub fn controller_config(
    authority: &Authority,
    shown: Arc<Shown>,
) -> Result<Arc<ClientConfig>, PkiError> {
    let chain =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots(authority)?), provider())
            .build()?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TheOffice { chain }))
        .with_client_cert_resolver(shown);
    Ok(Arc::new(config))
}

fn roots(authority: &Authority) -> Result<RootCertStore, PkiError> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone())?;
    Ok(roots)
}

/// A good chain, and a serial that holds.
#[derive(Debug)]
struct OnTheRoster {
    chain: Arc<dyn ClientCertVerifier>,
    roster: Roster,
}

impl ClientCertVerifier for OnTheRoster {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(certificate, above, now)?;
        match Peer::of(certificate) {
            Some(peer) if self.roster.admits(&peer) => Ok(verified),
            _ => Err(CertificateError::Revoked.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Believes the office under its own name, whatever the address.
#[derive(Debug)]
struct TheOffice {
    chain: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for TheOffice {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let office = ServerName::try_from(OFFICE_NAME)
            .map_err(|_| Error::General("the office's name is no name".into()))?;
        self.chain
            .verify_server_cert(certificate, above, &office, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
