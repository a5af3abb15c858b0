//! What is not actual says so first, in one piece with the rest.

use serde_json::{Value, json};

use super::{Office, office_with, recordings};
use crate::config::Config;

/// An office whose engine says everything in one second, and a recording of two.
async fn with_engine(folder: &tempfile::TempDir) -> (Office, Value) {
    let office = office_with(speaking(folder)).await;
    let audio = recordings::send(&office, "hop.wav", &recordings::wav(2.0)).await;
    (office, audio.ok())
}

pub fn speaking(folder: &tempfile::TempDir) -> Config {
    let spoken = folder.path().join("spoken.wav");
    std::fs::write(&spoken, recordings::wav(1.0)).expect("written");
    let mut config = Config::default();
    let script = format!("cat > /dev/null; cat {}", spoken.display());
    config.speech.command = vec!["sh".into(), "-c".into(), script];
    config
}

fn say(audio: &Value, status: &str) -> Value {
    json!({ "title": "Diễn tập", "audio": audio["id"], "targets": ["area.ban-chuong"], "status": status,
        "when": { "at": "2026-11-25T09:00" } })
}
async fn content(office: &Office, view: &Value) -> (String, u64) {
    let id = view["id"].as_str().expect("an id").parse().expect("an id");
    let kept = office.village.bulletin(&id).await.expect("read");
    let manifest = kept.bulletin.manifest().expect("audio");
    let bytes = std::fs::read(office.village.content_path(&manifest.content)).expect("a file");
    assert_eq!(bytes.len() as u64, manifest.length);
    (manifest.content.to_string(), manifest.duration_ms)
}

#[tokio::test]
async fn an_exercise_begins_with_the_sentence_that_it_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (office, audio) = with_engine(&folder).await;
    let plain = audio["sha256"].as_str().expect("a name").to_owned();
    let check = office
        .post(
            &office.chief,
            "/api/v1/bulletins/check",
            &say(&audio, "exercise"),
        )
        .await
        .ok();
    assert_eq!(
        recordings::left(&office),
        [0, 1, 1],
        "a check keeps nothing"
    );
    let path = "/api/v1/bulletins";
    let view = office
        .post(&office.chief, path, &say(&audio, "exercise"))
        .await
        .ok();
    // A second of sentence, a pause of 0.4, and the recording.
    let duration = view["duration_s"].as_f64().expect("a number");
    assert!((3.35..3.45).contains(&duration), "{duration}");
    let foretold = check["duration_s"].as_f64().expect("a number");
    assert!((foretold - duration).abs() < 0.01, "{foretold}");
    assert_eq!(
        (&view["chime"], &view["audio"]),
        (&json!("exercise"), &audio["id"])
    );
    let (whole, duration_ms) = content(&office, &view).await;
    assert_ne!(whole, plain);
    assert!((3_350..3_450).contains(&duration_ms));
    assert_eq!(recordings::left(&office), [0, 1, 2]);
    // The same again is the same content; another sentence is another. Here both are the same sound.
    let again = office
        .post(&office.chief, path, &say(&audio, "exercise"))
        .await
        .ok();
    assert_eq!(content(&office, &again).await.0, whole);
    office
        .post(&office.chief, path, &say(&audio, "test"))
        .await
        .ok();
    assert_eq!(recordings::left(&office), [0, 1, 2]);
    // Meant in earnest it is the recording alone, and a title changes nothing of it.
    let path = format!("{path}/{}", view["id"].as_str().expect("an id"));
    let renamed = office
        .patch(&office.chief, &path, &json!({ "title": "Diễn tập lũ" }))
        .await
        .ok();
    assert_eq!(content(&office, &renamed).await.0, whole);
    let earnest = office
        .patch(&office.chief, &path, &json!({ "status": "actual" }))
        .await
        .ok();
    assert_eq!(content(&office, &earnest).await.0, plain);
    let back = office
        .patch(&office.chief, &path, &json!({ "status": "exercise" }))
        .await
        .ok();
    assert_eq!(content(&office, &back).await.0, whole);
    assert_eq!(back["duration_s"], view["duration_s"]);
    // After a restart it is still there.
    crate::audio::Shelf::open(
        office.village.store.clone(),
        crate::audio::apart::Apart::here(),
        1_000,
        10,
    )
    .await
    .expect("opened");
    assert_eq!(recordings::left(&office), [0, 1, 2]);
}

#[tokio::test]
async fn an_office_may_do_without_the_sentence_but_never_loses_it_unnoticed() {
    let mut config = Config::default();
    config.speech.command = vec!["/nowhere/engine".into()];
    config.speech.test_sentence = String::new();
    let office = office_with(config).await;
    let audio = recordings::send(&office, "hop.wav", &recordings::wav(2.0))
        .await
        .ok();
    let path = "/api/v1/bulletins";
    let test = office
        .post(&office.chief, path, &say(&audio, "test"))
        .await
        .ok();
    assert_eq!(
        content(&office, &test).await.0,
        audio["sha256"].as_str().expect("a name")
    );
    let refused = office
        .post(&office.chief, path, &say(&audio, "exercise"))
        .await;
    assert_eq!(refused.refusal(), (503, "speech_unavailable"));
}
