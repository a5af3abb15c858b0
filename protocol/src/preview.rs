//! What one speaker will play: the pole's own rules run ahead in imagined time, with all audio in place.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    arbitration::{Candidate, Rules, State, after_cut, decide, is_in_earnest},
    bulletin::{Bulletin, BulletinError, Priority},
    playout::{Interruption, OccurrenceId, Outcome},
    sounded::{Piece, Sounded},
    time::WallTime,
};

/// Most occurrences in one preview; beyond it `truncated` is set.
pub const MAX_OCCURRENCES: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    pub items: Vec<Item>,
    pub truncated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    pub occurrence: OccurrenceId,
    pub title: String,
    pub priority: Priority,
    pub planned: WallTime,
    /// `None` when it will not sound.
    pub starts: Option<WallTime>,
    pub ends: Option<WallTime>,
    pub outcome: Outcome,
}

struct Run<'a> {
    bulletin: &'a Bulletin,
    candidate: Candidate,
    starts: Option<WallTime>,
    ends: Option<WallTime>,
    outcome: Option<Outcome>,
    /// All that may sound of it, in milliseconds.
    length_ms: u64,
    /// Where in the playout the present piece began, and when; milliseconds.
    piece: Option<(u64, WallTime)>,
}

impl Run<'_> {
    /// What is left of it to sound. The place in a stream is bound to time.
    fn left_ms(&self, now: WallTime) -> u64 {
        let Candidate {
            planned,
            remaining_ms,
            ..
        } = self.candidate;
        if self.bulletin.stream().is_none() {
            return remaining_ms;
        }
        let over_ms = now.since_ms(planned).max(0).unsigned_abs();
        self.length_ms.saturating_sub(over_ms)
    }

    fn seen_at(&self, now: WallTime) -> Candidate {
        Candidate {
            remaining_ms: self.bulletin.need_ms(self.left_ms(now)),
            ..self.candidate.clone()
        }
    }
}

/// Runs the rules from `from` to `to` over the bulletins of all channels that the speaker follows. `rules.sounded` is what
/// sounded up to `from`.
pub fn preview<'a>(
    bulletins: impl IntoIterator<Item = &'a Bulletin>,
    rules: &Rules,
    from: WallTime,
    to: WallTime,
) -> Result<Preview, BulletinError> {
    let mut runs: BTreeMap<OccurrenceId, Run> = BTreeMap::new();
    let mut truncated = false;
    let limits = rules.limits();
    for bulletin in bulletins {
        let room = MAX_OCCURRENCES.saturating_sub(runs.len());
        let planned = bulletin.planned(from, to, room + 1)?;
        truncated |= planned.len() > room;
        let length_ms = limits.length_ms(bulletin);
        for p in planned.into_iter().take(room) {
            let candidate = Candidate {
                id: p.id.clone(),
                priority: bulletin.priority,
                status: bulletin.status,
                order: bulletin.order,
                planned: p.at,
                start_by: bulletin.start_by(p.at),
                valid_until: bulletin.ends(p.at),
                on_preempt: bulletin.on_preempt,
                remaining_ms: length_ms,
                state: State::Waiting,
                ready: true,
                arrived: WallTime::EPOCH,
                running_since: WallTime::EPOCH,
            };
            runs.insert(
                p.id,
                Run {
                    bulletin,
                    candidate,
                    starts: None,
                    ends: None,
                    outcome: None,
                    length_ms,
                    piece: None,
                },
            );
        }
    }
    play_through(&mut runs, rules, from);
    let mut items: Vec<Item> = runs
        .into_values()
        .filter_map(|run| {
            Some(Item {
                occurrence: run.candidate.id,
                title: run.bulletin.title.clone(),
                priority: run.bulletin.priority,
                planned: run.candidate.planned,
                starts: run.starts,
                ends: run.ends,
                outcome: run.outcome?,
            })
        })
        .collect();
    items.sort_by(|a, b| (a.planned, &a.occurrence).cmp(&(b.planned, &b.occurrence)));
    Ok(Preview { items, truncated })
}

