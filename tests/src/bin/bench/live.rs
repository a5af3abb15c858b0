//! Live calls: their delay, how it grows, and a thousand poles that hear one.

use loa_tests::process::{
    figures::{Figure, Goal},
    measure::live_drift,
};

pub(super) use loa_tests::process::measure::live::{
    mouth_to_horn, mouth_to_horn_bad_line, to_a_thousand,
};

/// An hour of live, simulated, in every corner of what the clocks may do.
pub(super) fn live_drift() -> Vec<Figure> {
    const PPM: f64 = 100.0;
    const SECONDS: u32 = 3_600;
    let grown: Vec<live_drift::Grown> = live_drift::corners(PPM)
        .map(|drift| {
            let grown = live_drift::run(drift, SECONDS, 1);
            println!(
                "  phone {:+} ppm, pole {:+} ppm, sound card {:+} ppm: grew by {:+.2} ms, never off by more than {:.1} ms",
                drift.phone, drift.pole, drift.card, grown.growth_ms, grown.most_ms
            );
            grown
        })
        .collect();
    vec![Figure {
        name: "delay_growth_ms",
        value: grown
            .iter()
            .map(|grown| grown.growth_ms.abs())
            .fold(0.0, f64::max),
        unit: "ms",
        goal: Goal::AtMost(20.0),
        n: grown.len(),
        how: format!(
            "an hour of live, simulated: phone, pole and sound card each {PPM} ppm off in all eight ways, stamps off by up to \
             3 ms and the card's word by 2 ms; middle delay of the last minute less that of the first, the worst of all"
        ),
    }]
}
