//! Audio bytes named by their SHA-256, cut into blocks that can each be trusted alone.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::id::SpeakerId;

/// Bytes in every block but the last.
pub const BLOCK_BYTES: u32 = 16 * 1024;
/// Largest content: an hour of speech at 32 kbit/s is 14 MB.
pub const MAX_CONTENT_BYTES: u64 = 64 * 1024 * 1024;

/// The SHA-256 of some bytes; 64 lower-case hex digits in text, a 32-byte string in CBOR.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha(pub [u8; 32]);

/// Content is named by the hash of all its bytes.
pub type ContentId = Sha;

impl Sha {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a content's name is 64 hex digits")]
pub struct ShaError;

impl FromStr for Sha {
    type Err = ShaError;
    fn from_str(text: &str) -> Result<Self, ShaError> {
        // One spelling only, so that one content has one topic.
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ShaError);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ShaError)?;
        Ok(Self(bytes))
    }
}
impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..4]))
    }
}
impl Serialize for Sha {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() {
            s.collect_str(self)
        } else {
            s.serialize_bytes(&self.0)
        }
    }
}
impl<'de> Deserialize<'de> for Sha {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        if d.is_human_readable() {
            String::deserialize(d)?.parse().map_err(D::Error::custom)
        } else {
            let bytes = serde_bytes::ByteBuf::deserialize(d)?;
            let bytes: [u8; 32] = bytes
                .as_slice()
                .try_into()
                .map_err(|_| D::Error::custom("a SHA-256 has 32 bytes"))?;
            Ok(Self(bytes))
        }
    }
}

/// What makes a content's blocks checkable one by one. Travels inside the signed programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub content: ContentId,
    /// Bytes in all.
    pub length: u64,
    /// Bytes a block; the last may be shorter. Always [`BLOCK_BYTES`] in version 1.
    pub block_bytes: u32,
    /// What it takes to sound it once, without chime.
    pub duration_ms: u64,
    /// SHA-256 of each block, in order.
    pub blocks: Vec<Sha>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    #[error("the manifest does not add up: {0}")]
    Manifest(&'static str),
    #[error("content {content} has no block {index}")]
    NoSuchBlock { content: ContentId, index: u32 },
    #[error("block {index} of {content} is not what its manifest names")]
    WrongBlock { content: ContentId, index: u32 },
}

impl Manifest {
    /// The manifest of `bytes` (the whole content).
    pub fn of(bytes: &[u8], duration_ms: u64) -> Self {
        Self {
            content: Sha::of(bytes),
            length: bytes.len() as u64,
            block_bytes: BLOCK_BYTES,
            duration_ms,
            blocks: bytes.chunks(BLOCK_BYTES as usize).map(Sha::of).collect(),
        }
    }

    pub fn check(&self) -> Result<(), ContentError> {
        if self.block_bytes != BLOCK_BYTES {
            return Err(ContentError::Manifest("a block has 16384 bytes"));
        }
        if self.length == 0 || self.length > MAX_CONTENT_BYTES {
            return Err(ContentError::Manifest("the length is out of bounds"));
        }
        if self.blocks.len() as u64 != self.length.div_ceil(u64::from(BLOCK_BYTES)) {
            return Err(ContentError::Manifest(
                "the number of blocks does not fit the length",
            ));
        }
        Ok(())
    }

    pub fn block_count(&self) -> u32 {
        // Bounded by MAX_CONTENT_BYTES / BLOCK_BYTES once checked.
        self.blocks.len() as u32
    }

    /// Where block `index` stands in the content: offset and length, in bytes.
    pub fn block_span(&self, index: u32) -> Option<(u64, u32)> {
        let offset = u64::from(index) * u64::from(self.block_bytes);
        (offset < self.length).then(|| {
            let rest = self.length - offset;
            (offset, rest.min(u64::from(self.block_bytes)) as u32)
        })
    }

    /// Is this really block `index`?
    pub fn check_block(&self, index: u32, bytes: &[u8]) -> Result<(), ContentError> {
        let (expected, span) = match (self.blocks.get(index as usize), self.block_span(index)) {
            (Some(sha), Some(span)) => (sha, span),
            _ => {
                return Err(ContentError::NoSuchBlock {
                    content: self.content,
                    index,
                });
            }
        };
        if bytes.len() != span.1 as usize || Sha::of(bytes) != *expected {
            return Err(ContentError::WrongBlock {
                content: self.content,
                index,
            });
        }
        Ok(())
    }
}

/// A set of block numbers: bit `i % 8` (lowest first) of byte `i / 8`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bitmap(#[serde(with = "serde_bytes")] Vec<u8>);

impl Bitmap {
    /// All of `0..count`.
    pub fn full(count: u32) -> Self {
        let mut map = Self::default();
        (0..count).for_each(|i| map.insert(i));
        map
    }
    pub fn insert(&mut self, index: u32) {
        let byte = index as usize / 8;
        if byte >= self.0.len() {
            self.0.resize(byte + 1, 0);
        }
        self.0[byte] |= 1 << (index % 8);
    }
    pub fn remove(&mut self, index: u32) {
        if let Some(byte) = self.0.get_mut(index as usize / 8) {
            *byte &= !(1 << (index % 8));
        }
    }
    pub fn contains(&self, index: u32) -> bool {
        self.0
            .get(index as usize / 8)
            .is_some_and(|byte| byte & (1 << (index % 8)) != 0)
    }
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.0.len() as u32 * 8).filter(|i| self.contains(*i))
    }
    pub fn count(&self) -> u32 {
        self.0.iter().map(|b| b.count_ones()).sum()
    }
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|b| *b == 0)
    }
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a speaker misses, nearest air time first. Never empty of blocks: a complete content is not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wants {
    pub speaker: SpeakerId,
    pub wants: Vec<Want>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    pub content: ContentId,
    pub missing: Bitmap,
    /// An emergency's audio jumps the queue.
    #[serde(default)]
    pub urgent: bool,
}
