//! What guards the village: the account of a person, the keys of approvers, and the log of what was done.

use std::time::Duration;

use loa_tests::process::{
    browser,
    commune::{ADMINISTRATOR, APPROVER, Commune, HEAD, OFFICER},
};
use serde_json::{Value, json};

use super::text;

fn no_faults(answer: &Value) {
    assert_eq!(answer["faults"], json!([]), "{answer}");
}

#[test]
fn a_person_signs_in_by_passkey_or_by_code_and_signs_a_lost_phone_out() {
    let commune = Commune::start();
    let task = json!({"administrator": ADMINISTRATOR});
    no_faults(&browser::run(&commune.village, "security", &task));
}

#[test]
fn an_emergency_waits_for_the_approvers_key_and_then_enrolled_poles_sound_it() {
    let commune = Commune::start();
    let village = &commune.village;
    let made = browser::run(village, "passkey", &json!({"approver": APPROVER}));
    let told = village
        .office
        .command(&["keys", "approve-by", "passkey", "--needed", "1"]);
    println!("{told}");
    let answer = browser::run(
        village,
        "endorse",
        &json!({
            "officer": OFFICER, "approver": APPROVER, "credentials": made["credentials"],
            "text": "Lũ đang về. Bà con lên nhà văn hóa ngay.",
        }),
    );
    no_faults(&answer);
    let given = answer["given"][0].as_str().unwrap_or_default();
    assert!(given.starts_with("Triệu Văn Minh"), "{answer}");
    let bulletin = text(&answer, "bulletin");
    let rows = village.wait_for_outcomes(&bulletin, 2, Duration::from_secs(60));
    assert!(
        rows.iter()
            .all(|row| row.outcome.as_deref() == Some("completed")),
        "{rows:?}"
    );
    assert!(!village.poles[0].recordings().is_empty());
}

#[test]
fn an_administrator_adds_and_retires_a_pole_and_all_that_was_done_stands_in_the_log() {
    let commune = Commune::start();
    let answer = browser::run(
        &commune.village,
        "governing",
        &json!({"administrator": ADMINISTRATOR, "approver_name": "Triệu Văn Minh"}),
    );
    no_faults(&answer);
    let sticker = std::fs::read(commune.village.folder().join("sticker.pdf")).expect("a sticker");
    assert!(sticker.starts_with(b"%PDF") && sticker.len() > 4_000);
}

#[test]
fn what_needs_proof_asks_in_place_and_nothing_that_was_said_or_typed_is_lost() {
    let commune = Commune::start();
    let village = &commune.village;
    let answer = browser::run(
        village,
        "proof",
        &json!({"head": HEAD, "administrator": ADMINISTRATOR, "text": "Mời bà con họp xóm tối nay."}),
    );
    no_faults(&answer);
    let rows = village.wait_for_outcomes(&text(&answer, "bulletin"), 2, Duration::from_secs(60));
    assert_eq!(rows.len(), 2, "said once: {rows:?}");
}
