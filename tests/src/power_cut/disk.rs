//! A disk that keeps what was synced, and of the rest what it likes.

use std::{collections::BTreeMap, path::Path};

use super::trace::Step;
use crate::village::chance::Chance;

/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// What became of everything that was not synced when the power went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// None of it was written.
    Lost,
    /// All of it was.
    Kept,
    /// Some calls reached the disk and some did not, in whatever order.
    Some,
    /// Of each call some sectors did and some did not.
    Torn,
}

impl Fate {
    pub const ALL: [Fate; 4] = [Fate::Torn, Fate::Lost, Fate::Some, Fate::Kept];
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Truncate(u64),
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

/// Names reach the disk in their order, as file systems with a journal keep them, but when is open until the folder is synced.
#[derive(Clone, Debug)]
enum Naming {
    Link { name: String, file: usize },
    Unlink(String),
}

#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    /// As the running program sees them.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending_names: Vec<Vec<Naming>>,
    /// Says "synced" and does nothing.
    pub lies: bool,
}

impl Disk {
    /// # Panics
    /// When the step is about a file that is not there: then the trace is not whole.
    pub fn take(&mut self, step: &Step) {
        match step {
            Step::Create(name) => {
                if !self.names.contains_key(name) {
                    let file = self.files.len();
                    self.files.push(File::default());
                    let name = name.clone();
                    self.name(vec![Naming::Link { name, file }]);
                }
            }
            Step::Write { name, at, bytes } => {
                let (at, bytes) = (*at, bytes.clone());
                self.file(name).pending.push(Change::Write { at, bytes });
            }
            Step::Truncate { name, length } => {
                self.file(name).pending.push(Change::Truncate(*length));
            }
            Step::Unlink(name) => self.name(vec![Naming::Unlink(name.clone())]),
            Step::Rename { from, to } => {
                let file = self.names[from];
                let (name, from) = (to.clone(), from.clone());
                self.name(vec![Naming::Link { name, file }, Naming::Unlink(from)]);
            }
            Step::Sync(_) | Step::SyncFolder if self.lies => {}
            Step::Sync(name) => {
                let file = self.file(name);
                for change in std::mem::take(&mut file.pending) {
                    apply(&mut file.durable, &change);
                }
            }
            Step::SyncFolder => {
                self.pending_names.clear();
                self.durable_names = self.names.clone();
            }
            Step::Begun(_) | Step::Told(_) | Step::Named(_) => {}
        }
    }

    fn file(&mut self, name: &str) -> &mut File {
        let number = *self
            .names
            .get(name)
            .unwrap_or_else(|| panic!("{name} is used before it was made"));
        &mut self.files[number]
    }

    fn name(&mut self, together: Vec<Naming>) {
        rename(&mut self.names, &together);
        self.pending_names.push(together);
    }

    /// Puts into `folder` what is found there when the power is back.
    ///
    /// # Panics
    /// When `folder` takes no file.
    pub fn cut(&self, fate: Fate, chance: &mut Chance, folder: &Path) {
        let pending = self.pending_names.len();
        let reached = match fate {
            Fate::Lost => 0,
            Fate::Kept => pending,
            Fate::Some | Fate::Torn => chance.index(pending + 1),
        };
        let mut names = self.durable_names.clone();
        for together in &self.pending_names[..reached] {
            rename(&mut names, together);
        }
        for (name, number) in names {
            let file = &self.files[number];
            let mut bytes = file.durable.clone();
            for change in &file.pending {
                match fate {
                    Fate::Lost => {}
                    Fate::Kept => apply(&mut bytes, change),
                    Fate::Some => {
                        if chance.per_mille(500) {
                            apply(&mut bytes, change);
                        }
                    }
                    Fate::Torn => tear(&mut bytes, change, chance),
                }
            }
            std::fs::write(folder.join(name), bytes).expect("a file as it was left");
        }
    }
}

fn rename(names: &mut BTreeMap<String, usize>, together: &[Naming]) {
    for naming in together {
        match naming {
            Naming::Link { name, file } => drop(names.insert(name.clone(), *file)),
            Naming::Unlink(name) => drop(names.remove(name)),
        }
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, bytes: new } => put(bytes, *at, new),
        Change::Truncate(length) => bytes.resize(index(*length), 0),
    }
}

fn tear(bytes: &mut Vec<u8>, change: &Change, chance: &mut Chance) {
    let Change::Write { at, bytes: new } = change else {
        if chance.per_mille(500) {
            apply(bytes, change);
        }
        return;
    };
    let mut from = 0;
    while from < new.len() {
        let place = at + from as u64;
        let to = new.len().min(from + index(SECTOR - place % SECTOR));
        if chance.per_mille(500) {
            put(bytes, place, &new[from..to]);
        }
        from = to;
    }
}

fn put(bytes: &mut Vec<u8>, at: u64, new: &[u8]) {
    let end = index(at) + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[index(at)..end].copy_from_slice(new);
}

fn index(place: u64) -> usize {
    usize::try_from(place).expect("a place in memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(disk: &Disk, fate: Fate) -> BTreeMap<String, Vec<u8>> {
        let folder = tempfile::tempdir().expect("a folder");
        disk.cut(fate, &mut Chance::new(1), folder.path());
        std::fs::read_dir(folder.path())
            .expect("a folder")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let name = entry.file_name().into_string().expect("a name");
                (name, std::fs::read(entry.path()).expect("a file"))
            })
            .collect()
    }

    fn write(at: u64, bytes: &[u8]) -> Step {
        Step::Write {
            name: "a".into(),
            at,
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn what_was_synced_is_kept_and_the_rest_is_anybodys_guess() {
        let mut disk = Disk::default();
        for step in [
            Step::Create("a".into()),
            write(0, b"one"),
            Step::Sync("a".into()),
        ] {
            disk.take(&step);
        }
        assert!(
            found(&disk, Fate::Lost).is_empty(),
            "its name was not synced"
        );
        disk.take(&Step::SyncFolder);
        disk.take(&write(3, &[7; 1_000]));
        assert_eq!(found(&disk, Fate::Lost)["a"], b"one");
        assert_eq!(found(&disk, Fate::Kept)["a"].len(), 1_003);
        let torn = (0..100)
            .map(|seed| {
                let folder = tempfile::tempdir().expect("a folder");
                disk.cut(Fate::Torn, &mut Chance::new(seed), folder.path());
                let bytes = std::fs::read(folder.path().join("a")).expect("a file");
                assert!(bytes.starts_with(b"one"));
                bytes
            })
            .collect::<std::collections::BTreeSet<_>>();
        assert_eq!(torn.len(), 4, "each of two sectors was there or not");
    }

    #[test]
    fn a_name_that_was_taken_away_may_come_back_but_never_both_of_a_rename() {
        let mut disk = Disk::default();
        for step in [
            Step::Create("a".into()),
            write(0, b"key"),
            Step::Sync("a".into()),
            Step::SyncFolder,
            Step::Rename {
                from: "a".into(),
                to: "b".into(),
            },
        ] {
            disk.take(&step);
        }
        assert_eq!(
            found(&disk, Fate::Lost).into_keys().collect::<Vec<_>>(),
            ["a"]
        );
        assert_eq!(
            found(&disk, Fate::Kept).into_keys().collect::<Vec<_>>(),
            ["b"]
        );
    }
}
