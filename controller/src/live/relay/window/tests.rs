use std::sync::{Mutex, PoisonError};

use loa_audio::{ingest, wav};
use loa_protocol::{id::BulletinId, live::FRAME_SAMPLES, playout::OccurrenceId};
use loa_station::testing::OwnStation;

use super::*;
use crate::{audio::apart::Apart, clock::SystemClock};

/// What was sent: numbers, times and bytes; and how it ended.
#[derive(Clone, Debug, Default)]
struct Sent {
    frames: Arc<Mutex<Vec<(u32, WallTime, usize)>>>,
    end: Arc<Mutex<Option<(u32, WallTime)>>>,
}

impl Sink for Sent {
    fn frame(&mut self, number: u32, captured: WallTime, opus: &[u8]) {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        frames.push((number, captured, opus.len()));
    }
    fn end(self, number: u32, at: WallTime) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, at));
    }
}

fn occurrence(index: u16) -> OccurrenceId {
    OccurrenceId {
        bulletin: BulletinId::new("b1").expect("an id"),
        date: jiff::civil::date(2026, 11, 25),
        index,
        repeat: 0,
    }
}

/// One that is told the time, and not run.
fn job(index: u16, begin: WallTime, relays: &Relays, engine: &EngineHandle) -> Job<Sent> {
    let work = Work {
        url: "http://127.0.0.1:1/".to_owned(),
        fallback: None,
        window: Window::new(occurrence(index), begin, 0, 0, 600_000),
        relays: relays.clone(),
        engine: engine.clone(),
        clock: Arc::new(SystemClock),
        stop: CancellationToken::new(),
    };
    let encoder = FrameEncoder::new(Kind::Music).expect("an encoder");
    Job::new(work, encoder, Sent::default())
}

/// A window that begins in two seconds and lasts for `seconds`; what was sent in it, by the states that were seen.
async fn relayed(
    url: String,
    seconds: u64,
    fallback: Option<PathBuf>,
) -> (Window, Sent, Vec<RelayState>) {
    let begin = SystemClock.now().plus_s(2);
    let window = Window::new(occurrence(0), begin, 0, 0, seconds * 1_000);
    let (engine, _changes) = EngineHandle::detached();
    let mut notices = engine.notices();
    let relays = Relays::new(true, Apart::here()).expect("relays");
    let work = Work {
        url,
        fallback,
        window: window.clone(),
        relays: relays.clone(),
        engine,
        clock: Arc::new(SystemClock),
        stop: CancellationToken::new(),
    };
    let sent = Sent::default();
    let mut running = tokio::spawn(work.run(sent.clone()));
    let mut states = Vec::new();
    loop {
        tokio::select! {
            done = &mut running => break done.expect("no panic"),
            _ = notices.recv() => {
                let state = relays.standing(&window.bulletin).map(|standing| standing.state);
                states.extend(state.filter(|state| states.last() != Some(state)));
            }
        }
    }
    assert_eq!(relays.standing(&window.bulletin), None);
    (window, sent, states)
}

