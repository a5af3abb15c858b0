//! This speaker as a witness: how far the office's audit log went when it last said so. Whoever shortens or rewrites that log
//! afterwards is told on.

use loa_protocol::{head::Checkpoint, time::WallTime};
use serde::{Deserialize, Serialize};

use super::{Agent, memory::Note};

/// What is held, kept on disk for itself: the head that brought it may be forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Witness {
    newest: Option<Checkpoint>,
    /// The key that signed it is not believed any more: it may have told of a log that never was. What the next head says
    /// is taken over, whatever it is, and told if it contradicts.
    doubtful: bool,
}

impl Note for Witness {
    const NAME: &'static str = "own:audit";
}

/// The log that a head tells of is not a continuation of the one that was told of before.
#[derive(Debug, PartialEq)]
struct Rewound {
    held: Checkpoint,
    given: Checkpoint,
}

impl Witness {
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.newest
    }

    fn hears(&mut self, given: Checkpoint) -> Result<(), Rewound> {
        let rewound = self
            .newest
            .filter(|held| {
                held.entries > given.entries
                    || (held.entries == given.entries && held.hash != given.hash)
            })
            .map(|held| Rewound { held, given });
        if rewound.is_none() || self.doubtful {
            self.newest = Some(given);
            self.doubtful = false;
        }
        rewound.map_or(Ok(()), Err)
    }
}

impl Agent {
    /// A head that is believed tells how far the audit log goes.
    pub(super) fn hear_checkpoint(&mut self, given: Checkpoint, made: WallTime) {
        let before = self.witness;
        if let Err(Rewound { held, given }) = self.witness.hears(given) {
            let detail = format!(
                "the head made at {} tells of an audit log of {} entries that ends in {}; before, it had {} entries and ended in {}",
                made, given.entries, given.hash, held.entries, held.hash
            );
            self.fault("audit_rewound", &detail);
        }
        if self.witness != before {
            let note = self.witness;
            self.keep_note(&note);
            self.commits.close_group();
            self.report.changed();
        }
    }

    /// Whoever signed the head is not believed any more.
    pub(super) fn doubt_checkpoint(&mut self) {
        if self.witness.newest.is_some() && !self.witness.doubtful {
            self.witness.doubtful = true;
            let note = self.witness;
            self.keep_note(&note);
        }
    }
}
