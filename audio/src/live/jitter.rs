//! Frames that wait for their place: a ring of eight seconds, by number. It knows which came, which did not, and which too late.

/// Most frames that wait: 8 s. What is further ahead is dropped.
pub const HELD: usize = 400;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Is {
    #[default]
    Empty,
    Held,
    /// Its place has come, and it was there …
    Used,
    /// … or it was not …
    Missing,
    /// … and came afterwards.
    Late,
}

#[derive(Debug, Default)]
struct Slot {
    number: u32,
    is: Is,
    captured_us: u64,
    /// Kept when it was used, so that whoever renders frees nothing.
    bytes: Vec<u8>,
}

/// Counts of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub used: u64,
    pub lost: u64,
    pub late: u64,
}

/// The frame whose place has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<'a> {
    Frame {
        bytes: &'a [u8],
        captured_us: u64,
    },
    /// It is not there; the one after it may be.
    Missing {
        next: Option<&'a [u8]>,
    },
    /// The stream is over.
    Over,
}

/// Where a number fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    None,
    Here,
    /// Far ahead of all that wait, before anything sounds: those are of another time.
    Anew,
}

#[derive(Debug)]
pub struct Jitter {
    slots: Box<[Slot]>,
    /// The frame to be taken next; `None` until the stream has a place.
    next: Option<u32>,
    newest: Option<u32>,
    /// The first number that will never come, once the last packet is known.
    end: Option<u32>,
    counts: Counts,
    /// Missing since a frame was last taken: lost only if the stream goes on.
    run: u64,
}

impl Default for Jitter {
    fn default() -> Self {
        Self {
            slots: (0..HELD).map(|_| Slot::default()).collect(),
            next: None,
            newest: None,
            end: None,
            counts: Counts::default(),
            run: 0,
        }
    }
}

impl Jitter {
    /// Whether it waits now: not what was there before, is too late or too far ahead.
    pub fn push(&mut self, number: u32, captured_us: u64, bytes: Vec<u8>) -> bool {
        if self.end.is_some_and(|end| number >= end) || self.room(number) != Room::Here {
            return false;
        }
        let is_late = self.next.is_some_and(|next| number < next);
        let slot = &mut self.slots[number as usize % HELD];
        if is_late {
            if slot.number == number && slot.is == Is::Missing {
                slot.is = Is::Late;
                self.counts.late += 1;
                // It is in the run that goes on, or was counted already.
                if self.run > 0 {
                    self.run -= 1;
                } else {
                    self.counts.lost = self.counts.lost.saturating_sub(1);
                }
            }
            return false;
        }
        if slot.number == number && slot.is != Is::Empty {
            return false;
        }
        self.newest = Some(self.newest.map_or(number, |newest| newest.max(number)));
        *slot = Slot {
            number,
            is: Is::Held,
            captured_us,
            bytes,
        };
        true
    }

    /// Is this number near enough to what waits, or is due?
    pub fn room(&self, number: u32) -> Room {
        const FAR: u32 = HELD as u32;
        let is_old = |than: u32| number.saturating_add(FAR) <= than;
        match (self.next, self.newest) {
            (Some(next), _) if is_old(next) || number >= next.saturating_add(FAR) => Room::None,
            (None, Some(newest)) if is_old(newest) => Room::None,
            (None, Some(newest)) if number > newest.saturating_add(FAR) => Room::Anew,
            _ => Room::Here,
        }
    }

    /// Nothing comes from this number on. The first word counts.
    pub fn ends_at(&mut self, number: u32) {
        self.end.get_or_insert(number);
    }

    pub fn end(&self) -> Option<u32> {
        self.end
    }

    pub fn is_placed(&self) -> bool {
        self.next.is_some()
    }

    /// The number of the frame to be taken next.
    pub fn next_number(&self) -> u32 {
        self.next.unwrap_or(0)
    }

    /// Would anything that waits, or comes soon, ever be reached from there?
    pub fn reaches(&self, number: u32) -> bool {
        let near = |known: u32| number.abs_diff(known) < HELD as u32;
        self.next.or(self.newest).is_some_and(near)
    }

    /// Goes on with this frame. What has been used is never given again; what was only missing may still come.
    pub fn go_to(&mut self, number: u32) {
        for slot in &mut self.slots {
            let is_ahead = slot.number >= number;
            match slot.is {
                Is::Missing | Is::Late if is_ahead => slot.is = Is::Empty,
                Is::Held if !is_ahead => slot.is = Is::Used,
                _ => {}
            }
        }
        self.run = 0;
        self.next = Some(number);
    }

