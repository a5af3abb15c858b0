//! What the operator sets: strict TOML, and errors that name file, key and what is allowed.

mod live;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use loa_protocol::{
    content::{BLOCK_BYTES, MAX_CONTENT_BYTES},
    quiet_hours::{DayWindow, parse_time_of_day, parse_zone},
};
use serde::{Deserialize, Serialize};

mod relay;

pub use relay::RelayConfig;

use crate::{
    broker::CONTROLLER_USERNAME,
    notify::{AlertsConfig, MailConfig, TelegramConfig},
    reports::ReportConfig,
    speech::{MAX_SENTENCE, SpeechConfig},
};

pub use live::LiveConfig;

/// Where `serve` looks when it is not told.
pub const DEFAULT_PATH: &str = "/etc/loa/controller.toml";

/// A checked configuration. Relative paths in the file are relative to the file's own folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Database, key and audio.
    pub data_dir: PathBuf,
    pub server: ServerConfig,
    pub web: WebConfig,
    pub mqtt: MqttConfig,
    pub delivery: DeliveryConfig,
    pub limits: LimitsConfig,
    pub defaults: DefaultsConfig,
    pub alerts: AlertsConfig,
    pub mail: Option<MailConfig>,
    pub telegram: Option<TelegramConfig>,
    pub report: ReportConfig,
    pub speech: SpeechConfig,
    pub live: LiveConfig,
    pub relay: RelayConfig,
    pub metrics: MetricsConfig,
    pub log: LogConfig,
}

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

/// What the web app shows besides its own: nothing from elsewhere, unless it is named here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Where map tiles are: an address with {z}, {x} and {y}. Without it the map has no ground.
    pub tiles: Option<String>,
    /// Whose the tiles are, as their licence wants it shown.
    pub tiles_attribution: Option<String>,
}

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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryConfig {
    /// How fast audio goes out to all speakers together, in bytes per second.
    pub bytes_per_s: u32,
    /// After a lost line each speaker waits a random time up to this, in seconds.
    pub reconnect_jitter_s: u16,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Largest upload, in megabytes (10^6 bytes).
    pub upload_mb: u32,
    /// Longest audio, in minutes.
    pub max_audio_minutes: u32,
    /// Address space of a process that reads a recording, in megabytes (10^6 bytes).
    pub decode_memory_mb: u32,
    /// Its processor time, in minutes; by the clock it has four times as long.
    pub decode_minutes: u32,
}

/// What a new area, speaker or bulletin gets when nobody says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DefaultsConfig {
    /// IANA name.
    pub zone: String,
    pub quiet_hours: Vec<DayWindow>,
    /// `HH:MM` of a new speaker's daily self-test; empty: none.
    pub self_test_at: String,
    /// Said when a bulletin is taken back without other words; `{title}` becomes its title.
    pub correction: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    pub level: String,
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Figures for Prometheus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// A file that holds a token and nothing else: who sends it may read `/metrics`, from everywhere, and nobody else.
    /// Without it only this machine may.
    pub token_file: Option<PathBuf>,
    /// Figures of every single speaker too.
    pub per_speaker: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "/var/lib/loa-controller".into(),
            server: ServerConfig::default(),
            web: WebConfig::default(),
            mqtt: MqttConfig::default(),
            delivery: DeliveryConfig::default(),
            limits: LimitsConfig::default(),
            defaults: DefaultsConfig::default(),
            alerts: AlertsConfig::default(),
            mail: None,
            telegram: None,
            report: ReportConfig::default(),
            speech: SpeechConfig::default(),
            live: LiveConfig::default(),
            relay: RelayConfig::default(),
            metrics: MetricsConfig::default(),
            log: LogConfig::default(),
        }
    }
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

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            bytes_per_s: 4_000_000,
            reconnect_jitter_s: 30,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            upload_mb: 200,
            max_audio_minutes: 120,
            decode_memory_mb: 1_000,
            decode_minutes: 15,
        }
    }
}

