//! Saying, changing, cancelling, stopping.

use serde_json::{Value, json};

use super::{Office, office, request, with};
use crate::{
    engine::{Change, Urgent},
    store::testing::NOON,
};

fn say(audio: &str, more: Value) -> Value {
    let mut whole = json!({ "title": "Thông báo", "audio": audio, "targets": ["area.sang-moc"], "when": { "now": true } });
    for (key, value) in more.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    whole
}
fn id(view: &Value) -> String {
    view["id"].as_str().expect("an id").to_owned()
}
fn codes(view: &Value) -> Vec<&str> {
    let warnings = view["warnings"].as_array().expect("warnings");
    warnings.iter().filter_map(|w| w["code"].as_str()).collect()
}
async fn said(office: &Office, more: Value) -> Value {
    let audio = office.audio().await;
    office
        .post(&office.chief, "/api/v1/bulletins", &say(&audio, more))
        .await
        .ok()
}

#[tokio::test]
async fn what_is_said_now_goes_out_at_once() {
    let mut office = office().await;
    let view = said(&office, json!({})).await;
    let channel = "area.sang-moc".parse().expect("a channel");
    let bulletin = id(&view).parse().expect("an id");
    assert_eq!(
        office.told(),
        [Change::Channels(
            vec![channel],
            Some(Urgent::Start(bulletin))
        )]
    );
    assert_eq!(
        (&view["state"], &view["revision"]),
        (&json!("planned"), &json!(1))
    );
    assert_eq!(view["when"]["now"], NOON.to_string());
    assert_eq!(view["next"], NOON.to_string());
    let read = office
        .get(&office.chief, &format!("/api/v1/bulletins/{}", id(&view)))
        .await
        .ok();
    assert_eq!(
        (&read["readiness"]["ready"], &read["readiness"]["of"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(
        read["readiness"]["speakers"][0]["lacks"],
        json!(["never_reported"])
    );
}

#[tokio::test]
async fn what_is_planned_waits_in_the_programme_and_soon_hurries() {
    let mut office = office().await;
    let view = said(&office, json!({ "when": { "rrule": "FREQ=DAILY", "start": "2026-11-25T05:30", "except": ["2026-12-01"] } })).await;
    assert!(matches!(&office.told()[..], [Change::Channels(_, None)]));
    assert_eq!(view["next"], "2026-11-24T22:30:00Z");
    assert_eq!(view["ends"], Value::Null);
    said(&office, json!({ "when": { "at": "2026-11-24T12:01" } })).await;
    assert!(matches!(
        &office.told()[..],
        [Change::Channels(_, Some(Urgent::Start(_)))]
    ));
}

#[tokio::test]
async fn a_change_reaches_old_and_new_targets() {
    let mut office = office().await;
    let view = said(&office, json!({ "when": { "at": "2026-11-25T05:30" }, "targets": ["area.ban-chuong", "area.khuoi-meo"] })).await;
    let path = format!("/api/v1/bulletins/{}", id(&view));
    office.told();
    let patch = json!({ "targets": ["area.khuoi-meo"], "when": { "at": "2026-11-25T06:00" }, "volume": 60 });
    let changed = office.patch(&office.chief, &path, &patch).await.ok();
    assert_eq!(
        (&changed["revision"], &changed["volume"]),
        (&json!(2), &json!(60))
    );
    assert_eq!(changed["next"], "2026-11-24T23:00:00Z");
    let stays = "area.khuoi-meo".parse().expect("a channel");
    let left = "area.ban-chuong".parse().expect("a channel");
    let bulletin = id(&view).parse().expect("an id");
    assert_eq!(
        office.told(),
        [
            Change::Channels(vec![stays], None),
            Change::Channels(vec![left], Some(Urgent::Cancel(bulletin)))
        ]
    );
    // Nothing changed: nothing is sent.
    office.nothing_will_change();
    let same = office
        .patch(&office.chief, &path, &json!({ "volume": 60 }))
        .await
        .ok();
    assert_eq!(same["revision"], 2);
    assert!(office.told().is_empty());
}

#[tokio::test]
async fn a_cancelled_bulletin_stays_cancelled() {
    let mut office = office().await;
    let view = said(&office, json!({ "when": { "at": "2026-11-25T05:30" } })).await;
    office.told();
    let path = format!("/api/v1/bulletins/{}", id(&view));
    let cancel = format!("{path}/cancel");
    let gone = office.call("POST", &office.chief, &cancel, None).await.ok();
    assert_eq!(
        (&gone["state"], &gone["next"]),
        (&json!("cancelled"), &Value::Null)
    );
    assert!(matches!(
        &office.told()[..],
        [Change::Channels(_, Some(Urgent::Cancel(_)))]
    ));
    office.call("POST", &office.chief, &cancel, None).await.ok();
    assert!(office.told().is_empty());
    let refused = office
        .patch(&office.chief, &path, &json!({ "title": "x" }))
        .await;
    assert_eq!(refused.refusal(), (409, "bulletin_cancelled"));
    for (state, count) in [("planned", 0), ("cancelled", 1), ("ended", 0)] {
        let list = office
            .get(&office.chief, &format!("/api/v1/bulletins?state={state}"))
            .await
            .ok();
        assert_eq!(
            list["bulletins"].as_array().expect("a list").len(),
            count,
            "{state}"
        );
    }
}

#[tokio::test]
async fn a_correction_cancels_what_it_supersedes() {
    let mut office = office().await;
    let wrong = said(&office, json!({})).await;
    office.told();
    let right = said(
        &office,
        json!({ "supersedes": id(&wrong), "targets": ["area.ban-chuong"] }),
    )
    .await;
    assert_eq!(right["supersedes"], id(&wrong));
    let told = office.told();
    assert!(
        matches!(
            &told[..],
            [
                Change::Channels(_, Some(Urgent::Start(_))),
                Change::Channels(_, Some(Urgent::Cancel(_)))
            ]
        ),
        "{told:?}"
    );
    let old = office
        .get(&office.chief, &format!("/api/v1/bulletins/{}", id(&wrong)))
        .await
        .ok();
    assert_eq!(old["state"], "cancelled");
    let audio = office.audio().await;
    let refused = office
        .post(
            &office.chief,
            "/api/v1/bulletins",
            &say(&audio, json!({ "supersedes": "b0" })),
        )
        .await;
    assert_eq!(refused.refusal(), (422, "superseded_unknown"));
}

#[tokio::test]
async fn refusals_name_what_is_wrong() {
    let office = office().await;
    let audio = office.audio().await;
    for (more, refusal) in [
        (json!({ "targets": [] }), (422, "targets_invalid")),
        (json!({ "targets": ["sang-moc"] }), (422, "target_invalid")),
        (
            json!({ "targets": ["area.nowhere"] }),
            (422, "target_unknown"),
        ),
        (
            json!({ "targets": ["group.nowhere"] }),
            (422, "target_unknown"),
        ),
        (
            json!({ "targets": ["speaker.nowhere"] }),
            (422, "target_unknown"),
        ),
        (
            json!({ "audio": "a0000000000000000" }),
            (422, "audio_unknown"),
        ),
        (
            json!({ "audio": "../../etc/passwd" }),
            (422, "audio_unknown"),
        ),
        (
            json!({ "when": { "at": "2026-11-24T05:30" } }),
            (422, "time_past"),
        ),
        (
            json!({ "when": { "rrule": "FREQ=DAILY;UNTIL=20261101", "start": "2026-10-01T05:30" } }),
            (422, "no_occurrence"),
        ),
        (json!({ "title": "" }), (422, "title_invalid")),
        (json!({ "colour": "red" }), (400, "bad_json")),
        (json!({ "priority": "shout" }), (400, "bad_json")),
    ] {
        let asked = say(&audio, more);
        let answer = office
            .post(&office.chief, "/api/v1/bulletins", &asked)
            .await;
        assert_eq!(answer.refusal(), refusal, "{asked}");
        assert!(
            answer.body["error"]["message"]
                .as_str()
                .is_some_and(|m| m.len() > 10)
        );
    }
    // The row is there, the sound is not.
    let (id, manifest) = crate::store::testing::some_audio(&office.village).await;
    std::fs::remove_file(office.village.content_path(&manifest.content)).expect("removed");
    let answer = office
        .post(
            &office.chief,
            "/api/v1/bulletins",
            &say(&id.to_string(), json!({})),
        )
        .await;
    assert_eq!(answer.refusal(), (422, "audio_gone"));
    let list = office.get(&office.chief, "/api/v1/bulletins").await.ok();
    assert_eq!(list["bulletins"], json!([]));
}

#[tokio::test]
async fn messages_are_vietnamese_unless_english_is_asked_for() {
    let office = office().await;
    let ask = |lang: Option<&str>| {
        let plain = request("GET", "", "/api/v1/me", None);
        match lang {
            Some(lang) => with(plain, "accept-language", lang),
            None => {
                let mut plain = plain;
                plain.headers_mut().remove("accept-language");
                plain
            }
        }
    };
    for (lang, message) in [
        (None, "Hãy đăng nhập."),
        (Some("vi-VN"), "Hãy đăng nhập."),
        (Some("en-GB,en;q=0.9"), "Sign in first."),
    ] {
        let answer = office.send(ask(lang)).await;
        assert_eq!(answer.body["error"]["message"], message);
        assert_eq!(answer.body["error"]["code"], "unauthenticated");
    }
}

#[tokio::test]
async fn the_same_create_asked_twice_is_done_once() {
    let mut office = office().await;
    let audio = office.audio().await;
    let ask = |key: &str, body: &Value| {
        with(
            request("POST", &office.chief, "/api/v1/bulletins", Some(body)),
            "idempotency-key",
            key,
        )
    };
    let body = say(&audio, json!({}));
    let first = office.send(ask("k1", &body)).await;
    let again = office.send(ask("k1", &body)).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert!(again.headers.contains_key("idempotent-replayed"));
    let other = office
        .send(ask("k1", &say(&audio, json!({ "title": "Khác" }))))
        .await;
    assert_eq!(other.refusal(), (409, "idempotency_mismatch"));
    let new = office.send(ask("k2", &body)).await;
    assert_ne!(new.body["id"], first.body["id"]);
    let bad = office.send(ask("with space", &body)).await;
    assert_eq!(bad.refusal(), (400, "idempotency_key_invalid"));
    // A refusal is not remembered: the next try may be right.
    let wrong = say(&audio, json!({ "volume": 500 }));
    assert_eq!(
        office.send(ask("k3", &wrong)).await.refusal(),
        (422, "volume_invalid")
    );
    office.send(ask("k3", &body)).await.ok();
    assert_eq!(office.told().len(), 3);
}

#[tokio::test]
async fn two_at_once_under_one_key_make_one_bulletin() {
    let office = office().await;
    let audio = office.audio().await;
    let body = say(&audio, json!({}));
    let ask = || {
        with(
            request("POST", &office.chief, "/api/v1/bulletins", Some(&body)),
            "idempotency-key",
            "k1",
        )
    };
    let (a, b, c) = tokio::join!(office.send(ask()), office.send(ask()), office.send(ask()));
    let ids: Vec<String> = [a, b, c]
        .into_iter()
        .map(|answer| id(&answer.ok()))
        .collect();
    assert!(ids.iter().all(|one| one == &ids[0]), "{ids:?}");
}

#[tokio::test]
async fn stop_silences_what_was_asked_and_is_heard_at_once() {
    let mut office = office().await;
    let stop = json!({ "targets": ["area.sang-moc", "speaker.khuoi-meo-1"] });
    let stopped = office.post(&office.chief, "/api/v1/stop", &stop).await.ok();
    assert_eq!(stopped["silence_before"], NOON.to_string());
    let told = office.told();
    let channels = ["area.sang-moc", "speaker.khuoi-meo-1"].map(|c| c.parse().expect("a channel"));
    assert_eq!(
        told,
        [Change::Channels(
            channels.to_vec(),
            Some(Urgent::Stop(NOON))
        )]
    );
    let state = office.village.channel(&channels[0]).await.expect("read");
    assert_eq!(state.silence_before, Some(NOON));
    let refused = office
        .post(
            &office.chief,
            "/api/v1/stop",
            &json!({ "targets": ["area.x"] }),
        )
        .await;
    assert_eq!(refused.refusal(), (422, "target_unknown"));
}

#[tokio::test]
async fn the_answer_warns_of_what_will_not_or_should_not_sound() {
    let office = office().await;
    let quiet = json!({ "quiet_hours": [{ "from": "22:00", "to": "05:00" }] });
    office
        .patch(&office.chief, "/api/v1/speakers/ban-chuong-1", &quiet)
        .await
        .ok();
    let night = said(&office, json!({ "when": { "at": "2026-11-25T03:15" } })).await;
    assert_eq!(codes(&night), ["quiet_hours", "odd_hours"]);
    assert_eq!(night["warnings"][0]["details"]["count"], "1");
    assert_eq!(night["warnings"][0]["details"]["of"], "3");
    assert_eq!(night["warnings"][1]["details"]["first"], "03:15 25/11/2026");
    // An emergency sounds in spite of quiet hours; the hour is odd all the same, and it collides with the first.
    let flood = said(
        &office,
        json!({ "priority": "emergency", "when": { "at": "2026-11-25T03:15" } }),
    )
    .await;
    // And a second person would have to agree, but there is none.
    assert_eq!(codes(&flood), ["odd_hours", "overlaps", "nobody_approves"]);
    let day = said(
        &office,
        json!({ "when": { "at": "2026-11-25T07:00" }, "targets": ["area.khuoi-meo"] }),
    )
    .await;
    assert_eq!(codes(&day), [] as [&str; 0]);
    let elsewhere = said(
        &office,
        json!({ "when": { "at": "2026-11-25T07:00" }, "targets": ["area.ban-chuong"] }),
    )
    .await;
    assert_eq!(codes(&elsewhere), [] as [&str; 0]);
    let over_it = said(&office, json!({ "when": { "at": "2026-11-25T07:00:05" }, "targets": ["area.vo-nhai"], "title": "Trùng" })).await;
    assert_eq!(codes(&over_it), ["overlaps", "overlaps"]);
    let cut = said(
        &office,
        json!({ "max_duration_s": 3, "when": { "at": "2026-11-25T09:00" } }),
    )
    .await;
    assert_eq!(codes(&cut), ["cut_by_max_duration"]);
    office
        .post(&office.chief, "/api/v1/areas", &json!({ "name": "Trống" }))
        .await
        .ok();
    let nobody = said(
        &office,
        json!({ "targets": ["area.trong"], "when": { "at": "2026-11-25T09:30" } }),
    )
    .await;
    assert_eq!(codes(&nobody), ["nobody_listens"]);
}

#[tokio::test]
async fn the_preview_shows_what_this_speaker_will_play() {
    let office = office().await;
    let quiet = json!({ "quiet_hours": [{ "from": "22:00", "to": "05:00" }] });
    office
        .patch(&office.chief, "/api/v1/speakers/ban-chuong-1", &quiet)
        .await
        .ok();
    said(
        &office,
        json!({ "title": "Sáng", "when": { "rrule": "FREQ=DAILY", "start": "2026-11-25T05:30" } }),
    )
    .await;
    said(&office, json!({ "title": "Đêm", "when": { "at": "2026-11-25T03:15" }, "targets": ["speaker.ban-chuong-1", "area.vo-nhai"] })).await;
    said(&office, json!({ "title": "Nơi khác", "when": { "at": "2026-11-25T06:00" }, "targets": ["area.khuoi-meo"] })).await;
    let preview = office
        .get(
            &office.chief,
            "/api/v1/speakers/ban-chuong-1/preview?hours=24",
        )
        .await
        .ok();
    let items: Vec<_> = preview["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|i| {
            (
                i["title"].as_str(),
                i["outcome"].as_str(),
                i["reason"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        items,
        [
            (Some("Đêm"), Some("skipped"), Some("quiet_hours")),
            (Some("Sáng"), Some("completed"), None),
        ]
    );
    assert_eq!(preview["items"][1]["starts"], "2026-11-24T22:30:00Z");
    // The office's limits show in it, too, and a limit that is none is refused in words.
    let strict =
        json!({ "limits": { "longest_item_s": 10, "most_repeats": 2, "hour_minutes": 15 } });
    let pole = "/api/v1/speakers/ban-chuong-1";
    let changed = office.patch(&office.chief, pole, &strict).await.ok();
    assert_eq!(changed["limits"], strict["limits"]);
    let wrong = json!({ "limits": { "hour_minutes": 61 } });
    let refused = office.patch(&office.chief, pole, &wrong).await;
    assert_eq!(refused.refusal(), (422, "limits_invalid"));
    let lifted = office
        .patch(&office.chief, pole, &json!({ "limits": null }))
        .await
        .ok();
    assert_eq!(lifted["limits"], json!(null));
    let refused = office
        .get(
            &office.chief,
            "/api/v1/speakers/ban-chuong-1/preview?hours=999",
        )
        .await;
    assert_eq!(refused.refusal(), (422, "limit_invalid"));
}

#[tokio::test]
async fn the_list_comes_in_pages() {
    let office = office().await;
    for n in 0..5 {
        office.village.clock.pass_s(1);
        said(
            &office,
            json!({ "title": format!("Tin {n}"), "when": { "at": "2026-11-25T05:30" } }),
        )
        .await;
    }
    let mut titles = Vec::new();
    let mut path = "/api/v1/bulletins?limit=2".to_owned();
    loop {
        let page = office.get(&office.chief, &path).await.ok();
        for one in page["bulletins"].as_array().expect("a list") {
            titles.push(one["title"].as_str().expect("a title").to_owned());
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/bulletins?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(titles, ["Tin 4", "Tin 3", "Tin 2", "Tin 1", "Tin 0"]);
    for bad in ["limit=0", "limit=201"] {
        let refused = office
            .get(&office.chief, &format!("/api/v1/bulletins?{bad}"))
            .await;
        assert_eq!(refused.refusal(), (422, "limit_invalid"));
    }
    let refused = office
        .get(&office.chief, "/api/v1/bulletins?cursor=zz")
        .await;
    assert_eq!(refused.refusal(), (422, "cursor_invalid"));
}

#[tokio::test]
async fn a_bulletin_outlives_a_pole_that_was_taken_away() {
    let office = office().await;
    let view = said(&office, json!({ "when": { "at": "2026-11-25T05:30" }, "targets": ["speaker.ban-chuong-1", "area.khuoi-meo"] })).await;
    office
        .delete(&office.chief, "/api/v1/speakers/ban-chuong-1")
        .await;
    let path = format!("/api/v1/bulletins/{}", id(&view));
    let renamed = office
        .patch(&office.chief, &path, &json!({ "title": "Khác" }))
        .await
        .ok();
    assert_eq!(renamed["title"], "Khác");
    office
        .call("POST", &office.chief, &format!("{path}/cancel"), None)
        .await
        .ok();
}
