//! Where one is signed in, how long that lasts, and what ends it; links, passwords; and whose recordings one may hear.

use axum::http::header;
use serde_json::json;
use tower::ServiceExt;

use super::{
    super::MAX_WATCHERS_EACH, Answer, Office, PASSWORD, office, office_with, request, with,
};
use crate::{
    config::Config,
    logic::permissions::Role,
    store::{SETUP_LINK_S, UserId, testing},
};

async fn sign_in(office: &Office, username: &str, agent: &str) -> Answer {
    let asked = json!({ "username": username, "password": PASSWORD });
    let asked = request("POST", "", "/api/v1/session", Some(&asked));
    match agent {
        "" => office.send(asked).await,
        agent => office.send(with(asked, "user-agent", agent)).await,
    }
}

fn token(session: &Answer) -> String {
    session.body["token"].as_str().expect("a token").to_owned()
}

const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/142.0.0.0 Mobile Safari/537.36";

#[tokio::test]
async fn somebody_finds_the_lost_phone_in_the_list_and_signs_it_out() {
    let office = office().await;
    let here = office.somebody("officer", Role::Officer, None).await;
    let phone = token(&sign_in(&office, "officer", PHONE).await);
    let listed = office.get(&here, "/api/v1/me/sessions").await.ok();
    let sessions = listed["sessions"].as_array().expect("a list");
    assert_eq!(sessions.len(), 2);
    let lost = sessions.iter().find(|s| s["current"] == false);
    let lost = lost.expect("the phone");
    assert_eq!(lost["program"], "Chrome, Android");
    let path = format!("/api/v1/me/sessions/{}", lost["id"].as_str().expect("id"));
    // Nobody else's, though.
    let foreign = office.delete(&office.chief, &path).await;
    assert_eq!(foreign.refusal(), (404, "not_found"));
    assert_eq!(office.delete(&here, &path).await.status, 204);
    assert_eq!(office.get(&phone, "/api/v1/me").await.status, 401);
    // The list opens nothing: what it shows is no token.
    let id = lost["id"].as_str().expect("an id");
    assert_eq!(office.get(id, "/api/v1/me").await.status, 401);
    let (a, b) = (
        token(&sign_in(&office, "officer", "").await),
        token(&sign_in(&office, "officer", "").await),
    );
    let out = office.delete(&here, "/api/v1/me/sessions").await;
    assert_eq!(out.status, 204);
    for gone in [a, b] {
        assert_eq!(office.get(&gone, "/api/v1/me").await.status, 401);
    }
    office.get(&here, "/api/v1/me").await.ok();
}

#[tokio::test]
async fn an_administrator_signs_somebody_out_everywhere() {
    let office = office().await;
    let officer = office.somebody("officer", Role::Officer, None).await;
    let me = office.get(&officer, "/api/v1/me").await.ok();
    let path = format!(
        "/api/v1/users/{}/sessions",
        me["user"]["id"].as_str().expect("an id")
    );
    let refused = office.delete(&officer, &path).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    assert_eq!(office.delete(&office.chief, &path).await.status, 204);
    assert_eq!(office.get(&officer, "/api/v1/me").await.status, 401);
}

#[tokio::test]
async fn a_new_role_or_second_factor_ends_the_sessions_elsewhere() {
    let office = office().await;
    let here = office.somebody("officer", Role::Officer, None).await;
    let elsewhere = token(&sign_in(&office, "officer", "").await);
    let shown = office.post(&here, "/api/v1/me/totp", &json!({})).await.ok();
    let secret = shown["secret"].as_str().expect("a secret");
    let now = crate::clock::Clock::now(&*office.village.clock);
    let code = json!({ "code": crate::auth::totp::code(secret, now) });
    office
        .post(&here, "/api/v1/me/totp/confirm", &code)
        .await
        .ok();
    assert_eq!(office.get(&elsewhere, "/api/v1/me").await.status, 401);
    let me = office.get(&here, "/api/v1/me").await.ok();
    let path = format!("/api/v1/users/{}", me["user"]["id"].as_str().expect("id"));
    let role = json!({ "role": "monitor" });
    office.patch(&office.chief, &path, &role).await.ok();
    assert_eq!(office.get(&here, "/api/v1/me").await.status, 401);
}

#[tokio::test]
async fn signing_in_anew_in_one_browser_ends_what_it_had_before() {
    let office = office().await;
    let first = sign_in(&office, "chief", "").await;
    let cookie = first.headers[header::SET_COOKIE].to_str().expect("text");
    let pair = cookie.split(';').next().expect("a pair").to_owned();
    let asked = json!({ "username": "chief", "password": PASSWORD });
    let asked = request("POST", "", "/api/v1/session", Some(&asked));
    let second = office.send(with(asked, "cookie", &pair)).await;
    assert_ne!(token(&first), token(&second));
    assert_eq!(office.get(&token(&first), "/api/v1/me").await.status, 401);
    office.get(&token(&second), "/api/v1/me").await.ok();
}

