//! Sentences about live calls: when they begin, what waits for them, how they end, and what is heard of a bad line.

use loa_protocol::{
    bulletin::{Chime, OnPreempt, Source},
    clock::ClockReply,
    limits::{Governor, Limits},
    live::Streamed,
    playout::{Interruption, Miss, Outcome, Skip},
    programme::Command,
    topic::Topic,
};

use super::{live_office::*, pole::*};
use crate::logic::port::{Input, PlaySource, PlayerCommand, PlayerEvent};

/// A pole that hears at 9.3 s of a call that begins at 10 s.
fn called() -> Pole {
    let mut pole = Pole::listening(&[at("news", 5)]);
    pole.run_until(pole.mono(10) - 700_000);
    pole.hears_now(&now(2, 9, start(call("call", 10))));
    pole
}
fn plays(pole: &Pole) -> Vec<(u64, u64)> {
    let plays = pole.commands.iter().filter_map(|command| match command {
        PlayerCommand::Play(play) => Some((play.from_ms, play.start_mono_us)),
        _ => None,
    });
    plays.collect()
}

#[test]
fn a_call_begins_at_the_instant_that_the_office_said_and_not_before() {
    let mut pole = called();
    assert_eq!(pole.sounding(), None);
    pole.run_until(pole.mono(10) - 300_000);
    assert_eq!(plays(&pole), [(0, pole.mono(10))]);
    pole.run_to(10);
    assert_eq!(pole.heard()[0].1, 10.0);
    assert_eq!(pole.rows("call")[0].error_us, Some(0));
}

#[test]
fn speech_reaches_the_player_with_its_capture_by_the_poles_own_clock() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 13_300, |_| false);
    assert_eq!(pole.given(), (0..50).map(|i| 2 * i).collect::<Vec<_>>());
    let (packet, captured_us, _) = pole.player.packets[0].clone();
    assert_eq!(packet.frames.len(), 2);
    assert_eq!(captured_us, pole.mono(0) + 11_300_000);
    let play = pole.commands.iter().find_map(|command| match command {
        PlayerCommand::Play(play) => Some(play),
        _ => None,
    });
    let play = play.unwrap();
    assert!(matches!(play.source, PlaySource::Stream { delay_ms, .. } if delay_ms == DELAY_MS));
    assert_eq!(play.until_ms, 601_600);
}

#[test]
fn a_call_ends_with_its_last_packet_and_is_completed() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 20_300, |_| false);
    pole.hears_packet("call", &last(450, 20_300));
    pole.run_to(25);
    assert_eq!(pole.outcomes("call"), [Outcome::Completed]);
    assert_eq!(pole.heard(), [("call".into(), 10.0, 20.6, 0.0)]);
    assert_eq!(pole.rows("call")[0].sounded_ms, 10_600);
    pole.hears_packet("call", &packet(452, 20_400));
    assert_eq!(pole.refused("stale") + pole.refused("expired"), 0);
}

#[test]
fn a_call_whose_last_packet_is_lost_ends_by_the_word_of_its_end() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 20_000, |_| false);
    pole.hears_now(&now(3, 20, start(ended(&call("call", 10), 20))));
    pole.run_to(25);
    // Delay and 300 ms after its end.
    assert_eq!(pole.heard(), [("call".into(), 10.0, 20.6, 0.0)]);
    assert_eq!(pole.outcomes("call"), [Outcome::Completed]);
    assert_eq!(pole.story("call"), ["started", "ended"]);
}

#[test]
fn what_was_captured_after_the_end_is_not_believed() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 20_000, |_| false);
    pole.hears_now(&now(3, 20, start(ended(&call("call", 10), 20))));
    let given = pole.given().len();
    pole.hears_packet("call", &packet(1_000, 20_040));
    assert_eq!((pole.given().len(), pole.refused("expired")), (given, 1));
}

#[test]
fn a_phone_that_is_lost_leaves_nobody_interrupted_who_heard_all_that_it_sent() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 20_000, |_| false);
    // The office waits two seconds for more, and so does the player.
    pole.run_until(pole.mono(22) + 300_000);
    assert_eq!(pole.sounding(), None);
    pole.hears_now(&now(3, 22, start(ended(&call("call", 10), 22))));
    pole.run_to(30);
    assert_eq!(pole.outcomes("call"), [Outcome::Completed]);
}

