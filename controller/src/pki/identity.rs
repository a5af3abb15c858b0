//! What this office is known by: its authority, the certificate of its line, and that of its pages.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use loa_protocol::time::WallTime;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

use super::{Authority, OFFICE_NAME, Pair, PkiError, Shown, files, fingerprint};
use crate::config::{Config, WebTls};

/// An office's identity. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity {
    authority: Authority,
    /// What the broker shows, and the pages too when the operator has no other certificate.
    line: Arc<Shown>,
    web: Arc<Web>,
    own: Arc<Own>,
}

/// The office's own server certificate.
#[derive(Debug)]
struct Own {
    data_dir: PathBuf,
    names: Vec<String>,
}

/// How the pages are reached.
#[derive(Debug)]
enum Web {
    /// Under the office's own certificate.
    Own,
    Files(Files),
    /// Without TLS of ours. Something in front may show this certificate.
    Off(Option<CertificateDer<'static>>),
}

/// A certificate that somebody else made and renews.
#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    shown: Arc<Shown>,
    /// When both were last written, as they were read.
    read: Mutex<Option<(SystemTime, SystemTime)>>,
}

impl Identity {
    /// Of this configuration and data folder; what is not there is made.
    pub fn open(
        config: &Config,
        data_dir: &Path,
        listening: SocketAddr,
        now: WallTime,
    ) -> Result<Self, PkiError> {
        let authority = Authority::open(data_dir, now)?;
        let own = Own {
            data_dir: data_dir.into(),
            names: server_names(config, listening),
        };
        let pair = own.load_or_make(&authority, now)?;
        let web = match config.web_tls() {
            WebTls::Own => Web::Own,
            WebTls::Files { certificate, key } => Web::Files(Files::open(certificate, key)?),
            WebTls::Off { shown_in_front } => Web::Off(
                shown_in_front
                    .map(|path| {
                        let text = files::read(&path)?.unwrap_or_default();
                        CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| {
                            PkiError::Useless {
                                path,
                                says: "this is no certificate in PEM".into(),
                            }
                        })
                    })
                    .transpose()?,
            ),
        };
        Ok(Self {
            authority,
            line: Arc::new(Shown::new(&pair.chain, &pair.key)?),
            web: Arc::new(web),
            own: Arc::new(own),
        })
    }

    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What the broker shows.
    pub fn line(&self) -> Arc<Shown> {
        self.line.clone()
    }

    /// What the pages show; `None`: they have no TLS of ours.
    pub fn web(&self) -> Option<Arc<Shown>> {
        match &*self.web {
            Web::Own => Some(self.line.clone()),
            Web::Files(files) => Some(files.shown.clone()),
            Web::Off(_) => None,
        }
    }

    /// Whether browsers believe the certificate by themselves: then they may be told never to come without HTTPS again.
    pub fn is_publicly_known(&self) -> bool {
        matches!(&*self.web, Web::Files(_))
    }

    /// By which a speaker that enrols knows the office's pages: SHA-256, hex, of the authority's certificate, or of the one
    /// that the operator brought.
    pub fn fingerprint(&self) -> String {
        match &*self.web {
            Web::Files(files) => fingerprint(&files.shown.leaf()),
            Web::Off(Some(shown)) => fingerprint(shown),
            Web::Own | Web::Off(None) => self.authority.fingerprint(),
        }
    }

    /// Makes the own certificate anew after two thirds of its life, and reads the operator's again when it has changed.
    pub fn renew(&self, now: WallTime) -> Result<(), PkiError> {
        if self.own.is_due(&self.line.leaf(), now) {
            let pair = self.own.make(&self.authority, now)?;
            self.line.change(&pair.chain, &pair.key)?;
            tracing::info!("the office's own certificate was renewed");
        }
        match &*self.web {
            Web::Files(files) => files.read_again(),
            Web::Own | Web::Off(_) => Ok(()),
        }
    }
}

