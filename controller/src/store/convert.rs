//! Between the database's few types and ours. What cannot be read back is damage, said by name.

use std::{fmt::Display, str::FromStr};

use loa_protocol::time::WallTime;
use serde::{Serialize, de::DeserializeOwned};

use super::{Result, StoreError};

pub(super) fn parse<T: FromStr<Err: Display>>(what: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|e| StoreError::Damaged(format!("{what}: {e}")))
}

pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our documents have string keys and write to memory")
}

pub(super) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| StoreError::Damaged(format!("{what}: {e}")))
}

/// One word of an enum that serde writes as a string.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    json(value).trim_matches('"').to_owned()
}

pub(super) fn from_word<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|e| StoreError::Damaged(format!("{what}: {e}")))
}

pub(super) fn number<T: TryFrom<i64>>(what: &str, value: i64) -> Result<T> {
    T::try_from(value).map_err(|_| StoreError::Damaged(format!("{what}: {value}")))
}

/// For counts that are far below the database's largest number.
pub(super) fn stored(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn wall(us: i64) -> WallTime {
    WallTime::from_micros(us)
}
