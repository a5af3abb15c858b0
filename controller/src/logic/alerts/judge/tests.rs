//! A night in the village: what somebody is woken for, and what not.

use super::*;
use crate::logic::alerts::{Down, Measures, RuleBody, RuleId, Sounded};

/// An office as far as alerts go: what the judge says is carried out at once, as the database would.
struct Night {
    rules: Vec<Rule>,
    judge: Judge,
    poles: Vec<Condition>,
    open: Vec<OpenAlert>,
    opened: Vec<(Kind, usize)>,
    closed: usize,
    now: WallTime,
    settled: bool,
}

fn condition(n: usize, area: &str, cell: Option<&str>) -> Condition {
    let lineage: Vec<_> = [area, "sang-moc"]
        .map(|a| a.parse().expect("a good name"))
        .to_vec();
    Condition {
        speaker: format!("p{n}").parse().expect("a good name"),
        lineage: lineage.into(),
        down: None,
        cell: cell.map(str::to_owned),
        measures: Measures::default(),
        sounded: None,
    }
}

fn rule(kind: Kind, area: Option<&str>, after_s: u32, enabled: bool) -> Rule {
    Rule {
        id: RuleId::of([kind as u8; 8]),
        body: RuleBody {
            area: area.map(|a| a.parse().expect("a good name")),
            kind,
            enabled,
            after_s,
            limit: None,
            repeat_s: None,
            escalate_s: None,
            tell: vec![],
            escalate_to: vec![],
        },
    }
}

fn night(poles: Vec<Condition>) -> Night {
    let usual = |kind| {
        let after_s = if kind == Kind::Offline { 300 } else { 0 };
        rule(kind, None, after_s, true)
    };
    Night {
        rules: Kind::RULED.map(usual).to_vec(),
        judge: Judge::default(),
        poles,
        open: vec![],
        opened: vec![],
        closed: 0,
        now: WallTime::EPOCH.plus_s(1_000_000),
        settled: true,
    }
}

impl Night {
    fn look(&mut self) -> Vec<Change> {
        let around = Around {
            now: self.now,
            settled: self.settled,
        };
        let rules = Rules::new(self.rules.clone());
        let changes = self.judge.judge(&rules, &self.poles, &self.open, around);
        for change in &changes {
            self.carry_out(change.clone());
        }
        changes
    }

    fn carry_out(&mut self, change: Change) {
        let member = |(speaker, since)| Member {
            speaker,
            since,
            back: None,
        };
        match change {
            Change::Open {
                kind,
                cause,
                cell,
                speakers,
                ..
            } => {
                self.opened.push((kind, speakers.len()));
                self.open.push(OpenAlert {
                    id: AlertId::of((self.opened.len() as u64).to_be_bytes()),
                    kind,
                    cause,
                    cell,
                    opened: self.now,
                    members: speakers.into_iter().map(member).collect(),
                });
            }
            Change::Alter {
                alert,
                kind,
                cause,
                cell,
                joined,
                back,
            } => {
                let alert = self.open.iter_mut().find(|a| a.id == alert);
                let alert = alert.expect("an open one");
                (alert.kind, alert.cause, alert.cell) = (kind, cause, cell);
                for (speaker, at) in back {
                    let of = |m: &&mut Member| m.speaker == speaker;
                    alert.members.iter_mut().find(of).expect("a member").back = Some(at);
                }
                for (speaker, since) in joined {
                    alert.members.retain(|m| m.speaker != speaker);
                    alert.members.push(member((speaker, since)));
                }
            }
            Change::Close { alert, .. } => {
                self.open.retain(|a| a.id != alert);
                self.closed += 1;
            }
        }
    }

    /// Looks every five seconds.
    fn pass_s(&mut self, s: i64) {
        for _ in 0..s / 5 {
            self.now = self.now.plus_s(5);
            self.look();
        }
    }
    fn falls(&mut self, pole: usize) {
        self.poles[pole].down = Some(Down {
            since: self.now,
            cause: Cause::Unknown,
            told: false,
        });
    }
    fn returns(&mut self, pole: usize) {
        self.poles[pole].down = None;
    }
    fn down_in(&self, alert: usize) -> usize {
        let members = self.open[alert].members.iter();
        members.filter(|m| m.back.is_none()).count()
    }
}