    /// Frames that wait for their place.
    pub fn depth(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is == Is::Held).count()
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The next frame, or that it is missing.
    pub fn take(&mut self) -> Taken<'_> {
        let Some(number) = self.next else {
            return Taken::Missing { next: None };
        };
        if self.end.is_some_and(|end| number >= end) {
            return Taken::Over;
        }
        self.next = Some(number.saturating_add(1));
        let here = number as usize % HELD;
        let slot = &mut self.slots[here];
        if slot.number == number && slot.is == Is::Held {
            slot.is = Is::Used;
            // Nothing is lost of what was before the first that came in time: nobody listened yet.
            if self.counts.used > 0 {
                self.counts.lost += self.run;
            }
            self.run = 0;
            self.counts.used += 1;
            let slot = &self.slots[here];
            return Taken::Frame {
                bytes: &slot.bytes,
                captured_us: slot.captured_us,
            };
        }
        if slot.number != number || slot.is != Is::Used {
            self.run += 1;
            // Eight seconds later another has its place in the ring, and may be there already after a step back.
            if slot.is != Is::Held {
                slot.number = number;
                slot.is = Is::Missing;
            }
        }
        let after = number.saturating_add(1);
        let next = &self.slots[after as usize % HELD];
        Taken::Missing {
            next: (next.number == after && next.is == Is::Held).then_some(&next.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(jitter: &mut Jitter, number: u32) -> bool {
        jitter.push(number, u64::from(number) * 20_000, vec![number as u8])
    }

    fn takes(jitter: &mut Jitter, count: usize) -> Vec<Option<u8>> {
        (0..count)
            .map(|_| match jitter.take() {
                Taken::Frame { bytes, .. } => Some(bytes[0]),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn frames_come_in_any_order_and_are_taken_in_one() {
        let mut jitter = Jitter::default();
        for number in [3, 1, 2, 5] {
            assert!(frame(&mut jitter, number));
        }
        assert!(!frame(&mut jitter, 2), "twice");
        jitter.go_to(1);
        assert_eq!(jitter.depth(), 4);
        assert_eq!(takes(&mut jitter, 3), [Some(1), Some(2), Some(3)]);
        assert_eq!(
            jitter.take(),
            Taken::Missing { next: Some(&[5]) },
            "and what follows is known"
        );
        assert_eq!(takes(&mut jitter, 1), [Some(5)]);
        assert_eq!(
            jitter.counts(),
            Counts {
                used: 4,
                lost: 1,
                late: 0
            }
        );
    }

    #[test]
    fn late_is_not_lost_and_the_silence_at_the_end_is_neither() {
        let mut jitter = Jitter::default();
        frame(&mut jitter, 0);
        jitter.go_to(0);
        takes(&mut jitter, 3);
        assert!(!frame(&mut jitter, 1), "its time is over");
        assert!(!frame(&mut jitter, 1), "and told of once");
        frame(&mut jitter, 3);
        takes(&mut jitter, 1);
        assert_eq!(
            jitter.counts(),
            Counts {
                used: 2,
                lost: 1,
                late: 1
            }
        );
        frame(&mut jitter, 2);
        assert_eq!(jitter.counts().lost, 0, "it only took very long");
        takes(&mut jitter, 100);
        assert_eq!(jitter.counts().lost, 0, "nothing says that it goes on");
        assert_eq!(jitter.counts().late, 2);
    }

    #[test]
    fn what_is_far_off_is_dropped_and_what_was_used_never_comes_again() {
        let mut jitter = Jitter::default();
        for number in 100..110 {
            frame(&mut jitter, number);
        }
        jitter.go_to(100);
        takes(&mut jitter, 5);
        assert!(!frame(&mut jitter, 105 + HELD as u32) && !frame(&mut jitter, u32::MAX));
        assert!(frame(&mut jitter, 104 + HELD as u32));
        jitter.go_to(102);
        assert_eq!(takes(&mut jitter, 4), [None, None, None, Some(105)]);
        assert!(!frame(&mut jitter, 103));
    }

    #[test]
    fn while_nothing_sounds_the_newest_eight_seconds_wait() {
        let mut jitter = Jitter::default();
        for number in 0..1_000 {
            frame(&mut jitter, number);
        }
        assert_eq!(jitter.depth(), HELD);
        assert!(!frame(&mut jitter, 10) && jitter.reaches(998) && !jitter.reaches(100));
        assert_eq!(jitter.room(9_000), Room::Anew, "another beginning");
    }

    #[test]
    fn after_the_last_packet_nothing_comes() {
        let mut jitter = Jitter::default();
        frame(&mut jitter, 0);
        jitter.ends_at(1);
        jitter.ends_at(7);
        assert!(!frame(&mut jitter, 1));
        jitter.go_to(0);
        takes(&mut jitter, 1);
        assert_eq!(jitter.take(), Taken::Over);
    }
}
