//! Whom a programme is for: an area, a group, or one speaker.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{AreaId, GroupId, IdError, SpeakerId};

/// Written `area.{id}`, `group.{id}` or `speaker.{id}` in topics, documents and the API.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    Area(AreaId),
    Group(GroupId),
    Speaker(SpeakerId),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    #[error("{0:?} is no channel: write area.NAME, group.NAME or speaker.NAME")]
    Form(String),
    #[error(transparent)]
    Id(#[from] IdError),
}

impl FromStr for Channel {
    type Err = ChannelError;
    fn from_str(text: &str) -> Result<Self, ChannelError> {
        let (kind, id) = text
            .split_once('.')
            .ok_or_else(|| ChannelError::Form(text.chars().take(80).collect()))?;
        match kind {
            "area" => Ok(Self::Area(AreaId::new(id)?)),
            "group" => Ok(Self::Group(GroupId::new(id)?)),
            "speaker" => Ok(Self::Speaker(SpeakerId::new(id)?)),
            _ => Err(ChannelError::Form(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Area(id) => write!(f, "area.{id}"),
            Self::Group(id) => write!(f, "group.{id}"),
            Self::Speaker(id) => write!(f, "speaker.{id}"),
        }
    }
}
impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
