//! The phone app in a real browser, against a real office with real poles: what people do, and what the poles then sound.
//!
//! The scripts that press the buttons are in `controller/web/e2e`; pictures of the screens go to `target/screenshots`.

use std::time::Duration;

use loa_audio::measure::envelopes_alike;
use loa_tests::process::{
    browser,
    clock::wait_for,
    commune::{ADMINISTRATOR, APPROVER, Commune, HEAD, MONITOR, OFFICER},
    pole::Pole,
    recording::RATE,
    sound::{self, find, speech_like},
    village::civil_time_in,
};
use serde_json::json;

mod trust;

fn text(answer: &serde_json::Value, key: &str) -> String {
    let value = answer[key].as_str();
    value
        .unwrap_or_else(|| panic!("no {key} in {answer}"))
        .to_owned()
}

#[test]
fn what_the_hamlet_head_says_into_the_phone_is_heard_on_the_hamlets_poles_and_no_others() {
    let commune = Commune::start();
    let village = &commune.village;
    let mic = sound::wav_file(village.folder(), 4.0, 77);
    let answer = browser::run(village, "announce", &json!({"mic": mic, "head": HEAD}));
    let bulletin = text(&answer, "bulletin");
    println!("{}", text(&answer, "sentence"));
    let rows = village.wait_for_outcomes(&bulletin, 2, Duration::from_secs(60));
    for row in &rows {
        assert_eq!(row.outcome.as_deref(), Some("completed"), "{row:?}");
    }
    assert!(
        village.poles[2].recordings().is_empty(),
        "the next hamlet heard nothing"
    );
    // The phone's microphone and its own processing lie between; half a second of what was said is found again all the same.
    let said = speech_like(4.0, 77);
    for pole in &village.poles[..2] {
        let heard: Vec<f32> = pole
            .finished(&bulletin)
            .iter()
            .flat_map(|recording| recording.frames())
            .collect();
        let best = (0..6)
            .map(|n| {
                let piece = &said[n * RATE / 2..][..RATE / 2];
                find(piece, &heard, 0, heard.len()).1
            })
            .fold(0.0_f64, f64::max);
        assert!(best > 0.6, "{}: {best:.3}", pole.id);
    }
}

/// The last two seconds that a pole sounded, but for the very end, found again in what the microphone heard over and over:
/// how alike their loudness is. (The phone's clock, its gain and the pole's rate lie between: no sample is where it was.)
fn alike(said: &[f32], heard: &[f32]) -> f64 {
    let round: Vec<f32> = said.iter().chain(said).copied().collect();
    let end = heard.len().saturating_sub(RATE / 2);
    let piece = &heard[end.saturating_sub(2 * RATE)..end];
    (0..said.len())
        .step_by(RATE / 100)
        .map(|from| envelopes_alike(piece, &round[from..]))
        .fold(0.0_f64, f64::max)
}

