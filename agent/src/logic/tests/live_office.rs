//! What the office of these sentences says while it is said: calls and relays, and their packets.

use loa_protocol::{
    bulletin::{Bulletin, Chime, Priority, Source, When},
    live::{Packet, Replay, Stream, StreamKind},
    topic::Topic,
};

use super::pole::*;

/// The key of every stream here, but of a stranger's.
pub const STREAM_KEY: u8 = 40;
pub const DELAY_MS: u32 = 300;

pub fn stream(kind: StreamKind, s: u64) -> Stream {
    Stream {
        kind,
        key: key(STREAM_KEY).verifying_key().to_bytes(),
        delay_ms: DELAY_MS,
        duration_ms: s * 1_000,
        ended: None,
        url: None,
    }
}

/// Somebody speaks, from `t(s)` on, for ten minutes at most, after a chime of 1.6 s.
pub fn call(name: &str, s: i64) -> Bulletin {
    Bulletin {
        priority: Priority::Priority,
        source: Source::Stream(stream(StreamKind::Live, 600)),
        chime: Chime::Rise,
        ..said_now(name, s)
    }
}
/// The same, over since then.
pub fn ended(call: &Bulletin, s: i64) -> Bulletin {
    let mut call = call.clone();
    call.revision += 1;
    if let Source::Stream(stream) = &mut call.source {
        stream.ended = Some(t(s));
    }
    call
}
/// Another station, from `t(s)` on for so many seconds, without a chime.
pub fn relay(name: &str, s: i64, for_s: u64) -> Bulletin {
    Bulletin {
        source: Source::Stream(stream(StreamKind::Relay, for_s)),
        ..at(name, s)
    }
}
/// The recording of a call, for whoever heard less than `least_s` of it.
pub fn replay(name: &str, of: &str, s: i64, least_s: u64) -> Bulletin {
    Bulletin {
        priority: Priority::Priority,
        replay: Some(Box::new(Replay {
            of: of.parse().unwrap(),
            least_ms: least_s * 1_000,
        })),
        lateness_s: Some(7_200),
        valid_until: Some(t(s + 7_200)),
        ..said_now(name, s)
    }
}
/// A rule for every day.
pub fn daily(bulletin: Bulletin, s: i64) -> Bulletin {
    Bulletin {
        when: When::Rule {
            start: civil(s),
            rrule: "FREQ=DAILY".into(),
            except: Vec::new(),
        },
        ..bulletin
    }
}

/// Two frames, captured `ms` after `t(0)`.
pub fn packet(number: u32, ms: i64) -> Packet {
    Packet {
        number,
        captured: t(0).plus_ms(ms),
        last: false,
        frames: vec![vec![number as u8; 60]; 2],
    }
}
pub fn last(number: u32, ms: i64) -> Packet {
    Packet {
        last: true,
        frames: Vec::new(),
        ..packet(number, ms)
    }
}
pub fn sealed(packet: &Packet, name: &str) -> Vec<u8> {
    packet
        .seal(&name.parse().unwrap(), &key(STREAM_KEY))
        .unwrap()
}

impl Pole {
    /// Online, following its area, which has said nothing yet.
    pub fn listening(audio: &[Bulletin]) -> Self {
        let mut pole = Self::holding(audio);
        pole.hears_config(&config(1));
        pole.input(crate::logic::port::Input::Connected);
        pole
    }
    pub fn hears_packet(&mut self, name: &str, packet: &Packet) {
        self.hears_bytes(
            Topic::Live(area(), name.parse().unwrap()),
            sealed(packet, name),
        );
    }
    /// It is said from `from_ms` to `to_ms` after `t(0)`; each packet comes 60 ms after its capture, but where `lost` says so.
    pub fn hears_speech(
        &mut self,
        name: &str,
        first: u32,
        from_ms: i64,
        to_ms: i64,
        lost: impl Fn(u32) -> bool,
    ) {
        for i in 0..u32::try_from((to_ms - from_ms) / 40).unwrap() {
            let captured_ms = from_ms + i64::from(i) * 40;
            self.run_until((self.mono(0) as i64 + (captured_ms + 60) * 1_000) as u64);
            if !lost(i) {
                self.hears_packet(name, &packet(first + 2 * i, captured_ms));
            }
        }
    }
    /// Numbers of the packets that the player was given.
    pub fn given(&self) -> Vec<u32> {
        let packets = self.player.packets.iter();
        packets.map(|(packet, ..)| packet.number).collect()
    }
}
