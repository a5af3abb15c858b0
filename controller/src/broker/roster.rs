//! The certificates that hold now, in memory: asked at every handshake and every change.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::watch;

use crate::pki::Peer;

/// Who is let in by certificate: one table, however often it is cloned. It may change while the broker runs; whose
/// certificate is gone from it is disconnected.
#[derive(Clone)]
pub struct Roster {
    table: Arc<RwLock<Table>>,
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct Table {
    /// Serial to speaker.
    serials: HashMap<String, String>,
    speakers: HashSet<String>,
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster").finish_non_exhaustive()
    }
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            table: Arc::default(),
            changes: watch::Sender::new(()),
        }
    }
}

impl Roster {
    /// From now on these and no others.
    pub fn replace(&self, peers: impl IntoIterator<Item = Peer>) {
        let serials: HashMap<String, String> = peers
            .into_iter()
            .map(|peer| (peer.serial, peer.speaker))
            .collect();
        let speakers = serials.values().cloned().collect();
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Table { serials, speakers };
        self.changes.send_replace(());
    }

    /// Whether this certificate holds, and is this speaker's.
    pub fn admits(&self, peer: &Peer) -> bool {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.serials.get(&peer.serial) == Some(&peer.speaker)
    }

    /// Whether this speaker has any certificate that holds.
    pub fn knows(&self, speaker: &str) -> bool {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.speakers.contains(speaker)
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}
