//! Who may connect to the broker, and the topic table of the wire: who may publish and subscribe to what.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// The controller's MQTT user name. No speaker can bear it: names have no dot.
pub const CONTROLLER_USERNAME: &str = "loa.controller";

/// Who is on the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    Controller,
    /// By its speaker id.
    Speaker(String),
}

/// Decides who may do what. Asked on the broker's threads: answer at once, never block.
pub trait Admission: Send + Sync {
    /// Who this is, or `None` to refuse. May be asked more than once for one connection.
    fn may_connect(
        &self,
        client_id: &str,
        username: Option<&str>,
        password: Option<&[u8]>,
    ) -> Option<Principal>;
    /// Whether `who` may publish to `topic`; also asked for the topic of its last will.
    fn may_publish(&self, who: &Principal, topic: &str) -> bool;
    /// Whether `who` may subscribe to `filter`, wildcards and all.
    fn may_subscribe(&self, who: &Principal, filter: &str) -> bool;
    /// Tells when somebody who was let in might not be any more. Whoever is connected is then asked about again.
    fn changes(&self) -> watch::Receiver<()>;
}

/// SHA-256 of a token or password. Enough because those are 256 random bits, not words that people choose.
pub type TokenHash = [u8; 32];

/// Speaker id to the hash of its token: one table, however often it is cloned. It may change while the broker runs. Whose
/// token is gone, or another one, is disconnected.
#[derive(Clone)]
pub struct SpeakerTokens {
    table: Arc<RwLock<HashMap<String, TokenHash>>>,
    changes: watch::Sender<()>,
}

impl fmt::Debug for SpeakerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpeakerTokens").finish_non_exhaustive()
    }
}

impl Default for SpeakerTokens {
    fn default() -> Self {
        Self {
            table: Arc::default(),
            changes: watch::Sender::new(()),
        }
    }
}

impl SpeakerTokens {
    /// From now on these and no others.
    pub fn replace(&self, table: HashMap<String, TokenHash>) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        self.changes.send_replace(());
    }

    fn hash_of(&self, id: &str) -> Option<TokenHash> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.get(id).copied()
    }
}

pub fn token_hash(token: &[u8]) -> TokenHash {
    Sha256::digest(token).into()
}

/// The topic table of the wire.
pub struct LoaAdmission {
    controller: TokenHash,
    speakers: SpeakerTokens,
}

impl fmt::Debug for LoaAdmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoaAdmission").finish_non_exhaustive()
    }
}

impl LoaAdmission {
    /// `controller_password`: random, made anew at each start.
    pub fn new(controller_password: &[u8], speakers: SpeakerTokens) -> Self {
        Self {
            controller: token_hash(controller_password),
            speakers,
        }
    }
}

impl Admission for LoaAdmission {
    fn may_connect(
        &self,
        client_id: &str,
        username: Option<&str>,
        password: Option<&[u8]>,
    ) -> Option<Principal> {
        let (username, given) = (username?, token_hash(password?));
        if username == CONTROLLER_USERNAME {
            // Several clients of the controller may be connected, none under a name that a speaker could have.
            return (client_id.starts_with(CONTROLLER_USERNAME) && same(&given, &self.controller))
                .then_some(Principal::Controller);
        }
        let known = self.speakers.hash_of(username);
        // Compared even for an unknown speaker, so that time tells nobody which names exist.
        let fits = same(&given, &known.unwrap_or_default()) & known.is_some();
        (fits && client_id == username).then(|| Principal::Speaker(username.to_owned()))
    }

    fn may_publish(&self, who: &Principal, topic: &str) -> bool {
        if topic.contains(['+', '#']) {
            return false;
        }
        match who {
            Principal::Controller => topic.starts_with("loa/v1/"),
            Principal::Speaker(id) => {
                matches!(
                    own_leaf(id, topic),
                    Some("status" | "events" | "want" | "clock")
                ) && self.speakers.hash_of(id).is_some()
            }
        }
    }

    fn may_subscribe(&self, who: &Principal, filter: &str) -> bool {
        match who {
            Principal::Controller => filter.starts_with("loa/v1/"),
            Principal::Speaker(id) => {
                let shared = filter == "loa/v1/head"
                    || filter.starts_with("loa/v1/root/")
                    || filter.starts_with("loa/v1/approvers/")
                    || filter.starts_with("loa/v1/channel/")
                    || filter.starts_with("loa/v1/content/");
                let own = matches!(own_leaf(id, filter), Some("config" | "ack" | "clock/reply"));
                (shared || own) && self.speakers.hash_of(id).is_some()
            }
        }
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.speakers.changes.subscribe()
    }
}

/// What follows `loa/v1/speaker/{id}/`.
fn own_leaf<'a>(id: &str, topic: &'a str) -> Option<&'a str> {
    topic
        .strip_prefix("loa/v1/speaker/")?
        .strip_prefix(id)?
        .strip_prefix('/')
}

/// In a time that does not depend on where they differ.
fn same(a: &TokenHash, b: &TokenHash) -> bool {
    let differing = a.iter().zip(b).fold(0, |seen, (a, b)| seen | (a ^ b));
    std::hint::black_box(differing) == 0
}
