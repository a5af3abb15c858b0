//! Sentences about approvers: what their passkeys sign, and that whoever holds only the office's keys can neither raise,
//! widen, change nor prolong an alarm.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{
    authenticator::{Authenticator, Says},
    *,
};
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    channel::Channel,
    content::Manifest,
    endorsement::{Endorsement, MAX_ASSERTIONS, challenge},
    root::EmergencyBy,
    time::WallTime,
    trust::{Anchor, NotEndorsed, Trust},
};
use proptest::prelude::*;

fn here() -> Channel {
    "area.sang-moc".parse().unwrap()
}
fn there() -> Channel {
    "area.khuoi-meo".parse().unwrap()
}
fn until() -> WallTime {
    day(0).plus_s(1_800)
}
fn flood() -> Bulletin {
    Bulletin {
        endorsement: None,
        id: "flood".parse().unwrap(),
        revision: 1,
        title: "Lũ về".into(),
        priority: Priority::Emergency,
        status: Status::Actual,
        order: 0,
        source: loa_protocol::bulletin::Source::Content(Manifest::of(&[5; 40_000], 30_000)),
        replay: None,
        chime: Chime::Alert,
        volume: 100,
        when: When::Now {
            at: day(0),
            date: "2026-11-24".into(),
        },
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat {
            times: 3,
            every_s: 120,
        },
        lateness_s: None,
        on_preempt: OnPreempt::Resume,
        max_duration_s: 600,
        since: day(-1),
        valid_until: Some(until()),
    }
}
fn endorsed_by(b: &Bulletin, targets: &[Channel], people: &[&Authenticator]) -> Bulletin {
    let asked = challenge(b, targets, until());
    let says = Says::at(RELYING_PARTY);
    let assertions = people.iter().map(|p| p.signs(&asked.0, &says)).collect();
    Bulletin {
        endorsement: Some(Box::new(Endorsement {
            targets: targets.to_vec(),
            until: until(),
            assertions,
        })),
        ..b.clone()
    }
}
fn trusting(needed: u8, people: &[(&str, &Authenticator)]) -> Trust {
    let mut trust = Trust::new(Anchor::RootKey(key(1).verifying_key()));
    let first = with_approvers(root(1, &[&key(1)], 1, &[&key(11)]), needed, people);
    trust.take_root(&signed(&first, &[&key(1)])).unwrap();
    trust
}
fn may_sound(trust: &Trust, b: &Bulletin) -> Result<(), NotEndorsed> {
    trust.endorsed(b, &here(), Some(day(0)))
}

#[test]
fn an_alarm_that_an_approver_signed_may_sound_and_one_that_nobody_signed_may_not() {
    let tu = Authenticator::new("chú Tư");
    let trust = trusting(1, &[("chú Tư", &tu)]);
    assert!(trust.needs_endorsement(&flood()));
    assert_eq!(may_sound(&trust, &flood()), Err(NotEndorsed::Missing));
    let good = endorsed_by(&flood(), &[here()], &[&tu]);
    assert_eq!(may_sound(&trust, &good), Ok(()));
    let nobody = endorsed_by(&flood(), &[here()], &[]);
    assert_eq!(may_sound(&trust, &nobody), Err(NotEndorsed::TooFew));
    let stranger = Authenticator::new("chú Tư");
    let forged = endorsed_by(&flood(), &[here()], &[&stranger]);
    assert_eq!(may_sound(&trust, &forged), Err(NotEndorsed::TooFew));
}

#[test]
fn only_an_alarm_in_earnest_needs_approvers_and_only_where_the_root_says_so() {
    let tu = Authenticator::new("chú Tư");
    let trust = trusting(1, &[("chú Tư", &tu)]);
    for (priority, status) in [
        (Priority::Emergency, Status::Exercise),
        (Priority::Emergency, Status::Test),
        (Priority::Priority, Status::Actual),
        (Priority::Ordinary, Status::Actual),
    ] {
        let other = Bulletin {
            priority,
            status,
            ..flood()
        };
        assert_eq!(may_sound(&trust, &other), Ok(()));
    }
    let mut weaker = Trust::new(Anchor::RootKey(key(1).verifying_key()));
    let first = root(1, &[&key(1)], 1, &[&key(11)]);
    assert_eq!(first.emergency.by, EmergencyBy::Office);
    weaker.take_root(&signed(&first, &[&key(1)])).unwrap();
    assert_eq!(may_sound(&weaker, &flood()), Ok(()));
    let one_key = Trust::of_key(key(11).verifying_key());
    assert_eq!(may_sound(&one_key, &flood()), Ok(()));
}

