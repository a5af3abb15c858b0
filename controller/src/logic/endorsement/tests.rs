//! Which alarms wait for whose passkey, in sentences.

use ed25519_dalek::SigningKey;
use loa_protocol::{
    bulletin::{Priority, Status},
    content::Manifest,
    envelope::seal,
    root::Root,
    trust::Anchor,
};

use super::*;
use crate::{
    logic::{
        testing::{HOST, Phone},
        trust::first_root,
    },
    store::testing,
};

const NOW: WallTime = testing::NOON;

fn now_at(at: WallTime) -> When {
    When::Now {
        at,
        date: "2026-11-24".into(),
    }
}
fn alarm(when: When) -> Bulletin {
    Bulletin {
        priority: Priority::Emergency,
        lateness_s: None,
        valid_until: Some(NOW.plus_s(DEFAULT_EMERGENCY_VALID_S)),
        ..testing::bulletin(Manifest::of(b"flood", 10_000), when, NOW)
    }
}
fn targets(names: &[&str]) -> Vec<Channel> {
    let parse = |name: &&str| name.parse().expect("a channel");
    names.iter().map(parse).collect()
}
/// A pole's, by whose root so many of these must sign.
fn trust(needed: u8, phones: &[(&Phone, &str, &[&str])]) -> Trust {
    let key = SigningKey::from_bytes(&[1; 32]);
    let office = SigningKey::from_bytes(&[2; 32]);
    let mut root: Root = first_root(key.verifying_key(), office.verifying_key(), NOW);
    root.emergency = EmergencyRule {
        by: EmergencyBy::Passkey,
        needed,
        relying_party: HOST.into(),
    };
    let expires = NOW.plus_s(86_400);
    root.approvers = phones
        .iter()
        .map(|(phone, name, channels)| phone.approver(name, channels, expires))
        .collect();
    let mut trust = Trust::new(Anchor::RootKey(key.verifying_key()));
    trust.take_root(&seal(&root, &key)).expect("a good root");
    trust
}

#[test]
fn only_an_emergency_that_is_meant_waits_and_only_where_the_root_says_so() {
    let rule = |by| EmergencyRule {
        by,
        needed: 1,
        relying_party: HOST.into(),
    };
    for (by, priority, status, needed) in [
        (
            EmergencyBy::Passkey,
            Priority::Emergency,
            Status::Actual,
            true,
        ),
        (
            EmergencyBy::Office,
            Priority::Emergency,
            Status::Actual,
            false,
        ),
        (
            EmergencyBy::Passkey,
            Priority::Emergency,
            Status::Exercise,
            false,
        ),
        (
            EmergencyBy::Passkey,
            Priority::Emergency,
            Status::Test,
            false,
        ),
        (
            EmergencyBy::Passkey,
            Priority::Priority,
            Status::Actual,
            false,
        ),
    ] {
        let b = Bulletin {
            priority,
            status,
            ..alarm(now_at(NOW))
        };
        assert_eq!(
            is_needed(&rule(by), &b),
            needed,
            "{by:?} {priority:?} {status:?}"
        );
    }
}

#[test]
fn the_end_is_fixed_when_it_is_asked_for() {
    let half_hour = NOW.plus_s(1_800);
    let at = || When::At {
        at: "2026-11-24T18:00".into(),
    };
    let rule = |rrule: &str| When::Rule {
        start: "2026-11-24T18:00".into(),
        rrule: rrule.into(),
        except: vec![],
    };
    let evening = NOW.plus_s(6 * 3_600);
    for (when, valid_until, expected) in [
        // Thirty minutes to sign it, ten to reach the poles.
        (now_at(NOW), Some(half_hour), NOW.plus_s(2_400)),
        (now_at(NOW), Some(NOW.plus_s(600)), NOW.plus_s(600)),
        (at(), None, evening.plus_s(1_800)),
        (at(), Some(evening.plus_s(60)), evening.plus_s(60)),
        (
            rule("FREQ=DAILY;COUNT=2"),
            None,
            evening.plus_s(86_400 + 1_800),
        ),
        // Nobody signs for ever.
        (rule("FREQ=DAILY"), None, NOW.plus_s(ENDLESS_S)),
    ] {
        let b = Bulletin {
            valid_until,
            ..alarm(when.clone())
        };
        let until = until(&b, NOW);
        assert_eq!(until, expected, "{when:?}");
        if !b.is_now() {
            assert_eq!(bounded(&b, until).valid_until, Some(expected));
        }
    }
}

