//! Relays in the village: another station's programme at the same time each day, sent on as packets while its window lasts. And
//! what must hold beside what holds for a call: it is over at its window's end, and who could hear it heard it.
//!
//! They have a chance of their own, so that a village lives its week much as it did when nobody relayed anything.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Chime, Priority, Source},
    channel::Channel,
    id::BulletinId,
    live::{Packet, Stream, StreamKind},
    playout::OccurrenceId,
};

use super::{
    Happening, Micros, SECOND, Village,
    chance::Chance,
    clerk::{HOURS, MINUTES},
    database::Kept,
    keys::any_key,
    live::PACKET_MS,
    pattern::Pattern,
    player::Sounding,
};

const DELAY_MS: u32 = 1_500;
/// A packet's frames are captured until so long before it goes out.
const PACKET_US: u64 = PACKET_MS * 1_000;
/// A piece may end so long after the window: the player's own clock, and the word to it.
const OVER_US: i64 = 300_000;

#[derive(Debug)]
pub struct Relays {
    chance: Chance,
    keys: BTreeMap<BulletinId, SigningKey>,
    windows: Vec<Window>,
    /// Those in which the station was away for a while.
    broken: BTreeSet<OccurrenceId>,
}

#[derive(Clone, Debug)]
struct Window {
    occurrence: OccurrenceId,
    targets: Vec<Channel>,
    /// What is captured from then until then sounds in it.
    begin: Micros,
    end: Micros,
    /// The station is away until then.
    away_until: Micros,
}

impl Relays {
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed ^ 0x7265_6c61),
            keys: BTreeMap::new(),
            windows: Vec::new(),
            broken: BTreeSet::new(),
        }
    }

    /// Was the station there from the window's beginning to its end?
    pub fn was_whole(&self, occurrence: &OccurrenceId) -> bool {
        !self.broken.contains(occurrence)
    }
}

impl Village {
    /// In some villages the head has a relay planned for some days.
    pub(super) fn relays_begin(&mut self) {
        let relays = self.relays.chance.pick(&[0, 0, 1]);
        for _ in 0..relays {
            self.plan_relay();
        }
    }

    fn plan_relay(&mut self) {
        self.last_bulletin += 1;
        let id: BulletinId = format!("relay{}", self.last_bulletin)
            .parse()
            .expect("a good name");
        let today = self.town.civil(self.wall()).date();
        let chance = &mut self.relays.chance;
        let key = any_key(chance);
        let duration_s = chance.between(10, 40);
        let stream = Stream {
            kind: StreamKind::Relay,
            key: key.verifying_key().to_bytes(),
            delay_ms: DELAY_MS,
            duration_ms: duration_s * 1_000,
            ended: None,
            url: None,
        };
        let pattern = Pattern::Rule {
            start: today,
            every: chance.pick(&[1, 1, 2]),
            days: Vec::new(),
            hours: vec![chance.pick(&HOURS)],
            minute: chance.pick(&MINUTES),
            count: Some(chance.between(2, 4) as u32),
            except: Vec::new(),
        };
        let priority = chance.pick(&[Priority::Ordinary, Priority::Ordinary, Priority::Priority]);
        let chime = chance.pick(&[Chime::None, Chime::None, Chime::Rise]);
        let mut targets = vec![chance.pick(&self.town.channels)];
        let other = chance.pick(&self.town.channels);
        if other != targets[0] && chance.per_mille(300) {
            targets.push(other);
        }
        let source = Source::Stream(stream);
        let mut bulletin = self.spoken(id.clone(), priority, chime, source, &pattern);
        bulletin.lateness_s = u32::try_from(duration_s).ok();
        let kept = Kept {
            bulletin,
            pattern,
            targets: targets.clone(),
            cancelled: false,
        };
        let ahead_ms = chime.duration_ms() as i64 - i64::from(DELAY_MS);
        for (occurrence, at) in self.starts(&kept, 9) {
            let begins = at.plus_ms(ahead_ms).since_us(self.town.begin);
            let Ok(begin) = Micros::try_from(begins) else {
                continue;
            };
            let window = self.relays.windows.len();
            self.relays.windows.push(Window {
                occurrence,
                targets: targets.clone(),
                begin,
                end: begin + duration_s * SECOND,
                away_until: 0,
            });
            self.at(begin + PACKET_US, Happening::RelaySends { window });
        }
        self.figures.relays += 1;
        self.relays.keys.insert(id, key);
        self.publish(kept, false);
    }

    /// What the station said in the last tenth of a second, and the next.
    pub(super) fn relay_sends(&mut self, window: usize) {
        let Window {
            occurrence,
            targets,
            begin,
            end,
            away_until,
        } = self.relays.windows[window].clone();
        let id = &occurrence.bulletin;
        let kept = self.base.bulletins.get(id);
        if kept.is_none_or(|kept| kept.cancelled) {
            return;
        }
        let Some(key) = self.relays.keys.get(id).cloned() else {
            return;
        };
        let is_over = self.now >= end + PACKET_US;
        let captured_us = (self.now - PACKET_US).min(end);
        // They go with time: an office that was started anew goes on where it should be.
        let number = u32::try_from((captured_us - begin) / 20_000).unwrap_or(u32::MAX);
        let chance = &mut self.relays.chance;
        if chance.per_mille(2) {
            let away = chance.between(SECOND, 15 * SECOND);
            self.relays.windows[window].away_until = self.now + away;
        }
        if self.now < away_until && !is_over {
            self.relays.broken.insert(occurrence.clone());
        } else if self.office.run.is_some() {
            let frame = |i| vec![number as u8, (number >> 8) as u8, i, 9];
            let packet = Packet {
                number,
                captured: self.town.wall(captured_us),
                last: is_over,
                frames: match is_over {
                    true => Vec::new(),
                    false => (0..6).map(frame).collect(),
                },
            };
            self.sends_live(id, &key, &targets, packet);
        }
        if !is_over {
            self.at(self.now + PACKET_US, Happening::RelaySends { window });
        }
    }

    /// A piece of a relay has ended: not after its window.
    pub(super) fn check_window(&mut self, p: usize, over: &Sounding) {
        let id = &over.play.playout.occurrence;
        let now = self.now;
        let windows = self.relays.windows.iter();
        let Some(window) = windows.rev().find(|w| w.occurrence == *id) else {
            return;
        };
        let ended = window.end + u64::from(DELAY_MS) * 1_000;
        let late_us = now.cast_signed() - ended.cast_signed();
        let is_clock_right = self.poles[p]
            .tape
            .is_clock_right(over.began.saturating_sub(60 * SECOND), now);
        if is_clock_right && !self.is_key_stolen() && late_us > OVER_US {
            let pole = &self.poles[p].id;
            self.breaks(format!(
                "{pole}: {id:?} sounds {late_us} us after its window"
            ));
        }
    }
}
