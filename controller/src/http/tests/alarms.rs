//! One person alone does not alarm a commune: not hamlet by hamlet, not by moving the village, not as an exercise, not by a
//! correction.

use serde_json::{Value, json};

use super::{Answer, Office, exercises::speaking, office, office_with, request, with};
use crate::{config::Config, logic::permissions::Role};

const BULLETINS: &str = "/api/v1/bulletins";

async fn say(office: &Office, who: &str, more: Value) -> Answer {
    let mut whole = json!({ "title": "Lũ về", "audio": office.audio().await, "targets": ["area.ban-chuong"],
        "when": { "now": true }, "priority": "emergency" });
    for (key, value) in more.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    office.post(who, BULLETINS, &whole).await
}
fn path(view: &Value) -> String {
    format!("{BULLETINS}/{}", view["id"].as_str().expect("an id"))
}
async fn approve(office: &Office, who: &str, view: &Value) -> Answer {
    let path = format!("{}/approve", path(view));
    office
        .post(who, &path, &json!({ "digest": view["digest"] }))
        .await
}
/// A third hamlet, with a pole.
async fn third_hamlet(office: &Office) {
    let area = json!({ "id": "na-ca", "name": "Nà Ca", "parent": "sang-moc" });
    office
        .post(&office.chief, "/api/v1/areas", &area)
        .await
        .ok();
    let pole = json!({ "id": "na-ca-1", "name": "Nà Ca 1", "area": "na-ca" });
    office
        .post(&office.chief, "/api/v1/speakers", &pole)
        .await
        .ok();
}
async fn officer(office: &Office) -> String {
    office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await
}

#[tokio::test]
async fn hamlet_after_hamlet_is_a_wide_alarm() {
    let office = office().await;
    third_hamlet(&office).await;
    let officer = officer(&office).await;
    let to = |hamlet: &str| json!({ "targets": [format!("area.{hamlet}")] });
    let first = say(&office, &officer, to("ban-chuong")).await.ok();
    office.village.clock.pass_s(60);
    // Taking it back does not unsay it, and the same hamlet may hear more.
    let cancel = format!("{}/cancel", path(&first));
    office.call("POST", &officer, &cancel, None).await.ok();
    for hamlet in ["ban-chuong", "khuoi-meo"] {
        let view = say(&office, &officer, to(hamlet)).await.ok();
        assert_eq!(view["state"], "planned", "{hamlet}");
    }
    let third = say(&office, &officer, to("na-ca")).await.ok();
    assert_eq!(
        (&third["state"], &third["ask"]),
        (&json!("awaiting"), &json!("wide_emergency"))
    );
    // Somebody else has none to answer for.
    let chief = say(&office, &office.chief, to("na-ca")).await.ok();
    assert_eq!(chief["state"], "planned");
    office.village.clock.pass_s(601);
    office.prove(&officer).await;
    let later = say(&office, &officer, to("na-ca")).await.ok();
    assert_eq!(later["state"], "planned");
}

#[tokio::test]
async fn an_alarm_that_sounds_is_not_sent_on_from_hamlet_to_hamlet() {
    let office = office().await;
    let officer = officer(&office).await;
    let alarm = say(&office, &officer, json!({})).await.ok();
    let moved = json!({ "targets": ["area.khuoi-meo"] });
    let refused = office.patch(&officer, &path(&alarm), &moved).await;
    assert_eq!(refused.refusal(), (409, "on_air"));
    // Nor does what others made become one.
    let at = json!({ "priority": "ordinary", "when": { "at": "2026-11-24T18:00" } });
    let quiet = say(&office, &office.chief, at).await.ok();
    let louder = json!({ "priority": "emergency" });
    let raised = office.patch(&officer, &path(&quiet), &louder).await.ok();
    assert_eq!(raised["ask"], "wide_emergency");
}

#[tokio::test]
async fn an_alarm_does_not_become_wide_by_moving_the_village() {
    let office = office().await;
    let at = json!({ "when": { "at": "2026-11-24T18:00" } });
    let alarm = say(&office, &office.chief, at).await.ok();
    let below = json!({ "parent": "ban-chuong" });
    let moved = office
        .patch(&office.chief, "/api/v1/areas/khuoi-meo", &below)
        .await;
    assert_eq!(moved.refusal(), (409, "in_use"));
    let area = json!({ "id": "goc-da", "name": "Gốc Đá", "parent": "ban-chuong" });
    office
        .post(&office.chief, "/api/v1/areas", &area)
        .await
        .ok();
    let there = json!({ "area": "goc-da" });
    let moved = office
        .patch(&office.chief, "/api/v1/speakers/khuoi-meo-1", &there)
        .await;
    assert_eq!(moved.refusal(), (409, "in_use"));
    let pole = json!({ "name": "Gốc Đá 1", "area": "goc-da" });
    let added = office.post(&office.chief, "/api/v1/speakers", &pole).await;
    assert_eq!(added.refusal(), (409, "in_use"));
    // Where it is heard already, and when it is over.
    let here = json!({ "area": "ban-chuong" });
    office
        .patch(&office.chief, "/api/v1/speakers/khuoi-meo-1", &here)
        .await
        .ok();
    let cancel = format!("{}/cancel", path(&alarm));
    office.call("POST", &office.chief, &cancel, None).await.ok();
    office
        .post(&office.chief, "/api/v1/speakers", &pole)
        .await
        .ok();
}