#[test]
fn a_pole_that_hears_of_a_call_late_joins_at_the_present_place() {
    let mut pole = Pole::listening(&[]);
    pole.run_to(40);
    pole.hears_now(&now(2, 9, start(call("call", 10))));
    pole.run_to(41);
    assert_eq!(pole.sounding(), None, "nothing flows yet");
    pole.hears_speech("call", 1_500, 41_300, 44_300, |_| false);
    assert_eq!(pole.sounding(), Some("call".into()));
    let (from_ms, start_us) = plays(&pole)[0];
    assert_eq!(from_ms * 1_000, start_us - pole.mono(10));
    assert!((41_700..42_200).contains(&(from_ms + 10_000)), "{from_ms}");
}

#[test]
fn a_call_that_is_over_before_it_was_heard_of_was_missed_and_says_why() {
    let mut pole = Pole::listening(&[]);
    pole.run_to(60);
    pole.hears_now(&now(2, 9, start(ended(&call("call", 10), 30))));
    pole.run_to(61);
    assert_eq!(pole.outcomes("call"), [Outcome::Missed(Miss::ArrivedLate)]);
}

#[test]
fn a_call_of_which_nothing_came_is_missed_for_want_of_it() {
    let mut pole = Pole::listening(&[]);
    // The line goes while its word comes.
    pole.hears_now(&now(2, 9, start(call("call", 10))));
    pole.input(Input::Disconnected);
    pole.run_to(60);
    assert_eq!(pole.heard(), []);
    pole.input(Input::Connected);
    pole.hears_now(&now(3, 30, start(ended(&call("call", 10), 30))));
    pole.run_to(61);
    assert_eq!(pole.outcomes("call"), [Outcome::Missed(Miss::NoStream)]);
}

#[test]
fn an_office_that_vanishes_leaves_no_pole_waiting_longer_than_the_call_could_last() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 20_000, |_| false);
    pole.run_to(600);
    assert_eq!(pole.sounding(), None);
    assert_eq!(pole.outcomes("call"), []);
    pole.run_to(620);
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::Starved)]
    );
}

#[test]
fn a_starved_call_lets_the_news_go_on_and_comes_back_when_it_flows_again() {
    let mut pole = Pole::with(vec![at("news", 5)]);
    pole.input(Input::Connected);
    pole.run_to(9);
    pole.hears_now(&now(2, 9, start(call("call", 10))));
    pole.hears_speech("call", 0, 11_300, 14_000, |_| false);
    assert_eq!(pole.sounding(), Some("call".into()));
    pole.run_to(17);
    assert_eq!(pole.sounding(), Some("news".into()));
    pole.hears_speech("call", 400, 19_300, 22_300, |_| false);
    assert_eq!(pole.sounding(), Some("call".into()));
    assert_eq!(pole.rows("call")[0].cuts, 1);
    pole.hears_packet("call", &last(550, 22_300));
    pole.run_to(60);
    assert_eq!(pole.outcomes("call"), [Outcome::Completed]);
    assert_eq!(pole.outcomes("news"), [Outcome::Completed]);
    assert_eq!(
        pole.story("call"),
        ["started", "suspended", "started", "ended"]
    );
}

#[test]
fn a_line_that_brings_a_third_too_little_is_left_until_the_call_is_over() {
    let mut pole = called();
    let filter = Topic::live_filter(&area());
    assert!(pole.subscribed.contains(&filter));
    pole.hears_speech("call", 0, 11_300, 21_300, |i| i % 5 < 2);
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::Starved)]
    );
    assert!(!pole.subscribed.contains(&filter));
    assert_eq!(pole.sounding(), None);
    pole.input(Input::Disconnected);
    pole.subscribed.clear();
    pole.input(Input::Connected);
    assert!(
        !pole.subscribed.contains(&filter),
        "a new line changes nothing"
    );
    pole.hears_now(&now(3, 30, start(ended(&call("call", 10), 30))));
    pole.run_to(31);
    assert!(pole.subscribed.contains(&filter));
}

#[test]
fn a_line_that_brings_a_quarter_too_little_is_kept() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 41_300, |i| i % 4 == 0);
    assert_eq!(pole.sounding(), Some("call".into()));
}

#[test]
fn a_line_that_stalls_once_for_a_second_and_a_half_is_kept() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 41_300, |i| (200..237).contains(&i));
    assert_eq!(pole.rows("call")[0].cuts, 0);
    assert_eq!(pole.sounding(), Some("call".into()));
}

#[test]
fn a_call_that_starves_again_and_again_is_left() {
    let mut pole = called();
    let mut from_ms = 11_300;
    for turn in 0..6 {
        pole.hears_speech("call", turn * 1_000, from_ms, from_ms + 2_000, |_| false);
        from_ms += 6_000;
    }
    pole.run_to(60);
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::Starved)]
    );
    assert_eq!(pole.rows("call")[0].cuts, 3);
}

