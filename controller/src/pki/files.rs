//! Files of the identity: whole or not at all, and the secret ones for their owner only.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use super::PkiError;

/// No key or certificate is longer, in bytes.
const MOST: u64 = 256 * 1024;

/// Mode 0600.
pub fn write_private(path: &Path, text: &str) -> Result<(), PkiError> {
    write(path, text, 0o600)
}

/// Mode 0644: a certificate is no secret.
pub fn write_public(path: &Path, text: &str) -> Result<(), PkiError> {
    write(path, text, 0o644)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), PkiError> {
    let done = (|| {
        // Under another name first: a power cut must not leave half a key.
        let mut draft = path.as_os_str().to_owned();
        draft.push(".new");
        let draft = Path::new(&draft);
        let _ = fs::remove_file(draft);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(draft, path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    })();
    done.map_err(|source| failed(path, source))
}

/// `None`: there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, PkiError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(path, source)),
    };
    let mut text = String::new();
    file.take(MOST)
        .read_to_string(&mut text)
        .map_err(|source| failed(path, source))?;
    Ok(Some(text))
}

/// As [`read`], and refuses what others may read.
pub(super) fn read_private(path: &Path) -> Result<Option<String>, PkiError> {
    match fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Err(PkiError::Useless {
            path: path.into(),
            says: "it holds a secret, and others may read it: chmod 600".into(),
        }),
        Ok(_) => read(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(path, source)),
    }
}

pub(super) fn failed(path: &Path, source: io::Error) -> PkiError {
    PkiError::File {
        path: path.into(),
        source,
    }
}
