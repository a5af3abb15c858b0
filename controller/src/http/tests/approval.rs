//! A second person: asked where one is needed, heard once, and never for something else.

use serde_json::{Value, json};

use super::{Answer, Office, office, request, with};
use crate::{
    engine::{Change, Urgent},
    logic::permissions::Role,
    store::testing::{NOON, speaker},
};

mod changes;
mod people;

const BULLETINS: &str = "/api/v1/bulletins";

/// An office whose commune wants to hear hamlet heads first.
async fn careful(approval: &str) -> Office {
    let office = office().await;
    let set = json!({ "approval": approval });
    office
        .patch(&office.chief, "/api/v1/areas/sang-moc", &set)
        .await
        .ok();
    office
}

async fn head(office: &Office) -> String {
    office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await
}

async fn officer(office: &Office) -> String {
    office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await
}

/// By this person, to the hamlet, now, unless told otherwise.
async fn say(office: &Office, who: &str, more: Value) -> Answer {
    let mut whole = json!({ "title": "Họp xóm", "audio": office.audio().await, "targets": ["area.ban-chuong"],
        "when": { "now": true } });
    for (key, value) in more.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    office.post(who, BULLETINS, &whole).await
}

fn daily() -> Value {
    json!({ "when": { "rrule": "FREQ=DAILY", "start": "2026-11-25T05:30" } })
}

fn path(view: &Value) -> String {
    format!("{BULLETINS}/{}", view["id"].as_str().expect("an id"))
}

async fn post(office: &Office, who: &str, view: &Value, what: &str) -> Answer {
    let path = format!("{}/{what}", path(view));
    office.call("POST", who, &path, None).await
}

async fn approve(office: &Office, who: &str, view: &Value) -> Answer {
    let path = format!("{}/approve", path(view));
    office
        .post(who, &path, &json!({ "digest": view["digest"] }))
        .await
}

async fn send_back(office: &Office, who: &str, view: &Value, reason: &str) -> Answer {
    let path = format!("{}/return", path(view));
    let asked = json!({ "digest": view["digest"], "reason": reason });
    office.post(who, &path, &asked).await
}

async fn titles(office: &Office, who: &str, state: &str) -> usize {
    let list = office
        .get(who, &format!("{BULLETINS}?state={state}"))
        .await
        .ok();
    list["bulletins"].as_array().expect("a list").len()
}

/// Bulletins in the hamlet's programme.
async fn on_air(office: &Office, channel: &str) -> usize {
    let channel = channel.parse().expect("a channel");
    let state = office.village.channel(&channel).await.expect("read");
    state.bulletins.len()
}

#[tokio::test]
async fn a_hamlet_heads_bulletin_waits_and_airs_at_the_instant_of_approval() {
    let mut office = careful("hamlets").await;
    let (head, officer) = (head(&office).await, officer(&office).await);
    let view = say(&office, &head, json!({})).await.ok();
    assert_eq!(
        (&view["state"], &view["ask"], &view["next"]),
        (&json!("awaiting"), &json!("hamlet"), &Value::Null)
    );
    assert_eq!(view["approve_by"], NOON.plus_s(1_800).to_string());
    assert_eq!(
        (
            &view["made_by_name"],
            &view["target_names"],
            &view["speakers"]
        ),
        (&json!("head"), &json!(["Bản Chương"]), &json!(2))
    );
    let own = json!({ "edit": true, "cancel": true, "pause": false, "approve": false });
    assert_eq!(view["may"], own);
    assert!(office.told().is_empty(), "no pole hears of it");
    assert_eq!(on_air(&office, "area.ban-chuong").await, 0);
    assert_eq!(
        approve(&office, &head, &view).await.refusal(),
        (403, "forbidden")
    );

    office.village.clock.pass_s(60);
    assert_eq!(titles(&office, &officer, "awaiting").await, 1);
    let seen = office.get(&officer, &path(&view)).await.ok();
    assert_eq!(
        (&seen["may"]["approve"], &seen["digest"]),
        (&json!(true), &view["digest"])
    );
    assert_eq!(seen["readiness"]["ready"], 0);
    let other = json!({ "digest": "0123" });
    let stale = office
        .post(&officer, &format!("{}/approve", path(&view)), &other)
        .await;
    assert_eq!(stale.refusal(), (409, "approval_stale"));
    let aired = approve(&office, &officer, &seen).await.ok();
    assert_eq!(aired["state"], "planned");
    assert_eq!(aired["when"]["now"], NOON.plus_s(60).to_string());
    assert_eq!(aired["valid_until"], view["approve_by"]);
    assert_eq!(
        (&aired["decision"]["verdict"], &aired["decision"]["by_name"]),
        (&json!("approved"), &json!("officer"))
    );
    assert!(matches!(
        &office.told()[..],
        [Change::Channels(_, Some(Urgent::Start(_)))]
    ));
    assert_eq!(on_air(&office, "area.ban-chuong").await, 1);
    // Yes is said once.
    let again = approve(&office, &officer, &aired).await;
    assert_eq!(again.refusal(), (409, "not_awaiting"));
    // What the commune says itself waits for nobody.
    let own = say(&office, &officer, json!({})).await.ok();
    assert_eq!(
        (&own["state"], &own["ask"]),
        (&json!("planned"), &Value::Null)
    );
}

