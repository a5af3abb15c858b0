//! Sentences about whom a pole believes: The Update Framework's rules for roots, and what each key may say.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::*;
use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::Priority,
    channel::Channel,
    clock::ClockReply,
    envelope::{Refusal, seal},
    head::Head,
    id::AreaId,
    programme::{Programme, Version},
    root::{Root, Scope},
    time::WallTime,
    trust::{Anchor, RootTaken, Trust},
};
use proptest::prelude::*;

fn anchored(by: &SigningKey) -> Trust {
    Trust::new(Anchor::RootKey(by.verifying_key()))
}
/// Root key 1, office key 11, in force.
fn trusting() -> Trust {
    let mut trust = anchored(&key(1));
    let bytes = signed(&root(1, &[&key(1)], 1, &[&key(11)]), &[&key(1)]);
    assert!(trust.take_root(&bytes).is_ok());
    trust
}
fn head(by: &SigningKey) -> Vec<u8> {
    let head = Head {
        version: Version::default(),
        made: day(0),
        expires: None,
        root_version: 1,
        audit: None,
        reconnect_jitter_s: 30,
    };
    seal(&head, by)
}
fn believes(trust: &Trust, by: &SigningKey) -> Result<(), Refusal> {
    trust.open::<Head>(&head(by), Some(day(0))).map(drop)
}
fn gone(keys: &[&SigningKey]) -> BTreeSet<loa_protocol::envelope::KeyId> {
    keys.iter().map(|k| public(k).id()).collect()
}
fn programme(channel: &str, by: &SigningKey) -> Vec<u8> {
    let programme = Programme {
        channel: channel.parse().unwrap(),
        version: Version::default(),
        made: day(0),
        expires: None,
        silence_before: None,
        bulletins: Vec::new(),
    };
    seal(&programme, by)
}

#[test]
fn before_the_first_root_nobody_is_believed_and_after_it_the_office_is() {
    let mut trust = anchored(&key(1));
    for by in [key(1), key(11)] {
        assert_eq!(believes(&trust, &by), Err(Refusal::NotSigned));
    }
    let bytes = signed(&root(1, &[&key(1)], 1, &[&key(11)]), &[&key(1)]);
    assert!(matches!(trust.take_root(&bytes), Ok(RootTaken::New { .. })));
    assert_eq!(trust.take_root(&bytes), Ok(RootTaken::Known));
    assert_eq!(believes(&trust, &key(11)), Ok(()));
    // The root's own key signs roots and nothing else.
    assert_eq!(believes(&trust, &key(1)), Err(Refusal::NotSigned));
}

#[test]
fn a_root_of_strangers_is_never_in_force() {
    let mut trust = anchored(&key(1));
    let strange = root(1, &[&key(2)], 1, &[&key(12)]);
    // Kept at most, in case the pinned key signs one that leads to it.
    assert_eq!(
        trust.take_root(&signed(&strange, &[&key(2)])),
        Ok(RootTaken::Ahead)
    );
    // Names our key, and bears not its signature.
    let borrowed = root(1, &[&key(1)], 1, &[&key(12)]);
    let refused = trust.take_root(&signed(&borrowed, &[&key(2)]));
    assert_eq!(refused, Err(Refusal::NotSigned));
    assert_eq!((trust.root_version(), trust.root()), (0, None));
}

#[test]
fn an_office_of_one_key_takes_no_root_even_by_that_key() {
    let mut trust = Trust::of_key(key(1).verifying_key());
    let bytes = signed(&root(1, &[&key(1)], 1, &[&key(11)]), &[&key(1)]);
    assert_eq!(trust.take_root(&bytes), Err(Refusal::NotSigned));
    assert_eq!(believes(&trust, &key(1)), Ok(()));
}

