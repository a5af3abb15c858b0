//! The office's one loop: line, logic, database, and the changes that come from the HTTP side.
//!
//! It decides nothing: what comes in becomes an `Input`, what the logic answers is carried out. Everything that can wake
//! it stands in `Engine::run`. It never waits for the line or the database: `loader` reads, `writer` writes and
//! `blocks` reads audio, each behind a bounded queue.

mod blocks;
mod handle;
mod loader;
mod renewer;
mod writer;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use loa_protocol::id::SpeakerId;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    broker::{Roster, SpeakerTokens},
    clock::Clock,
    link::{Link, LinkEvent, LinkOptions},
    logic::{Effect, Input, LogLine, Office, Settings},
    pki::Authority,
    store::{Store, StoreError},
};

pub use handle::{Change, EngineHandle, Seen, Urgent};

use blocks::BlockReader;
use handle::SpeakerView;
use loader::Loader;
use renewer::Renewer;
use writer::{Job, Newest, Writer};

/// Inputs from database and disk that the loop has not looked at; then those who read wait.
const INPUTS: usize = 1_024;
/// Presence changes kept while the writer is behind; the oldest goes first.
const LATE: usize = 10_000;
/// How often the counts in the view are renewed.
const BEAT: Duration = Duration::from_secs(1);
/// How long the end waits for what is still to be written.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// What an engine is started with.
#[derive(Debug)]
pub struct EngineOptions {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub link: LinkOptions,
    /// Kept as the database has them; the embedded broker looks at the same table.
    pub tokens: SpeakerTokens,
    /// The certificates that hold, likewise.
    pub roster: Roster,
    /// Who signs them; `None`: nobody does, and no speaker gets its next one.
    pub authority: Option<Authority>,
    pub bytes_per_s: u32,
    pub reconnect_jitter_s: u16,
}

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    handle: EngineHandle,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Engine {
    /// Reads everything, then begins to connect: the first words to the broker are complete.
    pub async fn start(options: EngineOptions) -> Result<Self, StoreError> {
        let EngineOptions {
            store,
            clock,
            link,
            tokens,
            roster,
            authority,
            bytes_per_s,
            reconnect_jitter_s,
        } = options;
        let office = store.office();
        let settings = Settings {
            bytes_per_s,
            reconnect_jitter_s,
            ..Settings::new(
                office.epoch,
                store.next_head_generation().await?,
                office.key.clone(),
            )
        };
        let office = Office::new(settings, store.acked().await?);
        let (handle, changes) = EngineHandle::detached();
        handle.write(|view| view.started = Some(clock.now()));
        let (inputs, inputs_out) = mpsc::channel(INPUTS);
        let (jobs, jobs_out) = mpsc::channel(writer::JOBS);
        let mut loader = Loader::new(store.clone(), tokens, roster, changes, inputs.clone());
        let first = loader.read_everything().await?;
        let stop = CancellationToken::new();
        let (link, events) = Link::start(link);
        // Set once: the handle was made above.
        let _ = handle.live.set(link.live_sender());
        let statuses = Newest::default();
        let state = Loop {
            blocks: BlockReader::start(store.clone(), link.block_sender(), inputs.clone()),
            renewer: Renewer::start(
                store.clone(),
                authority,
                clock.clone(),
                handle.clone(),
                inputs.clone(),
            ),
            office,
            link,
            clock,
            handle: handle.clone(),
            jobs,
            statuses: statuses.clone(),
            late: VecDeque::new(),
            broken: 0,
        };
        let task = tokio::spawn(state.run(Sources {
            first,
            events,
            inputs: inputs_out,
            writer: tokio::spawn(Writer::new(store, inputs, statuses).run(jobs_out)),
            loader: tokio::spawn(loader.run()),
            stop: stop.clone(),
        }));
        Ok(Self { handle, stop, task })
    }

    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// Writes what is still to be written and says goodbye to the broker; takes some seconds at most.
    pub async fn stop(self) {
        self.stop.cancel();
        // Fails only when the loop panicked, and then it has ended too.
        let _ = self.task.await;
    }
}

/// Where inputs come from.
struct Sources {
    first: Vec<Input>,
    events: mpsc::Receiver<LinkEvent>,
    inputs: mpsc::Receiver<Input>,
    writer: JoinHandle<()>,
    loader: JoinHandle<()>,
    stop: CancellationToken,
}

/// Where effects go.
struct Loop {
    office: Office,
    link: Link,
    clock: Arc<dyn Clock>,
    handle: EngineHandle,
    jobs: mpsc::Sender<Job>,
    statuses: Newest,
    /// Presence changes that found no room in `jobs`.
    late: VecDeque<Job>,
    blocks: BlockReader,
    renewer: Renewer,
    /// Tries to connect since the line was last up.
    broken: u32,
}

