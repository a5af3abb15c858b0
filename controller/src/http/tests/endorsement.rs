//! Approvers' passkeys on an emergency, asked over the API; and the roots that say whose count.

use loa_protocol::{
    envelope::seal,
    root::{EmergencyBy, Root},
};
use serde_json::{Value, json};

use super::{Answer, Office, exercises::speaking, office_with};
use crate::{
    binary,
    config::Config,
    engine::{Change, Urgent},
    logic::{
        permissions::Role,
        testing::{HOST, Phone},
        trust::RootDraft,
    },
    store::{NewPasskey, testing::NOON},
};

const BULLETINS: &str = "/api/v1/bulletins";
const TRUST: &str = "/api/v1/trust";

async fn office() -> Office {
    office_of(Config::default()).await
}
async fn office_of(mut config: Config) -> Office {
    config.server.public_url = Some(format!("https://{HOST}"));
    office_with(config).await
}

/// Somebody with a passkey.
async fn with_phone(office: &Office, name: &str, role: Role, at: Option<&str>) -> (String, Phone) {
    let token = office.somebody(name, role, at).await;
    let phone = Phone::new(name);
    let users = office.village.users().await.expect("read");
    let user = users.iter().find(|user| user.username == name);
    let new = NewPasskey {
        user: user.expect("just made").id.clone(),
        name: "điện thoại".into(),
        credential: phone.credential.clone(),
        key: phone.public(),
        counter: 0,
    };
    let session = session(office, &token).await;
    office
        .village
        .add_passkey(new, None, &session)
        .await
        .expect("a passkey");
    (token, phone)
}

async fn session(office: &Office, token: &str) -> String {
    let hash = crate::auth::token_hash(token);
    let session = office.village.session(&hash).await.expect("read");
    session.expect("signed in").0.id
}

/// As the people do: the draft from the office, signed where the root key is, sent back.
async fn strict(office: &Office, needed: u8) {
    let draft = office
        .get(
            &office.chief,
            &format!("{TRUST}/draft?by=passkey&needed={needed}"),
        )
        .await
        .ok();
    let draft: RootDraft = serde_json::from_value(draft).expect("a draft");
    let root = Root::try_from(draft).expect("a root");
    let key = office.village.root_key_here().await.expect("read");
    let bytes = seal(&root, &key.expect("it is here").1);
    let body = json!({ "root": binary::text(&bytes) });
    let view = office
        .post(&office.chief, &format!("{TRUST}/roots"), &body)
        .await
        .ok();
    assert_eq!(
        (&view["rule"]["by"], &view["rule"]["relying_party"]),
        (&json!("passkey"), &json!(HOST))
    );
}
/// An alarm for these, now.
async fn alarm(office: &Office, who: &str, targets: &[&str]) -> Value {
    let asked = json!({ "title": "Lũ về", "audio": office.audio().await, "targets": targets,
        "when": { "now": true }, "priority": "emergency" });
    office.post(who, BULLETINS, &asked).await.ok()
}
/// What is said before it is made: will passkeys be needed?
async fn foretold(office: &Office, who: &str, priority: &str) -> Value {
    let asked = json!({ "title": "Lũ về", "duration_s": 5.0, "targets": ["area.ban-chuong"],
        "when": { "now": true }, "priority": priority });
    let check = format!("{BULLETINS}/check");
    office.post(who, &check, &asked).await.ok()["endorsement_needed"].clone()
}
async fn read(office: &Office, who: &str, view: &Value) -> Value {
    let id = view["id"].as_str().expect("an id");
    office.get(who, &format!("{BULLETINS}/{id}")).await.ok()
}
async fn endorse(office: &Office, who: &str, phone: &Phone, view: &Value) -> Answer {
    let challenge = view["endorsement"]["challenge"].as_str().expect("one");
    let word = phone.sign(&binary::bytes(challenge).expect("base64url"));
    let body = json!({
        "credential": binary::text(&word.credential),
        "authenticator_data": binary::text(&word.authenticator_data),
        "client_data": binary::text(&word.client_data),
        "signature": binary::text(&word.signature),
    });
    let id = view["id"].as_str().expect("an id");
    office
        .post(who, &format!("{BULLETINS}/{id}/endorse"), &body)
        .await
}
/// In the hamlet's programme, as its poles take it?
async fn sounds(office: &Office) -> bool {
    let channel = "area.ban-chuong".parse().expect("a channel");
    let state = office.village.channel(&channel).await.expect("read");
    let trust = office.village.standing().trust.clone();
    let now = Some(office.state.clock.now());
    let b = state.bulletins.iter().find(|b| b.title == "Lũ về");
    b.is_some_and(|b| {
        trust
            .endorsed(b, &channel, now)
            .expect("as the poles want it");
        true
    })
}

