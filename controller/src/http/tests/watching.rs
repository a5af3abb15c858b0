//! What speakers told, as people see it: playouts, readiness, live events.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use loa_protocol::{
    bulletin::{Priority, Status},
    event::{Event, What},
    id::StoreId,
    playout::{Miss, Outcome, Playout, PlayoutId},
    programme::Version,
    status::{ClockState, SpeakerStatus},
    time::{Trust, WallTime},
};
use serde_json::json;
use tower::ServiceExt;

use super::{Office, office, request};
use crate::{
    logic::{Notice, permissions::Role},
    store::testing::{NOON, speaker},
};

async fn told(office: &Office, who: &str, number: u64, outcome: Outcome, planned: WallTime) {
    let occurrence = format!("b1/2026-11-24/{number}/0");
    tell_numbered(office, who, number, &occurrence, outcome, planned).await;
}

/// The speaker tells how this occurrence ended.
pub async fn tell(
    office: &Office,
    who: &str,
    occurrence: &str,
    outcome: Outcome,
    planned: WallTime,
) {
    tell_numbered(office, who, 1, occurrence, outcome, planned).await;
}

async fn tell_numbered(
    office: &Office,
    who: &str,
    number: u64,
    occurrence: &str,
    outcome: Outcome,
    planned: WallTime,
) {
    let started = matches!(outcome, Outcome::Completed).then(|| planned.plus_us(2_500));
    let playout = Playout {
        streamed: None,
        id: PlayoutId {
            occurrence: occurrence.parse().expect("an occurrence"),
            attempt: 0,
        },
        revision: 1,
        title: "Thông báo".into(),
        priority: Priority::Ordinary,
        status: Status::Actual,
        planned,
        started,
        ended: started.map(|at| at.plus_s(10)),
        error_us: started.map(|_| 2_500),
        sounded_ms: started.map_or(0, |_| 10_000),
        cuts: 0,
        trust: Trust::Synced,
        outcome: Some(outcome),
    };
    let event = Event {
        number,
        at: planned,
        trust: Trust::Synced,
        what: What::Ended { playout },
    };
    let store: StoreId = "s1".parse().expect("a name");
    office
        .village
        .record_events(&speaker(who), &store, &[event], NOON)
        .await
        .expect("recorded");
}

#[tokio::test]
async fn playouts_show_planned_against_real_start_in_milliseconds() {
    let office = office().await;
    told(&office, "ban-chuong-1", 1, Outcome::Completed, NOON).await;
    told(
        &office,
        "ban-chuong-1",
        2,
        Outcome::Missed(Miss::Off),
        NOON.plus_s(3_600),
    )
    .await;
    told(&office, "khuoi-meo-1", 1, Outcome::Completed, NOON).await;
    let all = office
        .get(&office.chief, "/api/v1/playouts?bulletin=b1")
        .await
        .ok();
    let first = &all["playouts"][0];
    assert_eq!(
        (&first["outcome"], &first["reason"], &first["started"]),
        (&json!("missed"), &json!("off"), &json!(null))
    );
    let rest = &all["playouts"][1];
    assert_eq!(
        (&rest["speaker"], &rest["error_ms"], &rest["sounded_s"]),
        (&json!("khuoi-meo-1"), &json!(2.5), &json!(10.0))
    );
    assert_eq!(rest["planned"], NOON.to_string());
    let count = async |query: &str| {
        let found = office
            .get(&office.chief, &format!("/api/v1/playouts?{query}"))
            .await
            .ok();
        found["playouts"].as_array().expect("a list").len()
    };
    assert_eq!(count("speaker=ban-chuong-1").await, 2);
    assert_eq!(count("area=khuoi-meo").await, 1);
    assert_eq!(count("outcome=missed").await, 1);
    assert_eq!(count("from=2026-11-24T12:30:00%2B07:00").await, 1);
    assert_eq!(count("to=2026-11-24T12:30:00%2B07:00").await, 2);
    assert_eq!(count("bulletin=b2").await, 0);
    let bad = office
        .get(&office.chief, "/api/v1/playouts?from=yesterday")
        .await;
    assert_eq!(bad.refusal(), (422, "time_invalid"));
    let head = office
        .somebody("head", Role::HamletHead, Some("khuoi-meo"))
        .await;
    let own = office.get(&head, "/api/v1/playouts").await.ok();
    assert_eq!(own["playouts"].as_array().expect("a list").len(), 1);
    let page = office
        .get(&office.chief, "/api/v1/playouts?limit=2")
        .await
        .ok();
    let next = page["next"].as_str().expect("a cursor");
    assert_eq!(count(&format!("limit=2&cursor={next}")).await, 1);
}

