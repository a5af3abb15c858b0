//! A stretch of an open file, read as if it were a file of its own, as often as one likes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::DecodeError;
use crate::decode::MediaSource;

/// One upload, or one of several that lie behind each other in one file.
#[derive(Debug, Clone)]
pub struct Part {
    file: Arc<File>,
    from: u64,
    length: u64,
    hint: Option<String>,
}

impl Part {
    /// A whole file. `hint`: the extension of the name under which it was sent.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path, hint: Option<&str>) -> Result<Self, DecodeError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            file: Arc::new(file),
            from: 0,
            length,
            hint: hint.map(str::to_owned),
        })
    }

    /// `length` bytes of a file, from `from` on. Reading them does not move the file's own place.
    pub fn of(file: Arc<File>, from: u64, length: u64, hint: Option<&str>) -> Self {
        Self {
            file,
            from,
            length,
            hint: hint.map(str::to_owned),
        }
    }

    pub(super) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub(super) fn source(&self) -> Box<dyn MediaSource> {
        Box::new(Place {
            part: self.clone(),
            at: 0,
        })
    }
}

struct Place {
    part: Part,
    at: u64,
}

impl Read for Place {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.part.length.saturating_sub(self.at);
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let at = self.part.from.saturating_add(self.at);
        let read = self.part.file.read_at(&mut buffer[..most], at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Place {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.part.length.checked_add_signed(by),
        };
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "a place before the beginning");
        self.at = at.ok_or_else(before)?;
        Ok(self.at)
    }
}

impl MediaSource for Place {
    fn is_seekable(&self) -> bool {
        true
    }
    fn byte_len(&self) -> Option<u64> {
        Some(self.part.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_the_next_one_begins() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("two");
        std::fs::write(&path, b"firstsecond").expect("written");
        let file = Arc::new(File::open(&path).expect("opened"));
        for (from, length, whole) in [(0, 5, "first"), (5, 6, "second"), (5, 99, "second")] {
            let part = Part::of(file.clone(), from, length, None);
            for _ in 0..2 {
                let mut text = String::new();
                let mut source = part.source();
                source.read_to_string(&mut text).expect("read");
                assert_eq!(text, whole);
                source.seek(SeekFrom::Start(2)).expect("a place");
                assert_eq!(source.seek(SeekFrom::Current(-1)).expect("a place"), 1);
                assert!(source.seek(SeekFrom::Current(-2)).is_err());
            }
        }
    }
}
