//! A phone that speaks live, without a browser: it calls, learns the office's time, and sends its frames as they are captured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use loa_audio::live::{FRAME, FrameEncoder, Kind};
use loa_protocol::live::FRAME_US;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    runtime,
    sync::oneshot,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{
    clock::{mono_us, now_us, wait_until},
    http::{Answer, Http},
    mqtt::dial,
    office::Office,
};

/// Of the office's time, before the first word.
const EXCHANGES: usize = 4;
/// No answer of the office over the socket comes later.
const PATIENCE: Duration = Duration::from_secs(15);
/// In a binary message: one Opus frame.
const OPUS: u8 = 1;

/// Signed in, over whatever line it has.
#[derive(Debug)]
pub struct Phone {
    pub api: Http,
    port: u16,
}

/// A call as the office answered it. Times in microseconds of the office's time.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: String,
    pub starts_us: i64,
    pub speak_us: i64,
    pub delay_ms: i64,
}

/// What the phone has sent and was told.
#[derive(Clone, Debug, Default)]
pub struct Talked {
    /// When the first sample of the first frame was captured, by the office's time.
    pub first_us: i64,
    pub frames: usize,
    pub states: Vec<Value>,
    /// What the office said at the end; nothing when the line was cut.
    pub ended: Option<Value>,
    /// Of the quickest exchange of time.
    pub round_trip_us: u64,
}

/// It speaks, until it is released or has no more to say.
#[derive(Debug)]
pub struct Talking {
    release: Option<oneshot::Sender<()>>,
    thread: JoinHandle<Talked>,
    /// 0: nothing is captured yet.
    first_us: Arc<AtomicI64>,
}

impl Talking {
    /// The finger leaves the button.
    pub fn release(mut self) -> Talked {
        // Fails only when it has ended by itself.
        let _ = self.release.take().map(|release| release.send(()));
        self.thread.join().expect("the phone works")
    }

    /// When the first sample was captured, by the office's time. Waits until the phone knows it.
    #[track_caller]
    pub fn first_us(&self) -> i64 {
        wait_until("the phone captures", PATIENCE, || {
            Some(self.first_us.load(Ordering::Relaxed)).filter(|us| *us > 0)
        })
    }

    /// Waits until the office ends the call, or everything is said.
    pub fn until_over(self) -> Talked {
        self.thread.join().expect("the phone works")
    }
}

impl Phone {
    /// That of the first administrator; `port` is the office's, or that of a line to it.
    pub fn at(port: u16) -> Self {
        Self {
            api: Office::signed_in_at(port),
            port,
        }
    }

    /// The office's answer to this call, whatever it is.
    #[track_caller]
    pub fn try_call(&self, call: &Value) -> Answer {
        self.api.call("POST", "/calls", Some(call))
    }

    /// # Panics
    /// When the office does not take it.
    #[track_caller]
    pub fn call(&self, call: &Value) -> Call {
        let view = self.try_call(call).json();
        let time = |key: &str| -> i64 {
            let text = view[key].as_str().unwrap_or_default();
            let at: Result<jiff::Timestamp, _> = text.parse();
            at.unwrap_or_else(|error| panic!("{key}: {error} in {view}"))
                .as_microsecond()
        };
        Call {
            id: view["id"].as_str().expect("the call's id").to_owned(),
            starts_us: time("starts_at"),
            speak_us: time("speak_at"),
            delay_ms: view["delay_ms"].as_i64().expect("its delay"),
        }
    }

    /// Says `sound` into this call, from `speak_us` on, frame by frame as a microphone captures it.
    pub fn talk(&self, call: &Call, sound: Vec<f32>) -> Talking {
        let (release, released) = oneshot::channel();
        let (call, cookie, port) = (call.clone(), self.api.cookie(), self.port);
        let first_us = Arc::new(AtomicI64::new(0));
        let begun = Arc::clone(&first_us);
        let thread = std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let mut mouth = Mouth::open(port, &cookie, &call).await;
                let first_us = call.speak_us.max(to_i64(mono_us()) + mouth.offset_us);
                begun.store(first_us, Ordering::Relaxed);
                mouth.speak(first_us, &sound, released).await;
                mouth.talked
            })
        });
        Talking {
            release: Some(release),
            thread,
            first_us,
        }
    }
}

struct Mouth {
    socket: WebSocketStream<TcpStream>,
    /// The office's time minus this machine's steady clock.
    offset_us: i64,
    talked: Talked,
}

