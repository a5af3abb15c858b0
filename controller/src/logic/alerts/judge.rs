//! What opens and what closes: the present condition of every speaker against the alerts that are open.
//!
//! A condition must hold for as long as its rule says, and be gone for [`CALM_S`] before its alert closes. What began when is
//! remembered between two looks only: after a restart an alert that is not open yet opens a little later, and one that is
//! open stays so until its speakers are seen to be well.

use std::collections::{HashMap, HashSet};

use loa_protocol::{id::SpeakerId, time::WallTime};

use super::{AlertId, Condition, Kind, Rule, Rules};
use crate::logic::{
    incidents::{Incident, Roster, group},
    outages::{Cause, Outage},
};

/// A speaker must have been well for so long before its alert closes.
pub const CALM_S: i64 = 60;
/// A pole joins an event of many after so long without a word, or sooner when its rule says so.
pub const JOIN_AFTER_S: i64 = 60;

/// What is known of the moment.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    pub now: WallTime,
    /// The line to the broker has been up for long enough that whoever is there has said so.
    pub settled: bool,
}

/// An alert that the database has as open.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenAlert {
    pub id: AlertId,
    pub kind: Kind,
    pub cause: Option<Cause>,
    pub cell: Option<String>,
    pub opened: WallTime,
    pub members: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub speaker: SpeakerId,
    pub since: WallTime,
    /// It is well again, since then, while others are not.
    pub back: Option<WallTime>,
}

/// What is to become of the alerts.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Open {
        kind: Kind,
        cause: Option<Cause>,
        cell: Option<String>,
        began: WallTime,
        /// Each with its own beginning.
        speakers: Vec<(SpeakerId, WallTime)>,
        /// The figure that is too great or too small, and its limit.
        value: Option<f64>,
        limit: Option<f64>,
    },
    Alter {
        alert: AlertId,
        kind: Kind,
        cause: Option<Cause>,
        cell: Option<String>,
        joined: Vec<(SpeakerId, WallTime)>,
        back: Vec<(SpeakerId, WallTime)>,
    },
    Close {
        alert: AlertId,
        /// When the last of its speakers was well again.
        at: WallTime,
    },
}

/// Remembers since when what is (not) so.
#[derive(Debug, Default)]
pub struct Judge {
    /// Wrong since, and no alert yet.
    wrong: Since,
    /// Well since, and an alert still open.
    well: Since,
}

/// By kind, then by speaker: most speakers are in none, and asking for them copies no name.
#[derive(Debug, Default)]
struct Since(HashMap<Kind, HashMap<SpeakerId, WallTime>>);

impl Since {
    fn begin(&mut self, kind: Kind, speaker: &SpeakerId, now: WallTime) -> WallTime {
        let of_kind = self.0.entry(kind).or_default();
        match of_kind.get(speaker) {
            Some(since) => *since,
            None => {
                of_kind.insert(speaker.clone(), now);
                now
            }
        }
    }
    fn end(&mut self, kind: Kind, speaker: &SpeakerId) -> Option<WallTime> {
        self.0.get_mut(&kind)?.remove(speaker)
    }
    fn keep(&mut self, known: impl Fn(&SpeakerId) -> bool) {
        for of_kind in self.0.values_mut() {
            of_kind.retain(|speaker, _| known(speaker));
        }
    }
}

impl Judge {
    /// To be called every few seconds with everybody's condition and every open alert.
    pub fn judge(
        &mut self,
        rules: &Rules,
        conditions: &[Condition],
        open: &[OpenAlert],
        around: Around,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let known: HashMap<&SpeakerId, &Condition> =
            conditions.iter().map(|c| (&c.speaker, c)).collect();
        self.wrong.keep(|speaker| known.contains_key(speaker));
        self.well.keep(|speaker| known.contains_key(speaker));
        let mut of_one: HashMap<(Kind, &SpeakerId), &OpenAlert> = HashMap::new();
        let mut lines: Vec<&OpenAlert> = Vec::new();
        for alert in open {
            match (alert.kind, alert.members.as_slice()) {
                (Kind::Offline | Kind::Mast, _) => lines.push(alert),
                (kind, [one, ..]) if known.contains_key(&one.speaker) => {
                    of_one.insert((kind, &one.speaker), alert);
                }
                // Nobody is left to be well.
                _ => changes.push(Change::Close {
                    alert: alert.id.clone(),
                    at: around.now,
                }),
            }
        }
        for condition in conditions {
            for kind in Kind::RULED {
                if kind != Kind::Offline {
                    let alert = of_one.get(&(kind, &condition.speaker)).copied();
                    changes.extend(self.measured(rules, condition, kind, alert, around.now));
                }
            }
        }
        changes.extend(self.lines(rules, &known, conditions, lines, around));
        changes
    }

