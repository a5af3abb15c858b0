//! Live calls in the village: somebody speaks for some seconds, the office sends it as it is said, and afterwards its recording
//! for those who did not hear it. And what must hold: nothing sounds that was not said, nothing twice, nothing late; the poles fall
//! silent when the speech does; and the recording sounds exactly where the speech did not.
//!
//! It has a chance of its own, so that a village lives its week much as it did when nobody spoke.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use loa_agent::logic::port::PlaySource;
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Source, Status},
    channel::Channel,
    id::BulletinId,
    live::{FRAME_MS, MAX_FRAMES, Packet, Replay, Stream, StreamKind},
    playout::{Outcome, Skip},
    time::WallTime,
    topic::Topic,
};

use super::{
    Happening, Micros, SECOND, Village,
    chance::Chance,
    database::Kept,
    keys::any_key,
    library::Parcel,
    pattern::Pattern,
    pipe::{Client, ConnId},
    player::Sounding,
};

/// As many frames as a packet holds: fewer packets for the same speech.
pub(super) const PACKET_MS: u64 = MAX_FRAMES as u64 * FRAME_MS;
const DELAY_MS: u32 = 400;
const LONGEST_MS: u64 = 60_000;
/// Word of a call goes out so long before it begins.
const AHEAD_US: i64 = 700_000;
/// Most packets that a lying broker keeps.
const MEMORY: usize = 200;
/// Packets are believed for so long.
const BELIEVED_US: i64 = 10_000_000;
/// Starved for two seconds, given a second too late; and clocks are not better than this.
const SILENT_AFTER_US: i64 = 3_000_000 + 1_500_000;

#[derive(Debug)]
pub struct Live {
    chance: Chance,
    /// Who speaks now.
    calls: BTreeMap<BulletinId, Call>,
    /// All that was ever said. Each window of a relay has the same numbers anew.
    said: BTreeMap<BulletinId, BTreeMap<(WallTime, u32), Packet>>,
    memory: Vec<(Topic, Parcel)>,
}

#[derive(Debug)]
struct Call {
    key: SigningKey,
    kept: Kept,
    number: u32,
    until: Micros,
    /// The phone is lost: no last packet, and word of the end comes late.
    vanishes: bool,
    /// Nothing gets from the phone to the office until then.
    stalled_until: Micros,
}

impl Live {
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed ^ 0x6c69_7665),
            calls: BTreeMap::new(),
            said: BTreeMap::new(),
            memory: Vec::new(),
        }
    }

    /// When the last sound of it that anybody heard was captured.
    fn last_said(&self, id: &BulletinId) -> Option<WallTime> {
        let (_, last) = self.said.get(id)?.last_key_value()?;
        let length_ms = last.frames.len() as i64 * FRAME_MS as i64;
        Some(last.captured.plus_ms(length_ms))
    }

    fn was_said(&self, id: &BulletinId, packet: &Packet) -> bool {
        let said = self.said.get(id);
        said.and_then(|said| said.get(&(packet.captured, packet.number))) == Some(packet)
    }
}

impl Village {
    pub(super) fn calls_begin(&mut self) {
        let calls = self.live.chance.pick(&[0, 0, 1, 2]);
        for _ in 0..calls {
            let at = self.live.chance.between(600 * SECOND, self.end);
            self.at(at, Happening::CallBegins);
        }
    }

