//! The configuration that the office writes for a new speaker's agent: what only the office knows, the rest is defaults.

use std::{
    fmt,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use loa_protocol::id::SpeakerId;
use toml::Value;

#[derive(Clone)]
pub struct AgentConfig {
    pub speaker: SpeakerId,
    /// For people: a comment.
    pub name: String,
    /// The broker, `host:port`.
    pub address: String,
    /// The office's public key, 64 hex digits.
    pub key: String,
    /// The speaker's password at the broker: a secret.
    pub token: String,
    /// The agent's default when `None`.
    pub data_dir: Option<PathBuf>,
    /// Kind and folder of the output; the agent's default when `None`.
    pub output: Option<(String, PathBuf)>,
    /// Without quiet hours of its own: where nobody sleeps beside it. The agent's default otherwise.
    pub at_any_hour: bool,
}

impl fmt::Debug for AgentConfig {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentConfig")
            .field("speaker", &self.speaker)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for AgentConfig {
    /// As TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| Value::String(text.to_owned());
        let path = |path: &Path| Value::String(path.display().to_string());
        let name: String = self.name.chars().filter(|c| !c.is_control()).collect();
        writeln!(
            f,
            "# {name}. This file holds a secret: keep it readable for the agent only (chmod 600)."
        )?;
        writeln!(f, "speaker = {}", quoted(self.speaker.as_str()))?;
        if let Some(data_dir) = &self.data_dir {
            writeln!(f, "data_dir = {}", path(data_dir))?;
        }
        writeln!(f, "\n[office]")?;
        writeln!(f, "address = {}", quoted(&self.address))?;
        writeln!(f, "key = {}", quoted(&self.key))?;
        writeln!(f, "token = {}", quoted(&self.token))?;
        if let Some((kind, directory)) = &self.output {
            writeln!(f, "\n[output]")?;
            writeln!(f, "kind = {}", quoted(kind))?;
            writeln!(f, "directory = {}", path(directory))?;
        }
        if self.at_any_hour {
            writeln!(f, "\n[governor]\nquiet_hours = []")?;
        }
        Ok(())
    }
}

impl AgentConfig {
    /// Into a file that only its owner reads; one that is there is replaced.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut out = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)?;
        out.write_all(self.to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_pole_is_called_the_file_is_read_back_as_it_was_meant() {
        let config = AgentConfig {
            speaker: "ban-chuong".parse().expect("a good name"),
            name: "Bản \"Chương\"\n[evil]".into(),
            address: "loa.example.vn:1883".into(),
            key: "ab".repeat(32),
            token: "secret".into(),
            data_dir: Some("/tmp/a \"b\"\\c".into()),
            output: Some(("wav".into(), "/tmp/wav".into())),
            at_any_hour: true,
        };
        let read: toml::Table = config.to_string().parse().expect("TOML");
        assert_eq!(read["speaker"].as_str(), Some("ban-chuong"));
        assert_eq!(read["data_dir"].as_str(), Some("/tmp/a \"b\"\\c"));
        assert_eq!(read["office"]["token"].as_str(), Some("secret"));
        assert_eq!(read["output"]["kind"].as_str(), Some("wav"));
        assert_eq!(read["governor"]["quiet_hours"].as_array(), Some(&vec![]));
        assert!(!read.contains_key("evil"));
    }
}
