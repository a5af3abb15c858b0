//! A broker that lies about packets: what reaches the player is genuine, fresh, and comes once.

use loa_protocol::{live::Packet, topic::Topic};

use super::{live_office::*, pole::*};
use crate::logic::flow::MAX_PACKETS_PER_S;

fn called() -> Pole {
    let mut pole = Pole::listening(&[]);
    pole.run_to(9);
    let all = vec![call("call", 10)];
    pole.hears_programme(&programme(area(), 2, all));
    pole.run_to(12);
    pole
}
fn live(name: &str) -> Topic {
    Topic::Live(area(), name.parse().unwrap())
}

#[test]
fn a_forged_packet_does_not_reach_the_player() {
    let mut pole = called();
    let genuine = packet(0, 11_950);
    let stranger = genuine.seal(&"call".parse().unwrap(), &key(1)).unwrap();
    pole.hears_bytes(live("call"), stranger);
    // Of another bulletin, by the right key.
    pole.hears_bytes(live("call"), sealed(&genuine, "other"));
    let bytes = sealed(&genuine, "call");
    for place in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        pole.hears_bytes(live("call"), bytes);
        if place % 100 == 99 {
            pole.run_s(1);
        }
    }
    for length in 0..20 {
        pole.hears_bytes(live("call"), bytes[..length].to_vec());
    }
    assert!(pole.given().is_empty());
    assert!(pole.refused("not_signed") > 100);
}

#[test]
fn a_packet_on_another_channel_or_of_an_unknown_stream_is_not_looked_at() {
    let mut pole = called();
    let bytes = sealed(&packet(0, 11_950), "call");
    // The pole's own channel says nothing of this call.
    pole.hears_bytes(Topic::Live(own(), "call".parse().unwrap()), bytes.clone());
    pole.hears_bytes(live("other"), bytes.clone());
    let elsewhere = Topic::Live("area.elsewhere".parse().unwrap(), "call".parse().unwrap());
    pole.hears_bytes(elsewhere, bytes.clone());
    assert_eq!((pole.given(), pole.refused("wrong_scope")), (vec![], 3));
    pole.hears_bytes(live("call"), bytes);
    assert_eq!(pole.given(), [0]);
}

#[test]
fn a_packet_comes_once_and_a_little_out_of_order_at_most() {
    let mut pole = called();
    let say = |pole: &mut Pole, number: u32| {
        let packet = packet(number, 11_500 + i64::from(number) * 20);
        pole.hears_packet("call", &packet);
    };
    for number in [0, 4, 2, 20, 18, 4, 0, 20, 6, 2] {
        say(&mut pole, number);
    }
    assert_eq!(pole.given(), [0, 4, 2, 20, 18, 6]);
    assert_eq!(pole.refused("stale"), 4);
    say(&mut pole, 40);
    // More than eight packets behind.
    say(&mut pole, 22);
    assert_eq!(pole.given().last(), Some(&40));
}

#[test]
fn a_packet_is_believed_for_ten_seconds_and_sounds_in_its_place_or_not_at_all() {
    let mut pole = called();
    pole.hears_speech("call", 0, 12_300, 30_000, |_| false);
    let given = pole.given().len();
    pole.hears_packet("call", &packet(2_000, 19_990));
    assert_eq!((pole.given().len(), pole.refused("stale")), (given, 1));
    // Believed, counted as late, and of no use to the player.
    pole.hears_packet("call", &packet(2_002, 25_000));
    assert_eq!((pole.given().len(), pole.refused("stale")), (given, 1));
    pole.hears_packet("call", &packet(2_004, 29_900));
    assert_eq!(pole.given().last(), Some(&2_004));
    pole.hears_packet("call", &packet(2_006, 32_100));
    assert_eq!((pole.given().len(), pole.refused("stale")), (given + 1, 2));
}

#[test]
fn a_flood_costs_no_more_signatures_than_a_stream_may_have_and_the_next_second_is_heard() {
    let mut pole = called();
    let stranger = packet(0, 11_950)
        .seal(&"call".parse().unwrap(), &key(1))
        .unwrap();
    for _ in 0..10_000 {
        pole.hears_bytes(live("call"), stranger.clone());
    }
    assert_eq!(pole.refused("not_signed"), u64::from(MAX_PACKETS_PER_S));
    assert_eq!(pole.refused("flood"), 10_000 - u64::from(MAX_PACKETS_PER_S));
    pole.run_s(1);
    pole.hears_packet("call", &packet(2, 12_950));
    assert_eq!(pole.given(), [2]);
}

#[test]
fn an_earlier_call_of_the_day_is_not_heard_in_this_one() {
    let mut pole = Pole::listening(&[]);
    pole.run_to(9);
    pole.hears_now(&now(2, 9, start(call("first", 10))));
    pole.hears_speech("first", 0, 11_300, 14_000, |_| false);
    let first = pole.given().len();
    let both = vec![ended(&call("first", 10), 14), call("second", 20)];
    pole.hears_programme(&programme(area(), 3, both));
    pole.run_to(21);
    let old: Vec<Packet> = pole.player.packets.iter().map(|p| p.0.clone()).collect();
    for packet in old {
        pole.hears_bytes(live("second"), sealed(&packet, "first"));
        pole.hears_bytes(live("first"), sealed(&packet, "first"));
    }
    assert_eq!(pole.given().len(), first);
}
