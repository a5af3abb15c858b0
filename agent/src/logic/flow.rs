//! One stream as it comes in: which of its packets are new, when what they hold is to sound, and whether enough of it comes in
//! time. Pure bookkeeping; whose packets they are, and what sounds, is `stream`'s business.

use std::collections::VecDeque;

use ed25519_dalek::VerifyingKey;
use loa_protocol::{
    live::{FRAME_US, Packet},
    time::WallTime,
};

/// Most packets of one stream that are looked at in a second. An honest office sends 25 to 50; what comes on top costs no
/// check of a signature.
pub const MAX_PACKETS_PER_S: u32 = 120;
/// A packet may come this many frames after one with a higher number: eight packets of two.
pub const REORDER_FRAMES: u32 = 16;
/// Nothing is believed that was captured longer ago than this, …
pub const MAX_AGE_US: i64 = 10_000_000;
/// … or so far ahead.
pub const MAX_AHEAD_US: i64 = 2_000_000;
/// Packets that flow for so long are a stream again.
const STEADY_US: u64 = 500_000;
/// A pause longer than this ends the flow.
const PAUSE_US: u64 = 1_000_000;
/// A stream of which so little comes in time over this many seconds is not to be understood.
const WATCHED_S: u64 = 5;
const LEAST_PERCENT: u32 = 70;
const FRAMES_PER_S: u32 = 50;
/// A change of the estimate moves the sound by no more than this of the time that goes by, in millionths, …
const SLEW_PPM: u64 = 5_000;
/// … unless it is larger than this: then a clock was wrong.
const STEP_US: i64 = 1_000_000;

/// What has come of one occurrence of a stream.
#[derive(Debug)]
pub struct Flow {
    pub planned: WallTime,
    pub key: VerifyingKey,
    /// Nothing captured earlier belongs to this occurrence.
    floor: WallTime,
    second: u64,
    in_second: u32,
    seen: Seen,
    place: Option<Place>,
    /// Until when the newest packet that was believed reaches.
    newest: WallTime,
    /// Since when packets come in time without a pause, and when the last one did (monotonic).
    since_us: Option<u64>,
    last_us: u64,
    has_paused: bool,
    due: Due,
    /// Packets that were not believed.
    pub refused: u64,
    /// Frames that came far too late to be handed on.
    pub late: u64,
    /// What was captured until then was handed on to sound.
    pub heard_to: Option<WallTime>,
    /// What was handed on to sound, of the occurrence before, too.
    pub handed: Handed,
}

/// Until when sounds what was handed on, by when it was; monotonic.
#[derive(Clone, Debug, Default)]
pub struct Handed {
    last: VecDeque<(u64, u64)>,
    before_us: u64,
}

/// Packets of so many seconds ago are asked about: the word that a piece is over comes a moment later.
const HANDED: usize = 256;

impl Handed {
    pub fn add(&mut self, now_us: u64, sounds_to_us: u64) {
        self.last.push_back((now_us, sounds_to_us));
        if self.last.len() > HANDED
            && let Some((_, sounds_to_us)) = self.last.pop_front()
        {
            self.before_us = self.before_us.max(sounds_to_us);
        }
    }

    /// Of what was handed on before then.
    pub fn sounds_to_us(&self, before_us: u64) -> u64 {
        let handed = self.last.iter().filter(|(at_us, _)| *at_us < before_us);
        handed.fold(self.before_us, |to_us, (_, one_us)| to_us.max(*one_us))
    }
}

impl Flow {
    pub fn new(planned: WallTime, key: VerifyingKey, floor: WallTime) -> Self {
        Self {
            planned,
            key,
            floor,
            second: 0,
            in_second: 0,
            seen: Seen::default(),
            place: None,
            newest: floor,
            since_us: None,
            last_us: 0,
            has_paused: false,
            due: Due::default(),
            refused: 0,
            late: 0,
            heard_to: None,
            handed: Handed::default(),
        }
    }