#[test]
fn an_alarm_cuts_a_call_which_goes_on_at_the_present_place() {
    let mut pole = Pole::listening(&[emergency_now("flood", 15)]);
    pole.run_to(9);
    pole.hears_now(&now(2, 9, start(call("call", 10))));
    pole.hears_speech("call", 0, 11_300, 15_000, |_| false);
    pole.hears_now(&now(3, 15, start(emergency_now("flood", 15))));
    assert_eq!(pole.sounding(), Some("flood".into()));
    let given = pole.given().len();
    pole.hears_speech("call", 185, 15_000, 48_000, |_| false);
    assert_eq!(pole.sounding(), Some("call".into()));
    let (title, from, _, place) = pole.heard().pop().unwrap();
    assert_eq!(title, "call");
    assert!((place - (from - 10.0)).abs() < 0.01, "{from} {place}");
    assert!(
        pole.given().len() < given + 90,
        "what came meanwhile was not for the player"
    );
    assert_eq!(pole.outcomes("flood"), [Outcome::Completed]);
}

#[test]
fn a_call_that_is_to_be_dropped_when_cut_is_dropped_but_not_for_a_stall() {
    let mut pole = Pole::listening(&[emergency_now("flood", 25)]);
    pole.run_to(9);
    let dropped = loa_protocol::bulletin::Bulletin {
        on_preempt: OnPreempt::Drop,
        ..call("call", 10)
    };
    pole.hears_now(&now(2, 9, start(dropped)));
    pole.hears_speech("call", 0, 11_300, 13_000, |_| false);
    pole.run_to(18);
    pole.hears_speech("call", 350, 18_300, 24_000, |_| false);
    assert_eq!(pole.sounding(), Some("call".into()));
    pole.hears_now(&now(3, 25, start(emergency_now("flood", 25))));
    assert_eq!(pole.outcomes("call"), [Outcome::PreEmpted]);
}

#[test]
fn a_stopped_or_cancelled_call_ends_at_once() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 15_000, |_| false);
    pole.hears_now(&now(3, 15, Command::Stop { before: t(15) }));
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::Stopped)]
    );
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 15_000, |_| false);
    let cancel = Command::Cancel {
        bulletin: "call".parse().unwrap(),
    };
    pole.hears_now(&now(3, 15, cancel));
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::Cancelled)]
    );
    let given = pole.given().len();
    pole.hears_packet("call", &packet(900, 15_100));
    assert_eq!(pole.given().len(), given);
    assert_eq!(pole.refused("wrong_scope"), 1);
}

#[test]
fn the_governor_binds_what_is_said_live() {
    let governor = Governor {
        limits: Limits {
            hour_minutes: Some(1),
            ..Limits::default()
        },
        ..Governor::default()
    };
    let mut pole = called();
    pole.agent.governed.own = governor;
    pole.hears_speech("call", 0, 11_300, 90_000, |_| false);
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::Limit)]
    );
    assert_eq!(pole.heard(), [("call".into(), 10.0, 70.0, 0.0)]);
}

#[test]
fn a_call_before_quiet_hours_begins_when_a_minute_is_left_and_ends_with_them() {
    let ten_at_night = 10 * 3_600;
    let mut pole = Pole::listening(&[]);
    pole.run_to(ten_at_night - 300);
    pole.hears_now(&now(2, 9, start(call("call", ten_at_night - 299))));
    let ms = i64::from(ten_at_night as i32) * 1_000;
    pole.hears_speech("call", 0, ms - 297_000, ms + 2_000, |_| false);
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::QuietHours)]
    );
    pole.hears_now(&now(3, 9, start(call("late", ten_at_night + 10))));
    pole.run_to(ten_at_night + 20);
    assert_eq!(pole.outcomes("late"), [Outcome::Skipped(Skip::QuietHours)]);
}

#[test]
fn a_call_that_was_held_back_does_not_sound_where_nobody_knows_the_time() {
    let mut pole = Pole::untrusted(Default::default(), 64 << 20);
    pole.hears_config(&config(1));
    pole.input(Input::Connected);
    // It thinks that it is an hour earlier.
    pole.run_to(4);
    pole.hears_now(&now(2, 3, start(call("call", 3_604))));
    pole.hears_packet("call", &packet(0, 3_605_300));
    pole.run_to(6);
    assert_eq!((pole.sounding(), pole.given().len()), (None, 0));
    // As soon as the office's time is known it is joined where it is.
    pole.hears_the_time(t(3_606));
    for i in 0..50u32 {
        pole.run_until(pole.mono(6) + u64::from(i) * 40_000 + u64::from(i % 3) * 10_000);
        pole.hears_packet("call", &packet(2 * i + 40, 3_606_000 + i64::from(i) * 40));
    }
    assert_eq!(pole.sounding(), Some("call".into()));
    assert!(pole.given().len() >= 45);
    let (_, captured_us, _) = *pole.player.packets.last().unwrap();
    assert!(captured_us.abs_diff(pole.mono(6) + 49 * 40_000) < 1_000);
}