impl Default for DefaultsConfig {
    fn default() -> Self {
        Self {
            zone: "Asia/Ho_Chi_Minh".into(),
            quiet_hours: vec![DayWindow {
                from: "22:00".into(),
                to: "05:00".into(),
            }],
            self_test_at: "11:45".into(),
            correction:
                "Xin đính chính: bản tin {title} vừa phát là không đúng. Bà con chờ thông báo mới."
                    .into(),
        }
    }
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            token_file: None,
            per_speaker: true,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}

/// What is wrong with a configuration, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{file}: {source}; give another with --config")]
    Read {
        file: PathBuf,
        source: std::io::Error,
    },
    /// The text has line, key, and what is allowed.
    #[error("{file}: {text}")]
    Syntax { file: PathBuf, text: String },
    #[error("{file}: {key}: {says}")]
    Value {
        file: PathBuf,
        key: &'static str,
        says: String,
    },
}

impl Config {
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Read {
            file: file.into(),
            source,
        })?;
        Self::parse(&text, file)
    }

    /// `file` is for messages, and its folder is where relative paths begin.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            file: file.into(),
            text: error.to_string().trim_end().to_owned(),
        })?;
        config.check(file)?;
        let folder = file.parent().unwrap_or(Path::new("."));
        config.data_dir = folder.join(&config.data_dir);
        if let Some(external) = &mut config.mqtt.external
            && let Some(password) = &mut external.password_file
        {
            *password = folder.join(&*password);
        }
        for path in [&mut config.server.certificate, &mut config.server.key]
            .into_iter()
            .flatten()
        {
            *path = folder.join(&*path);
        }
        if let Some(token) = &mut config.metrics.token_file {
            *token = folder.join(&*token);
        }
        if let Some(mail) = &mut config.mail {
            mail.place(folder);
        }
        if let Some(telegram) = &mut config.telegram {
            telegram.place(folder);
        }
        if let Some(table) = &mut config.speech.abbreviations {
            *table = folder.join(&*table);
        }
        Ok(config)
    }

    fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let wrong = |key, says: String| {
            Err(ConfigError::Value {
                file: file.into(),
                key,
                says,
            })
        };
        if let Some(url) = &self.server.public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return wrong(
                "server.public_url",
                format!("{url:?} does not begin with http:// or https://"),
            );
        }
        self.check_lines().or_else(|(key, says)| wrong(key, says))?;
        if let Some(tiles) = &self.web.tiles
            && self.web.tiles_origin().is_none()
        {
            return wrong(
                "web.tiles",
                format!("{tiles:?} is not like https://tile.example.vn/{{z}}/{{x}}/{{y}}.png"),
            );
        }
        let addresses = [
            ("mqtt.public_address", self.mqtt.public_address.as_ref()),
            (
                "mqtt.external.address",
                self.mqtt.external.as_ref().map(|e| &e.address),
            ),
        ];
        for (key, address) in addresses {
            if let Some(address) = address
                && split_address(address).is_none()
            {
                return wrong(key, format!("{address:?} is not host:port"));
            }
        }
        let delivery_max = 1_000_000_000;
        let audio_max = (MAX_CONTENT_BYTES / 4_000 / 60) as u32;
        for (key, value, allowed) in [
            (
                "mqtt.max_connections",
                self.mqtt.max_connections as u64,
                1..=1_000_000,
            ),
            (
                "delivery.bytes_per_s",
                self.delivery.bytes_per_s.into(),
                BLOCK_BYTES.into()..=delivery_max,
            ),
            (
                "delivery.reconnect_jitter_s",
                self.delivery.reconnect_jitter_s.into(),
                0..=3_600,
            ),
            ("limits.upload_mb", self.limits.upload_mb.into(), 1..=4_000),
            (
                "limits.max_audio_minutes",
                self.limits.max_audio_minutes.into(),
                1..=audio_max.min(240).into(),
            ),
            (
                "limits.decode_memory_mb",
                self.limits.decode_memory_mb.into(),
                200..=100_000,
            ),
            (
                "limits.decode_minutes",
                self.limits.decode_minutes.into(),
                1..=1_440,
            ),
        ] {
            if !allowed.contains(&value) {
                let (from, to) = (allowed.start(), allowed.end());
                return wrong(key, format!("{value} is outside {from} to {to}"));
            }
        }
        if let Err(error) = parse_zone(&self.defaults.zone) {
            return wrong("defaults.zone", error.to_string());
        }
        for window in &self.defaults.quiet_hours {
            if let Err(error) = window.check() {
                return wrong("defaults.quiet_hours", error.to_string());
            }
        }
        if let Some(at) = self.defaults.self_test_at()
            && let Err(error) = parse_time_of_day(&at)
        {
            return wrong("defaults.self_test_at", error.to_string());
        }
        if !(1..=MAX_SENTENCE).contains(&self.defaults.correction.trim().chars().count()) {
            return wrong(
                "defaults.correction",
                format!("a sentence of 1 to {MAX_SENTENCE} characters"),
            );
        }
        const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
        if !LEVELS.contains(&self.log.level.as_str()) {
            return wrong(
                "log.level",
                format!("{:?} is none of {LEVELS:?}", self.log.level),
            );
        }
        let mail = self.mail.as_ref().map_or(Ok(()), MailConfig::check);
        let telegram = self.telegram.as_ref().map_or(Ok(()), TelegramConfig::check);
        let report = self.report.check(self.mail.is_some());
        mail.and(telegram)
            .and(report)
            .and(self.live.check())
            .or_else(|(key, says)| wrong(key, says))?;
        self.speech
            .check()
            .or_else(|error| wrong("speech", error.to_string()))
    }

    /// Nothing crosses a network in clear.
    fn check_lines(&self) -> Result<(), (&'static str, String)> {
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

impl DefaultsConfig {
    /// `None`: new speakers do not test their sound.
    pub fn self_test_at(&self) -> Option<String> {
        Some(self.self_test_at.clone()).filter(|at| !at.is_empty())
    }
}

impl WebConfig {
    /// What a browser must be allowed to load tiles from; `None` also when the address is no good. `{s}` at the beginning
    /// of the host stands for several hosts.
    pub fn tiles_origin(&self) -> Option<String> {
        let tiles = self.tiles.as_deref()?;
        let (scheme, rest) = tiles.split_once("://")?;
        let (host, path) = rest.split_once('/')?;
        let placed = ["{z}", "{x}", "{y}"].iter().all(|p| path.contains(p));
        let (several, name) = match host.strip_prefix("{s}.") {
            Some(name) => ("*.", name),
            None => ("", host),
        };
        // It becomes part of a header.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let fits = matches!(scheme, "https" | "http")
            && placed
            && !name.is_empty()
            && name.chars().all(plain)
            && tiles.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| format!("{scheme}://{several}{name}"))
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

    const EXAMPLE: &str = include_str!("../../config/controller.toml");

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/etc/loa/controller.toml"))
    }

    #[test]
    fn the_shipped_example_is_the_defaults() {
        let shown = parse(EXAMPLE).expect("config/controller.toml");
        assert_eq!(shown, parse("").expect("nothing set"));
    }

    #[test]
    fn the_example_s_speech_is_the_speech_example() {
        assert!(EXAMPLE.ends_with(include_str!("../../config/speech.fragment.toml")));
    }

    #[test]
    fn the_example_shows_every_option_with_its_default() {
        // "#name" shows a default; "# words" is a comment, and "#  name" an example.
        let all: String = EXAMPLE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(option) if option.starts_with(|c: char| c.is_ascii_lowercase()) => {
                    format!("{option}\n")
                }
                Some(_) => "\n".to_owned(),
                None => format!("{line}\n"),
            })
            .collect();
        let mut shown = parse(&all).expect("the options behind #");
        let mut keys: toml::Table = toml::from_str(&all).expect("the same text");
        // These have no default: the example shows a value.
        assert!(shown.server.public_url.take().is_some());
        assert!(shown.server.certificate.take().is_some() && shown.server.key.take().is_some());
        assert!(shown.web.tiles.take().is_some());
        assert!(shown.web.tiles_attribution.take().is_some());
        assert!(shown.mqtt.public_address.take().is_some());
        assert!(shown.speech.abbreviations.take().is_some());
        assert!(shown.metrics.token_file.take().is_some());
        let given = shown.clone();
        assert_eq!(given, parse("").expect("nothing set"));
        let mut whole = toml::Table::try_from(&given).expect("a table");
        for table in [&mut keys, &mut whole] {
            for (section, key) in [
                ("server", "public_url"),
                ("server", "certificate"),
                ("server", "key"),
                ("web", "tiles"),
                ("web", "tiles_attribution"),
                ("mqtt", "public_address"),
                ("speech", "abbreviations"),
                ("metrics", "token_file"),
            ] {
                table
                    .get_mut(section)
                    .and_then(|s| s.as_table_mut()?.remove(key));
            }
        }
        let names = |table: &toml::Table| -> Vec<String> {
            table
                .iter()
                .flat_map(|(section, value)| match value.as_table() {
                    Some(inner) => inner.keys().map(|k| format!("{section}.{k}")).collect(),
                    None => vec![section.clone()],
                })
                .collect()
        };
        assert_eq!(names(&keys), names(&whole));
    }

    #[test]
    fn the_example_s_sections_that_are_off_can_be_turned_on() {
        let on: String = EXAMPLE
            .lines()
            .filter_map(|line| line.strip_prefix("#  "))
            .filter(|line| !line.starts_with(' '))
            .map(|line| format!("{line}\n"))
            .collect();
        let shown = parse(&on).expect("the sections behind #");
        assert!(shown.mail.is_some() && shown.telegram.is_some() && shown.mqtt.external.is_some());
    }

    #[test]
    fn a_wrong_line_is_named_with_file_key_and_what_is_allowed() {
        for (text, words) in [
            (
                "[mqtt]\nlissten = \"x\"",
                vec!["controller.toml", "line 2", "lissten", "listen"],
            ),
            (
                "[server]\nlisten = \"everywhere\"",
                vec!["line 2", "listen"],
            ),
            (
                "[server]\npublic_url = \"loa.vn\"",
                vec!["server.public_url", "https://"],
            ),
            (
                "[web]\ntiles = \"https://tile.vn/map.png\"",
                vec!["web.tiles", "{z}/{x}/{y}"],
            ),
            (
                "[delivery]\nbytes_per_s = 10",
                vec!["delivery.bytes_per_s", "16384"],
            ),
            (
                "[defaults]\nzone = \"Hanoi\"",
                vec!["defaults.zone", "Asia/Ho_Chi_Minh"],
            ),
            (
                "[defaults]\nquiet_hours = [{ from = \"22\", to = \"05:00\" }]",
                vec!["quiet_hours", "HH:MM"],
            ),
            (
                "[limits]\nmax_audio_minutes = 0",
                vec!["limits.max_audio_minutes", "1 to"],
            ),
            (
                "[defaults]\ncorrection = \"\"",
                vec!["defaults.correction", "1 to"],
            ),
            (
                "[defaults]\nself_test_at = \"noon\"",
                vec!["defaults.self_test_at", "HH:MM"],
            ),
            ("[log]\nlevel = \"loud\"", vec!["log.level", "debug"]),
            ("[report]\nday = 31", vec!["report.day", "1 to 28"]),
            ("[report]\nhour = \"7am\"", vec!["report.hour", "07:00"]),
            (
                "[report]\nmail_to = [\"xa@example.vn\"]",
                vec!["report.mail_to", "[mail]"],
            ),
            (
                "[report]\nareas = { sang-moc = [\"nobody\"] }",
                vec!["report.mail_to", "nobody"],
            ),
            ("[speech]\ntimeout_s = 0", vec!["timeout_s", "1 to"]),
            ("[alerts]\nlanguage = \"fr\"", vec!["line 2", "vi", "en"]),
            (
                "[mail]\nserver = \"mail.vn\"\nfrom = \"loa@xa.vn\"",
                vec!["mail.server", "host:port"],
            ),
            (
                "[mail]\nserver = \"mail.vn:25\"\nfrom = \"loa@xa.vn\"\nsecurity = \"none\"",
                vec!["mail.security", "starttls"],
            ),
            (
                "[mail]\nserver = \"mail.vn:587\"\nfrom = \"loa@xa.vn\"\nusername = \"loa\"",
                vec!["mail.username", "password_file"],
            ),
            (
                "[telegram]\ntoken_file = \"t\"\napi = \"telegram\"",
                vec!["telegram.api", "https://"],
            ),
            (
                "[mqtt]\nlisten = \"0.0.0.0:1883\"\ntls = false",
                vec!["mqtt.tls", "127.0.0.1", "enrol"],
            ),
            (
                "[mqtt.external]\naddress = \"mqtt.vn:1883\"\ntls = false\npassword_file = \"p\"",
                vec!["mqtt.external.tls", "in clear"],
            ),
            (
                "[mqtt.external]\naddress = \"localhost:1883\"\ntls = false",
                vec!["mqtt.external.password_file"],
            ),
            (
                "[server]\nlisten = \"0.0.0.0:8080\"\ntls = \"off\"",
                vec!["server.tls", "in clear", "127.0.0.1"],
            ),
            (
                "[server]\npublic_url = \"http://loa.example.vn\"",
                vec!["server.public_url", "in clear", "https://"],
            ),
            (
                "[server]\ncertificate = \"web.pem\"",
                vec!["server.certificate", "server.key"],
            ),
            (
                "[server]\ntls = \"own\"\ncertificate = \"web.pem\"\nkey = \"web.key\"",
                vec!["server.tls", "take"],
            ),
            (
                "[server]\ntls = \"off\"\ncertificate = \"web.pem\"\nkey = \"web.key\"",
                vec!["server.key", "auto"],
            ),
            (
                "[mqtt.external]\naddress = \"broker\"\nusername = \"x\"\npassword_file = \"p\"",
                vec!["mqtt.external.address", "host:port"],
            ),
        ] {
            let error = parse(text).expect_err(text).to_string();
            for word in words {
                assert!(error.contains(word), "{word:?} is missing in: {error}");
            }
        }
    }

    #[test]
    fn relative_paths_begin_at_the_file() {
        let config = parse(
            "data_dir = \"data\"\n[mail]\nserver = \"mail.vn:587\"\nfrom = \"Loa <loa@xa.vn>\"\n\
             username = \"loa\"\npassword_file = \"mail-password\"",
        )
        .expect("in order");
        assert_eq!(config.data_dir, Path::new("/etc/loa/data"));
        let mail = config.mail.expect("a mail server");
        let password = Path::new("/etc/loa/mail-password");
        assert_eq!(mail.password_file.as_deref(), Some(password));
    }

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
    fn tiles_come_from_one_named_place() {
        let origin = |tiles: &str| {
            let tiles = Some(tiles.into());
            let web = WebConfig {
                tiles,
                ..WebConfig::default()
            };
            web.tiles_origin()
        };
        for (tiles, from) in [
            ("https://tile.vn/{z}/{x}/{y}.png", "https://tile.vn"),
            ("https://{s}.tile.vn/{z}/{x}/{y}.png", "https://*.tile.vn"),
            ("http://10.0.0.1:8000/t/{z}/{x}/{y}", "http://10.0.0.1:8000"),
        ] {
            assert_eq!(origin(tiles).as_deref(), Some(from));
        }
        for bad in [
            "tile.vn/{z}/{x}/{y}.png",
            "https://tile.vn/{z}/{x}.png",
            "https://tile.vn; script-src */{z}/{x}/{y}.png",
            "https:///{z}/{x}/{y}.png",
            "javascript://tile.vn/{z}/{x}/{y}.png",
        ] {
            assert_eq!(origin(bad), None, "{bad}");
        }
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
