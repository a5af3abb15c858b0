//! The ways by which the office tells people something: e-mail, webhook, Telegram. What is said is decided elsewhere.
//!
//! Passwords and tokens are in files that only their owner may read, and are in no error and no log.

mod config;
pub mod mail;
mod secret;
mod web;

use std::{fmt::Display, time::Duration};

use serde_json::{Value, json};

pub use config::{AlertsConfig, Language, MailConfig, MailSecurity, TelegramConfig};

use crate::{
    config::Config,
    logic::alerts::{Address, By},
};
use web::{Answer, Caller};

/// Telegram takes no longer message, in characters.
const TELEGRAM_CHARS: usize = 4_096;

/// What is said, in the form of each way.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Of a mail.
    pub subject: String,
    /// For people, the subject's words included.
    pub text: String,
    /// For programs; docs/operations.md describes it.
    pub json: Value,
}

/// Why somebody was not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct NotifyError {
    pub kind: Failure,
    /// For people, without secrets.
    pub text: String,
    /// The other side asked to wait so long.
    pub retry_after_s: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody answered, or not now: later it may go.
    Unreached,
    /// The other side does not want it.
    Refused,
    /// This office is not set up for it.
    Settings,
}

impl NotifyError {
    fn new(kind: Failure, text: impl Display) -> Self {
        Self {
            kind,
            text: text.to_string().chars().take(300).collect(),
            retry_after_s: None,
        }
    }
    pub(crate) fn unreached(text: impl Display) -> Self {
        Self::new(Failure::Unreached, text)
    }
    pub(crate) fn refused(text: impl Display) -> Self {
        Self::new(Failure::Refused, text)
    }
    pub(crate) fn settings(text: impl Display) -> Self {
        Self::new(Failure::Settings, text)
    }
}

/// All ways that this office is set up for. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Notifier {
    mail: Option<MailConfig>,
    telegram: Option<TelegramConfig>,
    webhooks: Caller,
    /// The bot's server is the operator's choice, wherever it is.
    telegram_calls: Caller,
}

impl Notifier {
    pub fn new(config: &Config) -> Self {
        Self {
            mail: config.mail.clone(),
            telegram: config.telegram.clone(),
            webhooks: Caller::new(config.alerts.webhook_to_private),
            telegram_calls: Caller::new(true),
        }
    }

    /// Returns when the other side has taken it.
    pub async fn tell(&self, address: &Address, message: &Message) -> Result<(), NotifyError> {
        match address.by {
            By::Mail => {
                let mail = self.mail.as_ref();
                let mail = mail.ok_or_else(|| NotifyError::settings("there is no [mail]"))?;
                mail::send(mail, &address.to, &message.subject, &message.text, vec![]).await
            }
            By::Webhook => taken(self.webhooks.post(&address.to, &message.json).await?),
            By::Telegram => self.telegram(&address.to, &message.text).await,
        }
    }

    async fn telegram(&self, chat: &str, text: &str) -> Result<(), NotifyError> {
        let bot = self.telegram.as_ref();
        let bot = bot.ok_or_else(|| NotifyError::settings("there is no [telegram]"))?;
        let token = secret::read(&bot.token_file).map_err(NotifyError::settings)?;
        let url = format!("{}/bot{token}/sendMessage", bot.api.trim_end_matches('/'));
        let text: String = text.chars().take(TELEGRAM_CHARS).collect();
        let asked = json!({ "chat_id": chat, "text": text, "disable_web_page_preview": true });
        let answer = self.telegram_calls.post(&url, &asked).await?;
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        // https://core.telegram.org/bots/api#making-requests
        let wait = said["parameters"]["retry_after"].as_u64();
        taken(Answer {
            retry_after_s: wait.or(answer.retry_after_s),
            body: said["description"].as_str().unwrap_or_default().to_owned(),
            ..answer
        })
    }

    /// How long one telling may take at most.
    pub const PATIENCE: Duration = Duration::from_secs(130);
}

fn taken(answer: Answer) -> Result<(), NotifyError> {
    let words: String = answer
        .body
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(120)
        .collect();
    let text = format!("HTTP {} {}", answer.status, words.trim());
    let kind = match answer.status {
        200..=299 => return Ok(()),
        408 | 425 | 429 | 500..=599 => Failure::Unreached,
        _ => Failure::Refused,
    };
    Err(NotifyError {
        retry_after_s: answer.retry_after_s,
        ..NotifyError::new(kind, text.trim())
    })
}

#[cfg(test)]
mod tests;
