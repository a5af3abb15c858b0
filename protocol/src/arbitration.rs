//! What should sound now on one speaker. One pure function; the pole runs it, and so does the preview.
//!
//! It is level-triggered: it says what ought to be, not what to do. Asking twice gives the same answer.

use std::cmp::Ordering;

use crate::{
    bulletin::{OnPreempt, Priority, RESUME_BACK_MS, RESUME_WITHIN_S, Status},
    limits::{Governor, Limits},
    playout::{Interruption, Miss, OccurrenceId, Outcome, Skip},
    quiet_hours::{is_quiet, quiet_from},
    sounded::Sounded,
    speaker_config::SpeakerConfig,
    time::WallTime,
};

/// What the speaker has to keep to: what the office set, what was set where it stands, and what has sounded up to now.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub config: &'a SpeakerConfig,
    pub governor: &'a Governor,
    pub sounded: &'a Sounded,
}

impl Rules<'_> {
    /// In force: the stricter of both.
    pub fn limits(&self) -> Limits {
        let own = &self.governor.limits;
        let office = self.config.limits.as_ref();
        office.map_or_else(|| own.clone(), |office| own.stricter(office))
    }

    /// Quiet hours of either, each in its own zone.
    pub fn is_quiet(&self, at: WallTime) -> bool {
        is_quiet(&self.config.quiet_hours, at, &self.config.zone)
            || is_quiet(&self.governor.quiet_hours, at, &self.governor.zone)
    }

    /// The first quiet instant from `at` on.
    pub fn quiet_from(&self, at: WallTime) -> Option<WallTime> {
        let office = quiet_from(&self.config.quiet_hours, at, &self.config.zone);
        let own = quiet_from(&self.governor.quiet_hours, at, &self.governor.zone);
        [office, own].into_iter().flatten().min()
    }

    /// When what sounds on from `at` reaches a limit.
    pub fn limit_at(&self, in_earnest: bool, at: WallTime) -> Option<WallTime> {
        let zone = &self.governor.zone;
        self.sounded.until(in_earnest, &self.limits(), zone, at)
    }
}

/// One occurrence that is due, soon due, sounding, or waiting to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: OccurrenceId,
    pub priority: Priority,
    pub status: Status,
    pub order: u32,
    pub planned: WallTime,
    /// Last instant for a first start.
    pub start_by: WallTime,
    /// Last instant for a start or a resumption.
    pub valid_until: Option<WallTime>,
    pub on_preempt: OnPreempt,
    /// What is left to sound, in milliseconds; no more than [`Limits::length_ms`].
    pub remaining_ms: u64,
    pub state: State,
    /// Its audio is complete on this speaker.
    pub ready: bool,
    /// When this speaker first could have known of it and acted: the later of the arrival of its plan and the start of
    /// the program, each `EPOCH` when it was long ago.
    pub arrived: WallTime,
    pub running_since: WallTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not begun.
    Waiting,
    /// Sounding, or armed to start at its planned instant.
    Sounding,
    /// Cut by a higher priority at `since`; goes on when it may.
    Suspended { since: WallTime },
}

/// What ought to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// This one, from `max(now, planned)` on, and nothing else.
    pub sound: Option<OccurrenceId>,
    /// These are over without having sounded (further), and why.
    pub over: Vec<(OccurrenceId, Outcome)>,
    /// Unless something new is learned, nothing changes before this.
    pub wake: Option<WallTime>,
}

/// Total order among candidates that may sound: the first is the one that does.
/// Priority; then what already began (sounding before suspended before waiting);
/// then the commune's order; then the earlier plan; then the name, so that two speakers agree.
pub fn rank(a: &Candidate, b: &Candidate) -> Ordering {
    let begun = |c: &Candidate| match c.state {
        State::Sounding => 0,
        State::Suspended { .. } => 1,
        State::Waiting => 2,
    };
    b.priority
        .cmp(&a.priority)
        .then_with(|| begun(a).cmp(&begun(b)))
        .then_with(|| a.order.cmp(&b.order))
        .then_with(|| a.planned.cmp(&b.planned))
        .then_with(|| a.id.cmp(&b.id))
}

