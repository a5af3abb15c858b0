//! Signing keys in files: the seed as 64 hex digits, readable by its owner only. A file that is there is never written over.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use ed25519_dalek::SigningKey;
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

use crate::chance;

/// `None`: there is no such file.
pub fn read(path: &Path) -> io::Result<Option<SigningKey>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "this is no signing key (64 hex digits): put the right one back",
        )
    })?;
    Ok(Some(SigningKey::from_bytes(&seed)))
}

pub fn make() -> SigningKey {
    SigningKey::from_bytes(&chance::bytes::<32>())
}

/// On the disk when it returns: neither half a key nor none after a power cut. Fails where something is there already.
pub fn write_new(path: &Path, key: &SigningKey) -> io::Result<()> {
    let draft = path.with_extension("key.new");
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(hex::encode(key.to_bytes()).as_bytes())?;
    file.sync_all()?;
    drop(file);
    if let Err(error) = place(&draft, path) {
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    sync_folder_of(path)
}

/// Fails where the name is taken. Not every memory stick's file system can be asked so.
fn place(draft: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, draft, CWD, path, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if !path.exists() => {
            fs::rename(draft, path)
        }
        done => Ok(done?),
    }
}

pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Of two that begin at once both get the same.
pub fn read_or_make(path: &Path) -> io::Result<SigningKey> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    match write_new(path, &make()) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => read(path)?.ok_or_else(|| io::ErrorKind::NotFound.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_written_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("root.key");
        assert!(read(&path).expect("nothing there").is_none());
        let key = read_or_make(&path).expect("made");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = write_new(&path, &make()).expect_err("it is taken");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(
            read_or_make(&path).expect("read").to_bytes(),
            key.to_bytes()
        );
        let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
        assert_eq!(left.len(), 1, "no draft stays");
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("office.key");
        fs::write(&path, "half a ke").expect("written");
        let error = read_or_make(&path).expect_err("no key");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
