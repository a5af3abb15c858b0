use super::*;

const BEGIN: WallTime = WallTime::from_micros(1_800_000_000_000_000);

fn at(ms: i64) -> WallTime {
    BEGIN.plus_us(ms * 1_000)
}

fn window(minutes: u64) -> Window {
    let occurrence = OccurrenceId {
        bulletin: BulletinId::new("b1").expect("an id"),
        date: jiff::civil::date(2027, 1, 15),
        index: 0,
        repeat: 0,
    };
    Window::new(occurrence, BEGIN, 1_500, 1_500, minutes * 60_000)
}

fn silence() -> Frame {
    Box::new([0.0; FRAME_SAMPLES])
}

/// A station that gives exactly as much as is sent, while `up` says so. What was sent, and how it stood, in each second.
fn hour(has_fallback: bool, up: impl Fn(i64) -> bool) -> Vec<(Sends, RelayState)> {
    let mut relay = Relay::new(window(60), has_fallback, at(-20_000));
    let mut cushion = Cushion::default();
    let (mut connected, mut seconds) = (false, Vec::new());
    let mut ms = -20_000;
    while !relay.is_over() {
        let now = at(ms);
        match relay.tick(cushion.ms(), now) {
            Some(Act::Connect) if up(ms / 1_000) => {
                connected = true;
                // What a station sends in advance.
                for _ in 0..100 {
                    cushion.push(silence(), relay.sends(now) == Sends::Station);
                }
            }
            Some(Act::Connect) => relay.gone("unreachable", now),
            Some(Act::HangUp) => connected = false,
            None => {}
        }
        if connected && !up(ms / 1_000) {
            connected = false;
            relay.gone("ended", now);
        }
        if connected {
            relay.heard(now);
            cushion.push(silence(), relay.sends(now) == Sends::Station);
        }
        if relay.sends(now) == Sends::Station {
            cushion.pop();
        }
        if ms % 1_000 == 0 && ms >= 0 {
            let stands = relay.stands(now).0;
            seconds.push((relay.sends(now), stands));
        }
        ms += 20;
    }
    assert!(
        !connected,
        "the window is over and the station still comes in"
    );
    seconds
}

#[test]
fn a_relay_begins_on_time_and_ends_with_its_window() {
    let seconds = hour(false, |_| true);
    assert_eq!(seconds.len(), 3_601);
    assert!(
        seconds[..3_600]
            .iter()
            .all(|s| *s == (Sends::Station, RelayState::OnAir))
    );
    assert_eq!(seconds[3_600], (Sends::Nothing, RelayState::Over));
}

#[test]
fn a_cut_of_a_second_is_not_heard() {
    let seconds = hour(false, |s| s != 100);
    assert!(seconds[..3_600].iter().all(|s| s.0 == Sends::Station));
}

#[test]
fn a_station_that_is_away_is_stood_in_for_and_comes_back() {
    let seconds = hour(true, |s| !(100..160).contains(&s));
    let first = seconds.iter().position(|s| s.0 == Sends::Fallback);
    let first = first.expect("what stands in for it");
    // Three seconds of cushion, three of patience.
    assert!((104..=108).contains(&first), "{first}");
    assert_eq!(seconds[first].1, RelayState::Fallback);
    let back = seconds[first..].iter().position(|s| s.0 == Sends::Station);
    let back = first + back.expect("it is back");
    // Tried at least every fifteen seconds.
    assert!((160..=178).contains(&back), "{back}");
    let silent = hour(false, |s| !(100..160).contains(&s));
    assert_eq!(silent[first], (Sends::Nothing, RelayState::Silent));
}

