//! `[mail]`, `[telegram]` and `[alerts]` of the configuration: by which ways the office may tell people something.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::split_address;

/// A mail server that takes what the office sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// `host:port`.
    pub server: String,
    #[serde(default)]
    pub security: MailSecurity,
    /// From whom: an address, or `Name <address>`.
    pub from: String,
    /// Together with `password_file`, where the server asks for it.
    pub username: Option<String>,
    /// A file (mode 0600) that holds the password and nothing else.
    pub password_file: Option<PathBuf>,
    /// A certificate (PEM) to trust besides the system's: of a server with one of its own making.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// Plain at first, then TLS, which is required (port 587).
    #[default]
    Starttls,
    /// TLS from the first byte (port 465).
    Tls,
    /// In clear: only to a server on this machine.
    None,
}

/// A Telegram bot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramConfig {
    /// A file (mode 0600) that holds the bot's token and nothing else.
    pub token_file: PathBuf,
    #[serde(default = "telegram_api")]
    pub api: String,
}

fn telegram_api() -> String {
    "https://api.telegram.org".into()
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// Of the messages.
    pub language: Language,
    /// Whether a webhook may point to this machine or into a private network.
    pub webhook_to_private: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    #[default]
    Vi,
    En,
}

impl MailConfig {
    /// Relative paths begin at `folder`.
    pub fn place(&mut self, folder: &Path) {
        let files = [&mut self.password_file, &mut self.ca_file];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
    }

    /// The key that is wrong, and what would be right.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let Some((host, _)) = split_address(&self.server) else {
            return Err(("mail.server", format!("{:?} is not host:port", self.server)));
        };
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            return Err((
                "mail.from",
                format!("{:?} is not like Loa <loa@example.vn>", self.from),
            ));
        }
        if self.username.is_some() != self.password_file.is_some() {
            return Err((
                "mail.username",
                "username and password_file stand together".into(),
            ));
        }
        let here = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        if self.security == MailSecurity::None && !here {
            return Err((
                "mail.security",
                "\"none\" is only for a server on this machine: \"starttls\" or \"tls\"".into(),
            ));
        }
        Ok(())
    }
}

impl TelegramConfig {
    /// Relative paths begin at `folder`.
    pub fn place(&mut self, folder: &Path) {
        self.token_file = folder.join(&self.token_file);
    }

    /// The key that is wrong, and what would be right.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.api.starts_with("https://") || self.api.starts_with("http://") {
            Ok(())
        } else {
            Err((
                "telegram.api",
                format!("{:?} does not begin with https://", self.api),
            ))
        }
    }
}
