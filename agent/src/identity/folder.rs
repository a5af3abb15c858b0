//! The folder `identity/`, replaced as a whole: a power cut leaves the old one or the new one, never half of either.
//!
//! All is written into a draft folder and synced, then draft and old folder change places in one step, and only then does the
//! old one go. Where the file system cannot exchange two names, the old one is put aside first: between those two renames
//! there is no folder of the right name, and whoever reads puts the old one back.

use std::{
    ffi::CString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown},
    },
    path::{Path, PathBuf},
};

pub const KEY: &str = "key.pem";
pub const CERTIFICATE: &str = "certificate.pem";
pub const AUTHORITIES: &str = "authorities.pem";
pub const OFFICE: &str = "office.json";
/// The root documents that came with the enrolment, oldest first, as CBOR byte strings.
pub const ROOTS: &str = "roots.cbor";
/// No file of the folder is larger; a larger one is not ours.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Where it is.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("identity")
}
fn draft(data_dir: &Path) -> PathBuf {
    data_dir.join("identity.new")
}
fn aside(data_dir: &Path) -> PathBuf {
    data_dir.join("identity.old")
}

/// Is there one? Puts back what a power cut left aside.
///
/// # Errors
/// The disk's.
pub fn exists(data_dir: &Path) -> io::Result<bool> {
    if path(data_dir).is_dir() {
        return Ok(true);
    }
    if !aside(data_dir).is_dir() {
        return Ok(false);
    }
    fs::rename(aside(data_dir), path(data_dir))?;
    sync(data_dir)?;
    Ok(true)
}

/// # Errors
/// The disk's, or the file is larger than any of ours.
pub fn read(data_dir: &Path, name: &str) -> io::Result<Vec<u8>> {
    let path = path(data_dir).join(name);
    if fs::metadata(&path)?.len() > MAX_FILE_BYTES {
        return Err(io::Error::other("it is far too large"));
    }
    fs::read(path)
}

/// Replaces all of it with `files`, durably. Who owns the data folder owns them: `enrol` may be run by root.
///
/// # Errors
/// The disk's. Then the old one is still there.
pub fn replace(data_dir: &Path, files: &[(&str, &[u8])]) -> io::Result<()> {
    exists(data_dir)?;
    let (path, draft, aside) = (path(data_dir), draft(data_dir), aside(data_dir));
    remove(&draft)?;
    remove(&aside)?;
    let owner = fs::metadata(data_dir)?;
    DirBuilder::new().mode(0o700).create(&draft)?;
    for (name, bytes) in files {
        let file = draft.join(name);
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        hand_over(&file, &owner)?;
    }
    hand_over(&draft, &owner)?;
    sync(&draft)?;
    // The draft's own name must be on disk before the old one loses its.
    sync(data_dir)?;
    if path.exists() {
        if exchange(&draft, &path).is_ok() {
            sync(data_dir)?;
            return remove(&draft);
        }
        fs::rename(&path, &aside)?;
        sync(data_dir)?;
    }
    fs::rename(&draft, &path)?;
    sync(data_dir)?;
    remove(&aside)
}

/// Two names change places, seen by everybody at one instant (renameat2(2)).
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    let name = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other);
    let (one, other) = (name(one)?, name(other)?);
    // SAFETY: both names end in a zero and live through the call, which writes nothing.
    let done = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            one.as_ptr(),
            libc::AT_FDCWD,
            other.as_ptr(),
            libc::RENAME_EXCHANGE,
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Only root can give away, and only root's is not the program's own already.
fn hand_over(path: &Path, owner: &fs::Metadata) -> io::Result<()> {
    if fs::metadata(path)?.uid() == owner.uid() {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn of(key: &str) -> [(&'static str, &[u8]); 1] {
        [(KEY, key.as_bytes())]
    }

    #[test]
    fn a_new_identity_takes_the_place_of_the_old_one_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path();
        assert!(!exists(data).expect("it can be asked"));
        replace(data, &of("first")).expect("written");
        replace(data, &of("second")).expect("written again");
        assert_eq!(read(data, KEY).expect("read"), b"second");
        let mode = |path: PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(path(data)), 0o700);
        assert_eq!(mode(path(data).join(KEY)), 0o600);
        assert!(!draft(data).exists() && !aside(data).exists());
    }

    #[test]
    fn a_power_cut_between_the_two_renames_leaves_the_old_identity() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path();
        replace(data, &of("old")).expect("written");
        fs::rename(path(data), aside(data)).expect("put aside");
        fs::create_dir(draft(data)).expect("a draft, whole or not");
        assert!(exists(data).expect("it can be asked"));
        assert_eq!(read(data, KEY).expect("read"), b"old");
        replace(data, &of("new")).expect("the next time it works");
        assert_eq!(read(data, KEY).expect("read"), b"new");
    }

    #[test]
    fn what_a_power_cut_left_of_a_draft_or_of_an_old_one_is_in_nobodys_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path();
        replace(data, &of("good")).expect("written");
        for rest in [draft(data), aside(data)] {
            fs::create_dir(&rest).expect("a rest");
            fs::write(rest.join(KEY), "half").expect("half of it");
        }
        assert!(exists(data).expect("it can be asked"));
        assert_eq!(read(data, KEY).expect("read"), b"good");
        replace(data, &of("better")).expect("written");
        assert_eq!(read(data, KEY).expect("read"), b"better");
    }
}