#[test]
fn the_next_root_needs_enough_of_the_old_keys_and_enough_of_the_new() {
    let (a, b, c) = (key(1), key(2), key(3));
    let (x, y) = (key(4), key(5));
    let mut trust = anchored(&a);
    let first = root(1, &[&a, &b, &c], 2, &[&key(11)]);
    assert_eq!(
        trust.take_root(&signed(&first, &[&a])),
        Err(Refusal::NotSigned),
        "one of two"
    );
    assert!(trust.take_root(&signed(&first, &[&a, &c])).is_ok());
    let second = root(2, &[&x, &y], 2, &[&key(12)]);
    for too_few in [
        vec![&x, &y],
        vec![&a, &b],
        vec![&a, &x, &y],
        vec![&a, &b, &x],
    ] {
        let refused = trust.take_root(&signed(&second, &too_few));
        assert_eq!(refused, Err(Refusal::NotSigned), "{too_few:?}");
    }
    let taken = trust
        .take_root(&signed(&second, &[&a, &b, &x, &y]))
        .unwrap();
    assert!(matches!(taken, RootTaken::New { gone: g, .. } if g == gone(&[&key(11)])));
    assert_eq!(believes(&trust, &key(12)), Ok(()));
    assert_eq!(believes(&trust, &key(11)), Err(Refusal::NotSigned));
}

#[test]
fn two_signatures_of_one_key_are_one() {
    let (a, b) = (key(1), key(2));
    let mut trust = anchored(&a);
    let first = root(1, &[&a, &b], 2, &[&key(11)]);
    let once = seal(&first, &a);
    // countersign replaces; a forger would write the same signature twice.
    let again = loa_protocol::envelope::countersign::<Root>(&once, &a).unwrap();
    assert_eq!(once, again);
    assert_eq!(trust.take_root(&again), Err(Refusal::NotSigned));
}

#[test]
fn sixteen_keys_can_hand_over_to_sixteen_others() {
    let old: Vec<SigningKey> = (1..=16).map(key).collect();
    let new: Vec<SigningKey> = (101..=116).map(key).collect();
    let (old, new): (Vec<_>, Vec<_>) = (old.iter().collect(), new.iter().collect());
    let mut trust = anchored(old[0]);
    let first = root(1, &old, 16, &[&key(50)]);
    assert!(trust.take_root(&signed(&first, &old)).is_ok());
    let all: Vec<&SigningKey> = old.iter().chain(&new).copied().collect();
    let second = root(2, &new, 16, &[&key(51)]);
    assert!(trust.take_root(&signed(&second, &all)).is_ok());
    assert_eq!(trust.root_version(), 2);
}

#[test]
fn an_old_root_is_stale_even_when_it_is_genuine() {
    let mut trust = trusting();
    let first = signed(&root(1, &[&key(1)], 1, &[&key(11)]), &[&key(1)]);
    let second = signed(&root(2, &[&key(1)], 1, &[&key(12)]), &[&key(1)]);
    assert!(trust.take_root(&second).is_ok());
    assert_eq!(trust.take_root(&first), Err(Refusal::Stale));
    // And so is another one of the present version.
    let other = signed(&root(2, &[&key(1)], 1, &[&key(11)]), &[&key(1)]);
    assert_eq!(trust.take_root(&other), Err(Refusal::Stale));
    assert_eq!(believes(&trust, &key(11)), Err(Refusal::NotSigned));
}

#[test]
fn roots_that_come_in_the_wrong_order_wait_for_each_other() {
    let chain: Vec<Vec<u8>> = (1..=5)
        .map(|n| {
            let (old, new) = (key(n), key(n + 1));
            signed(&root(n.into(), &[&new], 1, &[&key(20 + n)]), &[&old, &new])
        })
        .collect();
    let mut trust = anchored(&key(1));
    for late in [4, 2, 1] {
        assert_eq!(trust.take_root(&chain[late]), Ok(RootTaken::Ahead));
        assert_eq!(trust.root_version(), 0);
    }
    assert!(trust.take_root(&chain[0]).is_ok());
    assert_eq!(trust.root_version(), 3, "up to the hole");
    let RootTaken::New { taken, .. } = trust.take_root(&chain[3]).unwrap() else {
        panic!("it is the next");
    };
    let versions: Vec<u32> = taken.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, [4, 5]);
    assert!(
        taken
            .iter()
            .all(|(n, bytes)| *bytes == chain[*n as usize - 1])
    );
}

