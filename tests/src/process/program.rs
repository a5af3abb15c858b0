//! One child process: its log in a file, and its end certain.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use super::clock::wait_until;

/// Lines of a log that are shown when a test fails.
const TAIL: usize = 40;

/// A running program. Dropping it kills it; if that happens in a panic, the end of its log is shown.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it with its output added to `log`.
    ///
    /// # Panics
    /// When there is no such program.
    #[track_caller]
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Self {
        Self::start_at(name, command, log, Rank::Village)
    }

    /// As [`Program::start`], for something to measure with.
    #[track_caller]
    pub fn start_instrument(name: &str, command: &mut Command, log: &Path) -> Self {
        Self::start_at(name, command, log, Rank::Instrument)
    }

    #[track_caller]
    fn start_at(name: &str, command: &mut Command, log: &Path, rank: Rank) -> Self {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("the log can be written");
        let errors = file.try_clone().expect("a second handle");
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        Self {
            name: name.into(),
            child: spawn(command, rank),
            log: log.into(),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it has written so far, earlier runs with the same log included.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal and does not wait.
    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.pid()).expect("a pid is an int");
        // SAFETY: kill(2) on our own child, which is not reaped yet, so the pid is still its own.
        unsafe { libc::kill(pid, signal) };
    }

    /// SIGKILL, and gone when this returns.
    pub fn kill(mut self) {
        self.end();
    }

    /// SIGTERM, as systemd does it.
    ///
    /// # Panics
    /// When it does not end within ten seconds.
    #[track_caller]
    pub fn stop(mut self) -> ExitStatus {
        self.signal(libc::SIGTERM);
        let what = format!("{} ends after SIGTERM", self.name);
        wait_until(&what, Duration::from_secs(30), || {
            self.child.try_wait().ok().flatten()
        })
    }

    fn end(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("---- the end of {} ({}):", self.name, self.log.display());
            for line in &lines[lines.len().saturating_sub(TAIL)..] {
                eprintln!("     {line}");
            }
        }
    }
}

/// Who goes first when the machine has more to do than it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// What is tested takes the machine as it is.
    Village,
    /// What is measured with must not stutter itself. Needs the right to it; without, it takes its turn.
    Instrument,
}

/// Spawns a child that dies with this thread, whatever ends it.
///
/// # Panics
/// When there is no such program.
#[track_caller]
pub fn spawn(command: &mut Command, rank: Rank) -> Child {
    // SAFETY: prctl and setpriority are plain system calls, and nothing else happens between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if rank == Rank::Instrument {
                libc::setpriority(libc::PRIO_PROCESS, 0, -15);
            }
            Ok(())
        });
    }
    match command.spawn() {
        Ok(child) => child,
        Err(error) => panic!("{:?} does not start: {error}", command.get_program()),
    }
}

/// `loa-agent` or `loa-controller`: in `LOA_BIN_DIR`, else beside this program or one folder up (tests are in `deps`).
///
/// # Panics
/// When it was not built.
#[track_caller]
pub fn binary(name: &str) -> PathBuf {
    let folders = match std::env::var_os("LOA_BIN_DIR") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => {
            let own = std::env::current_exe().expect("this program has a path");
            own.ancestors()
                .skip(1)
                .take(2)
                .map(Path::to_owned)
                .collect()
        }
    };
    let found = folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("{name} is not in {folders:?}: run `cargo build --workspace --bins` first")
    })
}

/// A port that nothing listens on. Below the range from which the kernel gives ports to clients, so that a program that
/// is down for a while finds its port still free.
///
/// # Panics
/// When all are taken.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    // Programs that begin together have neighbouring numbers, and each takes some ports in a row.
    let own = (u64::from(std::process::id()) * 101 % u64::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let port = FIRST + (own + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}

/// Is anybody listening there?
pub fn is_listening(port: u16) -> bool {
    std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}
