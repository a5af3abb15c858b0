//! Real poles die, and the office shows it in time. Beside the timed tests, for this one waits more than it works.

use std::time::Duration;

use loa_tests::process::{Village, measure::dead_pole::deaths};

#[test]
fn a_pole_without_power_or_line_or_program_is_shown_within_ninety_seconds() {
    let mut village = Village::with_lines(4);
    for (death, shown_s) in deaths(&mut village, Duration::from_secs(120)) {
        println!("{death:?}: {shown_s:.1} s");
        assert!(shown_s <= 90.0, "{death:?} was shown after {shown_s:.1} s");
    }
}
