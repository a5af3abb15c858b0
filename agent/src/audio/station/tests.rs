use loa_station::{Reach, testing::OwnStation};

use super::*;

/// So many seconds of it, and how it ended.
fn heard(url: &str, seconds: usize, meanwhile: impl Fn(usize)) -> (Vec<f32>, Result<(), String>) {
    let web = Web::new(Reach::Everywhere, "test").expect("the web");
    let mut all = Vec::new();
    let end = sound(
        &web,
        url,
        0,
        || 0,
        |frames| {
            all.extend_from_slice(frames);
            meanwhile(all.len() / RATE as usize);
            all.len() < seconds * RATE as usize
        },
    );
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
    for path in ["/mp3", "/aac", "/ogg", "/ts.m3u8"] {
        let (all, end) = heard(&own.url(path), 3, |_| {});
        assert_eq!(end, Ok(()), "{path}");
        // It gathers for a moment first.
        assert!(loud(&all) > 90, "{path}: {} of 150", loud(&all));
    }
}

#[test]
fn a_station_that_is_no_good_fails_after_two_seconds() {
    let own = OwnStation::start().expect("a station");
    for path in ["/404", "/page", "/fmp4.m3u8"] {
        let (all, end) = heard(&own.url(path), 60, |_| {});
        assert!(end.is_err(), "{path}");
        let seconds = all.len() as f32 / RATE as f32;
        assert!((1.9..2.1).contains(&seconds), "{path}: {seconds}");
        assert_eq!(loud(&all), 0, "{path}");
    }
    let (all, end) = heard("ftp://nowhere/", 60, |_| {});
    assert!(all.is_empty() && end.is_err());
}

#[test]
fn a_station_that_breaks_off_is_silent_and_then_fails() {
    let own = OwnStation::start().expect("a station");
    let (all, end) = heard(&own.url("/mp3"), 60, |second| own.goes_away(second >= 1));
    assert!(end.is_err_and(|why| why.contains("station")));
    let sounded = loud(&all);
    assert!(sounded > 45, "{sounded}");
    assert!(all.len() < 12 * RATE as usize);
    let last = &all[all.len() - 90 * STEP..];
    assert_eq!(loud(last), 0);
}
