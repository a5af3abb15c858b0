//! A certificate and its key as one side of a connection shows them. They change while the program runs; who is connected
//! stays connected.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{PkiError, provider};

/// What is shown now.
pub struct Shown {
    now: RwLock<Arc<CertifiedKey>>,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

impl Shown {
    /// Of PEM: the certificate with those above it, and its key.
    pub fn new(chain: &str, key: &str) -> Result<Self, PkiError> {
        Ok(Self {
            now: RwLock::new(read(chain, key)?),
        })
    }

    /// From now on this. When it is no good, the one before stays.
    pub fn change(&self, chain: &str, key: &str) -> Result<(), PkiError> {
        let new = read(chain, key)?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// The certificate itself.
    pub fn leaf(&self) -> CertificateDer<'static> {
        // `read` lets none without a certificate through.
        self.get().cert[0].clone()
    }

    fn get(&self) -> Arc<CertifiedKey> {
        self.now
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn read(chain: &str, key: &str) -> Result<Arc<CertifiedKey>, PkiError> {
    let general = |error: rustls::pki_types::pem::Error| rustls::Error::General(error.to_string());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(general)?;
    if chain.is_empty() {
        return Err(rustls::Error::NoCertificatesPresented.into());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(general)?;
    let key = provider().key_provider.load_private_key(key)?;
    let shown = CertifiedKey::new(chain, key);
    shown.keys_match()?;
    Ok(Arc::new(shown))
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
    fn has_certs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use loa_protocol::time::WallTime;

    use super::*;
    use crate::pki::Authority;

    #[test]
    fn a_certificate_that_does_not_fit_its_key_does_not_take_the_place_of_one_that_does() {
        let folder = tempfile::tempdir().unwrap();
        let now = WallTime::EPOCH.plus_s(1_800_000_000);
        let authority = Authority::open(folder.path(), now).unwrap();
        let [one, other] = [(); 2].map(|()| authority.server(&["loa.vn".into()], now).unwrap());
        let shown = Shown::new(&one.chain, &one.key).unwrap();
        let before = shown.leaf();
        assert!(shown.change(&one.chain, &other.key).is_err());
        assert!(shown.change("", &other.key).is_err());
        assert_eq!(shown.leaf(), before);
        shown.change(&other.chain, &other.key).unwrap();
        assert_ne!(shown.leaf(), before);
    }
}
