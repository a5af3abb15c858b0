//! Who may read the figures, and how fine they are.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Figures for Prometheus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// A file that holds a token and nothing else: who sends it may read `/metrics`, from everywhere, and nobody else.
    /// Without it only this machine may.
    pub token_file: Option<PathBuf>,
    /// Figures of every single speaker too.
    pub per_speaker: bool,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            token_file: None,
            per_speaker: true,
        }
    }
}
