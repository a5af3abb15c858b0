//! The content folder: names, lengths, hashes and what survives a power cut.

use std::{
    collections::BTreeMap,
    ffi::CString,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::{ffi::OsStrExt, fs::FileExt},
    path::{Path, PathBuf},
};

use loa_protocol::content::{BLOCK_BYTES, Bitmap, ContentId, MAX_CONTENT_BYTES, Sha};
use sha2::{Digest, Sha256};

use super::nothing;
use crate::{logic::port::HeldContent, store::Progress};

/// The folder, and what is known to be in it.
#[derive(Debug)]
pub struct ContentDir {
    whole: PathBuf,
    partial: PathBuf,
    contents: BTreeMap<ContentId, Held>,
}

#[derive(Debug)]
struct Held {
    length: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Whole,
    Partial(Bitmap),
}

impl ContentDir {
    /// Believes the files: a row without its file is dropped, a whole file without a row is checked again and kept.
    pub(super) fn open(folder: &Path, progress: Vec<Progress>) -> io::Result<Self> {
        let whole = folder.join("content");
        let partial = whole.join("partial");
        fs::create_dir_all(&partial)?;
        let mut dir = Self {
            whole,
            partial,
            contents: BTreeMap::new(),
        };
        let rows: BTreeMap<ContentId, Progress> =
            progress.into_iter().map(|row| (row.content, row)).collect();
        for (content, length) in named_files(&dir.whole)? {
            let known = rows.get(&content).is_some_and(|row| row.length == length);
            if known || hash_file(&dir.whole_path(content)).is_ok_and(|sha| sha == content) {
                let state = State::Whole;
                dir.contents.insert(content, Held { length, state });
            } else {
                tracing::warn!(%content, "a content file is not what its name says; it is fetched again");
                fs::remove_file(dir.whole_path(content))?;
            }
        }
        for (content, length) in named_files(&dir.partial)? {
            let row = rows.get(&content).filter(|row| row.length == length);
            match row {
                Some(row) if !dir.contents.contains_key(&content) => {
                    let state = State::Partial(row.held.clone());
                    dir.contents.insert(content, Held { length, state });
                }
                _ => fs::remove_file(dir.partial_path(content))?,
            }
        }
        Ok(dir)
    }

    pub(super) fn held(&self) -> Vec<(ContentId, HeldContent)> {
        let told = |held: &Held| match &held.state {
            State::Whole => HeldContent::Complete { bytes: held.length },
            State::Partial(held) => HeldContent::Partial { held: held.clone() },
        };
        self.contents
            .iter()
            .map(|(id, held)| (*id, told(held)))
            .collect()
    }

    /// The file that blocks of `content` go into, made when there is none.
    pub(super) fn partial(&mut self, content: ContentId, length: u64) -> io::Result<File> {
        if length == 0 || length > MAX_CONTENT_BYTES {
            return Err(io::Error::other("the length is out of bounds"));
        }
        let known = self
            .contents
            .get(&content)
            .is_some_and(|held| held.length == length && matches!(held.state, State::Partial(_)));
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(!known)
            .open(self.partial_path(content))?;
        if !known {
            file.set_len(length)?;
            sync_folder(&self.partial)?;
            let state = State::Partial(nothing());
            self.contents.insert(content, Held { length, state });
        }
        Ok(file)
    }

    pub(super) fn write_block(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// Blocks that are on disk now: (length, all that is there of this content).
    pub(super) fn hold(&mut self, content: ContentId, indexes: &[u32]) -> (u64, Bitmap) {
        let Some(held) = self.contents.get_mut(&content) else {
            return (0, nothing());
        };
        let State::Partial(blocks) = &mut held.state else {
            return (held.length, nothing());
        };
        let count = held.length.div_ceil(u64::from(BLOCK_BYTES));
        for index in indexes.iter().filter(|index| u64::from(**index) < count) {
            blocks.insert(*index);
        }
        (held.length, blocks.clone())
    }

    /// Checks the whole and gives it its name, durably.
    pub(super) fn finish(&mut self, content: ContentId) -> io::Result<()> {
        let held = self
            .contents
            .get_mut(&content)
            .ok_or_else(|| io::Error::other("nothing of it is on disk"))?;
        if matches!(held.state, State::Whole) {
            return Ok(());
        }
        let from = self.partial.join(content.to_string());
        if hash_file(&from)? != content {
            return Err(io::Error::other("the whole is not what its name says"));
        }
        File::open(&from)?.sync_all()?;
        fs::rename(&from, self.whole.join(content.to_string()))?;
        sync_folder(&self.whole)?;
        sync_folder(&self.partial)?;
        held.state = State::Whole;
        Ok(())
    }

    /// Is a whole file still there, and still what its name says?
    pub(super) fn verify(&self, content: ContentId) -> io::Result<()> {
        if hash_file(&self.whole_path(content))? == content {
            Ok(())
        } else {
            Err(io::Error::other("the file changed on the disk"))
        }
    }

    pub(super) fn remove(&mut self, content: ContentId) {
        self.contents.remove(&content);
        for path in [self.whole_path(content), self.partial_path(content)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "cannot be removed");
                }
                _ => {}
            }
        }
    }

    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        Ok(disk(&self.whole)?.free_bytes)
    }

    fn whole_path(&self, content: ContentId) -> PathBuf {
        self.whole.join(content.to_string())
    }
    fn partial_path(&self, content: ContentId) -> PathBuf {
        self.partial.join(content.to_string())
    }
}

/// Files named by a hash, with their lengths. Anything else in the folder is not ours and stays.
fn named_files(folder: &Path) -> io::Result<Vec<(ContentId, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        let name = entry.file_name();
        if let (true, Some(Ok(id))) = (meta.is_file(), name.to_str().map(str::parse::<ContentId>)) {
            found.push((id, meta.len()));
        }
    }
    Ok(found)
}

fn hash_file(path: &Path) -> io::Result<Sha> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Sha(hasher.finalize().into())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// A new name in a folder survives a power cut only when the folder is synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What the disk under `path` holds and has left for this user.
struct Disk {
    total_bytes: u64,
    free_bytes: u64,
}

/// # Errors
/// When the disk does not tell.
pub fn disk_total_bytes(path: &Path) -> io::Result<u64> {
    Ok(disk(path)?.total_bytes)
}

fn disk(path: &Path) -> io::Result<Disk> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: statvfs is plain integers, for which all zeroes are valid; `path` ends in a zero and outlives the call.
    let (result, stat) = unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &mut stat), stat)
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    #[expect(clippy::useless_conversion, reason = "32 bits wide on some boards")]
    let bytes = |blocks| u64::from(stat.f_frsize).saturating_mul(u64::from(blocks));
    Ok(Disk {
        total_bytes: bytes(stat.f_blocks),
        free_bytes: bytes(stat.f_bavail),
    })
}