#[test]
fn a_forged_root_ahead_is_dropped_when_its_turn_comes() {
    let mut trust = trusting();
    let forged = root(3, &[&key(9)], 1, &[&key(19)]);
    assert_eq!(
        trust.take_root(&signed(&forged, &[&key(9)])),
        Ok(RootTaken::Ahead)
    );
    for far in 10..40 {
        let far = signed(&root(far, &[&key(9)], 1, &[&key(19)]), &[&key(9)]);
        assert_eq!(trust.take_root(&far), Ok(RootTaken::Ahead));
    }
    let second = signed(&root(2, &[&key(1)], 1, &[&key(12)]), &[&key(1)]);
    assert!(trust.take_root(&second).is_ok());
    assert_eq!(trust.root_version(), 2);
    // The genuine third is taken when it comes.
    let third = signed(&root(3, &[&key(1)], 1, &[&key(13)]), &[&key(1)]);
    assert!(trust.take_root(&third).is_ok());
    assert_eq!(trust.root_version(), 3);
}

#[test]
fn a_root_of_the_last_of_all_versions_does_no_harm() {
    let mut trust = anchored(&key(1));
    let last = signed(&root(u32::MAX, &[&key(1)], 1, &[&key(11)]), &[&key(1)]);
    assert!(trust.take_root(&last).is_ok());
    let again = root(u32::MAX, &[&key(1)], 1, &[&key(12)]);
    let refused = trust.take_root(&signed(&again, &[&key(1)]));
    assert_eq!(refused, Err(Refusal::Stale));
}

#[test]
fn a_root_that_breaks_a_rule_is_refused_whoever_signed_it() {
    let good = || root(2, &[&key(1)], 1, &[&key(11)]);
    let twice = |mut root: Root| {
        root.roots.push(public(&key(1)));
        root
    };
    let two_scopes = |mut root: Root| {
        let mut again = office_key(&key(11));
        again.scope.max_priority = Priority::Ordinary;
        root.office.push(again);
        root
    };
    let mut no_party = good();
    no_party.emergency.relying_party.clear();
    no_party.emergency.by = loa_protocol::root::EmergencyBy::Passkey;
    let mut nobody = good();
    nobody.emergency.needed = 0;
    let bad = [
        Root {
            needed: 0,
            ..good()
        },
        Root {
            needed: 2,
            ..good()
        },
        Root {
            office: vec![],
            ..good()
        },
        twice(good()),
        two_scopes(good()),
        no_party,
        nobody,
    ];
    let mut trust = trusting();
    for root in bad {
        let refused = trust.take_root(&signed(&root, &[&key(1)]));
        // Needing more signatures than there are keys shows first as too few.
        let expected = if root.needed == 2 {
            Refusal::NotSigned
        } else {
            Refusal::BreaksRule
        };
        assert_eq!(refused, Err(expected), "{root:?}");
    }
    assert_eq!(trust.root_version(), 1);
}

#[test]
fn a_weak_key_cannot_even_be_written_into_a_root() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Text(String);
    for weak in [
        "00".repeat(32),
        format!("01{}", "00".repeat(31)),
        "zz".repeat(32),
    ] {
        let json = serde_json::to_string(&Text(weak)).unwrap();
        let read: Result<loa_protocol::root::PublicKey, _> = serde_json::from_str(&json);
        assert!(read.is_err());
    }
}

