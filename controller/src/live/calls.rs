//! The live calls that are on now: at most [`MOST`], and one at a time for every pole and priority.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::join_all;
use loa_protocol::{
    bulletin::Priority,
    channel::Channel,
    id::{BulletinId, SpeakerId},
    time::WallTime,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    running::{Command, Frame, Running},
    voice::Spoken,
};
use crate::{
    act::{self, Act},
    audio::Shelf,
    clock::Clock,
    config::LiveConfig,
    engine::EngineHandle,
    logic::{Reading, call::CallEnd},
    speech::Studio,
    store::{Store, UserId},
};

/// Calls at a time.
pub const MOST: usize = 32;
/// Frames and words to one call that wait; more of them are dropped: the phone sends 50 a second.
const WAITING: usize = 256;

/// What a call needs of the office.
#[derive(Debug)]
pub struct Desk {
    pub store: Store,
    pub engine: EngineHandle,
    pub shelf: Shelf,
    pub studio: Arc<Studio>,
    pub clock: Arc<dyn Clock>,
    pub config: LiveConfig,
}

impl Desk {
    pub(super) fn folder(&self) -> PathBuf {
        self.store.data_dir().join("calls")
    }

    pub(super) fn recording(&self, id: &BulletinId) -> PathBuf {
        self.folder().join(format!("{id}.ogg"))
    }
}

/// Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Calls {
    pub(super) desk: Arc<Desk>,
    on: Arc<Mutex<HashMap<BulletinId, OnAir>>>,
    pub(super) tasks: TaskTracker,
    closing: CancellationToken,
    sockets: Arc<AtomicU64>,
}

/// Who speaks, and to whom.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: BulletinId,
    pub by: UserId,
    pub name: String,
    pub since: WallTime,
    /// What is captured before is not said.
    pub speak_at: WallTime,
    /// From mouth to horn.
    pub delay_ms: u32,
    pub priority: Priority,
    pub channels: Vec<Channel>,
    pub speakers: HashSet<SpeakerId>,
}

#[derive(Debug)]
struct OnAir {
    line: Arc<Line>,
    commands: mpsc::Sender<Command>,
    shown: watch::Receiver<Shown>,
}

/// How a call stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The connection of the phone that has the floor.
    pub floor: Option<u64>,
    pub frames: u64,
    pub holes: u64,
    pub ended: Option<CallEnd>,
}

impl Line {
    /// How much longer one may speak, in whole seconds.
    pub fn left_s(&self, now: WallTime, longest_s: u32) -> i64 {
        let ends = self.speak_at.plus_s(i64::from(longest_s));
        ends.since_ms(now).max(0) / 1_000
    }
}

/// Why there is no line.
#[derive(Clone, Debug)]
pub enum Busy {
    /// Somebody else speaks there.
    By(Arc<Line>),
    /// So many calls are on already.
    Full,
}

/// A line that nobody else gets, until it is dropped or the call on it is over.
#[derive(Debug)]
pub struct Held {
    calls: Calls,
    line: Arc<Line>,
    parts: Option<(mpsc::Receiver<Command>, watch::Sender<Shown>)>,
}

impl Calls {
    pub fn new(desk: Desk, closing: CancellationToken) -> Self {
        Self {
            desk: Arc::new(desk),
            on: Arc::default(),
            tasks: TaskTracker::new(),
            closing,
            sockets: Arc::default(),
        }
    }

    /// Takes the line, if no call of the same or a higher priority is on for any of these speakers.
    pub fn hold(&self, line: Line) -> Result<Held, Busy> {
        let mut on = self.lock();
        let same = |other: &&OnAir| {
            other.line.priority >= line.priority
                && (!other.line.speakers.is_disjoint(&line.speakers)
                    || other
                        .line
                        .channels
                        .iter()
                        .any(|c| line.channels.contains(c)))
        };
        if let Some(other) = on.values().find(same) {
            return Err(Busy::By(other.line.clone()));
        }
        if on.len() >= MOST {
            return Err(Busy::Full);
        }
        let line = Arc::new(line);
        let (commands, to_it) = mpsc::channel(WAITING);
        let (show, shown) = watch::channel(Shown::default());
        let one = OnAir {
            line: line.clone(),
            commands,
            shown,
        };
        on.insert(line.id.clone(), one);
        Ok(Held {
            calls: self.clone(),
            line,
            parts: Some((to_it, show)),
        })
    }

