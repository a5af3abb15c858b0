//! A program that reads what the kernel does not: a modem, a battery behind a serial line. It is run without a shell, for
//! a limited time, and prints lines `key=value`; what it does not print is not known.

use std::{
    io::{self, Read},
    os::{fd::AsRawFd, unix::process::CommandExt},
    process::{Child, Command, Stdio},
};

use loa_protocol::telemetry::{MAX_TEXT_BYTES, NetworkKind};

use crate::clock;

/// Longest output that is read, in bytes.
const MAX_OUTPUT: u64 = 4 * 1024;
/// How often a running command is looked at.
const LOOK_US: u64 = 20_000;

/// What a command told.
#[derive(Debug, Default, PartialEq)]
pub struct Said {
    pub kind: Option<NetworkKind>,
    pub signal_dbm: Option<i32>,
    pub signal_percent: Option<u8>,
    pub operator: Option<String>,
    pub cell: Option<String>,
    pub mains: Option<bool>,
    pub battery_percent: Option<u8>,
    pub battery_mv: Option<u32>,
}

impl Said {
    /// This, and what the other one knows more.
    pub fn or(self, other: Self) -> Self {
        Self {
            kind: self.kind.or(other.kind),
            signal_dbm: self.signal_dbm.or(other.signal_dbm),
            signal_percent: self.signal_percent.or(other.signal_percent),
            operator: self.operator.or(other.operator),
            cell: self.cell.or(other.cell),
            mains: self.mains.or(other.mains),
            battery_percent: self.battery_percent.or(other.battery_percent),
            battery_mv: self.battery_mv.or(other.battery_mv),
        }
    }
}

/// Reads `key=value` lines; an empty value says nothing. Also what is wrong, if anything is.
pub fn parse(output: &str) -> (Said, Option<String>) {
    let mut said = Said::default();
    let mut wrong = None;
    for line in output.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let (key, value) = (key.trim(), value.trim());
        if value.is_empty() && line.contains('=') {
            continue;
        }
        if !take(&mut said, key, value) {
            let line: String = line.chars().take(80).collect();
            wrong.get_or_insert(format!("{line:?} is not understood"));
        }
    }
    (said, wrong)
}

fn take(said: &mut Said, key: &str, value: &str) -> bool {
    let percent = || value.parse().ok().filter(|n: &u8| *n <= 100);
    let text = || (value.len() <= MAX_TEXT_BYTES).then(|| value.to_owned());
    /// `false` for a value that is none.
    fn put<T>(place: &mut Option<T>, value: Option<T>) -> bool {
        let is_some = value.is_some();
        *place = value.or(place.take());
        is_some
    }
    match key {
        "kind" => put(
            &mut said.kind,
            match value {
                "ethernet" => Some(NetworkKind::Ethernet),
                "wifi" => Some(NetworkKind::Wifi),
                "cellular" => Some(NetworkKind::Cellular),
                "other" => Some(NetworkKind::Other),
                _ => None,
            },
        ),
        "signal_dbm" => {
            let plausible = |dbm: &i32| (-200..=50).contains(dbm);
            put(&mut said.signal_dbm, value.parse().ok().filter(plausible))
        }
        "signal_percent" => put(&mut said.signal_percent, percent()),
        "operator" => put(&mut said.operator, text()),
        "cell" => put(&mut said.cell, text()),
        "mains" => put(
            &mut said.mains,
            match value {
                "yes" | "true" | "1" => Some(true),
                "no" | "false" | "0" => Some(false),
                _ => None,
            },
        ),
        "battery_percent" => put(&mut said.battery_percent, percent()),
        "battery_mv" => put(&mut said.battery_mv, value.parse().ok()),
        _ => false,
    }
}

/// Runs `command` and gives what it printed; nothing when there is no command.
///
/// # Errors
/// In words for the log: it cannot be started, does not end in time, or ends with a failure.
pub fn run(command: &[String], timeout_s: u32) -> Result<String, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(String::new());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // So that what it starts itself ends with it.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{program} cannot be started: {error}"))?;
    let ended = await_end(&mut child, timeout_s);
    let output = read_output(&mut child);
    match ended {
        Ok(Some(status)) if status.success() => {
            output.map_err(|error| format!("{program} cannot be read: {error}"))
        }
        Ok(Some(status)) => Err(format!("{program} failed: {status}")),
        Ok(None) => Err(format!("{program} did not end within {timeout_s} s")),
        Err(error) => Err(format!("{program} cannot be waited for: {error}")),
    }
}

/// `None`: it had to be killed.
fn await_end(child: &mut Child, timeout_s: u32) -> io::Result<Option<std::process::ExitStatus>> {
    let end_us = clock::mono_us() + u64::from(timeout_s) * 1_000_000;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let now_us = clock::mono_us();
        if now_us >= end_us {
            if let Ok(group) = libc::pid_t::try_from(child.id()) {
                // SAFETY: kill takes plain numbers. The child was not waited for, so its number, which is its group's,
                // is nobody else's.
                unsafe {
                    libc::kill(-group, libc::SIGKILL);
                }
            }
            child.wait()?;
            return Ok(None);
        }
        clock::sleep_until_mono_us(now_us + LOOK_US);
    }
}

/// What is in the pipe. Somebody else may still hold its other end, so this never waits for more.
fn read_output(child: &mut Child) -> io::Result<String> {
    let Some(stdout) = child.stdout.take() else {
        return Ok(String::new());
    };
    let fd = stdout.as_raw_fd();
    // SAFETY: fcntl on a descriptor that `stdout` keeps open; F_GETFL and F_SETFL take and give plain numbers.
    let is_set = unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        flags >= 0 && libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) >= 0
    };
    if !is_set {
        return Err(io::Error::last_os_error());
    }
    let mut bytes = Vec::new();
    match stdout.take(MAX_OUTPUT).read_to_end(&mut bytes) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}