#[tokio::test]
async fn by_the_weaker_rule_an_alarm_waits_for_nobody_and_says_so() {
    let office = office().await;
    assert_eq!(foretold(&office, &office.chief, "emergency").await, false);
    let view = alarm(&office, &office.chief, &["area.ban-chuong"]).await;
    assert_eq!(view["state"], "planned");
    assert_eq!(view["endorsement"]["in_force"], "office");
    assert!(sounds(&office).await);
    let trust = office.get(&office.chief, TRUST).await.ok();
    assert_eq!(trust["rule"]["by"], "office");
    assert_eq!(
        trust["root"],
        json!({ "version": 1, "here": true,
        "expires": NOON.plus_s(5 * 365 * 86_400).to_string() })
    );
    assert_eq!(trust["warnings"], json!([]));
    let (officer, phone) = with_phone(&office, "lan", Role::Officer, Some("sang-moc")).await;
    assert_eq!(
        office.get(&officer, TRUST).await.refusal(),
        (403, "forbidden")
    );
    let trust = office.get(&office.chief, TRUST).await.ok();
    assert_eq!(trust["warnings"], json!(["weak_rule"]));
    assert_eq!(
        trust["passkeys"][0]["credential"],
        binary::text(&phone.credential)
    );
    let draft = office
        .get(&office.chief, &format!("{TRUST}/draft"))
        .await
        .ok();
    assert_eq!(draft["approvers"][0]["name"], "lan (lan)");
    assert_eq!(
        draft["approvers"][0]["channels"],
        json!([
            "area.sang-moc",
            "area.ban-chuong",
            "area.khuoi-meo",
            "speaker.ban-chuong-1",
            "speaker.ban-chuong-2",
            "speaker.khuoi-meo-1"
        ])
    );
}

#[tokio::test]
async fn an_alarm_goes_on_air_with_the_approvers_signature() {
    let mut office = office().await;
    let (lan, phone) = with_phone(&office, "lan", Role::Approver, Some("sang-moc")).await;
    strict(&office, 1).await;
    assert!(office.told().contains(&Change::Trust));
    let officer = office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await;
    assert_eq!(foretold(&office, &officer, "emergency").await, true);
    assert_eq!(foretold(&office, &officer, "priority").await, false);
    let view = alarm(&office, &officer, &["area.ban-chuong"]).await;
    assert_eq!(
        (&view["state"], &view["ask"]),
        (&json!("awaiting"), &Value::Null)
    );
    assert_eq!(view["endorsement"]["in_force"], "passkey");
    assert_eq!(view["endorsement"]["mine"], json!([]));
    assert_eq!(view["endorsement"]["until"], NOON.plus_s(2_400).to_string());
    assert_eq!(view["approve_by"], NOON.plus_s(1_800).to_string());
    assert!(!sounds(&office).await);
    assert!(office.told().is_empty(), "no pole hears of it");

    office.village.clock.pass_s(60);
    let seen = read(&office, &lan, &view).await;
    assert_eq!(
        seen["endorsement"]["mine"],
        json!([binary::text(&phone.credential)])
    );
    // Nobody signs for somebody else, and no stranger's passkey counts.
    let borrowed = endorse(&office, &officer, &phone, &seen).await;
    assert_eq!(borrowed.refusal(), (403, "not_an_approver"));
    let (minh, other) = with_phone(&office, "minh", Role::Approver, None).await;
    let unnamed = endorse(&office, &minh, &other, &seen).await;
    assert_eq!(unnamed.refusal(), (403, "not_an_approver"));

    let aired = endorse(&office, &lan, &phone, &seen).await.ok();
    assert_eq!(aired["state"], "planned");
    assert_eq!(aired["when"]["now"], NOON.plus_s(60).to_string());
    assert_eq!(aired["endorsement"]["given"][0]["name"], "lan (lan)");
    assert_eq!(aired["endorsement"]["mine"], json!([]));
    assert!(matches!(
        &office.told()[..],
        [Change::Channels(_, Some(Urgent::Start(_)))]
    ));
    assert!(sounds(&office).await);
    let again = endorse(&office, &lan, &phone, &aired).await;
    assert_eq!(again.refusal(), (409, "endorsement_not_awaited"));
}

