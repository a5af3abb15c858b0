//! Sentences about keys: a root that changes them, approvers whom an alarm needs, and an office that fell into the hands
//! of a thief.

#[path = "../../../../protocol/tests/common/mod.rs"]
mod village_keys;

use loa_protocol::{
    bulletin::{Bulletin, Priority, When},
    channel::Channel,
    content::Sha,
    endorsement::{Endorsement, challenge},
    envelope::{Keyring, open, open_unsigned, seal},
    head::{Checkpoint, Head},
    playout::{Interruption, Outcome},
    programme::{Programme, Version},
    root::Root,
    speaker_config::{Order, OrderKind, SpeakerConfig},
    status::SpeakerStatus,
    time::WallTime,
    topic::Topic,
    trust::Anchor,
};
use village_keys::{
    RELYING_PARTY, approver, approvers, area_key,
    authenticator::{Authenticator, Says},
    day, root, signed, with_approvers,
};

use super::pole::*;
use crate::logic::port::Input;

const DISTRUSTED: Outcome = Outcome::Interrupted(Interruption::Distrusted);

/// The office of these sentences signs with key 1; keys 100 and up sign roots, and key 2 is the office's next one.
fn first() -> Root {
    root(1, &[&key(100)], 1, &[&key(1)])
}
fn rotated(first: Root) -> Root {
    Root {
        version: 2,
        office: root(2, &[&key(100)], 1, &[&key(2)]).office,
        ..first
    }
}
fn enrolled_holding(bulletins: &[Bulletin], root: &Root) -> Pole {
    let mut disk = Pole::holding(bulletins).disk;
    disk = Disk {
        contents: disk.contents,
        anchor: Some(Anchor::RootKey(key(100).verifying_key())),
        ..Disk::default()
    };
    let mut pole = Pole::on(disk, 64 << 20);
    hears_root(&mut pole, root);
    pole
}
fn hears_root(pole: &mut Pole, root: &Root) {
    pole.hears_bytes(Topic::Root(root.version), signed(root, &[&key(100)]));
}
fn following(bulletins: Vec<Bulletin>, root: &Root) -> Pole {
    let mut pole = enrolled_holding(&bulletins, root);
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, bulletins));
    pole
}
fn head(generation: u64) -> Head {
    Head {
        version: version(generation),
        made: t(0),
        expires: Some(t(26 * 3_600)),
        root_version: 1,
        audit: None,
        reconnect_jitter_s: 30,
    }
}
fn planned(pole: &Pole) -> Vec<String> {
    let agenda = pole.agent.agenda();
    agenda
        .iter()
        .map(|(_, id)| id.bulletin.to_string())
        .collect()
}
fn endorsed(b: Bulletin, targets: &[Channel], until: WallTime, by: &[&Authenticator]) -> Bulletin {
    let asked = challenge(&b, targets, until);
    let says = Says::at(RELYING_PARTY);
    Bulletin {
        endorsement: Some(Box::new(Endorsement {
            targets: targets.to_vec(),
            until,
            assertions: by.iter().map(|p| p.signs(&asked.0, &says)).collect(),
        })),
        ..b
    }
}

#[test]
fn whom_to_believe_is_asked_for_before_all_else_and_known_again_after_a_power_cut() {
    let mut pole = following(vec![at("news", 600)], &first());
    pole.input(Input::Connected);
    assert!(pole.subscribed.contains(Topic::ROOTS));
    let here = Topic::Approvers("sang-moc".parse().unwrap()).to_string();
    assert!(pole.subscribed.contains(&here));
    assert_eq!(
        pole.office_documents(),
        ["config", "programme:area.sang-moc", "root:1"]
    );
    let pole = pole.loses_power(5);
    assert_eq!(planned(&pole), ["news"]);
    assert_eq!(pole.status().config, Some(version(1)));
}

