//! A file that appears whole or not at all: written beside its place, synced, renamed, removed on any error.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells several writers of this process apart; the process id tells processes apart.
static COUNTER: AtomicU64 = AtomicU64::new(0);

pub(super) struct Partial {
    path: PathBuf,
    file: Arc<File>,
    done: bool,
}

impl Partial {
    /// A new file beside `target`, named `.{its name}.{process}-{n}.part`, so on the same file system.
    pub fn beside(target: &Path) -> io::Result<Self> {
        let name = target
            .file_name()
            .ok_or_else(|| io::Error::other("the output has no file name"))?;
        let n = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!(
            ".{}.{}-{n}.part",
            name.to_string_lossy(),
            std::process::id()
        );
        let path = target.with_file_name(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        Ok(Self {
            path,
            file: Arc::new(file),
            done: false,
        })
    }

    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Moves it to `target`, on disk before it returns.
    pub fn become_final(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.done = true;
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.done {
            // Nothing more can be done about a file that does not want to go.
            let _ = fs::remove_file(&self.path);
        }
    }
}
