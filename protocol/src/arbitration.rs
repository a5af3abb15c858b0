//! What should sound now on one speaker. One pure function; the pole runs it, and so does the preview.
//!
//! It is level-triggered: it says what ought to be, not what to do. Asking twice gives the same answer.

use std::cmp::Ordering;

use crate::{
    bulletin::{OnPreempt, Priority, RESUME_BACK_MS, RESUME_WITHIN_S, Status},
    playout::{Interruption, Miss, OccurrenceId, Outcome, Skip},
    quiet_hours::{is_quiet, quiet_from},
    speaker_config::SpeakerConfig,
    time::WallTime,
};

/// One occurrence that is due, soon due, sounding, or waiting to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: OccurrenceId,
    pub priority: Priority,
    pub status: Status,
    pub order: u32,
    pub planned: WallTime,
    /// Last instant for a first start.
    pub start_by: WallTime,
    /// Last instant for a start or a resumption.
    pub valid_until: Option<WallTime>,
    pub on_preempt: OnPreempt,
    /// What is left to sound, in milliseconds.
    pub remaining_ms: u64,
    pub state: State,
    /// Its audio is complete on this speaker.
    pub ready: bool,
    /// When this speaker first could have known of it and acted: the later of the arrival of its plan and the start of
    /// the program, each `EPOCH` when it was long ago.
    pub arrived: WallTime,
    pub running_since: WallTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not begun.
    Waiting,
    /// Sounding, or armed to start at its planned instant.
    Sounding,
    /// Cut by a higher priority at `since`; goes on when it may.
    Suspended { since: WallTime },
}

/// What ought to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// This one, from `max(now, planned)` on, and nothing else.
    pub sound: Option<OccurrenceId>,
    /// These are over without having sounded (further), and why.
    pub over: Vec<(OccurrenceId, Outcome)>,
    /// Unless something new is learned, nothing changes before this.
    pub wake: Option<WallTime>,
}

/// Total order among candidates that may sound: the first is the one that does.
/// Priority; then what already began (sounding before suspended before waiting);
/// then the commune's order; then the earlier plan; then the name, so that two speakers agree.
pub fn rank(a: &Candidate, b: &Candidate) -> Ordering {
    let begun = |c: &Candidate| match c.state {
        State::Sounding => 0,
        State::Suspended { .. } => 1,
        State::Waiting => 2,
    };
    b.priority
        .cmp(&a.priority)
        .then_with(|| begun(a).cmp(&begun(b)))
        .then_with(|| a.order.cmp(&b.order))
        .then_with(|| a.planned.cmp(&b.planned))
        .then_with(|| a.id.cmp(&b.id))
}

/// An emergency in earnest wakes people. An exercise or a test of one has no reason to.
fn passes_quiet_hours(c: &Candidate) -> bool {
    c.priority == Priority::Emergency && c.status == Status::Actual
}

/// Why a candidate may not sound at this instant.
enum Bar {
    NotReady,
    QuietHours,
    Muted,
}

fn bar(c: &Candidate, config: &SpeakerConfig, now: WallTime) -> Option<Bar> {
    if config.muted {
        return Some(Bar::Muted);
    }
    if !passes_quiet_hours(c) {
        let start = now.max(c.planned);
        let quiet = match c.state {
            State::Sounding => is_quiet(&config.quiet_hours, now, &config.zone),
            // What would run into the quiet hours does not begin: a sentence cut at 22:00 helps nobody.
            _ => quiet_from(&config.quiet_hours, start, &config.zone)
                .is_some_and(|quiet| quiet < start.plus_ms(c.remaining_ms as i64)),
        };
        if quiet {
            return Some(Bar::QuietHours);
        }
    }
    (!c.ready).then_some(Bar::NotReady)
}

