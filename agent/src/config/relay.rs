//! Relays that the speaker fetches by itself.

use serde::Deserialize;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Relay {
    /// Fetch a relay's station where the bulletin says that poles may; otherwise the office sends it.
    pub fetch: bool,
    /// Stations on this board and in private networks, too.
    pub private: bool,
}
