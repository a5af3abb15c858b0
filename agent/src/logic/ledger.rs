//! Which occurrences have a row already, so that nothing is said twice and nothing is forgotten.

use std::collections::BTreeMap;

use loa_protocol::{
    bulletin::{Bulletin, Priority},
    id::BulletinId,
    playout::{Interruption, OccurrenceId, Outcome, Playout, PlayoutId},
    time::{Trust, WallTime},
};

use super::port::LedgerRow;

/// Rows older than this, by their plan, are forgotten; the agenda looks back less far.
pub const KEEP_S: i64 = 40 * 86_400;
/// Most occurrences that are remembered; beyond it the oldest plans go first, and the agenda begins after them.
pub const MAX_ROWS: usize = 100_000;
/// An emergency that never gets through is tried so often.
pub const MAX_ATTEMPTS: u16 = 20;
/// Longest title in a row and in its event, in bytes.
pub const MAX_TITLE_BYTES: usize = 400;

#[derive(Debug, Default)]
pub struct Ledger {
    rows: BTreeMap<OccurrenceId, Brief>,
    /// What was planned before this is forgotten and therefore not due any more.
    from: WallTime,
}

#[derive(Debug)]
struct Brief {
    attempt: u16,
    planned: WallTime,
    emergency: bool,
    outcome: Option<Outcome>,
    /// Sounded by this attempt, and by those before it.
    sounded_ms: u64,
    earlier_ms: u64,
}

impl Ledger {
    /// Takes in a row from the disk.
    pub fn restore(&mut self, playout: &Playout) {
        let attempt = playout.id.attempt;
        match self.rows.get_mut(&playout.id.occurrence) {
            Some(brief) if brief.attempt > attempt => brief.earlier_ms += playout.sounded_ms,
            _ => self.note(playout),
        }
    }

    /// Remembers a row as it now is.
    pub fn note(&mut self, playout: &Playout) {
        let before = self.rows.get(&playout.id.occurrence);
        let earlier_ms = before.map_or(0, |brief| {
            let another = brief.attempt < playout.id.attempt;
            brief.earlier_ms + if another { brief.sounded_ms } else { 0 }
        });
        self.rows.insert(
            playout.id.occurrence.clone(),
            Brief {
                attempt: playout.id.attempt,
                planned: playout.planned,
                emergency: playout.priority == Priority::Emergency,
                outcome: playout.outcome,
                sounded_ms: playout.sounded_ms,
                earlier_ms,
            },
        );
        if self.rows.len() > MAX_ROWS {
            let mut plans: Vec<WallTime> = self.rows.values().map(|b| b.planned).collect();
            plans.sort_unstable();
            if let Some(at) = plans.get(MAX_ROWS / 10) {
                self.forget(*at);
            }
        }
    }

    /// Forgets what ended and was planned before this.
    pub fn forget(&mut self, planned_before: WallTime) {
        self.from = self.from.max(planned_before);
        self.rows
            .retain(|_, brief| brief.outcome.is_none() || brief.planned >= planned_before);
    }

    pub fn from(&self) -> WallTime {
        self.from
    }

    /// Is there nothing more to do for it? An emergency that a power cut ended is said again.
    pub fn is_over(&self, id: &OccurrenceId) -> bool {
        self.rows.get(id).is_some_and(|brief| match brief.outcome {
            Some(Outcome::Interrupted(Interruption::PowerCut)) => {
                !brief.emergency || brief.attempt + 1 >= MAX_ATTEMPTS
            }
            Some(_) => true,
            None => false,
        })
    }

    /// Has it an outcome, be it that it may be tried again?
    pub fn is_accounted(&self, id: &OccurrenceId) -> bool {
        self.rows
            .get(id)
            .is_some_and(|brief| brief.outcome.is_some())
    }

    /// Has an occurrence of this bulletin a row under another date than this?
    pub fn has_other_date(&self, bulletin: &BulletinId, date: &str) -> bool {
        let mut rows = self.of(bulletin);
        rows.any(|(id, _)| date.parse().ok() != Some(id.date))
    }

    /// How much of a bulletin sounded here, over all its occurrences.
    pub fn heard_ms(&self, bulletin: &BulletinId) -> u64 {
        self.of(bulletin)
            .map(|(_, brief)| brief.sounded_ms + brief.earlier_ms)
            .sum()
    }

    fn of<'a>(
        &'a self,
        bulletin: &'a BulletinId,
    ) -> impl Iterator<Item = (&'a OccurrenceId, &'a Brief)> {
        let first = OccurrenceId {
            bulletin: bulletin.clone(),
            date: jiff::civil::Date::MIN,
            index: 0,
            repeat: 0,
        };
        let rows = self.rows.range(first..);
        rows.take_while(move |(id, _)| id.bulletin == *bulletin)
    }

    pub fn next_attempt(&self, id: &OccurrenceId) -> u16 {
        self.rows
            .get(id)
            .map_or(0, |brief| brief.attempt.saturating_add(1))
    }
}

/// The row of a playout that has not begun.
pub fn new_row(
    occurrence: OccurrenceId,
    attempt: u16,
    planned: WallTime,
    bulletin: &Bulletin,
    trust: Trust,
) -> LedgerRow {
    LedgerRow {
        playout: Playout {
            id: PlayoutId {
                occurrence,
                attempt,
            },
            revision: bulletin.revision,
            title: shortened(&bulletin.title, MAX_TITLE_BYTES),
            priority: bulletin.priority,
            status: bulletin.status,
            planned,
            started: None,
            ended: None,
            error_us: None,
            sounded_ms: 0,
            cuts: 0,
            trust,
            outcome: None,
            streamed: None,
        },
        place_ms: 0,
        suspended: None,
        begun: None,
    }
}

/// At most `bytes` of it, cut between characters.
pub fn shortened(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}
