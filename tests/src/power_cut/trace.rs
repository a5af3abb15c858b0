//! Runs a script of this test program under strace, and reads which changes it asked of the disk, in order.

use std::{
    collections::HashMap,
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::{FOLDER, MARKS, scratch};

/// One thing that happened, in the order of the system calls' ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The file was opened, and made if there was none.
    Create(String),
    Write {
        name: String,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        name: String,
        length: u64,
    },
    Unlink(String),
    Rename {
        from: String,
        to: String,
    },
    Sync(String),
    SyncFolder,
    Begun(usize),
    Told(usize),
    Named(String),
}

/// Every call by which a file or its name changes. One that is listed and not understood ends the test.
const CALLS: &str = "trace=openat,openat2,open,creat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync,syncfs,\
    sync_file_range,ftruncate,truncate,fallocate,copy_file_range,sendfile,splice,link,linkat,symlink,symlinkat,unlink,\
    unlinkat,rename,renameat,renameat2,mmap";

/// Lives the ignored test `script` of the running test program, traced, with `settings` in its environment.
///
/// # Panics
/// When it cannot be traced, or fails.
pub fn run(script: &str, settings: &[(&str, &str)]) -> Vec<Step> {
    let home = scratch();
    let root = home.path().canonicalize().expect("a path without links");
    let folder = root.join("life");
    std::fs::create_dir(&folder).expect("a folder to live in");
    let log = root.join("strace");
    let program = std::env::current_exe().expect("this program's path");
    // -y: files by name; -xx: all text in hex, so that nothing in it can be taken for strace's own signs.
    let output = Command::new("strace")
        .args(["-f", "-y", "-xx", "-s", "67108864", "-e", CALLS])
        .args(["-e", "signal=none", "-o"])
        .arg(&log)
        .arg(program)
        .args([script, "--exact", "--ignored", "--test-threads=1"])
        .env(FOLDER, &folder)
        .envs(settings.iter().copied())
        .output()
        .unwrap_or_else(|e| panic!("strace cannot be run ({e}): `make setup-test` installs it"));
    assert!(
        output.status.success(),
        "the script did not live to its end; if strace was not allowed to trace, allow ptrace on this machine:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let text = std::fs::read_to_string(&log).expect("strace's log");
    let steps = read(&text, &folder);
    assert!(
        steps.iter().any(|step| matches!(step, Step::Told(_))),
        "{script} told nothing: is it there, and ignored?"
    );
    steps
}

/// How often SQLite began its log anew in the same file: it had folded it into the database while the program ran.
pub fn log_restarts(steps: &[Step]) -> usize {
    let (mut restarts, mut is_new) = (0, true);
    for step in steps {
        match step {
            Step::Unlink(name) if name.ends_with("-wal") => is_new = true,
            Step::Write { name, at: 0, .. } if name.ends_with("-wal") => {
                restarts += usize::from(!is_new);
                is_new = false;
            }
            _ => {}
        }
    }
    restarts
}

fn read(log: &str, folder: &Path) -> Vec<Step> {
    let mut reader = Reader {
        folder,
        places: HashMap::new(),
        steps: Vec::new(),
    };
    let mut unfinished: HashMap<&str, &str> = HashMap::new();
    for line in log.lines() {
        let (process, rest) = line.split_once(' ').expect("a process before each line");
        let rest = rest.trim_start();
        if let Some(head) = rest.strip_suffix(" <unfinished ...>") {
            unfinished.insert(process, head);
        } else if let Some((_, tail)) = rest
            .strip_prefix("<... ")
            .and_then(|r| r.split_once(" resumed>"))
        {
            let head = unfinished.remove(process).unwrap_or_default();
            reader.call(&format!("{head}{tail}"));
        } else if !rest.starts_with("+++") && !rest.starts_with("---") {
            reader.call(rest);
        }
    }
    reader.steps
}

struct Reader<'a> {
    folder: &'a Path,
    /// Where the next write(2) goes; only files that are never sought in are written so.
    places: HashMap<String, u64>,
    steps: Vec<Step>,
}

/// What a call was about.
enum Object {
    Folder,
    File(String),
    Elsewhere,
}

