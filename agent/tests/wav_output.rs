//! The player with the WAV output, in real time: starts, cuts and resumptions to the sample.

mod common;

use std::path::Path;

use common::{Recording, call, hold, next, play, recordings, speech};
use loa_agent::{
    audio::{output, player::Player},
    config::{Output, OutputKind},
    logic::port::{How, PlayerCommand, PlayerEvent},
};
use loa_protocol::{content::Sha, live::Streamed, playout::Failure};
use tokio::sync::mpsc::Receiver;

fn player(data_dir: &Path) -> (Player, Receiver<PlayerEvent>, Receiver<Sha>) {
    let config = Output {
        kind: OutputKind::Wav,
        device: "default".into(),
        host: None,
        directory: data_dir.join("wav"),
    };
    let output = output::choose(&config, &"ban-chuong-1".parse().expect("a name"));
    let (suspect, suspects) = tokio::sync::mpsc::channel(8);
    let suspect = Box::new(move |content| suspect.try_send(content).expect("room"));
    let (player, events) = Player::start(output, data_dir.into(), suspect).expect("a thread");
    (player, events, suspects)
}

fn send(player: &Player, command: PlayerCommand) {
    assert_eq!(player.send(command), None);
}

#[tokio::test]
async fn a_prepared_bulletin_starts_on_time_and_sounds_to_its_last_sample() {
    for attempt in 1.. {
        let folder = tempfile::tempdir().expect("a folder");
        let sounded = sounds_a_prepared_bulletin(folder.path()).await;
        let late_ms = sounded.error_ms();
        assert!(late_ms >= 0.0, "{late_ms} ms: never early");
        if late_ms < 5.0 {
            return;
        }
        sounded.blame_the_machine(attempt, &format!("{late_ms} ms late"));
    }
}

async fn sounds_a_prepared_bulletin(data_dir: &Path) -> Recording {
    let (content, frames) = hold(data_dir, &speech(1, 0.7));
    let (player, mut events, _) = player(data_dir);
    let bulletin = play("tin", 0, content, 0, 1_500);
    send(&player, PlayerCommand::Prepare(Box::new(bulletin.clone())));
    send(&player, PlayerCommand::Play(Box::new(bulletin.clone())));
    let PlayerEvent::Started { at_mono_us, .. } = next(&mut events).await else {
        panic!("it starts first");
    };
    assert!(at_mono_us >= bulletin.start_mono_us, "never early");
    let end = next(&mut events).await;
    assert!(
        matches!(
            end,
            PlayerEvent::Ended {
                how: How::Finished,
                place_ms: 700,
                ..
            }
        ),
        "{end:?}"
    );
    player_quits(player, events).await;
    let sounded = the_recording(data_dir);
    assert_eq!(sounded.frames, frames, "what was sounded is what was sent");
    assert_eq!(
        sounded.start_us(),
        bulletin.planned.as_micros() + (at_mono_us - bulletin.start_mono_us) as i64
    );
    for (key, value) in [
        ("speaker", "ban-chuong-1"),
        ("playout", "tin/2026-11-24/0/0"),
        ("title", "Bản tin tin"),
        ("how", "finished"),
    ] {
        assert_eq!(sounded.note[key], value);
    }
    assert_eq!(sounded.note["samples"], frames.len());
    let name = sounded
        .path
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert!(name.ends_with("Z_tin_2026-11-24_0_0_a0p0.wav"), "{name}");
    sounded
}

fn the_recording(data_dir: &Path) -> Recording {
    let mut all = recordings(&data_dir.join("wav"));
    assert_eq!(all.len(), 1, "one file for one playout");
    all.remove(0)
}

