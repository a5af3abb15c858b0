//! What an agent costs its board: memory and CPU from /proc, bytes of its binary.

use std::{path::Path, process::Command, time::Duration};

use crate::process::clock::{mono_us, now_us, wait_for_time};

/// Resident memory of a process, in megabytes (10^6 bytes).
///
/// # Panics
/// When there is no such process.
#[track_caller]
pub fn rss_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("it has memory");
    let kib: f64 = line
        .trim()
        .trim_end_matches(" kB")
        .trim()
        .parse()
        .expect("a number of kB");
    kib * 1024.0 / 1e6
}

/// CPU seconds that a process has used, in user and kernel mode.
///
/// # Panics
/// When there is no such process.
#[track_caller]
pub fn cpu_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    // The name in brackets may hold anything; utime and stime are the 12th and 13th field after it (proc(5)).
    let (_, fields) = stat.rsplit_once(") ").expect("the name ends");
    let ticks: f64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<f64>().expect("a number of ticks"))
        .sum();
    // SAFETY: sysconf only reads.
    ticks / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
}

/// Looks once a second for `length` at each process: the largest memory seen, and percent of one core used.
pub fn watch(pids: &[u32], length: Duration) -> Vec<(f64, f64)> {
    let cpu_before: Vec<f64> = pids.iter().map(|pid| cpu_s(*pid)).collect();
    let begin_us = mono_us();
    let mut largest = vec![0.0_f64; pids.len()];
    for _ in 0..length.as_secs() {
        wait_for_time(now_us() + 1_000_000);
        for (largest, pid) in largest.iter_mut().zip(pids) {
            *largest = largest.max(rss_mb(*pid));
        }
    }
    let seconds = (mono_us() - begin_us) as f64 / 1e6;
    let used = pids
        .iter()
        .zip(cpu_before)
        .map(|(pid, before)| (cpu_s(*pid) - before) / seconds * 100.0);
    largest.into_iter().zip(used).collect()
}

/// Size of a copy without symbols, in megabytes (10^6 bytes).
///
/// # Panics
/// When `strip` is not installed.
pub fn stripped_mb(binary: &Path, folder: &Path) -> f64 {
    let copy = folder.join("stripped");
    let done = Command::new("strip")
        .arg("-o")
        .arg(&copy)
        .arg(binary)
        .status()
        .expect("strip is installed");
    assert!(done.success(), "strip works");
    std::fs::metadata(&copy).expect("the copy").len() as f64 / 1e6
}
