//! A programme as a calendar (RFC 5545): what will sound, by the poles' own rules, for calendar programs.

use std::collections::BTreeMap;

use icalendar::{Calendar, Component, Event, EventLike, Property};
use loa_protocol::{playout::OccurrenceId, time::WallTime};

use super::days::Ahead;

/// Most events in one calendar.
pub const MAX_EVENTS: usize = 5_000;

/// What a calendar is of.
#[derive(Clone, Debug)]
pub struct Of {
    /// Of the speaker or the area.
    pub name: String,
    /// Names the calendar for good, such as `speaker.ban-chuong-1`.
    pub channel: String,
    /// Speakers that were looked at.
    pub speakers: usize,
    /// `{n}` and `{of}` are filled in: on how many speakers it sounds.
    pub reach: &'static str,
}

/// One occurrence, on one speaker or on several.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    title: String,
    starts: WallTime,
    ends: WallTime,
    speakers: usize,
}

/// What several speakers will play, joined: an occurrence is one event, from the first that begins to the last that ends.
#[derive(Clone, Debug, Default)]
pub struct Joined(BTreeMap<OccurrenceId, Entry>);

impl Joined {
    /// Adds what one speaker will play. What will not sound there is left out.
    pub fn add<'a>(&mut self, plan: impl IntoIterator<Item = &'a Ahead>) {
        for ahead in plan {
            let (Some(starts), Some(ends)) = (ahead.starts, ahead.ends) else {
                continue;
            };
            let full = self.0.len() >= MAX_EVENTS;
            if full && !self.0.contains_key(&ahead.occurrence) {
                continue;
            }
            let new = Entry {
                title: ahead.title.clone(),
                starts,
                ends,
                speakers: 0,
            };
            let entry = self.0.entry(ahead.occurrence.clone()).or_insert(new);
            entry.starts = entry.starts.min(starts);
            entry.ends = entry.ends.max(ends);
            entry.speakers += 1;
        }
    }

    /// As a file. An event keeps its identity however often it is read, also when its time is moved.
    pub fn calendar(&self, of: &Of, now: WallTime) -> String {
        let mut calendar = Calendar::empty();
        for (name, value) in [
            ("VERSION", "2.0"),
            ("PRODID", "-//Loa//Loa//VI"),
            ("CALSCALE", "GREGORIAN"),
            ("METHOD", "PUBLISH"),
            ("X-PUBLISHED-TTL", "PT1H"),
        ] {
            calendar.append_property(Property::new(name, value));
        }
        calendar.name(&of.name);
        let stamp = utc(now);
        for (occurrence, entry) in &self.0 {
            let reach = of
                .reach
                .replace("{n}", &entry.speakers.to_string())
                .replace("{of}", &of.speakers.to_string());
            let uid = occurrence.to_string().replace('/', "-");
            // An end before the start is none: a bulletin of no length still begins.
            let ends = entry.ends.max(entry.starts);
            let event = Event::new()
                .uid(&format!("{uid}.{}@loa", of.channel))
                .summary(&entry.title)
                .description(&reach)
                .location(&of.name)
                .add_property("DTSTAMP", &stamp)
                .add_property("DTSTART", utc(entry.starts))
                .add_property("DTEND", utc(ends))
                // Nobody is busy because a loudspeaker sounds.
                .add_property("TRANSP", "TRANSPARENT")
                .done();
            calendar.push(event);
        }
        calendar.to_string()
    }
}