#[tokio::test]
async fn ready_means_programme_audio_and_clock() {
    let office = office().await;
    let audio = office.audio().await;
    let say = json!({ "title": "x", "audio": audio, "targets": ["area.sang-moc"], "when": { "at": "2026-11-25T05:30" } });
    let made = office
        .post(&office.chief, "/api/v1/bulletins", &say)
        .await
        .ok();
    let path = format!("/api/v1/bulletins/{}", made["id"].as_str().expect("an id"));
    let channel: loa_protocol::channel::Channel = "area.sang-moc".parse().expect("a channel");
    let state = office.village.channel(&channel).await.expect("read");
    let content = state.bulletins[0].manifest().expect("audio").content;
    let config = office
        .village
        .speaker_config(&speaker("ban-chuong-1"))
        .await
        .expect("read")
        .expect("known");
    let mut status = SpeakerStatus {
        speaker: speaker("ban-chuong-1"),
        online: true,
        store: "s1".parse().expect("a name"),
        boot: 1,
        agent: "loa-agent 0.1".into(),
        at: Some(NOON),
        clock: ClockState::default(),
        config: Some(config.version),
        programmes: [(
            channel.clone(),
            Version {
                generation: 0,
                ..state.version
            },
        )]
        .into(),
        held: vec![],
        partial: vec![],
        sounding: None,
        next: None,
        muted: false,
        output: "wav".into(),
        last_event: 0,
        acked: 0,
        refused: Default::default(),
        disk_free_bytes: None,
        uptime_s: 1,
        limits: None,
        governor_quiet: vec![],
        governor_zone: None,
        used: None,
        telemetry: None,
        audit: None,
    };
    let lacks = async |status: &SpeakerStatus| {
        office
            .village
            .record_status(&[(status.clone(), NOON)])
            .await
            .expect("recorded");
        let read = office.get(&office.chief, &path).await.ok();
        let ours = read["readiness"]["speakers"]
            .as_array()
            .expect("speakers")
            .iter()
            .find(|s| s["speaker"] == "ban-chuong-1")
            .expect("ours")["lacks"]
            .clone();
        (read["readiness"]["ready"].clone(), ours)
    };
    assert_eq!(
        lacks(&status).await,
        (
            json!(0),
            json!(["no_programme", "no_content", "clock_untrusted"])
        )
    );
    status.programmes = [(channel, state.version)].into();
    assert_eq!(
        lacks(&status).await.1,
        json!(["no_content", "clock_untrusted"])
    );
    status.held = vec![content];
    status.clock.trust = Trust::Held;
    assert_eq!(lacks(&status).await, (json!(1), json!([])));
    let detail = office
        .get(&office.chief, "/api/v1/speakers/ban-chuong-1")
        .await
        .ok();
    assert_eq!(
        (&detail["ready"]["ready"], &detail["status"]["clock"]),
        (&json!(true), &json!("held"))
    );
    office
        .patch(
            &office.chief,
            "/api/v1/speakers/ban-chuong-1",
            &json!({ "muted": true }),
        )
        .await
        .ok();
    assert_eq!(lacks(&status).await.1, json!(["muted"]));
    let detail = office
        .get(&office.chief, "/api/v1/speakers/ban-chuong-1")
        .await
        .ok();
    assert_eq!(
        (
            &detail["ready"]["ready"],
            &detail["ready"]["config_applied"]
        ),
        (&json!(false), &json!(false))
    );
}

