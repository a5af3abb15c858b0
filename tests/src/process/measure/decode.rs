//! What decoding costs, next to ffmpeg and mpg123: user CPU of whole processes, in turns, as a ratio.

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use crate::process::figures::percentile;

/// Median over `rounds` of the user CPU of `ours` over that of `theirs`, run in turns.
///
/// # Panics
/// When one of them fails.
#[track_caller]
pub fn ratio(
    rounds: usize,
    mut ours: impl FnMut() -> Command,
    mut theirs: impl FnMut() -> Command,
) -> f64 {
    let ratios: Vec<f64> = (0..rounds)
        .map(|_| user_cpu_s(&mut ours()) / user_cpu_s(&mut theirs()))
        .collect();
    percentile(&ratios, 50.0)
}

/// Our decoder, as `cargo build --release --example decode` made it.
pub fn ours(decode: &Path, file: &Path) -> Command {
    let mut command = Command::new(decode);
    command.arg(file);
    command
}

/// ffmpeg on one thread, to PCM and nowhere.
pub fn ffmpeg(file: &Path) -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-threads", "1", "-i"])
        .arg(file)
        .args(["-f", "null", "-"]);
    command
}

/// mpg123 in its test mode: decodes, and puts nothing out.
pub fn mpg123(file: &Path) -> Command {
    let mut command = Command::new("mpg123");
    command.args(["-q", "-t"]).arg(file);
    command
}

/// User CPU seconds of one child from start to end, as the kernel accounts it.
#[expect(
    clippy::zombie_processes,
    reason = "wait4 reaps it, and tells what it cost"
)]
fn user_cpu_s(command: &mut Command) -> f64 {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    let pid = i32::try_from(child.id()).expect("a pid is an int");
    let mut status = 0;
    // SAFETY: rusage is plain integers, for which all zeroes are valid; both pointers live through the call, and the
    // child is ours and not reaped by anybody else (`Child` does not wait when dropped).
    let (reaped, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid, &mut status, 0, &mut usage), usage)
    };
    assert_eq!(reaped, pid);
    assert!(
        ExitStatus::from_raw(status).success(),
        "{command:?} ends well"
    );
    usage.ru_utime.tv_sec as f64 + usage.ru_utime.tv_usec as f64 / 1e6
}
