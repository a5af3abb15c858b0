//! Which outages are one event: many poles behind one mast, or most of a hamlet, that fell silent in the same minute.

use std::collections::HashMap;

use loa_protocol::{id::AreaId, time::WallTime};

use super::outages::{Cause, Outage, TOGETHER_US};

/// Where no cell is known: as many poles of an area …
pub const MANY: usize = 3;

/// How many poles there are in each area (itself, not those below it).
pub type Roster = HashMap<AreaId, usize>;

/// One event, of one pole or of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub cause: Cause,
    /// When the first of its outages began, and when the last one ended; `None`: one lasts.
    pub began: WallTime,
    pub ended: Option<WallTime>,
    /// The mobile cell, where that is what they share.
    pub cell: Option<String>,
    /// The nearest area that holds them all.
    pub area: Option<AreaId>,
    /// Places of its outages in what was given, by their beginning.
    pub outages: Vec<usize>,
}

/// Every outage is in exactly one incident. Outages go together that began within [`TOGETHER_US`] of the first and have
/// the same cell; what is left, when it has the same nearest area and is at least [`MANY`] poles and half of that area's.
/// Outages of the office's own are together whatever their place.
pub fn group(outages: &[Outage], roster: &Roster) -> Vec<Incident> {
    let mut order: Vec<usize> = (0..outages.len()).collect();
    order.sort_by_key(|at| (outages[*at].began, *at));
    let mut incidents = Vec::new();
    let (office, poles): (Vec<usize>, Vec<usize>) = order
        .into_iter()
        .partition(|at| outages[*at].cause == Cause::Office);
    for run in runs(outages, office) {
        incidents.push(incident(outages, run, None));
    }
    let (mut by_cell, mut rest): (HashMap<&str, Vec<usize>>, Vec<usize>) = Default::default();
    for at in poles {
        match &outages[at].cell {
            Some(cell) => by_cell.entry(cell).or_default().push(at),
            None => rest.push(at),
        }
    }
    for (cell, all) in by_cell {
        for run in runs(outages, all) {
            if speakers(outages, &run) > 1 {
                incidents.push(incident(outages, run, Some(cell)));
            } else {
                rest.extend(run);
            }
        }
    }
    rest.sort_by_key(|at| (outages[*at].began, *at));
    let mut by_area: HashMap<Option<&AreaId>, Vec<usize>> = HashMap::new();
    for at in rest {
        let nearest = outages[at].lineage.first();
        by_area.entry(nearest).or_default().push(at);
    }
    for (area, all) in by_area {
        let there = area.and_then(|area| roster.get(area)).copied();
        for run in runs(outages, all) {
            let poles = speakers(outages, &run);
            if poles >= MANY && there.is_some_and(|there| poles * 2 >= there) {
                incidents.push(incident(outages, run, None));
            } else {
                let alone = run.into_iter().map(|at| incident(outages, vec![at], None));
                incidents.extend(alone);
            }
        }
    }
    incidents.sort_by_key(|one| (one.began, one.outages.first().copied()));
    incidents
}

/// Gives each outage that its mast made this cause, and says which outages are one event. Where a speaker itself told of its
/// power, its program or a hand, that stands.
pub fn name_masts(outages: &mut [Outage], roster: &Roster) -> Vec<Incident> {
    let incidents = group(outages, roster);
    let masts = incidents.iter().filter(|one| one.cause == Cause::Mast);
    for at in masts.flat_map(|one| &one.outages) {
        let outage = &mut outages[*at];
        let own = matches!(outage.cause, Cause::Power | Cause::Agent | Cause::Stopped);
        if !(outage.told && own) {
            outage.cause = Cause::Mast;
        }
    }
    incidents
}

/// Cuts what is in order of time into pieces of [`TOGETHER_US`], each from its first. Not from one to the next: two lines
/// that flap all night are not one event.
fn runs(outages: &[Outage], ordered: Vec<usize>) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for at in ordered {
        let began = outages[at].began;
        match runs.last_mut() {
            Some(run)
                if run
                    .first()
                    .is_some_and(|first| began.since_us(outages[*first].began) <= TOGETHER_US) =>
            {
                run.push(at);
            }
            _ => runs.push(vec![at]),
        }
    }
    runs
}

/// A line that flaps makes many outages of one speaker.
fn speakers(outages: &[Outage], run: &[usize]) -> usize {
    let mut names: Vec<&str> = run.iter().map(|at| outages[*at].speaker.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

fn incident(outages: &[Outage], run: Vec<usize>, cell: Option<&str>) -> Incident {
    let all = || run.iter().map(|at| &outages[*at]);
    let lasts = all().any(|one| one.ended.is_none());
    let last_end = all().filter_map(|one| one.ended).max();
    Incident {
        cause: cause(all().collect(), cell.is_some()),
        began: all().map(|one| one.began).min().unwrap_or(WallTime::EPOCH),
        ended: last_end.filter(|_| !lasts),
        cell: cell.map(str::to_owned),
        area: common(all().map(|one| one.lineage.as_slice())),
        outages: run,
    }
}

/// What most of those say who know it themselves: power. Otherwise many of one cell are its mast.
fn cause(all: Vec<&Outage>, same_cell: bool) -> Cause {
    let [first, ..] = all.as_slice() else {
        return Cause::Unknown;
    };
    let told: Vec<Cause> = all.iter().filter(|o| o.told).map(|o| o.cause).collect();
    let of = |cause: Cause| told.iter().filter(|told| **told == cause).count();
    if all.len() == 1 || first.cause == Cause::Office {
        return first.cause;
    }
    if of(Cause::Power) * 2 > told.len() {
        return Cause::Power;
    }
    if same_cell {
        return Cause::Mast;
    }
    match told.first() {
        Some(first) if told.iter().all(|cause| cause == first) => *first,
        _ => Cause::Unknown,
    }
}

/// The nearest area that is in every lineage.
pub fn common<'a>(mut lineages: impl Iterator<Item = &'a [AreaId]>) -> Option<AreaId> {
    let mut shared: Vec<AreaId> = lineages.next()?.to_vec();
    for lineage in lineages {
        shared.retain(|area| lineage.contains(area));
    }
    shared.into_iter().next()
}

#[cfg(test)]
mod tests;
