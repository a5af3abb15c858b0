//! What is so where nobody says otherwise.

use loa_protocol::quiet_hours::DayWindow;
use serde::{Deserialize, Serialize};

/// What a new area, speaker or bulletin gets when nobody says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DefaultsConfig {
    /// IANA name.
    pub zone: String,
    pub quiet_hours: Vec<DayWindow>,
    /// `HH:MM` of a new speaker's daily self-test; empty: none.
    pub self_test_at: String,
    /// Said when a bulletin is taken back without other words; `{title}` becomes its title.
    pub correction: String,
}

impl Default for DefaultsConfig {
    fn default() -> Self {
        Self {
            zone: "Asia/Ho_Chi_Minh".into(),
            quiet_hours: vec![DayWindow {
                from: "22:00".into(),
                to: "05:00".into(),
            }],
            self_test_at: "11:45".into(),
            correction:
                "Xin đính chính: bản tin {title} vừa phát là không đúng. Bà con chờ thông báo mới."
                    .into(),
        }
    }
}

impl DefaultsConfig {
    /// `None`: new speakers do not test their sound.
    pub fn self_test_at(&self) -> Option<String> {
        Some(self.self_test_at.clone()).filter(|at| !at.is_empty())
    }
}