#[test]
fn the_hamlet_head_speaks_live_and_a_pole_that_was_off_says_it_later() {
    let mut commune = Commune::unhurried();
    commune.village.poles[1].kill();
    let off = commune.village.poles[1].id.clone();
    wait_for(
        "the pole is known to be off",
        Duration::from_secs(20),
        || {
            let speaker = commune.village.office.api.get(&format!("/speakers/{off}"));
            speaker["presence"]["state"] == "offline"
        },
    );
    // Quiet hours begin before a call of the longest would be over: he hears of it before he speaks.
    let quiet_from = civil_time_in(6 * 60).0[11..16].to_owned();
    let quiet_to = civil_time_in(5 * 3_600).0[11..16].to_owned();
    for pole in &commune.village.poles {
        let quiet = json!({"quiet_hours": [{"from": quiet_from, "to": quiet_to}]});
        let api = &commune.village.office.api;
        api.patch(&format!("/speakers/{}", pole.id), &quiet);
    }
    let mic = sound::wav_file(commune.village.folder(), 4.0, 79);
    let answer = browser::run(
        &commune.village,
        "live",
        &json!({"mic": mic, "head": HEAD, "speak_ms": 4_500}),
    );
    println!("{answer}");
    assert_eq!(answer["faults"], json!([]), "{answer}");
    let warned = text(&answer, "warned");
    assert!(warned.contains(&quiet_from), "{answer}");
    assert_eq!(answer["reason"], "released", "{answer}");
    assert_eq!(answer["shown"], json!({"live": "1", "of": "2"}), "{answer}");
    let id = text(&answer, "call");
    let said = speech_like(4.0, 79);
    let heard = |pole: &Pole, bulletin: &str| -> Vec<f32> {
        let recordings = pole.finished(bulletin);
        recordings.iter().flat_map(|one| one.frames()).collect()
    };
    let best = alike(&said, &heard(&commune.village.poles[0], &id));
    println!("live: {best:.3}");
    assert!(best > 0.8, "live: {best:.3}");

    commune.village.switch_on(1);
    let api = &commune.village.office.api;
    let seen = || api.get(&format!("/calls/{id}"));
    wait_for("the recording is said", Duration::from_secs(60), || {
        let call = seen();
        let poles = call["poles"].as_array().cloned().unwrap_or_default();
        poles
            .iter()
            .any(|pole| pole["speaker"] == off.as_str() && pole["heard"] == "later")
    });
    let call = seen();
    let replay = text(&call, "replay");
    let late = &commune.village.poles[1];
    wait_for("it is said to its end", Duration::from_secs(60), || {
        !late.finished(&replay).is_empty()
    });
    let best = alike(&said, &heard(late, &replay));
    println!("later: {best:.3}");
    assert!(best > 0.8, "later: {best:.3}");
    assert!(
        commune.village.poles[0].recordings_of(&replay).is_empty(),
        "who heard it live does not hear it again"
    );
    assert!(
        commune.village.poles[2].recordings().is_empty(),
        "the next hamlet heard nothing"
    );
}

#[test]
fn an_announcement_written_without_signal_leaves_when_it_is_back_and_one_that_is_too_late_asks() {
    let commune = Commune::start();
    let village = &commune.village;
    let answer = browser::run(
        village,
        "offline",
        &json!({
            "head": HEAD,
            "text": "Mời bà con ra nhà văn hóa nhận giống lúa.",
            "stale": "Năm phút nữa họp xóm tại sân đình.",
        }),
    );
    for key in ["fresh", "late"] {
        let rows = village.wait_for_outcomes(&text(&answer, key), 2, Duration::from_secs(60));
        // Sent once: one playout on each of the two poles.
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert!(
            rows.iter()
                .all(|row| row.outcome.as_deref() == Some("completed")),
            "{rows:?}"
        );
    }
}

#[test]
fn what_the_hamlet_says_waits_until_the_leader_has_heard_it() {
    let commune = Commune::start();
    commune.ask_approval();
    let village = &commune.village;
    let words = "Thông báo lịch cắt điện ngày mai.";
    let answer = browser::run(
        village,
        "approve",
        &json!({"head": HEAD, "approver": APPROVER, "text": words}),
    );
    let rows = village.wait_for_outcomes(&text(&answer, "bulletin"), 2, Duration::from_secs(60));
    assert!(
        rows.iter()
            .all(|row| row.outcome.as_deref() == Some("completed")),
        "{rows:?}"
    );
}

#[test]
fn held_stop_silences_the_hamlet_and_shows_it_pole_by_pole() {
    let commune = Commune::start();
    let village = &commune.village;
    let long = village.material(90.0, 5);
    let (bulletin, _) = village.say(
        &long,
        &json!({"title": "Nhạc", "targets": ["area.ban-chuong"]}),
    );
    let answer = browser::run(
        village,
        "stop",
        &json!({"head": HEAD, "bulletin": bulletin}),
    );
    let silent_ms = answer["silent_ms"].as_f64().expect("a number");
    println!("silent on the screen {silent_ms} ms after the finger went down");
    let rows = village.wait_for_outcomes(&bulletin, 2, Duration::from_secs(20));
    assert!(
        rows.iter()
            .all(|row| row.reason.as_deref() == Some("stopped") && row.sounded_s < 60.0),
        "{rows:?}"
    );
    let correction = text(&answer, "correction");
    let rows = village.wait_for_outcomes(&correction, 2, Duration::from_secs(60));
    assert!(
        rows.iter()
            .all(|row| row.outcome.as_deref() == Some("completed")),
        "{rows:?}"
    );
}

