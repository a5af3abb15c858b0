//! Cuts the power at the steps of a trace, and asks of each state that is left whether the store kept its word.

use std::{
    env,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{
    disk::{Disk, Fate},
    scratch,
    trace::Step,
};
use crate::village::chance::Chance;

/// How far the script was when the power went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Deeds asked for.
    pub begun: usize,
    /// Deeds that the store has called done.
    pub told: usize,
    pub named: Option<String>,
}

/// One state that breaks the promise.
#[derive(Clone, Debug)]
pub struct Broken {
    pub cut: usize,
    pub fate: Fate,
    pub why: String,
}

#[derive(Debug)]
pub struct Replayed {
    pub states: usize,
    pub steps: usize,
    pub broken: Vec<Broken>,
}

/// Stops at so many broken ones.
const ENOUGH: usize = 3;
/// States in `make test`; `LOA_POWER_CUTS` sets another number.
const STATES: usize = 1_500;

/// How many states each test builds.
///
/// # Panics
/// When `LOA_POWER_CUTS` is no number.
pub fn states() -> usize {
    number("LOA_POWER_CUTS").unwrap_or(STATES)
}

fn number(name: &str) -> Option<usize> {
    env::var(name).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {text:?}"))
    })
}

/// Builds `states` states, spread evenly over all steps of `trace`, and puts each to `check`. `LOA_SEED` sets where
/// chance begins.
///
/// # Panics
/// When a check does.
pub fn replay<F>(trace: &[Step], states: usize, lies: bool, check: F) -> Replayed
where
    F: Fn(&Path, &Told) -> Result<(), String> + Sync,
{
    let seed = number("LOA_SEED").unwrap_or(1);
    let cores = thread::available_parallelism().map_or(2, |n| n.get());
    let broken_ones = AtomicUsize::new(0);
    let broken = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|core| {
                let (check, broken_ones) = (&check, &broken_ones);
                scope.spawn(move || {
                    let mut disk = Disk::default();
                    disk.lies = lies;
                    let (mut told, mut done, mut broken) = (Told::default(), 0, Vec::new());
                    // Each core lives the whole trace and looks at its share of the states.
                    for state in (core..states).step_by(cores) {
                        let cut = state * trace.len() / states + 1;
                        for step in &trace[done..cut] {
                            disk.take(step);
                            note(&mut told, step);
                        }
                        done = cut;
                        if broken_ones.load(Ordering::Relaxed) >= ENOUGH {
                            break;
                        }
                        let mut chance = Chance::new((seed * 1_000_003 + state) as u64);
                        let fate = chance.pick(&Fate::ALL);
                        let folder = scratch();
                        disk.cut(fate, &mut chance, folder.path());
                        if let Err(why) = check(folder.path(), &told) {
                            broken_ones.fetch_add(1, Ordering::Relaxed);
                            broken.push(Broken { cut, fate, why });
                        }
                    }
                    broken
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a check does not panic"))
            .collect()
    });
    println!(
        "{states} power cuts in {} steps, LOA_SEED={seed}",
        trace.len()
    );
    Replayed {
        states,
        steps: trace.len(),
        broken,
    }
}

fn note(told: &mut Told, step: &Step) {
    match step {
        Step::Begun(n) => told.begun = *n,
        Step::Told(n) => told.told = *n,
        Step::Named(name) => told.named = Some(name.clone()),
        _ => {}
    }
}

impl Replayed {
    /// # Panics
    /// When a state broke the promise.
    pub fn must_be_whole(&self) {
        let all: Vec<String> = self
            .broken
            .iter()
            .map(|b| {
                format!(
                    "power cut after step {}, unsynced {:?}: {}",
                    b.cut, b.fate, b.why
                )
            })
            .collect();
        assert!(all.is_empty(), "{}", all.join("\n\n"));
    }
}
