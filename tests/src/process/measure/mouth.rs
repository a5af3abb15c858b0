//! From the mouth to the horn: how old each bit of speech is when a pole sounds it, found in recordings of both ends.

use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{
    browser,
    clock::wait_until,
    commune::{HEAD, PASSWORD},
    line::{Line, Weather},
    pulse::Monitor,
    recording::{RATE, us_of_frames},
    sound::{self, rms},
    village::Village,
};

/// What is looked for: so much of what was said, once every so often.
const WINDOW_US: i64 = 800_000;
const EVERY_US: i64 = 500_000;
/// It is looked for until then.
const MOST_US: i64 = 3_000_000;
/// Less alike than this, and it is not the same sound: it went through a microphone's own processing and an encoder.
const ALIKE: f64 = 0.45;
/// Softer than this is a pause in which nothing can be found.
const AUDIBLE: f32 = 0.01;
/// The first and the last of a call are left out: the chime's end, and the finger that leaves the button.
const EDGE_US: i64 = 700_000;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// Of each window that was found, in milliseconds.
    pub delays_ms: Vec<f64>,
    /// How alike they were.
    pub alike: Vec<f64>,
    /// Windows that were looked for.
    pub windows: usize,
}

impl Way {
    pub fn extend(&mut self, other: Self) {
        self.delays_ms.extend(other.delays_ms);
        self.alike.extend(other.alike);
        self.windows += other.windows;
    }

    /// Of all windows, those that were found.
    pub fn found(&self) -> f64 {
        self.delays_ms.len() as f64 / self.windows.max(1) as f64
    }
}

/// What was said from `said_us` on, looked for in what was sounded, each frame of it at its time; both by true clocks.
pub fn way_of(said: &[f32], said_us: i64, heard: &[f32], time_of: impl Fn(usize) -> i64) -> Way {
    let heard_us = time_of(0);
    let mut way = Way::default();
    let (window, every) = (frames_of(WINDOW_US), frames_of(EVERY_US));
    for (n, part) in said.windows(window).step_by(every).enumerate() {
        if rms(part) <= AUDIBLE {
            continue;
        }
        way.windows += 1;
        let at_us = said_us + us_of_frames(n * every);
        let half = MOST_US / 2;
        let expected = frames_of((at_us + half - heard_us).max(0));
        let (frame, alike) =
            sound::find_streamed(part, heard, expected, frames_of(half) + RATE / 10);
        if let (Ok(frame), true) = (usize::try_from(frame), alike >= ALIKE) {
            let delay_us = time_of(frame) - at_us;
            way.delays_ms.push(delay_us as f64 / 1_000.0);
            way.alike.push(alike);
        }
    }
    way
}

/// What the mouth said from `from_us` to `to_us`, looked for at the horn. Piece by piece: a sink's clock is not a true one.
#[track_caller]
pub fn way(mouth: &Monitor, horn: &Monitor, from_us: i64, to_us: i64) -> Way {
    let mut way = Way::default();
    let mut at_us = from_us;
    while at_us + WINDOW_US <= to_us {
        let said = mouth.between(at_us, at_us + WINDOW_US);
        let heard = horn.between(at_us, at_us + WINDOW_US + MOST_US);
        at_us += EVERY_US;
        if rms(&said.frames) <= AUDIBLE {
            continue;
        }
        way.windows += 1;
        let spare = heard.frames.len().saturating_sub(said.frames.len());
        let slack = spare / 2 + RATE / 10;
        let (frame, alike) = sound::find_streamed(&said.frames, &heard.frames, spare / 2, slack);
        if let (Ok(frame), true) = (usize::try_from(frame), alike >= ALIKE) {
            let delay_us = horn.time_of(&heard, frame) - mouth.time_of(&said, 0);
            way.delays_ms.push(delay_us as f64 / 1_000.0);
            way.alike.push(alike);
        }
    }
    way
}

fn frames_of(us: i64) -> usize {
    usize::try_from(us).unwrap_or(0) * RATE / 1_000_000
}

/// What came of calls from the phone app.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    pub way: Way,
    /// The fixed delay of each, in milliseconds.
    pub fixed_ms: Vec<f64>,
    /// What each pole told of each.
    pub told: Vec<Value>,
}

/// The hamlet head speaks live from the app in a real browser, so many times for so many seconds, to two poles. The phone's
/// line and those of the poles are in this weather.
#[track_caller]
pub fn calls(weather: Weather, calls: u32, seconds: u32) -> Calls {
    let village = Village::on_air(2, weather);
    let office = &village.office;
    office.api.post(
        "/users",
        &json!({"username": HEAD, "name": "Hoàng Văn Páo", "role": "hamlet_head", "area": village.area(), "password": PASSWORD}),
    );
    let line = Line::through(weather, office.http_port());
    let pulse = village.pulse.as_ref().expect("poles with sinks");
    // Longer than all of it.
    let voice = sound::voice_file(village.folder(), 120 + calls * (seconds + 20));
    let speaking = pulse.say(&voice);
    let answer = browser::run(
        &village,
        "mouth",
        &json!({"url": format!("http://localhost:{}", line.port), "head": HEAD, "calls": calls, "seconds": seconds}),
    );
    let mut all = Calls::default();
    for id in answer["calls"].as_array().into_iter().flatten() {
        let path = format!("/calls/{}", id.as_str().expect("a call's id"));
        let call = wait_until("the call is over", Duration::from_secs(10), || {
            let call = office.api.get(&path);
            (call["state"] == "ended" && call["ended"].is_string()).then_some(call)
        });
        let time = |key: &str| -> i64 {
            let at: jiff::Timestamp = call[key]
                .as_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or_else(|| panic!("no {key} in {call}"));
            at.as_microsecond()
        };
        let (from_us, to_us) = (time("speak_at") + EDGE_US, time("ended") - EDGE_US);
        for pole in 0..village.poles.len() {
            let horn = pulse.monitor(pole);
            all.way.extend(way(pulse.mouth(), horn, from_us, to_us));
        }
        all.fixed_ms
            .push(call["delay_ms"].as_f64().expect("a delay"));
        let poles = call["poles"].as_array().into_iter().flatten();
        all.told.extend(poles.map(|pole| pole["streamed"].clone()));
    }
    drop(speaking);
    all
}
