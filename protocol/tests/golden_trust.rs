//! One sealed example of each document of trust, as bytes that must never change by accident.
//! `LOA_BLESS=1` writes them anew.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, path::PathBuf};

use common::*;
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    certificate::{Certificate, Renewal},
    content::{Manifest, Sha},
    endorsement::{Assertion, Endorsement, challenge},
    envelope::{Document, Keyring, open, seal},
    head::{Checkpoint, Head},
    programme::{Programme, Version},
    root::{Approver, EmergencyBy, Root, Scope},
};

const VERSION: Version = Version {
    epoch: 1,
    generation: 42,
};

/// The key of the golden documents signs them all: 32 bytes of 7.
fn hold<D: Document + PartialEq + std::fmt::Debug>(name: &str, document: &D) {
    let bytes = seal(document, &key(7));
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(format!("{name}.hex"));
    let lines: String = hex::encode(&bytes)
        .as_bytes()
        .chunks(100)
        .map(|line| format!("{}\n", String::from_utf8_lossy(line)))
        .collect();
    if std::env::var_os("LOA_BLESS").is_some() {
        fs::write(&path, &lines).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert_eq!(golden, lines, "{name} is not written as it was");
    let bytes = hex::decode(golden.replace('\n', "")).unwrap();
    let ring = Keyring::new([key(7).verifying_key()]);
    assert_eq!(&open::<D>(&bytes, &ring).unwrap(), document);
}

fn somebody(channels: &[&str]) -> Approver {
    Approver {
        name: "Nguyễn Văn Tư".into(),
        credential: vec![0x11; 16],
        key: [&[4][..], &[0x22; 64]].concat(),
        channels: channels.iter().map(|c| c.parse().unwrap()).collect(),
        expires: day(365),
    }
}

#[test]
fn roots_and_approvers_are_written_as_they_were() {
    let mut whole: Root = root(3, &[&key(7), &key(8)], 1, &[&key(7), &key(9)]);
    whole.office[1].scope = Scope {
        documents: vec!["programme".into(), "now".into()],
        channels: vec!["area.khuoi-meo".parse().unwrap()],
        max_priority: Priority::Priority,
    };
    whole.areas = vec![area_key(&key(10), "khuoi-meo")];
    whole.emergency.by = EmergencyBy::Passkey;
    whole.approvers = vec![somebody(&[])];
    hold("root", &whole);
    let named = approvers("khuoi-meo", 5, vec![somebody(&["area.khuoi-meo"])]);
    hold("approvers", &named);
}

#[test]
fn a_renewal_and_its_certificate_are_written_as_they_were() {
    hold(
        "renewal",
        &Renewal {
            speaker: "ban-chuong-1".parse().unwrap(),
            request: vec![0x30; 40],
        },
    );
    hold(
        "certificate",
        &Certificate {
            speaker: "ban-chuong-1".parse().unwrap(),
            certificate: vec![0x31; 40],
            authorities: vec![vec![0x32; 40].into(), vec![0x33; 40].into()],
        },
    );
}

#[test]
fn a_head_with_its_audit_and_an_endorsed_alarm_are_written_as_they_were() {
    hold(
        "head_audit",
        &Head {
            version: VERSION,
            made: day(0),
            expires: Some(day(1)),
            root_version: 3,
            audit: Some(Checkpoint {
                entries: 1_234,
                hash: Sha::of(b"the last entry"),
            }),
            reconnect_jitter_s: 30,
        },
    );
    let alarm = Bulletin {
        endorsement: None,
        id: "flood".parse().unwrap(),
        revision: 2,
        title: "Lũ về".into(),
        priority: Priority::Emergency,
        status: Status::Actual,
        order: 0,
        source: loa_protocol::bulletin::Source::Content(Manifest::of(&[5; 20_000], 5_000)),
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
        valid_until: Some(day(0).plus_s(1_800)),
    };
    let targets = vec![
        "area.sang-moc".parse().unwrap(),
        "area.khuoi-meo".parse().unwrap(),
    ];
    let until = day(0).plus_s(1_800);
    // The bytes that a passkey signs are as much a promise as the documents are.
    let asked = challenge(&alarm, &targets, until);
    assert_eq!(asked.to_string(), CHALLENGE);
    let assertion = Assertion {
        credential: vec![0x11; 16],
        authenticator_data: vec![0x44; 37],
        client_data: b"{\"type\":\"webauthn.get\"}".to_vec(),
        signature: vec![0x30; 70],
    };
    let alarm = Bulletin {
        endorsement: Some(Box::new(Endorsement {
            targets,
            until,
            assertions: vec![assertion],
        })),
        ..alarm
    };
    hold(
        "programme_endorsed",
        &Programme {
            channel: "area.sang-moc".parse().unwrap(),
            version: VERSION,
            made: day(0),
            expires: Some(day(45)),
            silence_before: None,
            bulletins: vec![alarm],
        },
    );
}

const CHALLENGE: &str = "4ad81d92bf0f9e1cfddbc00676447636e489dd0a6e2e69aecc0c5d21e4ac3ef5";
