//! How often one may guess a password or a code: slower and slower for one name from one address, never not at all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

/// Wrong guesses that cost no waiting: people mistype.
const FREE: u32 = 5;
/// Longest wait between two guesses, in microseconds.
const LONGEST_US: u64 = 60_000_000;
/// After this long without a wrong guess, all is forgotten; in microseconds.
const FORGET_US: u64 = 15 * 60_000_000;
/// Name and address pairs remembered; beyond it the one with the fewest wrong guesses makes room, and of those the one that
/// guessed longest ago: many names are no way to have one forgotten.
const PAIRS: usize = 10_000;

/// Counts wrong guesses by what is guessed at (a user's name; a word with a null byte before it where it is none) and address, so that a stranger elsewhere cannot keep the right person out.
#[derive(Debug, Default)]
pub struct Throttle {
    pairs: Mutex<HashMap<(String, Option<IpAddr>), Guesses>>,
}

/// Whoever has one IPv6 address has all of its network's (a /64): they count as one.
fn network(from: Option<IpAddr>) -> Option<IpAddr> {
    from.map(|address| match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    })
}

#[derive(Clone, Copy, Debug)]
struct Guesses {
    wrong: u32,
    last_us: u64,
}

impl Guesses {
    fn next_us(&self) -> u64 {
        match self.wrong.checked_sub(FREE) {
            None => 0,
            Some(beyond) => {
                let wait = 1_000_000u64 << beyond.min(10);
                self.last_us + wait.min(LONGEST_US)
            }
        }
    }
}

impl Throttle {
    /// Takes one guess. `Err`: wait so many seconds first; nothing was counted.
    /// A guess counts as wrong until [`Throttle::right`] says otherwise, so that many at once are no way around.
    pub fn guess(&self, at: &str, from: Option<IpAddr>, now_us: u64) -> Result<(), u64> {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (at.to_owned(), network(from));
        if !pairs.contains_key(&key) && pairs.len() >= PAIRS {
            pairs.retain(|_, g| now_us.saturating_sub(g.last_us) < FORGET_US);
            if pairs.len() >= PAIRS
                && let Some(oldest) = pairs
                    .iter()
                    .min_by_key(|(_, g)| (g.wrong, g.last_us))
                    .map(|(key, _)| key.clone())
            {
                pairs.remove(&oldest);
            }
        }
        let guesses = pairs.entry(key).or_insert(Guesses {
            wrong: 0,
            last_us: now_us,
        });
        if now_us.saturating_sub(guesses.last_us) >= FORGET_US {
            guesses.wrong = 0;
        }
        let next_us = guesses.next_us();
        if now_us < next_us {
            return Err((next_us - now_us).div_ceil(1_000_000));
        }
        guesses.wrong = guesses.wrong.saturating_add(1);
        guesses.last_us = now_us;
        Ok(())
    }

    /// The last guess was right: nothing is held against the pair.
    pub fn right(&self, at: &str, from: Option<IpAddr>) {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        pairs.remove(&(at.to_owned(), network(from)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    #[test]
    fn guessing_gets_slower_but_nobody_is_locked_out() {
        let throttle = Throttle::default();
        let mut now = 100 * S;
        let mut guesses = 0;
        let hour = now + 3_600 * S;
        while now < hour {
            match throttle.guess("truong-xom", None, now) {
                Ok(()) => guesses += 1,
                Err(wait_s) => {
                    assert!(wait_s <= 60);
                    now += wait_s * S;
                }
            }
        }
        assert!((50..80).contains(&guesses), "{guesses}");
        // A minute's patience is always enough for the right person.
        assert_eq!(throttle.guess("truong-xom", None, now + 60 * S), Ok(()));
        throttle.right("truong-xom", None);
        assert_eq!(throttle.guess("truong-xom", None, now + 60 * S), Ok(()));
    }

    #[test]
    fn a_stranger_elsewhere_does_not_slow_the_right_person() {
        let throttle = Throttle::default();
        let stranger = Some("203.0.113.9".parse().expect("an address"));
        for _ in 0..50 {
            let _ = throttle.guess("can-bo", stranger, S);
        }
        assert!(throttle.guess("can-bo", stranger, S).is_err());
        assert_eq!(throttle.guess("can-bo", None, S), Ok(()));
    }

    #[test]
    fn a_stranger_with_a_whole_network_is_one_stranger() {
        let throttle = Throttle::default();
        let at = |n: u64| Some(format!("2001:db8:0:7::{n:x}").parse().expect("an address"));
        for n in 0..20 {
            let _ = throttle.guess("can-bo", at(n), S);
        }
        assert!(throttle.guess("can-bo", at(99), S).is_err());
        let neighbour = Some("2001:db8:0:8::1".parse().expect("an address"));
        assert_eq!(throttle.guess("can-bo", neighbour, S), Ok(()));
        // An IPv4 address stays what it is when it is written as IPv6.
        let (v4, mapped) = ("203.0.113.9", "::ffff:203.0.113.9");
        for _ in 0..20 {
            let _ = throttle.guess("can-bo", v4.parse().ok(), S);
        }
        assert!(throttle.guess("can-bo", mapped.parse().ok(), S).is_err());
        assert_eq!(
            throttle.guess("can-bo", "::ffff:203.0.113.8".parse().ok(), S),
            Ok(())
        );
    }

    #[test]
    fn the_table_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..(PAIRS as u64 + 50) {
            let _ = throttle.guess(&format!("u{n}"), None, S + n);
        }
        let pairs = throttle.pairs.lock().expect("no panic before");
        assert_eq!(pairs.len(), PAIRS);
    }
}