#[tokio::test]
async fn what_was_approved_for_two_hamlets_does_not_come_to_a_third() {
    let office = office().await;
    third_hamlet(&office).await;
    let officer = officer(&office).await;
    let members = ["ban-chuong-1", "khuoi-meo-1"];
    let group = json!({ "name": "Cụm", "area": "sang-moc", "members": members });
    office.post(&officer, "/api/v1/groups", &group).await.ok();
    let at = json!({ "targets": ["group.cum"], "when": { "at": "2026-11-24T18:00" } });
    let alarm = say(&office, &officer, at).await.ok();
    approve(&office, &office.chief, &alarm).await.ok();
    let wider = json!({ "members": ["ban-chuong-1", "khuoi-meo-1", "na-ca-1"] });
    let refused = office.patch(&officer, "/api/v1/groups/cum", &wider).await;
    assert_eq!(refused.refusal(), (409, "in_use"));
}

#[tokio::test]
async fn what_is_said_to_a_group_does_not_come_to_a_careful_area_without_being_heard_first() {
    let office = office().await;
    let officer = officer(&office).await;
    let group = json!({ "name": "Cụm", "area": "sang-moc", "members": ["ban-chuong-1"] });
    office.post(&officer, "/api/v1/groups", &group).await.ok();
    let daily = json!({ "priority": "ordinary", "targets": ["group.cum"],
        "when": { "rrule": "FREQ=DAILY", "start": "2026-11-25T05:30" } });
    let view = say(&office, &officer, daily.clone()).await.ok();
    assert_eq!(view["state"], "planned");
    let careful = json!({ "approval": "everyone" });
    office
        .patch(&office.chief, "/api/v1/areas/khuoi-meo", &careful)
        .await
        .ok();
    let wider = json!({ "members": ["ban-chuong-1", "khuoi-meo-1"] });
    let cum = "/api/v1/groups/cum";
    let refused = office.patch(&officer, cum, &wider).await;
    assert_eq!(refused.refusal(), (409, "in_use"));
    // Who approves there may.
    office.patch(&office.chief, cum, &wider).await.ok();
}

#[tokio::test]
async fn what_waits_is_approved_by_whoever_the_area_asks_by_now() {
    let office = office().await;
    let set = |approval: &str| json!({ "approval": approval });
    let area = "/api/v1/areas/sang-moc";
    office
        .patch(&office.chief, area, &set("hamlets"))
        .await
        .ok();
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let officer = officer(&office).await;
    let view = say(&office, &head, json!({ "priority": "ordinary" }))
        .await
        .ok();
    assert_eq!(view["ask"], "hamlet");
    office
        .patch(&office.chief, area, &set("everyone"))
        .await
        .ok();
    let seen = office.get(&officer, &path(&view)).await.ok();
    assert_eq!(seen["may"]["approve"], false);
    let refused = approve(&office, &officer, &view).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    approve(&office, &office.chief, &view).await.ok();
}

#[tokio::test]
async fn an_exercise_that_does_not_say_so_takes_two_people_as_an_alarm_does() {
    let mut config = Config::default();
    config.speech.exercise_sentence = String::new();
    let office = office_with(config).await;
    let drill = json!({ "status": "exercise", "targets": ["area.sang-moc"] });
    let view = say(&office, &office.chief, drill).await.ok();
    assert_eq!(view["ask"], "wide_emergency");
}

#[tokio::test]
async fn a_wide_alarm_is_taken_back_by_one_person_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let office = office_with(speaking(&folder)).await;
    let officer = officer(&office).await;
    let wide = json!({ "targets": ["area.sang-moc"] });
    let alarm = say(&office, &officer, wide).await.ok();
    approve(&office, &office.chief, &alarm).await.ok();
    let correct = async |view: &Value| {
        let path = format!("{}/correct", path(view));
        office.post(&officer, &path, &json!({})).await.ok()
    };
    assert_eq!(correct(&alarm).await["state"], "planned");
    assert_eq!(correct(&alarm).await["ask"], "wide_emergency");
    // What never was on air as a wide alarm is not taken back as one.
    let rule = json!({ "priority": "ordinary", "targets": ["area.sang-moc"],
        "when": { "rrule": "FREQ=DAILY", "start": "2026-11-25T05:30" } });
    let plain = say(&office, &officer, rule).await.ok();
    let louder = json!({ "priority": "emergency" });
    office.patch(&officer, &path(&plain), &louder).await.ok();
    assert_eq!(correct(&plain).await["ask"], "wide_emergency");
}

#[tokio::test]
async fn a_lost_answer_is_told_again_though_its_time_has_passed() {
    let office = office().await;
    let asked = json!({ "title": "Họp xóm", "audio": office.audio().await, "targets": ["area.ban-chuong"],
        "when": { "at": "2026-11-24T12:05" } });
    let ask = || {
        let asked = request("POST", &office.chief, BULLETINS, Some(&asked));
        with(asked, "idempotency-key", "k1")
    };
    let made = office.send(ask()).await.ok();
    // The phone was off for a week; it must not be told that this was not done.
    office.village.clock.pass_s(7 * 86_400);
    office.village.store.tidy().await.expect("tidied");
    assert_eq!(office.send(ask()).await.ok(), made);
}
