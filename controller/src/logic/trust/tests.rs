//! Roots, one after the other, in sentences.

use loa_protocol::{channel::Channel, root::Approver};

use super::*;

const NOW: WallTime = WallTime::from_millis(1_795_496_400_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}
fn public(seed: u8) -> VerifyingKey {
    key(seed).verifying_key()
}
fn id(seed: u8) -> KeyId {
    KeyId::of(&public(seed))
}
fn first() -> Root {
    first_root(public(1), public(2), NOW)
}
fn approver(name: &str, expires: WallTime) -> Approver {
    Approver {
        name: name.into(),
        credential: vec![1; 16],
        key: [vec![4], vec![7; 64]].concat(),
        channels: vec!["area.ban-chuong".parse::<Channel>().expect("a channel")],
        expires,
    }
}
fn by_passkey(needed: u8, names: &[&str]) -> Root {
    let mut root = first();
    root.emergency = EmergencyRule {
        by: EmergencyBy::Passkey,
        needed,
        relying_party: "loa.example.vn".into(),
    };
    root.approvers = names
        .iter()
        .map(|name| approver(name, NOW.plus_s(DAY_S * 365)))
        .collect();
    root
}
fn signer(root: &Root, held: &[u8], now: WallTime) -> Option<KeyId> {
    let held: Vec<SigningKey> = held.iter().map(|seed| key(*seed)).collect();
    signing_key(root, &held, now).map(|key| KeyId::of(&key.verifying_key()))
}

#[test]
fn what_a_person_reads_and_what_is_signed_are_the_same() {
    let root = rotate_office(&by_passkey(1, &["Lan"]), public(3), Former::For(5), NOW);
    let draft = RootDraft::from(&root);
    let text = serde_json::to_string_pretty(&draft).expect("JSON");
    assert!(text.contains("\"relying_party\": \"loa.example.vn\""));
    let read: RootDraft = serde_json::from_str(&text).expect("the same");
    assert_eq!(Root::try_from(read), Ok(root));
}

#[test]
fn a_draft_that_somebody_spoiled_says_where() {
    let spoiled = |spoil: fn(&mut RootDraft)| {
        let mut draft = RootDraft::from(&by_passkey(1, &["Lan"]));
        spoil(&mut draft);
        Root::try_from(draft).expect_err("spoiled").field
    };
    assert_eq!(spoiled(|d| d.expires = "tomorrow".into()), "expires");
    assert_eq!(spoiled(|d| d.root_keys[0] = "00".repeat(32)), "root_keys");
    assert_eq!(
        spoiled(|d| d.approvers[0].key = "§".into()),
        "approvers.key"
    );
    let wrong_place = spoiled(|d| d.approvers[0].channels = vec!["Bản Chương".into()]);
    assert_eq!(wrong_place, "approvers.channels");
}

#[test]
fn a_new_office_key_is_signed_with_at_once_and_the_former_one_is_believed_for_a_month() {
    let next = rotate_office(&first(), public(3), Former::For(OVERLAP_S), NOW);
    assert_eq!(next.version, 2);
    assert_eq!(next.office[0].expires, NOW.plus_s(OVERLAP_S));
    assert_eq!(signer(&next, &[2, 3], NOW), Some(id(3)));
    // An office that was restored from a backup of last week.
    assert_eq!(signer(&next, &[2], NOW), Some(id(2)));
    let later = next_root(&next, NOW.plus_s(OVERLAP_S + 1));
    assert_eq!(later.office.len(), 1, "what is over is left out");
}

#[test]
fn a_stolen_office_key_is_named_no_more() {
    let next = rotate_office(&first(), public(3), Former::Gone, NOW);
    let named: Vec<KeyId> = next.office.iter().map(|key| key.key.id()).collect();
    assert_eq!(named, [id(3)]);
    assert_eq!(signer(&next, &[2], NOW), None);
}

#[test]
fn a_new_root_key_takes_the_place_of_the_one_that_goes() {
    let next = rotate_root(&first(), &id(1), public(4), NOW);
    assert_eq!(next.roots, [PublicKey::new(public(4))]);
}

#[test]
fn a_root_that_would_leave_the_poles_mute_is_not_taken() {
    let held = [key(2)];
    assert_eq!(fit(&first(), &held, NOW), Ok(()));
    let old = Root {
        expires: NOW,
        ..first()
    };
    assert_eq!(fit(&old, &held, NOW), Err(NotTaken::Expired));
    let foreign = first_root(public(1), public(9), NOW);
    assert_eq!(fit(&foreign, &held, NOW), Err(NotTaken::NoOfficeKey));
    let mut narrow = first();
    narrow.office[0].scope.max_priority = Priority::Ordinary;
    assert_eq!(fit(&narrow, &held, NOW), Err(NotTaken::NoOfficeKey));
    for (needed, names, fits) in [
        (1, &["Lan"][..], true),
        (2, &["Lan", "Minh"], true),
        // Two passkeys of one person are one approver.
        (2, &["Lan", "Lan"], false),
        (1, &[], false),
        (9, &["a", "b", "c", "d", "e", "f", "g", "h", "i"], false),
    ] {
        let root = by_passkey(needed, names);
        assert_eq!(fit(&root, &held, NOW).is_ok(), fits, "{needed} {names:?}");
    }
}

#[test]
fn somebody_is_told_before_it_is_too_late() {
    let look = |root: &Root, since: Option<WallTime>, has_passkeys: bool, now: WallTime| {
        warnings(Look {
            root,
            signing: &public(2),
            root_key_since: since,
            has_passkeys,
            now,
        })
    };
    let root = first();
    assert_eq!(look(&root, Some(NOW), false, NOW), []);
    let week = NOW.plus_s(ROOT_KEY_STAYS_S + 1);
    assert_eq!(
        look(&root, Some(NOW), true, week),
        [Warning::RootKeyHere, Warning::WeakRule]
    );
    let almost = NOW.plus_s(OFFICE_KEY_LIFE_S - SOON_S);
    assert_eq!(
        look(&root, None, false, almost),
        [Warning::OfficeKeyExpires]
    );
    let over = NOW.plus_s(ROOT_LIFE_S);
    assert_eq!(
        look(&root, None, false, over),
        [Warning::RootExpired, Warning::OfficeKeyExpired]
    );
    let stolen = rotate_office(&root, public(3), Former::Gone, NOW);
    assert_eq!(look(&stolen, None, false, NOW), [Warning::OfficeKeyMissing]);
    let strict = by_passkey(1, &["Lan"]);
    assert_eq!(look(&strict, None, true, NOW), []);
    assert_eq!(
        look(&strict, None, true, NOW.plus_s(DAY_S * 300)),
        [Warning::ApproverExpires]
    );
}