#[test]
fn a_rotation_forgets_what_the_old_key_signed_and_how_far_it_counted() {
    let last = Version {
        epoch: u64::MAX,
        generation: u64::MAX,
    };
    let mut pole = following(vec![at("news", 600)], &first());
    // A thief with the office's key counts to the end of all numbers.
    pole.hears_config(&SpeakerConfig {
        version: last,
        orders: vec![Order {
            number: u64::MAX,
            what: OrderKind::SelfTest,
            until: t(60),
        }],
        ..config(1)
    });
    pole.hears_programme(&Programme {
        version: last,
        ..programme(area(), 1, vec![at("evil", 10)])
    });
    pole.hears(
        Topic::Head,
        &Head {
            version: last,
            ..head(1)
        },
    );
    assert_eq!(planned(&pole), ["evil"]);
    hears_root(&mut pole, &rotated(first()));
    assert_eq!(planned(&pole), [""; 0]);
    assert_eq!(pole.status().config, None);
    assert_eq!(pole.office_documents(), ["root:1", "root:2"]);
    // The office counts on where it was, with its new key; the thief's does not count at all.
    pole.hears_config(&config(9));
    assert_eq!(pole.refused("not_signed"), 1);
    let own = Topic::Config(SPEAKER.parse().unwrap());
    pole.hears_from(&key(2), own, &config(2));
    let plan = programme(area(), 2, vec![at("news", 600)]);
    pole.hears_from(&key(2), Topic::Programme(area()), &plan);
    pole.hears_from(&key(2), Topic::Head, &head(2));
    assert_eq!(
        (planned(&pole), pole.refused("stale")),
        (vec!["news".into()], 0)
    );
    let pole = pole.loses_power(5);
    assert_eq!(planned(&pole), ["news"]);
    assert_eq!(pole.status().config, Some(version(2)));
}

#[test]
fn what_sounds_ends_when_its_key_is_taken_back() {
    let mut pole = following(vec![at("evil", 60)], &first());
    pole.run_to(70);
    assert_eq!(pole.sounding().as_deref(), Some("evil"));
    hears_root(&mut pole, &rotated(first()));
    pole.run_to(71);
    assert_eq!(pole.sounding(), None);
    assert_eq!(pole.outcomes("evil"), [DISTRUSTED]);
}

#[test]
fn a_pole_whose_configuration_is_not_believed_any_more_stays_as_quiet_as_it_was() {
    let mut pole = following(vec![], &first());
    let quiet = config(2).quiet_hours;
    pole.hears_config(&SpeakerConfig {
        muted: true,
        ..config(2)
    });
    hears_root(&mut pole, &rotated(first()));
    assert!(pole.status().muted);
    // And through a power cut, before the new configuration came.
    let mut pole = pole.loses_power(5);
    assert!(pole.status().muted);
    assert_eq!(pole.status().config, None);
    let loud = programme(area(), 2, vec![at("news", 60)]);
    pole.hears_from(&key(2), Topic::Programme(area()), &loud);
    pole.run_to(200);
    assert_eq!(pole.heard(), []);
    let own = Topic::Config(SPEAKER.parse().unwrap());
    pole.hears_from(&key(2), own, &config(1));
    assert!(!pole.status().muted && !quiet.is_empty());
    assert!(!pole.disk.documents.contains_key("own:rules"));
}

#[test]
fn a_root_that_comes_late_has_everything_asked_for_again() {
    let mut pole = following(vec![], &first());
    pole.input(Input::Connected);
    // The retained programme of the new key came before the root that names it.
    let plan = programme(area(), 2, vec![at("news", 600)]);
    pole.hears_from(&key(2), Topic::Programme(area()), &plan);
    assert_eq!(pole.refused("not_signed"), 1);
    pole.subscribed.clear();
    hears_root(&mut pole, &rotated(first()));
    assert!(
        pole.subscribed
            .contains(&Topic::Programme(area()).to_string())
    );
}

#[test]
fn an_old_root_or_one_on_another_s_topic_is_refused_and_counted() {
    let mut pole = following(vec![], &first());
    hears_root(&mut pole, &rotated(first()));
    hears_root(
        &mut pole,
        &Root {
            made: day(0),
            ..first()
        },
    );
    assert_eq!(pole.refused("stale"), 1);
    let third = Root {
        version: 3,
        ..first()
    };
    pole.hears_bytes(Topic::Root(7), signed(&third, &[&key(100)]));
    assert_eq!(pole.refused("wrong_scope"), 1);
    pole.hears_bytes(Topic::Root(3), signed(&third, &[&key(101)]));
    assert_eq!(pole.refused("not_signed"), 1);
}