    /// Somebody presses and speaks.
    pub(super) fn call_begins(&mut self) {
        if self.healed || self.office.run.is_none() {
            return;
        }
        self.last_bulletin += 1;
        let id: BulletinId = format!("call{}", self.last_bulletin)
            .parse()
            .expect("a good name");
        let at = self.wall().plus_us(AHEAD_US);
        let chance = &mut self.live.chance;
        let key = any_key(chance);
        let stream = Stream {
            kind: StreamKind::Live,
            key: key.verifying_key().to_bytes(),
            delay_ms: DELAY_MS,
            duration_ms: LONGEST_MS,
            ended: None,
            url: None,
        };
        let priority = chance.pick(&[Priority::Ordinary, Priority::Priority]);
        let chime = chance.pick(&[Chime::Rise, Chime::None]);
        let length = chance.between(2 * SECOND, 14 * SECOND);
        let vanishes = chance.per_mille(150);
        let mut targets = vec![chance.pick(&self.town.channels)];
        let other = chance.pick(&self.town.channels);
        if other != targets[0] && chance.per_mille(500) {
            targets.push(other);
        }
        let speak_at = at.plus_ms(chime.duration_ms() as i64 - i64::from(DELAY_MS));
        let pattern = Pattern::Now {
            at,
            date: self.town.civil(at).date(),
        };
        let kept = Kept {
            bulletin: self.spoken(
                id.clone(),
                priority,
                chime,
                Source::Stream(stream),
                &pattern,
            ),
            pattern,
            targets,
            cancelled: false,
        };
        self.figures.calls += 1;
        self.publish(kept.clone(), true);
        let begin = self.now + speak_at.since_us(self.wall()).max(0).unsigned_abs();
        let call = Call {
            key,
            kept,
            number: 0,
            until: begin + length,
            vanishes,
            stalled_until: 0,
        };
        self.live.calls.insert(id.clone(), call);
        self.at(begin, Happening::Speech { id });
    }

    pub(super) fn spoken(
        &self,
        id: BulletinId,
        priority: Priority,
        chime: Chime,
        source: Source,
        pattern: &Pattern,
    ) -> Bulletin {
        Bulletin {
            endorsement: None,
            title: format!("{id}"),
            id,
            revision: 1,
            priority,
            status: Status::Actual,
            order: 0,
            source,
            replay: None,
            chime,
            volume: 100,
            when: pattern.when(),
            zone: self.town.zone.into(),
            repeat: Repeat::default(),
            lateness_s: Some(900),
            on_preempt: OnPreempt::Resume,
            max_duration_s: 3_600,
            since: self.wall(),
            valid_until: None,
        }
    }

    /// A tenth of a second of speech, and the next.
    pub(super) fn speech(&mut self, id: &BulletinId) {
        let is_cancelled = self
            .base
            .bulletins
            .get(id)
            .is_none_or(|kept| kept.cancelled);
        let Some(call) = self.live.calls.get_mut(id) else {
            return;
        };
        if is_cancelled {
            self.live.calls.remove(id);
            return;
        }
        if self.now >= call.until {
            return self.call_ends(id);
        }
        let number = call.number;
        call.number += MAX_FRAMES as u32;
        if self.live.chance.per_mille(4) {
            call.stalled_until = self.now + self.live.chance.between(SECOND / 2, 3 * SECOND);
        }
        if self.now >= call.stalled_until {
            // What the phone's line lost has numbers, and nothing else.
            let frame = |i| vec![number as u8, (number >> 8) as u8, i, 7];
            let packet = Packet {
                number,
                captured: self.town.wall(self.now).plus_ms(-(PACKET_MS as i64) - 30),
                last: false,
                frames: (0..MAX_FRAMES as u8).map(frame).collect(),
            };
            self.office_speaks(id, packet);
        }
        let id = id.clone();
        self.at(self.now + PACKET_MS * 1_000, Happening::Speech { id });
    }

    fn call_ends(&mut self, id: &BulletinId) {
        let (wall, now) = (self.wall(), self.now);
        let Some(call) = self.live.calls.get_mut(id) else {
            return;
        };
        if std::mem::take(&mut call.vanishes) {
            // Nobody presses "end": the office waits for more, or is itself not there.
            call.until = now;
            let at = now + self.live.chance.between(2 * SECOND, 50 * SECOND);
            let id = id.clone();
            return self.at(at, Happening::Speech { id });
        }
        let last = Packet {
            number: call.number,
            captured: wall,
            last: true,
            frames: Vec::new(),
        };
        self.office_speaks(id, last);
        let Some(mut call) = self.live.calls.remove(id) else {
            return;
        };
        let said = self.live.said.get(id);
        let said_ms = said.map_or(0, |said| said.len() as u64 * PACKET_MS);
        call.kept.bulletin.revision += 1;
        if let Source::Stream(stream) = &mut call.kept.bulletin.source {
            stream.ended = Some(
                self.live
                    .last_said(id)
                    .map_or(wall, |last| last.max(wall.plus_s(-2))),
            );
        }
        let targets = call.kept.targets.clone();
        let priority = call.kept.bulletin.priority;
        self.publish(call.kept, true);
        let recording = self
            .library
            .record_of(&mut self.live.chance, said_ms + 1_000);
        let pattern = Pattern::Now {
            at: wall,
            date: self.town.civil(wall).date(),
        };
        let again = format!("again-{id}").parse().expect("a good name");
        let mut bulletin = self.spoken(
            again,
            priority,
            Chime::None,
            Source::Content(recording),
            &pattern,
        );
        bulletin.replay = Some(Box::new(Replay {
            of: id.clone(),
            least_ms: said_ms * 9 / 10,
        }));
        let kept = Kept {
            bulletin,
            pattern,
            targets,
            cancelled: false,
        };
        self.publish(kept, true);
    }

