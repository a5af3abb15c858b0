//! The next certificate of a speaker that asks for it, over the line or over HTTPS: judged, signed, written down, answered.

use loa_protocol::{certificate, id::SpeakerId, time::WallTime};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{Authority, PkiError, RequestError, public_key};
use crate::{
    act,
    logic::identity::{Held, NotRenewed, Way, may_renew},
    store::{Store, StoreError},
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RenewalError {
    #[error(transparent)]
    Refused(#[from] NotRenewed),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A certificate that was given.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// For the wire.
    pub document: certificate::Certificate,
    pub pem: String,
}

/// `payload`: the sealed wish. `speaker`: in whose name it came; the signature says whether that is so.
pub async fn renew(
    store: &Store,
    authority: &Authority,
    speaker: &SpeakerId,
    payload: &[u8],
    way: Way,
    now: WallTime,
) -> Result<Renewed, RenewalError> {
    let held: Vec<Held> = store
        .certificates(speaker)
        .await?
        .into_iter()
        .map(|one| Held {
            revoked: one.revoked.is_some(),
            serial: one.serial,
            key: one.key,
            made: one.made,
            expires: one.expires,
        })
        .collect();
    let granted = may_renew(speaker, payload, &held, way, now)?;
    // Its signature says so, whichever way it came.
    act::by(&format!("speaker:{speaker}"), None);
    if let Some(serial) = &granted.again
        && let Some(pem) = store.certificate_pem(serial).await?
        && let Ok(der) = CertificateDer::from_pem_slice(pem.as_bytes())
    {
        return Ok(answer(speaker, authority, der.to_vec(), pem));
    }
    let key = public_key(&granted.renewal.request)?;
    let issued = authority.speaker(speaker, &key, now)?;
    let stored = store.renew(&granted.by, &issued.kept, &issued.pem).await;
    stored.map_err(|error| match error {
        StoreError::NotFound { .. } => NotRenewed::Revoked.into(),
        error => RenewalError::Store(error),
    })?;
    tracing::info!(%speaker, serial = issued.kept.serial, "a certificate was renewed");
    Ok(answer(speaker, authority, issued.der.to_vec(), issued.pem))
}

fn answer(speaker: &SpeakerId, authority: &Authority, der: Vec<u8>, pem: String) -> Renewed {
    Renewed {
        document: certificate::Certificate {
            speaker: speaker.clone(),
            certificate: der,
            authorities: vec![authority.der().to_vec().into()],
        },
        pem,
    }
}
