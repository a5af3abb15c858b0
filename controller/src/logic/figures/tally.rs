//! One speaker's playouts of some time, counted.

use std::collections::BTreeMap;

use loa_protocol::{
    bulletin::{Priority, Status},
    telemetry::Hearing,
};

use super::{Counts, LATE_US};

/// What a playout's row says, as far as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    pub occurrence: String,
    pub attempt: i64,
    pub priority: Priority,
    pub status: Status,
    pub error_us: Option<i64>,
    pub sounded_ms: u64,
    pub due_ms: u64,
    /// `None`: it runs, or was heard of last while it ran.
    pub outcome: Option<String>,
    pub reason: Option<String>,
    pub heard: Option<Hearing>,
}

/// How often each outcome had each reason (empty: none); of what sounded to its end only what was not heard.
pub type Reasons = BTreeMap<(String, String), u64>;

/// Rows of one speaker, in any order.
pub fn tally(rows: &[Played]) -> (Counts, Reasons) {
    let mut tries: BTreeMap<&str, Vec<&Played>> = BTreeMap::new();
    for row in rows {
        tries.entry(&row.occurrence).or_default().push(row);
    }
    let (mut counts, mut reasons) = (Counts::default(), Reasons::new());
    for attempts in tries.values_mut() {
        attempts.sort_by_key(|row| row.attempt);
        if let Some(last) = attempts.last()
            && !was_heard_live(last)
        {
            count(attempts, last, &mut counts, &mut reasons);
        }
    }
    (counts, reasons)
}

/// The recording of a call that the speaker had sounded already: nothing was due.
fn was_heard_live(last: &Played) -> bool {
    last.outcome.as_deref() == Some("skipped") && last.reason.as_deref() == Some("heard_live")
}

fn count(attempts: &[&Played], last: &Played, counts: &mut Counts, reasons: &mut Reasons) {
    counts.due += 1;
    counts.due_ms += attempts.iter().map(|row| row.due_ms).max().unwrap_or(0);
    counts.sounded_ms += attempts.iter().map(|row| row.sounded_ms).sum::<u64>();
    if last.priority == Priority::Emergency && last.status == Status::Actual {
        counts.emergencies += 1;
    }
    if let Some(error_us) = attempts.iter().find_map(|row| row.error_us) {
        counts.note_error(error_us);
        counts.late += u64::from(error_us > LATE_US);
    }
    let Some(outcome) = last.outcome.as_deref() else {
        return;
    };
    let mut reason = last.reason.as_deref().unwrap_or("");
    match outcome {
        "completed" => {
            counts.completed += 1;
            match last.heard {
                Some(Hearing::Heard) => counts.heard += 1,
                Some(Hearing::NotHeard) => {
                    counts.not_heard += 1;
                    reason = "not_heard";
                }
                Some(Hearing::NoMicrophone | Hearing::Unclear) | None => counts.unverified += 1,
            }
            if last.heard != Some(Hearing::NotHeard) {
                return;
            }
        }
        "missed" => counts.missed += 1,
        "skipped" => counts.skipped += 1,
        "interrupted" => counts.interrupted += 1,
        "pre_empted" => counts.pre_empted += 1,
        "failed" => counts.failed += 1,
        _ => counts.unreported += 1,
    }
    *reasons
        .entry((outcome.to_owned(), reason.to_owned()))
        .or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(n: u32, outcome: Option<&str>, reason: Option<&str>) -> Played {
        Played {
            occurrence: format!("b{n}/2026-11-24/0/0"),
            attempt: 0,
            priority: Priority::Ordinary,
            status: Status::Actual,
            error_us: None,
            sounded_ms: 0,
            due_ms: 60_000,
            outcome: outcome.map(str::to_owned),
            reason: reason.map(str::to_owned),
            heard: None,
        }
    }

    #[test]
    fn what_sounded_is_heard_not_heard_or_unverified_and_all_of_it_completed() {
        let each = [
            Some(Hearing::Heard),
            Some(Hearing::NotHeard),
            Some(Hearing::NoMicrophone),
            Some(Hearing::Unclear),
            None,
        ];
        let rows: Vec<Played> = (0..)
            .zip(each)
            .map(|(n, heard)| Played {
                heard,
                error_us: Some(1_000),
                sounded_ms: 60_000,
                ..played(n, Some("completed"), None)
            })
            .collect();
        let (counts, reasons) = tally(&rows);
        assert_eq!((counts.due, counts.completed), (5, 5));
        assert_eq!(
            (counts.heard, counts.not_heard, counts.unverified),
            (1, 1, 3)
        );
        assert_eq!((counts.due_ms, counts.sounded_ms), (300_000, 300_000));
        let not_heard = ("completed".to_owned(), "not_heard".to_owned());
        assert_eq!(reasons, Reasons::from([(not_heard, 1)]));
    }

    #[test]
    fn silence_is_counted_as_silence() {
        let rows = [
            played(0, Some("unreported"), None),
            played(1, Some("missed"), Some("off")),
            played(2, None, None),
        ];
        let (counts, reasons) = tally(&rows);
        assert_eq!((counts.due, counts.completed), (3, 0));
        assert_eq!((counts.unreported, counts.missed), (1, 1));
        assert_eq!(reasons.values().sum::<u64>(), 2);
    }

    #[test]
    fn a_recording_that_was_not_needed_was_not_due() {
        let rows = [
            played(0, Some("completed"), None),
            played(1, Some("skipped"), Some("heard_live")),
            played(2, Some("skipped"), Some("busy")),
        ];
        let (counts, reasons) = tally(&rows);
        assert_eq!((counts.due, counts.skipped), (2, 1));
        assert_eq!(counts.due_ms, 120_000);
        assert_eq!(reasons.len(), 1);
    }

    #[test]
    fn an_emergency_that_a_power_cut_broke_off_and_that_was_said_again_is_one() {
        let mut first = played(0, Some("interrupted"), Some("power_cut"));
        first.priority = Priority::Emergency;
        first.error_us = Some(6_000_000);
        first.sounded_ms = 20_000;
        let mut second = first.clone();
        second.attempt = 1;
        second.outcome = Some("completed".into());
        second.sounded_ms = 60_000;
        for rows in [[first.clone(), second.clone()], [second, first]] {
            let (counts, reasons) = tally(&rows);
            assert_eq!(
                (counts.due, counts.emergencies, counts.completed),
                (1, 1, 1)
            );
            assert_eq!((counts.late, counts.sounded_ms), (1, 80_000));
            assert_eq!(reasons, Reasons::new());
        }
    }

    #[test]
    fn five_seconds_are_not_late_and_a_moment_more_is() {
        let at = |error_us| Played {
            error_us: Some(error_us),
            ..played(0, Some("completed"), None)
        };
        assert_eq!(tally(&[at(5_000_000)]).0.late, 0);
        assert_eq!(tally(&[at(5_000_001)]).0.late, 1);
        assert_eq!(tally(&[at(-60_000_000)]).0.late, 0);
    }
}
