//! The only loop of the program: whatever can wake it stands in one `select!`. It carries and decides nothing.
//!
//! It never waits for anything else: what it sends is queued or answered at once, so every adapter may wait for it.

use std::{
    collections::VecDeque, fs::File, future::pending, path::PathBuf, sync::Arc, time::Duration,
};

use loa_audio::hearing::amplitude;
use loa_protocol::{status::SpeakerStatus, time::WallTime};
use loa_station::{Reach, Web};
use thiserror::Error;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    AGENT,
    audio::{listener, output, player::Player},
    chance, clock,
    config::Config,
    content::{self, Contents, Request},
    health::{self, StatusFile},
    identity::{
        keeper::{self, Keeper},
        line::KnownTime,
    },
    link::{self, Link, Security},
    logic::{
        Agent, Identity, Pace,
        port::{CertificateNews, CertificateStep, Effect, Input, LogLine, Stored},
    },
    sensors,
    store::{self, Store, StoreError},
};

/// How often the clock and the kernel's word about it are looked at.
const WATCH_CLOCK: Duration = Duration::from_secs(1);
/// How often the free disk is measured.
const MEASURE_DISK: Duration = Duration::from_secs(60);
/// At the end: for the last writes, and then for the good-bye to the broker.
const LAST_WRITES_US: u64 = 2_000_000;
const GOOD_BYE: Duration = Duration::from_secs(1);
/// This program did not exist before (2026-11-23): a clock that shows less was never set.
const BUILT_AFTER: WallTime = WallTime::from_millis(1_795_392_000_000);

#[derive(Debug, Error)]
pub enum RunError {
    #[error("another agent runs on {0}; stop it first, or give this one its own data_dir")]
    InUse(PathBuf),
    #[error("{path}: {source}; check that the folder may be written by this user")]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the system gives no thread or signal: {0}")]
    System(#[from] std::io::Error),
}

/// Why the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By SIGTERM or SIGINT.
    Asked,
    /// The office ordered a restart: whoever looks after the program is to start it again.
    Ordered,
}

