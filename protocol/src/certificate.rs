//! A speaker's certificate for the line, renewed over the line itself.

use serde::{Deserialize, Serialize};

use crate::{envelope::Document, id::SpeakerId};

/// A speaker asks for its next certificate. Signed by the key of the certificate that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    pub speaker: SpeakerId,
    /// PKCS #10, DER, of the next key.
    #[serde(with = "serde_bytes")]
    pub request: Vec<u8>,
}

impl Document for Renewal {
    const TYPE: &'static str = "renewal";
    const MAX_BYTES: usize = 16 * 1024;
}

/// The answer, signed by the office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub speaker: SpeakerId,
    /// X.509, DER: the speaker's own.
    #[serde(with = "serde_bytes")]
    pub certificate: Vec<u8>,
    /// X.509, DER: whom it believes on the other end of the line, and who made its own; the present one and, while the
    /// office changes it, the next.
    pub authorities: Vec<serde_bytes::ByteBuf>,
}

impl Document for Certificate {
    const TYPE: &'static str = "certificate";
    const MAX_BYTES: usize = 32 * 1024;
}
