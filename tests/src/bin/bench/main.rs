//! Measures Loa's figures on this machine: `bench [all|NAME …]`; an unknown name shows which there are.
//!
//! Each figure is printed with its goal and written to `target/figures`. Ends with 1 when a goal is missed.

mod agent;
mod app;
mod crowd;
mod live;
mod office;
mod playing;
mod recordings;
mod trust;
mod watch;

use std::process::ExitCode;

use loa_tests::process::figures::Figure;

/// A measurement: its name, and what it finds.
type Measurement = (&'static str, fn() -> Vec<Figure>);

const ALL: &[Measurement] = &[
    ("size", agent::size),
    ("decode", recordings::decode),
    ("apart", recordings::apart),
    ("audit", office::audit),
    ("mutated", trust::mutated),
    ("live_mutated", trust::live_mutated),
    ("likeness", playing::likeness),
    ("cost", agent::cost),
    ("now", playing::now),
    ("emergency", playing::emergency),
    ("start", playing::start),
    ("hearing", playing::hearing),
    ("report", office::report),
    ("alarms", watch::alarms),
    ("phone", app::phone),
    ("dead_pole", watch::dead_pole),
    ("statuses", crowd::statuses),
    ("strangers", trust::strangers),
    ("cutoff", trust::cutoff),
    ("tls", crowd::tls),
    ("reconnect", crowd::reconnect),
    ("mouth_to_horn", live::mouth_to_horn),
    ("mouth_to_horn_bad_line", live::mouth_to_horn_bad_line),
    ("live_1000", live::to_a_thousand),
    ("live_drift", live::live_drift),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let all = wanted.is_empty() || wanted.iter().any(|name| name == "all");
    if let Some(unknown) = wanted
        .iter()
        .find(|name| *name != "all" && ALL.iter().all(|(known, _)| known != name))
    {
        eprintln!(
            "bench: {unknown:?} is none of: all {}",
            ALL.iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(" ")
        );
        return ExitCode::from(64);
    }
    let mut missed = Vec::new();
    for (name, measure) in ALL {
        if all || wanted.iter().any(|one| one == name) {
            println!("== {name}");
            missed.extend(
                measure()
                    .iter()
                    .filter(|figure| !figure.tell())
                    .map(|figure| figure.name),
            );
        }
    }
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("missed: {}", missed.join(", "));
    ExitCode::FAILURE
}
