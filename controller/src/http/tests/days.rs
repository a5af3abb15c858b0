//! What sounded, sounds and will sound, as the today screen shows it.

use loa_protocol::{
    id::SpeakerId,
    playout::{Miss, Outcome},
    programme::Version,
    status::{ClockState, Next, Sounding, SpeakerStatus},
    time::{Trust, WallTime},
};
use serde_json::{Value, json};

use super::{Office, office, watching::tell};
use crate::{
    logic::permissions::Role,
    store::testing::{NOON, speaker},
};

async fn daily(office: &Office, start: &str, target: &str) -> String {
    let audio = office.audio().await;
    let say = json!({ "title": "Bản tin", "audio": audio, "targets": [target],
        "when": { "rrule": "FREQ=DAILY", "start": start } });
    let path = "/api/v1/bulletins";
    let made = office.post(&office.chief, path, &say).await.ok();
    made["id"].as_str().expect("an id").to_owned()
}

async fn days(office: &Office, query: &str) -> Value {
    let path = format!("/api/v1/days{query}");
    office.get(&office.chief, &path).await.ok()
}

fn status(of: &str, at: WallTime) -> SpeakerStatus {
    SpeakerStatus {
        speaker: speaker(of),
        online: true,
        store: "s1".parse().expect("a name"),
        boot: 1,
        agent: "loa-agent 0.1".into(),
        at: Some(at),
        clock: ClockState {
            trust: Trust::Synced,
            ..ClockState::default()
        },
        config: None,
        programmes: Default::default(),
        held: Vec::new(),
        partial: Vec::new(),
        sounding: None,
        next: None,
        muted: false,
        output: "pulse".into(),
        last_event: 0,
        acked: 0,
        refused: Default::default(),
        disk_free_bytes: None,
        uptime_s: 60,
        limits: None,
        governor_quiet: vec![],
        governor_zone: None,
        used: None,
        telemetry: None,
        audit: None,
    }
}

