//! Relays of other stations: asked for, shown, changed, approved, tried.

use loa_station::testing::OwnStation;
use serde_json::{Value, json};

use super::{Office, office, office_with};
use crate::{config::Config, logic::permissions::Role};

const BULLETINS: &str = "/api/v1/bulletins";
const STATION: &str = "https://radio.example.vn/vov1.m3u8";

fn asked(more: Value) -> Value {
    let mut whole = json!({ "title": "Tiếp âm VOV1", "targets": ["area.ban-chuong"],
        "relay": { "url": STATION, "duration_s": 1_800 },
        "when": { "rrule": "FREQ=DAILY", "start": "2026-11-25T05:00" } });
    for (key, value) in more.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    whole
}
async fn refused(office: &Office, more: Value) -> (u16, String) {
    let answer = office.post(&office.chief, BULLETINS, &asked(more)).await;
    let (status, code) = answer.refusal();
    (status, code.to_owned())
}
fn path(view: &Value) -> String {
    format!("{BULLETINS}/{}", view["id"].as_str().expect("an id"))
}
/// Stations on this machine may be heard.
async fn with_own_stations() -> Office {
    let mut config = Config::default();
    config.mqtt.tls = false;
    config.relay.private = true;
    office_with(config).await
}

#[tokio::test]
async fn a_relay_is_planned_as_any_bulletin_and_joined_until_its_end() {
    let office = office().await;
    let fallback = office.audio().await;
    let relay =
        json!({ "url": STATION, "duration_s": 1_800, "fallback": fallback, "by_poles": true });
    let view = office
        .post(&office.chief, BULLETINS, &asked(json!({ "relay": relay })))
        .await
        .ok();
    assert_eq!(
        (&view["state"], &view["audio"]),
        (&json!("planned"), &Value::Null)
    );
    assert_eq!(view["duration_s"], 1_800.0);
    assert_eq!(view["lateness_s"], 1_800);
    let stream = &view["stream"];
    assert_eq!(
        (&stream["kind"], &stream["url"]),
        (&json!("relay"), &json!(STATION))
    );
    let shown = &stream["relay"];
    assert_eq!(
        (&shown["url"], &shown["fallback"]),
        (&json!(STATION), &json!(fallback))
    );
    assert_eq!(
        (&shown["state"], &shown["by_poles"]),
        (&json!("waiting"), &json!(true))
    );
    // And what stands in for it is not forgotten with the recordings that nobody needs.
    let check = asked(json!({}));
    let checked = office
        .post(&office.chief, "/api/v1/bulletins/check", &check)
        .await
        .ok();
    assert_eq!(checked["duration_s"], 1_800.0);
    assert_eq!(checked["starts"][0], "2026-11-24T22:00:00Z");
}

#[tokio::test]
async fn what_a_relay_cannot_be_is_refused_by_name() {
    let office = office().await;
    let audio = office.audio().await;
    let relay =
        |url: &str, duration_s: i64| json!({ "relay": { "url": url, "duration_s": duration_s } });
    for (more, code) in [
        (json!({ "audio": audio }), "audio_or_relay"),
        (json!({ "relay": null }), "audio_or_relay"),
        (relay("ftp://radio.vn/a", 600), "station_address"),
        (relay("http://10.0.0.7:8000/live", 600), "station_private"),
        (relay("http://[::1]/live", 600), "station_private"),
        (relay("http://2130706433/live", 600), "station_private"),
        (relay(STATION, 9), "relay_duration_invalid"),
        (relay(STATION, 14_401), "relay_duration_invalid"),
        (json!({ "when": { "now": true } }), "relay_not_now"),
        (json!({ "priority": "emergency" }), "relay_not_emergency"),
        (json!({ "status": "exercise" }), "relay_not_emergency"),
        (
            json!({ "repeat": { "times": 2, "every_s": 1_799 } }),
            "relay_repeat_overlaps",
        ),
        (
            json!({
                "relay": { "url": STATION, "duration_s": 3_601 },
                "when": { "start": "2026-11-25T05:00", "rrule": "FREQ=DAILY;BYHOUR=5,6" },
            }),
            "relay_repeat_overlaps",
        ),
    ] {
        assert_eq!(refused(&office, more).await, (422, code.to_owned()));
    }
    let again = json!({ "repeat": { "times": 2, "every_s": 1_800 } });
    let view = office
        .post(&office.chief, BULLETINS, &asked(again))
        .await
        .ok();
    let longer = relay(STATION, 1_801);
    let refused = office.patch(&office.chief, &path(&view), &longer).await;
    assert_eq!(refused.refusal(), (422, "relay_repeat_overlaps"));
}

