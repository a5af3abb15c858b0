//! The `[speech]` part of controller.toml: which engine speaks, with which voices, under which bounds.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::engine::SpeechError;

/// Every option of `[speech]`. The defaults run espeak-ng.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpeechConfig {
    /// The engine's name in messages and in the cache; a new name makes everything anew.
    pub engine: String,
    /// Program and arguments, started without a shell; the text goes to its standard input. Replaced in
    /// arguments: `{voice}`, `{speed}` (1.00 is normal), `{length_scale}` (1 / speed), `{words_per_minute}`,
    /// `{out}` (a file to write; without it the sound is taken from standard output).
    pub command: Vec<String>,
    /// Voices that may be asked for; nothing else reaches the command line.
    pub voices: Vec<String>,
    /// One of `voices`.
    pub default_voice: String,
    /// What `{words_per_minute}` is at speed 1.
    pub words_per_minute_at_normal: u32,
    /// The engine is killed after so long, in seconds.
    pub timeout_s: u64,
    /// Longer texts are refused; counted after normalising, in characters.
    pub max_text_chars: usize,
    /// An engine that makes more sound than this is killed, in megabytes (10^6 bytes).
    pub max_audio_mb: u64,
    /// Engines running at once; further requests wait.
    pub max_at_once: usize,
    /// What the cache may hold on disk, in megabytes (10^6 bytes); the longest unused goes first.
    pub cache_mb: u64,
    /// A file of the commune's own short forms, laid over the built-in table (config/abbreviations.vi.toml).
    pub abbreviations: Option<PathBuf>,
    /// Said by the default voice before every exercise, so that nobody takes it for the real thing; empty: nothing is.
    pub exercise_sentence: String,
    /// The same before every test.
    pub test_sentence: String,
}

/// Longest sentence that the configuration may have said, in characters.
pub const MAX_SENTENCE: usize = 300;

impl Default for SpeechConfig {
    fn default() -> Self {
        let command = [
            "espeak-ng",
            "-v",
            "{voice}",
            "-s",
            "{words_per_minute}",
            "--stdin",
            "--stdout",
        ];
        Self {
            engine: "espeak-ng".to_owned(),
            command: command.map(str::to_owned).to_vec(),
            voices: ["vi", "vi-vn-x-central", "vi-vn-x-south"]
                .map(str::to_owned)
                .to_vec(),
            default_voice: "vi".to_owned(),
            words_per_minute_at_normal: 150,
            timeout_s: 60,
            max_text_chars: 20_000,
            max_audio_mb: 80,
            max_at_once: 2,
            cache_mb: 500,
            abbreviations: None,
            exercise_sentence: "Đây là diễn tập.".to_owned(),
            test_sentence: "Đây là phát thử.".to_owned(),
        }
    }
}

impl SpeechConfig {
    /// Says the first thing that is wrong, with its key and what is allowed.
    pub fn check(&self) -> Result<(), SpeechError> {
        let wrong =
            |key: &str, says: String| Err(SpeechError::Config(format!("[speech] {key}: {says}")));
        if self.engine.is_empty() || self.engine.chars().count() > 64 {
            return wrong("engine", "a name of 1 to 64 characters".to_owned());
        }
        if self
            .command
            .first()
            .is_none_or(|program| program.is_empty() || program.contains('{'))
        {
            return wrong(
                "command",
                "begin with the program, then its arguments".to_owned(),
            );
        }
        for argument in &self.command {
            if let Some(unknown) = unknown_placeholder(argument) {
                return wrong(
                    "command",
                    format!("{{{unknown}}} is not known; known are {PLACEHOLDERS:?}"),
                );
            }
        }
        if let Some(voice) = self.voices.iter().find(|voice| !is_voice_name(voice)) {
            let rule =
                "letters, digits and . _ / + - only, not beginning with -, at most 200 characters";
            return wrong("voices", format!("{voice:?}: {rule}"));
        }
        if !self.voices.contains(&self.default_voice) {
            return wrong(
                "default_voice",
                format!(
                    "{:?} is not in voices {:?}",
                    self.default_voice, self.voices
                ),
            );
        }
        for (key, sentence) in [
            ("exercise_sentence", &self.exercise_sentence),
            ("test_sentence", &self.test_sentence),
        ] {
            if sentence.chars().count() > MAX_SENTENCE {
                return wrong(key, format!("at most {MAX_SENTENCE} characters"));
            }
        }
        for (key, value, allowed) in [
            (
                "words_per_minute_at_normal",
                u64::from(self.words_per_minute_at_normal),
                20..=1_000,
            ),
            ("timeout_s", self.timeout_s, 1..=3_600),
            ("max_text_chars", self.max_text_chars as u64, 1..=200_000),
            ("max_audio_mb", self.max_audio_mb, 1..=2_000),
            ("max_at_once", self.max_at_once as u64, 1..=64),
            ("cache_mb", self.cache_mb, 1..=1_000_000),
        ] {
            if !allowed.contains(&value) {
                return wrong(
                    key,
                    format!(
                        "{value} is outside {} to {}",
                        allowed.start(),
                        allowed.end()
                    ),
                );
            }
        }
        Ok(())
    }
}

pub(super) const PLACEHOLDERS: [&str; 5] =
    ["voice", "speed", "length_scale", "words_per_minute", "out"];

/// The first `{name}` that nothing replaces.
fn unknown_placeholder(argument: &str) -> Option<&str> {
    argument
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .find(|name| !PLACEHOLDERS.contains(name))
}

/// A voice goes onto a command line: it can never be an option.
fn is_voice_name(voice: &str) -> bool {
    !voice.is_empty()
        && voice.len() <= 200
        && !voice.starts_with('-')
        && voice
            .chars()
            .all(|c| c.is_alphanumeric() || "._/+-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_options_is_the_default_and_in_order() {
        #[derive(Deserialize)]
        struct File {
            speech: SpeechConfig,
        }
        let example = include_str!("../../../config/speech.fragment.toml");
        let options: String = example
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(option) if option.contains(" = ") && !option.starts_with(' ') => {
                    format!("{option}\n")
                }
                Some(_) => "\n".to_owned(),
                None => format!("{line}\n"),
            })
            .collect();
        let file: File = toml::from_str(&options).expect("config/speech.fragment.toml");
        let commented = SpeechConfig {
            abbreviations: None,
            ..file.speech
        };
        assert_eq!(commented, SpeechConfig::default());
        commented.check().expect("the defaults are in order");
    }

    #[test]
    fn a_wrong_option_is_refused_with_its_key() {
        let right = SpeechConfig::default;
        for (config, key) in [
            (
                SpeechConfig {
                    command: vec![],
                    ..right()
                },
                "command",
            ),
            (
                SpeechConfig {
                    command: vec!["piper".into(), "{model}".into()],
                    ..right()
                },
                "{model}",
            ),
            (
                SpeechConfig {
                    voices: vec!["-w/etc/passwd".into()],
                    ..right()
                },
                "voices",
            ),
            (
                SpeechConfig {
                    default_voice: "en".into(),
                    ..right()
                },
                "default_voice",
            ),
            (
                SpeechConfig {
                    timeout_s: 0,
                    ..right()
                },
                "timeout_s",
            ),
        ] {
            let error = config.check().expect_err(key).to_string();
            assert!(error.contains(key), "{key}: {error}");
        }
        assert!(toml::from_str::<SpeechConfig>("engin = \"x\"").is_err());
    }
}
