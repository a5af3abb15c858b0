//! Who should have heard what, naively: written from the rules' sentences, with plans unrolled by hand and the tapes of
//! what really was. Where much happens at once it has no opinion but that there is exactly one outcome, which is
//! `ending`'s to see.

use std::collections::BTreeMap;

use loa_protocol::{
    bulletin::{Priority, Status},
    live::StreamKind,
    playout::{Interruption, OccurrenceId, Outcome, Playout, Skip},
    speaker_config::SpeakerConfig,
    time::{Trust, WallTime},
};

use super::{
    Micros, SECOND, Village,
    database::{Kept, Revision},
    diary::Stamp,
    library::Paper,
    pattern::Pattern,
    pole::Pole,
};

/// One occurrence of one edit.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    pub revision: &'a Revision,
    pub id: OccurrenceId,
    pub planned: Micros,
    pub wall: WallTime,
    /// Last instant for a first start.
    pub start_by: Micros,
    pub length: Micros,
}

/// When something may sound, and how important it is.
struct Window {
    id: OccurrenceId,
    priority: Priority,
    from: Micros,
    to: Micros,
}

impl Case<'_> {
    pub fn priority(&self) -> Priority {
        self.revision.kept.bulletin.priority
    }
    /// Only an emergency in earnest sounds in quiet hours.
    fn wakes_people(&self) -> bool {
        self.priority() == Priority::Emergency
            && self.revision.kept.bulletin.status == Status::Actual
    }
    fn is_now(&self) -> bool {
        matches!(self.revision.kept.pattern, Pattern::Now { .. })
    }
    fn ends(&self) -> Micros {
        self.planned + self.length
    }
}

impl Village {
    /// All starts of one edit within the village's time, repeats included.
    pub(super) fn starts(&self, kept: &Kept, last_day: i32) -> Vec<(OccurrenceId, WallTime)> {
        let bulletin = &kept.bulletin;
        let last = self
            .town
            .first_day
            .saturating_add(jiff::Span::new().days(last_day));
        let mut all = Vec::new();
        for start in kept.pattern.unroll(&self.town.tz, last) {
            if start.at < bulletin.since {
                continue;
            }
            for repeat in 0..bulletin.repeat.times {
                let at = start
                    .at
                    .plus_s(i64::from(bulletin.repeat.every_s) * i64::from(repeat));
                if bulletin.valid_until.is_some_and(|until| at > until) {
                    continue;
                }
                let id = OccurrenceId {
                    bulletin: bulletin.id.clone(),
                    date: start.date,
                    index: start.index,
                    repeat,
                };
                all.push((id, at));
            }
        }
        all
    }

    fn micros(&self, at: WallTime) -> Option<Micros> {
        u64::try_from(at.since_us(self.town.begin)).ok()
    }

