//! The phone's microphone in a live call: a WebSocket, frames one way, how it goes the other.
//!
//! Phone to office: JSON texts `{"hello":{"codec":"opus"}}` (or `pcm16`), `{"clock":{"sent_us":…}}`, `{"end":{}}`; and binary messages, each
//! 20 ms of speech: kind (1: one Opus frame; 2: 320 samples of 16 kHz), number (`u32`, big endian), capture time by the office's
//! clock (`i64`, big endian, Unix µs), sound. Office to phone: `clock` answers, `state` twice a second, `ended` at the end.
//!
//! Bounds: a message has at most [`MESSAGE`] bytes; what the phone does not take within [`PATIENCE`] ends its connection.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::HeaderMap,
    response::Response,
};
use loa_protocol::{
    id::{BulletinId, SpeakerId},
    time::WallTime,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{
    AppState,
    error::{ApiError, ErrorEnvelope},
    extract::Id,
    guard::{Address, Signed, is_same_origin},
    messages::Code,
};
use crate::{
    act::{self, Act},
    live::{
        Spoken,
        calls::{Microphone, Shown},
    },
    logic::{Presence, call::CallEnd},
};

/// Longest message from a phone, in bytes: 20 ms are 640 as samples, and 1,275 at the most as Opus.
const MESSAGE: usize = 4 * 1_024;
/// What waits for a phone that does not listen, in bytes.
const UNREAD: usize = 64 * 1_024;
/// How long a phone may not take what it is told.
const PATIENCE: Duration = Duration::from_secs(2);
const BEAT: Duration = Duration::from_millis(500);
/// So many beats between two looks whether the session still holds: ten seconds.
const SESSION_BEATS: u32 = 20;
/// Kind, number and capture time.
const HEAD: usize = 13;

/// What a phone says in text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    /// What it will send; each message says so again.
    Hello(serde::de::IgnoredAny),
    Clock {
        sent_us: serde_json::Number,
    },
    End(serde::de::IgnoredAny),
}

/// The microphone of a call, for whoever began it. A second one takes over from the first.
#[utoipa::path(get, path = "/calls/{id}/microphone", tag = "calls", params(("id" = String, Path)),
    responses((status = 101, description = "A WebSocket."), (status = "default", body = ErrorEnvelope)))]
pub async fn microphone(
    State(state): State<AppState>,
    signed: Signed,
    Id(id): Id<BulletinId>,
    Address(address): Address,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    // A browser sends its cookies with this from whatever page, and no rule of its own stops that page from listening.
    if !is_same_origin(&headers) {
        return Err(Code::CrossSite.into());
    }
    let call = state.store.call(&id).await?;
    if call.speaker.as_ref() != Some(&signed.user.id) {
        return Err(Code::CallNotYours.into());
    }
    let upgrade = upgrade.map_err(|refused| {
        ApiError::new(Code::WebSocketOnly).with("reason", refused.body_text())
    })?;
    let Some(microphone) = state.calls.microphone(&id).await else {
        return Err(Code::CallOver.into());
    };
    let act = Act::new("POST /calls/{id}/end")
        .to(id.as_str())
        .from_address(address);
    let speakers = microphone.line.speakers.iter().cloned().collect();
    let connection = Connection {
        state,
        signed,
        id,
        act,
        speakers,
        microphone,
    };
    Ok(upgrade
        .max_message_size(MESSAGE)
        .max_frame_size(MESSAGE)
        .write_buffer_size(0)
        .max_write_buffer_size(UNREAD)
        .on_upgrade(|socket| connection.run(socket)))
}

struct Connection {
    state: AppState,
    signed: Signed,
    id: BulletinId,
    /// In whose name it lets go.
    act: Act,
    speakers: Vec<SpeakerId>,
    microphone: Microphone,
}

