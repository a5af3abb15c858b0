//! Whoever changes something leaves one entry in the audit log; and whoever may, reads and checks it.
//!
//! Besides what stands here, every call of all tests of the API comes past [`must_tell`].

use axum::http::response::Parts;
use serde_json::{Value, json};

use super::{Office, office, request, with};
use crate::{
    logic::permissions::Role,
    store::{AuditFilter, testing::NOON},
};

/// They only answer.
const CHANGE_NOTHING: [&str; 7] = [
    "/bulletins/check",
    "/calls/check",
    "/alert_rules/try",
    "/relays/try",
    "/session/passkey_challenge",
    "/session/proof/passkey_challenge",
    "/me/passkeys/challenge",
];

pub async fn length(office: &Office) -> u64 {
    let last = office.village.checkpoint().await.expect("read");
    last.map_or(0, |last| last.entries)
}

/// Must this call have left an entry?
pub fn must_tell(method: &str, path: &str, answer: &Parts) -> bool {
    method != "GET"
        && answer.status.is_success()
        && path.starts_with("/api/v1/")
        && !answer.headers.contains_key("idempotent-replayed")
        && !CHANGE_NOTHING.iter().any(|end| path.ends_with(end))
}

/// Does this, which is one entry: of this action, by this person, about this.
async fn one(office: &Office, who: &str, call: &str, path: &str, body: Value) -> Value {
    let before = length(office).await;
    let (method, _) = call.split_once(' ').expect("method and path");
    let body = (!body.is_null()).then_some(&body);
    let full = format!("/api/v1{path}");
    let answer = office.call(method, who, &full, body).await.ok();
    let filter = AuditFilter {
        limit: 2,
        ..AuditFilter::default()
    };
    let kept = office.village.audit_entries(&filter).await.expect("read");
    assert_eq!(length(office).await, before + 1, "{call}");
    assert_eq!(kept[0].entry.action, call);
    assert!(
        kept[0].entry.user.is_some() && kept[0].entry.session.is_some(),
        "{call}"
    );
    answer
}

async fn entries(office: &Office, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/audit?{query}");
    let page = office.get(&office.chief, &path).await.ok();
    page["entries"].as_array().expect("a list").clone()
}

fn id(view: &Value) -> String {
    view["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn every_kind_of_change_leaves_one_entry() {
    let office = office().await;
    let chief = office.chief.clone();
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let one = |call: &'static str, path: String, body: Value| {
        let (office, chief) = (&office, &chief);
        async move { one(office, chief, call, &path, body).await }
    };
    // The village.
    let area = one(
        "POST /areas",
        "/areas".into(),
        json!({ "name": "Nà Ca", "parent": "sang-moc" }),
    )
    .await;
    let at = format!("/areas/{}", id(&area));
    one(
        "PATCH /areas/{id}",
        at.clone(),
        json!({ "name": "Nà Ca 2" }),
    )
    .await;
    one("DELETE /areas/{id}", at, Value::Null).await;
    let group = one(
        "POST /groups",
        "/groups".into(),
        json!({ "name": "Trường", "area": "sang-moc", "members": [] }),
    )
    .await;
    let at = format!("/groups/{}", id(&group));
    one(
        "PATCH /groups/{id}",
        at.clone(),
        json!({ "members": ["khuoi-meo-1"] }),
    )
    .await;
    one("DELETE /groups/{id}", at, Value::Null).await;
    one(
        "PATCH /speakers/{id}",
        "/speakers/khuoi-meo-1".into(),
        json!({ "muted": true }),
    )
    .await;
    one(
        "POST /speakers/{id}/orders",
        "/speakers/khuoi-meo-1/orders".into(),
        json!({ "what": "self_test" }),
    )
    .await;
    let user = json!({ "username": "moi", "name": "Mới", "role": "officer", "area": "sang-moc" });
    let user = one("POST /users", "/users".into(), user).await;
    let at = format!("/users/{}", id(&user));
    one("PATCH /users/{id}", at.clone(), json!({ "name": "Cũ" })).await;
    one("DELETE /users/{id}", at, Value::Null).await;
    // What is said.
    one(
        "PATCH /areas/{id}",
        "/areas/sang-moc".into(),
        json!({ "approval": "hamlets" }),
    )
    .await;
    let say = json!({ "title": "Họp xóm", "audio": office.audio().await, "targets": ["area.ban-chuong"],
        "when": { "rrule": "FREQ=DAILY", "start": "2026-11-25T05:30" } });
    let asked =
        super::audit::one(&office, &head, "POST /bulletins", "/bulletins", say.clone()).await;
    let at = format!("/bulletins/{}", id(&asked));
    let digest = json!({ "digest": asked["digest"] });
    one(
        "POST /bulletins/{id}/approve",
        format!("{at}/approve"),
        digest,
    )
    .await;
    one(
        "POST /bulletins/{id}/pause",
        format!("{at}/pause"),
        Value::Null,
    )
    .await;
    one(
        "POST /bulletins/{id}/resume",
        format!("{at}/resume"),
        Value::Null,
    )
    .await;
    one(
        "PATCH /bulletins/{id}",
        at.clone(),
        json!({ "title": "Họp xóm tối nay" }),
    )
    .await;
    one(
        "POST /bulletins/{id}/cancel",
        format!("{at}/cancel"),
        Value::Null,
    )
    .await;
    let asked = super::audit::one(&office, &head, "POST /bulletins", "/bulletins", say).await;
    let back = json!({ "digest": asked["digest"], "reason": "Sai giờ" });
    one(
        "POST /bulletins/{id}/return",
        format!("/bulletins/{}/return", id(&asked)),
        back,
    )
    .await;
    one(
        "POST /stop",
        "/stop".into(),
        json!({ "targets": ["area.sang-moc"] }),
    )
    .await;
    // What is looked after.
    let repair = json!({ "speaker": "khuoi-meo-1", "what": "Loa rè" });
    one("POST /repairs", "/repairs".into(), repair).await;
    one(
        "POST /holidays",
        "/holidays".into(),
        json!({ "date": "2027-02-06", "name": "Tết" }),
    )
    .await;

    let verified = office.get(&chief, "/api/v1/audit/verify").await.ok();
    assert_eq!(verified["ok"], true);
    assert_eq!(verified["entries"], length(&office).await);
    let stop = &entries(&office, "subject=area.sang-moc").await[0];
    assert_eq!(
        (&stop["action"], &stop["name"], &stop["details"]),
        (
            &json!("POST /stop"),
            &json!("chief"),
            &json!({ "targets": ["area.sang-moc"] })
        )
    );
}