    /// Until when what was believed reaches.
    pub fn newest(&self) -> WallTime {
        self.newest
    }

    /// May one more packet be looked at in this second?
    pub fn has_time_for_one(&mut self, now_us: u64) -> bool {
        let second = now_us / 1_000_000;
        if self.second != second {
            (self.second, self.in_second) = (second, 0);
        }
        self.in_second = self.in_second.saturating_add(1);
        self.in_second <= MAX_PACKETS_PER_S
    }

    pub fn was_seen(&self, number: u32) -> bool {
        self.seen.has(number)
    }

    /// Was it captured at a time at which this occurrence was, and not long ago? `office`: its clock now.
    pub fn is_fresh(&self, captured: WallTime, office: WallTime) -> bool {
        let ahead_us = captured.since_us(office);
        captured >= self.floor && (-MAX_AGE_US..=MAX_AHEAD_US).contains(&ahead_us)
    }

    /// Takes a packet that is believed and fresh; `None` when it, or one in its place, was taken already.
    /// Gives its capture by the monotonic clock.
    pub fn take(&mut self, packet: &Packet, office: WallTime, now_us: u64) -> Option<u64> {
        let frames = (packet.frames.len() as u32).max(1);
        if self.seen.is_too_old(packet.number) && packet.captured >= self.newest {
            // The next window of a relay, whose numbers begin anew. What came before it is not believed again.
            self.seen = Seen::default();
            self.floor = self.newest;
        }
        if !self.seen.take(packet.number, frames) {
            return None;
        }
        let place = self.place.get_or_insert(Place::new(office, now_us));
        place.learn(office, now_us);
        self.newest = self.newest.max(end_of(packet));
        Some(place.mono_of(packet.captured))
    }

    /// It was `is_in_time` for its place at `due_us` (monotonic).
    pub fn note(&mut self, packet: &Packet, due_us: u64, is_in_time: bool, now_us: u64) {
        if !is_in_time {
            return;
        }
        match self.since_us {
            None => self.since_us = Some(now_us),
            Some(since_us) if now_us.saturating_sub(self.last_us) > PAUSE_US => {
                let flowed_us = self.last_us.saturating_sub(since_us);
                // A pause is no thin line. But what only drips never flows, and is watched on.
                if !self.has_paused || flowed_us >= WATCHED_S * 1_000_000 {
                    self.watch_anew();
                }
                self.has_paused = true;
                self.since_us = Some(now_us);
            }
            Some(_) => {}
        }
        self.last_us = now_us;
        self.due.add(due_us, packet.frames.len() as u32);
    }

    /// What came in time until now says nothing of what comes.
    pub fn watch_anew(&mut self) {
        self.due.first = None;
    }

    /// Does it flow?
    pub fn is_steady(&self, now_us: u64) -> bool {
        self.since_us.is_some_and(|since_us| {
            now_us.saturating_sub(self.last_us) <= PAUSE_US
                && self.last_us.saturating_sub(since_us) >= STEADY_US
        })
    }

    /// Is what came in time too little to be understood, over all of the last seconds? What was to sound before `speech_us`
    /// does not count, nor what was before the first packet.
    pub fn is_too_thin(&self, speech_us: u64, now_us: u64) -> bool {
        self.due.is_too_thin(speech_us / 1_000_000 + 1, now_us)
    }
}

/// Until when it reaches.
pub fn end_of(packet: &Packet) -> WallTime {
    packet
        .captured
        .plus_us(packet.frames.len() as i64 * FRAME_US)
}

/// Which frames came: the highest number and those just below it.
#[derive(Debug, Default)]
struct Seen {
    /// One more than the highest number; 0 when nothing came.
    next: u64,
    /// Bit `i`: number `next - 1 - i` came.
    below: u64,
}

impl Seen {
    fn has(&self, number: u32) -> bool {
        let back = self.next.saturating_sub(1).checked_sub(u64::from(number));
        self.next > 0 && back.is_some_and(|back| back < 64 && self.below >> back & 1 == 1)
    }

