//! Sound as it is made: a live call or a relay, cut into signed packets that are worth nothing a few seconds later.
//!
//! A packet is no document. It is small, there are 25 to 50 of them a second, and a lost one is not sent again, so it has
//! a form of its own (`docs/protocol.md`): 14 bytes of head, the frames, 64 bytes of signature by the stream's own key. That key
//! is made for one bulletin alone and stands in it, so whoever believes the bulletin believes the packets, and nobody else's.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    WIRE_VERSION, bulletin::BulletinError, envelope::Refusal, id::BulletinId, time::WallTime,
};

/// Every frame holds this much sound: 20 ms of mono at 48 kHz, as Opus (RFC 6716).
pub const FRAME_MS: u64 = 20;
pub const FRAME_US: i64 = 20_000;
/// The same in samples.
pub const FRAME_SAMPLES: usize = 960;
/// Most frames in one packet.
pub const MAX_FRAMES: usize = 6;
/// Longest frame, in bytes (RFC 6716 section 3.2.1).
pub const MAX_FRAME_BYTES: usize = 1_275;
/// Longest packet, in bytes.
pub const MAX_PACKET_BYTES: usize =
    HEAD_BYTES + MAX_FRAMES * (2 + MAX_FRAME_BYTES) + SIGNATURE_BYTES;
/// Shortest and longest delay from mouth to horn, in milliseconds.
pub const DELAY_MS: std::ops::RangeInclusive<u32> = 100..=5_000;
/// Longest stream: the longest window of a relay, in milliseconds.
pub const MAX_STREAM_MS: u64 = 4 * 3_600_000;
/// A pole that gets nothing of a stream for this long falls silent.
pub const STARVED_MS: u64 = 2_000;

const HEAD_BYTES: usize = 14;
const SIGNATURE_BYTES: usize = 64;
const LAST: u8 = 1;

/// What sounds as it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// Somebody speaks.
    Live,
    /// Another station's programme.
    Relay,
}

/// Instead of audio that is known beforehand. Every instant of it has its place in time: what was captured at `t` sounds
/// at `t` + `delay_ms` on every pole, and what is too late for that does not sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    pub kind: StreamKind,
    /// Ed25519; made for this bulletin alone.
    #[serde(with = "serde_bytes")]
    pub key: [u8; 32],
    /// From capture to sound.
    pub delay_ms: u32,
    /// The longest call, or the window of the relay: after chime and this it is over.
    pub duration_ms: u64,
    /// It is over since then: nothing of it sounds that was captured later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<WallTime>,
    /// Where a pole with a good line of its own fetches the relay itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// For whoever did not hear a stream: sounds only where that occurrence sounded for less than `least_ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    pub of: BulletinId,
    pub least_ms: u64,
}

impl Stream {
    /// Everything a pole relies on later without looking again.
    pub(crate) fn check(&self, id: &BulletinId) -> Result<(), BulletinError> {
        let wrong = |what: &str| {
            Err(BulletinError::Value {
                id: id.clone(),
                what: what.into(),
            })
        };
        if !DELAY_MS.contains(&self.delay_ms) {
            return wrong("a stream's delay goes from 100 to 5000 ms");
        }
        if self.duration_ms == 0 || self.duration_ms > MAX_STREAM_MS {
            return wrong("a stream lasts from 1 ms to 4 hours");
        }
        if VerifyingKey::from_bytes(&self.key).map_or(true, |key| key.is_weak()) {
            return wrong("a stream's key is no Ed25519 public key");
        }
        match (&self.kind, &self.url) {
            (StreamKind::Live, Some(_)) => wrong("nobody fetches a live call"),
            (_, Some(url)) if url.len() > 2_000 => wrong("the address of a relay is too long"),
            _ => Ok(()),
        }
    }
}

/// A few consecutive frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The number of its first frame; each frame has the next one. What was never sent has numbers too: a hole in the
    /// numbers is a hole in the sound, in multiples of 20 ms.
    pub number: u32,
    /// When the first sample of its first frame was captured, by the office's clock.
    pub captured: WallTime,
    /// Nothing follows.
    pub last: bool,
    /// Opus; may be empty in the last packet only.
    pub frames: Vec<Vec<u8>>,
}

/// The bytes under the signature: `"loa/v1" 00 "live" 00 bulletin 00 body`.
fn signed_bytes(stream: &BulletinId, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 64);
    bytes.extend_from_slice(b"loa/v1\0live\0");
    bytes.extend_from_slice(stream.as_str().as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(body);
    bytes
}