fn play_through(runs: &mut BTreeMap<OccurrenceId, Run>, rules: &Rules, from: WallTime) {
    let mut now = from;
    let mut before = rules.sounded.clone();
    let mut current: Option<OccurrenceId> = None;
    // Only what is due or soon due is looked at; the rest waits in order of time.
    let mut upcoming: Vec<OccurrenceId> = runs.keys().cloned().collect();
    upcoming.sort_by_key(|id| std::cmp::Reverse(runs[id].candidate.planned));
    let mut live: Vec<OccurrenceId> = Vec::new();
    // Each occurrence causes a bounded number of turns; the factor is generous and keeps a mistake from hanging.
    for _ in 0..runs.len() * 64 + 16 {
        while let Some(id) = upcoming.pop_if(|id| runs[&*id].candidate.planned <= now) {
            live.push(id);
        }
        let candidates: Vec<Candidate> = live.iter().map(|id| runs[id].seen_at(now)).collect();
        let sounded = with_present(&before, current.as_ref().map(|id| &runs[id]), now);
        let rules = Rules {
            sounded: &sounded,
            ..*rules
        };
        let decision = decide(&candidates, &rules, None, now, 0);
        for (id, outcome) in &decision.over {
            if let Some(run) = runs.get_mut(id) {
                before = with_present(&before, Some(run), now);
                run.ends = run.starts.map(|_| now);
                run.outcome = Some(*outcome);
            }
            current = current.filter(|c| c != id);
        }
        if decision.sound != current {
            if let Some(run) = current.take().and_then(|id| runs.get_mut(&id)) {
                before = with_present(&before, Some(run), now);
                cut(run, now);
            }
            if let Some(run) = decision.sound.as_ref().and_then(|id| runs.get_mut(id)) {
                let total = run.length_ms;
                run.candidate.state = State::Sounding;
                run.candidate.remaining_ms = run.left_ms(now);
                run.starts.get_or_insert(now);
                run.piece = Some((total - run.candidate.remaining_ms.min(total), now));
                current = decision.sound;
            }
        }
        live.retain(|id| runs[id].outcome.is_none());
        let end = current
            .as_ref()
            .map(|id| &runs[id])
            .and_then(|run| Some(run.piece?.1.plus_ms(run.candidate.remaining_ms as i64)));
        let next_due = upcoming.last().map(|id| runs[id].candidate.planned);
        let Some(next) = [decision.wake, end, next_due].into_iter().flatten().min() else {
            break;
        };
        now = next.max(now);
        if end.is_some_and(|end| end <= now)
            && let Some(run) = current.take().and_then(|id| runs.get_mut(&id))
        {
            before = with_present(&before, Some(run), now);
            before.forget_before(now);
            run.ends = Some(now);
            run.outcome = Some(if run.length_ms < run.bulletin.length_ms() {
                Outcome::Interrupted(Interruption::Limit)
            } else {
                Outcome::Completed
            });
            live.retain(|id| runs[id].outcome.is_none());
        }
    }
}

/// What sounded before, and of the present piece up to now.
fn with_present(before: &Sounded, present: Option<&Run>, now: WallTime) -> Sounded {
    let mut sounded = before.clone();
    if let Some((run, (_, from))) = present.and_then(|run| Some((run, run.piece?))) {
        sounded.add(Piece {
            from,
            to: now,
            emergency: is_in_earnest(run.bulletin.priority, run.bulletin.status),
        });
    }
    sounded
}

/// The current one makes room at `now`.
fn cut(run: &mut Run, now: WallTime) {
    let total = run.length_ms;
    let Some((from_ms, since)) = run.piece.take() else {
        return;
    };
    let at_ms = from_ms + now.since_ms(since).max(0) as u64;
    match after_cut(run.bulletin.on_preempt, at_ms) {
        Some(place) => {
            run.candidate.state = State::Suspended { since: now };
            run.candidate.remaining_ms = total.saturating_sub(place);
        }
        None => {
            run.ends = Some(now);
            run.outcome = Some(Outcome::PreEmpted);
        }
    }
}
