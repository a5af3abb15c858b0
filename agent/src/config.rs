//! What the operator sets: strict TOML, and errors that name file, key and what is allowed.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use loa_protocol::{envelope::parse_public_key, id::SpeakerId, limits::Governor, trust::Anchor};
use serde::Deserialize;
use thiserror::Error;

mod governor;
mod microphone;

use self::governor::RawGovernor;
pub use self::microphone::{Microphone, MicrophoneKind};

/// A checked configuration. Relative paths in the file are relative to the file's own folder.
#[derive(Clone, Debug)]
pub struct Config {
    pub speaker: SpeakerId,
    pub data_dir: PathBuf,
    pub office: Office,
    pub content: Content,
    pub output: Output,
    pub clock: Clock,
    pub sensors: Sensors,
    pub microphone: Microphone,
    /// What nothing that is signed can lift.
    pub governor: Governor,
    pub log: Log,
}

#[derive(Clone)]
pub struct Office {
    pub host: String,
    pub port: u16,
    /// MQTT password; the user name is the speaker's id.
    pub token: Option<String>,
    /// Whom this speaker believes to begin with.
    pub anchor: Anchor,
    /// Longest wait between two tries to reach the office, in seconds.
    pub reconnect_max_s: u32,
}

impl fmt::Debug for Office {
    /// Without the token: configurations end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Office")
            .field("address", &format!("{}:{}", self.host, self.port))
            .field("token", &self.token.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Content {
    /// Most disk that audio may take, in megabytes (10^6 bytes).
    pub quota_mb: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub kind: OutputKind,
    /// Name of the device, or `default`.
    pub device: String,
    /// `None` tries PulseAudio first, then ALSA.
    pub host: Option<SoundHost>,
    /// Where WAV files go.
    pub directory: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// The sound device when there is one, else WAV files.
    Auto,
    Device,
    Wav,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SoundHost {
    Alsa,
    PulseAudio,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    pub source: ClockSource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockSource {
    /// Believed when the kernel says that it is synchronised, the office told the time, or there is a battery clock.
    Auto,
    /// The operator vouches for the system clock.
    System,
}

/// What is measured of the machine, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sensors {
    /// Pause between two measurements, in seconds.
    pub measure_s: u32,
    /// The interface to the office; `None`: the one with the default route.
    pub interface: Option<String>,
    /// Program and arguments that tell of the modem, without a shell; empty: none.
    pub modem_command: Vec<String>,
    /// The same, of mains and battery.
    pub power_command: Vec<String>,
    pub command_timeout_s: u32,
    /// Names in `/sys/class/power_supply`; `None`: what is found.
    pub mains_supply: Option<String>,
    pub battery_supply: Option<String>,
    /// Where `proc` and `sys` are; another folder than `/` is for tests.
    pub root: PathBuf,
}

impl Default for Sensors {
    fn default() -> Self {
        Self {
            measure_s: 45,
            interface: None,
            modem_command: Vec::new(),
            power_command: Vec::new(),
            command_timeout_s: 10,
            mains_supply: None,
            battery_supply: None,
            root: "/".into(),
        }
    }
}

impl Sensors {
    /// What is wrong with it: the key, and what is allowed.
    fn check(&self) -> Result<(), (&'static str, String)> {
        if !(10..=60).contains(&self.measure_s) {
            return Err(("sensors.measure_s", "goes from 10 to 60 seconds".into()));
        }
        if !(1..=20).contains(&self.command_timeout_s) {
            return Err((
                "sensors.command_timeout_s",
                "goes from 1 to 20 seconds".into(),
            ));
        }
        for (key, command) in [
            ("sensors.modem_command", &self.modem_command),
            ("sensors.power_command", &self.power_command),
        ] {
            if command.first().is_some_and(String::is_empty) {
                let what = "the program comes first, then its arguments: [\"/usr/bin/program\", \"argument\"]";
                return Err((key, what.into()));
            }
        }
        for (key, name) in [
            ("sensors.interface", &self.interface),
            ("sensors.mains_supply", &self.mains_supply),
            ("sensors.battery_supply", &self.battery_supply),
        ] {
            let is_name =
                |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains('/');
            if name.as_deref().is_some_and(|name| !is_name(name)) {
                return Err((
                    key,
                    "the name alone, as the kernel gives it, without a folder".into(),
                ));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Default for Content {
    fn default() -> Self {
        Self { quota_mb: 512 }
    }
}
impl Default for Clock {
    fn default() -> Self {
        Self {
            source: ClockSource::Auto,
        }
    }
}
impl Default for Log {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            format: LogFormat::Text,
        }
    }
}

#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("{path}: cannot be read: {source}; check that the file exists and may be read")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {message}")]
    Parse { path: PathBuf, message: String },
    #[error("{path}: {key}: {what}")]
    Value {
        path: PathBuf,
        key: &'static str,
        what: String,
    },
}

/// As the file is written, before anything is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    speaker: String,
    #[serde(default = "default_data_dir")]
    data_dir: PathBuf,
    office: RawOffice,
    #[serde(default)]
    content: Content,
    #[serde(default)]
    output: RawOutput,
    #[serde(default)]
    clock: Clock,
    #[serde(default)]
    microphone: Microphone,
    #[serde(default)]
    sensors: Sensors,
    #[serde(default)]
    governor: RawGovernor,
    #[serde(default)]
    log: Log,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOffice {
    address: String,
    token: Option<String>,
    token_file: Option<PathBuf>,
    key: Option<String>,
    root_key: Option<String>,
    #[serde(default = "default_reconnect_max_s")]
    reconnect_max_s: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawOutput {
    kind: OutputKind,
    device: String,
    host: Option<SoundHost>,
    directory: Option<PathBuf>,
}

impl Default for RawOutput {
    fn default() -> Self {
        Self {
            kind: OutputKind::Auto,
            device: "default".into(),
            host: None,
            directory: None,
        }
    }
}

fn default_data_dir() -> PathBuf {
    "/var/lib/loa-agent".into()
}
fn default_reconnect_max_s() -> u32 {
    300
}

impl Config {
    /// Reads and checks a file, and the token file it names.
    ///
    /// # Errors
    /// The first thing that is wrong, in a sentence.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| ConfigError::Parse {
            path: path.into(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let wrong = |key, what: String| ConfigError::Value {
            path: path.into(),
            key,
            what,
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        let speaker =
            SpeakerId::new(raw.speaker.as_str()).map_err(|e| wrong("speaker", e.to_string()))?;
        let (host, port) =
            parse_address(&raw.office.address).map_err(|what| wrong("office.address", what))?;
        let anchor = parse_anchor(&raw.office).map_err(|(key, what)| wrong(key, what))?;
        if !is_loopback(&host) {
            let what = "without a certificate of its own a speaker reaches an office on this very machine only \
                        (127.0.0.1, [::1] or localhost); enrol it to reach any other";
            return Err(wrong("office.address", what.into()));
        }
        let token = match (raw.office.token, raw.office.token_file) {
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "office.token_file",
                    "give either token or token_file, not both".into(),
                ));
            }
            (Some(token), None) => Some(token),
            (None, Some(file)) => {
                let file = folder.join(file);
                let text = std::fs::read_to_string(&file).map_err(|e| {
                    wrong(
                        "office.token_file",
                        format!("{} cannot be read: {e}", file.display()),
                    )
                })?;
                Some(text.trim().to_owned())
            }
            (None, None) => None,
        };
        if token.as_deref() == Some("") {
            return Err(wrong(
                "office.token",
                "the token is empty; leave it out if there is none".into(),
            ));
        }
        if !(1..=3600).contains(&raw.office.reconnect_max_s) {
            return Err(wrong(
                "office.reconnect_max_s",
                "goes from 1 to 3600 seconds".into(),
            ));
        }
        if raw.content.quota_mb < 16 {
            return Err(wrong(
                "content.quota_mb",
                "at least 16 (an hour of speech takes 14)".into(),
            ));
        }
        if raw.output.device.is_empty() {
            return Err(wrong(
                "output.device",
                "the name of a sound device, or \"default\"".into(),
            ));
        }
        raw.microphone
            .check()
            .map_err(|(key, what)| wrong(key, what))?;
        raw.sensors
            .check()
            .map_err(|(key, what)| wrong(key, what))?;
        let governor = raw
            .governor
            .checked()
            .map_err(|(key, what)| wrong(key, what))?;
        let data_dir = folder.join(raw.data_dir);
        let directory = match raw.output.directory {
            Some(directory) => folder.join(directory),
            None => data_dir.join("wav"),
        };
        Ok(Self {
            speaker,
            data_dir,
            office: Office {
                host,
                port,
                token,
                anchor,
                reconnect_max_s: raw.office.reconnect_max_s,
            },
            content: raw.content,
            output: Output {
                kind: raw.output.kind,
                device: raw.output.device,
                host: raw.output.host,
                directory,
            },
            clock: raw.clock,
            microphone: raw.microphone,
            governor,
            sensors: Sensors {
                root: folder.join(&raw.sensors.root),
                ..raw.sensors
            },
            log: raw.log,
        })
    }
}

/// Either the one key of an office, or a root key that names its keys.
fn parse_anchor(office: &RawOffice) -> Result<Anchor, (&'static str, String)> {
    let parse = |name, text: &str| parse_public_key(text).map_err(|e| (name, e.to_string()));
    match (&office.key, &office.root_key) {
        (Some(key), None) => Ok(Anchor::OneKey(parse("office.key", key)?)),
        (None, Some(key)) => Ok(Anchor::RootKey(parse("office.root_key", key)?)),
        (Some(_), Some(_)) => Err((
            "office.root_key",
            "give either key or root_key, not both".into(),
        )),
        (None, None) => Err((
            "office.root_key",
            "whose word is to be believed? Give the office's root key, 64 hex digits".into(),
        )),
    }
}

/// Does it name this very machine, whatever any name server says?
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// `host:port`; an IPv6 address stands in brackets.
fn parse_address(text: &str) -> Result<(String, u16), String> {
    let explain =
        || format!("{text:?} is no address; write host:port, for instance \"10.0.0.1:1883\"");
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

    const KEY: &str = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";

    fn parse(office: &str, rest: &str) -> Result<Config, String> {
        let text = format!("speaker = \"ban-chuong-1\"\n{rest}\n[office]\n{office}");
        Config::parse(Path::new("/etc/loa/agent.toml"), &text).map_err(|e| e.to_string())
    }
    fn good_office() -> String {
        format!("address = \"127.0.0.1:1883\"\nkey = \"{KEY}\"\n")
    }

    #[test]
    fn the_shipped_example_is_a_configuration() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/agent.toml");
        let config = Config::load(&path).expect("the example is right");
        assert_eq!(config.output.kind, OutputKind::Auto);
        assert_eq!(config.data_dir, Path::new("/var/lib/loa-agent"));
        // Every commented default is what one gets without it.
        let text = std::fs::read_to_string(&path).expect("just read");
        let is_key = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let uncommented: String = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(default) if default.split(" = ").next().is_some_and(is_key) => {
                    format!("{default}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
        let spelt_out = Config::parse(&path, &uncommented).expect("the defaults are right");
        assert_eq!(format!("{config:?}"), format!("{spelt_out:?}"));
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_file_and_what_is_allowed() {
        let error = parse(&format!("{}tokne = \"x\"", good_office()), "").expect_err("a typo");
        for part in [
            "/etc/loa/agent.toml",
            "tokne",
            "token_file",
            "reconnect_max_s",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_wrong_value_is_explained() {
        let key = format!("key = \"{KEY}\"");
        for (office, rest, parts) in [
            (
                "address = \"10.0.0.1\"\n".to_owned() + &key,
                "",
                ["office.address", "host:port"],
            ),
            (
                "address = \"a:99999\"\n".to_owned() + &key,
                "",
                ["office.address", "host:port"],
            ),
            (
                "address = \"[::1]:1\"\nkey = \"abc\"".into(),
                "",
                ["office.key", "64 hex digits"],
            ),
            (
                "address = \"localhost:1\"\nroot_key = \"abc\"".into(),
                "",
                ["office.root_key", "64 hex digits"],
            ),
            (
                "address = \"localhost:1\"".into(),
                "",
                ["office.root_key", "64 hex digits"],
            ),
            (
                good_office() + &format!("root_key = \"{KEY}\""),
                "",
                ["office.root_key", "not both"],
            ),
            (
                "address = \"10.0.0.1:1883\"\n".to_owned() + &key,
                "",
                ["office.address", "enrol it"],
            ),
            (
                "address = \"localhost.loa.vn:1883\"\n".to_owned() + &key,
                "",
                ["office.address", "this very machine only"],
            ),
            (
                good_office() + "token = \"\"",
                "",
                ["office.token", "empty"],
            ),
            (
                good_office() + "token_file = \"gone\"",
                "",
                ["/etc/loa/gone", "cannot be read"],
            ),
            (
                good_office() + "reconnect_max_s = 0",
                "",
                ["office.reconnect_max_s", "3600"],
            ),
            (
                good_office(),
                "content.quota_mb = 1",
                ["content.quota_mb", "at least 16"],
            ),
            (
                good_office(),
                "output.kind = \"mp3\"",
                ["mp3", "`auto`, `device`, `wav`"],
            ),
            (
                good_office(),
                "clock.source = \"gps\"",
                ["gps", "`auto` or `system`"],
            ),
            (
                good_office(),
                "microphone.farthest_ms = 9000",
                ["microphone.farthest_ms", "2500"],
            ),
            (
                good_office(),
                "microphone.kind = \"command\"",
                ["microphone.command", "needs a program"],
            ),
            (
                good_office(),
                "sensors.measure_s = 5",
                ["sensors.measure_s", "10 to 60"],
            ),
            (
                good_office(),
                "sensors.command_timeout_s = 0",
                ["sensors.command_timeout_s", "1 to 20"],
            ),
            (
                good_office(),
                "sensors.modem_command = [\"\", \"-K\"]",
                ["sensors.modem_command", "program comes first"],
            ),
            (
                good_office(),
                "sensors.modem_command = \"mmcli -K\"",
                ["mmcli", "sequence"],
            ),
            (
                good_office(),
                "sensors.battery_supply = \"../BAT0\"",
                ["sensors.battery_supply", "name alone"],
            ),
        ] {
            let error = parse(&office, rest).expect_err("wrong");
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn a_speaker_with_a_name_that_cannot_stand_in_a_topic_is_refused() {
        let text = format!("speaker = \"Bản Chương\"\n[office]\n{}", good_office());
        let error = Config::parse(Path::new("a.toml"), &text).expect_err("wrong");
        assert!(error.to_string().contains("a-z"), "{error}");
    }

    #[test]
    fn the_token_does_not_reach_the_log() {
        let config = parse(&(good_office() + "token = \"secret\""), "").expect("right");
        assert!(!format!("{config:?}").contains("secret"));
        assert_eq!(config.office.token.as_deref(), Some("secret"));
    }

    #[test]
    fn a_root_key_names_the_keys_of_the_office() {
        let office = format!("address = \"127.0.0.1:1883\"\nroot_key = \"{KEY}\"\n");
        let config = parse(&office, "").expect("right");
        let key = parse_public_key(KEY).expect("a key");
        assert!(matches!(config.office.anchor, Anchor::RootKey(k) if k == key));
    }

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
    }
}