#[tokio::test]
async fn nobody_can_air_what_should_have_been_said_yesterday() {
    let mut office = careful("hamlets").await;
    let (head, officer) = (head(&office).await, officer(&office).await);
    let now = say(&office, &head, json!({})).await.ok();
    let at = json!({ "when": { "at": "2026-11-24T12:10" }, "lateness_s": 300 });
    let at = say(&office, &head, at).await.ok();
    assert_eq!(at["approve_by"], NOON.plus_s(900).to_string());
    office.village.clock.pass_s(1_801);
    office.prove(&officer).await;
    for view in [&now, &at] {
        let late = approve(&office, &officer, view).await;
        assert_eq!(late.refusal(), (409, "approval_too_late"));
        let read = office.get(&officer, &path(view)).await.ok();
        assert_eq!(
            (&read["state"], &read["may"]["approve"]),
            (&json!("lapsed"), &json!(false))
        );
        let edit = office
            .patch(&head, &path(view), &json!({ "volume": 50 }))
            .await;
        assert_eq!(edit.refusal(), (409, "bulletin_over"));
    }
    assert_eq!(titles(&office, &officer, "lapsed").await, 2);
    assert_eq!(titles(&office, &officer, "awaiting").await, 0);
    assert!(office.told().is_empty());
    // Another time may be asked for.
    let later = json!({ "when": { "at": "2026-11-24T19:00" } });
    let moved = office.patch(&head, &path(&at), &later).await.ok();
    assert_eq!(moved["state"], "awaiting");
    approve(&office, &officer, &moved).await.ok();
}

#[tokio::test]
async fn what_was_sent_back_says_why_and_is_handed_in_again() {
    let mut office = careful("hamlets").await;
    let (head, officer) = (head(&office).await, officer(&office).await);
    let view = say(&office, &head, daily()).await.ok();
    for reason in ["", "  ", &"x".repeat(501)] {
        let refused = send_back(&office, &officer, &view, reason).await;
        assert_eq!(refused.refusal(), (422, "reason_invalid"));
    }
    send_back(&office, &officer, &view, "Thiếu giờ họp")
        .await
        .ok();
    let read = office.get(&head, &path(&view)).await.ok();
    assert_eq!(
        (
            &read["state"],
            &read["decision"]["verdict"],
            &read["decision"]["reason"]
        ),
        (
            &json!("returned"),
            &json!("returned"),
            &json!("Thiếu giờ họp")
        )
    );
    assert_eq!(titles(&office, &head, "returned").await, 1);
    assert_eq!(
        approve(&office, &officer, &read).await.refusal(),
        (409, "not_awaiting")
    );
    let title = json!({ "title": "Họp xóm lúc 19 giờ" });
    let again = office.patch(&head, &path(&view), &title).await.ok();
    assert_eq!(
        (&again["state"], &again["decision"]),
        (&json!("awaiting"), &Value::Null)
    );
    assert!(office.told().is_empty());
    approve(&office, &officer, &again).await.ok();
    assert_eq!(office.told().len(), 1);
}

#[tokio::test]
async fn what_waits_supersedes_only_when_it_is_approved() {
    let mut office = careful("hamlets").await;
    let (head, officer) = (head(&office).await, officer(&office).await);
    let old = say(&office, &officer, daily()).await.ok();
    office.told();
    let mut more = daily();
    more["supersedes"] = old["id"].clone();
    let new = say(&office, &head, more).await.ok();
    assert!(office.told().is_empty());
    assert_eq!(
        office.get(&head, &path(&old)).await.ok()["state"],
        "planned"
    );
    approve(&office, &officer, &new).await.ok();
    assert_eq!(
        office.get(&head, &path(&old)).await.ok()["state"],
        "cancelled"
    );
    assert!(matches!(
        &office.told()[..],
        [
            Change::Channels(_, None),
            Change::Channels(_, Some(Urgent::Cancel(_)))
        ]
    ));
}