#[test]
fn when_the_root_or_the_office_s_key_ran_out_nothing_new_is_believed_by_a_trusted_clock() {
    let trust = trusting();
    let open = |now: Option<WallTime>| trust.open::<Head>(&head(&key(11)), now).map(drop);
    assert_eq!(open(Some(day(730))), Ok(()));
    assert_eq!(open(Some(day(731))), Err(Refusal::Expired), "the key");
    assert_eq!(open(None), Ok(()), "nobody knows the time");
    let mut trust = anchored(&key(1));
    let short = Root {
        expires: day(10),
        ..root(1, &[&key(1)], 1, &[&key(11)])
    };
    assert!(trust.take_root(&signed(&short, &[&key(1)])).is_ok());
    let open = |trust: &Trust| trust.open::<Head>(&head(&key(11)), Some(day(11))).map(drop);
    assert_eq!(open(&trust), Err(Refusal::Expired), "the root");
    // A newer root mends it, although the old one ran out.
    let second = signed(&root(2, &[&key(1)], 1, &[&key(11)]), &[&key(1)]);
    assert!(trust.take_root(&second).is_ok());
    assert_eq!(open(&trust), Ok(()));
}

#[test]
fn a_key_signs_only_what_lies_in_its_scope() {
    let mut trust = anchored(&key(1));
    let mut first = root(1, &[&key(1)], 1, &[&key(11), &key(12)]);
    first.office[1].scope = Scope {
        documents: vec!["programme".into(), "now".into()],
        channels: vec!["area.khuoi-meo".parse().unwrap()],
        max_priority: Priority::Priority,
    };
    assert!(trust.take_root(&signed(&first, &[&key(1)])).is_ok());
    let open = |channel: &str, by: u8| {
        let parsed: Channel = channel.parse().unwrap();
        let bytes = programme(channel, &key(by));
        trust
            .open_on::<Programme>(&bytes, &parsed, Some(day(0)))
            .map(drop)
    };
    assert_eq!(open("area.khuoi-meo", 12), Ok(()));
    assert_eq!(open("area.sang-moc", 12), Err(Refusal::WrongScope));
    assert_eq!(open("area.sang-moc", 11), Ok(()));
    assert_eq!(believes(&trust, &key(12)), Err(Refusal::WrongScope));
    let reply = ClockReply {
        speaker: "ban-chuong-1".parse().unwrap(),
        nonce: 1,
        received: day(0),
        sent: day(0),
    };
    let told = trust.open::<ClockReply>(&seal(&reply, &key(12)), None);
    assert_eq!(told, Err(Refusal::WrongScope));
    assert_eq!(
        trust.max_priority(&public(&key(11)).id()),
        Priority::Emergency
    );
    assert_eq!(
        trust.max_priority(&public(&key(12)).id()),
        Priority::Priority
    );
    let id = public(&key(12)).id();
    let area: Channel = "area.khuoi-meo".parse().unwrap();
    assert!(trust.may_sign(&id, "programme", Some(&area)));
    assert!(!trust.may_sign(&id, "config", None));
}

#[test]
fn a_rotation_names_the_keys_whose_word_is_to_be_forgotten() {
    let mut trust = trusting();
    let both = signed(&root(2, &[&key(1)], 1, &[&key(11), &key(12)]), &[&key(1)]);
    let RootTaken::New { gone: none, .. } = trust.take_root(&both).unwrap() else {
        panic!("it is the next");
    };
    assert_eq!(none, gone(&[]));
    let only_new = signed(&root(3, &[&key(1)], 1, &[&key(12)]), &[&key(1)]);
    let RootTaken::New { gone: old, .. } = trust.take_root(&only_new).unwrap() else {
        panic!("it is the next");
    };
    assert_eq!(old, gone(&[&key(11)]));
}

// Approvers of an area.

