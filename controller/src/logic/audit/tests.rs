use super::*;

fn entry(number: u64) -> Entry {
    Entry {
        number,
        at: WallTime::from_micros(1_795_496_400_000_000),
        user: Some("u0123456789abcdef".into()),
        session: None,
        address: Some("192.0.2.7".into()),
        action: "POST /bulletins/{id}/approve".into(),
        subject: "b0123456789abcdef".into(),
        details: r#"{"digest":"ấy"}"#.into(),
    }
}

fn log(length: u64) -> Vec<Kept> {
    let mut previous = BEGINNING;
    (1..=length)
        .map(|number| {
            let entry = entry(number);
            let hash = hash(&previous, &entry);
            let kept = Kept {
                entry,
                previous,
                hash,
            };
            previous = hash;
            kept
        })
        .collect()
}

/// Where a walk along the log ends, and why.
fn walk(log: &[Kept]) -> Result<Checkpoint, (u64, Broken)> {
    let mut chain = Chain::default();
    for kept in log {
        chain
            .follow(kept)
            .map_err(|broken| (kept.entry.number, broken))?;
    }
    Ok(chain.last())
}

#[test]
fn an_entrys_hash_is_what_the_documentation_says() {
    // As docs/audit.md spells it out; made there with sha256sum.
    let bytes = [
        b"loa-audit-1\n".as_slice(),
        &[0; 32],
        b"1:1,16:1795496400000000,17:u0123456789abcdef,-,9:192.0.2.7,28:POST /bulletins/{id}/approve,",
        "17:b0123456789abcdef,17:{\"digest\":\"ấy\"},".as_bytes(),
    ]
    .concat();
    assert_eq!(hash(&BEGINNING, &entry(1)), Sha::of(&bytes));
}

#[test]
fn a_log_that_nobody_touched_is_whole() {
    let log = log(20);
    let last = walk(&log).expect("a whole log");
    assert_eq!((last.entries, last.hash), (20, log[19].hash));
    assert_eq!(walk(&[]), Ok(Chain::default().last()));
}

#[test]
fn every_field_of_every_entry_is_held_fast() {
    type Touch = fn(&mut Entry);
    let touches: [Touch; 8] = [
        |e| e.number += 1,
        |e| e.at = e.at.plus_s(1),
        |e| e.user = None,
        |e| e.session = Some(String::new()),
        |e| e.address = Some("192.0.2.8".into()),
        |e| e.action.push(' '),
        |e| e.subject.clear(),
        |e| e.details = "{}".into(),
    ];
    for touch in touches {
        for at in 0..5 {
            let mut log = log(5);
            touch(&mut log[at].entry);
            let (number, _) = walk(&log).expect_err("a touched log");
            assert_eq!(number, log[at].entry.number);
        }
    }
}

#[test]
fn an_entry_taken_out_put_in_or_written_anew_is_found() {
    let mut without = log(5);
    without.remove(2);
    assert_eq!(walk(&without), Err((4, Broken::Hole)));

    let mut swapped = log(5);
    swapped.swap(1, 2);
    assert_eq!(walk(&swapped), Err((3, Broken::Hole)));

    // Whoever writes one anew must write all that follow.
    let mut anew = log(5);
    anew[1].entry.user = None;
    anew[1].hash = hash(&anew[1].previous, &anew[1].entry);
    assert_eq!(walk(&anew), Err((3, Broken::Previous)));
}

#[test]
fn no_field_runs_into_the_next() {
    let mut one = entry(1);
    (one.action, one.subject) = ("POST /stop".into(), String::new());
    let mut other = entry(1);
    (other.action, other.subject) = ("POST /sto".into(), "p".into());
    assert_ne!(hash(&BEGINNING, &one), hash(&BEGINNING, &other));
    let (mut nobody, mut nameless) = (entry(1), entry(1));
    (nobody.user, nameless.user) = (None, Some(String::new()));
    assert_ne!(hash(&BEGINNING, &nobody), hash(&BEGINNING, &nameless));
}

#[test]
fn what_opens_something_is_not_written_down() {
    let body = r#"{"username":"can-bo","password":"mật khẩu","code":"123456","new_password":null,
        "tell":[{"by":"webhook","to":"https://hooks.example/T0/B0/xyz?k=1"}],
        "inner":{"setup_token":"abc","api_key":{"a":1},"title":"Họp xóm"}}"#;
    let kept: serde_json::Value = serde_json::from_str(&details(body.as_bytes())).expect("JSON");
    assert_eq!(
        kept,
        serde_json::json!({
            "username": "can-bo", "password": "(not kept)", "code": "(not kept)", "new_password": null,
            "tell": [{ "by": "webhook", "to": "https://hooks.example" }],
            "inner": { "setup_token": "(not kept)", "api_key": "(not kept)", "title": "Họp xóm" },
        })
    );
}

#[test]
fn a_long_body_is_cut_with_a_mark_and_stays_json() {
    let text = "đ".repeat(5_000);
    let one = details(serde_json::json!({ "text": text }).to_string().as_bytes());
    assert!(one.len() < 600 && one.contains('…'), "{one}");
    let many: Vec<_> = (0..30)
        .map(|n| format!("{n}\"{}", "ư".repeat(200)))
        .collect();
    for body in [
        serde_json::json!({ "targets": many }).to_string(),
        serde_json::json!({ "targets": vec!["area:x"; 500] }).to_string(),
        format!(
            "{}{}",
            r#"{"a":"#.repeat(100),
            "1".to_owned() + &"}".repeat(100)
        ),
    ] {
        let kept = details(body.as_bytes());
        assert!(kept.len() <= MAX_DETAILS_BYTES, "{}", kept.len());
        let value: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
        assert!(value.is_object() && kept.contains('…'), "{kept}");
    }
    assert_eq!(details(b"no JSON"), "{}");
    assert_eq!(details(b""), "{}");
}
