//! Identities as poles have them, without a pole: enrolled through the office's API, or made as a stranger would have them made.

use std::{io, sync::Arc};

use ed25519_dalek::VerifyingKey;
use loa_agent::{
    enrol::{self, Sticker},
    identity::{
        Identity,
        key::Key,
        line::{self, KnownTime},
    },
};
use loa_controller::pki::{Authority, Issued};
use loa_protocol::{id::SpeakerId, time::WallTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use serde_json::json;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    clock::now_us,
    mqtt::{Client, Hello, dial},
    office::Office,
};

/// Adds a speaker to the office; gives its id.
#[track_caller]
pub fn add_speaker(office: &Office, area: &str, name: &str) -> String {
    let made = office
        .api
        .post("/speakers", &json!({"name": name, "area": area}));
    made["id"].as_str().expect("the speaker's id").to_owned()
}

/// The text of a sticker for this speaker, new.
#[track_caller]
pub fn sticker(office: &Office, speaker: &str) -> String {
    let path = format!("/speakers/{speaker}/enrolment");
    let given = office.api.post(&path, &json!({}));
    given["text"].as_str().expect("its text").to_owned()
}

/// Enrols this speaker as its agent would, into a folder that is gone then.
#[track_caller]
pub fn enrolled(office: &Office, speaker: &str) -> Arc<Identity> {
    let sticker = Sticker::read(&sticker(office, speaker), None, None).expect("a sticker");
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (identity, _) = runtime
        .block_on(enrol::enrol(&sticker, folder.path()))
        .unwrap_or_else(|error| panic!("{speaker} is not enrolled: {error}"));
    Arc::new(identity)
}

/// A certificate of the office's own authority that the office knows nothing of, from and until so many seconds from now.
#[track_caller]
pub fn issued(office: &Office, speaker: &str, key: &VerifyingKey, life_s: (i64, i64)) -> Issued {
    let now = WallTime::from_micros(now_us());
    let authority = Authority::open(&office.data_dir(), now).expect("the office's authority");
    let speaker: SpeakerId = speaker.parse().expect("a good name");
    authority
        .speaker_until(&speaker, key, now.plus_s(life_s.0), now.plus_s(life_s.1))
        .expect("a certificate")
}

/// The pole's own configuration of the line.
pub fn as_pole(identity: &Identity) -> ClientConfig {
    line::client_config(identity, Arc::new(KnownTime::default())).expect("it can be used")
}

/// Somebody who takes any broker, with this certificate or none.
pub fn as_stranger(shown: Option<(CertificateDer<'static>, &Key)>) -> ClientConfig {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    match shown {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => config
            .with_client_auth_cert(vec![certificate], key.for_tls())
            .expect("the key is its own"),
    }
}

/// # Errors
/// When the broker's end does not shake hands.
pub async fn shake_hands(
    port: u16,
    config: &Arc<ClientConfig>,
) -> io::Result<TlsStream<tokio::net::TcpStream>> {
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    TlsConnector::from(Arc::clone(config))
        .connect(name, dial(port).await?)
        .await
}

/// MQTT over TLS as this speaker says it is.
///
/// # Errors
/// When it is not let in.
pub async fn connect(port: u16, config: &Arc<ClientConfig>, speaker: &str) -> io::Result<Client> {
    let hello = Hello {
        client_id: speaker,
        user: speaker,
        password: None,
    };
    Client::open(shake_hands(port, config).await?, hello).await
}

/// Believes whoever answers: a stranger does not mind.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
