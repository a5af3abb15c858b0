//! A stolen phone that is still signed in: what it cannot do without showing who holds it.

use serde_json::{Value, json};

use super::{Office, PASSWORD, authenticator::Phone, office};
use crate::logic::permissions::Role;

const PROOF: &str = "/api/v1/session/proof";

fn bulletin(audio: &str, priority: &str, status: &str) -> Value {
    json!({ "title": "Lũ về", "audio": audio, "priority": priority, "status": status,
        "targets": ["area.ban-chuong"], "when": { "at": "2026-11-24T18:00" } })
}

/// Somebody who signed in eleven minutes ago.
async fn stale(office: &Office, role: Role) -> String {
    let token = office.somebody("officer", role, None).await;
    office.village.clock.pass_s(11 * 60);
    token
}

#[tokio::test]
async fn ordinary_bulletins_and_silence_never_ask_for_a_proof() {
    let office = office().await;
    let officer = stale(&office, Role::Officer).await;
    let audio = office.audio().await;
    for (priority, status) in [
        ("ordinary", "actual"),
        ("priority", "actual"),
        ("emergency", "test"),
    ] {
        let asked = bulletin(&audio, priority, status);
        let answer = office.post(&officer, "/api/v1/bulletins", &asked).await;
        // What is no alarm begins with a sentence that an engine speaks, and there may be none here.
        assert_ne!(answer.refusal().1, "proof_needed", "{priority} {status}");
    }
    let stop = json!({ "targets": ["area.vo-nhai"] });
    office.post(&officer, "/api/v1/stop", &stop).await.ok();
    let mute = json!({ "muted": true });
    let pole = "/api/v1/speakers/ban-chuong-1";
    office.patch(&officer, pole, &mute).await.ok();
}

#[tokio::test]
async fn an_emergency_in_earnest_asks_and_a_proof_holds_for_ten_minutes() {
    let office = office().await;
    let officer = stale(&office, Role::Officer).await;
    let audio = office.audio().await;
    let alarm = bulletin(&audio, "emergency", "actual");
    let asked = || office.post(&officer, "/api/v1/bulletins", &alarm);
    let refused = asked().await;
    assert_eq!(refused.refusal(), (403, "proof_needed"));
    assert_eq!(
        refused.body["error"]["details"]["methods"],
        json!(["password"])
    );
    let wrong = json!({ "password": "mật khẩu sai" });
    let refused = office.post(&officer, PROOF, &wrong).await;
    assert_eq!(refused.refusal(), (403, "proof_wrong"));
    assert_eq!(asked().await.refusal(), (403, "proof_needed"));
    let right = json!({ "password": PASSWORD });
    let proved = office.post(&officer, PROOF, &right).await.ok();
    let me = office.get(&officer, "/api/v1/me").await.ok();
    assert_eq!(me["security"]["proved_until"], proved["proved_until"]);
    office.village.clock.pass_s(9 * 60);
    let made = asked().await.ok();
    // Changing it asks too, and so does making one of what was quiet; taking it back does not.
    office.village.clock.pass_s(2 * 60);
    let path = format!("/api/v1/bulletins/{}", made["id"].as_str().expect("id"));
    let later = json!({ "when": { "at": "2026-11-24T19:00" } });
    let refused = office.patch(&officer, &path, &later).await;
    assert_eq!(refused.refusal(), (403, "proof_needed"));
    let quiet = bulletin(&audio, "ordinary", "actual");
    let quiet = office.post(&officer, "/api/v1/bulletins", &quiet).await;
    let quiet = quiet.ok();
    let other = format!("/api/v1/bulletins/{}", quiet["id"].as_str().expect("id"));
    let louder = json!({ "priority": "emergency" });
    let refused = office.patch(&officer, &other, &louder).await;
    assert_eq!(refused.refusal(), (403, "proof_needed"));
    let pause = format!("{path}/pause");
    office.call("POST", &officer, &pause, None).await.ok();
    let resume = format!("{path}/resume");
    let refused = office.call("POST", &officer, &resume, None).await;
    assert_eq!(refused.refusal(), (403, "proof_needed"));
    let cancel = format!("{path}/cancel");
    office.call("POST", &officer, &cancel, None).await.ok();
}