#[test]
fn two_people_are_two_and_one_person_s_two_phones_are_one() {
    let (tu, lan) = (Authenticator::new("chú Tư"), Authenticator::new("bà Lan"));
    let second = Authenticator::new("chú Tư, the old phone");
    let trust = trusting(2, &[("chú Tư", &tu), ("chú Tư", &second), ("bà Lan", &lan)]);
    for (people, result) in [
        (vec![&tu], Err(NotEndorsed::TooFew)),
        (vec![&tu, &tu], Err(NotEndorsed::TooFew)),
        (vec![&tu, &second], Err(NotEndorsed::TooFew)),
        (vec![&tu, &lan], Ok(())),
        (vec![&second, &lan], Ok(())),
    ] {
        let b = endorsed_by(&flood(), &[here()], &people);
        assert_eq!(may_sound(&trust, &b), result);
    }
    // A good one hidden behind more than anybody may send is not looked for.
    let mut many: Vec<&Authenticator> = vec![&tu; MAX_ASSERTIONS];
    many.push(&lan);
    let b = endorsed_by(&flood(), &[here()], &many);
    assert_eq!(may_sound(&trust, &b), Err(NotEndorsed::TooFew));
}

#[test]
fn an_alarm_sounds_only_where_it_was_approved_for_and_by_those_who_may() {
    let tu = Authenticator::new("chú Tư");
    let trust = trusting(1, &[("chú Tư", &tu)]);
    let elsewhere = endorsed_by(&flood(), &[there()], &[&tu]);
    assert_eq!(may_sound(&trust, &elsewhere), Err(NotEndorsed::Elsewhere));
    // Widened afterwards: the signature is for the narrower form.
    let mut widened = elsewhere;
    widened.endorsement.as_mut().unwrap().targets.push(here());
    assert_eq!(may_sound(&trust, &widened), Err(NotEndorsed::TooFew));
    // An approver of one hamlet cannot approve for two.
    let mut first = with_approvers(root(1, &[&key(1)], 1, &[&key(11)]), 1, &[("chú Tư", &tu)]);
    first.approvers[0].channels = vec![here()];
    let mut trust = Trust::new(Anchor::RootKey(key(1).verifying_key()));
    trust.take_root(&signed(&first, &[&key(1)])).unwrap();
    let one = endorsed_by(&flood(), &[here()], &[&tu]);
    assert_eq!(may_sound(&trust, &one), Ok(()));
    let both = endorsed_by(&flood(), &[here(), there()], &[&tu]);
    assert_eq!(may_sound(&trust, &both), Err(NotEndorsed::TooFew));
}

#[test]
fn an_alarm_lasts_no_longer_than_was_approved() {
    let tu = Authenticator::new("chú Tư");
    let trust = trusting(1, &[("chú Tư", &tu)]);
    let good = endorsed_by(&flood(), &[here()], &[&tu]);
    for valid_until in [None, Some(until().plus_s(1)), Some(WallTime::MAX)] {
        let longer = Bulletin {
            valid_until,
            ..good.clone()
        };
        assert_eq!(may_sound(&trust, &longer), Err(NotEndorsed::TooLong));
    }
    let shorter = Bulletin {
        valid_until: Some(until().plus_s(-600)),
        ..good.clone()
    };
    assert_eq!(may_sound(&trust, &shorter), Ok(()));
    let mut prolonged = good;
    prolonged.valid_until = Some(day(1));
    prolonged.endorsement.as_mut().unwrap().until = day(1);
    assert_eq!(may_sound(&trust, &prolonged), Err(NotEndorsed::TooFew));
    assert_eq!(prolonged.ends(day(0)), Some(day(1)));
    prolonged.endorsement.as_mut().unwrap().until = until();
    assert_eq!(prolonged.ends(day(0)), Some(until()));
}

#[test]
fn what_is_said_at_once_cannot_be_approved_for_longer_than_poles_remember_it() {
    let tu = Authenticator::new("chú Tư");
    let trust = trusting(1, &[("chú Tư", &tu)]);
    let late = day(40);
    let b = Bulletin {
        valid_until: Some(late),
        ..flood()
    };
    let asked = challenge(&b, &[here()], late);
    let assertion = tu.signs(&asked.0, &Says::at(RELYING_PARTY));
    let b = Bulletin {
        endorsement: Some(Box::new(Endorsement {
            targets: vec![here()],
            until: late,
            assertions: vec![assertion],
        })),
        ..b
    };
    assert_eq!(may_sound(&trust, &b), Err(NotEndorsed::TooLong));
    assert_eq!(trust.endorsed(&b, &here(), Some(day(10))), Ok(()));
}

