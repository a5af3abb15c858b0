//! The web app: where the ground of its map comes from.

use serde::{Deserialize, Serialize};

/// What the web app shows besides its own: nothing from elsewhere, unless it is named here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Where map tiles are: an address with {z}, {x} and {y}. Without it the map has no ground.
    pub tiles: Option<String>,
    /// Whose the tiles are, as their licence wants it shown.
    pub tiles_attribution: Option<String>,
}

impl WebConfig {
    /// What a browser must be allowed to load tiles from; `None` also when the address is no good. `{s}` at the beginning
    /// of the host stands for several hosts.
    pub fn tiles_origin(&self) -> Option<String> {
        let tiles = self.tiles.as_deref()?;
        let (scheme, rest) = tiles.split_once("://")?;
        let (host, path) = rest.split_once('/')?;
        let placed = ["{z}", "{x}", "{y}"].iter().all(|p| path.contains(p));
        let (several, name) = match host.strip_prefix("{s}.") {
            Some(name) => ("*.", name),
            None => ("", host),
        };
        // It becomes part of a header.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let fits = matches!(scheme, "https" | "http")
            && placed
            && !name.is_empty()
            && name.chars().all(plain)
            && tiles.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| format!("{scheme}://{several}{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_come_from_one_named_place() {
        let origin = |tiles: &str| {
            let tiles = Some(tiles.into());
            let web = WebConfig {
                tiles,
                ..WebConfig::default()
            };
            web.tiles_origin()
        };
        for (tiles, from) in [
            ("https://tile.vn/{z}/{x}/{y}.png", "https://tile.vn"),
            ("https://{s}.tile.vn/{z}/{x}/{y}.png", "https://*.tile.vn"),
            ("http://10.0.0.1:8000/t/{z}/{x}/{y}", "http://10.0.0.1:8000"),
        ] {
            assert_eq!(origin(tiles).as_deref(), Some(from));
        }
        for bad in [
            "tile.vn/{z}/{x}/{y}.png",
            "https://tile.vn/{z}/{x}.png",
            "https://tile.vn; script-src */{z}/{x}/{y}.png",
            "https:///{z}/{x}/{y}.png",
            "javascript://tile.vn/{z}/{x}/{y}.png",
        ] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}
