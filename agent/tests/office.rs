//! The whole agent as a process, with an office behind a real broker: from the signed programme to the sound and back.

mod common;

use std::time::Duration;

use common::{
    TRIES,
    office::{
        Office, Pole, audio, bulletin, exit_code, free_port, programme, signal, speaker,
        speaker_config, start_broker,
    },
    recordings, wait_for,
};
use ed25519_dalek::SigningKey;
use loa_agent::clock;
use loa_protocol::{
    bulletin::{Priority, When},
    event::What,
    playout::{Interruption, Outcome},
    time::WallTime,
    topic::Topic,
};

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}
fn outcomes(office: &Office) -> Vec<(String, Outcome)> {
    let ends = office.events.iter().filter_map(|event| match &event.what {
        What::Ended { playout } => {
            Some((playout.id.occurrence.bulletin.to_string(), playout.outcome?))
        }
        _ => None,
    });
    ends.collect()
}
fn starts(office: &Office) -> usize {
    office
        .events
        .iter()
        .filter(|e| matches!(e.what, What::Started { .. }))
        .count()
}
fn channel() -> Topic {
    Topic::Programme("area.ban-chuong".parse().expect("a channel"))
}

#[tokio::test]
async fn a_bulletin_goes_from_the_office_to_the_sound_and_is_accounted_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let Some(broker) = start_broker(folder.path(), port) else {
        return;
    };
    let pole = Pole::new(folder.path(), port, &key());
    let mut office = Office::open(port, key()).await;
    let mut agent = pole.start();
    let (manifest, bytes, frames) = audio(folder.path(), 1, 2.0);
    office.audio.push((manifest.clone(), bytes));
    office
        .say(Topic::Config(speaker()), &speaker_config())
        .await;
    let first = bulletin("tin-1", Priority::Ordinary, &manifest, clock::system());
    office
        .say(channel(), &programme(1, vec![first.clone()]))
        .await;
    office
        .serve_until("the bulletin to be over", |office| {
            outcomes(office).len() == 1
        })
        .await;
    assert_eq!(outcomes(&office), [("tin-1".into(), Outcome::Completed)]);
    let [sounded] = &recordings(&pole.wav())[..] else {
        panic!("one recording")
    };
    assert_eq!(sounded.frames, frames, "what was sounded is what was sent");
    assert_eq!(sounded.note["title"], "Bản tin tin-1");

    // Now it holds the audio. What is planned sounds with the broker gone, and is told when it is back. A machine that stood
    // still for longer than a start is prepared for begins late, and the note says so: then another one is planned.
    let (mut bulletins, mut broker) = (vec![first], Some(broker));
    for round in 1..=TRIES {
        let planned_s = clock::system().plus_s(8).as_millis() / 1_000;
        let planned = WallTime::from_millis(planned_s * 1_000);
        let id = format!("tin-{}", round + 1);
        let mut alone = bulletin(&id, Priority::Ordinary, &manifest, clock::system());
        alone.when = When::At {
            at: planned.plus_s(7 * 3600).to_string()[..19].to_owned(),
        };
        bulletins.push(alone);
        let generation = round as u64 + 1;
        office
            .say(channel(), &programme(generation, bulletins.clone()))
            .await;
        office
            .serve_until("the programme to be applied", |office| {
                let status = office.status.as_ref();
                status.is_some_and(|s| s.programmes.values().any(|v| v.generation == generation))
            })
            .await;
        drop(broker.take());
        let is_alone = clock::system() < planned;
        wait_for("the planned bulletin to be over", || {
            let all = recordings(&pole.wav());
            all.get(round)
                .is_some_and(|r| r.note["how"] == "finished")
                .then_some(())
        });
        let sounded = &recordings(&pole.wav())[round];
        let late_ms = sounded.error_ms();
        assert!(late_ms >= 0.0, "{late_ms} ms after its plan: never early");
        broker = start_broker(folder.path(), port);
        let events = std::mem::take(&mut office.events);
        office = Office::open(port, key()).await;
        office.events = events;
        office
            .serve_until("the report of what sounded alone", |office| {
                outcomes(office).len() == round + 1
            })
            .await;
        assert_eq!(outcomes(&office)[round], (id, Outcome::Completed));
        assert_eq!(starts(&office), round + 1);
        if is_alone && late_ms < 20.0 {
            break;
        }
        let how = format!(
            "broker gone before the plan: {is_alone}; {late_ms} ms after the plan; stood still: {:?}",
            sounded.stood_still()
        );
        assert!(round < TRIES, "{how}");
        println!("{how}: again");
    }

    // The commands of the person at the pole.
    let shown = pole.command("status").output().expect("runs");
    let text = String::from_utf8(shown.stdout).expect("text");
    assert!(
        shown.status.success() && text.contains("connected") && text.contains("nothing planned"),
        "{text}"
    );
    let mut twice = pole.start();
    assert_eq!(
        exit_code(&mut twice, Duration::from_secs(20)),
        Some(75),
        "one agent on one store"
    );
    signal(&agent, libc::SIGTERM);
    assert_eq!(exit_code(&mut agent, Duration::from_secs(20)), Some(0));
    office
        .serve_until("its good-bye", |office| {
            office.status.as_ref().is_some_and(|s| !s.online)
        })
        .await;
    let shown = pole.command("status").output().expect("runs");
    assert_eq!(shown.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&shown.stdout).contains("not running"));
}

