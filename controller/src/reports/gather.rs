//! Everything that a report says, read from what is counted and from outages: never from playouts or samples.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use loa_protocol::{
    id::{AreaId, SpeakerId},
    time::WallTime,
};

use crate::{
    logic::{
        figures::{Counts, Figures, Line, Reasons, Running, line},
        incidents::{Incident, Roster, name_masts},
        outages::Outage,
    },
    store::{Known, Periods, Repaired, Store, StoreError, begin},
};

/// A run of the office is kept to within half a minute: what is younger than this still lasts.
const STILL_US: i64 = 90_000_000;

/// Civil days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub first: Date,
    pub last: Date,
}

/// One speaker's figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    pub id: SpeakerId,
    pub name: String,
    pub area: AreaId,
    pub figures: Figures,
}

/// One area's, with everything below it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportedArea {
    pub id: AreaId,
    pub name: String,
    pub figures: Figures,
}

#[derive(Clone, Debug)]
pub struct Gathered {
    pub span: Span,
    pub total: Figures,
    /// By name.
    pub speakers: Vec<Reported>,
    /// The areas right below the one that was asked for, and it itself where it has speakers of its own; by name.
    pub areas: Vec<ReportedArea>,
    /// Each day of the span, where it was asked for.
    pub days: Vec<(Date, Figures)>,
    pub reasons: Reasons,
    /// How many events the outages are: a mast's are one.
    pub outage_events: usize,
    pub repaired: Repaired,
}

/// Of everybody in and below `below` (or of all) in these days of each speaker's own zone (outage events and repairs:
/// of the office's, `zone`); `now` is where measuring ends.
/// A removed speaker counts until it was removed, in the area that keeps its history.
pub async fn gather(
    store: &Store,
    below: Option<&AreaId>,
    span: Span,
    by_day: bool,
    zone: &str,
    now: WallTime,
) -> Result<Gathered, StoreError> {
    let periods = Periods::of(span.first, span.last);
    // No zone is further from UTC than a day.
    let (from, to) = (
        begin(&TimeZone::UTC, span.first.into()).plus_s(-86_400),
        begin(&TimeZone::UTC, after(span.last).into()).plus_s(86_400),
    );
    let known = store.known_speakers(below).await?;
    let mut outages = store.outages_between(from, to.min(now)).await?;
    let mut runs = store.runs(from, to).await?;
    if let Some(last) = runs.last_mut()
        && now.since_us(last.alive) < STILL_US
    {
        last.alive = last.alive.max(now);
    }
    let counts = store.counts(below, &periods).await?;
    let day_counts = match by_day {
        true => store.counts_by_day(below, span.first, span.last).await?,
        false => HashMap::new(),
    };
    let reasons = store.reasons(below, &periods).await?;
    let office = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let (begins, ends) = (
        begin(&office, span.first.into()),
        begin(&office, after(span.last).into()),
    );
    let repaired = store.repaired(below, begins, ends).await?;
    let areas = store.areas(below).await?;
    let names: HashMap<AreaId, (String, Option<AreaId>)> = areas
        .into_iter()
        .map(|area| (area.id, (area.name, area.parent)))
        .collect();
    let top = below.cloned();
    let made = tokio::task::spawn_blocking(move || {
        let mut roster = Roster::new();
        for speaker in &known {
            *roster.entry(speaker.area.clone()).or_default() += 1;
        }
        // Whether outages are one event does not depend on who asks.
        let incidents = name_masts(&mut outages, &roster);
        let mut desk = Desk {
            span,
            now,
            running: Running::new(&runs),
            zones: HashMap::new(),
            by_day,
            office: (begins, ends),
        };
        desk.make(
            known,
            (outages, &incidents),
            counts,
            day_counts,
            &names,
            top.as_ref(),
        )
    });
    let mut made = made
        .await
        .map_err(|error| StoreError::Damaged(format!("report: {error}")))?;
    made.reasons = reasons;
    made.repaired = repaired;
    Ok(made)
}

fn after(day: Date) -> Date {
    day.saturating_add(1.day())
}

struct Desk {
    span: Span,
    now: WallTime,
    running: Running,
    /// Where each day of the span begins in a zone, and where the last one ends.
    zones: HashMap<String, Vec<WallTime>>,
    by_day: bool,
    /// The span in the office's own zone: by it events are counted.
    office: (WallTime, WallTime),
}

