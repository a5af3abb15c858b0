//! The office's certificate authority: made at the first start, believed by whoever was enrolled, never shown to anybody else.

use std::{path::Path, sync::Arc, time::Duration};

use ed25519_dalek::VerifyingKey;
use loa_protocol::{id::SpeakerId, time::WallTime};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData, RevocationReason, RevokedCertParams,
    SanType, SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{PkiError, files, fingerprint};
use crate::{
    broker::CONTROLLER_USERNAME,
    chance,
    store::{Certificate, Reason},
};

/// The name under which everybody who was enrolled knows the office, whatever its address.
pub const OFFICE_NAME: &str = "office.loa.internal";
/// How long a speaker's certificate holds, in seconds. It is renewed after two thirds of it.
pub const SPEAKER_LIFE_S: i64 = 90 * 86_400;
/// How long a server's holds, and the controller's own towards a broker elsewhere.
pub const CONTROLLER_LIFE_S: i64 = 365 * 86_400;
const AUTHORITY_LIFE_S: i64 = 20 * 365 * 86_400;
/// Certificates hold from so long before they are made: clocks differ.
const GRACE_S: i64 = 3_600;
/// How long a list of revocations may be used when no newer one can be had: it is made anew every day.
const REVOCATIONS_LIFE_S: i64 = 30 * 86_400;

/// Signs certificates. Cheap to clone.
#[derive(Clone)]
pub struct Authority {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// A certificate that was just made for a speaker.
#[derive(Clone, Debug)]
pub struct Issued {
    /// What the office keeps of it.
    pub kept: Certificate,
    pub der: CertificateDer<'static>,
    pub pem: String,
}

/// A certificate and its key, as PEM. The key is a secret.
#[derive(Clone)]
pub struct Pair {
    /// With the authority's own.
    pub chain: String,
    pub key: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").finish_non_exhaustive()
    }
}

