//! Uploads and speech: taken, refused by name, and nothing left behind.

use std::path::Path;

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::json;

use super::{Answer, Office, office, office_with, request, with};
use crate::config::Config;

const BOUNDARY: &str = "----loa-test";

/// A tone of 440 Hz, 16 bit, mono.
pub fn wav(seconds: f64) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
    for n in 0..(seconds * 16_000.0) as u32 {
        let t = f64::from(n) / 16_000.0;
        writer
            .write_sample(((t * 440.0 * std::f64::consts::TAU).sin() * 8_000.0) as i16)
            .expect("a sample");
    }
    writer.finalize().expect("an end");
    bytes.into_inner()
}

fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file_name, bytes) in parts {
        let file = file_name
            .map(|f| format!("; filename=\"{f}\""))
            .unwrap_or_default();
        body.extend(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
            )
            .bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

fn upload(office: &Office, body: Vec<u8>) -> Request<Body> {
    let mut request = request("POST", &office.chief, "/api/v1/audio", None);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    request
        .headers_mut()
        .insert(header::CONTENT_TYPE, kind.parse().expect("a header"));
    *request.body_mut() = Body::from(body);
    request
}

/// A second of sound that this person sends under this title.
pub async fn record(office: &Office, who: &str, title: &str) -> serde_json::Value {
    let sound = wav(1.0);
    let parts: [(&str, Option<&str>, &[u8]); 2] = [
        ("title", None, title.as_bytes()),
        ("file", Some("a.wav"), &sound),
    ];
    let mut asked = upload(office, form(&parts));
    let bearer = format!("Bearer {who}").parse().expect("a header");
    asked.headers_mut().insert(header::AUTHORIZATION, bearer);
    office.send(asked).await.ok()
}

pub async fn send(office: &Office, name: &str, bytes: &[u8]) -> Answer {
    office
        .send(upload(office, form(&[("file", Some(name), bytes)])))
        .await
}

fn files(dir: &Path, name: &str) -> usize {
    std::fs::read_dir(dir.join(name)).expect("a folder").count()
}
pub fn left(office: &Office) -> [usize; 3] {
    ["tmp", "audio", "content"].map(|name| files(office.village.dir.path(), name))
}

#[tokio::test]
async fn an_upload_becomes_content_that_can_be_listened_to() {
    let office = office().await;
    let original = wav(2.0);
    let parts: [(&str, Option<&str>, &[u8]); 2] = [
        ("title", None, "Họp xóm".as_bytes()),
        ("file", Some("Thông báo.WAV"), &original),
    ];
    let view = office.send(upload(&office, form(&parts))).await.ok();
    assert_eq!(
        (&view["title"], &view["source"]),
        (&json!("Họp xóm"), &json!("upload"))
    );
    let duration = view["duration_s"].as_f64().expect("a number");
    assert!((1.99..2.02).contains(&duration), "{duration}");
    let loudness = view["loudness_lufs"].as_f64().expect("a number");
    assert!((-17.0..-15.0).contains(&loudness), "{loudness}");
    assert_eq!(left(&office), [0, 1, 1]);
    let path = format!("/api/v1/audio/{}", view["id"].as_str().expect("an id"));
    assert_eq!(office.get(&office.chief, &path).await.ok(), view);
    let content = format!("{path}/content");
    let whole = office.get(&office.chief, &content).await;
    assert_eq!(whole.headers[header::CONTENT_TYPE], "audio/ogg");
    let part = with(
        request("GET", &office.chief, &content, None),
        "range",
        "bytes=0-3",
    );
    let part = office.send(part).await;
    assert_eq!((part.status.as_u16(), &part.body), (206, &json!("OggS")));
    assert_eq!(part.headers[header::CONTENT_LENGTH], "4");
    let beyond = with(
        request("GET", &office.chief, &content, None),
        "range",
        "bytes=99999999-",
    );
    assert_eq!(office.send(beyond).await.status, 416);
    let back = office
        .get(&office.chief, &format!("{content}?original=true"))
        .await;
    assert_eq!(
        back.headers[header::CONTENT_LENGTH],
        original.len().to_string().as_str()
    );
    assert_eq!(back.headers[header::CONTENT_DISPOSITION], "attachment");
    // And it can be spoken with.
    let say = json!({ "title": "x", "audio": view["id"], "targets": ["area.sang-moc"], "when": { "now": true } });
    office
        .post(&office.chief, "/api/v1/bulletins", &say)
        .await
        .ok();
}

#[tokio::test]
async fn what_is_refused_is_refused_by_name_and_leaves_nothing_behind() {
    let mut config = Config::default();
    config.limits.upload_mb = 1;
    config.limits.max_audio_minutes = 1;
    let office = office_with(config).await;
    let good = wav(1.0);
    let long: Vec<u8> = {
        // 70 s of silence in 8 bit at 8 kHz: small, and longer than a minute.
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 8,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
        (0..70 * 8_000).for_each(|n| writer.write_sample((n % 7) as i8).expect("a sample"));
        writer.finalize().expect("an end");
        bytes.into_inner()
    };
    for (name, bytes, refusal) in [
        (
            "a.mp3",
            &b"this is a letter, not a sound"[..],
            (422, "audio_not_audio"),
        ),
        ("a.wav", &[], (422, "audio_empty")),
        ("a.wav", &good[..44], (422, "audio_empty")),
        ("a.wav", &long, (422, "audio_too_long")),
        ("a.wav", &vec![0; 1_000_001], (413, "audio_too_large")),
        ("a.wav", &vec![0; 5_000_000], (413, "audio_too_large")),
    ] {
        let answer = send(&office, name, bytes).await;
        assert_eq!(
            answer.refusal(),
            refusal,
            "{} bytes: {}",
            bytes.len(),
            answer.body
        );
    }
    let truncated = send(&office, "a.wav", &good[..good.len() / 2]).await;
    assert_eq!(truncated.refusal(), (422, "audio_truncated"));
    let nothing = office
        .send(upload(&office, form(&[("title", None, b"x")])))
        .await;
    assert_eq!(nothing.refusal(), (422, "file_missing"));
    let whole = form(&[("file", Some("a.wav"), &good)]);
    let broken = office
        .send(upload(&office, whole[..whole.len() / 2].to_vec()))
        .await;
    assert_eq!(broken.refusal(), (408, "upload_interrupted"));
    let json = office
        .post(&office.chief, "/api/v1/audio", &json!({}))
        .await;
    assert_eq!(json.refusal(), (415, "unsupported_media_type"));
    assert_eq!(left(&office), [0, 0, 0]);
}

#[tokio::test]
async fn an_upload_sent_again_on_a_weak_line_is_one_recording() {
    let office = office().await;
    let body = form(&[("file", Some("a.wav"), &wav(0.5))]);
    let ask = |body: Vec<u8>| with(upload(&office, body), "idempotency-key", "k1");
    let first = office.send(ask(body.clone())).await.ok();
    let again = office.send(ask(body)).await.ok();
    assert_eq!(first, again);
    let other = office
        .send(ask(form(&[("file", Some("a.wav"), &wav(0.6))])))
        .await;
    assert_eq!(other.refusal(), (409, "idempotency_mismatch"));
    // The same sound uploaded as another recording shares its content.
    send(&office, "b.wav", &wav(0.5)).await.ok();
    assert_eq!(left(&office), [0, 2, 1]);
}

#[tokio::test]
async fn what_a_crash_left_behind_is_gone_after_the_next_start() {
    let office = office().await;
    let view = send(&office, "a.wav", &wav(0.5)).await.ok();
    let dir = office.village.dir.path();
    for name in ["tmp/half", "audio/a0000000000000000.orig", "content/00ff"] {
        std::fs::write(dir.join(name), b"left").expect("written");
    }
    crate::audio::Shelf::open(
        office.village.store.clone(),
        crate::audio::apart::Apart::here(),
        1_000,
        10,
    )
    .await
    .expect("opened");
    assert_eq!(left(&office), [0, 1, 1]);
    let path = format!(
        "/api/v1/audio/{}/content",
        view["id"].as_str().expect("an id")
    );
    assert!(office.get(&office.chief, &path).await.status.is_success());
}

#[tokio::test]
async fn a_text_is_spoken_by_the_engine_of_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let spoken = folder.path().join("spoken.wav");
    std::fs::write(&spoken, wav(1.0)).expect("written");
    let mut config = Config::default();
    let script = format!("cat > /dev/null; cat {}", spoken.display());
    config.speech.command = vec!["sh".into(), "-c".into(), script];
    let office = office_with(config).await;
    let voices = office.get(&office.chief, "/api/v1/voices").await.ok();
    assert_eq!(voices["default"], "vi");
    let text = json!({ "text": "Họp xóm lúc 7h30.", "speed": 0.9 });
    let view = office
        .post(&office.chief, "/api/v1/audio/speech", &text)
        .await
        .ok();
    assert_eq!(
        (&view["source"], &view["title"]),
        (&json!("speech"), &json!("Họp xóm lúc 7h30."))
    );
    assert!(
        view["spoken"]
            .as_str()
            .is_some_and(|words| !words.contains("7h30")),
        "{view}"
    );
    for (body, refusal) in [
        (json!({ "text": "  " }), (422, "text_empty")),
        (
            json!({ "text": "x", "voice": "klingon" }),
            (422, "voice_unknown"),
        ),
        (json!({ "text": "x", "speed": 9 }), (422, "speed_invalid")),
        (
            json!({ "text": "chữ ".repeat(15_000) }),
            (422, "text_too_long"),
        ),
    ] {
        let answer = office
            .post(&office.chief, "/api/v1/audio/speech", &body)
            .await;
        assert_eq!(answer.refusal(), refusal, "{}", answer.body);
    }
    assert_eq!(left(&office), [0, 1, 1]);
}

#[tokio::test]
async fn a_missing_engine_is_said_to_be_missing() {
    let mut config = Config::default();
    config.speech.command = vec!["/nowhere/engine".into()];
    let office = office_with(config).await;
    let answer = office
        .post(
            &office.chief,
            "/api/v1/audio/speech",
            &json!({ "text": "x" }),
        )
        .await;
    assert_eq!(answer.refusal(), (503, "speech_unavailable"));
    assert_eq!(left(&office), [0, 0, 0]);
}
