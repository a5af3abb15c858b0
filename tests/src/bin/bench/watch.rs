//! What people are told of poles that go: soon, and no more than happened.

use std::time::Duration;

use loa_controller::logic::alerts::Kind;
use loa_tests::{
    process::{
        Village,
        figures::{Figure, Goal, largest, summary},
        measure::dead_pole::{Death, deaths},
    },
    watch::{Seen, Weather, night},
};

/// Lines that drop all night, with a real outage as the control, and a mast that goes.
pub(super) fn alarms() -> Vec<Figure> {
    let live = |poles: usize, weather: Weather| -> Seen {
        let folder = tempfile::tempdir().expect("a temporary folder");
        night(folder.path(), poles, &weather)
    };
    let flapping = Weather {
        hours: 24,
        drop_s: 20,
        every_s: 120,
        outage: None,
        one_mast: false,
    };
    let calm = live(20, flapping.clone());
    println!(
        "  {} drops, {} looks: {:?}",
        calm.drops, calm.looks, calm.alerts
    );
    let control = live(
        20,
        Weather {
            outage: Some((43_200, 43_800, 1)),
            ..flapping.clone()
        },
    );
    assert_eq!(
        control.alerts,
        [(Kind::Offline, 1)],
        "a real outage of ten minutes on the same lines is found, once"
    );
    let mast = live(
        50,
        Weather {
            hours: 2,
            drop_s: 0,
            outage: Some((1_800, 5_400, 40)),
            one_mast: true,
            ..flapping
        },
    );
    println!("  a mast with 40 poles: {:?}", mast.alerts);
    let named = mast.alerts.iter().all(|(_, named)| *named == 40);
    vec![
        Figure {
            name: "false_alarms",
            value: calm.alerts.len() as f64,
            unit: "alerts",
            goal: Goal::AtMost(0.0),
            n: calm.drops,
            how: "20 poles for 24 simulated hours, each line down for 20 s every 2 minutes with its last will; looked at every \
                  5 s by the rules of a new office; n: drops. The same with one outage of ten minutes: 1"
                .into(),
        },
        Figure {
            name: "mast_alerts",
            value: if named { mast.alerts.len() as f64 } else { f64::INFINITY },
            unit: "alerts",
            goal: Goal::AtMost(1.0),
            n: 40,
            how: "40 of 50 poles, all behind one mast, go within half a minute and return after an hour: one alert that names \
                  the 40"
                .into(),
        },
    ]
}

pub(super) fn dead_pole() -> Vec<Figure> {
    let mut village = Village::with_lines(50);
    let died = deaths(&mut village, Duration::from_secs(180));
    for kind in Death::ALL {
        let of_kind = died.iter().filter(|(death, _)| *death == kind);
        let seconds: Vec<f64> = of_kind.map(|(_, seconds)| *seconds).collect();
        println!("{}", summary(&format!("{kind:?}"), "s", &seconds));
    }
    let seconds: Vec<f64> = died.iter().map(|(_, seconds)| *seconds).collect();
    let in_time = seconds.iter().filter(|s| **s <= 90.0).count();
    println!("  shown within 90 s: {in_time} of {}", died.len());
    vec![Figure {
        name: "dead_pole_max_s",
        value: largest(&seconds),
        unit: "s",
        goal: Goal::AtMost(90.0),
        n: died.len(),
        how: "slowest from the death of a real agent (power cut, cable cut, SIGKILL, SIGSTOP in turn, each behind a line of \
              its own) until the API shows it silent or offline"
            .into(),
    }]
}