#[test]
fn a_programme_past_its_time_starts_nothing_more_and_is_not_taken() {
    let mut pole = following(vec![], &first());
    pole.hears_programme(&Programme {
        expires: Some(t(100)),
        ..programme(area(), 2, vec![at("early", 60), at("late", 200)])
    });
    pole.run_to(300);
    let titles: Vec<String> = pole.heard().into_iter().map(|h| h.0).collect();
    assert_eq!((titles, pole.outcomes("late")), (vec![], vec![]));
    let mut pole = following(vec![at("early", 60), at("late", 200)], &first());
    pole.hears_programme(&Programme {
        expires: Some(t(100)),
        ..programme(area(), 2, vec![at("early", 60), at("late", 200)])
    });
    pole.run_to(300);
    let titles: Vec<String> = pole.heard().into_iter().map(|h| h.0).collect();
    assert_eq!(titles, ["early"]);
    pole.hears_programme(&Programme {
        expires: Some(t(100)),
        ..programme(area(), 3, vec![at("late", 400)])
    });
    assert_eq!(pole.refused("expired"), 1);
}

#[test]
fn a_head_that_does_not_come_any_more_is_told_of_while_the_line_is_up() {
    let mut pole = following(vec![], &first());
    pole.hears(
        Topic::Head,
        &Head {
            expires: Some(t(1_000)),
            ..head(1)
        },
    );
    pole.run_to(3_000);
    assert_eq!(
        pole.faults("frozen"),
        0,
        "without a line nothing is held back"
    );
    pole.input(Input::Connected);
    pole.hears(
        Topic::Head,
        &Head {
            expires: Some(t(2_000)),
            ..head(2)
        },
    );
    assert_eq!(pole.refused("expired"), 1);
    pole.run_to(3_500);
    assert_eq!(pole.faults("frozen"), 0, "the new one may be on its way");
    pole.run_to(3_700);
    assert_eq!(pole.faults("frozen"), 1);
    pole.run_to(10_000);
    assert_eq!(pole.faults("frozen"), 1);
    pole.hears(
        Topic::Head,
        &Head {
            expires: Some(t(99_000)),
            ..head(3)
        },
    );
    pole.run_to(40_000);
    assert_eq!(pole.faults("frozen"), 1);
}

#[test]
fn a_key_that_may_not_raise_alarms_raises_none_and_the_rest_of_its_programme_stays() {
    let mut weak = first();
    weak.office[0].scope.max_priority = Priority::Priority;
    let pole = following(vec![emergency_at("flood", 60), at("news", 600)], &weak);
    assert_eq!(planned(&pole), ["news"]);
    assert!(pole.told("not_endorsed")[0].contains("flood: the key"));
}

// A thief in the office.

#[test]
fn a_stolen_office_raises_no_alarm_and_the_pole_says_why() {
    let tu = Authenticator::new("chú Tư");
    let root = with_approvers(first(), 1, &[("chú Tư", &tu)]);
    let flood = emergency_now("flood", 0);
    let news = at("news", 600);
    let mut pole = enrolled_holding(&[flood.clone(), news.clone()], &root);
    pole.hears_config(&config(1));
    pole.hears_now(&now(2, 0, start(flood.clone())));
    pole.hears_programme(&programme(area(), 3, vec![flood.clone(), news]));
    pole.run_to(120);
    assert_eq!(pole.heard(), []);
    assert_eq!(planned(&pole), ["news"]);
    assert_eq!(
        pole.told("not_endorsed"),
        ["left out: flood: no approver has signed it"]
    );
    // The same alarm sounds once an approver has signed it.
    let good = endorsed(flood, &[area()], t(1_800), &[&tu]);
    pole.hears_now(&now(4, 120, start(good)));
    pole.run_to(130);
    assert_eq!(pole.sounding().as_deref(), Some("flood"));
}

