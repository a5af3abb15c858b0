//! Live calls.

use serde::{Deserialize, Serialize};

use loa_protocol::live::DELAY_MS;

/// Longest call that may be allowed, in seconds.
const MOST_S: u32 = 3_600;
/// Longest time in which a recording may be said again, in seconds.
const MOST_REPLAY_S: u32 = 24 * 3_600;
/// Longest sentence before it, in bytes.
const MOST_SENTENCE: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveConfig {
    /// From mouth to horn, in milliseconds; 0: by the lines of the phone and of the poles.
    pub delay_ms: u32,
    /// No call lasts longer, in seconds.
    pub longest_s: u32,
    /// So long after a call may its recording be said where it was not heard, in seconds; 0: it is not said.
    pub replay_for_s: u32,
    /// Spoken before the recording, `{time}` being when the call was; empty: nothing is.
    pub replay_sentence: String,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            delay_ms: 0,
            longest_s: 600,
            replay_for_s: 7_200,
            replay_sentence: "Sau đây là lời nói trực tiếp {time}.".into(),
        }
    }
}

impl LiveConfig {
    /// The key that is wrong, and what would be right.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.delay_ms != 0 && !DELAY_MS.contains(&self.delay_ms) {
            let says = format!(
                "{} is none: 0, or {} to {}",
                self.delay_ms,
                DELAY_MS.start(),
                DELAY_MS.end()
            );
            return Err(("live.delay_ms", says));
        }
        if !(1..=MOST_S).contains(&self.longest_s) {
            let says = format!("{} is none: 1 to {MOST_S}", self.longest_s);
            return Err(("live.longest_s", says));
        }
        if self.replay_for_s > MOST_REPLAY_S {
            let says = format!("{} is too long: 0 to {MOST_REPLAY_S}", self.replay_for_s);
            return Err(("live.replay_for_s", says));
        }
        if self.replay_sentence.len() > MOST_SENTENCE {
            let says = format!("too long: at most {MOST_SENTENCE} bytes");
            return Err(("live.replay_sentence", says));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_call_could_be_is_refused_by_name() {
        assert_eq!(LiveConfig::default().check(), Ok(()));
        let wrong = |change: fn(&mut LiveConfig)| {
            let mut config = LiveConfig::default();
            change(&mut config);
            config.check().map_err(|(key, _)| key)
        };
        assert_eq!(wrong(|c| c.delay_ms = 50), Err("live.delay_ms"));
        assert_eq!(wrong(|c| c.longest_s = 0), Err("live.longest_s"));
        assert_eq!(wrong(|c| c.longest_s = 86_400), Err("live.longest_s"));
        assert_eq!(wrong(|c| c.replay_for_s = 90_000), Err("live.replay_for_s"));
    }
}
