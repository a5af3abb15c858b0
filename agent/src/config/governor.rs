//! The pole's own limits: what nothing that is signed can lift.

use loa_protocol::{
    limits::{Governor, Limits},
    quiet_hours::{DayWindow, parse_zone},
};
use serde::{Deserialize, Deserializer, de};

/// As the file has it: a number, or `"none"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bound<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written<T> {
            Number(T),
            Word(String),
        }
        match Written::<T>::deserialize(deserializer) {
            Ok(Written::Number(number)) => Ok(Self(Some(number))),
            Ok(Written::Word(word)) if word == "none" => Ok(Self(None)),
            _ => Err(de::Error::custom(
                "write a whole number, or \"none\" for no limit of this kind",
            )),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawGovernor {
    quiet_hours: Vec<DayWindow>,
    zone: String,
    session_minutes: Bound<u16>,
    hour_minutes: Bound<u16>,
    day_minutes: Bound<u16>,
    emergency_hour_minutes: Bound<u16>,
    longest_item_s: Bound<u32>,
    most_repeats: Bound<u16>,
    volume_ceiling: Bound<u8>,
}

impl Default for RawGovernor {
    fn default() -> Self {
        Self {
            quiet_hours: vec![DayWindow {
                from: "22:30".into(),
                to: "04:30".into(),
            }],
            zone: Governor::default().zone,
            session_minutes: Bound(Some(60)),
            hour_minutes: Bound(Some(60)),
            day_minutes: Bound(Some(360)),
            emergency_hour_minutes: Bound(Some(20)),
            longest_item_s: Bound(Some(5_400)),
            most_repeats: Bound(Some(20)),
            volume_ceiling: Bound(Some(100)),
        }
    }
}

impl RawGovernor {
    /// What is wrong with it: the key, and what is allowed.
    pub(super) fn checked(self) -> Result<Governor, (&'static str, String)> {
        for window in &self.quiet_hours {
            window
                .check()
                .map_err(|error| ("governor.quiet_hours", error.to_string()))?;
        }
        parse_zone(&self.zone).map_err(|error| ("governor.zone", error.to_string()))?;
        let limits = Limits {
            session_minutes: self.session_minutes.0,
            hour_minutes: self.hour_minutes.0,
            day_minutes: self.day_minutes.0,
            emergency_hour_minutes: self.emergency_hour_minutes.0,
            longest_item_s: self.longest_item_s.0,
            most_repeats: self.most_repeats.0,
            volume_ceiling: self.volume_ceiling.0,
        };
        limits.check().map_err(|error| {
            let what = format!("{error}; \"none\" is no limit of this kind");
            ("governor", what)
        })?;
        Ok(Governor {
            limits,
            quiet_hours: self.quiet_hours,
            zone: self.zone,
        })
    }
}
