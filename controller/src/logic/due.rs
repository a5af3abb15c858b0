//! What was due of a bulletin and should have been told by now: silence is shown as silence.

use loa_protocol::{bulletin::Bulletin, playout::OccurrenceId, time::WallTime};

/// After an occurrence's lateness has run out a speaker that can be reached has told what became of it within this.
pub const TOLD_WITHIN_S: i64 = 10 * 60;
/// Most occurrences of one bulletin in one pass; the next pass begins where this one ended.
pub const MAX_DUE: usize = 2_000;

/// One occurrence of which everybody for whom it was should have told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub occurrence: OccurrenceId,
    pub planned: WallTime,
}

/// When everybody should have told of an occurrence planned at `at`. One that may start as long as its bulletin stands (an
/// emergency) should have started at once where it can be heard of.
pub fn told_by(bulletin: &Bulletin, at: WallTime) -> WallTime {
    let late = bulletin.lateness_s.map_or(0, i64::from);
    at.plus_s(late).plus_s(TOLD_WITHIN_S)
}

/// The occurrences whose time to be told of ended after `after` and not after `through`, in order of plan. The second: up
/// to when all of them are in it; less than `through` where there are more than [`MAX_DUE`].
pub fn due(bulletin: &Bulletin, after: WallTime, through: WallTime) -> (Vec<Due>, WallTime) {
    let wait_us = told_by(bulletin, WallTime::EPOCH).as_micros();
    let from = after.plus_us(1).plus_us(-wait_us);
    let to = through.plus_us(1).plus_us(-wait_us);
    // A rule that no pole can read plans nothing.
    let planned = bulletin.planned(from, to, MAX_DUE).unwrap_or_default();
    let complete = match planned.last() {
        // Those of the last instant may be cut off: they come with the next pass, and twice does no harm.
        Some(last) if planned.len() == MAX_DUE => told_by(bulletin, last.at).plus_us(-1),
        _ => through,
    };
    let due = planned.into_iter().map(|planned| Due {
        occurrence: planned.id,
        planned: planned.at,
    });
    (due.collect(), complete.max(after))
}

#[cfg(test)]
mod tests {
    use loa_protocol::{bulletin::When, content::Manifest};

    use super::*;
    use crate::store::testing;

    const NOON: WallTime = testing::NOON;

    fn daily() -> Bulletin {
        let rule = When::Rule {
            start: "2026-11-24T05:30".into(),
            rrule: "FREQ=DAILY;BYHOUR=5,17".into(),
            except: vec!["2026-11-26".into()],
        };
        let manifest = Manifest::of(b"something", 10_000);
        testing::bulletin(manifest, rule, NOON.plus_s(-86_400))
    }

    #[test]
    fn an_occurrence_is_unreported_ten_minutes_after_its_lateness_and_no_moment_earlier() {
        let bulletin = daily();
        let planned = NOON.plus_s(5 * 3_600 + 1_800);
        let told = planned.plus_s(60 + 600);
        assert_eq!(due(&bulletin, NOON, told.plus_us(-1)).0, []);
        let found = due(&bulletin, NOON, told).0;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].planned, planned);
        // And once: the next pass goes on after it.
        assert_eq!(due(&bulletin, told, told.plus_s(3_600)).0, []);
    }

    #[test]
    fn passes_together_find_what_one_pass_finds() {
        let bulletin = daily();
        let end = NOON.plus_s(20 * 86_400);
        let whole = due(&bulletin, NOON, end).0;
        // Two a day, less the day that is taken out.
        assert_eq!(whole.len(), 38);
        let mut parts = Vec::new();
        let mut mark = NOON;
        while mark < end {
            let next = mark.plus_s(7_777).min(end);
            parts.extend(due(&bulletin, mark, next).0);
            mark = next;
        }
        assert_eq!(parts, whole);
    }

    #[test]
    fn more_than_a_pass_holds_is_left_to_the_next() {
        let mut bulletin = daily();
        let hours: Vec<String> = (0..24).map(|h| h.to_string()).collect();
        bulletin.when = When::Rule {
            start: "2026-11-24T00:30".into(),
            rrule: format!("FREQ=DAILY;BYHOUR={}", hours.join(",")),
            except: Vec::new(),
        };
        let end = NOON.plus_s(100 * 86_400);
        let (first, through) = due(&bulletin, NOON, end);
        assert_eq!(first.len(), MAX_DUE);
        assert!(through < end);
        let (rest, all) = due(&bulletin, through, end);
        assert_eq!(all, end);
        assert_eq!(rest[0], first[MAX_DUE - 1]);
        assert_eq!(first.len() + rest.len() - 1, 100 * 24);
    }

    #[test]
    fn an_emergency_that_stands_for_a_day_is_missed_at_once() {
        let mut bulletin = daily();
        bulletin.lateness_s = None;
        assert_eq!(told_by(&bulletin, NOON), NOON.plus_s(600));
    }
}
