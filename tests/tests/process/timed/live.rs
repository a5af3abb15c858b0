//! Somebody speaks, and the poles speak with him: in step, no longer than he does, over what is less important, and later where
//! the line was cut.

use std::time::Duration;

use loa_tests::process::{
    Broker, Output, Village,
    clock::{now_us, wait_for, wait_for_time, wait_until},
    figures::{largest, percentile, smallest},
    line::Line,
    measure::mouth::{Way, way_of},
    phone::{Call, Phone},
    pole::Pole,
    recording::{RATE, Recording, us_of_frames},
    sound::{decoded, find, find_streamed, speech_like},
    station::Station,
    village::civil_time_in,
};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);
/// Frames and words are on their way, the machine is busy, and the recorder has a delay of its own.
const MOMENTS_US: i64 = 700_000;
/// No pole sounds longer without packets.
const STARVED_US: i64 = 2_000_000;

fn seen(village: &Village, call: &Call) -> Value {
    village.office.api.get(&format!("/calls/{}", call.id))
}

fn ended(village: &Village, call: &Call) -> Value {
    wait_until("the call is over", Duration::from_secs(15), || {
        let view = seen(village, call);
        (view["state"] == "ended" && view["ended"].is_string()).then_some(view)
    })
}

/// Where the poles sound what is said at this time.
fn at_the_horn_us(call: &Call, captured_us: i64) -> i64 {
    captured_us + call.delay_ms * 1_000
}

/// What was said, looked for in the files of a pole, each with its exact start.
fn heard_in_files(pole: &Pole, call: &Call, said: &[f32], said_us: i64) -> Way {
    let mut way = Way::default();
    for recording in pole.recordings_of(&call.id) {
        let frames = recording.frames();
        way.extend(way_of(said, said_us, &frames, |frame| {
            recording.time_of(frame)
        }));
    }
    way
}

/// When the pole last sounded anything of the call.
fn silent_from_us(pole: &Pole, call: &Call) -> i64 {
    let all = pole.recordings_of(&call.id);
    all.iter()
        .map(|recording| recording.silent_from_us())
        .max()
        .unwrap_or_else(|| panic!("{} sounded nothing of the call", pole.id))
}

#[test]
fn who_speaks_over_the_news_is_heard_in_step_until_he_lets_go_and_then_the_news_goes_on() {
    let village = Village::unhurried(2, Output::Pulse);
    let news = village.material(25.0, 1);
    let (bulletin, _) = village.say(&news, &json!({"title": "Thời sự"}));
    for pole in &village.poles {
        wait_for("the news sounds", Duration::from_secs(20), || {
            pole.status().is_some_and(|s| s.status.sounding.is_some())
        });
    }
    let phone = Phone::at(village.office.http_port());
    let call = phone.call(&json!({"targets": [village.channel]}));
    let words = speech_like(15.0, 2);
    let talking = phone.talk(&call, words.clone());
    wait_for_time(talking.first_us() + 4_500_000);
    let released_us = now_us();
    let talked = talking.release();
    assert_eq!(talked.ended.unwrap()["reason"], "released");
    assert!(talked.frames >= 200, "{} frames", talked.frames);
    // On a busy machine the phone may hear of it a little later.
    let said_to_us = talked.first_us + us_of_frames(talked.frames * RATE / 50);
    let released_us = released_us.max(said_to_us);
    let over_us = at_the_horn_us(&call, released_us);

    let pulse = village.pulse.as_ref().unwrap();
    let mut middles = Vec::new();
    for index in 0..2 {
        let monitor = pulse.monitor(index);
        let heard = monitor.between(call.starts_us, over_us + 4_000_000);
        // The chime is heard before.
        let chime = &heard.frames[..RATE / 2];
        assert!(chime.iter().any(|f| f.abs() > 0.01), "no chime");
        let said = &words[..4 * RATE];
        let way = way_of(said, talked.first_us, &heard.frames, |frame| {
            monitor.time_of(&heard, frame)
        });
        println!("pole {index}: {way:?}, fixed {} ms", call.delay_ms);
        assert!(way.found() >= 0.8, "pole {index}: {way:?}");
        middles.push(percentile(&way.delays_ms, 50.0));
        // He is heard no longer than he speaks.
        let at = |us: i64| usize::try_from(us - heard.start_us).unwrap() * RATE / 1_000_000;
        let rest = &words[at(released_us + heard.start_us - talked.first_us)..][..RATE];
        let (_, alike) = find(rest, &heard.frames[at(over_us)..], RATE / 2, 2 * RATE);
        assert!(alike < 0.4, "what was said after the release sounds");
        // And the news goes on.
        let (_, alike) = goes_on(&news.frames, &heard.frames[at(over_us + MOMENTS_US)..]);
        assert!(alike > 0.6, "the news does not go on ({alike:.2})");
    }
    // The recorder's own delay is in both, and each end is placed to some milliseconds.
    let late_ms = smallest(&middles) - call.delay_ms as f64;
    assert!((-20.0..250.0).contains(&late_ms), "{middles:?}");
    assert!(
        largest(&middles) - smallest(&middles) <= 60.0,
        "{middles:?}"
    );
    ended(&village, &call);
    wait_for(
        "the office knows that both heard it live",
        Duration::from_secs(20),
        || {
            let view = seen(&village, &call);
            (0..2_usize).all(|pole| view["poles"][pole]["heard"] == "live")
        },
    );
    village.cancel(&bulletin);
}