#[tokio::test]
async fn an_emergency_cuts_a_bulletin_which_then_goes_on_where_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ordinary, ordinary_frames) = hold(folder.path(), &speech(2, 4.0));
    let (urgent, urgent_frames) = hold(folder.path(), &speech(3, 0.5));
    let (player, mut events, _) = player(folder.path());
    send(
        &player,
        PlayerCommand::Play(Box::new(play("tin", 0, ordinary, 0, 0))),
    );
    assert!(matches!(
        next(&mut events).await,
        PlayerEvent::Started { .. }
    ));
    let emergency = play("khan", 0, urgent, 0, 1_500);
    send(&player, PlayerCommand::Play(Box::new(emergency.clone())));
    let PlayerEvent::Ended {
        place_ms: cut_ms,
        how: How::Replaced,
        ..
    } = next(&mut events).await
    else {
        panic!("the bulletin is cut");
    };
    let PlayerEvent::Started { at_mono_us, .. } = next(&mut events).await else {
        panic!("the emergency starts");
    };
    assert!(at_mono_us >= emergency.start_mono_us);
    assert!(matches!(
        next(&mut events).await,
        PlayerEvent::Ended {
            how: How::Finished,
            ..
        }
    ));
    let from_ms = cut_ms.saturating_sub(300);
    send(
        &player,
        PlayerCommand::Play(Box::new(play("tin", 1, ordinary, from_ms, 0))),
    );
    assert!(matches!(
        next(&mut events).await,
        PlayerEvent::Started { piece: 1, .. }
    ));
    let end = next(&mut events).await;
    assert!(
        matches!(
            end,
            PlayerEvent::Ended {
                how: How::Finished,
                place_ms: 4_000,
                ..
            }
        ),
        "{end:?}"
    );
    player_quits(player, events).await;

    let [first, second, third] = &recordings(&folder.path().join("wav"))[..] else {
        panic!("three pieces");
    };
    assert_eq!(
        first.frames.len() as u64 / 48,
        cut_ms,
        "the place is what has sounded"
    );
    let solid = first.frames.len() - 480;
    assert_eq!(first.frames[..solid], ordinary_frames[..solid]);
    let silence_us = second.start_us() - first.end_us();
    assert!(
        silence_us.abs() < 5_000,
        "{silence_us} us between the old and the new"
    );
    assert_eq!(second.frames, urgent_frames);
    let rest = &ordinary_frames[from_ms as usize * 48..];
    assert_eq!(third.frames.len(), rest.len());
    assert_eq!(
        third.frames[480..],
        rest[480..],
        "goes on at its very sample, after a fade"
    );
}

