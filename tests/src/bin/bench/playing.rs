//! What sounds: when it begins, what it gives way to, whether it is the content and is heard.

use std::time::Duration;

use loa_audio::hearing::Verdict;
use loa_tests::process::{
    Broker, Output, Village,
    figures::{Figure, Goal, largest, percentile, smallest, summary},
    measure::{
        emergency::cuts,
        hearing::{Judged, not_to_be_heard, to_be_heard},
        likeness::said_in,
        now::play_now,
        start::{Plan, starts},
    },
    sound::Format,
};
use serde_json::json;

pub(super) fn start() -> Vec<Figure> {
    let village = Village::start(6, Output::Both, Broker::Embedded);
    let material = village.material(1.0, 1);
    // Between the first, the outputs stay open; between the others they are closed and opened again.
    let plans = [
        Plan {
            times: 40,
            every_s: 2,
        },
        Plan {
            times: 27,
            every_s: 4,
        },
    ];
    let all = starts(&village, &material, &plans);
    println!("{}", summary("into files", "ms", &all.wav));
    println!(
        "{}",
        summary("into null sinks, as the poles tell", "ms", &all.pulse)
    );
    println!(
        "{}",
        summary(
            "into null sinks, as recorded (recorder's delay included)",
            "ms",
            &all.pulse_heard
        )
    );
    println!(
        "{}",
        summary("recorded - told", "ms", &all.heard_minus_told)
    );
    println!(
        "  the sound server stuttered at {} of {} starts",
        all.stuttered,
        all.pulse.len()
    );
    assert!(
        all.stuttered * 20 <= all.pulse.len(),
        "the sound server stutters: measure on a quiet machine"
    );
    let early = smallest(&all.wav).min(smallest(&all.pulse));
    // Two clocks read one after the other: a microsecond is rounding.
    assert!(early >= -0.01, "a start was early by {early} ms");
    let (wav, pulse) = (percentile(&all.wav, 99.0), percentile(&all.pulse, 99.0));
    let figure = |name, value, n, how: &str| Figure {
        name,
        value,
        unit: "ms",
        goal: Goal::AtMost(20.0),
        n,
        how: how.into(),
    };
    vec![
        figure(
            "start_error_wav_p99_ms",
            wav,
            all.wav.len(),
            "real minus planned start by the exact instant beside each WAV recording; three agents, content cached",
        ),
        figure(
            "start_error_pulse_p99_ms",
            pulse,
            all.pulse.len(),
            "real minus planned start as told to the office by three agents on PulseAudio null sinks; \
             each was found in the recording of the sink's monitor",
        ),
        figure(
            "start_error_p99_ms",
            wav.max(pulse),
            all.wav.len() + all.pulse.len(),
            "the worse of start_error_wav_p99_ms and start_error_pulse_p99_ms; no start was early",
        ),
    ]
}

pub(super) fn now() -> Vec<Figure> {
    let village = Village::start(3, Output::Wav, Broker::Embedded);
    let material = village.material(0.4, 1);
    let (first, _) = village.say(&material, &json!({}));
    village.wait_for_outcomes(&first, 3, Duration::from_secs(30));
    let latencies = play_now(&village, &material, 200);
    println!("{}", summary("play now", "ms", &latencies));
    vec![Figure {
        name: "play_now_p99_ms",
        value: percentile(&latencies, 99.0),
        unit: "ms",
        goal: Goal::AtMost(300.0),
        n: latencies.len(),
        how: "HTTP answer to the first sample of the last of three agents (WAV output), content cached, loopback".into(),
    }]
}