#[test]
fn a_station_that_never_answers_is_told_from_one_that_is_waited_for() {
    let mut relay = Relay::new(window(1), false, at(-60_000));
    assert_eq!(relay.tick(0, at(-60_000)), None);
    assert_eq!(relay.stands(at(-60_000)).0, RelayState::Waiting);
    assert_eq!(relay.tick(0, at(-10_000)), Some(Act::Connect));
    assert_eq!(relay.stands(at(-10_000)).0, RelayState::Connecting);
    let mut tries = Vec::new();
    relay.gone("unreachable", at(-10_000));
    for ms in (-10_000..60_000).step_by(20) {
        if relay.tick(0, at(ms)) == Some(Act::Connect) {
            tries.push(ms / 1_000);
            relay.gone("unreachable", at(ms));
        }
    }
    assert_eq!(tries, [-9, -7, -3, 5, 20, 35, 50]);
    assert_eq!(relay.stands(at(59_000)).0, RelayState::Silent);
    assert_eq!(relay.detail(), Some("unreachable"));
}

#[test]
fn a_connection_that_says_nothing_is_begun_anew() {
    let mut relay = Relay::new(window(60), false, at(0));
    assert_eq!(relay.tick(0, at(0)), Some(Act::Connect));
    relay.heard(at(1_000));
    assert_eq!(relay.tick(0, at(6_900)), None);
    assert_eq!(relay.tick(0, at(7_000)), Some(Act::HangUp));
    assert_eq!(relay.detail(), Some("stalled"));
    assert_eq!(relay.tick(0, at(8_000)), Some(Act::Connect));
    // And one that begins and never comes to anything, too.
    assert_eq!(relay.tick(0, at(23_000)), Some(Act::HangUp));
    assert_eq!(relay.tick(0, at(25_000)), Some(Act::Connect));
}

#[test]
fn whatever_a_station_sends_in_advance_it_does_not_come_later_and_later() {
    let mut cushion = Cushion::default();
    for n in 0..100_000 {
        // Twice as fast as it sounds.
        cushion.push(silence(), n > 50_000);
        assert!(cushion.ms() <= MOST_MS);
        if n % 2 == 0 {
            cushion.pop();
        }
    }
    assert!(cushion.dropped() > 40_000);
}

#[test]
fn chime_and_delay_have_their_place_in_the_window() {
    let occurrence = window(1).occurrence;
    let window = Window::new(occurrence, BEGIN, 1_600, DELAY_MS, 60_000);
    assert_eq!((window.begin, window.end), (at(100), at(60_100)));
    assert!(!window.is_on(at(-9_901)) && window.is_on(at(-9_900)));
    assert!(window.is_on(at(60_099)) && !window.is_on(at(60_100)));
    assert_eq!(window.number(at(100)), 0);
    assert_eq!(window.number(at(1_100)), 50);
}

#[test]
fn whichever_way_the_clock_is_set_sending_goes_on_at_the_present() {
    let window = window(60);
    for (due, now, goes_on) in [
        (0, -10_000, 0),
        (10_000, 10_990, 10_000),
        (10_000, 20_010, 20_000),
        (20_000, 19_100, 20_000),
        (20_000, 10_010, 10_000),
        (20_000, -5_000, 0),
    ] {
        assert_eq!(window.due(at(due), at(now)), at(goes_on), "{due} at {now}");
    }
}

#[test]
fn a_clock_that_is_set_back_keeps_nobody_waiting_for_what_has_been() {
    let mut relay = Relay::new(window(60), true, at(0));
    assert_eq!(relay.tick(ENOUGH_MS, at(599_000)), Some(Act::Connect));
    assert_eq!(relay.stands(at(599_000)).0, RelayState::OnAir);
    relay.gone("ended", at(599_500));
    assert_eq!(relay.tick(0, at(600_000)), None);
    // Five minutes.
    assert_eq!(relay.tick(0, at(300_000)), None);
    assert_eq!(relay.stands(at(300_000)).1, at(300_000));
    assert_eq!(relay.tick(0, at(303_000)), None);
    assert_eq!(relay.sends(at(303_000)), Sends::Fallback);
    assert_eq!(relay.tick(0, at(315_000)), Some(Act::Connect));
    relay.heard(at(316_000));
    assert_eq!(relay.tick(0, at(100_000)), None);
    assert_eq!(relay.tick(0, at(106_000)), Some(Act::HangUp));
}