/// Under which names people and speakers may come.
pub fn server_names(config: &Config, listening: SocketAddr) -> Vec<String> {
    let host_name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let public = config
        .public_host()
        .map(|host| host.trim_matches(['[', ']']).to_owned());
    let addresses = [listening, config.mqtt.listen]
        .map(|address| address.ip())
        .into_iter()
        .filter(|ip| !ip.is_unspecified())
        .map(|ip| ip.to_string());
    let names: BTreeSet<String> = [
        "localhost".into(),
        "127.0.0.1".into(),
        host_name.trim().into(),
    ]
    .into_iter()
    .chain(public)
    .chain(addresses)
    .filter(|name| !name.is_empty())
    .collect();
    names.into_iter().collect()
}

impl Own {
    fn paths(&self) -> (PathBuf, PathBuf) {
        let dir = &self.data_dir;
        (dir.join("server.pem"), dir.join("server.key"))
    }

    fn load_or_make(&self, authority: &Authority, now: WallTime) -> Result<Pair, PkiError> {
        match self.load(authority)? {
            Some((pair, leaf)) if !self.is_due(&leaf, now) => Ok(pair),
            _ => self.make(authority, now),
        }
    }

    /// `None`: there is none, or it is another authority's, or for other names.
    fn load(
        &self,
        authority: &Authority,
    ) -> Result<Option<(Pair, CertificateDer<'static>)>, PkiError> {
        let (path, key_path) = self.paths();
        let (Some(chain), Some(key)) = (files::read(&path)?, files::read_private(&key_path)?)
        else {
            return Ok(None);
        };
        let fits = chain.ends_with(authority.pem()) && Shown::new(&chain, &key).is_ok();
        let leaf = CertificateDer::from_pem_slice(chain.as_bytes()).ok();
        let leaf = leaf.filter(|leaf| fits && self.names_are(leaf));
        Ok(leaf.map(|leaf| (Pair { chain, key }, leaf)))
    }

    fn names_are(&self, leaf: &CertificateDer<'_>) -> bool {
        let Ok((_, read)) = parse_x509_certificate(leaf) else {
            return false;
        };
        let Ok(Some(names)) = read.subject_alternative_name() else {
            return false;
        };
        let named: BTreeSet<String> = names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                GeneralName::IPAddress(bytes) => match bytes.len() {
                    4 => <[u8; 4]>::try_from(*bytes)
                        .ok()
                        .map(|ip| std::net::Ipv4Addr::from(ip).to_string()),
                    _ => <[u8; 16]>::try_from(*bytes)
                        .ok()
                        .map(|ip| std::net::Ipv6Addr::from(ip).to_string()),
                },
                _ => None,
            })
            .collect();
        let wanted = self.names.iter().cloned().chain([OFFICE_NAME.to_owned()]);
        named == wanted.collect()
    }

    /// After two thirds of its life.
    fn is_due(&self, leaf: &CertificateDer<'_>, now: WallTime) -> bool {
        let Ok((_, read)) = parse_x509_certificate(leaf) else {
            return true;
        };
        let (from, to) = (
            read.validity().not_before.timestamp(),
            read.validity().not_after.timestamp(),
        );
        let now = now.as_micros() / 1_000_000;
        now < from || now >= from + (to - from) / 3 * 2
    }

    fn make(&self, authority: &Authority, now: WallTime) -> Result<Pair, PkiError> {
        let pair = authority.server(&self.names, now)?;
        let (path, key_path) = self.paths();
        files::write_private(&key_path, &pair.key)?;
        files::write_public(&path, &pair.chain)?;
        Ok(pair)
    }
}

impl Files {
    fn open(certificate: PathBuf, key: PathBuf) -> Result<Self, PkiError> {
        let written = written(&certificate, &key);
        let pair = read_pair(&certificate, &key)?;
        let shown = Shown::new(&pair.chain, &pair.key).map_err(|error| PkiError::Useless {
            path: certificate.clone(),
            says: error.to_string(),
        })?;
        Ok(Self {
            certificate,
            key,
            shown: Arc::new(shown),
            read: Mutex::new(written),
        })
    }

    fn read_again(&self) -> Result<(), PkiError> {
        let written = written(&self.certificate, &self.key);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if written.is_none() || *read == written {
            return Ok(());
        }
        let pair = read_pair(&self.certificate, &self.key)?;
        // One of the two may be written already and the other not: then they do not fit, and the next look finds them.
        self.shown.change(&pair.chain, &pair.key)?;
        *read = written;
        tracing::info!(file = %self.certificate.display(), "the certificate was read anew");
        Ok(())
    }
}

