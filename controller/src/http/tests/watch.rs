//! The watch as the API shows it: facts, the board, one pole's page, orders, telemetry.

use loa_protocol::{
    event::{After, Event, RunEnd, What},
    playout::PlayoutId,
    status::{ClockState, SpeakerStatus},
    telemetry::{
        DataUse, Ear, EarKind, Hearing, Listened, Network, NetworkKind, Power, SelfTest, Telemetry,
    },
    time::{Trust, WallTime},
};
use serde_json::json;

use super::{Office, office, request, with};
use crate::{
    engine::Change,
    logic::{
        Presence, PresenceView,
        hours::{Figures, Hour, hour_of},
        permissions::Role,
    },
    store::testing::{NOON, speaker},
};

/// What a pole with a microphone tells of itself.
pub fn status(who: &str, hearing: Hearing) -> SpeakerStatus {
    SpeakerStatus {
        at: Some(NOON),
        clock: ClockState {
            trust: Trust::Synced,
            offset_us: Some(-1_500),
            error_us: Some(900),
        },
        disk_free_bytes: Some(9_000_000_000),
        telemetry: Some(Box::new(Telemetry {
            machine_uptime_s: Some(3_600),
            starts_1h: 1,
            temperature_mc: Some(51_500),
            load_centi: Some(42),
            memory_available_bytes: Some(300_000_000),
            network: Some(Network {
                kind: NetworkKind::Cellular,
                interface: "wwan0".into(),
                signal_dbm: Some(-97),
                signal_percent: Some(40),
                operator: Some("Viettel".into()),
                cell: Some("452-04-1".into()),
            }),
            data: Some(DataUse {
                month: "2026-11-01".parse().expect("a day"),
                received_bytes: 120_000_000,
                sent_bytes: 5_000_000,
            }),
            power: Some(Power {
                mains: Some(true),
                battery_percent: Some(88),
                battery_mv: Some(12_400),
            }),
            ear: Ear {
                kind: EarKind::Microphone,
                trouble: None,
                last_test: None,
                last_heard: Some(listened(hearing, NOON)),
            },
            ..Telemetry::default()
        })),
        ..crate::logic::testing::status(who)
    }
}

fn listened(hearing: Hearing, at: WallTime) -> Listened {
    Listened {
        playout: PlayoutId {
            occurrence: "b1/2026-11-24/0/0".parse().expect("an occurrence"),
            attempt: 0,
        },
        at,
        hearing,
        clarity_centi: Some(870),
        delay_us: Some(41_000),
    }
}

/// The pole is there, and told this a moment ago.
pub fn online(office: &Office, who: &str, status: SpeakerStatus) {
    let presence = PresenceView {
        presence: Presence::Online,
        since: NOON.plus_s(-600),
        last_heard: Some(NOON),
    };
    let engine = &office.state.engine;
    engine.pretend(&speaker(who), presence, Some(status));
    engine.pretend_line(Some(NOON.plus_s(-900)));
}

/// The pole tells something.
async fn tell(office: &Office, who: &str, number: u64, at: WallTime, what: What) {
    let event = Event {
        number,
        at,
        trust: Trust::Synced,
        what,
    };
    let store = "s1".parse().expect("a name");
    office
        .village
        .record_events(&speaker(who), &store, &[event], at)
        .await
        .expect("recorded");
}

fn tested(hearing: Hearing, at: WallTime, asked: bool) -> What {
    What::SelfTested {
        test: SelfTest {
            at,
            hearing,
            clarity_centi: None,
            delay_us: None,
            asked,
            trouble: None,
        },
    }
}

/// The pole went down at noon and nobody knows why yet.
async fn fell_silent(office: &Office, who: &str) {
    office.village.begin_run().await.expect("a run");
    for (presence, s) in [(Presence::Online, -900), (Presence::Silent, -300)] {
        office
            .village
            .record_presence(&speaker(who), presence, NOON.plus_s(s))
            .await
            .expect("recorded");
    }
    let presence = PresenceView {
        presence: Presence::Silent,
        since: NOON.plus_s(-300),
        last_heard: Some(NOON.plus_s(-390)),
    };
    let last = status(who, Hearing::Heard);
    let engine = &office.state.engine;
    engine.pretend(&speaker(who), presence, Some(last));
}