    fn is_too_old(&self, number: u32) -> bool {
        u64::from(number) + u64::from(REORDER_FRAMES) < self.next
    }

    /// `false`, and nothing changes, when one of these came already or is too far behind.
    fn take(&mut self, number: u32, frames: u32) -> bool {
        let numbers = number..number.saturating_add(frames);
        if self.is_too_old(number) || numbers.clone().any(|number| self.has(number)) {
            return false;
        }
        for number in numbers.map(u64::from) {
            match number.checked_sub(self.next) {
                Some(skipped) => {
                    self.below = match u32::try_from(skipped + 1) {
                        Ok(by) if by < 64 => self.below << by,
                        _ => 0,
                    } | 1;
                    self.next = number + 1;
                }
                None => self.below |= 1 << (self.next - 1 - number),
            }
        }
        true
    }
}

/// Where the office's time of capture lies on the monotonic clock. It moves slowly, so that the sound does not.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Monotonic less office's, microseconds.
    offset_us: i64,
    moved_us: u64,
}

impl Place {
    fn new(office: WallTime, now_us: u64) -> Self {
        Self {
            offset_us: offset_us(now_us, office),
            moved_us: now_us,
        }
    }

    fn learn(&mut self, office: WallTime, now_us: u64) {
        let went_by_us = now_us.saturating_sub(self.moved_us);
        self.moved_us = now_us;
        let target_us = offset_us(now_us, office);
        let by_us = target_us.saturating_sub(self.offset_us);
        if by_us.abs() > STEP_US {
            self.offset_us = target_us;
            return;
        }
        let most_us =
            i64::try_from(went_by_us.saturating_mul(SLEW_PPM) / 1_000_000).unwrap_or(STEP_US);
        self.offset_us += by_us.clamp(-most_us, most_us);
    }

    fn mono_of(&self, captured: WallTime) -> u64 {
        u64::try_from(captured.as_micros().saturating_add(self.offset_us)).unwrap_or(0)
    }
}

fn offset_us(mono_us: u64, office: WallTime) -> i64 {
    i64::try_from(mono_us)
        .unwrap_or(i64::MAX)
        .saturating_sub(office.as_micros())
}

/// How many frames came in time for each of the last seconds in which they were to sound.
#[derive(Debug, Default)]
struct Due {
    /// With the second that they are of.
    seconds: [(u64, u32); 16],
    /// Of the first packet since the watch began.
    first: Option<u64>,
}

impl Due {
    fn add(&mut self, due_us: u64, frames: u32) {
        let second = due_us / 1_000_000;
        self.first.get_or_insert(second);
        let place = &mut self.seconds[(second % 16) as usize];
        if place.0 != second {
            *place = (second, 0);
        }
        place.1 = place.1.saturating_add(frames);
    }

    fn is_too_thin(&self, from: u64, now_us: u64) -> bool {
        let now = now_us / 1_000_000;
        let from = self.first.map_or(u64::MAX, |first| from.max(first + 1));
        if from.saturating_add(WATCHED_S) > now {
            return false;
        }
        let watched = now - WATCHED_S..now;
        let came = self
            .seconds
            .iter()
            .filter(|(second, _)| watched.contains(second));
        let frames: u32 = came.map(|(_, frames)| frames).sum();
        frames * 100 < FRAMES_PER_S * WATCHED_S as u32 * LEAST_PERCENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_handed_on_after_a_piece_was_over_says_nothing_of_it() {
        let mut handed = Handed::default();
        assert_eq!(handed.sounds_to_us(u64::MAX), 0);
        handed.add(100, 500);
        handed.add(200, 600);
        handed.add(900, 1_300);
        assert_eq!(handed.sounds_to_us(850), 600);
        assert_eq!(handed.sounds_to_us(901), 1_300);
        for n in 0..1_000 {
            handed.add(2_000 + n, 2_500 + n);
        }
        assert!(handed.last.len() <= HANDED);
        assert_eq!(handed.sounds_to_us(3_000), 3_499);
    }
}
