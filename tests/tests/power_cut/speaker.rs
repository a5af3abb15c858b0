//! A speaker's store: what was told as committed is there, whole commits only, and nothing sounds a second time.

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;
use loa_agent::{
    logic::{
        Agent, Identity, Pace,
        port::{
            Effect, HeldContent, How, Input, KernelClock, LedgerRow, PlayerCommand, PlayerEvent,
            Reading, Stored, Write,
        },
    },
    store::{self, Loaded, Request, Store},
};
use loa_protocol::{
    bulletin::{Bulletin, Chime, OnPreempt, Priority, Repeat, Status, When},
    content::{Bitmap, ContentId, Manifest, Sha},
    envelope::seal,
    event::{Event, What},
    playout::{Outcome, Playout, PlayoutId},
    programme::{Programme, Version},
    time::{Trust, WallTime},
    trust::Anchor,
};
use loa_tests::power_cut::{
    FOLDER, Marks,
    replay::{Told, replay, states},
    trace,
};
use sqlx::Connection;

const SPEAKER: &str = "ban-chuong-1";
/// 2026-11-24T12:00:00+07:00.
const NOON: WallTime = WallTime::from_millis(1_795_496_400_000);
const BULLETINS: usize = 6;
/// Of each bulletin's audio: programmes big enough for the store's log to be folded into the database more than once.
const BLOCKS: u32 = 1_000;
const LENGTH: u64 = BLOCKS as u64 * 16_384;
/// How the store's connection syncs in the script; the store's own way when it is not set.
const SYNCHRONOUS: &str = "LOA_POWER_SYNCHRONOUS";

#[derive(Clone, Debug)]
enum Deed {
    /// The program starts, after a proper end when it ran.
    Open,
    Commit(Vec<Write>),
    Block {
        content: ContentId,
        held: Bitmap,
        index: u32,
    },
}

/// The last one is an emergency.
fn bulletin(n: usize) -> Bulletin {
    let emergency = n + 1 == BULLETINS;
    let blocks: Vec<Sha> = (0..BLOCKS).map(|b| Sha::of(&b.to_le_bytes())).collect();
    Bulletin {
        endorsement: None,
        id: format!("tin-{n}").parse().expect("a good name"),
        revision: 1,
        title: format!("Bản tin {n}"),
        priority: if emergency {
            Priority::Emergency
        } else {
            Priority::Ordinary
        },
        status: Status::Actual,
        order: 0,
        replay: None,
        source: loa_protocol::bulletin::Source::Content(Manifest {
            content: Sha::of(&[n as u8]),
            length: LENGTH,
            block_bytes: 16_384,
            duration_ms: 30_000,
            blocks,
        }),
        chime: Chime::None,
        volume: 100,
        when: When::Now {
            at: planned(n),
            date: "2026-11-24".into(),
        },
        zone: "Asia/Ho_Chi_Minh".into(),
        repeat: Repeat::default(),
        lateness_s: Some(3_600),
        on_preempt: OnPreempt::Resume,
        max_duration_s: 600,
        since: NOON.plus_s(-86_400),
        valid_until: Some(NOON.plus_s(7_200)),
    }
}

fn planned(n: usize) -> WallTime {
    NOON.plus_s(n as i64)
}

fn office() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn programme(generation: u64) -> Write {
    let programme = Programme {
        expires: None,
        channel: format!("speaker.{SPEAKER}").parse().expect("a channel"),
        version: Version {
            epoch: 1,
            generation,
        },
        made: NOON.plus_s(-3_600),
        silence_before: None,
        bulletins: (0..BULLETINS).map(bulletin).collect(),
    };
    Write::PutDocument {
        name: format!("programme:speaker.{SPEAKER}"),
        bytes: seal(&programme, &office()),
    }
}

fn row(n: usize, started: bool, outcome: Option<Outcome>) -> LedgerRow {
    let bulletin = bulletin(n);
    LedgerRow {
        playout: Playout {
            streamed: None,
            id: PlayoutId {
                occurrence: format!("tin-{n}/2026-11-24/0/0")
                    .parse()
                    .expect("an occurrence"),
                attempt: 0,
            },
            revision: 1,
            title: bulletin.title,
            priority: bulletin.priority,
            status: Status::Actual,
            planned: planned(n),
            started: started.then(|| planned(n).plus_ms(2)),
            ended: outcome.map(|_| planned(n).plus_ms(30_002)),
            error_us: started.then_some(2_000),
            sounded_ms: outcome.map_or(0, |_| 30_000),
            cuts: 0,
            trust: Trust::Synced,
            outcome,
        },
        place_ms: 0,
        suspended: None,
        begun: None,
    }
}

