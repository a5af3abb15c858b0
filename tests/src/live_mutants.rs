//! Packets of live streams by the million from a broker that forges, replays, swaps, delays, reorders and floods, against the
//! real agent: what its player is given must have been said by the office, in that stream, not long ago, and come once.
//!
//! Two channels, a call on each, one after the other; the packets of earlier calls and of the day before are kept and said again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ed25519_dalek::SigningKey;
use loa_agent::logic::{
    Identity, Pace,
    port::{How, Input, PlayerCommand, PlayerEvent, Write},
};
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Source, Status, When},
    channel::Channel,
    envelope::seal,
    id::BulletinId,
    live::{Packet, Stream, StreamKind},
    programme::{Programme, Version},
    time::WallTime,
    topic::Topic,
    trust::Anchor,
};

use crate::{
    target::{Target, identity, pole, wall},
    village::{any_key, chance::Chance},
};

/// What came of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub tried: u64,
    /// Given to the player, and forged, replayed, late, or of another stream. Goal: none.
    pub sounded: u64,
    /// Given to the player, and rightly: else nothing is proven.
    pub genuine: u64,
    /// Said by the office in all.
    pub said: u64,
}

const STEP_US: u64 = 40_000;
const CALL_STEPS: u64 = 750;
const DELAY_MS: u32 = 400;
/// Of what was said, so much is kept to be said again.
const MEMORY: usize = 4_000;
/// A packet is believed for ten seconds.
const BELIEVED_US: i64 = 10_000_000;

/// At least `count` packets, from this seed.
///
/// # Panics
/// When the agent does, and when too little of what is genuine gets through.
pub fn bombard(seed: u64, count: u64) -> Tally {
    let mut siege = Siege::new(seed);
    while siege.player.tally.tried < count {
        siege.step();
    }
    let tally = siege.player.tally;
    let Tally { genuine, said, .. } = tally;
    assert!(
        genuine * 4 > said,
        "only {genuine} of {said} packets got through"
    );
    tally
}

struct Call {
    id: BulletinId,
    channel: Channel,
    key: SigningKey,
    number: u32,
}

struct Siege {
    chance: Chance,
    target: Target,
    player: Player,
    office: SigningKey,
    steps: u64,
    generation: u64,
    calls: Vec<Call>,
    last_call: u64,
    memory: Vec<(Topic, Vec<u8>)>,
    held_back: VecDeque<(u64, Topic, Vec<u8>)>,
}

/// The pole's, which knows what was said.
#[derive(Default)]
struct Player {
    /// By stream and number.
    said: BTreeMap<BulletinId, BTreeMap<u32, Packet>>,
    given: BTreeSet<(BulletinId, u32)>,
    tally: Tally,
}

