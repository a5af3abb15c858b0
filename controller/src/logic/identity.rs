//! Who a speaker is, by its keys: whose word a renewal is, and whether it is granted.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::VerifyingKey;
use loa_protocol::{
    certificate::Renewal,
    envelope::{KeyId, Keyring, Refusal, open_counted, parse_public_key},
    id::SpeakerId,
    time::WallTime,
};

/// How long after a certificate ran out its speaker may still ask for the next one, in seconds. A pole that stood dark for
/// a year comes back by itself.
pub const LATEST_S: i64 = 400 * 86_400;
/// A certificate that the office once gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub serial: String,
    /// Hex.
    pub key: String,
    pub made: WallTime,
    pub expires: WallTime,
    pub revoked: bool,
}

/// How a speaker asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over the line, to which only a certificate in force lets it.
    Line,
    /// Over HTTPS, where anybody may ask.
    Web,
}

/// A renewal that may be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub renewal: Renewal,
    /// The certificate by whose key it asks.
    pub by: String,
    /// The same wish was granted before, by this one: it is the answer again.
    pub again: Option<String>,
}

/// The keys with which a speaker may sign.
#[derive(Debug)]
pub struct Keys {
    pub ring: Keyring,
    /// Oldest first.
    keys: Vec<VerifyingKey>,
    told: bool,
}

impl Keys {
    /// Oldest first.
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        Self {
            ring: Keyring::new(keys.iter().copied()),
            keys,
            told: false,
        }
    }

    /// The newest of these keys that signed, if an older one may be held too; told once. An only key may have an older one that
    /// ran out, by which somebody could still ask for the next.
    pub fn newly_used(&mut self, signers: &BTreeSet<KeyId>) -> Option<VerifyingKey> {
        let oldest = usize::from(self.keys.len() > 1);
        let newer = self.keys.iter().skip(oldest).rev();
        let used = newer
            .copied()
            .find(|key| !self.told && signers.contains(&KeyId::of(key)))?;
        self.told = true;
        Some(used)
    }
}

/// Why a speaker gets no next certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRenewed {
    #[error("it cannot be read")]
    Unreadable,
    #[error("it is not signed by a key that this speaker holds")]
    NotSigned,
    #[error("the certificate of its key was revoked")]
    Revoked,
    #[error("its certificate ran out too long ago: enrol it again")]
    TooLate,
    #[error("its certificate has not run out: it asks over the line")]
    InForce,
}

impl NotRenewed {
    /// For counters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreadable => "renewal_unreadable",
            Self::NotSigned => "renewal_not_signed",
            Self::Revoked => "renewal_revoked",
            Self::TooLate => "renewal_too_late",
            Self::InForce => "renewal_in_force",
        }
    }
}

/// Whether `payload` is this speaker's own wish, and may be granted. `held`: all that the speaker was given.
pub fn may_renew(
    speaker: &SpeakerId,
    payload: &[u8],
    held: &[Held],
    way: Way,
    now: WallTime,
) -> Result<Granted, NotRenewed> {
    let keys: BTreeMap<KeyId, &str> = held
        .iter()
        .filter_map(|one| Some((KeyId::of(&parse_public_key(&one.key).ok()?), &*one.key)))
        .collect();
    let ring = Keyring::new(
        held.iter()
            .filter_map(|one| parse_public_key(&one.key).ok()),
    );
    let (renewal, signers) =
        open_counted::<Renewal>(payload, &ring).map_err(|refusal| match refusal {
            Refusal::NotSigned => NotRenewed::NotSigned,
            _ => NotRenewed::Unreadable,
        })?;
    if renewal.speaker != *speaker {
        return Err(NotRenewed::NotSigned);
    }
    let signed = |one: &&Held| {
        signers
            .iter()
            .any(|id| keys.get(id) == Some(&one.key.as_str()))
    };
    // A key may have had several certificates: the best of them counts.
    let by = held
        .iter()
        .filter(signed)
        .filter(|one| !one.revoked)
        .max_by_key(|one| (one.expires, one.made))
        .ok_or(NotRenewed::Revoked)?;
    let latest = match way {
        Way::Line => by.expires,
        Way::Web => by.expires.plus_s(LATEST_S),
    };
    if now > latest {
        return Err(NotRenewed::TooLate);
    }
    // Whoever lies in wait on the way must get nothing for a wish that a pole was made to say too early.
    if way == Way::Web && now <= by.expires {
        return Err(NotRenewed::InForce);
    }
    // A wish can be heard twice, and said again by whoever heard it: it is answered with what was given for it. Nothing that
    // was given is taken back for it: that would shut the pole out which uses it.
    let again = held
        .iter()
        .filter(|one| !one.revoked && one.expires > now)
        .filter(|one| one.made > by.made && one.key != by.key && asks_for(&renewal, one))
        .max_by_key(|one| one.made);
    Ok(Granted {
        by: by.serial.clone(),
        again: again.map(|one| one.serial.clone()),
        renewal,
    })
}