#[tokio::test]
async fn the_board_shows_the_worst_first_area_by_area() {
    let office = office().await;
    online(
        &office,
        "ban-chuong-1",
        status("ban-chuong-1", Hearing::Heard),
    );
    online(
        &office,
        "ban-chuong-2",
        status("ban-chuong-2", Hearing::NotHeard),
    );
    let board = office
        .get(&office.chief, "/api/v1/board?area=sang-moc")
        .await
        .ok();
    let speakers = board["speakers"].as_array().expect("a list");
    let order: Vec<_> = speakers.iter().map(|s| s["speaker"].as_str()).collect();
    assert_eq!(
        order,
        [
            Some("ban-chuong-2"),
            Some("khuoi-meo-1"),
            Some("ban-chuong-1")
        ]
    );
    let worst = &speakers[0];
    assert_eq!(
        (&worst["severity"], &worst["facts"]["audible"]["why"]),
        (&json!("critical"), &json!("not_heard"))
    );
    assert_eq!(worst["cell"], json!("452-04-1"));
    // The one that was never seen is no alarm, and nothing is said of its power.
    let new = &speakers[1]["facts"];
    assert_eq!(
        (&new["connected"]["why"], &new["powered"]["state"]),
        (&json!("never_seen"), &json!("unknown"))
    );
    let areas = board["areas"].as_array().expect("a list");
    assert_eq!(
        (&areas[0]["area"], &areas[0]["trouble"]),
        (&json!("ban-chuong"), &json!(1))
    );
    assert_eq!(
        (&areas[1]["area"], &areas[1]["severity"]),
        (&json!("khuoi-meo"), &json!("notice"))
    );
    assert_eq!(
        (
            &board["counts"]["speakers"],
            &board["counts"]["microphones"],
            &board["counts"]["not_heard"]
        ),
        (&json!(3), &json!(2), &json!(1))
    );
    // A hamlet head sees the own hamlet only, and may not ask for another.
    let head = office
        .somebody("head", Role::HamletHead, Some("khuoi-meo"))
        .await;
    let own = office.get(&head, "/api/v1/board").await.ok();
    assert_eq!(own["counts"]["speakers"], json!(1));
    let other = office.get(&head, "/api/v1/board?area=ban-chuong").await;
    assert_eq!(other.refusal(), (403, "forbidden"));
}