#[test]
fn an_office_whose_clock_is_not_the_poles_is_heard_by_the_offices() {
    let mut pole = Pole::listening(&[]);
    pole.run_to(5);
    // The office is 20 s ahead; an exchange says so.
    let request: loa_protocol::clock::ClockRequest = pole
        .last_published(|t| matches!(t, Topic::Clock(_)))
        .unwrap();
    let speaker: loa_protocol::id::SpeakerId = SPEAKER.parse().unwrap();
    pole.hears(
        Topic::ClockReply(speaker.clone()),
        &ClockReply {
            speaker,
            nonce: request.nonce,
            received: t(25),
            sent: t(25),
        },
    );
    pole.hears_now(&now(2, 25, start(call("call", 27))));
    pole.run_to(7);
    assert_eq!(pole.heard()[0].1, 7.0);
    for i in 0..25u32 {
        pole.run_until(pole.mono(8) + 360_000 + u64::from(i) * 40_000);
        pole.hears_packet("call", &packet(2 * i, 28_300 + i64::from(i) * 40));
    }
    assert_eq!(pole.given().len(), 25);
    assert_eq!(pole.player.packets[0].1, pole.mono(8) + 300_000);
}

#[test]
fn the_status_tells_every_five_seconds_how_a_stream_fares_and_the_ledger_keeps_it() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 13_300, |_| false);
    let id = pole.rows("call")[0].id.clone();
    let streamed = Streamed {
        frames: 100,
        delay_p50_ms: 310,
        ..Streamed::default()
    };
    let event = PlayerEvent::Streams {
        playout: id,
        piece: 0,
        at_mono_us: pole.mono_us,
        streamed: streamed.clone(),
    };
    pole.input(Input::Player(event));
    pole.published.clear();
    pole.hears_speech("call", 100, 13_300, 30_300, |_| false);
    let told = pole
        .published
        .iter()
        .filter(|(t, _)| matches!(t, Topic::Status(_)));
    assert!((3..=4).contains(&told.count()));
    let sounding = pole.status().sounding.unwrap();
    assert_eq!(sounding.streamed.as_deref(), Some(&streamed));
    pole.hears_packet("call", &last(950, 30_300));
    pole.run_to(40);
    let row = pole.rows("call").remove(0);
    assert_eq!(row.streamed.as_deref(), Some(&streamed));
}

#[test]
fn a_pole_that_is_in_two_channels_of_a_call_plays_each_packet_once_and_complains_of_none() {
    let mut pole = called();
    let own_now = loa_protocol::programme::Now {
        channel: own(),
        ..now(2, 9, start(call("call", 10)))
    };
    pole.hears_now(&own_now);
    for i in 0..50u32 {
        pole.run_until(pole.mono(11) + 360_000 + u64::from(i) * 40_000);
        let bytes = sealed(&packet(2 * i, 11_300 + i64::from(i) * 40), "call");
        pole.hears_bytes(Topic::Live(area(), "call".parse().unwrap()), bytes.clone());
        pole.hears_bytes(Topic::Live(own(), "call".parse().unwrap()), bytes);
    }
    assert_eq!(pole.given().len(), 50);
    assert_eq!(pole.status().refused, Default::default());
}

#[test]
fn a_power_cut_in_a_call_is_told_and_an_alarm_said_live_is_joined_again() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 15_000, |_| false);
    let mut pole = pole.loses_power(5);
    pole.input(Input::Connected);
    pole.hears_speech("call", 500, 22_000, 24_000, |_| false);
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::PowerCut)]
    );

    let mut pole = Pole::listening(&[]);
    let mut alarm = emergency_now("flood", 10);
    alarm.source = Source::Stream(stream(loa_protocol::live::StreamKind::Live, 600));
    alarm.chime = Chime::Alert;
    pole.run_to(9);
    pole.hears_now(&now(2, 9, start(alarm)));
    pole.hears_speech("flood", 0, 11_700, 15_000, |_| false);
    let mut pole = pole.loses_power(5);
    pole.input(Input::Connected);
    pole.hears_speech("flood", 500, 22_000, 24_000, |_| false);
    assert_eq!(pole.sounding(), Some("flood".into()));
    assert!(plays(&pole)[0].0 > 11_000, "not from its beginning");
}

