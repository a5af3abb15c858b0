//! Tries a station: does it answer, with what, and how loud?

use std::time::Duration;

use loa_station::{About, Away};

use super::{
    Relays,
    hearing::{Heard, Hearing},
};

/// For all of it.
const PATIENCE: Duration = Duration::from_secs(9);
/// Frames after which silence is taken for silence: three seconds of sound.
const ENOUGH: u32 = 150;

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// `None`: there is sound.
    pub away: Option<Away>,
    pub about: About,
    pub codec: Option<String>,
    /// How loud it comes, in LUFS.
    pub loudness_lufs: Option<f32>,
}

/// Ten seconds at most.
pub async fn attempt(relays: &Relays, url: &str) -> std::io::Result<Tried> {
    let mut hearing = Hearing::start(url, &relays.web, &relays.apart)?;
    let mut tried = Tried {
        away: Some(Away::Stalled),
        about: About::default(),
        codec: None,
        loudness_lufs: None,
    };
    let mut frames = 0;
    let listening = async {
        while !(tried.codec.is_some() && (frames >= ENOUGH || tried.loudness_lufs.is_some())) {
            match hearing.next().await {
                Heard::About(about) => tried.about = about,
                Heard::Codec(codec) => tried.codec = Some(codec),
                Heard::Loudness(lufs) => tried.loudness_lufs = Some(lufs),
                Heard::Frame(_) => frames += 1,
                Heard::Over(away) => {
                    tried.away = Some(away);
                    return;
                }
            }
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, listening).await.is_ok();
    // A slow one that is heard is heard.
    if tried.codec.is_some() && (in_time || frames > 0) {
        tried.away = None;
    }
    Ok(tried)
}
