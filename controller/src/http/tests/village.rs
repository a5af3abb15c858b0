//! Areas, groups and speakers; and the description of it all.

use serde_json::{Value, json};

use super::{office, request, with};
use crate::{engine::Change, store::testing::speaker};

#[tokio::test]
async fn the_description_lists_every_call_and_every_call_is_there() {
    let office = office().await;
    let description = office.get("", "/api/v1/openapi.json").await.ok();
    let paths = description["paths"].as_object().expect("paths");
    for (path, methods) in [
        ("/api/v1/session", &["post", "delete"][..]),
        ("/api/v1/session/passkey_challenge", &["post"]),
        ("/api/v1/session/passkey", &["post"]),
        ("/api/v1/session/proof", &["post"]),
        ("/api/v1/session/proof/passkey_challenge", &["post"]),
        ("/api/v1/session/proof/passkey", &["post"]),
        ("/api/v1/me", &["get"]),
        ("/api/v1/me/sessions", &["get", "delete"]),
        ("/api/v1/me/sessions/{id}", &["delete"]),
        ("/api/v1/me/passkeys", &["get", "post"]),
        ("/api/v1/me/passkeys/challenge", &["post"]),
        ("/api/v1/me/passkeys/{id}", &["delete"]),
        ("/api/v1/me/totp", &["post", "delete"]),
        ("/api/v1/me/totp/confirm", &["post"]),
        ("/api/v1/setup", &["post"]),
        ("/api/v1/app", &["get"]),
        ("/api/v1/areas", &["get", "post"]),
        ("/api/v1/areas/{id}", &["get", "patch", "delete"]),
        ("/api/v1/groups", &["get", "post"]),
        ("/api/v1/groups/{id}", &["get", "patch", "delete"]),
        ("/api/v1/speakers", &["get", "post"]),
        ("/api/v1/speakers/{id}", &["get", "patch", "delete"]),
        ("/api/v1/speakers/{id}/token", &["post"]),
        ("/api/v1/speakers/{id}/retire", &["post"]),
        ("/api/v1/speakers/{id}/enrolment", &["post"]),
        ("/api/v1/speakers/{id}/certificates", &["get"]),
        ("/api/v1/speakers/{id}/sticker", &["get"]),
        ("/api/v1/enrol", &["post"]),
        ("/api/v1/renew", &["post"]),
        ("/api/v1/enrolment", &["post"]),
        ("/api/v1/speakers/{id}/presence", &["get"]),
        ("/api/v1/speakers/{id}/preview", &["get"]),
        ("/api/v1/users", &["get", "post"]),
        ("/api/v1/users/{id}", &["get", "patch", "delete"]),
        ("/api/v1/users/{id}/setup_link", &["post"]),
        ("/api/v1/users/{id}/second_factors", &["delete"]),
        ("/api/v1/users/{id}/sessions", &["delete"]),
        ("/api/v1/audio", &["get", "post"]),
        ("/api/v1/audio/speech", &["post"]),
        ("/api/v1/audio/{id}", &["get", "patch", "delete"]),
        ("/api/v1/audio/{id}/content", &["get"]),
        ("/api/v1/voices", &["get"]),
        ("/api/v1/bulletins", &["get", "post"]),
        ("/api/v1/bulletins/{id}", &["get", "patch"]),
        ("/api/v1/bulletins/{id}/cancel", &["post"]),
        ("/api/v1/bulletins/{id}/approve", &["post"]),
        ("/api/v1/bulletins/{id}/return", &["post"]),
        ("/api/v1/bulletins/{id}/pause", &["post"]),
        ("/api/v1/bulletins/{id}/resume", &["post"]),
        ("/api/v1/bulletins/{id}/correct", &["post"]),
        ("/api/v1/bulletins/check", &["post"]),
        ("/api/v1/relays/try", &["post"]),
        ("/api/v1/templates", &["get", "post"]),
        ("/api/v1/templates/{id}", &["patch", "delete"]),
        ("/api/v1/holidays", &["get", "post"]),
        ("/api/v1/holidays/{id}", &["delete"]),
        ("/api/v1/calls", &["get", "post"]),
        ("/api/v1/calls/{id}", &["get"]),
        ("/api/v1/calls/{id}/end", &["post"]),
        ("/api/v1/calls/{id}/microphone", &["get"]),
        ("/api/v1/stop", &["post"]),
        ("/api/v1/now", &["get"]),
        ("/api/v1/days", &["get"]),
        ("/api/v1/playouts", &["get"]),
        ("/api/v1/events", &["get"]),
        ("/api/v1/reports/availability", &["get"]),
        ("/api/v1/reports/availability.csv", &["get"]),
        ("/api/v1/reports/monthly", &["get"]),
        ("/api/v1/reports/monthly.csv", &["get"]),
        ("/api/v1/reports/monthly.xlsx", &["get"]),
        ("/api/v1/board", &["get"]),
        ("/api/v1/speakers/{id}/watch", &["get"]),
        ("/api/v1/speakers/{id}/telemetry", &["get"]),
        ("/api/v1/speakers/{id}/orders", &["post"]),
        ("/api/v1/speakers/{id}/programme.ics", &["get"]),
        ("/api/v1/areas/{id}/programme.ics", &["get"]),
        ("/api/v1/calendars", &["get", "post"]),
        ("/api/v1/calendars/{id}", &["delete"]),
        ("/api/v1/calendars/open/{secret}/programme.ics", &["get"]),
        ("/api/v1/alert_rules", &["get", "post"]),
        ("/api/v1/alert_rules/{id}", &["patch", "delete"]),
        ("/api/v1/alert_rules/try", &["post"]),
        ("/api/v1/alerts", &["get"]),
        ("/api/v1/alerts/count", &["get"]),
        ("/api/v1/alerts/{id}", &["get"]),
        ("/api/v1/alerts/{id}/acknowledge", &["post"]),
        ("/api/v1/repairs", &["get", "post"]),
        ("/api/v1/repairs/{id}", &["patch"]),
        ("/api/v1/bulletins/{id}/endorse", &["post"]),
        ("/api/v1/trust", &["get"]),
        ("/api/v1/trust/draft", &["get"]),
        ("/api/v1/trust/roots", &["post"]),
        ("/api/v1/trust/approvers", &["post"]),
        ("/api/v1/calls/check", &["post"]),
        ("/healthz", &["get"]),
        ("/livez", &["get"]),
        ("/readyz", &["get"]),
        ("/metrics", &["get"]),
    ] {
        let described = paths
            .get(path)
            .unwrap_or_else(|| panic!("{path} is not described"));
        for method in methods {
            assert!(
                described.get(method).is_some(),
                "{method} {path} is not described"
            );
        }
        let count = described.as_object().expect("methods").len();
        assert_eq!(
            count,
            methods.len(),
            "{path} has more: add it to this table"
        );
    }
    assert_eq!(paths.len(), 100, "add what is new to this table");
    // And what is described is served: nobody is signed in, so everything but what is open says so.
    for (path, methods) in paths {
        for method in methods.as_object().expect("methods").keys() {
            let path = path.replace("{id}", "x").replace("{secret}", "x");
            let body = json!({});
            let answer = office
                .call(&method.to_uppercase(), "", &path, Some(&body))
                .await;
            assert!(
                !matches!(answer.refusal().1, "no_such_route" | "method_not_allowed"),
                "{method} {path}"
            );
            let open = [
                "/healthz",
                "/livez",
                "/readyz",
                "/metrics",
                "/api/v1/calendars/open/x/programme.ics",
                "/api/v1/session",
                "/api/v1/session/passkey_challenge",
                "/api/v1/session/passkey",
                "/api/v1/setup",
                "/api/v1/enrol",
                "/api/v1/renew",
                "/api/v1/app",
            ]
            .contains(&path.as_str());
            assert!(
                open || answer.status == 401,
                "{method} {path} answers {}",
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn every_schema_that_is_referred_to_is_described() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(name)) = map.get("$ref") {
                    found.push(name.clone());
                }
                map.values().for_each(|v| references(v, found));
            }
            Value::Array(all) => all.iter().for_each(|v| references(v, found)),
            _ => {}
        }
    }
    let description = serde_json::to_value(super::super::openapi()).expect("JSON");
    let mut found = Vec::new();
    references(&description, &mut found);
    assert!(!found.is_empty());
    for name in found {
        let pointer = name.strip_prefix('#').expect("a local reference");
        assert!(description.pointer(pointer).is_some(), "{name} is missing");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_one_form_of_errors() {
    let office = office().await;
    assert_eq!(
        office.get("", "/api/v1/nothing").await.refusal(),
        (404, "no_such_route")
    );
    assert_eq!(
        office.call("PUT", "", "/api/v1/me", None).await.refusal(),
        (405, "method_not_allowed")
    );
    let traced = office.call("TRACE", "", "/api/v1/me", None).await;
    assert_eq!(traced.refusal(), (405, "method_not_allowed"));
    let chief = &office.chief;
    assert_eq!(
        office
            .get(chief, "/api/v1/speakers/nowhere")
            .await
            .refusal(),
        (404, "not_found")
    );
    assert_eq!(
        office
            .get(chief, "/api/v1/speakers/NOT%20A%20NAME")
            .await
            .refusal(),
        (404, "not_found")
    );
    assert_eq!(
        office
            .get(chief, "/api/v1/bulletins?state=loud")
            .await
            .refusal(),
        (400, "bad_request")
    );
    let text = with(
        request("POST", chief, "/api/v1/areas", Some(&json!({}))),
        "content-type",
        "text/plain",
    );
    assert_eq!(
        office.send(text).await.refusal(),
        (415, "unsupported_media_type")
    );
    let long = json!({ "name": "x".repeat(300_000) });
    assert_eq!(
        office.post(chief, "/api/v1/areas", &long).await.refusal(),
        (413, "body_too_large")
    );
    let page = office.get("", "/").await;
    assert!(
        page.status.is_success() && page.body.as_str().is_some_and(|html| html.contains("Loa"))
    );
    let setup = office.get("", "/setup?token=x").await;
    assert!(setup.headers.contains_key("content-security-policy"));
    assert_eq!(setup.headers["x-content-type-options"], "nosniff");
    let health = office.get("", "/healthz").await.ok();
    assert_eq!(
        (&health["database"], &health["broker"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn the_tree_is_built_moved_and_pruned() {
    let mut office = office().await;
    let chief = office.chief.clone();
    let area = json!({ "name": "Tiên Sơn", "kind": "hamlet", "parent": "sang-moc" });
    let made = office.post(&chief, "/api/v1/areas", &area).await.ok();
    assert_eq!(
        (&made["id"], &made["channel"]),
        (&json!("tien-son"), &json!("area.tien-son"))
    );
    let same = json!({ "id": "tien-son", "name": "x" });
    assert_eq!(
        office.post(&chief, "/api/v1/areas", &same).await.refusal(),
        (409, "taken")
    );
    let lost = json!({ "name": "x", "parent": "nowhere" });
    assert_eq!(
        office.post(&chief, "/api/v1/areas", &lost).await.refusal(),
        (422, "area_unknown")
    );
    let bad = json!({ "id": "Tiên Sơn", "name": "x" });
    assert_eq!(
        office.post(&chief, "/api/v1/areas", &bad).await.refusal(),
        (422, "id_invalid")
    );
    let patch = json!({ "parent": "vo-nhai", "kind": null, "name": "Tiên Sơn mới" });
    let moved = office
        .patch(&chief, "/api/v1/areas/tien-son", &patch)
        .await
        .ok();
    assert_eq!(
        (&moved["parent"], &moved["kind"]),
        (&json!("vo-nhai"), &Value::Null)
    );
    let under_itself = json!({ "parent": "ban-chuong" });
    let refused = office
        .patch(&chief, "/api/v1/areas/sang-moc", &under_itself)
        .await;
    assert_eq!(refused.refusal(), (422, "area_below_itself"));
    assert_eq!(
        office
            .delete(&chief, "/api/v1/areas/sang-moc")
            .await
            .refusal(),
        (409, "in_use")
    );
    assert_eq!(
        office.delete(&chief, "/api/v1/areas/tien-son").await.status,
        204
    );
    assert!(office.told().is_empty());
    office
        .patch(
            &chief,
            "/api/v1/areas/ban-chuong",
            &json!({ "parent": "vo-nhai" }),
        )
        .await
        .ok();
    let moved = vec![speaker("ban-chuong-1"), speaker("ban-chuong-2")];
    assert_eq!(office.told(), [Change::Speakers(moved)]);
}

#[tokio::test]
async fn a_speaker_comes_with_a_secret_that_is_told_once() {
    let mut office = office().await;
    let chief = office.chief.clone();
    let new =
        json!({ "name": "Khuổi Mèo 2", "area": "khuoi-meo", "latitude": 21.9, "longitude": 105.9 });
    let ask = || {
        with(
            request("POST", &chief, "/api/v1/speakers", Some(&new)),
            "idempotency-key",
            "k1",
        )
    };
    let made = office.send(ask()).await.ok();
    assert_eq!(made["id"], "khuoi-meo-2");
    assert_eq!(made["presence"]["state"], "offline");
    // The office's quiet hours, for nobody named any.
    assert_eq!(
        made["quiet_hours"],
        json!([{ "from": "22:00", "to": "05:00" }])
    );
    let token = made["token"].as_str().expect("a token").to_owned();
    let known = office.village.mqtt_tokens().await.expect("read");
    assert_eq!(
        known[&speaker("khuoi-meo-2")],
        crate::broker::token_hash(token.as_bytes())
    );
    assert_eq!(
        office.told(),
        [Change::Speakers(vec![speaker("khuoi-meo-2")])]
    );
    let again = office.send(ask()).await.ok();
    assert_eq!(
        (&again["id"], again.get("token")),
        (&json!("khuoi-meo-2"), None)
    );
    let fresh = office
        .call("POST", &chief, "/api/v1/speakers/khuoi-meo-2/token", None)
        .await
        .ok();
    assert_ne!(fresh["token"], token);
    assert_eq!(fresh["office_key"].as_str().map(str::len), Some(64));
    assert_eq!(
        office
            .delete(&chief, "/api/v1/speakers/khuoi-meo-2")
            .await
            .status,
        204
    );
    assert_eq!(
        office
            .get(&chief, "/api/v1/speakers/khuoi-meo-2")
            .await
            .refusal(),
        (404, "not_found")
    );
}

#[tokio::test]
async fn a_speakers_settings_are_checked_before_a_pole_gets_them() {
    let mut office = office().await;
    let chief = office.chief.clone();
    let path = "/api/v1/speakers/ban-chuong-1";
    for (patch, code) in [
        (json!({ "zone": "Hanoi" }), "zone_invalid"),
        (
            json!({ "quiet_hours": [{ "from": "22", "to": "05:00" }] }),
            "time_of_day_invalid",
        ),
        (
            json!({ "volume": { "percent": 101, "ceiling": 100, "emergency": 100 } }),
            "volume_invalid",
        ),
        (json!({ "delay_trim_ms": 501 }), "delay_trim_invalid"),
        (json!({ "latitude": 21.0 }), "place_invalid"),
        (
            json!({ "latitude": 91.0, "longitude": 0.0 }),
            "place_invalid",
        ),
        (json!({ "name": " " }), "name_invalid"),
        (json!({ "area": "nowhere" }), "area_unknown"),
    ] {
        let refused = office.patch(&chief, path, &patch).await;
        assert_eq!(refused.status, 422, "{patch} {}", refused.body);
        assert_eq!(refused.refusal().1, code, "{patch}");
    }
    assert!(office.told().is_empty());
    let before = office
        .village
        .speaker(&speaker("ban-chuong-1"))
        .await
        .expect("read")
        .generation;
    let patch = json!({ "muted": true, "delay_trim_ms": -40, "latitude": null, "longitude": null });
    let changed = office.patch(&chief, path, &patch).await.ok();
    assert_eq!(
        (&changed["muted"], &changed["delay_trim_ms"]),
        (&json!(true), &json!(-40))
    );
    assert_eq!(
        office.told(),
        [Change::Speakers(vec![speaker("ban-chuong-1")])]
    );
    let after = office
        .village
        .speaker(&speaker("ban-chuong-1"))
        .await
        .expect("read")
        .generation;
    assert_eq!(after, before + 1);
}

#[tokio::test]
async fn a_hamlet_head_mutes_a_horn_that_shrieks_and_sets_nothing_else() {
    let office = office().await;
    let head = office
        .somebody(
            "head",
            crate::logic::permissions::Role::HamletHead,
            Some("ban-chuong"),
        )
        .await;
    office
        .patch(
            &head,
            "/api/v1/speakers/ban-chuong-1",
            &json!({ "muted": true }),
        )
        .await
        .ok();
    let refused = office
        .patch(
            &head,
            "/api/v1/speakers/ban-chuong-1",
            &json!({ "name": "x" }),
        )
        .await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let refused = office
        .patch(
            &head,
            "/api/v1/speakers/khuoi-meo-1",
            &json!({ "muted": true }),
        )
        .await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let seen = office.get(&head, "/api/v1/speakers").await.ok();
    assert_eq!(seen["speakers"].as_array().expect("a list").len(), 2);
    let refused = office.get(&head, "/api/v1/speakers?area=sang-moc").await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
}

#[tokio::test]
async fn a_group_is_made_changed_and_kept_while_it_is_spoken_to() {
    let mut office = office().await;
    let chief = office.chief.clone();
    let new = json!({ "name": "Trường học", "area": "sang-moc", "members": ["ban-chuong-1", "ban-chuong-1"] });
    let made = office.post(&chief, "/api/v1/groups", &new).await.ok();
    assert_eq!(
        (&made["id"], &made["members"]),
        (&json!("truong-hoc"), &json!(["ban-chuong-1"]))
    );
    office.told();
    let patch = json!({ "members": ["khuoi-meo-1"] });
    office
        .patch(&chief, "/api/v1/groups/truong-hoc", &patch)
        .await
        .ok();
    assert_eq!(
        office.told(),
        [Change::Speakers(vec![
            speaker("ban-chuong-1"),
            speaker("khuoi-meo-1")
        ])]
    );
    let nobody = json!({ "members": ["nowhere"] });
    let refused = office
        .patch(&chief, "/api/v1/groups/truong-hoc", &nobody)
        .await;
    assert_eq!(refused.refusal(), (422, "speaker_unknown"));
    let audio = office.audio().await;
    let say = json!({ "title": "x", "audio": audio, "targets": ["group.truong-hoc"], "when": { "now": true } });
    office.post(&chief, "/api/v1/bulletins", &say).await.ok();
    assert_eq!(
        office
            .delete(&chief, "/api/v1/groups/truong-hoc")
            .await
            .refusal(),
        (409, "in_use")
    );
    office.village.clock.pass_s(24 * 3_600);
    assert_eq!(
        office
            .delete(&chief, "/api/v1/groups/truong-hoc")
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn an_area_says_whether_a_second_person_is_needed_or_leaves_it_to_the_one_above() {
    let office = office().await;
    let chief = &office.chief;
    let path = "/api/v1/areas/ban-chuong";
    let plain = office.get(chief, path).await.ok();
    assert_eq!(
        (
            &plain["approval"],
            &plain["approval_in_force"],
            &plain["speakers"]
        ),
        (&Value::Null, &json!("none"), &json!(2))
    );
    let set = json!({ "approval": "hamlets" });
    let commune = office
        .patch(chief, "/api/v1/areas/sang-moc", &set)
        .await
        .ok();
    assert_eq!(
        (&commune["approval"], &commune["speakers"]),
        (&json!("hamlets"), &json!(3))
    );
    let below = office.get(chief, path).await.ok();
    assert_eq!(
        (&below["approval"], &below["approval_in_force"]),
        (&Value::Null, &json!("hamlets"))
    );
    let new = json!({ "name": "Tiên Sơn", "parent": "sang-moc", "approval": "everyone" });
    let made = office.post(chief, "/api/v1/areas", &new).await.ok();
    assert_eq!(
        (&made["approval_in_force"], &made["speakers"]),
        (&json!("everyone"), &json!(0))
    );
    let list = office.get(chief, "/api/v1/areas").await.ok();
    let in_force: Vec<_> = list["areas"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|a| {
            (
                a["id"].as_str(),
                a["approval_in_force"].as_str(),
                a["speakers"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        in_force,
        [
            (Some("ban-chuong"), Some("hamlets"), Some(2)),
            (Some("khuoi-meo"), Some("hamlets"), Some(1)),
            (Some("sang-moc"), Some("hamlets"), Some(3)),
            (Some("tien-son"), Some("everyone"), Some(0)),
            (Some("vo-nhai"), Some("none"), Some(3)),
        ]
    );
    let back = office
        .patch(
            chief,
            "/api/v1/areas/sang-moc",
            &json!({ "approval": null }),
        )
        .await
        .ok();
    assert_eq!(back["approval_in_force"], "none");
    let wrong = json!({ "approval": "somebody" });
    let refused = office.patch(chief, path, &wrong).await;
    assert_eq!(refused.refusal(), (400, "bad_json"));
}
