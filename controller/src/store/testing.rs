//! A store in a folder that goes away, with a clock that stands where the test puts it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    content::Manifest,
    id::{AreaId, SpeakerId},
    time::WallTime,
};
use tempfile::TempDir;

use super::{AudioId, AudioSource, NewArea, NewAudio, NewSpeaker, Store, UserId};
use crate::{chance, clock::Clock};

/// 2026-11-24T12:00:00+07:00, a Tuesday.
pub(crate) const NOON: WallTime = WallTime::from_millis(1_795_496_400_000);

#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn at(wall: WallTime) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(wall.as_micros())))
    }
    pub(crate) fn pass_s(&self, s: i64) {
        self.0.fetch_add(s * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> WallTime {
        WallTime::from_micros(self.0.load(Ordering::Relaxed))
    }
    fn mono_us(&self) -> u64 {
        u64::try_from(self.now().as_micros()).expect("after 1970")
    }
}

pub(crate) struct TestStore {
    pub store: Store,
    pub clock: Arc<TestClock>,
    pub dir: TempDir,
}

impl std::ops::Deref for TestStore {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

pub(crate) async fn empty() -> TestStore {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let clock = TestClock::at(NOON);
    let store = Store::open(dir.path(), clock.clone())
        .await
        .expect("a new store");
    TestStore { store, clock, dir }
}

/// Võ Nhai / Sảng Mộc / Bản Chương (two poles), Khuổi Mèo (one).
pub(crate) async fn village() -> TestStore {
    let store = empty().await;
    for (name, parent) in [
        ("Võ Nhai", None),
        ("Sảng Mộc", Some("vo-nhai")),
        ("Bản Chương", Some("sang-moc")),
        ("Khuổi Mèo", Some("sang-moc")),
    ] {
        let new = NewArea {
            name: name.into(),
            parent: parent.map(area),
            ..NewArea::default()
        };
        store.add_area(new, None).await.expect("an area");
    }
    for (name, at) in [
        ("Bản Chương 1", "ban-chuong"),
        ("Bản Chương 2", "ban-chuong"),
        ("Khuổi Mèo 1", "khuoi-meo"),
    ] {
        let new = NewSpeaker::named(name, area(at));
        store
            .add_speaker(new, &chance::token(), None)
            .await
            .expect("a speaker");
    }
    store
}

pub(crate) fn area(name: &str) -> AreaId {
    name.parse().expect("a good name")
}
pub(crate) fn speaker(name: &str) -> SpeakerId {
    name.parse().expect("a good name")
}

/// Ten seconds of something.
pub(crate) async fn some_audio(store: &Store) -> (AudioId, Manifest) {
    recorded(store, None).await
}

/// The same, of somebody.
pub(crate) async fn audio_of(store: &Store, maker: Option<UserId>) -> AudioId {
    recorded(store, maker).await.0
}

async fn recorded(store: &Store, made_by: Option<UserId>) -> (AudioId, Manifest) {
    let bytes = chance::bytes::<1024>();
    let manifest = Manifest::of(&bytes, 10_000);
    std::fs::write(store.content_path(&manifest.content), bytes).expect("a content file");
    let id = AudioId::new(chance::id('a')).expect("a good name");
    let new = NewAudio {
        id: id.clone(),
        manifest: manifest.clone(),
        source: AudioSource::Upload,
        title: "thong-bao.mp3".into(),
        format: "MP3, 44100 Hz, mono".into(),
        original_bytes: 160_000,
        loudness_lufs: Some(-16.0),
        text: None,
        spoken: None,
        voice: None,
        speed: None,
        made_by,
    };
    store.add_audio(new, None).await.expect("audio");
    (id, manifest)
}

pub(crate) fn bulletin(manifest: Manifest, when: When, now: WallTime) -> Bulletin {
    Bulletin {
        endorsement: None,
        id: chance::id('b').parse().expect("a good name"),
        revision: 1,
        title: "Thông báo họp xóm".into(),
        priority: Priority::Ordinary,
        status: Status::Actual,
        order: 100,
        source: loa_protocol::bulletin::Source::Content(manifest),
        replay: None,
        chime: Chime::Rise,
        volume: 100,
        when,
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: Some(60),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 600,
        since: now,
        valid_until: None,
    }
}
