//! The pages and the API: where they listen, with what HTTPS, and under which address people come.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::Config;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    /// How people reach it, when something in front of it has another address.
    pub public_url: Option<String>,
    pub tls: TlsWish,
    /// A certificate with those above it, and its key, in PEM: one that browsers believe by themselves.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// What is wanted of HTTPS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsWish {
    /// With the files, when there are some; else with the office's own certificate unless only this machine can come.
    #[default]
    Auto,
    /// With the office's own certificate.
    Own,
    /// None: for a reverse proxy on this machine.
    Off,
}

/// What HTTPS there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebTls {
    Own,
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// None. The certificate is what a proxy in front shows, if the operator named it.
    Off {
        shown_in_front: Option<PathBuf>,
    },
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            public_url: None,
            tls: TlsWish::Auto,
            certificate: None,
            key: None,
        }
    }
}

impl Config {
    /// What HTTPS the pages have.
    pub fn web_tls(&self) -> WebTls {
        let server = &self.server;
        match (server.tls, server.certificate.clone(), server.key.clone()) {
            (TlsWish::Off, shown_in_front, _) => WebTls::Off { shown_in_front },
            (TlsWish::Auto, Some(certificate), Some(key)) => WebTls::Files { certificate, key },
            (TlsWish::Auto, ..) if server.listen.ip().is_loopback() => WebTls::Off {
                shown_in_front: None,
            },
            _ => WebTls::Own,
        }
    }

    /// Whether browsers come by HTTPS, ours or a proxy's.
    pub fn is_https(&self) -> bool {
        match &self.server.public_url {
            Some(url) => url.starts_with("https://"),
            None => !matches!(self.web_tls(), WebTls::Off { .. }),
        }
    }

    /// How people reach the API: without a slash at the end.
    pub fn base_url(&self, listening: SocketAddr) -> String {
        let scheme = if self.is_https() { "https" } else { "http" };
        match &self.server.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if listening.ip().is_unspecified() => {
                format!("{scheme}://127.0.0.1:{}", listening.port())
            }
            None => format!("{scheme}://{listening}"),
        }
    }

    /// What passkeys are bound to (WebAuthn's relying party id): the host under which people open the app.
    pub fn relying_party(&self) -> String {
        self.public_origin()
            .and_then(|origin| Some(origin.split_once("://")?.1.to_owned()))
            .map(|host| match host.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name.to_owned(),
                _ => host,
            })
            .unwrap_or_else(|| "localhost".to_owned())
    }

    /// Is this the origin of the app's own pages, as a browser writes it? Without `server.public_url`: of this machine.
    pub fn is_own_origin(&self, origin: &str) -> bool {
        match self.public_origin() {
            Some(own) => origin == own,
            None => {
                let host = origin.split_once("://").map_or("", |(_, host)| host);
                host == "localhost" || host.starts_with("localhost:")
            }
        }
    }

    /// Scheme, host and port of `server.public_url`, as a browser writes them: in small letters, the usual port left out.
    fn public_origin(&self) -> Option<String> {
        let url = self.server.public_url.as_deref()?.to_ascii_lowercase();
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(usual).unwrap_or(host);
        Some(format!("{scheme}://{host}"))
    }

    /// The host of `server.public_url`; an IPv6 address in its brackets.
    pub fn public_host(&self) -> Option<String> {
        let (_, rest) = self.server.public_url.as_deref()?.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        let end = match host.find(']') {
            Some(end) => end + 1,
            None => host.find(':').unwrap_or(host.len()),
        };
        Some(host[..end].to_owned()).filter(|host| !host.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::parse;

    #[test]
    fn passkeys_are_bound_to_the_host_under_which_people_open_the_app() {
        let of = |url: Option<&str>| {
            let mut config = Config::default();
            config.server.public_url = url.map(Into::into);
            config
        };
        for (url, party, own, foreign) in [
            (
                Some("https://Loa.xa.vn/"),
                "loa.xa.vn",
                "https://loa.xa.vn",
                "https://evil.loa.xa.vn",
            ),
            (
                Some("https://loa.xa.vn:443/app"),
                "loa.xa.vn",
                "https://loa.xa.vn",
                "https://loa.xa.vn:8443",
            ),
            (
                Some("https://loa.xa.vn:8443"),
                "loa.xa.vn",
                "https://loa.xa.vn:8443",
                "http://loa.xa.vn:8443",
            ),
            (
                None,
                "localhost",
                "http://localhost:8080",
                "http://localhost.evil.vn",
            ),
        ] {
            let config = of(url);
            assert_eq!(config.relying_party(), party);
            assert!(config.is_own_origin(own), "{own}");
            assert!(!config.is_own_origin(foreign), "{foreign}");
        }
        assert!(of(Some("https://loa.xa.vn")).is_https() && !of(None).is_https());
    }

    #[test]
    fn nothing_but_this_machine_is_reached_without_encryption() {
        let of = |text: &str| parse(text).expect(text);
        let off = WebTls::Off {
            shown_in_front: None,
        };
        for (text, tls, base) in [
            ("", off.clone(), "http://127.0.0.1:8080"),
            (
                "[server]\nlisten = \"0.0.0.0:443\"",
                WebTls::Own,
                "https://127.0.0.1:443",
            ),
            (
                "[server]\ntls = \"own\"",
                WebTls::Own,
                "https://127.0.0.1:8080",
            ),
            (
                "[server]\npublic_url = \"https://loa.vn/\"",
                off,
                "https://loa.vn",
            ),
            (
                "[server]\ntls = \"off\"\ncertificate = \"front.pem\"\npublic_url = \"https://loa.vn\"",
                WebTls::Off {
                    shown_in_front: Some("/etc/loa/front.pem".into()),
                },
                "https://loa.vn",
            ),
            (
                "[server]\nlisten = \"10.0.0.1:443\"\ncertificate = \"a.pem\"\nkey = \"a.key\"",
                WebTls::Files {
                    certificate: "/etc/loa/a.pem".into(),
                    key: "/etc/loa/a.key".into(),
                },
                "https://10.0.0.1:443",
            ),
        ] {
            let config = of(text);
            assert_eq!(config.web_tls(), tls, "{text}");
            assert_eq!(config.base_url(config.server.listen), base, "{text}");
            assert_eq!(config.is_https(), base.starts_with("https"), "{text}");
        }
        assert!(of("").mqtt.tls && of("").mqtt.listen.ip().is_loopback());
    }
}