fn area() -> AreaId {
    "khuoi-meo".parse().unwrap()
}
fn person() -> authenticator::Authenticator {
    authenticator::Authenticator::new("bà Lan")
}
fn names(trust: &Trust, now: WallTime) -> Vec<String> {
    trust.approvers(Some(now)).map(|a| a.name.clone()).collect()
}
/// Root 1 with area key 21 for `khuoi-meo`.
fn with_area_key() -> (Trust, Root) {
    let mut first = root(1, &[&key(1)], 1, &[&key(11)]);
    first.areas = vec![area_key(&key(21), "khuoi-meo")];
    let mut trust = anchored(&key(1));
    assert!(trust.take_root(&signed(&first, &[&key(1)])).is_ok());
    (trust, first)
}

#[test]
fn an_area_key_names_approvers_for_its_area_and_no_other() {
    let (mut trust, _) = with_area_key();
    let lan = approver(
        "bà Lan",
        &person(),
        &["area.khuoi-meo", "speaker.khuoi-meo-1"],
    );
    let good = approvers("khuoi-meo", 2, vec![lan.clone()]);
    let now = Some(day(0));
    assert_eq!(
        trust.take_approvers(&area(), &seal(&good, &key(21)), now),
        Ok(true)
    );
    assert_eq!(
        trust.take_approvers(&area(), &seal(&good, &key(21)), now),
        Ok(false)
    );
    assert_eq!(names(&trust, day(0)), ["bà Lan"]);
    // The office's key, the root's, and a stranger's are nobody's here.
    for by in [1, 11, 99] {
        let refused = trust.take_approvers(&area(), &seal(&good, &key(by)), now);
        assert_eq!(refused, Err(Refusal::NotSigned));
    }
    let older = approvers("khuoi-meo", 1, vec![]);
    let other = approvers("khuoi-meo", 2, vec![]);
    for stale in [older, other] {
        let refused = trust.take_approvers(&area(), &seal(&stale, &key(21)), now);
        assert_eq!(refused, Err(Refusal::Stale));
    }
    let elsewhere = approvers("sang-moc", 3, vec![lan.clone()]);
    let refused = trust.take_approvers(&area(), &seal(&elsewhere, &key(21)), now);
    assert_eq!(refused, Err(Refusal::WrongScope));
    for too_far in [&[][..], &["area.sang-moc"], &["group.schools"]] {
        let lan = approver("bà Lan", &person(), too_far);
        let bytes = seal(&approvers("khuoi-meo", 3, vec![lan]), &key(21));
        let refused = trust.take_approvers(&area(), &bytes, now);
        assert_eq!(refused, Err(Refusal::BreaksRule), "{too_far:?}");
    }
    assert_eq!(names(&trust, day(0)), ["bà Lan"]);
}

#[test]
fn approvers_go_with_their_own_time_their_document_s_their_key_s_and_their_key_s_area() {
    let (mut trust, first) = with_area_key();
    let lan = approver("bà Lan", &person(), &["area.khuoi-meo"]);
    let document = approvers("khuoi-meo", u64::MAX, vec![lan.clone()]);
    let bytes = seal(&document, &key(21));
    assert_eq!(
        trust.take_approvers(&area(), &bytes, Some(day(366))),
        Err(Refusal::Expired)
    );
    assert_eq!(
        trust.take_approvers(&area(), &bytes, Some(day(0))),
        Ok(true)
    );
    assert_eq!(names(&trust, day(365)).len(), 1);
    assert_eq!(names(&trust, day(366)).len(), 0);
    assert_eq!(trust.next_expiry(day(0)), Some(day(365)));
    // The key goes to another area: whom it named here does not count any more, and neither does how far it counted.
    let mut second = Root {
        version: 2,
        ..first
    };
    second.areas = vec![
        area_key(&key(21), "na-rang"),
        area_key(&key(22), "khuoi-meo"),
    ];
    assert!(trust.take_root(&signed(&second, &[&key(1)])).is_ok());
    assert_eq!(names(&trust, day(0)).len(), 0);
    let new = seal(&approvers("khuoi-meo", 1, vec![lan]), &key(22));
    assert_eq!(trust.take_approvers(&area(), &new, Some(day(0))), Ok(true));
    assert_eq!(names(&trust, day(0)).len(), 1);
}

