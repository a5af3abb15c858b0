//! Who may speak where, and when somebody else does.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{DEADLINE, Socket, office, on_air, to_hamlet, told};
use crate::logic::permissions::Role;

#[tokio::test]
async fn one_speaks_at_a_time_but_an_emergency_cuts_in() {
    let office = office().await;
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let call = office.post(&head, "/api/v1/calls", &to_hamlet()).await.ok();
    let wider = json!({ "targets": ["area.sang-moc"] });
    let busy = office.post(&office.chief, "/api/v1/calls", &wider).await;
    assert_eq!(busy.refusal(), (409, "line_busy"));
    assert_eq!(busy.body["error"]["details"]["by"], "head");
    // Elsewhere the line is free.
    let other = json!({ "targets": ["area.khuoi-meo"] });
    office
        .post(&office.chief, "/api/v1/calls", &other)
        .await
        .ok();
    let alarm = json!({ "targets": ["area.ban-chuong"], "priority": "emergency" });
    office
        .post(&office.chief, "/api/v1/calls", &alarm)
        .await
        .ok();
    // Whoever may silence the place may end it, and then the line is free again.
    let path = format!("/api/v1/calls/{}/end", call["id"].as_str().unwrap());
    let officer = office
        .somebody("officer", Role::Officer, Some("sang-moc"))
        .await;
    let ended = office.call("POST", &officer, &path, None).await.ok();
    assert_eq!(
        (&ended["state"], &ended["reason"]),
        (&json!("ended"), &json!("stopped"))
    );
    office.nothing_will_change();
    office.call("POST", &officer, &path, None).await.ok();
    // Nothing was said: it is no bulletin that sounds.
    let path = format!("/api/v1/bulletins/{}", call["id"].as_str().unwrap());
    assert_eq!(office.get(&head, &path).await.ok()["state"], "cancelled");
}

#[tokio::test]
async fn who_may_not_speak_there_at_once_does_not_speak_live() {
    let office = office().await;
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let elsewhere = json!({ "targets": ["area.khuoi-meo"] });
    let refused = office.post(&head, "/api/v1/calls", &elsewhere).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let watcher = office.somebody("watcher", Role::Monitor, None).await;
    let refused = office.post(&watcher, "/api/v1/calls", &to_hamlet()).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let nobody = office.post("", "/api/v1/calls", &to_hamlet()).await;
    assert_eq!(nobody.refusal(), (401, "unauthenticated"));
    // What would need a second person's yes.
    let wide = json!({ "targets": ["area.sang-moc"], "priority": "emergency" });
    let refused = office.post(&office.chief, "/api/v1/calls", &wide).await;
    assert_eq!(refused.refusal(), (403, "live_needs_approval"));
    // Nothing is said before it but the chime, so an exercise is an alarm.
    let wide =
        json!({ "targets": ["area.sang-moc"], "priority": "emergency", "status": "exercise" });
    let refused = office.post(&office.chief, "/api/v1/calls", &wide).await;
    assert_eq!(refused.refusal(), (403, "live_needs_approval"));
    let careful = json!({ "approval": "hamlets" });
    office
        .patch(&office.chief, "/api/v1/areas/sang-moc", &careful)
        .await
        .ok();
    let refused = office.post(&head, "/api/v1/calls", &to_hamlet()).await;
    assert_eq!(refused.refusal(), (403, "live_needs_approval"));
    // An emergency asks for a fresh proof.
    office.village.clock.pass_s(3_600);
    let alarm = json!({ "targets": ["area.ban-chuong"], "priority": "emergency" });
    let stale = office.post(&office.chief, "/api/v1/calls", &alarm).await;
    assert_eq!(stale.refusal(), (403, "proof_needed"));
}