impl Authority {
    /// Of `data_dir`, made where there is none.
    pub fn open(data_dir: &Path, now: WallTime) -> Result<Self, PkiError> {
        let (key_path, path) = (data_dir.join("ca.key"), data_dir.join("ca.pem"));
        let useless = |path: &Path, says: &str| PkiError::Useless {
            path: path.into(),
            says: says.into(),
        };
        let certificate = files::read(&path)?;
        let key = match files::read_private(&key_path)? {
            Some(text) => KeyPair::from_pem(&text).map_err(|_| {
                useless(
                    &key_path,
                    "this is no key: put the right one back from a backup",
                )
            })?,
            None if certificate.is_some() => {
                return Err(useless(
                    &key_path,
                    "it is not there, but its certificate ca.pem is: put it back from a backup, for every speaker believes only that one",
                ));
            }
            None => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
                files::write_private(&key_path, &key.serialize_pem())?;
                key
            }
        };
        let pem = match certificate {
            Some(pem) => pem,
            // Also when the power went between the two files.
            None => {
                let pem = own(now).self_signed(&key)?.pem();
                files::write_public(&path, &pem)?;
                pem
            }
        };
        let wrong = "it is no certificate of the key in ca.key: put both back from one backup";
        let der =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| useless(&path, wrong))?;
        let fits = x509_parser::parse_x509_certificate(&der)
            .is_ok_and(|(_, read)| read.public_key().raw == key.subject_public_key_info());
        if !fits {
            return Err(useless(&path, wrong));
        }
        let issuer = Issuer::from_ca_cert_der(&der, key)?;
        Ok(Self {
            inner: Arc::new(Inner { issuer, der, pem }),
        })
    }

    pub fn der(&self) -> &CertificateDer<'static> {
        &self.inner.der
    }

    pub fn pem(&self) -> &str {
        &self.inner.pem
    }

    pub fn fingerprint(&self) -> String {
        fingerprint(&self.inner.der)
    }

    /// For a speaker's own key. What else it may have wished for is not asked.
    pub fn speaker(
        &self,
        speaker: &SpeakerId,
        key: &VerifyingKey,
        now: WallTime,
    ) -> Result<Issued, PkiError> {
        self.speaker_until(speaker, key, now, now.plus_s(SPEAKER_LIFE_S))
    }

    /// As [`Authority::speaker`], for another time.
    pub fn speaker_until(
        &self,
        speaker: &SpeakerId,
        key: &VerifyingKey,
        now: WallTime,
        expires: WallTime,
    ) -> Result<Issued, PkiError> {
        let serial = serial();
        let mut params = named(speaker.as_str(), now, expires);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let made = params.signed_by(&SpeakerKey(*key), &self.inner.issuer)?;
        Ok(Issued {
            kept: Certificate {
                serial: hex::encode(serial),
                speaker: speaker.clone(),
                key: hex::encode(key.as_bytes()),
                made: now,
                expires,
                revoked: None,
            },
            pem: made.pem(),
            der: made.der().clone(),
        })
    }

    /// For a server of the office under these names, and [`OFFICE_NAME`].
    pub fn server(&self, names: &[String], now: WallTime) -> Result<Pair, PkiError> {
        let mut params = named(OFFICE_NAME, now, now.plus_s(CONTROLLER_LIFE_S));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for name in std::iter::once(OFFICE_NAME).chain(names.iter().map(String::as_str)) {
            // A name that cannot be one is in nobody's address either.
            match name.parse() {
                Ok(address) => params.subject_alt_names.push(SanType::IpAddress(address)),
                Err(_) => params
                    .subject_alt_names
                    .extend(name.try_into().ok().map(SanType::DnsName)),
            }
        }
        self.pair(params)
    }

    /// With which the controller itself connects to a broker elsewhere.
    pub fn controller(&self, now: WallTime) -> Result<Pair, PkiError> {
        let mut params = named(CONTROLLER_USERNAME, now, now.plus_s(CONTROLLER_LIFE_S));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.pair(params)
    }

    fn pair(&self, mut params: CertificateParams) -> Result<Pair, PkiError> {
        params.serial_number = Some(SerialNumber::from_slice(&serial()));
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let made = params.signed_by(&key, &self.inner.issuer)?;
        Ok(Pair {
            chain: format!("{}{}", made.pem(), self.inner.pem),
            key: key.serialize_pem(),
        })
    }

    /// The list of revocations, as PEM, for brokers that read one. `number`: greater each time.
    pub fn revocations(
        &self,
        revoked: &[Certificate],
        number: u64,
        now: WallTime,
    ) -> Result<String, PkiError> {
        let one = |certificate: &Certificate| {
            let (at, reason) = certificate.revoked?;
            Some(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&hex::decode(&certificate.serial).ok()?),
                revocation_time: civil(at),
                reason_code: Some(match reason {
                    Reason::Retired => RevocationReason::CessationOfOperation,
                    Reason::Replaced | Reason::Renewed | Reason::Lost => {
                        RevocationReason::Superseded
                    }
                }),
                invalidity_date: None,
            })
        };
        let list = CertificateRevocationListParams {
            this_update: civil(now.plus_s(-GRACE_S)),
            next_update: civil(now.plus_s(REVOCATIONS_LIFE_S)),
            crl_number: SerialNumber::from_slice(&number.to_be_bytes()),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().filter_map(one).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.inner.issuer)?.pem()?)
    }
}

/// The authority's own certificate.
fn own(now: WallTime) -> CertificateParams {
    let mut params = named(
        "Loa office",
        now.plus_s(-86_400),
        now.plus_s(AUTHORITY_LIFE_S),
    );
    params.serial_number = Some(SerialNumber::from_slice(&serial()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Two offices' authorities must not bear one name.
    let office = hex::encode(chance::bytes::<4>());
    params
        .distinguished_name
        .push(DnType::OrganizationalUnitName, office);
    params
}

fn named(name: &str, now: WallTime, expires: WallTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = civil(now.plus_s(-GRACE_S));
    params.not_after = civil(expires);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

/// 16 bytes by chance, and a positive number without a leading zero.
fn serial() -> [u8; 16] {
    let mut serial = chance::bytes::<16>();
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

/// In whole seconds, as X.509 has it.
fn civil(at: WallTime) -> time::OffsetDateTime {
    let s = u64::try_from(at.as_micros() / 1_000_000).unwrap_or(0);
    date_time_ymd(1970, 1, 1) + Duration::from_secs(s)
}

/// A public key as rcgen wants it.
struct SpeakerKey(VerifyingKey);

impl PublicKeyData for SpeakerKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}
