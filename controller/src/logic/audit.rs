//! The audit log's chain: what an entry's hash is, whether a log is whole, and what of a request may be written down.
//!
//! `docs/audit.md` says the same byte for byte, so that a stranger can check an export. Pure.

mod details;

use loa_protocol::{content::Sha, head::Checkpoint, time::WallTime};
use sha2::{Digest, Sha256};

pub use details::{MAX_DETAILS_BYTES, details, is_secret};

/// What comes before the first entry.
pub const BEGINNING: Sha = Sha([0; 32]);
/// Tells these hashes from all others, and this form from later ones.
const FORM: &[u8] = b"loa-audit-1\n";

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without holes.
    pub number: u64,
    pub at: WallTime,
    /// A user's id, `cli:` and a name, `speaker:` and an id. `None`: nobody was signed in.
    pub user: Option<String>,
    pub session: Option<String>,
    pub address: Option<String>,
    /// `POST /bulletins/{id}/approve`, `user add`.
    pub action: String,
    /// The ids that it was done to, with spaces between them.
    pub subject: String,
    /// JSON, as text: these bytes are hashed.
    pub details: String,
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub entry: Entry,
    pub previous: Sha,
    pub hash: Sha,
}

/// SHA-256 over the form's name, the hash before, and every field as a netstring; one that is not there is `-,`.
pub fn hash(previous: &Sha, entry: &Entry) -> Sha {
    let mut hash = Sha256::new();
    hash.update(FORM);
    hash.update(previous.0);
    let mut field = |text: Option<&str>| match text {
        Some(text) => {
            hash.update(text.len().to_string());
            hash.update(b":");
            hash.update(text);
            hash.update(b",");
        }
        None => hash.update(b"-,"),
    };
    field(Some(&entry.number.to_string()));
    field(Some(&entry.at.as_micros().to_string()));
    field(entry.user.as_deref());
    field(entry.session.as_deref());
    field(entry.address.as_deref());
    field(Some(&entry.action));
    field(Some(&entry.subject));
    field(Some(&entry.details));
    Sha(hash.finalize().into())
}

/// Where a log is not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("an entry is missing before it")]
    Hole,
    #[error("it does not follow from the entry before it")]
    Previous,
    #[error("it is not what was written")]
    Hash,
}

/// Walks along a log from its beginning, or from an entry that is taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    last: Checkpoint,
}

impl Default for Chain {
    fn default() -> Self {
        Self::after(0, BEGINNING)
    }
}

impl Chain {
    pub fn after(number: u64, hash: Sha) -> Self {
        let last = Checkpoint {
            entries: number,
            hash,
        };
        Self { last }
    }

    pub fn last(&self) -> Checkpoint {
        self.last
    }

    /// The next entry; [`Chain::last`] stays where it was when it is not the right one.
    pub fn follow(&mut self, kept: &Kept) -> Result<(), Broken> {
        if kept.entry.number != self.last.entries + 1 {
            return Err(Broken::Hole);
        }
        if kept.previous != self.last.hash {
            return Err(Broken::Previous);
        }
        if hash(&kept.previous, &kept.entry) != kept.hash {
            return Err(Broken::Hash);
        }
        *self = Self::after(kept.entry.number, kept.hash);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
