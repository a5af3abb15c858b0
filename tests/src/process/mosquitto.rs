//! Mosquitto as a process of its own, as the office exports it and without persistence: a restart forgets everything.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    clock::wait_for,
    measure::strangers::{Known, is_refused},
    office::Office,
    program::{Program, is_listening},
};

#[derive(Debug)]
pub struct Mosquitto {
    folder: PathBuf,
    pub port: u16,
    program: Option<Program>,
}

impl Mosquitto {
    /// With what the office exports; only the port is the test's.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path, office: &Office) -> Self {
        let mut mosquitto = Self {
            folder: folder.join("mosquitto"),
            port: office.broker_port,
            program: None,
        };
        mosquitto.export(office);
        mosquitto.restart();
        mosquitto
    }

    /// Takes over what the office exports now, the list of revocations with it, and reads it.
    ///
    /// # Panics
    /// When there is nothing to take over.
    pub fn export(&self, office: &Office) {
        let target = self.folder.display().to_string();
        office.command(&["broker", "export", &target]);
        let file = self.folder.join("mosquitto.conf");
        let config = std::fs::read_to_string(&file).expect("the exported configuration");
        let port = self.port;
        let config = config.replace("listener 8883", &format!("listener {port} 127.0.0.1"));
        assert!(config.contains(&format!("listener {port} ")), "{config}");
        // Started by root it would become somebody who cannot read our folder; started by another it ignores this.
        let config = format!("user root\n{config}");
        std::fs::write(file, config).expect("its configuration can be written");
        if let Some(program) = &self.program {
            program.signal(libc::SIGHUP);
        }
    }

    /// Takes over the present list of revocations, and returns when it is in force.
    ///
    /// # Panics
    /// When it never is.
    pub fn read_revocations(&self, office: &Office, known: &Known) {
        self.export(office);
        wait_for(
            "mosquitto knows who was revoked",
            Duration::from_secs(30),
            || is_refused(self.port, &known.revoked),
        );
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
        wait_for("mosquitto listens", Duration::from_secs(30), || {
            is_listening(self.port)
        });
    }
}