#[tokio::test]
async fn approving_people_and_poles_ask() {
    let office = office().await;
    let audio = office.audio().await;
    let wide = json!({ "title": "Lũ về", "audio": audio, "priority": "emergency",
        "targets": ["area.sang-moc"], "when": { "at": "2026-11-24T18:00" } });
    let waiting = office
        .post(&office.chief, "/api/v1/bulletins", &wide)
        .await
        .ok();
    let me = office.get(&office.chief, "/api/v1/me").await.ok();
    let own = format!("/api/v1/users/{}", me["user"]["id"].as_str().expect("id"));
    let admin = stale(&office, Role::Administrator).await;
    let approve = format!(
        "/api/v1/bulletins/{}/approve",
        waiting["id"].as_str().expect("id")
    );
    let digest = json!({ "digest": waiting["digest"] });
    let person = json!({ "username": "new", "role": "monitor" });
    let role = json!({ "role": "monitor" });
    let password = json!({ "password": "một mật khẩu khác" });
    let empty = json!({});
    let factors = format!("{own}/second_factors");
    let sessions = format!("{own}/sessions");
    let link = format!("{own}/setup_link");
    for (method, who, path, body) in [
        ("POST", &admin, approve.as_str(), Some(&digest)),
        ("POST", &admin, "/api/v1/users", Some(&person)),
        ("PATCH", &admin, &own, Some(&role)),
        ("PATCH", &office.chief, &own, Some(&password)),
        ("DELETE", &admin, &own, None),
        ("POST", &admin, &link, None),
        ("DELETE", &admin, &factors, None),
        ("DELETE", &admin, &sessions, None),
        ("POST", &admin, "/api/v1/me/totp", Some(&empty)),
        (
            "POST",
            &admin,
            "/api/v1/me/totp/confirm",
            Some(&json!({ "code": "1" })),
        ),
        ("DELETE", &admin, "/api/v1/me/totp", None),
        (
            "POST",
            &admin,
            "/api/v1/me/passkeys/challenge",
            Some(&empty),
        ),
        ("DELETE", &admin, "/api/v1/me/passkeys/k1", None),
        ("POST", &admin, "/api/v1/speakers/ban-chuong-1/token", None),
        ("DELETE", &admin, "/api/v1/speakers/ban-chuong-1", None),
    ] {
        let refused = office.call(method, who, path, body).await;
        assert_eq!(refused.refusal(), (403, "proof_needed"), "{method} {path}");
    }
    // Looking asks for nothing, and neither does the own name, or signing out a lost phone.
    office.get(&admin, "/api/v1/users").await.ok();
    let name = json!({ "name": "Chủ tịch" });
    office.patch(&office.chief, &own, &name).await.ok();
    let out = office.delete(&office.chief, "/api/v1/me/sessions").await;
    assert_eq!(out.status, 204);
    office.prove(&admin).await;
    office.post(&admin, &approve, &digest).await.ok();
}

#[tokio::test]
async fn who_may_not_do_it_at_all_is_told_that_and_not_asked_for_a_password() {
    let office = office().await;
    let monitor = stale(&office, Role::Monitor).await;
    let audio = office.audio().await;
    let alarm = bulletin(&audio, "emergency", "actual");
    let refused = office.post(&monitor, "/api/v1/bulletins", &alarm).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
}

#[tokio::test]
async fn a_proof_takes_what_signing_in_takes() {
    let office = office().await;
    let officer = office.somebody("officer", Role::Officer, None).await;
    let mut phone = Phone::new();
    let asked = office
        .post(&officer, "/api/v1/me/passkeys/challenge", &json!({}))
        .await
        .ok();
    let made = phone.register(&asked, "Điện thoại");
    let made = office.post(&officer, "/api/v1/me/passkeys", &made).await;
    let paper = made.ok()["recovery_codes"].clone();
    office.village.clock.pass_s(11 * 60);
    let half = json!({ "password": PASSWORD });
    let refused = office.post(&officer, PROOF, &half).await;
    assert_eq!(refused.refusal(), (403, "proof_needed"));
    assert_eq!(
        refused.body["error"]["details"]["methods"],
        json!(["password", "passkey", "recovery_code"])
    );
    let whole = json!({ "password": PASSWORD, "code": paper[0] });
    office.post(&officer, PROOF, &whole).await.ok();
    office.village.clock.pass_s(11 * 60);
    let used = office.post(&officer, PROOF, &whole).await;
    assert_eq!(used.refusal(), (403, "proof_wrong"));
    let ask = format!("{PROOF}/passkey_challenge");
    let challenge = office.post(&officer, &ask, &json!({})).await.ok();
    let by_passkey = format!("{PROOF}/passkey");
    let signed = phone.sign(&challenge);
    office.post(&officer, &by_passkey, &signed).await.ok();
    let replayed = office.post(&officer, &by_passkey, &signed).await;
    assert_eq!(replayed.refusal(), (409, "challenge_gone"));
    office
        .post(&officer, "/api/v1/me/totp", &json!({}))
        .await
        .ok();
}

#[tokio::test]
async fn a_thief_guesses_the_proof_slowly_and_the_owner_signs_in_all_the_same() {
    let office = office().await;
    let officer = stale(&office, Role::Officer).await;
    let wrong = json!({ "password": "mật khẩu sai" });
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(office.post(&officer, PROOF, &wrong).await.refusal().0);
    }
    assert_eq!(answers.last(), Some(&429), "{answers:?}");
    let asked = json!({ "username": "officer", "password": PASSWORD });
    office.post("", "/api/v1/session", &asked).await.ok();
    office.village.clock.pass_s(60);
    office.prove(&officer).await;
}
