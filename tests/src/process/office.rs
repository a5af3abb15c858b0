//! The controller as a process: its configuration, its first user, its end.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::json;

use super::{
    clock::{wait_for, wait_until},
    http::Http,
    mosquitto::{self, Mosquitto},
    program::{Program, binary, free_port, is_listening},
};

const USER: &str = "can-bo-xa";
const PASSWORD: &str = "mot mat khau dai";

#[derive(Debug)]
pub struct Office {
    folder: PathBuf,
    http_port: u16,
    /// Of the broker that poles talk to, whosever it is.
    pub broker_port: u16,
    program: Option<Program>,
    pub api: Http,
}

impl Office {
    /// With its embedded broker, or with `external`; signed in as its first administrator.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(folder: &Path, external: Option<&Mosquitto>) -> Self {
        let http_port = free_port();
        let broker_port = external.map_or_else(free_port, |mosquitto| mosquitto.port);
        let mqtt = match external {
            None => format!("[mqtt]\nlisten = \"127.0.0.1:{broker_port}\"\ntls = false\n"),
            Some(_) => format!(
                "[mqtt.external]\naddress = \"127.0.0.1:{broker_port}\"\ntls = false\nusername = \"{}\"\n\
                 password_file = \"mqtt-password\"\n",
                mosquitto::OFFICE.0
            ),
        };
        let config = format!(
            "data_dir = \"office\"\n\
             [server]\nlisten = \"127.0.0.1:{http_port}\"\n\
             {mqtt}\
             [delivery]\nreconnect_jitter_s = 0\n\
             [defaults]\nquiet_hours = []\n"
        );
        std::fs::write(folder.join("controller.toml"), config)
            .expect("its configuration can be written");
        std::fs::write(folder.join("mqtt-password"), mosquitto::OFFICE.1)
            .expect("the password can be written");
        let mut office = Self {
            folder: folder.into(),
            http_port,
            broker_port,
            program: None,
            api: Http::new(format!("http://127.0.0.1:{http_port}")),
        };
        office.restart();
        office.set_first_password();
        office.sign_in();
        office
    }

    /// Ends it as systemd would.
    pub fn stop(&mut self) {
        if let Some(program) = self.program.take() {
            let status = program.stop();
            assert!(status.success(), "the controller ends in order: {status}");
        }
    }

    /// SIGKILL; an embedded broker and all it remembers go with it.
    pub fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
    }

    /// The same office at the same addresses, up when this returns.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(binary("loa-controller"));
        command
            .arg("serve")
            .arg("--config")
            .arg(self.folder.join("controller.toml"));
        self.program = Some(Program::start("loa-controller", &mut command, &self.log()));
        let patience = Duration::from_secs(30);
        wait_for("the office listens", patience, || {
            is_listening(self.http_port)
        });
        wait_for("the broker listens", patience, || {
            is_listening(self.broker_port)
        });
    }

    /// Where browsers find it.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.http_port)
    }

    pub fn pid(&self) -> u32 {
        self.program.as_ref().expect("the office runs").pid()
    }

    /// Database, key and audio.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("office")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("loa-controller.log")
    }

    /// The one-time link that the first start prints.
    fn set_first_password(&self) {
        let token = wait_until(
            "the first start prints a link",
            Duration::from_secs(10),
            || {
                let log = self.program.as_ref()?.log();
                let (_, rest) = log.split_once("/setup?token=")?;
                // The line may be half written.
                let (token, _) = rest.split_once('\n')?;
                Some(token.trim().to_owned())
            },
        );
        let body = json!({"token": token, "username": USER, "password": PASSWORD});
        self.api.post("/setup", &body);
    }

    /// Sessions outlive a restart; this is for the first one.
    fn sign_in(&self) {
        self.api
            .post("/session", &json!({"username": USER, "password": PASSWORD}));
    }
}