/// A second of what sounds, looked for in the whole news.
fn goes_on(news: &[f32], heard: &[f32]) -> (isize, f64) {
    let second = &heard[RATE..2 * RATE];
    find(second, news, news.len() / 2, news.len() / 2)
}

#[test]
fn a_lost_phone_falls_silent_and_the_pole_whose_line_was_cut_says_it_later() {
    let village = Village::unhurried(2, Output::Wav);
    let to_the_phone = Line::to(village.office.http_port());
    let phone = Phone::at(to_the_phone.port);
    let call = phone.call(&json!({"targets": [village.channel], "chime": "none"}));
    let words = speech_like(20.0, 3);
    let talking = phone.talk(&call, words.clone());
    let first_us = talking.first_us();
    wait_for_time(first_us + 1_500_000);
    let cut_us = now_us();
    village.lines[1].hang_up();
    wait_for_time(cut_us + 2_500_000);
    let lost_us = now_us();
    to_the_phone.cut();
    let view = ended(&village, &call);
    assert_eq!(view["reason"], "lost", "{view}");
    wait_for_time(at_the_horn_us(&call, lost_us) + STARVED_US);

    let [whole, weak] = &village.poles[..] else {
        panic!("two poles")
    };
    let said = &words[..frames_in(lost_us - first_us - 500_000)];
    let live = heard_in_files(whole, &call, said, first_us);
    assert!(live.found() >= 0.8, "{live:?}");
    for delay_ms in &live.delays_ms {
        assert!(
            (delay_ms - call.delay_ms as f64).abs() <= 40.0,
            "{live:?}, fixed {} ms",
            call.delay_ms
        );
    }
    for (pole, from_us) in [(whole, lost_us), (weak, cut_us)] {
        let late_us = silent_from_us(pole, &call) - at_the_horn_us(&call, from_us);
        assert!(
            late_us <= STARVED_US + MOMENTS_US,
            "{} sounds {} ms after the last packet",
            pole.id,
            late_us / 1_000
        );
    }

    village.lines[1].mend();
    let replay = wait_until("a recording to be said later", MINUTE, || {
        seen(&village, &call)["replay"].as_str().map(str::to_owned)
    });
    let later = wait_until("the weak pole says it later", MINUTE, || {
        weak.finished(&replay).into_iter().next()
    });
    // Where it was said: behind the sentence that says how old it is.
    let sounded = later.frames();
    let part = &words[RATE..2 * RATE];
    let (_, alike) = find(part, &sounded, sounded.len() / 2, sounded.len() / 2);
    assert!(alike > 0.8, "the recording is what was said ({alike:.2})");
    assert!(
        whole.recordings_of(&replay).is_empty(),
        "who heard it live hears it twice"
    );
    let view = wait_until("the office knows who heard it how", MINUTE, || {
        let view = seen(&village, &call);
        let all = view["poles"].as_array()?;
        let heard = |pole: &Pole| {
            let one = all.iter().find(|one| one["speaker"] == pole.id.as_str())?;
            one["heard"].as_str()
        };
        (heard(whole) == Some("live") && heard(weak) == Some("later")).then(|| view.clone())
    });
    println!("{view}");
    drop(talking);
}

