//! A PulseAudio server of a test's own, with null sinks as horns.

use std::{
    path::{Path, PathBuf},
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

fn log_of(folder: &Path) -> PathBuf {
    folder.join("pa.log")
}

/// How often something that sounds ran dry at the server, by its own log: a hole in the sound. Somebody, the server or who
/// plays, did not get his turn in time.
pub fn holes(folder: &Path) -> usize {
    let log = std::fs::read_to_string(log_of(folder)).unwrap_or_default();
    // Where a stream begins, "end of underrun" is logged too.
    log.lines()
        .filter(|line| line.to_lowercase().contains("underrun of '"))
        .count()
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
            // Tells of every hole in the sound.
            "--log-level=debug",
        ])
        .args(["--realtime=no", "--high-priority=yes"])
        .arg(format!("--log-target=file:{}", log_of(folder).display()))
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