#[tokio::test]
async fn an_approval_holds_for_this_station_and_for_no_other() {
    let office = office().await;
    let set = json!({ "approval": "hamlets" });
    office
        .patch(&office.chief, "/api/v1/areas/sang-moc", &set)
        .await
        .ok();
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let view = office.post(&head, BULLETINS, &asked(json!({}))).await.ok();
    assert_eq!(view["state"], "awaiting");
    let approve = format!("{}/approve", path(&view));
    let said = json!({ "digest": view["digest"] });
    let view = office.post(&office.chief, &approve, &said).await.ok();
    assert_eq!(view["state"], "planned");
    // The same again changes nothing.
    let same = json!({ "relay": { "url": STATION, "duration_s": 1_800 } });
    office.nothing_will_change();
    let again = office.patch(&head, &path(&view), &same).await.ok();
    assert_eq!(again["digest"], view["digest"]);
    let audio = office.audio().await;
    for other in [
        json!({ "url": "https://elsewhere.example/live", "duration_s": 1_800 }),
        json!({ "url": STATION, "duration_s": 3_600 }),
        json!({ "url": STATION, "duration_s": 1_800, "fallback": audio }),
        json!({ "url": STATION, "duration_s": 1_800, "by_poles": true }),
    ] {
        let changed = json!({ "relay": other });
        let changed = office.patch(&head, &path(&view), &changed).await.ok();
        assert_eq!(changed["state"], "awaiting", "{other}");
        let said = json!({ "digest": changed["digest"] });
        assert_eq!(
            office.post(&office.chief, &approve, &said).await.ok()["state"],
            "planned"
        );
    }
    let spoken = json!({ "audio": audio });
    let refused = office.patch(&head, &path(&view), &spoken).await;
    assert_eq!(refused.refusal(), (409, "stream_stays"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_is_tried_before_it_is_relayed() {
    let own = OwnStation::start().expect("a station");
    let office = with_own_stations().await;
    let tried = async |path: &str| {
        let asked = json!({ "url": own.url(path) });
        office
            .post(&office.chief, "/api/v1/relays/try", &asked)
            .await
            .ok()
    };
    for (path, codec) in [
        ("/mp3", "MP3, 44100 Hz, mono"),
        ("/ts.m3u8", "AAC in TS, 44100 Hz, mono"),
    ] {
        let heard = tried(path).await;
        assert_eq!(
            (&heard["ok"], &heard["codec"]),
            (&json!(true), &json!(codec)),
            "{heard}"
        );
        assert!(
            heard["level_dbfs"].as_f64().is_some_and(|db| db < -10.0),
            "{heard}"
        );
    }
    assert_eq!(tried("/mp3").await["title"], "Own");
    for path in ["/page", "/404", "/garbage"] {
        let heard = tried(path).await;
        assert_eq!(heard["ok"], false, "{path}: {heard}");
        assert!(
            heard["detail"].as_str().is_some_and(|text| text.len() > 20),
            "{heard}"
        );
    }
    let asked = json!({ "url": "nowhere" });
    let refused = office
        .post(&office.chief, "/api/v1/relays/try", &asked)
        .await;
    assert_eq!(refused.refusal(), (422, "station_address"));
    let viewer = office.somebody("viewer", Role::Monitor, None).await;
    let asked = json!({ "url": own.url("/mp3") });
    let refused = office.post(&viewer, "/api/v1/relays/try", &asked).await;
    assert_eq!(refused.refusal().0, 403);
}