/// An emergency in earnest wakes people. An exercise or a test of one has no reason to.
pub fn is_in_earnest(priority: Priority, status: Status) -> bool {
    priority == Priority::Emergency && status == Status::Actual
}

/// Why a candidate may not sound at this instant.
enum Bar {
    NotReady,
    QuietHours,
    Muted,
    /// One repeat too many: for ever.
    Repeats,
    /// Of minutes. What sounds has reached the limit; else it may fit then.
    Minutes(WallTime),
}

fn bar(c: &Candidate, rules: &Rules, limits: &Limits, now: WallTime) -> Option<Bar> {
    if rules.config.muted {
        return Some(Bar::Muted);
    }
    let in_earnest = is_in_earnest(c.priority, c.status);
    let start = now.max(c.planned);
    if !in_earnest {
        let quiet = match c.state {
            State::Sounding => rules.is_quiet(now),
            // What would run into the quiet hours does not begin: a sentence cut at 22:00 helps nobody.
            _ => rules
                .quiet_from(start)
                .is_some_and(|quiet| quiet < start.plus_ms(c.remaining_ms as i64)),
        };
        if quiet {
            return Some(Bar::QuietHours);
        }
    }
    if limits.most_repeats.is_some_and(|most| c.id.repeat >= most) {
        return Some(Bar::Repeats);
    }
    if !c.ready {
        return Some(Bar::NotReady);
    }
    let (sounded, zone) = (rules.sounded, &rules.governor.zone);
    match c.state {
        State::Sounding => sounded
            .until(in_earnest, limits, zone, now)
            .filter(|reached| *reached <= now)
            .map(Bar::Minutes),
        // What does not fit waits as it would wait for a busy speaker: the hour rolls on, and a warning that has half
        // an hour is better said whole in ten minutes than never.
        _ => {
            let fits = sounded.fits_from(in_earnest, limits, zone, start, c.remaining_ms);
            (fits > start).then_some(Bar::Minutes(fits))
        }
    }
}

/// What lacks minutes is looked at again so much later at the earliest while another sounds, in milliseconds.
const LOOK_AGAIN_MS: i64 = 1_000;