#[test]
fn an_approver_counts_until_his_time_is_over_or_he_is_taken_out() {
    let (tu, lan) = (Authenticator::new("chú Tư"), Authenticator::new("bà Lan"));
    let mut trust = trusting(1, &[("chú Tư", &tu)]);
    let b = Bulletin {
        when: When::At {
            at: "2027-12-24T05:30".into(),
        },
        ..flood()
    };
    let good = endorsed_by(&b, &[here()], &[&tu]);
    assert_eq!(trust.endorsed(&good, &here(), Some(day(365))), Ok(()));
    let late = trust.endorsed(&good, &here(), Some(day(366)));
    assert_eq!(late, Err(NotEndorsed::TooFew));
    assert_eq!(
        trust.endorsed(&good, &here(), None),
        Ok(()),
        "nobody knows the time"
    );
    let second = with_approvers(root(2, &[&key(1)], 1, &[&key(11)]), 1, &[("bà Lan", &lan)]);
    trust.take_root(&signed(&second, &[&key(1)])).unwrap();
    assert_eq!(may_sound(&trust, &good), Err(NotEndorsed::TooFew));
}

#[test]
fn an_approver_whom_an_area_s_key_named_counts_there() {
    let lan = Authenticator::new("bà Lan");
    let mut first = with_approvers(root(1, &[&key(1)], 1, &[&key(11)]), 1, &[]);
    first.areas = vec![area_key(&key(21), "sang-moc")];
    let mut trust = Trust::new(Anchor::RootKey(key(1).verifying_key()));
    trust.take_root(&signed(&first, &[&key(1)])).unwrap();
    let good = endorsed_by(&flood(), &[here()], &[&lan]);
    assert_eq!(may_sound(&trust, &good), Err(NotEndorsed::TooFew));
    let named = approvers(
        "sang-moc",
        1,
        vec![approver("bà Lan", &lan, &["area.sang-moc"])],
    );
    let bytes = loa_protocol::envelope::seal(&named, &key(21));
    let area = "sang-moc".parse().unwrap();
    assert_eq!(trust.take_approvers(&area, &bytes, Some(day(0))), Ok(true));
    assert_eq!(may_sound(&trust, &good), Ok(()));
    let wider = endorsed_by(&flood(), &[here(), there()], &[&lan]);
    assert_eq!(may_sound(&trust, &wider), Err(NotEndorsed::TooFew));
}

#[test]
fn the_order_in_which_places_are_named_does_not_matter_and_their_names_do() {
    let b = flood();
    let one = challenge(&b, &[here(), there()], until());
    assert_eq!(one, challenge(&b, &[there(), here(), there()], until()));
    assert_ne!(one, challenge(&b, &[here()], until()));
    assert_ne!(one, challenge(&b, &[here(), there()], until().plus_us(1)));
}

/// All that can be heard of it, changed in one place. What is only for people to read may change.
fn change(b: &mut Bulletin, which: u8, by: u32) {
    let n = by % 90 + 1;
    match which {
        0 => b.id = format!("flood-{n}").parse().unwrap(),
        1 => {
            b.source = loa_protocol::bulletin::Source::Content(Manifest::of(
                &vec![n as u8; 40_000 + n as usize],
                30_000,
            ))
        }
        2 => b.chime = Chime::Bell,
        3 => b.volume = n as u8,
        4 => {
            b.when = When::At {
                at: format!("2026-11-24T05:{:02}", n % 60),
            }
        }
        5 => b.zone = "Asia/Tokyo".into(),
        6 => b.repeat.times = 3 + n as u16,
        7 => b.repeat.every_s = 120 + n,
        8 => b.on_preempt = OnPreempt::Drop,
        9 => b.max_duration_s = 600 + n,
        10 => b.lateness_s = Some(n),
        11 => b.status = Status::Exercise,
        _ => b.priority = Priority::Priority,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn whatever_is_changed_of_the_form_asks_for_another_signature(which in 0..13u8, by in any::<u32>()) {
        let (before, mut after) = (flood(), flood());
        change(&mut after, which, by);
        let asked = |b: &Bulletin| challenge(b, &[here()], until());
        prop_assert_ne!(asked(&before), asked(&after));
        let tu = Authenticator::new("chú Tư");
        let trust = trusting(1, &[("chú Tư", &tu)]);
        after.endorsement = endorsed_by(&before, &[here()], &[&tu]).endorsement;
        // It either is no alarm any more, or does not sound.
        prop_assert!(!trust.needs_endorsement(&after) || may_sound(&trust, &after).is_err());
    }

    #[test]
    fn what_the_office_says_of_its_own_accord_needs_no_further_signature(
        revision in any::<u32>(), order in any::<u32>(), earlier_s in 0..1_000i64, title in ".{0,40}"
    ) {
        let b = flood();
        let after = Bulletin {
            revision,
            order,
            title,
            since: b.since.plus_s(earlier_s),
            valid_until: Some(until().plus_s(-earlier_s)),
            when: When::Now { at: day(0).plus_s(earlier_s), date: "2026-11-24".into() },
            ..b.clone()
        };
        prop_assert_eq!(challenge(&b, &[here()], until()), challenge(&after, &[here()], until()));
    }
}