#[test]
fn a_stolen_office_can_neither_change_widen_prolong_nor_repeat_an_alarm() {
    let tu = Authenticator::new("chú Tư");
    let root = with_approvers(first(), 1, &[("chú Tư", &tu)]);
    let good = endorsed(emergency_now("flood", 0), &[area()], t(1_800), &[&tu]);
    let mut pole = enrolled_holding(std::slice::from_ref(&good), &root);
    pole.hears_config(&config(1));
    pole.hears_now(&now(2, 0, start(good.clone())));
    pole.run_to(60);
    assert_eq!(pole.heard().len(), 1);
    let changed = [
        Bulletin {
            volume: 50,
            ..good.clone()
        },
        Bulletin {
            valid_until: Some(t(7_200)),
            ..good.clone()
        },
        Bulletin {
            id: "flood-2".parse().unwrap(),
            ..good.clone()
        },
        Bulletin {
            repeat: loa_protocol::bulletin::Repeat {
                times: 9,
                every_s: 60,
            },
            ..good.clone()
        },
        // Under another date it would be another occurrence.
        Bulletin {
            when: When::Now {
                at: t(60),
                date: "2026-11-25".into(),
            },
            ..good.clone()
        },
        // Said again at another hour.
        Bulletin {
            when: When::Now {
                at: t(60),
                date: "2026-11-24".into(),
            },
            ..good.clone()
        },
    ];
    for (n, b) in changed.into_iter().enumerate() {
        let revision = 2 + n as u32;
        let b = Bulletin { revision, ..b };
        pole.hears_now(&now(3 + n as u64, 60, start(b)));
        pole.run_s(90);
    }
    // On the pole's own channel, for which nobody approved it.
    pole.hears_programme(&programme(
        own(),
        9,
        vec![Bulletin {
            id: "b".parse().unwrap(),
            ..good
        }],
    ));
    pole.run_s(600);
    assert_eq!(pole.heard().len(), 1);
}

#[test]
fn an_alarm_falls_silent_when_its_approval_ends_and_when_its_approver_is_taken_out() {
    let tu = Authenticator::new("chú Tư");
    let root = with_approvers(first(), 1, &[("chú Tư", &tu)]);
    let brief = Bulletin {
        valid_until: Some(t(20)),
        ..emergency_now("flood", 0)
    };
    let good = endorsed(brief, &[area()], t(20), &[&tu]);
    let mut pole = enrolled_holding(std::slice::from_ref(&good), &root);
    pole.hears_config(&config(1));
    pole.hears_now(&now(2, 0, start(good.clone())));
    pole.run_to(60);
    assert_eq!(pole.outcomes("flood"), [DISTRUSTED]);
    let (_, _, until, _) = pole.heard()[0].clone();
    assert!((20.0..20.1).contains(&until), "{until}");

    let good = endorsed(emergency_now("flood", 0), &[area()], t(1_800), &[&tu]);
    let mut pole = enrolled_holding(std::slice::from_ref(&good), &root);
    pole.hears_config(&config(1));
    pole.hears_now(&now(2, 0, start(good)));
    pole.run_to(10);
    assert_eq!(pole.sounding().as_deref(), Some("flood"));
    let without = Root {
        version: 2,
        approvers: vec![],
        ..root
    };
    hears_root(&mut pole, &without);
    pole.run_to(11);
    assert_eq!(pole.outcomes("flood"), [DISTRUSTED]);
    assert!(pole.told("not_endorsed")[0].contains("too few"));
}

#[test]
fn an_alarm_on_the_disk_is_judged_again_at_every_start_and_when_the_rule_changes() {
    let tu = Authenticator::new("chú Tư");
    let weaker = first();
    let mut pole = following(vec![emergency_at("flood", 600)], &weaker);
    assert_eq!(planned(&pole), ["flood"], "the office's word is enough");
    let stricter = Root {
        version: 2,
        ..with_approvers(first(), 1, &[("chú Tư", &tu)])
    };
    hears_root(&mut pole, &stricter);
    assert_eq!(planned(&pole), [""; 0]);
    let mut pole = pole.loses_power(5);
    assert_eq!(planned(&pole), [""; 0]);
    hears_root(
        &mut pole,
        &Root {
            version: 3,
            ..weaker
        },
    );
    assert_eq!(planned(&pole), ["flood"]);
}