#[test]
fn it_is_enough_when_every_pole_says_so() {
    let (lan, minh, old) = (Phone::new("lan"), Phone::new("minh"), Phone::new("lan old"));
    let all: [(&Phone, &str, &[&str]); 3] = [
        (&lan, "Lan", &[]),
        (&minh, "Minh", &["area.x"]),
        (&old, "Lan", &[]),
    ];
    let b = alarm(now_at(NOW));
    for (needed, places, signing, is_enough) in [
        (1, &["area.x"][..], &[][..], false),
        (1, &["area.x"], &[&lan][..], true),
        (1, &["area.x", "area.y"], &[&lan], true),
        // For one place only.
        (1, &["area.x", "area.y"], &[&minh], false),
        (2, &["area.x"], &[&lan], false),
        (2, &["area.x"], &[&lan, &minh], true),
        // Two passkeys, one person.
        (2, &["area.x"], &[&lan, &old], false),
    ] {
        let trust = trust(needed, &all);
        let targets = targets(places);
        let form = Form {
            bulletin: &b,
            targets: &targets,
            until: until(&b, NOW),
        };
        let given: Vec<Assertion> = { signing.iter() }
            .map(|phone| phone.sign(&form.challenge()))
            .collect();
        let found = enough(&trust, &form, &given, NOW);
        assert_eq!(
            found.is_some(),
            is_enough,
            "{needed} {places:?} {}",
            given.len()
        );
        // And it goes on air in a form that the poles take, at the last moment too.
        if let Some(endorsement) = found {
            let late = NOW.plus_s(1_800);
            let by = approval::approve_by(&b, NOW);
            let said = on_air(&b, by, Some(endorsement), late);
            assert!(said.valid_until >= Some(late.plus_s(TO_REACH_S)));
            assert!(holds(&trust, &said, &targets, late));
        }
    }
}

#[test]
fn a_signature_that_is_stale_foreign_or_replayed_is_refused() {
    let (lan, stranger) = (Phone::new("lan"), Phone::new("stranger"));
    let trust = trust(1, &[(&lan, "Lan", &[])]);
    let b = alarm(now_at(NOW));
    let targets = targets(&["area.x"]);
    let form = Form {
        bulletin: &b,
        targets: &targets,
        until: until(&b, NOW),
    };
    let challenge = form.challenge();
    let ask = |given: &[Assertion], one: &Assertion| {
        take(&trust, &form, given, one, NOW).map(|approver| approver.name.as_str())
    };
    let good = lan.sign(&challenge);
    assert_eq!(ask(&[], &good), Ok("Lan"));
    assert_eq!(
        ask(std::slice::from_ref(&good), &good),
        Err(Unendorsed::Given)
    );
    let foreign = stranger.sign(&challenge);
    assert_eq!(ask(&[], &foreign), Err(Unendorsed::NotAnApprover));
    let stolen_name = Assertion {
        credential: lan.credential.clone(),
        ..foreign
    };
    let wrong = Err(Unendorsed::Wrong(PasskeyError::Signature));
    assert_eq!(ask(&[], &stolen_name), wrong);
    let louder = Bulletin {
        volume: 50,
        ..b.clone()
    };
    let other = Form {
        bulletin: &louder,
        ..form
    };
    let stale = Err(Unendorsed::Wrong(PasskeyError::Challenge));
    assert_eq!(ask(&[], &lan.sign(&other.challenge())), stale);
    let elsewhere = lan.sign_on("evil.example", &challenge);
    let origin = Err(Unendorsed::Wrong(PasskeyError::Origin));
    assert_eq!(ask(&[], &elsewhere), origin);
    // His time is over.
    let late = take(&trust, &form, &[], &good, NOW.plus_s(90_000));
    assert_eq!(late.err(), Some(Unendorsed::NotAnApprover));
}
