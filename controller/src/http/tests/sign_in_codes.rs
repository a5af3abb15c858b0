//! Codes from a phone, and the paper for who lost it.

use serde_json::{Value, json};

use super::{Answer, Office, PASSWORD, office};
use crate::{auth::totp, clock::Clock, logic::permissions::Role};

const SESSION: &str = "/api/v1/session";

/// The officer scans the QR code: the secret that the phone has now, and the paper.
async fn scans(office: &Office, token: &str) -> (String, Vec<String>) {
    let empty = json!({});
    let shown = office.post(token, "/api/v1/me/totp", &empty).await.ok();
    let secret = shown["secret"].as_str().expect("a secret").to_owned();
    assert!(shown["url"].as_str().expect("a URL").contains(&secret));
    assert!(shown["qr"].as_str().expect("a drawing").starts_with("<svg"));
    let code = json!({ "code": phone(office, &secret) });
    let told = office.post(token, "/api/v1/me/totp/confirm", &code).await;
    let told = told.ok();
    let paper = told["recovery_codes"].as_array().expect("codes").iter();
    let paper = paper.map(|code| code.as_str().expect("a code").to_owned());
    (secret, paper.collect())
}

/// What the phone shows at this moment.
fn phone(office: &Office, secret: &str) -> String {
    totp::code(secret, office.village.clock.now())
}

async fn sign_in(office: &Office, code: Option<&str>) -> Answer {
    let mut asked = json!({ "username": "officer", "password": PASSWORD });
    if let Some(code) = code {
        asked["code"] = Value::from(code);
    }
    office.post("", SESSION, &asked).await
}

async fn officer(office: &Office) -> String {
    office.somebody("officer", Role::Officer, None).await
}

#[tokio::test]
async fn who_has_a_phone_for_codes_signs_in_with_password_and_code() {
    let office = office().await;
    let (secret, paper) = scans(&office, &officer(&office).await).await;
    assert_eq!(paper.len(), 10);
    let half = sign_in(&office, None).await;
    assert_eq!(half.refusal(), (401, "second_factor_needed"));
    assert_eq!(
        half.body["error"]["details"]["methods"],
        json!(["totp", "recovery_code"])
    );
    let wrong = sign_in(&office, Some("000000")).await;
    assert_eq!(wrong.refusal(), (401, "wrong_credentials"));
    // With a wrong password nobody learns that there is more to give.
    let guess = json!({ "username": "officer", "password": "mật khẩu sai" });
    let refused = office.post("", SESSION, &guess).await;
    assert_eq!(refused.refusal(), (401, "wrong_credentials"));
    office.village.clock.pass_s(30);
    let code = phone(&office, &secret);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let session = sign_in(&office, Some(&spaced)).await.ok();
    let me = office
        .get(session["token"].as_str().expect("a token"), "/api/v1/me")
        .await
        .ok();
    assert_eq!(
        (&me["security"]["totp"], &me["security"]["recovery_codes"]),
        (&json!(true), &json!(10))
    );
}

#[tokio::test]
async fn a_code_that_somebody_read_over_a_shoulder_is_worth_nothing() {
    let office = office().await;
    let (secret, _) = scans(&office, &officer(&office).await).await;
    // The one that confirmed the phone was given, too.
    let code = phone(&office, &secret);
    let again = sign_in(&office, Some(&code)).await;
    assert_eq!(again.refusal(), (401, "wrong_credentials"));
    office.village.clock.pass_s(60);
    let code = phone(&office, &secret);
    sign_in(&office, Some(&code)).await.ok();
    let again = sign_in(&office, Some(&code)).await;
    assert_eq!(again.refusal(), (401, "wrong_credentials"));
    // Nor an older one that nobody used.
    let older = totp::code(&secret, office.village.clock.now().plus_s(-30));
    let refused = sign_in(&office, Some(&older)).await;
    assert_eq!(refused.refusal(), (401, "wrong_credentials"));
}

