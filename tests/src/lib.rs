//! Proof of the whole: the simulated village, real processes, bad input, benches.

pub mod live_mutants;
pub mod mutants;
pub mod power_cut;
pub mod process;
mod target;
pub mod village;
pub mod watch;
