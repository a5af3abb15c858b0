use loa_station::{Reach, testing::OwnStation};

use super::*;
use crate::clock;

fn begun(url: &str) -> Result<Fetched, String> {
    let web = Web::new(Reach::Everywhere, "test").expect("the web");
    Fetched::begin(&web, url)
}

/// As it is when its start has come.
fn gathered(url: &str) -> Result<Fetched, String> {
    let mut fetched = begun(url)?;
    fetched.gather(clock::mono_us() + 30_000_000, clock::mono_us)?;
    Ok(fetched)
}

/// So many seconds of it, and how it ended.
fn heard(
    fetched: Result<Fetched, String>,
    seconds: usize,
    meanwhile: impl Fn(usize),
) -> (Vec<f32>, Result<(), String>) {
    let mut all = Vec::new();
    let give = |frames: &[f32]| {
        all.extend_from_slice(frames);
        meanwhile(all.len() / RATE as usize);
        all.len() < seconds * RATE as usize
    };
    let end = fetched.and_then(|fetched| fetched.sound(give));
    (all, end)
}

fn loud(frames: &[f32]) -> usize {
    frames
        .chunks(STEP)
        .filter(|step| step.iter().any(|f| f.abs() > 0.02))
        .count()
}

#[test]
fn a_station_is_heard_for_as_long_as_it_is_asked_for() {
    let own = OwnStation::start().expect("a station");
    // No faster than it would sound: who takes more than has come finds silence there.
    let as_it_sounds = |_: usize| clock::sleep_until_mono_us(clock::mono_us() + 20_000);
    let hear = |path: &str| {
        let (all, end) = heard(gathered(&own.url(path)), 3, as_it_sounds);
        assert_eq!(end, Ok(()), "{path}");
        let is_silence = |step: &&[f32]| step.iter().all(|f| *f == 0.0);
        let silent = all.chunks(STEP).filter(is_silence).count();
        assert!(silent < 10, "{path}: {silent} of 150 are silence");
        // The tone swells: of each second, about a quarter is not loud.
        assert!(loud(&all) > 90, "{path}: {} of 150", loud(&all));
    };
    std::thread::scope(|scope| {
        for path in ["/mp3", "/aac", "/ogg", "/ts.m3u8"] {
            scope.spawn(move || hear(path));
        }
    });
}

#[test]
fn a_station_that_is_no_good_fails_after_two_seconds() {
    let own = OwnStation::start().expect("a station");
    for path in ["/404", "/page", "/fmp4.m3u8"] {
        let (all, end) = heard(begun(&own.url(path)), 60, |_| {});
        assert!(end.is_err(), "{path}");
        let seconds = all.len() as f32 / RATE as f32;
        assert!((1.9..2.1).contains(&seconds), "{path}: {seconds}");
        assert_eq!(loud(&all), 0, "{path}");
    }
    let (all, end) = heard(begun("ftp://nowhere/"), 60, |_| {});
    assert!(all.is_empty() && end.is_err());
}

#[test]
fn a_station_that_breaks_off_is_silent_and_then_fails() {
    let own = OwnStation::start().expect("a station");
    let gathered = gathered(&own.url("/mp3"));
    let (all, end) = heard(gathered, 60, |second| own.goes_away(second >= 1));
    assert!(end.is_err_and(|why| why.contains("station")));
    let sounded = loud(&all);
    assert!(sounded > 45, "{sounded}");
    assert!(all.len() < 12 * RATE as usize);
    let last = &all[all.len() - 90 * STEP..];
    assert_eq!(loud(last), 0);
}

#[test]
fn what_failed_before_its_start_is_told_before_its_start() {
    let own = OwnStation::start().expect("a station");
    assert!(gathered(&own.url("/mp3")).is_ok_and(|fetched| fetched.ear.has_enough()));
    assert!(gathered(&own.url("/404")).is_err());
}