/// Decides. `lead_ms` looks ahead: a candidate planned within it counts as due (the caller arms it to start at its
/// planned instant exactly). `silence_before`: whatever was planned at or before it is stopped.
pub fn decide(
    candidates: &[Candidate],
    config: &SpeakerConfig,
    silence_before: Option<WallTime>,
    now: WallTime,
    lead_ms: i64,
) -> Decision {
    let mut decision = Decision::default();
    let mut wake = |at: WallTime| {
        if at > now {
            decision.wake = Some(decision.wake.map_or(at, |w: WallTime| w.min(at)));
        }
    };
    let due_until = now.plus_ms(lead_ms);
    let mut able: Vec<&Candidate> = Vec::new();
    let mut over = Vec::new();
    let mut barred: Vec<(&Candidate, Bar)> = Vec::new();

    for c in candidates {
        if silence_before.is_some_and(|s| c.planned <= s) {
            over.push((
                c.id.clone(),
                match c.state {
                    State::Waiting => Outcome::Skipped(Skip::Stopped),
                    _ => Outcome::Interrupted(Interruption::Stopped),
                },
            ));
            continue;
        }
        if c.state == State::Waiting && c.planned > due_until {
            wake(c.planned.plus_ms(-lead_ms));
            continue;
        }
        match bar(c, config, now) {
            None => able.push(c),
            Some(bar) => barred.push((c, bar)),
        }
    }

    able.sort_by(|a, b| rank(a, b));
    // The first that is still in its window; those before it in rank but out of time are handled as late below.
    let chosen = able.iter().copied().find(|c| in_window(c, now));
    decision.sound = chosen.map(|c| c.id.clone());

    for c in able {
        if chosen.is_some_and(|s| s.id == c.id) {
            continue;
        }
        if c.state == State::Sounding {
            // Cut by the chosen one at that one's start; `after_cut` says what becomes of it.
            continue;
        }
        if in_window(c, now) {
            wake(window_end(c).plus_us(1));
        } else {
            over.push((c.id.clone(), late(c, chosen.is_some())));
        }
    }
    for (c, bar) in barred {
        let outcome = match (bar, c.state) {
            (Bar::Muted, State::Waiting) => Outcome::Skipped(Skip::Muted),
            (Bar::Muted, _) => Outcome::Interrupted(Interruption::Muted),
            (Bar::QuietHours, State::Waiting) => Outcome::Skipped(Skip::QuietHours),
            (Bar::QuietHours, _) => Outcome::Interrupted(Interruption::QuietHours),
            (Bar::NotReady, _) if in_window(c, now) => {
                wake(window_end(c).plus_us(1));
                continue;
            }
            (Bar::NotReady, State::Waiting) => {
                was_away(c).unwrap_or(Outcome::Missed(Miss::NoContent))
            }
            (Bar::NotReady, _) => Outcome::PreEmpted,
        };
        // Looking ahead must not pass judgement on what is not due yet: the mute may be lifted in time.
        if c.state == State::Waiting && c.planned > now {
            wake(c.planned);
        } else {
            over.push((c.id.clone(), outcome));
        }
    }
    if let Some(sounding) = chosen
        && !passes_quiet_hours(sounding)
        && let Some(quiet) = quiet_from(&config.quiet_hours, now.plus_us(1), &config.zone)
    {
        wake(quiet);
    }
    over.sort_by(|a, b| a.0.cmp(&b.0));
    decision.over = over;
    decision
}

/// From where a cut playout goes on, in milliseconds of itself; `None` when it is over.
pub fn after_cut(on_preempt: OnPreempt, cut_at_ms: u64) -> Option<u64> {
    match on_preempt {
        OnPreempt::Resume => Some(cut_at_ms.saturating_sub(RESUME_BACK_MS)),
        OnPreempt::Restart => Some(0),
        OnPreempt::Drop => None,
    }
}

/// May it still start, or go on?
fn in_window(c: &Candidate, now: WallTime) -> bool {
    c.state == State::Sounding || now <= window_end(c)
}

/// The last instant at which it may start or go on.
fn window_end(c: &Candidate) -> WallTime {
    let until = c.valid_until.unwrap_or(WallTime::MAX);
    match c.state {
        State::Waiting => c.start_by.min(until),
        State::Suspended { since } => since.plus_s(RESUME_WITHIN_S).min(until),
        State::Sounding => WallTime::MAX,
    }
}

fn was_away(c: &Candidate) -> Option<Outcome> {
    if c.running_since > c.start_by {
        Some(Outcome::Missed(Miss::Off))
    } else if c.arrived > c.start_by {
        Some(Outcome::Missed(Miss::ArrivedLate))
    } else {
        None
    }
}

