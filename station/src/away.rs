//! Why nothing comes of a station.

use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Away {
    #[error("this is no address of a station; it begins with http:// or https://")]
    Address,
    #[error("no such host is known")]
    UnknownHost,
    #[error("its address lies in a private network")]
    Private,
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("no safe connection to it: {0}")]
    NotSafe(String),
    #[error("it answers with status {0}")]
    Refused(u16),
    #[error("it sends from one address to the next and on")]
    Redirects,
    #[error("it does not speak as a station does")]
    NotHttp,
    #[error("it sends more than is taken")]
    TooLarge,
    #[error("its programme is locked")]
    Locked,
    #[error("it says nothing")]
    Stalled,
    #[error("it ended")]
    Ended,
    #[error("what it sends is no sound that can be read: {0}")]
    NotSound(String),
    /// Nobody listens any more.
    #[error("stopped")]
    Stopped,
}

impl Away {
    /// One word, for whoever puts it into a language.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::UnknownHost => "unknown_host",
            Self::Private => "private",
            Self::Unreachable(_) => "unreachable",
            Self::NotSafe(_) => "not_safe",
            Self::Refused(_) => "refused",
            Self::Redirects => "redirects",
            Self::NotHttp => "not_http",
            Self::TooLarge => "too_large",
            Self::Locked => "locked",
            Self::Stalled => "stalled",
            Self::Ended => "ended",
            Self::NotSound(_) => "not_sound",
            Self::Stopped => "stopped",
        }
    }
}
