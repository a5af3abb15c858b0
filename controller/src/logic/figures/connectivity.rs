//! How long a speaker could be reached, of the time in which the office could have known.

use std::{collections::BTreeMap, ops::AddAssign};

use loa_protocol::time::WallTime;

use crate::logic::outages::{Cause, Outage, Run};

/// A speaker's line over some time, in microseconds; of many speakers, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The office ran, and knew the speaker.
    pub measured_us: i64,
    /// Of that, without an outage.
    pub connected_us: i64,
    /// The office knew the speaker, and did not run itself.
    pub unmeasured_us: i64,
    /// Outages of which any part lies in it.
    pub outages: u64,
    /// The same by cause, and how much of what is measured each took.
    pub causes: BTreeMap<Cause, (u64, i64)>,
}

impl AddAssign<&Line> for Line {
    fn add_assign(&mut self, other: &Line) {
        self.measured_us += other.measured_us;
        self.connected_us += other.connected_us;
        self.unmeasured_us += other.unmeasured_us;
        self.outages += other.outages;
        for (cause, (n, us)) in &other.causes {
            let sum = self.causes.entry(*cause).or_default();
            sum.0 += n;
            sum.1 += us;
        }
    }
}

/// The office's runs, made ready for being asked many times.
#[derive(Debug)]
pub struct Running {
    /// In order, apart; with how long all before it were.
    runs: Vec<(i64, i64, i64)>,
}

impl Running {
    /// `runs` in order of their begin.
    pub fn new(runs: &[Run]) -> Self {
        let mut made: Vec<(i64, i64, i64)> = Vec::with_capacity(runs.len());
        for run in runs {
            let before = made.last().map_or(0, |(b, e, sum)| sum + (e - b));
            let from = run
                .began
                .as_micros()
                .max(made.last().map_or(i64::MIN, |(_, e, _)| *e));
            if run.alive.as_micros() > from {
                made.push((from, run.alive.as_micros(), before));
            }
        }
        Self { runs: made }
    }

    /// How long the office ran before that.
    fn until_us(&self, at: i64) -> i64 {
        let begun = self.runs.partition_point(|(began, ..)| *began < at);
        match begun.checked_sub(1) {
            None => 0,
            Some(i) => {
                let (began, ended, before) = self.runs[i];
                before + ended.min(at) - began
            }
        }
    }

    /// How long the office ran in `from..to`.
    pub fn within_us(&self, from: WallTime, to: WallTime) -> i64 {
        if to <= from {
            return 0;
        }
        self.until_us(to.as_micros()) - self.until_us(from.as_micros())
    }
}

/// Of a speaker whom the office knew in `from..to`, with the outages of that time, none over another.
pub fn line<'a>(
    from: WallTime,
    to: WallTime,
    running: &Running,
    outages: impl IntoIterator<Item = &'a Outage>,
) -> Line {
    let mut line = Line::default();
    if to <= from {
        return line;
    }
    line.measured_us = running.within_us(from, to);
    line.unmeasured_us = to.since_us(from) - line.measured_us;
    let mut lost_us = 0;
    for outage in outages {
        let (began, ended) = (outage.began, outage.ended.unwrap_or(WallTime::MAX));
        if began >= to || ended <= from {
            continue;
        }
        let us = running.within_us(began.max(from), ended.min(to));
        lost_us += us;
        line.outages += 1;
        let of = line.causes.entry(outage.cause).or_default();
        of.0 += 1;
        of.1 += us;
    }
    line.connected_us = line.measured_us - lost_us;
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> WallTime {
        WallTime::from_millis(s * 1_000)
    }
    fn run(began: i64, alive: i64) -> Run {
        Run {
            began: at(began),
            alive: at(alive),
        }
    }
    fn outage(began: i64, ended: Option<i64>, cause: Cause) -> Outage {
        Outage {
            speaker: "ban-chuong".parse().expect("a good name"),
            began: at(began),
            ended: ended.map(at),
            cause,
            told: false,
            cell: None,
            lineage: Vec::new(),
        }
    }

    #[test]
    fn the_offices_own_downtime_is_nobodys_outage() {
        let running = Running::new(&[run(0, 100), run(200, 1_000)]);
        let outages = [
            outage(50, Some(250), Cause::Power),
            outage(900, None, Cause::Unknown),
        ];
        let line = line(at(0), at(1_000), &running, &outages);
        let s = |us: i64| us / 1_000_000;
        assert_eq!((s(line.measured_us), s(line.unmeasured_us)), (900, 100));
        assert_eq!(s(line.connected_us), 900 - 50 - 50 - 100);
        assert_eq!(line.causes[&Cause::Power], (1, 100_000_000));
        assert_eq!(line.outages, 2);
    }

    #[test]
    fn runs_that_lie_over_one_another_count_once() {
        let running = Running::new(&[run(0, 100), run(50, 80), run(90, 200)]);
        assert_eq!(running.within_us(at(0), at(500)), 200_000_000);
        assert_eq!(running.within_us(at(120), at(130)), 10_000_000);
        assert_eq!(running.within_us(at(300), at(400)), 0);
        assert_eq!(Running::new(&[]).within_us(at(0), at(9)), 0);
    }

    #[test]
    fn what_lies_outside_does_not_count() {
        let running = Running::new(&[run(0, 1_000)]);
        let outages = [
            outage(0, Some(10), Cause::Power),
            outage(20, Some(30), Cause::Power),
        ];
        let line = line(at(10), at(20), &running, &outages);
        assert_eq!((line.outages, line.connected_us), (0, 10_000_000));
    }
}
