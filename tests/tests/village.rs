//! The simulated village: hundreds of weeks, each from one seed. `LOA_SEED=123` lives one of them aloud;
//! `LOA_SEEDS=10000` lives more, `LOA_FIRST_SEED` others.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use loa_tests::village::{Broken, Figures, Lived, Sabotage, live};

const DAYS: u64 = 7;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {text:?}"))
    })
}

/// A panic in the logic breaks a week like anything else that must not be.
fn live_safely(
    seed: u64,
    days: u64,
    sabotage: Option<Sabotage>,
    aloud: bool,
) -> Result<Lived, Box<Broken>> {
    catch_unwind(AssertUnwindSafe(|| live(seed, days, sabotage, aloud))).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Err(Box::new(Broken {
            seed,
            what: format!("panic: {}", text.unwrap_or_default()),
            diary: Vec::new(),
        }))
    })
}

fn explain(broken: &Broken) -> String {
    format!(
        "seed {} broke: {}\n{}\nreplay it with:\nLOA_SEED={} cargo test -p loa-tests --test village -- --nocapture",
        broken.seed,
        broken.what,
        broken.diary.join("\n"),
        broken.seed
    )
}

/// Lives the seeds on all cores; stops at some broken ones.
fn live_all(first: u64, count: u64) -> (Figures, Vec<Broken>) {
    let cores = thread::available_parallelism().map_or(2, |n| n.get());
    let next = AtomicU64::new(first);
    let sum = Mutex::new(Figures::default());
    let broken = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || broken.lock().expect("no panic inside").len() >= 3 {
                        break;
                    }
                    match live_safely(seed, DAYS, None, false) {
                        Ok(lived) => sum.lock().expect("no panic inside").add(&lived.figures),
                        Err(why) => broken.lock().expect("no panic inside").push(*why),
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().expect("no panic inside");
    (sum, broken.into_inner().expect("no panic inside"))
}

#[test]
fn five_hundred_villages_live_seven_days() {
    if let Some(seed) = number("LOA_SEED") {
        match live_safely(seed, DAYS, None, true) {
            Ok(lived) => println!("seed {seed} went well: {}", lived.figures),
            Err(broken) => panic!("{}", explain(&broken)),
        }
        return;
    }
    let first = number("LOA_FIRST_SEED").unwrap_or(1);
    let count = number("LOA_SEEDS").unwrap_or(500);
    let (figures, broken) = live_all(first, count);
    if !broken.is_empty() {
        let all: Vec<String> = broken.iter().map(explain).collect();
        panic!("{}", all.join("\n\n"));
    }
    println!("{count} villages lived {DAYS} days: {figures}");
    figures.must_be_worth_something(count);
}

#[test]
fn the_same_seed_lives_the_same_week() {
    if number("LOA_SEED").is_some() {
        return;
    }
    for seed in [3, 7] {
        let hash = |aloud| {
            let lived = live_safely(seed, DAYS, None, aloud);
            lived
                .unwrap_or_else(|b| panic!("{}", explain(&b)))
                .diary_hash
        };
        assert_eq!(hash(false), hash(false), "seed {seed}");
    }
}

/// A simulation that cannot fail proves nothing: each mistake that is built in on purpose must be noticed.
#[test]
fn every_sabotage_is_noticed() {
    if number("LOA_SEED").is_some() {
        return;
    }
    thread::scope(|scope| {
        for sabotage in Sabotage::ALL {
            scope.spawn(move || {
                let noticed =
                    (1..=40).find_map(|seed| live_safely(seed, 2, Some(sabotage), false).err());
                match noticed {
                    Some(broken) => println!("{sabotage:?}: seed {}: {}", broken.seed, broken.what),
                    None => panic!("{sabotage:?} was not noticed in 40 villages"),
                }
            });
        }
    });
}
