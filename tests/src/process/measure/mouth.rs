//! From the mouth to the horn: how old each bit of speech is when a pole sounds it, found in recordings of both ends.

use crate::process::{
    pulse::{Monitor, Stretch},
    recording::RATE,
    sound::{self, rms},
};

/// What is looked for: so much of what was said, once every so often.
const WINDOW_US: i64 = 800_000;
const EVERY_US: i64 = 500_000;
/// It is looked for until then.
const MOST_US: i64 = 4_000_000;
/// Less alike than this, and it is not the same sound: it went through a microphone's own processing and an encoder.
const ALIKE: f64 = 0.4;
/// Softer than this is a pause in which nothing can be found.
const AUDIBLE: f32 = 0.01;

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

/// What the mouth said from `from_us` to `to_us`, looked for at the horn.
#[track_caller]
pub fn way(mouth: &Monitor, horn: &Monitor, from_us: i64, to_us: i64) -> Way {
    let mut way = Way::default();
    let mut at_us = from_us;
    while at_us + WINDOW_US <= to_us {
        let said = mouth.between(at_us, at_us + WINDOW_US);
        if rms(&said.frames) > AUDIBLE {
            let heard = horn.between(at_us, at_us + MOST_US);
            way.windows += 1;
            if let Some((frame, alike)) = place(&said, &heard) {
                let delay_us = horn.time_of(&heard, frame) - mouth.time_of(&said, 0);
                way.delays_ms.push(delay_us as f64 / 1_000.0);
                way.alike.push(alike);
            }
        }
        at_us += EVERY_US;
    }
    way
}

/// The frame at which what was said begins in what was heard.
fn place(said: &Stretch, heard: &Stretch) -> Option<(usize, f64)> {
    let spare = heard.frames.len().saturating_sub(said.frames.len());
    let (frame, alike) = sound::find(
        &said.frames,
        &heard.frames,
        spare / 2,
        spare / 2 + RATE / 10,
    );
    let frame = usize::try_from(frame).ok()?;
    (alike >= ALIKE).then_some((frame, alike))
}