#[tokio::test]
async fn signing_in_and_failing_to_are_told_without_what_opens_the_door() {
    let office = office().await;
    let before = length(&office).await;
    for password in ["sai mật khẩu", "sai nữa", "lại sai"] {
        let asked = json!({ "username": "chief", "password": password });
        let refused = office.post("", "/api/v1/session", &asked).await;
        assert_eq!(refused.refusal(), (401, "wrong_credentials"));
    }
    // A password typed where the name should be.
    let asked = json!({ "username": "bimat-cua-toi", "password": "x" });
    office.post("", "/api/v1/session", &asked).await;
    assert_eq!(length(&office).await, before + 2, "counted, not repeated");
    let found = entries(&office, "limit=2").await;
    assert!(
        found
            .iter()
            .all(|e| e["action"] == "sign_in_failed" && e["user"].is_null())
    );
    office.village.clock.pass_s(61);
    for act in office.state.failures.over(office.state.clock.mono_us()) {
        office.village.note(&act).await.expect("noted");
    }
    let counted = &entries(&office, "limit=1").await[0];
    assert_eq!(counted["details"], json!({ "times": 2 }));

    let token = office.somebody("officer", Role::Officer, None).await;
    let signed_in = &entries(&office, "limit=1").await[0];
    assert_eq!(signed_in["action"], "POST /session");
    assert_eq!(
        (&signed_in["name"], &signed_in["details"]["password"]),
        (&json!("officer"), &json!("(not kept)"))
    );
    one(&office, &token, "DELETE /session", "/session", Value::Null).await;

    let all = serde_json::to_string(&entries(&office, "limit=200").await).expect("JSON");
    for secret in [super::PASSWORD, "sai mật khẩu", "bimat-cua-toi", &token] {
        assert!(!all.contains(secret), "{secret} stands in the log");
    }
}

#[tokio::test]
async fn what_is_asked_twice_under_one_key_is_one_entry() {
    let office = office().await;
    let body = json!({ "name": "Nà Ca", "parent": "sang-moc" });
    let before = length(&office).await;
    for _ in 0..2 {
        let asked = request("POST", &office.chief, "/api/v1/areas", Some(&body));
        office.send(with(asked, "idempotency-key", "k1")).await.ok();
    }
    // And what is refused is none.
    office
        .post(&office.chief, "/api/v1/areas", &json!({ "name": "" }))
        .await;
    assert_eq!(length(&office).await, before + 1);
    assert_eq!(entries(&office, "limit=1").await[0]["subject"], "na-ca");
}

#[tokio::test]
async fn only_who_governs_the_whole_reads_the_log_and_page_follows_page() {
    let office = office().await;
    for (name, role, area) in [
        ("a", Role::Administrator, Some("sang-moc")),
        ("b", Role::Officer, None),
    ] {
        let who = office.somebody(name, role, area).await;
        for path in ["/api/v1/audit", "/api/v1/audit/verify"] {
            assert_eq!(office.get(&who, path).await.refusal(), (403, "forbidden"));
        }
    }
    let mut numbers: Vec<u64> = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/audit?limit=2{cursor}");
        let page = office.get(&office.chief, &path).await.ok();
        let list = page["entries"].as_array().expect("a list");
        numbers.extend(list.iter().filter_map(|e| e["number"].as_u64()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<u64> = (1..=length(&office).await).rev().collect();
    assert_eq!(numbers, expected);
    let later = NOON.plus_s(1).to_string();
    assert!(entries(&office, &format!("from={later}")).await.is_empty());
    let wrong = office.get(&office.chief, "/api/v1/audit?cursor=x").await;
    assert_eq!(wrong.refusal(), (422, "cursor_invalid"));
}
