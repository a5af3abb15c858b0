//! Writes what speakers said into the database, one transaction after the other, and tells when it is there.
//!
//! Bounds: [`JOBS`] wait; beyond that the engine leaves events to be sent again. Of each speaker the newest status alone
//! waits in [`Newest`], and all of them are written together every [`FLUSH`]: however many come in, the last is kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use loa_protocol::{
    event::Event,
    id::{SpeakerId, StoreId},
    status::SpeakerStatus,
    time::WallTime,
};
use tokio::sync::mpsc;

use crate::{
    logic::{
        Input, Presence,
        hours::{Hour, Hours, hour_of},
    },
    store::Store,
};

pub(super) const JOBS: usize = 2_048;
const FLUSH: Duration = Duration::from_secs(1);
/// Rows of telemetry in one flush.
const ROWS: usize = 2_000;
/// Rows that are kept while the database cannot be written; then the oldest go.
const ROWS_KEPT: usize = 50_000;

#[derive(Debug)]
pub(super) enum Job {
    Events {
        speaker: SpeakerId,
        store: StoreId,
        events: Vec<Event>,
        received: WallTime,
    },
    Presence {
        speaker: SpeakerId,
        presence: Presence,
        at: WallTime,
    },
}

/// A status, and when it came in.
type Told = (Arc<SpeakerStatus>, WallTime);

/// The newest status of each speaker that is not in the database yet; one for each speaker that the office has.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest {
    statuses: Arc<Mutex<HashMap<SpeakerId, Told>>>,
}

impl Newest {
    pub(super) fn put(&self, status: Arc<SpeakerStatus>, received: WallTime) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.insert(status.speaker.clone(), (status, received));
    }

    fn take(&self) -> Vec<Told> {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *statuses).into_values().collect()
    }
}

pub(super) struct Writer {
    store: Store,
    inputs: mpsc::Sender<Input>,
    statuses: Newest,
    hours: Hours,
    /// Rows of the history that wait for a flush: at most [`ROWS_KEPT`] while the database is in trouble.
    rows: Vec<Hour>,
    /// The hour in which those that fell silent were looked for.
    swept: i64,
}

impl Writer {
    pub(super) fn new(store: Store, inputs: mpsc::Sender<Input>, statuses: Newest) -> Self {
        Self {
            store,
            inputs,
            statuses,
            hours: Hours::default(),
            rows: Vec::new(),
            swept: 0,
        }
    }

    /// Ends, all written, when nobody can give it more.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut flush = tokio::time::interval(FLUSH);
        flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                job = jobs.recv() => match job {
                    Some(job) => self.write(job).await,
                    None => break,
                },
                _ = flush.tick() => self.flush().await,
            }
        }
        self.flush().await;
        self.rows.extend(self.hours.end());
        while !self.rows.is_empty() {
            let left = self.rows.len();
            self.flush().await;
            if self.rows.len() >= left {
                break;
            }
        }
    }

    async fn write(&mut self, job: Job) {
        match job {
            Job::Events {
                speaker,
                store,
                events,
                received,
            } => {
                let stored = self
                    .store
                    .record_events(&speaker, &store, &events, received)
                    .await;
                let told = match stored {
                    Ok(through) => Input::EventsStored {
                        speaker,
                        store,
                        through,
                    },
                    Err(error) => {
                        tracing::error!(%speaker, %error, "events not stored; the speaker keeps them");
                        Input::EventsFailed { speaker, store }
                    }
                };
                // Fails only while the engine ends; the speaker then sends again.
                let _ = self.inputs.send(told).await;
            }
            Job::Presence {
                speaker,
                presence,
                at,
            } => {
                if let Err(error) = self.store.record_presence(&speaker, presence, at).await {
                    tracing::error!(%speaker, %presence, %error, "presence not stored");
                }
            }
        }
    }

    async fn flush(&mut self) {
        let statuses = self.statuses.take();
        for (status, received) in &statuses {
            self.rows.extend(self.hours.note(status, *received));
        }
        let latest = statuses.iter().map(|(_, received)| *received).max();
        if let Some(at) = latest.filter(|at| hour_of(*at) != self.swept) {
            self.swept = hour_of(at);
            self.rows.extend(self.hours.over(at));
        }
        if statuses.is_empty() && self.rows.is_empty() {
            return;
        }
        // At the turn of an hour there are many: others wait for the writer meanwhile.
        let rows = self.rows.len().min(ROWS);
        let stored = self.store.record_told(&statuses, &self.rows[..rows]).await;
        match stored {
            Ok(()) => drop(self.rows.drain(..rows)),
            Err(error) => {
                tracing::error!(%error, speakers = statuses.len(), "statuses not stored; newer ones follow");
                let beyond = self.rows.len().saturating_sub(ROWS_KEPT);
                drop(self.rows.drain(..beyond));
            }
        }
    }
}
