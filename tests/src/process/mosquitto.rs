//! Mosquitto as a process of its own, without persistence: a restart forgets everything.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    clock::wait_for,
    program::{Program, free_port, is_listening},
};

#[derive(Debug)]
pub struct Mosquitto {
    folder: PathBuf,
    pub port: u16,
    program: Option<Program>,
}

impl Mosquitto {
    /// Anybody may do anything: what is tested is that nobody relies on the broker.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path) -> Self {
        let port = free_port();
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n\
             max_queued_messages 100000\n"
        );
        std::fs::write(folder.join("mosquitto.conf"), config)
            .expect("its configuration can be written");
        let mut mosquitto = Self {
            folder: folder.into(),
            port,
            program: None,
        };
        mosquitto.restart();
        mosquitto
    }

    /// SIGKILL: sessions and retained messages are gone.
    pub fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
    }

    /// A new, empty one at the same address.
    pub fn restart(&mut self) {
        self.kill();
        // Debian keeps it where only root's PATH looks.
        let sbin = Path::new("/usr/sbin/mosquitto");
        let name = if sbin.exists() {
            sbin
        } else {
            Path::new("mosquitto")
        };
        let mut command = Command::new(name);
        command.arg("-c").arg(self.folder.join("mosquitto.conf"));
        let log = self.folder.join("mosquitto.log");
        self.program = Some(Program::start("mosquitto", &mut command, &log));
        wait_for("mosquitto listens", Duration::from_secs(10), || {
            is_listening(self.port)
        });
    }
}
