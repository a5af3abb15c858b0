//! What a speaker has sounded of late, and how much more its limits let it sound.
//!
//! There are two accounts: emergencies in earnest, and everything else. Neither takes from the other: a morning of
//! warnings must not silence the evening's word about where there is water.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{
    limits::{Limits, SESSION_PAUSE_S},
    quiet_hours::parse_zone,
    time::WallTime,
};

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const DAY_US: i64 = 24 * HOUR_US;
const PAUSE_US: i64 = SESSION_PAUSE_S * 1_000_000;
/// What lacks no more than this, or a tenth of itself, begins nevertheless and loses its last word: players and clocks
/// are out by milliseconds, and three bulletins of five minutes are meant to fit into fifteen.
const SLACK_US: i64 = 1_000_000;
/// What sounded longer ago than this counts for nothing: a civil day has at most 25 hours.
pub const REMEMBERED_S: i64 = 26 * 3_600;

/// A stretch of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub from: WallTime,
    pub to: WallTime,
    /// Of an emergency in earnest.
    pub emergency: bool,
}

/// From, and until.
type Span = (WallTime, WallTime);

/// The pieces of the last day, each account in order of time, nothing counted twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sounded {
    others: Vec<Span>,
    emergencies: Vec<Span>,
    /// Nobody can say which civil day it is, so the last 24 hours count for one.
    pub is_day_doubtful: bool,
}

/// What was used of the limits, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub session_s: u32,
    pub hour_s: u32,
    pub day_s: u32,
    pub emergency_hour_s: u32,
}

impl FromIterator<Piece> for Sounded {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> Self {
        let mut pieces: Vec<Piece> = pieces.into_iter().collect();
        pieces.sort_by_key(|piece| piece.from);
        let mut sounded = Self::default();
        pieces.into_iter().for_each(|piece| sounded.add(piece));
        sounded
    }
}

impl Sounded {
    /// Adds what began no earlier than all before it.
    pub fn add(&mut self, piece: Piece) {
        let spans = if piece.emergency {
            &mut self.emergencies
        } else {
            &mut self.others
        };
        match spans.last_mut() {
            Some(last) if piece.from <= last.1 => last.1 = last.1.max(piece.to),
            _ if piece.from < piece.to => spans.push((piece.from, piece.to)),
            _ => {}
        }
    }

    /// Forgets what counts for nothing any more.
    pub fn forget_before(&mut self, now: WallTime) {
        let long_ago = now.plus_s(-REMEMBERED_S);
        for spans in [&mut self.others, &mut self.emergencies] {
            spans.retain(|(_, to)| *to > long_ago);
        }
    }

    /// What sounds without a pause from `at` on reaches a limit then; `None`: never.
    pub fn until(
        &self,
        in_earnest: bool,
        limits: &Limits,
        zone: &str,
        at: WallTime,
    ) -> Option<WallTime> {
        self.accounts(in_earnest, limits, zone, at)
            .into_iter()
            .flatten()
            .map(|account| account.until(at))
            .min()
    }

    /// The first instant from `at` on at which what is `length_ms` long may begin, unless more sounds meanwhile.
    ///
    /// What does not fit in whole does not begin: a sentence cut in the middle helps nobody, and later it may be
    /// said whole. What is longer than a limit would never fit; it begins when all of that limit is left, and is cut.
    pub fn fits_from(
        &self,
        in_earnest: bool,
        limits: &Limits,
        zone: &str,
        at: WallTime,
        length_ms: u64,
    ) -> WallTime {
        let accounts = self.accounts(in_earnest, limits, zone, at);
        let accounts = || accounts.iter().flatten();
        let length_us = i64::try_from(length_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let need = accounts().fold(length_us, |need, account| need.min(account.limit()));
        let need = need - SLACK_US.min(need / 10);
        accounts()
            .map(|account| account.fits_from(at, need))
            .fold(at, WallTime::max)
    }

    pub fn used(&self, zone: &str, at: WallTime) -> Used {
        let seconds = |us: i64| u32::try_from(us / 1_000_000).unwrap_or(u32::MAX);
        Used {
            session_s: seconds(self.session_us(at).0),
            hour_s: seconds(within(&self.others, at.plus_us(-HOUR_US), at)),
            day_s: seconds(within(&self.others, self.day(zone, at).0, at)),
            emergency_hour_s: seconds(within(&self.emergencies, at.plus_us(-HOUR_US), at)),
        }
    }

    fn accounts<'a>(
        &'a self,
        in_earnest: bool,
        limits: &Limits,
        zone: &str,
        at: WallTime,
    ) -> [Option<Account<'a>>; 3] {
        let us = |minutes: u16| i64::from(minutes) * MINUTE_US;
        let rolling = |spans, window, minutes: Option<u16>| {
            let limit = us(minutes?);
            // As much as there is time is no limit.
            (limit < window).then_some(Account::Rolling {
                spans,
                window,
                limit,
            })
        };
        if in_earnest {
            let hour = rolling(
                &self.emergencies[..],
                HOUR_US,
                limits.emergency_hour_minutes,
            );
            return [hour, None, None];
        }
        let hour = rolling(&self.others[..], HOUR_US, limits.hour_minutes);
        let session = limits.session_minutes.map(|minutes| {
            let (used, ends) = self.session_us(at);
            Account::Session {
                used,
                ends,
                limit: us(minutes),
            }
        });
        let day = if self.is_day_doubtful {
            rolling(&self.others[..], DAY_US, limits.day_minutes)
        } else {
            limits.day_minutes.map(|minutes| {
                let (from, to) = self.day(zone, at);
                Account::Day {
                    used: within(&self.others, from, at),
                    ends: to,
                    limit: us(minutes),
                }
            })
        };
        [hour, session, day]
    }

