//! Engines: the real espeak-ng where it is installed, and programs that misbehave.

use std::path::Path;
use std::time::Duration;

use loa_controller::speech::{
    Abbreviations, CommandEngine, SpeechCache, SpeechConfig, SpeechError, SpeechRequest, Studio,
    normalise,
};

const PARAGRAPH: &str = "Kính thưa bà con xóm Bản Chương. 7h30 ngày 25/11/2026, UBND xã Sảng Mộc tổ chức tiêm phòng \
    cho đàn trâu, bò. Mỗi hộ đóng 50.000đ. Chi tiết gọi 0912 345 678.";

fn request(text: &str) -> SpeechRequest {
    SpeechRequest {
        text: text.to_owned(),
        voice: "vi".to_owned(),
        speed: 1.0,
    }
}

fn engine(command: &[&str]) -> CommandEngine {
    engine_with(command, SpeechConfig::default())
}

fn engine_with(command: &[&str], config: SpeechConfig) -> CommandEngine {
    let command = command.iter().map(|part| (*part).to_owned()).collect();
    CommandEngine::new(&SpeechConfig { command, ..config }).expect("a configuration in order")
}

/// `None`, and says so, where espeak-ng is not installed.
fn espeak() -> Option<CommandEngine> {
    let installed = std::process::Command::new("espeak-ng")
        .arg("--version")
        .output()
        .is_ok();
    if !installed {
        println!("skipped: espeak-ng is not installed (make test installs it)");
    }
    installed
        .then(|| CommandEngine::new(&SpeechConfig::default()).expect("the default is in order"))
}

/// Duration in seconds and loudness (RMS of full scale) of a WAV file, by its own header.
fn measure(path: &Path) -> (f64, f64) {
    let mut wav = hound::WavReader::open(path).expect("a whole WAV file");
    let seconds = f64::from(wav.duration()) / f64::from(wav.spec().sample_rate);
    let samples: Vec<f64> = wav
        .samples::<i16>()
        .map(|s| f64::from(s.expect("a sample")) / 32_768.0)
        .collect();
    let rms = (samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64).sqrt();
    (seconds, rms)
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("a folder").count()
}

#[tokio::test]
async fn a_vietnamese_bulletin_is_spoken_by_every_voice() {
    let Some(engine) = espeak() else { return };
    let folder = tempfile::tempdir().unwrap();
    let words = normalise(PARAGRAPH, &Abbreviations::built_in());
    for voice in engine.voices().to_vec() {
        let out = folder.path().join("speech.wav");
        engine
            .speak(
                &SpeechRequest {
                    voice: voice.clone(),
                    ..request(&words)
                },
                &out,
            )
            .await
            .unwrap();
        let (seconds, rms) = measure(&out);
        // About 60 syllables at 150 a minute and more, with pauses.
        assert!((10.0..40.0).contains(&seconds), "{voice}: {seconds} s");
        assert!(rms > 0.02, "{voice}: RMS {rms}");
    }
    assert_eq!(files_in(folder.path()), 1, "nothing half made is left");
}

#[tokio::test]
async fn a_slow_reading_takes_longer_than_a_fast_one() {
    let Some(engine) = espeak() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut seconds = Vec::new();
    for speed in [0.7, 1.0, 1.5] {
        let out = folder.path().join("speech.wav");
        engine
            .speak(
                &SpeechRequest {
                    speed,
                    ..request("Mời bà con đi họp đúng giờ")
                },
                &out,
            )
            .await
            .unwrap();
        seconds.push(measure(&out).0);
    }
    assert!(
        seconds[0] > seconds[1] && seconds[1] > seconds[2],
        "{seconds:?}"
    );
}

#[tokio::test]
async fn a_typed_text_becomes_speech_and_its_words_can_be_previewed() {
    if espeak().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let studio = Studio::open(&SpeechConfig::default(), folder.path()).unwrap();
    let said = studio.say("Họp lúc 7h", None, 1.0).await.unwrap();
    assert_eq!(said.words, "Họp lúc bảy giờ");
    assert_eq!(said.words, studio.words("Họp lúc 7h"));
    assert!(measure(&said.path).0 > 0.5);
}

#[tokio::test]
async fn an_engine_that_hangs_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("sleep 60 & echo $! > {}; wait", pid_file.display());
    // The shell must have come to write its child's number by then.
    for (command, timeout_s) in [(vec!["sleep", "60"], 1), (vec!["sh", "-c", &script], 5)] {
        let out = folder.path().join("speech.wav");
        let config = SpeechConfig {
            timeout_s,
            ..SpeechConfig::default()
        };
        let error = engine_with(&command, config)
            .speak(&request("a"), &out)
            .await
            .unwrap_err();
        assert!(
            matches!(error, SpeechError::TimedOut { limit_s, .. } if limit_s == timeout_s),
            "{error}"
        );
    }
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    let gone = async {
        while running(pid.trim()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .expect("the engine's own child is killed");
    assert_eq!(
        files_in(folder.path()),
        1,
        "only the file with the number is left"
    );
}

/// A zombie that nobody has collected yet no longer runs.
fn running(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn an_engine_that_never_stops_talking_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("speech.wav");
    let config = SpeechConfig {
        max_audio_mb: 1,
        timeout_s: 30,
        ..SpeechConfig::default()
    };
    let to_file = ["sh", "-c", "yes > {out}"];
    for command in [&["yes"][..], &to_file[..]] {
        let error = engine_with(command, config.clone())
            .speak(&request("a"), &out)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                SpeechError::TooLarge {
                    max_bytes: 1_000_000,
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(files_in(folder.path()), 0);
}

#[tokio::test]
async fn a_missing_engine_is_named_with_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("speech.wav");
    let error = engine(&["loa-no-such-engine"])
        .speak(&request("a"), &out)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("\"loa-no-such-engine\" is not installed; install it"),
        "{error}"
    );
}

#[tokio::test]
async fn an_engine_that_fails_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("speech.wav");
    let failing = ["sh", "-c", "echo không có giọng >&2; exit 3"];
    let error = engine(&failing)
        .speak(&request("a"), &out)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("không có giọng") && error.contains('3'),
        "{error}"
    );
    let error = engine(&["true"])
        .speak(&request("a"), &out)
        .await
        .unwrap_err();
    assert!(matches!(error, SpeechError::NoSound { .. }), "{error}");
    assert_eq!(files_in(folder.path()), 0);
}

