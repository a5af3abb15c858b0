//! The broker, ours or another, and the address by which speakers come to it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::Config;
use crate::broker::CONTROLLER_USERNAME;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MqttConfig {
    /// Where the embedded broker listens.
    pub listen: SocketAddr,
    /// TLS 1.3 and a certificate for each speaker. Without it speakers have tokens, and only this machine may come.
    pub tls: bool,
    pub max_connections: usize,
    /// `host:port` by which speakers reach the broker, for `speaker add`; otherwise where it listens.
    pub public_address: Option<String>,
    /// Another broker in place of the embedded one.
    pub external: Option<ExternalBroker>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalBroker {
    /// `host:port`.
    pub address: String,
    /// With the office's own authority, and a certificate of the controller's.
    #[serde(default = "yes")]
    pub tls: bool,
    #[serde(default = "controller")]
    pub username: String,
    /// A file that holds the password and nothing else; not needed with TLS.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

fn controller() -> String {
    CONTROLLER_USERNAME.into()
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8883).into(),
            tls: true,
            max_connections: 12_000,
            public_address: None,
            external: None,
        }
    }
}

impl Config {
    /// `host:port` that a speaker gets.
    pub fn broker_address(&self) -> String {
        let mqtt = &self.mqtt;
        mqtt.public_address
            .clone()
            .or_else(|| mqtt.external.as_ref().map(|e| e.address.clone()))
            .unwrap_or_else(|| match self.public_host() {
                // Everywhere is no address to come to.
                Some(host) if mqtt.listen.ip().is_unspecified() => {
                    format!("{host}:{}", mqtt.listen.port())
                }
                _ => mqtt.listen.to_string(),
            })
    }
}

/// The two halves of `host:port`; an IPv6 address stands in brackets.
pub fn split_address(address: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let port = port.parse().ok().filter(|p| *p != 0)?;
    (!bare.is_empty() && !bare.contains(char::is_whitespace)).then(|| (bare.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::parse;

    #[test]
    fn speakers_are_told_an_address_that_they_can_reach() {
        let of = |text: &str| parse(text).expect(text).broker_address();
        let everywhere = "[mqtt]\nlisten = \"0.0.0.0:8883\"\n";
        let url = "[server]\npublic_url = \"https://loa.vn:444/app\"\n";
        assert_eq!(of(&format!("{everywhere}{url}")), "loa.vn:8883");
        assert_eq!(of(url), "127.0.0.1:8883");
        let named = format!("{everywhere}public_address = \"mqtt.vn:1\"\n{url}");
        assert_eq!(of(&named), "mqtt.vn:1");
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(split_address("a.vn:1883"), Some(("a.vn".into(), 1883)));
        assert_eq!(split_address("[::1]:1883"), Some(("::1".into(), 1883)));
        for bad in ["a.vn", ":1883", "a.vn:0", "::1:1883", "a b:1", "a:99999"] {
            assert_eq!(split_address(bad), None, "{bad}");
        }
    }
}
