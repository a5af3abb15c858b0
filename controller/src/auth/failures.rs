//! Sign-ins that failed, for the audit log: counted, so that whoever guesses cannot fill it.
//!
//! Of a name and an address one entry a minute, and of strangers [`PAIRS`] entries a minute in all; the others are counted
//! together. A name that no user has is not written down: it may be a password, typed into the wrong field.

use std::{
    collections::{HashMap, hash_map},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{act::Act, store::UserId};

const MINUTE_US: u64 = 60_000_000;
/// Names and addresses told apart within a minute.
const PAIRS: usize = 20;

/// Whose sign-in failed, as far as that is known, and where from.
type Pair = (Option<UserId>, Option<IpAddr>);

#[derive(Debug, Default)]
pub struct Failures {
    pairs: Mutex<HashMap<Pair, Counted>>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    /// When the last entry was written.
    told_us: u64,
    untold: u32,
}

impl Failures {
    /// What is to be written down now, if anything.
    pub fn failed(&self, user: Option<&UserId>, from: Option<IpAddr>, now_us: u64) -> Option<Act> {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (user.cloned(), from);
        let is_known = pairs.contains_key(&pair);
        let pair = if is_known || pairs.len() < PAIRS {
            pair
        } else {
            (None, None)
        };
        match pairs.entry(pair) {
            hash_map::Entry::Vacant(place) => {
                let act = told(place.key(), 1);
                place.insert(Counted {
                    told_us: now_us,
                    untold: 0,
                });
                Some(act)
            }
            hash_map::Entry::Occupied(mut counted) => {
                let counted = counted.get_mut();
                counted.untold = counted.untold.saturating_add(1);
                None
            }
        }
    }

    /// What was counted in minutes that are over. To be asked about once a minute.
    pub fn over(&self, now_us: u64) -> Vec<Act> {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut acts = Vec::new();
        pairs.retain(|pair, counted| {
            if now_us.saturating_sub(counted.told_us) < MINUTE_US {
                return true;
            }
            if counted.untold == 0 {
                return false;
            }
            acts.push(told(pair, counted.untold));
            *counted = Counted {
                told_us: now_us,
                untold: 0,
            };
            true
        });
        acts
    }
}

fn told((user, from): &Pair, times: u32) -> Act {
    let act = Act::new("sign_in_failed")
        .from_address(*from)
        .detailed(&serde_json::json!({ "times": times }));
    match user {
        Some(user) => act.to(user.as_str()),
        None => act,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(act: &Act) -> String {
        act.unwritten().expect("unwritten").details
    }

    #[test]
    fn guessing_for_an_hour_makes_an_entry_a_minute() {
        let failures = Failures::default();
        let (user, from) = (UserId::new("u1"), "192.0.2.7".parse().ok());
        let mut entries = 0;
        let mut counted = 0;
        for second in 0..3_600u64 {
            let now = second * 1_000_000;
            let told = failures.failed(Some(&user), from, now).into_iter();
            for act in told.chain(failures.over(now)) {
                entries += 1;
                let details: serde_json::Value = serde_json::from_str(&times(&act)).expect("JSON");
                counted += details["times"].as_u64().expect("a number");
            }
        }
        assert!((60..=61).contains(&entries), "{entries}");
        assert!((3_540..=3_600).contains(&counted), "{counted}");
    }

    #[test]
    fn strangers_from_everywhere_do_not_fill_the_log() {
        let failures = Failures::default();
        let mut entries = 0;
        for n in 0..100_000u32 {
            let from = Some(IpAddr::from(n.to_be_bytes()));
            entries += usize::from(failures.failed(None, from, 1).is_some());
        }
        assert_eq!(entries, PAIRS + 1);
        let rest = failures.over(1 + MINUTE_US);
        assert_eq!(rest.len(), 1);
        assert_eq!(
            times(&rest[0]),
            format!(r#"{{"times":{}}}"#, 100_000 - PAIRS - 1)
        );
        // The next minute begins anew.
        assert!(failures.over(1 + 2 * MINUTE_US).is_empty());
        assert!(failures.failed(None, None, 2 * MINUTE_US).is_some());
    }
}