#[tokio::test]
async fn a_wide_alarm_takes_two_and_the_second_ones_signature_is_the_approval() {
    let office = office().await;
    let (lan, lans) = with_phone(&office, "lan", Role::Approver, None).await;
    let (minh, minhs) = with_phone(&office, "minh", Role::Approver, None).await;
    strict(&office, 2).await;
    let view = alarm(&office, &lan, &["area.sang-moc", "area.ban-chuong"]).await;
    assert_eq!(
        (&view["state"], &view["ask"]),
        (&json!("awaiting"), &json!("wide_emergency"))
    );
    // Whoever made it may sign it, which is no approval.
    let one = endorse(&office, &lan, &lans, &view).await.ok();
    assert_eq!(
        (&one["state"], &one["decision"]),
        (&json!("awaiting"), &Value::Null)
    );
    let again = endorse(&office, &lan, &lans, &view).await;
    assert_eq!(again.refusal(), (409, "endorsement_given"));
    let both = endorse(&office, &minh, &minhs, &one).await.ok();
    assert_eq!(both["state"], "planned");
    assert_eq!(both["decision"]["verdict"], "approved");
    assert!(sounds(&office).await);
}

#[tokio::test]
async fn an_approval_alone_is_not_enough() {
    let office = office().await;
    let (lan, phone) = with_phone(&office, "lan", Role::Approver, None).await;
    strict(&office, 1).await;
    let view = alarm(&office, &lan, &["area.sang-moc"]).await;
    let signed = endorse(&office, &lan, &phone, &view).await.ok();
    assert_eq!(signed["state"], "awaiting", "the second person is missing");
    let view = alarm(&office, &lan, &["area.sang-moc"]).await;
    let path = format!(
        "{BULLETINS}/{}/approve",
        view["id"].as_str().expect("an id")
    );
    let yes = json!({ "digest": view["digest"] });
    let approved = office.post(&office.chief, &path, &yes).await.ok();
    assert_eq!(
        (&approved["state"], &approved["decision"]["verdict"]),
        (&json!("awaiting"), &json!("approved"))
    );
    let twice = office.post(&office.chief, &path, &yes).await;
    assert_eq!(twice.refusal(), (409, "not_awaiting"));
    let aired = endorse(&office, &lan, &phone, &approved).await.ok();
    assert_eq!(aired["state"], "planned");
}

#[tokio::test]
async fn a_late_or_stale_signature_is_refused_in_words() {
    let office = office().await;
    let (lan, phone) = with_phone(&office, "lan", Role::Approver, None).await;
    strict(&office, 1).await;
    let view = alarm(&office, &lan, &["area.ban-chuong"]).await;
    // Somebody makes it quieter after Lan looked.
    let path = format!("{BULLETINS}/{}", view["id"].as_str().expect("an id"));
    let edited = office
        .patch(&lan, &path, &json!({ "volume": 50 }))
        .await
        .ok();
    assert_ne!(
        edited["endorsement"]["challenge"],
        view["endorsement"]["challenge"]
    );
    let stale = endorse(&office, &lan, &phone, &view).await;
    assert_eq!(stale.refusal(), (409, "endorsement_stale"));
    // A title is heard by nobody.
    let titled = office
        .patch(&lan, &path, &json!({ "title": "Lũ quét" }))
        .await
        .ok();
    assert_eq!(
        titled["endorsement"]["challenge"],
        edited["endorsement"]["challenge"]
    );
    office.village.clock.pass_s(1_801);
    let id = session(&office, &lan).await;
    office.village.prove_session(&id).await.expect("proved");
    let late = endorse(&office, &lan, &phone, &titled).await;
    assert_eq!(late.refusal(), (409, "endorsement_too_late"));
    assert_eq!(read(&office, &lan, &view).await["state"], "lapsed");
}

