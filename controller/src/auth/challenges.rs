//! What passkeys are asked to sign: random, good for one answer within five minutes, and only for what it was given out for.
//!
//! Kept in memory: after a restart whoever was in the middle of it begins anew. Bounds: [`MOST`] in all, so many for one session
//! or address; beyond it the oldest makes room, those of strangers before those of people who are signed in.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{chance, store::UserId};

/// An answer takes no longer; in seconds.
pub const CHALLENGE_S: u64 = 5 * 60;
const MOST: usize = 4_096;
/// A session needs one at a time, perhaps in a few tabs.
const PER_SESSION: usize = 8;
/// A village may sit behind one address.
const PER_ADDRESS: usize = 256;

pub type Challenge = [u8; 32];

/// What the answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    SignIn,
    /// Somebody who is signed in shows anew who it is.
    Prove,
    /// A new passkey.
    Register,
}

/// Who was given the challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody is signed in; the address, where it is known.
    Stranger(Option<IpAddr>),
    /// The session's id.
    Session(String),
}

#[derive(Clone, Debug)]
struct Issued {
    purpose: Purpose,
    holder: Holder,
    user: Option<UserId>,
    until_us: u64,
    /// They are in the order in which they were given out.
    number: u64,
}

#[derive(Debug, Default)]
struct Table {
    issued: HashMap<Challenge, Issued>,
    next: u64,
}

#[derive(Debug, Default)]
pub struct Challenges {
    table: Mutex<Table>,
}

impl Challenges {
    /// `user`: whose passkey has to answer, where that is known.
    pub fn issue(
        &self,
        purpose: Purpose,
        holder: Holder,
        user: Option<UserId>,
        now_us: u64,
    ) -> Challenge {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.issued.retain(|_, one| one.until_us > now_us);
        let most = match holder {
            Holder::Stranger(_) => PER_ADDRESS,
            Holder::Session(_) => PER_SESSION,
        };
        let own = table.issued.values().filter(|one| one.holder == holder);
        if own.count() >= most {
            table.drop_oldest(|one| one.holder == holder);
        }
        if table.issued.len() >= MOST
            && !table.drop_oldest(|one| matches!(one.holder, Holder::Stranger(_)))
        {
            table.drop_oldest(|_| true);
        }
        let challenge = chance::bytes();
        let number = table.next;
        table.next += 1;
        let issued = Issued {
            purpose,
            holder,
            user,
            until_us: now_us + CHALLENGE_S * 1_000_000,
            number,
        };
        table.issued.insert(challenge, issued);
        challenge
    }

    /// Uses it up, whatever comes of it. `None`: it was not given out, not to this holder (an address may change on the way), for
    /// something else, too long ago, or it was answered before. Otherwise whose passkey has to have answered.
    pub fn take(
        &self,
        challenge: &[u8],
        purpose: Purpose,
        session: Option<&str>,
        now_us: u64,
    ) -> Option<Option<UserId>> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let issued = table.issued.remove(challenge)?;
        let holds = match &issued.holder {
            Holder::Stranger(_) => session.is_none(),
            Holder::Session(id) => session == Some(id),
        };
        (holds && issued.purpose == purpose && issued.until_us > now_us).then_some(issued.user)
    }
}

impl Table {
    fn drop_oldest(&mut self, of: impl Fn(&Issued) -> bool) -> bool {
        let those = self.issued.iter().filter(|(_, one)| of(one));
        let oldest = those.min_by_key(|(_, one)| one.number).map(|(key, _)| *key);
        oldest.is_some_and(|key| self.issued.remove(&key).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    fn session(id: &str) -> Holder {
        Holder::Session(id.into())
    }

    #[test]
    fn a_challenge_is_answered_once_for_what_it_was_given_out_for() {
        let all = Challenges::default();
        let user = Some(UserId::new("u1"));
        let take = |challenge: &Challenge, purpose, session, now| {
            all.take(challenge, purpose, session, now)
        };
        let one = all.issue(Purpose::Prove, session("s1"), user.clone(), S);
        assert_eq!(take(&one, Purpose::Prove, Some("s1"), 2 * S), Some(user));
        assert_eq!(take(&one, Purpose::Prove, Some("s1"), 2 * S), None);
        for (purpose, holder, now) in [
            (Purpose::Register, Some("s1"), 2 * S),
            (Purpose::Prove, Some("s2"), 2 * S),
            (Purpose::Prove, None, 2 * S),
            (Purpose::Prove, Some("s1"), (1 + CHALLENGE_S) * S),
        ] {
            let one = all.issue(Purpose::Prove, session("s1"), None, S);
            assert_eq!(take(&one, purpose, holder, now), None);
        }
        assert_eq!(take(&[7; 32], Purpose::Prove, Some("s1"), S), None);
    }

    #[test]
    fn a_flood_of_strangers_drives_out_strangers_and_nobody_who_is_signed_in() {
        let all = Challenges::default();
        let mine = all.issue(Purpose::Prove, session("s1"), None, S);
        for n in 0..(2 * MOST as u32) {
            let from = Some(IpAddr::from(n.to_be_bytes()));
            all.issue(Purpose::SignIn, Holder::Stranger(from), None, S);
        }
        assert_eq!(all.table.lock().expect("no panic").issued.len(), MOST);
        assert!(all.take(&mine, Purpose::Prove, Some("s1"), S).is_some());
    }

    #[test]
    fn one_session_has_so_many_and_the_newest_are_good() {
        let all = Challenges::default();
        let given: Vec<Challenge> = (0..PER_SESSION + 1)
            .map(|_| all.issue(Purpose::Prove, session("s1"), None, S))
            .collect();
        let taken = given
            .iter()
            .map(|one| all.take(one, Purpose::Prove, Some("s1"), S).is_some());
        let taken: Vec<bool> = taken.collect();
        assert_eq!(taken.iter().filter(|t| !**t).count(), 1);
        assert!(!taken[0]);
    }
}
