//! Relays: other stations' programmes in their windows of time. This looks every `LOOK` which windows are on, and runs one task
//! for each; what it decides is in [`logic::relay`](crate::logic::relay).
//!
//! ```text
//! station ─ fetching (thread) ─│ decoding, levelling (fenced process) │─ cushion ─ Opus ─ Air     every 20 ms by the office's clock
//! ```
//! Bounds: [`MAX_RELAYS`] at a time; a further one is not begun, and the log says so.

mod attempt;
mod hearing;
mod standin;
mod window;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ed25519_dalek::SigningKey;
use loa_protocol::{channel::Channel, id::BulletinId, playout::OccurrenceId, time::WallTime};
use loa_station::{Away, Reach, Web};
use tokio::{task::JoinHandle, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::stream_key;
use crate::{
    audio::apart::Apart,
    engine::{Change, EngineHandle},
    http::AppState,
    logic::{
        Notice,
        relay::{RelayPlan, RelayState, Window},
    },
    store::{Kept, StoreError},
};

pub use attempt::{Tried, attempt};
use window::Work;

/// How often it looks which windows are on.
const LOOK: Duration = Duration::from_secs(2);
/// Most windows at a time: each is a connection and a process.
pub const MAX_RELAYS: usize = 8;
/// Most planned starts of one bulletin that are looked at.
const STARTS: usize = 100;

/// How one relay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: RelayState,
    /// Why the station is away, in one word.
    pub detail: Option<&'static str>,
    pub since: WallTime,
}

/// Of each window that is on: when it begins, and how it stands.
type Standings = HashMap<OccurrenceId, (WallTime, Standing)>;

/// What listens to stations, and how those stand that are on. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Relays {
    web: Web,
    apart: Apart,
    standings: Arc<Mutex<Standings>>,
}

impl Relays {
    /// `private`: stations in the office's own network, too.
    pub fn new(private: bool, apart: Apart) -> Result<Self, Away> {
        let reach = if private {
            Reach::Everywhere
        } else {
            Reach::Public
        };
        let agent = concat!("loa-controller/", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            web: Web::new(reach, agent)?,
            apart,
            standings: Arc::default(),
        })
    }

    /// `None`: no window of it is on. Of two, of which one is near while the other ends, the earlier one.
    pub fn standing(&self, bulletin: &BulletinId) -> Option<Standing> {
        let all = self.lock();
        let of_it = all.iter().filter(|(id, _)| id.bulletin == *bulletin);
        let first = of_it.map(|(_, one)| *one).min_by_key(|(begin, _)| *begin);
        first.map(|(_, standing)| standing)
    }

    /// How many windows are on now.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// `true`: it stood otherwise before.
    fn stands(&self, window: &Window, standing: Option<Standing>) -> bool {
        let id = &window.occurrence;
        let mut all = self.lock();
        let before = match standing {
            Some(standing) => all.insert(id.clone(), (window.begin, standing)),
            None => all.remove(id),
        };
        before.map(|(_, before)| before) != standing
    }

    fn lock(&self) -> MutexGuard<'_, Standings> {
        // Each change of it is one call: a poisoned one is whole.
        self.standings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that a window's task goes by; when it changes, the task is begun anew.
#[derive(Clone, Debug, PartialEq)]
struct Spec {
    window: Window,
    plan: RelayPlan,
    channels: Vec<Channel>,
    key: [u8; 32],
}

