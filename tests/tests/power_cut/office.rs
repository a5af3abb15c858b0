//! The office's store: every plan, generation, playout and acknowledgement that was told is there, whole changes only.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use loa_controller::{
    clock::Clock,
    store::{
        AudioId, AudioSource, BulletinFilter, NewArea, NewAudio, NewBulletin, NewSpeaker,
        PlayoutFilter, Store,
    },
};
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    channel::Channel,
    content::Manifest,
    event::{Event, What},
    playout::{Outcome, Playout, PlayoutId},
    time::{Trust, WallTime},
};
use loa_tests::power_cut::{
    FOLDER, Marks,
    replay::{Told, replay, states},
    trace,
};
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

/// 2026-11-24T12:00:00+07:00.
const NOON: WallTime = WallTime::from_millis(1_795_496_400_000);
/// Events of a speaker that had no line for long.
const BACKLOG: u64 = 200;

#[derive(Clone, Copy, Debug)]
enum Deed {
    /// The program starts, after a proper end when it ran.
    Open,
    Area,
    Speaker,
    Audio,
    Bulletin(u64),
    Cancel(u64),
    Stop,
    Head,
    /// A playout began, and ended: two events.
    Playout(u64),
    Backlog(u64),
}

/// What is asked of the store, one after the other.
fn deeds() -> Vec<Deed> {
    let mut deeds = vec![
        Deed::Open,
        Deed::Head,
        Deed::Area,
        Deed::Speaker,
        Deed::Audio,
    ];
    for n in 0..6 {
        deeds.extend([Deed::Bulletin(n), Deed::Playout(n)]);
        match n {
            1 => deeds.push(Deed::Cancel(0)),
            2 => deeds.extend([Deed::Open, Deed::Head]),
            3 => deeds.push(Deed::Stop),
            _ => {}
        }
    }
    // So much that the log is folded into the database, and begun again, while the program runs.
    deeds.extend((0..14).map(Deed::Backlog));
    deeds.extend([
        Deed::Bulletin(6),
        Deed::Playout(6),
        Deed::Cancel(5),
        Deed::Head,
    ]);
    deeds
}

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> WallTime {
        NOON
    }
    fn mono_us(&self) -> u64 {
        1_000_000
    }
}

async fn open(folder: &Path) -> Result<Store, String> {
    Store::open(folder, Arc::new(Noon))
        .await
        .map_err(|e| e.to_string())
}

fn channels() -> Vec<Channel> {
    ["area.sang-moc", "speaker.sang-moc-1"]
        .map(|name| name.parse().expect("a channel"))
        .into()
}

fn audio() -> (AudioId, Manifest) {
    let id = AudioId::new("a0123456789abcdef").expect("a good name");
    (id, Manifest::of(&[1; 100_000], 30_000))
}

fn bulletin(n: u64) -> NewBulletin {
    let (audio, manifest) = audio();
    NewBulletin {
        bulletin: Bulletin {
            endorsement: None,
            id: format!("b{n}").parse().expect("a good name"),
            revision: 1,
            title: format!("Bản tin {n}"),
            priority: Priority::Ordinary,
            status: Status::Actual,
            order: 100,
            source: loa_protocol::bulletin::Source::Content(manifest),
            replay: None,
            chime: Chime::Rise,
            volume: 100,
            when: When::At {
                at: format!("2026-11-25T06:0{n}"),
            },
            zone: "Asia/Ho_Chi_Minh".into(),
            repeat: Repeat::default(),
            lateness_s: Some(60),
            on_preempt: OnPreempt::Resume,
            max_duration_s: 600,
            since: NOON,
            valid_until: None,
        },
        audio: Some(audio),
        relay: None,
        targets: channels(),
        skip_holidays: false,
        ask: None,
        supersedes: None,
        made_by: None,
    }
}