pub(super) fn emergency() -> Vec<Figure> {
    let village = Village::start(1, Output::Wav, Broker::Embedded);
    let rounds = 50;
    let long = village.material(300.0, 1);
    let alarm = village.material(0.7, 2);
    let (bulletin, _) = village.say(&long, &json!({}));
    village.poles[0].wait_until_it_holds(&long.content);
    village.cancel(&bulletin);
    let (bulletin, _) = village.say(&alarm, &json!({}));
    village.wait_for_outcomes(&bulletin, 1, Duration::from_secs(30));
    let cuts = cuts(&village, &long, &alarm, rounds);
    let slower: Vec<f64> = cuts
        .iter()
        .map(|cut| cut.silence_ms.max(cut.start_ms))
        .collect();
    let resumed: Vec<f64> = cuts.iter().map(|cut| cut.resume_error_ms.abs()).collect();
    println!("{}", summary("emergency", "ms", &slower));
    println!("{}", summary("resume error", "ms", &resumed));
    vec![
        Figure {
            name: "emergency_p99_ms",
            value: percentile(&slower, 99.0),
            unit: "ms",
            goal: Goal::AtMost(300.0),
            n: rounds,
            how: "HTTP answer to silence of the ordinary bulletin and first sample of the emergency, the later of both, \
                  in the recorded audio"
                .into(),
        },
        Figure {
            name: "resume_error_ms",
            value: largest(&resumed),
            unit: "ms",
            goal: Goal::AtMost(50.0),
            n: rounds,
            how: "largest distance between where the bulletin went on and 2 s before its cut, both found in the \
                  recorded audio by cross-correlation with the content"
                .into(),
        },
    ]
}

pub(super) fn likeness() -> Vec<Figure> {
    let village = Village::start(2, Output::Both, Broker::Embedded);
    let mut sink = Vec::new();
    for (format, seed) in Format::ALL.into_iter().zip(10..) {
        let alike = said_in(&village, format, 5.0, seed);
        println!(
            "  {format:?}: file {:.4}, monitor of the sink {:.4}",
            alike[0], alike[1]
        );
        sink.push(alike[1]);
    }
    vec![Figure {
        name: "correlation_min",
        value: smallest(&sink),
        unit: "",
        goal: Goal::AtLeast(0.98),
        n: sink.len(),
        how: "smallest normalised correlation between a null sink's monitor recording and the canonical content; \
              MP3, AAC, Vorbis, FLAC, WAV and WebM/Opus uploads of 5 s"
            .into(),
    }]
}

pub(super) fn hearing() -> Vec<Figure> {
    const ROUNDS: u64 = 100;
    let clarity = |all: &[Judged]| -> Vec<f64> { all.iter().map(|one| one.clarity).collect() };
    let count = |all: &[Judged], verdict| all.iter().filter(|one| one.verdict == verdict).count();
    let sounding = to_be_heard(ROUNDS);
    let silent = not_to_be_heard(ROUNDS);
    for (all, right) in [(&sounding, Verdict::Heard), (&silent, Verdict::NotHeard)] {
        for wrong in all.iter().filter(|one| one.verdict != right) {
            println!("  not {right:?}: {wrong:?}");
        }
    }
    println!("{}", summary("clarity at 10 dB", "", &clarity(&sounding)));
    println!(
        "{}",
        summary(
            "clarity of silence, wrong sounds and broken horns",
            "",
            &clarity(&silent)
        )
    );
    vec![
        Figure {
            name: "not_heard_found",
            value: count(&silent, Verdict::NotHeard) as f64,
            unit: "of 100",
            goal: Goal::AtLeast(100.0),
            n: silent.len(),
            how: "playouts of 3 to 9 s told as not heard: noise alone (rain, street, voices), another bulletin or music from a \
                  neighbour through echoes, a crackling wire; through the agent's own matcher"
                .into(),
        },
        Figure {
            name: "not_heard_false",
            value: (sounding.len() - count(&sounding, Verdict::Heard)) as f64,
            unit: "of 100",
            goal: Goal::AtMost(1.0),
            n: sounding.len(),
            how: "playouts of 3 to 9 s (espeak-ng, speech-like sound, music) not told as heard at 10 dB of signal to noise, \
                  through a horn and 3 to 7 ways of 0.1 to 0.6 s; through the agent's own matcher"
                .into(),
        },
    ]
}
