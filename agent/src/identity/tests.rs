//! An office in a test's memory, and the poles that it enrols.

use std::sync::Arc;

use loa_protocol::time::WallTime;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, PublicKeyData, SerialNumber, SignatureAlgorithm,
};
use rustls::pki_types::CertificateDer;

use super::{
    Identity, Misfit, Office,
    certificate::{CertificateError, SpeakerCertificate},
    folder,
    key::Key,
    pinned::Fingerprint,
};

/// Who makes certificates.
#[allow(missing_debug_implementations, reason = "it holds a key")]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// An Ed25519 public key for rcgen.
struct Public([u8; 32]);

impl PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

impl Authority {
    #[allow(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "an office");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("it signs itself"))
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A speaker's certificate for this key, from the year 2026 to 2027.
    pub fn certify(&self, key: &Key, speaker: &str) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, speaker);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        params.serial_number = Some(SerialNumber::from_slice(&[0xab; 16]));
        let public = Public(*key.public().as_bytes());
        params
            .signed_by(&public, &self.0)
            .expect("it signs")
            .der()
            .clone()
    }

    /// The office's end of a line: a certificate of these dates for this name, and its key.
    pub fn serve(&self, name: &str, years: (i32, i32)) -> (CertificateDer<'static>, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("it signs");
        (certificate.der().clone(), key)
    }

    pub fn enrol(&self, speaker: &str) -> Identity {
        let key = Arc::new(Key::make().expect("a key"));
        let certificate = self.certify(&key, speaker);
        Identity::new(
            key,
            certificate,
            vec![self.der()],
            office(self),
            vec![b"root".to_vec()],
        )
        .expect("it fits together")
    }
}

fn office(authority: &Authority) -> Office {
    Office {
        broker: ("loa.xa.vn".into(), 8883),
        root_key: Key::make().expect("a key").public(),
        url: "https://loa.xa.vn".into(),
        fingerprint: Fingerprint::of(&authority.der()),
    }
}

/// Of a pole that some office enrolled.
pub fn identity(speaker: &str) -> Identity {
    Authority::new().enrol(speaker)
}