fn playout(n: u64, outcome: Option<Outcome>) -> Playout {
    Playout {
        streamed: None,
        id: PlayoutId {
            occurrence: format!("b{n}/2026-11-25/0/0")
                .parse()
                .expect("an occurrence"),
            attempt: 0,
        },
        revision: 1,
        title: format!("Bản tin {n}"),
        priority: Priority::Ordinary,
        status: Status::Actual,
        planned: NOON,
        started: Some(NOON.plus_ms(2)),
        ended: outcome.map(|_| NOON.plus_ms(30_002)),
        error_us: Some(2_000),
        sounded_ms: outcome.map_or(0, |_| 30_000),
        cuts: 0,
        trust: Trust::Synced,
        outcome,
    }
}

/// The events of a deed, numbered as one speaker numbers them.
fn events(deed: Deed) -> Vec<Event> {
    let event = |number, what| Event {
        number,
        at: NOON,
        trust: Trust::Synced,
        what,
    };
    match deed {
        // The last of them comes behind the backlog.
        Deed::Playout(n) => {
            let before = if n < 6 { 2 * n } else { 12 + 14 * BACKLOG };
            let (begun, ended) = (playout(n, None), playout(n, Some(Outcome::Completed)));
            vec![
                event(before + 1, What::Started { playout: begun }),
                event(before + 2, What::Ended { playout: ended }),
            ]
        }
        Deed::Backlog(n) => (1..=BACKLOG)
            .map(|i| {
                let (code, detail) = ("output".into(), "Loa không kêu. ".repeat(60));
                event(12 + n * BACKLOG + i, What::Fault { code, detail })
            })
            .collect(),
        _ => Vec::new(),
    }
}

async fn act(store: &Store, deed: Deed) {
    let speaker = "sang-moc-1".parse().expect("a good name");
    let done = match deed {
        Deed::Open => Ok(()),
        Deed::Area => {
            let name = "Sảng Mộc".into();
            let area = NewArea {
                name,
                ..NewArea::default()
            };
            store.add_area(area, None).await.map(drop)
        }
        Deed::Speaker => {
            let area = "sang-moc".parse().expect("a good name");
            let speaker = NewSpeaker::named("Sảng Mộc 1", area);
            store.add_speaker(speaker, "token", None).await.map(drop)
        }
        Deed::Audio => {
            let (id, manifest) = audio();
            let audio = NewAudio {
                id,
                manifest,
                source: AudioSource::Upload,
                title: "thong-bao.mp3".into(),
                format: "MP3".into(),
                original_bytes: 160_000,
                loudness_lufs: Some(-16.0),
                text: None,
                spoken: None,
                voice: None,
                speed: None,
                made_by: None,
            };
            store.add_audio(audio, None).await.map(drop)
        }
        Deed::Bulletin(n) => store.add_bulletin(bulletin(n), None).await.map(drop),
        Deed::Cancel(n) => {
            let id = bulletin(n).bulletin.id;
            store.cancel_bulletin(&id).await.map(drop)
        }
        Deed::Stop => store.stop(&channels(), NOON).await,
        Deed::Head => store.next_head_generation().await.map(drop),
        Deed::Playout(_) | Deed::Backlog(_) => {
            let events = events(deed);
            let through = store
                .record_events(&speaker, &"s1".parse().expect("a good name"), &events, NOON)
                .await;
            through.map(|through| assert_eq!(Some(through), events.last().map(|e| e.number)))
        }
    };
    done.unwrap_or_else(|e| panic!("{deed:?}: {e}"));
}

/// All that the office would tell a person or a speaker, in words that can be compared.
async fn told_by(store: &Store) -> Result<String, String> {
    let words = async {
        let bulletins = BulletinFilter {
            limit: 1_000,
            ..BulletinFilter::default()
        };
        let playouts = PlayoutFilter {
            limit: 1_000,
            ..PlayoutFilter::default()
        };
        let mut programmes = Vec::new();
        for channel in store.channels().await? {
            programmes.push(store.channel(&channel).await?);
        }
        Ok(format!(
            "{:?}\n{:?}\n{:?}\n{programmes:?}\n{:?}\n{:?}",
            store.areas(None).await?,
            store.speakers().await?,
            store.bulletins(&bulletins).await?,
            store.playouts(&playouts).await?,
            store.acked().await?,
        ))
    };
    words
        .await
        .map_err(|e: loa_controller::store::StoreError| e.to_string())
}