#[tokio::test]
async fn every_play_ends_exactly_once_whatever_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let (content, _) = hold(folder.path(), &speech(4, 5.0));
    let damaged = Sha([9; 32]);
    std::fs::write(
        folder.path().join("content").join(damaged.to_string()),
        b"not sound",
    )
    .expect("writes");
    let (player, mut events, mut suspects) = player(folder.path());
    // Far ahead, replaced before it begins by one that is stopped before it begins, by one that cannot be decoded.
    let stopped = play("dung", 0, content, 0, 60_000);
    send(
        &player,
        PlayerCommand::Play(Box::new(play("xa", 0, content, 0, 60_000))),
    );
    send(&player, PlayerCommand::Play(Box::new(stopped.clone())));
    send(
        &player,
        PlayerCommand::Stop {
            playout: stopped.playout.clone(),
            piece: 0,
        },
    );
    send(
        &player,
        PlayerCommand::Play(Box::new(play("hong", 0, damaged, 0, 60_000))),
    );
    let mut ends = Vec::new();
    for _ in 0..3 {
        match next(&mut events).await {
            PlayerEvent::Ended { playout, how, .. } => {
                ends.push((playout.occurrence.bulletin.to_string(), how))
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ends[0], ("xa".into(), How::Replaced));
    assert_eq!(ends[1], ("dung".into(), How::Stopped));
    assert!(
        matches!(
            &ends[2].1,
            How::Failed {
                failure: Failure::Decode,
                ..
            }
        ),
        "{ends:?}"
    );
    assert_eq!(
        suspects.recv().await,
        Some(damaged),
        "its file is looked at again"
    );
    // The program ends while one sounds.
    send(
        &player,
        PlayerCommand::Play(Box::new(play("tin", 0, content, 0, 0))),
    );
    assert!(matches!(
        next(&mut events).await,
        PlayerEvent::Started { .. }
    ));
    let quits = tokio::task::spawn_blocking(move || player.quit());
    assert!(matches!(
        next(&mut events).await,
        PlayerEvent::Ended {
            how: How::Stopped,
            ..
        }
    ));
    assert_eq!(events.recv().await, None);
    quits.await.expect("quits");
    assert_eq!(
        recordings(&folder.path().join("wav")).len(),
        1,
        "only what began has a file"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_as_a_failed_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let (content, _) = hold(folder.path(), &speech(5, 0.5));
    std::fs::write(
        folder.path().join("wav"),
        b"a file where the folder should be",
    )
    .expect("writes");
    let (player, mut events, _) = player(folder.path());
    send(
        &player,
        PlayerCommand::Play(Box::new(play("tin", 0, content, 0, 0))),
    );
    let end = next(&mut events).await;
    assert!(
        matches!(
            &end,
            PlayerEvent::Ended {
                how: How::Failed {
                    failure: Failure::Output,
                    ..
                },
                ..
            }
        ),
        "{end:?}"
    );
    player_quits(player, events).await;
}

#[tokio::test]
async fn a_call_sounds_at_its_time_and_is_recorded_like_everything_else() {
    let said = speech(9, 1.4);
    for attempt in 1.. {
        let folder = tempfile::tempdir().expect("a folder");
        let (told, sounded) = sounds_a_call(folder.path(), &said).await;
        let (lag, alike) = loa_audio::measure::correlation(&said, &sounded.frames, 4_800);
        // A machine that is busy takes a block late, and hears of it.
        if (told.frames, told.lost, told.late) == (70, 0, 0)
            && told.delay_p50_ms.abs_diff(300) <= 5
            && alike > 0.8
            && lag.unsigned_abs() < 5 * 48
        {
            return;
        }
        sounded.blame_the_machine(attempt, &format!("{alike} at {lag}, {told:?}"));
    }
}

async fn sounds_a_call(data_dir: &Path, said: &[f32]) -> (Streamed, Recording) {
    let (player, mut events, _) = player(data_dir);
    let (call, packets) = call(said, 300, 1_500);
    let mut packets = packets.into_iter();
    send(&player, PlayerCommand::Prepare(Box::new(call.clone())));
    // Some come while it is only prepared, some when it is armed.
    packets.by_ref().take(10).for_each(|p| send(&player, p));
    send(&player, PlayerCommand::Play(Box::new(call)));
    packets.for_each(|packet| send(&player, packet));
    assert!(matches!(
        next(&mut events).await,
        PlayerEvent::Started { .. }
    ));
    let mut told = None;
    let how = loop {
        match next(&mut events).await {
            PlayerEvent::Streams { streamed, .. } => told = Some(streamed),
            PlayerEvent::Ended { how, .. } => break how,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(how, How::Finished);
    player_quits(player, events).await;
    let sounded = the_recording(data_dir);
    assert_eq!(sounded.note["how"], "finished");
    (told.expect("how it fared is told before its end"), sounded)
}

#[tokio::test]
async fn packets_without_a_call_are_dropped_and_never_crowd_out_a_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let (player, mut events, _) = player(folder.path());
    let (call, packets) = call(&speech(10, 1.0), 300, 60_000);
    for _ in 0..40 {
        packets
            .iter()
            .for_each(|packet| send(&player, packet.clone()));
    }
    send(&player, PlayerCommand::Play(Box::new(call.clone())));
    for _ in 0..40 {
        packets
            .iter()
            .for_each(|packet| send(&player, packet.clone()));
    }
    let stop = PlayerCommand::Stop {
        playout: call.playout,
        piece: 0,
    };
    send(&player, stop);
    let end = next(&mut events).await;
    assert!(
        matches!(
            end,
            PlayerEvent::Ended {
                how: How::Stopped,
                ..
            }
        ),
        "{end:?}"
    );
    player_quits(player, events).await;
}

async fn player_quits(player: Player, events: Receiver<PlayerEvent>) {
    drop(events);
    tokio::task::spawn_blocking(move || player.quit())
        .await
        .expect("quits");
}