/// Runs the speaker until it is asked to end, by a signal or by the office.
///
/// # Errors
/// Only what keeps it from beginning.
pub async fn run(config: &Config) -> Result<Ended, RunError> {
    let folder = |source| RunError::Folder {
        path: config.data_dir.clone(),
        source,
    };
    std::fs::create_dir_all(&config.data_dir).map_err(folder)?;
    let _lock = lock(config)?;
    let (connection, loaded) = store::open(&config.data_dir).await?;
    let (files, contents_held) =
        content::load(&config.data_dir, loaded.progress).map_err(folder)?;
    let (store, mut store_inputs, store_task) = store::start(connection);
    let (contents, mut content_inputs, content_thread) = content::start(files, store.clone())?;
    let output = output::choose(&config.output, &config.speaker);
    let output_name = output.describe();
    tracing::info!(speaker = %config.speaker, store = %loaded.store, run = loaded.boot, output = output_name, "{AGENT} begins");
    let suspects = contents.clone();
    let suspect = Box::new(move |content| drop(suspects.send(Request::Suspect { content })));
    let (ear, mut ear_inputs) = match listener::start(&config.microphone)? {
        Some((ear, inputs)) => (Some(ear), Some(inputs)),
        None => (None, None),
    };
    let (player, mut player_events) = Player::start_heard_by(
        output,
        config.data_dir.clone(),
        suspect,
        ear,
        stations(config),
    )?;

    let identity = Identity {
        speaker: config.speaker.clone(),
        anchor: config.office.anchor(),
        roots: config
            .office
            .identity()
            .map_or_else(Vec::new, |identity| identity.roots.clone()),
        signing: config
            .office
            .identity()
            .map(|identity| identity.key.signing().clone()),
        agent: AGENT.into(),
        output: output_name,
        content_quota_bytes: u64::from(config.content.quota_mb) * 1_000_000,
        seed: chance::seed(),
        built: BUILT_AFTER,
        pace: Pace::default(),
        governor: config.governor.clone(),
        machine_boot: sensors::machine_boot(&config.sensors),
        fetches_relays: config.relay.fetch,
    };
    let stored = Stored {
        store: loaded.store,
        boot: loaded.boot,
        documents: loaded.documents,
        ledger: loaded.ledger,
        events: loaded.events,
        last_event: loaded.last_event,
        contents: contents_held,
        known_time: loaded.known_time,
    };
    let (mut agent, effects) = Agent::new(identity, stored, clock::reading());
    agent.listens_with(
        config.microphone.ear_kind(),
        amplitude(config.microphone.self_test_dbfs as f32),
    );
    let time = Arc::new(KnownTime::default());
    time.set(agent.moment(clock::reading()));
    let (keeper, mut keeper_inputs, security) = match config.office.identity() {
        Some(identity) => {
            agent.is_certified(identity.certificate.life);
            let (keeper, newest, inputs) =
                keeper::start(Arc::clone(identity), config.data_dir.clone());
            let time = Arc::clone(&time);
            let security = Security::Tls {
                identity: newest,
                time,
            };
            (Some(keeper), Some(inputs), security)
        }
        None => (None, None, Security::Plain),
    };
    let (link, mut link_inputs) =
        link::start(&config.office, &config.speaker, will(&agent), security);
    let mut hands = Hands {
        store,
        contents,
        player,
        link,
        keeper,
        status: health::start(&config.data_dir),
        connected: false,
        answers: VecDeque::new(),
        ends_by_itself: false,
    };
    hands.perform(effects);

    let mut readings = sensors::start(config.sensors.clone(), &config.data_dir)?;
    let mut clock_watch = clock::Watch::new(config.clock.source);
    let mut watch_clock = interval(WATCH_CLOCK);
    let mut measure_disk = interval(MEASURE_DISK);
    for timer in [&mut watch_clock, &mut measure_disk] {
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut end_by_us = None;

    loop {
        let due = agent.next_deadline().map(|(mono_us, _reason)| mono_us);
        let input = match hands.answers.pop_front() {
            Some(answer) => answer,
            None => tokio::select! {
                biased;
                _ = terminate.recv() => Input::Shutdown,
                _ = interrupt.recv() => Input::Shutdown,
                Some(input) = store_inputs.recv() => input,
                Some(event) = player_events.recv() => Input::Player(event),
                Some(input) = next_of(&mut ear_inputs) => input,
                () = until(due) => Input::Tick,
                () = until(end_by_us) => Input::Tick,
                _ = watch_clock.tick() => match clock_watch.look() {
                    Some(input) => input,
                    None => continue,
                },
                _ = measure_disk.tick() => match hands.contents.send(Request::Measure) {
                    Some(input) => input,
                    None => continue,
                },
                Some(input) = next_of(&mut keeper_inputs) => input,
                Some(input) = content_inputs.recv() => input,
                Some(input) = readings.recv() => input,
                Some(input) = link_inputs.recv() => input,
            },
        };
        match input {
            Input::Connected => hands.set_connected(true),
            Input::Disconnected => hands.set_connected(false),
            // Asked to end a second time: at once.
            Input::Shutdown if end_by_us.is_some() => break,
            Input::Shutdown => end_by_us = Some(clock::mono_us() + LAST_WRITES_US),
            _ => {}
        }
        let is_renewed = matches!(input, Input::Certificate(CertificateNews::Certified { .. }));
        let effects = agent.handle(input, clock::reading());
        time.set(agent.moment(clock::reading()));
        if is_renewed {
            hands.link.set_will(will(&agent));
        }
        hands.perform(effects);
        if hands.ends_by_itself && end_by_us.is_none() {
            end_by_us = Some(clock::mono_us() + LAST_WRITES_US);
        }
        hands.link.set_jitter_s(agent.reconnect_jitter_s());
        let over = |end_us| agent.is_quiescent() || clock::mono_us() >= end_us;
        if hands.answers.is_empty() && end_by_us.is_some_and(over) {
            break;
        }
    }

    let ended = if hands.ends_by_itself {
        Ended::Ordered
    } else {
        Ended::Asked
    };
    tracing::info!(?ended, "ends");
    let Hands {
        store,
        contents,
        player,
        link,
        ..
    } = hands;
    // The line's task may wait for us to read: read until it is gone.
    tokio::join!(link.close(GOOD_BYE), async {
        while link_inputs.recv().await.is_some() {}
    });
    drop((ear_inputs, player_events, content_inputs, store_inputs));
    let threads = tokio::task::spawn_blocking(move || {
        player.quit();
        drop(contents);
        // Panics were told where they happened.
        let _ = content_thread.join();
    });
    drop(store);
    let closed = timeout(Duration::from_micros(LAST_WRITES_US), async {
        let _ = threads.await;
        let _ = store_task.await;
    });
    if closed.await.is_err() {
        tracing::warn!(
            "the disk did not take the last writes in time; what was told as written is written"
        );
    }
    Ok(ended)
}

/// How stations are fetched, where the operator wants that.
fn stations(config: &Config) -> Option<Web> {
    let reach = match config.relay.private {
        true => Reach::Everywhere,
        false => Reach::Public,
    };
    let agent = concat!("loa-agent/", env!("CARGO_PKG_VERSION"));
    let web = config.relay.fetch.then(|| Web::new(reach, agent))?;
    web.inspect_err(|why| tracing::error!(%why, "no station can be fetched: the office sends them"))
        .ok()
}

/// The running program holds this; `loa-agent status` looks whether somebody does.
fn lock(config: &Config) -> Result<File, RunError> {
    let path = health::lock_path(&config.data_dir);
    let failed = |source| RunError::Folder {
        path: path.clone(),
        source,
    };
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(RunError::InUse(config.data_dir.clone())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// What the broker publishes when the line breaks: true whenever that will be.
fn will(agent: &Agent) -> Vec<u8> {
    agent.seal(&SpeakerStatus {
        online: false,
        at: None,
        sounding: None,
        next: None,
        telemetry: None,
        ..agent.status(clock::reading())
    })
}

/// Waits until the monotonic clock shows `mono_us`; for ever when there is nothing to wait for.
async fn until(mono_us: Option<u64>) {
    match mono_us {
        Some(us) => sleep(Duration::from_micros(us.saturating_sub(clock::mono_us()))).await,
        None => pending().await,
    }
}

/// The next input of something that may not be there.
async fn next_of(inputs: &mut Option<mpsc::Receiver<Input>>) -> Option<Input> {
    match inputs {
        Some(inputs) => inputs.recv().await,
        None => pending().await,
    }
}

/// Everything that can be done.
struct Hands {
    store: Store,
    contents: Contents,
    player: Player,
    link: Link,
    /// `None`: this pole is not enrolled.
    keeper: Option<Keeper>,
    status: watch::Sender<Option<StatusFile>>,
    connected: bool,
    /// What could be answered at once; the loop takes these first. No longer than the effects that led to them.
    answers: VecDeque<Input>,
    /// The logic has ended the run.
    ends_by_itself: bool,
}

impl Hands {
    /// The logic does not tell of this: without a line there is nobody to tell but the person at the pole.
    fn set_connected(&mut self, connected: bool) {
        self.connected = connected;
        self.status.send_if_modified(|file| {
            file.as_mut().is_some_and(|file| {
                file.written = clock::system();
                std::mem::replace(&mut file.connected, connected) != connected
            })
        });
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let answer = self.perform_one(effect);
            self.answers.extend(answer);
        }
    }

    fn perform_one(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Subscribe { filters } => self.link.subscribe(filters),
            Effect::Unsubscribe { filters } => self.link.unsubscribe(filters),
            Effect::Publish { topic, payload } => self.link.publish(topic, payload),
            Effect::Commit { ticket, writes } => return self.store.commit(ticket, writes),
            Effect::StoreBlock {
                content,
                index,
                offset,
                length,
                bytes,
            } => {
                return self.contents.send(Request::Store {
                    content,
                    index,
                    offset,
                    length,
                    bytes,
                });
            }
            Effect::FinishContent { content } => {
                return self.contents.send(Request::Finish { content });
            }
            Effect::EvictContent { content } => {
                return self.contents.send(Request::Evict { content });
            }
            Effect::Player(command) => return self.player.send(command).map(Input::Player),
            Effect::ShowStatus(status) => {
                self.status.send_replace(Some(StatusFile {
                    written: clock::system(),
                    connected: self.connected,
                    status: *status,
                }));
            }
            Effect::Log(line) => log(line),
            Effect::Certificate(CertificateStep::Reconnect) => self.link.renew(),
            Effect::Certificate(step) => return self.keeper.as_ref()?.perform(step),
            Effect::End => self.ends_by_itself = true,
        }
        None
    }
}

/// One line for the operator each.
fn log(line: LogLine) {
    match line {
        LogLine::Playing {
            title,
            priority,
            late_ms,
        } => tracing::info!(title, priority, late_ms, "sounds"),
        LogLine::Over {
            title,
            outcome,
            sounded_ms,
        } => tracing::info!(title, outcome, sounded_ms, "is over"),
        LogLine::Refused { topic, why } => tracing::warn!(topic, why, "a document is not believed"),
        LogLine::Programme {
            channel,
            generation,
            bulletins,
        } => {
            tracing::info!(channel, generation, bulletins, "a new programme");
        }
        LogLine::Root { version } => tracing::info!(version, "a new root is in force"),
        LogLine::ContentReady { content } => tracing::info!(content, "audio is complete"),
        LogLine::Clock { trust, offset_us } => tracing::info!(trust, offset_us, "the clock"),
        LogLine::Certificate { until } => tracing::info!(until, "a new certificate"),
        LogLine::Order { what, became } => tracing::info!(what, became, "an order of the office"),
        LogLine::Trouble { what } => tracing::error!(what, "trouble"),
    }
}