    /// How many are on now.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// How a call stands that is on now.
    pub fn shown(&self, id: &BulletinId) -> Option<Shown> {
        self.lock().get(id).map(|one| *one.shown.borrow())
    }

    /// Is it on, and did no phone take the floor yet?
    pub fn is_silent(&self, id: &BulletinId) -> bool {
        self.shown(id).is_some_and(|shown| shown.floor.is_none())
    }

    /// A phone takes the floor. `None`: there is no such call any more.
    pub async fn microphone(&self, id: &BulletinId) -> Option<Microphone> {
        let (commands, shown, line) = {
            let on = self.lock();
            let one = on.get(id)?;
            (one.commands.clone(), one.shown.clone(), one.line.clone())
        };
        let socket = self.sockets.fetch_add(1, Ordering::Relaxed);
        commands.send(Command::Microphone { socket }).await.ok()?;
        Some(Microphone {
            socket,
            commands,
            shown,
            line,
        })
    }

    /// Ends a call, in the name of whoever does so; returns when that is written down. `false`: it was not on.
    pub async fn end(&self, id: &BulletinId, why: CallEnd) -> bool {
        self.end_as(id, why, act::current()).await
    }

    /// Ends one whose microphone never came: nobody's doing.
    pub async fn lose(&self, id: &BulletinId) -> bool {
        self.end_as(id, CallEnd::Lost, None).await
    }

    async fn end_as(&self, id: &BulletinId, why: CallEnd, act: Option<Act>) -> bool {
        let Some(commands) = self.lock().get(id).map(|one| one.commands.clone()) else {
            return false;
        };
        let (done, written) = oneshot::channel();
        let end = Command::End { why, act, done };
        commands.send(end).await.is_ok() && written.await.is_ok()
    }

    /// The calls that are on and that any of these hear.
    pub fn heard(&self, channels: &[Channel], speakers: &HashSet<SpeakerId>) -> Vec<Arc<Line>> {
        let heard = |one: &&OnAir| {
            !one.line.speakers.is_disjoint(speakers)
                || one.line.channels.iter().any(|c| channels.contains(c))
        };
        let on = self.lock();
        let heard = on.values().filter(heard);
        heard.map(|one| one.line.clone()).collect()
    }

    /// Ends these calls, and returns when that is written down.
    pub async fn stop(&self, ids: &[BulletinId]) {
        // All at once: none goes on because another takes its time.
        join_all(ids.iter().map(|id| self.end(id, CallEnd::Stopped))).await;
    }

    /// The program ends: waits until every call is over and written down.
    pub async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// A call is on no more.
    pub(super) fn over(&self, id: &BulletinId) {
        self.lock().remove(id);
    }

    pub(super) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BulletinId, OnAir>> {
        // Each change of it is one insertion or removal: a poisoned one is whole.
        self.on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Begins, from `made` on.
    pub fn begin(mut self, made: Reading) {
        let Some((commands, show)) = self.parts.take() else {
            return;
        };
        let (calls, line) = (self.calls.clone(), self.line.clone());
        let running = Running::new(calls, line, commands, show, made);
        self.calls.tasks.spawn(running.run());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.parts.is_some() {
            self.calls.over(&self.line.id);
        }
    }
}

/// The floor of one call.
#[derive(Debug)]
pub struct Microphone {
    pub socket: u64,
    pub shown: watch::Receiver<Shown>,
    pub line: Arc<Line>,
    commands: mpsc::Sender<Command>,
}

impl Microphone {
    /// Hands on 20 ms; a call that is behind drops them.
    pub fn speak(&self, number: u32, captured: WallTime, spoken: Spoken) {
        let frame = Frame {
            socket: self.socket,
            number,
            captured,
            spoken,
        };
        let _ = self.commands.try_send(Command::Frame(frame));
    }
}
