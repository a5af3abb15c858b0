//! Passkeys: real keys on P-256, and everything that somebody might send in place of them.

use serde_json::{Value, json};

use super::{Answer, Office, PASSWORD, authenticator::Phone, office, office_with};
use crate::{config::Config, logic::permissions::Role};

const CHALLENGE: &str = "/api/v1/session/passkey_challenge";
const SIGN_IN: &str = "/api/v1/session/passkey";

async fn officer(office: &Office) -> String {
    office.somebody("officer", Role::Officer, None).await
}

/// Adds the phone's passkey for whoever holds the token.
async fn adds(office: &Office, token: &str, phone: &Phone) -> Value {
    let asked = office
        .post(token, "/api/v1/me/passkeys/challenge", &json!({}))
        .await
        .ok();
    let made = phone.register(&asked, "Điện thoại");
    office.post(token, "/api/v1/me/passkeys", &made).await.ok()
}

async fn asked(office: &Office) -> Value {
    let who = json!({ "username": "officer" });
    office.post("", CHALLENGE, &who).await.ok()
}

async fn signs_in(office: &Office, assertion: &Value) -> Answer {
    office.post("", SIGN_IN, assertion).await
}

#[tokio::test]
async fn a_passkey_alone_signs_in() {
    let office = office().await;
    let officer = officer(&office).await;
    let mut phone = Phone::new();
    let made = adds(&office, &officer, &phone).await;
    // The first second factor comes with a paper for who loses it.
    assert_eq!(
        made["recovery_codes"].as_array().expect("codes").len(),
        10,
        "{made}"
    );
    let challenge = asked(&office).await;
    assert_eq!(challenge["relying_party"], "localhost");
    assert_eq!(challenge["allow"], json!([]));
    let session = signs_in(&office, &phone.sign(&challenge)).await.ok();
    assert_eq!(session["user"]["username"], "officer");
    let token = session["token"].as_str().expect("a token");
    let mine = office.get(token, "/api/v1/me/passkeys").await.ok();
    assert_eq!(
        (&mine["passkeys"][0]["name"], &mine["passkeys"][0]["id"]),
        (&json!("Điện thoại"), &made["id"])
    );
    assert!(mine["passkeys"][0]["used"].is_string());
    // Without a name any passkey that the phone has may answer.
    let challenge = office.post("", CHALLENGE, &json!({})).await.ok();
    assert_eq!(challenge["allow"], json!([]));
    signs_in(&office, &phone.sign(&challenge)).await.ok();
    // A second one brings no second paper.
    let second = adds(&office, &officer, &Phone::new()).await;
    assert_eq!(second["recovery_codes"], json!([]));
}

#[tokio::test]
async fn the_password_of_who_has_a_passkey_is_not_enough() {
    let office = office().await;
    let officer = officer(&office).await;
    let made = adds(&office, &officer, &Phone::new()).await;
    let mut asked = json!({ "username": "officer", "password": PASSWORD });
    let half = office.post("", "/api/v1/session", &asked).await;
    assert_eq!(half.refusal(), (401, "second_factor_needed"));
    assert_eq!(
        half.body["error"]["details"]["methods"],
        json!(["passkey", "recovery_code"])
    );
    asked["code"] = made["recovery_codes"][0].clone();
    office.post("", "/api/v1/session", &asked).await.ok();
}

#[tokio::test]
async fn an_assertion_is_taken_once() {
    let office = office().await;
    let officer = officer(&office).await;
    let mut phone = Phone::new();
    adds(&office, &officer, &phone).await;
    let assertion = phone.sign(&asked(&office).await);
    signs_in(&office, &assertion).await.ok();
    let replayed = signs_in(&office, &assertion).await;
    assert_eq!(replayed.refusal(), (409, "challenge_gone"));
    let slow = phone.sign(&asked(&office).await);
    office.village.clock.pass_s(301);
    let late = signs_in(&office, &slow).await;
    assert_eq!(late.refusal(), (409, "challenge_gone"));
}