#[test]
fn approvers_whom_the_hamlet_s_key_named_are_kept_though_the_pole_leaves_the_hamlet() {
    let lan = Authenticator::new("bà Lan");
    let mut root = with_approvers(first(), 1, &[]);
    root.areas = vec![area_key(&key(50), "sang-moc")];
    let flood = endorsed(emergency_at("flood", 600), &[area()], t(2_400), &[&lan]);
    let mut pole = following(vec![flood], &root);
    assert_eq!(planned(&pole), [""; 0]);
    let named = approvers(
        "sang-moc",
        2,
        vec![approver("bà Lan", &lan, &["area.sang-moc"])],
    );
    let topic = Topic::Approvers("sang-moc".parse().unwrap());
    pole.hears_from(&key(50), topic.clone(), &named);
    assert_eq!(planned(&pole), ["flood"]);
    let mut pole = pole.loses_power(5);
    assert_eq!(planned(&pole), ["flood"]);
    // Of a place that it does not lie in it takes none.
    let elsewhere = Topic::Approvers("na-rang".parse().unwrap());
    pole.hears_bytes(elsewhere, seal(&named, &key(50)));
    assert_eq!(pole.refused("wrong_scope"), 1);
    pole.hears_config(&SpeakerConfig {
        channels: vec![own()],
        ..config(2)
    });
    let kept = ["approvers:sang-moc", "config", "root:1"];
    assert_eq!(pole.office_documents(), kept);
    let mut pole = pole.loses_power(5);
    assert_eq!(pole.office_documents(), kept);
    // Otherwise somebody who was taken off the list would be on it again.
    pole.hears_config(&config(3));
    let former = Authenticator::new("ông Ba");
    let older = approvers(
        "sang-moc",
        1,
        vec![approver("ông Ba", &former, &["area.sang-moc"])],
    );
    pole.hears_from(&key(50), topic, &older);
    assert_eq!(pole.refused("stale"), 1);
}

#[test]
fn a_key_that_ran_out_tells_no_time_and_sets_nothing_on_a_pole_that_lost_its_clock() {
    let two = root(1, &[&key(100)], 1, &[&key(1), &key(2)]);
    let ran_out = day(30);
    let mut two = Root {
        made: day(0),
        ..two
    };
    two.office[0].expires = ran_out;
    let disk = Disk {
        anchor: Some(Anchor::RootKey(key(100).verifying_key())),
        ..Disk::default()
    };
    let mut pole = Pole::untrusted(disk, 64 << 20);
    hears_root(&mut pole, &two);
    pole.hears_from(&key(2), Topic::Config(SPEAKER.parse().unwrap()), &config(1));
    pole.input(Input::Connected);
    pole.system_us = 0;
    pole.run_s(1);
    let reply = |pole: &Pole, at: WallTime| {
        let asked: loa_protocol::clock::ClockRequest = pole
            .last_published(|topic| matches!(topic, Topic::Clock(_)))
            .unwrap();
        loa_protocol::clock::ClockReply {
            speaker: SPEAKER.parse().unwrap(),
            nonce: asked.nonce,
            received: at,
            sent: at,
        }
    };
    let clock = || Topic::ClockReply(SPEAKER.parse().unwrap());
    let honest = reply(&pole, day(40));
    pole.hears_from(&key(2), clock(), &honest);
    // An hour later it is firm.
    pole.run_s(3_600);
    let asked = |pole: &Pole| reply(pole, day(40)).nonce;
    let before = asked(&pole);
    while asked(&pole) == before {
        pole.run_s(1);
    }
    let again = reply(&pole, day(40).plus_s(3_640));
    pole.hears_from(&key(2), clock(), &again);
    assert_eq!(pole.status().clock.trust, loa_protocol::time::Trust::Synced);
    pole.disk.machine += 1;
    let mut pole = Pole::untrusted_after(pole, 5);
    pole.system_us = 0;
    pole.input(Input::Connected);
    pole.run_s(1);
    pole.hears_from(
        &key(1),
        Topic::Config(SPEAKER.parse().unwrap()),
        &config(u64::MAX),
    );
    let backwards = reply(&pole, day(29));
    pole.hears_from(&key(1), clock(), &backwards);
    assert_eq!(pole.refused("expired"), 2);
    assert_eq!(
        pole.status().clock.trust,
        loa_protocol::time::Trust::Untrusted
    );
    // Nor can a key carry the time beyond its own.
    let ahead = reply(&pole, two.office[1].expires.plus_s(1));
    pole.hears_from(&key(2), clock(), &ahead);
    assert_eq!(pole.refused("expired"), 3);
}

