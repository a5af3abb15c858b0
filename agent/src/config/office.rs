//! How the office is reached, and as whom: by the identity that enrolment left, or in clear on this same machine.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use loa_protocol::{envelope::parse_public_key, id::SpeakerId, trust::Anchor};
use serde::Deserialize;

use crate::identity::Identity;

#[derive(Clone)]
pub struct Office {
    /// The broker's.
    pub host: String,
    pub port: u16,
    pub access: Access,
    /// Longest wait between two tries to reach the office, in seconds.
    pub reconnect_max_s: u32,
}

#[derive(Clone)]
pub enum Access {
    /// TLS, with this pole's certificate.
    Enrolled(Arc<Identity>),
    /// In clear, to this machine only, with the speaker's password there: for trials and tests.
    Plain {
        token: Option<String>,
        anchor: Box<Anchor>,
    },
}

impl Office {
    /// Whose signatures count to begin with.
    pub fn anchor(&self) -> Anchor {
        match &self.access {
            Access::Enrolled(identity) => Anchor::RootKey(identity.office.root_key),
            Access::Plain { anchor, .. } => (**anchor).clone(),
        }
    }

    pub fn identity(&self) -> Option<&Arc<Identity>> {
        match &self.access {
            Access::Enrolled(identity) => Some(identity),
            Access::Plain { .. } => None,
        }
    }
}

impl fmt::Debug for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Office")
            .field("address", &format!("{}:{}", self.host, self.port))
            .field("access", &self.access)
            .field("reconnect_max_s", &self.reconnect_max_s)
            .finish()
    }
}

impl fmt::Debug for Access {
    /// Without a token: configurations end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Access::Enrolled(identity) => {
                write!(f, "certificate {}", identity.certificate.serial)
            }
            Access::Plain { token: Some(_), .. } => f.write_str("token ***"),
            Access::Plain { token: None, .. } => f.write_str("no token"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawOffice {
    address: Option<String>,
    token: Option<String>,
    token_file: Option<PathBuf>,
    key: Option<String>,
    root_key: Option<String>,
    reconnect_max_s: u32,
}

impl Default for RawOffice {
    fn default() -> Self {
        Self {
            address: None,
            token: None,
            token_file: None,
            key: None,
            root_key: None,
            reconnect_max_s: 300,
        }
    }
}

/// A key of the file, and what is wrong with its value.
pub(super) type Wrong = (&'static str, String);

pub(super) const NOT_ENROLLED: &str = "this pole is not enrolled: have the office print its sticker \
     (loa-controller speaker add, or the app), then run `loa-agent enrol TEXT-OF-THE-STICKER`";

impl RawOffice {
    /// Whom this file and the identity make of this pole. `folder` is where relative paths begin.
    pub(super) fn check(
        self,
        speaker: Option<String>,
        identity: Option<Identity>,
        folder: &Path,
    ) -> Result<(SpeakerId, Office), Wrong> {
        if !(1..=3600).contains(&self.reconnect_max_s) {
            let what = "goes from 1 to 3600 seconds";
            return Err(("office.reconnect_max_s", what.into()));
        }
        let speaker = speaker
            .map(|name| SpeakerId::new(name).map_err(|e| ("speaker", e.to_string())))
            .transpose()?;
        let address = self
            .address
            .as_deref()
            .map(|text| parse_address(text).map_err(|what| ("office.address", what)))
            .transpose()?;
        let reconnect_max_s = self.reconnect_max_s;
        let Some(identity) = identity else {
            let speaker = speaker.ok_or_else(|| ("speaker", NOT_ENROLLED.to_owned()))?;
            let (host, port) =
                address.ok_or_else(|| ("office.address", NOT_ENROLLED.to_owned()))?;
            if !is_loopback(&host) {
                let what = format!("{host} is not this machine, and {NOT_ENROLLED}");
                return Err(("office.address", what));
            }
            let access = Access::Plain {
                anchor: Box::new(self.anchor()?),
                token: self.token(folder)?,
            };
            let office = Office {
                host,
                port,
                access,
                reconnect_max_s,
            };
            return Ok((speaker, office));
        };
        let enrolled = identity.speaker().clone();
        if speaker.is_some_and(|speaker| speaker != enrolled) {
            let what = format!(
                "this pole is enrolled as {enrolled}; take this line out, or enrol it as the other one"
            );
            return Err(("speaker", what));
        }
        let (host, port) = address.unwrap_or_else(|| identity.office.broker.clone());
        let office = Office {
            host,
            port,
            access: Access::Enrolled(Arc::new(identity)),
            reconnect_max_s,
        };
        Ok((enrolled, office))
    }

    fn anchor(&self) -> Result<Anchor, Wrong> {
        let parse = |name, text: &str| parse_public_key(text).map_err(|e| (name, e.to_string()));
        match (&self.key, &self.root_key) {
            (Some(key), None) => parse("office.key", key).map(Anchor::OneKey),
            (None, Some(key)) => parse("office.root_key", key).map(Anchor::RootKey),
            (Some(_), Some(_)) => Err((
                "office.root_key",
                "give either key or root_key, not both".into(),
            )),
            (None, None) => Err(("office.key", NOT_ENROLLED.into())),
        }
    }

    fn token(&self, folder: &Path) -> Result<Option<String>, Wrong> {
        let token = match (&self.token, &self.token_file) {
            (Some(_), Some(_)) => {
                let what = "give either token or token_file, not both";
                return Err(("office.token_file", what.into()));
            }
            (Some(token), None) => Some(token.clone()),
            (None, Some(file)) => {
                let file = folder.join(file);
                let text = std::fs::read_to_string(&file).map_err(|e| {
                    let what = format!("{} cannot be read: {e}", file.display());
                    ("office.token_file", what)
                })?;
                Some(text.trim().to_owned())
            }
            (None, None) => None,
        };
        if token.as_deref() == Some("") {
            let what = "the token is empty; leave it out if there is none";
            return Err(("office.token", what.into()));
        }
        Ok(token)
    }
}

/// Is this name or address this same machine's?
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `host:port`; an IPv6 address stands in brackets.
///
/// # Errors
/// What it must look like.
pub fn parse_address(text: &str) -> Result<(String, u16), String> {
    let explain =
        || format!("{text:?} is no address; write host:port, for instance \"10.0.0.1:8883\"");
    let (host, port) = text.rsplit_once(':').ok_or_else(explain)?;
    let port: u16 = port.parse().ok().filter(|p| *p != 0).ok_or_else(explain)?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    let plain = !host.is_empty()
        && !host.contains(|c: char| c.is_whitespace() || c == '/')
        && (bare.is_some() || !host.contains(':'));
    if plain {
        Ok((host.to_owned(), port))
    } else {
        Err(explain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_and_names_are_addresses() {
        assert_eq!(parse_address("[::1]:1883"), Ok(("::1".into(), 1883)));
        assert_eq!(
            parse_address("loa.xa.vn:1883"),
            Ok(("loa.xa.vn".into(), 1883))
        );
        for wrong in ["::1:1883", ":1883", "a b:1", "mqtt://a:1", "a:0", "a"] {
            assert!(parse_address(wrong).is_err(), "{wrong}");
        }
        assert!(is_loopback("::1") && is_loopback("127.9.9.9") && is_loopback("localhost"));
        assert!(!is_loopback("10.0.0.1") && !is_loopback("localhost.xa.vn"));
    }
}
