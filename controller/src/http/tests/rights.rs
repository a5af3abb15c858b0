//! Signing in, and who may do what where.

use axum::http::header;
use serde_json::json;

use super::{Answer, PASSWORD, office, office_with, request, with};
use crate::{auth, config::Config, logic::permissions::Role, store::testing};

fn cookie(answer: &Answer) -> &str {
    answer.headers[header::SET_COOKIE].to_str().expect("text")
}

#[tokio::test]
async fn nobody_gets_in_without_signing_in() {
    let office = office().await;
    for path in [
        "/api/v1/me",
        "/api/v1/speakers",
        "/api/v1/bulletins",
        "/api/v1/events",
    ] {
        assert_eq!(
            office.get("", path).await.refusal(),
            (401, "unauthenticated"),
            "{path}"
        );
        assert_eq!(
            office.get("guess", path).await.refusal(),
            (401, "unauthenticated"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn signing_in_gives_a_cookie_that_no_script_reads_and_signing_out_ends_it() {
    let office = office().await;
    let asked = json!({ "username": "chief", "password": PASSWORD });
    let answer = office.post("", "/api/v1/session", &asked).await;
    let cookie = cookie(&answer).to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=7776000"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain http here: {cookie}");
    let pair = cookie.split(';').next().expect("a pair").to_owned();
    let by_cookie = |method, path| with(request(method, "", path, None), "cookie", &pair);
    let me = office.send(by_cookie("GET", "/api/v1/me")).await.ok();
    assert_eq!(me["user"]["username"], "chief");
    assert_eq!(
        me["rights"]["speak"],
        json!(["ordinary", "priority", "emergency"])
    );
    let foreign = with(
        by_cookie("DELETE", "/api/v1/session"),
        "sec-fetch-site",
        "cross-site",
    );
    assert_eq!(office.send(foreign).await.refusal(), (403, "cross_site"));
    assert_eq!(
        office
            .send(by_cookie("DELETE", "/api/v1/session"))
            .await
            .status,
        204
    );
    let after = office.send(by_cookie("GET", "/api/v1/me")).await;
    assert_eq!(after.refusal(), (401, "unauthenticated"));
}

#[tokio::test]
async fn behind_a_proxy_with_https_the_cookie_never_crosses_the_line_in_clear() {
    let mut config = Config::default();
    config.server.public_url = Some("https://loa.example.vn".into());
    let office = office_with(config).await;
    // As a phone sends it through the proxy: newer browsers say from which page, older ones only from which origin.
    let from_the_app = |request, is_new: bool| {
        let request = with(request, "host", "loa.example.vn");
        let request = with(request, "origin", "https://loa.example.vn");
        if is_new {
            with(request, "sec-fetch-site", "same-origin")
        } else {
            request
        }
    };
    for is_new in [true, false] {
        let asked = json!({ "username": "chief", "password": PASSWORD });
        let signing_in = request("POST", "", "/api/v1/session", Some(&asked));
        let answer = office.send(from_the_app(signing_in, is_new)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let given = cookie(&answer);
        assert!(given.starts_with("__Host-loa_session="), "{given}");
        assert!(given.ends_with("; Secure"), "{given}");
        let pair = given.split(';').next().expect("a pair");
        let signing_out = with(
            request("DELETE", "", "/api/v1/session", None),
            "cookie",
            pair,
        );
        let answer = office.send(from_the_app(signing_out, is_new)).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        let taken = cookie(&answer);
        assert!(
            taken.contains("Max-Age=0") && taken.ends_with("; Secure"),
            "{taken}"
        );
    }
    // A proxy that does not hand the name on.
    let asked = json!({ "username": "chief", "password": PASSWORD });
    let lost = with(
        request("POST", "", "/api/v1/session", Some(&asked)),
        "host",
        "127.0.0.1:8080",
    );
    let lost = with(lost, "origin", "https://loa.example.vn");
    assert_eq!(office.send(lost).await.refusal(), (403, "cross_site"));
}

#[tokio::test]
async fn wrong_passwords_get_slower_and_the_right_one_still_works() {
    let office = office().await;
    let wrong = json!({ "username": "chief", "password": "mật khẩu sai" });
    let unknown = json!({ "username": "nobody", "password": "mật khẩu sai" });
    let refused = office.post("", "/api/v1/session", &unknown).await;
    assert_eq!(refused.refusal(), (401, "wrong_credentials"));
    for _ in 0..6 {
        let refused = office.post("", "/api/v1/session", &wrong).await;
        if refused.status == 429 {
            break;
        }
        assert_eq!(refused.refusal(), (401, "wrong_credentials"));
    }
    let slow = office.post("", "/api/v1/session", &wrong).await;
    assert_eq!(slow.refusal(), (429, "too_many_guesses"));
    assert!(slow.headers.contains_key(header::RETRY_AFTER));
    office.village.clock.pass_s(60);
    let right = json!({ "username": "chief", "password": PASSWORD });
    office.post("", "/api/v1/session", &right).await.ok();
}

#[tokio::test]
async fn the_first_start_gives_one_link_and_it_works_once() {
    let store = testing::empty().await;
    let link = auth::first_link(&store, "http://127.0.0.1:8080/")
        .await
        .expect("read");
    let link = link.expect("nobody is there yet");
    let token = link
        .strip_prefix("http://127.0.0.1:8080/setup?token=")
        .expect("a link")
        .to_owned();
    let office = office().await;
    let here = crate::chance::token();
    let hash = auth::token_hash(&here);
    // In an office that has a chief such a link is worth nothing.
    office
        .village
        .replace_first_setup_token(&hash)
        .await
        .expect("kept");
    let set = |token: &str| json!({ "token": token, "username": "second", "password": PASSWORD });
    let refused = office.post("", "/api/v1/setup", &set(&here)).await;
    assert_eq!(refused.refusal(), (403, "setup_link_invalid"));
    let hash = auth::token_hash(&token);
    let first = store
        .use_setup_token(&hash, "chief", "$argon2id$")
        .await
        .expect("the first");
    assert_eq!(first.username, "chief");
    assert_eq!(
        auth::first_link(&store, "http://x").await.expect("read"),
        None
    );
}

#[tokio::test]
async fn a_new_person_sets_the_own_password_by_a_link() {
    let office = office().await;
    let asked = json!({ "username": "truong-xom", "role": "hamlet_head", "area": "ban-chuong" });
    let made = office
        .post(&office.chief, "/api/v1/users", &asked)
        .await
        .ok();
    assert_eq!(made["has_password"], false);
    let link = made["setup_link"].as_str().expect("a link");
    let token = link.strip_prefix("/setup?token=").expect("a token");
    for (password, code) in [
        ("ngắn", "password_too_short"),
        ("truong-xom", "password_is_name"),
        (&*"x".repeat(300), "password_too_long"),
    ] {
        let asked = json!({ "token": token, "username": "truong-xom", "password": password });
        let refused = office.post("", "/api/v1/setup", &asked).await;
        assert_eq!(refused.refusal(), (422, code));
    }
    let other = json!({ "token": token, "username": "somebody-else", "password": PASSWORD });
    let refused = office.post("", "/api/v1/setup", &other).await;
    assert_eq!(refused.refusal(), (403, "setup_link_invalid"));
    let asked = json!({ "token": token, "username": "truong-xom", "password": PASSWORD });
    let opened = office.post("", "/api/v1/setup", &asked).await.ok();
    let me = office
        .get(opened["token"].as_str().expect("a token"), "/api/v1/me")
        .await
        .ok();
    assert_eq!(me["user"]["area"], "ban-chuong");
    assert_eq!(me["rights"]["speak"], json!(["ordinary", "priority"]));
    assert_eq!(me["rights"]["approve"], json!([]));
    let again = office.post("", "/api/v1/setup", &asked).await;
    assert_eq!(again.refusal(), (403, "setup_link_invalid"));
}

#[tokio::test]
async fn a_hamlet_head_speaks_to_the_hamlet_and_no_further() {
    let office = office().await;
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let audio = office.audio().await;
    let say = |target: &str, priority: &str| json!({ "title": "Họp xóm", "audio": audio, "priority": priority, "targets": [target], "when": { "now": true } });
    office
        .post(
            &head,
            "/api/v1/bulletins",
            &say("area.ban-chuong", "ordinary"),
        )
        .await
        .ok();
    office
        .post(
            &head,
            "/api/v1/bulletins",
            &say("speaker.ban-chuong-2", "priority"),
        )
        .await
        .ok();
    for (target, priority) in [
        ("area.ban-chuong", "emergency"),
        ("area.sang-moc", "ordinary"),
        ("area.khuoi-meo", "ordinary"),
        ("speaker.khuoi-meo-1", "ordinary"),
    ] {
        let refused = office
            .post(&head, "/api/v1/bulletins", &say(target, priority))
            .await;
        assert_eq!(refused.refusal(), (403, "forbidden"), "{target} {priority}");
    }
    // What the commune says, the hamlet sees and cannot cancel.
    let commune = office
        .post(
            &office.chief,
            "/api/v1/bulletins",
            &say("area.sang-moc", "ordinary"),
        )
        .await
        .ok();
    let path = format!(
        "/api/v1/bulletins/{}",
        commune["id"].as_str().expect("an id")
    );
    office.get(&head, &path).await.ok();
    let refused = office
        .call("POST", &head, &format!("{path}/cancel"), None)
        .await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let refused = office.patch(&head, &path, &json!({ "title": "x" })).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    // What is said to the neighbour, the hamlet does not see.
    let other = office
        .post(
            &office.chief,
            "/api/v1/bulletins",
            &say("area.khuoi-meo", "ordinary"),
        )
        .await
        .ok();
    let path = format!("/api/v1/bulletins/{}", other["id"].as_str().expect("an id"));
    assert_eq!(office.get(&head, &path).await.refusal(), (403, "forbidden"));
    let seen = office.get(&head, "/api/v1/bulletins").await.ok();
    assert_eq!(seen["bulletins"].as_array().expect("a list").len(), 3);
}

#[tokio::test]
async fn a_group_that_reaches_beyond_is_not_spoken_to() {
    let office = office().await;
    let head = office
        .somebody("head", Role::Officer, Some("ban-chuong"))
        .await;
    let group = |name: &str, members: &[&str]| json!({ "name": name, "area": "ban-chuong", "members": members });
    let wide = group("Rộng", &["ban-chuong-1", "khuoi-meo-1"]);
    let refused = office.post(&head, "/api/v1/groups", &wide).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    office
        .post(&office.chief, "/api/v1/groups", &wide)
        .await
        .ok();
    office
        .post(&head, "/api/v1/groups", &group("Hẹp", &["ban-chuong-1"]))
        .await
        .ok();
    let audio = office.audio().await;
    let say = |target: &str| json!({ "title": "x", "audio": audio, "targets": [target], "when": { "now": true } });
    let refused = office
        .post(&head, "/api/v1/bulletins", &say("group.rong"))
        .await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    office
        .post(&head, "/api/v1/bulletins", &say("group.hep"))
        .await
        .ok();
}

#[tokio::test]
async fn a_monitor_looks_and_changes_nothing() {
    let office = office().await;
    let monitor = office.somebody("monitor", Role::Monitor, None).await;
    let audio = office.audio().await;
    for path in [
        "/api/v1/speakers",
        "/api/v1/playouts",
        "/api/v1/areas",
        "/api/v1/groups",
        "/api/v1/voices",
    ] {
        office.get(&monitor, path).await.ok();
    }
    let say = json!({ "title": "x", "audio": audio, "targets": ["area.vo-nhai"], "when": { "now": true } });
    let stop = json!({ "targets": ["area.vo-nhai"] });
    for (method, path, body) in [
        ("POST", "/api/v1/bulletins", Some(&say)),
        ("POST", "/api/v1/stop", Some(&stop)),
        ("POST", "/api/v1/calls", Some(&stop)),
        (
            "PATCH",
            "/api/v1/speakers/ban-chuong-1",
            Some(&json!({ "muted": true })),
        ),
        ("POST", "/api/v1/areas", Some(&json!({ "name": "x" }))),
        ("DELETE", "/api/v1/speakers/ban-chuong-1", None),
        ("GET", "/api/v1/users", None),
        (
            "POST",
            "/api/v1/audio/speech",
            Some(&json!({ "text": "x" })),
        ),
    ] {
        let refused = office.call(method, &monitor, path, body).await;
        assert_eq!(refused.refusal(), (403, "forbidden"), "{method} {path}");
    }
}

#[tokio::test]
async fn an_administrator_of_a_commune_governs_the_commune() {
    let office = office().await;
    let admin = office
        .somebody("commune", Role::Administrator, Some("sang-moc"))
        .await;
    let user = |area: serde_json::Value| {
        json!({ "username": format!("u{}", area), "role": "officer", "area": area, "password": PASSWORD })
        .to_string().replace("\\\"", "")
    };
    let user = |area: serde_json::Value| -> serde_json::Value {
        serde_json::from_str(&user(area)).expect("JSON")
    };
    office
        .post(&admin, "/api/v1/users", &user(json!("ban-chuong")))
        .await
        .ok();
    for area in [json!("vo-nhai"), json!(null)] {
        let refused = office.post(&admin, "/api/v1/users", &user(area)).await;
        assert_eq!(refused.refusal(), (403, "forbidden"));
    }
    let seen = office.get(&admin, "/api/v1/users").await.ok();
    let names: Vec<&str> = seen["users"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|u| u["username"].as_str())
        .collect();
    assert_eq!(names, ["commune", "uban-chuong"]);
    // Everybody may change the own password; sessions end with it, but the one that did it.
    let asked = json!({ "username": "commune", "password": PASSWORD });
    let elsewhere = office.post("", "/api/v1/session", &asked).await.ok();
    let me = office.get(&admin, "/api/v1/me").await.ok();
    let path = format!(
        "/api/v1/users/{}",
        me["user"]["id"].as_str().expect("an id")
    );
    office
        .patch(&admin, &path, &json!({ "password": "một mật khẩu khác" }))
        .await
        .ok();
    let elsewhere = elsewhere["token"].as_str().expect("a token");
    assert_eq!(
        office.get(elsewhere, "/api/v1/me").await.refusal(),
        (401, "unauthenticated")
    );
    office.get(&admin, "/api/v1/me").await.ok();
}

#[tokio::test]
async fn a_page_that_takes_somebody_else_for_signed_in_changes_nothing() {
    let office = office().await;
    let me = office.get(&office.chief, "/api/v1/me").await.ok();
    let mine = me["user"]["id"].as_str().expect("an id");
    let stop = json!({ "targets": ["area.ban-chuong"] });
    for (meant, refused) in [(mine, false), ("u0123456789abcdef", true)] {
        let asked = request("POST", &office.chief, "/api/v1/stop", Some(&stop));
        let answer = office.send(with(asked, "loa-user", meant)).await;
        assert_eq!(answer.refusal().0 == 401, refused, "{meant}");
    }
}
