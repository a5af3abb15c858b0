//! To whom an alert goes: a mail address, a webhook's URL, or a Telegram chat.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest `to`, in bytes.
pub const MAX_TO: usize = 500;

/// By which way.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum By {
    Mail,
    Webhook,
    Telegram,
}

impl By {
    pub fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
            Self::Telegram => "telegram",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    pub by: By,
    /// A mail address, an `https://` or `http://` URL, or a Telegram chat (`-1001234567890` or `@channel`).
    #[schema(example = "truc@xa.example.vn")]
    pub to: String,
}

/// Why something cannot be an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("this is no mail address")]
    Mail,
    #[error(
        "this is no URL that begins with https:// or http://, with a host and without name and password"
    )]
    Webhook,
    #[error("this is no chat: write its number, or @ and the channel's name")]
    Telegram,
}

impl Address {
    /// The same without space around it, when it can be one.
    pub fn checked(&self) -> Result<Self, AddressError> {
        let to = self.to.trim();
        let plain =
            !to.is_empty() && to.len() <= MAX_TO && to.bytes().all(|b| b.is_ascii_graphic());
        let (fits, error) = match self.by {
            By::Mail => (is_mail(to), AddressError::Mail),
            By::Webhook => (is_url(to), AddressError::Webhook),
            By::Telegram => (is_chat(to), AddressError::Telegram),
        };
        if plain && fits {
            Ok(Self {
                by: self.by,
                to: to.to_owned(),
            })
        } else {
            Err(error)
        }
    }
}

fn is_mail(to: &str) -> bool {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.@".contains(&b);
    let Some((local, host)) = to.split_once('@') else {
        return false;
    };
    let label =
        |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    !local.is_empty() && to.bytes().all(safe) && host.split('.').all(label)
}

fn is_url(to: &str) -> bool {
    let Some(rest) = to.strip_prefix("https://").or(to.strip_prefix("http://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty() && !host.starts_with(':') && !host.contains('@')
}

fn is_chat(to: &str) -> bool {
    match to.strip_prefix('@') {
        Some(name) => {
            (4..=40).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        }
        None => {
            let digits = to.strip_prefix('-').unwrap_or(to);
            (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_can_reach_nobody_is_refused_when_it_is_typed() {
        let check = |by, to: &str| Address { by, to: to.into() }.checked().is_ok();
        for (by, to, good) in [
            (By::Mail, "truc@xa.example.vn", true),
            (By::Mail, " truc@xa.vn ", true),
            (By::Mail, "truc", false),
            (By::Mail, "truc@", false),
            (By::Mail, "a@b@c.vn", false),
            (By::Mail, "truc@xa.vn\r\nBcc: x@y.vn", false),
            (By::Webhook, "https://a.vn/hook?x=1", true),
            (By::Webhook, "http://10.0.0.5:8080/", true),
            (By::Webhook, "ftp://a.vn", false),
            (By::Webhook, "https:///x", false),
            (By::Webhook, "https://me:secret@a.vn/", false),
            (By::Webhook, "https://a.vn/a b", false),
            (By::Telegram, "-1001234567890", true),
            (By::Telegram, "@loa_sang_moc", true),
            (By::Telegram, "loa", false),
            (By::Telegram, "@a b", false),
        ] {
            assert_eq!(check(by, to), good, "{by:?} {to:?}");
        }
    }
}