#[tokio::test]
async fn who_is_about_to_speak_is_told_where_he_would_not_be_heard() {
    let office = office().await;
    let told = async |asked: &Value| {
        let path = "/api/v1/calls/check";
        let answer = office.post(&office.chief, path, asked).await.ok();
        let warnings = answer["warnings"].as_array().expect("a list").clone();
        let code = |one: &Value| one["code"].as_str().unwrap_or_default().to_owned();
        (warnings.iter().map(code).collect::<Vec<_>>(), warnings)
    };
    let quiet_from = async |from: &str| {
        let quiet = json!({ "quiet_hours": [{ "from": from, "to": "13:30" }] });
        let path = "/api/v1/speakers/ban-chuong-1";
        office.patch(&office.chief, path, &quiet).await.ok();
    };
    // It is noon.
    assert_eq!(told(&to_hamlet()).await.0, [""; 0]);
    quiet_from("11:30").await;
    let (codes, warnings) = told(&to_hamlet()).await;
    assert_eq!(codes, ["quiet_now"]);
    let text = warnings[0]["message"].as_str().unwrap();
    assert!(text.starts_with("1 of 2 speakers"), "{text}");
    // Less than a minute is not worth beginning; ten are, and he is told when they are over.
    quiet_from("12:01").await;
    assert_eq!(told(&to_hamlet()).await.0, ["quiet_now"]);
    quiet_from("12:10").await;
    let (codes, warnings) = told(&to_hamlet()).await;
    assert_eq!(codes, ["quiet_soon"]);
    let text = warnings[0]["message"].as_str().unwrap();
    assert!(text.contains("12:10"), "{text}");
    // An alarm passes quiet hours, and no check asks for a fresh proof.
    office.village.clock.pass_s(3_600);
    let alarm = json!({ "targets": ["area.ban-chuong"], "priority": "emergency" });
    assert_eq!(told(&alarm).await.0, [""; 0]);
    let muted = json!({ "muted": true });
    let path = "/api/v1/speakers/ban-chuong-1";
    office.patch(&office.chief, path, &muted).await.ok();
    assert_eq!(told(&alarm).await.0, ["muted"]);
    // And where one may not speak live, one hears it before one has drawn breath.
    let wide = json!({ "targets": ["area.sang-moc"], "priority": "emergency" });
    let refused = office.post(&office.chief, "/api/v1/calls/check", &wide);
    assert_eq!(refused.await.refusal(), (403, "live_needs_approval"));
}

#[tokio::test]
async fn only_who_began_it_speaks_and_no_other_page_does_in_his_name() {
    let air = on_air().await;
    let call = air.call(&to_hamlet()).await;
    let id = call["id"].as_str().unwrap();
    let other = air
        .office
        .somebody("other", Role::Administrator, None)
        .await;
    let refused = |answer: Result<Socket, Error>| match answer {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(air.connect(id, &other, &[]).await), 403);
    assert_eq!(refused(air.connect(id, "guess", &[]).await), 401);
    let evil = [("origin", "https://evil.example")];
    let chief = &air.office.chief;
    assert_eq!(refused(air.connect(id, chief, &evil).await), 403);
    let unknown = air.connect("b0000000000000000", chief, &[]).await;
    assert_eq!(refused(unknown), 404);
    // No WebSocket.
    let path = format!("/api/v1/calls/{id}/microphone");
    let plain = air.office.get(chief, &path).await;
    assert_eq!(plain.refusal(), (400, "web_socket_only"));
    // A second phone takes over from the first.
    let mut first = air.microphone(id).await;
    told(&mut first, "state").await;
    let mut second = air.microphone(id).await;
    assert_eq!(told(&mut first, "ended").await["reason"], "taken_over");
    told(&mut second, "state").await;
    // And a message that no phone sends ends the connection, not the call.
    let huge = Message::binary(vec![1; 5_000]);
    let _ = second.send(huge).await;
    let gone = async { while let Some(Ok(_)) = second.next().await {} };
    timeout(DEADLINE, gone).await.expect("hung up on");
    assert_eq!(air.shown(id).await["state"], "ringing");
}