/// What is asked of the store, one after the other; what stands in one line is asked for without waiting.
fn deeds() -> Vec<Vec<Deed>> {
    let mut number = 0;
    let mut event = |what| {
        number += 1;
        Write::AppendEvent(Event {
            number,
            at: NOON.plus_s(number as i64),
            trust: Trust::Synced,
            what,
        })
    };
    let booted = |boot| What::Booted {
        boot,
        agent: "loa-agent".into(),
        after: None,
    };
    let mut deeds = vec![
        vec![Deed::Open],
        vec![Deed::Commit(vec![event(booted(1))])],
        vec![Deed::Commit(vec![programme(1)])],
    ];
    let mut held = Bitmap::default();
    for n in 0..BULLETINS {
        if n == 3 {
            deeds.push(vec![Deed::Open]);
            deeds.push(vec![Deed::Commit(vec![event(booted(2))])]);
        }
        deeds.push(vec![Deed::Commit(vec![Write::PutLedger(row(
            n, false, None,
        ))])]);
        let started = row(n, true, None);
        let playout = started.playout.clone();
        held.insert(n as u32);
        let begins = Deed::Commit(vec![
            Write::PutLedger(started),
            event(What::Started { playout }),
        ]);
        let block = Deed::Block {
            content: Sha::of(&[99]),
            held: held.clone(),
            index: n as u32,
        };
        let newer = Deed::Commit(vec![programme(2 + 2 * n as u64)]);
        if n % 2 == 0 {
            deeds.push(vec![begins, block, newer]);
        } else {
            deeds.extend([vec![begins], vec![block], vec![newer]]);
        }
        // The last two still sound when the script ends.
        if n + 2 < BULLETINS {
            let ended = row(n, true, Some(Outcome::Completed));
            let playout = ended.playout.clone();
            deeds.push(vec![Deed::Commit(vec![
                Write::PutLedger(ended),
                event(What::Ended { playout }),
            ])]);
        }
        deeds.push(vec![Deed::Commit(vec![
            Write::ForgetEvents {
                through: n as u64 * 2,
            },
            Write::KnownTime(planned(n)),
        ])]);
        // A plan that changes and changes.
        deeds.push(vec![Deed::Commit(vec![programme(3 + 2 * n as u64)])]);
    }
    deeds
}

/// What is to be found after a deed.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kept {
    boots: u64,
    documents: BTreeMap<String, Vec<u8>>,
    ledger: BTreeMap<PlayoutId, LedgerRow>,
    events: BTreeMap<u64, Event>,
    last_event: u64,
    known_time: Option<WallTime>,
    progress: BTreeMap<ContentId, Bitmap>,
}

impl Kept {
    fn take(&mut self, deed: &Deed) {
        match deed {
            Deed::Open => self.boots += 1,
            Deed::Block { content, held, .. } => {
                self.progress.insert(*content, held.clone());
            }
            Deed::Commit(writes) => writes.iter().for_each(|write| self.write(write)),
        }
    }

    fn write(&mut self, write: &Write) {
        match write.clone() {
            Write::PutDocument { name, bytes } => drop(self.documents.insert(name, bytes)),
            Write::RemoveDocument { name } => drop(self.documents.remove(&name)),
            Write::PutLedger(row) => drop(self.ledger.insert(row.playout.id.clone(), row)),
            Write::PruneLedger { planned_before } => {
                self.ledger
                    .retain(|_, row| row.playout.planned >= planned_before);
            }
            Write::AppendEvent(event) => {
                self.last_event = event.number;
                self.events.insert(event.number, event);
            }
            Write::ForgetEvents { through } => {
                self.events.retain(|number, _| *number > through);
                self.last_event = self.last_event.max(through);
            }
            Write::KnownTime(time) => self.known_time = Some(time),
        }
    }

    fn found(loaded: &Loaded) -> Self {
        Self {
            // Opening it to look was a run too.
            boots: loaded.boot - 1,
            documents: loaded.documents.iter().cloned().collect(),
            ledger: loaded
                .ledger
                .iter()
                .map(|row| (row.playout.id.clone(), row.clone()))
                .collect(),
            events: loaded
                .events
                .iter()
                .map(|e| (e.number, e.clone()))
                .collect(),
            last_event: loaded.last_event,
            known_time: loaded.known_time,
            progress: loaded
                .progress
                .iter()
                .map(|p| (p.content, p.held.clone()))
                .collect(),
        }
    }
}