/// Decides. `lead_ms` looks ahead: a candidate planned within it counts as due (the caller arms it to start at its
/// planned instant exactly). `silence_before`: whatever was planned at or before it is stopped.
pub fn decide(
    candidates: &[Candidate],
    rules: &Rules,
    silence_before: Option<WallTime>,
    now: WallTime,
    lead_ms: i64,
) -> Decision {
    let limits = rules.limits();
    let mut decision = Decision::default();
    let mut wake = |at: WallTime| {
        if at > now {
            decision.wake = Some(decision.wake.map_or(at, |w: WallTime| w.min(at)));
        }
    };
    let due_until = now.plus_ms(lead_ms);
    let mut able: Vec<&Candidate> = Vec::new();
    let mut over = Vec::new();
    let mut barred: Vec<(&Candidate, Bar)> = Vec::new();

    for c in candidates {
        if silence_before.is_some_and(|s| c.planned <= s) {
            over.push((
                c.id.clone(),
                match c.state {
                    State::Waiting => Outcome::Skipped(Skip::Stopped),
                    _ => Outcome::Interrupted(Interruption::Stopped),
                },
            ));
            continue;
        }
        if c.state == State::Waiting && c.planned > due_until {
            wake(c.planned.plus_ms(-lead_ms));
            continue;
        }
        match bar(c, rules, &limits, now) {
            None => able.push(c),
            Some(bar) => barred.push((c, bar)),
        }
    }

    able.sort_by(|a, b| rank(a, b));
    // The first that is still in its window; those before it in rank but out of time are handled as late below.
    let chosen = able.iter().copied().find(|c| in_window(c, now));
    decision.sound = chosen.map(|c| c.id.clone());

    for c in able {
        if chosen.is_some_and(|s| s.id == c.id) {
            continue;
        }
        if c.state == State::Sounding {
            // Cut by the chosen one at that one's start; `after_cut` says what becomes of it.
            continue;
        }
        if in_window(c, now) {
            wake(window_end(c).plus_us(1));
        } else {
            over.push((c.id.clone(), late(c, chosen.is_some())));
        }
    }
    for (c, bar) in barred {
        let outcome = match (bar, c.state) {
            (Bar::Muted, State::Waiting) => Outcome::Skipped(Skip::Muted),
            (Bar::Muted, _) => Outcome::Interrupted(Interruption::Muted),
            (Bar::QuietHours, State::Waiting) => Outcome::Skipped(Skip::QuietHours),
            (Bar::QuietHours, _) => Outcome::Interrupted(Interruption::QuietHours),
            (Bar::Minutes(fits), State::Waiting | State::Suspended { .. }) if in_window(c, now) => {
                // While another sounds, the instant moves on with every moment of it.
                let again = match chosen {
                    Some(_) => fits.max(now.plus_ms(LOOK_AGAIN_MS)),
                    None => fits,
                };
                wake(again.min(window_end(c).plus_us(1)));
                continue;
            }
            (Bar::Minutes(_), State::Waiting) => {
                was_away(c).unwrap_or(Outcome::Skipped(Skip::Limit))
            }
            (Bar::Repeats, State::Waiting) => Outcome::Skipped(Skip::Limit),
            (Bar::Repeats | Bar::Minutes(_), _) => Outcome::Interrupted(Interruption::Limit),
            (Bar::NotReady, _) if in_window(c, now) => {
                wake(window_end(c).plus_us(1));
                continue;
            }
            (Bar::NotReady, State::Waiting) => {
                was_away(c).unwrap_or(Outcome::Missed(Miss::NoContent))
            }
            (Bar::NotReady, _) => Outcome::PreEmpted,
        };
        // Looking ahead must not pass judgement on what is not due yet: the mute may be lifted in time.
        if c.state == State::Waiting && c.planned > now {
            wake(c.planned);
        } else {
            over.push((c.id.clone(), outcome));
        }
    }
    if let Some(sounding) = chosen {
        let in_earnest = is_in_earnest(sounding.priority, sounding.status);
        if !in_earnest && let Some(quiet) = rules.quiet_from(now.plus_us(1)) {
            wake(quiet);
        }
        let start = match sounding.state {
            State::Sounding => now,
            _ => now.max(sounding.planned),
        };
        let zone = &rules.governor.zone;
        if let Some(reached) = rules.sounded.until(in_earnest, &limits, zone, start) {
            wake(reached);
        }
    }
    over.sort_by(|a, b| a.0.cmp(&b.0));
    decision.over = over;
    decision
}

/// From where a cut playout goes on, in milliseconds of itself; `None` when it is over.
pub fn after_cut(on_preempt: OnPreempt, cut_at_ms: u64) -> Option<u64> {
    match on_preempt {
        OnPreempt::Resume => Some(cut_at_ms.saturating_sub(RESUME_BACK_MS)),
        OnPreempt::Restart => Some(0),
        OnPreempt::Drop => None,
    }
}

/// May it still start, or go on?
fn in_window(c: &Candidate, now: WallTime) -> bool {
    c.state == State::Sounding || now <= window_end(c)
}

/// The last instant at which it may start or go on.
fn window_end(c: &Candidate) -> WallTime {
    let until = c.valid_until.unwrap_or(WallTime::MAX);
    match c.state {
        State::Waiting => c.start_by.min(until),
        State::Suspended { since } => since.plus_s(RESUME_WITHIN_S).min(until),
        State::Sounding => WallTime::MAX,
    }
}

fn was_away(c: &Candidate) -> Option<Outcome> {
    if c.running_since > c.start_by {
        Some(Outcome::Missed(Miss::Off))
    } else if c.arrived > c.start_by {
        Some(Outcome::Missed(Miss::ArrivedLate))
    } else {
        None
    }
}

/// It was able to sound, and its time ran out.
fn late(c: &Candidate, something_sounds: bool) -> Outcome {
    match c.state {
        State::Waiting => was_away(c).unwrap_or(if something_sounds {
            Outcome::Skipped(Skip::Busy)
        } else {
            Outcome::Missed(Miss::Off)
        }),
        State::Suspended { .. } | State::Sounding => Outcome::PreEmpted,
    }
}

#[cfg(test)]
mod tests;
