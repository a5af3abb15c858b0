use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use futures_util::future::join_all;
use loa_audio::{ingest, wav};
use loa_protocol::{id::BulletinId, live::FRAME_SAMPLES, playout::OccurrenceId};
use loa_station::testing::OwnStation;

use super::*;
use crate::{audio::apart::Apart, clock::SystemClock};

/// What is not decoded within this does not come any more.
const PATIENCE: Duration = Duration::from_secs(15);
/// A window that is really waited for begins so long from now: time enough to have the station.
const BEGINS_S: i64 = 8;

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

/// The system's clock, and when it was looked at: a relay does so 50 times a second, unless the machine stands still.
#[derive(Debug, Default)]
struct Looks(Mutex<Vec<WallTime>>);

impl Looks {
    fn all(&self) -> Vec<WallTime> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Clock for Looks {
    fn now(&self) -> WallTime {
        let now = SystemClock.now();
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.push(now);
        now
    }
    fn mono_us(&self) -> u64 {
        SystemClock.mono_us()
    }
}

/// One that is told the time, and not run.
fn job(
    index: u16,
    begin: WallTime,
    fallback: Option<PathBuf>,
    relays: &Relays,
    engine: &EngineHandle,
) -> Job<Sent> {
    let work = Work {
        url: "http://127.0.0.1:1/".to_owned(),
        fallback,
        window: Window::new(occurrence(index), begin, 0, 0, 600_000),
        relays: relays.clone(),
        engine: engine.clone(),
        clock: Arc::new(SystemClock),
        stop: CancellationToken::new(),
    };
    let encoder = FrameEncoder::new(Kind::Music).expect("an encoder");
    Job::new(work, encoder, Sent::default())
}

/// One window, as it went.
struct Relayed {
    window: Window,
    sent: Sent,
    /// Those that were seen.
    states: Vec<RelayState>,
    looks: Vec<WallTime>,
}

/// A window that lasts for `seconds`. `seen` is told each new state.
async fn relayed(
    url: String,
    seconds: u64,
    fallback: Option<PathBuf>,
    seen: impl Fn(RelayState),
) -> Relayed {
    let begin = SystemClock.now().plus_s(BEGINS_S);
    let window = Window::new(occurrence(0), begin, 0, 0, seconds * 1_000);
    let (engine, _changes) = EngineHandle::detached();
    let mut notices = engine.notices();
    let relays = Relays::new(true, Apart::here()).expect("relays");
    let clock = Arc::new(Looks::default());
    let work = Work {
        url,
        fallback,
        window: window.clone(),
        relays: relays.clone(),
        engine,
        clock: clock.clone(),
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
                if let Some(state) = state.filter(|state| states.last() != Some(state)) {
                    states.push(state);
                    seen(state);
                }
            }
        }
    }
    assert_eq!(relays.standing(&window.bulletin), None);
    Relayed {
        window,
        sent,
        states,
        looks: clock.all(),
    }
}

impl Relayed {
    /// Each frame of the window was sent, once and in its place, but for those that the relay slept through.
    #[track_caller]
    fn is_whole(&self, what: &str) {
        let frames = frames(&self.sent);
        assert!(frames.windows(2).all(|two| two[1].0 > two[0].0), "{what}");
        for (number, captured, _) in &frames {
            assert_eq!(*captured, self.captured(*number), "{what}");
        }
        let places = self.window.number(self.window.end);
        let was_sent = |number: &u32| frames.binary_search_by_key(number, |frame| frame.0).is_ok();
        let missing: Vec<u32> = (0..places).filter(|number| !was_sent(number)).collect();
        println!("{what}: of {places} frames these are missing: {missing:?}");
        // The last two may be due only when it is over.
        let is_excused = |number: &u32| number + 2 >= places || self.slept_through(*number);
        assert!(
            missing.iter().all(is_excused),
            "{what}: {missing:?} are missing, and it was awake"
        );
        assert!(
            frames.len() * 2 > places as usize,
            "{what}: it slept nearly all the time"
        );
    }

    /// Whoever stands still for more than a second goes on at the present; and what is due when the window ends is not sent any
    /// more.
    fn slept_through(&self, number: u32) -> bool {
        let captured = self.captured(number);
        self.looks.windows(2).any(|two| {
            let stood_us = two[1].since_us(two[0]);
            // It sends at the look before or after.
            let (from, to) = (two[0].plus_us(-2 * FRAME_US), two[1].plus_us(2 * FRAME_US));
            let jumps = to.since_us(from) > 1_000_000;
            let ends = stood_us > 2 * FRAME_US && to >= self.window.end;
            (jumps || ends) && from < captured && captured < to
        })
    }

    fn captured(&self, number: u32) -> WallTime {
        self.window.begin.plus_us(i64::from(number) * FRAME_US)
    }
}

fn frames(sent: &Sent) -> Vec<(u32, WallTime, usize)> {
    sent.frames.lock().expect("whole").clone()
}