    fn office_speaks(&mut self, id: &BulletinId, packet: Packet) {
        let Some(call) = self.live.calls.get(id) else {
            return;
        };
        let (key, targets) = (call.key.clone(), call.kept.targets.clone());
        self.sends_live(id, &key, &targets, packet);
    }

    pub(super) fn sends_live(
        &mut self,
        id: &BulletinId,
        key: &SigningKey,
        targets: &[Channel],
        packet: Packet,
    ) {
        let bytes = packet.seal(id, key).expect("within its bounds");
        let said = self.live.said.entry(id.clone()).or_default();
        said.insert((packet.captured, packet.number), packet);
        if !self.is_office_online() {
            return;
        }
        for channel in targets.iter().cloned() {
            let parcel = Parcel {
                bytes: bytes.clone().into(),
                paper: None,
            };
            let topic = Topic::Live(channel, id.clone());
            self.broker_takes_live(topic, parcel);
        }
    }

    /// The broker gives it on; a hostile one does with it whatever it likes.
    fn broker_takes_live(&mut self, topic: Topic, parcel: Parcel) {
        if !self.pipe.up {
            return;
        }
        let delay = self.live.chance.between(1_000, 30_000);
        self.broker_gives_live(&topic, &parcel, delay);
        if self.malice.is_none() || self.healed {
            return;
        }
        let live = &mut self.live;
        if live.memory.len() >= MEMORY {
            let place = live.chance.index(MEMORY);
            live.memory.swap_remove(place);
        }
        live.memory.push((topic.clone(), parcel.clone()));
        let (other, old) = live.memory[live.chance.index(live.memory.len())].clone();
        match live.chance.below(10) {
            // Again, late, or an old one, be it of another call.
            0 => {
                let late = live.chance.between(2 * SECOND, 20 * SECOND);
                self.broker_gives_live(&topic, &parcel, late);
            }
            1 => self.broker_gives_live(&other, &old, delay),
            2 => self.broker_gives_live(&topic, &old, delay),
            3 => self.broker_gives_live(&other, &parcel, delay),
            4 => {
                let mut bytes = parcel.bytes.to_vec();
                let place = live.chance.index(bytes.len());
                bytes[place] ^= 1 << live.chance.below(8);
                let (bytes, paper) = (bytes.into(), None);
                self.broker_gives_live(&topic, &Parcel { bytes, paper }, delay);
            }
            5 => {
                let own = any_key(&mut live.chance);
                let Topic::Live(_, id) = &topic else { return };
                let number = Packet::number_of(&parcel.bytes).unwrap_or(0);
                let forged = Packet {
                    number: number + live.chance.below(20) as u32,
                    captured: self.town.wall(self.now),
                    last: live.chance.per_mille(200),
                    frames: vec![vec![66; 20]; 2],
                };
                let bytes = forged.seal(id, &own).expect("within its bounds").into();
                self.broker_gives_live(&topic, &Parcel { bytes, paper: None }, delay);
            }
            _ => {}
        }
    }

    fn broker_gives_live(&mut self, topic: &Topic, parcel: &Parcel, delay: Micros) {
        let text = topic.to_string();
        for conn in self.pipe.subscribers(&text) {
            self.hand_down_live(conn, &text, parcel, delay);
        }
    }

