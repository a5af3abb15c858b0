//! The figures of live calls: from the mouth to the horn, and a call to a thousand poles next to Icecast.

use super::{crowd::enrol_all, icecast, listeners, mouth};
use crate::process::{
    figures::{Figure, Goal, largest, percentile, summary},
    line::Weather,
    office::Broker,
    sound,
    village::Village,
};

/// What was found of live calls from the app, told for a person to read.
fn spoken(weather: Weather) -> mouth::Calls {
    let all = mouth::calls(weather, 3, 20);
    println!("{}", summary("mouth to horn", "ms", &all.way.delays_ms));
    println!("{}", summary("likeness", "", &all.way.alike));
    println!(
        "  {} of {} windows found; the calls' fixed delays: {:?} ms",
        all.way.delays_ms.len(),
        all.way.windows,
        all.fixed_ms
    );
    for told in &all.told {
        println!("  a pole told {told}");
    }
    all
}

const BOTH_ENDS: &str = "Chromium with the app takes the microphone that a null sink of PulseAudio feeds with a voice; that sink and \
                         those of two agents are recorded by the same recorder, and windows of 0.8 s of the one are found in the others \
                         by cross-correlation";

/// Over loopback.
pub fn mouth_to_horn() -> Vec<Figure> {
    let all = spoken(Weather::FAIR);
    assert!(
        all.way.found() >= 0.75,
        "a quarter of the speech is not found at the horns: measure on a quiet machine"
    );
    vec![Figure {
        name: "mouth_to_horn_p95_ms",
        value: percentile(&all.way.delays_ms, 95.0),
        unit: "ms",
        goal: Goal::AtMost(400.0),
        n: all.way.delays_ms.len(),
        how: format!(
            "three calls of 20 s over loopback: {BOTH_ENDS}; {} of {} windows found, largest {:.0} ms",
            all.way.delays_ms.len(),
            all.way.windows,
            largest(&all.way.delays_ms)
        ),
    }]
}

/// Over bad lines.
pub fn mouth_to_horn_bad_line() -> Vec<Figure> {
    let all = spoken(Weather::BAD);
    let (n, most) = (all.way.delays_ms.len(), largest(&all.way.delays_ms));
    let how = format!(
        "three calls of 20 s, the phone's line and those of the poles 50 ± 30 ms each way with 2 of 100 pieces stalled for 250 ms, \
         in order: {BOTH_ENDS}; {n} of {} windows found, largest {most:.0} ms",
        all.way.windows
    );
    vec![
        Figure {
            name: "mouth_to_horn_bad_line_p95_ms",
            value: percentile(&all.way.delays_ms, 95.0),
            unit: "ms",
            goal: Goal::AtMost(900.0),
            n,
            how: how.clone(),
        },
        Figure {
            name: "mouth_to_horn_bad_line_max_ms",
            value: most,
            unit: "ms",
            goal: Goal::AtMost(1_500.0),
            n,
            how,
        },
    ]
}

/// Our call to a thousand poles, and the same through Icecast.
pub fn to_a_thousand() -> Vec<Figure> {
    const POLES: usize = 1_000;
    const SECONDS: u32 = 60;
    let clear = listeners::in_clear(&Village::in_clear(0), POLES, SECONDS as f32);
    println!("  in clear: {clear:?}");
    let village = Village::of_office(Broker::Embedded, 0);
    let identities = enrol_all(&village, POLES);
    let tls = listeners::over_tls(&village, &identities, SECONDS as f32);
    println!("  over TLS: {tls:?}");
    let figure = |name, value, how: String| Figure {
        name,
        value,
        unit: "CPU s/min",
        goal: Goal::Told,
        n: POLES,
        how,
    };
    let mut all = vec![
        figure(
            "live_1000_cpu",
            tls.cpu_s,
            format!(
                "user and system time of the controller, its broker included, for a minute of one live call to 1,000 poles over \
                 TLS, 25 signed packets a second to each; each was given {:.1} % of the packets or more",
                tls.least * 100.0
            ),
        ),
        figure(
            "live_1000_clear_cpu",
            clear.cpu_s,
            format!(
                "the same in clear; each was given {:.1} % of the packets or more",
                clear.least * 100.0
            ),
        ),
    ];
    if !icecast::is_here() {
        println!("  icecast2 is not installed here: nothing to compare with");
        return all;
    }
    let sound = sound::voice_file(village.folder(), 60);
    // As Icecast's users have it, with a second in each page; and with as little in it as in our packets.
    for (name, page_ms) in [
        ("live_1000_icecast_cpu", 1_000),
        ("live_1000_icecast_40ms_cpu", 40),
    ] {
        let used = icecast::stream(village.folder(), &sound, POLES, SECONDS, page_ms);
        let both = used.icecast_s + used.ffmpeg_s;
        println!(
            "  Icecast, pages of {page_ms} ms: {used:?}; ours is {:.2} of it in clear, {:.2} over TLS",
            clear.cpu_s / both,
            tls.cpu_s / both
        );
        all.push(figure(
            name,
            both,
            format!(
                "the same for Icecast 2.4 ({:.2}) and ffmpeg ({:.2}) with 1,000 HTTP listeners in clear to Opus at 32 kbit/s in Ogg \
                 pages of {page_ms} ms; ours is {:.2} of it in clear and {:.2} over TLS",
                used.icecast_s,
                used.ffmpeg_s,
                clear.cpu_s / both,
                tls.cpu_s / both
            ),
        ));
    }
    all
}
