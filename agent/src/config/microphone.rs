//! What listens to the horn: nothing, a microphone, or a program that reads the amplifier.

use loa_protocol::telemetry::EarKind;
use serde::Deserialize;

use super::SoundHost;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Microphone {
    pub kind: MicrophoneKind,
    /// Name of the device, or `default`; a PulseAudio source may be a sink's monitor.
    pub device: String,
    /// `None` tries PulseAudio first, then ALSA.
    pub host: Option<SoundHost>,
    /// Level below which the microphone hears nothing, in dB of full scale.
    pub quietest_dbfs: i32,
    /// Sound that comes later than this is not the own horn's.
    pub farthest_ms: u32,
    /// How loud the self-test is, in dB of full scale; never above the ceiling that the office sets.
    pub self_test_dbfs: i32,
    /// Program and arguments that read the amplifier, without a shell.
    pub command: Vec<String>,
    pub command_timeout_s: u32,
    /// A reading of at least this much means that it sounds.
    pub threshold: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MicrophoneKind {
    None,
    Device,
    Command,
}

impl Default for Microphone {
    fn default() -> Self {
        Self {
            kind: MicrophoneKind::None,
            device: "default".into(),
            host: None,
            quietest_dbfs: -75,
            farthest_ms: 2_500,
            self_test_dbfs: -30,
            command: Vec::new(),
            command_timeout_s: 3,
            threshold: 1.0,
        }
    }
}

impl Microphone {
    /// As the status tells it.
    pub fn ear_kind(&self) -> EarKind {
        match self.kind {
            MicrophoneKind::None => EarKind::None,
            MicrophoneKind::Device => EarKind::Microphone,
            MicrophoneKind::Command => EarKind::Sensor,
        }
    }

    /// What is wrong with it: the key, and what is allowed.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, what: &str| Err((key, what.to_owned()));
        if self.device.is_empty() {
            return wrong(
                "microphone.device",
                "the name of a microphone, or \"default\"",
            );
        }
        if !(-120..=0).contains(&self.quietest_dbfs) {
            return wrong("microphone.quietest_dbfs", "goes from -120 to 0");
        }
        if !(10..=2_500).contains(&self.farthest_ms) {
            return wrong("microphone.farthest_ms", "goes from 10 to 2500");
        }
        if !(-60..=0).contains(&self.self_test_dbfs) {
            return wrong("microphone.self_test_dbfs", "goes from -60 to 0");
        }
        if !(1..=20).contains(&self.command_timeout_s) {
            return wrong("microphone.command_timeout_s", "goes from 1 to 20 seconds");
        }
        if !self.threshold.is_finite() {
            return wrong("microphone.threshold", "is a number");
        }
        let has_program = self.command.first().is_some_and(|p| !p.is_empty());
        if self.kind == MicrophoneKind::Command && !has_program {
            return wrong(
                "microphone.command",
                "kind \"command\" needs a program and its arguments: [\"/usr/bin/program\", \"argument\"]",
            );
        }
        Ok(())
    }
}