    /// What one speaker's own figures say.
    fn measured(
        &mut self,
        rules: &Rules,
        condition: &Condition,
        kind: Kind,
        alert: Option<&OpenAlert>,
        now: WallTime,
    ) -> Option<Change> {
        let rule = rules.holding(kind, &condition.lineage);
        let limit = rule.and_then(|rule| rule.body.limit());
        let speaker = &condition.speaker;
        let trouble = match rule {
            Some(_) => condition.trouble(kind, limit, alert.is_some()),
            // Nobody wants to know any more.
            None => Some(None),
        };
        let Some(trouble) = trouble else {
            self.wrong.end(kind, speaker);
            return None;
        };
        match (trouble, rule, alert) {
            (Some(_), _, Some(_)) => {
                self.well.end(kind, speaker);
                None
            }
            (Some(trouble), Some(rule), None) => {
                let seen = self.wrong.begin(kind, speaker, now);
                let since = trouble.since.unwrap_or(seen);
                if now.since_us(since) < i64::from(rule.body.after_s) * 1_000_000 {
                    return None;
                }
                self.wrong.end(kind, speaker);
                Some(Change::Open {
                    kind,
                    cause: None,
                    cell: None,
                    began: since,
                    speakers: vec![(speaker.clone(), since)],
                    value: trouble.value,
                    limit: limit.filter(|_| trouble.value.is_some()),
                })
            }
            (Some(_), None, None) => None,
            (None, _, alert) => {
                self.wrong.end(kind, speaker);
                let alert = alert?;
                let well = self.calm(kind, speaker, now)?;
                Some(Change::Close {
                    alert: alert.id.clone(),
                    at: well,
                })
            }
        }
    }

    /// Since when it is well, once that is long enough.
    fn calm(&mut self, kind: Kind, speaker: &SpeakerId, now: WallTime) -> Option<WallTime> {
        let since = self.well.begin(kind, speaker, now);
        let long = now.since_us(since) >= CALM_S * 1_000_000;
        long.then(|| self.well.end(kind, speaker)).flatten()
    }

    /// Who cannot be reached, and which of them are one event.
    fn lines(
        &mut self,
        rules: &Rules,
        known: &HashMap<&SpeakerId, &Condition>,
        conditions: &[Condition],
        open: Vec<&OpenAlert>,
        around: Around,
    ) -> Vec<Change> {
        let mut roster = Roster::new();
        for condition in conditions {
            if let Some(nearest) = condition.lineage.first() {
                *roster.entry(nearest.clone()).or_default() += 1;
            }
        }
        let outages: Vec<Outage> = conditions.iter().filter_map(outage).collect();
        let incidents = group(&outages, &roster);
        let mut drafts: Vec<Draft> = Vec::with_capacity(open.len());
        let mut held: HashMap<&SpeakerId, usize> = HashMap::new();
        for alert in open {
            let draft = self.returned(rules, known, alert, around.now);
            for speaker in &draft.down {
                held.entry(*speaker).or_insert(drafts.len());
            }
            drafts.push(draft);
        }
        let mut opened = Vec::new();
        for incident in &incidents {
            let of = |at: &usize| held.get(&outages[*at].speaker).copied();
            let joins = |at: &&usize| {
                let outage = &outages[**at];
                let rule = rules.holding(Kind::Offline, &outage.lineage);
                let silent = around.now.since_us(outage.began);
                of(at).is_none()
                    && rule
                        .is_some_and(|rule| silent >= after_us(rule).min(JOIN_AFTER_S * 1_000_000))
            };
            let joining: Vec<(SpeakerId, WallTime)> = incident
                .outages
                .iter()
                .filter(joins)
                .map(|at| (outages[*at].speaker.clone(), outages[*at].began))
                .collect();
            match incident.outages.iter().filter_map(of).min() {
                Some(at) => drafts[at].grow(incident, joining),
                None => {
                    let due = incident.outages.iter().any(|at| {
                        let outage = &outages[*at];
                        rules
                            .holding(Kind::Offline, &outage.lineage)
                            .is_some_and(|rule| around.now.since_us(outage.began) >= after_us(rule))
                    });
                    if due && around.settled {
                        opened.push(open_lines(incident, joining));
                    }
                }
            }
        }
        let mut changes: Vec<Change> = drafts.into_iter().filter_map(Draft::finish).collect();
        changes.extend(opened);
        changes
    }