#[tokio::test]
async fn what_was_signed_on_another_page_is_refused() {
    let office = office().await;
    let officer = officer(&office).await;
    let mut phone = Phone::new();
    adds(&office, &officer, &phone).await;
    for origin in [
        "https://localhost.evil.example",
        "https://evil.example",
        "https://sub.localhost",
        "null",
    ] {
        phone.origin = origin;
        let refused = signs_in(&office, &phone.sign(&asked(&office).await)).await;
        assert_eq!(refused.refusal(), (403, "passkey_refused"), "{origin}");
    }
    let challenge = office
        .post(&officer, "/api/v1/me/passkeys/challenge", &json!({}))
        .await
        .ok();
    let mut other = Phone::new();
    other.origin = "https://evil.example";
    let made = other.register(&challenge, "x");
    let refused = office.post(&officer, "/api/v1/me/passkeys", &made).await;
    assert_eq!(refused.refusal(), (403, "passkey_refused"));
}

#[tokio::test]
async fn a_passkey_of_the_office_s_own_host_is_signed_on_its_own_page_only() {
    let mut config = Config::default();
    config.server.public_url = Some("https://loa.xa.vn".into());
    let office = office_with(config).await;
    let officer = officer(&office).await;
    let mut phone = Phone::new();
    phone.origin = "https://loa.xa.vn";
    adds(&office, &officer, &phone).await;
    let challenge = asked(&office).await;
    assert_eq!(challenge["relying_party"], "loa.xa.vn");
    signs_in(&office, &phone.sign(&challenge)).await.ok();
    // A browser would let a page below it sign; the office does not take that.
    for origin in [
        "https://other.loa.xa.vn",
        "http://loa.xa.vn",
        "https://loa.xa.vn:444",
    ] {
        phone.origin = origin;
        let refused = signs_in(&office, &phone.sign(&asked(&office).await)).await;
        assert_eq!(refused.refusal(), (403, "passkey_refused"), "{origin}");
    }
    // For another relying party it is another passkey.
    phone.origin = "https://loa.xa.vn";
    let challenge = asked(&office).await;
    let text = challenge["challenge"].as_str().expect("a challenge");
    let refused = signs_in(&office, &phone.sign_for(text, "xa.vn")).await;
    assert_eq!(refused.refusal(), (403, "passkey_refused"));
}

#[tokio::test]
async fn a_challenge_is_good_for_its_purpose_and_its_session_only() {
    let office = office().await;
    let officer = officer(&office).await;
    let mut phone = Phone::new();
    adds(&office, &officer, &phone).await;
    let proof = "/api/v1/session/proof/passkey";
    let ask = format!("{proof}_challenge");
    // To prove with what was given out for signing in, and the other way round.
    let to_sign_in = phone.sign(&asked(&office).await);
    let refused = office.post(&officer, proof, &to_sign_in).await;
    assert_eq!(refused.refusal(), (409, "challenge_gone"));
    let challenge = office.post(&officer, &ask, &json!({})).await.ok();
    let refused = signs_in(&office, &phone.sign(&challenge)).await;
    assert_eq!(refused.refusal(), (409, "challenge_gone"));
    // In another session of the same person.
    let challenge = asked(&office).await;
    let session = signs_in(&office, &phone.sign(&challenge)).await.ok();
    let elsewhere = session["token"].as_str().expect("a token");
    let challenge = office.post(&officer, &ask, &json!({})).await.ok();
    let signed = phone.sign(&challenge);
    let refused = office.post(elsewhere, proof, &signed).await;
    assert_eq!(refused.refusal(), (409, "challenge_gone"));
    // For a new passkey.
    let challenge = office.post(&officer, &ask, &json!({})).await.ok();
    let made = Phone::new().register(&challenge, "x");
    let refused = office.post(&officer, "/api/v1/me/passkeys", &made).await;
    assert_eq!(refused.refusal(), (409, "challenge_gone"));
    let challenge = office.post(&officer, &ask, &json!({})).await.ok();
    office
        .post(&officer, proof, &phone.sign(&challenge))
        .await
        .ok();
}

