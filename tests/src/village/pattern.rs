//! When the clerk wants something said, in the plainest form: it is written as a rule for the wire, and unrolled here
//! by hand, day by day, so that the real unrolling is compared with something that shares no code with it.

use jiff::{
    Span,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};
use loa_protocol::{bulletin::When, time::WallTime};

#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    Now {
        at: WallTime,
        date: Date,
    },
    Once {
        civil: DateTime,
    },
    /// On these weekdays (all when empty), every `every` days or weeks, at these hours of one minute.
    Rule {
        start: Date,
        every: u32,
        days: Vec<Weekday>,
        hours: Vec<i8>,
        minute: i8,
        count: Option<u32>,
        except: Vec<Date>,
    },
}

/// One start as the reference understands it.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    pub date: Date,
    pub index: u16,
    pub at: WallTime,
}

const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl Pattern {
    pub fn when(&self) -> When {
        match self {
            Self::Now { at, date } => When::Now {
                at: *at,
                date: date.to_string(),
            },
            Self::Once { civil } => When::At {
                at: civil.strftime("%Y-%m-%dT%H:%M").to_string(),
            },
            Self::Rule {
                start,
                every,
                days,
                hours,
                minute,
                count,
                except,
            } => {
                let mut rrule = String::from(if days.is_empty() {
                    "FREQ=DAILY"
                } else {
                    "FREQ=WEEKLY"
                });
                if *every > 1 {
                    rrule += &format!(";INTERVAL={every}");
                }
                if let Some(count) = count {
                    rrule += &format!(";COUNT={count}");
                }
                if !days.is_empty() {
                    let names: Vec<&str> = days
                        .iter()
                        .map(|d| NAMES[d.to_monday_zero_offset() as usize])
                        .collect();
                    rrule += &format!(";BYDAY={}", names.join(","));
                }
                let hours: Vec<String> = hours.iter().map(i8::to_string).collect();
                rrule += &format!(";BYHOUR={};BYMINUTE={minute}", hours.join(","));
                When::Rule {
                    start: format!("{start}T00:00"),
                    rrule,
                    except: except.iter().map(Date::to_string).collect(),
                }
            }
        }
    }

    /// All starts on dates until `last`, by the calendar on the wall.
    pub fn unroll(&self, zone: &TimeZone, last: Date) -> Vec<Start> {
        let instant = |civil: DateTime| {
            let at = zone.to_ambiguous_timestamp(civil).compatible();
            WallTime::from(at.expect("the village lives in our century"))
        };
        match self {
            Self::Now { at, date } => vec![Start {
                date: *date,
                index: 0,
                at: *at,
            }],
            Self::Once { civil } => vec![Start {
                date: civil.date(),
                index: 0,
                at: instant(*civil),
            }],
            Self::Rule {
                start,
                every,
                days,
                hours,
                minute,
                count,
                except,
            } => {
                let mut found = Vec::new();
                let mut counted = 0;
                let mut date = *start;
                let monday = |d: Date| {
                    d.checked_sub(Span::new().days(d.weekday().to_monday_zero_offset()))
                        .expect("our century")
                };
                while date <= last {
                    let days_on = date.since(*start).expect("our century").get_days();
                    let weeks_on = monday(date)
                        .since(monday(*start))
                        .expect("our century")
                        .get_days()
                        / 7;
                    let is_on = if days.is_empty() {
                        (days_on as u32).is_multiple_of(*every)
                    } else {
                        (weeks_on as u32).is_multiple_of(*every) && days.contains(&date.weekday())
                    };
                    if is_on {
                        for (index, hour) in hours.iter().enumerate() {
                            counted += 1;
                            if count.is_some_and(|count| counted > count) {
                                return found;
                            }
                            if !except.contains(&date) {
                                found.push(Start {
                                    date,
                                    index: index as u16,
                                    at: instant(date.at(*hour, *minute, 0, 0)),
                                });
                            }
                        }
                    }
                    date = date.tomorrow().expect("our century");
                }
                found
            }
        }
    }
}
