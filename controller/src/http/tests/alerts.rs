//! From a pole that falls silent to the person who mends it: rules, alerts, messages and repairs as the API shows them.

use loa_protocol::{telemetry::Hearing, time::WallTime};
use serde_json::{Value, json};

use super::{
    Office, office, office_with, request,
    watch::{online, status},
    with,
};
use crate::{
    config::Config,
    logic::{Presence, PresenceView, permissions::Role},
    notify::{AlertsConfig, tests::web},
    store::testing::{NOON, speaker},
    watch::{Sender, Watch},
};

const TAKEN: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const RULES: &str = "/api/v1/alert_rules";
const OFFLINE: &str = "/api/v1/alert_rules/r0000000000000001";

fn with_webhooks() -> Config {
    Config {
        alerts: AlertsConfig {
            webhook_to_private: true,
            ..AlertsConfig::default()
        },
        ..Config::default()
    }
}

async fn turns(office: &Office, who: &str, presence: Presence, at: WallTime) {
    let store = &office.village;
    store
        .record_presence(&speaker(who), presence, at)
        .await
        .expect("recorded");
    let view = PresenceView {
        presence,
        since: at,
        last_heard: Some(at),
    };
    office.state.engine.pretend(&speaker(who), view, None);
}

/// All three poles are there when the office begins to watch.
async fn all_there(office: &Office) {
    office.village.begin_run().await.expect("a run");
    for who in ["ban-chuong-1", "ban-chuong-2", "khuoi-meo-1"] {
        turns(office, who, Presence::Online, NOON).await;
    }
    let engine = &office.state.engine;
    engine.pretend_line(Some(NOON.plus_s(-900)));
}

async fn look(watch: &mut Watch) {
    watch.look().await.expect("looked");
}

async fn alerts(office: &Office, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/alerts?{query}");
    let found = office.get(&office.chief, &path).await.ok();
    found["items"].as_array().expect("a list").clone()
}

