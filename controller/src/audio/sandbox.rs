//! The fences around a process that reads what strangers sent: bounds on memory, time and output, no files, no network, and
//! hardly a system call. From [`close`] on there is no way back.
//!
//! What the kernel does not have is left out and told ([`Fences`]); the bounds (`setrlimit`) are everywhere.

use std::{collections::BTreeMap, io, os::fd::RawFd};

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use serde::{Deserialize, Serialize};

/// What a process may use up before it is ended.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Of address space, the program itself among it. Beyond it no memory is given, and the process aborts.
    pub memory_bytes: u64,
    /// Of a processor. Beyond it: SIGXCPU, …
    pub cpu_s: u64,
    /// … and beyond this SIGKILL. Until then whoever started it may allow it more.
    pub cpu_most_s: u64,
    /// Of any file that it writes. Beyond it: SIGXFSZ.
    pub output_bytes: u64,
}

/// The descriptors that it may go on using, each for one thing.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    pub input: RawFd,
    pub output: RawFd,
    pub report: RawFd,
}

/// Which fences stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fences {
    /// No file and no network (Linux 5.13 and later).
    pub landlock: bool,
    /// Only the system calls of this file.
    pub seccomp: bool,
}

/// Closes the fences around this process; the system calls are this thread's, of which there should be no other.
///
/// # Errors
/// A bound could not be set: then nothing may be read.
pub fn close(bounds: Bounds, open: Open) -> io::Result<Fences> {
    // Before no descriptor can be opened any more: it needs one for a moment.
    let landlock = no_files().unwrap_or(false);
    let hard = |resource, most| {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit)
    };
    hard(Resource::As, bounds.memory_bytes)?;
    hard(Resource::Fsize, bounds.output_bytes)?;
    hard(Resource::Core, 0)?;
    hard(Resource::Nofile, 0)?;
    hard(Resource::Nproc, 0)?;
    let cpu = Rlimit {
        current: Some(bounds.cpu_s),
        maximum: Some(bounds.cpu_most_s),
    };
    setrlimit(Resource::Cpu, cpu)?;
    Ok(Fences {
        landlock,
        seccomp: few_calls(open).is_ok(),
    })
}

/// Handles every right that the kernel knows and grants none. Sets `no_new_privs` too.
fn no_files() -> Result<bool, landlock::RulesetError> {
    let newest = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Whatever is not named here ends the process at once. Sets `no_new_privs` too.
fn few_calls(open: Open) -> Result<(), Box<dyn std::error::Error>> {
    let mut allowed: BTreeMap<i64, Vec<SeccompRule>> = [
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_close,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ]
    .into_iter()
    .map(|call| (call, Vec::new()))
    .collect();
    // What else was left open by mistake can be closed, and nothing more.
    let Open {
        input,
        output,
        report,
    } = open;
    for (call, on) in [
        (libc::SYS_read, vec![input, output]),
        (libc::SYS_pread64, vec![input, output]),
        (libc::SYS_lseek, vec![input, output]),
        (libc::SYS_write, vec![output, report]),
        (libc::SYS_ftruncate, vec![output]),
        (libc::SYS_fsync, vec![output]),
    ] {
        let rules: Result<Vec<SeccompRule>, _> = on
            .into_iter()
            .map(|fd| SeccompRule::new(vec![is(0, fd.unsigned_abs())?]))
            .collect();
        allowed.insert(call, rules?);
    }
    // A debug build looks whether what it closes is open.
    let looking = vec![is(1, libc::F_GETFD.unsigned_abs())?];
    allowed.insert(libc::SYS_fcntl, vec![SeccompRule::new(looking)?]);
    // It may give up: that is how it ends when there is no memory left.
    let giving_up = vec![
        is(0, std::process::id())?,
        is(2, libc::SIGABRT.unsigned_abs())?,
    ];
    allowed.insert(libc::SYS_tgkill, vec![SeccompRule::new(giving_up)?]);
    let filter = SeccompFilter::new(
        allowed,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

fn is(argument: u8, value: u32) -> Result<SeccompCondition, seccompiler::BackendError> {
    let (width, equal) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq);
    SeccompCondition::new(argument, width, equal, u64::from(value))
}
