//! The line's TLS: version 1.3, this pole's certificate, and an office that its own authorities vouch for under one fixed
//! name, whatever the address.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use loa_protocol::time::{Moment, WallTime};
use rustls::{
    CertificateError, ClientConfig, Error,
    client::{
        WebPkiServerVerifier,
        danger::{ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{
    Identity,
    certificate::{life, store, unix},
    judged::{Judge, client},
};
use crate::clock;

/// What every server certificate of an office is for.
pub const OFFICE_NAME: &str = "office.loa.internal";

/// What the logic knows of the time, for whoever looks at dates outside of it.
#[derive(Debug)]
pub struct KnownTime {
    /// Wall time less the monotonic clock, in microseconds; [`UNKNOWN`] while it is not trusted.
    offset_us: AtomicI64,
}

const UNKNOWN: i64 = i64::MIN;

impl Default for KnownTime {
    fn default() -> Self {
        Self {
            offset_us: AtomicI64::new(UNKNOWN),
        }
    }
}

impl KnownTime {
    pub fn set(&self, now: Moment) {
        let offset_us = if now.is_trusted() {
            now.wall.as_micros().saturating_sub_unsigned(now.mono_us)
        } else {
            UNKNOWN
        };
        self.offset_us.store(offset_us, Ordering::Relaxed);
    }

    /// `None`: nobody trusts the clock.
    pub fn now(&self) -> Option<WallTime> {
        let offset_us = self.offset_us.load(Ordering::Relaxed);
        (offset_us != UNKNOWN)
            .then(|| WallTime::from_micros(offset_us.saturating_add_unsigned(clock::mono_us())))
    }
}

/// For one connection as `identity`.
///
/// # Errors
/// When the identity cannot be used for TLS; it was checked when it was read.
pub fn client_config(identity: &Identity, time: Arc<KnownTime>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let roots = store(&identity.authorities)
        .ok_or_else(|| Error::General("there is no authority of the office".into()))?;
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    let office = Office {
        chain,
        name: ServerName::try_from(OFFICE_NAME)
            .map_err(|error| Error::General(error.to_string()))?,
        time,
    };
    client(office)?.with_client_auth_cert(
        vec![identity.certificate.der.clone()],
        identity.key.for_tls(),
    )
}

/// Whoever our authorities vouch for.
#[derive(Debug)]
struct Office {
    chain: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
    time: Arc<KnownTime>,
}

impl Office {
    /// A pole whose clock was never set is not locked out by dates: it judges them by a time within them. Chain and name it
    /// judges as ever.
    fn time_to_judge_by(&self, leaf: &CertificateDer<'_>) -> Result<UnixTime, Error> {
        let life = life(leaf).map_err(|_| CertificateError::BadEncoding)?;
        let now = self.time.now();
        Ok(unix(now.unwrap_or_else(|| life.nearest(clock::system()))))
    }
}

impl Judge for Office {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
    ) -> Result<ServerCertVerified, Error> {
        let now = self.time_to_judge_by(leaf)?;
        self.chain
            .verify_server_cert(leaf, chain, &self.name, &[], now)
    }
}

/// Why the line did not come up, where it is about who is who, and what somebody can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// The office does not take this pole's certificate.
    Refused,
    /// The certificate's time is over.
    Expired,
    /// Whoever is at the other end is not our office.
    NotOurOffice,
}

impl Distrust {
    pub fn words(self) -> &'static str {
        match self {
            Distrust::Refused => {
                "the office refuses this pole's certificate (was it retired, or its board replaced?): enrol it again"
            }
            Distrust::Expired => {
                "this pole's certificate has expired; it asks the office for the next one over HTTPS"
            }
            Distrust::NotOurOffice => {
                "who answers at the broker's address is not the office that enrolled this pole; check the address, the clock, \
                 and who else is on this network"
            }
        }
    }

    /// Of what TLS says; `None` when it is about something else.
    pub fn of(error: &Error) -> Option<Self> {
        use rustls::AlertDescription as Alert;
        match error {
            Error::AlertReceived(Alert::CertificateExpired) => Some(Self::Expired),
            Error::AlertReceived(
                Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::CertificateRequired,
            ) => Some(Self::Refused),
            Error::InvalidCertificate(_) => Some(Self::NotOurOffice),
            _ => None,
        }
    }

    /// Of an error in which TLS's may be wrapped.
    pub fn within(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(tls) = error.downcast_ref::<Error>() {
                return Self::of(tls);
            }
            if let Some(tls) = error
                .downcast_ref::<std::io::Error>()
                .and_then(|io| io.get_ref())
                .and_then(|inner| inner.downcast_ref::<Error>())
            {
                return Self::of(tls);
            }
            next = error.source();
        }
        None
    }
}