impl Reader<'_> {
    fn call(&mut self, call: &str) {
        let Some((name, rest)) = call.split_once('(') else {
            return;
        };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else {
            return;
        };
        if result.starts_with('-') || result.starts_with('?') {
            return;
        }
        let arguments = arguments.trim_end();
        let arguments: Vec<&str> = arguments
            .strip_suffix(')')
            .unwrap_or(arguments)
            .split(", ")
            .collect();
        let done: u64 = result
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0);
        let first = || self.described(arguments[0]);
        match name {
            "openat" | "open" | "creat" => {
                let path = arguments[usize::from(name == "openat")];
                if let Object::File(file) = self.named(path) {
                    let flags = call;
                    if flags.contains("O_CREAT") || name == "creat" {
                        self.steps.push(Step::Create(file.clone()));
                    }
                    self.places.insert(file.clone(), 0);
                    if flags.contains("O_TRUNC") {
                        self.truncate(file, 0);
                    }
                }
            }
            "pwrite64" => {
                if let Object::File(file) = first() {
                    let at = arguments[3].parse().expect("an offset");
                    self.write(file, at, written(arguments[1], done));
                }
            }
            "write" => {
                if let Object::File(file) = first() {
                    let place = self.places.entry(file.clone()).or_default();
                    let at = *place;
                    *place += done;
                    self.write(file, at, written(arguments[1], done));
                }
            }
            "ftruncate" => {
                if let Object::File(file) = first() {
                    self.truncate(file, arguments[1].parse().expect("a length"));
                }
            }
            "fsync" | "fdatasync" => match first() {
                Object::File(file) => self.steps.push(Step::Sync(file)),
                Object::Folder => self.steps.push(Step::SyncFolder),
                Object::Elsewhere => {}
            },
            "unlink" | "unlinkat" => {
                if let Object::File(file) = self.named(arguments[usize::from(name == "unlinkat")]) {
                    self.steps.push(Step::Unlink(file));
                }
            }
            "rename" | "renameat" | "renameat2" => {
                let (from, to) = if name == "rename" { (0, 1) } else { (1, 3) };
                if let (Object::File(from), Object::File(to)) =
                    (self.named(arguments[from]), self.named(arguments[to]))
                {
                    self.steps.push(Step::Rename { from, to });
                }
            }
            // A private or read-only mapping changes no file.
            "mmap" if !(call.contains("PROT_WRITE") && call.contains("MAP_SHARED")) => {}
            _ => {
                let ours = arguments.iter().any(|argument| {
                    matches!(self.described(argument), Object::File(_))
                        || matches!(self.named(argument), Object::File(_))
                });
                assert!(!ours, "a change of the disk that is not understood: {call}");
            }
        }
    }

    fn write(&mut self, name: String, at: u64, bytes: Vec<u8>) {
        if name != MARKS {
            self.steps.push(Step::Write { name, at, bytes });
            return;
        }
        let text = String::from_utf8(bytes).expect("marks are text");
        let (word, what) = text.split_once(' ').expect("a word and what it is about");
        let number = || what.parse().expect("a number");
        self.steps.push(match word {
            "begun" => Step::Begun(number()),
            "told" => Step::Told(number()),
            _ => Step::Named(what.to_owned()),
        });
    }

    fn truncate(&mut self, name: String, length: u64) {
        if name != MARKS {
            self.steps.push(Step::Truncate { name, length });
        }
    }

    /// `7<\x2f\x74…>`, an open file.
    fn described(&self, argument: &str) -> Object {
        match argument.split_once('<') {
            Some((_, rest)) if !rest.ends_with("(deleted)") => {
                self.object(rest.trim_end_matches('>'))
            }
            _ => Object::Elsewhere,
        }
    }

    /// `"\x2f\x74…"`, a path.
    fn named(&self, argument: &str) -> Object {
        match argument.strip_prefix('"') {
            Some(rest) => self.object(rest.trim_end_matches('"')),
            None => Object::Elsewhere,
        }
    }

    fn object(&self, hex: &str) -> Object {
        let path = PathBuf::from(OsString::from_vec(bytes(hex)));
        match path.strip_prefix(self.folder).map(Path::to_str) {
            Ok(Some("")) => Object::Folder,
            // The index of the log is memory: it is made anew by whoever comes first after the power.
            Ok(Some(name)) if !name.contains('/') && !name.ends_with("-shm") => {
                Object::File(name.to_owned())
            }
            _ => Object::Elsewhere,
        }
    }
}

/// `"\x6c\x6f"`, of which so many bytes were written.
fn written(argument: &str, done: u64) -> Vec<u8> {
    let mut bytes = bytes(argument.trim_matches('"'));
    assert!(bytes.len() as u64 >= done, "strace shortened a write");
    bytes.truncate(usize::try_from(done).expect("it is in memory"));
    bytes
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split("\\x")
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_strace_become_the_steps_of_a_disk() {
        let hex = |text: &str| -> String { text.bytes().map(|b| format!("\\x{b:02x}")).collect() };
        let (db, dir) = (hex("/l/loa.db"), hex("/l"));
        let log = [
            format!("11 openat(AT_FDCWD<{dir}>, \"{db}\", O_RDWR|O_CREAT, 0644) = 3<{db}>"),
            format!("11 pwrite64(3<{db}>, \"{}\", 3, 512) = 2", hex("abc")),
            format!("11 fsync(3<{db}> <unfinished ...>"),
            format!(
                "12 write(5<{}>, \"{}\", 6) = 6",
                hex("/l/marks"),
                hex("told 1")
            ),
            "11 <... fsync resumed>)               = 0".into(),
            format!("11 ftruncate(3<{db}>, 4) = 0"),
            format!(
                "11 pwrite64(3<{db}>(deleted), \"{}\", 3, 0) = 3",
                hex("abc")
            ),
            format!("11 unlink(\"{db}\") = 0"),
            format!("11 unlink(\"{db}\") = -1 ENOENT (No such file or directory)"),
            format!("11 fdatasync(4<{dir}>) = 0"),
            format!(
                "11 pwrite64(3<{}>, \"{}\", 1, 0) = 1",
                hex("/l/loa.db-shm"),
                hex("a")
            ),
            format!(
                "11 mmap(NULL, 9, PROT_READ|PROT_WRITE, MAP_SHARED, 3<{}>, 0) = 0x7f",
                hex("/l/loa.db-shm")
            ),
            "11 +++ exited with 0 +++".into(),
        ];
        let name = || "loa.db".to_owned();
        assert_eq!(
            read(&log.join("\n"), Path::new("/l")),
            [
                Step::Create(name()),
                Step::Write {
                    name: name(),
                    at: 512,
                    bytes: b"ab".to_vec()
                },
                Step::Told(1),
                Step::Sync(name()),
                Step::Truncate {
                    name: name(),
                    length: 4
                },
                Step::Unlink(name()),
                Step::SyncFolder,
            ]
        );
    }
}
