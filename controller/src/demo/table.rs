//! The closing table: per speaker and occurrence, when it was planned, when it really started, and how it ended.

use super::{
    village::{Village, exact_time},
    watch::Expected,
};
use crate::store::{PlayoutFilter, PlayoutRow, Store};

/// Prints it. Returns a line for everything that was due and did not complete.
pub async fn print(
    store: &Store,
    village: &Village,
    expected: &[Expected],
) -> anyhow::Result<Vec<String>> {
    let filter = PlayoutFilter {
        limit: 1_000,
        ..PlayoutFilter::default()
    };
    let playouts = store.playouts(&filter).await?;
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for due in expected {
        for pole in &village.poles {
            let found = playouts
                .iter()
                .filter(|p| p.speaker == pole.id && p.occurrence.bulletin == due.bulletin)
                .max_by_key(|p| p.attempt);
            rows.push(row(pole.name, due, found));
            let outcome = found.and_then(|p| p.outcome.as_deref());
            if due.is_due && outcome != Some("completed") {
                let what = found.map_or("nothing was heard of it".to_owned(), outcome_words);
                failed.push(format!("“{}” in {}: {what}", due.title, pole.name));
            }
        }
    }
    let head = [
        "speaker",
        "bulletin",
        "planned",
        "real start",
        "error",
        "outcome",
    ]
    .map(String::from);
    let width = |column: usize| {
        let all = rows.iter().chain([&head]);
        all.map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    print_row(&head, &widths);
    println!(
        "{}",
        "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1))
    );
    rows.iter().for_each(|row| print_row(row, &widths));
    Ok(failed)
}

fn row(name: &str, due: &Expected, found: Option<&PlayoutRow>) -> [String; 6] {
    let start = found.and_then(|p| p.started);
    [
        name.to_owned(),
        due.title.clone(),
        exact_time(found.map_or(due.at, |p| p.planned)),
        start.map_or("-".to_owned(), exact_time),
        found
            .and_then(|p| p.error_us)
            .map_or("-".to_owned(), error_ms),
        match found {
            Some(playout) => outcome_words(playout),
            None if due.is_due => "not reported".to_owned(),
            None => "not due yet".to_owned(),
        },
    ]
}

fn error_ms(error_us: i64) -> String {
    format!("{:+.1} ms", error_us as f64 / 1_000.0)
}

fn outcome_words(playout: &PlayoutRow) -> String {
    match (&playout.outcome, &playout.reason) {
        (Some(outcome), Some(reason)) => format!("{outcome}: {reason}"),
        (Some(outcome), None) => outcome.clone(),
        (None, _) => "not over at the end".to_owned(),
    }
}

fn print_row(row: &[String; 6], widths: &[usize; 6]) {
    let mut line = String::new();
    for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
        let fill = " ".repeat(width - cell.chars().count().min(*width));
        // Figures stand right.
        let right = i == 4;
        line.push_str(&if right {
            format!("{fill}{cell}")
        } else {
            format!("{cell}{fill}")
        });
        line.push_str("  ");
    }
    println!("{}", line.trim_end());
}
