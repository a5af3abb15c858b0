//! Which sockets of a process wait for somebody to come in, as the kernel tells it.

use std::collections::HashSet;

/// A line for each listening TCP or Unix socket and each bound UDP socket of the process; empty when it can only be
/// reached where it went itself.
///
/// # Panics
/// When there is no such process.
#[track_caller]
pub fn open_to_others(pid: u32) -> Vec<String> {
    let own = inodes(pid);
    let mut found = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        // local_address is the second field, then remote, state, queues, timer, retransmissions, uid, timeout, inode.
        for fields in rows(pid, table) {
            let (Some(local), Some(state), Some(inode)) =
                (fields.get(1), fields.get(3), fields.get(9))
            else {
                continue;
            };
            const LISTEN: &str = "0A";
            if own.contains(inode) && (table.starts_with("udp") || state == LISTEN) {
                found.push(format!("{table} {local}"));
            }
        }
    }
    // Num RefCount Protocol Flags Type St Inode Path; __SO_ACCEPTCON is the flag of those that listen.
    for fields in rows(pid, "unix") {
        if let (Some(flags), Some(inode)) = (fields.get(3), fields.get(6))
            && own.contains(inode)
            && u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & 0x1_0000 != 0)
        {
            found.push(format!("unix {:?}", fields.get(7)));
        }
    }
    found
}

/// How many sockets the process has at all.
pub fn count(pid: u32) -> usize {
    inodes(pid).len()
}

fn inodes(pid: u32) -> HashSet<String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs");
    entries
        .flatten()
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            let inode = target
                .to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect()
}

fn rows(pid: u32, table: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
    let rows = text.lines().skip(1);
    rows.map(|row| row.split_whitespace().map(str::to_owned).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_seen_and_is_gone_when_closed() {
        let own = std::process::id();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let is_ours = |line: &String| line.ends_with(&format!(":{port:04X}"));
        assert!(open_to_others(own).iter().any(is_ours));
        drop(listener);
        assert!(!open_to_others(own).iter().any(is_ours));
    }
}