#[tokio::test]
async fn a_create_that_waits_is_done_once_under_its_key_and_can_be_cancelled_in_silence() {
    let mut office = careful("hamlets").await;
    let head = head(&office).await;
    let audio = office.audio().await;
    let body = json!({ "title": "Họp", "audio": audio, "targets": ["area.ban-chuong"], "when": { "now": true } });
    let ask = || {
        with(
            request("POST", &head, BULLETINS, Some(&body)),
            "idempotency-key",
            "k1",
        )
    };
    let first = office.send(ask()).await.ok();
    assert_eq!(office.send(ask()).await.ok(), first);
    assert_eq!(titles(&office, &head, "awaiting").await, 1);
    let gone = post(&office, &head, &first, "cancel").await.ok();
    assert_eq!(gone["state"], "cancelled");
    assert!(office.told().is_empty());
}

#[tokio::test]
async fn refusals_of_an_approval_are_told_in_both_languages() {
    let office = office().await;
    let wide = json!({ "priority": "emergency", "targets": ["area.sang-moc"] });
    let view = say(&office, &office.chief, wide).await.ok();
    let path = format!("{}/approve", path(&view));
    let body = json!({ "digest": view["digest"] });
    for (lang, message) in [
        (
            "vi",
            "Không ai tự duyệt bản tin của chính mình: hãy nhờ người khác có quyền duyệt.",
        ),
        (
            "en",
            "Nobody approves what he made himself: ask somebody else who may approve.",
        ),
    ] {
        let asked = request("POST", &office.chief, &path, Some(&body));
        let answer = office.send(with(asked, "accept-language", lang)).await;
        assert_eq!(answer.body["error"]["message"], message);
    }
    let officer = officer(&office).await;
    office.village.clock.pass_s(3_600);
    office.prove(&officer).await;
    let late = office.post(&officer, &path, &body).await;
    assert_eq!(late.body["error"]["details"]["by"], "12:30 24/11/2026");
}

#[tokio::test]
async fn a_check_tells_what_would_come_of_it_and_keeps_nothing() {
    let office = careful("hamlets").await;
    let (head, _) = (head(&office).await, officer(&office).await);
    office
        .somebody("lanh-dao", Role::Approver, Some("khuoi-meo"))
        .await;
    let check = format!("{BULLETINS}/check");
    let asked = json!({ "title": "Họp xóm", "targets": ["area.ban-chuong"], "duration_s": 42.5,
        "when": { "rrule": "FREQ=DAILY;COUNT=7", "start": "2026-11-25T05:30" } });
    let told = office.post(&head, &check, &asked).await.ok();
    assert_eq!(
        (
            &told["duration_s"],
            &told["speakers"],
            &told["hamlets"],
            &told["target_names"]
        ),
        (&json!(42.5), &json!(2), &json!(1), &json!(["Bản Chương"]))
    );
    assert_eq!(told["starts"].as_array().map(Vec::len), Some(5));
    assert_eq!(told["starts"][0], "2026-11-24T22:30:00Z");
    assert_eq!(
        (&told["ask"], &told["approvers"]),
        (&json!("hamlet"), &json!(["chief", "officer"]))
    );
    assert_eq!(told["warnings"], json!([]));
    let mut night = asked.clone();
    night["when"] = json!({ "at": "2026-11-25T03:15" });
    let told = office.post(&office.chief, &check, &night).await.ok();
    assert_eq!(
        (&told["ask"], &told["approvers"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(told["warnings"][0]["code"], "odd_hours");
    let list = office.get(&office.chief, BULLETINS).await.ok();
    assert_eq!(list["bulletins"], json!([]));
    // Refused as the create would be.
    let audio = office.audio().await;
    for (who, more, refusal) in [
        (
            &head,
            json!({ "targets": ["area.sang-moc"] }),
            (403, "forbidden"),
        ),
        (&head, json!({ "targets": [] }), (422, "targets_invalid")),
        (
            &head,
            json!({ "when": { "at": "2026-11-24T05:30" } }),
            (422, "time_past"),
        ),
        (&head, json!({ "title": "" }), (422, "title_invalid")),
        (
            &head,
            json!({ "audio": "a0000000000000000" }),
            (422, "audio_unknown"),
        ),
        (
            &head,
            json!({ "duration_s": -1 }),
            (422, "duration_invalid"),
        ),
        (&head, json!({ "colour": "red" }), (400, "bad_json")),
    ] {
        let mut asked = asked.clone();
        for (key, value) in more.as_object().expect("an object") {
            asked[key] = value.clone();
        }
        assert_eq!(
            office.post(who, &check, &asked).await.refusal(),
            refusal,
            "{more}"
        );
    }
    let with_audio = json!({ "title": "x", "audio": audio, "targets": ["area.ban-chuong"], "when": { "now": true } });
    let told = office.post(&head, &check, &with_audio).await.ok();
    assert_eq!(
        (&told["duration_s"], &told["starts"]),
        (&json!(10.0), &json!([NOON.to_string()]))
    );
}