#[test]
fn every_screen_speaks_two_languages_fits_its_glass_and_can_be_read_by_a_screen_reader() {
    let commune = Commune::start();
    let village = &commune.village;
    let bulletin = commune.live_a_little();
    let answer = browser::run(
        village,
        "screens",
        &json!({
            "administrator": ADMINISTRATOR, "head": HEAD, "bulletin": bulletin,
            "speaker": village.poles[0].id, "text": "Mời bà con họp xóm lúc 19h30 tối nay.",
        }),
    );
    let faults = answer["faults"].as_array().expect("a list");
    assert!(
        faults.is_empty(),
        "{}",
        faults
            .iter()
            .map(|fault| format!("\n{fault}"))
            .collect::<String>()
    );
    let pictures = std::fs::read_dir(browser::screenshots()).expect("the pictures");
    assert!(pictures.count() > 80);
}

#[test]
fn a_session_that_ends_takes_no_recording_with_it() {
    let commune = Commune::start();
    let village = &commune.village;
    let mic = sound::wav_file(village.folder(), 4.0, 78);
    let answer = browser::run(
        village,
        "expired",
        &json!({"mic": mic, "head": HEAD, "administrator": ADMINISTRATOR}),
    );
    let rows = village.wait_for_outcomes(&text(&answer, "bulletin"), 2, Duration::from_secs(60));
    assert_eq!(rows.len(), 2, "said once: {rows:?}");
    assert!(
        rows.iter()
            .all(|row| row.outcome.as_deref() == Some("completed")),
        "{rows:?}"
    );
}

#[test]
fn who_plans_for_the_night_is_warned_and_what_is_planned_can_be_paused_and_copied() {
    let commune = Commune::start();
    let village = &commune.village;
    for pole in &village.poles {
        let quiet = json!({"quiet_hours": [{"from": "22:00", "to": "05:00"}]});
        village
            .office
            .api
            .patch(&format!("/speakers/{}", pole.id), &quiet);
    }
    let answer = browser::run(village, "planning", &json!({"officer": OFFICER}));
    let path = format!("/bulletins/{}", text(&answer, "bulletin"));
    let kept = village.office.api.get(&path);
    assert_eq!(kept["state"], "planned", "{kept}");
    assert_eq!(kept["skip_holidays"], true, "{kept}");
    assert_eq!(
        kept["when"]["except"].as_array().map(Vec::len),
        Some(1),
        "{kept}"
    );
    let path = format!("/bulletins/{}", text(&answer, "relay"));
    let kept = village.office.api.get(&path);
    let relay = &kept["stream"]["relay"];
    assert_eq!(relay["url"], "https://moi.example.vn/vov1.m3u8", "{kept}");
    assert_eq!(relay["duration_s"], 2_700.0, "{kept}");
    assert_eq!(kept["revision"], 2, "{kept}");
}

#[test]
fn a_new_hamlet_head_comes_in_by_his_link_and_governs_nobody() {
    let commune = Commune::start();
    let village = &commune.village;
    let answer = browser::run(village, "people", &json!({"administrator": ADMINISTRATOR}));
    let users = village.office.api.get("/users");
    let name = text(&answer, "username");
    let made = users["users"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|user| user["username"] == name.as_str());
    let made = made.unwrap_or_else(|| panic!("no {name} in {users}"));
    assert_eq!(
        (&made["role"], &made["has_password"]),
        (&json!("hamlet_head"), &json!(true))
    );
}

/// Begins first by its name, for it waits longest: nobody is told of what may be the office's own beginning.
#[test]
fn a_dead_pole_and_why_is_seen_by_who_watches_and_taken_repaired_and_printed_by_who_is_responsible()
{
    let mut commune = Commune::start();
    commune.village.poles[1].kill();
    let village = &commune.village;
    let (lost, there) = (&village.poles[1].id, &village.poles[0].id);
    let seen = browser::run(
        village,
        "watch",
        &json!({"monitor": MONITOR, "officer": OFFICER, "lost": lost, "speaker": there}),
    );
    println!("{seen}");
    assert_eq!(seen["faults"], json!([]), "{seen}");
    let watch = village.office.api.get(&format!("/speakers/{there}/watch"));
    assert_eq!(watch["self_tests"][0]["asked"], true, "{watch}");
    let done = browser::run(village, "reports", &json!({"officer": OFFICER}));
    println!("{done}");
    let repairs = village.office.api.get("/repairs?state=done");
    assert_eq!(repairs["items"][0]["speaker"], lost.as_str(), "{repairs}");
}
