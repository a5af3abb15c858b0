//! An hour of live while the clocks of phone, pole and sound card go their own ways: does the delay grow? Only the steering
//! is run (`loa_audio::live::{Track, Pace}`), so that an hour takes a blink.

use loa_audio::live::{Pace, Steer, Track};

use crate::process::chance::Chance;

const DELAY_MS: f64 = 300.0;
const RATE: f64 = 48_000.0;
const FRAME_S: f64 = 0.02;
/// 10 ms.
const BLOCK: usize = 480;
/// A stamp of the phone, and the sound card's word about its delay, are off by up to this.
const STAMP_S: f64 = 0.003;
const CARD_S: f64 = 0.002;

/// How far each clock runs off, in ppm. The office's is right: delay is reckoned by it.
#[derive(Clone, Copy, Debug)]
pub struct Drift {
    pub phone: f64,
    pub pole: f64,
    pub card: f64,
}

/// All corners of ± `ppm`.
pub fn corners(ppm: f64) -> impl Iterator<Item = Drift> {
    (0..8).map(move |corner| {
        let sign = |bit: u32| if corner >> bit & 1 == 0 { ppm } else { -ppm };
        Drift {
            phone: sign(0),
            pole: sign(1),
            card: sign(2),
        }
    })
}

/// What became of the delay, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Grown {
    /// Middle of the last minute, less the middle of the first.
    pub growth_ms: f64,
    /// Most that it was ever off.
    pub most_ms: f64,
}

/// Runs a call of so many seconds.
///
/// # Panics
/// When the place has to be left for another: nothing that these clocks do asks for that.
pub fn run(drift: Drift, seconds: u32, seed: u64) -> Grown {
    let mut chance = Chance::new(seed);
    let mut off = |most_s: f64| most_s * f64::from(chance.sample());
    let pole_us = |true_s: f64| (1e9 + true_s * 1e6 * (1.0 + drift.pole * 1e-6)) as u64;
    let (mut track, mut pace) = (Track::default(), Pace::default());
    let (mut number, mut place) = (0_u32, None::<f64>);
    let mut true_s = 0.0;
    let mut delays_ms = Vec::new();
    for block in 0..seconds * 100 {
        // A packet of two frames is there 100 ms after its capture.
        loop {
            let captured_s = f64::from(number) * FRAME_S / (1.0 + drift.phone * 1e-6);
            if captured_s > true_s - 0.1 {
                break;
            }
            track.observe(number, pole_us(captured_s + off(STAMP_S)));
            number += 2;
        }
        let heard_us = pole_us(true_s + off(CARD_S));
        let captured_us = heard_us.cast_signed() - (DELAY_MS * 1_000.0) as i64;
        if let Some(wanted) = track.place(captured_us) {
            let at = *place.get_or_insert(wanted);
            let captured_s = at / RATE / (1.0 + drift.phone * 1e-6);
            delays_ms.push((true_s - captured_s) * 1_000.0);
            let Steer::Rate(rate) = pace.steer(at - wanted, BLOCK) else {
                panic!("{drift:?}: off by {} samples at block {block}", at - wanted);
            };
            place = Some(at + rate * BLOCK as f64);
        }
        true_s += BLOCK as f64 / RATE / (1.0 + drift.card * 1e-6);
    }
    let minute = 6_000.min(delays_ms.len() / 2);
    let (first, last) = (&delays_ms[..minute], &delays_ms[delays_ms.len() - minute..]);
    Grown {
        growth_ms: middle(last) - middle(first),
        most_ms: delays_ms
            .iter()
            .map(|delay| (delay - DELAY_MS).abs())
            .fold(0.0, f64::max),
    }
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_an_hour_of_live_the_delay_grows_by_nothing_whatever_the_clocks_do() {
        for drift in corners(100.0) {
            let grown = run(drift, 3_600, 1);
            assert!(
                grown.growth_ms.abs() < 5.0 && grown.most_ms < 20.0,
                "{drift:?}: {grown:?}"
            );
        }
    }
}
