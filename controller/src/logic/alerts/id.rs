//! Names of alerts, rules, messages and repairs: a letter and 16 hex digits.

use std::{fmt, str::FromStr};

use loa_protocol::id::IdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Of bytes that chance gave.
            pub fn of(bytes: [u8; 8]) -> Self {
                Self(format!("{}{}", $prefix, hex::encode(bytes)))
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix($prefix).unwrap_or_default();
                let fits = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                if fits {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { given: text.chars().take(80).collect() })
                }
            }
        }
    )*};
}

ids! {
    AlertId 'w';
    RuleId 'r';
    MessageId 'm';
    RepairId 'f';
}