/// It was able to sound, and its time ran out.
fn late(c: &Candidate, something_sounds: bool) -> Outcome {
    match c.state {
        State::Waiting => was_away(c).unwrap_or(if something_sounds {
            Outcome::Skipped(Skip::Busy)
        } else {
            Outcome::Missed(Miss::Off)
        }),
        State::Suspended { .. } | State::Sounding => Outcome::PreEmpted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{programme::Version, quiet_hours::DayWindow, speaker_config::VolumePlan};

    fn t(s: i64) -> WallTime {
        // 2026-11-24T12:00:00+07:00
        WallTime::from_millis(1_795_496_400_000).plus_s(s)
    }
    fn config() -> SpeakerConfig {
        SpeakerConfig {
            speaker: "ban-chuong-1".parse().expect("a good name"),
            version: Version::default(),
            made: t(0),
            name: "Bản Chương 1".into(),
            channels: vec![],
            zone: "Asia/Ho_Chi_Minh".into(),
            quiet_hours: vec![DayWindow::new("22:00", "05:00").expect("a good window")],
            volume: VolumePlan::default(),
            muted: false,
            limits: None,
            since: WallTime::EPOCH,
            delay_trim_ms: 0,
            self_test_at: None,
            orders: Vec::new(),
        }
    }
    fn waiting(name: &str, priority: Priority, planned: WallTime) -> Candidate {
        Candidate {
            id: format!("{name}/2026-11-24/0/0").parse().expect("a good id"),
            priority,
            status: Status::Actual,
            order: 0,
            planned,
            start_by: planned.plus_s(60),
            valid_until: None,
            on_preempt: OnPreempt::Resume,
            remaining_ms: 30_000,
            state: State::Waiting,
            ready: true,
            arrived: WallTime::EPOCH,
            running_since: WallTime::EPOCH,
        }
    }
    fn sounding(name: &str, priority: Priority, planned: WallTime) -> Candidate {
        Candidate {
            state: State::Sounding,
            ..waiting(name, priority, planned)
        }
    }
    fn sounds(candidates: &[Candidate], now: WallTime) -> Option<String> {
        decide(candidates, &config(), None, now, 0)
            .sound
            .map(|id| id.bulletin.to_string())
    }
    fn over(candidates: &[Candidate], now: WallTime) -> Vec<(String, Outcome)> {
        decide(candidates, &config(), None, now, 0)
            .over
            .into_iter()
            .map(|(id, o)| (id.bulletin.to_string(), o))
            .collect()
    }
    use Priority::{Emergency, Ordinary};

    #[test]
    fn nothing_sounds_before_its_time() {
        let news = waiting("news", Ordinary, t(10));
        let d = decide(std::slice::from_ref(&news), &config(), None, t(0), 0);
        assert_eq!((d.sound, d.wake), (None, Some(t(10))));
        assert_eq!(sounds(&[news], t(10)), Some("news".into()));
    }

    #[test]
    fn an_emergency_pre_empts_at_once_and_the_news_goes_on_after_it() {
        let news = sounding("news", Ordinary, t(0));
        let flood = waiting("flood", Emergency, t(5));
        assert_eq!(sounds(&[news.clone(), flood], t(5)), Some("flood".into()));
        let cut = Candidate {
            state: State::Suspended { since: t(5) },
            ..news
        };
        assert_eq!(
            sounds(std::slice::from_ref(&cut), t(40)),
            Some("news".into())
        );
        assert_eq!(
            over(&[cut], t(5 + RESUME_WITHIN_S + 1)),
            [("news".into(), Outcome::PreEmpted)]
        );
    }

    #[test]
    fn an_equal_does_not_cut_an_equal_but_waits_until_its_lateness_runs_out() {
        let news = sounding("news", Ordinary, t(0));
        let market = Candidate {
            order: 0,
            ..waiting("market", Ordinary, t(5))
        };
        let both = [Candidate { order: 9, ..news }, market];
        assert_eq!(sounds(&both, t(65)), Some("news".into()));
        assert_eq!(over(&both, t(65)), []);
        assert_eq!(
            over(&both, t(66)),
            [("market".into(), Outcome::Skipped(Skip::Busy))]
        );
    }

    #[test]
    fn among_equals_the_commune_s_order_decides_then_the_earlier_plan_then_the_name() {
        let a = waiting("a", Ordinary, t(1));
        let b = waiting("b", Ordinary, t(0));
        assert_eq!(sounds(&[a.clone(), b.clone()], t(2)), Some("b".into()));
        let a_first = Candidate { order: 0, ..a };
        let b_later = Candidate { order: 1, ..b };
        assert_eq!(sounds(&[b_later, a_first], t(2)), Some("a".into()));
        let twins = [waiting("y", Ordinary, t(0)), waiting("x", Ordinary, t(0))];
        assert_eq!(sounds(&twins, t(0)), Some("x".into()));
    }

    #[test]
    fn only_an_emergency_sounds_in_quiet_hours() {
        let night = t(15 * 3600 + 900); // 03:15
        let relay = waiting("relay", Priority::Priority, night);
        assert_eq!(sounds(std::slice::from_ref(&relay), night), None);
        assert_eq!(
            over(&[relay], night),
            [("relay".into(), Outcome::Skipped(Skip::QuietHours))]
        );
        assert_eq!(
            sounds(&[waiting("flood", Emergency, night)], night),
            Some("flood".into())
        );
    }

    #[test]
    fn an_exercise_of_an_emergency_wakes_nobody() {
        let night = t(15 * 3600 + 900); // 03:15
        for status in [Status::Exercise, Status::Test] {
            let drill = Candidate {
                status,
                ..waiting("drill", Emergency, night)
            };
            assert_eq!(sounds(std::slice::from_ref(&drill), night), None);
            assert_eq!(
                over(std::slice::from_ref(&drill), night),
                [("drill".into(), Outcome::Skipped(Skip::QuietHours))]
            );
            // And it does not sound on into the night.
            let sounding = Candidate {
                state: State::Sounding,
                ..drill
            };
            assert_eq!(
                over(&[sounding], night),
                [(
                    "drill".into(),
                    Outcome::Interrupted(Interruption::QuietHours)
                )]
            );
        }
    }

    #[test]
    fn an_exercise_of_an_emergency_cuts_the_news_by_day_and_ends_when_the_quiet_hours_begin() {
        let ten = t(10 * 3600); // 22:00
        let before = ten.plus_s(-25);
        let drill = Candidate {
            status: Status::Exercise,
            remaining_ms: 20_000,
            ..waiting("drill", Emergency, before)
        };
        let news = sounding("news", Ordinary, before.plus_s(-5));
        let both = [drill.clone(), news];
        assert_eq!(sounds(&both, before), Some("drill".into()));
        let sounding = Candidate {
            state: State::Sounding,
            ..drill
        };
        let decision = decide(&[sounding], &config(), None, before, 0);
        assert_eq!(decision.wake, Some(ten));
    }

    #[test]
    fn what_would_run_into_the_quiet_hours_does_not_begin() {
        let ten = t(10 * 3600); // 22:00
        let long = waiting("long", Ordinary, ten.plus_s(-20));
        assert_eq!(sounds(&[long], ten.plus_s(-20)), None);
        let short = Candidate {
            remaining_ms: 20_000,
            ..waiting("short", Ordinary, ten.plus_s(-20))
        };
        assert_eq!(sounds(&[short], ten.plus_s(-20)), Some("short".into()));
    }

    #[test]
    fn audio_that_never_came_is_missed_and_not_played_late() {
        let news = Candidate {
            ready: false,
            ..waiting("news", Ordinary, t(0))
        };
        assert_eq!(over(std::slice::from_ref(&news), t(60)), []);
        assert_eq!(
            over(&[news], t(61)),
            [("news".into(), Outcome::Missed(Miss::NoContent))]
        );
    }

    #[test]
    fn a_pole_that_was_off_says_so() {
        let news = Candidate {
            running_since: t(100),
            ..waiting("news", Ordinary, t(0))
        };
        assert_eq!(
            over(&[news], t(100)),
            [("news".into(), Outcome::Missed(Miss::Off))]
        );
    }

    #[test]
    fn stop_ends_what_sounds_and_what_waits_but_not_what_comes() {
        let all = [
            sounding("news", Ordinary, t(0)),
            waiting("market", Ordinary, t(3)),
            waiting("evening", Ordinary, t(100)),
        ];
        let d = decide(&all, &config(), Some(t(5)), t(5), 0);
        assert_eq!(d.sound, None);
        let over: Vec<_> = d
            .over
            .iter()
            .map(|(id, o)| (id.bulletin.as_str(), *o))
            .collect();
        assert_eq!(
            over,
            [
                ("market", Outcome::Skipped(Skip::Stopped)),
                ("news", Outcome::Interrupted(Interruption::Stopped))
            ]
        );
        assert_eq!(d.wake, Some(t(100)));
    }

    #[test]
    fn looking_ahead_chooses_but_does_not_judge() {
        let soon = waiting("soon", Ordinary, t(1));
        let muted = SpeakerConfig {
            muted: true,
            ..config()
        };
        let d = decide(std::slice::from_ref(&soon), &muted, None, t(0), 2_000);
        assert_eq!((d.sound, d.over, d.wake), (None, vec![], Some(t(1))));
        let d = decide(&[soon], &config(), None, t(0), 2_000);
        assert_eq!(
            d.sound.map(|id| id.bulletin.to_string()),
            Some("soon".into())
        );
    }

    #[test]
    fn a_cut_playout_goes_on_from_two_seconds_before() {
        assert_eq!(after_cut(OnPreempt::Resume, 10_000), Some(8_000));
        assert_eq!(after_cut(OnPreempt::Resume, 500), Some(0));
        assert_eq!(after_cut(OnPreempt::Restart, 10_000), Some(0));
        assert_eq!(after_cut(OnPreempt::Drop, 10_000), None);
    }
}
