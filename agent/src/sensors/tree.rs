//! Small files below a root: the kernel's, or a made-up tree's.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// Longest file that is read, in bytes; of a longer one the beginning.
const MAX_BYTES: u64 = 64 * 1024;
/// Most entries of a folder that are looked at.
const MAX_ENTRIES: usize = 256;

#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    pub fn at(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// What stands in a file, without white space at its ends.
    pub fn text(&self, path: &str) -> Option<String> {
        let mut bytes = Vec::new();
        let file = fs::File::open(self.root.join(path)).ok()?;
        file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    pub fn number<T: std::str::FromStr>(&self, path: &str) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Names in a folder, sorted.
    pub fn names(&self, path: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(path)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .take(MAX_ENTRIES)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }
}
