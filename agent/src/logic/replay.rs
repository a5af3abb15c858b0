//! The recording of a live call is for those who did not hear it live: where enough of the call sounded it is skipped, and
//! where the call itself may still go on it waits.

use loa_protocol::{
    arbitration::{Candidate, State},
    bulletin::Bulletin,
    id::BulletinId,
    live::Replay,
    playout::{OccurrenceId, Outcome, Skip},
};

use super::Agent;

/// A call that begins so soon is waited for, in seconds.
const SOON_S: i64 = 5;

/// How a replay stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// Nobody here needs it.
    Heard,
    /// The call is not over here.
    Undecided,
    Owed,
}

impl Agent {
    fn stand_of(&self, replay: &Replay) -> Stand {
        if self.ledger.heard_ms(&replay.of) >= replay.least_ms {
            Stand::Heard
        } else if self.may_go_on(&replay.of) {
            Stand::Undecided
        } else {
            Stand::Owed
        }
    }

    fn may_go_on(&self, call: &BulletinId) -> bool {
        if self.stage.acts.keys().any(|id| id.bulletin == *call) {
            return true;
        }
        // Nobody judges it while nobody knows the time, so nobody waits for that.
        let Some(known) = self.agenda.known(call) else {
            return false;
        };
        let soon = self.now.wall.plus_s(SOON_S);
        (self.now.is_trusted() || known.fresh) && self.agenda.of(call).any(|(_, at)| at <= soon)
    }

    /// Its audio is not fetched, or not yet.
    pub(super) fn is_needless(&self, bulletin: &Bulletin) -> bool {
        let replay = bulletin.replay.as_deref();
        replay.is_some_and(|replay| self.stand_of(replay) != Stand::Owed)
    }

    /// Takes out what was heard live, and what waits for a call to end.
    pub(super) fn judge_replays(
        &self,
        candidates: &mut Vec<Candidate>,
    ) -> Vec<(OccurrenceId, Outcome)> {
        let mut over = Vec::new();
        candidates.retain(|c| {
            let bulletin = self
                .bulletin_of(&c.id)
                .filter(|_| c.state == State::Waiting);
            let Some(replay) = bulletin.and_then(|b| b.replay.as_deref()) else {
                return true;
            };
            let stand = self.stand_of(replay);
            if stand == Stand::Heard {
                over.push((c.id.clone(), Outcome::Skipped(Skip::HeardLive)));
            }
            stand == Stand::Owed
        });
        over
    }
}