fn frames_in(us: i64) -> usize {
    usize::try_from(us).expect("not before") * RATE / 1_000_000
}

#[test]
fn an_office_killed_in_the_middle_of_a_call_leaves_silence_and_what_was_said() {
    let mut village = Village::unhurried(1, Output::Wav);
    let phone = Phone::at(village.office.http_port());
    let call = phone.call(&json!({"targets": [village.channel], "chime": "none"}));
    let words = speech_like(10.0, 4);
    let talking = phone.talk(&call, words.clone());
    wait_for_time(talking.first_us() + 5_000_000);
    let killed_us = now_us();
    village.office.kill();
    let talked = talking.until_over();
    assert!(talked.ended.is_none(), "nobody was there to say so");
    wait_for_time(at_the_horn_us(&call, killed_us) + STARVED_US + MOMENTS_US);
    let late_us = silent_from_us(&village.poles[0], &call) - at_the_horn_us(&call, killed_us);
    assert!(late_us <= STARVED_US, "{} ms too long", late_us / 1_000);

    village.office.restart();
    let audio = wait_until("what was said is kept", MINUTE, || {
        seen(&village, &call)["audio"].as_str().map(str::to_owned)
    });
    let answer = village
        .office
        .api
        .call("GET", &format!("/audio/{audio}/content"), None);
    assert_eq!(answer.status, 200);
    let kept = village.folder().join("kept.opus");
    std::fs::write(&kept, &answer.body).unwrap();
    let kept = decoded(&kept);
    // It is written down second by second.
    let kept_us = us_of_frames(kept.len());
    assert!(kept_us >= 2_500_000, "{} ms are kept", kept_us / 1_000);
    let part = &words[RATE..2 * RATE];
    let (_, alike) = find(part, &kept, kept.len() / 2, kept.len());
    assert!(alike > 0.8, "what is kept is what was said ({alike:.2})");
}

/// A relay, and it is heard soon.
fn begins_on_time(begun: &Recording, begins_us: i64) {
    println!("{:?}", begun.note);
    assert!(
        (0.0..=100.0).contains(&begun.note.error_ms()),
        "{:?}",
        begun.note
    );
    let audible_ms = (begun.audible_from_us() - begins_us) / 1_000;
    assert!(audible_ms <= 1_500, "heard after {audible_ms} ms");
}

#[test]
fn a_relay_begins_on_time_and_ends_hard_with_its_window() {
    const WINDOW_S: i64 = 10;
    let mut village = Village::start(1, Output::Wav, Broker::Embedded);
    village.takes_stations_of_this_machine();
    let programme = speech_like(60.0, 5);
    let station = Station::start(village.folder(), &programme);
    let (at, begins_us) = civil_time_in(12);
    let made = village.office.api.post(
        "/bulletins",
        &json!({
            "title": "Tiếp âm", "targets": [village.channel_of(0)], "when": {"at": at}, "chime": "none", "volume": 100,
            "relay": {"url": station.url(), "duration_s": WINDOW_S},
        }),
    );
    let relay = made["id"].as_str().expect("its id").to_owned();
    wait_for_time(begins_us + (WINDOW_S + 2) * 1_000_000);

    let begun = village.poles[0].recordings_of(&relay).remove(0);
    begins_on_time(&begun, begins_us);
    let heard = begun.frames();
    let expected = station.place(begun.time_of(2 * RATE));
    let (place, alike) = find_streamed(&heard[2 * RATE..3 * RATE], &programme, expected, 6 * RATE);
    println!("{} ms behind the station", (expected as isize - place) / 48);
    assert!(alike > 0.6, "the station is heard ({alike:.2})");

    let over_ms = (begun.silent_from_us() - begins_us) / 1_000 - WINDOW_S * 1_000;
    assert!(
        (-500..=50).contains(&over_ms),
        "it ends {over_ms} ms after its window"
    );
}