#[tokio::test]
async fn nobody_proves_with_somebody_else_s_passkey() {
    let office = office().await;
    let officer = officer(&office).await;
    let (mut mine, mut theirs) = (Phone::new(), Phone::new());
    adds(&office, &officer, &mine).await;
    adds(&office, &office.chief, &theirs).await;
    let proof = "/api/v1/session/proof/passkey";
    let ask = format!("{proof}_challenge");
    let challenge = office.post(&officer, &ask, &json!({})).await.ok();
    let refused = office.post(&officer, proof, &theirs.sign(&challenge)).await;
    assert_eq!(refused.refusal(), (403, "passkey_unknown"));
    // Nor signs in as one who was named with the passkey of another.
    let refused = signs_in(&office, &theirs.sign(&asked(&office).await)).await;
    assert_eq!(refused.refusal(), (403, "passkey_unknown"));
    // Somebody else's signature under my credential.
    let challenge = asked(&office).await;
    let mut forged = mine.sign(&challenge);
    forged["signature"] = theirs.sign(&challenge)["signature"].clone();
    let refused = signs_in(&office, &forged).await;
    assert_eq!(refused.refusal(), (403, "passkey_refused"));
}

#[tokio::test]
async fn a_copy_of_a_passkey_that_counts_is_refused() {
    let office = office().await;
    let officer = officer(&office).await;
    let mut phone = Phone::new();
    phone.counter = Some(7);
    adds(&office, &officer, &phone).await;
    signs_in(&office, &phone.sign(&asked(&office).await))
        .await
        .ok();
    for copied in [Some(3), Some(7), None] {
        phone.counter = copied;
        let refused = signs_in(&office, &phone.sign(&asked(&office).await)).await;
        assert_eq!(refused.refusal(), (403, "passkey_copied"), "{copied:?}");
    }
    phone.counter = Some(20);
    signs_in(&office, &phone.sign(&asked(&office).await))
        .await
        .ok();
}

#[tokio::test]
async fn a_phone_that_lies_open_on_the_table_does_not_sign_in() {
    let office = office().await;
    let officer = officer(&office).await;
    let mut phone = Phone::new();
    adds(&office, &officer, &phone).await;
    // Touched, but nobody was asked for finger or PIN.
    phone.flags = 0x01;
    let refused = signs_in(&office, &phone.sign(&asked(&office).await)).await;
    assert_eq!(refused.refusal(), (403, "passkey_refused"));
}

#[tokio::test]
async fn a_passkey_that_was_taken_away_is_unknown_and_names_tell_nothing() {
    let office = office().await;
    let officer = officer(&office).await;
    let mut phone = Phone::new();
    let made = adds(&office, &officer, &phone).await;
    let path = format!("/api/v1/me/passkeys/{}", made["id"].as_str().expect("id"));
    let foreign = office.delete(&office.chief, &path).await;
    assert_eq!(foreign.refusal(), (404, "not_found"));
    assert_eq!(office.delete(&officer, &path).await.status, 204);
    let refused = signs_in(&office, &phone.sign(&asked(&office).await)).await;
    assert_eq!(refused.refusal(), (403, "passkey_unknown"));
    // A person with passkeys, one without, and nobody at all look alike.
    let other = Phone::new();
    adds(&office, &officer, &other).await;
    for name in ["officer", "chief", "nobody"] {
        let who = json!({ "username": name });
        let first = office.post("", CHALLENGE, &who).await.ok();
        let again = office.post("", CHALLENGE, &who).await.ok();
        assert_eq!(first["allow"], json!([]));
        assert_ne!(first["challenge"], again["challenge"]);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_said_to_be_unreadable() {
    let office = office().await;
    let officer = officer(&office).await;
    let mut phone = Phone::new();
    adds(&office, &officer, &phone).await;
    for field in ["credential", "authenticator_data", "client_data"] {
        let mut assertion = phone.sign(&asked(&office).await);
        assertion[field] = json!("không phải base64");
        let refused = signs_in(&office, &assertion).await;
        assert_eq!(refused.refusal(), (422, "passkey_invalid"), "{field}");
    }
    let mut long = phone.sign(&asked(&office).await);
    long["client_data"] = json!("A".repeat(20_000));
    let refused = signs_in(&office, &long).await;
    assert_eq!(refused.refusal(), (422, "passkey_invalid"));
    let twice = adds_again(&office, &officer, &phone).await;
    assert_eq!(twice.refusal(), (409, "taken"));
}

async fn adds_again(office: &Office, token: &str, phone: &Phone) -> Answer {
    let asked = office
        .post(token, "/api/v1/me/passkeys/challenge", &json!({}))
        .await
        .ok();
    assert_eq!(asked["exclude"], json!([phone.credential()]));
    let made = phone.register(&asked, "x");
    office.post(token, "/api/v1/me/passkeys", &made).await
}