#[test]
fn a_line_that_drops_twenty_seconds_every_two_minutes_wakes_nobody_all_night() {
    let mut night = night(vec![condition(0, "ban-chuong", None)]);
    for _ in 0..24 * 30 {
        night.falls(0);
        night.pass_s(20);
        night.returns(0);
        night.pass_s(100);
    }
    assert_eq!(night.opened, []);
    // Ten minutes are an outage, on the same line; and it ends, though the line still drops.
    night.falls(0);
    night.pass_s(600);
    night.returns(0);
    night.pass_s(100);
    assert_eq!((night.opened.len(), night.closed), (1, 1));
}

#[test]
fn an_alert_opens_once_and_closes_when_the_pole_has_been_back_for_a_minute() {
    let mut night = night(vec![condition(0, "ban-chuong", None)]);
    night.falls(0);
    night.pass_s(295);
    assert_eq!(night.opened, []);
    night.pass_s(5);
    assert_eq!(night.opened, [(Kind::Offline, 1)]);
    night.pass_s(3_600);
    night.returns(0);
    night.pass_s(30);
    night.falls(0);
    night.pass_s(30);
    assert_eq!((night.opened.len(), night.closed), (1, 0));
    night.returns(0);
    night.pass_s(65);
    assert_eq!((night.opened.len(), night.closed), (1, 1));
}

#[test]
fn a_restart_of_the_office_neither_repeats_nor_loses_an_alert() {
    let mut night = night(vec![
        condition(0, "ban-chuong", None),
        condition(1, "khuoi-meo", None),
    ]);
    night.falls(0);
    night.pass_s(400);
    night.falls(1);
    night.pass_s(200);
    // The office is started again: it remembers nothing, has heard nobody, and counts from its start.
    night.judge = Judge::default();
    night.settled = false;
    night.falls(0);
    night.falls(1);
    night.pass_s(120);
    night.settled = true;
    assert_eq!((night.opened.len(), night.closed), (1, 0));
    night.pass_s(200);
    assert_eq!((night.opened.len(), night.closed), (2, 0));
}

#[test]
fn forty_poles_behind_one_mast_are_one_alert_that_names_them_all() {
    let cells = |n| condition(n, ["ban-chuong", "khuoi-meo"][n % 2], Some("mast-1"));
    let mut night = night((0..40).map(cells).collect());
    for pole in 0..40 {
        night.falls(pole);
        if pole % 10 == 9 {
            night.pass_s(10);
        }
    }
    night.pass_s(600);
    assert_eq!(night.opened, [(Kind::Mast, 40)]);
    assert_eq!(night.open[0].cause, Some(Cause::Mast));
    // They return one after the other, and leave it.
    for pole in 0..39 {
        night.returns(pole);
    }
    night.pass_s(100);
    assert_eq!((night.down_in(0), night.closed), (1, 0));
    assert_eq!(night.open[0].kind, Kind::Mast);
    night.returns(39);
    night.pass_s(100);
    assert_eq!((night.opened.len(), night.closed), (1, 1));
}

#[test]
fn poles_that_fall_some_seconds_after_the_alert_join_it() {
    let mut night = night((0..3).map(|n| condition(n, "x", Some("m"))).collect());
    night.rules[0] = rule(Kind::Offline, None, 0, true);
    night.falls(0);
    night.pass_s(5);
    assert_eq!(night.opened, [(Kind::Offline, 1)]);
    night.falls(1);
    night.falls(2);
    night.pass_s(5);
    assert_eq!((night.opened.len(), night.down_in(0)), (1, 3));
    assert_eq!(night.open[0].kind, Kind::Mast);
    // Ten minutes later another one falls: that is another event.
    night.poles.push(condition(3, "x", Some("m")));
    night.pass_s(600);
    night.falls(3);
    night.pass_s(30);
    assert_eq!(night.opened.len(), 2);
}