#[tokio::test]
async fn the_board_says_what_changed_since_yesterday() {
    let office = office().await;
    fell_silent(&office, "khuoi-meo-1").await;
    let at = |s| NOON.plus_s(s);
    let hearing = |hearing| What::Heard {
        listened: listened(hearing, NOON),
    };
    let who = "ban-chuong-1";
    tell(&office, who, 1, at(-90_000), hearing(Hearing::Heard)).await;
    tell(&office, who, 2, at(-80_000), hearing(Hearing::NotHeard)).await;
    tell(&office, who, 3, at(-70_000), hearing(Hearing::NotHeard)).await;
    tell(&office, who, 4, at(-60_000), hearing(Hearing::Heard)).await;
    tell(&office, who, 5, at(-50_000), What::Mains { present: false }).await;
    let crashed = What::Booted {
        boot: 7,
        agent: "loa-agent 0.1".into(),
        after: Some(After {
            ended: RunEnd::Crashed,
            alive: Some(at(-40_100)),
        }),
    };
    tell(&office, who, 6, at(-40_000), crashed).await;
    let mute = json!({ "muted": true });
    let path = "/api/v1/speakers/ban-chuong-2";
    office.patch(&office.chief, path, &mute).await.ok();
    let board = office.get(&office.chief, "/api/v1/board").await.ok();
    let changes: Vec<_> = board["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|c| (c["what"].as_str().expect("a word"), c["cause"].clone()))
        .collect();
    assert_eq!(
        changes,
        [
            ("muted", json!(null)),
            ("went_down", json!("unknown")),
            ("restarted", json!("agent")),
            ("mains_gone", json!(null)),
            ("heard_again", json!(null)),
            ("not_heard", json!(null)),
        ]
    );
}

#[tokio::test]
async fn a_pole_s_page_tells_its_outage_tests_faults_and_runs() {
    let office = office().await;
    fell_silent(&office, "khuoi-meo-1").await;
    office.state.engine.pretend_line(Some(NOON.plus_s(-900)));
    let at = NOON.plus_s(-7_200);
    let fault = What::Fault {
        code: "player".into(),
        detail: "no such device".into(),
    };
    tell(&office, "khuoi-meo-1", 1, at, fault).await;
    tell(
        &office,
        "khuoi-meo-1",
        2,
        at,
        tested(Hearing::Heard, at, false),
    )
    .await;
    let path = "/api/v1/speakers/khuoi-meo-1/watch";
    let page = office.get(&office.chief, path).await.ok();
    assert_eq!(page["facts"]["connected"]["why"], json!("silent"));
    assert_eq!(page["severity"], json!("warning"));
    let outage = &page["outages"][0];
    assert_eq!(
        (&outage["ended"], &outage["cause"]),
        (&json!(null), &json!("unknown"))
    );
    assert_eq!(page["faults"][0]["detail"], json!("no such device"));
    assert_eq!(page["self_tests"][0]["hearing"], json!("heard"));
    assert_eq!(page["telemetry"]["temperature_c"], json!(51.5));
    assert_eq!(page["telemetry"]["power"]["battery_v"], json!(12.4));
    assert_eq!(page["telemetry"]["data"]["received_mb"], json!(120.0));
    let wrong = format!("{path}?from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z");
    assert_eq!(
        office.get(&office.chief, &wrong).await.refusal(),
        (422, "span_invalid")
    );
    let other = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    assert_eq!(office.get(&other, path).await.refusal(), (403, "forbidden"));
}

#[tokio::test]
async fn a_pole_is_asked_to_test_its_sound_and_tells_when_it_did() {
    let mut office = office().await;
    let who = "ban-chuong-1";
    let path = format!("/api/v1/speakers/{who}/orders");
    let ask = json!({ "what": "self_test" });
    office.told();
    let made = office.post(&office.chief, &path, &ask).await.ok();
    assert_eq!((&made["number"], &made["done"]), (&json!(1), &json!(null)));
    assert_eq!(office.told(), [Change::Speakers(vec![speaker(who)])]);
    let config = async || {
        let config = office.village.speaker_config(&speaker(who)).await;
        config.expect("read").expect("known")
    };
    let (first, orders) = (config().await.version, config().await.orders);
    assert_eq!((orders.len(), orders[0].number), (1, 1));
    assert_eq!(orders[0].until, NOON.plus_s(600));
    // The daily test is not the one that was asked for.
    let at = NOON.plus_s(30);
    tell(&office, who, 1, at, tested(Hearing::Heard, at, false)).await;
    assert_eq!(config().await.orders.len(), 1);
    tell(&office, who, 2, at, tested(Hearing::Heard, at, true)).await;
    assert_eq!(config().await.orders, []);
    let page = office
        .get(&office.chief, &format!("/api/v1/speakers/{who}/watch"))
        .await
        .ok();
    assert_eq!(page["orders"][0]["done"], json!(at.to_string()));
    // A second one has the next number and a newer configuration; after ten minutes it is not done any more.
    let again = office.post(&office.chief, &path, &ask).await.ok();
    assert_eq!(again["number"], json!(2));
    assert!(config().await.version > first);
    office.village.clock.pass_s(601);
    assert_eq!(config().await.orders, []);
}

#[tokio::test]
async fn who_may_mute_a_pole_may_test_it_and_only_who_arranges_it_starts_it_again() {
    let office = office().await;
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let path = "/api/v1/speakers/ban-chuong-1/orders";
    let ask = |what: &str| json!({ "what": what });
    office.post(&head, path, &ask("self_test")).await.ok();
    let refused = office.post(&head, path, &ask("restart")).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    let other = "/api/v1/speakers/khuoi-meo-1/orders";
    let refused = office.post(&head, other, &ask("self_test")).await;
    assert_eq!(refused.refusal(), (403, "forbidden"));
    // A restart that was asked for is done when the agent runs again because of it.
    office.post(&office.chief, path, &ask("restart")).await.ok();
    let ordered = What::Booted {
        boot: 2,
        agent: "loa-agent 0.1".into(),
        after: Some(After {
            ended: RunEnd::Ordered,
            alive: None,
        }),
    };
    tell(&office, "ban-chuong-1", 1, NOON.plus_s(9), ordered).await;
    let page = office
        .get(&head, "/api/v1/speakers/ban-chuong-1/watch")
        .await
        .ok();
    let done = |number: usize| page["orders"][number]["done"].clone();
    assert_eq!(
        (done(0), done(1)),
        (json!(NOON.plus_s(9).to_string()), json!(null))
    );
    assert_eq!(page["runs"][0]["ended"], json!("ordered"));
}

#[tokio::test]
async fn an_order_asked_for_twice_under_one_key_is_one_order() {
    let office = office().await;
    let ask = json!({ "what": "self_test" });
    let post = |who: &str| {
        let path = format!("/api/v1/speakers/{who}/orders");
        with(
            request("POST", &office.chief, &path, Some(&ask)),
            "idempotency-key",
            "k1",
        )
    };
    let first = office.send(post("ban-chuong-1")).await.ok();
    let again = office.send(post("ban-chuong-1")).await.ok();
    assert_eq!(first, again);
    let other = office.send(post("ban-chuong-2")).await;
    assert_eq!(other.refusal(), (409, "idempotency_mismatch"));
}

#[tokio::test]
async fn telemetry_is_kept_by_the_hour_and_ends_with_now() {
    let office = office().await;
    let who = speaker("ban-chuong-1");
    let hour = |back: i64, temperature_mc: i64, data_mb: i64| Hour {
        speaker: who.clone(),
        hour: hour_of(NOON) - back,
        figures: Figures {
            temperature_mc: Some(temperature_mc),
            data_mb: Some(data_mb),
            ..Figures::default()
        },
    };
    let store = &office.village;
    store
        .record_told(
            &[] as &[(SpeakerStatus, WallTime)],
            &[hour(2, 70_000, 10), hour(1, 60_000, 20)],
        )
        .await
        .expect("kept");
    // Told in two parts: the worst of both, and the last count of bytes.
    store
        .record_told(&[] as &[(SpeakerStatus, WallTime)], &[hour(1, 55_000, 25)])
        .await
        .expect("kept");
    online(
        &office,
        "ban-chuong-1",
        status("ban-chuong-1", Hearing::Heard),
    );
    let path = "/api/v1/speakers/ban-chuong-1/telemetry";
    let told = office.get(&office.chief, path).await.ok();
    let points = told["points"].as_array().expect("a list");
    assert_eq!((points.len(), &told["step_s"]), (3, &json!(3_600)));
    assert_eq!(points[1]["temperature_c"], json!(60.0));
    assert_eq!(
        (&points[1]["data_mb"], &points[1]["load"]),
        (&json!(25), &json!(null))
    );
    assert_eq!(
        (&points[2]["at"], &points[2]["signal_dbm"]),
        (&json!(NOON.to_string()), &json!(-97))
    );
    assert_eq!(points[2]["clock_offset_ms"], json!(-1.5));
    // After 35 days it is gone.
    office.village.clock.pass_s(36 * 24 * 3_600);
    office.village.tidy().await.expect("tidied");
    let span = (NOON.plus_s(-86_400), NOON.plus_s(86_400));
    let left = office.village.telemetry(&who, span.0, span.1, 10).await;
    assert_eq!(left.expect("read"), []);
}

#[tokio::test]
async fn a_pole_s_self_test_plan_and_mast_are_set_and_taken_away() {
    let office = office().await;
    let path = "/api/v1/speakers/ban-chuong-1";
    let before = office.get(&office.chief, path).await.ok();
    assert_eq!(before["self_test_at"], json!("11:45"));
    let set = json!({
        "self_test_at": "10:30", "data_plan_mb": 3_000, "data_plan_ends": "2027-01-31", "cell": "Trạm Sảng Mộc",
        "quiet_hours": [{ "from": "21:00", "to": "05:00" }]
    });
    let now = office.patch(&office.chief, path, &set).await.ok();
    assert_eq!(
        (&now["self_test_at"], &now["data_plan_mb"], &now["cell"]),
        (&json!("10:30"), &json!(3_000), &json!("Trạm Sảng Mộc"))
    );
    let config = office
        .village
        .speaker_config(&speaker("ban-chuong-1"))
        .await;
    let config = config.expect("read").expect("known");
    assert_eq!(config.self_test_at.as_deref(), Some("10:30"));
    let page = office
        .get(&office.chief, &format!("{path}/watch"))
        .await
        .ok();
    assert_eq!(
        page["plan"],
        json!({ "data_mb": 3_000, "ends": "2027-01-31" })
    );
    for (wrong, code) in [
        (
            json!({ "self_test_at": "22:30" }),
            "self_test_in_quiet_hours",
        ),
        (json!({ "self_test_at": "noon" }), "time_of_day_invalid"),
        (json!({ "data_plan_mb": 0 }), "data_plan_invalid"),
        (json!({ "data_plan_ends": "31/1/2027" }), "date_invalid"),
        (json!({ "cell": "" }), "cell_invalid"),
    ] {
        let refused = office.patch(&office.chief, path, &wrong).await;
        assert_eq!(refused.refusal(), (422, code), "{wrong}");
    }
    let none =
        json!({ "self_test_at": null, "data_plan_mb": null, "data_plan_ends": null, "cell": null });
    let now = office.patch(&office.chief, path, &none).await.ok();
    assert_eq!(
        (&now["self_test_at"], &now["cell"]),
        (&json!(null), &json!(null))
    );
}