impl Connection {
    async fn run(mut self, mut socket: WebSocket) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beats = 0;
        loop {
            let shown = *self.microphone.shown.borrow_and_update();
            if let Some(reason) = self.ended(&shown) {
                let told = json!({ "ended": { "reason": reason } });
                if say(&mut socket, &told).await {
                    let _ = timeout(PATIENCE, socket.send(Message::Close(None))).await;
                }
                return;
            }
            tokio::select! {
                message = socket.recv() => match message {
                    Some(Ok(message)) => match self.hear(message).await {
                        Some(answer) if !say(&mut socket, &answer).await => return,
                        _ => {}
                    },
                    // The call itself notices when nothing comes any more.
                    Some(Err(_)) | None => return,
                },
                _ = beat.tick() => {
                    beats += 1;
                    if beats % SESSION_BEATS == 0 && !self.holds().await {
                        self.state.calls.end(&self.id, CallEnd::Stopped).await;
                    } else if !say(&mut socket, &self.told(&shown)).await {
                        return;
                    }
                }
                // It ended, or another phone took over; a call whose teller is gone is over.
                changed = self.microphone.shown.changed() => if changed.is_err() {
                    return;
                }
            }
        }
    }

    /// Why this connection has nothing more to say.
    fn ended(&self, shown: &Shown) -> Option<Value> {
        match shown.ended {
            Some(why) => Some(json!(why)),
            // One with an older number had the floor until this one's turn comes.
            None => (shown.floor > Some(self.microphone.socket)).then(|| json!("taken_over")),
        }
    }

    /// Does the session still hold? Somebody may have ended it from elsewhere.
    async fn holds(&self) -> bool {
        let session = self.state.store.session(&self.signed.token_hash).await;
        // Trouble of our own is no reason to cut somebody off.
        !matches!(session, Ok(None))
    }

    async fn hear(&mut self, message: Message) -> Option<Value> {
        let received = self.state.clock.now();
        match message {
            Message::Binary(bytes) => {
                if let Some((number, captured, spoken)) = read_frame(&bytes) {
                    self.microphone.speak(number, captured, spoken);
                }
                None
            }
            Message::Text(text) => match serde_json::from_str(&text).ok()? {
                Said::Clock { sent_us } => Some(json!({ "clock": {
                    "sent_us": sent_us,
                    "received_us": received.as_micros(),
                    "answered_us": self.state.clock.now().as_micros(),
                }})),
                Said::End(_) => {
                    let by = (&self.signed.user.id, &self.signed.session.id);
                    let end = async {
                        act::by(by.0.as_str(), Some(by.1));
                        self.state.calls.end(&self.id, CallEnd::Released).await
                    };
                    self.act.doing(end).await;
                    None
                }
                Said::Hello(_) => {
                    let shown = *self.microphone.shown.borrow();
                    Some(self.told(&shown))
                }
            },
            _ => None,
        }
    }

    fn told(&self, shown: &Shown) -> Value {
        let state = &self.state;
        let now = state.clock.now();
        let seen = state.engine.seen(self.speakers.iter()).speakers;
        let sounds = |status: &loa_protocol::status::SpeakerStatus| {
            let sounding = status.sounding.as_ref();
            sounding.is_some_and(|sounding| sounding.occurrence.bulletin == self.id)
        };
        let sounding = seen.iter().filter(|(presence, status)| {
            presence.presence != Presence::Offline && status.as_deref().is_some_and(sounds)
        });
        let line = &self.microphone.line;
        let left_s = line.left_s(now, state.config.live.longest_s);
        json!({ "state": {
            "state": if now < line.speak_at { "ringing" } else { "on_air" },
            "sounding": sounding.count(),
            "of": self.speakers.len(),
            "delay_ms": line.delay_ms,
            "left_s": left_s,
            "frames": shown.frames,
            "holes": shown.holes,
        }})
    }
}

/// `false`: the phone is not there, or does not listen.
async fn say(socket: &mut WebSocket, what: &Value) -> bool {
    let message = Message::Text(what.to_string().into());
    matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(())))
}

/// `None`: it is no frame.
fn read_frame(bytes: &Bytes) -> Option<(u32, WallTime, Spoken)> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    let number = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let captured = i64::from_be_bytes(head[5..].try_into().ok()?);
    let sound = bytes.slice(HEAD..);
    let spoken = match head[0] {
        1 => Spoken::Opus(sound),
        2 => Spoken::Samples(sound),
        _ => return None,
    };
    let whole = spoken.is_whole();
    whole.then_some((number, WallTime::from_micros(captured), spoken))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, sound: &[u8]) -> Bytes {
        let mut bytes = vec![kind];
        bytes.extend(7_u32.to_be_bytes());
        bytes.extend(1_796_000_000_000_000_i64.to_be_bytes());
        bytes.extend(sound);
        bytes.into()
    }

    #[test]
    fn a_frame_is_taken_apart_and_what_is_none_is_left() {
        let opus = [0xF8, 0xFF, 0xFE];
        let (number, captured, spoken) = read_frame(&message(1, &opus)).unwrap();
        assert_eq!((number, captured.as_micros()), (7, 1_796_000_000_000_000));
        assert_eq!(spoken, Spoken::Opus(Bytes::copy_from_slice(&opus)));
        assert!(read_frame(&message(2, &[0; 640])).is_some());
        for bad in [
            message(1, &[]),
            message(1, &[0xF9, 1, 2]),
            message(2, &[0; 638]),
            message(3, &opus),
            Bytes::from_static(&[1, 0, 0]),
        ] {
            assert_eq!(read_frame(&bad), None);
        }
    }

    #[test]
    fn what_a_phone_says_is_understood() {
        for (text, understood) in [
            (r#"{"hello":{"codec":"opus"}}"#, true),
            (r#"{"clock":{"sent_us":12.5}}"#, true),
            (r#"{"end":{}}"#, true),
            (r#"{"shout":{}}"#, false),
            ("[]", false),
        ] {
            assert_eq!(
                serde_json::from_str::<Said>(text).is_ok(),
                understood,
                "{text}"
            );
        }
    }
}