impl Mouth {
    async fn open(port: u16, cookie: &str, call: &Call) -> Self {
        let address = format!("ws://127.0.0.1:{port}/api/v1/calls/{}/microphone", call.id);
        let mut request = address.into_client_request().expect("an address");
        let origin = format!("http://127.0.0.1:{port}");
        for (name, value) in [("cookie", cookie), ("origin", origin.as_str())] {
            let value = HeaderValue::from_str(value).expect("a header's value");
            request.headers_mut().insert(name, value);
        }
        let line = dial(port).await.expect("the office answers");
        let (socket, _) = client_async(request, line)
            .await
            .expect("the office opens the socket");
        let mut mouth = Self {
            socket,
            offset_us: now_us() - to_i64(mono_us()),
            talked: Talked {
                round_trip_us: u64::MAX,
                ..Talked::default()
            },
        };
        mouth.tell(&json!({"hello": {"codec": "opus"}})).await;
        for _ in 0..EXCHANGES {
            mouth.exchange().await;
        }
        mouth
    }

    /// The quickest exchange tells best.
    async fn exchange(&mut self) {
        let sent_us = mono_us();
        self.tell(&json!({"clock": {"sent_us": sent_us}})).await;
        let answered = timeout(PATIENCE, async {
            while let Some(Ok(message)) = self.socket.next().await {
                let told = self.hear(&message);
                if told["clock"]["sent_us"] == sent_us {
                    return Some(told);
                }
            }
            None
        });
        let Ok(Some(told)) = answered.await else {
            return;
        };
        let back_us = mono_us();
        let time = |key: &str| told["clock"][key].as_i64().expect("a time");
        let round_trip_us = back_us - sent_us;
        if round_trip_us < self.talked.round_trip_us {
            self.talked.round_trip_us = round_trip_us;
            self.offset_us =
                (time("received_us") + time("answered_us") - to_i64(sent_us) - to_i64(back_us)) / 2;
        }
    }

    async fn speak(&mut self, first_us: i64, sound: &[f32], mut released: oneshot::Receiver<()>) {
        let mut encoder = FrameEncoder::new(Kind::Voice).expect("an encoder");
        self.talked.first_us = first_us;
        let (frames, _) = sound.as_chunks::<FRAME>();
        for (number, frame) in (0_u32..).zip(frames) {
            let captured_us = first_us + i64::from(number) * FRAME_US;
            // A frame is there when its last sample is.
            let due_us = captured_us + FRAME_US - self.offset_us;
            if !self.listen_until(due_us, &mut released).await {
                break;
            }
            let opus = encoder.encode(frame).expect("it can be encoded");
            let mut bytes = vec![OPUS];
            bytes.extend(number.to_be_bytes());
            bytes.extend(captured_us.to_be_bytes());
            bytes.extend(opus);
            if self.socket.send(Message::binary(bytes)).await.is_err() {
                break;
            }
            self.talked.frames += 1;
        }
        if self.talked.ended.is_none() {
            self.tell(&json!({"end": {}})).await;
            // On a cut line nothing comes.
            let _ = timeout(PATIENCE, self.until_ended()).await;
        }
    }

    /// `false`: the call is over, or it was released.
    async fn listen_until(&mut self, due_us: i64, released: &mut oneshot::Receiver<()>) -> bool {
        loop {
            let left_us = u64::try_from(due_us - to_i64(mono_us())).unwrap_or(0);
            if left_us == 0 {
                return true;
            }
            tokio::select! {
                () = sleep(Duration::from_micros(left_us)) => {}
                // An end without a word means that nobody will release it: it says all that it has.
                Ok(()) = &mut *released, if !released.is_terminated() => return false,
                message = self.socket.next() => {
                    let Some(Ok(message)) = message else { return false };
                    self.hear(&message);
                    if self.talked.ended.is_some() {
                        return false;
                    }
                }
            }
        }
    }

    async fn until_ended(&mut self) {
        while self.talked.ended.is_none() {
            let Some(Ok(message)) = self.socket.next().await else {
                return;
            };
            self.hear(&message);
        }
    }

    fn hear(&mut self, message: &Message) -> Value {
        let text = message.to_text().unwrap_or_default();
        let told: Value = serde_json::from_str(text).unwrap_or_default();
        if let Some(state) = told.get("state") {
            self.talked.states.push(state.clone());
        }
        if let Some(ended) = told.get("ended") {
            self.talked.ended = Some(ended.clone());
        }
        told
    }

    async fn tell(&mut self, words: &Value) {
        // A line that breaks is noticed where something is awaited.
        let _ = self.socket.send(Message::text(words.to_string())).await;
    }
}

fn to_i64(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}