#[tokio::test]
async fn by_https_a_cookie_that_another_host_may_have_set_is_not_looked_at() {
    let mut config = Config::default();
    config.server.public_url = Some("https://loa.xa.vn".into());
    let office = office_with(config).await;
    let open = token(&sign_in(&office, "chief", "").await);
    for (name, status) in [("__Host-loa_session", 200), ("loa_session", 401)] {
        let cookie = format!("{name}={open}");
        let asked = with(request("GET", "", "/api/v1/me", None), "cookie", &cookie);
        assert_eq!(office.send(asked).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn by_https_browsers_come_by_nothing_else_and_no_other_site_embeds_anything() {
    let plain = office().await.get("", "/livez").await;
    assert!(!plain.headers.contains_key("strict-transport-security"));
    let mut config = Config::default();
    config.server.public_url = Some("https://loa.xa.vn".into());
    let office = office_with(config).await;
    for path in ["/", "/api/v1/me", "/livez"] {
        let answer = office.get("", path).await;
        assert_eq!(
            answer.headers["strict-transport-security"],
            "max-age=31536000; includeSubDomains"
        );
        assert_eq!(
            answer.headers["cross-origin-resource-policy"],
            "same-origin"
        );
        let policy = answer.headers["content-security-policy"].to_str();
        assert!(policy.is_ok_and(|all| all.contains("frame-ancestors 'none'")));
    }
}

#[tokio::test]
async fn one_person_does_not_take_everybody_s_place_at_the_events() {
    let office = office().await;
    let officer = office.somebody("officer", Role::Officer, None).await;
    let watch = || request("GET", &officer, "/api/v1/events", None);
    let mut watching = Vec::new();
    for _ in 0..MAX_WATCHERS_EACH {
        let answer = office.router.clone().oneshot(watch()).await;
        watching.push(answer.expect("infallible"));
    }
    assert!(watching.iter().all(|answer| answer.status() == 200));
    let refused = office.send(watch()).await;
    assert_eq!(refused.refusal(), (429, "too_many_watching"));
    // A page that is closed gives its place back.
    drop(watching.pop());
    let answer = office.router.clone().oneshot(watch()).await;
    assert_eq!(answer.expect("infallible").status(), 200);
    let chief = request("GET", &office.chief, "/api/v1/events", None);
    let answer = office.router.clone().oneshot(chief).await;
    assert_eq!(answer.expect("infallible").status(), 200);
}

#[tokio::test]
async fn a_link_to_set_a_password_is_good_for_seven_days() {
    let office = office().await;
    let asked = json!({ "username": "truong-xom", "role": "hamlet_head", "area": "ban-chuong" });
    let made = office
        .post(&office.chief, "/api/v1/users", &asked)
        .await
        .ok();
    let link = made["setup_link"].as_str().expect("a link");
    let token = link.strip_prefix("/setup?token=").expect("a token");
    office.village.clock.pass_s(SETUP_LINK_S);
    let set = json!({ "token": token, "username": "truong-xom", "password": PASSWORD });
    let refused = office.post("", "/api/v1/setup", &set).await;
    assert_eq!(refused.refusal(), (403, "setup_link_invalid"));
    office.village.tidy().await.expect("tidied");
}

#[tokio::test]
async fn a_password_that_everybody_tries_first_is_refused_and_a_plain_long_one_is_not() {
    let office = office().await;
    let person =
        |password: &str| json!({ "username": "moi", "role": "monitor", "password": password });
    for password in ["12345678", "matkhau123", "Trưởng thôn 1"] {
        let refused = office
            .post(&office.chief, "/api/v1/users", &person(password))
            .await;
        assert_eq!(refused.refusal(), (422, "password_common"), "{password}");
    }
    // No capital, no digit, no sign: length is what counts.
    office
        .post(&office.chief, "/api/v1/users", &person("conduongvelang"))
        .await
        .ok();
}

/// A recording of `maker`.
async fn recording(office: &Office, maker: &str) -> String {
    let me = office.get(maker, "/api/v1/me").await.ok();
    let id = UserId::new(me["user"]["id"].as_str().expect("an id"));
    let audio = testing::audio_of(&office.village, Some(id)).await;
    audio.to_string()
}

async fn hears(office: &Office, who: &str, audio: &str) -> u16 {
    let path = format!("/api/v1/audio/{audio}");
    let known = office.get(who, &path).await.status.as_u16();
    let heard = office.get(who, &format!("{path}/content")).await;
    assert_eq!(known, heard.status.as_u16());
    known
}

#[tokio::test]
async fn a_recording_is_heard_by_whom_it_concerns_and_not_there_for_others() {
    let office = office().await;
    let at = |area| (Role::HamletHead, Some(area));
    let (role, area) = at("ban-chuong");
    let maker = office.somebody("ban-chuong", role, area).await;
    let (role, area) = at("khuoi-meo");
    let neighbour = office.somebody("khuoi-meo", role, area).await;
    let commune = office.somebody("xa", Role::Officer, Some("sang-moc")).await;
    let audio = recording(&office, &maker).await;
    for (who, status) in [
        (&maker, 200),
        (&commune, 200),
        (&office.chief, 200),
        (&neighbour, 404),
    ] {
        assert_eq!(hears(&office, who, &audio).await, status);
    }
    // Nor does the neighbour get at it by saying it.
    let say = |target: &str| json!({ "title": "x", "audio": audio, "targets": [target], "when": { "now": true } });
    let bulletins = "/api/v1/bulletins";
    let refused = office
        .post(&neighbour, bulletins, &say("area.khuoi-meo"))
        .await;
    assert_eq!(refused.refusal(), (422, "audio_unknown"));
    // Once it is said to the neighbour's hamlet, the neighbour may listen to it.
    let there = say("area.khuoi-meo");
    let said = office.post(&office.chief, bulletins, &there).await.ok();
    assert_eq!(said["state"], "planned");
    assert_eq!(hears(&office, &neighbour, &audio).await, 200);
}
