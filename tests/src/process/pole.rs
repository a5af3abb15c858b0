//! One speaker: its agent as a process, its disk, and what it sounded.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use loa_agent::health::{self, StatusFile};
use loa_protocol::content::ContentId;

use super::{
    clock::wait_for,
    program::{Program, binary},
    pulse::Pulse,
    recording::{Recording, recordings},
};

#[derive(Debug)]
pub struct Pole {
    pub id: String,
    folder: PathBuf,
    program: Option<Program>,
}

/// By which a pole gets in.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The text of a sticker; the pole enrols with it.
    Sticker(String),
    /// In clear.
    Token {
        token: String,
        /// The office's public key, hex.
        office_key: String,
    },
}

impl Pole {
    /// Writes its configuration; `sink` is the null sink that it sounds into, or none for WAV files.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn install(
        folder: &Path,
        id: &str,
        broker_port: u16,
        given: &Credentials,
        sink: Option<&str>,
    ) -> Self {
        let folder = folder.join(id);
        std::fs::create_dir_all(&folder).expect("a folder for the pole");
        let output = match sink {
            None => "kind = \"wav\"\n".to_owned(),
            Some(sink) => {
                format!("kind = \"device\"\nhost = \"pulseaudio\"\ndevice = \"{sink}\"\n")
            }
        };
        let (who, access) = match given {
            Credentials::Sticker(_) => (String::new(), String::new()),
            Credentials::Token { token, office_key } => (
                format!("speaker = \"{id}\"\n"),
                format!("token = \"{token}\"\nkey = \"{office_key}\"\n"),
            ),
        };
        let config = format!(
            "{who}data_dir = \"data\"\n\
             [office]\naddress = \"127.0.0.1:{broker_port}\"\n{access}reconnect_max_s = 1\n\
             [output]\n{output}\
             [clock]\nsource = \"system\"\n\
             [governor]\nquiet_hours = []\n",
        );
        std::fs::write(folder.join("agent.toml"), config)
            .expect("its configuration can be written");
        let pole = Self {
            id: id.into(),
            folder,
            program: None,
        };
        if let Credentials::Sticker(text) = given {
            let (done, told) = pole.enrol(&[text]);
            assert!(done.success(), "{id} is enrolled: {told}");
        }
        pole
    }

    /// More of its configuration, for the next time that it is switched on.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn configure(&self, more: &str) {
        let file = self.folder.join("agent.toml");
        let config = std::fs::read_to_string(&file).expect("its configuration");
        std::fs::write(file, config + more).expect("its configuration can be written");
    }

    /// `loa-agent enrol` with these arguments: how it ended, and what it said.
    ///
    /// # Panics
    /// When there is no such program.
    pub fn enrol(&self, arguments: &[&str]) -> (ExitStatus, String) {
        let mut command = Command::new(binary("loa-agent"));
        command
            .arg("enrol")
            .args(arguments)
            .arg("--config")
            .arg(self.folder.join("agent.toml"));
        let done = command.output().expect("the agent's program runs");
        let said = [done.stdout, done.stderr].concat();
        (done.status, String::from_utf8_lossy(&said).into_owned())
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("loa-agent.log")).unwrap_or_default()
    }

    /// Switches it on. Returns at once.
    pub fn start(&mut self, pulse: Option<&Pulse>) {
        let mut command = Command::new(binary("loa-agent"));
        command
            .arg("run")
            .arg("--config")
            .arg(self.folder.join("agent.toml"));
        if let Some(pulse) = pulse {
            pulse.give_to(&mut command);
        }
        let log = self.folder.join("loa-agent.log");
        self.program = Some(Program::start(
            &format!("loa-agent {}", self.id),
            &mut command,
            &log,
        ));
    }

    /// The power goes: SIGKILL.
    pub fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
    }

    /// SIGTERM, as systemd does it.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.program.take().map(Program::stop)
    }

    /// It hangs: SIGSTOP. Its connections stay open.
    pub fn freeze(&self) {
        self.program
            .as_ref()
            .expect("the agent runs")
            .signal(libc::SIGSTOP);
    }

    /// It goes on after [`Pole::freeze`].
    pub fn thaw(&self) {
        self.program
            .as_ref()
            .expect("the agent runs")
            .signal(libc::SIGCONT);
    }

    pub fn pid(&self) -> u32 {
        self.program.as_ref().expect("the agent runs").pid()
    }

    pub fn is_running(&mut self) -> bool {
        self.program.as_mut().is_some_and(Program::is_running)
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn wav_dir(&self) -> PathBuf {
        self.data_dir().join("wav")
    }

    /// What it last wrote about itself.
    pub fn status(&self) -> Option<StatusFile> {
        health::read(&self.data_dir()).ok()
    }

    pub fn is_connected(&self) -> bool {
        self.status()
            .is_some_and(|file| file.connected && file.status.config.is_some())
    }

    /// It has told so since then.
    pub fn is_connected_since(&self, us: i64) -> bool {
        self.is_connected()
            && self
                .status()
                .is_some_and(|file| file.written.as_micros() >= us)
    }

    pub fn holds(&self, content: &ContentId) -> bool {
        self.status()
            .is_some_and(|file| file.status.held.contains(content))
    }

    #[track_caller]
    pub fn wait_until_it_holds(&self, content: &ContentId) {
        let what = format!("{} holds the audio", self.id);
        wait_for(&what, Duration::from_secs(30), || self.holds(content));
    }

    /// All that it sounded into files.
    pub fn recordings(&self) -> Vec<Recording> {
        recordings(&self.wav_dir())
    }

    /// Pieces of one bulletin, in order of time.
    pub fn recordings_of(&self, bulletin: &str) -> Vec<Recording> {
        let all = self.recordings().into_iter();
        all.filter(|recording| recording.note.bulletin() == bulletin)
            .collect()
    }

    /// Those of [`Pole::recordings_of`] that are over.
    pub fn finished(&self, bulletin: &str) -> Vec<Recording> {
        let all = self.recordings_of(bulletin).into_iter();
        all.filter(|recording| recording.note.how.is_some())
            .collect()
    }
}
