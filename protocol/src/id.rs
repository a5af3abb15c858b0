//! Names of things. Each is its own type, so that a group cannot be taken for a speaker.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest name of anything, in bytes.
pub const MAX_ID_BYTES: usize = 64;

/// Why a text cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} cannot be a name: use 1 to 64 of the letters a-z, the digits 0-9 and '-', beginning with a letter or digit"
)]
pub struct IdError {
    pub given: String,
}

/// The one rule for names: they stand in topics, file names and addresses, so nothing there may mean anything.
fn check(text: &str) -> Result<(), IdError> {
    let fits = !text.is_empty()
        && text.len() <= MAX_ID_BYTES
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        Ok(())
    } else {
        Err(IdError {
            given: text.chars().take(80).collect(),
        })
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check(&text)?;
                Ok(Self(text))
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(/// One pole with its horns and its board. Also its MQTT user name and client id.
    SpeakerId);
id!(/// A node of the administrative tree.
    AreaId);
id!(/// A hand-picked set of speakers.
    GroupId);
id!(/// Something to be said.
    BulletinId);
id!(/// One life of a speaker's disk: a new store numbers its events from 1 again.
    StoreId);
