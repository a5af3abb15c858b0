//! From civil times to instants: the one place where daylight-saving gaps and folds are decided.
//!
//! - **Gap** (the civil time does not exist: 02:30 on the night the clocks go forward): it sounds as much later as the clocks
//!   jumped (03:30), which is where a clock that was not put forward would show 02:30. RFC 5545 says the same for a single
//!   time (3.3.5) and would drop it from a rule (3.3.10); a bulletin that stays silent once a year is the worse surprise.
//! - **Fold** (the civil time exists twice): it sounds once, the first time. So a village is never told twice.
//! - A moved time may fall on, or after, a later time of the same rule. Instants stay strictly increasing: the moved one takes
//!   its place in order, and where both have the same instant it is dropped, because the other has its own civil time.
//! - Rules within the day step in civil time too: `FREQ=HOURLY` speaks 24 times on the date of a fold (the repeated hour is
//!   silent) and 23 times on that of a gap (the skipped hour falls on the next one and is dropped).

use std::collections::VecDeque;
use std::iter::FusedIterator;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::AmbiguousOffset;

use super::plan::{DayTimes, DaysFrom};
use super::{Occurrence, Recurrence};

/// The occurrences of a schedule in order; see [`Recurrence::occurrences_from`].
#[derive(Clone, Debug)]
pub struct Occurrences<'a> {
    recurrence: &'a Recurrence,
    after: Timestamp,
    days: DaysFrom<'a>,
    today: Option<(DayTimes<'a>, usize)>,
    /// Moved by a gap, waiting for their place in order. No more than a day's worth: no gap is longer.
    moved: VecDeque<Occurrence>,
    /// The next one that was not moved. Every later one, moved or not, is later than this.
    unmoved: Option<Occurrence>,
    last: Option<Timestamp>,
}

impl<'a> Occurrences<'a> {
    /// Occurrences at `after` or later, of civil dates `from` or later.
    pub(super) fn new(recurrence: &'a Recurrence, from: Date, after: Timestamp) -> Occurrences<'a> {
        Occurrences {
            recurrence,
            after,
            days: recurrence.plan.days_from(from),
            today: None,
            moved: VecDeque::new(),
            unmoved: None,
            last: None,
        }
    }

    /// The next civil time of the rule, with its index in the day.
    fn next_civil(&mut self) -> Option<(DateTime, u16)> {
        loop {
            if let Some((day, place)) = &mut self.today
                && let Some(&minute) = day.minutes.get(*place)
            {
                let civil = self.recurrence.plan.civil(day.date, minute);
                // A day has 1440 minutes at most.
                let index = *place as u16;
                *place += 1;
                return Some((civil, index));
            }
            self.today = Some((self.days.next()?, 0));
        }
    }

    /// Reads on until an unmoved occurrence is known, or the schedule ends.
    fn look_ahead(&mut self) {
        while self.unmoved.is_none()
            && let Some((civil, index)) = self.next_civil()
        {
            if self.recurrence.is_excepted(civil) {
                continue;
            }
            let ambiguous = self.recurrence.zone.to_ambiguous_timestamp(civil);
            let moved = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
            // The horizon lies within what a timestamp can hold, so nothing is skipped here.
            let Ok(at) = ambiguous.compatible() else {
                continue;
            };
            if self.recurrence.until_at.is_some_and(|until| at > until) {
                continue;
            }
            let occurrence = Occurrence {
                date: civil.date(),
                index,
                civil,
                at,
            };
            if moved {
                self.moved.push_back(occurrence);
            } else {
                self.unmoved = Some(occurrence);
            }
        }
    }

    fn next_in_order(&mut self) -> Option<Occurrence> {
        self.look_ahead();
        match (self.moved.front(), &self.unmoved) {
            (Some(moved), Some(unmoved)) if moved.at < unmoved.at => self.moved.pop_front(),
            (Some(_), None) => self.moved.pop_front(),
            _ => self.unmoved.take(),
        }
    }
}

impl Iterator for Occurrences<'_> {
    type Item = Occurrence;

    fn next(&mut self) -> Option<Occurrence> {
        loop {
            let next = self.next_in_order()?;
            let repeats = self.last.is_some_and(|last| next.at <= last);
            self.last = self.last.max(Some(next.at));
            if !repeats && next.at >= self.after {
                return Some(next);
            }
        }
    }
}

impl FusedIterator for Occurrences<'_> {}