struct Running {
    spec: Spec,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Until `closing`.
pub async fn run(state: AppState, closing: CancellationToken) {
    let mut running: Vec<Running> = Vec::new();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut refused: Option<BulletinId> = None;
    loop {
        tokio::select! {
            () = closing.cancelled() => break,
            _ = look.tick() => {}
        }
        let on = match on_now(&state).await {
            Ok(on) => on,
            Err(error) => {
                // What is on goes on.
                tracing::warn!(%error, "the relays could not be looked up; trying again");
                continue;
            }
        };
        running.retain(|one| {
            let stays = on.contains(&one.spec);
            if !stays {
                one.stop.cancel();
            }
            stays && !one.task.is_finished()
        });
        for spec in on {
            if running.iter().any(|one| one.spec == spec) || state.clock.now() >= spec.window.end {
                continue;
            }
            if running.len() >= MAX_RELAYS {
                if refused.as_ref() != Some(&spec.window.bulletin) {
                    tracing::error!(bulletin = %spec.window.bulletin,
                        "{MAX_RELAYS} relays are on already: this one is not begun");
                    refused = Some(spec.window.bulletin);
                }
                continue;
            }
            running.extend(begin(&state, spec));
        }
    }
    for one in running {
        one.stop.cancel();
        // It ends at its next step, some milliseconds later.
        let _ = one.task.await;
    }
}

fn begin(state: &AppState, spec: Spec) -> Option<Running> {
    let line = state.engine.live()?;
    let stop = CancellationToken::new();
    let key = SigningKey::from_bytes(&spec.key);
    let bulletin = spec.window.bulletin.clone();
    let air = super::Air::new(line, bulletin, key, spec.channels.clone());
    let fallback = spec.plan.fallback.as_ref();
    let work = Work {
        url: spec.plan.url.clone(),
        fallback: fallback.map(|f| state.store.content_path(&f.content)),
        window: spec.window.clone(),
        relays: state.relays.clone(),
        engine: state.engine.clone(),
        clock: state.clock.clone(),
        stop: stop.clone(),
    };
    Some(Running {
        spec,
        stop,
        task: tokio::spawn(work.run(air)),
    })
}

/// Which windows are to be looked after at this moment.
async fn on_now(state: &AppState) -> Result<Vec<Spec>, StoreError> {
    let office = state.store.office();
    let relays = state.store.relays().await?;
    let fits = |kept: &Kept| {
        let key = stream_key(&office.key, &kept.bulletin.id).verifying_key();
        let stream = kept.bulletin.stream();
        stream.is_some_and(|stream| stream.key == key.to_bytes())
    };
    // The office has another key: the poles are told what they are to believe from now on.
    if !relays.iter().all(|(kept, _)| fits(kept)) {
        let channels = state.store.renew_stream_keys().await?;
        tracing::info!("the relays go with the office's new key from now on");
        state.engine.changed(Change::Channels(channels, None)).await;
        return Ok(Vec::new());
    }
    let now = state.clock.now();
    let mut on = Vec::new();
    for (kept, plan) in relays {
        let key = stream_key(&office.key, &kept.bulletin.id).to_bytes();
        for window in windows(&kept, now) {
            let mut channels = Vec::new();
            for channel in kept.channels() {
                let silence = state.store.channel(&channel).await?.silence_before;
                // Stopped there: nobody hears it any more.
                if silence.is_none_or(|before| window.planned > before) {
                    channels.push(channel);
                }
            }
            if !channels.is_empty() {
                on.push(Spec {
                    window,
                    plan: plan.clone(),
                    channels,
                    key,
                });
            }
        }
    }
    Ok(on)
}

fn windows(kept: &Kept, now: WallTime) -> Vec<Window> {
    let b = &kept.bulletin;
    let Some(stream) = b.stream() else {
        return Vec::new();
    };
    let length_ms = i64::try_from(b.chime.duration_ms() + stream.duration_ms).unwrap_or(0);
    let planned = b.planned(now.plus_ms(-length_ms), now.plus_s(60), STARTS);
    let planned = planned.unwrap_or_default().into_iter();
    planned
        .map(|p| {
            let (chime_ms, delay_ms) = (b.chime.duration_ms(), stream.delay_ms);
            Window::new(p.id, p.at, chime_ms, delay_ms, stream.duration_ms)
        })
        .filter(|window| window.is_on(now))
        .collect()
}

/// Tells whoever watches.
fn notice(engine: &EngineHandle, bulletin: &BulletinId) {
    engine.notify(Notice::Bulletin(bulletin.clone()));
}
