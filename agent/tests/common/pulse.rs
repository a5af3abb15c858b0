//! A PulseAudio server of a test's own, with null sinks as horns.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use super::wait_for;

/// Ends the server or the recorder with the test, however that ends.
pub struct Ends(pub Child);
impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of our own with these sinks; nothing where PulseAudio is not installed. From then on this process and what
/// it starts use it and no other.
pub fn start_pulse(folder: &Path, sinks: &[&str]) -> Option<Ends> {
    let socket = folder.join("native");
    let modules = sinks.iter().flat_map(|sink| {
        let module =
            format!("module-null-sink sink_name={sink} rate=48000 channels=1 format=s16le");
        ["-L".to_owned(), module]
    });
    let server = Command::new("pulseaudio")
        .args([
            "-n",
            "--daemonize=no",
            "--use-pid-file=no",
            "--exit-idle-time=-1",
        ])
        .args(["--realtime=no", "--high-priority=yes"])
        .arg(format!(
            "--log-target=file:{}",
            folder.join("pa.log").display()
        ))
        .args(modules)
        .arg("-L")
        .arg(format!(
            "module-native-protocol-unix socket={} auth-anonymous=1",
            socket.display()
        ))
        .envs([("XDG_RUNTIME_DIR", folder), ("HOME", folder)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = match server {
        Ok(server) => Ends(server),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("pulseaudio does not start: {error}"),
    };
    let address = format!("unix:{}", socket.display());
    // SAFETY: a binary that calls this has one test, and nothing else in it reads or writes the environment now.
    unsafe {
        std::env::set_var("PULSE_SERVER", &address);
        std::env::set_var("XDG_RUNTIME_DIR", folder);
        std::env::set_var("HOME", folder);
    }
    wait_for("PulseAudio", || {
        let info = Command::new("pactl")
            .arg("info")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        info.is_ok_and(|status| status.success()).then_some(())
    });
    Some(server)
}