#[tokio::test]
async fn a_line_of_the_paper_lets_in_once() {
    let office = office().await;
    let (_, paper) = scans(&office, &officer(&office).await).await;
    let typed = paper[4].to_lowercase().replace('-', " ");
    let session = sign_in(&office, Some(&typed)).await.ok();
    let again = sign_in(&office, Some(&paper[4])).await;
    assert_eq!(again.refusal(), (401, "wrong_credentials"));
    let token = session["token"].as_str().expect("a token");
    let me = office.get(token, "/api/v1/me").await.ok();
    assert_eq!(me["security"]["recovery_codes"], 9);
    // A paper of somebody who scans anew is worth nothing any more.
    office.village.clock.pass_s(60);
    let (_, new) = scans(&office, token).await;
    let old = sign_in(&office, Some(&paper[5])).await;
    assert_eq!(old.refusal(), (401, "wrong_credentials"));
    sign_in(&office, Some(&new[5])).await.ok();
}

#[tokio::test]
async fn codes_are_guessed_no_faster_than_passwords() {
    let office = office().await;
    scans(&office, &officer(&office).await).await;
    let mut answers = Vec::new();
    for n in 0..8 {
        let guess = sign_in(&office, Some(&format!("00000{n}"))).await;
        answers.push(guess.refusal().0);
    }
    assert!(answers.ends_with(&[429, 429]), "{answers:?}");
    let slow = sign_in(&office, Some("123456")).await;
    assert_eq!(slow.refusal(), (429, "too_many_guesses"));
}

#[tokio::test]
async fn a_secret_that_was_only_shown_asks_nobody_for_codes() {
    let office = office().await;
    let officer = officer(&office).await;
    let confirm = "/api/v1/me/totp/confirm";
    let code = json!({ "code": "123456" });
    let early = office.post(&officer, confirm, &code).await;
    assert_eq!(early.refusal(), (409, "totp_not_begun"));
    let shown = office.post(&officer, "/api/v1/me/totp", &json!({})).await;
    let secret = shown.ok()["secret"].as_str().expect("a secret").to_owned();
    let code = json!({ "code": "12345" });
    let wrong = office.post(&officer, confirm, &code).await;
    assert_eq!(wrong.refusal(), (422, "code_wrong"));
    sign_in(&office, None).await.ok();
    // Shown an hour ago, perhaps to somebody else.
    office.village.clock.pass_s(3_600);
    office.prove(&officer).await;
    let code = json!({ "code": phone(&office, &secret) });
    let late = office.post(&officer, confirm, &code).await;
    assert_eq!(late.refusal(), (409, "totp_not_begun"));
}

#[tokio::test]
async fn an_administrator_helps_who_lost_phone_and_paper() {
    let office = office().await;
    let officer = officer(&office).await;
    scans(&office, &officer).await;
    let me = office.get(&officer, "/api/v1/me").await.ok();
    let id = me["user"]["id"].as_str().expect("an id");
    let path = format!("/api/v1/users/{id}/second_factors");
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let refused = office.delete(&head, &path).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    assert_eq!(office.delete(&office.chief, &path).await.status, 204);
    // Whoever holds the phone is out, and the password is enough again.
    assert_eq!(office.get(&officer, "/api/v1/me").await.status, 401);
    sign_in(&office, None).await.ok();
}

#[tokio::test]
async fn without_a_second_factor_no_paper_is_kept() {
    let office = office().await;
    let officer = officer(&office).await;
    scans(&office, &officer).await;
    let gone = office.delete(&officer, "/api/v1/me/totp").await;
    assert_eq!(gone.status, 204);
    let me = office.get(&officer, "/api/v1/me").await.ok();
    assert_eq!(
        (&me["security"]["totp"], &me["security"]["recovery_codes"]),
        (&json!(false), &json!(0))
    );
    sign_in(&office, None).await.ok();
}

#[tokio::test]
async fn a_setup_link_is_no_way_around_the_phone() {
    let office = office().await;
    let officer = officer(&office).await;
    let (secret, _) = scans(&office, &officer).await;
    let me = office.get(&officer, "/api/v1/me").await.ok();
    let id = me["user"]["id"].as_str().expect("an id");
    let path = format!("/api/v1/users/{id}/setup_link");
    let made = office.post(&office.chief, &path, &json!({})).await.ok();
    let link = made["setup_link"].as_str().expect("a link");
    let token = link.strip_prefix("/setup?token=").expect("a token");
    let set = json!({ "token": token, "username": "officer", "password": PASSWORD });
    let answer = office.post("", "/api/v1/setup", &set).await;
    assert_eq!((answer.status.as_u16(), answer.body), (204, json!("")));
    office.village.clock.pass_s(60);
    sign_in(&office, Some(&phone(&office, &secret))).await.ok();
}
