//! What may cross which network: passwords and secrets never in clear.

use super::{Config, TlsWish};

impl Config {
    /// Nothing crosses a network in clear.
    pub(super) fn check_lines(&self) -> Result<(), (&'static str, String)> {
        let server = &self.server;
        let within = server.listen.ip().is_loopback();
        let files = (server.certificate.is_some(), server.key.is_some());
        match (server.tls, files) {
            (TlsWish::Own, (true, _) | (_, true)) => {
                return Err((
                    "server.tls",
                    "\"own\" is the office's own certificate, but server.certificate or server.key names another: take the one or the other away".into(),
                ));
            }
            (TlsWish::Auto, (true, false) | (false, true)) => {
                return Err((
                    "server.certificate",
                    "certificate and key belong together: set server.key too".into(),
                ));
            }
            (TlsWish::Off, (_, true)) => {
                return Err((
                    "server.key",
                    "without HTTPS of its own the office needs no key: take it away, or set server.tls = \"auto\"".into(),
                ));
            }
            (TlsWish::Off, _) if !within => {
                return Err((
                    "server.tls",
                    format!(
                        "\"off\" would send passwords in clear to whoever reaches {}: leave it \"auto\" for HTTPS, or listen on 127.0.0.1 behind a reverse proxy",
                        server.listen
                    ),
                ));
            }
            _ => {}
        }
        if let Some(url) = &server.public_url
            && let Some(rest) = url.strip_prefix("http://")
            && !is_this_machine(rest)
        {
            return Err((
                "server.public_url",
                format!("{url:?} would send passwords in clear: people come by https://"),
            ));
        }
        if !self.mqtt.tls && self.mqtt.external.is_none() && !self.mqtt.listen.ip().is_loopback() {
            return Err((
                "mqtt.tls",
                format!(
                    "without TLS the speakers' secrets would cross the network in clear, so the broker may listen on 127.0.0.1 only, not on {}: take mqtt.tls = false away and enrol the speakers",
                    self.mqtt.listen
                ),
            ));
        }
        match &self.mqtt.external {
            Some(external) if !external.tls && !is_this_machine(&external.address) => Err((
                "mqtt.external.tls",
                format!(
                    "without TLS the password would cross the network in clear to {}: take tls = false away, or use a broker on this machine",
                    external.address
                ),
            )),
            Some(external) if !external.tls && external.password_file.is_none() => Err((
                "mqtt.external.password_file",
                "without TLS the broker knows the controller by a password: name its file".into(),
            )),
            _ => Ok(()),
        }
    }
}

/// `host`, `host:port` or `host:port/path`, where the host is this machine.
fn is_this_machine(address: &str) -> bool {
    let address = address.split('/').next().unwrap_or_default();
    let host = match address.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => address.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}
