//! Live calls: who may speak where, and what becomes of it.

use std::{net::Ipv4Addr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use loa_protocol::{live::Packet, topic::Topic};
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
    live::{Calls, air::stream_key, calls::Desk},
    store::testing::NOON,
};

mod ends;
mod rights;

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