#[tokio::test]
async fn a_power_cut_in_the_middle_is_reported_and_nothing_sounds_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let Some(_broker) = start_broker(folder.path(), port) else {
        return;
    };
    let pole = Pole::new(folder.path(), port, &key());
    let mut office = Office::open(port, key()).await;
    let agent = pole.start();
    let (manifest, bytes, frames) = audio(folder.path(), 2, 15.0);
    office.audio.push((manifest.clone(), bytes));
    office
        .say(Topic::Config(speaker()), &speaker_config())
        .await;
    let first = bulletin("tin", Priority::Ordinary, &manifest, clock::system());
    office.say(channel(), &programme(1, vec![first])).await;
    office
        .serve_until("its start", |office| starts(office) == 1)
        .await;
    wait_for("a second of sound", || {
        let all = recordings(&pole.wav());
        all.first()
            .is_some_and(|r| r.frames.len() > 48_000)
            .then_some(())
    });
    signal(&agent, libc::SIGKILL);
    drop(agent);
    let [cut] = &recordings(&pole.wav())[..] else {
        panic!("one recording")
    };
    assert_eq!(
        cut.frames,
        frames[..cut.frames.len()],
        "a killed program leaves a readable file"
    );

    let _agent = pole.start();
    office
        .serve_until("the report of the cut", |office| {
            outcomes(office).len() == 1
        })
        .await;
    assert_eq!(
        outcomes(&office),
        [("tin".into(), Outcome::Interrupted(Interruption::PowerCut))]
    );
    let boots = office
        .events
        .iter()
        .filter(|e| matches!(e.what, What::Booted { .. }))
        .count();
    assert_eq!((boots, starts(&office)), (2, 1));
    assert_eq!(recordings(&pole.wav()).len(), 1);
}

#[tokio::test]
async fn an_emergency_cuts_in_and_the_bulletin_goes_on_two_seconds_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let Some(_broker) = start_broker(folder.path(), port) else {
        return;
    };
    let pole = Pole::new(folder.path(), port, &key());
    let mut office = Office::open(port, key()).await;
    let _agent = pole.start();
    let (long, long_bytes, frames) = audio(folder.path(), 3, 15.0);
    let (short, short_bytes, alarm) = audio(folder.path(), 4, 1.0);
    office
        .audio
        .extend([(long.clone(), long_bytes), (short.clone(), short_bytes)]);
    office
        .say(Topic::Config(speaker()), &speaker_config())
        .await;
    let ordinary = bulletin("tin", Priority::Ordinary, &long, clock::system());
    office
        .say(channel(), &programme(1, vec![ordinary.clone()]))
        .await;
    wait_for_sound(&mut office, &pole, 2.5 * 48_000.0).await;
    let mut emergency = bulletin("khan", Priority::Emergency, &short, clock::system());
    emergency.lateness_s = None;
    office
        .say(channel(), &programme(2, vec![ordinary, emergency]))
        .await;
    office
        .serve_until("both to be over", |office| outcomes(office).len() == 2)
        .await;
    let [first, second, third] = &recordings(&pole.wav())[..] else {
        panic!("three pieces")
    };
    assert_eq!(second.frames, alarm);
    let cut = first.frames.len();
    assert_eq!(first.frames[..cut - 480], frames[..cut - 480]);
    let resumed_ms = third.note["from_ms"].as_u64().expect("a number");
    assert_eq!(resumed_ms, (cut as u64 / 48).saturating_sub(2_000));
    assert_eq!(
        third.frames[480..],
        frames[resumed_ms as usize * 48 + 480..]
    );
}

async fn wait_for_sound(office: &mut Office, pole: &Pole, frames: f64) {
    office
        .serve_until("its start", |office| starts(office) == 1)
        .await;
    wait_for("some seconds of sound", || {
        let all = recordings(&pole.wav());
        all.first()
            .is_some_and(|r| r.frames.len() as f64 > frames)
            .then_some(())
    });
}
