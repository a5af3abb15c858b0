//! What the HTTP side holds of the engine: it tells of changes, asks who is there, and listens to notices.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use loa_protocol::{
    channel::Channel,
    id::{BulletinId, SpeakerId},
    status::SpeakerStatus,
    time::WallTime,
};
use tokio::sync::{broadcast, mpsc};

use crate::link::LiveSender;
use crate::logic::{Figures, Notice, Presence, PresenceView};

/// Changes waiting to be carried out. Beyond it `changed` waits: the HTTP answer comes a little later, nothing is lost.
pub const CHANGES: usize = 1_024;
/// Notices that a slow listener may lag behind; then it is told so and reads everything again.
const NOTICES: usize = 1_024;

/// What became different in the database.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// These channels' programmes; the urgent part goes out before the whole.
    Channels(Vec<Channel>, Option<Urgent>),
    /// These speakers were added, changed or removed, or their tokens were.
    Speakers(Vec<SpeakerId>),
    /// Whom the poles are told to believe.
    Trust,
    /// Anything: read it all again.
    Everything,
}

/// What cannot wait for the whole programme on a thin line.
#[derive(Clone, Debug, PartialEq)]
pub enum Urgent {
    Start(BulletinId),
    Cancel(BulletinId),
    /// Whatever was planned at or before this is over.
    Stop(WallTime),
}

/// The engine as others see it; cheap to clone.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    pub(super) changes: mpsc::Sender<Change>,
    pub(super) notices: broadcast::Sender<Notice>,
    pub(super) view: Arc<RwLock<View>>,
    /// Unset where there is no line, as in some tests.
    pub(super) live: Arc<OnceLock<LiveSender>>,
}

/// What the engine last knew, for readers that must not wait for it.
#[derive(Debug, Default)]
pub(super) struct View {
    pub started: Option<WallTime>,
    /// Since when the engine is connected to the broker; `None`: it is not.
    pub line_up_since: Option<WallTime>,
    pub speakers: HashMap<SpeakerId, SpeakerView>,
    pub figures: Figures,
}

#[derive(Clone, Debug)]
pub(super) struct SpeakerView {
    pub presence: PresenceView,
    pub status: Option<Arc<SpeakerStatus>>,
}

/// Several speakers as the engine last knew them.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Since when the engine hears speakers; `None`: it does not.
    pub listening: Option<WallTime>,
    /// Presence and the last status of this run.
    pub speakers: Vec<(PresenceView, Option<Arc<SpeakerStatus>>)>,
}

impl EngineHandle {
    /// The way of packets to the poles; `None` where there is no line.
    pub fn live(&self) -> Option<LiveSender> {
        self.live.get().cloned()
    }

    /// A handle with no engine behind it: the changes come out of the receiver. For tests of the HTTP side.
    pub fn detached() -> (Self, mpsc::Receiver<Change>) {
        let (changes, receiver) = mpsc::channel(CHANGES);
        let handle = Self {
            changes,
            notices: broadcast::channel(NOTICES).0,
            view: Arc::default(),
            live: Arc::default(),
        };
        (handle, receiver)
    }

    /// Returns when the change is queued; the poles hear of it some milliseconds later. The database is the truth:
    /// should the engine be gone (the program is ending), the next start reads everything anyway.
    pub async fn changed(&self, change: Change) {
        let _ = self.changes.send(change).await;
    }

    /// From now on; a receiver that lags is told how many it missed.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Tells the watchers of something that the HTTP side did itself.
    pub fn notify(&self, notice: Notice) {
        // Fails only when nobody listens.
        let _ = self.notices.send(notice);
    }

    /// A speaker that is not known (yet) is offline since the start.
    pub fn presence(&self, speaker: &SpeakerId) -> PresenceView {
        self.read(|view| {
            view.speakers
                .get(speaker)
                .map(|s| s.presence)
                .unwrap_or(PresenceView {
                    presence: Presence::Offline,
                    since: view.started.unwrap_or(WallTime::EPOCH),
                    last_heard: None,
                })
        })
    }

    /// The last status it sent since this start.
    pub fn status(&self, speaker: &SpeakerId) -> Option<Arc<SpeakerStatus>> {
        self.read(|view| view.speakers.get(speaker).and_then(|s| s.status.clone()))
    }

    /// What was last known of each of these, read together, in their order.
    pub fn seen<'a>(&self, speakers: impl Iterator<Item = &'a SpeakerId>) -> Seen {
        self.read(|view| {
            let unknown = PresenceView {
                presence: Presence::Offline,
                since: view.started.unwrap_or(WallTime::EPOCH),
                last_heard: None,
            };
            let one = |id| match view.speakers.get(id) {
                Some(seen) => (seen.presence, seen.status.clone()),
                None => (unknown, None),
            };
            Seen {
                listening: view.line_up_since,
                speakers: speakers.map(one).collect(),
            }
        })
    }

    /// Is the engine connected to the broker?
    pub fn line_up(&self) -> bool {
        self.read(|view| view.line_up_since.is_some())
    }

    /// Counts since the start, at most a second old.
    pub fn figures(&self) -> Figures {
        self.read(|view| view.figures.clone())
    }

    fn read<T>(&self, f: impl FnOnce(&View) -> T) -> T {
        // A poisoned view is still a view: the writers replace whole values.
        f(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write(&self, f: impl FnOnce(&mut View)) {
        f(&mut self.view.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// As if the engine knew this. For tests of the HTTP side.
    #[cfg(test)]
    pub(crate) fn pretend(
        &self,
        speaker: &SpeakerId,
        presence: PresenceView,
        status: Option<SpeakerStatus>,
    ) {
        let seen = SpeakerView {
            presence,
            status: status.map(Arc::new),
        };
        self.write(|view| drop(view.speakers.insert(speaker.clone(), seen)));
    }

    /// As if there were a line for packets.
    #[cfg(test)]
    pub(crate) fn pretend_live(&self, live: LiveSender) {
        let _ = self.live.set(live);
    }

    /// As if the engine were connected to the broker since then.
    #[cfg(test)]
    pub(crate) fn pretend_line(&self, since: Option<WallTime>) {
        self.write(|view| view.line_up_since = since);
    }
}
