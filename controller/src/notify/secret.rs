//! A secret that stands alone in a file which only its owner may read.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// No password is longer, in bytes.
const MOST: u64 = 4_096;

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: others may read it: chmod 600", path.display())]
    Open { path: PathBuf },
    #[error("{}: it is empty", path.display())]
    Empty { path: PathBuf },
}

/// Read anew each time: a changed password needs no restart.
pub fn read(path: &Path) -> Result<String, SecretError> {
    let failed = |source| SecretError::Read {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(SecretError::Open { path: path.into() });
    }
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).map_err(failed)?;
    match text.trim() {
        "" => Err(SecretError::Empty { path: path.into() }),
        secret => Ok(secret.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_others_may_read_is_not_used() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("password");
        assert!(matches!(read(&path), Err(SecretError::Read { .. })));
        std::fs::write(&path, "bí mật\n").expect("written");
        let mode = |mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, mode).expect("changed");
        };
        mode(0o644);
        let refused = read(&path).expect_err("open to others").to_string();
        assert!(refused.contains("chmod 600") && !refused.contains("bí"));
        mode(0o600);
        assert_eq!(read(&path).expect("read"), "bí mật");
        std::fs::write(&path, "\n").expect("written");
        assert!(matches!(read(&path), Err(SecretError::Empty { .. })));
    }
}
