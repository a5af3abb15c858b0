//! Taking back what was said.

use serde_json::{Value, json};

use super::{Answer, Office, exercises::speaking, office_with, request, with};
use crate::{
    engine::{Change, Urgent},
    logic::permissions::Role,
    store::testing::NOON,
};

async fn said(office: &Office, who: &str, more: Value) -> Value {
    let audio = office.audio().await;
    let mut whole = json!({ "title": "Họp lúc 17 giờ", "audio": audio, "targets": ["area.ban-chuong"], "when": { "now": true } });
    for (key, value) in more.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    office.post(who, "/api/v1/bulletins", &whole).await.ok()
}
fn path(view: &Value) -> String {
    format!("/api/v1/bulletins/{}", view["id"].as_str().expect("an id"))
}
async fn correct(office: &Office, who: &str, view: &Value, body: Value) -> Answer {
    office
        .post(who, &format!("{}/correct", path(view)), &body)
        .await
}

#[tokio::test]
async fn a_wrong_bulletin_ends_and_the_prepared_sentence_is_said_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut office = office_with(speaking(&folder)).await;
    let wrong = said(&office, &office.chief, json!({})).await;
    office.told();
    office.village.clock.pass_s(30);
    let right = correct(&office, &office.chief, &wrong, json!({})).await;
    assert_eq!(right.status, 201);
    let right = right.ok();
    assert_eq!(
        (&right["title"], &right["priority"], &right["supersedes"]),
        (
            &json!("Đính chính: Họp lúc 17 giờ"),
            &json!("priority"),
            &wrong["id"]
        )
    );
    assert_eq!(
        (&right["targets"], &right["when"]["now"]),
        (&wrong["targets"], &json!(NOON.plus_s(30).to_string()))
    );
    let text = right["text"].as_str().expect("words");
    assert!(text.contains("Xin đính chính: bản tin Họp lúc"), "{text}");
    assert!(
        matches!(
            &office.told()[..],
            [
                Change::Channels(_, Some(Urgent::Cancel(_))),
                Change::Channels(_, Some(Urgent::Start(_)))
            ]
        ),
        "silence first"
    );
    let old = office.get(&office.chief, &path(&wrong)).await.ok();
    assert_eq!(old["state"], "cancelled");
    // Own words, as loud as what they correct.
    let alarm = said(&office, &office.chief, json!({ "priority": "emergency" })).await;
    let words = json!({ "text": "Không có lũ. Bà con yên tâm." });
    let right = correct(&office, &office.chief, &alarm, words).await.ok();
    assert_eq!(right["priority"], "emergency");
    assert!(
        right["text"]
            .as_str()
            .is_some_and(|t| t.starts_with("Không có lũ"))
    );
}

#[tokio::test]
async fn what_is_corrected_keeps_to_the_rights_and_to_approval() {
    let folder = tempfile::tempdir().expect("a folder");
    let office = office_with(speaking(&folder)).await;
    let set = json!({ "approval": "hamlets" });
    office
        .patch(&office.chief, "/api/v1/areas/sang-moc", &set)
        .await
        .ok();
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let wide = said(
        &office,
        &office.chief,
        json!({ "targets": ["area.sang-moc"] }),
    )
    .await;
    let refused = correct(&office, &head, &wide, json!({})).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let waiting = said(&office, &head, json!({})).await;
    let refused = correct(&office, &head, &waiting, json!({})).await;
    assert_eq!(refused.refusal(), (409, "not_aired"));

    // The prepared sentence waits for nobody, but says only a title that was on air.
    let wrong = said(&office, &office.chief, json!({})).await;
    let mine = json!({ "title": "Mọi người ra đường ngay" });
    office.patch(&head, &path(&wrong), &mine).await.ok();
    let right = correct(&office, &head, &wrong, json!({})).await.ok();
    assert_eq!(right["state"], "planned");
    assert!(
        right["text"]
            .as_str()
            .is_some_and(|t| t.contains("Họp lúc") && !t.contains("ra đường"))
    );
    // Own words are a bulletin like any other.
    let wrong = said(&office, &office.chief, json!({})).await;
    let words = json!({ "text": "Họp lúc 19 giờ." });
    let right = correct(&office, &head, &wrong, words).await.ok();
    assert_eq!(
        (&right["state"], &right["ask"]),
        (&json!("awaiting"), &json!("hamlet"))
    );
    assert_eq!(
        office.get(&head, &path(&wrong)).await.ok()["state"],
        "cancelled"
    );
}

#[tokio::test]
async fn a_correction_asked_for_twice_is_said_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let office = office_with(speaking(&folder)).await;
    let wrong = said(&office, &office.chief, json!({})).await;
    let other = said(&office, &office.chief, json!({})).await;
    let ask = |view: &Value| {
        let path = format!("{}/correct", path(view));
        let asked = request("POST", &office.chief, &path, Some(&json!({})));
        with(asked, "idempotency-key", "k1")
    };
    let first = office.send(ask(&wrong)).await.ok();
    assert_eq!(office.send(ask(&wrong)).await.ok(), first);
    let mismatch = office.send(ask(&other)).await;
    assert_eq!(mismatch.refusal(), (409, "idempotency_mismatch"));
    let list = office.get(&office.chief, "/api/v1/bulletins").await.ok();
    assert_eq!(list["bulletins"].as_array().map(Vec::len), Some(3));
}