    /// How much of the present session sounded, and when a silence from `at` on would end it. An emergency between two
    /// pieces is no silence.
    fn session_us(&self, at: WallTime) -> (i64, WallTime) {
        let (mut others, mut emergencies) = (&self.others[..], &self.emergencies[..]);
        let (mut used, mut begins, mut last) = (0, at, None);
        loop {
            let is_other = match (others.last(), emergencies.last()) {
                (Some(a), Some(b)) => a.1 >= b.1,
                (a, b) => a.is_some() || b.is_none(),
            };
            let spans = if is_other {
                &mut others
            } else {
                &mut emergencies
            };
            let Some(((from, to), rest)) = spans.split_last() else {
                break;
            };
            *spans = rest;
            if begins.since_us(*to) >= PAUSE_US {
                break;
            }
            last = last.max(Some((*to).min(at)));
            if is_other {
                used += (*to).min(at).since_us(*from).max(0);
            }
            begins = begins.min(*from);
        }
        (used, last.map_or(at, |to| to.plus_us(PAUSE_US)))
    }

    /// The civil day of `at`, or what stands for it.
    fn day(&self, zone: &str, at: WallTime) -> Span {
        if self.is_day_doubtful {
            return (at.plus_us(-DAY_US), at);
        }
        let zone = parse_zone(zone).unwrap_or(TimeZone::UTC);
        let date = zone.to_datetime(at.timestamp()).date();
        let begins = |date: jiff::civil::Date| {
            let midnight = date.to_datetime(jiff::civil::Time::midnight());
            zone.to_timestamp(midnight).map(WallTime::from)
        };
        let next = date.tomorrow().ok().and_then(|date| begins(date).ok());
        (
            begins(date).unwrap_or(at.plus_us(-DAY_US)),
            next.unwrap_or(WallTime::MAX),
        )
    }
}

/// How much of these lies between the two instants, in microseconds.
fn within(spans: &[Span], from: WallTime, to: WallTime) -> i64 {
    spans
        .iter()
        .rev()
        .take_while(|span| span.1 > from)
        .map(|span| span.1.min(to).since_us(span.0.max(from)).max(0))
        .sum()
}

/// One limit, and what was used of it. Microseconds.
enum Account<'a> {
    /// In any `window`.
    Rolling {
        spans: &'a [Span],
        window: i64,
        limit: i64,
    },
    /// Until there was silence up to `ends`.
    Session {
        used: i64,
        ends: WallTime,
        limit: i64,
    },
    /// Until the next day begins.
    Day {
        used: i64,
        ends: WallTime,
        limit: i64,
    },
}

impl Account<'_> {
    fn limit(&self) -> i64 {
        match self {
            Self::Rolling { limit, .. } | Self::Session { limit, .. } | Self::Day { limit, .. } => {
                *limit
            }
        }
    }

    fn until(&self, at: WallTime) -> WallTime {
        match self {
            Self::Rolling {
                spans,
                window,
                limit,
            } => {
                let mut room = limit - within(spans, at.plus_us(-window), at);
                let mut reached = at;
                if room < 0 {
                    return at;
                }
                for (from, to) in spans.iter().filter(|(_, to)| to.plus_us(*window) > at) {
                    // While this leaves the window as fast as the new sound enters it, nothing is used.
                    let leaves = from.plus_us(*window).max(at);
                    if leaves.since_us(reached) > room {
                        break;
                    }
                    room -= leaves.since_us(reached).max(0);
                    reached = reached.max(to.min(&at).plus_us(*window));
                }
                reached.plus_us(room)
            }
            Self::Session { used, limit, .. } => at.plus_us((limit - used).max(0)),
            Self::Day { used, ends, limit } => {
                let reached = at.plus_us((limit - used).max(0));
                if reached < *ends {
                    reached
                } else {
                    ends.plus_us(*limit)
                }
            }
        }
    }

    /// From when on `need`, no more than the limit, is left.
    fn fits_from(&self, at: WallTime, need: i64) -> WallTime {
        match self {
            Self::Rolling {
                spans,
                window,
                limit,
            } => {
                // What is used grows until the end, so only the end is looked at.
                let end = at.plus_us(need);
                let mut excess = within(spans, end.plus_us(-window), at) + need - limit;
                if excess <= 0 {
                    return at;
                }
                for (from, to) in spans.iter() {
                    let from = (*from).max(end.plus_us(-window));
                    let length = (*to).min(at).since_us(from).max(0);
                    if length >= excess {
                        return from.plus_us(excess + window - need);
                    }
                    excess -= length;
                }
                // Not reached: all of it together is more than the excess.
                at.plus_us(*window)
            }
            Self::Session { used, ends, limit } => {
                if used + need <= *limit {
                    at
                } else {
                    *ends
                }
            }
            Self::Day { used, ends, limit } => {
                let left = (limit - used).max(0);
                if need <= left {
                    at
                } else {
                    // What is left of this day, and the rest of it in the next.
                    ends.plus_us(-left).max(at)
                }
            }
        }
    }
}