#[tokio::test]
async fn an_engine_may_write_its_own_file_and_chat_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("speech.wav");
    let command = [
        "sh",
        "-c",
        "echo chatting; printf '%s %s ' {voice} {words_per_minute} > {out}; cat >> {out}",
    ];
    let fast = SpeechRequest {
        speed: 1.5,
        ..request("xin chào")
    };
    engine(&command).speak(&fast, &out).await.unwrap();
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "vi 225 xin chào\n");
}

#[tokio::test]
async fn what_cannot_be_said_reaches_no_engine() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("speech.wav");
    let engine = engine_with(
        &["cat"],
        SpeechConfig {
            max_text_chars: 10,
            ..SpeechConfig::default()
        },
    );
    for (wrong, says) in [
        (request(" \n"), "empty"),
        (request("mười một ký tự"), "at most 10"),
        (
            SpeechRequest {
                voice: "-w/tmp/x".to_owned(),
                ..request("a")
            },
            "not known",
        ),
        (
            SpeechRequest {
                voice: "en".to_owned(),
                ..request("a")
            },
            "vi, vi-vn-x-central",
        ),
        (
            SpeechRequest {
                speed: f32::NAN,
                ..request("a")
            },
            "0.5 to 2",
        ),
        (
            SpeechRequest {
                speed: 2.1,
                ..request("a")
            },
            "0.5 to 2",
        ),
    ] {
        let error = engine.speak(&wrong, &out).await.unwrap_err().to_string();
        assert!(error.contains(says), "{wrong:?}: {error}");
    }
    assert_eq!(files_in(folder.path()), 0);
}

/// An engine that notes each of its runs in a file and repeats its text.
fn counting(folder: &Path) -> (CommandEngine, impl Fn() -> usize + use<>) {
    let runs = folder.join("runs");
    std::fs::write(&runs, "").unwrap();
    let script = format!("echo run >> {}; cat", runs.display());
    let engine = engine(&["sh", "-c", &script]);
    (engine, move || {
        std::fs::read_to_string(&runs).unwrap().lines().count()
    })
}

#[tokio::test]
async fn the_same_speech_is_made_once_however_many_ask() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, runs) = counting(folder.path());
    let cache = SpeechCache::open(&folder.path().join("cache"), 1_000_000).unwrap();
    let same = request("xin chào");
    let asked = (0..20).map(|_| cache.get(&engine, &same));
    let paths = futures_util::future::join_all(asked).await;
    assert_eq!(runs(), 1);
    for path in paths {
        assert_eq!(
            std::fs::read_to_string(path.unwrap()).unwrap(),
            "xin chào\n"
        );
    }
    cache
        .get(
            &engine,
            &SpeechRequest {
                speed: 1.5,
                ..same.clone()
            },
        )
        .await
        .unwrap();
    cache
        .get(&engine, &request("xin chào bà con"))
        .await
        .unwrap();
    assert_eq!(runs(), 3, "another speed and another text are other speech");

    let reopened = SpeechCache::open(&folder.path().join("cache"), 1_000_000).unwrap();
    assert_eq!(reopened.bytes(), cache.bytes());
    reopened.get(&engine, &same).await.unwrap();
    assert_eq!(runs(), 3, "a restart forgets nothing");
}

#[tokio::test]
async fn a_full_cache_lets_the_longest_unused_go() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, runs) = counting(folder.path());
    let cache = SpeechCache::open(&folder.path().join("cache"), 2_500).unwrap();
    let text = |letter: &str| request(&letter.repeat(999));
    cache.get(&engine, &text("a")).await.unwrap();
    cache.get(&engine, &text("b")).await.unwrap();
    cache.get(&engine, &text("a")).await.unwrap();
    cache.get(&engine, &text("c")).await.unwrap();
    assert_eq!((runs(), cache.bytes()), (3, 2_000));
    cache.get(&engine, &text("a")).await.unwrap();
    assert_eq!(runs(), 3, "a was used lately and stayed");
    cache.get(&engine, &text("b")).await.unwrap();
    assert_eq!(runs(), 4, "b had to be made again");

    let large = cache
        .get(&engine, &request(&"d".repeat(5_000)))
        .await
        .unwrap();
    assert_eq!(
        (large.exists(), cache.bytes()),
        (true, 5_001),
        "the one just made stays, alone"
    );
    assert_eq!(files_in(&folder.path().join("cache")), 1);
}

#[tokio::test]
async fn a_failure_is_not_kept_and_a_crash_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("abc.speech.part.wav"), "half").unwrap();
    let cache = SpeechCache::open(folder.path(), 1_000).unwrap();
    assert_eq!(
        files_in(folder.path()),
        0,
        "what a crash left half made is cleared"
    );
    assert!(cache.get(&engine(&["false"]), &request("a")).await.is_err());
    assert_eq!((files_in(folder.path()), cache.bytes()), (0, 0));
}