impl Packet {
    /// Packs and signs. `None` when it breaks a bound: too many frames, too long ones, or none in a packet that is not the last.
    pub fn seal(&self, stream: &BulletinId, key: &SigningKey) -> Option<Vec<u8>> {
        let fits = self.frames.len() <= MAX_FRAMES
            && self
                .frames
                .iter()
                .all(|f| (1..=MAX_FRAME_BYTES).contains(&f.len()))
            && (self.last || !self.frames.is_empty());
        if !fits {
            return None;
        }
        let mut body = vec![WIRE_VERSION, if self.last { LAST } else { 0 }];
        body.extend(self.number.to_be_bytes());
        body.extend(self.captured.as_micros().to_be_bytes());
        for frame in &self.frames {
            // Bounded above.
            body.extend((frame.len() as u16).to_be_bytes());
            body.extend(frame);
        }
        let signature = key.sign(&signed_bytes(stream, &body));
        body.extend(signature.to_bytes());
        Some(body)
    }

    /// The number of a packet that nobody has checked yet: enough to drop a copy of one that was.
    pub fn number_of(bytes: &[u8]) -> Option<u32> {
        let head = bytes.first_chunk::<HEAD_BYTES>()?;
        Some(u32::from_be_bytes([head[2], head[3], head[4], head[5]]))
    }

    /// Checks the signature and unpacks. Freshness is the reader's business.
    pub fn open(bytes: &[u8], stream: &BulletinId, key: &VerifyingKey) -> Result<Self, Refusal> {
        if bytes.len() > MAX_PACKET_BYTES {
            return Err(Refusal::TooLarge);
        }
        let (body, signature) = bytes
            .split_last_chunk::<SIGNATURE_BYTES>()
            .ok_or(Refusal::NotAnEnvelope)?;
        let (head, mut rest) = body
            .split_first_chunk::<HEAD_BYTES>()
            .ok_or(Refusal::NotAnEnvelope)?;
        if head[0] != WIRE_VERSION {
            return Err(Refusal::UnknownVersion);
        }
        key.verify_strict(
            &signed_bytes(stream, body),
            &Signature::from_bytes(signature),
        )
        .map_err(|_| Refusal::NotSigned)?;
        let number = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
        let micros: [u8; 8] = head[6..].try_into().map_err(|_| Refusal::NotReadable)?;
        let mut frames = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length));
            if length == 0 || length > MAX_FRAME_BYTES || after.len() < length {
                return Err(Refusal::NotReadable);
            }
            let (frame, after) = after.split_at(length);
            frames.push(frame.to_vec());
            rest = after;
        }
        let last = head[1] == LAST;
        let is_whole = rest.is_empty()
            && head[1] <= LAST
            && frames.len() <= MAX_FRAMES
            && (last || !frames.is_empty())
            && number.checked_add(MAX_FRAMES as u32).is_some();
        if !is_whole {
            return Err(Refusal::NotReadable);
        }
        Ok(Self {
            number,
            captured: WallTime::from_micros(i64::from_be_bytes(micros)),
            last,
            frames,
        })
    }
}

/// What a pole measured of a stream that it sounded. Milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Streamed {
    /// Frames that came in time …
    pub frames: u64,
    /// … that never came, …
    pub lost: u64,
    /// … that came when their time was over, and did not sound, …
    pub late: u64,
    /// … and packets that were forged, replayed, or of another time.
    pub refused: u64,
    /// Sound that was made up for what was missing.
    pub concealed_ms: u64,
    /// From mouth to horn, of what sounded: half of it within the first, 95 of 100 within the second, all within the third.
    pub delay_p50_ms: u32,
    pub delay_p95_ms: u32,
    pub delay_max_ms: u32,
    /// What waited in the buffer when a packet came: the least, and the middle.
    pub depth_min_ms: u32,
    pub depth_p50_ms: u32,
}

impl Streamed {
    /// Both pieces of one playout together. The middles are weighed by what came.
    pub fn with(&self, other: &Self) -> Self {
        if *self == Self::default() {
            return other.clone();
        }
        if *other == Self::default() {
            return self.clone();
        }
        let (a, b) = (self.frames.max(1), other.frames.max(1));
        let middle = |x: u32, y: u32| {
            let sum = u128::from(x) * u128::from(a) + u128::from(y) * u128::from(b);
            u32::try_from(sum / (u128::from(a) + u128::from(b))).unwrap_or(u32::MAX)
        };
        Self {
            frames: self.frames.saturating_add(other.frames),
            lost: self.lost.saturating_add(other.lost),
            late: self.late.saturating_add(other.late),
            refused: self.refused.saturating_add(other.refused),
            concealed_ms: self.concealed_ms.saturating_add(other.concealed_ms),
            delay_p50_ms: middle(self.delay_p50_ms, other.delay_p50_ms),
            delay_p95_ms: self.delay_p95_ms.max(other.delay_p95_ms),
            delay_max_ms: self.delay_max_ms.max(other.delay_max_ms),
            depth_min_ms: self.depth_min_ms.min(other.depth_min_ms),
            depth_p50_ms: middle(self.depth_p50_ms, other.depth_p50_ms),
        }
    }
}