fn body(request: &str) -> Value {
    let (_, body) = request.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

#[tokio::test]
async fn a_pole_that_falls_silent_is_told_of_and_told_again_when_it_is_back() {
    let office = office_with(with_webhooks()).await;
    all_there(&office).await;
    let (server, requests) = web(&[TAKEN, TAKEN]).await;
    let to = json!({ "tell": [{ "by": "webhook", "to": format!("http://{server}/hook") }] });
    office.patch(&office.chief, OFFLINE, &to).await.ok();
    let mut watch = Watch::new(office.state.clone());
    let sender = Sender::new(office.state.clone());
    turns(&office, "ban-chuong-1", Presence::Offline, NOON.plus_s(1)).await;
    office.village.clock.pass_s(300);
    look(&mut watch).await;
    assert_eq!(alerts(&office, "").await.len(), 0);
    office.village.clock.pass_s(1);
    let mut notices = office.state.engine.notices();
    look(&mut watch).await;
    assert!(notices.try_recv().is_ok());
    // A restart of the office: another watch, the same database.
    look(&mut Watch::new(office.state.clone())).await;
    sender.send_due().await.expect("sent");
    let open = alerts(&office, "state=open").await;
    assert_eq!(open.len(), 1);
    let alert = &open[0];
    assert_eq!(
        (&alert["kind"], &alert["cause"]),
        (&json!("offline"), &json!("unknown"))
    );
    assert_eq!(
        (&alert["area"], &alert["area_name"]),
        (&json!("ban-chuong"), &json!("Bản Chương"))
    );
    assert_eq!(alert["speakers"][0]["name"], "Bản Chương 1");
    assert_eq!(
        (&alert["began"], &alert["told"]),
        (&json!(NOON.plus_s(1).to_string()), &json!(1))
    );
    let count = office.get(&office.chief, "/api/v1/alerts/count").await.ok();
    assert_eq!(count, json!({ "open": 1, "unacknowledged": 1 }));
    // Back, and back for a minute.
    turns(&office, "ban-chuong-1", Presence::Online, NOON.plus_s(400)).await;
    office.village.clock.pass_s(100);
    look(&mut watch).await;
    office.village.clock.pass_s(60);
    look(&mut watch).await;
    sender.send_due().await.expect("sent");
    look(&mut watch).await;
    assert_eq!(alerts(&office, "state=open").await.len(), 0);
    assert_eq!(alerts(&office, "state=closed").await.len(), 1);
    let said: Vec<Value> = requests
        .await
        .expect("served")
        .iter()
        .map(|request| body(request))
        .collect();
    assert_eq!(
        (&said[0]["event"], &said[1]["event"]),
        (&json!("opened"), &json!("closed"))
    );
    let text = said[0]["text"].as_str().expect("words");
    assert!(
        text.starts_with("Loa Bản Chương 1 (Bản Chương) mất kết nối.\nTừ 12:00 24/11."),
        "{text}"
    );
    assert_eq!(said[1]["alerts"][0]["id"], alert["id"]);
}

#[tokio::test]
async fn poles_of_one_mast_are_one_alert_and_what_is_acknowledged_is_not_told_again() {
    let office = office_with(with_webhooks()).await;
    all_there(&office).await;
    for who in ["ban-chuong-1", "khuoi-meo-1"] {
        online(&office, who, status(who, Hearing::Heard));
    }
    let (server, requests) = web(&[TAKEN]).await;
    let to = json!({ "repeat_s": 300, "tell": [{ "by": "webhook", "to": format!("http://{server}/") }] });
    office.patch(&office.chief, OFFLINE, &to).await.ok();
    let mut watch = Watch::new(office.state.clone());
    let sender = Sender::new(office.state.clone());
    look(&mut watch).await;
    turns(&office, "ban-chuong-1", Presence::Offline, NOON.plus_s(1)).await;
    turns(&office, "khuoi-meo-1", Presence::Offline, NOON.plus_s(20)).await;
    office.village.clock.pass_s(310);
    look(&mut watch).await;
    sender.send_due().await.expect("sent");
    let open = alerts(&office, "state=open").await;
    assert_eq!((open.len(), &open[0]["kind"]), (1, &json!("mast")));
    assert_eq!(
        (&open[0]["area"], &open[0]["severity"]),
        (&json!("sang-moc"), &json!("critical"))
    );
    assert_eq!(open[0]["detail"]["cell"], "452-04-1");
    assert_eq!(open[0]["speakers"].as_array().map(Vec::len), Some(2));
    let path = format!("/api/v1/alerts/{}", open[0]["id"].as_str().expect("an id"));
    // A hamlet's own see their pole in it, and do not answer for the commune.
    let head = office
        .somebody("head", Role::HamletHead, Some("khuoi-meo"))
        .await;
    let seen = office.get(&head, &path).await.ok();
    assert_eq!(seen["speakers"].as_array().map(Vec::len), Some(1));
    let word = json!({ "note": "Đã gọi nhà mạng" });
    let refused = office
        .post(&head, &format!("{path}/acknowledge"), &word)
        .await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let officer = office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await;
    let done = office
        .post(&officer, &format!("{path}/acknowledge"), &word)
        .await
        .ok();
    assert_eq!(
        (&done["acknowledged"]["by"], &done["acknowledged"]["note"]),
        (&json!("officer"), &json!("Đã gọi nhà mạng"))
    );
    let later = office
        .post(&office.chief, &format!("{path}/acknowledge"), &json!({}))
        .await
        .ok();
    assert_eq!(later["acknowledged"], done["acknowledged"]);
    office.village.clock.pass_s(3_600);
    look(&mut watch).await;
    sender.send_due().await.expect("sent");
    assert_eq!(requests.await.expect("served").len(), 1);
    let count = office
        .get(&officer, "/api/v1/alerts/count?area=khuoi-meo")
        .await
        .ok();
    assert_eq!(count, json!({ "open": 1, "unacknowledged": 0 }));
}

#[tokio::test]
async fn who_does_not_answer_is_asked_again_later_and_never_of_what_is_over() {
    let office = office_with(with_webhooks()).await;
    all_there(&office).await;
    let (server, requests) = web(&["HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", TAKEN]).await;
    let to = json!({ "tell": [{ "by": "webhook", "to": format!("http://{server}/") }, { "by": "mail", "to": "truc@xa.vn" }] });
    office.patch(&office.chief, OFFLINE, &to).await.ok();
    let mut watch = Watch::new(office.state.clone());
    let sender = Sender::new(office.state.clone());
    turns(&office, "ban-chuong-1", Presence::Offline, NOON.plus_s(1)).await;
    office.village.clock.pass_s(310);
    look(&mut watch).await;
    sender.send_due().await.expect("tried");
    // Not before ten seconds have passed.
    sender.send_due().await.expect("nothing due");
    assert_eq!(alerts(&office, "").await[0]["told"], 0);
    office.village.clock.pass_s(10);
    sender.send_due().await.expect("sent");
    assert_eq!(alerts(&office, "").await[0]["told"], 1);
    assert_eq!(requests.await.expect("served").len(), 2);
    // The mail never went: the closing word is for the other one only.
    turns(&office, "ban-chuong-1", Presence::Online, NOON.plus_s(400)).await;
    for _ in 0..3 {
        office.village.clock.pass_s(60);
        look(&mut watch).await;
    }
    let waiting = office.village.outgoing(10).await.expect("read");
    let to: Vec<&str> = waiting.iter().map(|m| m.address.to.as_str()).collect();
    assert_eq!(to, [format!("http://{server}/")]);
}

#[tokio::test]
async fn a_storm_of_alerts_is_one_message() {
    let office = office_with(with_webhooks()).await;
    all_there(&office).await;
    let (server, requests) = web(&[TAKEN]).await;
    let tell = json!([{ "by": "webhook", "to": format!("http://{server}/") }]);
    let mut decided = Vec::new();
    for n in 0..12_i64 {
        decided.push(crate::store::Decided {
            area: None,
            change: crate::logic::alerts::Change::Open {
                kind: crate::logic::alerts::Kind::Disk,
                cause: None,
                cell: None,
                began: NOON,
                speakers: vec![(speaker("ban-chuong-1"), NOON.plus_s(n))],
                value: Some(3.0),
                limit: Some(5.0),
            },
        });
    }
    office.village.decide(&decided, &[]).await.expect("opened");
    let disk = "/api/v1/alert_rules/r0000000000000005";
    office
        .patch(&office.chief, disk, &json!({ "tell": tell }))
        .await
        .ok();
    look(&mut Watch::new(office.state.clone())).await;
    Sender::new(office.state.clone())
        .send_due()
        .await
        .expect("sent");
    let said = body(&requests.await.expect("served")[0]);
    assert_eq!(said["event"], "digest");
    assert_eq!(said["alerts"].as_array().map(Vec::len), Some(12));
}

#[tokio::test]
async fn a_new_office_has_rules_that_tell_nobody_and_can_be_changed() {
    let office = office().await;
    let chief = &office.chief;
    let rules = office.get(chief, RULES).await.ok();
    let rules = rules["rules"].as_array().expect("a list");
    assert_eq!(rules.len(), 9);
    assert!(
        rules
            .iter()
            .all(|r| r["tell"] == json!([]) && r["area"] == json!(null))
    );
    let rule = json!({ "area": "sang-moc", "kind": "temperature", "after_s": 60, "limit": 70.0, "repeat_s": 3600,
        "tell": [{ "by": "telegram", "to": "-100123" }, { "by": "mail", "to": " truc@xa.vn " }] });
    let ask = || {
        with(
            request("POST", chief, RULES, Some(&rule)),
            "idempotency-key",
            "k1",
        )
    };
    let made = office.send(ask()).await.ok();
    assert_eq!(office.send(ask()).await.ok(), made);
    assert_eq!(made["tell"][1]["to"], "truc@xa.vn");
    let again = office.post(chief, RULES, &rule).await;
    assert_eq!(again.refusal(), (409, "rule_taken"));
    let path = format!("{RULES}/{}", made["id"].as_str().expect("an id"));
    for (patch, code) in [
        (json!({ "after_s": -1 }), "rule_seconds_invalid"),
        (json!({ "repeat_s": 60 }), "rule_seconds_invalid"),
        (json!({ "limit": 500.0 }), "rule_limit_invalid"),
        (
            json!({ "tell": [{ "by": "mail", "to": "truc" }] }),
            "address_invalid",
        ),
    ] {
        let refused = office.patch(chief, &path, &patch).await;
        assert_eq!(refused.refusal(), (422, code), "{patch}");
    }
    for (new, code) in [
        (json!({ "kind": "mast", "after_s": 0 }), "rule_kind_invalid"),
        (
            json!({ "kind": "offline", "after_s": 0, "limit": 3.0, "area": "sang-moc" }),
            "rule_no_limit",
        ),
        (
            json!({ "kind": "offline", "after_s": 0, "area": "nowhere" }),
            "area_unknown",
        ),
    ] {
        let refused = office.post(chief, RULES, &new).await;
        assert_eq!(refused.refusal(), (422, code), "{new}");
    }
    let changed = office
        .patch(chief, &path, &json!({ "repeat_s": null, "enabled": false }))
        .await
        .ok();
    assert_eq!(
        (&changed["repeat_s"], &changed["enabled"]),
        (&json!(null), &json!(false))
    );
    // Who may not change a rule sees that there is somebody, and not the secret.
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let seen = office.get(&head, RULES).await.ok();
    let of = seen["rules"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|r| r["area"] == "sang-moc");
    assert_eq!(of.expect("the commune's")["tell"][0]["to"], "…");
    assert_eq!(
        office.patch(&head, &path, &json!({})).await.refusal(),
        (403, "forbidden")
    );
    let officer = office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await;
    assert_eq!(
        office.patch(&officer, OFFLINE, &json!({})).await.refusal(),
        (403, "forbidden")
    );
    office
        .patch(&officer, &path, &json!({ "after_s": 5 }))
        .await
        .ok();
    assert_eq!(office.delete(&officer, &path).await.status, 204);
    assert_eq!(
        office.delete(chief, &path).await.refusal(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn an_address_can_be_tried_before_it_is_needed() {
    let office = office_with(with_webhooks()).await;
    let (server, requests) = web(&[TAKEN]).await;
    let path = format!("{RULES}/try");
    let to = |by: &str, to: &str| json!({ "address": { "by": by, "to": to } });
    let hook = to("webhook", &format!("http://{server}/"));
    let tried = office.post(&office.chief, &path, &hook).await.ok();
    assert_eq!(tried, json!({ "ok": true, "detail": "" }));
    let said = body(&requests.await.expect("served")[0]);
    assert_eq!(said["event"], "test");
    let mail = office
        .post(&office.chief, &path, &to("mail", "truc@xa.vn"))
        .await
        .ok();
    assert_eq!(mail["ok"], false);
    assert!(mail["detail"].as_str().expect("words").contains("[mail]"));
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    assert_eq!(
        office.post(&head, &path, &hook).await.refusal(),
        (403, "forbidden")
    );
}

#[tokio::test]
async fn a_repair_says_who_does_what_by_when_and_how_long_it_took() {
    let office = office().await;
    let path = "/api/v1/repairs";
    let new = json!({ "speaker": "ban-chuong-1", "what": "Thay nguồn", "who": "Anh Dũng", "due": "2026-11-30" });
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let made = office.post(&head, path, &new).await.ok();
    assert_eq!(
        (&made["opened_by"], &made["done"]),
        (&json!("head"), &json!(null))
    );
    assert_eq!(
        (&made["name"], &made["due"]),
        (&json!("Bản Chương 1"), &json!("2026-11-30"))
    );
    office.village.clock.pass_s(7_200);
    let one = format!("{path}/{}", made["id"].as_str().expect("an id"));
    let done = office
        .patch(&head, &one, &json!({ "done": true, "note": "Xong" }))
        .await
        .ok();
    assert_eq!(
        (&done["done_by"], &done["note"], &done["who"]),
        (&json!("head"), &json!("Xong"), &json!("Anh Dũng"))
    );
    let list = async |query: &str| {
        let found = office
            .get(&office.chief, &format!("{path}?{query}"))
            .await
            .ok();
        found["items"].as_array().expect("a list").len()
    };
    assert_eq!((list("state=open").await, list("state=done").await), (0, 1));
    assert_eq!(
        (
            list("area=khuoi-meo").await,
            list("speaker=ban-chuong-1").await
        ),
        (0, 1)
    );
    let figures = office
        .village
        .repaired(None, NOON, NOON.plus_s(86_400))
        .await
        .expect("read");
    assert_eq!(
        (figures.opened, figures.closed, figures.median_s),
        (1, 1, Some(7_200))
    );
    let other = office
        .somebody("other", Role::HamletHead, Some("khuoi-meo"))
        .await;
    assert_eq!(
        office.patch(&other, &one, &json!({})).await.refusal(),
        (403, "forbidden")
    );
    for (bad, code) in [
        (
            json!({ "speaker": "nobody", "what": "x" }),
            "speaker_unknown",
        ),
        (
            json!({ "speaker": "ban-chuong-1", "what": " " }),
            "note_invalid",
        ),
        (
            json!({ "speaker": "ban-chuong-1", "what": "x", "due": "mai" }),
            "date_invalid",
        ),
        (
            json!({ "speaker": "ban-chuong-1", "what": "x", "alert": "w1" }),
            "alert_unknown",
        ),
    ] {
        let refused = office.post(&office.chief, path, &bad).await;
        assert_eq!(refused.refusal(), (422, code), "{bad}");
    }
    let again = office
        .patch(&head, &one, &json!({ "done": false }))
        .await
        .ok();
    assert_eq!(
        (&again["done"], &again["done_by"]),
        (&json!(null), &json!(null))
    );
}

#[tokio::test]
async fn a_pole_that_nobody_ever_heard_is_not_missed() {
    let office = office().await;
    office.state.engine.pretend_line(Some(NOON.plus_s(-900)));
    let offline = PresenceView {
        presence: Presence::Offline,
        since: NOON.plus_s(-900),
        last_heard: None,
    };
    office
        .state
        .engine
        .pretend(&speaker("ban-chuong-1"), offline, None);
    look(&mut Watch::new(office.state.clone())).await;
    assert_eq!(alerts(&office, "").await.len(), 0);
}
