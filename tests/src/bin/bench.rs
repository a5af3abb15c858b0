//! Measures Loa's figures on this machine: `bench [all|NAME …]`; an unknown name shows which there are.
//!
//! Each figure is printed with its goal and written to `target/figures`. Ends with 1 when a goal is missed.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use loa_audio::{Limits, hearing::Verdict, ingest};
use loa_controller::logic::alerts::Kind;
use loa_tests::process::{
    Broker, Output, Village, browser,
    clock::wait_for,
    commune::{ADMINISTRATOR, Commune, HEAD},
    figures::{Figure, Goal, largest, percentile, smallest, summary},
    measure::{
        apart::both_ways,
        audit::verify_s,
        cost::{stripped_mb, watch},
        crowd::{come_back, cost_in_clear, cost_of_tls, cut_off, enrol_all},
        dead_pole::{Death, deaths},
        decode::{ffmpeg, mpg123, ours, ratio},
        emergency::cuts,
        hearing::{Judged, not_to_be_heard, to_be_heard},
        likeness::said_in,
        live, live_drift,
        now::play_now,
        report,
        start::{Plan, starts},
        statuses::Crowd,
        strangers::{Known, foreign_topics, let_in},
    },
    passport::enrolled,
    program::binary,
    sound::{self, Format},
};
use loa_tests::watch::{Seen, Weather, night};
use loa_tests::{live_mutants, mutants};
use serde_json::json;

