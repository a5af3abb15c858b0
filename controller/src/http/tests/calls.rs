//! Live calls: who may speak where, and what becomes of it.

use std::{
    collections::HashSet,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use loa_protocol::{
    bulletin::Priority, channel::Channel, id::BulletinId, live::Packet, time::WallTime,
    topic::Topic,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use super::{Office, ecosystem::scrape, office, office_with, request, with};
use crate::{
    config::Config,
    engine::{Change, Urgent},
    http::Patience,
    link::{Caught, LiveSender},
    live::{
        Calls,
        air::stream_key,
        calls::{Desk, Line},
    },
    logic::{approval::Stage, call::CallEnd, permissions::Role},
    store::{CallEnded, UserId, testing::NOON},
};

const DEADLINE: Duration = Duration::from_secs(20);
const SILENCE: [u8; 3] = [0xF8, 0xFF, 0xFE];

/// An office whose packets are caught, and where it can be reached.
struct OnAir {
    office: Office,
    caught: Caught,
    address: String,
}

async fn on_air() -> OnAir {
    let mut config = Config::default();
    config.mqtt.tls = false;
    // Whether an engine speaks here or not.
    config.live.replay_sentence = String::new();
    let office = office_with(config).await;
    let (live, caught) = LiveSender::caught();
    office.state.engine.pretend_live(live);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = crate::http::serve(
        listener,
        None,
        office.router.clone(),
        office.state.closing(),
        Patience::default(),
    );
    tokio::spawn(served);
    OnAir {
        office,
        caught,
        address,
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl OnAir {
    async fn connect(
        &self,
        call: &str,
        token: &str,
        more: &[(&'static str, &str)],
    ) -> Result<Socket, Error> {
        let url = format!("ws://{}/api/v1/calls/{call}/microphone", self.address);
        let mut request = url.into_client_request().unwrap();
        let mut put = |name: &'static str, value: &str| {
            request.headers_mut().insert(name, value.parse().unwrap());
        };
        put("authorization", &format!("Bearer {token}"));
        for (name, value) in more {
            put(name, value);
        }
        connect_async(request).await.map(|(socket, _)| socket)
    }

    async fn microphone(&self, call: &str) -> Socket {
        self.connect(call, &self.office.chief, &[]).await.unwrap()
    }

    async fn call(&self, asked: &Value) -> Value {
        let answer = self.office.post(&self.office.chief, "/api/v1/calls", asked);
        answer.await.ok()
    }

    async fn shown(&self, call: &str) -> Value {
        let path = format!("/api/v1/calls/{call}");
        self.office.get(&self.office.chief, &path).await.ok()
    }

    /// Speaks two seconds of which 1.2 are there, holes counted.
    async fn speak(&mut self, call: &str) -> Socket {
        let mut socket = self.microphone(call).await;
        self.office.village.clock.pass_s(2);
        for second in 0..2 {
            for n in 0..10 {
                let captured = self.now_us() + i64::from(n) * 20_000;
                socket.send(frame(second * 50 + n, captured)).await.unwrap();
            }
            for _ in 0..5 {
                timeout(DEADLINE, self.caught.next()).await.unwrap();
            }
            self.office.village.clock.pass_s(1);
        }
        socket
    }

    /// The calls of the next run.
    fn next_start(&self) -> Calls {
        let desk = Desk {
            store: self.office.village.store.clone(),
            engine: self.office.state.engine.clone(),
            shelf: self.office.state.shelf.clone(),
            studio: self.office.state.studio.clone(),
            clock: self.office.state.clock.clone(),
            config: self.office.state.config.live.clone(),
        };
        Calls::new(desk, tokio_util::sync::CancellationToken::new())
    }

    /// Waits for a call to be as it should be.
    async fn until(&self, call: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut notices = self.office.state.engine.notices();
        let wait = async {
            loop {
                let shown = self.shown(call).await;
                if is_so(&shown) {
                    return shown;
                }
                // Whatever is missed meanwhile is looked for in a moment.
                let _ = timeout(Duration::from_millis(100), notices.recv()).await;
            }
        };
        timeout(DEADLINE, wait).await.expect("it becomes so")
    }

    fn now_us(&self) -> i64 {
        self.office.state.clock.now().as_micros()
    }
}

fn frame(number: u32, captured_us: i64) -> Message {
    let mut bytes = vec![1];
    bytes.extend(number.to_be_bytes());
    bytes.extend(captured_us.to_be_bytes());
    bytes.extend(SILENCE);
    Message::binary(bytes)
}

fn pcm(number: u32, captured_us: i64) -> Message {
    let mut bytes = vec![2];
    bytes.extend(number.to_be_bytes());
    bytes.extend(captured_us.to_be_bytes());
    bytes.extend([0; 640]);
    Message::binary(bytes)
}

/// The next text of this name.
async fn told(socket: &mut Socket, name: &str) -> Value {
    let wait = async {
        loop {
            let message = socket.next().await.expect("open").expect("whole");
            if let Message::Text(text) = message {
                let told: Value = serde_json::from_str(&text).unwrap();
                if told[name].is_object() {
                    return told[name].clone();
                }
            }
        }
    };
    timeout(DEADLINE, wait).await.expect(name)
}

/// What a call leaves behind that is broken off.
fn leave_torn(data_dir: &Path, call: &str) -> PathBuf {
    let mut recorder = loa_audio::live::FrameRecorder::new(Vec::new()).unwrap();
    for number in 0..120 {
        recorder.push(number, &SILENCE).unwrap();
    }
    let path = data_dir.join("calls").join(format!("{call}.ogg"));
    std::fs::write(&path, recorder.get_mut()).unwrap();
    path
}

fn id_of(call: &Value) -> BulletinId {
    call["id"].as_str().unwrap().parse().unwrap()
}

fn to_hamlet() -> Value {
    json!({ "targets": ["area.ban-chuong"] })
}

#[tokio::test]
async fn what_the_hamlet_head_says_goes_out_in_signed_packets_and_stays_as_a_recording() {
    let mut air = on_air().await;
    let call = air.call(&to_hamlet()).await;
    assert_eq!(call["state"], "ringing");
    assert_eq!(call["title"], "Nói trực tiếp: chief");
    assert_eq!(
        (&call["priority"], &call["of"]),
        (&json!("priority"), &json!(2))
    );
    assert_eq!(call["delay_ms"], 300);
    // 700 ms to reach the poles, 1,600 ms of chime, less the delay.
    assert_eq!(call["starts_at"], "2026-11-24T05:00:00.7Z");
    assert_eq!(call["speak_at"], "2026-11-24T05:00:02Z");
    assert_eq!(call["poles"][0]["heard"], "waiting");
    let id = call["id"].as_str().unwrap().to_owned();
    let urgent = Some(Urgent::Start(id.parse().unwrap()));
    assert!(air.office.told().iter().any(|change| matches!(change,
        Change::Channels(_, now) if *now == urgent)));

    let mut socket = air.microphone(&id).await;
    let hello = json!({ "hello": { "codec": "opus" } }).to_string();
    socket.send(Message::text(hello)).await.unwrap();
    assert_eq!(told(&mut socket, "state").await["state"], "ringing");
    let clock = json!({ "clock": { "sent_us": 12.5 } }).to_string();
    socket.send(Message::text(clock)).await.unwrap();
    let clock = told(&mut socket, "clock").await;
    assert_eq!(clock["sent_us"], 12.5);
    assert_eq!(clock["received_us"], NOON.as_micros());

    air.office.village.clock.pass_s(2);
    // Too early, and then six frames of which one is samples.
    let now = air.now_us();
    socket.send(frame(0, now - 20_000)).await.unwrap();
    for n in 0..6 {
        let captured = now + i64::from(n) * 20_000;
        let message = match n {
            3 => pcm(1 + n, captured),
            n => frame(1 + n, captured),
        };
        socket.send(message).await.unwrap();
    }
    // No sound at all.
    socket.send(Message::binary(vec![7; 100])).await.unwrap();
    let key = stream_key(&air.office.village.office().key, &id.parse().unwrap()).verifying_key();
    for pair in 0..3 {
        let (topic, bytes) = timeout(DEADLINE, air.caught.next()).await.unwrap();
        assert!(matches!(topic, Topic::Live(_, of) if of.as_str() == id));
        let packet = Packet::open(&bytes, &id.parse().unwrap(), &key).unwrap();
        assert_eq!((packet.number, packet.frames.len()), (2 * pair, 2));
        assert_eq!(packet.captured.as_micros(), now + i64::from(pair) * 40_000);
    }
    socket
        .send(Message::text(json!({ "end": {} }).to_string()))
        .await
        .unwrap();
    assert_eq!(told(&mut socket, "ended").await["reason"], "released");
    let (_, bytes) = timeout(DEADLINE, air.caught.next()).await.unwrap();
    let last = Packet::open(&bytes, &id.parse().unwrap(), &key).unwrap();
    assert!(last.last);
    assert_eq!((last.number, last.captured.as_micros()), (6, now + 120_000));

    let shown = air.until(&id, |call| call["audio"].is_string()).await;
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("ended"), &json!("released"))
    );
    assert_eq!(
        (&shown["duration_s"], &shown["holes_ms"]),
        (&json!(0.12), &json!(0))
    );
    // Shorter than a second: a slip of the thumb, which nobody wants to hear again.
    assert_eq!(shown["replay"], Value::Null);
    let audio = shown["audio"].as_str().unwrap();
    let path = format!("/api/v1/audio/{audio}");
    let audio = air.office.get(&air.office.chief, &path).await.ok();
    assert_eq!(
        (&audio["source"], &audio["duration_s"]),
        (&json!("live"), &json!(0.12))
    );
    let again = air.connect(&id, &air.office.chief, &[]).await;
    assert!(matches!(again, Err(Error::Http(answer)) if answer.status() == 409));
}

#[tokio::test]
async fn a_recording_is_said_again_where_nobody_heard_it() {
    let mut air = on_air().await;
    let call = air.call(&to_hamlet()).await;
    let id = call["id"].as_str().unwrap().to_owned();
    let _socket = air.speak(&id).await;
    let told = scrape(&air.office).await;
    for line in [
        "loa_calls 1",
        "loa_live_packets_sent_total 10",
        "loa_live_packets_dropped_total 0",
    ] {
        assert!(told.lines().any(|l| l == line), "{line}:\n{told}");
    }
    let path = format!("/api/v1/calls/{id}/end");
    let ended = air
        .office
        .call("POST", &air.office.chief, &path, None)
        .await;
    assert_eq!(ended.ok()["reason"], "released");
    let shown = air.until(&id, |call| call["replay"].is_string()).await;
    assert_eq!(
        (&shown["duration_s"], &shown["holes_ms"]),
        (&json!(1.2), &json!(800))
    );
    assert_eq!(shown["poles"][0]["heard"], "waiting");
    let replay = shown["replay"].as_str().unwrap();
    let path = format!("/api/v1/bulletins/{replay}");
    let replay = air.office.get(&air.office.chief, &path).await.ok();
    // The title says when it was.
    assert_eq!(replay["title"], "Phát lại lúc 12 giờ: Nói trực tiếp: chief");
    assert_eq!(replay["replay_of"], json!(id));
    assert_eq!(replay["audio"], shown["audio"]);
    assert_eq!(replay["duration_s"], 1.2);
    // Two hours, and nobody hears it any more.
    air.office.village.clock.pass_s(7_300);
    assert_eq!(air.shown(&id).await["poles"][0]["heard"], "not");
    let list = air
        .office
        .get(&air.office.chief, "/api/v1/calls")
        .await
        .ok();
    assert_eq!(list["calls"][0]["id"], json!(id));
    assert!(list["calls"][0].get("poles").is_none());
}

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
async fn a_call_asked_for_twice_is_one_call() {
    let office = office().await;
    let ask = || {
        let request = request("POST", &office.chief, "/api/v1/calls", Some(&to_hamlet()));
        with(request, "idempotency-key", "k1")
    };
    let first = office
        .send(with(ask(), "x-round-trip-ms", "120"))
        .await
        .ok();
    assert_eq!(first["delay_ms"], 430);
    let second = office.send(ask()).await;
    assert!(second.headers.contains_key("idempotent-replayed"));
    assert_eq!(second.ok()["id"], first["id"]);
    // Its microphone never came: whoever presses anew is not told that he himself is speaking.
    office
        .post(&office.chief, "/api/v1/calls", &to_hamlet())
        .await
        .ok();
    let path = format!("/api/v1/calls/{}", first["id"].as_str().unwrap());
    assert_eq!(
        office.get(&office.chief, &path).await.ok()["reason"],
        "lost"
    );
}

#[tokio::test]
async fn stopping_everything_ends_the_call_and_it_cannot_be_edited() {
    let air = on_air().await;
    let (office, chief) = (&air.office, &air.office.chief);
    let call = air
        .call(&json!({ "targets": ["speaker.ban-chuong-1"] }))
        .await;
    let id = call["id"].as_str().unwrap();
    let path = format!("/api/v1/bulletins/{id}");
    let edited = office
        .patch(chief, &path, &json!({ "title": "Khác" }))
        .await;
    assert_eq!(edited.refusal(), (409, "call_stays"));
    let correct = format!("{path}/correct");
    let corrected = office.post(chief, &correct, &json!({})).await;
    assert_eq!(corrected.refusal(), (409, "call_goes_on"));
    let mut socket = air.microphone(id).await;
    let stop = json!({ "targets": ["area.ban-chuong"] });
    office.post(chief, "/api/v1/stop", &stop).await.ok();
    assert_eq!(told(&mut socket, "ended").await["reason"], "stopped");
    assert_eq!(air.shown(id).await["reason"], "stopped");
}

#[tokio::test]
async fn who_silences_one_hamlet_leaves_what_the_commune_hears_to_the_others() {
    let air = on_air().await;
    let office = &air.office;
    let head = office
        .somebody("head", Role::HamletHead, Some("ban-chuong"))
        .await;
    let call = air.call(&json!({ "targets": ["area.sang-moc"] })).await;
    let id = call["id"].as_str().unwrap();
    let stop = json!({ "targets": ["area.ban-chuong"] });
    office.post(&head, "/api/v1/stop", &stop).await.ok();
    assert_eq!(air.shown(id).await["state"], "ringing");
    // Whoever may silence the commune ends it, wherever the hand was.
    office.post(&office.chief, "/api/v1/stop", &stop).await.ok();
    assert_eq!(air.shown(id).await["reason"], "stopped");
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

#[tokio::test]
async fn a_call_that_a_power_cut_broke_off_is_over_at_the_next_start_and_its_recording_is_kept() {
    let air = on_air().await;
    let call = air.call(&to_hamlet()).await;
    let id = call["id"].as_str().unwrap().to_owned();
    let torn = leave_torn(air.office.village.store.data_dir(), &id);
    // The call of this run knows nothing of that: the next one looks.
    let again = air.next_start();
    again.recover().await.unwrap();
    let row = air.office.village.call(&id.parse().unwrap()).await.unwrap();
    assert_eq!(row.reason, Some(crate::logic::call::CallEnd::Office));
    // Two whole seconds were on disk.
    assert_eq!(row.frames, 100);
    assert!(row.audio.is_some() && row.replay.is_none());
    assert!(!torn.exists());
    // Once is enough.
    again.recover().await.unwrap();
}

#[tokio::test]
async fn a_call_that_had_ended_before_a_restart_is_said_again_nevertheless() {
    let air = on_air().await;
    let mut ids = Vec::new();
    for (target, why, at_s) in [
        ("speaker.ban-chuong-1", CallEnd::Lost, -4),
        ("speaker.ban-chuong-2", CallEnd::Stopped, -4),
        // It was long ago.
        ("area.khuoi-meo", CallEnd::Released, -7_300),
    ] {
        let id = id_of(&air.call(&json!({ "targets": [target] })).await);
        let ended = CallEnded {
            at: NOON.plus_s(at_s),
            why,
            frames: 100,
            holes: 0,
        };
        air.office.village.end_call(&id, ended).await.unwrap();
        leave_torn(air.office.village.store.data_dir(), id.as_str());
        ids.push(id);
    }
    air.next_start().recover().await.unwrap();
    let mut replays = Vec::new();
    for id in &ids {
        let kept = |call: &Value| call["audio"].is_string();
        air.until(id.as_str(), kept).await;
        replays.extend(air.office.village.call(id).await.unwrap().replay);
    }
    assert_eq!(replays.len(), 1);
    let replay = air.office.village.bulletin(&replays[0]).await.unwrap();
    let of = replay.bulletin.replay.as_deref().map(|replay| &replay.of);
    assert_eq!(of, Some(&ids[0]));
    // Whoever was told to be silent since the call was over hears nothing of it.
    let at = replay.bulletin.last_planned().unwrap();
    assert_eq!(at, Some(NOON.plus_s(-4)));
    assert_eq!(replay.bulletin.valid_until, Some(NOON.plus_s(7_196)));
}

#[tokio::test]
async fn who_stops_a_call_that_is_ending_waits_for_its_end_alone_and_hears_no_more_of_it() {
    let mut air = on_air().await;
    let id = id_of(&air.call(&to_hamlet()).await);
    let _socket = air.speak(id.as_str()).await;
    let calls = &air.office.state.calls;
    let (released, stopped) = tokio::join!(
        calls.end(&id, CallEnd::Released),
        calls.end(&id, CallEnd::Stopped),
    );
    assert!(released && stopped);
    let kept = |call: &Value| call["audio"].is_string();
    let shown = air.until(id.as_str(), kept).await;
    assert_eq!(shown["reason"], "released");
    assert_eq!(shown["replay"], Value::Null);
}

#[tokio::test]
async fn a_call_that_does_not_answer_keeps_no_other_from_being_stopped() {
    let air = on_air().await;
    let id = id_of(&air.call(&to_hamlet()).await);
    let mut ids = vec![id.clone()];
    let mut held = Vec::new();
    for n in 0..8 {
        let channel: Channel = format!("group.cum-{n}").parse().unwrap();
        let line = Line {
            id: format!("b-{n}").parse().unwrap(),
            by: UserId::new("u1"),
            name: "chief".into(),
            since: NOON,
            speak_at: WallTime::MAX,
            delay_ms: 300,
            priority: Priority::Priority,
            channels: vec![channel],
            speakers: HashSet::new(),
        };
        ids.push(line.id.clone());
        held.push(air.office.state.calls.hold(line).expect("a free line"));
    }
    let stopped = |call: &Value| call["reason"] == "stopped";
    tokio::select! {
        () = air.office.state.calls.stop(&ids) => panic!("the others did not answer"),
        _ = air.until(id.as_str(), stopped) => {}
    }
}

#[tokio::test]
async fn what_the_first_try_to_write_an_end_left_undone_the_next_one_does() {
    let mut air = on_air().await;
    let id = id_of(&air.call(&to_hamlet()).await);
    let ended = CallEnded {
        at: NOON,
        why: CallEnd::Released,
        frames: 0,
        holes: 0,
    };
    air.office.village.end_call(&id, ended).await.unwrap();
    air.office.told();
    assert!(air.office.state.calls.end(&id, CallEnd::Released).await);
    let kept = air.office.village.bulletin(&id).await.unwrap();
    assert_eq!(kept.stage, Stage::Cancelled);
    let told = Change::Channels(kept.channels(), Some(Urgent::Cancel(id)));
    assert!(air.office.told().contains(&told));
}