#[tokio::test]
async fn an_edit_drops_what_was_signed() {
    let office = office().await;
    let (lan, lans) = with_phone(&office, "lan", Role::Approver, None).await;
    with_phone(&office, "minh", Role::Approver, None).await;
    strict(&office, 2).await;
    let view = alarm(&office, &lan, &["area.ban-chuong"]).await;
    let one = endorse(&office, &lan, &lans, &view).await.ok();
    assert_eq!(
        one["endorsement"]["given"]
            .as_array()
            .expect("a list")
            .len(),
        1
    );
    let path = format!("{BULLETINS}/{}", view["id"].as_str().expect("an id"));
    let edited = office
        .patch(&lan, &path, &json!({ "volume": 50 }))
        .await
        .ok();
    assert_eq!(edited["endorsement"]["given"], json!([]));
    let exercise = office
        .patch(&lan, &path, &json!({ "priority": "ordinary" }))
        .await
        .ok();
    assert_eq!(
        (&exercise["state"], &exercise["endorsement"]),
        (&json!("planned"), &Value::Null)
    );
}

#[tokio::test]
async fn a_false_alarm_is_taken_back_by_one_person_and_without_a_signature() {
    let folder = tempfile::tempdir().expect("a folder");
    let office = office_of(speaking(&folder)).await;
    let (lan, phone) = with_phone(&office, "lan", Role::Approver, None).await;
    strict(&office, 1).await;
    let view = alarm(&office, &lan, &["area.ban-chuong"]).await;
    endorse(&office, &lan, &phone, &view).await.ok();
    assert!(sounds(&office).await);
    let path = format!(
        "{BULLETINS}/{}/correct",
        view["id"].as_str().expect("an id")
    );
    let officer = office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await;
    let right = office.post(&officer, &path, &json!({})).await.ok();
    assert!(!sounds(&office).await);
    // An emergency would wait for a signature, and so would whoever is frightened.
    assert_eq!(
        (&right["state"], &right["priority"], &right["endorsement"]),
        (&json!("planned"), &json!("priority"), &Value::Null)
    );
}

#[tokio::test]
async fn no_root_is_taken_that_nobody_signed_or_that_leaves_no_approver() {
    let office = office().await;
    let roots = format!("{TRUST}/roots");
    let post = async |root: &Root| {
        let bytes = seal(
            root,
            &office
                .village
                .root_key_here()
                .await
                .expect("read")
                .expect("here")
                .1,
        );
        office
            .post(
                &office.chief,
                &roots,
                &json!({ "root": binary::text(&bytes) }),
            )
            .await
    };
    let draft = office
        .get(&office.chief, &format!("{TRUST}/draft?by=passkey"))
        .await
        .ok();
    let draft: RootDraft = serde_json::from_value(draft).expect("a draft");
    let root = Root::try_from(draft).expect("a root");
    assert_eq!(root.emergency.by, EmergencyBy::Passkey);
    assert_eq!(
        post(&root).await.refusal(),
        (409, "trust_too_few_approvers")
    );
    let forged = seal(&root, &office.village.office().key);
    let forged = json!({ "root": binary::text(&forged) });
    assert_eq!(
        office.post(&office.chief, &roots, &forged).await.refusal(),
        (409, "trust_not_signed")
    );
    let noise = json!({ "root": "§" });
    assert_eq!(
        office.post(&office.chief, &roots, &noise).await.refusal(),
        (422, "trust_unreadable")
    );
    // What a stolen session finds open after ten minutes is looking.
    office.village.clock.pass_s(601);
    assert_eq!(
        office.post(&office.chief, &roots, &forged).await.refusal(),
        (403, "proof_needed")
    );
    assert!(office.get(&office.chief, TRUST).await.status.is_success());
}