impl Siege {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let office = any_key(&mut chance);
        let target = Target::new(Identity {
            pace: Pace {
                status_s: 3_600,
                ..Pace::default()
            },
            ..identity(Anchor::OneKey(office.verifying_key()))
        });
        let mut siege = Self {
            chance,
            target,
            player: Player::default(),
            office,
            steps: 0,
            generation: 0,
            calls: Vec::new(),
            last_call: 0,
            memory: Vec::new(),
            held_back: VecDeque::new(),
        };
        siege.configure();
        siege
    }

    fn channels() -> [Channel; 2] {
        ["area.sang-moc", "speaker.ban-chuong-1"].map(|c| c.parse().expect("a good channel"))
    }

    fn configure(&mut self) {
        let config = loa_protocol::speaker_config::SpeakerConfig {
            speaker: pole(),
            version: self.version(),
            made: self.target.now(),
            name: "Bản Chương 1".into(),
            channels: Self::channels().into(),
            zone: "Asia/Ho_Chi_Minh".into(),
            quiet_hours: Vec::new(),
            volume: Default::default(),
            muted: false,
            limits: None,
            since: WallTime::EPOCH,
            delay_trim_ms: 0,
            self_test_at: None,
            orders: Vec::new(),
        };
        let bytes = seal(&config, &self.office);
        self.hears(&Topic::Config(pole()), bytes);
    }

    fn version(&mut self) -> Version {
        self.generation += 1;
        Version {
            epoch: 1,
            generation: self.generation,
        }
    }

    /// 40 ms: what is said, and what the broker makes of it.
    fn step(&mut self) {
        if self.steps.is_multiple_of(CALL_STEPS) {
            self.next_calls();
        }
        self.steps += 1;
        self.target.pass_us(STEP_US);
        self.gets(Input::Tick);
        for of in 0..self.calls.len() {
            self.speak(of);
        }
        for _ in 0..self.chance.between(0, 6) {
            self.lie();
        }
        if self.chance.per_mille(2) {
            // A flood: all of one second at once.
            for _ in 0..200 {
                self.lie();
            }
        }
        while self
            .held_back
            .front()
            .is_some_and(|(at, ..)| *at <= self.target.now_us())
        {
            if let Some((_, topic, bytes)) = self.held_back.pop_front() {
                self.packet(&topic, bytes);
            }
        }
    }

    /// The last calls are over and forgotten; a new one on each channel.
    fn next_calls(&mut self) {
        self.player
            .said
            .retain(|id, _| self.calls.iter().any(|call| call.id == *id));
        self.calls.clear();
        for (channel, priority) in Self::channels()
            .into_iter()
            .zip([Priority::Ordinary, Priority::Priority])
        {
            self.last_call += 1;
            let key = any_key(&mut self.chance);
            let id: BulletinId = format!("call-{}", self.last_call).parse().expect("a name");
            let at = self.target.now().plus_ms(500);
            let bulletin = Bulletin {
                endorsement: None,
                id: id.clone(),
                revision: 1,
                title: "Trưởng xóm nói".into(),
                priority,
                status: Status::Actual,
                order: 0,
                source: Source::Stream(Stream {
                    kind: StreamKind::Live,
                    key: key.verifying_key().to_bytes(),
                    delay_ms: DELAY_MS,
                    duration_ms: CALL_STEPS * STEP_US / 1_000,
                    ended: None,
                    url: None,
                }),
                replay: None,
                chime: Chime::None,
                volume: 100,
                when: When::Now {
                    at,
                    date: "2026-11-24".into(),
                },
                zone: "Asia/Ho_Chi_Minh".into(),
                repeat: Repeat::default(),
                lateness_s: None,
                on_preempt: OnPreempt::Resume,
                max_duration_s: 3_600,
                since: wall(0).plus_s(-60),
                valid_until: None,
            };
            let programme = Programme {
                channel: channel.clone(),
                version: self.version(),
                made: self.target.now(),
                expires: None,
                silence_before: None,
                bulletins: vec![bulletin],
            };
            let bytes = seal(&programme, &self.office);
            self.hears(&Topic::Programme(channel.clone()), bytes);
            // Numbers begin where those of the other call are, too.
            let number = 0;
            self.calls.push(Call {
                id,
                channel,
                key,
                number,
            });
        }
    }

    /// The office sends two frames of one call; mostly they come.
    fn speak(&mut self, of: usize) {
        let age_ms = self.chance.between(40, 90) as i64;
        let captured = self.target.now().plus_ms(-age_ms);
        let call = &mut self.calls[of];
        let word = |i| self.chance.draw().to_le_bytes()[i..].to_vec();
        let packet = Packet {
            number: call.number,
            captured,
            last: false,
            frames: [0, 1].map(word).to_vec(),
        };
        call.number += 2;
        let bytes = packet.seal(&call.id, &call.key).expect("within its bounds");
        let topic = Topic::Live(call.channel.clone(), call.id.clone());
        let said = self.player.said.entry(call.id.clone()).or_default();
        said.insert(packet.number, packet);
        self.player.tally.said += 1;
        if self.memory.len() < MEMORY {
            self.memory.push((topic.clone(), bytes.clone()));
        } else {
            let place = self.chance.index(MEMORY);
            self.memory[place] = (topic.clone(), bytes.clone());
        }
        match self.chance.below(40) {
            0 => {}
            1 => self.hold(topic, bytes, 3_000_000, 20_000_000),
            2 | 3 => self.hold(topic, bytes, 20_000, 500_000),
            4 => {
                self.packet(&topic, bytes.clone());
                self.packet(&topic, bytes);
            }
            _ => self.packet(&topic, bytes),
        }
    }

    fn hold(&mut self, topic: Topic, bytes: Vec<u8>, least_us: u64, most_us: u64) {
        let at = self.target.now_us() + self.chance.between(least_us, most_us);
        let place = self.held_back.partition_point(|(before, ..)| *before <= at);
        self.held_back.insert(place, (at, topic, bytes));
    }

    /// One packet that nobody should believe.
    fn lie(&mut self) {
        if self.memory.is_empty() || self.calls.is_empty() {
            return;
        }
        let (topic, old) = self.memory[self.chance.index(self.memory.len())].clone();
        let call = self.chance.index(self.calls.len());
        let (channel, id) = (
            self.calls[call].channel.clone(),
            self.calls[call].id.clone(),
        );
        let (lie, bytes) = match self.chance.below(8) {
            // Again, and late.
            0 => (topic, old),
            // Of another call, or of an earlier one.
            1 => (Topic::Live(channel, id), old),
            // On the channel of the other.
            2 => {
                let other = self.calls[1 - call].channel.clone();
                (Topic::Live(other, id), old)
            }
            3 | 4 => {
                let mut bytes = old;
                let place = self.chance.index(bytes.len());
                bytes[place] ^= 1 << self.chance.below(8);
                (topic, bytes)
            }
            5 => {
                let length = self.chance.index(old.len());
                (topic, old[..length].to_vec())
            }
            6 => {
                // The head of another packet before the words of this one.
                let (_, other) = &self.memory[self.chance.index(self.memory.len())];
                let mut bytes = old;
                bytes[..14].copy_from_slice(&other[..14]);
                (Topic::Live(channel, id), bytes)
            }
            _ => {
                let own = any_key(&mut self.chance);
                let packet = Packet {
                    number: self.calls[call].number + self.chance.below(6) as u32,
                    captured: self.target.now(),
                    last: self.chance.per_mille(500),
                    frames: vec![vec![0x66; 9]],
                };
                let bytes = packet.seal(&id, &own).expect("within its bounds");
                (Topic::Live(channel, id), bytes)
            }
        };
        self.packet(&lie, bytes);
    }

    fn packet(&mut self, topic: &Topic, bytes: Vec<u8>) {
        self.player.tally.tried += 1;
        self.hears(topic, bytes);
    }

    fn hears(&mut self, topic: &Topic, payload: Vec<u8>) {
        let topic = topic.to_string();
        self.gets(Input::Message { topic, payload });
    }

    fn gets(&mut self, input: Input) {
        let (now_us, player) = (self.target.now_us(), &mut self.player);
        let written = self
            .target
            .gets(input, |command| player.gets(command, now_us));
        // However much it is shot at, it does not write of every shot.
        let events = written
            .iter()
            .filter(|write| matches!(write, Write::AppendEvent(_)));
        debug_assert!(events.count() < 400);
    }
}

impl Player {
    /// Begins at once, and ends when it is told to; starving is another test's matter.
    fn gets(&mut self, command: PlayerCommand, now_us: u64) -> Option<PlayerEvent> {
        match command {
            PlayerCommand::Play(play) => Some(PlayerEvent::Started {
                playout: play.playout,
                piece: play.piece,
                at_mono_us: now_us,
            }),
            PlayerCommand::Stop { playout, piece } => Some(PlayerEvent::Ended {
                playout,
                piece,
                at_mono_us: now_us,
                place_ms: 0,
                how: How::Stopped,
            }),
            PlayerCommand::Packet {
                bulletin, packet, ..
            } => {
                let said = self.said.get(&bulletin);
                let was_said = said.and_then(|said| said.get(&packet.number)) == Some(&packet);
                let age_us = wall(now_us).since_us(packet.captured);
                let is_first = self.given.insert((bulletin, packet.number));
                if was_said && is_first && (0..=BELIEVED_US).contains(&age_us) {
                    self.tally.genuine += 1;
                } else {
                    self.tally.sounded += 1;
                }
                None
            }
            PlayerCommand::Prepare(_) | PlayerCommand::SelfTest { .. } => None,
        }
    }
}