#[test]
fn a_pole_with_a_line_of_its_own_fetches_the_relay_and_goes_on_when_the_office_dies() {
    const WINDOW_S: i64 = 14;
    let mut village = Village::start(2, Output::Wav, Broker::Embedded);
    village.takes_stations_of_this_machine();
    // The second goes to no station in a private network: it has what the office sends.
    for (index, config) in ["fetch = true\nprivate = true\n", "fetch = true\n"]
        .iter()
        .enumerate()
    {
        village.poles[index].kill();
        village.poles[index].configure(&format!("[relay]\n{config}"));
        village.switch_on(index);
    }
    let programme = speech_like(60.0, 6);
    let station = Station::start(village.folder(), &programme);
    let (at, begins_us) = civil_time_in(12);
    let made = village.office.api.post(
        "/bulletins",
        &json!({
            "title": "Tiếp âm", "targets": [village.channel], "when": {"at": at}, "chime": "none", "volume": 100,
            "relay": {"url": station.url(), "duration_s": WINDOW_S, "by_poles": true},
        }),
    );
    let relay = made["id"].as_str().expect("its id").to_owned();
    wait_for_time(begins_us + 6_000_000);
    let killed_us = now_us();
    village.office.kill();
    let ends_us = begins_us + WINDOW_S * 1_000_000;
    wait_for_time(ends_us + 2_000_000);

    let [own, by_packets] = &village.poles[..] else {
        panic!("two poles")
    };
    assert_eq!(station.listeners("loa-agent"), 1, "of the poles");
    assert_eq!(station.listeners("loa-controller"), 1, "and the office");
    let begun = own.recordings_of(&relay).remove(0);
    begins_on_time(&begun, begins_us);
    let heard = begun.frames();
    // Before the office died, and long after.
    for second in [3, 12] {
        let said = &heard[second * RATE..(second + 1) * RATE];
        let place = station.place(begun.note.start_us + second as i64 * 1_000_000);
        let (found, alike) = find(said, &programme, place, 6 * RATE);
        println!(
            "second {second}: {} ms behind",
            (place as isize - found) / 48
        );
        assert!(
            alike > 0.6,
            "the station is heard in second {second} ({alike:.2})"
        );
    }
    let over_ms = (begun.silent_from_us() - ends_us) / 1_000;
    assert!(
        (-500..=50).contains(&over_ms),
        "it ends {over_ms} ms after its window"
    );

    let pieces = by_packets.recordings_of(&relay);
    let silent_us = pieces
        .iter()
        .map(Recording::silent_from_us)
        .max()
        .expect("it sounded");
    let late_us = silent_us - killed_us;
    println!("packets end {} ms after the office", late_us / 1_000);
    assert!(late_us <= STARVED_US + MOMENTS_US, "{} ms", late_us / 1_000);
    let second = &pieces.last().expect("it sounded").frames()[2 * RATE..3 * RATE];
    let half = programme.len() / 2;
    let (_, alike) = find_streamed(second, &programme, half, half);
    assert!(alike > 0.6, "the station is heard by packets ({alike:.2})");

    village.office.restart();
    let rows = village.wait_for_outcomes(&relay, 2, MINUTE);
    let of = |pole: &Pole| {
        let row = rows.iter().find(|row| row.speaker == pole.id);
        row.and_then(|row| row.outcome.clone())
    };
    assert_eq!(of(own).as_deref(), Some("completed"), "{rows:?}");
    assert_eq!(of(by_packets).as_deref(), Some("interrupted"), "{rows:?}");
}