/// Before the first deed, and after each.
fn kept() -> Vec<Kept> {
    let mut kept = vec![Kept::default()];
    for deed in deeds().iter().flatten() {
        let mut next = kept[kept.len() - 1].clone();
        next.take(deed);
        kept.push(next);
    }
    kept
}

#[test]
#[ignore = "runs under strace; the sentences below begin it"]
fn script() {
    let folder = PathBuf::from(env::var_os(FOLDER).expect("where to live"));
    run(live(&folder));
}

async fn live(folder: &Path) {
    let mut marks = Marks::new(folder);
    let mut done = 0;
    let mut running: Option<Running> = None;
    for together in deeds() {
        for place in 1..=together.len() {
            marks.begun(done + place);
        }
        let mut expected = Vec::new();
        for deed in together {
            done += 1;
            match deed {
                Deed::Open => {
                    end(running.take()).await;
                    running = Some(open(folder, &mut marks).await);
                    marks.told(done);
                }
                Deed::Commit(writes) => {
                    let (store, ..) = running.as_ref().expect("open");
                    let ticket = done as u64;
                    assert_eq!(store.commit(ticket, writes), None);
                    expected.push(Input::Committed { ticket });
                }
                Deed::Block {
                    content,
                    held,
                    index,
                } => {
                    let (store, ..) = running.as_ref().expect("open");
                    let (store, length) = (store.clone(), LENGTH);
                    let request = Request::Progress {
                        content,
                        length,
                        held,
                        indexes: vec![index],
                    };
                    let sent = tokio::task::spawn_blocking(move || store.send_blocking(request));
                    assert!(sent.await.expect("sent"));
                    expected.push(Input::BlockStored { content, index });
                }
            }
        }
        let first = done - expected.len();
        for (place, answer) in expected.into_iter().enumerate() {
            let (_, inputs, _) = running.as_mut().expect("open");
            assert_eq!(inputs.recv().await, Some(answer));
            marks.told(first + place + 1);
        }
    }
    end(running).await;
}

type Running = (
    Store,
    tokio::sync::mpsc::Receiver<Input>,
    tokio::task::JoinHandle<()>,
);

async fn open(folder: &Path, marks: &mut Marks) -> Running {
    let (mut connection, loaded) = store::open(folder).await.expect("opens");
    if let Ok(way) = env::var(SYNCHRONOUS) {
        let pragma = sqlx::AssertSqlSafe(format!("PRAGMA synchronous = {way}"));
        sqlx::raw_sql(pragma)
            .execute(&mut connection)
            .await
            .expect("a way to sync");
    }
    marks.named(loaded.store.as_str());
    store::start(connection)
}

async fn end(running: Option<Running>) {
    if let Some((store, inputs, task)) = running {
        drop((store, inputs));
        task.await.expect("the store ends");
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work)
}

/// Opens what is left with the real store, and begins a real run on it.
fn check(folder: &Path, told: &Told, kept: &[Kept]) -> Result<(), String> {
    let loaded = run(look(folder))?;
    if let Some(aside) = &loaded.put_aside {
        return Err(format!("the database was broken and put aside: {aside:?}"));
    }
    if let Some(named) = &told.named
        && *named != loaded.store.to_string()
    {
        return Err(format!("store {named} became {}", loaded.store));
    }
    let found = Kept::found(&loaded);
    if !kept[told.told..=told.begun].contains(&found) {
        return Err(format!(
            "deed {} was called done, {} asked for; found: boots {}, rows {:?}, events {:?} of {}",
            told.told,
            told.begun,
            found.boots,
            found.ledger.keys(),
            found.events.keys(),
            found.last_event
        ));
    }
    let started = &kept[told.told].ledger;
    for sounds in said_after(loaded) {
        let before = started
            .values()
            .find(|row| row.playout.id.occurrence == sounds.occurrence);
        if let Some(row) = before
            && (row.playout.priority != Priority::Emergency || row.playout.id == sounds)
        {
            return Err(format!("{sounds:?} sounds a second time"));
        }
    }
    Ok(())
}