    pub(super) fn cases(&self) -> Vec<Case<'_>> {
        let mut cases = Vec::new();
        for revision in &self.base.revisions {
            let bulletin = &revision.kept.bulletin;
            let whole_ms = bulletin.chime.duration_ms() + bulletin.sound_ms();
            let length_ms = whole_ms.min(u64::from(bulletin.max_duration_s) * 1000);
            for (id, wall) in self.starts(&revision.kept, 9) {
                let late = bulletin
                    .lateness_s
                    .map_or(WallTime::MAX, |s| wall.plus_s(s.into()));
                let start_by = late.min(bulletin.valid_until.unwrap_or(WallTime::MAX));
                let Some(planned) = self.micros(wall) else {
                    continue;
                };
                cases.push(Case {
                    revision,
                    id,
                    planned,
                    wall,
                    start_by: self.micros(start_by).unwrap_or(0),
                    length: length_ms * 1000,
                });
            }
        }
        cases
    }

    /// Compares the week with what should have been.
    pub(super) fn compare(&self) -> Result<BTreeMap<&'static str, u64>, String> {
        let cases = self.cases();
        let mut edits: BTreeMap<&OccurrenceId, Vec<Micros>> = BTreeMap::new();
        for case in &cases {
            edits.entry(&case.id).or_default().push(case.planned);
        }
        let mut verdicts = BTreeMap::new();
        for pole in &self.poles {
            let outcomes = self.outcomes(pole);
            let windows = windows_of(&cases, pole);
            for case in &cases {
                let moved = |before: Micros| {
                    let edits = edits[&case.id].iter();
                    edits.copied().any(|o| o != case.planned && o < before)
                };
                let over = case.revision.until < case.planned;
                let verdict = if moved(case.start_by + 60 * SECOND) || over && moved(Micros::MAX) {
                    "moved, no opinion"
                } else {
                    self.verdict(pole, case, moved(Micros::MAX), &windows, &outcomes)
                        .map_err(|what| {
                            format!(
                                "{}: {:?} r{} planned {} ({}): {what}; it is {:?}",
                                pole.id,
                                case.id,
                                case.revision.kept.bulletin.revision,
                                Stamp(case.planned),
                                case.wall,
                                outcomes.get(&case.id)
                            )
                        })?
                };
                *verdicts.entry(verdict).or_default() += 1;
            }
        }
        Ok(verdicts)
    }

    fn outcomes(&self, pole: &Pole) -> BTreeMap<&OccurrenceId, Vec<&Playout>> {
        let mut outcomes: BTreeMap<&OccurrenceId, Vec<&Playout>> = BTreeMap::new();
        for ((speaker, id), playout) in &self.base.playouts {
            if *speaker == pole.id {
                outcomes.entry(&id.occurrence).or_default().push(playout);
            }
        }
        outcomes
    }

    fn verdict(
        &self,
        pole: &Pole,
        case: &Case,
        moved: bool,
        windows: &[Window],
        outcomes: &BTreeMap<&OccurrenceId, Vec<&Playout>>,
    ) -> Result<&'static str, String> {
        let bulletin = &case.revision.kept.bulletin;
        let is_relay = bulletin
            .stream()
            .is_some_and(|stream| stream.kind == StreamKind::Relay);
        if bulletin.stream().is_some() && !is_relay || bulletin.replay.is_some() {
            return Ok("said live, judged by itself");
        }
        let tape = &pole.tape;
        let first = outcomes.get(&case.id).and_then(|all| all.first());
        let outcome = first.and_then(|playout| playout.outcome);
        let sounds: Vec<_> = tape
            .sounds
            .iter()
            .filter(|s| s.playout.occurrence == case.id)
            .collect();
        let (planned, start_by) = (case.planned, case.start_by);
        if planned < 900 * SECOND && !case.is_now()
            || start_by.max(case.ends()) + 120 * SECOND > self.end
        {
            return Ok("at the edge, no opinion");
        }
        let margin = 30 * SECOND;

        // An alarm that a power cut ended is said again while its window lasts.
        let last = outcomes.get(&case.id).and_then(|all| all.last());
        if case.priority() == Priority::Emergency
            && last.and_then(|l| l.outcome) == Some(Outcome::Interrupted(Interruption::PowerCut))
        {
            return if !moved && self.could_say_it_again(pole, case, windows) {
                Err("power cut an alarm, came back in time, and it was not said again".into())
            } else {
                Ok("power cut an alarm, and it could not be said again")
            };
        }
        if case.priority() == Priority::Emergency && last.is_some_and(|l| l.id.attempt > 0) {
            return Ok("power cut an alarm, and it was said again");
        }

        // A pole that was off all the time said nothing.
        let day = super::DAY;
        if tape.is_off(planned.saturating_sub(margin), start_by + margin)
            && tape.is_never_deceived(planned.saturating_sub(day), start_by + day)
        {
            let by_no_clock = first.is_some_and(|playout| playout.trust == Trust::Untrusted);
            return if moved {
                Ok("was off, and meanwhile it was moved, no opinion")
            } else if case.is_now() && by_no_clock {
                // It was said "now", and the pole did not know that this was long ago.
                Ok("was off, then did not know the time, no opinion")
            } else if !sounds.is_empty() || outcome == Some(Outcome::Completed) {
                Err("the pole was off all that time, and it sounded".into())
            } else {
                Ok("was off, silent")
            };
        }

        // What the office said stood, and the pole knew it and was able to follow.
        let soon = 60 * SECOND;
        let from = planned.saturating_sub(soon);
        let late = if case.is_now() { start_by } else { planned };
        let to = late + case.length + 40 * SECOND;
        let stood = case.revision.from <= if case.is_now() { planned } else { from }
            && case.revision.until > to;
        let Some(config) = tape.config(from, to).and_then(read_config) else {
            return Ok("configured meanwhile, no opinion");
        };
        let follows = |c| config.channels.contains(c);
        let channels: Vec<_> = case
            .revision
            .kept
            .targets
            .iter()
            .filter(|c| follows(c))
            .collect();
        if channels.is_empty() {
            return Ok("not for this pole");
        }
        let stopped = self
            .base
            .stops
            .iter()
            .any(|(at, _)| *at >= planned && *at <= to);
        // Another channel may have carried an older or newer edit of it meanwhile.
        let alone = self
            .base
            .revisions
            .iter()
            .filter(|r| r.kept.bulletin.id == bulletin.id)
            .all(|r| {
                r.from == case.revision.from
                    || r.from > to
                    || r.until.saturating_add(3_600 * SECOND) < from
            });
        if !stood || stopped || !alone || config.since > case.wall {
            return Ok("changed meanwhile, no opinion");
        }
        if !tape.is_never_deceived(planned.saturating_sub(day), to) {
            return Ok("deceived about the time, no opinion");
        }
        if !tape.is_awake(from, to) || !tape.is_clock_right(from.saturating_sub(soon), to) {
            return Ok("not awake or not sure of the time, no opinion");
        }
        if tape.has_trouble(from, to) {
            return Ok("disk or player in trouble, no opinion");
        }
        let knew = channels.iter().any(|c| {
            tape.generation(c, planned - margin.min(planned)) >= case.revision.generations[*c]
        });
        if !case.is_now() && !knew {
            return Ok("did not know in time, no opinion");
        }
        if config.muted {
            return expect(
                outcome,
                Outcome::Skipped(Skip::Muted),
                "muted, skipped",
                case.is_now(),
            );
        }
        let emergency = case.priority() == Priority::Emergency;
        let quiet = |at: Micros| self.town.is_quiet(&config.quiet_hours, self.town.wall(at));
        if !case.wakes_people() && quiet(planned - SECOND) && quiet(planned + 2 * SECOND) {
            let quiet = Outcome::Skipped(Skip::QuietHours);
            return expect(outcome, quiet, "quiet hours, skipped", case.is_now());
        }
        let last = to + if case.is_now() { 40 * SECOND } else { 0 };
        let any_quiet = (planned - SECOND..last + margin)
            .step_by(margin as usize)
            .any(quiet);
        if !case.wakes_people() && any_quiet {
            return Ok("quiet hours near, no opinion");
        }
        let near = windows.iter().any(|w| {
            w.id != case.id
                && w.priority >= case.priority()
                && w.from <= to
                && from + margin <= w.to
        });
        if near {
            return Ok("something of its rank is near, no opinion");
        }
        if is_relay {
            let is_whole = self.relays.was_whole(&case.id);
            let is_there = tape.is_online(from, to) && self.office_tape.is_online(from, to);
            if !is_whole || !is_there || self.worst_drop > 50 {
                return Ok("a relay on a bad line, no opinion");
            }
            let sounded: Micros = sounds.iter().map(|s| s.to - s.from - s.silent).sum();
            let verdict = expect(outcome, Outcome::Completed, "a relay, heard", false)?;
            // Some packets were lost or late, its first and last ones, too.
            if sounded + SECOND < case.length {
                return Err(format!(
                    "of the relay it sounded only {} ms",
                    sounded / 1000
                ));
            }
            return Ok(verdict);
        }
        if case.is_now() {
            if start_by < planned + 300 * SECOND
                || case.id.repeat > 0
                || !tape.is_online(from, late)
                || !self.office_tape.is_online(from, late)
                || self.pipe_was_bad()
            {
                return Ok("said now on a bad line, no opinion");
            }
            if sounds.is_empty() {
                return Err("it was said now, the line was good, and it never sounded".into());
            }
        } else if !tape.has_audio(
            &bulletin.manifest().expect("audio").content,
            planned - 10 * SECOND,
            to,
        ) {
            return Ok("audio was not there in time, no opinion");
        }
        let whole_ms = bulletin.chime.duration_ms() + bulletin.sound_ms();
        let limit_ms = u64::from(bulletin.max_duration_s) * 1000;
        let should = if whole_ms <= limit_ms {
            Outcome::Completed
        } else if whole_ms <= limit_ms + 200 {
            return Ok("about as long as it may be, no opinion");
        } else {
            Outcome::Interrupted(Interruption::MaxDuration)
        };
        let word = match (case.is_now(), emergency) {
            (true, _) => "said now, heard",
            (_, true) => "an alarm, heard",
            _ => "heard on time",
        };
        let verdict = expect(outcome, should, word, false)?;
        let begun = sounds.first().map_or(0, |s| s.from);
        if !case.is_now() {
            let aim = planned.saturating_add_signed(i64::from(config.delay_trim_ms) * 1000);
            if begun.abs_diff(aim) > SECOND {
                return Err(format!("it began at {} instead", Stamp(begun)));
            }
        }
        let sounded: Micros = sounds.iter().map(|s| s.to - s.from).sum();
        if sounded + 50_000 < case.length {
            return Err(format!("it sounded only {} ms", sounded / 1000));
        }
        Ok(verdict)
    }

    fn could_say_it_again(&self, pole: &Pole, case: &Case, windows: &[Window]) -> bool {
        let tape = &pole.tape;
        let of_it = |s: &&super::tape::Sound| s.playout.occurrence == case.id;
        let cut = tape.sounds.iter().filter(of_it).map(|s| s.to).max();
        let Some(back) = tape.wakes_after(cut.unwrap_or(case.planned)) else {
            return false;
        };
        let to = case.start_by;
        if back + 240 * SECOND > to || to > self.end || !tape.is_awake(back, to) {
            return false;
        }
        let Some(config) = tape.config(back, to).and_then(read_config) else {
            return false;
        };
        let targets = &case.revision.kept.targets;
        let knew = targets.iter().any(|c| {
            config.channels.contains(c) && tape.generation(c, back) >= case.revision.generations[c]
        });
        let stood = case.revision.from <= case.planned && case.revision.until > to;
        let stopped = self
            .base
            .stops
            .iter()
            .any(|(at, _)| *at >= case.planned && *at <= to);
        let alone = windows.iter().all(|w| {
            w.id == case.id || w.priority < Priority::Emergency || w.to < back || to < w.from
        });
        let quiet = |at: Micros| self.town.is_quiet(&config.quiet_hours, self.town.wall(at));
        let any_quiet = (back..to + case.length + 60 * SECOND)
            .step_by(30 * SECOND as usize)
            .any(quiet);
        knew && stood
            && (case.wakes_people() || !any_quiet)
            && !stopped
            && alone
            && !config.muted
            && config.since <= case.wall
            && tape.is_clock_right(back + 120 * SECOND, to)
            && tape.is_never_deceived(case.planned.saturating_sub(super::DAY), to)
            && tape.has_audio(
                &case
                    .revision
                    .kept
                    .bulletin
                    .manifest()
                    .expect("audio")
                    .content,
                back,
                to,
            )
            && !tape.has_trouble(back, to)
    }

    /// So bad that even ten minutes may not be enough.
    fn pipe_was_bad(&self) -> bool {
        self.worst_drop > 150
    }
}