fn written(certificate: &Path, key: &Path) -> Option<(SystemTime, SystemTime)> {
    let when = |path| std::fs::metadata(path).and_then(|found| found.modified());
    Some((when(certificate).ok()?, when(key).ok()?))
}

/// The key may be readable for a group: that is how those who renew certificates share it.
fn read_pair(certificate: &Path, key: &Path) -> Result<Pair, PkiError> {
    let one = |path: &Path| {
        files::read(path)?.ok_or_else(|| PkiError::Useless {
            path: path.into(),
            says: "there is no such file: see server.certificate and server.key".into(),
        })
    };
    Ok(Pair {
        chain: one(certificate)?,
        key: one(key)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime::EPOCH.plus_s(1_800_000_000);

    fn identity(config: &Config, now: WallTime) -> Identity {
        Identity::open(config, &config.data_dir, config.server.listen, now).unwrap()
    }

    fn config(folder: &Path) -> Config {
        Config {
            data_dir: folder.into(),
            ..Config::default()
        }
    }

    #[test]
    fn the_office_is_known_by_the_same_certificate_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let first = identity(&config, NOW);
        let again = identity(&config, NOW.plus_s(86_400));
        assert_eq!(first.line().leaf(), again.line().leaf());
        assert_eq!(first.fingerprint(), again.fingerprint());
        for secret in ["ca.key", "server.key"] {
            use std::os::unix::fs::PermissionsExt;
            let found = std::fs::metadata(folder.path().join(secret)).unwrap();
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{secret}");
        }
    }

    #[test]
    fn its_server_certificate_is_renewed_after_two_thirds_of_its_life_while_it_runs() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let office = identity(&config, NOW);
        let before = office.line().leaf();
        office.renew(NOW.plus_s(200 * 86_400)).unwrap();
        assert_eq!(office.line().leaf(), before);
        office.renew(NOW.plus_s(250 * 86_400)).unwrap();
        assert_ne!(office.line().leaf(), before);
        let again = identity(&config, NOW.plus_s(251 * 86_400));
        assert_eq!(again.line().leaf(), office.line().leaf());
    }

    #[test]
    fn another_address_gets_another_certificate_of_the_same_authority() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        let before = identity(&config, NOW);
        config.server.public_url = Some("https://loa.example.vn:8443/".into());
        let after = identity(&config, NOW);
        assert_ne!(before.line().leaf(), after.line().leaf());
        assert_eq!(before.fingerprint(), after.fingerprint());
        assert!(server_names(&config, config.server.listen).contains(&"loa.example.vn".into()));
    }

    #[test]
    fn a_certificate_that_somebody_else_renews_is_read_anew_and_a_broken_one_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = Authority::open(folder.path(), NOW).unwrap();
        let (certificate, key) = (folder.path().join("web.pem"), folder.path().join("web.key"));
        let put = |text: &str, path: &Path, age_s: u64| {
            std::fs::write(path, text).unwrap();
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000 + age_s);
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_modified(at).unwrap();
        };
        let first = elsewhere.server(&["loa.example.vn".into()], NOW).unwrap();
        put(&first.chain, &certificate, 0);
        put(&first.key, &key, 0);
        let office_dir = folder.path().join("office");
        std::fs::create_dir(&office_dir).unwrap();
        let mut config = config(&office_dir);
        config.server.certificate = Some(certificate.clone());
        config.server.key = Some(key.clone());
        let office = identity(&config, NOW);
        let shown = office.web().unwrap();
        let before = shown.leaf();
        assert_eq!(office.fingerprint(), fingerprint(&before));
        assert!(office.is_publicly_known());
        let second = elsewhere.server(&["loa.example.vn".into()], NOW).unwrap();
        put(&second.chain, &certificate, 1);
        assert!(office.renew(NOW).is_err());
        assert_eq!(shown.leaf(), before);
        put(&second.key, &key, 1);
        office.renew(NOW).unwrap();
        assert_ne!(shown.leaf(), before);
    }
}
