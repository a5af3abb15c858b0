//! Mosquitto as a process of its own, without persistence: a restart forgets everything.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    clock::wait_for,
    program::{Program, free_port, is_listening},
};

/// The office's name and password there.
pub const OFFICE: (&str, &str) = ("loa.controller", "mot mat khau rieng");

#[derive(Debug)]
pub struct Mosquitto {
    folder: PathBuf,
    pub port: u16,
    program: Option<Program>,
}

impl Mosquitto {
    /// With the configuration and the access list that Loa ships; only paths and port are the test's.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path) -> Self {
        let port = free_port();
        let mut mosquitto = Self {
            folder: folder.into(),
            port,
            program: None,
        };
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        let access = shipped.join("mosquitto.acl");
        let config = std::fs::read_to_string(shipped.join("mosquitto.conf"))
            .expect("config/mosquitto.conf")
            .replace("listener 1883 ", &format!("listener {port} "))
            .replace(
                "/etc/mosquitto/loa.passwd",
                &mosquitto.passwords().display().to_string(),
            )
            .replace("/etc/mosquitto/loa.acl", &access.display().to_string());
        assert!(config.contains(&format!("listener {port} ")) && !config.contains("/etc/"));
        // Started by root it would become somebody who cannot read our folder; started by another it ignores this.
        let config = format!("user root\n{config}");
        std::fs::write(folder.join("mosquitto.conf"), config)
            .expect("its configuration can be written");
        std::fs::write(mosquitto.passwords(), "").expect("its passwords can be written");
        mosquitto.admit(OFFICE.0, OFFICE.1);
        mosquitto.restart();
        mosquitto
    }

    /// Gives somebody a password, known at once when it runs.
    ///
    /// # Panics
    /// When `mosquitto_passwd` is not installed.
    pub fn admit(&self, user: &str, password: &str) {
        let done = Command::new("mosquitto_passwd")
            .arg("-b")
            .arg(self.passwords())
            .args([user, password])
            .stderr(Stdio::null())
            .status()
            .expect("mosquitto_passwd is installed");
        assert!(done.success(), "mosquitto_passwd works");
        if let Some(program) = &self.program {
            program.signal(libc::SIGHUP);
        }
    }

    fn passwords(&self) -> PathBuf {
        self.folder.join("mosquitto.passwd")
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
