//! Templates, and who may change them.

use serde_json::{Value, json};

use super::{office, request, with};
use crate::logic::permissions::Role;

const PATH: &str = "/api/v1/templates";

#[tokio::test]
async fn a_template_is_kept_as_it_was_typed_and_changed_piece_by_piece() {
    let office = office().await;
    let chief = &office.chief;
    let audio = office.audio().await;
    let new = json!({ "title": "Họp xóm", "text": "Mời bà con họp lúc 7h30.", "voice": "vi", "speed": 0.9,
        "audio": audio, "priority": "priority", "chime": "bell", "volume": 80, "targets": ["area.sang-moc"],
        "area": "sang-moc" });
    let ask = || {
        with(
            request("POST", chief, PATH, Some(&new)),
            "idempotency-key",
            "k1",
        )
    };
    let made = office.send(ask()).await.ok();
    assert_eq!(office.send(ask()).await.ok(), made);
    for (name, value) in new.as_object().expect("fields") {
        assert_eq!(&made[name], value, "{name}");
    }
    let path = format!("{PATH}/{}", made["id"].as_str().expect("an id"));
    let patch = json!({ "text": null, "volume": null, "targets": null, "title": "Họp thôn" });
    let changed = office.patch(chief, &path, &patch).await.ok();
    assert_eq!(
        (
            &changed["title"],
            &changed["text"],
            &changed["volume"],
            &changed["chime"]
        ),
        (
            &json!("Họp thôn"),
            &Value::Null,
            &Value::Null,
            &json!("bell")
        )
    );
    assert_eq!(changed["targets"], json!([]));
    assert_eq!(office.delete(chief, &path).await.status, 204);
    assert_eq!(
        office.patch(chief, &path, &patch).await.refusal(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn what_could_not_be_said_later_is_refused_now() {
    let office = office().await;
    for (body, code) in [
        (json!({ "title": " " }), "title_invalid"),
        (json!({ "title": "x", "voice": "robot" }), "voice_unknown"),
        (json!({ "title": "x", "speed": 3.0 }), "speed_invalid"),
        (json!({ "title": "x", "volume": 101 }), "volume_invalid"),
        (json!({ "title": "x", "area": "nowhere" }), "area_unknown"),
        (
            json!({ "title": "x", "audio": "a0123456789abcdef" }),
            "audio_unknown",
        ),
        (
            json!({ "title": "x", "targets": ["everybody"] }),
            "target_invalid",
        ),
        (
            json!({ "title": "x", "text": "ạ".repeat(20_001) }),
            "template_text_too_long",
        ),
    ] {
        let refused = office.post(&office.chief, PATH, &body).await;
        assert_eq!(refused.refusal(), (422, code), "{body}");
    }
}

#[tokio::test]
async fn templates_are_seen_below_and_changed_by_who_arranges_there() {
    let office = office().await;
    let officer = office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await;
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let everybody = json!({ "title": "Của mọi người" });
    office.post(&office.chief, PATH, &everybody).await.ok();
    let refused = office.post(&officer, PATH, &everybody).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let of = |area: &str| json!({ "title": format!("Của {area}"), "area": area });
    let own = office.post(&officer, PATH, &of("sang-moc")).await.ok();
    office.post(&officer, PATH, &of("khuoi-meo")).await.ok();
    assert_eq!(
        office.post(&officer, PATH, &of("vo-nhai")).await.status,
        403
    );
    assert_eq!(
        office.post(&head, PATH, &of("ban-chuong")).await.status,
        403
    );
    let seen = office.get(&head, PATH).await.ok();
    let seen: Vec<_> = seen["templates"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|t| (t["title"].as_str().expect("a title"), &t["may_change"]))
        .collect();
    assert_eq!(
        seen,
        [
            ("Của mọi người", &json!(false)),
            ("Của sang-moc", &json!(false))
        ]
    );
    let path = format!("{PATH}/{}", own["id"].as_str().expect("an id"));
    assert_eq!(office.delete(&head, &path).await.status, 403);
    let away = office
        .patch(&officer, &path, &json!({ "area": null }))
        .await;
    assert_eq!(away.refusal(), (403, "forbidden"));
    let moved = json!({ "area": "khuoi-meo" });
    office.patch(&officer, &path, &moved).await.ok();
    assert_eq!(office.delete(&officer, &path).await.status, 204);
}

#[tokio::test]
async fn a_hamlet_that_is_merged_leaves_its_templates_to_the_commune() {
    let office = office().await;
    let chief = &office.chief;
    let area = json!({ "name": "Tiên Sơn", "parent": "sang-moc" });
    office.post(chief, "/api/v1/areas", &area).await.ok();
    let template = json!({ "title": "Mẫu", "area": "tien-son" });
    office.post(chief, PATH, &template).await.ok();
    assert_eq!(
        office.delete(chief, "/api/v1/areas/tien-son").await.status,
        204
    );
    let seen = office.get(chief, PATH).await.ok();
    assert_eq!(seen["templates"][0]["area"], "sang-moc");
}
