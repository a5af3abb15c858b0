//! Who is told of an alert, and when: at once, again while nobody acknowledges, further up when that takes too long, and
//! when it is over. And how fast: never a storm.

use std::collections::BTreeMap;

use loa_protocol::time::WallTime;
use serde::{Deserialize, Serialize};

use super::{Address, Rule};

/// Most messages to one address in a minute; what is more goes together in one.
pub const MOST_PER_MINUTE: usize = 10;
/// Tries before a message is given up: the waits between them add up to some hours.
pub const MOST_TRIES: u32 = 12;
/// Tries where the other side says no.
pub const MOST_REFUSALS: u32 = 3;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Opened,
    /// Still so, and nobody has acknowledged it.
    Again,
    /// The same, to those who are told when others do not answer.
    Escalated,
    Closed,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Waiting,
    Sent,
    GivenUp,
    /// Over before anybody heard of it.
    Dropped,
}

/// A message that was made for an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub address: Address,
    pub event: Event,
    pub state: State,
    pub made: WallTime,
}

/// An open alert, as far as telling goes.
#[derive(Clone, Copy, Debug)]
pub struct Open<'a> {
    pub opened: WallTime,
    pub acknowledged: bool,
    /// All that was made for it.
    pub told: &'a [Told],
    /// The rules that hold for its speakers, each once.
    pub rules: &'a [&'a Rule],
}

/// What is to be told now. Asked again before these are kept, it answers the same.
pub fn due(open: Open, now: WallTime) -> Vec<(Address, Event)> {
    let mut due: BTreeMap<Address, Event> = BTreeMap::new();
    let last = |address: &Address| {
        let to_it = open.told.iter().filter(|told| told.address == *address);
        to_it.max_by_key(|told| told.made)
    };
    for rule in open.rules {
        let body = &rule.body;
        let reached = |seconds: Option<u32>, since: WallTime| {
            seconds.is_some_and(|s| now.since_us(since) >= i64::from(s) * 1_000_000)
        };
        for address in &body.tell {
            match last(address) {
                None => drop(due.entry(address.clone()).or_insert(Event::Opened)),
                Some(told) => {
                    let over = told.state != State::Waiting;
                    if over && !open.acknowledged && reached(body.repeat_s, told.made) {
                        due.entry(address.clone()).or_insert(Event::Again);
                    }
                }
            }
        }
        if open.acknowledged || !reached(body.escalate_s, open.opened) {
            continue;
        }
        for address in &body.escalate_to {
            let again = match last(address) {
                None => true,
                Some(told) => told.state != State::Waiting && reached(body.repeat_s, told.made),
            };
            if again {
                due.entry(address.clone()).or_insert(Event::Escalated);
            }
        }
    }
    due.into_iter().collect()
}

/// What is waiting for one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    Each,
    /// All in one message.
    Together,
    /// Within the last minute there was enough.
    Wait,
}

pub fn pace(waiting: usize, sent_last_minute: usize) -> Pace {
    let room = MOST_PER_MINUTE.saturating_sub(sent_last_minute);
    match waiting {
        _ if room == 0 => Pace::Wait,
        n if n <= room => Pace::Each,
        _ => Pace::Together,
    }
}

/// When to try again after so many tries that failed.
pub fn next_try(tries: u32, asked_s: Option<u64>, now: WallTime) -> WallTime {
    let backing_off = 10_i64 << tries.saturating_sub(1).min(9);
    let asked = asked_s.map_or(0, |s| i64::try_from(s).unwrap_or(i64::MAX));
    now.plus_s(backing_off.max(asked).min(3_600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::alerts::{By, Kind, RuleBody, RuleId};

    fn to(name: &str) -> Address {
        Address {
            by: By::Mail,
            to: name.into(),
        }
    }

    fn rule() -> Rule {
        Rule {
            id: RuleId::of([1; 8]),
            body: RuleBody {
                area: None,
                kind: Kind::Offline,
                enabled: true,
                after_s: 300,
                limit: None,
                repeat_s: Some(3_600),
                escalate_s: Some(7_200),
                tell: vec![to("truc@xa.vn")],
                escalate_to: vec![to("lanh-dao@xa.vn")],
            },
        }
    }

    /// Asks every minute for so many hours, and sends at once: minute, address, event.
    fn night(acknowledged_after_min: i64) -> Vec<(i64, String, Event)> {
        let (rule, opened) = (rule(), WallTime::EPOCH);
        let mut told: Vec<Told> = vec![];
        let mut heard = vec![];
        for minute in 0..5 * 60 {
            let now = opened.plus_s(minute * 60);
            let open = Open {
                opened,
                acknowledged: minute >= acknowledged_after_min,
                told: &told,
                rules: &[&rule],
            };
            let new = due(open, now);
            heard.extend(
                new.iter()
                    .map(|(to, event)| (minute, to.to.clone(), *event)),
            );
            told.extend(new.into_iter().map(|(address, event)| Told {
                address,
                event,
                state: State::Sent,
                made: now,
            }));
        }
        heard
    }

    #[test]
    fn somebody_is_told_at_once_then_every_hour_and_the_leader_after_two() {
        let heard: Vec<(i64, String, Event)> = night(190);
        let heard: Vec<_> = heard
            .iter()
            .map(|(m, to, e)| (*m, to.as_str(), *e))
            .collect();
        assert_eq!(
            heard,
            [
                (0, "truc@xa.vn", Event::Opened),
                (60, "truc@xa.vn", Event::Again),
                (120, "lanh-dao@xa.vn", Event::Escalated),
                (120, "truc@xa.vn", Event::Again),
                (180, "lanh-dao@xa.vn", Event::Escalated),
                (180, "truc@xa.vn", Event::Again),
            ]
        );
    }

    #[test]
    fn who_acknowledges_is_left_in_peace() {
        assert_eq!(night(1).len(), 1);
        assert_eq!(night(70).len(), 2);
    }

    #[test]
    fn what_still_waits_is_not_said_twice_and_a_new_address_hears_of_what_is_open() {
        let mut rule = rule();
        let told = [Told {
            address: to("truc@xa.vn"),
            event: Event::Opened,
            state: State::Waiting,
            made: WallTime::EPOCH,
        }];
        let ask = |rule: &Rule| {
            let open = Open {
                opened: WallTime::EPOCH,
                acknowledged: false,
                told: &told,
                rules: &[rule],
            };
            due(open, WallTime::EPOCH.plus_s(7_000))
        };
        assert_eq!(ask(&rule), []);
        rule.body.tell.push(to("moi@xa.vn"));
        assert_eq!(ask(&rule), [(to("moi@xa.vn"), Event::Opened)]);
    }

    #[test]
    fn a_night_of_storm_is_one_message_and_not_a_hundred() {
        assert_eq!(pace(3, 0), Pace::Each);
        assert_eq!(pace(10, 0), Pace::Each);
        assert_eq!(pace(11, 0), Pace::Together);
        assert_eq!(pace(3, 8), Pace::Together);
        assert_eq!(pace(3, 10), Pace::Wait);
    }

    #[test]
    fn a_server_that_does_not_answer_is_tried_ever_more_seldom() {
        let wait = |tries, asked| {
            let next = next_try(tries, asked, WallTime::EPOCH);
            next.since_us(WallTime::EPOCH) / 1_000_000
        };
        assert_eq!(
            [1, 2, 3, 9, 12].map(|n| wait(n, None)),
            [10, 20, 40, 2_560, 3_600]
        );
        assert_eq!(wait(1, Some(90)), 90);
        assert_eq!(wait(1, Some(1_000_000)), 3_600);
    }
}
