//! Sentences about relays: another station's programme in its window.

use loa_protocol::{
    bulletin::{Bulletin, Repeat, Source},
    playout::{Failure, Interruption, Miss, Outcome},
};

use super::{live_office::*, pole::*};
use crate::logic::port::{How, Input, PlaySource, PlayerCommand, PlayerEvent};

fn sources(pole: &Pole) -> Vec<&'static str> {
    let plays = pole.commands.iter().filter_map(|command| match command {
        PlayerCommand::Play(play) => Some(match play.source {
            PlaySource::Content(_) => "content",
            PlaySource::Stream { .. } => "packets",
            PlaySource::Station { .. } => "station",
        }),
        _ => None,
    });
    plays.collect()
}
fn with_station(relay: Bulletin) -> Bulletin {
    let mut relay = relay;
    if let Source::Stream(stream) = &mut relay.source {
        stream.url = Some("https://vov.example/1.mp3".into());
    }
    relay
}
fn fetching(relay: Bulletin) -> Pole {
    let mut pole = Pole::listening(&[]);
    pole.agent.identity.fetches_relays = true;
    pole.hears_programme(&programme(area(), 1, vec![with_station(relay)]));
    pole
}

#[test]
fn a_relay_sounds_in_its_window_and_ends_hard_with_it() {
    let mut pole = Pole::listening(&[]);
    pole.hears_programme(&programme(area(), 1, vec![relay("vov", 60, 20)]));
    pole.hears_speech("vov", 0, 60_000, 85_000, |_| false);
    assert_eq!(pole.heard(), [("vov".into(), 60.0, 80.0, 0.0)]);
    assert_eq!(pole.outcomes("vov"), [Outcome::Completed]);
    assert_eq!(pole.given()[0], 0, "the first words, too");
}

#[test]
fn a_pole_that_learns_the_time_after_the_first_packets_joins_the_daily_relay() {
    let mut pole = Pole::listening(&[]);
    let vov = daily(relay("vov", 60, 40), 60);
    pole.hears_programme(&programme(area(), 1, vec![vov]));
    pole.run_to(30);
    let mut pole = Pole::untrusted_after(pole, 41);
    pole.system_us -= 7_200_000_000;
    pole.input(Input::Connected);
    // By the true time; the machine shows two hours before.
    let truth_ms = |pole: &Pole| pole.reading().system.since_us(t(-7_200)) / 1_000;
    for n in 0..25 {
        let ms = truth_ms(&pole);
        pole.hears_packet("vov", &packet(500 + 2 * n, ms - 40));
        pole.run_until(pole.mono_us + 40_000);
    }
    assert_eq!(pole.sounding(), None);
    let office = t(0).plus_ms(truth_ms(&pole));
    pole.hears_the_time(office);
    for n in 25..100 {
        let ms = truth_ms(&pole);
        pole.hears_packet("vov", &packet(500 + 2 * n, ms - 40));
        pole.run_until(pole.mono_us + 40_000);
    }
    assert_eq!(pole.sounding(), Some("vov".into()));
}

#[test]
fn a_relay_without_a_line_is_silence_and_says_so() {
    let mut pole = Pole::listening(&[]);
    pole.hears_programme(&programme(area(), 1, vec![relay("vov", 60, 20)]));
    pole.input(Input::Disconnected);
    pole.run_to(90);
    assert_eq!(pole.heard(), []);
    assert_eq!(pole.outcomes("vov"), [Outcome::Missed(Miss::NoStream)]);
}

#[test]
fn a_relay_begins_anew_every_day_and_yesterdays_packets_do_not_sound() {
    let mut pole = Pole::listening(&[]);
    let vov = daily(relay("vov", 60, 20), 60);
    pole.hears_programme(&programme(area(), 1, vec![vov]));
    pole.hears_speech("vov", 0, 60_000, 79_960, |_| false);
    pole.run_to(86_400 + 59);
    let first_day = pole.given().len();
    for i in 0..400 {
        pole.hears_packet("vov", &packet(2 * i, 60_000 + i64::from(i) * 40));
    }
    assert_eq!(pole.given().len(), first_day);
    pole.hears_speech("vov", 0, 86_460_000, 86_479_960, |_| false);
    pole.run_to(86_500);
    assert_eq!(pole.given().len(), 2 * first_day);
    assert_eq!(pole.outcomes("vov"), [Outcome::Completed; 2]);
}

#[test]
fn the_communes_own_word_cuts_a_relay_which_goes_on_at_the_present_place() {
    let mut pole = Pole::listening(&[at_priority("news", 70)]);
    let all = vec![relay("vov", 60, 120), at_priority("news", 70)];
    pole.hears_programme(&programme(area(), 1, all));
    pole.hears_speech("vov", 0, 60_000, 185_000, |_| false);
    let heard = pole.heard();
    assert_eq!(heard[0], ("vov".into(), 60.0, 70.0, 0.0));
    assert_eq!(heard[1], ("news".into(), 70.0, 100.0, 0.0));
    assert_eq!(heard[2], ("vov".into(), 100.0, 180.0, 40.0));
    assert_eq!(pole.outcomes("vov"), [Outcome::Completed]);
}