/// Two seconds of a tone, as the office keeps what it is given.
fn two_seconds(folder: &Path) -> PathBuf {
    let (recording, content) = (folder.join("a.wav"), folder.join("content"));
    let tone: Vec<f32> = (0..96_000).map(|n| (n as f32 * 0.06).sin() * 0.3).collect();
    wav::write_mono_s16(&recording, 48_000, &tone).expect("written");
    ingest::canonicalise(
        &recording,
        Some("wav"),
        &content,
        loa_audio::Limits::default(),
    )
    .expect("canonical");
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_sent_from_the_first_frame_of_its_window_to_the_last() {
    let own = OwnStation::start().expect("a station");
    let paths = ["/mp3", "/packed.m3u8"];
    let all = join_all(paths.map(|path| relayed(own.url(path), 3, None, |_| {}))).await;
    for (path, relayed) in paths.iter().zip(all) {
        relayed.is_whole(path);
        let frames = frames(&relayed.sent);
        let bytes: usize = frames.iter().map(|(_, _, bytes)| bytes).sum();
        assert!(bytes / frames.len() > 20, "{path}: it is silent");
        let end = *relayed.sent.end.lock().expect("whole");
        assert_eq!(end, Some((150, relayed.window.end)), "{path}");
        let states = relayed.states;
        assert!(states.contains(&RelayState::OnAir), "{path}: {states:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_chosen_stands_in_for_a_station_that_is_away() {
    let own = OwnStation::start().expect("a station");
    own.goes_away(true);
    let folder = tempfile::tempdir().expect("a folder");
    let content = two_seconds(folder.path());
    let Relayed {
        sent, mut states, ..
    } = relayed(own.url("/mp3"), 8, Some(content), |_| {}).await;
    // The last word is seen, or is gone already.
    states.retain(|state| *state != RelayState::Over);
    let frames = frames(&sent);
    assert!((98..=101).contains(&frames.len()), "{}", frames.len());
    // After three seconds; but one that stood still sends what it owes, a second of it at the most, as things stand when it goes on.
    assert!(frames[0].0 >= 100, "{}", frames[0].0);
    let expected = [
        RelayState::Connecting,
        RelayState::Fallback,
        RelayState::Silent,
    ];
    assert!(states.ends_with(&expected), "{states:?}");
}

/// Sends what is due at a told time, which stands still until what stands in is decoded.
async fn send_decoded(job: &mut Job<Sent>, now: WallTime) {
    let (due, next, sent) = (job.due, job.next, frames(&job.sink).len());
    loop {
        job.send(now);
        let is_owed = job.relay.sends(now) == Sends::Fallback && frames(&job.sink).len() == sent;
        if !is_owed {
            return;
        }
        (job.due, job.next) = (due, next);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_stands_in_begins_after_three_seconds_without_the_station_and_sounds_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = two_seconds(folder.path());
    let (engine, _changes) = EngineHandle::detached();
    let relays = Relays::new(true, Apart::here()).expect("relays");
    let begin = SystemClock.now();
    let mut job = job(0, begin, Some(content), &relays, &engine);
    let mut states = Vec::new();
    for ms in (0..6_000).step_by(20) {
        let now = begin.plus_ms(ms);
        job.relay.tick(0, now);
        let sending = tokio::time::timeout(PATIENCE, send_decoded(&mut job, now));
        sending.await.expect("it is decoded");
        let (state, since, changed) = job.relay.stands(now);
        states.extend(changed.then_some((state, since.since_ms(begin))));
    }
    let frames = frames(&job.sink);
    assert!((98..=101).contains(&frames.len()), "{}", frames.len());
    // The frame that is whole at three seconds.
    assert_eq!(frames[0].0, 149);
    assert!(frames.windows(2).all(|two| two[1].0 == two[0].0 + 1));
    let sounded_ms = 20 * frames.len() as i64;
    let expected = [
        (RelayState::Connecting, 0),
        (RelayState::Fallback, 3_000),
        (RelayState::Silent, 3_000 + sounded_ms),
    ];
    assert_eq!(states, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_is_taken_up_again() {
    let own = OwnStation::start().expect("a station");
    let cut = |state: RelayState| {
        if state == RelayState::OnAir {
            own.hangs_up();
        }
    };
    let relayed = relayed(own.url("/mp3"), 6, None, cut).await;
    // The cushion lasts longer than the cut.
    relayed.is_whole("a cut line");
    let states = relayed.states;
    assert!(!states.contains(&RelayState::Silent), "{states:?}");
    assert!(own.asked() >= 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_is_followed_and_no_number_is_sent_twice() {
    let (engine, _changes) = EngineHandle::detached();
    let relays = Relays::new(true, Apart::here()).expect("relays");
    let begin = SystemClock.now();
    let mut job = job(0, begin, None, &relays, &engine);
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
    let mut on = job(0, now.plus_s(-595), None, &relays, &engine);
    let mut near = job(1, now.plus_s(5), None, &relays, &engine);
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
