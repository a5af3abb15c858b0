//! How long the office takes over much that has happened.

use loa_tests::process::{
    figures::{Figure, Goal, largest, summary},
    measure::{audit::verify_s, report},
};

pub(super) fn report() -> Vec<Figure> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let found = report::report(folder.path(), 10_000, 7);
    let took: Vec<f64> = found
        .took
        .iter()
        .map(|took| took.as_secs_f64() * 1_000.0)
        .collect();
    println!("{}", summary("the month's report", "ms", &took));
    println!(
        "  {} playouts, {} outages; the database has {} MB, the answer {} kB",
        found.playouts,
        found.outages,
        found.database_bytes / 1_000_000,
        found.answer_bytes / 1_000
    );
    vec![Figure {
        name: "report_10000_ms",
        value: largest(&took),
        unit: "ms",
        goal: Goal::AtMost(1_000.0),
        n: took.len(),
        how: "the monthly report of 10,000 speakers with four bulletins a day, from the question to the answer's bytes; \
              the slowest, the first included"
            .into(),
    }]
}

pub(super) fn audit() -> Vec<Figure> {
    const ENTRIES: u64 = 1_000_000;
    vec![Figure {
        name: "audit_verify_s",
        value: verify_s(ENTRIES),
        unit: "s",
        goal: Goal::Told,
        n: ENTRIES as usize,
        how: "`loa-controller audit verify` over a log of 1,000,000 entries, from the start of the process to its end".into(),
    }]
}