#[test]
fn what_the_poles_tell_when_they_know_changes_the_cause() {
    let mut night = night((0..3).map(|n| condition(n, "x", Some("m"))).collect());
    (0..3).for_each(|pole| night.falls(pole));
    night.pass_s(400);
    assert_eq!(night.open[0].kind, Kind::Mast);
    for pole in 0..3 {
        let down = night.poles[pole].down.as_mut().expect("down");
        (down.cause, down.told) = (Cause::Power, true);
    }
    night.pass_s(5);
    let alert = &night.open[0];
    assert_eq!(
        (alert.kind, alert.cause),
        (Kind::Offline, Some(Cause::Power))
    );
    assert_eq!(night.opened.len(), 1);
}

#[test]
fn where_nobody_wants_to_know_nothing_opens_and_what_was_open_closes() {
    let mut night = night(vec![
        condition(0, "ban-chuong", None),
        condition(1, "khuoi-meo", None),
    ]);
    night
        .rules
        .push(rule(Kind::Offline, Some("khuoi-meo"), 60, false));
    night.falls(0);
    night.falls(1);
    night.pass_s(400);
    assert_eq!(night.opened, [(Kind::Offline, 1)]);
    night.rules.retain(|rule| rule.body.kind != Kind::Offline);
    night.pass_s(5);
    assert_eq!(night.open, []);
}

#[test]
fn a_hot_pole_is_one_alert_though_its_heat_swings_about_the_limit() {
    let mut night = night(vec![condition(0, "x", None)]);
    for _ in 0..50 {
        night.poles[0].measures.temperature_c = Some(81.0);
        night.pass_s(60);
        night.poles[0].measures.temperature_c = Some(79.0);
        night.pass_s(120);
    }
    assert_eq!((night.opened.len(), night.closed), (1, 0));
    night.poles[0].measures.temperature_c = Some(70.0);
    night.pass_s(65);
    assert_eq!((night.opened.len(), night.closed), (1, 1));
}

#[test]
fn figures_of_a_pole_that_cannot_be_reached_say_nothing() {
    let mut night = night(vec![condition(0, "x", None)]);
    night.poles[0].measures.disk_free_percent = Some(3.0);
    night.pass_s(5);
    assert_eq!(night.opened, [(Kind::Disk, 1)]);
    night.falls(0);
    night.poles[0].measures = Measures::default();
    night.pass_s(200);
    assert_eq!((night.opened.len(), night.closed), (1, 0));
    night.poles.clear();
    night.pass_s(5);
    assert_eq!(night.open, []);
}

#[test]
fn a_bulletin_that_was_not_heard_is_told_until_one_is_heard() {
    let mut night = night(vec![condition(0, "x", None)]);
    night.poles[0].measures.heard = Some((night.now, false));
    night.poles[0].sounded = Some(Sounded {
        planned: night.now,
        well: true,
    });
    night.pass_s(600);
    assert_eq!(night.opened, [(Kind::NotHeard, 1)]);
    night.poles[0].measures.heard = Some((night.now, true));
    night.poles[0].sounded = Some(Sounded {
        planned: night.now,
        well: false,
    });
    night.pass_s(65);
    assert_eq!(night.opened[1..], [(Kind::Unreported, 1)]);
    assert_eq!((night.open.len(), night.closed), (1, 1));
}

#[test]
fn ten_thousand_speakers_are_judged_in_no_time() {
    let cells: Vec<String> = (0..250).map(|n| format!("cell-{n}")).collect();
    let pole = |n: usize| condition(n, &format!("xom-{}", n % 900), Some(&cells[n % 250]));
    let mut night = night((0..10_000).map(pole).collect());
    (0..5_000).for_each(|pole| night.falls(pole));
    night.pass_s(310);
    assert_eq!(night.opened.len(), 250);
    assert_eq!(night.opened.iter().map(|(_, n)| n).sum::<usize>(), 5_000);
}
