//! How fast audio goes out, and how soon speakers come back.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryConfig {
    /// How fast audio goes out to all speakers together, in bytes per second.
    pub bytes_per_s: u32,
    /// After a lost line each speaker waits a random time up to this, in seconds.
    pub reconnect_jitter_s: u16,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            bytes_per_s: 4_000_000,
            reconnect_jitter_s: 30,
        }
    }
}
