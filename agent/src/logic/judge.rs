//! Which bulletins of a believed programme may sound at all, as far as trust goes: whether its signer may give such a
//! priority, whether the approvers whom the root names have signed an emergency, and whether anybody's time is over.
//! What does not pass is left out, alone; the rest of the programme stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use loa_protocol::{
    bulletin::{Bulletin, When},
    channel::Channel,
    id::BulletinId,
    time::WallTime,
    trust::{NotEndorsed, Trust},
};

use super::{
    documents::{Held, Word},
    ledger::Ledger,
};

/// Why a bulletin is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    #[error("the key that signed it may not give this priority")]
    Priority,
    #[error("{0}")]
    NotEndorsed(#[from] NotEndorsed),
    #[error("it was said already, and approved to be said once")]
    Again,
    /// Of the programme, or of the key that signed it. That is no fault of the bulletin's.
    #[error("the time of the word in which it stands is over")]
    Over,
}

pub type Verdict = Result<(), LeftOut>;

/// All that is needed to judge.
#[derive(Debug)]
pub struct Judge<'a> {
    pub trust: &'a Trust,
    /// Counts whatever may change a verdict but the bulletin itself.
    pub state: u64,
    pub ledger: &'a Ledger,
    /// `None`: the clock is not trusted, so nothing is too old.
    pub now: Option<WallTime>,
}

impl Judge<'_> {
    pub(super) fn of(&self, held: &mut Held, channel: &Channel, word: &Word) -> Verdict {
        let b = &*held.bulletin;
        if self.is_over(word) {
            return Err(LeftOut::Over);
        }
        if b.priority > self.trust.max_priority(&word.signer) {
            return Err(LeftOut::Priority);
        }
        if !self.trust.needs_endorsement(b) {
            return Ok(());
        }
        if self.was_said_under_another_date(b) {
            return Err(LeftOut::Again);
        }
        // Signatures of approvers are costly, so each is looked at once in each state of the trust.
        if let Some((_, verdict)) = held.verdict.filter(|(state, _)| *state == self.state) {
            return verdict;
        }
        let verdict = self
            .trust
            .endorsed(b, channel, self.now)
            .map_err(LeftOut::from);
        held.verdict = Some((self.state, verdict));
        verdict
    }

    /// Is the time of the document, or of its key, over?
    pub fn is_over(&self, word: &Word) -> bool {
        let key = self.trust.key_expires(&word.signer);
        let ends = [word.expires, key].into_iter().flatten().min();
        ends.is_some_and(|end| self.now.is_some_and(|now| now > end))
    }

    /// The date of what is said at once names its occurrence and is not among what approvers sign: under another date it
    /// would be said again.
    fn was_said_under_another_date(&self, b: &Bulletin) -> bool {
        match &b.when {
            When::Now { date, .. } => self.ledger.has_other_date(&b.id, date),
            _ => false,
        }
    }
}

/// What the programmes hold together, once it was judged.
#[derive(Debug, Default)]
pub struct Effective {
    /// `true` when it came by a `now` of this run.
    pub all: BTreeMap<BulletinId, (Arc<Bulletin>, bool)>,
    pub left_out: BTreeMap<BulletinId, LeftOut>,
}

impl Effective {
    pub(super) fn add(&mut self, held: &Held, fresh: bool, verdict: Verdict) {
        let bulletin = &held.bulletin;
        if let Err(why) = verdict {
            self.left_out.insert(bulletin.id.clone(), why);
            return;
        }
        let known = self.all.get(&bulletin.id);
        if known.is_none_or(|(other, _)| other.revision < bulletin.revision) {
            let entry = (Arc::clone(bulletin), fresh);
            self.all.insert(bulletin.id.clone(), entry);
        }
    }

    /// Those that no channel brings in a form that passes.
    pub fn distrusted(&self) -> BTreeSet<BulletinId> {
        let gone = self.left_out.keys();
        gone.filter(|id| !self.all.contains_key(*id))
            .cloned()
            .collect()
    }
}