/// What no one is told: is the database whole, and which head was the last?
async fn look(folder: &Path) -> Result<(String, Option<i64>, i64), String> {
    let words = async {
        let mut database = SqliteConnectOptions::new()
            .filename(folder.join("loa.db"))
            .connect()
            .await?;
        let verdict = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut database)
            .await?;
        let head = sqlx::query_scalar("SELECT value FROM office WHERE name = 'head_generation'")
            .fetch_optional(&mut database)
            .await?;
        let events = sqlx::query_scalar("SELECT COUNT(*) FROM events")
            .fetch_one(&mut database)
            .await?;
        database.close().await?;
        Ok((verdict, head, events))
    };
    words.await.map_err(|e: sqlx::Error| e.to_string())
}

/// Everything together. Ends the store.
async fn found(store: Store, folder: &Path) -> Result<String, String> {
    let told = told_by(&store).await?;
    store.close().await;
    let (verdict, head, events) = look(folder).await?;
    if verdict == "ok" {
        Ok(format!("{told}\nhead {head:?}, {events} events"))
    } else {
        Err(verdict)
    }
}

/// Before the first deed, and after each: lived once without any power cut.
fn kept() -> Vec<String> {
    run(async {
        let home = loa_tests::power_cut::scratch();
        let mut kept = Vec::new();
        for deed in [None].into_iter().chain(deeds().into_iter().map(Some)) {
            let store = open(home.path()).await.expect("opens");
            if let Some(deed) = deed {
                act(&store, deed).await;
            }
            kept.push(found(store, home.path()).await.expect("whole"));
        }
        kept
    })
}

#[test]
#[ignore = "runs under strace; the sentences below begin it"]
fn script() {
    let folder = PathBuf::from(env::var_os(FOLDER).expect("where to live"));
    run(async {
        let mut marks = Marks::new(&folder);
        let mut running: Option<Store> = None;
        for (before, deed) in deeds().into_iter().enumerate() {
            marks.begun(before + 1);
            if matches!(deed, Deed::Open) {
                if let Some(store) = running.take() {
                    store.close().await;
                }
                let store = open(&folder).await.expect("opens");
                marks.named(&store.office().public_key());
                running = Some(store);
            }
            act(running.as_ref().expect("open"), deed).await;
            marks.told(before + 1);
        }
        running.expect("open").close().await;
    });
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work)
}

fn check(folder: &Path, told: &Told, kept: &[String]) -> Result<(), String> {
    run(async {
        let store = open(folder).await?;
        let key = store.office().public_key();
        if let Some(named) = &told.named
            && *named != key
        {
            return Err(format!(
                "the office that speakers trust was {named} and is {key}"
            ));
        }
        let found = found(store, folder).await?;
        let may = &kept[told.told..=told.begun];
        if may.contains(&found) {
            return Ok(());
        }
        let end: String = found.chars().rev().take(200).collect();
        let end: String = end.chars().rev().collect();
        Err(format!(
            "deed {} was called done, {} asked for ({:?}); found … {end}",
            told.told,
            told.begun,
            deeds().get(told.begun.max(1) - 1)
        ))
    })
}

#[test]
fn the_office_keeps_every_change_it_was_told_of_and_no_half_ones() {
    let trace = trace::run("office::script", &[]);
    assert!(
        trace::log_restarts(&trace) > 0,
        "the script is too short to see the log folded in"
    );
    let kept = kept();
    replay(&trace, states(), false, |folder, told| {
        check(folder, told, &kept)
    })
    .must_be_whole();
}

/// A test that cannot fail proves nothing.
#[test]
fn a_disk_that_only_says_it_synced_is_noticed() {
    let trace = trace::run("office::script", &[]);
    let kept = kept();
    let replayed = replay(&trace, 500, true, |folder, told| check(folder, told, &kept));
    assert!(!replayed.broken.is_empty(), "500 lies were not noticed");
}