impl Desk {
    fn make(
        &mut self,
        known: Vec<Known>,
        // All of the office's, and which of them are one event.
        (outages, incidents): (Vec<Outage>, &[Incident]),
        mut counts: HashMap<SpeakerId, Counts>,
        day_counts: HashMap<Date, Counts>,
        names: &HashMap<AreaId, (String, Option<AreaId>)>,
        top: Option<&AreaId>,
    ) -> Gathered {
        let mine: HashSet<&SpeakerId> = known.iter().map(|speaker| &speaker.id).collect();
        let of_mine: Vec<Outage> = outages
            .iter()
            .filter(|outage| mine.contains(&outage.speaker))
            .cloned()
            .collect();
        let (first, last) = self.office;
        let outage_events = incidents
            .iter()
            .filter(|incident| {
                incident.outages.iter().any(|i| {
                    let o = &outages[*i];
                    mine.contains(&o.speaker) && o.began < last && o.ended.is_none_or(|e| e > first)
                })
            })
            .count();
        let mut each: HashMap<&SpeakerId, Vec<&Outage>> = HashMap::new();
        for outage in &of_mine {
            each.entry(&outage.speaker).or_default().push(outage);
        }
        let mut gathered = Gathered {
            span: self.span,
            total: Figures::default(),
            speakers: Vec::with_capacity(known.len()),
            areas: Vec::new(),
            days: Vec::new(),
            reasons: Reasons::new(),
            outage_events,
            repaired: Repaired::default(),
        };
        let days = (self.span.last - self.span.first).get_days().max(0) as usize + 1;
        let mut lines = vec![Line::default(); if self.by_day { days } else { 0 }];
        let mut of_day = vec![0_u64; lines.len()];
        let mut areas: BTreeMap<AreaId, Figures> = BTreeMap::new();
        for speaker in &known {
            let own = each.get(&speaker.id).map_or(&[][..], Vec::as_slice);
            let begins = self.days_of(&speaker.zone);
            let there = |from: WallTime, to: WallTime| {
                speaker.made < to && speaker.removed.is_none_or(|at| at > from)
            };
            if !there(begins[0], begins[days]) && !counts.contains_key(&speaker.id) {
                continue;
            }
            let whole = self.life(speaker, begins[0], begins[days]);
            let figures = Figures {
                speakers: 1,
                line: line(whole.0, whole.1, &self.running, own.iter().copied()),
                counts: counts.remove(&speaker.id).unwrap_or_default(),
            };
            for (i, sum) in lines.iter_mut().enumerate() {
                let (from, to) = self.life(speaker, begins[i], begins[i + 1]);
                *sum += &line(from, to, &self.running, own.iter().copied());
                of_day[i] += u64::from(there(begins[i], begins[i + 1]));
            }
            gathered.total += &figures;
            *areas.entry(branch(&speaker.area, names, top)).or_default() += &figures;
            gathered.speakers.push(Reported {
                id: speaker.id.clone(),
                name: speaker.name.clone(),
                area: speaker.area.clone(),
                figures,
            });
        }
        gathered.areas = areas
            .into_iter()
            .map(|(id, figures)| ReportedArea {
                name: names
                    .get(&id)
                    .map_or_else(|| id.to_string(), |(name, _)| name.clone()),
                id,
                figures,
            })
            .collect();
        gathered.areas.sort_by(|a, b| a.name.cmp(&b.name));
        let mut day = self.span.first;
        for (line, speakers) in lines.into_iter().zip(of_day) {
            let counts = day_counts.get(&day).cloned().unwrap_or_default();
            gathered.days.push((
                day,
                Figures {
                    speakers,
                    line,
                    counts,
                },
            ));
            day = after(day);
        }
        gathered
    }

    fn days_of(&mut self, name: &str) -> Vec<WallTime> {
        if let Some(known) = self.zones.get(name) {
            return known.clone();
        }
        let zone = TimeZone::get(name).unwrap_or(TimeZone::UTC);
        let mut begins = Vec::new();
        let mut day = self.span.first;
        while day <= self.span.last {
            begins.push(begin(&zone, day.into()));
            day = after(day);
        }
        begins.push(begin(&zone, day.into()));
        self.zones.insert(name.to_owned(), begins.clone());
        begins
    }

    /// The part of `from..to` in which there was something to know about a speaker.
    fn life(&self, speaker: &Known, from: WallTime, to: WallTime) -> (WallTime, WallTime) {
        let Some(heard) = speaker.first_heard else {
            return (from, from);
        };
        let end = to.min(self.now).min(speaker.removed.unwrap_or(to));
        (from.max(heard), end)
    }
}

/// The area right below `top` (or the root) in which this one lies; `top` itself for what is right in it.
fn branch(
    area: &AreaId,
    names: &HashMap<AreaId, (String, Option<AreaId>)>,
    top: Option<&AreaId>,
) -> AreaId {
    let mut at = area;
    for _ in 0..names.len() {
        if Some(at) == top {
            break;
        }
        match names.get(at).and_then(|(_, parent)| parent.as_ref()) {
            Some(parent) if Some(parent) != top => at = parent,
            _ => break,
        }
    }
    at.clone()
}
