//! Why a file could not be read, in words for the person who sent it.

use thiserror::Error;

/// Each variant is one thing a person can act on; its text says what is wrong and what to do.
#[derive(Debug, Error)]
pub enum DecodeError {
    #[error(
        "this file is not a sound recording; choose an MP3, M4A, WAV, FLAC, Ogg or WebM recording"
    )]
    NotAudio,
    #[error("this file contains no sound at all; record it again and check that it plays")]
    Empty,
    #[error(
        "this file ends before its sound does (it was cut off while being copied or recorded); send the whole file again"
    )]
    Truncated,
    #[error("this recording is longer than the {limit_s} seconds allowed; shorten it or split it")]
    TooLong { limit_s: u32 },
    #[error(
        "this file is larger than the {limit_bytes} bytes allowed; save it as MP3 or shorten it"
    )]
    TooLarge { limit_bytes: u64 },
    #[error(
        "this kind of sound file cannot be read ({what}); save it as MP3, M4A, WAV, FLAC, Ogg or WebM and send it again"
    )]
    Unsupported { what: String },
    #[error(
        "this file is damaged and cannot be decoded ({detail}); export it again from the program that made it"
    )]
    Broken { detail: String },
    #[error("the file could not be read from the disk ({0}); try again")]
    Io(#[from] std::io::Error),
}

impl DecodeError {
    pub(crate) fn broken(detail: impl Into<String>) -> Self {
        Self::Broken {
            detail: detail.into(),
        }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }
}