impl Loop {
    async fn run(mut self, mut sources: Sources) {
        for input in sources.first.drain(..) {
            self.take(input);
        }
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let deadline = self.office.next_deadline();
            let wait =
                deadline.map(|at| Duration::from_micros(at.saturating_sub(self.clock.mono_us())));
            let input = tokio::select! {
                event = sources.events.recv() => match event {
                    Some(event) => self.heard(event),
                    None => {
                        tracing::error!("the line's task has ended");
                        break;
                    }
                },
                Some(input) = sources.inputs.recv() => input,
                () = tokio::time::sleep(wait.unwrap_or(BEAT)), if wait.is_some() => Input::Tick,
                _ = beat.tick() => {
                    let figures = self.office.figures().clone();
                    self.handle.write(|view| view.figures = figures);
                    continue;
                }
                () = sources.stop.cancelled() => break,
            };
            self.take(input);
        }
        sources.loader.abort();
        self.take(Input::Shutdown);
        self.link.stop().await;
        // The writer ends when nobody can give it more.
        drop(self.jobs);
        if tokio::time::timeout(LAST_WRITES, sources.writer)
            .await
            .is_err()
        {
            tracing::warn!(
                "the database took too long; what speakers were not told is kept, they send again"
            );
        }
    }

    fn heard(&mut self, event: LinkEvent) -> Input {
        match event {
            LinkEvent::Connected => {
                tracing::info!("connected to the broker");
                self.broken = 0;
                let now = self.clock.now();
                self.handle.write(|view| view.line_up_since = Some(now));
                Input::Connected
            }
            LinkEvent::Disconnected { reason } => {
                self.broken = self.broken.saturating_add(1);
                // A broker that is away for a night is not told of every ten seconds.
                if self.broken.is_power_of_two() {
                    tracing::warn!(reason, tries = self.broken, "no connection to the broker");
                }
                self.handle.write(|view| view.line_up_since = None);
                Input::Disconnected
            }
            LinkEvent::Message { topic, payload } => Input::Message { topic, payload },
        }
    }

    /// One input and all that follows from it.
    fn take(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            if let Input::Config(config) = &input {
                self.look_at(&config.speaker.clone());
            }
            let removed = match &input {
                Input::SpeakerRemoved(speaker) => Some(speaker.clone()),
                _ => None,
            };
            for effect in self.office.handle(input, self.clock.reading()) {
                inputs.extend(self.carry_out(effect));
            }
            if let Some(speaker) = removed {
                self.handle
                    .write(|view| drop(view.speakers.remove(&speaker)));
            }
        }
        while let Some(job) = self.late.pop_front() {
            if let Err(error) = self.jobs.try_send(job) {
                self.late.push_front(error.into_inner());
                break;
            }
        }
    }

    /// Returns what is to be told to the logic at once.
    fn carry_out(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Subscribe { filters } => self.link.subscribe(filters),
            Effect::Publish { topic, payload } => self.link.publish(topic, payload),
            Effect::SendBlock { content, index } => self.blocks.send(content, index),
            Effect::Renew { speaker, payload } => self.renewer.renew(speaker, payload),
            Effect::KeyInUse { speaker, key } => self.renewer.in_use(speaker, key),
            Effect::StoreEvents {
                speaker,
                store,
                events,
                received,
            } => {
                let failed = Input::EventsFailed {
                    speaker: speaker.clone(),
                    store: store.clone(),
                };
                let job = Job::Events {
                    speaker,
                    store,
                    events,
                    received,
                };
                // The database is behind; the speaker sends again.
                return self.jobs.try_send(job).is_err().then_some(failed);
            }
            Effect::StoreStatus { status, received } => {
                let speaker = status.speaker.clone();
                self.look_at(&speaker);
                let status = Arc::new(*status);
                self.handle.write(|view| {
                    if let Some(seen) = view.speakers.get_mut(&speaker) {
                        seen.status = Some(status.clone());
                    }
                });
                self.statuses.put(status, received);
            }
            Effect::StorePresence {
                speaker,
                presence,
                at,
            } => {
                self.look_at(&speaker);
                if self.late.len() >= LATE {
                    self.late.pop_front();
                }
                self.late.push_back(Job::Presence {
                    speaker,
                    presence,
                    at,
                });
            }
            // Fails only when nobody listens.
            Effect::Notice(notice) => self.handle.notify(notice),
            Effect::Log(line) => log(&line),
        }
        None
    }

    /// Shows a speaker's presence as the logic has it.
    fn look_at(&mut self, speaker: &SpeakerId) {
        let Some(presence) = self.office.presence(speaker) else {
            return;
        };
        self.handle
            .write(|view| match view.speakers.get_mut(speaker) {
                Some(seen) => seen.presence = presence,
                None => {
                    let seen = SpeakerView {
                        presence,
                        status: None,
                    };
                    view.speakers.insert(speaker.clone(), seen);
                }
            });
    }
}

fn log(line: &LogLine) {
    match line {
        LogLine::Published { .. } => tracing::debug!("{line}"),
        LogLine::Presence { .. } => tracing::info!("{line}"),
        LogLine::LeftOut { .. } | LogLine::Refused { .. } | LogLine::Fault { .. } => {
            tracing::warn!("{line}");
        }
        LogLine::Trouble { .. } => tracing::error!("{line}"),
    }
}