#[test]
fn a_certificate_says_whose_it_is_and_until_when() {
    let authority = Authority::new();
    let key = Key::make().expect("a key");
    let read = SpeakerCertificate::read(authority.certify(&key, "ban-chuong-1")).expect("one");
    assert_eq!(read.speaker.as_str(), "ban-chuong-1");
    assert_eq!(read.key, key.public());
    assert_eq!(read.serial, "ab".repeat(16));
    assert_eq!(read.life.made.to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(read.life.expires.to_string(), "2027-01-01T00:00:00Z");
    let before = WallTime::EPOCH;
    assert_eq!(read.life.nearest(before), read.life.made);
    assert_eq!(read.check_made_by(&[authority.der()]), Ok(()));
    assert_eq!(
        read.check_made_by(&[Authority::new().der()]),
        Err(CertificateError::NotTheOffices)
    );
}

#[test]
fn what_does_not_belong_together_is_no_identity() {
    let authority = Authority::new();
    let (key, other) = (Key::make().expect("a key"), Key::make().expect("another"));
    let certificate = authority.certify(&other, "ban-chuong-1");
    let of = |key, certificate, by: &Authority| {
        Identity::new(
            Arc::new(key),
            certificate,
            vec![by.der()],
            office(by),
            vec![],
        )
        .map(|_| ())
    };
    assert_eq!(
        of(key, certificate.clone(), &authority),
        Err(Misfit::AnotherKey)
    );
    assert!(matches!(
        of(other, certificate, &Authority::new()),
        Err(Misfit::Certificate(CertificateError::NotTheOffices))
    ));
    let nameless = Key::make().expect("a key");
    let certificate = authority.certify(&nameless, "Bản Chương");
    assert!(matches!(
        of(nameless, certificate, &authority),
        Err(Misfit::Certificate(CertificateError::NotASpeakers))
    ));
}

#[test]
fn an_identity_is_read_back_from_disk_as_it_was_and_shows_no_secret() {
    let data = tempfile::tempdir().expect("a folder");
    assert!(Identity::load(data.path()).expect("readable").is_none());
    let identity = identity("ban-chuong-1");
    identity.store(data.path()).expect("written");
    let back = Identity::load(data.path()).expect("right").expect("there");
    assert_eq!(back.certificate, identity.certificate);
    assert_eq!(back.office, identity.office);
    assert_eq!(back.roots, identity.roots);
    assert_eq!(back.key.public(), identity.key.public());
    let secret = hex::encode(identity.key.signing().as_bytes());
    assert!(!format!("{back:?}").contains(&secret));
    let told = super::lines(&back).join("\n");
    assert!(
        told.contains(&"ab".repeat(16)) && !told.contains(&secret),
        "{told}"
    );
}

#[test]
fn a_broken_identity_is_named_with_what_to_do() {
    let data = tempfile::tempdir().expect("a folder");
    identity("ban-chuong-1")
        .store(data.path())
        .expect("written");
    let file = folder::path(data.path()).join(folder::CERTIFICATE);
    std::fs::write(&file, "half").expect("spoilt");
    let error = Identity::load(data.path()).expect_err("spoilt").to_string();
    assert!(
        error.contains("certificate.pem") && error.contains("enrol"),
        "{error}"
    );
}

mod tls {
    use std::sync::Arc;

    use loa_protocol::time::{Moment, Trust, WallTime};
    use rcgen::KeyPair;
    use rustls::{
        ClientConfig, ServerConfig,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName},
    };
    use tokio::io::AsyncWriteExt;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;
    use crate::identity::{
        line::{self, Distrust, KnownTime},
        pinned::{self, Expect},
    };

    /// Does a pole with this configuration go through with it when this certificate answers at some address?
    async fn shakes_hands(
        client: ClientConfig,
        (leaf, key): (CertificateDer<'static>, KeyPair),
        chain: &Authority,
    ) -> Result<(), std::io::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![leaf, chain.der()], key.into())
            .expect("a pair");
        let (pole, office) = tokio::io::duplex(64 * 1024);
        let office = tokio::spawn(async move {
            if let Ok(mut stream) = TlsAcceptor::from(Arc::new(server)).accept(office).await {
                let _ = stream.shutdown().await;
            }
        });
        let address = ServerName::try_from("10.0.0.1").expect("an address");
        let done = TlsConnector::from(Arc::new(client))
            .connect(address, pole)
            .await;
        office.await.expect("it ends");
        done.map(drop)
    }

    fn line(identity: &Identity, year: Option<i16>) -> ClientConfig {
        let time = Arc::new(KnownTime::default());
        if let Some(year) = year {
            let day = jiff::civil::date(year, 6, 1).at(0, 0, 0, 0);
            let wall = jiff::tz::TimeZone::UTC.to_timestamp(day);
            time.set(Moment {
                mono_us: crate::clock::mono_us(),
                wall: WallTime::from(wall.expect("a day")),
                trust: Trust::Synced,
            });
        }
        line::client_config(identity, time).expect("it can be used")
    }

    #[tokio::test]
    async fn the_line_is_for_the_office_that_enrolled_this_pole_whatever_its_address() {
        let office = Authority::new();
        let pole = office.enrol("ban-chuong-1");
        let good = || office.serve(line::OFFICE_NAME, (2026, 2027));
        shakes_hands(line(&pole, Some(2026)), good(), &office)
            .await
            .expect("our office");
        let stranger = Authority::new();
        for (what, answers, chain) in [
            (
                "another office",
                stranger.serve(line::OFFICE_NAME, (2026, 2027)),
                &stranger,
            ),
            (
                "another name",
                office.serve("10.0.0.1", (2026, 2027)),
                &office,
            ),
        ] {
            let error = shakes_hands(line(&pole, None), answers, chain).await;
            let error = error.expect_err(what);
            assert_eq!(
                Distrust::within(&error),
                Some(Distrust::NotOurOffice),
                "{what}"
            );
        }
    }

    #[tokio::test]
    async fn dates_are_judged_by_a_trusted_clock_and_lock_nobody_out_whose_clock_was_never_set() {
        let office = Authority::new();
        let pole = office.enrol("ban-chuong-1");
        for years in [(2001, 2002), (2090, 2091)] {
            let of = || office.serve(line::OFFICE_NAME, years);
            assert!(shakes_hands(line(&pole, None), of(), &office).await.is_ok());
            assert!(
                shakes_hands(line(&pole, Some(2026)), of(), &office)
                    .await
                    .is_err()
            );
        }
    }

    #[tokio::test]
    async fn enrolment_speaks_to_the_office_of_the_sticker_and_to_no_other() {
        let office = Authority::new();
        let of = |der: &CertificateDer<'_>| {
            let expect = Expect::Office(Fingerprint::of(der));
            pinned::client_config(expect).expect("TLS 1.3")
        };
        // By its authority, at any date; by the leaf itself, whoever made it.
        let (leaf, key) = office.serve(line::OFFICE_NAME, (2001, 2002));
        assert!(
            shakes_hands(of(&office.der()), (leaf, key), &office)
                .await
                .is_ok()
        );
        let (leaf, key) = office.serve("loa.xa.vn", (2026, 2027));
        let print = of(&leaf);
        assert!(shakes_hands(print, (leaf, key), &office).await.is_ok());
        // Somebody who only shows the right authority beside a leaf of his own, and one whose name is another.
        let stranger = Authority::new();
        let (leaf, key) = stranger.serve(line::OFFICE_NAME, (2026, 2027));
        let error = shakes_hands(of(&office.der()), (leaf, key), &office).await;
        assert!(error.is_err());
        let (leaf, key) = office.serve("loa.xa.vn", (2026, 2027));
        assert!(
            shakes_hands(of(&office.der()), (leaf, key), &office)
                .await
                .is_err()
        );
        let any = pinned::client_config(Expect::AnyAnswer).expect("TLS 1.3");
        let answers = stranger.serve("x", (2026, 2027));
        assert!(shakes_hands(any, answers, &stranger).await.is_ok());
    }
}
