//! How calls end: stopped by somebody, broken off, over before a restart; and what becomes of them then.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use loa_protocol::{bulletin::Priority, channel::Channel, id::BulletinId, time::WallTime};
use serde_json::{Value, json};

use super::{SILENCE, on_air, to_hamlet, told};
use crate::{
    engine::{Change, Urgent},
    live::calls::Line,
    logic::{approval::Stage, call::CallEnd, permissions::Role},
    store::{CallEnded, UserId, testing::NOON},
};

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
async fn a_call_in_which_nothing_was_said_yet_is_cancelled_at_the_next_start() {
    let air = on_air().await;
    let id = id_of(&air.call(&to_hamlet()).await);
    air.next_start().recover().await.unwrap();
    let village = &air.office.village;
    let row = village.call(&id).await.unwrap();
    assert_eq!((row.reason, row.frames), (Some(CallEnd::Office), 0));
    let kept = village.bulletin(&id).await.unwrap();
    assert_eq!(kept.stage, Stage::Cancelled);
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