/// A measurement: its name, and what it finds.
type Measurement = (&'static str, fn() -> Vec<Figure>);

const ALL: &[Measurement] = &[
    ("size", size),
    ("decode", decode),
    ("apart", apart),
    ("audit", audit),
    ("mutated", mutated),
    ("live_mutated", live_mutated),
    ("likeness", likeness),
    ("cost", cost),
    ("now", now),
    ("emergency", emergency),
    ("start", start),
    ("hearing", hearing),
    ("report", report),
    ("alarms", alarms),
    ("phone", phone),
    ("dead_pole", dead_pole),
    ("statuses", statuses),
    ("strangers", strangers),
    ("cutoff", cutoff),
    ("tls", tls),
    ("reconnect", reconnect),
    ("mouth_to_horn", live::mouth_to_horn),
    ("mouth_to_horn_bad_line", live::mouth_to_horn_bad_line),
    ("live_1000", live::to_a_thousand),
    ("live_drift", live_drift),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let all = wanted.is_empty() || wanted.iter().any(|name| name == "all");
    if let Some(unknown) = wanted
        .iter()
        .find(|name| *name != "all" && ALL.iter().all(|(known, _)| known != name))
    {
        eprintln!(
            "bench: {unknown:?} is none of: all {}",
            ALL.iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(" ")
        );
        return ExitCode::from(64);
    }
    let mut missed = Vec::new();
    for (name, measure) in ALL {
        if all || wanted.iter().any(|one| one == name) {
            println!("== {name}");
            missed.extend(
                measure()
                    .iter()
                    .filter(|figure| !figure.tell())
                    .map(|figure| figure.name),
            );
        }
    }
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("missed: {}", missed.join(", "));
    ExitCode::FAILURE
}

/// Envelopes of all types, mutated or replayed.
fn mutated() -> Vec<Figure> {
    const COUNT: u64 = 10_000_000;
    const SEED: u64 = 0x1_0a5e_ed5e;
    println!("{COUNT} envelopes, seed {SEED}");
    let tally = mutants::bombard(SEED, COUNT);
    println!(
        "  {} tried, {} genuine and new ones among them",
        tally.tried, tally.genuine
    );
    vec![Figure {
        name: "mutated_accepted",
        value: tally.accepted as f64,
        unit: "envelopes",
        goal: Goal::AtMost(0.0),
        n: tally.tried as usize,
        how: format!(
            "envelopes of every type, mutated, replayed or on another topic, against the trust of a pole with its \
             third root, the agent itself, a pole's own key and a passkey's approval; accepted and not genuine and \
             new; two threads, seed {SEED}"
        ),
    }]
}

/// Packets of live streams, from a broker that lies.
fn live_mutated() -> Vec<Figure> {
    const COUNT: u64 = 1_000_000;
    const SEED: u64 = 0x11_5ea1;
    let tally = live_mutants::bombard(SEED, COUNT);
    println!(
        "  {} packets; of {} that the office said, {} reached the player",
        tally.tried, tally.said, tally.genuine
    );
    vec![Figure {
        name: "live_forged",
        value: tally.sounded as f64,
        unit: "packets",
        goal: Goal::AtMost(0.0),
        n: tally.tried as usize,
        how: format!(
            "packets of live calls, genuine ones and ones that were forged, mutated, replayed (of the same call and of \
             earlier ones), put on another channel or stream, delayed by 3 to 20 s, reordered and flooded, against the \
             agent; handed to its player and not genuine, fresh and new; seed {SEED}"
        ),
    }]
}

fn start() -> Vec<Figure> {
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

fn report() -> Vec<Figure> {
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

/// Lines that drop all night, with a real outage as the control, and a mast that goes.
fn alarms() -> Vec<Figure> {
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

fn now() -> Vec<Figure> {
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

fn emergency() -> Vec<Figure> {
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

fn likeness() -> Vec<Figure> {
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

fn cost() -> Vec<Figure> {
    let village = Village::start(2, Output::Both, Broker::Embedded);
    let long = village.material(100.0, 1);
    // Something to know and to hold: a daily bulletin, and one that was said.
    let daily =
        json!({"when": {"rrule": "FREQ=DAILY", "start": "2020-01-01T03:00"}, "title": "Hằng ngày"});
    village.say(&long, &daily);
    village.wait_until_all_hold(&long.content);
    let pids: Vec<u32> = village.poles.iter().map(|pole| pole.pid()).collect();
    let minute = Duration::from_secs(60);
    let rest = watch(&pids, minute);
    village.say(&long, &json!({}));
    wait_for("all play", Duration::from_secs(10), || {
        village
            .poles
            .iter()
            .all(|pole| pole.status().is_some_and(|s| s.status.sounding.is_some()))
    });
    let playing = watch(&pids, minute);
    for (output, ((rest_mb, rest_pct), (playing_mb, playing_pct))) in
        ["file", "sink"].iter().zip(rest.iter().zip(&playing))
    {
        println!(
            "  {output}: at rest {rest_mb:.1} MB, {rest_pct:.2} % CPU; playing {playing_mb:.1} MB, {playing_pct:.2} % CPU"
        );
    }
    let worse = |values: Vec<f64>| largest(&values);
    vec![
        Figure {
            name: "agent_rss_mb",
            value: worse(rest.iter().map(|(mb, _)| *mb).collect()),
            unit: "MB",
            goal: Goal::AtMost(25.0),
            n: 120,
            how: "largest VmRSS in 60 s at rest, connected, with a programme; the worse of WAV and PulseAudio output".into(),
        },
        Figure {
            name: "agent_playing_cpu_pct",
            value: worse(playing.iter().map(|(_, pct)| *pct).collect()),
            unit: "%",
            goal: Goal::AtMost(5.0),
            n: 2,
            how: "user and system time of one core over 60 s of playing; the worse of WAV and PulseAudio output".into(),
        },
    ]
}

fn size() -> Vec<Figure> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    vec![Figure {
        name: "agent_binary_size_mb",
        value: stripped_mb(&binary("loa-agent"), folder.path()),
        unit: "MB",
        goal: Goal::AtMost(15.0),
        n: 1,
        how: "size of a copy of the release binary after `strip`".into(),
    }]
}

/// Five minutes of each; the canonical one is made as the office makes it.
fn decode() -> Vec<Figure> {
    const ROUNDS: usize = 5;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = sound::wav_file(folder.path(), 300.0, 1);
    let mp3 = sound::convert(&source, Format::Mp3);
    let aac = sound::convert(&source, Format::M4aAac);
    let opus = canonical(&source);
    let decoder = decoder();
    let figure = |name, value, what: &str| Figure {
        name,
        value,
        unit: "",
        goal: Goal::Told,
        n: ROUNDS,
        how: format!(
            "user CPU of our decoder over that of {what}; whole processes in turns, median, 5 minutes of sound"
        ),
    };
    vec![
        figure(
            "decode_ratio_mp3_mpg123",
            ratio(ROUNDS, || ours(&decoder, &mp3), || mpg123(&mp3)),
            "mpg123 -t",
        ),
        figure(
            "decode_ratio_mp3_ffmpeg",
            ratio(ROUNDS, || ours(&decoder, &mp3), || ffmpeg(&mp3)),
            "ffmpeg -threads 1",
        ),
        figure(
            "decode_ratio_aac_ffmpeg",
            ratio(ROUNDS, || ours(&decoder, &aac), || ffmpeg(&aac)),
            "ffmpeg -threads 1",
        ),
        figure(
            "decode_ratio_opus_ffmpeg",
            ratio(ROUNDS, || ours(&decoder, &opus), || ffmpeg(&opus)),
            "ffmpeg -threads 1",
        ),
    ]
}

/// Five minutes, where reading is most of it, and two seconds, where the process is.
fn apart() -> Vec<Figure> {
    const ROUNDS: usize = 7;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mp3 = |seconds| {
        let source = sound::wav_file(folder.path(), seconds, 1);
        both_ways(ROUNDS, &sound::convert(&source, Format::Mp3), "mp3")
    };
    let (long, short) = (mp3(300.0), mp3(2.0));
    println!("  five minutes: {long:?}; two seconds: {short:?}");
    vec![
        Figure {
            name: "ingest_child_ratio",
            value: long.ratio,
            unit: "",
            goal: Goal::Told,
            n: ROUNDS,
            how: "time on the clock to make content of five minutes of MP3 in a fenced process of its own, over the same in \
                  the calling process; in turns, median"
                .into(),
        },
        Figure {
            name: "ingest_child_more_ms",
            value: (short.apart_s - short.here_s) * 1_000.0,
            unit: "ms",
            goal: Goal::Told,
            n: ROUNDS,
            how: "what the process, its fences and its end take more than reading two seconds of MP3 in the calling process; \
                  difference of medians"
                .into(),
        },
    ]
}

fn audit() -> Vec<Figure> {
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

fn hearing() -> Vec<Figure> {
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

fn canonical(source: &Path) -> PathBuf {
    let target = source.with_extension("opus");
    ingest::canonicalise(source, Some("wav"), &target, Limits::default())
        .expect("material becomes content");
    target
}

/// `examples/decode` beside this program.
fn decoder() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    let decoder = own.with_file_name("examples").join("decode");
    assert!(
        decoder.exists(),
        "run `cargo build --release -p loa-audio --example decode` first"
    );
    decoder
}

fn phone() -> Vec<Figure> {
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

fn dead_pole() -> Vec<Figure> {
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

/// Raises the rate until the office no longer keeps up with it.
fn statuses() -> Vec<Figure> {
    // In clear, as in the earlier rounds, so that the figures can be compared; what TLS adds is `tls`'s business.
    let village = Village::in_clear(0);
    let mut crowd = Crowd::gather(&village, 2_000);
    let mut best = None;
    for offered in [2_500.0, 5_000.0, 10_000.0, 15_000.0] {
        // 20 seconds of it: what is still on its way when the last is sent counts little.
        let flood = crowd.flood(&village, offered, (offered / 100.0) as u64);
        println!(
            "  offered {offered:.0}/s: taken {:.0}/s, office {:.0} % of a core, {:.0} MB, {:.2} kB on disk a document of {} bytes",
            flood.rate, flood.cpu_percent, flood.rss_mb, flood.disk_kb, flood.bytes
        );
        if best
            .is_none_or(|best: loa_tests::process::measure::statuses::Flood| flood.rate > best.rate)
        {
            best = Some(flood);
        }
        if flood.rate < offered * 0.9 {
            break;
        }
    }
    let best = best.expect("there was a flood");
    vec![
        Figure {
            name: "status_rate",
            value: best.rate,
            unit: "1/s",
            goal: Goal::AtLeast(2_000.0),
            n: best.documents,
            how: "status documents of 2,000 speakers through the embedded broker, each acknowledged, until the last of each \
                  is in SQLite; broker, office and the speakers share this machine"
                .into(),
        },
        Figure {
            name: "status_cpu_pct",
            value: best.cpu_percent,
            unit: "%",
            goal: Goal::Told,
            n: best.documents,
            how: "user and system time of the controller, broker included, of one core, at status_rate".into(),
        },
        Figure {
            name: "status_disk_kb",
            value: best.disk_kb,
            unit: "kB",
            goal: Goal::Told,
            n: best.documents,
            how: "written to storage by the controller for each status document at status_rate".into(),
        },
    ]
}

/// Two poles, and what the first had before its board was replaced.
fn known(village: &Village) -> Known {
    let revoked = enrol_all(village, 1).remove(0);
    let first = enrolled(&village.office, revoked.speaker().as_str());
    let second = enrol_all(village, 1).remove(0);
    Known {
        first,
        second,
        revoked,
    }
}

/// On the embedded broker, and on Mosquitto as the office exports it.
fn strangers() -> Vec<Figure> {
    const TRIES: usize = 500;
    const TOPICS: usize = 250;
    let (mut came_in, mut opened) = (0, 0);
    for broker in [Broker::Embedded, Broker::Mosquitto] {
        let village = Village::of_office(broker, 0);
        let known = known(&village);
        let port = village.office.broker_port;
        if let Some(mosquitto) = &village.mosquitto {
            mosquitto.read_revocations(&village.office, &known);
        }
        let found = let_in(&village.office, port, &known, TRIES);
        let topics = foreign_topics(port, &known, TOPICS);
        println!("  {broker:?}: let in {found:?}; opened {topics:?}");
        came_in += found.len();
        opened += topics.len();
    }
    vec![
        Figure {
            name: "strangers_in",
            value: came_in as f64,
            unit: "of 1,000",
            goal: Goal::AtMost(0.0),
            n: 2 * TRIES,
            how: "tries to come in to the embedded broker and to Mosquitto, half each: no certificate, another authority's, an \
                  expired one, a revoked one, and a good one under another pole's name, in turn"
                .into(),
        },
        Figure {
            name: "foreign_topics",
            value: opened as f64,
            unit: "of 500",
            goal: Goal::AtMost(0.0),
            n: 2 * TOPICS,
            how: "topics of other poles and of the office that one pole's key wrote to (the broker took it) or was given \
                  something from, on the embedded broker and on Mosquitto, half each"
                .into(),
        },
    ]
}

fn cutoff() -> Vec<Figure> {
    let village = Village::of_office(Broker::Embedded, 0);
    let identities = enrol_all(&village, 20);
    let seconds = cut_off(&village, &identities);
    println!("{}", summary("cut off", "s", &seconds));
    vec![Figure {
        name: "revoked_cutoff_s",
        value: largest(&seconds),
        unit: "s",
        goal: Goal::AtMost(60.0),
        n: seconds.len(),
        how: "slowest from the API's answer to `retire` until the pole's line was cut; each was then refused".into(),
    }]
}

fn tls() -> Vec<Figure> {
    const POLES: usize = 2_000;
    let clear = cost_in_clear(&Village::in_clear(0), POLES);
    let village = Village::of_office(Broker::Embedded, 0);
    let identities = enrol_all(&village, POLES);
    let tls = cost_of_tls(&village, &identities);
    println!("  in clear: {clear:?}; over TLS: {tls:?}");
    let figure = |name, value, unit, how: &str| Figure {
        name,
        value,
        unit,
        goal: Goal::Told,
        n: POLES,
        how: how.into(),
    };
    vec![
        figure(
            "tls_memory_kb",
            tls.memory_kb,
            "kB",
            "growth of the controller's resident memory for each of 2,000 connected, silent poles with certificates",
        ),
        figure(
            "tls_memory_ratio",
            tls.memory_kb / clear.memory_kb,
            "",
            "tls_memory_kb over the same in clear",
        ),
        figure(
            "tls_cpu_ms",
            tls.cpu_ms,
            "ms",
            "user and system time of the controller for each pole that comes in over TLS",
        ),
        figure(
            "tls_cpu_ratio",
            tls.cpu_ms / clear.cpu_ms,
            "",
            "tls_cpu_ms over the same in clear",
        ),
    ]
}

fn reconnect() -> Vec<Figure> {
    const POLES: usize = 2_000;
    const JITTER_S: u16 = 30;
    let mut village = Village::of_office(Broker::Embedded, JITTER_S);
    let identities = enrol_all(&village, POLES);
    let came = come_back(&mut village, &identities, JITTER_S);
    println!(
        "{}",
        summary("back after the restart", "s", &came.after_restart_s)
    );
    println!(
        "{}",
        summary("beyond the own jitter", "s", &came.straggled_s)
    );
    vec![
        Figure {
            name: "reconnect_2000_s",
            value: largest(&came.straggled_s),
            unit: "s",
            goal: Goal::AtMost(15.0),
            n: POLES,
            how: "slowest of 2,000 poles with certificates after the office with its broker was killed and started again, by the \
                  agent's own waiting rule with a jitter of 30 s: from its first try that the broker could answer until it was in"
                .into(),
        },
        Figure {
            name: "reconnect_2000_all_s",
            value: largest(&came.after_restart_s),
            unit: "s",
            goal: Goal::Told,
            n: POLES,
            how: "the same from when the broker listened again, the waiting of the jitter (and of tries that came too early) included"
                .into(),
        },
    ]
}

/// An hour of live, simulated, in every corner of what the clocks may do.
fn live_drift() -> Vec<Figure> {
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