/// Is this wish for the key of that certificate?
fn asks_for(renewal: &Renewal, one: &Held) -> bool {
    hex::decode(&one.key).is_ok_and(|key| {
        renewal
            .request
            .windows(key.len())
            .any(|window| window == key)
    })
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use loa_protocol::envelope::seal;

    use super::*;

    const NOW: WallTime = WallTime::EPOCH.plus_s(1_800_000_000);
    const DAY_S: i64 = 86_400;

    fn key(n: u8) -> SigningKey {
        SigningKey::from_bytes(&[n; 32])
    }

    fn pole() -> SpeakerId {
        "ban-chuong".parse().unwrap()
    }

    /// Made `age` days ago for 90 days.
    fn held(n: u8, age: i64, revoked: bool) -> Held {
        let made = NOW.plus_s(-age * DAY_S);
        Held {
            serial: format!("{n:02x}"),
            key: hex::encode(key(n).verifying_key().as_bytes()),
            made,
            expires: made.plus_s(90 * DAY_S),
            revoked,
        }
    }

    fn wish(of: &SpeakerId, signer: u8, next: u8) -> Vec<u8> {
        let renewal = Renewal {
            speaker: of.clone(),
            request: key(next).verifying_key().as_bytes().to_vec(),
        };
        seal(&renewal, &key(signer))
    }

    #[test]
    fn a_speaker_gets_its_next_certificate_by_the_key_of_the_one_it_has() {
        use NotRenewed::*;
        use Way::*;
        for (story, held, signer, way, said) in [
            (
                "after two thirds",
                vec![held(1, 60, false)],
                1,
                Line,
                Ok("01"),
            ),
            (
                "at once, by a pole that does not know the date",
                vec![held(1, 0, false)],
                1,
                Line,
                Ok("01"),
            ),
            (
                "by somebody else",
                vec![held(1, 60, false)],
                2,
                Line,
                Err(NotSigned),
            ),
            ("never enrolled", vec![], 1, Line, Err(NotSigned)),
            ("retired", vec![held(1, 60, true)], 1, Line, Err(Revoked)),
            (
                "by the board that was replaced",
                vec![held(2, 1, false), held(1, 60, true)],
                1,
                Web,
                Err(Revoked),
            ),
            (
                "run out, over the line",
                vec![held(1, 91, false)],
                1,
                Line,
                Err(TooLate),
            ),
            (
                "dark for a year, over HTTPS",
                vec![held(1, 455, false)],
                1,
                Web,
                Ok("01"),
            ),
            (
                "in force, over HTTPS",
                vec![held(1, 60, false)],
                1,
                Web,
                Err(InForce),
            ),
            (
                "dark for too long",
                vec![held(1, 491, false)],
                1,
                Web,
                Err(TooLate),
            ),
        ] {
            let granted = may_renew(&pole(), &wish(&pole(), signer, 9), &held, way, NOW);
            let by = granted.as_ref().map(|g| g.by.as_str()).map_err(|e| *e);
            assert_eq!(by, said, "{story}");
        }
    }

    #[test]
    fn one_pole_cannot_ask_in_the_name_of_another() {
        let neighbour: SpeakerId = "tien-son".parse().unwrap();
        let asked = wish(&neighbour, 1, 9);
        let held = [held(1, 60, false)];
        let refused = may_renew(&pole(), &asked, &held, Way::Line, NOW);
        assert_eq!(refused, Err(NotRenewed::NotSigned));
    }

    #[test]
    fn a_wish_that_is_heard_again_has_the_same_answer_and_takes_nothing_back() {
        let all = [held(2, 1, false), held(1, 91, false)];
        for way in [Way::Line, Way::Web] {
            let all = match way {
                Way::Line => [held(2, 1, false), held(1, 60, false)],
                Way::Web => all.clone(),
            };
            let granted = |next| may_renew(&pole(), &wish(&pole(), 1, next), &all, way, NOW);
            let granted = |next| granted(next).unwrap().again;
            assert_eq!(granted(2), Some("02".to_owned()), "{way:?}");
            // For another key there is another: it never got the first, or lost its key.
            assert_eq!(granted(3), None, "{way:?}");
        }
        // Once the next one is in use, whoever kept the wish gets nothing.
        let used = [held(2, 1, false), held(1, 91, true)];
        let refused = may_renew(&pole(), &wish(&pole(), 1, 2), &used, Way::Web, NOW);
        assert_eq!(refused, Err(NotRenewed::Revoked));
    }

    #[test]
    fn the_former_key_is_given_up_when_the_next_one_is_first_heard() {
        let signed_by = |n: u8| BTreeSet::from([KeyId::of(&key(n).verifying_key())]);
        let mut keys = Keys::new([1, 2].map(|n| key(n).verifying_key()).into());
        assert_eq!(keys.newly_used(&signed_by(1)), None);
        assert_eq!(keys.newly_used(&signed_by(2)), Some(key(2).verifying_key()));
        assert_eq!(keys.newly_used(&signed_by(2)), None);
        // The one before it may have run out, and still be good for asking.
        let mut only = Keys::new(vec![key(1).verifying_key()]);
        assert_eq!(only.newly_used(&signed_by(1)), Some(key(1).verifying_key()));
        assert_eq!(only.newly_used(&signed_by(1)), None);
    }

    #[test]
    fn noise_is_not_a_wish() {
        for noise in [&b""[..], b"\xff", &[0; 20_000]] {
            let refused = may_renew(&pole(), noise, &[held(1, 60, false)], Way::Web, NOW);
            assert_eq!(refused, Err(NotRenewed::Unreadable));
        }
    }
}