/// As RFC 5545 writes UTC, in whole seconds.
fn utc(at: WallTime) -> String {
    at.timestamp().strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use icalendar::parser::{read_calendar, unfold};
    use loa_protocol::{
        bulletin::{Priority, Status},
        playout::{Outcome, Skip},
    };

    use super::*;

    const NOON: WallTime = WallTime::from_millis(1_795_496_400_000);

    fn ahead(index: u16, title: &str, starts_s: Option<i64>) -> Ahead {
        let starts = starts_s.map(|s| NOON.plus_s(s));
        Ahead {
            occurrence: format!("b1/2026-11-24/{index}/0")
                .parse()
                .expect("an occurrence"),
            title: title.into(),
            priority: Priority::Ordinary,
            status: Status::Actual,
            planned: NOON,
            starts,
            ends: starts.map(|at| at.plus_s(60)),
            outcome: Some(match starts {
                Some(_) => Outcome::Completed,
                None => Outcome::Skipped(Skip::QuietHours),
            }),
        }
    }

    fn of(speakers: usize) -> Of {
        Of {
            name: "Bản Chương, Sảng Mộc; Võ Nhai".into(),
            channel: "area.ban-chuong".into(),
            speakers,
            reach: "Trên {n} trong {of} loa",
        }
    }

    /// What a calendar program reads: identity, title, beginning, end, description.
    fn read(text: &str) -> Vec<[String; 5]> {
        let unfolded = unfold(text);
        let parsed = read_calendar(&unfolded).expect("a calendar program reads it");
        let calendar = icalendar::Calendar::from(parsed);
        let events = calendar.events();
        events
            .map(|event| {
                ["UID", "SUMMARY", "DTSTART", "DTEND", "DESCRIPTION"]
                    .map(|name| event.property_value(name).expect(name).to_owned())
            })
            .collect()
    }

    #[test]
    fn a_calendar_program_reads_back_what_will_sound_whatever_stands_in_its_title() {
        let title = "Họp xóm: lúa, ngô; \"khoai\" \\ sắn\nBEGIN:VEVENT, và một tiêu đề dài hơn bảy mươi lăm ký tự để phải gấp dòng";
        let mut joined = Joined::default();
        joined.add(&[ahead(0, title, Some(0)), ahead(1, "Tin", Some(3_600))]);
        let text = joined.calendar(&of(1), NOON);
        assert!(
            text.lines().all(|line| line.len() <= 76),
            "lines are folded"
        );
        assert!(text.contains("\r\n"));
        let read = read(&text);
        assert_eq!(read.len(), 2);
        assert_eq!(
            read[0],
            [
                "b1-2026-11-24-0-0.area.ban-chuong@loa",
                title,
                "20261124T050000Z",
                "20261124T050100Z",
                "Trên 1 trong 1 loa",
            ]
        );
    }

    #[test]
    fn what_will_not_sound_is_not_in_it() {
        let mut joined = Joined::default();
        joined.add(&[ahead(0, "Trong giờ yên lặng", None)]);
        assert_eq!(read(&joined.calendar(&of(1), NOON)).len(), 0);
    }

    #[test]
    fn an_area_s_bulletin_is_one_event_from_the_first_pole_to_the_last() {
        let mut joined = Joined::default();
        joined.add(&[ahead(0, "Tin", Some(0))]);
        joined.add(&[ahead(0, "Tin", Some(5))]);
        joined.add(&[ahead(0, "Tin", None)]);
        let read = read(&joined.calendar(&of(3), NOON));
        assert_eq!(read.len(), 1);
        assert_eq!(read[0][2..4], ["20261124T050000Z", "20261124T050105Z"]);
        assert_eq!(read[0][4], "Trên 2 trong 3 loa");
    }

    #[test]
    fn it_says_the_same_each_time_it_is_read() {
        let mut joined = Joined::default();
        joined.add(&[ahead(0, "Tin", Some(0))]);
        let once = joined.calendar(&of(1), NOON);
        assert_eq!(once, joined.calendar(&of(1), NOON));
    }

    #[test]
    fn a_calendar_is_bounded() {
        let mut joined = Joined::default();
        let many: Vec<Ahead> = (0..MAX_EVENTS as u16 + 10)
            .map(|n| ahead(n, "x", Some(0)))
            .collect();
        joined.add(&many);
        assert_eq!(joined.0.len(), MAX_EVENTS);
    }
}
