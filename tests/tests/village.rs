//! The simulated village: hundreds of weeks, each from one seed. `LOA_SEED=123` lives one of them aloud;
//! `LOA_SEEDS=10000` lives more, `LOA_FIRST_SEED` others. Under a hostile broker: `LOA_HOSTILE_SEEDS`, `LOA_HOSTILE_DAYS`.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use loa_tests::village::{Broken, Figures, Hostility, Lived, Sabotage, live, live_under};

const DAYS: u64 = 7;
/// Under a hostile broker, which may say again what was said the day before; `LOA_HOSTILE_DAYS` for longer.
const HOSTILE_DAYS: u64 = 2;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {text:?}"))
    })
}

fn live_safely(
    seed: u64,
    days: u64,
    sabotage: Option<Sabotage>,
    aloud: bool,
) -> Result<Lived, Box<Broken>> {
    safely(seed, || live(seed, days, sabotage, aloud))
}

/// Every fourth for two days, the others for one, unless somebody has more time.
fn hostile_days(seed: u64) -> u64 {
    let usual = if seed.is_multiple_of(4) {
        HOSTILE_DAYS
    } else {
        1
    };
    number("LOA_HOSTILE_DAYS").unwrap_or(usual)
}

fn live_hostile(seed: u64, aloud: bool) -> Result<Lived, Box<Broken>> {
    safely(seed, || {
        let days = hostile_days(seed);
        live_under(Hostility::of(seed), seed, days, None, aloud)
    })
}

/// A panic in the logic breaks a week like anything else that must not be.
fn safely(
    seed: u64,
    live: impl FnOnce() -> Result<Lived, Box<Broken>>,
) -> Result<Lived, Box<Broken>> {
    catch_unwind(AssertUnwindSafe(live)).unwrap_or_else(|panic| {
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

fn explain(broken: &Broken, test: &str) -> String {
    let Broken { seed, what, diary } = broken;
    let diary = diary.join("\n");
    let days = match test {
        "hostile" => format!("LOA_HOSTILE_DAYS={} ", hostile_days(*seed)),
        _ => String::new(),
    };
    format!(
        "seed {seed} broke: {what}\n{diary}\nreplay it with:\n\
         LOA_SEED={seed} {days}cargo test -p loa-tests --test village {test} -- --nocapture"
    )
}

/// Lives the seeds on all cores; stops at some broken ones.
fn live_all(
    first: u64,
    count: u64,
    live: impl Fn(u64) -> Result<Lived, Box<Broken>> + Sync,
) -> (Figures, Vec<Broken>) {
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
                    match live(seed) {
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
            Err(broken) => panic!("{}", explain(&broken, "five_hundred")),
        }
        return;
    }
    let first = number("LOA_FIRST_SEED").unwrap_or(1);
    let count = number("LOA_SEEDS").unwrap_or(500);
    let (figures, broken) = live_all(first, count, |seed| live_safely(seed, DAYS, None, false));
    must_be_whole(&broken, "five_hundred");
    println!("{count} villages lived {DAYS} days: {figures}");
    figures.must_be_worth_something(count);
}

fn must_be_whole(broken: &[Broken], test: &str) {
    let all: Vec<String> = broken.iter().map(|b| explain(b, test)).collect();
    assert!(all.is_empty(), "{}", all.join("\n\n"));
}

/// Nothing sounds that the office did not sign, for this pole, in its window, once; and when the broker is honest again,
/// all is said and equal on both sides. Where the broker has stolen the online key, no alarm sounds that no approver
/// signed, and nothing beyond the pole's own limits; and a new key puts all right.
#[test]
fn two_hundred_villages_live_under_a_hostile_broker() {
    if let Some(seed) = number("LOA_SEED") {
        match live_hostile(seed, true) {
            Ok(lived) => println!("seed {seed} went well: {}", lived.figures),
            Err(broken) => panic!("{}", explain(&broken, "hostile")),
        }
        return;
    }
    let first = number("LOA_FIRST_SEED").unwrap_or(1);
    let count = number("LOA_HOSTILE_SEEDS").unwrap_or(200);
    let last = first + count - 1;
    let (figures, broken) = live_all(first, count, |seed| live_hostile(seed, false));
    must_be_whole(&broken, "hostile");
    println!("seeds {first} to {last} under a hostile broker: {figures}");
    figures.must_be_hostile(count);
}

/// The judge of the hostile broker can fail, too: with a key that it is not told of, where a stolen key is enough for an
/// alarm, and where poles have no limits of their own.
#[test]
fn what_a_hostile_broker_could_do_without_its_bounds_is_noticed() {
    if number("LOA_SEED").is_some() {
        return;
    }
    let is = Hostility {
        has_key: true,
        has_root: true,
        needs_passkey: true,
        rotates: false,
    };
    let no_key = Hostility {
        has_key: false,
        ..is
    };
    let no_passkey = Hostility {
        needs_passkey: false,
        ..is
    };
    for (is, sabotage) in [
        (no_key, Some(Sabotage::LendTheKey)),
        (no_passkey, None),
        (is, Some(Sabotage::LiftTheLimits)),
    ] {
        let live = |seed| safely(seed, || live_under(is, seed, HOSTILE_DAYS, sabotage, false));
        let broken = (1..=10).find_map(|seed| live(seed).err());
        let broken = broken.expect("it is noticed in one of ten villages");
        println!("{is:?} {sabotage:?}: seed {}: {}", broken.seed, broken.what);
    }
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
                .unwrap_or_else(|b| panic!("{}", explain(&b, "five_hundred")))
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
