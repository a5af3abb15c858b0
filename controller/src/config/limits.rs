//! How much a recording may be, and may cost to read.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Largest upload, in megabytes (10^6 bytes).
    pub upload_mb: u32,
    /// Longest audio, in minutes.
    pub max_audio_minutes: u32,
    /// Address space of a process that reads a recording, in megabytes (10^6 bytes).
    pub decode_memory_mb: u32,
    /// Its processor time, in minutes; by the clock it has four times as long.
    pub decode_minutes: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            upload_mb: 200,
            max_audio_minutes: 120,
            decode_memory_mb: 1_000,
            decode_minutes: 15,
        }
    }
}