// A witness, and a voice of its own.

fn checkpoint(entries: u64, last: &[u8]) -> Option<Checkpoint> {
    Some(Checkpoint {
        entries,
        hash: Sha::of(last),
    })
}

#[test]
fn a_pole_tells_on_an_audit_log_that_was_shortened_or_rewritten() {
    let mut pole = Pole::with(vec![]);
    let hears = |pole: &mut Pole, generation, audit| {
        pole.hears(
            Topic::Head,
            &Head {
                audit,
                ..head(generation)
            },
        );
    };
    hears(&mut pole, 1, checkpoint(10, b"ten"));
    hears(&mut pole, 2, checkpoint(12, b"twelve"));
    assert_eq!(
        (pole.status().audit, pole.faults("audit_rewound")),
        (checkpoint(12, b"twelve"), 0)
    );
    hears(&mut pole, 3, checkpoint(11, b"eleven"));
    assert_eq!(pole.faults("audit_rewound"), 1);
    pole.run_to(61);
    hears(&mut pole, 4, checkpoint(12, b"another twelve"));
    assert_eq!(pole.faults("audit_rewound"), 2);
    let mut pole = pole.loses_power(5);
    assert_eq!(pole.status().audit, checkpoint(12, b"twelve"));
    hears(&mut pole, 5, checkpoint(13, b"thirteen"));
    assert_eq!(pole.status().audit, checkpoint(13, b"thirteen"));
}

#[test]
fn a_checkpoint_of_a_key_that_was_taken_back_is_told_of_and_then_let_go() {
    let mut pole = following(vec![], &first());
    pole.hears(
        Topic::Head,
        &Head {
            audit: checkpoint(u64::MAX, b"evil"),
            ..head(1)
        },
    );
    hears_root(&mut pole, &rotated(first()));
    let honest = Head {
        audit: checkpoint(20, b"twenty"),
        ..head(1)
    };
    pole.hears_from(&key(2), Topic::Head, &honest);
    assert_eq!(pole.faults("audit_rewound"), 1);
    assert_eq!(pole.status().audit, checkpoint(20, b"twenty"));
}

#[test]
fn what_an_enrolled_pole_says_bears_its_own_signature() {
    let disk = Disk {
        signing: Some(key(60)),
        ..Disk::default()
    };
    let mut pole = Pole::on(disk, 64 << 20);
    pole.hears_config(&config(1));
    pole.hears_programme(&programme(area(), 1, vec![at("news", 60)]));
    pole.input(Input::Connected);
    pole.run_to(5);
    let ring = Keyring::new([key(60).verifying_key()]);
    let mut said = std::collections::BTreeSet::new();
    for (topic, bytes) in &pole.published {
        let is_signed = match topic {
            Topic::Status(_) => open::<SpeakerStatus>(bytes, &ring).is_ok(),
            Topic::Events(_) => open::<loa_protocol::event::Events>(bytes, &ring).is_ok(),
            Topic::Want(_) => open::<loa_protocol::content::Wants>(bytes, &ring).is_ok(),
            Topic::Clock(_) => open::<loa_protocol::clock::ClockRequest>(bytes, &ring).is_ok(),
            other => panic!("{other} is not a pole's to say"),
        };
        assert!(is_signed, "{topic}");
        said.insert(topic.to_string());
    }
    assert_eq!(said.len(), 4);
    assert!(open_unsigned::<SpeakerStatus>(&pole.agent.seal(&pole.status())).is_ok());
}
