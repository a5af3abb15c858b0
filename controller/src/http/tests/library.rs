//! The library of recordings.

use serde_json::{Value, json};

use super::{Office, office, recordings};
use crate::logic::permissions::Role;

const DAY_S: i64 = 24 * 3_600;

async fn record(office: &Office, who: &str, title: &str) -> String {
    let view = recordings::record(office, who, title).await;
    view["id"].as_str().expect("an id").to_owned()
}

async fn titles(office: &Office, who: &str, query: &str) -> Vec<String> {
    let found = office.get(who, &format!("/api/v1/audio{query}")).await.ok();
    let title = |audio: &Value| audio["title"].as_str().expect("a title").to_owned();
    found["audio"]
        .as_array()
        .expect("a list")
        .iter()
        .map(title)
        .collect()
}

#[tokio::test]
async fn people_find_what_was_made_near_them_and_above_them() {
    let office = office().await;
    let commune = office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await;
    let here = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let there = office
        .somebody("other", Role::HamletHead, Some("khuoi-meo"))
        .await;
    for (who, title) in [
        (&office.chief, "Của tỉnh"),
        (&commune, "Của xã"),
        (&here, "Họp xóm Bản Chương"),
        (&there, "Họp xóm Khuổi Mèo"),
    ] {
        record(&office, who, title).await;
        office.village.clock.pass_s(1);
    }
    let all = [
        "Họp xóm Khuổi Mèo",
        "Họp xóm Bản Chương",
        "Của xã",
        "Của tỉnh",
    ];
    assert_eq!(titles(&office, &office.chief, "").await, all);
    assert_eq!(titles(&office, &commune, "").await, all);
    assert_eq!(titles(&office, &here, "").await, all[1..]);
    // As it is typed on a phone.
    for q in ["hop%20xom", "H%E1%BB%8Cp%20x%C3%B3m", "KHUOI"] {
        let found = titles(&office, &there, &format!("?q={q}")).await;
        assert_eq!(found, all[..1], "{q}");
    }
    assert!(titles(&office, &there, "?q=100%25").await.is_empty());
    assert!(titles(&office, &there, "?source=speech").await.is_empty());
    let page = office.get(&commune, "/api/v1/audio?limit=3").await.ok();
    let next = page["next"].as_str().expect("a cursor");
    assert_eq!(page["audio"][0]["made_by_name"], "other");
    let rest = titles(&office, &commune, &format!("?limit=3&cursor={next}")).await;
    assert_eq!(rest, all[3..]);
    let refused = office.get(&commune, "/api/v1/audio?cursor=zz").await;
    assert_eq!(refused.refusal(), (422, "cursor_invalid"));
}

#[tokio::test]
async fn a_recording_is_renamed_and_hidden_by_its_maker_or_who_arranges_there() {
    let office = office().await;
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let other = office
        .somebody("other", Role::HamletHead, Some("khuoi-meo"))
        .await;
    let officer = office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await;
    let id = record(&office, &head, "Họp").await;
    let path = format!("/api/v1/audio/{id}");
    let better = json!({ "title": "Họp xóm tháng 11" });
    let refused = office.patch(&other, &path, &better).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    assert_eq!(office.delete(&other, &path).await.status, 403);
    let renamed = office.patch(&head, &path, &better).await.ok();
    assert_eq!(renamed["title"], better["title"]);
    assert_eq!(titles(&office, &head, "?q=thang%2011").await.len(), 1);
    let nameless = office.patch(&head, &path, &json!({ "title": " " })).await;
    assert_eq!(nameless.refusal(), (422, "name_invalid"));
    // A bulletin that names it keeps it.
    let say = json!({ "title": "x", "audio": id, "targets": ["area.ban-chuong"], "when": { "now": true } });
    let made = office.post(&head, "/api/v1/bulletins", &say).await.ok();
    assert_eq!(office.get(&head, &path).await.ok()["uses"], 1);
    for _ in 0..2 {
        assert_eq!(office.delete(&officer, &path).await.status, 204);
    }
    assert!(titles(&office, &head, "").await.is_empty());
    let bulletin = format!("/api/v1/bulletins/{}", made["id"].as_str().expect("an id"));
    assert_eq!(office.get(&head, &bulletin).await.ok()["audio"], json!(id));
    office.get(&head, &format!("{path}/content")).await.ok();
}

#[tokio::test]
async fn what_was_hidden_and_nobody_names_is_forgotten_after_ninety_days() {
    let office = office().await;
    let chief = &office.chief;
    let [free, said, kept] = [
        record(&office, chief, "thừa").await,
        record(&office, chief, "đã phát").await,
        record(&office, chief, "mẫu").await,
    ];
    let shown = record(&office, chief, "trong thư viện").await;
    let say = json!({ "title": "x", "audio": said, "targets": ["area.ban-chuong"], "when": { "now": true } });
    office.post(chief, "/api/v1/bulletins", &say).await.ok();
    let template = json!({ "title": "Mẫu", "audio": kept });
    office
        .post(chief, "/api/v1/templates", &template)
        .await
        .ok();
    for id in [&free, &said, &kept] {
        office.delete(chief, &format!("/api/v1/audio/{id}")).await;
    }
    let original = office.village.original_path(&free.parse().expect("an id"));
    office.village.clock.pass_s(89 * DAY_S);
    super::super::tidy(&office.state).await.expect("tidied");
    assert!(original.exists());
    office.village.clock.pass_s(2 * DAY_S);
    super::super::tidy(&office.state).await.expect("tidied");
    assert!(!original.exists());
    // The session is as old as the recordings.
    let chief = office.somebody("new", Role::Administrator, None).await;
    for (id, status) in [(&free, 404), (&said, 200), (&kept, 200), (&shown, 200)] {
        let answer = office.get(&chief, &format!("/api/v1/audio/{id}")).await;
        assert_eq!(answer.status, status, "{id}");
    }
}
