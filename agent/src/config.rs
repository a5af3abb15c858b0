//! What the operator sets: strict TOML, and errors that name file, key and what is allowed.

use std::path::{Path, PathBuf};

use loa_protocol::{id::SpeakerId, limits::Governor};
use serde::Deserialize;
use thiserror::Error;

use crate::identity::{Identity, IdentityError};

mod governor;
mod microphone;
mod office;
mod relay;

use self::{governor::RawGovernor, office::RawOffice};
pub use self::{
    microphone::{Microphone, MicrophoneKind},
    office::{Access, Office, is_loopback, parse_address},
    relay::Relay,
};

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
    pub relay: Relay,
    pub log: Log,
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
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// As the file is written, before anything is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    speaker: Option<String>,
    #[serde(default = "default_data_dir")]
    data_dir: PathBuf,
    #[serde(default)]
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
    relay: Relay,
    #[serde(default)]
    log: Log,
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

impl Config {
    /// Reads and checks a file, the token file it names, and the identity in the data folder.
    ///
    /// # Errors
    /// The first thing that is wrong, in a sentence.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(path, &read(path)?, |data_dir| Ok(Identity::load(data_dir)?))
    }

    /// Where it is when no file says otherwise.
    pub fn default_data_dir() -> PathBuf {
        default_data_dir()
    }

    /// Only where the data folder is: what enrolment needs of a configuration, which is not whole without an identity.
    ///
    /// # Errors
    /// When the file cannot be read, or is not TOML of ours.
    pub fn data_dir(path: &Path) -> Result<PathBuf, ConfigError> {
        let raw = parse_raw(path, &read(path)?)?;
        Ok(folder_of(path).join(raw.data_dir))
    }

    fn parse(
        path: &Path,
        text: &str,
        find_identity: impl FnOnce(&Path) -> Result<Option<Identity>, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let raw = parse_raw(path, text)?;
        let wrong = |key, what: String| ConfigError::Value {
            path: path.into(),
            key,
            what,
        };
        let folder = folder_of(path);
        let data_dir = folder.join(raw.data_dir);
        let (speaker, office) = raw
            .office
            .check(raw.speaker, find_identity(&data_dir)?, folder)
            .map_err(|(key, what)| wrong(key, what))?;
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
        let directory = match raw.output.directory {
            Some(directory) => folder.join(directory),
            None => data_dir.join("wav"),
        };
        Ok(Self {
            speaker,
            data_dir,
            office,
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
            relay: raw.relay,
            sensors: Sensors {
                root: folder.join(&raw.sensors.root),
                ..raw.sensors
            },
            log: raw.log,
        })
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.into(),
        source,
    })
}

fn parse_raw(path: &Path, text: &str) -> Result<RawConfig, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError::Parse {
        path: path.into(),
        message: error.to_string().trim_end().to_owned(),
    })
}

/// Where the file's relative paths begin.
fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use loa_protocol::trust::Anchor;

    use super::*;

    const KEY: &str = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";

    fn parse(office: &str, rest: &str) -> Result<Config, String> {
        let text = format!("speaker = \"ban-chuong-1\"\n{rest}\n[office]\n{office}");
        let path = Path::new("/etc/loa/agent.toml");
        Config::parse(path, &text, |_| Ok(None)).map_err(|e| e.to_string())
    }
    fn enrolled(text: &str) -> Result<Config, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/agent.toml");
        let identity = crate::identity::tests::identity("ban-chuong-1");
        Config::parse(&path, text, |_| Ok(Some(identity))).map_err(|e| e.to_string())
    }
    fn good_office() -> String {
        format!("address = \"127.0.0.1:1883\"\nkey = \"{KEY}\"\n")
    }

    #[test]
    fn the_shipped_example_is_a_configuration() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/agent.toml");
        let text = std::fs::read_to_string(&path).expect("it is there");
        let config = enrolled(&text).expect("the example is right");
        assert_eq!(config.speaker.as_str(), "ban-chuong-1");
        assert_eq!(config.office.host, "loa.xa.vn");
        assert_eq!(config.output.kind, OutputKind::Auto);
        assert_eq!(config.data_dir, Path::new("/var/lib/loa-agent"));
        // Every commented default is what one gets without it.
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
        let spelt_out = enrolled(&uncommented).expect("the defaults are right");
        let shown = |config: &Config| format!("{config:?}");
        // Two identities are made, of two keys.
        let serial = |config: &Config| {
            let identity = config.office.identity().expect("it is enrolled");
            identity.certificate.serial.clone()
        };
        assert_eq!(
            shown(&config),
            shown(&spelt_out).replace(&serial(&spelt_out), &serial(&config))
        );
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
                "address = \"127.0.0.1\"\n".to_owned() + &key,
                "",
                ["office.address", "host:port"],
            ),
            (
                "address = \"a:99999\"\n".to_owned() + &key,
                "",
                ["office.address", "host:port"],
            ),
            (
                "address = \"localhost:1\"\nkey = \"abc\"".into(),
                "",
                ["office.key", "64 hex digits"],
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
        let error = Config::parse(Path::new("a.toml"), &text, |_| Ok(None)).expect_err("wrong");
        assert!(error.to_string().contains("a-z"), "{error}");
    }

    #[test]
    fn a_pole_that_is_not_enrolled_is_told_how_and_speaks_in_clear_to_this_machine_only() {
        let alone = Config::parse(Path::new("a.toml"), "", |_| Ok(None)).expect_err("nobody yet");
        assert!(alone.to_string().contains("loa-agent enrol"), "{alone}");
        let elsewhere = parse(&format!("address = \"10.0.0.1:1883\"\nkey = \"{KEY}\""), "")
            .expect_err("in clear over a network");
        assert!(
            elsewhere.contains("office.address") && elsewhere.contains("loa-agent enrol"),
            "{elsewhere}"
        );
        let rooted = parse(
            &format!("address = \"[::1]:1883\"\nroot_key = \"{KEY}\""),
            "",
        );
        assert!(matches!(
            rooted.expect("right").office.anchor(),
            Anchor::RootKey(_)
        ));
    }

    #[test]
    fn an_identity_says_who_the_pole_is_and_the_file_may_only_say_another_way_there() {
        let config = enrolled("[office]\naddress = \"10.8.0.1:8883\"").expect("right");
        assert_eq!(config.speaker.as_str(), "ban-chuong-1");
        assert_eq!(config.office.host, "10.8.0.1");
        let error = enrolled("speaker = \"khuoi-meo\"").expect_err("another");
        assert!(error.contains("ban-chuong-1"), "{error}");
        // What it had before it was enrolled is in nobody's way.
        let before = format!("token = \"old\"\nkey = \"{KEY}\"");
        let config = enrolled(&format!("[office]\n{before}")).expect("right");
        assert!(config.office.identity().is_some());
    }

    #[test]
    fn the_token_does_not_reach_the_log() {
        let config = parse(&(good_office() + "token = \"secret\""), "").expect("right");
        assert!(!format!("{config:?}").contains("secret"));
        let Access::Plain { token, .. } = config.office.access else {
            panic!("it is not enrolled");
        };
        assert_eq!(token.as_deref(), Some("secret"));
    }
}
