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
    program::{Program, binary, free_port, is_listening},
};

/// How speakers reach the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// With a certificate each.
    Tls,
    /// In clear, with a token each: for what is compared with TLS.
    Plain,
}

/// Whose broker it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broker {
    Embedded,
    /// With the configuration that the office exports; always TLS.
    Mosquitto,
}

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
    /// Written, and not started: what stands in its configuration is enough for its command line.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn install(folder: &Path, broker: Broker, line: LineKind, jitter_s: u16) -> Self {
        let http_port = free_port();
        let broker_port = free_port();
        let tls = line == LineKind::Tls;
        let mqtt = match broker {
            Broker::Embedded => {
                format!("[mqtt]\nlisten = \"127.0.0.1:{broker_port}\"\ntls = {tls}\n")
            }
            Broker::Mosquitto => {
                format!("[mqtt.external]\naddress = \"127.0.0.1:{broker_port}\"\n")
            }
        };
        let config = format!(
            "data_dir = \"office\"\n\
             [server]\nlisten = \"127.0.0.1:{http_port}\"\n\
             {mqtt}\
             [delivery]\nreconnect_jitter_s = {jitter_s}\n\
             [defaults]\nquiet_hours = []\n"
        );
        std::fs::write(folder.join("controller.toml"), config)
            .expect("its configuration can be written");
        Self {
            folder: folder.into(),
            http_port,
            broker_port,
            program: None,
            api: Http::new(format!("http://127.0.0.1:{http_port}")),
        }
    }

    /// Up for the first time, signed in as its first administrator.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn begin(&mut self) {
        self.restart();
        self.set_first_password();
        self.sign_in();
    }

    /// Its pages are HTTPS with its own certificate from the next start on. The harness's own client does not speak that.
    ///
    /// # Panics
    /// When its configuration cannot be written.
    pub fn with_https(&self) {
        let file = self.folder.join("controller.toml");
        let config = std::fs::read_to_string(&file).expect("its configuration");
        let config = config.replace("[server]\n", "[server]\ntls = \"own\"\n");
        std::fs::write(file, config).expect("its configuration can be written");
    }

    /// More of its configuration, from the next start on.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn configure(&self, more: &str) {
        let file = self.folder.join("controller.toml");
        let config = std::fs::read_to_string(&file).expect("its configuration");
        std::fs::write(file, config + more).expect("its configuration can be written");
    }

    /// Something on its command line, for instance `broker export`; gives what it printed.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary("loa-controller"));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.folder.join("controller.toml"));
        let done = command.output().expect("the controller's program runs");
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {told}{errors}");
        told
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

    /// Where a line to its pages goes.
    pub fn http_port(&self) -> u16 {
        self.http_port
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
            Duration::from_secs(30),
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
        sign_in(&self.api);
    }

    /// The first administrator on a device of his own, over whatever line ends in `port`.
    pub fn signed_in_at(port: u16) -> Http {
        let api = Http::new(format!("http://127.0.0.1:{port}"));
        sign_in(&api);
        api
    }
}

fn sign_in(api: &Http) {
    api.post("/session", &json!({"username": USER, "password": PASSWORD}));
}
