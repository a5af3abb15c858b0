//! Power cuts at every instant: a program's real commits are traced to their system calls, and the files are built again
//! as a disk may have kept them when the power went between two of them.
//!
//! [`trace::run`] lives a script under strace, [`disk::Disk`] knows what is durable and what only may be, and
//! [`replay::replay`] asks of each state it builds whether the store keeps its word.

pub mod disk;
pub mod replay;
pub mod trace;

use std::path::PathBuf;

/// The file in which a script says how far it is. No part of the store: it takes no part in the power cut.
pub const MARKS: &str = "marks";
/// Tells a script under trace where to live.
pub const FOLDER: &str = "LOA_POWER_FOLDER";

/// A temporary folder in memory where the machine has one: the syncs that count are replayed, the others cost time.
pub fn scratch() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a temporary folder")
}

/// Says what a script did, and was told, in the order of its system calls.
#[derive(Debug)]
pub struct Marks(std::fs::File);

impl Marks {
    /// # Panics
    /// When `folder` takes no file.
    pub fn new(folder: &std::path::Path) -> Self {
        Self(std::fs::File::create(folder.join(MARKS)).expect("a file for the marks"))
    }

    /// Deed `n` (from 1) is about to be asked for.
    pub fn begun(&mut self, n: usize) {
        self.write(&format!("begun {n}"));
    }

    /// The store has said that deed `n` is done, and all before it.
    pub fn told(&mut self, n: usize) {
        self.write(&format!("told {n}"));
    }

    /// By this name the store must be known for ever.
    pub fn named(&mut self, name: &str) {
        self.write(&format!("named {name}"));
    }

    fn write(&mut self, text: &str) {
        use std::io::Write;
        // One write(2) each: nothing waits in a buffer.
        self.0.write_all(text.as_bytes()).expect("a mark");
    }
}
