//! One stream on the air: frames go in, signed packets go out to every channel that it is for.

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use loa_protocol::{
    channel::Channel,
    id::BulletinId,
    live::{FRAME_US, MAX_FRAMES, Packet},
    time::WallTime,
    topic::Topic,
};
use sha2::{Digest, Sha256};

use crate::link::LiveSender;

/// The key of a stream: made of the office's own for this bulletin alone, so that nothing has to be kept.
pub fn stream_key(office: &SigningKey, bulletin: &BulletinId) -> SigningKey {
    let mut seed = Sha256::new();
    seed.update(b"loa/v1\0stream key\0");
    seed.update(office.as_bytes());
    seed.update(bulletin.as_str());
    SigningKey::from_bytes(&seed.finalize().into())
}

/// Frames that share one packet: more of them cost less on the line, and each waits for the last of them.
const GATHERED: usize = 2;
const _: () = assert!(GATHERED <= MAX_FRAMES);

#[derive(Debug)]
pub struct Air {
    line: LiveSender,
    bulletin: BulletinId,
    key: SigningKey,
    channels: Vec<Channel>,
    waiting: Option<Packet>,
}

impl Air {
    pub fn new(
        line: LiveSender,
        bulletin: BulletinId,
        key: SigningKey,
        channels: Vec<Channel>,
    ) -> Self {
        Self {
            line,
            bulletin,
            key,
            channels,
            waiting: None,
        }
    }

    /// The Opus frame with this number (they only grow), whose first sample was captured at `captured`.
    pub fn frame(&mut self, number: u32, captured: WallTime, opus: &[u8]) {
        let follows = |packet: &Packet| {
            packet.number.checked_add(packet.frames.len() as u32) == Some(number)
                && captured
                    .since_us(packet.captured)
                    .abs_diff(packet.frames.len() as i64 * FRAME_US)
                    < 5_000
        };
        if !self.waiting.as_ref().is_some_and(follows) {
            self.flush();
        }
        let packet = self.waiting.get_or_insert_with(|| Packet {
            number,
            captured,
            last: false,
            frames: Vec::new(),
        });
        packet.frames.push(opus.to_vec());
        if packet.frames.len() >= GATHERED {
            self.flush();
        }
    }

    /// Nothing follows; `number` is the one that the next frame would have had.
    pub fn end(mut self, number: u32, at: WallTime) {
        self.flush();
        self.send(&Packet {
            number,
            captured: at,
            last: true,
            frames: Vec::new(),
        });
    }

    fn flush(&mut self) {
        if let Some(packet) = self.waiting.take() {
            self.send(&packet);
        }
    }

    fn send(&self, packet: &Packet) {
        // What breaks a bound came from outside and is not passed on.
        let Some(bytes) = packet.seal(&self.bulletin, &self.key).map(Bytes::from) else {
            return;
        };
        for channel in &self.channels {
            let topic = Topic::Live(channel.clone(), self.bulletin.clone());
            // A line that is behind has no use for what is late: the poles make up for it.
            self.line.send(topic, bytes.clone());
        }
    }
}
