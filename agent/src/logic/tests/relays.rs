//! Sentences about relays: another station's programme in its window.

use loa_protocol::{
    bulletin::{Bulletin, Source},
    playout::{Interruption, Miss, Outcome},
};

use super::{live_office::*, pole::*};
use crate::logic::port::{Input, PlaySource, PlayerCommand};

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