#[tokio::test]
async fn a_day_holds_what_was_heard_and_what_will_be() {
    let office = office().await;
    let id = daily(&office, "2026-11-24T12:30", "area.sang-moc").await;
    office.village.clock.pass_s(3_600);
    let heard = NOON.plus_s(1_800);
    let occurrence = format!("{id}/2026-11-24/0/0");
    tell(
        &office,
        "ban-chuong-1",
        &occurrence,
        Outcome::Completed,
        heard,
    )
    .await;
    let today = days(&office, "?days=2").await;
    assert_eq!(
        (&today["from"], &today["to"], &today["truncated"]),
        (
            &json!("2026-11-23T17:00:00Z"),
            &json!("2026-11-25T17:00:00Z"),
            &json!(false)
        )
    );
    let names: Vec<_> = today["speakers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|s| s["speaker"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["ban-chuong-1", "ban-chuong-2", "khuoi-meo-1"]);
    let first = &today["speakers"][0];
    let (past, ahead) = (&first["items"][0], &first["items"][1]);
    assert_eq!(
        (
            &past["past"],
            &past["outcome"],
            &past["error_ms"],
            &past["sounded_s"]
        ),
        (&json!(true), &json!("completed"), &json!(2.5), &json!(10.0))
    );
    assert_eq!(
        (
            &ahead["past"],
            &ahead["outcome"],
            &ahead["planned"],
            &ahead["starts"]
        ),
        (
            &json!(false),
            &json!("completed"),
            &json!("2026-11-25T05:30:00Z"),
            &json!("2026-11-25T05:30:00Z")
        )
    );
    // The other pole has told nothing: that is what is shown.
    let silent = &today["speakers"][1]["items"][0];
    assert_eq!(
        (&silent["past"], &silent["outcome"], &silent["starts"]),
        (&json!(true), &json!(null), &json!(null))
    );
    assert_eq!(today["speakers"][1]["presence"], "offline");
    // A missed one is told by the pole.
    let missed = Outcome::Missed(Miss::Off);
    tell(&office, "ban-chuong-2", &occurrence, missed, heard).await;
    let told = days(&office, "?speaker=ban-chuong-2").await;
    let items = told["speakers"][0]["items"].as_array().expect("items");
    assert_eq!(items.len(), 1);
    assert_eq!(
        (&items[0]["outcome"], &items[0]["reason"]),
        (&json!("missed"), &json!("off"))
    );
}

#[tokio::test]
async fn quiet_hours_show_before_the_night_comes() {
    let office = office().await;
    daily(&office, "2026-11-24T23:00", "speaker.khuoi-meo-1").await;
    let quiet = json!({ "quiet_hours": [{ "from": "22:00", "to": "05:00" }] });
    let path = "/api/v1/speakers/khuoi-meo-1";
    office.patch(&office.chief, path, &quiet).await.ok();
    let tomorrow = days(&office, "?area=khuoi-meo&date=2026-11-25").await;
    let item = &tomorrow["speakers"][0]["items"][0];
    assert_eq!(
        (&item["outcome"], &item["reason"], &item["starts"]),
        (&json!("skipped"), &json!("quiet_hours"), &json!(null))
    );
    assert_eq!(tomorrow["speakers"][0]["quiet_hours"], quiet["quiet_hours"]);
}

#[tokio::test]
async fn days_are_asked_for_within_bounds_and_rights() {
    let office = office().await;
    let group = json!({ "name": "Trường học", "area": "sang-moc", "members": ["ban-chuong-1", "khuoi-meo-1"] });
    office
        .post(&office.chief, "/api/v1/groups", &group)
        .await
        .ok();
    for (query, refusal) in [
        ("?days=8", (422, "limit_invalid")),
        ("?days=0", (422, "limit_invalid")),
        ("?date=24/11/2026", (422, "date_invalid")),
        ("?area=sang-moc&speaker=khuoi-meo-1", (400, "bad_request")),
        ("?speaker=nowhere", (404, "not_found")),
        ("?group=nobody", (404, "not_found")),
    ] {
        let refused = office
            .get(&office.chief, &format!("/api/v1/days{query}"))
            .await;
        assert_eq!(refused.refusal(), refusal, "{query}");
    }
    let of_group = days(&office, "?group=truong-hoc").await;
    assert_eq!(of_group["speakers"].as_array().map(Vec::len), Some(2));
    let head = office
        .somebody("head", Role::HamletHead, Some("khuoi-meo"))
        .await;
    let own = office.get(&head, "/api/v1/days").await.ok();
    assert_eq!(own["speakers"][0]["speaker"], "khuoi-meo-1");
    assert_eq!(own["speakers"].as_array().map(Vec::len), Some(1));
    for query in [
        "?area=sang-moc",
        "?speaker=ban-chuong-1",
        "?group=truong-hoc",
    ] {
        let refused = office.get(&head, &format!("/api/v1/days{query}")).await;
        assert_eq!(refused.refusal(), (403, "forbidden"), "{query}");
    }
}

#[tokio::test]
async fn one_glance_tells_who_sounds_and_who_lacks_what() {
    let office = office().await;
    let id = daily(&office, "2026-11-24T12:30", "area.ban-chuong").await;
    let mut told = status("ban-chuong-1", NOON);
    told.next = Some(Next {
        occurrence: format!("{id}/2026-11-24/0/0").parse().expect("an id"),
        title: "Bản tin".into(),
        planned: NOON.plus_s(1_800),
    });
    told.sounding = Some(Sounding {
        streamed: None,
        occurrence: format!("{id}/2026-11-23/0/0").parse().expect("an id"),
        title: "Bản tin".into(),
        since: NOON,
    });
    office
        .village
        .record_status(&[(told.clone(), NOON)])
        .await
        .expect("kept");
    office.village.clock.pass_s(90);
    let now = office.get(&office.chief, "/api/v1/now").await.ok();
    let first = &now["speakers"][0];
    assert_eq!(
        (
            &first["speaker"],
            &first["status_age_s"],
            &first["next"]["title"]
        ),
        (&json!("ban-chuong-1"), &json!(90), &json!("Bản tin"))
    );
    assert_eq!(first["lacks"], json!(["no_programme", "no_content"]));
    // It is offline since this start: nobody knows whether it still sounds.
    assert_eq!(
        (&first["presence"], &first["sounding"]),
        (&json!("offline"), &json!(null))
    );
    let second = &now["speakers"][1];
    assert_eq!(
        (
            &second["lacks"],
            &second["status_age_s"],
            &second["last_seen"]
        ),
        (&json!(["never_reported"]), &json!(null), &json!(null))
    );
    // With programme and audio nothing is lacking.
    let channel: loa_protocol::channel::Channel = "area.ban-chuong".parse().expect("a channel");
    let programme = office.village.channel(&channel).await.expect("read");
    told.held = vec![programme.bulletins[0].manifest().expect("audio").content];
    told.programmes = [(channel, programme.version)].into();
    office
        .village
        .record_status(&[(told, NOON.plus_s(90))])
        .await
        .expect("kept");
    let now = office
        .get(&office.chief, "/api/v1/now?area=ban-chuong")
        .await
        .ok();
    assert_eq!(now["speakers"][0]["lacks"], json!([]));
    assert_eq!(now["speakers"].as_array().map(Vec::len), Some(2));
    let head = office
        .somebody("head", Role::HamletHead, Some("khuoi-meo"))
        .await;
    let own = office.get(&head, "/api/v1/now").await.ok();
    assert_eq!(own["speakers"].as_array().map(Vec::len), Some(1));
    let refused = office.get(&head, "/api/v1/now?area=ban-chuong").await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    assert!(programme.version > Version::default());
}

#[tokio::test]
async fn stop_says_how_many_it_silences() {
    let office = office().await;
    let all = json!({ "targets": ["area.sang-moc", "speaker.ban-chuong-1", "group.truong-hoc"] });
    let group = json!({ "name": "Trường học", "area": "sang-moc", "members": ["khuoi-meo-1"] });
    office
        .post(&office.chief, "/api/v1/groups", &group)
        .await
        .ok();
    let stopped = office.post(&office.chief, "/api/v1/stop", &all).await.ok();
    assert_eq!(stopped["speakers"], 3);
    let one: SpeakerId = speaker("ban-chuong-1");
    let stop = json!({ "targets": [format!("speaker.{one}")] });
    let stopped = office.post(&office.chief, "/api/v1/stop", &stop).await.ok();
    assert_eq!(stopped["speakers"], 1);
}