fn read_config(paper: &std::sync::Arc<Paper>) -> Option<&SpeakerConfig> {
    match &**paper {
        Paper::Config(config) => Some(config),
        _ => None,
    }
}

/// `unless_late`: what was said now may have reached the pole after its time.
fn expect(
    is: Option<Outcome>,
    should: Outcome,
    word: &'static str,
    unless_late: bool,
) -> Result<&'static str, String> {
    if is == Some(should) {
        Ok(word)
    } else if unless_late {
        Ok("said now and not to be heard, no opinion")
    } else {
        Err(format!("it should be {should:?}"))
    }
}

/// When what may sound on this pole at all.
fn windows_of(cases: &[Case], pole: &Pole) -> Vec<Window> {
    let configs: Vec<&SpeakerConfig> = pole
        .tape
        .configs
        .iter()
        .filter_map(|(_, paper)| read_config(paper.as_ref()?))
        .collect();
    let follows = |case: &&Case| {
        let targets = &case.revision.kept.targets;
        configs
            .iter()
            .any(|config| targets.iter().any(|t| config.channels.contains(t)))
    };
    let plain: Vec<Window> = cases
        .iter()
        .filter(follows)
        .map(|case| Window {
            id: case.id.clone(),
            priority: case.priority(),
            from: case.planned.saturating_sub(5 * SECOND),
            to: case.start_by + case.length + 60 * SECOND,
        })
        .collect();
    let cut = |w: &Window| {
        plain
            .iter()
            .any(|o| o.priority > w.priority && o.from <= w.to && w.from <= o.to)
    };
    // What was cut may go on much later.
    let longer: Vec<bool> = plain.iter().map(cut).collect();
    plain
        .into_iter()
        .zip(longer)
        .map(|(w, longer)| Window {
            to: w.to + if longer { 1_900 * SECOND } else { 0 },
            ..w
        })
        .collect()
}
