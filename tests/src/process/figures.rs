//! Figures: each is printed with its goal and written to `target/figures/NAME.json`.

use std::path::{Path, PathBuf};

use serde::Serialize;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
    /// It is told, not judged.
    Told,
}

impl Goal {
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Goal::AtMost(most) => value <= most,
            Goal::AtLeast(least) => value >= least,
            Goal::Told => true,
        }
    }

    fn words(self) -> Option<String> {
        match self {
            Goal::AtMost(most) => Some(format!("≤ {most}")),
            Goal::AtLeast(least) => Some(format!("≥ {least}")),
            Goal::Told => None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub goal: Goal,
    /// How many measurements it stands for.
    pub n: usize,
    /// How it was measured, in a sentence.
    pub how: String,
}

#[derive(Serialize)]
struct Written<'a> {
    name: &'a str,
    value: f64,
    unit: &'a str,
    goal: Option<String>,
    n: usize,
    how: &'a str,
}

impl Figure {
    /// Prints it and writes it down. `false`: the goal is missed.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn tell(&self) -> bool {
        let goal = self.goal.words();
        let wanted = goal
            .as_ref()
            .map_or(String::new(), |goal| format!(" (goal: {goal})"));
        let met = self.goal.is_met(self.value);
        let verdict = if met { "" } else { "  MISSED" };
        println!(
            "{} {:.3} {}{wanted}{verdict}",
            self.name, self.value, self.unit
        );
        let written = Written {
            name: self.name,
            value: (self.value * 10_000.0).round() / 10_000.0,
            unit: self.unit,
            goal,
            n: self.n,
            how: &self.how,
        };
        let folder = folder();
        std::fs::create_dir_all(&folder).expect("target/figures can be made");
        let text = serde_json::to_string_pretty(&written).expect("numbers and words are JSON");
        std::fs::write(folder.join(format!("{}.json", self.name)), text + "\n")
            .expect("the figure can be written");
        met
    }
}

/// `target/figures` of this workspace.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/figures")
}

/// The value that `percent` of all are not above (nearest rank). NaN when there are none.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
}

pub fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

pub fn smallest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// `name: n, smallest, median, p99, largest` for a person to read.
pub fn summary(name: &str, unit: &str, values: &[f64]) -> String {
    format!(
        "  {name}: {} values, smallest {:.3}, median {:.3}, p99 {:.3}, largest {:.3} {unit}",
        values.len(),
        smallest(values),
        percentile(values, 50.0),
        percentile(values, 99.0),
        largest(values),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ninety_ninth_of_a_hundred_is_the_last_but_one() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 99.0), 99.0);
        assert_eq!(percentile(&values, 50.0), 50.0);
        assert_eq!(percentile(&values[..1], 99.0), 100.0);
        assert!(percentile(&[], 99.0).is_nan());
        assert!(Goal::AtMost(2.0).is_met(2.0) && !Goal::AtLeast(0.98).is_met(0.9799));
        assert!(!Goal::AtMost(2.0).is_met(f64::NAN));
    }
}
