//! The same figures without any of the code that makes them fast.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use loa_protocol::{
    bulletin::{Priority, Status},
    id::{AreaId, SpeakerId},
    telemetry::Hearing,
    time::WallTime,
};

use crate::{
    logic::{
        figures::{Counts, ERROR_BOUNDS_MS, Figures, Line, Reasons},
        outages::{Outage, Run},
    },
    reports::Span,
    store::{Known, PlayoutFilter, PlayoutRow, Store},
};

pub struct Recount {
    pub speakers: Vec<(SpeakerId, Figures)>,
    pub total: Figures,
    pub reasons: Reasons,
    pub days: Vec<(Date, Figures)>,
}

pub async fn recount(store: &Store, below: Option<&AreaId>, span: Span, now: WallTime) -> Recount {
    let everything = PlayoutFilter {
        limit: 1_000_000,
        ..PlayoutFilter::default()
    };
    let playouts = store.playouts(&everything).await.expect("read");
    let areas = store.areas(None).await.expect("read");
    let all = store.known_speakers(None).await.expect("read");
    let runs = store
        .runs(WallTime::EPOCH, WallTime::MAX)
        .await
        .expect("read");
    let mut days = Vec::new();
    let mut day = span.first;
    while day <= span.last {
        days.push((day, Figures::default()));
        day = day.saturating_add(1.day());
    }
    let mut found = Recount {
        speakers: Vec::new(),
        total: Figures::default(),
        reasons: Reasons::new(),
        days,
    };
    for one in all {
        let mut at = Some(one.area.clone());
        let mut inside = below.is_none();
        while let Some(area) = at {
            inside |= Some(&area) == below;
            at = areas
                .iter()
                .find(|a| a.id == area)
                .and_then(|a| a.parent.clone());
        }
        if !inside {
            continue;
        }
        let zone = TimeZone::get(&one.zone).expect("a zone");
        let midnight = |date: Date| -> WallTime {
            zone.to_timestamp(date.at(0, 0, 0, 0))
                .expect("an instant")
                .into()
        };
        let outages = store
            .outages_of(&one.id, WallTime::EPOCH, WallTime::MAX)
            .await
            .expect("read");
        let of = |from: WallTime, to: WallTime| {
            let rows: Vec<&PlayoutRow> = playouts
                .iter()
                .filter(|p| p.speaker == one.id && p.planned >= from && p.planned < to)
                .collect();
            rows
        };
        let (from, to) = (
            midnight(span.first),
            midnight(span.last.saturating_add(1.day())),
        );
        let there = |from, to| one.made < to && one.removed.is_none_or(|at| at > from);
        // What is one occurrence on two days of a span counts on each of them, as the days do.
        let (mut counts, mut reasons) = (Counts::default(), Reasons::new());
        for (day, figures) in &mut found.days {
            let (begins, ends) = (midnight(*day), midnight(day.saturating_add(1.day())));
            let (some, why) = count(&of(begins, ends));
            figures.counts += &some;
            counts += &some;
            for (key, n) in why {
                *reasons.entry(key).or_default() += n;
            }
            figures.line += &reached(&one, begins, ends.min(now), &runs, &outages);
            figures.speakers += u64::from(there(begins, ends));
        }
        if !there(from, to) && counts == Counts::default() {
            continue;
        }
        let figures = Figures {
            speakers: 1,
            line: reached(&one, from, to.min(now), &runs, &outages),
            counts,
        };
        found.total += &figures;
        for (key, n) in reasons {
            *found.reasons.entry(key).or_default() += n;
        }
        found.speakers.push((one.id.clone(), figures));
    }
    found
}

fn count(rows: &[&PlayoutRow]) -> (Counts, Reasons) {
    let (mut counts, mut reasons) = (Counts::default(), BTreeMap::new());
    let occurrences: BTreeSet<String> = rows.iter().map(|r| r.occurrence.to_string()).collect();
    for occurrence in occurrences {
        let mut tries: Vec<&&PlayoutRow> = rows
            .iter()
            .filter(|r| r.occurrence.to_string() == occurrence)
            .collect();
        tries.sort_by_key(|r| r.attempt);
        let last = tries[tries.len() - 1];
        counts.due += 1;
        counts.due_ms += tries.iter().filter_map(|r| r.due_ms).max().unwrap_or(0);
        counts.sounded_ms += tries.iter().map(|r| r.sounded_ms).sum::<u64>();
        if last.priority == Priority::Emergency && last.status == Status::Actual {
            counts.emergencies += 1;
        }
        for row in &tries {
            if let Some(error) = row.error_us {
                if error > 5_000_000 {
                    counts.late += 1;
                }
                let mut place = 15;
                for (i, bound) in ERROR_BOUNDS_MS.iter().enumerate().rev() {
                    if error.abs() <= i64::from(*bound) * 1_000 {
                        place = i;
                    }
                }
                counts.errors[place] += 1;
                break;
            }
        }
        let outcome = last.outcome.clone().unwrap_or_default();
        let mut reason = last.reason.clone().unwrap_or_default();
        let heard = last.heard;
        match outcome.as_str() {
            "" => continue,
            "completed" => {
                counts.completed += 1;
                if heard == Some(Hearing::Heard) {
                    counts.heard += 1;
                    continue;
                }
                if heard != Some(Hearing::NotHeard) {
                    counts.unverified += 1;
                    continue;
                }
                counts.not_heard += 1;
                reason = "not_heard".into();
            }
            "missed" => counts.missed += 1,
            "skipped" => counts.skipped += 1,
            "interrupted" => counts.interrupted += 1,
            "pre_empted" => counts.pre_empted += 1,
            "failed" => counts.failed += 1,
            "unreported" => counts.unreported += 1,
            other => panic!("{other}"),
        }
        *reasons.entry((outcome, reason)).or_default() += 1;
    }
    (counts, reasons)
}

fn reached(one: &Known, from: WallTime, to: WallTime, runs: &[Run], outages: &[Outage]) -> Line {
    let mut line = Line::default();
    let Some(heard) = one.first_heard else {
        return line;
    };
    let from = from.max(heard);
    let to = one.removed.map_or(to, |at| to.min(at));
    if to <= from {
        return line;
    }
    let common = |a: (WallTime, WallTime), b: (WallTime, WallTime)| {
        a.1.min(b.1).since_us(a.0.max(b.0)).max(0)
    };
    for run in runs {
        line.measured_us += common((from, to), (run.began, run.alive));
    }
    line.unmeasured_us = to.since_us(from) - line.measured_us;
    line.connected_us = line.measured_us;
    for outage in outages {
        let ended = outage.ended.unwrap_or(WallTime::MAX);
        if outage.began >= to || ended <= from {
            continue;
        }
        let (began, ended) = (outage.began.max(from), ended.min(to));
        let mut lost = 0;
        for run in runs {
            lost += common((began, ended), (run.began, run.alive));
        }
        line.outages += 1;
        line.connected_us -= lost;
        let of = line.causes.entry(outage.cause).or_default();
        of.0 += 1;
        of.1 += lost;
    }
    line
}
