//! A stream at the deck: packets come from the player's thread, samples go out for the instant at which they are heard.

use std::fmt;

use loa_audio::live::{Rendered, StreamPlayer};
use loa_protocol::{
    id::BulletinId,
    live::{Packet, Streamed},
};

use super::RATE;
use crate::logic::port::{How, PlaySource};

/// Samples rendered at once: 10 ms.
const CHUNK: usize = RATE as usize / 100;

/// One stream of one piece. It is made before the piece begins, so that packets that come during the chime wait in it.
pub struct Stream {
    bulletin: BulletinId,
    player: StreamPlayer,
    chunk: [f32; CHUNK],
    /// The next sample of the chunk; at its end another is rendered.
    next: usize,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("bulletin", &self.bulletin)
            .finish_non_exhaustive()
    }
}

impl Stream {
    /// `None` for what is no stream of packets.
    pub fn of(source: &PlaySource) -> Option<Box<Self>> {
        let PlaySource::Stream { bulletin, delay_ms } = source else {
            return None;
        };
        Some(Box::new(Self {
            bulletin: bulletin.clone(),
            player: StreamPlayer::new(u64::from(*delay_ms) * 1_000),
            chunk: [0.0; CHUNK],
            next: CHUNK,
        }))
    }

    pub fn bulletin(&self) -> &BulletinId {
        &self.bulletin
    }

    pub fn push(&mut self, packet: Packet, captured_us: u64, now_us: u64) {
        self.player.push(
            packet.number,
            captured_us,
            packet.frames,
            packet.last,
            now_us,
        );
    }

    /// The sample that is heard at `heard_us`, or how the stream ended before it.
    pub fn next(&mut self, heard_us: u64) -> Result<f32, How> {
        if self.next == CHUNK {
            match self.player.render(heard_us, &mut self.chunk) {
                Rendered::Sound => self.next = 0,
                Rendered::Starved => return Err(How::Starved),
                Rendered::Finished => return Err(How::Finished),
            }
        }
        let sample = self.chunk[self.next];
        self.next += 1;
        Ok(sample)
    }

    /// What was measured of it; packets that were refused never came here.
    pub fn streamed(&self) -> Streamed {
        let seen = self.player.streamed();
        Streamed {
            frames: seen.frames,
            lost: seen.lost,
            late: seen.late,
            refused: 0,
            concealed_ms: seen.concealed_ms,
            delay_p50_ms: seen.delay_p50_ms,
            delay_p95_ms: seen.delay_p95_ms,
            delay_max_ms: seen.delay_max_ms,
            depth_min_ms: seen.depth_min_ms,
            depth_p50_ms: seen.depth_p50_ms,
        }
    }
}
