//! What the operator sets: strict TOML, and errors that name file, key and what is allowed.

mod check;
mod defaults;
mod delivery;
mod limits;
mod lines;
mod live;
mod log;
mod metrics;
mod mqtt;
mod relay;
mod server;
mod web;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    notify::{AlertsConfig, MailConfig, TelegramConfig},
    reports::ReportConfig,
    speech::SpeechConfig,
};

pub use defaults::DefaultsConfig;
pub use delivery::DeliveryConfig;
pub use limits::LimitsConfig;
pub use live::LiveConfig;
pub use log::{LogConfig, LogFormat};
pub use metrics::MetricsConfig;
pub use mqtt::{ExternalBroker, MqttConfig, split_address};
pub use relay::RelayConfig;
pub use server::{ServerConfig, TlsWish, WebTls};
pub use web::WebConfig;

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
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../config/controller.toml");

    pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
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
}