    /// Who of an alert is back.
    fn returned<'a>(
        &mut self,
        rules: &Rules,
        known: &HashMap<&SpeakerId, &Condition>,
        alert: &'a OpenAlert,
        now: WallTime,
    ) -> Draft<'a> {
        let mut draft = Draft {
            alert,
            cause: alert.cause,
            cell: alert.cell.clone(),
            kind: alert.kind,
            down: HashSet::new(),
            joined: Vec::new(),
            back: Vec::new(),
        };
        for member in alert.members.iter().filter(|m| m.back.is_none()) {
            let back = match known.get(&member.speaker) {
                None => Some(now),
                Some(now_so) if now_so.down.is_none() => {
                    self.calm(Kind::Offline, &member.speaker, now)
                }
                Some(now_so) => {
                    self.well.end(Kind::Offline, &member.speaker);
                    // Nobody wants to know any more.
                    let ruled = rules.holding(Kind::Offline, &now_so.lineage).is_some();
                    (!ruled).then_some(now)
                }
            };
            match back {
                Some(at) => draft.back.push((member.speaker.clone(), at)),
                None => {
                    draft.down.insert(&member.speaker);
                }
            }
        }
        draft
    }
}

/// An open alert on its way to what it is now.
struct Draft<'a> {
    alert: &'a OpenAlert,
    kind: Kind,
    cause: Option<Cause>,
    cell: Option<String>,
    down: HashSet<&'a SpeakerId>,
    joined: Vec<(SpeakerId, WallTime)>,
    back: Vec<(SpeakerId, WallTime)>,
}

impl Draft<'_> {
    /// What fell together with one of its poles is the same event.
    fn grow(&mut self, incident: &Incident, joining: Vec<(SpeakerId, WallTime)>) {
        self.joined.extend(joining);
        // The last one left of a mast's forty does not make it an outage of one.
        let as_many = self.joined.len() + self.alert.members.len() <= 1
            || incident.outages.len() > 1
            || incident.cause == Cause::Power;
        if as_many && incident.cause != Cause::Unknown {
            self.cause = Some(incident.cause);
            self.cell = incident.cell.clone().or(self.cell.take());
            self.kind = kind_of(incident.cause);
        }
    }

    fn finish(self) -> Option<Change> {
        let alert = self.alert;
        if self.down.is_empty() && self.joined.is_empty() {
            let earlier = alert.members.iter().filter_map(|m| m.back);
            let at = self.back.iter().map(|(_, at)| *at).chain(earlier).max();
            return Some(Change::Close {
                alert: alert.id.clone(),
                at: at.unwrap_or(alert.opened),
            });
        }
        let same = self.kind == alert.kind && self.cause == alert.cause && self.cell == alert.cell;
        if same && self.joined.is_empty() && self.back.is_empty() {
            return None;
        }
        Some(Change::Alter {
            alert: alert.id.clone(),
            kind: self.kind,
            cause: self.cause,
            cell: self.cell,
            joined: self.joined,
            back: self.back,
        })
    }
}

fn open_lines(incident: &Incident, speakers: Vec<(SpeakerId, WallTime)>) -> Change {
    let alone = speakers.len() == 1 && incident.cause == Cause::Mast;
    let cause = if alone {
        Cause::Unknown
    } else {
        incident.cause
    };
    Change::Open {
        kind: kind_of(cause),
        cause: Some(cause),
        cell: incident.cell.clone(),
        began: speakers
            .iter()
            .map(|(_, since)| *since)
            .min()
            .unwrap_or(incident.began),
        speakers,
        value: None,
        limit: None,
    }
}

fn kind_of(cause: Cause) -> Kind {
    match cause {
        Cause::Mast => Kind::Mast,
        _ => Kind::Offline,
    }
}

fn after_us(rule: &Rule) -> i64 {
    i64::from(rule.body.after_s) * 1_000_000
}

fn outage(condition: &Condition) -> Option<Outage> {
    let down = condition.down?;
    Some(Outage {
        speaker: condition.speaker.clone(),
        began: down.since,
        ended: None,
        cause: down.cause,
        told: down.told,
        cell: condition.cell.clone(),
        lineage: condition.lineage.to_vec(),
    })
}

#[cfg(test)]
mod tests;