// Whatever comes, in whatever order, trust moves only along the genuine chain.

const LAST: u8 = 7;

#[derive(Clone, Debug)]
enum Comes {
    /// The genuine root of this version.
    Genuine(u8),
    /// The same, with one bit of it turned.
    Wounded(u8, prop::sample::Index, u8),
    /// A stranger's of this version.
    Forged(u8),
    /// By keys that were root keys, or will be, but not just before this version.
    WrongTime { version: u8, by: u8 },
}

fn comes() -> impl Strategy<Value = Comes> {
    prop_oneof![
        3 => (1..=LAST).prop_map(Comes::Genuine),
        2 => (1..=LAST, any::<prop::sample::Index>(), 0..8u8)
            .prop_map(|(v, at, bit)| Comes::Wounded(v, at, bit)),
        1 => (1..=LAST).prop_map(Comes::Forged),
        2 => (1..=LAST, 1..=LAST)
            .prop_filter("in time", |(version, by)| *version != by + 1)
            .prop_map(|(version, by)| Comes::WrongTime { version, by }),
    ]
}
/// Each root has two keys of its own, and both must sign.
fn keys_of(version: u8) -> [SigningKey; 2] {
    [key(2 * version), key(2 * version + 1)]
}
fn genuine(version: u8) -> Vec<u8> {
    let [a, b] = keys_of(version);
    let [x, y] = keys_of(version - 1);
    let root = root(version.into(), &[&a, &b], 2, &[&key(100 + version)]);
    if version == 1 {
        // The pinned key is one; no signature here is one too many.
        signed(&root, &[&x, &a, &b])
    } else {
        signed(&root, &[&x, &y, &a, &b])
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn trust_moves_only_along_the_genuine_chain(steps in prop::collection::vec(comes(), 1..24)) {
        let chain: Vec<Vec<u8>> = (1..=LAST).map(genuine).collect();
        let [anchor, _] = keys_of(0);
        let mut trust = anchored(&anchor);
        for step in steps {
            let bytes = match step {
                Comes::Genuine(v) => chain[usize::from(v) - 1].clone(),
                Comes::Wounded(v, at, bit) => {
                    let mut bytes = chain[usize::from(v) - 1].clone();
                    let at = at.index(bytes.len());
                    bytes[at] ^= 1 << bit;
                    bytes
                }
                Comes::Forged(v) => {
                    let forger = key(200 + v);
                    signed(&root(v.into(), &[&forger], 1, &[&forger]), &[&forger])
                }
                Comes::WrongTime { version, by } => {
                    let [a, b] = keys_of(by);
                    signed(&root(version.into(), &[&a, &b], 2, &[&key(99)]), &[&a, &b])
                }
            };
            let before = trust.root_version();
            if let Ok(RootTaken::New { taken, .. }) = trust.take_root(&bytes) {
                for (n, (version, bytes)) in taken.iter().enumerate() {
                    prop_assert_eq!(*version, before + 1 + n as u32);
                    prop_assert_eq!(bytes, &chain[*version as usize - 1]);
                }
            }
            prop_assert!(trust.root_version() >= before);
            // Of the office's keys exactly that of the root in force is believed.
            for version in 1..=LAST {
                let in_force = u32::from(version) == trust.root_version();
                prop_assert_eq!(believes(&trust, &key(100 + version)).is_ok(), in_force);
            }
            prop_assert!(believes(&trust, &key(99)).is_err());
        }
        // And nothing that came can keep it from going on.
        for bytes in &chain {
            let _ = trust.take_root(bytes);
        }
        prop_assert_eq!(trust.root_version(), u32::from(LAST));
    }
}
