//! The app in a real browser.

use loa_tests::process::{
    browser,
    commune::{ADMINISTRATOR, Commune, HEAD},
    figures::{Figure, Goal, largest, summary},
};
use serde_json::json;

pub(super) fn phone() -> Vec<Figure> {
    let commune = Commune::start();
    let village = &commune.village;
    let told = browser::run(village, "measure", &json!({"head": HEAD}));
    let number = |key: &str| told[key].as_f64().unwrap_or(f64::NAN);
    let opened_ms: Vec<f64> = told["opened_ms"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_f64)
        .collect();
    println!("{}", summary("opened without signal", "ms", &opened_ms));
    let bulletin = commune.live_a_little();
    let screens = browser::run(
        village,
        "screens",
        &json!({
            "administrator": ADMINISTRATOR, "head": HEAD, "bulletin": bulletin,
            "speaker": village.poles[0].id, "text": "Mời bà con họp xóm lúc 19h30 tối nay.",
        }),
    );
    let faults = screens["faults"]
        .as_array()
        .map_or(f64::NAN, |all| all.len() as f64);
    vec![
        Figure {
            name: "first_load_kb",
            value: number("first_load_bytes") / 1_000.0,
            unit: "kB",
            goal: Goal::AtMost(150.0),
            n: 1,
            how: "bytes over the wire in Chromium, headers and API answers included, from nothing to the signed-in first screen".into(),
        },
        Figure {
            name: "app_kept_kb",
            value: number("kept_bytes") / 1_000.0,
            unit: "kB",
            goal: Goal::Told,
            n: 1,
            how: "all that the service worker keeps so that every screen opens without signal, compressed".into(),
        },
        Figure {
            name: "offline_open_ms",
            value: largest(&opened_ms),
            unit: "ms",
            goal: Goal::AtMost(1_000.0),
            n: opened_ms.len(),
            how: "slowest reload in Chromium with the network off until the record button is there".into(),
        },
        Figure {
            name: "axe_serious",
            value: faults,
            unit: "",
            goal: Goal::AtMost(0.0),
            n: screens["looked"].as_u64().map_or(0, |n| n as usize),
            how: "serious and critical faults that axe finds against WCAG 2.2 AA on every screen, phone and PC, both languages".into(),
        },
    ]
}
