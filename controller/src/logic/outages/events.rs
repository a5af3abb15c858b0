//! Many outages, one event: what begins in the same minute on one cell is one mast's.

use std::collections::HashMap;

use super::{Cause, MAST, Outage, TOGETHER_US};

/// Which of these are one event: indices of `outages`, each group in order of time, the groups by their first. Those of
/// one cell that begin within a minute of the first are together, when they are [`MAST`] or more; others stand alone.
/// What is known to be power, agent or hands is each speaker's own.
pub fn together(outages: &[Outage]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..outages.len()).collect();
    order.sort_by_key(|i| (outages[*i].began, &outages[*i].speaker));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    // The group of each cell that others may still join.
    let mut open: HashMap<&str, usize> = HashMap::new();
    for i in order {
        let outage = &outages[i];
        let own = matches!(
            outage.cause,
            Cause::Power | Cause::Agent | Cause::Stopped | Cause::Office
        );
        let Some(cell) = outage.cell.as_deref().filter(|_| !own) else {
            groups.push(vec![i]);
            continue;
        };
        match open.get(cell) {
            Some(group)
                if outage.began.since_us(outages[groups[*group][0]].began) <= TOGETHER_US =>
            {
                groups[*group].push(i);
            }
            _ => {
                open.insert(cell, groups.len());
                groups.push(vec![i]);
            }
        }
    }
    let mut apart = Vec::with_capacity(groups.len());
    for group in groups {
        if group.len() >= MAST {
            apart.push(group);
        } else {
            apart.extend(group.into_iter().map(|i| vec![i]));
        }
    }
    apart.sort_by_key(|group| (outages[group[0]].began, group[0]));
    apart
}

/// Gives each of a mast's outages its cause, and says how many events all of them are.
pub fn name_masts(outages: &mut [Outage]) -> usize {
    let groups = together(outages);
    for group in groups.iter().filter(|group| group.len() >= MAST) {
        for i in group {
            outages[*i].cause = Cause::Mast;
        }
    }
    groups.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use loa_protocol::time::WallTime;

    fn outage(n: usize, at_s: i64, cell: Option<&str>, cause: Cause, told: bool) -> Outage {
        Outage {
            speaker: format!("pole-{n}").parse().expect("a good name"),
            began: WallTime::from_millis(1_795_496_400_000).plus_s(at_s),
            ended: None,
            cause,
            told,
            cell: cell.map(str::to_owned),
            lineage: Vec::new(),
        }
    }

    #[test]
    fn forty_poles_behind_one_mast_are_one_event() {
        let mut all: Vec<Outage> = (0..40)
            .map(|n| outage(n, n as i64, Some("452-04-1"), Cause::Unknown, false))
            .collect();
        all.push(outage(40, 10, Some("452-04-2"), Cause::Unknown, false));
        all.push(outage(41, 10, None, Cause::Unknown, false));
        assert_eq!(name_masts(&mut all), 3);
        assert_eq!(all.iter().filter(|o| o.cause == Cause::Mast).count(), 40);
    }

    #[test]
    fn a_pole_without_power_is_no_part_of_the_masts_event() {
        let mut all: Vec<Outage> = (0..4)
            .map(|n| outage(n, 0, Some("452-04-1"), Cause::Network, true))
            .collect();
        all[3].cause = Cause::Power;
        assert_eq!(name_masts(&mut all), 2);
        assert_eq!(all[3].cause, Cause::Power);
    }

    #[test]
    fn two_poles_are_no_mast_and_two_minutes_are_two_events() {
        let mut two: Vec<Outage> = (0..2)
            .map(|n| outage(n, 0, Some("c"), Cause::Unknown, false))
            .collect();
        assert_eq!(name_masts(&mut two), 2);
        let mut waves: Vec<Outage> = (0..6)
            .map(|n| outage(n, 121 * (n as i64 / 3), Some("c"), Cause::Unknown, false))
            .collect();
        assert_eq!(name_masts(&mut waves), 2);
    }
}
