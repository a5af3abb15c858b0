//! Bytes as text: base64url without padding, as the API, the database and the files of roots have them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Spaces around it are nothing; padding is taken, for many tools write it.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(text.trim().trim_end_matches('='))
        .ok()
}