    /// Each pole has its own line: it loses some, and stalls now and then.
    fn hand_down_live(&mut self, conn: ConnId, text: &str, parcel: &Parcel, delay: Micros) {
        let Some(Client::Pole(p)) = self.pipe.conns.get(&conn).map(|c| c.client) else {
            return;
        };
        let drop = self.malice.as_ref().map_or(0, |malice| malice.drop);
        let drop = drop.max(self.pipe.badness.drop);
        let holds_back = |m: &super::malice::Malice| m.holds_back(Client::Pole(p), text, self.now);
        if self.malice.as_ref().is_some_and(holds_back) || self.live.chance.per_mille(drop) {
            return;
        }
        let mut at = self.now + delay + self.live.chance.between(1_000, 60_000);
        if self.live.chance.per_mille(3) {
            at += self.live.chance.between(SECOND / 2, 6 * SECOND);
        }
        let (topic, parcel) = (text.into(), parcel.clone());
        self.at(
            at,
            Happening::ClientHears {
                conn,
                topic,
                parcel,
            },
        );
    }

    /// The player of a pole was given this: was it said, just so, not long ago, and not given before?
    pub(super) fn check_packet(&mut self, p: usize, id: &BulletinId, packet: &Packet) {
        self.figures.packets += 1;
        let wall = self.wall();
        let is_clock_right = self.poles[p]
            .tape
            .is_clock_right(self.now.saturating_sub(60 * SECOND), self.now);
        let Some(run) = self.poles[p].run.as_mut() else {
            return;
        };
        let was_said = self.live.was_said(id, packet);
        let this = (id.clone(), packet.captured, packet.number);
        let is_again = !run.player.given.insert(this);
        let age_us = wall.since_us(packet.captured);
        let what = if !was_said {
            "is given what was not said"
        } else if is_again {
            "is given the same twice"
        } else if is_clock_right && age_us > BELIEVED_US + 1_500_000 {
            "is given what was said long ago"
        } else {
            return;
        };
        let pole = &self.poles[p].id;
        let number = packet.number;
        self.breaks(format!("{pole} {what}: {id} {number}, {age_us} us old"));
    }

    /// A piece of a call has ended: not long after the speech did.
    pub(super) fn check_silence(&mut self, p: usize, over: &Sounding) {
        let id = &over.play.playout.occurrence.bulletin;
        let now = self.now;
        let is_clock_right = self.poles[p]
            .tape
            .is_clock_right(over.began.saturating_sub(60 * SECOND), now);
        if !is_clock_right || self.is_key_stolen() {
            return;
        }
        let chime_ms = over
            .play
            .chime
            .duration_ms()
            .saturating_sub(over.play.from_ms);
        let chimed = self.town.wall(over.began).plus_ms(chime_ms as i64);
        let PlaySource::Stream { delay_ms, .. } = over.play.source else {
            return;
        };
        let spoken = self.live.last_said(id);
        let spoken = spoken.map_or(chimed, |last| last.plus_ms(delay_ms.into()).max(chimed));
        let late_us = self.town.wall(now).since_us(spoken);
        if late_us > SILENT_AFTER_US {
            let pole = &self.poles[p].id;
            self.breaks(format!(
                "{pole}: {id} is open {late_us} us after its last word"
            ));
        }
    }

    /// The recording of a call sounds exactly where the call did not.
    pub(super) fn replays_are_owed(&mut self) -> Result<(), String> {
        for kept in self.base.bulletins.values() {
            let bulletin = &kept.bulletin;
            let Some(replay) = &bulletin.replay else {
                continue;
            };
            for pole in &self.poles {
                let rows = || pole.disk.ledger.values().map(|row| &row.playout);
                let heard = rows().filter(|p| p.id.occurrence.bulletin == replay.of);
                let heard_ms: u64 = heard.map(|p| p.sounded_ms).sum();
                let is_heard = heard_ms >= replay.least_ms;
                for row in rows().filter(|p| p.id.occurrence.bulletin == bulletin.id) {
                    let is_skipped = row.outcome == Some(Outcome::Skipped(Skip::HeardLive));
                    let wrong = if is_heard {
                        row.started.is_some()
                    } else {
                        is_skipped
                    };
                    if wrong {
                        return Err(format!(
                            "{}: {} of a call that was heard for {heard_ms} of {} ms is {:?}",
                            pole.id, bulletin.id, replay.least_ms, row.outcome
                        ));
                    }
                    self.figures.heard_live += u64::from(is_skipped);
                    self.figures.replayed += u64::from(row.started.is_some());
                }
            }
        }
        Ok(())
    }
}

/// What the player was given: of which bulletin, captured when, and with which number.
pub type Given = BTreeSet<(BulletinId, WallTime, u32)>;