async fn look(folder: &Path) -> Result<Loaded, String> {
    let (mut connection, loaded) = store::open(folder).await.map_err(|e| e.to_string())?;
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut connection)
        .await
        .map_err(|e| e.to_string())?;
    connection.close().await.map_err(|e| e.to_string())?;
    if verdict == "ok" {
        Ok(loaded)
    } else {
        Err(verdict)
    }
}

/// What a speaker says in its next minute that holds all the audio, and wakes up while everything may still start.
fn said_after(loaded: Loaded) -> Vec<PlayoutId> {
    let holds = |n| {
        let bulletin = bulletin(n);
        let manifest = bulletin.manifest().expect("audio");
        let bytes = manifest.length;
        (manifest.content, HeldContent::Complete { bytes })
    };
    let stored = Stored {
        store: loaded.store,
        boot: loaded.boot,
        documents: loaded.documents,
        ledger: loaded.ledger,
        events: loaded.events,
        last_event: loaded.last_event,
        contents: (0..BULLETINS).map(holds).collect(),
        known_time: loaded.known_time,
    };
    let identity = Identity {
        speaker: SPEAKER.parse().expect("a good name"),
        anchor: Anchor::OneKey(office().verifying_key()),
        roots: Vec::new(),
        signing: None,
        agent: "loa-agent".into(),
        output: "nothing".into(),
        content_quota_bytes: 1 << 30,
        seed: 1,
        built: WallTime::EPOCH,
        pace: Pace::default(),
        governor: Default::default(),
        machine_boot: None,
        fetches_relays: false,
    };
    let mut now = 1_000_000;
    let at = |mono_us: u64| Reading {
        mono_us,
        system: NOON.plus_s(60).plus_us(mono_us as i64),
    };
    let (mut agent, effects) = Agent::new(identity, stored, at(now));
    let mut effects = VecDeque::from(effects);
    let mut inputs = VecDeque::from([Input::KernelClock(KernelClock {
        synced: true,
        held: false,
    })]);
    let mut said = Vec::new();
    while now < 61_000_000 {
        match effects.pop_front() {
            Some(Effect::Commit { ticket, .. }) => inputs.push_back(Input::Committed { ticket }),
            Some(Effect::Player(PlayerCommand::Play(play))) => {
                now = now.max(play.start_mono_us);
                let (playout, piece) = (play.playout.clone(), play.piece);
                said.push(play.playout);
                inputs.push_back(Input::Player(PlayerEvent::Started {
                    playout: playout.clone(),
                    piece,
                    at_mono_us: now,
                }));
                inputs.push_back(Input::Player(PlayerEvent::Ended {
                    playout,
                    piece,
                    at_mono_us: now,
                    place_ms: play.until_ms,
                    how: How::Finished,
                }));
            }
            Some(_) => {}
            None => {
                let input = inputs.pop_front().unwrap_or_else(|| {
                    let deadline = agent.next_deadline().map_or(u64::MAX, |(at, _)| at);
                    now = now.max(deadline);
                    Input::Tick
                });
                effects.extend(agent.handle(input, at(now)));
            }
        }
    }
    said
}

#[test]
fn a_speaker_keeps_every_commit_it_was_told_of_and_never_starts_twice() {
    let trace = trace::run("speaker::script", &[]);
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

/// A test that cannot fail proves nothing: with less syncing, rows that were told are lost.
#[test]
fn a_store_that_does_not_sync_each_commit_is_noticed() {
    for way in ["NORMAL", "OFF"] {
        let trace = trace::run("speaker::script", &[(SYNCHRONOUS, way)]);
        let kept = kept();
        let replayed = replay(&trace, 1_000, false, |folder, told| {
            check(folder, told, &kept)
        });
        let broken = replayed.broken.first();
        let broken = broken.unwrap_or_else(|| panic!("{way} was not noticed"));
        println!(
            "{way}: step {}, {:?}: {}",
            broken.cut, broken.fate, broken.why
        );
    }
}

/// Nor does "nothing sounds twice" prove anything of a speaker that says nothing.
#[test]
fn without_its_ledger_a_speaker_would_say_it_all() {
    let mut kept = kept().pop().expect("a last one");
    kept.ledger.clear();
    let said = said_after(Loaded {
        store: "store-1".parse().expect("a good name"),
        boot: 3,
        documents: kept.documents.into_iter().collect(),
        ledger: Vec::new(),
        events: Vec::new(),
        last_event: kept.last_event,
        known_time: kept.known_time,
        progress: Vec::new(),
        put_aside: None,
    });
    assert_eq!(said.len(), BULLETINS, "{said:?}");
}