#[test]
fn a_phone_that_stalls_now_and_then_for_almost_two_seconds_is_kept() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 61_300, |i| {
        (200..245).contains(&i) || (400..445).contains(&i)
    });
    assert_eq!(pole.rows("call")[0].cuts, 0);
    assert_eq!(pole.sounding(), Some("call".into()));
}

#[test]
fn a_line_that_only_drips_is_left() {
    let mut pole = called();
    // Never silent for two seconds.
    pole.hears_speech("call", 0, 11_300, 26_300, |i| i % 30 != 0);
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::Starved)]
    );
}

#[test]
fn a_call_that_is_cut_once_in_a_while_is_not_left() {
    let mut pole = called();
    for turn in 0..5_u32 {
        let from_ms = 11_300 + i64::from(turn) * 70_000;
        pole.hears_speech("call", turn * 3_500, from_ms, from_ms + 66_000, |_| false);
    }
    assert_eq!(pole.rows("call")[0].cuts, 4);
    assert_eq!(pole.sounding(), Some("call".into()));
}

#[test]
fn the_silence_before_a_call_is_given_up_was_not_heard() {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 13_300, |_| false);
    pole.run_to(30);
    let (_, from, to, _) = pole.heard().remove(0);
    assert!(to - from > 5.0, "{from} {to}");
    // What was captured until 13.3 s sounds until 13.6 s.
    assert_eq!(pole.rows("call")[0].sounded_ms, 3_600);
}

#[test]
fn a_short_call_that_was_not_heard_is_not_completed_and_its_recording_is_owed() {
    let again = replay("again", "call", 13, 2);
    let mut pole = Pole::listening(std::slice::from_ref(&again));
    pole.run_to(9);
    pole.hears_now(&now(2, 9, start(call("call", 10))));
    pole.run_to(12);
    pole.hears_now(&now(3, 12, start(ended(&call("call", 10), 12))));
    pole.run_to(13);
    assert_eq!(
        pole.outcomes("call"),
        [Outcome::Interrupted(Interruption::Starved)]
    );
    assert_eq!(pole.rows("call")[0].sounded_ms, 1_600, "its chime");
    pole.hears_now(&now(4, 13, start(again)));
    pole.run_to(60);
    assert_eq!(pole.outcomes("again"), [Outcome::Completed]);
}

/// A pole that left a call at about 20 s.
fn left() -> (Pole, String) {
    let mut pole = called();
    pole.hears_speech("call", 0, 11_300, 21_300, |i| i % 5 < 2);
    let filter = Topic::live_filter(&area());
    assert!(!pole.subscribed.contains(&filter));
    (pole, filter)
}

#[test]
fn a_pole_that_left_a_call_hears_the_next_one_on_its_channel() {
    let (mut pole, filter) = left();
    pole.run_to(22);
    pole.hears_now(&now(3, 22, start(call("other", 23))));
    assert!(pole.subscribed.contains(&filter));
    pole.hears_speech("other", 0, 24_300, 30_000, |_| false);
    pole.hears_packet("other", &last(284, 29_980));
    pole.run_to(32);
    assert_eq!(pole.outcomes("other"), [Outcome::Completed]);
    assert!(
        !pole.subscribed.contains(&filter),
        "the first one goes on, and is not heard here"
    );
    pole.run_to(40);
    pole.hears_now(&now(4, 40, start(ended(&call("call", 10), 40))));
    pole.run_to(41);
    assert!(pole.subscribed.contains(&filter));
}

#[test]
fn a_stream_that_is_planned_for_later_is_listened_for_when_its_time_comes() {
    let (mut pole, filter) = left();
    let all = vec![call("call", 10), relay("vov", 60, 20)];
    pole.hears_programme(&programme(area(), 5, all));
    pole.run_to(50);
    assert!(!pole.subscribed.contains(&filter));
    pole.run_to(58);
    assert!(pole.subscribed.contains(&filter));
    // A new line changes nothing.
    pole.input(Input::Disconnected);
    pole.subscribed.clear();
    pole.input(Input::Connected);
    assert!(pole.subscribed.contains(&filter));
    pole.hears_speech("vov", 0, 60_000, 80_000, |_| false);
    assert_eq!(pole.outcomes("vov"), [Outcome::Completed]);
}