#[test]
fn a_pole_with_a_good_line_fetches_the_station_itself_and_looks_at_no_packet() {
    let mut pole = fetching(relay("vov", 60, 20));
    pole.hears_speech("vov", 0, 60_000, 85_000, |_| false);
    assert_eq!(sources(&pole), ["station"]);
    assert_eq!(pole.outcomes("vov"), [Outcome::Completed]);
    assert!(pole.given().len() <= 1, "{:?}", pole.given());
}

#[test]
fn a_pole_that_cannot_have_the_station_takes_the_offices_packets() {
    let mut pole = fetching(daily(relay("vov", 60, 20), 60));
    pole.player.station_is_away = true;
    pole.hears_speech("vov", 0, 60_000, 85_000, |_| false);
    assert_eq!(sources(&pole), ["station", "packets"]);
    assert_eq!(pole.outcomes("vov"), [Outcome::Completed]);
    assert_eq!(pole.faults("station"), 1);
    // Tomorrow it tries the station again.
    pole.player.station_is_away = false;
    pole.run_to(86_400 + 90);
    assert_eq!(sources(&pole), ["station", "packets", "station"]);
}

#[test]
fn a_pole_that_fetches_needs_no_office() {
    let mut pole = fetching(relay("vov", 60, 20));
    pole.input(Input::Disconnected);
    pole.run_to(90);
    assert_eq!(pole.outcomes("vov"), [Outcome::Completed]);
}

#[test]
fn a_relay_whose_packets_stop_is_starved() {
    let mut pole = Pole::listening(&[]);
    pole.hears_programme(&programme(area(), 1, vec![relay("vov", 60, 60)]));
    pole.hears_speech("vov", 0, 60_000, 80_000, |_| false);
    pole.run_to(125);
    assert_eq!(
        pole.outcomes("vov"),
        [Outcome::Interrupted(Interruption::Starved)]
    );
}

#[test]
fn a_window_right_after_another_is_heard_though_its_numbers_begin_anew() {
    let mut pole = Pole::listening(&[]);
    let vov = Bulletin {
        repeat: Repeat {
            times: 2,
            every_s: 20,
        },
        ..relay("vov", 60, 20)
    };
    pole.hears_programme(&programme(area(), 1, vec![vov]));
    // A frame that sounds at 60 s was captured 300 ms earlier.
    pole.hears_speech("vov", 0, 59_700, 79_700, |_| false);
    pole.hears_speech("vov", 0, 79_700, 82_020, |_| false);
    assert_eq!(pole.refused("stale"), 0);
    let given = pole.given().len();
    // Of the window before, not looked at lately.
    pole.hears_packet("vov", &packet(900, 77_700));
    assert_eq!((pole.given().len(), pole.refused("stale")), (given, 1));
    pole.hears_speech("vov", 116, 82_020, 99_700, |_| false);
    pole.run_to(105);
    assert_eq!(
        pole.heard(),
        [
            ("vov".into(), 60.0, 80.0, 0.0),
            ("vov".into(), 80.0, 100.0, 0.0)
        ]
    );
    assert_eq!(pole.outcomes("vov"), [Outcome::Completed; 2]);
}

#[test]
fn what_comes_while_the_row_is_made_durable_is_not_lost() {
    let mut pole = Pole::listening(&[]);
    pole.hears_programme(&programme(area(), 1, vec![relay("vov", 60, 20)]));
    pole.run_to(59);
    pole.hold_commits = true;
    pole.hears_speech("vov", 0, 59_700, 59_900, |_| false);
    assert_eq!(pole.given(), [0, 2, 4, 6, 8]);
    pole.commit_held();
    pole.hears_speech("vov", 10, 59_900, 79_700, |_| false);
    pole.run_to(82);
    assert_eq!(pole.heard(), [("vov".into(), 60.0, 80.0, 0.0)]);
    assert_eq!(pole.outcomes("vov"), [Outcome::Completed]);
}

#[test]
fn a_station_that_fails_when_the_window_is_as_good_as_over_was_heard() {
    for (s, outcome) in [
        (79, Outcome::Completed),
        (70, Outcome::Interrupted(Interruption::Starved)),
    ] {
        let mut pole = fetching(relay("vov", 60, 20));
        pole.run_to(s);
        assert_eq!(sources(&pole), ["station"]);
        pole.player.now = None;
        let failed = PlayerEvent::Ended {
            playout: pole.rows("vov")[0].id.clone(),
            piece: 0,
            at_mono_us: pole.mono_us,
            place_ms: (s as u64 - 60) * 1_000,
            how: How::Failed {
                failure: Failure::Decode,
                detail: "hung up".into(),
            },
        };
        pole.input(Input::Player(failed));
        pole.run_to(90);
        assert_eq!(pole.outcomes("vov"), [outcome], "{s}");
    }
}