fn frames(sent: &Sent) -> Vec<(u32, WallTime, usize)> {
    sent.frames.lock().expect("whole").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_sent_from_the_first_frame_of_its_window_to_the_last() {
    let own = OwnStation::start().expect("a station");
    for path in ["/mp3", "/packed.m3u8"] {
        let (window, sent, states) = relayed(own.url(path), 3, None).await;
        let frames = frames(&sent);
        assert!(
            (148..=150).contains(&frames.len()),
            "{path}: {}",
            frames.len()
        );
        for (number, captured, _) in &frames {
            let place_us = i64::from(*number) * FRAME_US;
            assert_eq!(*captured, window.begin.plus_us(place_us));
        }
        assert!(
            frames[0].0 <= 2,
            "{path}: it began with frame {}",
            frames[0].0
        );
        let bytes: usize = frames.iter().map(|(_, _, bytes)| bytes).sum();
        assert!(bytes / frames.len() > 20, "{path}: it is silent");
        let end = *sent.end.lock().expect("whole");
        assert_eq!(end, Some((150, window.end)), "{path}");
        assert!(states.contains(&RelayState::OnAir), "{path}: {states:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_chosen_stands_in_for_a_station_that_is_away() {
    let own = OwnStation::start().expect("a station");
    own.goes_away(true);
    let folder = tempfile::tempdir().expect("a folder");
    let (recording, content) = (folder.path().join("a.wav"), folder.path().join("content"));
    let tone: Vec<f32> = (0..96_000).map(|n| (n as f32 * 0.06).sin() * 0.3).collect();
    wav::write_mono_s16(&recording, 48_000, &tone).expect("written");
    ingest::canonicalise(
        &recording,
        Some("wav"),
        &content,
        loa_audio::Limits::default(),
    )
    .expect("canonical");
    let (_, sent, mut states) = relayed(own.url("/mp3"), 6, Some(content)).await;
    // The last word is seen, or is gone already.
    states.retain(|state| *state != RelayState::Over);
    let frames = frames(&sent);
    // After three seconds, for two.
    assert!((98..=101).contains(&frames.len()), "{}", frames.len());
    assert!((148..=156).contains(&frames[0].0), "{}", frames[0].0);
    let expected = [
        RelayState::Connecting,
        RelayState::Fallback,
        RelayState::Silent,
    ];
    assert!(states.ends_with(&expected), "{states:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_is_taken_up_again() {
    let own = OwnStation::start().expect("a station");
    let cutting = async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        own.goes_away(true);
        tokio::time::sleep(Duration::from_millis(300)).await;
        own.goes_away(false);
    };
    let ((_, sent, states), ()) = tokio::join!(relayed(own.url("/mp3"), 6, None), cutting);
    // The cushion lasts longer than the cut.
    assert!(frames(&sent).len() >= 295, "{}", frames(&sent).len());
    assert!(!states.contains(&RelayState::Silent), "{states:?}");
    assert!(own.asked() >= 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_is_followed_and_no_number_is_sent_twice() {
    let (engine, _changes) = EngineHandle::detached();
    let relays = Relays::new(true, Apart::here()).expect("relays");
    let begin = SystemClock.now();
    let mut job = job(0, begin, &relays, &engine);
    for ms in (10_000..12_000).chain(5_000..7_000).step_by(20) {
        let now = begin.plus_ms(ms);
        job.relay.tick(2_000, now);
        job.cushion.push(Box::new([0.0; FRAME_SAMPLES]), true);
        job.send(now);
    }
    let frames = frames(&job.sink);
    assert!((190..=200).contains(&frames.len()), "{}", frames.len());
    assert!(frames.windows(2).all(|two| two[1].0 == two[0].0 + 1));
    let (_, last, _) = frames[frames.len() - 1];
    assert_eq!(last, begin.plus_ms(6_960));
}

#[tokio::test]
async fn of_two_windows_each_tells_its_own_and_the_one_that_is_on_is_shown() {
    let (engine, _changes) = EngineHandle::detached();
    let mut notices = engine.notices();
    let relays = Relays::new(true, Apart::here()).expect("relays");
    let now = SystemClock.now();
    let mut on = job(0, now.plus_s(-595), &relays, &engine);
    let mut near = job(1, now.plus_s(5), &relays, &engine);
    on.relay.tick(2_000, now);
    for ms in (0..2_000).step_by(20) {
        on.tell(now.plus_ms(ms));
        near.tell(now.plus_ms(ms));
    }
    let told = std::iter::from_fn(|| notices.try_recv().ok()).count();
    assert_eq!((told, relays.count()), (2, 2));
    let shown = |relays: &Relays| {
        let standing = relays.standing(&occurrence(0).bulletin);
        standing.map(|standing| standing.state)
    };
    assert_eq!(shown(&relays), Some(RelayState::OnAir));
    relays.stands(&on.work.window, None);
    assert_eq!(shown(&relays), Some(RelayState::Waiting));
}
