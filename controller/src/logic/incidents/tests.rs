//! What falls together, and what only happens to fall.

use super::*;

fn outage(speaker: &str, area: &str, cell: Option<&str>, began_s: i64) -> Outage {
    Outage {
        speaker: speaker.parse().expect("a good name"),
        began: WallTime::EPOCH.plus_s(began_s),
        ended: None,
        cause: Cause::Unknown,
        told: false,
        cell: cell.map(str::to_owned),
        lineage: [area, "sang-moc"]
            .map(|a| a.parse().expect("a good name"))
            .to_vec(),
    }
}

fn told(mut outage: Outage, cause: Cause) -> Outage {
    (outage.told, outage.cause) = (true, cause);
    outage
}

fn roster(areas: &[(&str, usize)]) -> Roster {
    areas
        .iter()
        .map(|(area, poles)| (area.parse().expect("a good name"), *poles))
        .collect()
}

fn pole(n: usize) -> String {
    format!("p{n}")
}

#[test]
fn forty_poles_behind_one_mast_are_one_event() {
    let mut outages: Vec<Outage> = (0..40)
        .map(|n| {
            let area = ["ban-chuong", "khuoi-meo"][n % 2];
            outage(&pole(n), area, Some("452-04-1"), n as i64)
        })
        .collect();
    outages.push(outage("other", "ban-chuong", Some("452-04-2"), 10));
    let incidents = group(
        &outages,
        &roster(&[("ban-chuong", 100), ("khuoi-meo", 100)]),
    );
    assert_eq!(incidents.len(), 2);
    let mast = &incidents[0];
    assert_eq!((mast.cause, mast.outages.len()), (Cause::Mast, 40));
    assert_eq!(mast.cell.as_deref(), Some("452-04-1"));
    assert_eq!(mast.area, Some("sang-moc".parse().expect("a name")));
    assert_eq!((mast.began, mast.ended), (WallTime::EPOCH, None));
    assert_eq!(incidents[1].cause, Cause::Unknown);
}

#[test]
fn poles_whose_own_journals_say_power_were_without_power_and_not_without_mast() {
    let all = |causes: &[Option<Cause>]| -> Vec<Outage> {
        let one = |(n, cause): (usize, &Option<Cause>)| {
            let outage = outage(&pole(n), "ban-chuong", Some("c"), 0);
            cause.map_or(outage.clone(), |cause| told(outage, cause))
        };
        causes.iter().enumerate().map(one).collect()
    };
    let cause = |causes: &[Option<Cause>]| group(&all(causes), &Roster::new())[0].cause;
    let (power, network) = (Some(Cause::Power), Some(Cause::Network));
    assert_eq!(cause(&[power, power, None]), Cause::Power);
    assert_eq!(cause(&[network, network, None]), Cause::Mast);
    assert_eq!(cause(&[power, network, None]), Cause::Mast);
    assert_eq!(cause(&[None, None]), Cause::Mast);
}

#[test]
fn without_a_cell_it_takes_three_poles_and_half_of_the_hamlet() {
    let fall = |n: usize, of: usize| {
        let outages: Vec<Outage> = (0..n)
            .map(|n| outage(&pole(n), "ban-chuong", None, n as i64))
            .collect();
        group(&outages, &roster(&[("ban-chuong", of)])).len()
    };
    assert_eq!(fall(2, 2), 2);
    assert_eq!(fall(3, 3), 1);
    assert_eq!(fall(3, 6), 1);
    assert_eq!(fall(3, 7), 3);
    // One of each mast, all at once: the hamlet.
    let outages = [0, 1, 2].map(|n| outage(&pole(n), "ban-chuong", Some(&pole(n)), 0));
    let incidents = group(&outages, &roster(&[("ban-chuong", 4)]));
    assert_eq!((incidents.len(), incidents[0].cause), (1, Cause::Unknown));
}

#[test]
fn what_falls_an_hour_apart_is_not_one_event() {
    let outages = [
        outage("a", "ban-chuong", Some("c"), 0),
        outage("b", "ban-chuong", Some("c"), 60),
        outage("c", "ban-chuong", Some("c"), 3_600),
    ];
    let incidents = group(&outages, &Roster::new());
    assert_eq!(incidents.len(), 2);
    assert_eq!(incidents[0].outages, [0, 1]);
    // One pole whose line flaps is no crowd.
    let flapping = [0, 30, 60].map(|at| outage("a", "ban-chuong", Some("c"), at));
    assert_eq!(group(&flapping, &Roster::new()).len(), 3);
}

#[test]
fn an_event_lasts_until_the_last_is_back() {
    let mut outages = [0, 5].map(|n| outage(&pole(n as usize), "ban-chuong", Some("c"), n));
    outages[0].ended = Some(WallTime::EPOCH.plus_s(100));
    assert_eq!(group(&outages, &Roster::new())[0].ended, None);
    outages[1].ended = Some(WallTime::EPOCH.plus_s(90));
    let ended = group(&outages, &Roster::new())[0].ended;
    assert_eq!(ended, Some(WallTime::EPOCH.plus_s(100)));
}

#[test]
fn the_office_s_own_absence_is_one_event_everywhere() {
    let outages = ["ban-chuong", "khuoi-meo", "na-lay"].map(|area| {
        let mut outage = outage(area, area, Some(area), 0);
        outage.cause = Cause::Office;
        outage
    });
    let incidents = group(&outages, &Roster::new());
    assert_eq!((incidents.len(), incidents[0].cause), (1, Cause::Office));
}

#[test]
fn a_mast_is_named_on_its_poles_but_not_on_one_that_had_no_power() {
    let mut outages: Vec<Outage> = (0..4)
        .map(|n| outage(&pole(n), "ban-chuong", Some("452-04-1"), 0))
        .collect();
    outages[0] = told(outages[0].clone(), Cause::Network);
    outages[3] = told(outages[3].clone(), Cause::Power);
    assert_eq!(name_masts(&mut outages, &Roster::new()).len(), 1);
    let causes: Vec<Cause> = outages.iter().map(|one| one.cause).collect();
    assert_eq!(
        causes,
        [Cause::Mast, Cause::Mast, Cause::Mast, Cause::Power]
    );
}