struct Watch(axum::body::BodyDataStream);

impl Watch {
    async fn open(office: &Office, token: &str) -> Self {
        let request = request("GET", token, "/api/v1/events", None);
        let response = office
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        assert_eq!(response.status(), 200);
        let mut watch = Self(Body::into_data_stream(response.into_body()));
        assert_eq!(
            watch.next().await.expect("a greeting"),
            "event: resync\ndata: {}\n\n"
        );
        watch
    }
    async fn next(&mut self) -> Option<String> {
        let piece = tokio::time::timeout(Duration::from_secs(5), self.0.next())
            .await
            .expect("in time");
        piece.map(|bytes| String::from_utf8_lossy(&bytes.expect("bytes")).into_owned())
    }
}

#[tokio::test]
async fn watchers_hear_of_what_is_in_their_reach() {
    let office = office().await;
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let mut all = Watch::open(&office, &office.chief).await;
    let mut own = Watch::open(&office, &head).await;
    office
        .state
        .engine
        .notify(Notice::Speaker(speaker("khuoi-meo-1")));
    office
        .state
        .engine
        .notify(Notice::Speaker(speaker("ban-chuong-1")));
    assert_eq!(
        all.next().await.expect("an event"),
        "event: speaker\ndata: {\"speaker\":\"khuoi-meo-1\"}\n\n"
    );
    assert_eq!(
        all.next().await.expect("an event"),
        "event: speaker\ndata: {\"speaker\":\"ban-chuong-1\"}\n\n"
    );
    assert_eq!(
        own.next().await.expect("an event"),
        "event: speaker\ndata: {\"speaker\":\"ban-chuong-1\"}\n\n"
    );
    let audio = office.audio().await;
    let say = json!({ "title": "x", "audio": audio, "targets": ["area.sang-moc"], "when": { "now": true } });
    office
        .post(&office.chief, "/api/v1/bulletins", &say)
        .await
        .ok();
    assert!(
        own.next()
            .await
            .expect("an event")
            .starts_with("event: bulletin\n")
    );
    // The program ends: everybody is hung up on.
    office.state.closing().cancel();
    assert_eq!(own.next().await, None);
}

#[tokio::test]
async fn whoever_lags_is_told_to_read_everything_again() {
    let office = office().await;
    let mut all = Watch::open(&office, &office.chief).await;
    for _ in 0..3_000 {
        office
            .state
            .engine
            .notify(Notice::Speaker(speaker("ban-chuong-1")));
    }
    assert_eq!(
        all.next().await.expect("an event"),
        "event: resync\ndata: {}\n\n"
    );
}

#[tokio::test]
async fn the_program_ends_though_somebody_watches() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let office = office().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let closing = office.state.closing();
    let served = tokio::spawn(super::super::serve(
        listener,
        None,
        office.router.clone(),
        closing.clone(),
        super::super::Patience::default(),
    ));
    let mut line = tokio::net::TcpStream::connect(address)
        .await
        .expect("a line");
    let asked = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: loa\r\nauthorization: Bearer {}\r\n\r\n",
        office.chief
    );
    line.write_all(asked.as_bytes()).await.expect("sent");
    let mut heard = vec![0; 4_096];
    let deadline = Duration::from_secs(10);
    let some = tokio::time::timeout(deadline, line.read(&mut heard))
        .await
        .expect("in time")
        .expect("an answer");
    assert!(heard[..some].starts_with(b"HTTP/1.1 200 OK"));
    closing.cancel();
    let ended = tokio::time::timeout(deadline, served)
        .await
        .expect("in time");
    ended.expect("no panic").expect("served");
}
